"""Changes that break a real ScyllaDB, in a plan, a contract or a rollback."""

from __future__ import annotations

import attrs
import pytest

from scyllamodel import Column, Index, Model, ModelDefinitionError, column, partition_key
from scyllamodel.schema.changes.kinds import AddColumns, AddIndex, AddTable, AddView, DropColumns, SetOptions
from scyllamodel.schema.facts.objects import FrozenMap, Keyspace, SchemaFacts
from scyllamodel.schema.plan.contract import contract_plan
from scyllamodel.schema.plan.planner import make_plan
from scyllamodel.schema.rules.undo import evaluate_change
from scyllamodel.schema.server.profile import ServerProfile
from support.builders import NTS, desired, index, schema, table, view
from support.scylla_observed import NEW, OLD

FIXED = ServerProfile("scylla", (2026, 2))
CASSANDRA = ServerProfile()
ABOUT = Keyspace("k", FrozenMap(NTS), tablets=False)
T = table("t", "a int pk", "b int ck", "v text", "m map<text,int>", "s int static")
INDEXED = attrs.evolve(T, indexes=[index("m", "i")])
WITHOUT_STATIC = attrs.evolve(T, columns=[c for c in T if c.kind != "static"])
LONG_TTL = FrozenMap({"default_time_to_live": 630_720_001})
QUOTED = "v = 'it's' AND a IS NOT NULL AND b IS NOT NULL"


def mv(name="x", **facts):
    """A view of the table."""
    return view(name, "t", "v text pk", "a int ck", "b int ck", **facts)


# the change, the live schema, servers that it breaks, servers where the fault is gone
CHANGES = {
    "an index on a collection beside static columns": (
        AddIndex("k", T, index("m", "i"), True), [T], [OLD], [NEW, FIXED],
    ),
    "static columns beside an index on a collection": (
        AddColumns("k", "t", (T["s"],)), [attrs.evolve(WITHOUT_STATIC, indexes=[index("m", "i")])], [OLD], [NEW, FIXED],
    ),
    "an index name of 217 characters": (AddIndex("k", T, index("v", "n" * 217), True), [T], [OLD], [NEW, CASSANDRA]),
    "a view name of 223 characters": (AddView("k", mv("n" * 223)), [T], [OLD], [NEW, CASSANDRA]),
    "a quote in the filter of a view": (AddView("k", mv(where=QUOTED)), [T], [OLD, NEW, CASSANDRA], []),
    "a table with a long default TTL": (AddTable("k", attrs.evolve(T, options=LONG_TTL)), [], [OLD, NEW], [CASSANDRA]),
    "a default TTL that is set back": (SetOptions("k", "t", LONG_TTL, FrozenMap()), [T], [OLD, NEW], [CASSANDRA]),
}  # fmt: skip


@pytest.mark.parametrize("case", CHANGES.values(), ids=list(CHANGES))
def test_a_change_is_refused_where_it_breaks_and_nowhere_else(case):
    """The change is refused as NB101 on servers that it breaks, and not on others."""
    change, live, broken, fine = case
    messages = {
        server: [diagnostic.code for diagnostic in evaluate_change(change, schema(*live, keyspace=ABOUT), server)]
        for server in broken + fine
    }

    assert [True] * len(broken) == ["NB101" in messages[server] for server in broken]
    assert [False] * len(fine) == ["NB101" in messages[server] for server in fine]


def test_new_tables_with_both_are_refused():
    """A new table with both a static column and an index is refused."""
    plans = [make_plan(desired(INDEXED), schema(keyspace=ABOUT), server) for server in (OLD, NEW)]

    assert [["NB101"], []] == [[refusal.code for refusal in plan.refusals] for plan in plans]


@pytest.mark.parametrize("server", [OLD, NEW])
def test_an_indexed_collection_is_not_dropped(server):
    """An indexed collection cannot be dropped by contract, under an undeclared index, or by a rollback."""
    model = attrs.evolve(T, columns=[column for column in T if column.name != "m"])
    plan = contract_plan(
        SchemaFacts([desired(model)]), SchemaFacts([schema(INDEXED, keyspace=ABOUT)]), server, allow={"DS103:t.m"}
    )
    findings = evaluate_change(DropColumns("k", "t", (T["m"],)), schema(INDEXED, keyspace=ABOUT), server, {"DS103"})

    assert ([], ["RB103"]) == (plan.cql, [refusal.code for refusal in plan.refusals])
    assert "RB103" in [diagnostic.code for diagnostic in findings if diagnostic.severity == "error"]


def test_an_empty_class_of_an_index_is_refused_in_the_model():
    """An empty index class is refused in a model, since ScyllaDB's answer cannot be decoded."""
    with pytest.raises(ModelDefinitionError, match="MD125"):

        class Bad(Model, table="bad_class", indexes=[Index("name", using=" ")]):
            id: Column[int] = partition_key()
            name: Column[str] = column()
