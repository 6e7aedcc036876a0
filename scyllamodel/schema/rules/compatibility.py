"""BC: what other releases of the application, running now, would notice; and what is live and declared by nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import attrs

from scyllamodel.schema.changes import AddTable, AlterColumn, LiveOnly, RenameKeyColumns, SetMask
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.diff.types import field_renames
from scyllamodel.schema.facts import Unreadable
from scyllamodel.schema.rules import recipes
from scyllamodel.schema.server import is_viewless
from scyllamodel.schema.writers import python_text

if TYPE_CHECKING:
    from scyllamodel.schema.facts import Index, Table, UserType
    from scyllamodel.schema.rules.case import Case, ChangeRule


def _renamed(change: RenameKeyColumns, case: Case) -> Iterator[Diagnostic]:
    table = next(table for table in case.found.tables if table.name == change.table)
    for old, new in change.names:
        path = case.path(change.table, old)
        if held := indexes_under(table, old):
            text = f"the key column cannot be renamed to {new}: the index {', '.join(held)} depends on it"
            yield Diagnostic("BC101", "error", path, text, "Drop the index first, or keep the old name with db_name=.")
            continue
        text = f"the key column becomes {new}; releases that know it as {old} stop working at that moment"
        fix = f"Stop them first, then: {recipes.allowing('BC101', path)}.\n"
        fix += f"Or keep the name: db_name={python_text(old)}"
        yield Diagnostic("BC101", "error", path, text, fix, allow=f"BC101:{path}")


def indexes_under(table: Table, column: str) -> list[str]:
    """The indexes that keep a key column from being renamed: those on it, and vector indexes that search within it.

    An ordinary local index names the partition key too, and does not mind.
    """
    return [index.name for index in table.indexes if column == index.column or column in _searched(index, table)]


def _searched(index: Index, table: Table) -> tuple[str, ...]:
    if not (index.local and is_viewless(index.using)):
        return ()
    return index.partition or tuple(key.name for key in table.partition_key)


def _column(change: AlterColumn, case: Case) -> Iterator[Diagnostic]:
    if change.code == "BC102":
        table = case.sides.tables[change.table]
        wanted = attrs.evolve(change.wanted, renamed_from=None)
        keep = f"{recipes.attribute(wanted)}: … = column(db_name={python_text(change.found.name)})"
        fix = f"To keep the values where they are:\n    {keep}\nTo rename it in the database, in two releases:\n"
        fix += recipes.new_column(case.name, table, change.found, wanted, wanted.name)
        text = f"CQL renames key columns only, and {change.found.name} is none; the model wants it as {wanted.name}"
        yield Diagnostic("BC102", "error", case.path(change.table, change.found.name), text, fix)


def _table(change: AddTable, case: Case) -> Iterator[Diagnostic]:
    old = change.table.renamed_from
    if old is not None and old in case.sides.tables:
        cls, new = recipes.class_name(old), change.table.name
        named = f"table={python_text(new)}"
        steps = [
            f"Keep the model of {old} as {cls}, and declare the new one without renamed_from:\n    {named}",
            f"Deploy and sync, which creates {case.name}.{change.table.name}; write to both tables.",
            f"Copy the existing rows:\n    {recipes.backfill(old, '', new)}",
            f"Read {change.table.name} only; then remove {cls}.",
            f"When nothing reads it any more: scyllamodel contract {recipes.allow('DS102', old)}",
        ]
        fix = (
            f"To keep the rows where they are: table={python_text(old)}\nTo rename it in the database:\n"
            + recipes.numbered(steps)
        )
        yield Diagnostic("BC102", "error", case.path(old), "CQL cannot rename a table", fix)


def _live(change: LiveOnly, case: Case) -> Iterator[Diagnostic]:
    text = f"a {change.what} that no model declares; left as it is"
    if isinstance(change.fact, Unreadable):
        what, why = change.fact.what, change.fact.why
        text = f"a {what} that no model declares, and that this release cannot read: {why}; left as it is"
    yield Diagnostic("BC103", "note", case.path(change.name), text)


def _masked(change: SetMask, case: Case) -> Iterator[Diagnostic]:
    if change.before is None:
        text = f"roles without UNMASK read {change.mask} instead of the values from then on"
        fix = "Give UNMASK to the roles that need the values: GRANT UNMASK ON TABLE … TO …"
        yield Diagnostic("BC104", "warn", case.path(change.table, change.column), text, fix)


def stale_renames(case: Case) -> Iterator[Diagnostic]:
    """A note for each ``renamed_from`` that has nothing left to do."""
    for item in case.wanted.types:
        yield from _stale_fields(case, item, case.sides.types.get(item.name))
    for table in case.wanted.tables:
        found = case.sides.tables.get(table.name)
        if table.renamed_from is not None and (found is not None or table.renamed_from not in case.sides.tables):
            yield _stale(case.path(table.name), table.renamed_from)
        if found is not None:
            yield from _stale_columns(case, table, found)


def _stale_fields(case: Case, wanted: UserType, found: UserType | None) -> Iterator[Diagnostic]:
    pending = set[str]() if found is None else {new for _, new in field_renames(found, wanted)}
    for new, old in wanted.renamed.items():
        if new not in pending:
            yield _stale(case.path(wanted.name, new), str(old))


def _stale_columns(case: Case, table: Table, found: Table) -> Iterator[Diagnostic]:
    done = {new for _, new in case.sides.renames.get(table.name, ())}
    for column in table.columns:
        if column.renamed_from is None or column.name in done:
            continue
        if column.name in found or column.renamed_from not in found:
            yield _stale(case.path(table.name, column.name), column.renamed_from)


def _stale(path: str, old: str) -> Diagnostic:
    text = f"renamed_from={old!r} no longer applies"
    return Diagnostic("BC102", "note", path, text, "Remove it from the model.")


RULES: Final[Mapping[type, ChangeRule]] = {
    RenameKeyColumns: _renamed,
    AlterColumn: _column,
    AddTable: _table,
    LiveOnly: _live,
    SetMask: _masked,
}
