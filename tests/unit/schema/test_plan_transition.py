"""Transitions from one schema to another, and back to the schema before a change."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scyllamodel.schema.changes import kinds as c
from scyllamodel.schema.changes.effects import facts_after
from scyllamodel.schema.changes.undo import facts_before, target_is_missing
from scyllamodel.schema.diff.schema_diff import diff
from scyllamodel.schema.facts.objects import FrozenMap
from scyllamodel.schema.plan import transition
from scyllamodel.schema.plan.step import is_step
from scyllamodel.schema.server.profile import ServerProfile
from support.builders import index, schema, summaries, table, user_type, view
from support.simulator import applied
from support.strategies import keyspaces, later

SERVER = ServerProfile("scylla", (2025, 4))
T = table("t", "id int pk", "at int ck", "a text")
V = view("v", "t", "at int pk", "id int ck")
W = view("w", "t", "at int pk", "id int ck", "a text", "b text")
P = user_type("p", "x int")

# the live keyspace, the goal, the changes
CASES = [
    ("nothing", schema(T, V, P), schema(T, V, P), []),
    ("a type", schema(), schema(P), ["+ type p"]),
    ("a type that goes after its holders", schema(P, table("h", "id int pk", "p frozen<p>")), schema(),
     ["- DropTable", "- DropType"]),
    ("types, the outer one first", schema(P, user_type("q", "p frozen<p>")), schema(), ["- DropType", "- DropType"]),
    ("a field", schema(P), schema(user_type("p", "x int", "y int")), ["+ field p.y"]),
    ("a field too many", schema(user_type("p", "x int", "y int")), schema(P), [". field p.y"]),
    ("another type", schema(user_type("p", "x text")), schema(P), ["- DropType", "+ type p"]),
    ("another type inside one that stays", schema(P, user_type("q", "p frozen<set<frozen<p>>>")),
     schema(user_type("p", "x text"), user_type("q", "p frozen<set<frozen<p>>>")),
     ["- DropType", "- DropType", "+ type p", "+ type q"]),
    ("another type in a column that stays", schema(P, table("h", "id int pk", "p frozen<p>", "n int")),
     schema(user_type("p", "x text"), table("h", "id int pk", "p frozen<p>", "n int")),
     ["- DropTable", "- DropType", "+ type p", "+ table h"]),
    ("another type in a collection, with an index and a view",
     schema(P, table("h", "id int pk", "p list<frozen<p>>", "n int", indexes=[index("n", "i")]),
            view("w", "h", "n int pk", "id int ck")),
     schema(user_type("p", "x text"),
            table("h", "id int pk", "p list<frozen<p>>", "n int", indexes=[index("n", "i")]),
            view("w", "h", "n int pk", "id int ck")),
     ["- DropView", "- DropTable", "- DropType", "+ type p", "+ table h", "+ index i", "+ view w"]),
    ("another type in a key", schema(P, table("h", "id frozen<p> pk")),
     schema(user_type("p", "x text"), table("h", "id frozen<p> pk")),
     ["- DropTable", "- DropType", "+ type p", "+ table h"]),
    ("another type inside the type of a column",
     schema(P, user_type("q", "p frozen<p>"), table("h", "id int pk", "q frozen<q>")),
     schema(user_type("p", "x text"), user_type("q", "p frozen<p>"), table("h", "id int pk", "q frozen<q>")),
     ["- DropTable", "- DropType", "- DropType", "+ type p", "+ type q", "+ table h"]),
    ("another type in a column that goes", schema(P, table("h", "id int pk", "p frozen<p>")),
     schema(user_type("p", "x text"), table("h", "id int pk")), ["- DropColumns", "- DropType", "+ type p"]),
    ("another type in a column that comes", schema(P, table("h", "id int pk")),
     schema(user_type("p", "x text"), table("h", "id int pk", "p frozen<p>")),
     ["- DropType", "+ type p", "+ columns h (p)"]),
    ("another type in a table whose key is renamed", schema(P, table("h", "id int pk", "p frozen<p>")),
     schema(user_type("p", "x text"), table("h", "key int pk from=id", "p frozen<p>")),
     ["- DropTable", "- DropType", "+ type p", "+ table h"]),
    ("a table", schema(), schema(T), ["+ table t"]),
    ("a table with its index", schema(), schema(attrs.evolve(T, indexes=(index("a", "i"),))),
     ["+ table t", "+ index i"]),
    ("a table that goes", schema(attrs.evolve(T, indexes=(index("a", "i"),))), schema(), ["- DropTable"]),
    ("another key", schema(T), schema(table("t", "id text pk", "at int ck", "a text")), ["- DropTable", "+ table t"]),
    ("another order", schema(T), schema(table("t", "id int pk", "at int ck desc", "a text")),
     ["- DropTable", "+ table t"]),
    ("columns", schema(T), schema(table("t", "id int pk", "at int ck", "b text")),
     ["- DropColumns", "+ columns t (b)"]),
    ("a column of another type", schema(T), schema(table("t", "id int pk", "at int ck", "a int")),
     ["- DropColumns", "+ columns t (a)"]),
    ("a column of another type with its index", schema(attrs.evolve(T, indexes=(index("a", "i"),))),
     schema(table("t", "id int pk", "at int ck", "a int", indexes=[index("a", "i")])),
     ["- DropIndex", "- DropColumns", "+ columns t (a)", "+ index i populated"]),
    ("a column of another type in a view", schema(T, view("v", "t", "at int pk", "id int ck", "a text")),
     schema(table("t", "id int pk", "at int ck", "a int"), view("v", "t", "at int pk", "id int ck", "a int")),
     ["- DropView", "- DropColumns", "+ columns t (a)", "+ view v populated"]),
    ("options", schema(attrs.evolve(T, options={"comment": "x"})), schema(attrs.evolve(T, options={"comment": "y"})),
     ["~ options t comment"]),
    ("an index", schema(T), schema(attrs.evolve(T, indexes=(index("a", "i"),))), ["+ index i populated"]),
    ("an index that goes", schema(attrs.evolve(T, indexes=(index("a", "i"),))), schema(T), ["- DropIndex"]),
    ("another index", schema(attrs.evolve(T, indexes=(index("a", "i"),))),
     schema(attrs.evolve(T, indexes=(index("at", "i"),))), ["- DropIndex", "+ index i populated"]),
    ("an index on a key column, whose hidden view keeps the column that goes",
     schema(attrs.evolve(T, indexes=(index("at", "i"),))),
     schema(table("t", "id int pk", "at int ck", indexes=[index("at", "i")])),
     ["- DropIndex", "- DropColumns", "+ index i populated"]),
    ("an index on a key column of a table that keeps its columns",
     schema(attrs.evolve(T, indexes=(index("at", "i"),), options={"comment": "x"})),
     schema(attrs.evolve(T, indexes=(index("at", "i"),), options={"comment": "y"})), ["~ options t comment"]),
    ("an index of a table that is made again", schema(attrs.evolve(T, indexes=(index("a", "i"),))),
     schema(table("t", "id text pk", "a text", indexes=[index("a", "i")])), ["- DropTable", "+ table t", "+ index i"]),
    ("a view", schema(T), schema(T, V), ["+ view v populated"]),
    ("a view that goes", schema(T, V), schema(T), ["- DropView"]),
    ("a view of another key", schema(T, V), schema(T, view("v", "t", "a text pk", "id int ck", "at int ck")),
     ["- DropView", "+ view v populated"]),
    ("a view of a table that is made again", schema(T, V),
     schema(table("t", "id int pk", "at int ck desc", "a text"), V),
     ["- DropView", "- DropTable", "+ table t", "+ view v"]),
    ("a mask", schema(T), schema(attrs.evolve(T, columns=[attrs.evolve(c, mask="mask_null()") for c in T])),
     ["~ mask t.id mask_null()", "~ mask t.at mask_null()", "~ mask t.a mask_null()"]),
    ("fields", schema(P), schema(attrs.evolve(user_type("p", "y int"), renamed={"y": "x"})), ["~ rename p x->y"]),
    ("a view and its table", schema(), schema(T, V), ["+ table t", "+ view v"]),
    ("columns beside a view that keeps the regular ones",
     schema(table("t", "id int pk", "at int ck", "a text", "s text static"), V),
     schema(table("t", "id int pk", "at int ck"), V), ["- DropView", "- DropColumns", "+ view v populated"]),
    ("a static column beside a view", schema(table("t", "id int pk", "at int ck", "a text", "s text static"), V),
     schema(T, V), ["- DropColumns"]),
    ("a view of a column that comes back and one that does not",
     schema(table("t", "id int pk", "at int ck", "a text", "b text"), W),
     schema(table("t", "id int pk", "at int ck", "a int"), W),
     ["- DropColumns", "+ columns t (a)"]),
    ("options of a view", schema(T, attrs.evolve(V, options={"comment": "x"})),
     schema(T, attrs.evolve(V, options={"comment": "y"})), ["~ options v comment"]),
    ("a key column with its view", schema(T, V),
     schema(table("t", "key int pk from=id", "at int ck", "a text"), view("v", "t", "at int pk", "key int ck")),
     ["~ rename t id->key"]),
]  # fmt: skip


@pytest.mark.parametrize(("value", "target", "changes"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_kind_of_difference(value, target, changes):
    """Drops come first, with dependents before dependencies, and what CQL cannot alter is recreated."""
    transition_changes = transition(value, target, SERVER)
    drops = [
        f"- {type(item).__name__}" if type(item).__name__.startswith("Drop") else "" for item in transition_changes
    ]
    summary = [drop or summaries([item])[0] for drop, item in zip(drops, transition_changes, strict=True)]

    assert changes == summary


def test_what_is_made_for_rows_says_so():
    """A view or index on an existing table is built in the background, and one on a new table is not."""
    recreated = schema(table("t", "id text pk", "at int ck", "a text"), V)

    assert [True] == [x.populated for x in transition(schema(T), schema(T, V), SERVER) if isinstance(x, c.AddView)]
    assert [False] == [x.populated for x in transition(schema(T, V), recreated, SERVER) if isinstance(x, c.AddView)]
    assert [False] == [x.populated for x in transition(schema(), schema(T, V), SERVER) if isinstance(x, c.AddView)]


@given(keyspaces(), keyspaces())
def test_any_schema_becomes_any_other(value, target):
    """The transition between any two schemas runs on a simulated server, and a second one is empty."""
    now = value
    for change in transition(value, target, SERVER):
        if is_step(change):
            now = applied(now, change)
    remaining = [change for change in transition(now, target, SERVER) if is_step(change)]

    assert [] == remaining


@given(st.data())
def test_a_change_is_rewound_from_wherever_a_rollback_was_cut_short(data):
    """The facts before a change are computed from those after it, and do not change if they are computed again."""
    old = data.draw(keyspaces())
    now = old
    for change in filter(is_step, diff(old, data.draw(later(old)), SERVER)):
        previous, now = now, facts_after(change, now)
        if isinstance(change, c.SetOptions):
            continue  # options that were not stored have no value to go back to
        for undo, forth in ((change, now), *(((change.inverse(), previous),) if hasattr(change, "inverse") else ())):
            whole = facts_before(undo, forth)

            assert whole == facts_before(undo, whole)
        assert not transition(facts_before(change, now), previous, SERVER)


def test_options_are_rewound_to_what_was_stored():
    """The options before a change are the stored ones, of tables and views, and other options are kept."""
    for fact, is_view in ((T, False), (V, True)):
        live = attrs.evolve(fact, options={"comment": "y", "gc_grace_seconds": 7})
        change = c.SetOptions("k", fact.name, FrozenMap({"comment": "y"}), FrozenMap({"comment": "x"}), is_view)
        earlier = facts_before(change, schema(live) if not is_view else schema(T, live))
        restored = earlier.view("v") if is_view else earlier.table("t")

        assert {"comment": "x", "gc_grace_seconds": 7} == dict(restored.options)


def test_a_chain_of_renames_knows_the_live_name():
    """After two renames are undone, the column has its original name and remembers the live one."""
    first, two = (c.RenameKeyColumns("k", "t", names) for names in ((("id", "b"),), (("b", "key"),)))
    live = schema(
        table("t", "key int pk", "at int ck"), view("v", "t", "at int pk", "key int ck", where="key IS NOT NULL")
    )
    earlier = facts_before(first, facts_before(two, live))

    assert ("id", "key") == (earlier.tables[0].columns[0].name, earlier.tables[0].columns[0].renamed_from)
    assert "id IS NOT NULL" == earlier.views[0].where
    assert facts_before(first, facts_before(two, earlier)) == earlier
    assert ["~ rename t key->id"] == summaries(transition(live, earlier, SERVER))


def test_a_chain_of_renamed_fields_knows_the_live_name():
    """After two renames are undone, the field has its original name and remembers the live one."""
    first, two = (c.RenameFields("k", "p", names) for names in ((("x", "b"),), (("b", "now"),)))
    live = schema(user_type("p", "now int", "y int"))
    before = facts_before(first, facts_before(two, live))

    assert user_type("p", "x int", "y int").fields == before.types[0].fields
    assert {"x": "now"} == dict(before.types[0].renamed)
    assert {} == dict(facts_before(c.RenameFields("k", "p", (("now", "x"),)), before).types[0].renamed)


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        (c.DropColumns("k", "t", (T["a"],)), [True, False]),
        (c.DropIndex("k", T, index("a", "i")), [True, False]),
        (c.RenameKeyColumns("k", "t", (("x", "y"),)), [False, True]),
        (c.RenameKeyColumns("k", "t", (("id", "y"),)), [False, False]),
        (c.RenameKeyColumns("k", "t", (("id", "y"), ("x", "z"))), [False, True]),
        (c.AddColumns("k", "t", (T["a"],)), [False, False]),
    ],
)
def test_what_has_no_place_to_return_to(change, missing):
    """The target of an undo is missing if its table is gone, or if a key column has neither name."""
    assert missing == [target_is_missing(change, value) for value in (schema(), schema(T))]


def test_fields_renamed_one_after_the_other_keep_their_live_names():
    """The rename of one field preserves the live name of another one."""
    live = schema(user_type("p", "now int", "then int"))
    one = facts_before(c.RenameFields("k", "p", (("x", "now"),)), live)

    both = facts_before(c.RenameFields("k", "p", (("y", "then"),)), one)

    assert {"x": "now", "y": "then"} == dict(both.types[0].renamed)


@pytest.mark.parametrize(("fields", "missing"), [("x", False), ("y", False), ("z", True)])
def test_a_field_is_missing_under_neither_name(fields, missing):
    """A renamed field is missing only if its type exists and has the field under neither name."""
    change = c.RenameFields("k", "p", (("x", "y"),))

    assert missing is target_is_missing(change, schema(user_type("p", f"{fields} int")))
    assert not target_is_missing(change, schema())


def test_a_rename_of_two_fields_needs_both():
    """A rename of two fields is missing if either has neither name."""
    change = c.RenameFields("k", "p", (("x", "y"), ("a", "b")))

    assert target_is_missing(change, schema(user_type("p", "x int")))
    assert not target_is_missing(change, schema(user_type("p", "x int", "b int")))


def test_what_does_not_run_was_never_done():
    """Computing the facts before a note is a programming error."""
    with pytest.raises(TypeError, match="has no statement"):
        facts_before(c.Unmanaged("k", "table", "t"), schema())
