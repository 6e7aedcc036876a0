"""Effects of changes on the facts, compared with a server in memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scyllamodel.schema.changes.effects import facts_after
from scyllamodel.schema.changes.kinds import NameTaken, Unmanaged
from scyllamodel.schema.changes.postconditions import is_applied
from scyllamodel.schema.diff.schema_diff import diff
from scyllamodel.schema.plan.step import is_step
from scyllamodel.schema.server.profile import ServerProfile
from support.builders import schema
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


@pytest.mark.parametrize("change", [Unmanaged("k", "table", "t"), NameTaken("k", "t", "table", "view")])
def test_what_does_not_run_has_no_effect_to_ask_for(change):
    """Requesting the effect of a note or a refusal is a programming error."""
    with pytest.raises(TypeError, match="has no statement"):
        facts_after(change, schema())
