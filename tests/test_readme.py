"""README and the guide match the package, as far as that can be checked without a server."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest

import guide_pages
import scyllamodel
from scyllamodel.cli.definitions import COMMANDS
from scyllamodel.cli.definitions.local import CONTAINER
from scyllamodel.cli.parser import parse
from scyllamodel.testing import plugin
from support import readme

TESTS = readme.ROOT / "tests"
LINK = re.compile(r"\]\((?!https?://)([^)#\s]*)(?:#([\w-]+))?\)")


@pytest.mark.parametrize("page", readme.PAGES, ids=lambda page: page.stem)
def test_sessions_without_a_server(page):
    """Every session that needs no server prints what its page shows."""
    report = readme.run(readme.sessions(page, live=False))

    assert not report, report


def test_sessions_are_found():
    """README has a session on a server, and most pages of the guide have sessions."""
    with_sessions = [page for page in readme.GUIDE if readme.sessions(page, live=True)]

    assert readme.has_live(readme.README)
    assert len(with_sessions) > len(readme.GUIDE) / 2


def test_a_server_for_the_first_example_is_one_command():
    """README, the guide, the pytest plugin and the help of the commands show how to start a ScyllaDB in a container."""
    described = {command.name: command for command in COMMANDS}
    texts = [
        readme.README.read_text(encoding="utf-8"),
        (readme.README.parent / "scyllamodel" / "guide" / "testing.md").read_text(encoding="utf-8"),
        plugin.__doc__ or "",
        str(described["local"]),
        str(described["demo"]),
    ]

    assert [True] * len(texts) == [CONTAINER in text for text in texts]


def test_the_first_model_can_be_pasted(tmp_path):
    """The first Python block of README is a module that can be imported and passes lint."""
    (tmp_path / "pasted.py").write_text(readme.blocks(readme.README, "python")[0], encoding="utf-8")
    command = [sys.executable, "-m", "scyllamodel", "lint", "--models", "pasted"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (0, "") == (result.returncode, result.stderr)


def test_readme_is_short():
    """README has at most 1,500 words; longer explanations belong to the guide."""
    word_count = len(readme.README.read_text(encoding="utf-8").split())

    assert 1000 < word_count <= 1500


def test_generated_pages_are_current():
    """The generated pages are up to date; ``python tests/tools/guide_pages.py`` writes them."""
    outdated = [page.name for page, text in guide_pages.pages().items() if text != page.read_text(encoding="utf-8")]

    assert [] == outdated


@pytest.mark.parametrize("page", readme.PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    """Every relative link names an existing file, and an existing heading where it has a fragment."""
    text = page.read_text(encoding="utf-8")
    links = [(page.parent / name if name else page, fragment) for name, fragment in LINK.findall(_without_code(text))]

    assert [] == [str(target) for target, _ in links if not target.is_file()]
    assert [] == [fragment for target, fragment in links if fragment and fragment not in _anchors(target)]


def _without_code(text):
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def _anchors(page):
    """The fragments of a page's headings, as GitHub generates them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", readme.PAGES, ids=lambda page: page.stem)
def test_code_that_is_not_run_can_be_parsed(page):
    """Python blocks have valid syntax and import only public names of this package."""
    for text in readme.blocks(page, "python"):
        modules = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
        names = [alias.name for node in modules if node.module == "scyllamodel" for alias in node.names]

        assert [] == [name for name in names if not hasattr(scyllamodel, name)]


@pytest.mark.parametrize("page", readme.PAGES, ids=lambda page: page.stem)
def test_shell_commands_can_be_typed(page):
    """The parser accepts every command in a shell block."""
    for arguments, _ in readme.commands(page):
        assert arguments[0] == parse(COMMANDS, arguments).command.name


def test_contributing_names_files_that_exist():
    """Files and folders that contributing.md names exist in this repository."""
    text = readme.guide("contributing").read_text(encoding="utf-8")
    paths = re.findall(r"`((?:scyllamodel|tests)/[\w/.-]+)`", text)

    assert paths
    assert [] == [path for path in paths if not (readme.ROOT / path).exists()]


def test_the_map_of_the_package_names_files_that_exist():
    """Files in the package's docstring exist; one without a folder is in that of the file before it."""
    folder, missing = "", []
    paths = re.findall(r"``([\w/]+\.py)``", scyllamodel.__doc__.partition("To follow a migration")[2])
    for path in paths:
        folder, _, name = path.rpartition("/") if "/" in path else (folder, "/", path)
        missing += [] if (readme.ROOT / "scyllamodel" / folder / name).exists() else [path]

    assert [] == missing
    assert len(paths) > 13


def test_the_map_of_tests_names_files_that_exist():
    """Files in ``tests/README.md`` exist; one without a folder is in that of the file before it, or in ``tests``."""
    missing = []
    for cell in (TESTS / "README.md").read_text(encoding="utf-8").partition("## I changed")[2].split("|"):
        folder = TESTS
        for path in re.findall(r"`((?:\w+/)*test_[\w*]+\.py)`", cell):
            folder = (TESTS / path).parent if "/" in path else folder
            missing += [path] if not [*folder.glob(path.rpartition("/")[2])] else []

    assert [] == missing
