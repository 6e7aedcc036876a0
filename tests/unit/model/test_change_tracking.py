"""The values that an instance was loaded with, and what has changed since."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import gc
import os
import pickle

import attrs
import pytest
from cassandra.util import SortedSet

from scyllamodel import Column, Model, UserType, clustering_key, column, partition_key
from scyllamodel import types as cql
from scyllamodel.errors import ConcurrentWrite
from scyllamodel.model.change_tracking import (
    InstanceWrite,
    changed_columns,
    current_values,
    is_loaded,
    loaded_row,
    mark_deleted,
    mark_saved,
    snapshot,
)


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


def changes_of(instance):
    """The changes by column name."""
    return {
        change.column.name: (change.old_value, change.new_value)
        for change in changed_columns(instance, current_values(instance))
    }


def written_values(instance):
    """The instance as it is after all of its columns were written."""
    mark_saved(instance, snapshot(instance, current_values(instance)))


def test_a_new_instance_is_not_loaded():
    """An instance from the constructor counts as not stored yet."""
    assert not is_loaded(Kept(id=1))


def test_a_loaded_instance_has_no_changes():
    """Values that were loaded, including null collections, are not changes."""
    order = Kept.__load__(ROW)

    assert is_loaded(order)
    assert {} == changes_of(order)


def test_the_row_is_kept_and_not_copied():
    """The slot refers to the driver's own tuple."""
    order = Kept.__load__(ROW)

    assert order.__row__ is ROW


CHANGES = [
    ("assignment", lambda item: setattr(item, "status", None), {"status": ("new", None)}),
    ("the same value", lambda item: setattr(item, "status", "ne" + "w"), {}),
    ("set in place", lambda item: item.tags.add("vip"), {"tags": (set(), {"vip"})}),
    ("list in place", lambda item: item.notes.append("y"), {"notes": (["x"], ["x", "y"])}),
    ("nested in place", lambda item: item.lines["a"].append(2), {"lines": ({"a": [1]}, {"a": [1, 2]})}),
    ("key", lambda item: setattr(item, "id", 2), {"id": (1, 2)}),
]


@pytest.mark.parametrize(("change", "expected"), [case[1:] for case in CHANGES], ids=[case[0] for case in CHANGES])
def test_changes_of_a_loaded_instance_are_seen(change, expected):
    """Changes of a loaded instance are detected by comparison with its row, after assignment or in place."""
    order = Kept.__load__(ROW)
    change(order)

    assert expected == changes_of(order)


@pytest.mark.parametrize(("change", "expected"), [case[1:] for case in CHANGES], ids=[case[0] for case in CHANGES])
def test_changes_after_a_write_are_seen(change, expected):
    """Changes after a write are detected by comparison with what was written."""
    order = Kept(id=1, status="new", lines={"a": [1]}, notes=["x"])
    written_values(order)
    change(order)

    assert expected == changes_of(order)


def test_a_deleted_instance_is_new_again():
    """A deleted instance counts as not stored."""
    order = Kept.__load__(ROW)
    mark_deleted(order)

    assert not is_loaded(order)


def test_one_column_can_be_remembered():
    """An instance of a table with only one column has no changes after a write."""
    lone = Lone(id=1)
    written_values(lone)

    assert [] == changed_columns(lone, current_values(lone))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_the_row_goes_through_pickle(protocol):
    """The row of a pickled instance contains Python values instead of the driver's."""
    order = Kept.__load__((1, "new", SortedSet(["a"]), {"a": [1]}, ["x"]))
    order.status = "paid"

    clone = pickle.loads(pickle.dumps(order, protocol))

    assert order == clone
    assert {"status": ("new", "paid")} == changes_of(clone)
    assert {"a"} == clone.__row__[2]
    assert set is type(clone.__row__[2])


