"""Facts as JSON documents."""

from __future__ import annotations

import json

from scyllamodel.schema.export.facts_json import facts_document
from scyllamodel.schema.facts.objects import (
    FrozenMap,
    Index,
    Keyspace,
    KeyspaceFacts,
    SchemaFacts,
    Table,
    TableColumn,
    UserType,
    View,
)
from scyllamodel.types.cql_types import Native, SetType

KEY = TableColumn("id", Native("uuid"), "partition_key")
PLACED = TableColumn("Placed", Native("timeuuid"), "clustering", descending=True)
TAGS = TableColumn("tags", SetType(Native("text")))
SHOP = KeyspaceFacts(
    "shop",
    Keyspace("shop", FrozenMap({"class": "NetworkTopologyStrategy", "dc1": "3"})),
    types=[UserType("point", (("x", Native("double")), ("y", Native("double"))))],
    tables=[
        Table(
            "orders",
            [PLACED, TAGS, KEY],
            options={"gc_grace_seconds": 60, "compaction": {"class": "LeveledCompactionStrategy"}},
            indexes=[Index("by_tag", "tags")],
        )
    ],
    views=[View("by_placed", [PLACED, KEY], base="orders", where='"Placed" IS NOT NULL')],
)


def test_a_keyspace_becomes_one_document():
    """Columns are in key order, types are CQL text, and option maps are objects."""
    column = {"descending": False, "kind": "regular"}

    assert {
        "name": "shop",
        "replication": {"class": "NetworkTopologyStrategy", "dc1": "3"},
        "durable_writes": True,
        "tablets": None,
        "types": [{"name": "point", "fields": [{"name": "x", "type": "double"}, {"name": "y", "type": "double"}]}],
        "tables": [
            {
                "name": "orders",
                "columns": [
                    {"name": "id", "type": "uuid", "kind": "partition_key", "descending": False},
                    {"name": "Placed", "type": "timeuuid", "kind": "clustering", "descending": True},
                    {"name": "tags", "type": "set<text>", **column},
                ],
                "indexes": [
                    {"name": "by_tag", "column": "tags", "on": "values", "using": None, "options": {}, "local": False}
                ],
                "triggers": [],
                "flags": [],
                "options": {"compaction": {"class": "LeveledCompactionStrategy"}, "gc_grace_seconds": 60},
            }
        ],
        "views": [
            {
                "name": "by_placed",
                "of": "orders",
                "columns": [
                    {"name": "id", "type": "uuid", "kind": "partition_key", "descending": False},
                    {"name": "Placed", "type": "timeuuid", "kind": "clustering", "descending": True},
                ],
                "all_columns": False,
                "where": '"Placed" IS NOT NULL',
                "options": {},
            }
        ],
        "functions": [],
        "aggregates": [],
        "left_out": [
            {"what": "view", "name": "by_placed", "why": 'models cannot declare filters: WHERE "Placed" IS NOT NULL'}
        ],
    } == facts_document(SchemaFacts([SHOP]))["keyspaces"][0]


def test_a_keyspace_that_does_not_exist_has_no_settings():
    """Unknown settings are null."""
    (value,) = facts_document(SchemaFacts([KeyspaceFacts("absent")]))["keyspaces"]

    assert (None, None, []) == (value["replication"], value["durable_writes"], value["tables"])


def test_equal_facts_give_equal_text():
    """The order in which options were declared does not affect the text."""
    tables = [
        Table("t", [KEY], options=options)
        for options in ({"comment": "a", "caching": {"keys": "ALL"}}, {"caching": {"keys": "ALL"}, "comment": "a"})
    ]
    texts = {json.dumps(facts_document(SchemaFacts([KeyspaceFacts("k", tables=[table])]))) for table in tables}

    assert 1 == len(texts)
