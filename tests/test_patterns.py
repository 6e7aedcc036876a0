"""Regular expressions of the package have no nested repeats, so they take no exponential time."""

from __future__ import annotations

import ast
import importlib
import re
import sys
from pathlib import Path

import pytest

import scyllamodel

ROOT = Path(scyllamodel.__file__).parent
READERS = ("compile", "match", "search", "fullmatch", "sub", "subn", "split", "findall", "finditer")
_parser = importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")


def patterns(module):
    """The line and text of each pattern of a module; the text is a literal, or made of constants of the module."""
    path = ROOT / module
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr in READERS
    ]
    name = ".".join(["scyllamodel", *Path(module).with_suffix("").parts])
    scope = vars(importlib.import_module(name)) if calls else {}
    for call in calls:
        text = eval(compile(ast.Expression(call.args[0]), module, "eval"), scope)
        flags = [argument for argument in [*call.args[1:], *call.keywords] if "VERBOSE" in ast.unparse(argument)]
        yield call.lineno, text, re.VERBOSE if flags else 0


def repeats(parsed, within=0):
    """The nesting depth of repeats in a parsed pattern; fixed counts and optional parts do not count."""
    deepest = within
    for operation, argument in parsed:
        depth = within
        if str(operation) in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
            least, most, _ = argument
            depth += most != least and most > 1
        for part in _parts(argument):
            deepest = max(deepest, repeats(part, depth))
        deepest = max(deepest, depth)
    return deepest


def _parts(argument):
    """The patterns inside an operation of a pattern."""
    if isinstance(argument, _parser.SubPattern):
        yield argument
    elif isinstance(argument, (list, tuple)):
        for part in argument:
            yield from _parts(part)


@pytest.mark.parametrize("module", sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py")))
def test_no_pattern_nests_repeats(module):
    """No pattern has a repeat inside a repeat, which could try exponentially many matches."""
    values = [(line, text) for line, text, flags in patterns(module) if repeats(_parser.parse(text, flags)) > 1]

    assert [] == values


@pytest.mark.parametrize(
    ("text", "deep"),
    [("a*b+", 1), ("(a|b+)*", 2), ("(a+)?", 1), ("(?:[0-9]{4}-){3}", 0), ("(?=(x*)+)", 2), ("(a(b*c){2,3})", 2)],
)
def test_repeats_are_counted(text, deep):
    """Nested repeats are counted through groups, branches and assertions."""
    assert deep == repeats(_parser.parse(text))
