"""Invert a change, and compute the facts before it, for rollback.

*In*: one keyspace, and a change from the ledger. *Out*: the inverse of the change, and the keyspace without the change,
whether or not it is still present: each function writes the old state, not a difference, so that an interrupted
rollback computes the same target again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from scyllamodel.schema.changes.effects import facts_after, renamed_in_filter, with_changed, with_table, without
from scyllamodel.schema.changes.kinds import (
    AddColumns,
    AddField,
    Change,
    CreateKeyspace,
    DropColumns,
    DropIndex,
    DropTable,
    RenameFields,
    RenameKeyColumns,
)
from scyllamodel.schema.facts.objects import FrozenMap, KeyspaceFacts, Table, TableColumn, UserType, View
from scyllamodel.types.cql_types import UserTypeName, is_multi_cell

if TYPE_CHECKING:
    from scyllamodel.schema.server.profile import ServerProfile


def inverse_of(change: Change) -> Change | None:
    """The change that undoes this one; None if CQL has none."""
    inverse: Callable[[], Change] | None = getattr(change, "inverse", None)
    return None if inverse is None else inverse()


def no_undo_reason(change: Change, server: ServerProfile) -> str:
    """The reason why no statement undoes this change; empty if one does."""
    if isinstance(change, AddField):
        return "CQL cannot remove a field from a type"
    if isinstance(change, CreateKeyspace):
        return "a keyspace has to be dropped manually, with everything in it"
    if isinstance(change, AddColumns) and not server.drops_unfrozen_user_types:
        unfrozen = [c.name for c in change.columns if isinstance(c.type, UserTypeName) and is_multi_cell(c.type)]
        return f"Cassandra cannot drop {', '.join(unfrozen)}: a non-frozen user type" if unfrozen else ""
    return ""


@functools.singledispatch
def facts_before(change: Change, facts: KeyspaceFacts) -> KeyspaceFacts:
    """The keyspace before this change; unchanged if its table or type no longer exists.

    For most kinds this is the keyspace after the inverse. A key column or field that gets an earlier name back also
    remembers the name that it has in ``facts``.

    Raises:
        TypeError: the change has no statement.
    """
    inverse = inverse_of(change)
    if inverse is None:
        raise TypeError(f"{type(change).__name__} in {facts.name} has no statement")
    return facts_after(inverse, facts)


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


@facts_before.register(AddField)
def _add_field(change: AddField, facts: KeyspaceFacts) -> KeyspaceFacts:
    def without_field(live: UserType) -> UserType:
        return attrs.evolve(live, fields=tuple(field for field in live.fields if field[0] != change.name))

    return attrs.evolve(facts, types=with_changed(facts.types, change.type, without_field))


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

    return attrs.evolve(facts, types=with_changed(facts.types, change.type, with_old_fields))


@facts_before.register(DropTable)
def _drop_table(change: DropTable, facts: KeyspaceFacts) -> KeyspaceFacts:
    """The table comes back with its indexes, which its statement does not create."""
    return attrs.evolve(facts, tables=[*without(facts.tables, change.table.name), change.table])


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
    changed = with_table(facts, change.table, lambda live: attrs.evolve(live, columns=with_old_columns(live)))
    return attrs.evolve(changed, views=views)
