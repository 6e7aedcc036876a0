"""None in a column whose type excludes it is refused when it is written, and accepted when it was loaded."""

from __future__ import annotations

import pytest

from scyllamodel import Column, Model, clustering_key, column, insert, partition_key
from scyllamodel import types as cql
from scyllamodel.errors import TypeMismatch
from scyllamodel.query.instances import InstanceStatements
from scyllamodel.query.statement import UNSET


class Event(Model, table="events", repo="nulls"):
    """Columns that accept None, and columns that do not."""

    id: Column[int] = partition_key()
    at: Column[int] = clustering_key(default=0)
    size: Column[cql.Int] = column(default=1)
    note: Column[str | None] = column(default=None)
    tags: Column[set[str]] = column(factory=set)
    labels: Column[frozenset[str]] = column(factory=frozenset)
    owner: Column[str] = column(default="x", static=True)


ACCESS = InstanceStatements(Event, "shop")
LOADED = (1, 0, None, None, None, None, None)

WRITES = [
    ACCESS.insert,
    lambda row: ACCESS.insert(row, nulls=True),
    lambda row: ACCESS.insert(row, only_if_absent=True),
    lambda row: ACCESS.update(row, if_exists=True),
    insert,
]


@pytest.mark.parametrize("write", WRITES, ids=range(len(WRITES)))
@pytest.mark.parametrize("name", ["size", "labels", "owner"])
def test_none_is_refused_in_a_column_that_excludes_it(write, name):
    """The error names the column and says how to declare it so that it may be null."""
    row = Event(id=1)
    setattr(row, name, None)
    with pytest.raises(
        TypeMismatch, match=r"Event\.\w+: None does not fit .* declare it Column\[.* \| None\]"
    ) as exc_info:
        write(row)

    assert f"Event.{name}" == exc_info.value.column


def test_none_says_nothing_where_it_is_allowed():
    """An empty collection may be None, and a static default that was not passed is left unset."""
    values = ACCESS.insert(Event(id=1, tags=None)).compiled.values

    assert (1, 0, 1, UNSET, UNSET, frozenset(), UNSET) == values


def test_a_null_that_was_read_is_no_obstacle():
    """An instance with a loaded null can be updated in other columns, and copied to another keyspace."""
    row = Event.__load__(LOADED)
    row.note = "changed"

    assert ["changed"] == [value for value in ACCESS.update(row).compiled.values if value not in (1, 0)]
    assert (1, 0, UNSET, "changed", UNSET, UNSET, UNSET) == ACCESS.insert(row).compiled.values
    assert (1, 0, None, "changed", set(), None, None) == ACCESS.insert(row, nulls=True).compiled.values
    assert insert(row).values == ACCESS.insert(row).compiled.values


def test_a_value_that_is_changed_to_none_is_refused():
    """A loaded instance whose value was set to None is refused in every kind of write."""
    row = Event.__load__((1, 0, 3, None, None, frozenset(), "x"))
    row.size = None
    for write in WRITES:
        with pytest.raises(TypeMismatch, match=r"Event\.size: None does not fit int"):
            write(row)


def test_a_delete_is_not_held_up():
    """A delete is accepted although a column is None, since it writes no values."""
    row = Event.__load__((1, 0, 3, None, None, frozenset(), "x"))
    row.size = None

    assert ACCESS.delete(row).values == (1, 0)
