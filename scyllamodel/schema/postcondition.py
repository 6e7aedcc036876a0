"""Whether a step is done, read off the schema.

*In*: the change that a step makes, and fresh facts of its keyspace. *Out*: yes or no. A server's answer can get lost or
be about somebody else's work; what the schema holds decides.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from scyllamodel.schema.changes import (
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
from scyllamodel.schema.diff.indexes import same_index
from scyllamodel.schema.diff.views import view_fault
from scyllamodel.schema.options import changed
from scyllamodel.schema.source.defaults import defaults_of

if TYPE_CHECKING:
    from scyllamodel.schema.facts import KeyspaceFacts, Table, TableColumn, View
    from scyllamodel.schema.server import ServerProfile


@functools.singledispatch
def holds(change: Change, found: KeyspaceFacts, server: ServerProfile) -> bool:
    """Whether the schema is as this change leaves it.

    Raises:
        TypeError: the change is none that runs, so nothing proves it done.
    """
    raise TypeError(f"{type(change).__name__} in {found.name} on {server} is no step")


def keyspace_of(change: Change) -> str:
    """The raw name of the keyspace that a step changes."""
    return change.keyspace.name if isinstance(change, CreateKeyspace) else str(getattr(change, "keyspace", ""))


@holds.register(CreateKeyspace)
def _create_keyspace(_: CreateKeyspace, found: KeyspaceFacts, __: ServerProfile) -> bool:
    return found.keyspace is not None


@holds.register(AddType)
def _add_type(change: AddType, found: KeyspaceFacts, _: ServerProfile) -> bool:
    live, wanted = found.type(change.type.name), change.type.fields
    return live is not None and live.fields[: len(wanted)] == wanted


@holds.register(AddField)
def _add_field(change: AddField, found: KeyspaceFacts, _: ServerProfile) -> bool:
    live = found.type(change.type)
    return live is not None and (change.name, change.field_type) in live.fields


@holds.register(RenameFields)
def _rename_fields(change: RenameFields, found: KeyspaceFacts, _: ServerProfile) -> bool:
    live = found.type(change.type)
    names = dict(live.fields) if live is not None else {}
    return all(new in names and old not in names for old, new in change.names)


@holds.register(AddTable)
def _add_table(change: AddTable, found: KeyspaceFacts, server: ServerProfile) -> bool:
    live = found.table(change.table.name)
    return (
        live is not None
        and _has_all(live, change.table.columns)
        and _keys(live) == _keys(change.table)
        and change.table.ttl_column in {None, live.ttl_column}
        and not changed(change.table.options, live.options, server)
    )


@holds.register(AddColumns)
def _add_columns(change: AddColumns, found: KeyspaceFacts, _: ServerProfile) -> bool:
    live = found.table(change.table)
    return live is not None and _has_all(live, change.columns)


@holds.register(RenameKeyColumns)
def _rename_key_columns(change: RenameKeyColumns, found: KeyspaceFacts, _: ServerProfile) -> bool:
    live = found.table(change.table)
    return live is not None and all(new in live and old not in live for old, new in change.names)


@holds.register(SetOptions)
def _set_options(change: SetOptions, found: KeyspaceFacts, server: ServerProfile) -> bool:
    if change.index:
        indexes = (index for table in found.tables for index in table.indexes if index.name == change.index)
        stored = next(({**defaults_of(change.options, server), **index.view_options} for index in indexes), None)
        return stored is not None and not changed(change.options, stored, server)
    live = found.view(change.name) if change.view else found.table(change.name)
    return live is not None and not changed(change.options, live.options, server)


@holds.register(SetMask)
def _set_mask(change: SetMask, found: KeyspaceFacts, _: ServerProfile) -> bool:
    live = found.table(change.table)
    return live is not None and change.column in live and live[change.column].mask == change.mask


@holds.register(SetTtlColumn)
def _set_ttl_column(change: SetTtlColumn, found: KeyspaceFacts, _: ServerProfile) -> bool:
    live = found.table(change.table)
    return live is not None and live.ttl_column == change.column


@holds.register(AddIndex)
def _add_index(change: AddIndex, found: KeyspaceFacts, server: ServerProfile) -> bool:
    live = found.table(change.table.name)
    return live is not None and any(
        index.name == change.index.name and same_index(index, change.index, change.table, server)
        for index in live.indexes
    )


@holds.register(AddView)
def _add_view(change: AddView, found: KeyspaceFacts, server: ServerProfile) -> bool:
    live, base = found.view(change.view.name), found.table(change.view.base)
    base_key = frozenset(column.name for column in base.columns if column.in_key) if base else frozenset[str]()
    return (
        live is not None
        and view_fault(live, change.view, base_key) is None
        and not changed(change.view.options, live.options, server)
    )


@holds.register(DropType)
def _drop_type(change: DropType, found: KeyspaceFacts, _: ServerProfile) -> bool:
    return found.type(change.type.name) is None


@holds.register(DropTable)
def _drop_table(change: DropTable, found: KeyspaceFacts, _: ServerProfile) -> bool:
    return found.table(change.table.name) is None


@holds.register(DropColumns)
def _drop_columns(change: DropColumns, found: KeyspaceFacts, _: ServerProfile) -> bool:
    live = found.table(change.table)
    return live is not None and not any(column.name in live for column in change.columns)


@holds.register(DropIndex)
def _drop_index(change: DropIndex, found: KeyspaceFacts, _: ServerProfile) -> bool:
    return not any(index.name == change.index.name for table in found.tables for index in table.indexes)


@holds.register(DropView)
def _drop_view(change: DropView, found: KeyspaceFacts, _: ServerProfile) -> bool:
    return found.view(change.view.name) is None


def _has_all(live: Table, columns: tuple[TableColumn, ...]) -> bool:
    stored = {column.name: column for column in live.columns}
    return all(stored.get(column.name) == column for column in columns)


def _keys(fact: Table | View) -> list[TableColumn]:
    return [column for column in fact.columns if column.in_key]
