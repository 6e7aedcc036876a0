"""The changes that a hand-written statement makes, against which later statements are checked.

*In*: a `RawStatement`. *Out*: changes, as in a plan for models; options of tables and views are omitted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import attrs

from scyllamodel.schema.changes.kinds import (
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
    RenameFields,
    RenameKeyColumns,
    SetTtlColumn,
)
from scyllamodel.schema.facts.objects import Index, Table, TableColumn, UserType, View
from scyllamodel.schema.rules.raw_statement import RawStatement
from scyllamodel.types.cql_types import Native


def changes_of(written: RawStatement) -> Iterator[Change]:
    """The changes of a statement; empty for one that does not affect the check of later statements."""
    make = _CHANGES.get(written.parsed.action)
    if make is not None:
        yield from make(written)


def _create_type(written: RawStatement) -> Iterator[Change]:
    statement = written.parsed
    if written.facts.type(statement.name) is None:
        fields = tuple((field.name, field.type) for field in statement.columns)
        yield AddType(written.facts.name, UserType(statement.name, fields))


def _field(written: RawStatement) -> Iterator[Change]:
    """A field that is added, or gets a new type."""
    live = written.facts.type(written.parsed.name)
    existing_fields = dict(live.fields) if live is not None and written.parsed.if_not_exists else {}
    for field in (column for column in written.parsed.columns if column.name not in existing_fields):
        yield AddField(written.facts.name, written.parsed.name, field.name, field.type)


def _rename_fields(written: RawStatement) -> Iterator[Change]:
    yield RenameFields(written.facts.name, written.parsed.name, written.parsed.renames)


def _drop_type(written: RawStatement) -> Iterator[Change]:
    yield DropType(written.facts.name, UserType(written.parsed.name, ()))


def _create_table(written: RawStatement) -> Iterator[Change]:
    statement = written.parsed
    if written.table is None:
        ttl = next(iter(statement.names), None)
        yield AddTable(written.facts.name, Table(statement.name, statement.columns, ttl_column=ttl))


def _drop_table(written: RawStatement) -> Iterator[Change]:
    yield DropTable(written.facts.name, _table(written))


def _add_columns(written: RawStatement) -> Iterator[Change]:
    """The columns that the table does not have; a statement with ``IF NOT EXISTS`` leaves the others unchanged."""
    known = _table(written)
    columns = tuple(column for column in written.parsed.columns if column.name not in known)
    yield AddColumns(written.facts.name, written.parsed.table, columns)


def _alter_column(written: RawStatement) -> Iterator[Change]:
    known = _table(written)
    columns = (attrs.evolve(known[c.name], type=c.type) for c in written.parsed.columns if c.name in known)
    yield AddColumns(written.facts.name, written.parsed.table, tuple(columns))


def _drop_columns(written: RawStatement) -> Iterator[Change]:
    columns = tuple(TableColumn(name, Native("text")) for name in written.parsed.names)
    yield DropColumns(written.facts.name, written.parsed.table, columns)


def _rename_columns(written: RawStatement) -> Iterator[Change]:
    yield RenameKeyColumns(written.facts.name, written.parsed.table, written.parsed.renames)


def _ttl_column(written: RawStatement) -> Iterator[Change]:
    column = next(iter(written.parsed.names), None)
    yield SetTtlColumn(written.facts.name, written.parsed.table, column, _table(written).ttl_column)


def _create_index(written: RawStatement) -> Iterator[Change]:
    statement = written.parsed
    index = Index(statement.name, ", ".join(statement.names), using=statement.using)
    yield AddIndex(written.facts.name, _table(written), index)


def _drop_index(written: RawStatement) -> Iterator[Change]:
    yield DropIndex(written.facts.name, _table(written), Index(written.parsed.name, ""))


def _create_view(written: RawStatement) -> Iterator[Change]:
    """A view of a known table; its columns have the types of the table's columns."""
    statement, base = written.parsed, written.table
    if base is None or written.facts.view(statement.name) is not None:
        return
    selects_all = statement.names == ("*",)
    kinds = {column.name: column.kind for column in statement.columns}
    names = {*kinds, *((column.name for column in base) if selects_all else statement.names)}
    columns = [attrs.evolve(c, kind=kinds.get(c.name, "regular")) for c in base if c.name in names]
    yield AddView(written.facts.name, View(statement.name, columns, base=base.name, all_columns=selects_all))


def _drop_view(written: RawStatement) -> Iterator[Change]:
    yield DropView(written.facts.name, View(written.parsed.name, ()))


def _table(written: RawStatement) -> Table:
    """The table of the statement, without columns if it is unknown."""
    return written.table or Table(written.parsed.table, ())


_CHANGES: Final[Mapping[str, Callable[[RawStatement], Iterator[Change]]]] = {
    "CREATE TYPE": _create_type,
    "ALTER TYPE ADD": _field,
    "ALTER TYPE ALTER": _field,
    "ALTER TYPE RENAME": _rename_fields,
    "DROP TYPE": _drop_type,
    "CREATE TABLE": _create_table,
    "DROP TABLE": _drop_table,
    "ALTER TABLE ADD": _add_columns,
    "ALTER TABLE ALTER": _alter_column,
    "ALTER TABLE DROP": _drop_columns,
    "ALTER TABLE RENAME": _rename_columns,
    "ALTER TABLE TTL": _ttl_column,
    "CREATE INDEX": _create_index,
    "DROP INDEX": _drop_index,
    "CREATE MATERIALIZED VIEW": _create_view,
    "DROP MATERIALIZED VIEW": _drop_view,
}
