"""The live and desired facts of one keyspace, with lookups by name.

*In*: two `KeyspaceFacts`. *Out*: the same facts as dicts. Live key columns have the names that the desired side gives
them with ``renamed_from``, so that the other modules compare equal names, in linear time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from scyllamodel.schema.facts.compact_storage import is_compact
from scyllamodel.schema.facts.objects import Index, KeyspaceFacts, Table, TableColumn, UserType, View

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scyllamodel.schema.server.profile import ServerProfile


@attrs.frozen
class SchemaPair:
    """The live and the desired keyspace, prepared for comparison.

    Attributes:
        key_renames: for each table with renamed key columns its ``(old, new)`` names.
        live_tables, live_views: what is found, after those renames.
        desired_tables: the desired tables.
    """

    name: str
    server: ServerProfile
    live: KeyspaceFacts
    desired: KeyspaceFacts
    live_types: Mapping[str, UserType]
    live_tables: Mapping[str, Table]
    live_views: Mapping[str, View]
    key_renames: Mapping[str, tuple[tuple[str, str], ...]]
    desired_tables: Mapping[str, Table]

    @classmethod
    def of(cls, live: KeyspaceFacts, desired: KeyspaceFacts, server: ServerProfile) -> SchemaPair:
        """Prepare both sides.

        Raises:
            IntrospectionError: a declared object exists and could not be read.
        """
        if live.unreadable:
            relations = {item.name for item in (*desired.tables, *desired.views)}
            live.check_readable(relations, {item.name for item in desired.types})
        tables = {table.name: table for table in live.tables}
        views = {view.name: view for view in live.views}
        renames = {
            table.name: names
            for table in desired.tables
            if table.name in tables and (names := key_renames(tables[table.name], table))
        }
        for name, pairs in renames.items():
            tables[name] = _with_renamed_keys(tables[name], dict(pairs))
        for name, view in views.items():
            if view.base in renames:
                views[name] = attrs.evolve(view, columns=_with_renamed_columns(view.columns, dict(renames[view.base])))
        return cls(
            name=desired.name,
            server=server,
            live=live,
            desired=desired,
            live_types={item.name: item for item in live.types},
            live_tables=tables,
            live_views=views,
            key_renames=renames,
            desired_tables={table.name: table for table in desired.tables},
        )


def key_renames(live: Table, desired: Table) -> tuple[tuple[str, str], ...]:
    """The ``(old, new)`` names of renamed key columns that are still stored under the old name."""
    declared = [column for column in desired.columns if column.renamed_from is not None and column.in_key]
    if not declared:
        return ()
    stored = {column.name: column for column in live.columns}
    return tuple(
        (column.renamed_from, column.name)
        for column in declared
        if column.renamed_from in stored and stored[column.renamed_from].in_key and column.name not in stored
    )


def has_cql_layout(table: Table) -> bool:
    """Whether the table has the normal CQL layout, without COMPACT STORAGE.

    Only a server reports flags; a table from a model or a snapshot has none and counts as normal.
    """
    return not is_compact(table)


def _with_renamed_columns(columns: tuple[TableColumn, ...], names: Mapping[str, str]) -> tuple[TableColumn, ...]:
    return tuple(attrs.evolve(column, name=names.get(column.name, column.name)) for column in columns)


def _with_renamed_keys(table: Table, names: Mapping[str, str]) -> Table:
    indexes: tuple[Index, ...] = tuple(
        attrs.evolve(index, column=names.get(index.column, index.column)) for index in table.indexes
    )
    return attrs.evolve(table, columns=_with_renamed_columns(table.columns, names), indexes=indexes)
