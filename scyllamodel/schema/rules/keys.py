"""PK: a primary key is for ever. CQL can rename its columns, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from scyllamodel.schema.changes import AlterKey
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts import Table
from scyllamodel.schema.rules import recipes

if TYPE_CHECKING:
    from scyllamodel.schema.facts import TableColumn
    from scyllamodel.schema.rules.case import Case, ChangeRule


def _key(change: AlterKey, case: Case) -> Iterator[Diagnostic]:
    found, wanted = change.found, change.wanted
    if not isinstance(found, Table) or not isinstance(wanted, Table):
        return
    new = recipes.spare(found.name, {*case.sides.tables, *case.sides.views})
    fix = recipes.new_table(case.name, found, wanted, new)
    yield Diagnostic(change.code, "error", case.path(found.name), _said(change.code, found, wanted), fix)


def _said(code: str, found: Table, wanted: Table) -> str:
    if code == "PK101":
        stored, declared = _names(found.partition_key), _names(wanted.partition_key)
        return f"the partition key is ({stored}), and the model wants ({declared})"
    if code == "PK102":
        stored, declared = _names(found.clustering_key), _names(wanted.clustering_key)
        return f"the clustering key is ({stored}), and the model wants ({declared})"
    if code == "PK103":
        known = {column.name for column in found.columns}
        new = ", ".join(column.name for column in wanted.columns if column.in_key and column.name not in known)
        return f"a table cannot gain a key column, and the model wants {new}"
    return f"the table was made WITH COMPACT STORAGE ({', '.join(sorted(found.flags))}), and is left alone"


def _names(columns: tuple[TableColumn, ...]) -> str:
    return ", ".join(f"{column.name} DESC" if column.descending else column.name for column in columns)


RULES: Final[Mapping[type, ChangeRule]] = {AlterKey: _key}
