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
class Sides:
    """What is compared.

    Attributes:
        renames: for each table with renamed key columns its ``(old, new)`` names.
        tables, views: what is found, after those renames.
        declared: the wanted tables.
    """

    name: str
    server: ServerProfile
    found: KeyspaceFacts
    wanted: KeyspaceFacts
    types: Mapping[str, UserType]
    tables: Mapping[str, Table]
    views: Mapping[str, View]
    renames: Mapping[str, tuple[tuple[str, str], ...]]
    declared: Mapping[str, Table]

    @classmethod
    def of(cls, found: KeyspaceFacts, wanted: KeyspaceFacts, server: ServerProfile) -> Sides:
        """Both sides, prepared.

        Raises:
            IntrospectionError: something that ``wanted`` names is there and was not understood.
        """
        if found.unreadable:
            relations = {item.name for item in (*wanted.tables, *wanted.views)}
            found.check_readable(relations, {item.name for item in wanted.types})
        tables = {table.name: table for table in found.tables}
        views = {view.name: view for view in found.views}
        renames = {
            table.name: names
            for table in wanted.tables
            if table.name in tables and (names := key_renames(tables[table.name], table))
        }
        for name, pairs in renames.items():
            tables[name] = _renamed_table(tables[name], dict(pairs))
        for name, view in views.items():
            if view.base in renames:
                views[name] = attrs.evolve(view, columns=_renamed(view.columns, dict(renames[view.base])))
        return cls(
            name=wanted.name,
            server=server,
            found=found,
            wanted=wanted,
            types={item.name: item for item in found.types},
            tables=tables,
            views=views,
            renames=renames,
            declared={table.name: table for table in wanted.tables},
        )


def key_renames(found: Table, wanted: Table) -> tuple[tuple[str, str], ...]:
    """The ``(old, new)`` names of key columns that are declared as renamed and are still stored under the old name."""
    declared = [column for column in wanted.columns if column.renamed_from is not None and column.in_key]
    if not declared:
        return ()
    stored = {column.name: column for column in found.columns}
    return tuple(
        (column.renamed_from, column.name)
        for column in declared
        if column.renamed_from in stored and stored[column.renamed_from].in_key and column.name not in stored
    )


def is_manageable(table: Table) -> bool:
    """Whether the table has the layout that CQL gives tables today, without COMPACT STORAGE.

    Flags are what a server says; a table from a model or a snapshot has none, and passes.
    """
    return not is_compact(table)


def _renamed(columns: tuple[TableColumn, ...], names: Mapping[str, str]) -> tuple[TableColumn, ...]:
    return tuple(attrs.evolve(column, name=names.get(column.name, column.name)) for column in columns)


def _renamed_table(table: Table, names: Mapping[str, str]) -> Table:
    indexes: tuple[Index, ...] = tuple(
        attrs.evolve(index, column=names.get(index.column, index.column)) for index in table.indexes
    )
    return attrs.evolve(table, columns=_renamed(table.columns, names), indexes=indexes)
