"""Modules import one another in one direction, including imports for type checkers and inside functions."""

from __future__ import annotations

from collections.abc import Mapping

from test_floors import MODULES, _imports

TWINS = [["driver.async_repo", "driver.repo"]]
"""A class and its awaited twin: each has a method that returns the other."""


def imports_by_module():
    """The modules that each module imports anywhere in its text."""
    return {module: {_module(name) for _, name in _imports(module)} - {module} for module in MODULES}


def _module(name):
    """The module of an imported name, which may be a package's."""
    return name if name in MODULES else f"{name}.__init__".lstrip(".")


def circles(graph: Mapping[str, set[str]]):
    """The groups of nodes that reach one another, sorted."""
    reach = {node: _reachable(graph, node) for node in graph}
    return sorted({tuple(sorted({node, *(other for other in reach[node] if node in reach[other])})) for node in graph})


def _reachable(graph, start):
    visited, stack = set(), [start]
    while stack:
        new = graph.get(stack.pop(), set()) - visited
        visited |= new
        stack += new
    return visited & graph.keys()


def test_a_circle_is_found():
    """Nodes that reach one another are one group; a chain is not a group."""
    graph = {"a": {"b"}, "b": {"c", "d"}, "c": {"a"}, "d": set()}

    assert [("a", "b", "c"), ("d",)] == circles(graph)


def test_modules_import_one_another_in_one_direction():
    """The only circular imports are between a class and its awaited twin."""
    assert TWINS == [list(group) for group in circles(imports_by_module()) if len(group) > 1]
