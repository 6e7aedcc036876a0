"""Effects of changes on the facts, compared with a server in memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scyllamodel.schema.changes.effects import facts_after
from scyllamodel.schema.changes.kinds import AddField, DropColumns, NameTaken, RenameKeyColumns, Unmanaged
from scyllamodel.schema.changes.postconditions import is_applied
from scyllamodel.schema.diff.schema_diff import diff
from scyllamodel.schema.plan.step import is_step
from scyllamodel.schema.server.profile import ServerProfile
from scyllamodel.types.cql_types import Native
from support.builders import schema, table, user_type, view
from support.simulator import applied
from support.strategies import keyspaces, later

SERVER = ServerProfile()


@given(st.data())
def test_a_change_holds_after_it_and_its_inverse_after_that(data):
    """Each change of a plan has the effect of its statement, and its inverse restores the facts."""
    old = data.draw(keyspaces())
    now = live = old
    for change in filter(is_step, diff(old, data.draw(later(old)), SERVER)):
        live, before, now = applied(live, change), now, facts_after(change, now)

        assert is_applied(change, now, SERVER)
        assert is_applied(change, live, SERVER)
        assert {t.name for t in live.tables} == {t.name for t in now.tables}
        assert [set(t) for t in live.tables] == [set(t) for t in now.tables]
        if hasattr(change, "inverse"):
            restored = facts_after(change.inverse(), now)

            assert is_applied(change.inverse(), restored, SERVER)
            assert [set(t) for t in before.tables] == [set(t) for t in restored.tables]


KEY, RENAMED, FILTER = ("id int pk", "At int ck"), ("id int pk", "time int ck"), '"At" > 5 AND id IS NOT NULL'
BEFORE = {"old": "regular int"}
EXPIRING = table("t", *KEY, "v text", "ends timestamp", ttl_column="ends", dropped=BEFORE)
# what a case is about, the change, the facts before it, the facts after it
EFFECTS = [
    ("a field with another type", AddField("k", "p", "x", Native("varint")), schema(user_type("p", "x int", "y int")),
     schema(user_type("p", "y int", "x varint"))),
    ("a dropped column is remembered beside earlier ones", DropColumns("k", "t", (EXPIRING["v"],)), schema(EXPIRING),
     schema(table("t", *KEY, "ends timestamp", ttl_column="ends", dropped={**BEFORE, "v": "regular text"}))),
    ("a dropped TTL column is none any more", DropColumns("k", "t", (EXPIRING["ends"],)), schema(EXPIRING),
     schema(table("t", *KEY, "v text", dropped={**BEFORE, "ends": "regular timestamp"}))),
    ("a key column is renamed in the views of its table", RenameKeyColumns("k", "t", (("At", "time"),)),
     schema(table("t", *KEY), table("u", *KEY), view("a", "t", *KEY, where=FILTER), view("b", "u", *KEY, where=FILTER)),
     schema(table("t", *RENAMED), table("u", *KEY),
            view("a", "t", *RENAMED, where="time > 5 AND id IS NOT NULL"), view("b", "u", *KEY, where=FILTER))),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "before", "after"), [case[1:] for case in EFFECTS], ids=[case[0] for case in EFFECTS]
)
def test_a_change_leaves_all_that_it_does_not_concern(change, before, after):
    """What one statement stores replaces what was there of the same object, and of no other one."""
    changed = facts_after(change, before)

    assert after == changed
    assert [table.dropped for table in after.tables] == [table.dropped for table in changed.tables]


@pytest.mark.parametrize("change", [Unmanaged("k", "table", "t"), NameTaken("k", "t", "table", "view")])
def test_what_does_not_run_has_no_effect_to_ask_for(change):
    """Requesting the effect of a note or a refusal is a programming error."""
    with pytest.raises(TypeError, match="has no statement"):
        facts_after(change, schema())
