"""Tables: new ones, names that are taken, and, for each table on both sides, what `columns` finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scyllamodel._identifiers import INTERNAL_PREFIX
from scyllamodel.schema.changes import AddTable, AlterKey, Change, LiveOnly, NameTaken
from scyllamodel.schema.diff.columns import diff_columns
from scyllamodel.schema.diff.sides import is_manageable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scyllamodel.schema.diff.sides import Sides


def diff_tables(sides: Sides) -> Iterator[Change]:
    """New tables, then the columns of known ones, then tables that no model declares."""
    taken = names_of_views(sides)
    for table in sides.wanted.tables:
        if table.name not in sides.tables:
            if table.name in taken:
                yield NameTaken(sides.name, table.name, "table", taken[table.name])
            else:
                yield AddTable(sides.name, table)
    for table in sides.wanted.tables:
        found = sides.tables.get(table.name)
        if found is None:
            continue
        if is_manageable(found):
            yield from diff_columns(sides.name, found, table, sides.renames.get(table.name, ()))
        else:
            yield AlterKey(sides.name, found, table, "PK104")
    declared = {table.name for table in sides.wanted.tables}
    for table in sides.found.tables:
        if table.name not in declared and not table.name.startswith(INTERNAL_PREFIX):
            yield LiveOnly(sides.name, "table", table.name, table)


def names_of_views(sides: Sides) -> dict[str, str]:
    """Names at which a view stands, with what it is: those of users, and Scylla's ``<index>_index``."""
    taken = dict.fromkeys(sides.views, "view")
    if sides.server.keeps_indexes_in_views:
        hidden = (f"{index.name}_index" for table in sides.found.tables for index in table.indexes)
        taken.update(dict.fromkeys(hidden, "view of an index"))
    return taken
