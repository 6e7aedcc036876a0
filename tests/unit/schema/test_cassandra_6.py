"""Additions of Cassandra 6.0 to ``system_schema`` are part of the facts, unsupported in CQL, and noted by checks."""

from __future__ import annotations

import attrs
import pytest

from scyllamodel.release.ledger import LedgerStep, Migration
from scyllamodel.release.rollback import RollbackTarget, rollback_plan
from scyllamodel.schema.changes.as_json import change_to_json
from scyllamodel.schema.changes.effects import facts_after
from scyllamodel.schema.changes.kinds import Unmanaged
from scyllamodel.schema.diff.schema_diff import diff
from scyllamodel.schema.export.facts_json import facts_document
from scyllamodel.schema.export.mermaid import mermaid
from scyllamodel.schema.export.models.module import module_source
from scyllamodel.schema.export.models.unsupported import unsupported_by_models
from scyllamodel.schema.export.unsupported import Unsupported, missing_from_script
from scyllamodel.schema.facts.objects import KeyspaceFacts, SchemaFacts, Trigger
from scyllamodel.schema.plan import contract_plan
from scyllamodel.schema.reflect import columns_to_read, has_known_columns, reflect_keyspace
from scyllamodel.schema.rules.allow import checked_values
from scyllamodel.schema.server.profile import ServerProfile
from support.builders import desired, schema, table

C5 = ServerProfile("cassandra", (5, 0, 9))
LISTED = {
    **columns_to_read(C5),
    "columns": (*columns_to_read(C5)["columns"], "column_name_bytes", "comment", "security_label"),
    "keyspaces": (*columns_to_read(C5)["keyspaces"], "comment", "security_label"),
    "tables": (*columns_to_read(C5)["tables"], "security_label", "transactional_migration_from", "pending_drop"),
    "types": (*columns_to_read(C5)["types"], "comment", "field_comments"),
    "column_constraints": ("keyspace_name", "table_name", "column_name", "constraints"),
}
C6 = ServerProfile(
    "cassandra", (6, 0, 0), schema_columns=frozenset((name, c) for name, value in LISTED.items() for c in value)
)
OF_T = {"keyspace_name": "k", "table_name": "t"}
ROWS = {
    "keyspaces": [{
        "keyspace_name": "k", "durable_writes": True, "comment": "of the shop", "security_label": None,
        "replication": {"class": "org.apache.cassandra.locator.NetworkTopologyStrategy", "dc1": "3"},
    }],
    "tables": [{**OF_T, "flags": ["compound"], "comment": "c", "security_label": "secret",
                "transactional_migration_from": "off"}],
    "columns": [
        {**OF_T, "column_name": "a", "clustering_order": "none", "kind": "partition_key", "position": 0,
         "type": "int", "comment": "the key", "security_label": ""},
        {**OF_T, "column_name": "v", "clustering_order": "none", "kind": "regular", "position": -1,
         "type": "int", "comment": None, "security_label": "pii"},
    ],
    "types": [{"keyspace_name": "k", "type_name": "addr", "field_names": ["x"], "field_types": ["int"],
               "comment": None, "field_comments": {"x": "east"}}],
    "dropped_columns": [{**OF_T, "column_name": "old", "kind": "regular", "type": "int"}],
    "column_constraints": [{**OF_T, "column_name": "v", "constraints": ["v > 0", "NOT NULL"]}],
}  # fmt: skip
LIVE = reflect_keyspace("k", ROWS, C6)
EXPECTED = [
    ("comment", "k", "of the shop"),
    ("field comments", "k.addr", "{'x': 'east'}"),
    ("security label", "k.t", "secret"),
    ("comment", "k.t.a", "the key"),
    ("column constraints", "k.t.v", "{'constraints': ['v > 0', 'NOT NULL']}"),
    ("security label", "k.t.v", "pii"),
]


def test_they_are_selected_where_the_server_lists_them():
    """New columns and a new table are selected only from a server that lists them."""
    requested = columns_to_read(C6)

    assert ("column_name", "constraints", "keyspace_name", "table_name") == requested["column_constraints"]
    assert {"comment", "security_label"} <= set(requested["keyspaces"]) & set(requested["columns"])
    assert {"security_label", "transactional_migration_from"} <= set(requested["tables"])
    assert not {"column_name_bytes", "pending_drop", "dropped_time"} & {c for item in requested.values() for c in item}
    assert "column_constraints" not in columns_to_read(C5)
    assert (True, False) == (has_known_columns(columns_to_read(C5)), has_known_columns(requested))


