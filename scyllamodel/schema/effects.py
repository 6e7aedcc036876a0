"""Facts x a change -> the facts after it, as a server that takes the statement would have them.

*In*: one keyspace, a change. *Out*: the keyspace. Several statements are judged before the first one runs, each against
what those before it leave; nothing here asks whether a server would take it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar

import attrs

from scyllamodel._cql import Token, tokens
from scyllamodel._identifiers import quote, unquote
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
from scyllamodel.schema.diff.types import renamed
from scyllamodel.schema.facts import FrozenMap, Index, KeyspaceFacts, Table, UserType, View

if TYPE_CHECKING:
    from scyllamodel.schema.facts import TableColumn

_F = TypeVar("_F", Table, View, UserType, Index)


@functools.singledispatch
def after(change: Change, found: KeyspaceFacts) -> KeyspaceFacts:
    """The keyspace as this change leaves it; what the change does not find stays as it is.

    Raises:
        TypeError: the change is none that runs.
    """
    raise TypeError(f"{type(change).__name__} in {found.name} is no step")


@after.register(CreateKeyspace)
def _create_keyspace(change: CreateKeyspace, found: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(found, keyspace=change.keyspace)


@after.register(AddType)
def _add_type(change: AddType, found: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(found, types=(*_without(found.types, change.type.name), change.type))


@after.register(DropType)
def _drop_type(change: DropType, found: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(found, types=_without(found.types, change.type.name))


@after.register(AddField)
def _add_field(change: AddField, found: KeyspaceFacts) -> KeyspaceFacts:
    def longer(live: UserType) -> UserType:
        kept = [field for field in live.fields if field[0] != change.name]
        return attrs.evolve(live, fields=(*kept, (change.name, change.field_type)))

    return attrs.evolve(found, types=_changed(found.types, change.type, longer))


@after.register(RenameFields)
def _rename_fields(change: RenameFields, found: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(found, types=_changed(found.types, change.type, lambda live: renamed(live, change.names)))


@after.register(AddTable)
def _add_table(change: AddTable, found: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(
        found, tables=(*_without(found.tables, change.table.name), attrs.evolve(change.table, indexes=()))
    )


@after.register(DropTable)
def _drop_table(change: DropTable, found: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(found, tables=_without(found.tables, change.table.name))


@after.register(AddColumns)
def _add_columns(change: AddColumns, found: KeyspaceFacts) -> KeyspaceFacts:
    names = {column.name for column in change.columns}

    def longer(live: Table) -> Table:
        kept = [column for column in live.columns if column.name not in names]
        return attrs.evolve(live, columns=[*kept, *change.columns])

    return _table(found, change.table, longer)


@after.register(DropColumns)
def _drop_columns(change: DropColumns, found: KeyspaceFacts) -> KeyspaceFacts:
    gone = {column.name for column in change.columns}

    def shorter(live: Table) -> Table:
        ttl_column = None if live.ttl_column in gone else live.ttl_column
        columns = [column for column in live.columns if column.name not in gone]
        return attrs.evolve(live, columns=columns, ttl_column=ttl_column)

    return _table(found, change.table, shorter)


@after.register(RenameKeyColumns)
def _rename_key_columns(change: RenameKeyColumns, found: KeyspaceFacts) -> KeyspaceFacts:
    names = dict(change.names)
    views = [
        attrs.evolve(view, columns=_renamed(view.columns, names), where=renamed_in(view.where, names))
        if view.base == change.table
        else view
        for view in found.views
    ]
    changed = _table(found, change.table, lambda live: attrs.evolve(live, columns=_renamed(live.columns, names)))
    return attrs.evolve(changed, views=views)


@after.register(SetOptions)
def _set_options(change: SetOptions, found: KeyspaceFacts) -> KeyspaceFacts:
    if change.index:
        return with_view_options(found, change.index, lambda options: _set(options, change))
    if change.view:
        views = _changed(found.views, change.name, lambda live: attrs.evolve(live, options=_set(live.options, change)))
        return attrs.evolve(found, views=views)
    return _table(found, change.name, lambda live: attrs.evolve(live, options=_set(live.options, change)))


@after.register(SetMask)
def _set_mask(change: SetMask, found: KeyspaceFacts) -> KeyspaceFacts:
    def masked(live: Table) -> Table:
        columns = [attrs.evolve(c, mask=change.mask) if c.name == change.column else c for c in live.columns]
        return attrs.evolve(live, columns=columns)

    return _table(found, change.table, masked)


@after.register(SetTtlColumn)
def _set_ttl_column(change: SetTtlColumn, found: KeyspaceFacts) -> KeyspaceFacts:
    return _table(found, change.table, lambda live: attrs.evolve(live, ttl_column=change.column))


@after.register(AddIndex)
def _add_index(change: AddIndex, found: KeyspaceFacts) -> KeyspaceFacts:
    def indexed(live: Table) -> Table:
        return attrs.evolve(live, indexes=(*_without(live.indexes, change.index.name), change.index))

    return _table(found, change.table.name, indexed)


@after.register(DropIndex)
def _drop_index(change: DropIndex, found: KeyspaceFacts) -> KeyspaceFacts:
    """Names of indexes are unique in the keyspace, and the statement does not name the table."""
    return attrs.evolve(
        found,
        tables=[attrs.evolve(live, indexes=_without(live.indexes, change.index.name)) for live in found.tables],
    )


@after.register(AddView)
def _add_view(change: AddView, found: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(found, views=(*_without(found.views, change.view.name), change.view))


@after.register(DropView)
def _drop_view(change: DropView, found: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(found, views=_without(found.views, change.view.name))


def _table(found: KeyspaceFacts, name: str, change: Callable[[Table], Table]) -> KeyspaceFacts:
    return attrs.evolve(found, tables=_changed(found.tables, name, change))


def _changed(facts: Iterable[_F], name: str, change: Callable[[_F], _F]) -> list[_F]:
    return [change(fact) if fact.name == name else fact for fact in facts]


def _without(facts: Iterable[_F], name: str) -> list[_F]:
    return [fact for fact in facts if fact.name != name]


def _renamed(columns: Iterable[TableColumn], names: Mapping[str, str]) -> list[TableColumn]:
    return [attrs.evolve(column, name=names.get(column.name, column.name)) for column in columns]


def renamed_in(where: str, names: Mapping[str, str]) -> str:
    """The filter of a view with columns under other names, as servers change it with the columns.

    >>> renamed_in('id IS NOT NULL AND "At" IS NOT NULL', {"id": "key", "At": "at"})
    'key IS NOT NULL AND at IS NOT NULL'
    """
    return "".join(_renamed_token(token, names) for token in tokens(where))


def _renamed_token(token: Token, names: Mapping[str, str]) -> str:
    new = names.get(unquote(token.text)) if token.kind in ("word", "name") else None
    return token.text if new is None else quote(new)


def with_view_options(found: KeyspaceFacts, index: str, change: Callable[[FrozenMap], FrozenMap]) -> KeyspaceFacts:
    """The keyspace with other options of the view behind an index, whose name is unique in it."""

    def changed(live: Index) -> Index:
        return attrs.evolve(live, view_options=change(live.view_options)) if live.name == index else live

    return attrs.evolve(found, tables=[attrs.evolve(t, indexes=[changed(i) for i in t.indexes]) for t in found.tables])


def _set(options: FrozenMap, change: SetOptions) -> FrozenMap:
    return FrozenMap({**options, **change.options})
