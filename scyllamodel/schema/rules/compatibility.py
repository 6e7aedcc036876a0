"""BC: changes that break other running releases of the application, and live objects that no model declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import attrs

from scyllamodel.schema.changes.kinds import AddTable, AlterColumn, RenameKeyColumns, SetMask, Unmanaged
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.diff.types import field_renames
from scyllamodel.schema.export.literals import python_text
from scyllamodel.schema.facts.objects import Unreadable
from scyllamodel.schema.rules import suggested_fixes
from scyllamodel.schema.server.profile import is_viewless

if TYPE_CHECKING:
    from scyllamodel.schema.facts.objects import Index, Table, UserType
    from scyllamodel.schema.rules.context import ChangeRule, RuleContext


def _renamed(change: RenameKeyColumns, context: RuleContext) -> Iterator[Diagnostic]:
    table = next(table for table in context.live.tables if table.name == change.table)
    for old, new in change.names:
        path = context.path(change.table, old)
        if dependent_indexes := indexes_under(table, old):
            text = f"the key column cannot be renamed to {new}: the index {', '.join(dependent_indexes)} depends on it"
            yield Diagnostic("BC101", "error", path, text, "Drop the index first, or keep the old name with db_name=.")
            continue
        text = f"the key column is renamed to {new}; releases that use {old} stop working at that moment"
        suggested_fix = f"Stop them first, then: {suggested_fixes.allow_either_way('BC101', path)}.\n"
        suggested_fix += f"Or keep the name: db_name={python_text(old)}"
        yield Diagnostic("BC101", "error", path, text, suggested_fix, allow=f"BC101:{path}")


def indexes_under(table: Table, column: str) -> list[str]:
    """The indexes that prevent renaming a key column: those on it, and vector indexes that search within it.

    An ordinary local index uses the partition key too, but does not prevent the rename.
    """
    return [index.name for index in table.indexes if column == index.column or column in _searched(index, table)]


def _searched(index: Index, table: Table) -> tuple[str, ...]:
    if not (index.local and is_viewless(index.using)):
        return ()
    return index.partition or tuple(key.name for key in table.partition_key)


def _column(change: AlterColumn, context: RuleContext) -> Iterator[Diagnostic]:
    if change.code == "BC102":
        table = context.pair.live_tables[change.table]
        desired = attrs.evolve(change.desired, renamed_from=None)
        declaration = f"{suggested_fixes.attribute_name(desired)}: … = column(db_name={python_text(change.live.name)})"
        suggested_fix = (
            f"To keep the values where they are:\n    {declaration}\nTo rename it in the database, in two releases:\n"
        )
        suggested_fix += suggested_fixes.new_column_steps(context.name, table, change.live, desired, desired.name)
        text = f"the model renames {change.live.name} to {desired.name}, but CQL renames key columns only"
        yield Diagnostic("BC102", "error", context.path(change.table, change.live.name), text, suggested_fix)


def _table(change: AddTable, context: RuleContext) -> Iterator[Diagnostic]:
    old = change.table.renamed_from
    if old is not None and old in context.pair.live_tables:
        cls, new = suggested_fixes.likely_class_name(old), change.table.name
        named = f"table={python_text(new)}"
        steps = [
            f"Keep the model of {old} as {cls}, and declare the new one without renamed_from:\n    {named}",
            f"Deploy and sync, which creates {context.name}.{change.table.name}; write to both tables.",
            f"Copy the existing rows:\n    {suggested_fixes.backfill_command(old, '', new)}",
            f"Read only from {change.table.name}; then remove {cls}.",
            f"When nothing reads it any more: scyllamodel contract {suggested_fixes.allow_option('DS102', old)}",
        ]
        suggested_fix = (
            f"To keep the rows where they are: table={python_text(old)}\nTo rename it in the database:\n"
            + suggested_fixes.numbered_steps(steps)
        )
        yield Diagnostic("BC102", "error", context.path(old), "CQL cannot rename a table", suggested_fix)


def _unmanaged(change: Unmanaged, context: RuleContext) -> Iterator[Diagnostic]:
    text = f"no model declares this {change.kind}; it is not changed"
    if isinstance(change.fact, Unreadable):
        kind, reason = change.fact.kind, change.fact.reason
        text = f"no model declares this {kind}, and this release cannot read it: {reason}; it is not changed"
    yield Diagnostic("BC103", "note", context.path(change.name), text)


def _masked(change: SetMask, context: RuleContext) -> Iterator[Diagnostic]:
    if change.before is None:
        text = f"roles without UNMASK will read {change.mask} instead of the values"
        suggested_fix = "Grant UNMASK to the roles that need the values: GRANT UNMASK ON TABLE … TO …"
        yield Diagnostic("BC104", "warn", context.path(change.table, change.column), text, suggested_fix)


def stale_renames(context: RuleContext) -> Iterator[Diagnostic]:
    """BC102 as a note for each ``renamed_from`` that is already applied."""
    for item in context.desired.types:
        yield from _stale_fields(context, item, context.pair.live_types.get(item.name))
    for table in context.desired.tables:
        live = context.pair.live_tables.get(table.name)
        if table.renamed_from is not None and (live is not None or table.renamed_from not in context.pair.live_tables):
            yield _stale_rename(context.path(table.name), table.renamed_from)
        if live is not None:
            yield from _stale_columns(context, table, live)


def _stale_fields(context: RuleContext, desired: UserType, live: UserType | None) -> Iterator[Diagnostic]:
    pending = set[str]() if live is None else {new for _, new in field_renames(live, desired)}
    for new, old in desired.renamed.items():
        if new not in pending:
            yield _stale_rename(context.path(desired.name, new), str(old))


def _stale_columns(context: RuleContext, table: Table, live: Table) -> Iterator[Diagnostic]:
    renamed = {new for _, new in context.pair.key_renames.get(table.name, ())}
    for column in table.columns:
        if column.renamed_from is None or column.name in renamed:
            continue
        if column.name in live or column.renamed_from not in live:
            yield _stale_rename(context.path(table.name, column.name), column.renamed_from)


def _stale_rename(path: str, old: str) -> Diagnostic:
    text = f"renamed_from={old!r} no longer applies"
    return Diagnostic("BC102", "note", path, text, "Remove it from the model.")


RULES: Final[Mapping[type, ChangeRule]] = {
    RenameKeyColumns: _renamed,
    AlterColumn: _column,
    AddTable: _table,
    Unmanaged: _unmanaged,
    SetMask: _masked,
}
