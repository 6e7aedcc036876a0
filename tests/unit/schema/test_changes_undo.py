"""The inverse of a change, and what prevents it."""

from __future__ import annotations

import attrs
import pytest

from scyllamodel.schema.changes import kinds as c
from scyllamodel.schema.changes.undo import no_undo_reason
from scyllamodel.schema.facts.objects import FrozenMap
from scyllamodel.schema.rules.undo import evaluate_change, name_taken, with_recorded_facts
from scyllamodel.schema.server.profile import ServerProfile
from support.builders import index, schema, table, user_type, view

SERVER = ServerProfile("cassandra", (5, 0, 9))
T = ("id int pk", "at int ck", "a text")
TABLE = table("t", *T)
V = view("v", "t", "a text pk", "id int ck", "at int ck")
MASK = c.SetMask("k", "t", "a", None, "mask_null()")
FIELDS = c.RenameFields("k", "point", (("x", "y"),))


@pytest.mark.parametrize(
    ("original", "before"),
    [
        (schema(table("t", "id int pk", "a text mask=mask_hash()")), "mask_hash()"),
        (schema(TABLE), None),
        (schema(table("t", "id int pk")), "mask_null()"),
        (schema(), "mask_null()"),
    ],
    ids=["another mask", "no mask", "no such column", "no such table"],
)
def test_a_mask_is_compared_with_the_one_that_the_history_made(original, before):
    """The mask before a step is the one in the history, or the recorded one if that has no such column."""
    assert attrs.evolve(MASK, before=before) == with_recorded_facts(MASK, original)


@pytest.mark.parametrize(
    ("column", "reason"),
    [("n list<int>", ""), ("n frozen<point>", ""), ("n point", "Cassandra cannot drop n: a non-frozen user type")],
)
def test_cassandra_keeps_columns_of_non_frozen_user_types(column, reason):
    """Only a column of a non-frozen user type cannot be dropped on Cassandra."""
    added = table("t", *T, column)["n"]

    assert reason == no_undo_reason(c.AddColumns("k", "t", (added,)), SERVER)


EXPIRING = ("id int pk", "e timestamp", "f timestamp")
TTL = c.SetTtlColumn("k", "t", "f", "e")


@pytest.mark.parametrize(
    ("recorded", "before"),
    [(schema(), "e"), (schema(table("t", *EXPIRING)), None), (schema(table("t", *EXPIRING, ttl_column="f")), "f")],
    ids=["no such table", "no TTL column", "another TTL column"],
)
def test_a_ttl_column_is_compared_with_that_of_the_history(recorded, before):
    """The TTL column before a step is the one in the history, or the recorded one if that has no such table."""
    assert attrs.evolve(TTL, before=before) == with_recorded_facts(TTL, recorded)


@pytest.mark.parametrize(
    ("live", "text"),
    [
        (schema(), "it no longer exists"),
        (schema(table("t", *EXPIRING, ttl_column="f")), "its TTL column is f"),
        (schema(table("t", "id int pk", "e timestamp", ttl_column="e")), "its TTL column is e"),
        (schema(table("t", *EXPIRING, ttl_column="e")), None),
    ],
    ids=["no such table", "another TTL column", "no such column", "as recorded"],
)
def test_a_ttl_column_is_set_back_on_a_table_that_is_as_recorded(live, text):
    """If the table, its TTL column, or the column to set differs from the recorded ones, RB104 says so."""
    texts = [diagnostic.text for diagnostic in evaluate_change(TTL, live, SERVER) if diagnostic.code == "RB104"]

    assert (text is not None) == bool(texts)
    assert text is None or text in texts[0]


def test_a_drop_is_refused_and_judged_at_once():
    """A drop of a replaced view is refused, and still has the finding that it needs permission."""
    replaced = schema(TABLE, view("v", "t", "at int pk", "id int ck"))

    refusal = evaluate_change(c.DropView("k", V), replaced, SERVER)
    allowed = evaluate_change(c.DropView("k", V), replaced, SERVER, {"DS105"})

    assert [("RB104", "error"), ("DS105", "error")] == [(item.code, item.severity) for item in refusal]
    assert [("RB104", "error"), ("DS105", "warn")] == [(item.code, item.severity) for item in allowed]


def test_options_have_no_obstacle():
    """An option can be restored whatever its current value is."""
    change = c.SetOptions("k", "t", FrozenMap({"gc_grace_seconds": 5}), FrozenMap({"gc_grace_seconds": 9}))

    assert () == evaluate_change(change, schema(table("t", *T, options={"gc_grace_seconds": 7})), SERVER)


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [(["x int"], []), (["z int"], ["RB104"]), (["x int", "y int"], ["RB104"]), (["y int"], ["RB104"])],
    ids=["as it was", "renamed since", "the name is taken", "already there"],
)
def test_a_field_is_renamed_back_where_only_its_old_name_is_there(fields, refusal):
    """If only one of both names exists, the type is unchanged, and the field can be renamed back."""
    codes = [
        diagnostic.code
        for diagnostic in evaluate_change(FIELDS, schema(user_type("point", *fields)), SERVER, {"BC101"})
    ]

    assert refusal == [code for code in codes if code == "RB104"]


@pytest.mark.parametrize(
    ("columns", "target", "refusal"),
    [
        (["n int"], "n", True),
        (["n int"], "a, n", True),
        (["n int"], "a", False),
        (["a_n int"], "a", False),
    ],
    ids=["its own index", "one of several targets", "another column's index", "a name that begins alike"],
)
def test_a_column_under_an_index_is_not_dropped(columns, target, refusal):
    """A column under an index is refused until the index is dropped, also if it is one of several columns."""
    live = table("t", *T, *columns, indexes=[index(target, "i")])
    change = c.DropColumns("k", TABLE.name, (live.columns[-1],))

    codes = [diagnostic.code for diagnostic in evaluate_change(change, schema(live), SERVER, {"DS103"})]

    assert refusal == ("RB103" in codes)


def test_a_drop_outside_the_history_is_refused():
    """A name that the history does not contain is refused, for each kind of object and each column."""
    assert ["k.v"] == [diagnostic.object for diagnostic in name_taken(c.DropView("k", V))]
    assert ["k.t"] == [diagnostic.object for diagnostic in name_taken(c.DropTable("k", TABLE))]
    assert ["k.t.at", "k.t.a"] == [
        diagnostic.object for diagnostic in name_taken(c.DropColumns("k", "t", TABLE.columns[1:]))
    ]
    assert [] == [*name_taken(MASK)]
