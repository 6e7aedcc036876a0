"""Both sides of one keyspace, looked up by name.

*In*: two `KeyspaceFacts`. *Out*: the same, with dicts, and with the key columns of ``found`` under the names that
``wanted`` gives them by ``renamed_from``, so that the files beside this one compare like with like and stay linear.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from scyllamodel.schema.ddl.compact import is_compact
from scyllamodel.schema.facts import Index, KeyspaceFacts, Table, TableColumn, UserType, View

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scyllamodel.schema.server import ServerProfile


@attrs.frozen
class SchemaPair:
    """What is compared.

    Attributes:
        key_renames: for each table with renamed key columns its ``(old, new)`` names.
        live_tables, live_views: what is found, after those renames.
        desired_tables: the wanted tables.
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
        """Both sides, prepared.

        Raises:
            IntrospectionError: something that ``desired`` names is there and was not understood.
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
    """The ``(old, new)`` names of key columns that are declared as renamed and are still stored under the old name."""
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
    """Whether the table has the layout that CQL gives tables today, without COMPACT STORAGE.

    Flags are what a server says; a table from a model or a snapshot has none, and passes.
    """
    return not is_compact(table)


def _with_renamed_columns(columns: tuple[TableColumn, ...], names: Mapping[str, str]) -> tuple[TableColumn, ...]:
    return tuple(attrs.evolve(column, name=names.get(column.name, column.name)) for column in columns)


def _with_renamed_keys(table: Table, names: Mapping[str, str]) -> Table:
    indexes: tuple[Index, ...] = tuple(
        attrs.evolve(index, column=names.get(index.column, index.column)) for index in table.indexes
    )
    return attrs.evolve(table, columns=_with_renamed_columns(table.columns, names), indexes=indexes)
