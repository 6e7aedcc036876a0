"""What an instance was loaded from, and what has changed since."""

from __future__ import annotations

import copy
import pickle

import attrs
import pytest
from cassandra.util import SortedSet

from scyllamodel import Column, Model, column, partition_key
from scyllamodel.model.state import changes, current_values, forget, is_loaded, remember, snapshot


class Kept(Model, table="kept", repo="state"):
    """A key, a plain column, and collections that can be changed in place."""

    id: Column[int] = partition_key()
    status: Column[str | None] = column(default=None)
    tags: Column[set[str]] = column(factory=set)
    lines: Column[dict[str, list[int]]] = column(factory=dict)
    notes: Column[list[str]] = column(factory=list)


class Lone(Model, table="lone", repo="state"):
    """One column."""

    id: Column[int] = partition_key()


ROW = (1, "new", None, {"a": [1]}, ["x"])


def found(instance):
    """The changes, by name."""
    return {change.column.name: (change.was, change.now) for change in changes(instance, current_values(instance))}


def written(instance):
    """The instance as it is after a write of all of it."""
    remember(instance, snapshot(instance, current_values(instance)))


def test_a_new_instance_is_not_loaded():
    """What the constructor makes stands for no row yet."""
    assert not is_loaded(Kept(id=1))


def test_a_loaded_instance_has_no_changes():
    """Values that came with the row, a null collection included, are no changes."""
    order = Kept.__load__(ROW)

    assert is_loaded(order)
    assert {} == found(order)


def test_the_row_is_kept_and_not_copied():
    """The slot holds the tuple of the driver itself."""
    order = Kept.__load__(ROW)

    assert order.__row__ is ROW


CHANGES = [
    ("assignment", lambda one: setattr(one, "status", None), {"status": ("new", None)}),
    ("the same value", lambda one: setattr(one, "status", "ne" + "w"), {}),
    ("set in place", lambda one: one.tags.add("vip"), {"tags": (set(), {"vip"})}),
    ("list in place", lambda one: one.notes.append("y"), {"notes": (["x"], ["x", "y"])}),
    ("nested in place", lambda one: one.lines["a"].append(2), {"lines": ({"a": [1]}, {"a": [1, 2]})}),
    ("key", lambda one: setattr(one, "id", 2), {"id": (1, 2)}),
]


@pytest.mark.parametrize(("change", "wanted"), [case[1:] for case in CHANGES], ids=[case[0] for case in CHANGES])
def test_changes_of_a_loaded_instance_are_seen(change, wanted):
    """By comparison with the row, assigned or in place."""
    order = Kept.__load__(ROW)
    change(order)

    assert wanted == found(order)


@pytest.mark.parametrize(("change", "wanted"), [case[1:] for case in CHANGES], ids=[case[0] for case in CHANGES])
def test_changes_after_a_write_are_seen(change, wanted):
    """By comparison with what was written."""
    order = Kept(id=1, status="new", lines={"a": [1]}, notes=["x"])
    written(order)
    change(order)

    assert wanted == found(order)


def test_a_deleted_instance_is_new_again():
    """It stands for no row any more."""
    order = Kept.__load__(ROW)
    forget(order)

    assert not is_loaded(order)


def test_one_column_can_be_remembered():
    """A table may be a key alone."""
    lone = Lone(id=1)
    written(lone)

    assert [] == changes(lone, current_values(lone))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_the_row_goes_through_pickle(protocol):
    """In Python values, not in the driver's."""
    order = Kept.__load__((1, "new", SortedSet(["a"]), {"a": [1]}, ["x"]))
    order.status = "paid"

    again = pickle.loads(pickle.dumps(order, protocol))

    assert order == again
    assert {"status": ("new", "paid")} == found(again)
    assert {"a"} == again.__row__[2]
    assert set is type(again.__row__[2])


def test_the_row_goes_with_a_copy():
    """A deep copy is changed without a change of the first."""
    order = Kept.__load__(ROW)
    again = copy.deepcopy(order)
    again.lines["a"].append(2)

    assert {} == found(order)
    assert {"lines": ({"a": [1]}, {"a": [1, 2]})} == found(again)


def test_a_replaced_copy_under_the_same_key_is_loaded():
    """Saving it sends what differs."""
    order = Kept.__load__(ROW).replace(status="paid")

    assert {"status": ("new", "paid")} == found(order)


def test_a_replaced_copy_under_another_key_is_new():
    """It stands for another row, of which nothing is known."""
    assert not is_loaded(Kept.__load__(ROW).replace(id=2))


def test_the_row_is_no_part_of_the_value():
    """Neither equality nor repr nor attrs know of it."""
    loaded, made = Kept.__load__(ROW), Kept(id=1, status="new", lines={"a": [1]}, notes=["x"])

    assert made == loaded
    assert repr(made) == repr(loaded)
    assert attrs.asdict(made) == attrs.asdict(loaded)
