"""CQL for changes: the one statement for each change, and the one that undoes it.

*In*: a change and a `ServerProfile`. *Out*: CQL text without a semicolon. Statements have no ``IF NOT EXISTS``: on
tables, indexes and views it would silently ignore another object of that name, and on columns Scylla and Cassandra 4.0
do not parse it. The executor reads the schema when a statement is refused.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from scyllamodel._identifiers import qualified, quote
from scyllamodel.schema.changes.kinds import (
    AddColumns,
    AddField,
    AddIndex,
    AddTable,
    AddType,
    AddView,
    Change,
    CreateKeyspace,
    DropColumns,
    DropIndex,
    DropTable,
    DropType,
    DropView,
    RenameFields,
    RenameKeyColumns,
    SetMask,
    SetOptions,
    SetTtlColumn,
)
from scyllamodel.schema.ddl.create import (
    column_cql,
    create_index,
    create_keyspace,
    create_table,
    create_type,
    create_view,
    options_cql,
    type_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from scyllamodel.schema.server.profile import ServerProfile


@functools.singledispatch
def change_cql(change: Change, server: ServerProfile) -> str:
    """The statement that makes this change.

    Raises:
        TypeError: CQL has no statement for it; such a change is refused or noted, never run.
    """
    raise TypeError(f"CQL has no statement for {type(change).__name__} on {server}")


@change_cql.register(CreateKeyspace)
def _create_keyspace(change: CreateKeyspace, server: ServerProfile) -> str:
    return create_keyspace(change.keyspace, server)


@change_cql.register(AddType)
def _add_type(change: AddType, _: ServerProfile) -> str:
    return create_type(change.keyspace, change.type)


@change_cql.register(DropType)
def _drop_type(change: DropType, _: ServerProfile) -> str:
    return f"DROP TYPE {type_name(change.keyspace, change.type.name)}"


@change_cql.register(AddField)
def _add_field(change: AddField, _: ServerProfile) -> str:
    target = type_name(change.keyspace, change.type)
    return f"ALTER TYPE {target} ADD {quote(change.name)} {change.field_type.cql}"


@change_cql.register(RenameFields)
def _rename_fields(change: RenameFields, _: ServerProfile) -> str:
    names = " AND ".join(f"{quote(old)} TO {quote(new)}" for old, new in change.names)
    return f"ALTER TYPE {type_name(change.keyspace, change.type)} RENAME {names}"


@change_cql.register(AddTable)
def _add_table(change: AddTable, server: ServerProfile) -> str:
    return create_table(change.keyspace, change.table, server)


@change_cql.register(DropTable)
def _drop_table(change: DropTable, _: ServerProfile) -> str:
    return f"DROP TABLE {qualified(change.keyspace, change.table.name)}"


@change_cql.register(AddColumns)
def _add_columns(change: AddColumns, _: ServerProfile) -> str:
    added = _parenthesised([column_cql(column) for column in change.columns])
    return f"ALTER TABLE {qualified(change.keyspace, change.table)} ADD {added}"


@change_cql.register(DropColumns)
def _drop_columns(change: DropColumns, _: ServerProfile) -> str:
    dropped = _parenthesised([quote(column.name) for column in change.columns])
    return f"ALTER TABLE {qualified(change.keyspace, change.table)} DROP {dropped}"


@change_cql.register(RenameKeyColumns)
def _rename_key_columns(change: RenameKeyColumns, _: ServerProfile) -> str:
    names = " AND ".join(f"{quote(old)} TO {quote(new)}" for old, new in change.names)
    return f"ALTER TABLE {qualified(change.keyspace, change.table)} RENAME {names}"


@change_cql.register(SetOptions)
def _set_options(change: SetOptions, server: ServerProfile) -> str:
    object_type = "MATERIALIZED VIEW" if change.view else "TABLE"
    clauses = " AND ".join(options_cql(change.options, server))
    return f"ALTER {object_type} {qualified(change.keyspace, change.name)} WITH {clauses}"


@change_cql.register(SetMask)
def _set_mask(change: SetMask, _: ServerProfile) -> str:
    clause = "DROP MASKED" if change.mask is None else f"MASKED WITH {change.mask}"
    return f"ALTER TABLE {qualified(change.keyspace, change.table)} ALTER {quote(change.column)} {clause}"


@change_cql.register(SetTtlColumn)
def _set_ttl_column(change: SetTtlColumn, _: ServerProfile) -> str:
    column = "NULL" if change.column is None else quote(change.column)
    return f"ALTER TABLE {qualified(change.keyspace, change.table)} TTL {column}"


@change_cql.register(AddIndex)
def _add_index(change: AddIndex, server: ServerProfile) -> str:
    return create_index(change.keyspace, change.table, change.index, server)


@change_cql.register(DropIndex)
def _drop_index(change: DropIndex, _: ServerProfile) -> str:
    return f"DROP INDEX {qualified(change.keyspace, change.index.name)}"


@change_cql.register(AddView)
def _add_view(change: AddView, server: ServerProfile) -> str:
    return create_view(change.keyspace, change.view, server)


@change_cql.register(DropView)
def _drop_view(change: DropView, _: ServerProfile) -> str:
    return f"DROP MATERIALIZED VIEW {qualified(change.keyspace, change.view.name)}"


def undo_cql(change: Change, server: ServerProfile) -> str | None:
    """The statement that undoes this change; None if CQL has none."""
    inverse: Callable[[], Change] | None = getattr(change, "inverse", None)
    return None if inverse is None else change_cql(inverse(), server)


def _parenthesised(parts: list[str]) -> str:
    """One part alone, or several in parentheses, which both servers require."""
    return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"
