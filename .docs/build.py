"""Builds the site of README, the guide and the API reference; any warning, and any public name without docs, fails.

``python .docs/build.py FOLDER``: the sources are prepared in ``FOLDER/source``, the site is in ``FOLDER/site``.
"""

from __future__ import annotations

import inspect
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import scyllamodel

ROOT = Path(__file__).parents[1]
PUBLIC = sorted(scyllamodel._HOME)  # noqa: SLF001 - more than __all__, which a star import takes
GUIDE = ROOT / "scyllamodel" / "guide"
PAGES = {
    "models": ("Models", """
        Model Column column partition_key clustering_key Index MaterializedView UserType TableOptions DOCSTRING
    """),
    "repos": ("Repos", "Repo AsyncRepo configured_repos QueryEvent Page BulkReport"),
    "statements": ("Statements", "select insert update delete Statement LWTResult PartialRow"),
    "schema": ("Schema and releases", """
        plan migrate migrate_all check status history inspect rollback contract baseline resolve unlock wait
        create_keyspace find_resources snapshot diff expand backfill RawStep Plan MigrationResult CheckResult
        KeyspaceResult Status Migration LedgerStep LockHolder LockUse WaitResult SchemaDiff BackfillReport
        BackfillProgress Diagnostic Event Stage
    """),
}  # fmt: skip
MODULES = {"functions": "Functions", "types": "Types"}
INDEX = """

```{{toctree}}
:hidden:
:caption: {caption}

{pages}
```
"""


def main(target: Path) -> int:
    """Build the site, and return the exit code."""
    source = target / "source"
    shutil.rmtree(target, ignore_errors=True)
    (source / "guide").mkdir(parents=True)
    (source / "api").mkdir()
    shutil.copy(Path(__file__).with_name("conf.py"), source)
    undocumented = sorted(_without_docs())
    if undocumented:
        print("Public names without a docstring:", *undocumented, sep="\n  ")
        return 1
    for name, text in _api().items():
        (source / "api" / f"{name}.rst").write_text(text, encoding="utf-8")
    for page in GUIDE.glob("*.md"):
        shutil.copy(page, source / "guide")
    (source / "guide" / "index.md").unlink()
    (source / "index.md").write_text(_home(), encoding="utf-8")
    command = ["-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", str(source), str(target / "site")]
    return subprocess.run([sys.executable, *command], check=False).returncode


def _home() -> str:
    """README, with the navigation: the parts of the guide's index, and the API reference."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").replace("](scyllamodel/guide/", "](guide/")
    parts = re.split(r"^## (.+)$", (GUIDE / "index.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    for caption, lines in zip(parts[1::2], parts[2::2], strict=True):
        text += INDEX.format(caption=caption, pages="\n".join(f"guide/{name}" for name in _linked(lines)))
    return text + INDEX.format(caption="API", pages="\n".join(f"api/{name}" for name in _api()))


def _linked(lines: str) -> list[str]:
    return re.findall(r"\((.+)\.md\)", lines)


def _api() -> dict[str, str]:
    """The pages of the API reference; every public name is on one of them."""
    chosen = {page: (title, names.split()) for page, (title, names) in PAGES.items()}
    public = PUBLIC
    chosen["asyncio"] = ("Async functions", [name for name in public if name.endswith("_async")])
    chosen["errors"] = ("Errors", [name for name in public if _is_error(name)])
    placed = [name for _, names in chosen.values() for name in names]
    chosen["schema"][1].extend(sorted(set(public) - set(placed)))
    if sorted(placed) != sorted(set(placed)) or not set(placed) <= set(public):
        raise SystemExit(f"Not public, or on two pages: {sorted({name for name in placed if name not in public})}")
    pages = {page: _page(title, names) for page, (title, names) in chosen.items() if names}
    return pages | {name: _module_page(title, name) for name, title in MODULES.items()}


def _is_error(name: str) -> bool:
    found = getattr(scyllamodel, name)
    return isinstance(found, type) and issubclass(found, Exception)


def _page(title: str, names: Iterable[str]) -> str:
    return f"{title}\n{'=' * len(title)}\n\n.. py:currentmodule:: scyllamodel\n\n" + "\n".join(map(_entry, names))


def _entry(name: str) -> str:
    found = getattr(scyllamodel, name)
    kind = "class" if isinstance(found, type) else "function" if callable(found) else "data"
    kind = "exception" if _is_error(name) else kind
    members = "   :members:\n   :inherited-members: Exception, object\n" if kind == "class" else ""
    return f".. auto{kind}:: scyllamodel.{name}\n{members}"


def _module_page(title: str, name: str) -> str:
    module = getattr(scyllamodel, name)
    lines = [_module_entry(f"scyllamodel.{name}.{each}", vars(module)[each]) for each in module.__all__]
    return f"{title}\n{'=' * len(title)}\n\n.. automodule:: scyllamodel.{name}\n\n" + "\n".join(lines)


def _module_entry(name: str, found: object) -> str:
    if inspect.isfunction(found):
        return f".. autofunction:: {name}\n"
    if inspect.isclass(found) and found.__module__.startswith("scyllamodel") and found.__doc__:
        return f".. autoclass:: {name}\n"
    return f".. py:data:: {name}\n\n   An annotation; see :doc:`/guide/types`.\n"


def _without_docs() -> Iterator[str]:
    """Every public name, and every public method of a public class, that has no docstring."""
    for name in PUBLIC:
        found = getattr(scyllamodel, name)
        if isinstance(found, type) and "scyllamodel" in found.__module__:
            if not found.__doc__:
                yield name
            yield from (f"{name}.{member}" for member in _silent_members(found))
        elif callable(found) and not inspect.getdoc(found):
            yield name


def _silent_members(found: type) -> Iterator[str]:
    for name in dir(found):
        member = inspect.getattr_static(found, name)
        is_method = inspect.isfunction(member) or isinstance(member, (property, classmethod, staticmethod))
        if is_method and not name.startswith("_") and not inspect.getdoc(getattr(found, name)):
            yield name


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]).resolve()))
