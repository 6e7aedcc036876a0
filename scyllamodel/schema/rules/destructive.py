"""DS: drops. Each runs only if ``allow=`` names it; the drop of an index, which holds no data, is a warning."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Final

import attrs

from scyllamodel._cql import code_tokens
from scyllamodel._identifiers import unquote
from scyllamodel.schema.changes.kinds import (
    AddColumns,
    DropColumns,
    DropIndex,
    DropTable,
    DropType,
    DropView,
    SetMask,
    SetTtlColumn,
)
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.rules import suggested_fixes
from scyllamodel.schema.rules.context import is_allowed

if TYPE_CHECKING:
    from scyllamodel.schema.rules.context import ChangeRule, RuleContext


def dropped_keyspace(cql: str, protected: Collection[str], allow: Collection[str] = ()) -> Diagnostic | None:
    """DS101 if a hand-written statement drops a keyspace; None for other statements.

    Parameters:
        protected: keyspaces of the run's lock, ledger or tables; no permission allows dropping them.
    """
    name = _keyspace_of_drop(cql)
    if name is None:
        return None
    if name in protected:
        text = "the keyspace would be dropped with the lock and the history of this run"
        return Diagnostic("DS101", "error", name, text, "Drop it in cqlsh, when nothing uses it any more.")
    refused = _refused("DS101", name, "the keyspace would be dropped with every table in it")
    return attrs.evolve(refused, severity="warn", fix="") if is_allowed(refused, frozenset(allow)) else refused


def _keyspace_of_drop(cql: str) -> str | None:
    """The keyspace that the statement drops; servers also accept ``SCHEMA`` for ``KEYSPACE``."""
    words = [token.text for token in code_tokens(cql)]
    keywords = [word.upper() for word in words]
    if keywords[:2] not in (["DROP", "KEYSPACE"], ["DROP", "SCHEMA"]):
        return None
    names = words[4:] if keywords[2:4] == ["IF", "EXISTS"] else words[2:]
    return unquote(names[0]) if names else None


def _refused(code: str, path: str, text: str) -> Diagnostic:
    suggested_fix = f"If it is not needed any more: {suggested_fixes.allow_either_way(code, path)}"
    return Diagnostic(code, "error", path, text, suggested_fix, allow=f"{code}:{path}")


def _table(change: DropTable, context: RuleContext) -> Iterator[Diagnostic]:
    yield _refused("DS102", context.path(change.table.name), "the table would be dropped with all its rows")


def _columns(change: DropColumns, context: RuleContext) -> Iterator[Diagnostic]:
    for column in change.columns:
        path = context.path(change.table, column.name)
        yield _refused("DS103", path, "the column would be dropped with its values")
        if _expire_by(change.table, column.name, context):
            yield _refused("DS108", path, "the TTL column would be dropped, so rows would stop expiring")


def _expire_by(table: str, column: str, context: RuleContext) -> bool:
    """Whether the rows of a table expire by this column, and no earlier step unsets it."""
    live = context.live.table(table)
    unset = any(isinstance(change, SetTtlColumn) and change.table == table for change in context.changes)
    return live is not None and live.ttl_column == column and not unset


def _type(change: DropType, context: RuleContext) -> Iterator[Diagnostic]:
    yield _refused("DS104", context.path(change.type.name), "the type would be dropped")


def _view(change: DropView, context: RuleContext) -> Iterator[Diagnostic]:
    yield _refused(
        "DS105", context.path(change.view.name), "the view would be dropped; building it again reads its whole table"
    )


def _index(change: DropIndex, context: RuleContext) -> Iterator[Diagnostic]:
    text = "the index would be dropped; queries that need it would fail"
    path = context.path(change.index.name)
    yield Diagnostic("DS106", "warn", path, text, allow=f"DS106:{path}")


def _mask(change: SetMask, context: RuleContext) -> Iterator[Diagnostic]:
    path = context.path(change.table, change.column)
    if change.mask is None:
        yield _refused("DS107", path, f"the mask {change.before} would be dropped, so every role could read the values")
    elif change.before is not None:
        text = f"the mask {change.before} would become {change.mask}, which may show hidden values"
        yield _refused("DS107", path, text)


def _ttl_column(change: SetTtlColumn, context: RuleContext) -> Iterator[Diagnostic]:
    """DS108; a column that is added in the same plan holds no times yet."""
    if change.column is None:
        text = "the TTL column would be unset, so rows would stop expiring"
        yield _refused("DS108", context.path(change.table, str(change.before)), text)
        return
    added = (
        other.columns for other in context.changes if isinstance(other, AddColumns) and other.table == change.table
    )
    if change.column not in {column.name for column in itertools.chain.from_iterable(added)}:
        text = "existing rows whose time in this column has passed would be deleted"
        yield _refused("DS108", context.path(change.table, change.column), text)


RULES: Final[Mapping[type, ChangeRule]] = {
    DropTable: _table,
    DropColumns: _columns,
    DropType: _type,
    DropView: _view,
    DropIndex: _index,
    SetMask: _mask,
    SetTtlColumn: _ttl_column,
}
