"""Tables, options, and names in use."""

from __future__ import annotations

import pytest

from scyllamodel.schema.changes.kinds import SetOptions
from scyllamodel.schema.diff.schema_diff import diff
from scyllamodel.schema.facts.objects import FrozenMap, KeyspaceFacts, SchemaFacts
from scyllamodel.schema.server.profile import ServerProfile
from support.builders import desired, index, schema, summaries, table, view

CASSANDRA, SCYLLA = ServerProfile(), ServerProfile("scylla", (2025, 4))
V = ("v", "u", "a int pk", "id int ck")

CASES = [
    ("nothing", [], [], []),
    ("a new table", [], [table("t")], ["+ table t"]),
    ("tables by name", [], [table("b"), table("a")], ["+ table a", "+ table b"]),
    ("a live table", [table("t")], [], [". table t"]),
    ("the internal tables are not reported", [table("scyllamodel_lock"), table("scyllamodel_steps")], [], []),
    ("a name in another case", [table("T")], [table("t")], ["+ table t", ". table T"]),
    ("a view stands there", [table("u"), view(*V)], [table("u"), table("v")], ["! table v is a view", ". view v"]),
    ("a table stands there", [table("u"), table("v")], [table("u"), view(*V)], [". table v", "! view v is a table"]),
    ("compact and dense", [table("t", flags={"dense"})], [table("t", "id int pk", "n int")], ["! PK104 t"]),
    ("compound and dense", [table("t", flags={"compound", "dense"})], [table("t")], ["! PK104 t"]),
    ("compound and compact", [table("t", flags={"compound", "compact"})], [table("t")], ["! PK104 t"]),
    ("compact without flags", [table("t", flags={"compact"})], [table("t")], ["! PK104 t"]),
    ("super", [table("t", flags={"super", "compound"})], [table("t")], ["! PK104 t"]),
    ("compound", [table("t", flags={"compound"})], [table("t")], []),
    ("a counter table", [table("t", flags={"compound", "counter"})], [table("t")], []),
    ("a compact table is left alone", [table("t", flags={"dense"}, options={"comment": "x"}, indexes=[index("id")])],
     [table("t", "id int pk", "n int", options={"comment": "y"}, indexes=[index("n")])], ["! PK104 t"]),
]  # fmt: skip


@pytest.mark.parametrize("server", [CASSANDRA, SCYLLA], ids=str)
@pytest.mark.parametrize(("live", "declared", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_tables(live, declared, expected, server):
    """Missing tables are added, undeclared ones are noted, and names are unique."""
    assert expected == summaries(diff(schema(*live), desired(*declared), server))


def test_a_scylla_index_takes_a_name_for_its_view():
    """On Scylla a table cannot have the name of the view of an index, and on Cassandra it can."""
    live, declared = schema(table("t", indexes=[index("id", "by_id")])), desired(table("by_id_index"))

    assert ["! table by_id_index is a view of an index", ". table t"] == summaries(diff(live, declared, SCYLLA))
    assert ["+ table by_id_index", ". table t"] == summaries(diff(live, declared, CASSANDRA))


LCS = {"class": "LeveledCompactionStrategy"}

OPTIONS = [
    ("none declared", {"comment": "x", "gc_grace_seconds": 5}, {}, {}),
    ("equal", {"comment": "x"}, {"comment": "x"}, {}),
    ("another", {"comment": "x", "gc_grace_seconds": 5}, {"comment": "y"}, {"comment": "y"}),
    ("by meaning", {"speculative_retry": "99p"}, {"speculative_retry": "99PERCENTILE"}, {}),
    ("a map whole", {"compaction": {"class": "SizeTieredCompactionStrategy", "min_threshold": "4"}},
     {"compaction": LCS}, {"compaction": LCS}),
    ("with the package", {"compaction": {"class": "org.apache.cassandra.db.compaction.LeveledCompactionStrategy"}},
     {"compaction": LCS}, {}),
    ("two of three", {"comment": "x", "gc_grace_seconds": 5, "default_time_to_live": 0},
     {"comment": "y", "gc_grace_seconds": 5, "default_time_to_live": 60}, {"comment": "y", "default_time_to_live": 60}),
]  # fmt: skip


@pytest.mark.parametrize(("live_side", "declared", "expected"), [c[1:] for c in OPTIONS], ids=[c[0] for c in OPTIONS])
def test_options(live_side, declared, expected):
    """All declared options that differ from the stored ones are one change, which can be undone."""
    live = schema(table("t", options=live_side), view("v", "t", "id int pk", options=live_side))
    models = desired(table("t", options=declared), view("v", "t", "id int pk", options=declared))
    before = FrozenMap({name: live_side[name] for name in expected})
    item = [
        SetOptions("k", "t", FrozenMap(expected), before),
        SetOptions("k", "v", FrozenMap(expected), before, view=True),
    ]

    assert (item if expected else []) == list(diff(live, models, CASSANDRA))


def test_several_keyspaces():
    """Only keyspaces that models declare are compared, each on its own."""
    facts = SchemaFacts([schema(table("t")), KeyspaceFacts("other", tables=[table("x")])])
    models = SchemaFacts([desired(table("t", "id int pk", "n int")), KeyspaceFacts("new", tables=[table("y")])])

    assert ["+ columns t (n)", "+ table y"] == summaries(diff(facts, models, CASSANDRA))
    assert ["+ columns t (n)"] == summaries(diff(facts, models["k"], CASSANDRA))
