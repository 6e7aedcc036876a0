"""Columns on the class, and what their operators and methods return."""

from __future__ import annotations

import copy
import pickle

import pytest

from scyllamodel import types as cql
from scyllamodel.errors import UnknownColumn
from scyllamodel.model.base import Model
from scyllamodel.model.column import Column
from scyllamodel.model.expression import Assignment, ColumnTarget, Condition, ElementTarget, FieldTarget, Ordering
from scyllamodel.model.fields import clustering_key, column, partition_key
from scyllamodel.model.user_type import UserType


class Address(UserType):
    street: str


class Box(Model):
    id: Column[str] = partition_key()
    at: Column[int] = clustering_key(descending=True)
    name: Column[str] = column(db_name="Name")
    tags: Column[set[str]] = column(factory=set)
    lines: Column[dict[str, int]] = column(factory=dict)
    notes: Column[list[str]] = column(factory=list)
    home: Column[Address | None] = column(default=None)


class Hits(Model):
    id: Column[str] = partition_key()
    hits: Column[cql.Counter] = column()


def at(name, model=Box):
    return ColumnTarget(model, name)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (Box.name == "x", Condition(at("name"), "=", "x")),
        (Box.name != "x", Condition(at("name"), "!=", "x")),
        (Box.name < "x", Condition(at("name"), "<", "x")),
        (Box.name <= "x", Condition(at("name"), "<=", "x")),
        (Box.name > "x", Condition(at("name"), ">", "x")),
        (Box.name >= "x", Condition(at("name"), ">=", "x")),
        (Box.name == None, Condition(at("name"), "=", None)),  # noqa: E711 - a null in CQL
        ("x" == Box.name, Condition(at("name"), "=", "x")),
        ("x" < Box.name, Condition(at("name"), ">", "x")),
        (Box.name.in_(["x", "y"]), Condition(at("name"), "IN", ("x", "y"))),
        (Box.at.in_(range(2)), Condition(at("at"), "IN", (0, 1))),
        (Box.name.like("x%"), Condition(at("name"), "LIKE", "x%")),
        (Box.tags.contains("x"), Condition(at("tags"), "CONTAINS", "x")),
        (Box.lines.contains_key("x"), Condition(at("lines"), "CONTAINS KEY", "x")),
        (Box.lines["x"] > 3, Condition(ElementTarget(at("lines"), "x"), ">", 3)),
        (Box.lines["x"].in_([3]), Condition(ElementTarget(at("lines"), "x"), "IN", (3,))),
        (Box.home.field("street") == "y", Condition(FieldTarget(at("home"), "street"), "=", "y")),
        (Box.at.asc(), Ordering(at("at"))),
        (Box.at.desc(), Ordering(at("at"), descending=True)),
        (Box.name.to("x"), Assignment(at("name"), "set", "x")),
        (Box.lines["x"].to(3), Assignment(ElementTarget(at("lines"), "x"), "set", 3)),
        (Box.notes[0].to("x"), Assignment(ElementTarget(at("notes"), 0), "set", "x")),
        (Box.home.field("street").to("y"), Assignment(FieldTarget(at("home"), "street"), "set", "y")),
        (Box.tags.add({"x"}), Assignment(at("tags"), "add", {"x"})),
        (Box.lines.add({"x": 1}), Assignment(at("lines"), "add", {"x": 1})),
        (Box.tags.remove({"x"}), Assignment(at("tags"), "remove", {"x"})),
        (Box.lines.remove({"x"}), Assignment(at("lines"), "remove", {"x"})),
        (Box.notes.append(["x"]), Assignment(at("notes"), "append", ["x"])),
        (Box.notes.prepend(["x"]), Assignment(at("notes"), "prepend", ["x"])),
        (Hits.hits.increment(), Assignment(at("hits", Hits), "increment", 1)),
        (Hits.hits.decrement(2), Assignment(at("hits", Hits), "decrement", 2)),
    ],
    ids=lambda value: repr(value) if not isinstance(value, tuple) else "",
)
def test_operation_makes_a_value(result, expected):
    """Each operation returns a value with target, operation and operand."""
    assert expected == result


@pytest.mark.parametrize(
    ("use", "advice"),
    [
        (lambda: Box.name.in_("abc"), r"Write in_\(\[…\]\)"),
        (lambda: Box.notes.append("abc"), r"\[value\]"),
        (lambda: Box.tags.add("abc"), r"\{value\}"),
        (lambda: Box.name == Box.id, "only with values"),
        (lambda: Box.name.in_(3), "not one int"),
        (lambda: "x" in Box.tags, "not a container"),
        (lambda: list(Box.notes), "not iterable"),
    ],
)
def test_likely_mistakes_are_refused(use, advice):
    """Operands that Python accepts but that are most likely mistakes raise an error with advice."""
    with pytest.raises(TypeError, match=advice):
        use()


def test_column_knows_where_it_belongs():
    """A column has its model, attribute name, CQL name and type."""
    name = Box.name

    assert (Box, "name", "Name", "text", "Box.name") == (
        name.model,
        name.name,
        name.db_name,
        name.type_mapping.type.cql,
        repr(name),
    )


def test_column_is_one_object():
    """Each access to a column returns the same object, so that it can be a dict key."""
    assert {Box.name: 1}[Box.name] == 1


@pytest.mark.parametrize("through", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_column_is_copied_by_name(through):
    """A copied or pickled column is the column itself, also in another process."""
    assert Box.name is through(Box.name)


def test_unknown_column_is_named():
    """A misspelled column raises an AttributeError that suggests the right one."""
    with pytest.raises(UnknownColumn, match=r"Box has no column 'nam'; did you mean 'name'\?"):
        Box.nam  # noqa: B018


@pytest.mark.parametrize("make", [column, partition_key, clustering_key])
def test_default_and_factory_exclude_each_other(make):
    """A column with both a default and a factory is refused."""
    with pytest.raises(TypeError, match="a default or a factory"):
        make(default=1, factory=int)
