"""Check in the schema whether a change is applied.

*In*: the change, and fresh facts of its keyspace. *Out*: a bool. A server's answer can get lost, or refer to another
client's statement; the schema decides.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

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
from scyllamodel.schema.compare.indexes import index_matches
from scyllamodel.schema.compare.options import differing_options
from scyllamodel.schema.compare.views import view_difference
from scyllamodel.schema.export.models.option_defaults import defaults_of

if TYPE_CHECKING:
    from scyllamodel.schema.facts.objects import KeyspaceFacts, Table, TableColumn, View
    from scyllamodel.schema.server.profile import ServerProfile


@functools.singledispatch
def is_applied(change: Change, facts: KeyspaceFacts, server: ServerProfile) -> bool:
    """Whether the schema is as this change leaves it.

    Raises:
        TypeError: the change has no statement, so it has no post-condition.
    """
    raise TypeError(f"{type(change).__name__} in {facts.name} on {server} has no statement")


def keyspace_of(change: Change) -> str:
    """The raw name of the keyspace of a change."""
    return change.keyspace.name if isinstance(change, CreateKeyspace) else str(getattr(change, "keyspace", ""))


@is_applied.register(CreateKeyspace)
def _create_keyspace(_: CreateKeyspace, facts: KeyspaceFacts, __: ServerProfile) -> bool:
    return facts.keyspace is not None


@is_applied.register(AddType)
def _add_type(change: AddType, facts: KeyspaceFacts, _: ServerProfile) -> bool:
    live, desired_fields = facts.type(change.type.name), change.type.fields
    return live is not None and live.fields[: len(desired_fields)] == desired_fields


@is_applied.register(AddField)
def _add_field(change: AddField, facts: KeyspaceFacts, _: ServerProfile) -> bool:
    live = facts.type(change.type)
    return live is not None and (change.name, change.field_type) in live.fields


@is_applied.register(RenameFields)
def _rename_fields(change: RenameFields, facts: KeyspaceFacts, _: ServerProfile) -> bool:
    live = facts.type(change.type)
    names = dict(live.fields) if live is not None else {}
    return all(new in names and old not in names for old, new in change.names)


@is_applied.register(AddTable)
def _add_table(change: AddTable, facts: KeyspaceFacts, server: ServerProfile) -> bool:
    live = facts.table(change.table.name)
    return (
        live is not None
        and _has_all(live, change.table.columns)
        and _keys(live) == _keys(change.table)
        and change.table.ttl_column in {None, live.ttl_column}
        and not differing_options(change.table.options, live.options, server)
    )


@is_applied.register(AddColumns)
def _add_columns(change: AddColumns, facts: KeyspaceFacts, _: ServerProfile) -> bool:
    live = facts.table(change.table)
    return live is not None and _has_all(live, change.columns)


@is_applied.register(RenameKeyColumns)
def _rename_key_columns(change: RenameKeyColumns, facts: KeyspaceFacts, _: ServerProfile) -> bool:
    live = facts.table(change.table)
    return live is not None and all(new in live and old not in live for old, new in change.names)


@is_applied.register(SetOptions)
def _set_options(change: SetOptions, facts: KeyspaceFacts, server: ServerProfile) -> bool:
    if change.index:
        indexes = (index for table in facts.tables for index in table.indexes if index.name == change.index)
        stored = next(({**defaults_of(change.options, server), **index.view_options} for index in indexes), None)
        return stored is not None and not differing_options(change.options, stored, server)
    live = facts.view(change.name) if change.view else facts.table(change.name)
    return live is not None and not differing_options(change.options, live.options, server)


@is_applied.register(SetMask)
def _set_mask(change: SetMask, facts: KeyspaceFacts, _: ServerProfile) -> bool:
    live = facts.table(change.table)
    return live is not None and change.column in live and live[change.column].mask == change.mask


@is_applied.register(SetTtlColumn)
def _set_ttl_column(change: SetTtlColumn, facts: KeyspaceFacts, _: ServerProfile) -> bool:
    live = facts.table(change.table)
    return live is not None and live.ttl_column == change.column


@is_applied.register(AddIndex)
def _add_index(change: AddIndex, facts: KeyspaceFacts, server: ServerProfile) -> bool:
    live = facts.table(change.table.name)
    return live is not None and any(
        index.name == change.index.name and index_matches(index, change.index, change.table, server)
        for index in live.indexes
    )


@is_applied.register(AddView)
def _add_view(change: AddView, facts: KeyspaceFacts, server: ServerProfile) -> bool:
    live, base = facts.view(change.view.name), facts.table(change.view.base)
    base_key = frozenset(column.name for column in base.columns if column.in_key) if base else frozenset[str]()
    return (
        live is not None
        and view_difference(live, change.view, base_key) is None
        and not differing_options(change.view.options, live.options, server)
    )


@is_applied.register(DropType)
def _drop_type(change: DropType, facts: KeyspaceFacts, _: ServerProfile) -> bool:
    return facts.type(change.type.name) is None


@is_applied.register(DropTable)
def _drop_table(change: DropTable, facts: KeyspaceFacts, _: ServerProfile) -> bool:
    return facts.table(change.table.name) is None


@is_applied.register(DropColumns)
def _drop_columns(change: DropColumns, facts: KeyspaceFacts, _: ServerProfile) -> bool:
    live = facts.table(change.table)
    return live is not None and not any(column.name in live for column in change.columns)


@is_applied.register(DropIndex)
def _drop_index(change: DropIndex, facts: KeyspaceFacts, _: ServerProfile) -> bool:
    return not any(index.name == change.index.name for table in facts.tables for index in table.indexes)


@is_applied.register(DropView)
def _drop_view(change: DropView, facts: KeyspaceFacts, _: ServerProfile) -> bool:
    return facts.view(change.view.name) is None


def _has_all(live: Table, columns: tuple[TableColumn, ...]) -> bool:
    stored = {column.name: column for column in live.columns}
    return all(stored.get(column.name) == column for column in columns)


def _keys(fact: Table | View) -> list[TableColumn]:
    return [column for column in fact.columns if column.in_key]
