"""The part of a keyspace that matters for a change."""

from __future__ import annotations

from typing import get_args

from hypothesis import given

from scyllamodel.schema.changes import kinds as c
from scyllamodel.schema.changes.effects import facts_after
from scyllamodel.schema.changes.keyspace_state import DropChange, KeyspaceState
from scyllamodel.schema.facts.type_order import dependency_order
from scyllamodel.schema.plan import transition
from scyllamodel.schema.plan.step import is_step
from scyllamodel.schema.rules.undo import evaluate_change
from scyllamodel.schema.server.profile import ServerProfile
from support.strategies import keyspaces

SERVERS = (
    ServerProfile("cassandra", (5, 0, 6)),
    ServerProfile("cassandra", (4, 0)),
    ServerProfile("scylla", (2025, 4)),
)


def drops(facts):
    """Drops of everything in a keyspace, some of which are refused because of dependent objects."""
    yield from (c.DropIndex("k", table, index) for table in facts.tables for index in table.indexes[::2])
    yield from (c.DropView("k", view) for view in facts.views[::2])
    for table in facts.tables:
        yield from (c.DropColumns("k", table.name, (column,)) for column in table.columns if not column.in_key)
        yield from (c.SetMask("k", table.name, column.name, None, column.mask) for column in table if column.mask)
    yield from (c.DropTable("k", table) for table in facts.tables[::2])
    yield from (c.DropType("k", item) for item in dependency_order(facts.types))
    yield from (c.DropView("k", view) for view in facts.views[1::2])


@given(keyspaces())
def test_a_part_of_the_keyspace_says_what_all_of_it_says(value):
    """Each drop has the same findings for the relevant part as for the whole keyspace, and an equal result."""
    now, vicinity = value, KeyspaceState(value)
    for change in drops(value):
        for server in SERVERS:
            assert evaluate_change(change, now, server) == evaluate_change(change, vicinity.facts_for(change), server)
        now = facts_after(change, now)
        vicinity.record(change)

    assert now == vicinity.all_facts()


@given(keyspaces(), keyspaces())
def test_changes_of_all_kinds_leave_what_they_leave_in_the_whole(value, target):
    """Other changes are checked against the whole keyspace, since their names must be unique."""
    now, vicinity = value, KeyspaceState(value)
    for change in filter(is_step, transition(value, target, SERVERS[0])):
        if not isinstance(change, get_args(DropChange)):
            assert now == vicinity.facts_for(change)
        now = facts_after(change, now)
        vicinity.record(change)

    assert now == vicinity.all_facts()
