"""PK: primary keys, which are immutable except for the names of their columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from scyllamodel.schema.changes.kinds import AlterKey
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts.objects import Table
from scyllamodel.schema.rules import suggested_fixes

if TYPE_CHECKING:
    from scyllamodel.schema.facts.objects import TableColumn
    from scyllamodel.schema.rules.context import ChangeRule, RuleContext


def _key(change: AlterKey, context: RuleContext) -> Iterator[Diagnostic]:
    live, desired = change.live, change.desired
    if not isinstance(live, Table) or not isinstance(desired, Table):
        return
    new_name = suggested_fixes.free_name(live.name, {*context.pair.live_tables, *context.pair.live_views})
    suggested_fix = suggested_fixes.new_table_steps(context.name, live, desired, new_name)
    yield Diagnostic(
        change.code, "error", context.path(live.name), _difference_text(change.code, live, desired), suggested_fix
    )


def _difference_text(code: str, live: Table, desired: Table) -> str:
    if code == "PK101":
        stored, declared = _column_list(live.partition_key), _column_list(desired.partition_key)
        return f"the partition key is ({stored}), but ({declared}) in the model"
    if code == "PK102":
        stored, declared = _column_list(live.clustering_key), _column_list(desired.clustering_key)
        return f"the clustering key is ({stored}), but ({declared}) in the model"
    if code == "PK103":
        live_names = {column.name for column in live.columns}
        new_columns = ", ".join(
            column.name for column in desired.columns if column.in_key and column.name not in live_names
        )
        return f"the model has the new key column {new_columns}, but a table cannot gain key columns"
    return f"the table was created WITH COMPACT STORAGE ({', '.join(sorted(live.flags))}) and is not changed"


def _column_list(columns: tuple[TableColumn, ...]) -> str:
    return ", ".join(f"{column.name} DESC" if column.descending else column.name for column in columns)


RULES: Final[Mapping[type, ChangeRule]] = {AlterKey: _key}
