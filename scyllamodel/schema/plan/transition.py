"""Compute the exact changes from one schema to another, drops included, for rollback.

*In*: two complete keyspaces. *Out*: changes in an order that servers accept: drops first, dependent objects before
those that they use; then renames; then additions in dependency order. `scyllamodel.schema.diff` leads to what models
declare and never drops; this module leads to an earlier schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import attrs

from scyllamodel.schema.changes.kinds import (
    AddColumns,
    AddField,
    AddIndex,
    AddTable,
    AddType,
    AddView,
    Change,
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
    Unmanaged,
)
from scyllamodel.schema.compare.indexes import index_matches
from scyllamodel.schema.compare.options import differing_options, stored_values
from scyllamodel.schema.compare.views import view_difference
from scyllamodel.schema.diff.columns import set_ttl_column
from scyllamodel.schema.diff.indexes import set_view_options
from scyllamodel.schema.diff.schema_pair import SchemaPair
from scyllamodel.schema.diff.types import field_renames, with_renamed_fields
from scyllamodel.schema.facts.type_order import dependency_order
from scyllamodel.schema.rules.user_types import containing_types
from scyllamodel.schema.server.virtual_columns import index_needs_all_columns, view_needs_all_columns
from scyllamodel.types.cql_types import user_type_names

if TYPE_CHECKING:
    from scyllamodel.schema.facts.objects import Index, KeyspaceFacts, Table, TableColumn, UserType, View
    from scyllamodel.schema.server.profile import ServerProfile


def transition(live: KeyspaceFacts, target: KeyspaceFacts, server: ServerProfile) -> tuple[Change, ...]:
    """The changes that turn ``live`` into ``target``.

    What CQL cannot alter is dropped and created again: a table with another key, an index, a view or a type of another
    definition. So is what holds such a type, since servers do not drop a type in use: other types, and tables with a
    column of it on both sides, because servers do not accept a user type under the name of a dropped column. A field
    that only ``live`` has is a `Unmanaged`, since no statement removes it.

    Parameters:
        target: the earlier schema; a key column with another name in ``live`` has that name in ``renamed_from``.
    """
    return _Transition(SchemaPair.of(live, target, server)).changes()


class _Transition:
    """Both sides, and the types and tables that are dropped and created again."""

    def __init__(self, pair: SchemaPair) -> None:
        self.pair, self.name, self.server = pair, pair.name, pair.server
        self.goal, self.live = pair.desired, pair.live_tables
        live_types, desired_types = pair.live_types, {user_type.name: user_type for user_type in self.goal.types}
        self.field_renames = {
            name: field_renames(live_types[name], desired_types[name])
            for name in live_types.keys() & desired_types.keys()
        }
        self.renamed_types = {
            name: with_renamed_fields(user_type, self.field_renames.get(name, ()))
            for name, user_type in live_types.items()
        }
        self.recreated_types = self._recreated_types(desired_types)
        self.recreated = {t.name for t in self.goal.tables if t.name in self.live and self._is_recreated(t)}

    def _recreated_types(self, desired: Mapping[str, UserType]) -> frozenset[str]:
        """The types that differ, and those that contain one of them."""
        live = self.renamed_types
        differing = [name for name, item in desired.items() if name in live and _type_differs(live[name], item)]
        return frozenset[str]().union(*(containing_types(name, live.values()) for name in differing))

    def _is_recreated(self, target: Table) -> bool:
        live = self.live[target.name]
        used_types = {name for c in live.columns if c.name in target for name in user_type_names(c.type)}
        return _key_columns(target) != _key_columns(live) or not self.recreated_types.isdisjoint(used_types)

    def changes(self) -> tuple[Change, ...]:
        views, types = self._views(), self._types()
        dropped_types = [change.type for change in types if isinstance(change, DropType)]
        kept_tables = [
            (self.live[table.name], table)
            for table in self.goal.tables
            if table.name in self.live and table.name not in self.recreated
        ]
        return (
            *(change for change in views if isinstance(change, DropView)),
            *self._dropped_indexes(kept_tables),
            *self._dropped_columns(kept_tables),
            *(DropTable(self.name, table) for table in self._dropped_tables(self.pair.live.tables, self.goal.tables)),
            *(DropType(self.name, user_type) for user_type in reversed(dependency_order(dropped_types))),
            *self._key_renames(),
            *(change for change in types if not isinstance(change, DropType)),
            *(AddTable(self.name, table) for table in self.goal.tables if self._is_new(table)),
            *self._added_columns(kept_tables),
            *self._masks(kept_tables),
            *self._ttl_columns(kept_tables),
            *self._options(kept_tables),
            *self._added_indexes(),
            *(change for change in views if not isinstance(change, DropView)),
        )

    def _key_renames(self) -> Iterator[Change]:
        for name, pairs in self.pair.key_renames.items():
            if name not in self.recreated:
                yield RenameKeyColumns(self.name, name, pairs)

    def _dropped_tables(self, live: Iterable[Table], target: Iterable[Table]) -> list[Table]:
        names = {fact.name for fact in target}
        return [fact for fact in live if fact.name not in names or fact.name in self.recreated]

    def _is_new(self, table: Table) -> bool:
        return table.name not in self.live or table.name in self.recreated

    def _types(self) -> list[Change]:
        """Drops, then new types, then fields."""
        live, target = self.renamed_types, {user_type.name: user_type for user_type in self.goal.types}
        recreated = self.recreated_types
        created = [user_type for name, user_type in target.items() if name not in live or name in recreated]
        kept_pairs = [
            (live[name], user_type) for name, user_type in target.items() if name in live and name not in recreated
        ]
        dropped = [
            user_type for name, user_type in self.pair.live_types.items() if name not in target or name in recreated
        ]
        drops: list[Change] = [DropType(self.name, user_type) for user_type in dropped]
        rename_changes = [
            RenameFields(self.name, name, pairs)
            for name in target
            if (pairs := self.field_renames.get(name)) and name not in recreated
        ]
        adds: list[Change] = [AddType(self.name, user_type) for user_type in dependency_order(created)]
        return [*drops, *rename_changes, *adds, *(change for pair in kept_pairs for change in self._fields(*pair))]

    def _fields(self, live: UserType, target: UserType) -> Iterator[Change]:
        for name, field_type in target.fields[len(live.fields) :]:
            yield AddField(self.name, live.name, name, field_type)
        for name, field_type in live.fields[len(target.fields) :]:
            yield Unmanaged(self.name, "field", f"{live.name}.{name}", field_type)

    def _dropped_columns(self, kept_tables: Iterable[tuple[Table, Table]]) -> Iterator[Change]:
        for live, target in kept_tables:
            if dropped := _only_in(live, target):
                if any(column.name == live.ttl_column for column in dropped):
                    yield SetTtlColumn(self.name, target.name, None, live.ttl_column)
                yield DropColumns(self.name, target.name, dropped)

    def _added_columns(self, kept_tables: Iterable[tuple[Table, Table]]) -> Iterator[Change]:
        for live, target in kept_tables:
            if added := _only_in(target, live):
                yield AddColumns(self.name, target.name, added)

    def _masks(self, kept_tables: Iterable[tuple[Table, Table]]) -> Iterator[Change]:
        for live, target in kept_tables:
            for column in target.columns:
                live_column = live.get(column.name)
                if (
                    live_column is not None
                    and live_column.mask != column.mask
                    and _without_mask(live_column) == _without_mask(column)
                ):
                    yield SetMask(self.name, target.name, column.name, column.mask, live_column.mask)

    def _ttl_columns(self, kept_tables: Iterable[tuple[Table, Table]]) -> Iterator[Change]:
        """The changes of TTL columns; one whose column is dropped has been unset by then."""
        for live, target in kept_tables:
            dropped = {column.name for column in _only_in(live, target)}
            current = attrs.evolve(live, ttl_column=None) if live.ttl_column in dropped else live
            if current.ttl_column != target.ttl_column:
                yield from set_ttl_column(self.name, current, target)

    def _options(self, kept_tables: Iterable[tuple[Table, Table]]) -> Iterator[Change]:
        for live, target in kept_tables:
            yield from self._option_changes(live, target)
            stored = {index.name: index for index in live.indexes}
            for index in target.indexes:
                if self._has_index(live, index, target):
                    yield from set_view_options(self.name, target.name, stored[index.name], index, self.server)

    def _option_changes(self, live: Table | View, target: Table | View, *, base: str | None = None) -> Iterator[Change]:
        if differing := differing_options(target.options, live.options, self.server):
            stored = stored_values(differing, live.options)
            yield SetOptions(self.name, target.name, differing, stored, base is not None, base or "")

    def _dropped_indexes(self, kept_tables: Iterable[tuple[Table, Table]]) -> Iterator[Change]:
        for live, target in kept_tables:
            recreated = self._recreated_indexes(live, target)
            dropped = (i for i in live.indexes if i.name in recreated or not self._has_index(target, i, target))
            yield from (DropIndex(self.name, live, index) for index in dropped)

    def _added_indexes(self) -> Iterator[Change]:
        for target in self.goal.tables:
            live = self.live.get(target.name)
            populated = live is not None and target.name not in self.recreated
            recreated = self._recreated_indexes(live, target) if live is not None else set[str]()
            for index in target.indexes:
                if live is None or not populated or index.name in recreated or not self._has_index(live, index, target):
                    yield AddIndex(self.name, target, index, populated)

    def _recreated_indexes(self, live: Table, target: Table) -> set[str]:
        """The indexes that are dropped so that their table can lose columns, and created again."""
        lost_columns = _only_in(live, target)
        replaced_names = {column.name for column in lost_columns if column.name in target}
        has_lost_regular = any(column.kind == "regular" for column in lost_columns)
        return {
            index.name
            for index in live.indexes
            if not replaced_names.isdisjoint(index.names(live))
            or (has_lost_regular and index_needs_all_columns(index, live, self.server))
        }

    def _has_index(self, table: Table, index: Index, target: Table) -> bool:
        return any(i.name == index.name and index_matches(i, index, target, self.server) for i in table.indexes)

    def _views(self) -> list[Change]:
        """The changes of views, drops first; a view of a recreated table is recreated, too."""
        live, target = self.pair.live_views, {view.name: view for view in self.goal.views}
        recreated = {name for name in target if name in live and self._view_differs(live[name], target[name])}
        drops: list[Change] = [
            DropView(self.name, v) for name, v in live.items() if name not in target or name in recreated
        ]
        adds: list[Change] = [
            AddView(self.name, view, populated=view.base in self.live and view.base not in self.recreated)
            for name, view in target.items()
            if name not in live or name in recreated
        ]
        kept_pairs = [(live[name], view) for name, view in target.items() if name in live and name not in recreated]
        return [
            *drops,
            *adds,
            *(change for pair in kept_pairs for change in self._option_changes(*pair, base=pair[1].base)),
        ]

    def _view_differs(self, live: View, target: View) -> bool:
        base = self.pair.desired_tables.get(target.base)
        keys = [column.name for column in base.columns if column.in_key] if base is not None else []
        old_names = [name for name, _ in self.pair.key_renames.get(target.base, ())]
        differs = view_difference(live, target, frozenset((*keys, *old_names))) is not None
        return differs or target.base in self.recreated or self._blocks_column_drop(live)

    def _blocks_column_drop(self, view: View) -> bool:
        """Whether a view is dropped so that its table can lose columns, and created again.

        A view that selects a column that does not come back is left for MV102 to refuse.
        """
        live, target = self.live.get(view.base), self.pair.desired_tables.get(view.base)
        if live is None or target is None or not (lost_columns := _only_in(live, target)):
            return False
        selected = [column for column in lost_columns if column.name in view]
        if selected:
            return all(column.name in target for column in selected)
        virtual = view_needs_all_columns(view, live) and any(column.kind == "regular" for column in lost_columns)
        return virtual or not self.server.drops_columns_beside_views


def _key_columns(table: Table) -> list[TableColumn]:
    return [_without_mask(column) for column in table.columns if column.in_key]


def _without_mask(column: TableColumn) -> TableColumn:
    """The column without its mask, which can be altered."""
    return attrs.evolve(column, mask=None)


def _only_in(first: Table, second: Table) -> tuple[TableColumn, ...]:
    """The non-key columns that the other table lacks or has with another definition."""
    known = {column.name: _without_mask(column) for column in second.columns}
    return tuple(
        column for column in first.columns if not column.in_key and known.get(column.name) != _without_mask(column)
    )


def _type_differs(live: UserType, target: UserType) -> bool:
    shared_count = min(len(live.fields), len(target.fields))
    return live.fields[:shared_count] != target.fields[:shared_count]
