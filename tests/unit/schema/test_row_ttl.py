"""TTL columns of rows: declared, compared, created, set and unset, and only lost with permission."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

import attrs
import pytest

from scyllamodel import (
    Column,
    MaterializedView,
    Model,
    ModelDefinitionError,
    UserType,
    clustering_key,
    column,
    partition_key,
)
from scyllamodel import types as cql
from scyllamodel.schema.changes.kinds import AddTable, SetOptions, SetTtlColumn
from scyllamodel.schema.changes.postconditions import is_applied
from scyllamodel.schema.compare.comparison_report import compare_schemas
from scyllamodel.schema.ddl import change_cql, create_table, undo_cql
from scyllamodel.schema.diff.schema_diff import diff
from scyllamodel.schema.export.models.module import module_source
from scyllamodel.schema.export.snapshot import facts_from_snapshot, snapshot_document
from scyllamodel.schema.facts.fingerprint import fingerprint
from scyllamodel.schema.facts.objects import FrozenMap, SchemaFacts
from scyllamodel.schema.plan.contract import contract_plan
from scyllamodel.schema.plan.planner import make_plan
from scyllamodel.schema.plan.transition import transition
from scyllamodel.schema.reflect import reflect_keyspace
from scyllamodel.schema.rules.undo import evaluate_change
from scyllamodel.schema.server.profile import ServerProfile
from scyllamodel.types.cql_types import TTL_TYPES
from support.builders import desired, schema, summaries, table
from support.scylla_observed import NEW, SCYLLAS, observed
from support.scylla_observed import rows as scylla_rows

PLAIN = table("t", "a int pk", "ends timestamp", "later bigint")
EXPIRING = attrs.evolve(PLAIN, ttl_column="ends")
LATER = attrs.evolve(PLAIN, ttl_column="later")
BARE = table("t", "a int pk", "later bigint")


def planned(live, model, server=NEW, **keywords):
    """The plan from a live table to a declared one."""
    return make_plan(desired(model), schema(live), server, **keywords)


class Lease(Model, table="leases"):
    """A row that expires."""

    id: Column[int] = partition_key()
    ends: Column[datetime | None] = column(default=None, row_ttl=True, db_name="Ends At")


def test_a_model_declares_it_and_a_table_is_created_with_it():
    """A model declares the TTL column, and CREATE TABLE has its CQL name."""
    assert "Ends At" == Lease.__facts__.ttl_column
    assert '"Ends At" timestamp TTL' in create_table("k", Lease.__facts__, NEW)


@pytest.mark.parametrize("annotation", [datetime, cql.BigInt, cql.Int])
def test_what_the_server_takes_can_be_declared(annotation):
    """A timestamp or a number of seconds can be declared as a TTL column."""

    class Good(Model, table=f"good_{uuid4().hex[:8]}"):
        id: Column[int] = partition_key()
        ends: Column[annotation] = column(row_ttl=True)

    assert "ends" == Good.__facts__.ttl_column


def test_what_no_server_takes_is_refused_in_the_class():
    """Another type, a static column, two TTL columns, and a value that is not a boolean are refused."""
    with pytest.raises(ModelDefinitionError) as exc_info:

        class Bad(Model, table="bad"):
            id: Column[int] = partition_key()
            at: Column[int] = clustering_key()
            text: Column[str] = column(row_ttl=True)
            static: Column[datetime] = column(row_ttl=True, static=True)

    assert ["MD127"] * 3 == [problem.code for problem in exc_info.value.problems]
    with pytest.raises(ModelDefinitionError, match="row_ttl"):

        class Odd(Model, table="odd"):
            id: Column[int] = partition_key()
            ends: Column[datetime] = column(row_ttl="yes")


def test_views_and_user_types_do_not_declare_it():
    """A TTL column in a view or a user type is refused."""
    with pytest.raises(ModelDefinitionError, match="MD136"):

        class ByEnd(MaterializedView, of=Lease):
            ends: Column[datetime] = partition_key()
            id: Column[int] = column(row_ttl=True)

    with pytest.raises(ModelDefinitionError, match="MD141"):

        class Part(UserType, name="part"):
            ends: datetime = column(row_ttl=True)


@pytest.mark.parametrize("server", [ServerProfile(), ServerProfile("scylla", (2026, 1))])
def test_a_server_without_it_is_refused(server):
    """TY110 refuses a TTL column for new and existing tables on a server without support."""
    assert ["TY110"] == [refusal.code for refusal in make_plan(desired(EXPIRING), schema(), server).refusals]
    assert "TY110" in [refusal.code for refusal in planned(PLAIN, EXPIRING, server).refusals]


def test_it_is_set_on_a_new_column_and_asks_before_an_old_one():
    """A TTL on a new column is set without permission, and on an existing column it needs one."""
    added, old = planned(BARE, EXPIRING), planned(PLAIN, EXPIRING)
    allowed = planned(PLAIN, EXPIRING, allow={"DS108:t.ends"})

    assert (["ALTER TABLE k.t ADD ends timestamp", "ALTER TABLE k.t TTL ends"], ()) == (added.cql, added.refusals)
    assert ["DS108"] == [refusal.code for refusal in old.refusals]
    assert ["ALTER TABLE k.t TTL ends"] == allowed.cql


def test_another_one_is_set_after_the_first_is_unset():
    """The TTL is unset before it is set on another column, since a server accepts only one."""
    assert ["~ ttl t None", "~ ttl t later"] == summaries(diff(schema(EXPIRING), desired(LATER), NEW))
    assert ["DS108", "DS108"] == [refusal.code for refusal in planned(EXPIRING, LATER).refusals]


def test_one_that_no_model_declares_is_noted_and_stays():
    """An undeclared TTL column is noted and kept, since rows would no longer expire without it."""
    plan = planned(EXPIRING, PLAIN)

    assert ([], ()) == (plan.cql, plan.refusals)
    assert ["k.t.ends"] == [note.object for note in plan.notes if "ttl column" in note.text]
    assert [] == summaries(diff(schema(EXPIRING), desired(EXPIRING), NEW))
    assert [] == summaries(diff(schema(attrs.evolve(BARE, ttl_column="gone")), desired(BARE), NEW))


def test_contract_unsets_it_under_its_code_and_drops_it_under_two():
    """Contract needs one code to unset a TTL column, and another to drop it."""
    sides = SchemaFacts([desired(PLAIN)]), SchemaFacts([schema(EXPIRING)])
    dropped = SchemaFacts([desired(BARE)]), SchemaFacts([schema(EXPIRING)])

    assert ["ALTER TABLE k.t TTL NULL"] == contract_plan(*sides, NEW, allow={"DS108:t.ends"}).cql
    assert ["DS108"] == [refusal.code for refusal in contract_plan(*dropped, NEW, allow={"DS103:t.ends"}).refusals]
    assert ["ALTER TABLE k.t TTL NULL", "ALTER TABLE k.t DROP ends"] == contract_plan(
        *dropped, NEW, allow={"DS103:t.ends", "DS108:t.ends"}
    ).cql


@pytest.mark.parametrize(
    ("live", "target", "cql_"),
    [
        (BARE, EXPIRING, ["ALTER TABLE k.t ADD ends timestamp", "ALTER TABLE k.t TTL ends"]),
        (EXPIRING, BARE, ["ALTER TABLE k.t TTL NULL", "ALTER TABLE k.t DROP ends"]),
        (EXPIRING, attrs.evolve(BARE, ttl_column="later"), [
            "ALTER TABLE k.t TTL NULL", "ALTER TABLE k.t DROP ends", "ALTER TABLE k.t TTL later",
        ]),
        (EXPIRING, table("t", "a int pk"), ["ALTER TABLE k.t TTL NULL", "ALTER TABLE k.t DROP (ends, later)"]),
        (EXPIRING, PLAIN, ["ALTER TABLE k.t TTL NULL"]),
        (EXPIRING, LATER, ["ALTER TABLE k.t TTL NULL", "ALTER TABLE k.t TTL later"]),
    ],
)  # fmt: skip
def test_a_rollback_brings_it_back_and_takes_it_away(live, target, cql_):
    """A rollback restores the earlier schema, including the TTL column."""
    assert cql_ == [change_cql(change, NEW) for change in transition(schema(live), schema(target), NEW)]


def test_a_step_is_proved_and_undone():
    """The post-condition and the undo of a step use the stored TTL column."""
    change = SetTtlColumn("k", "t", "ends", None)

    assert [False, True] == [is_applied(change, schema(value), NEW) for value in (PLAIN, EXPIRING)]
    assert [False, True] == [is_applied(AddTable("k", EXPIRING), schema(value), NEW) for value in (PLAIN, EXPIRING)]
    assert "ALTER TABLE k.t TTL NULL" == undo_cql(change, NEW)


def test_it_is_part_of_what_a_schema_is():
    """The fingerprint depends on the TTL column, and a comparison shows it."""
    differences = compare_schemas(SchemaFacts([schema(PLAIN)]), SchemaFacts([schema(EXPIRING)]))

    assert 3 == len({fingerprint(value) for value in (PLAIN, EXPIRING, LATER)})
    assert [("k.t.ends", "timestamp", "timestamp ttl")] == [
        (difference.object, difference.before, difference.after) for difference in differences
    ]


def test_a_snapshot_keeps_it():
    """A snapshot contains the TTL column, and has no field for it if there is none."""
    facts = SchemaFacts([schema(EXPIRING)])
    document = snapshot_document({"r": ("k", facts)})

    assert "ends" == facts_from_snapshot(document, "r", "k")["k"].table("t").ttl_column
    assert "ttl_column" not in str(snapshot_document({"r": ("k", SchemaFacts([schema(PLAIN)]))}))


@pytest.mark.parametrize("keyspace", ["new26", "new26_vnodes"])
def test_inspect_writes_it_into_models(keyspace):
    """Inspect writes a TTL column, and leaves out one whose type is not a time."""
    facts = reflect_keyspace(keyspace, scylla_rows("2026.3"), SCYLLAS["2026.3"])
    leases = facts.table("leases")
    blob = attrs.evolve(leases, columns=[attrs.evolve(c, type=table("x", "a blob pk")["a"].type)
                                         if c.name == "ends" else c for c in leases])  # fmt: skip
    changed = attrs.evolve(facts, tables=[blob if item.name == "leases" else item for item in facts.tables])

    assert "row_ttl=True" in module_source(facts, NEW, repo="r")
    assert "row_ttl" not in module_source(changed, NEW, repo="r")
    assert "TTL 'leases.ends'" in module_source(changed, NEW, repo="r")


@pytest.mark.parametrize("option", ["synchronous_updates", "scylla_tags"])
def test_options_that_replace_the_tags_are_never_altered(option):
    """A rollback that would change the options that store the TTL column is refused, and models cannot declare them."""
    change = SetOptions("k", "t", FrozenMap({option: "false"}), FrozenMap())
    declared = attrs.evolve(PLAIN, options=FrozenMap({option: "false"}))

    assert "NB102" in [diagnostic.code for diagnostic in evaluate_change(change, schema(EXPIRING), NEW)]
    assert "NB102" not in [diagnostic.code for diagnostic in evaluate_change(change, schema(PLAIN), NEW)]
    assert "OP104" in [refusal.code for refusal in planned(PLAIN, declared).refusals]


def test_the_type_of_it_is_never_altered():
    """No ALTER of the type of a TTL column is sent, and the change is refused as TY102."""
    other = table("t", "a int pk", "ends blob", "later bigint")

    assert [] == planned(EXPIRING, other).cql
    assert ["TY102"] == [refusal.code for refusal in planned(EXPIRING, other).refusals]


def test_the_real_server_takes_these_types_alone():
    """The types of TTL columns are those that the recorded server accepted."""
    cases = [case for case in observed("y_2026") if str(case.get("case", "")).startswith("TTL column")]
    accepted = {kind for case in cases for kind in ("timestamp", "bigint", "int") if f" {kind} TTL" in case["steps"][0]}
    messages = [case["2026.3"][0] for case in cases if "text TTL" in case["steps"][0]]

    assert {item.cql for item in TTL_TYPES} == accepted
    assert ["IR TTL column 'e' must be of type timestamp, bigint or int, can't be text"] == messages
