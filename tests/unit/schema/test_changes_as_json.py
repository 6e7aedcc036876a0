"""Changes as JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scyllamodel.schema.changes import kinds as c
from scyllamodel.schema.changes.as_json import change_from_json, change_to_json
from scyllamodel.schema.diff.schema_diff import diff
from scyllamodel.schema.facts.objects import FrozenMap, Keyspace
from scyllamodel.schema.server.profile import ServerProfile
from support.builders import index, schema, table, user_type, view
from support.strategies import cql_types, keyspaces, later

T = table("t", "id int pk", "at int ck desc", "a text", "s int static", options={"comment": "it's", "caching": {}})
V = view("v", "t", "a text pk", "id int ck", "at int ck", where="a IS NOT NULL")
CHANGES = [
    c.CreateKeyspace(Keyspace("k", FrozenMap({"class": "X"}), durable_writes=False, tablets=True)),
    c.AddType("k", user_type("point", "x int", "y frozen<list<text>>")),
    c.AddField("k", "point", "z", T["a"].type),
    c.AddTable("k", T),
    c.AddColumns("k", "t", (T["a"], T["s"])),
    c.RenameKeyColumns("k", "t", (("id", "key"), ("at", "on"))),
    c.SetOptions("k", "v", FrozenMap({"gc_grace_seconds": 1, "bloom": 0.5, "x": True}), FrozenMap(), view=True),
    c.AddIndex("k", T, index("a", "i", using="sai", options={"b": "c"}), populated=True),
    c.AddView("k", V, populated=True),
]


@pytest.mark.parametrize("change", [*CHANGES, *(x.inverse() for x in CHANGES if hasattr(x, "inverse"))], ids=repr)
def test_every_kind_of_step_comes_back(change):
    """A change and its inverse equal the originals after a round trip through JSON."""
    assert change == change_from_json(change_to_json(change))


@given(cql_types)
def test_types_come_back(cql_type):
    """Each type of a field equals the original after a round trip."""
    change = c.AddField("k", "t", 'na"me', cql_type)

    assert change == change_from_json(change_to_json(change))


@given(st.data())
def test_the_changes_of_any_plan_come_back(data):
    """All changes between two releases equal the originals after a round trip, including named indexes."""
    old = data.draw(keyspaces())
    for change in diff(old, data.draw(later(old)), ServerProfile()):
        parsed = change_from_json(change_to_json(change))

        assert change == parsed
        assert getattr(change, "index", None) is None or change.index.named == parsed.index.named


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "null",
        "7",
        "{",
        "[]",
        '{"=":"BendTime"}',
        '{"=":"AddField","keyspace":"k"}',
        '{"=":"AddField","keyspace":"k","type":"t","name":"n","field_type":{"cql":"nosuch<"}}',
        '{"=":"AddField","keyspace":"k","type":"t","name":"n","field_type":{"cql":"int"},"later":1}',
        '{"=":"Keyspace","name":"k"}',
    ],
)
def test_what_is_not_understood_is_none(text):
    """Text that a newer release or another program wrote is read as None."""
    assert change_from_json(text) is None


def test_the_text_is_canonical():
    """Equal changes have the same text, whatever their equality ignores."""
    live = schema(table("t", *["id int pk"], flags={"compound"}, dropped={"x": "regular int"}))
    first, other = c.AddTable("k", live.tables[0]), c.AddTable("k", table("t", "id int pk"))

    assert first == other
    assert change_to_json(first) == change_to_json(other)
    assert json.loads(change_to_json(first))["="] == "AddTable"