def test_the_row_goes_with_a_copy():
    """A change in a deep copy does not affect the original."""
    order = Kept.__load__(ROW)
    clone = copy.deepcopy(order)
    clone.lines["a"].append(2)

    assert {} == changes_of(order)
    assert {"lines": ({"a": [1]}, {"a": [1, 2]})} == changes_of(clone)


def test_a_replaced_copy_under_the_same_key_is_loaded():
    """A copy with the same key counts as loaded, and its changes are the differences from the row."""
    order = Kept.__load__(ROW).replace(status="paid")

    assert {"status": ("new", "paid")} == changes_of(order)


class Line(Model, table="order_lines", repo="state"):
    """A key of two columns."""

    order: Column[int] = partition_key()
    number: Column[int] = clustering_key()
    text: Column[str] = column(default="")


@pytest.mark.parametrize("values", [{"order": 2}, {"number": 2}, {"order": 2, "number": 2}], ids=str)
def test_a_replaced_copy_under_another_key_is_new(values):
    """A copy with another key counts as new, since it represents another row."""
    assert is_loaded(Line.__load__((1, 1, "a")).replace(text="b"))
    assert not is_loaded(Line.__load__((1, 1, "a")).replace(**values))


def test_a_copy_of_a_new_instance_is_new():
    """A copy of a new instance counts as new."""
    assert not is_loaded(Kept(id=1).replace(status="paid"))
    assert not is_loaded(pickle.loads(pickle.dumps(Kept(id=1))))


class Box(UserType, name="box"):
    """A frozen user type whose fields are mutable."""

    width: int
    labels: cql.Frozen[list[str]] = attrs.field(factory=list)


class Mutable(Model, table="mutable", repo="state"):
    """Values of every kind that can be changed in place."""

    id: Column[int] = partition_key()
    data: Column[bytes] = column(default=b"")
    chunks: Column[list[bytes]] = column(factory=list)
    box: Column[Box | None] = column(default=None)
    boxes: Column[dict[str, Box]] = column(factory=dict)
    pair: Column[tuple[str, cql.Frozen[list[str]]] | None] = column(default=None)
    words: Column[list[str]] = column(type=str, load=str.split, dump=" ".join, factory=list)


IN_PLACE = [
    ("data", bytearray(b"a"), lambda value: value.extend(b"b")),
    ("chunks", [bytearray(b"a")], lambda value: value[0].extend(b"b")),
    ("box", Box(width=1, labels=["a"]), lambda value: value.labels.append("b")),
    ("boxes", {"a": Box(width=1, labels=["a"])}, lambda value: value["a"].labels.append("b")),
    ("pair", ("a", ["b"]), lambda value: value[1].append("c")),
    ("words", ["a"], lambda value: value.append("b")),
]


@pytest.mark.parametrize(("name", "value", "change"), IN_PLACE, ids=[case[0] for case in IN_PLACE])
def test_changes_in_place_are_seen_after_a_write(name, value, change):
    """Written values are stored as deep copies, so that later changes in place are detected."""
    row = Mutable(id=1, **{name: copy.deepcopy(value)})
    written_values(row)
    assert {} == changes_of(row)
    change(getattr(row, name))

    assert {name: (value, getattr(row, name))} == changes_of(row)


def test_a_change_in_the_buffer_under_a_memoryview_is_seen():
    """The bytes of a written memoryview are stored, so that a change of its buffer is detected."""
    row = Mutable(id=1, data=memoryview(bytearray(b"a")))
    written_values(row)
    row.data[0] = 98

    assert {"data": (b"a", row.data)} == changes_of(row)


def test_a_row_that_was_written_goes_through_pickle():
    """The row of a written instance consists of plain Python values, so it can be pickled."""
    row = Mutable(id=1, words=["a"], boxes={"a": Box(width=1)})
    written_values(row)
    row.words.append("b")
    clone = pickle.loads(pickle.dumps(row))

    assert {"words": (["a"], ["a", "b"])} == changes_of(clone)


