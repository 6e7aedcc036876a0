"""Assignments for a changed collection produce the intended row, whatever the elements are."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scyllamodel import Column, Model, UserType, column, partition_key
from scyllamodel import types as cql
from scyllamodel.model.change_tracking import Change, changed_columns, current_values
from scyllamodel.model.column import Column as RuntimeColumn
from scyllamodel.model.column import ColumnSpec
from scyllamodel.query.change_assignments import column_assignments
from scyllamodel.query.instances import statements_for
from scyllamodel.types.annotations import TypeMapping, map_annotation
from scyllamodel.types.identity import cell_form, is_same, stored_form
from support.strategies import NEAR, NOON, Shape

KEYS = [shape for shape in NEAR if shape.key]


class Holder(Model, table="holder", repo="differences"):
    """The model of the columns in these tests."""

    id: Column[int] = partition_key()


def change(annotation, was, now):
    """A change of a column with this annotation, or with a type mapping that is already resolved."""
    value = annotation if isinstance(annotation, TypeMapping) else map_annotation(annotation)
    return Change(RuntimeColumn(Holder, "values", "values", value, ColumnSpec()), was, now)


@st.composite
def sets(draw):
    """A set type with two sets of it."""
    shape = draw(st.sampled_from(KEYS))
    result = st.sets(shape.values, max_size=5)
    return set[shape.hint], draw(result), draw(result)


@st.composite
def maps(draw):
    """A map type with two maps of it, neither of which has two keys that are stored as one."""
    key, value = draw(st.sampled_from(KEYS)), draw(st.sampled_from(NEAR))
    annotation = map_annotation(dict[key.hint, value.hint])
    cell = RuntimeColumn(Holder, "values", "values", annotation, ColumnSpec()).identity.element_identities[0]
    result = st.lists(st.tuples(key.values, value.values), max_size=5, unique_by=lambda pair: cell_form(cell, pair[0]))
    return dict[key.hint, value.hint], dict(draw(result)), dict(draw(result))


def applied(assignments, row, element, form):
    """The cells of a row after these assignments in one statement, in which a removal takes precedence."""
    for assignment in assignments:
        if assignment.operation == "add":
            row |= {cell_form(element, value): form(assignment.value, value) for value in assignment.value}
    for assignment in assignments:
        if assignment.operation == "remove":
            for value in assignment.value:
                row.pop(cell_form(element, value), None)
    return row


@given(sets())
def test_a_set_becomes_what_was_meant(item):
    """Set elements are matched as by the server, and no element is both added and removed."""
    assignments = change(*item)
    (element,) = assignments.column.identity.element_identities
    row = {cell_form(element, value): stored_form(element, value) for value in assignments.old_value}
    expected = {cell_form(element, value) for value in assignments.new_value}
    after = applied(column_assignments(assignments), row, element, lambda _, value: stored_form(element, value))

    assert expected == set(after)
    assert set(after.values()) <= {stored_form(element, value) for value in assignments.new_value}


@given(maps())
def test_a_map_becomes_what_was_meant(item):
    """Map keys are matched as by the server, and values by their bytes."""
    assignments = change(*item)
    key, value = assignments.column.identity.element_identities

    def cells(items):
        return {cell_form(key, k): (stored_form(key, k), stored_form(value, v)) for k, v in items.items()}

    def form(items, k):
        return stored_form(key, k), stored_form(value, items[k])

    assert cells(assignments.new_value) == applied(
        column_assignments(assignments), cells(assignments.old_value), key, form
    )


@given(sets() | maps())
def test_what_is_stored_alike_is_not_sent(value):
    """A collection whose new values have the same bytes has no assignments."""
    assignments = change(*value)
    if is_same(assignments.column.identity, assignments.old_value, assignments.new_value):
        assert [] == column_assignments(assignments)


LISTS = [
    ("appended", [NOON, NOON], [NOON + timedelta(microseconds=1), NOON, NOON], "append", 1),
    ("prepended", [NOON], [NOON + timedelta(days=1), NOON + timedelta(microseconds=1)], "prepend", 1),
    ("another", [NOON], [NOON + timedelta(days=1)], "set", 1),
    ("shorter", [NOON, NOON], [NOON], "set", 1),
]


@pytest.mark.parametrize(("was", "now", "operation", "count"), [case[1:] for case in LISTS], ids=[c[0] for c in LISTS])
def test_a_list_is_compared_by_what_is_stored(was, now, operation, count):
    """A list that grew at one end is extended there, even if Python compares its old elements as different."""
    (assignments,) = column_assignments(change(list[datetime], was, now))

    assert operation == assignments.operation
    assert count == len(assignments.value)


class Price(UserType, name="price"):
    """A user type that is not frozen."""

    amount: Decimal
    at: datetime | None = None


def test_fields_of_a_user_type_are_compared_by_what_is_stored():
    """A decimal with another scale is a change, and a timestamp with another microsecond is not."""
    was = Price(amount=Decimal("9.9"), at=NOON)
    assignments = column_assignments(
        change(Price, was, Price(amount=Decimal("9.90"), at=NOON + timedelta(microseconds=1)))
    )

    assert ["amount"] == [assignment.target.field for assignment in assignments]


WRONG = [(set[datetime], {"x"}), (dict[datetime, str], {"x": "x"}), (list[Decimal], 7), (Price, "x")]


@pytest.mark.parametrize(("annotation", "now"), WRONG, ids=str)
def test_what_cannot_be_stored_is_assigned_whole(annotation, now):
    """A value that cannot be stored is assigned whole, so that binding it is an error that names it."""
    was = {set: set(), dict: {}, list: []}.get(getattr(annotation, "__origin__", None), Price(amount=Decimal(1)))
    (assignments,) = column_assignments(change(annotation, was, now))

    assert ("set", now) == (assignments.operation, assignments.value)


class Words(list):
    """A class of the application."""


WORD_LIST = map_annotation(Words, type=map_annotation(list[str]).type, load=Words, dump=list)
WHOLE = [
    ("frozen set", frozenset[str], frozenset("a"), frozenset("ab")),
    ("frozen list", cql.Frozen[list[str]], ["a"], ["a", "b"]),
    ("frozen map", cql.Frozen[dict[str, int]], {"a": 1}, {"a": 1, "b": 2}),
    ("frozen user type", cql.Frozen[Price], Price(amount=Decimal(1)), Price(amount=Decimal(2))),
    ("user type that was null", Price | None, None, Price(amount=Decimal(2))),
    ("scalar", str, "a", "ab"),
    ("custom type", WORD_LIST, Words(["a"]), Words(["a", "b"])),
    ("null for a list", list[str] | None, ["a"], None),
    ("null for a user type", Price | None, Price(amount=Decimal(1)), None),
]


@pytest.mark.parametrize(("annotation", "was", "now"), [case[1:] for case in WHOLE], ids=[case[0] for case in WHOLE])
def test_what_has_no_cells_of_its_own_is_assigned_whole(annotation, was, now):
    """Frozen values, values of custom types, and nulls are assigned whole."""
    assignments = change(annotation, was, now)

    assert [(assignments.column.target, "set", now)] == [
        (assignment.target, assignment.operation, assignment.value) for assignment in column_assignments(assignments)
    ]


PARTS = [
    ("set", set[str], {"a", "b"}, {"b", "c"}, [("add", {"c"}), ("remove", {"a"})]),
    ("set that grew", set[str], {"a"}, {"a", "b"}, [("add", {"b"})]),
    ("set that was null", set[str], None, {"a"}, [("add", {"a"})]),
    ("set that was emptied", set[str], {"a"}, set(), [("remove", {"a"})]),
    ("map", dict[str, int], {"a": 1, "b": 1}, {"b": 2, "c": 1}, [("add", {"b": 2, "c": 1}), ("remove", {"a"})]),
    ("map that was null", dict[str, int], None, {"a": 1}, [("add", {"a": 1})]),
    ("list that was null", list[str], None, ["a"], [("append", ["a"])]),
    ("list that grew", list[str], ["a"], ["a", "b", "c"], [("append", ["b", "c"])]),
    ("list that grew in front", list[str], ["a", "b"], ["c", "a", "b"], [("prepend", ["c"])]),
    ("list of which two were swapped", list[str], ["a", "b"], ["b", "a"], [("set", ["b", "a"])]),
    ("list that was emptied", list[str], ["a"], [], [("set", [])]),
    ("list with nothing at its ends", list[str], ["a"], ["b", "a", "c"], [("set", ["b", "a", "c"])]),
]


@pytest.mark.parametrize(
    ("annotation", "was", "now", "expected"), [case[1:] for case in PARTS], ids=[case[0] for case in PARTS]
)
def test_only_what_differs_of_a_collection_is_sent(annotation, was, now, expected):
    """One operation has the added elements, and one has the removed ones."""
    assert expected == [
        (assignment.operation, assignment.value) for assignment in column_assignments(change(annotation, was, now))
    ]


def test_two_keys_that_are_stored_as_one_are_not_put():
    """A map with two keys that are stored as one is assigned whole, so that binding it is an error."""
    now = {NOON: "a", NOON + timedelta(microseconds=1): "b"}
    (assignments,) = column_assignments(change(dict[datetime, str], {NOON: "c", NOON + timedelta(days=1): "d"}, now))

    assert ("set", now) == (assignments.operation, assignments.value)


class Label(UserType, name="label"):
    """A user type whose values differ in Python and may be one element on the server."""

    price: Decimal = attrs.field(eq=str)


class Labelled(Model, table="labelled", repo="differences"):
    """A set whose elements differ in Python and not on the server."""

    id: Column[int] = partition_key()
    labels: Column[set[Label]] = column(factory=set)


@pytest.mark.parametrize("stored", ["9.9", "9.90"])
def test_an_element_that_is_stored_already_is_not_sent_beside_its_equal(stored):
    """An element that equals a stored one on the server is not sent, whichever of the two is stored."""
    first, other = Label(price=Decimal("9.9")), Label(price=Decimal("9.90"))
    access = statements_for(Labelled, "ks")
    row = Labelled.__load__((1, [Label(price=Decimal(stored))]))
    row.labels = {first, other}

    assert 2 == len(row.labels)
    assert access.update(row) is None
    row.labels.add(Label(price=Decimal(1)))
    assert ({Label(price=Decimal(1))}, 1) == access.update(row).compiled.values


class Measured(Model, table="measured", repo="differences"):
    """Columns whose values Python and the server compare differently."""

    id: Column[int] = partition_key()
    at: Column[datetime | None] = column(default=None)
    ratio: Column[cql.Float | None] = column(default=None)
    price: Column[Decimal | None] = column(default=None)
    data: Column[bytes | None] = column(default=None)


ROW = (1, NOON.replace(tzinfo=None), 0.0, Decimal("9.9"), b"a")
ASSIGNED = [
    ("at", NOON + timedelta(microseconds=1), False),
    ("at", NOON.astimezone(timezone(timedelta(hours=1))), False),
    ("at", NOON + timedelta(milliseconds=1), True),
    ("at", None, True),
    ("at", "2026", True),
    ("ratio", 1e-50, False),
    ("ratio", -0.0, True),
    ("price", Decimal("9.90"), True),
    ("price", Decimal("9.9"), False),
    ("data", bytearray(b"a"), False),
    ("data", b"b", True),
]


@pytest.mark.parametrize(("name", "value", "is_change"), ASSIGNED, ids=str)
def test_a_loaded_value_is_compared_by_what_is_stored(name, value, is_change):
    """Assigned values are changes exactly if they are stored differently, or cannot be stored."""
    row = Measured.__load__(ROW)
    setattr(row, name, value)

    assert ([name] if is_change else []) == [item.column.name for item in changed_columns(row, current_values(row))]


def test_there_are_shapes_for_keys():
    """The types for keys from which these tests draw are shapes, and there are several."""
    assert all(isinstance(shape, Shape) for shape in KEYS)
    assert len(KEYS) > 5
