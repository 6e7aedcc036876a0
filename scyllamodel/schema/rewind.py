"""Facts x a change that was made -> the facts before it.

*In*: one keyspace, a change of the ledger. *Out*: the keyspace without that change, whether or not the change is still
there: each function writes what was, and not a difference. So a history can be rewound from any state in which a
rollback was cut short, and the same target comes out.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import TypeVar

import attrs

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
from scyllamodel.schema.effects import renamed_in, with_view_options
from scyllamodel.schema.facts import FrozenMap, Index, KeyspaceFacts, Table, TableColumn, UserType, View

_F = TypeVar("_F", Table, View, UserType, Index, TableColumn)


@functools.singledispatch
def before(change: Change, found: KeyspaceFacts) -> KeyspaceFacts:
    """The keyspace as it was before this change; where its table or type is gone, nothing is changed.

    A key column that gets an earlier name back has ``renamed_from`` set to the name that it has in ``found``.

    Raises:
        TypeError: the change is not a step.
    """
    raise TypeError(f"{type(change).__name__} in {found.name} is no step")


def target_is_missing(change: Change, found: KeyspaceFacts) -> bool:
    """Whether what the change took something from, or renamed, is gone itself, so that `before` cannot restore it."""
    if isinstance(change, DropColumns):
        return found.table(change.table) is None
    if isinstance(change, RenameKeyColumns):
        live = found.table(change.table)
        return live is not None and not all(old in live or new in live for old, new in change.names)
    if isinstance(change, RenameFields):
        held = found.type(change.type)
        return held is not None and not all({old, new} & dict(held.fields).keys() for old, new in change.names)
    return isinstance(change, DropIndex) and found.table(change.table.name) is None


@before.register(CreateKeyspace)
def _create_keyspace(_: CreateKeyspace, found: KeyspaceFacts) -> KeyspaceFacts:
    """Keyspaces are not dropped by a rollback."""
    return found


@before.register(AddType)
def _add_type(change: AddType, found: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(found, types=_without(found.types, {change.type.name}))


@before.register(DropType)
def _drop_type(change: DropType, found: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(found, types=_with(found.types, change.type))


@before.register(AddField)
def _add_field(change: AddField, found: KeyspaceFacts) -> KeyspaceFacts:
    def shorter(live: UserType) -> UserType:
        return attrs.evolve(live, fields=tuple(field for field in live.fields if field[0] != change.name))

    return attrs.evolve(found, types=_changed(found.types, change.type, shorter))


@before.register(RenameFields)
def _rename_fields(change: RenameFields, found: KeyspaceFacts) -> KeyspaceFacts:
    """Fields that get an earlier name back have it in ``renamed``, with the name that they have in ``found``."""
    earlier = {new: old for old, new in change.names}

    def back(live: UserType) -> UserType:
        names = {earlier[n]: live.renamed.get(n, n) for n, _ in live.fields if n in earlier}
        kept = {name: today for name, today in live.renamed.items() if name not in earlier}
        fields = tuple((earlier.get(name, name), kind) for name, kind in live.fields)
        today = {name: now for name, now in {**kept, **names}.items() if name != now}
        return attrs.evolve(live, fields=fields, renamed=FrozenMap(today))

    return attrs.evolve(found, types=_changed(found.types, change.type, back))


@before.register(SetMask)
def _set_mask(change: SetMask, found: KeyspaceFacts) -> KeyspaceFacts:
    def back(live: Table) -> Table:
        columns = [attrs.evolve(c, mask=change.before) if c.name == change.column else c for c in live.columns]
        return attrs.evolve(live, columns=columns)

    return _table(found, change.table, back)


@before.register(SetTtlColumn)
def _set_ttl_column(change: SetTtlColumn, found: KeyspaceFacts) -> KeyspaceFacts:
    return _table(found, change.table, lambda live: attrs.evolve(live, ttl_column=change.before))


@before.register(AddTable)
def _add_table(change: AddTable, found: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(found, tables=_without(found.tables, {change.table.name}))


@before.register(DropTable)
def _drop_table(change: DropTable, found: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(found, tables=_with(found.tables, change.table))


@before.register(AddColumns)
def _add_columns(change: AddColumns, found: KeyspaceFacts) -> KeyspaceFacts:
    names = {column.name for column in change.columns}
    return _table(found, change.table, lambda live: attrs.evolve(live, columns=_without(live.columns, names)))


@before.register(DropColumns)
def _drop_columns(change: DropColumns, found: KeyspaceFacts) -> KeyspaceFacts:
    return _table(found, change.table, lambda live: attrs.evolve(live, columns=_with(live.columns, *change.columns)))


@before.register(RenameKeyColumns)
def _rename_key_columns(change: RenameKeyColumns, found: KeyspaceFacts) -> KeyspaceFacts:
    earlier = {new: old for old, new in change.names}

    def named_back(column: TableColumn) -> TableColumn:
        name, live = earlier.get(column.name, column.name), column.renamed_from or column.name
        return attrs.evolve(column, name=name, renamed_from=None if live == name else live)

    def back(live: Table | View) -> list[TableColumn]:
        return [named_back(column) if column.name in earlier else column for column in live.columns]

    def view_back(live: View) -> View:
        return attrs.evolve(live, columns=back(live), where=renamed_in(live.where, earlier))

    views = [view_back(view) if view.base == change.table else view for view in found.views]
    changed = _table(found, change.table, lambda live: attrs.evolve(live, columns=back(live)))
    return attrs.evolve(changed, views=views)


@before.register(SetOptions)
def _set_options(change: SetOptions, found: KeyspaceFacts) -> KeyspaceFacts:
    if change.index:
        return with_view_options(found, change.index, lambda options: _set_back(options, change))
    if change.view:
        views = _changed(found.views, change.name, lambda v: attrs.evolve(v, options=_set_back(v.options, change)))
        return attrs.evolve(found, views=views)
    return _table(found, change.name, lambda live: attrs.evolve(live, options=_set_back(live.options, change)))


def _set_back(options: FrozenMap, change: SetOptions) -> FrozenMap:
    return FrozenMap({**options, **change.before})


@before.register(AddIndex)
def _add_index(change: AddIndex, found: KeyspaceFacts) -> KeyspaceFacts:
    """The names of indexes are unique in the keyspace."""
    name = {change.index.name}
    return attrs.evolve(found, tables=[attrs.evolve(t, indexes=_without(t.indexes, name)) for t in found.tables])


@before.register(DropIndex)
def _drop_index(change: DropIndex, found: KeyspaceFacts) -> KeyspaceFacts:
    return _table(found, change.table.name, lambda live: attrs.evolve(live, indexes=_with(live.indexes, change.index)))


@before.register(AddView)
def _add_view(change: AddView, found: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(found, views=_without(found.views, {change.view.name}))


@before.register(DropView)
def _drop_view(change: DropView, found: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(found, views=_with(found.views, change.view))


def _table(found: KeyspaceFacts, name: str, change: Callable[[Table], Table]) -> KeyspaceFacts:
    return attrs.evolve(found, tables=_changed(found.tables, name, change))


def _changed(facts: Iterable[_F], name: str, change: Callable[[_F], _F]) -> list[_F]:
    return [change(fact) if fact.name == name else fact for fact in facts]


def _without(facts: Iterable[_F], names: set[str]) -> list[_F]:
    return [fact for fact in facts if fact.name not in names]


def _with(facts: Iterable[_F], *more: _F) -> list[_F]:
    kept: list[_F] = _without(facts, {fact.name for fact in more})
    return kept + list(more)
