"""What Cassandra 6.0 adds to ``system_schema``: kept in the facts, left out in words, and named by a strict check."""

from __future__ import annotations

import attrs
from build import schema, table, wanted

from scyllamodel.schema.changes import LiveOnly
from scyllamodel.schema.diff import diff
from scyllamodel.schema.facts import KeyspaceFacts
from scyllamodel.schema.left_out import unwritten
from scyllamodel.schema.reflect import columns_to_read, reflect_keyspace
from scyllamodel.schema.server import ServerProfile
from scyllamodel.schema.source.left_out import undeclared

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
    "cassandra", (6, 0, 0), schema_columns=frozenset((name, c) for name, found in LISTED.items() for c in found)
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
FOUND = reflect_keyspace("k", ROWS, C6)
EXPECTED = [
    ("comment", "k", "of the shop"),
    ("field comments", "k.addr", "{'x': 'east'}"),
    ("security label", "k.t", "secret"),
    ("comment", "k.t.a", "the key"),
    ("column constraints", "k.t.v", "{'constraints': ['v > 0', 'NOT NULL']}"),
    ("security label", "k.t.v", "pii"),
]


def test_they_are_selected_where_the_server_lists_them():
    """New columns and a whole new table; a server that lists none is asked for none."""
    asked = columns_to_read(C6)

    assert ("column_name", "constraints", "keyspace_name", "table_name") == asked["column_constraints"]
    assert {"comment", "security_label"} <= set(asked["keyspaces"]) & set(asked["columns"])
    assert {"security_label", "transactional_migration_from"} <= set(asked["tables"])
    assert not {"column_name_bytes", "pending_drop", "dropped_time"} & {c for found in asked.values() for c in found}
    assert "column_constraints" not in columns_to_read(C5)


def test_they_are_kept_in_the_facts():
    """Each with what it belongs to; empty ones are nothing."""
    assert EXPECTED == [attrs.astuple(item) for item in FOUND.additions]
    assert "security_label" not in FOUND.table("t").options


def test_they_are_listed_as_left_out():
    """In the CQL of inspect, and in generated models."""
    said = [str(item) for item in unwritten(FOUND)]

    assert len(EXPECTED) == len(said) == len([item for item in undeclared(FOUND) if item.what != "user type"])
    assert "The comment 'k' is left out: this release does not write what a newer server stores: of the shop." in said


def test_a_strict_check_names_them():
    """As live things that no model declares; they are no part of what is compared."""
    models = wanted(table("t", "a int pk", "v int"))
    noted = [change for change in diff(FOUND, models, C6) if isinstance(change, LiveOnly)]
    bare = KeyspaceFacts("k", FOUND.keyspace, FOUND.types, FOUND.tables)

    assert {(what, name.partition(".")[2]) for what, name, _ in EXPECTED} <= {(c.what, c.name) for c in noted}
    assert bare == FOUND
    assert () == schema().additions
