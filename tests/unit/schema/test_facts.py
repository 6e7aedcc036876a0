"""Facts and changes as values."""

from __future__ import annotations

import pickle

import attrs
import pytest

from scyllamodel.schema.changes import kinds
from scyllamodel.schema.facts.objects import (
    FrozenMap,
    Index,
    KeyspaceFacts,
    SchemaFacts,
    Table,
    TableColumn,
    UserType,
    View,
)
from scyllamodel.types.cql_types import ListType, Native, UserTypeName

INT = Native("int")


def column(name, kind="regular", **more):
    return TableColumn(name, INT, kind, **more)


def test_columns_stand_in_the_order_of_select_star():
    """Columns are in the order of SELECT *: keys, then static, then regular columns by name."""
    table = Table(
        "t",
        [column("z"), column("s", "static"), column("c2", "clustering"), column("c1", "clustering"), column("a"),
         column("p2", "partition_key"), column("p1", "partition_key")],
    )  # fmt: skip

    assert ["p2", "p1", "c2", "c1", "s", "a", "z"] == [c.name for c in table]


def test_equal_facts_are_equal_whatever_the_order():
    """Tables that are equal on a server are equal and have equal hashes."""
    item = Table(
        "t", [column("p", "partition_key"), column("a"), column("b")], indexes=[Index("i", "a"), Index("j", "b")]
    )
    two = Table(
        "t", [column("b"), column("a"), column("p", "partition_key")], indexes=[Index("j", "b"), Index("i", "a")]
    )

    assert item == two
    assert hash(item) == hash(two)


def test_settings_are_frozen_to_the_bottom():
    """Nested maps of settings are immutable and hashable."""
    options = FrozenMap({"compaction": {"class": "X"}, "gc_grace_seconds": 1})

    assert {"compaction": {"class": "X"}, "gc_grace_seconds": 1} == options
    assert hash(options) == hash(FrozenMap({"gc_grace_seconds": 1, "compaction": {"class": "X"}}))
    with pytest.raises(TypeError):
        options["compaction"]["class"] = "Y"


def test_facts_survive_pickle_and_evolve():
    """Facts can be pickled, and copied with changes."""
    facts = SchemaFacts(
        [KeyspaceFacts("k", tables=[Table("t", [column("p", "partition_key")], options={"comment": "x"})],
                       types=[UserType("a", (("f", ListType(UserTypeName("b"))),))], views=[View("v", [], base="t")])]
    )  # fmt: skip

    assert facts == pickle.loads(pickle.dumps(facts))
    assert {} == attrs.evolve(facts["k"].table("t"), options={}).options


def test_look_up_by_name():
    """An object is looked up by its name; a missing one is None with `get`, and a KeyError in brackets."""
    table = Table("t", [column("p", "partition_key")])

    assert (True, False, None) == ("p" in table, "q" in table, table.get("q"))
    with pytest.raises(KeyError, match="t has no column 'q'"):
        table["q"]


def test_a_table_knows_its_user_types_and_counters():
    """User types of a table are listed once, at any depth, and a table with counters is a counter table."""
    table = Table("t", [TableColumn("a", ListType(UserTypeName("addr"))), TableColumn("b", UserTypeName("addr"))])
    hits = Table("h", [column("p", "partition_key"), TableColumn("n", Native("counter"))])

    assert (("addr",), False, True) == (table.user_types, table.is_counter, hits.is_counter)


def test_a_keyspace_without_facts_is_a_key_error():
    """Looking up a keyspace that was not read is an error with its name, also inside a generator."""
    with pytest.raises(KeyError, match="no facts of the keyspace 'other'"):
        SchemaFacts([KeyspaceFacts("shop")])["other"]


@pytest.mark.parametrize(
    "change",
    [
        kinds.AddTable("k", Table("t", [column("p", "partition_key")])),
        kinds.AddColumns("k", "t", (column("a"),)),
        kinds.AddType("k", UserType("a", (("f", INT),))),
        kinds.RenameKeyColumns("k", "t", (("a", "b"),)),
        kinds.SetOptions("k", "t", FrozenMap({"comment": "new"}), FrozenMap({"comment": "old"})),
        kinds.AddIndex("k", Table("t", [column("a")]), Index("i", "a"), populated=True),
        kinds.AddView("k", View("v", [], base="t"), populated=True),
    ],
    ids=lambda change: type(change).__name__,
)
def test_the_inverse_of_the_inverse_is_the_change(change):
    """The inverse of the inverse of a change equals the change."""
    assert change == change.inverse().inverse()
