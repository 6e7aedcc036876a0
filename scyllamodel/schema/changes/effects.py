"""The facts after a change, as a server that accepts the statement would store them.

*In*: one keyspace, a change. *Out*: the keyspace. Several statements are evaluated before the first one runs, each
against the effects of those before it; whether a server accepts a statement is not checked here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar

import attrs

from scyllamodel._cql import Token, tokens
from scyllamodel._identifiers import quote, unquote
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
from scyllamodel.schema.diff.types import with_renamed_fields
from scyllamodel.schema.facts.objects import FrozenMap, Index, KeyspaceFacts, Table, UserType, View

if TYPE_CHECKING:
    from scyllamodel.schema.facts.objects import TableColumn

_F = TypeVar("_F", Table, View, UserType, Index)


@functools.singledispatch
def facts_after(change: Change, facts: KeyspaceFacts) -> KeyspaceFacts:
    """The keyspace after this change; an object that the change does not find is ignored.

    Raises:
        TypeError: the change has no statement.
    """
    raise TypeError(f"{type(change).__name__} in {facts.name} has no statement")


@facts_after.register(CreateKeyspace)
def _create_keyspace(change: CreateKeyspace, facts: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(facts, keyspace=change.keyspace)


@facts_after.register(AddType)
def _add_type(change: AddType, facts: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(facts, types=(*without(facts.types, change.type.name), change.type))


@facts_after.register(DropType)
def _drop_type(change: DropType, facts: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(facts, types=without(facts.types, change.type.name))


@facts_after.register(AddField)
def _add_field(change: AddField, facts: KeyspaceFacts) -> KeyspaceFacts:
    def with_field(user_type: UserType) -> UserType:
        remaining = [field for field in user_type.fields if field[0] != change.name]
        return attrs.evolve(user_type, fields=(*remaining, (change.name, change.field_type)))

    return attrs.evolve(facts, types=with_changed(facts.types, change.type, with_field))


@facts_after.register(RenameFields)
def _rename_fields(change: RenameFields, facts: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(
        facts,
        types=with_changed(facts.types, change.type, lambda user_type: with_renamed_fields(user_type, change.names)),
    )


@facts_after.register(AddTable)
def _add_table(change: AddTable, facts: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(
        facts, tables=(*without(facts.tables, change.table.name), attrs.evolve(change.table, indexes=()))
    )


@facts_after.register(DropTable)
def _drop_table(change: DropTable, facts: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(facts, tables=without(facts.tables, change.table.name))


@facts_after.register(AddColumns)
def _add_columns(change: AddColumns, facts: KeyspaceFacts) -> KeyspaceFacts:
    names = {column.name for column in change.columns}

    def with_columns(table: Table) -> Table:
        remaining = [column for column in table.columns if column.name not in names]
        return attrs.evolve(table, columns=[*remaining, *change.columns])

    return with_table(facts, change.table, with_columns)


@facts_after.register(DropColumns)
def _drop_columns(change: DropColumns, facts: KeyspaceFacts) -> KeyspaceFacts:
    dropped = {column.name for column in change.columns}

    def without_columns(table: Table) -> Table:
        ttl_column = None if table.ttl_column in dropped else table.ttl_column
        columns = [column for column in table.columns if column.name not in dropped]
        remembered = {column.name: f"{column.kind} {column.type.cql}" for column in change.columns}
        return attrs.evolve(
            table, columns=columns, ttl_column=ttl_column, dropped=FrozenMap({**table.dropped, **remembered})
        )

    return with_table(facts, change.table, without_columns)


@facts_after.register(RenameKeyColumns)
def _rename_key_columns(change: RenameKeyColumns, facts: KeyspaceFacts) -> KeyspaceFacts:
    names = dict(change.names)
    views = [
        attrs.evolve(
            view, columns=_with_renamed_columns(view.columns, names), where=renamed_in_filter(view.where, names)
        )
        if view.base == change.table
        else view
        for view in facts.views
    ]
    changed = with_table(
        facts, change.table, lambda table: attrs.evolve(table, columns=_with_renamed_columns(table.columns, names))
    )
    return attrs.evolve(changed, views=views)


@facts_after.register(SetOptions)
def _set_options(change: SetOptions, facts: KeyspaceFacts) -> KeyspaceFacts:
    if change.index:
        return with_view_options(facts, change.index, lambda options: _with_options(options, change))
    if change.view:
        views = with_changed(
            facts.views, change.name, lambda view: attrs.evolve(view, options=_with_options(view.options, change))
        )
        return attrs.evolve(facts, views=views)
    return with_table(
        facts, change.name, lambda table: attrs.evolve(table, options=_with_options(table.options, change))
    )


@facts_after.register(SetMask)
def _set_mask(change: SetMask, facts: KeyspaceFacts) -> KeyspaceFacts:
    def masked(table: Table) -> Table:
        columns = [attrs.evolve(c, mask=change.mask) if c.name == change.column else c for c in table.columns]
        return attrs.evolve(table, columns=columns)

    return with_table(facts, change.table, masked)


@facts_after.register(SetTtlColumn)
def _set_ttl_column(change: SetTtlColumn, facts: KeyspaceFacts) -> KeyspaceFacts:
    return with_table(facts, change.table, lambda live: attrs.evolve(live, ttl_column=change.column))


@facts_after.register(AddIndex)
def _add_index(change: AddIndex, facts: KeyspaceFacts) -> KeyspaceFacts:
    def indexed(table: Table) -> Table:
        return attrs.evolve(table, indexes=(*without(table.indexes, change.index.name), change.index))

    return with_table(facts, change.table.name, indexed)


@facts_after.register(DropIndex)
def _drop_index(change: DropIndex, facts: KeyspaceFacts) -> KeyspaceFacts:
    """Remove the index from every table: its name is unique in the keyspace, and the statement names no table."""
    return attrs.evolve(
        facts,
        tables=[attrs.evolve(table, indexes=without(table.indexes, change.index.name)) for table in facts.tables],
    )


@facts_after.register(AddView)
def _add_view(change: AddView, facts: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(facts, views=(*without(facts.views, change.view.name), change.view))


@facts_after.register(DropView)
def _drop_view(change: DropView, facts: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(facts, views=without(facts.views, change.view.name))


def with_table(facts: KeyspaceFacts, name: str, change: Callable[[Table], Table]) -> KeyspaceFacts:
    """The keyspace with one table changed, if it has the table."""
    return attrs.evolve(facts, tables=with_changed(facts.tables, name, change))


def with_changed(facts: Iterable[_F], name: str, change: Callable[[_F], _F]) -> list[_F]:
    """Facts of one kind, with the one of this name changed."""
    return [change(fact) if fact.name == name else fact for fact in facts]


def without(facts: Iterable[_F], name: str) -> list[_F]:
    """Facts of one kind, but for the one of this name."""
    return [fact for fact in facts if fact.name != name]


def _with_renamed_columns(columns: Iterable[TableColumn], names: Mapping[str, str]) -> list[TableColumn]:
    return [attrs.evolve(column, name=names.get(column.name, column.name)) for column in columns]


def renamed_in_filter(where: str, names: Mapping[str, str]) -> str:
    """The filter of a view with renamed columns; servers rename them in filters, too.

    >>> renamed_in_filter('id IS NOT NULL AND "At" IS NOT NULL', {"id": "key", "At": "at"})
    'key IS NOT NULL AND at IS NOT NULL'
    """
    return "".join(_renamed_token(token, names) for token in tokens(where))


def _renamed_token(token: Token, names: Mapping[str, str]) -> str:
    new = names.get(unquote(token.text)) if token.kind in ("word", "name") else None
    return token.text if new is None else quote(new)


def with_view_options(facts: KeyspaceFacts, index: str, change: Callable[[FrozenMap], FrozenMap]) -> KeyspaceFacts:
    """The keyspace with changed options of the view behind an index."""

    def changed(live: Index) -> Index:
        return attrs.evolve(live, view_options=change(live.view_options)) if live.name == index else live

    return attrs.evolve(facts, tables=[attrs.evolve(t, indexes=[changed(i) for i in t.indexes]) for t in facts.tables])


def _with_options(options: FrozenMap, change: SetOptions) -> FrozenMap:
    return FrozenMap({**options, **change.options})
