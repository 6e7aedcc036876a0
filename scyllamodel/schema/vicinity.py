"""A keyspace on which changes run one after another, and what each of them has to do with.

*In*: facts, then changes. *Out*: for each drop the facts of what it is about and of what depends on that, so that
judging many drops takes work by their number, and not by their number times the size of the keyspace; for all other
changes the whole keyspace, since a new name may be taken anywhere. No I/O.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

import attrs

from scyllamodel.schema.changes import (
    Change,
    DropColumns,
    DropIndex,
    DropTable,
    DropType,
    DropView,
    SetMask,
    SetTtlColumn,
)
from scyllamodel.schema.effects import after
from scyllamodel.schema.facts import KeyspaceFacts, Table, UserType, View

if TYPE_CHECKING:
    from collections.abc import Mapping

_F = TypeVar("_F", Table, View, UserType)

_DROPS: Final = (DropView, DropIndex, DropColumns, DropTable, DropType, SetMask, SetTtlColumn)
Drop: TypeAlias = DropView | DropIndex | DropColumns | DropTable | DropType | SetMask | SetTtlColumn


class Vicinity:
    """The state of one keyspace between changes."""

    def __init__(self, found: KeyspaceFacts) -> None:
        self._read(found)

    def _read(self, found: KeyspaceFacts) -> None:
        self._whole = found
        self._tables = {table.name: table for table in found.tables}
        self._views = {view.name: view for view in found.views}
        self._types = {item.name: item for item in found.types}
        self._views_of = _grouped((view.base, view.name) for view in found.views)
        self._tables_with = _grouped((held, table.name) for table in found.tables for held in table.user_types)
        self._types_with = _grouped((held, item.name) for item in found.types for held in item.user_types)

    def of(self, change: Change) -> KeyspaceFacts:
        """The keyspace as far as the change has to do with it."""
        if not isinstance(change, _DROPS):
            return self.whole()
        if isinstance(change, DropType):
            name = change.type.name
            return self._part(self._tables_with.get(name, ()), (), (name, *self._types_with.get(name, ())))
        if isinstance(change, DropView):
            return self._part((change.view.base,), (change.view.name,), ())
        name = change.table if isinstance(change.table, str) else change.table.name
        return self._part((name,), self._views_of.get(name, ()), ())

    def run(self, change: Change) -> None:
        """Take note that a change ran."""
        if not isinstance(change, _DROPS):
            self._read(after(change, self.whole()))
            return
        part = self.of(change)
        left = after(change, part)
        _replace(self._tables, part.tables, left.tables)
        _replace(self._views, part.views, left.views)
        _replace(self._types, part.types, left.types)

    def whole(self) -> KeyspaceFacts:
        """All of the keyspace as it is by now."""
        return attrs.evolve(
            self._whole, tables=self._tables.values(), views=self._views.values(), types=self._types.values()
        )

    def _part(self, tables: Iterable[str], views: Iterable[str], types: Iterable[str]) -> KeyspaceFacts:
        return attrs.evolve(
            self._whole,
            tables=[self._tables[name] for name in tables if name in self._tables],
            views=[self._views[name] for name in views if name in self._views],
            types=[self._types[name] for name in types if name in self._types],
            functions=(),
            aggregates=(),
            unreadable=(),
        )


def _grouped(pairs: Iterable[tuple[str, str]]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, name in pairs:
        found.setdefault(key, []).append(name)
    return found


def _replace(known: dict[str, _F], before: Iterable[_F], now: Iterable[_F]) -> None:
    for fact in before:
        del known[fact.name]
    known.update((fact.name, fact) for fact in now)