def test_nulls_of_a_row_go_through_pickle():
    """Nulls of a row are pickled as the values that they load as."""
    clone = pickle.loads(pickle.dumps(Mutable.__load__((1, None, None, None, None, None, "a b"))))

    assert {} == changes_of(clone)
    assert (1, None, [], None, {}, None, ["a", "b"]) == tuple(clone.__row__)


def test_an_instance_is_written_by_one_call_at_a_time():
    """A second write is refused until the first one ends, and other instances are not affected, even equal ones."""
    left, other = Kept(id=1), Kept(id=1)
    first, second = InstanceWrite(left), InstanceWrite(other)
    with pytest.raises(ConcurrentWrite, match="This Kept is being written by another call"):
        InstanceWrite(left)
    first.end()
    InstanceWrite(left).end()
    second.end()


def test_a_write_that_has_ended_ends_no_other():
    """Ending a write twice, or collecting it, does not end a later write of the instance."""
    row = Kept(id=1)
    first = InstanceWrite(row)
    first.end()
    second = InstanceWrite(row)
    first.end()
    del first
    with pytest.raises(ConcurrentWrite):
        InstanceWrite(row)
    second.end()


def test_a_write_ends_with_the_call_that_nothing_refers_to():
    """If a write is collected after its request may have been sent, its outcome is unknown."""
    row, calls = Kept(id=1), []
    InstanceWrite(row)
    InstanceWrite(row).may_be_sent(lambda: calls.append("lost"))

    assert ["lost"] == calls
    InstanceWrite(row).end()


@pytest.mark.parametrize("has_reference", [True, False])
def test_a_write_ends_with_the_loop_of_its_call(has_reference):
    """The next write sets the outcome of one on a closed loop to unknown, and ignores what that does later."""
    row, loop, output = Kept(id=1), asyncio.new_event_loop(), []

    async def begin():
        item = InstanceWrite(row)
        item.may_be_sent(lambda: output.append("lost"))
        return item

    first = loop.run_until_complete(begin())
    with pytest.raises(ConcurrentWrite):  # it may run again
        InstanceWrite(row)
    loop.close()
    if not has_reference:
        del loop
        gc.collect()

    second = InstanceWrite(row)
    stands = loaded_row(row)
    first.lose()
    first.applied(None)
    first.end()
    assert (["lost"], True) == (output, loaded_row(row) is stands)
    with pytest.raises(ConcurrentWrite):
        InstanceWrite(row)
    second.end()


def test_a_forked_process_writes_what_its_parent_was_writing():
    """A forked process may write an instance that its parent is writing, and cannot end the parent's write."""
    row = Kept(id=1)
    write = InstanceWrite(row)
    pid = os.fork()
    if pid == 0:
        code = 1
        with contextlib.suppress(ConcurrentWrite):
            second_write = InstanceWrite(row)
            code = 2
            write.end()
            try:
                InstanceWrite(row)
            except ConcurrentWrite:
                code = 0
            second_write.end()
        os._exit(code)
    assert 0 == os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    write.end()


class Hidden(Model, table="hidden", repo="state"):
    """A column with redacted values."""

    id: Column[int] = partition_key()
    pin: Column[str] = column(default="", redact=True)


def test_what_changed_is_shown_without_secrets():
    """The ``repr`` of a change and of a row shows no redacted values."""
    row = Hidden.__load__((1, "1234"))
    row.id, row.pin = 2, "5678"
    key, pin = changed_columns(row, current_values(row))

    assert repr(key).endswith("from 1 to 2>")
    assert "1234" not in repr(pin)
    assert "5678" not in repr(pin)
    assert "<Snapshot of 2 values>" == repr(snapshot(row, current_values(row)))


def test_the_row_is_no_part_of_the_value():
    """The loaded row is not part of equality, repr or the attrs fields."""
    loaded, constructed = Kept.__load__(ROW), Kept(id=1, status="new", lines={"a": [1]}, notes=["x"])

    assert constructed == loaded
    assert repr(constructed) == repr(loaded)
    assert attrs.asdict(constructed) == attrs.asdict(loaded)
