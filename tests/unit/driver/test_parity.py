"""A `Repo` and an `AsyncRepo` have the same methods: names, parameters, overloads, types and documentation."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap

import pytest

from scyllamodel import AsyncRepo, Repo
from scyllamodel.driver.data.api_base import ApiBase

SYNC_ONLY = {"aio", "from_settings"}
ASYNC_ONLY = {"from_repo", "sync"}
TWINS = {
    "SyncBatch": "AsyncBatch",
    "Iterator": "AsyncIterator",
    "Scan": "AsyncScan",
    "Generator": "AsyncGenerator",
    "Repo": "AsyncRepo",
}
"""Types of the blocking methods, and what takes their places in the awaited ones."""


def definitions(cls):
    """All definitions of each public method of a class and its bases, overloads included, in order."""
    results = {}
    for base in cls.__mro__[:-1]:
        members = {}
        for node in ast.parse(textwrap.dedent(inspect.getsource(base))).body[0].body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not node.name.startswith("_"):
                members.setdefault(node.name, []).append(node)
        results = {**members, **results}
    return results


SYNC, ASYNC = definitions(Repo), definitions(AsyncRepo)
SHARED = sorted(
    name
    for name in SYNC.keys() & ASYNC.keys()
    if vars(ApiBase).get(name) is None  # one definition serves both
)


def signature(node):
    """The parameters and return type, in terms of a blocking method."""
    text = f"({ast.unparse(node.args)}) -> {ast.unparse(node.returns)}"
    text = re.sub(r" \| AsyncIterable\[\w+(\[\w+\])?\]", "", text)  # a source may be async where the caller is
    for blocking, asynchronous in TWINS.items():
        text = re.sub(rf"\b{asynchronous}\b", blocking, text)
    return text


def test_both_have_the_same_methods():
    """Methods that only one of the classes has are about the other class or about settings."""
    public = {cls: {name for name in dir(cls) if not name.startswith("_")} for cls in (Repo, AsyncRepo)}

    assert ASYNC_ONLY == public[AsyncRepo] - public[Repo]
    assert SYNC_ONLY == public[Repo] - public[AsyncRepo]


@pytest.mark.parametrize("name", SHARED)
def test_both_take_and_give_the_same(name):
    """Every overload has a counterpart with the same parameters, defaults and types."""
    assert [signature(node) for node in SYNC[name]] == [signature(node) for node in ASYNC[name]]


@pytest.mark.parametrize("name", SHARED)
def test_the_awaited_one_refers_to_its_twin(name):
    """A method of `Repo` has the documentation, and that of `AsyncRepo` refers to it."""
    documented = ast.get_docstring(ASYNC[name][-1])

    assert ast.get_docstring(SYNC[name][-1])
    assert documented.startswith(f"See `Repo.{name}`")
