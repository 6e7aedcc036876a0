"""README and the pages of the guide: their sessions, as doctests, and the other blocks that tests run."""

from __future__ import annotations

import doctest
import re
import sys
import types
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
GUIDE = sorted((ROOT / "scyllamodel" / "guide").glob("*.md"))
PAGES = [README, *GUIDE]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
_BLOCK = re.compile(r"(<!-- live -->\n)?```pycon\n(.*?)```", re.DOTALL)


def sessions(page=README, *, live):
    """The text of a page's sessions, in order, with or without those that need a server."""
    return [text for mark, text in _BLOCK.findall(page.read_text(encoding="utf-8")) if live or not mark]


def has_live(page):
    """Whether a page has sessions that need a server."""
    return any(mark for mark, _ in _BLOCK.findall(page.read_text(encoding="utf-8")))


def blocks(page, kind):
    """The texts of a page's code blocks of this language, such as ``yaml``."""
    return re.findall(rf"```{kind}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def guide(name):
    """The path of a page of the guide."""
    return ROOT / "scyllamodel" / "guide" / f"{name}.md"


def commands(page):
    """The command lines of a page's shell blocks, each with the exit code in its comment."""
    lines = [line for text in blocks(page, "sh") for line in text.splitlines() if line.startswith("scyllamodel ")]
    return [(line.partition("#")[0].split()[1:], _exit_code(line)) for line in lines]


def _exit_code(line):
    match = re.search(r"# exit code (\d+): ", line)
    return int(match[1]) if match else 0


def run(texts, **names):
    """Run sessions one after another in one module; returns doctest's report of differences, empty for none."""
    module = types.ModuleType("readme_sessions")
    vars(module).update(names)
    sys.modules[module.__name__] = module
    report: list[str] = []
    try:
        test = doctest.DocTestParser().get_doctest("\n".join(texts), {}, "README", str(README), 0)
        test.globs = vars(module)
        doctest.DocTestRunner(optionflags=OPTIONS, verbose=False).run(test, out=report.append, clear_globs=False)
    finally:
        del sys.modules[module.__name__]
    return "".join(report)
