"""One schema -> another one, exactly: the changes that add, alter and drop until both are equal.

*In*: two keyspaces, both whole. *Out*: changes, in an order that servers take: drops first, what depends on others
before them; then renames; then what is added, what others need first. `scyllamodel.schema.diff` leads to what models
declare and never drops; this leads to a schema that was, whatever there is more today.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import attrs

from scyllamodel.schema.changes import (
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
    LiveOnly,
    RenameFields,
    RenameKeyColumns,
    SetMask,
    SetOptions,
    SetTtlColumn,
)
from scyllamodel.schema.diff.columns import set_ttl_column
from scyllamodel.schema.diff.indexes import same_index, set_view_options
from scyllamodel.schema.diff.sides import Sides
from scyllamodel.schema.diff.types import field_renames, renamed
from scyllamodel.schema.diff.views import view_fault
from scyllamodel.schema.options import before, changed
from scyllamodel.schema.order import types_in_order
from scyllamodel.schema.virtual_columns import index_keeps_columns, view_keeps_columns

if TYPE_CHECKING:
    from scyllamodel.schema.facts import Index, KeyspaceFacts, Table, TableColumn, UserType, View
    from scyllamodel.schema.server import ServerProfile


def transition(found: KeyspaceFacts, goal: KeyspaceFacts, server: ServerProfile) -> tuple[Change, ...]:
    """The changes that make ``goal`` of ``found``.

    What CQL cannot alter is dropped and made again: a table with another key, an index, a view or a type of another
    definition. A field that only ``found`` has is a `LiveOnly`, since no statement takes it away.

    Parameters:
        goal: key columns under another name than in ``found`` say so by ``renamed_from``.
    """
    return _Transition(Sides.of(found, goal, server)).changes()


class _Transition:
    """Both sides, and what is made again as a whole."""

    def __init__(self, sides: Sides) -> None:
        self.sides, self.name, self.server = sides, sides.name, sides.server
        self.goal, self.live = sides.wanted, sides.tables
        self.again = {t.name for t in self.goal.tables if t.name in self.live and _key(t) != _key(self.live[t.name])}

    def changes(self) -> tuple[Change, ...]:
        views, types = self._views(), self._types()
        gone_types = [change.type for change in types if isinstance(change, DropType)]
        kept = [
            (self.live[table.name], table)
            for table in self.goal.tables
            if table.name in self.live and table.name not in self.again
        ]
        return (
            *(change for change in views if isinstance(change, DropView)),
            *self._dropped_indexes(kept),
            *self._dropped_columns(kept),
            *(DropTable(self.name, table) for table in self._gone(self.sides.found.tables, self.goal.tables)),
            *(DropType(self.name, found) for found in reversed(types_in_order(gone_types))),
            *(RenameKeyColumns(self.name, name, pairs) for name, pairs in self.sides.renames.items()),
            *(change for change in types if not isinstance(change, DropType)),
            *(AddTable(self.name, table) for table in self.goal.tables if self._is_new(table)),
            *self._added_columns(kept),
            *self._masks(kept),
            *self._ttl_columns(kept),
            *self._options(kept),
            *self._added_indexes(),
            *(change for change in views if not isinstance(change, DropView)),
        )

    def _gone(self, live: Iterable[Table], goal: Iterable[Table]) -> list[Table]:
        names = {fact.name for fact in goal}
        return [fact for fact in live if fact.name not in names or fact.name in self.again]

    def _is_new(self, table: Table) -> bool:
        return table.name not in self.live or table.name in self.again

    def _types(self) -> list[Change]:
        """Drops, then new types, then fields."""
        live, goal = dict(self.sides.types), {found.name: found for found in self.goal.types}
        renames = {name: field_renames(live[name], found) for name, found in goal.items() if name in live}
        live = {name: renamed(found, renames.get(name, ())) for name, found in live.items()}
        made = [found for found in goal.values() if found.name not in live or _is_another(live[found.name], found)]
        again = {found.name for found in made}
        both = [(live[name], found) for name, found in goal.items() if name in live and name not in again]
        gone = [found for name, found in self.sides.types.items() if name not in goal or name in again]
        drops: list[Change] = [DropType(self.name, found) for found in gone]
        named = [RenameFields(self.name, name, pairs) for name, pairs in renames.items() if pairs and name not in again]
        adds: list[Change] = [AddType(self.name, found) for found in types_in_order(made)]
        return [*drops, *named, *adds, *(change for pair in both for change in self._fields(*pair))]

    def _fields(self, live: UserType, goal: UserType) -> Iterator[Change]:
        for name, field_type in goal.fields[len(live.fields) :]:
            yield AddField(self.name, live.name, name, field_type)
        for name, field_type in live.fields[len(goal.fields) :]:
            yield LiveOnly(self.name, "field", f"{live.name}.{name}", field_type)

    def _dropped_columns(self, kept: Iterable[tuple[Table, Table]]) -> Iterator[Change]:
        for live, goal in kept:
            if gone := _only_in(live, goal):
                if any(column.name == live.ttl_column for column in gone):
                    yield SetTtlColumn(self.name, goal.name, None, live.ttl_column)
                yield DropColumns(self.name, goal.name, gone)

    def _added_columns(self, kept: Iterable[tuple[Table, Table]]) -> Iterator[Change]:
        for live, goal in kept:
            if new := _only_in(goal, live):
                yield AddColumns(self.name, goal.name, new)

    def _masks(self, kept: Iterable[tuple[Table, Table]]) -> Iterator[Change]:
        for live, goal in kept:
            for column in goal.columns:
                found = live.get(column.name)
                if found is not None and found.mask != column.mask and _bare(found) == _bare(column):
                    yield SetMask(self.name, goal.name, column.name, column.mask, found.mask)

    def _ttl_columns(self, kept: Iterable[tuple[Table, Table]]) -> Iterator[Change]:
        """Those whose column goes are unset before it does."""
        for live, goal in kept:
            gone = {column.name for column in _only_in(live, goal)}
            now = attrs.evolve(live, ttl_column=None) if live.ttl_column in gone else live
            if now.ttl_column != goal.ttl_column:
                yield from set_ttl_column(self.name, now, goal)

    def _options(self, kept: Iterable[tuple[Table, Table]]) -> Iterator[Change]:
        for live, goal in kept:
            yield from self._set(live, goal)
            stored = {index.name: index for index in live.indexes}
            for index in goal.indexes:
                if index.name in stored and self._has(live, index, goal):
                    yield from set_view_options(self.name, goal.name, stored[index.name], index, self.server)

    def _set(self, live: Table | View, goal: Table | View, *, base: str | None = None) -> Iterator[Change]:
        if differing := changed(goal.options, live.options, self.server):
            stored = before(differing, live.options)
            yield SetOptions(self.name, goal.name, differing, stored, base is not None, base or "")

    def _dropped_indexes(self, kept: Iterable[tuple[Table, Table]]) -> Iterator[Change]:
        for live, goal in kept:
            again = self._again(live, goal)
            gone = (i for i in live.indexes if i.name in again or not self._has(goal, i, goal))
            yield from (DropIndex(self.name, live, index) for index in gone)

    def _added_indexes(self) -> Iterator[Change]:
        for goal in self.goal.tables:
            live = self.live.get(goal.name)
            populated = live is not None and goal.name not in self.again
            again = self._again(live, goal) if live is not None else set[str]()
            for index in goal.indexes:
                if live is None or not populated or index.name in again or not self._has(live, index, goal):
                    yield AddIndex(self.name, goal, index, populated)

    def _again(self, live: Table, goal: Table) -> set[str]:
        """The indexes that go so that their table can lose regular columns, and come back."""
        if not any(column.kind == "regular" for column in _only_in(live, goal)):
            return set()
        return {index.name for index in live.indexes if index_keeps_columns(index, live, self.server)}

    def _has(self, table: Table, index: Index, goal: Table) -> bool:
        return any(i.name == index.name and same_index(i, index, goal, self.server) for i in table.indexes)

    def _views(self) -> list[Change]:
        """Drops first; a view of a table that is made again is made again, too."""
        live, goal = self.sides.views, {view.name: view for view in self.goal.views}
        again = {name for name in goal if name in live and self._is_another_view(live[name], goal[name])}
        drops: list[Change] = [DropView(self.name, v) for name, v in live.items() if name not in goal or name in again]
        adds: list[Change] = [
            AddView(self.name, view, populated=view.base in self.live and view.base not in self.again)
            for name, view in goal.items()
            if name not in live or name in again
        ]
        both = [(live[name], view) for name, view in goal.items() if name in live and name not in again]
        return [*drops, *adds, *(change for pair in both for change in self._set(*pair, base=pair[1].base))]

    def _is_another_view(self, live: View, goal: View) -> bool:
        base = self.sides.declared.get(goal.base)
        keys = [column.name for column in base.columns if column.in_key] if base is not None else []
        old = [name for name, _ in self.sides.renames.get(goal.base, ())]
        differs = view_fault(live, goal, frozenset((*keys, *old))) is not None
        return differs or goal.base in self.again or self._holds_columns(live)

    def _holds_columns(self, view: View) -> bool:
        """Whether a view goes so that its table can lose columns, and comes back; not one that selects them (MV102)."""
        live, goal = self.live.get(view.base), self.sides.declared.get(view.base)
        lost = _only_in(live, goal) if live is not None and goal is not None else ()
        if not lost or any(column.name in view for column in lost):
            return False
        virtual = view_keeps_columns(view, live) and any(column.kind == "regular" for column in lost)
        return virtual or not self.server.drops_columns_beside_views


def _key(table: Table) -> list[TableColumn]:
    return [_bare(column) for column in table.columns if column.in_key]


def _bare(column: TableColumn) -> TableColumn:
    """The column without its mask, which can be altered."""
    return attrs.evolve(column, mask=None)


def _only_in(one: Table, other: Table) -> tuple[TableColumn, ...]:
    """Columns besides the key that the other table lacks, or has otherwise."""
    known = {column.name: _bare(column) for column in other.columns}
    return tuple(column for column in one.columns if not column.in_key and known.get(column.name) != _bare(column))


def _is_another(live: UserType, goal: UserType) -> bool:
    shared = min(len(live.fields), len(goal.fields))
    return live.fields[:shared] != goal.fields[:shared]
