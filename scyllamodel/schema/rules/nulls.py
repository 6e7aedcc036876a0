"""NU: columns whose type excludes None, and rows without a value for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scyllamodel.schema.changes.kinds import AddColumns
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.rules import suggested_fixes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scyllamodel.schema.facts.objects import KeyspaceFacts, TableColumn
    from scyllamodel.schema.rules.context import ChangeRule, RuleContext


def _added(change: AddColumns, context: RuleContext) -> Iterator[Diagnostic]:
    for column in change.columns:
        if column.loads_none:
            text = "existing rows have no value for it, and load as None although the type of the column excludes None"
            yield Diagnostic("NU101", "note", context.path(change.table, column.name), text, _null_choices(column))


def lint(desired: KeyspaceFacts) -> Iterator[Diagnostic]:
    """A note for each table with columns that have a default but load a null of an existing row as None."""
    for table in desired.tables:
        columns = [column for column in table if column.loads_none and column.has_default]
        if columns:
            names = ", ".join(column.name for column in columns)
            text = f"rows without a value for {names} load as None although the type excludes None"
            yield Diagnostic("NU101", "note", f"{desired.name}.{table.name}", text, _null_choices(columns[0]))


def _null_choices(column: TableColumn) -> str:
    name, annotation = suggested_fixes.attribute_name(column), suggested_fixes.annotation_text(column.type)
    return (
        f"{name}: Column[{annotation} | None] = column(default=None)\n"
        f"or {name}: Column[{annotation}] = column(default=…, null_as_default=True)\n"
        "or fill existing rows with scyllamodel backfill; see the guide page reading-old-rows."
    )


RULES: Final[Mapping[type, ChangeRule]] = {AddColumns: _added}
