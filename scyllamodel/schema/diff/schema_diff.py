"""Compute the changes from the live schema to the desired one.

*In*: the live schema, the facts that models declare, and the server. *Out*: the changes in execution order, possible or
not: `scyllamodel.schema.rules` decides which may run. No I/O; one module for each kind of object.

Options, index classes and view filters that models leave open are not compared. A live object that no model declares is
an `Unmanaged` note, never drift.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scyllamodel.schema.changes.kinds import Unmanaged
from scyllamodel.schema.diff.indexes import diff_indexes
from scyllamodel.schema.diff.keyspaces import diff_keyspace
from scyllamodel.schema.diff.options import diff_options
from scyllamodel.schema.diff.schema_pair import SchemaPair
from scyllamodel.schema.diff.tables import diff_tables
from scyllamodel.schema.diff.types import diff_types
from scyllamodel.schema.diff.views import diff_views
from scyllamodel.schema.facts.objects import KeyspaceFacts, SchemaFacts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scyllamodel.schema.changes.kinds import Change
    from scyllamodel.schema.server.profile import ServerProfile

__all__ = ["SchemaPair", "diff", "diff_pair"]


def diff(
    live: KeyspaceFacts | SchemaFacts,
    desired: KeyspaceFacts | SchemaFacts,
    server: ServerProfile,
    *,
    create_keyspace: bool = False,
) -> tuple[Change, ...]:
    """The changes from ``live`` to ``desired``: keyspace, types, tables, columns, options, indexes, views.

    Two schemas are compared keyspace by keyspace, as far as ``desired`` names them.

    Parameters:
        create_keyspace: whether to create a keyspace that does not exist.
    """
    if isinstance(desired, SchemaFacts):
        live_by_name = {item.name: item for item in ([live] if isinstance(live, KeyspaceFacts) else live)}
        return tuple(
            change
            for keyspace in desired
            for change in diff_pair(
                SchemaPair.of(live_by_name.get(keyspace.name, KeyspaceFacts(keyspace.name)), keyspace, server),
                create_keyspace=create_keyspace,
            )
        )
    live_keyspace = live if isinstance(live, KeyspaceFacts) else live[desired.name]
    return diff_pair(SchemaPair.of(live_keyspace, desired, server), create_keyspace=create_keyspace)


def diff_pair(pair: SchemaPair, *, create_keyspace: bool = False) -> tuple[Change, ...]:
    """The changes of one keyspace, given as a `SchemaPair`."""
    return (
        *diff_keyspace(pair, create=create_keyspace),
        *diff_types(pair),
        *diff_tables(pair),
        *diff_options(pair),
        *diff_indexes(pair),
        *diff_views(pair),
        *_not_declarable(pair),
    )


def _not_declarable(pair: SchemaPair) -> Iterator[Change]:
    """Triggers, functions and aggregates, which models cannot declare, and objects that could not be read."""
    for table in pair.live.tables:
        for trigger in table.triggers if table.name in pair.desired_tables else ():
            yield Unmanaged(pair.name, "trigger", f"{table.name}.{trigger.name}", trigger)
    yield from (Unmanaged(pair.name, "function", item.signature, item) for item in pair.live.functions)
    yield from (Unmanaged(pair.name, "aggregate", item.signature, item) for item in pair.live.aggregates)
    yield from (Unmanaged(pair.name, item.what, item.name.partition(".")[2], item) for item in pair.live.additions)
    yield from (Unmanaged(pair.name, f"unreadable {item.kind}", item.name, item) for item in pair.live.unreadable)
