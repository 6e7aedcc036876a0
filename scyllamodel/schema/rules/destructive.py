"""DS: what takes something away. It runs only where ``allow=`` names it; an index alone holds no data of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from scyllamodel.schema.changes import DropColumns, DropIndex, DropTable, DropType, DropView
from scyllamodel.schema.diagnostics import Diagnostic

if TYPE_CHECKING:
    from scyllamodel.schema.rules.case import Case, ChangeRule


def _refused(code: str, path: str, text: str) -> Diagnostic:
    fix = f'If nobody needs it any more: allow={{"{code}:{path}"}}, or --allow {code}:{path}'
    return Diagnostic(code, "error", path, text, fix, allow=f"{code}:{path}")


def _table(change: DropTable, case: Case) -> Iterator[Diagnostic]:
    yield _refused("DS102", case.path(change.table.name), "the table would be dropped with all its rows")


def _columns(change: DropColumns, case: Case) -> Iterator[Diagnostic]:
    for column in change.columns:
        yield _refused("DS103", case.path(change.table, column.name), "the column would be dropped with its values")


def _type(change: DropType, case: Case) -> Iterator[Diagnostic]:
    yield _refused("DS104", case.path(change.type.name), "the type would be dropped")


def _view(change: DropView, case: Case) -> Iterator[Diagnostic]:
    yield _refused("DS105", case.path(change.view.name), "the view would be dropped; making it again reads its table")


def _index(change: DropIndex, case: Case) -> Iterator[Diagnostic]:
    text = "the index would be dropped; queries that need it fail from then on"
    yield Diagnostic("DS106", "warn", case.path(change.index.name), text)


RULES: Final[Mapping[type, ChangeRule]] = {
    DropTable: _table,
    DropColumns: _columns,
    DropType: _type,
    DropView: _view,
    DropIndex: _index,
}
