"""Rules of style that reviewers would otherwise have to repeat."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FILES = sorted(path for path in HERE.rglob("test_*.py"))
ROOT = HERE.parent
PHRASES = (
    r"(?<!there\s)(?:is|are|was|were) no(?! longer)",
    r"(?:be)?(?:came|comes) of",
    r"go(?:es)? on",
    r"mend(?:s|ed|ing)?",
    r"otherwise(?=[.;\"])",
    *("anew", "as it stands", "at hand", "at will", "by hand", "by itself", "by themselves", "for ever"),
    *("for up(?! to)", "in vain", "likewise", "no more(?! than)", "nobody", "of before", "of ours", "our own"),
    *("remaining life", "somebody", "stands still", "thereby", "told", "under way", "went on", "went through"),
    "whoever",
)
"""Phrases that read as a translation. There is a plain one for each, such as "unknown", "started" or "resumes"."""

_GAP = r"""(?:[\s#]|["']\s*[a-z]?["'])+"""
"""What may be between two words: a line break within a docstring, a comment or a message."""
_ALTERNATIVES = "|".join(PHRASES).replace(" ", _GAP)
BANNED = re.compile(rf"(?<![`{{])(?!(?<=[\"'])\w+[\"'])\b(?:{_ALTERNATIVES})\b", re.IGNORECASE)
OPENINGS = re.compile(r'"""(?:The same|Its|Likewise|As of|What (?:is|was))\b')
BANNED_NAMES = frozenset(
    "answered anew asked by_hand caught course deed dice ended found given heard kept lent made noted odd ran remark "
    "said taken talk told took wanted whoever wish".split()
)
"""Verbs as names of values. There is a noun for each, such as ``live``, ``desired``, ``result`` or ``expected``."""
RECORDED = HERE / "data"
TEXT_FILES = (".py", ".md", ".json")
MARKDOWN_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


PACKAGE = {path.stem.strip("_") for path in (HERE.parent / "scyllamodel").iterdir()}
SEVERAL_ROOMS = {"complexity", "generated_text", "json_schemas", "misuse", "public_names", "secrets", "tracebacks"}
HELPERS = {path.stem for path in (HERE / "support").glob("*.py")}


def test_unit_tests_are_in_the_folder_of_what_they_test():
    """``unit/NAME/`` tests the package ``scyllamodel/NAME/``; a file in ``unit/`` tests a module or several."""
    names = {path.stem.removeprefix("test_") for path in (HERE / "unit").iterdir() if path.stem != "__pycache__"}

    assert set() == names - PACKAGE - SEVERAL_ROOMS - {"tools"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(HERE).with_suffix("").as_posix())
def test_helpers_are_imported_from_support(path):
    """Helpers are imported as ``from support.NAME import``, since a bare name is not found when the tests run."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}

    assert set() == names & HELPERS


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(HERE).with_suffix("").as_posix())
def test_every_test_states_its_claim(path):
    """Every test has a docstring, which states its claim in a sentence."""
    undocumented = [
        node.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]

    assert [] == undocumented


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(HERE).with_suffix("").as_posix())
def test_nothing_is_skipped_or_mocked(path):
    """No test is skipped, is expected to fail, or uses a mock."""
    text = path.read_text(encoding="utf-8")
    banned = (
        "pytest." + "skip",
        "mark." + "skip",
        "x" + "fail",
        "Magic" + "Mock",
        "unittest." + "mock",
        "importor" + "skip",
    )

    assert [] == [name for name in banned if name in text]


def untimed_schema_changes(tree):
    """Statements in the text of a module that change a schema without a timeout of their own."""
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and len(call.args) == 1):
            continue
        if call.func.attr in {"execute", "rows"} and "timeout" not in {keyword.arg for keyword in call.keywords}:
            text = ast.unparse(call.args[0]).lstrip("f'\"")
            if text.startswith(("CREATE ", "ALTER ", "DROP ", "TRUNCATE ")):
                yield call.lineno, text


@pytest.mark.parametrize("folder", ["live", "support", "tools"])
def test_schema_changes_have_time(folder):
    """A statement that changes a schema has a timeout of its own: ten seconds are not enough on a busy disk."""
    untimed = {
        f"{path.name}:{line}": text
        for path in (HERE / folder).rglob("*.py")
        for line, text in untimed_schema_changes(ast.parse(path.read_text(encoding="utf-8")))
    }

    assert {} == untimed


@pytest.mark.parametrize("folder", ["scyllamodel", "tests", "benchmarks"])
def test_texts_are_plain_english(folder):
    """Docstrings, comments, messages and pages use none of the banned phrases, and a docstring stands alone."""
    paths = [path for path in (ROOT / folder).rglob("*") if path.suffix in TEXT_FILES and RECORDED not in path.parents]
    paths += [ROOT / "README.md", ROOT / "noxfile.py"] if folder == "scyllamodel" else []

    assert [] == [hit for path in sorted(paths) if path != Path(__file__) for hit in _banned(path)]


@pytest.mark.parametrize("folder", ["scyllamodel", "tests", "benchmarks"])
def test_names_are_nouns_of_the_field(folder):
    """Parameters, variables and constants have no banned names; class fields may have any name."""
    paths = sorted((ROOT / folder).rglob("*.py")) + ([ROOT / "noxfile.py"] if folder == "scyllamodel" else [])

    assert [] == [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in paths
        for name, line in _value_names(ast.parse(path.read_text(encoding="utf-8")))
        if name.strip("_").lower() in BANNED_NAMES
    ]


def _value_names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Return each name that a module or function gives to a value or a parameter, with its line."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(tree, ast.ClassDef) and isinstance(node, (ast.Assign, ast.AnnAssign)):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name, node.lineno
        yield from _value_names(node)


def _banned(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        text = MARKDOWN_CODE.sub(lambda code: "\n" * code[0].count("\n"), text)
    hits = [*BANNED.finditer(text), *OPENINGS.finditer(text)]
    spans = list(_text_spans(text)) if hits and path.suffix == ".py" else [(0, len(text))]
    for hit in hits:
        if any(start <= hit.start() < end for start, end in spans):
            line = text.count("\n", 0, hit.start()) + 1
            yield f"{path.relative_to(ROOT)}:{line}: {' '.join(hit[0].split())}"


def _text_spans(source: str) -> Iterator[tuple[int, int]]:
    """Return the positions of strings and comments in a module, since names and keywords may be any word."""
    lines = [0]
    for line in source.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if tokenize.tok_name[token.type] in ("STRING", "FSTRING_MIDDLE", "COMMENT"):
            yield lines[token.start[0] - 1] + token.start[1], lines[token.end[0] - 1] + token.end[1]
