"""Compare tables: new ones, names in use, and the columns of tables on both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scyllamodel._identifiers import INTERNAL_PREFIX
from scyllamodel.schema.changes.kinds import AddTable, AlterKey, Change, NameTaken, Unmanaged
from scyllamodel.schema.diff.columns import diff_columns
from scyllamodel.schema.diff.schema_pair import has_cql_layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scyllamodel.schema.diff.schema_pair import SchemaPair


def diff_tables(pair: SchemaPair) -> Iterator[Change]:
    """The changes: new tables, the columns of existing ones, then tables that no model declares."""
    view_names = view_names_by_kind(pair)
    for table in pair.desired.tables:
        if table.name not in pair.live_tables:
            if table.name in view_names:
                yield NameTaken(pair.name, table.name, "table", view_names[table.name])
            else:
                yield AddTable(pair.name, table)
    for table in pair.desired.tables:
        live = pair.live_tables.get(table.name)
        if live is None:
            continue
        if has_cql_layout(live):
            yield from diff_columns(pair.name, live, table, pair.key_renames.get(table.name, ()))
        else:
            yield AlterKey(pair.name, live, table, "PK104")
    declared = {table.name for table in pair.desired.tables}
    for table in pair.live.tables:
        if table.name not in declared and not table.name.startswith(INTERNAL_PREFIX):
            yield Unmanaged(pair.name, "table", table.name, table)


def view_names_by_kind(pair: SchemaPair) -> dict[str, str]:
    """The names in use by views, with a description: views of users, and ScyllaDB's ``<index>_index``."""
    names = dict.fromkeys(pair.live_views, "view")
    if pair.server.keeps_indexes_in_views:
        hidden = (f"{index.name}_index" for table in pair.live.tables for index in table.indexes)
        names.update(dict.fromkeys(hidden, "view of an index"))
    return names
