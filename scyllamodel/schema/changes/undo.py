"""Compute the facts before a change, for rollback.

*In*: one keyspace, and a change from the ledger. *Out*: the keyspace without that change, whether or not the change is
still present: each function writes the old state, not a difference, so that an interrupted rollback computes the same
target again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import TypeVar

import attrs

from scyllamodel.schema.changes.effects import renamed_in_filter, with_view_options
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
from scyllamodel.schema.facts.objects import FrozenMap, Index, KeyspaceFacts, Table, TableColumn, UserType, View

_F = TypeVar("_F", Table, View, UserType, Index, TableColumn)


@functools.singledispatch
def facts_before(change: Change, facts: KeyspaceFacts) -> KeyspaceFacts:
    """The keyspace before this change; unchanged if its table or type no longer exists.

    A key column that gets its old name back has its current name in ``renamed_from``.

    Raises:
        TypeError: the change has no statement.
    """
    raise TypeError(f"{type(change).__name__} in {facts.name} has no statement")


def target_is_missing(change: Change, facts: KeyspaceFacts) -> bool:
    """Whether the object that the change reduced or renamed no longer exists, so that it cannot be restored."""
    if isinstance(change, DropColumns):
        return facts.table(change.table) is None
    if isinstance(change, RenameKeyColumns):
        live = facts.table(change.table)
        return live is not None and not all(old in live or new in live for old, new in change.names)
    if isinstance(change, RenameFields):
        user_type = facts.type(change.type)
        return user_type is not None and not all(
            {old, new} & dict(user_type.fields).keys() for old, new in change.names
        )
    return isinstance(change, DropIndex) and facts.table(change.table.name) is None


@facts_before.register(CreateKeyspace)
def _create_keyspace(_: CreateKeyspace, facts: KeyspaceFacts) -> KeyspaceFacts:
    """Change nothing: a rollback does not drop keyspaces."""
    return facts


@facts_before.register(AddType)
def _add_type(change: AddType, facts: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(facts, types=_without(facts.types, {change.type.name}))


@facts_before.register(DropType)
def _drop_type(change: DropType, facts: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(facts, types=_with_added(facts.types, change.type))


@facts_before.register(AddField)
def _add_field(change: AddField, facts: KeyspaceFacts) -> KeyspaceFacts:
    def without_field(live: UserType) -> UserType:
        return attrs.evolve(live, fields=tuple(field for field in live.fields if field[0] != change.name))

    return attrs.evolve(facts, types=_with_changed(facts.types, change.type, without_field))


@facts_before.register(RenameFields)
def _rename_fields(change: RenameFields, facts: KeyspaceFacts) -> KeyspaceFacts:
    """Give fields their old names back; their current names are in ``renamed``."""
    old_by_new = {new: old for old, new in change.names}

    def with_old_fields(live: UserType) -> UserType:
        names = {
            old_by_new[field_name]: live.renamed.get(field_name, field_name)
            for field_name, _ in live.fields
            if field_name in old_by_new
        }
        other_names = {name: current_names for name, current_names in live.renamed.items() if name not in old_by_new}
        fields = tuple((old_by_new.get(name, name), kind) for name, kind in live.fields)
        current = {
            name: current_name for name, current_name in {**other_names, **names}.items() if name != current_name
        }
        return attrs.evolve(live, fields=fields, renamed=FrozenMap(current))

    return attrs.evolve(facts, types=_with_changed(facts.types, change.type, with_old_fields))


@facts_before.register(SetMask)
def _set_mask(change: SetMask, facts: KeyspaceFacts) -> KeyspaceFacts:
    def with_old_mask(live: Table) -> Table:
        columns = [attrs.evolve(c, mask=change.before) if c.name == change.column else c for c in live.columns]
        return attrs.evolve(live, columns=columns)

    return _with_table(facts, change.table, with_old_mask)


@facts_before.register(SetTtlColumn)
def _set_ttl_column(change: SetTtlColumn, facts: KeyspaceFacts) -> KeyspaceFacts:
    return _with_table(facts, change.table, lambda live: attrs.evolve(live, ttl_column=change.before))


@facts_before.register(AddTable)
def _add_table(change: AddTable, facts: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(facts, tables=_without(facts.tables, {change.table.name}))


@facts_before.register(DropTable)
def _drop_table(change: DropTable, facts: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(facts, tables=_with_added(facts.tables, change.table))


@facts_before.register(AddColumns)
def _add_columns(change: AddColumns, facts: KeyspaceFacts) -> KeyspaceFacts:
    names = {column.name for column in change.columns}
    return _with_table(facts, change.table, lambda live: attrs.evolve(live, columns=_without(live.columns, names)))


@facts_before.register(DropColumns)
def _drop_columns(change: DropColumns, facts: KeyspaceFacts) -> KeyspaceFacts:
    return _with_table(
        facts, change.table, lambda live: attrs.evolve(live, columns=_with_added(live.columns, *change.columns))
    )


@facts_before.register(RenameKeyColumns)
def _rename_key_columns(change: RenameKeyColumns, facts: KeyspaceFacts) -> KeyspaceFacts:
    old_by_new = {new: old for old, new in change.names}

    def with_old_name(column: TableColumn) -> TableColumn:
        name, live = old_by_new.get(column.name, column.name), column.renamed_from or column.name
        return attrs.evolve(column, name=name, renamed_from=None if live == name else live)

    def with_old_columns(live: Table | View) -> list[TableColumn]:
        return [with_old_name(column) if column.name in old_by_new else column for column in live.columns]

    def view_with_old_columns(live: View) -> View:
        return attrs.evolve(live, columns=with_old_columns(live), where=renamed_in_filter(live.where, old_by_new))

    views = [view_with_old_columns(view) if view.base == change.table else view for view in facts.views]
    changed = _with_table(facts, change.table, lambda live: attrs.evolve(live, columns=with_old_columns(live)))
    return attrs.evolve(changed, views=views)


@facts_before.register(SetOptions)
def _set_options(change: SetOptions, facts: KeyspaceFacts) -> KeyspaceFacts:
    if change.index:
        return with_view_options(facts, change.index, lambda options: _with_old_options(options, change))
    if change.view:
        views = _with_changed(
            facts.views, change.name, lambda v: attrs.evolve(v, options=_with_old_options(v.options, change))
        )
        return attrs.evolve(facts, views=views)
    return _with_table(
        facts, change.name, lambda live: attrs.evolve(live, options=_with_old_options(live.options, change))
    )


def _with_old_options(options: FrozenMap, change: SetOptions) -> FrozenMap:
    return FrozenMap({**options, **change.before})


@facts_before.register(AddIndex)
def _add_index(change: AddIndex, facts: KeyspaceFacts) -> KeyspaceFacts:
    """Remove the index from every table: its name is unique in the keyspace."""
    name = {change.index.name}
    return attrs.evolve(facts, tables=[attrs.evolve(t, indexes=_without(t.indexes, name)) for t in facts.tables])


@facts_before.register(DropIndex)
def _drop_index(change: DropIndex, facts: KeyspaceFacts) -> KeyspaceFacts:
    return _with_table(
        facts, change.table.name, lambda live: attrs.evolve(live, indexes=_with_added(live.indexes, change.index))
    )


@facts_before.register(AddView)
def _add_view(change: AddView, facts: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(facts, views=_without(facts.views, {change.view.name}))


@facts_before.register(DropView)
def _drop_view(change: DropView, facts: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(facts, views=_with_added(facts.views, change.view))


def _with_table(facts: KeyspaceFacts, name: str, change: Callable[[Table], Table]) -> KeyspaceFacts:
    return attrs.evolve(facts, tables=_with_changed(facts.tables, name, change))


def _with_changed(facts: Iterable[_F], name: str, change: Callable[[_F], _F]) -> list[_F]:
    return [change(fact) if fact.name == name else fact for fact in facts]


def _without(facts: Iterable[_F], names: set[str]) -> list[_F]:
    return [fact for fact in facts if fact.name not in names]


def _with_added(facts: Iterable[_F], *more: _F) -> list[_F]:
    kept: list[_F] = _without(facts, {fact.name for fact in more})
    return kept + list(more)
