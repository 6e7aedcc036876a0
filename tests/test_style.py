"""What reviewers would say again and again, said once."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FILES = sorted(path for path in HERE.rglob("test_*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_test_states_its_claim(path):
    """A test has a docstring: the claim it makes, in a sentence."""
    silent = [
        node.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]

    assert [] == silent


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_is_skipped_or_mocked(path):
    """A test runs, against real things."""
    text = path.read_text(encoding="utf-8")
    words = (
        "pytest." + "skip",
        "mark." + "skip",
        "x" + "fail",
        "Magic" + "Mock",
        "unittest." + "mock",
        "importor" + "skip",
    )

    assert [] == [word for word in words if word in text]
