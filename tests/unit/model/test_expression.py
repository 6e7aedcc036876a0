"""Conditions, orderings and assignments are plain values."""

from __future__ import annotations

import copy
import pickle

import pytest

from scyllamodel.model.base import Model
from scyllamodel.model.column import Column
from scyllamodel.model.expression import Assignment, ColumnTarget, Condition, ElementTarget, FieldTarget, Ordering
from scyllamodel.model.fields import clustering_key, column, partition_key


class Parcel(Model):
    """A model at the top of a module, so that it pickles."""

    id: Column[str] = partition_key()
    sent: Column[int] = clustering_key()
    tags: Column[dict[str, int]] = column(factory=dict)
    code: Column[str] = column(redact=True)
    codes: Column[dict[str, str]] = column(factory=dict, redact=True)


ID, TAGS = ColumnTarget(Parcel, "id"), ColumnTarget(Parcel, "tags")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Condition(ID, "=", "x"), "<Parcel.id = 'x'>"),
        (Condition(ElementTarget(TAGS, "a"), ">", 3), "<Parcel.tags['a'] > 3>"),
        (Condition(FieldTarget(TAGS, "a"), "IN", (3,)), "<Parcel.tags.field('a') IN (3,)>"),
        (Ordering(ID), "<Parcel.id ASC>"),
        (Ordering(ID, descending=True), "<Parcel.id DESC>"),
        (Assignment(TAGS, "add", {"a": 1}), "<Parcel.tags add {'a': 1}>"),
    ],
)
def test_repr_reads_like_the_expression(value, text):
    """The repr contains the target, operation and operand."""
    assert text == repr(value)


@pytest.mark.parametrize(
    "value",
    [
        Parcel.code == "hush",
        Parcel.code.in_(["hush"]),
        Parcel.code.to("hush"),
        Parcel.codes["hush"] == "hush",
        Parcel.codes.add({"hush": "hush"}),
        Parcel.codes.contains("hush"),
        Parcel.codes["hush"],
    ],
)
def test_values_of_redacted_columns_are_never_shown(value):
    """Neither the operand nor the key of an element of a redacted column is in a repr."""
    assert "hush" not in repr(value) + str(value)


@pytest.mark.parametrize(
    "use",
    [
        lambda: bool(Parcel.id == "x"),
        lambda: (Parcel.id == "x") and (Parcel.sent == 1),
        lambda: (Parcel.id == "x") or (Parcel.sent == 1),
        lambda: not Parcel.sent < 3,
        lambda: 1 < Parcel.sent < 3,
        lambda: Parcel.id in [Parcel.sent, Parcel.code],
    ],
)
def test_condition_has_no_truth_value(use):
    """Using a condition as a bool is an error that says how to combine conditions."""
    with pytest.raises(TypeError, match=r"where\(first, second\)|compares columns only with values"):
        use()


def test_error_of_bool_does_not_show_redacted_values():
    """The error for a condition in a boolean context does not show redacted values."""
    with pytest.raises(TypeError) as exc_info:
        bool(Parcel.code == "hush")

    assert "hush" not in str(exc_info.value)


def test_equal_expressions_are_equal_values():
    """Equal expressions are equal and have equal hashes."""
    first, second = Parcel.id == "x", Parcel.id == "x"

    assert {first} == {second, Condition(ID, "=", "x")}


@pytest.mark.parametrize("value", [Parcel.id == "x", Parcel.sent.desc(), Parcel.tags["a"].to(3)])
@pytest.mark.parametrize("through", [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_expressions_are_copied_and_pickled(value, through):
    """A copied or pickled expression is equal to the original."""
    assert value == through(value)


@pytest.mark.parametrize("name", ["value", "operator", "target"])
def test_expressions_do_not_change(name):
    """Expressions are frozen, since statements share them."""
    with pytest.raises(AttributeError):
        setattr(Parcel.id == "x", name, 3)