def test_they_are_kept_in_the_facts():
    """Each addition belongs to its object in the facts, and empty ones are omitted."""
    assert EXPECTED == [attrs.astuple(item) for item in LIVE.additions]
    assert "security_label" not in LIVE.table("t").options


def test_they_are_listed_as_left_out():
    """The CQL and the models that inspect writes list the additions as unsupported."""
    messages = [str(item) for item in missing_from_script(LIVE)]

    assert (
        len(EXPECTED)
        == len(messages)
        == len([item for item in unsupported_by_models(LIVE) if item.what != "user type"])
    )
    assert "The comment 'k' is left out: this release cannot write what a newer server stores: of the shop." in messages


def test_a_strict_check_names_them():
    """A strict check reports additions as undeclared, and does not compare them."""
    models = desired(table("t", "a int pk", "v int"))
    unmanaged = [change for change in diff(LIVE, models, C6) if isinstance(change, Unmanaged)]
    bare = KeyspaceFacts("k", LIVE.keyspace, LIVE.types, LIVE.tables)

    assert {(what, name.partition(".")[2]) for what, name, _ in EXPECTED} <= {(c.kind, c.name) for c in unmanaged}
    assert bare == LIVE
    assert () == schema().additions


TRIGGERED = attrs.evolve(LIVE, tables=[attrs.evolve(LIVE.table("t"), triggers=[Trigger("audit", "org.example.Audit")])])
DROPS = [
    ("DS102:t", [], ["security label of k.t (secret)", "comment of k.t.a (the key)", "trigger audit of k.t (org"]),
    ("DS103:t.v", [table("t", "a int pk")], ["column constraints of k.t.v", "security label of k.t.v (pii)"]),
    ("DS104:addr", [table("t", "a int pk", "v int")], ["field comments of k.addr ({'x': 'east'})"]),
]


@pytest.mark.parametrize(("allow", "models", "phrases"), DROPS, ids=[case[0] for case in DROPS])
def test_what_a_drop_takes_with_it_is_named_before_it_goes_and_before_it_comes_back(allow, models, phrases):
    """A drop has a warning and records the additions, and a rollback without them needs permission."""
    desired_facts = SchemaFacts([desired(*models)])
    (step,) = contract_plan(desired_facts, SchemaFacts([TRIGGERED]), C6, allow={allow}).steps
    undone = LedgerStep(
        "k/default", 1, 1, step.op, step.object, step.cql, step.undo, "applied", change_json=change_to_json(step.change)
    )
    target = RollbackTarget(0, "", (Migration("k/default", 1, total=1, steps=(undone,)),))
    dropped = SchemaFacts([facts_after(step.change, attrs.evolve(TRIGGERED, additions=()))])
    plans = [rollback_plan(target, dropped, C6, allow=allowed).plan for allowed in ((), ("RB111:1/1",))]

    assert phrases[0] in str([lint.text for lint in step.lints if lint.code == "RB111"])
    assert all(phrase in str(undone.change.unwritten) for phrase in phrases)
    assert [("RB111", "RB111:1/1")] == [(refusal.code, refusal.allow) for refusal in plans[0].refusals]
    assert ("RB111:1/1",) == checked_values("RB111:1/1")
    assert all(phrase in plans[0].refusals[0].text for phrase in phrases)
    assert () == plans[1].refusals
    assert 1 == len(plans[1].steps)


def test_a_drop_without_such_things_is_written_as_ever():
    """A drop without additions is stored as by older releases, so that these can read it."""
    bare = attrs.evolve(LIVE, additions=())
    (step,) = contract_plan(SchemaFacts([desired()]), SchemaFacts([bare]), C6, allow={"DS102:t"}).steps

    assert "unwritten" not in change_to_json(step.change)
    assert not [lint for lint in step.lints if lint.code == "RB111"]


def test_every_form_of_output_names_them():
    """CQL, models, JSON and a diagram list the additions with the same text."""
    texts = {str(item) for item in missing_from_script(LIVE)}
    output = {
        str(Unsupported(*item.values())) for item in facts_document(SchemaFacts([LIVE]))["keyspaces"][0]["left_out"]
    }
    forms = [module_source(LIVE, C6), mermaid(LIVE)]  # a diagram has no braces within its text

    assert len(EXPECTED) == len(texts)
    assert texts == output
    assert all(word.partition("{")[0] in form for word in texts for form in forms)
