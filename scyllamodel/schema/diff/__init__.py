"""Wanted facts x found facts -> changes.

*In*: what a server has (``found``), what models declare (``wanted``), and what the server can do. *Out*: the changes
that lead from one to the other, in the order in which they would run, possible or not: the differ has no opinion, and
`scyllamodel.schema.rules` judges what comes out. No I/O; one file for each kind of thing.

Models declare only what they declare. An option, an index class or a view filter that ``wanted`` leaves open is not
compared; a live thing that ``wanted`` does not name is a `LiveOnly` note and never drift.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scyllamodel.schema.changes import LiveOnly
from scyllamodel.schema.diff.indexes import diff_indexes
from scyllamodel.schema.diff.keyspaces import diff_keyspace
from scyllamodel.schema.diff.options import diff_options
from scyllamodel.schema.diff.sides import Sides
from scyllamodel.schema.diff.tables import diff_tables
from scyllamodel.schema.diff.types import diff_types
from scyllamodel.schema.diff.views import diff_views
from scyllamodel.schema.facts import KeyspaceFacts, SchemaFacts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scyllamodel.schema.changes import Change
    from scyllamodel.schema.server import ServerProfile

__all__ = ["Sides", "diff", "diff_sides"]


def diff(
    found: KeyspaceFacts | SchemaFacts,
    wanted: KeyspaceFacts | SchemaFacts,
    server: ServerProfile,
    *,
    create_keyspace: bool = False,
) -> tuple[Change, ...]:
    """The changes from ``found`` to ``wanted``: keyspace, types, tables, columns, options, indexes, views.

    Two schemas are compared keyspace by keyspace, as far as ``wanted`` names them.

    Parameters:
        create_keyspace: whether a keyspace that does not exist is to be made.
    """
    if isinstance(wanted, SchemaFacts):
        live = {item.name: item for item in ([found] if isinstance(found, KeyspaceFacts) else found)}
        return tuple(
            change
            for part in wanted
            for change in diff_sides(
                Sides.of(live.get(part.name, KeyspaceFacts(part.name)), part, server), create_keyspace=create_keyspace
            )
        )
    one = found if isinstance(found, KeyspaceFacts) else found[wanted.name]
    return diff_sides(Sides.of(one, wanted, server), create_keyspace=create_keyspace)


def diff_sides(sides: Sides, *, create_keyspace: bool = False) -> tuple[Change, ...]:
    """The changes of one keyspace, for whoever needs its two sides afterwards, as rules do."""
    return (
        *diff_keyspace(sides, create=create_keyspace),
        *diff_types(sides),
        *diff_tables(sides),
        *diff_options(sides),
        *diff_indexes(sides),
        *diff_views(sides),
        *_undeclarable(sides),
    )


def _undeclarable(sides: Sides) -> Iterator[Change]:
    """Triggers, functions, aggregates, and what was not understood."""
    for table in sides.found.tables:
        for trigger in table.triggers if table.name in sides.declared else ():
            yield LiveOnly(sides.name, "trigger", f"{table.name}.{trigger.name}", trigger)
    yield from (LiveOnly(sides.name, "function", item.signature, item) for item in sides.found.functions)
    yield from (LiveOnly(sides.name, "aggregate", item.signature, item) for item in sides.found.aggregates)
    yield from (LiveOnly(sides.name, item.what, item.name.partition(".")[2], item) for item in sides.found.additions)
    yield from (LiveOnly(sides.name, f"unreadable {item.what}", item.name, item) for item in sides.found.unreadable)
