"""The state of a keyspace while changes are evaluated one after another.

*In*: facts, then changes. *Out*: for each drop the facts of its object and of its dependents, so that evaluating many
drops is linear in their number; for all other changes the whole keyspace, since a new name may conflict with any
object. No I/O.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

import attrs

from scyllamodel.schema.changes.effects import facts_after
from scyllamodel.schema.changes.kinds import (
    Change,
    DropColumns,
    DropIndex,
    DropTable,
    DropType,
    DropView,
    SetMask,
    SetTtlColumn,
)
from scyllamodel.schema.facts.objects import KeyspaceFacts, Table, UserType, View

if TYPE_CHECKING:
    from collections.abc import Mapping

_F = TypeVar("_F", Table, View, UserType)

_DROP_CHANGES: Final = (DropView, DropIndex, DropColumns, DropTable, DropType, SetMask, SetTtlColumn)
DropChange: TypeAlias = DropView | DropIndex | DropColumns | DropTable | DropType | SetMask | SetTtlColumn


class KeyspaceState:
    """The state of one keyspace between changes."""

    def __init__(self, facts: KeyspaceFacts) -> None:
        self._read(facts)

    def _read(self, facts: KeyspaceFacts) -> None:
        self._facts = facts
        self._tables = {table.name: table for table in facts.tables}
        self._views = {view.name: view for view in facts.views}
        self._types = {item.name: item for item in facts.types}
        self._views_by_table = _grouped((view.base, view.name) for view in facts.views)
        self._tables_by_type = _grouped(
            (user_type, table.name) for table in facts.tables for user_type in table.user_types
        )
        self._types_by_type = _grouped((user_type, item.name) for item in facts.types for user_type in item.user_types)

    def facts_for(self, change: Change) -> KeyspaceFacts:
        """The facts that concern the change."""
        if not isinstance(change, _DROP_CHANGES):
            return self.all_facts()
        if isinstance(change, DropType):
            name = change.type.name
            part = self._subset(self._tables_by_type.get(name, ()), (), (name, *self._types_by_type.get(name, ())))
            return attrs.evolve(part, functions=self._facts.functions, aggregates=self._facts.aggregates)
        if isinstance(change, DropView):
            return self._subset((change.view.base,), (change.view.name,), ())
        name = change.table if isinstance(change.table, str) else change.table.name
        return self._subset((name,), self._views_by_table.get(name, ()), ())

    def record(self, change: Change) -> None:
        """Record that a change ran."""
        if not isinstance(change, _DROP_CHANGES):
            self._read(facts_after(change, self.all_facts()))
            return
        part = self.facts_for(change)
        remaining = facts_after(change, part)
        _replace(self._tables, part.tables, remaining.tables)
        _replace(self._views, part.views, remaining.views)
        _replace(self._types, part.types, remaining.types)

    def all_facts(self) -> KeyspaceFacts:
        """The whole keyspace in its current state."""
        return attrs.evolve(
            self._facts, tables=self._tables.values(), views=self._views.values(), types=self._types.values()
        )

    def _subset(self, tables: Iterable[str], views: Iterable[str], types: Iterable[str]) -> KeyspaceFacts:
        return attrs.evolve(
            self._facts,
            tables=[self._tables[name] for name in tables if name in self._tables],
            views=[self._views[name] for name in views if name in self._views],
            types=[self._types[name] for name in types if name in self._types],
            functions=(),
            aggregates=(),
            unreadable=(),
        )


def _grouped(pairs: Iterable[tuple[str, str]]) -> Mapping[str, list[str]]:
    values_by_key: dict[str, list[str]] = {}
    for key, name in pairs:
        values_by_key.setdefault(key, []).append(name)
    return values_by_key


def _replace(facts: dict[str, _F], old: Iterable[_F], new: Iterable[_F]) -> None:
    for fact in old:
        del facts[fact.name]
    facts.update((fact.name, fact) for fact in new)
