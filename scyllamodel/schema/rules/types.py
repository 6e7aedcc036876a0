"""TY: the type of a column is for ever, and so is the memory of a column that was dropped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import attrs

from scyllamodel.schema.changes import AddColumns, AddTable, AlterColumn, SetMask, SetTtlColumn
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.rules import recipes
from scyllamodel.types.parse import parse_type
from scyllamodel.types.values import COUNTER, CqlType, ListType, VectorType, user_types, walk

if TYPE_CHECKING:
    from scyllamodel.schema.facts import Table, TableColumn
    from scyllamodel.schema.rules.case import Case, ChangeRule

_KINDS: Final = frozenset({"static", "regular"})

_ALTERED: Final = frozenset(
    {
        ("ascii", "text"), ("timeuuid", "uuid"), ("bigint", "timestamp"), ("timestamp", "bigint"),
        ("tinyint", "varint"), ("smallint", "varint"), ("int", "varint"), ("bigint", "varint"),
    }
)  # fmt: skip
"""``ALTER c TYPE`` that a server with such a thing would run (Scylla's ``types/types.cc``)."""


def _column(change: AlterColumn, case: Case) -> Iterator[Diagnostic]:
    if change.code == "BC102":
        return
    table = case.sides.tables[change.table]
    code = _code(change, case)
    new = recipes.spare(change.found.name, table)
    wanted = attrs.evolve(change.wanted, kind="regular") if change.wanted.in_key else change.wanted
    if change.wanted.in_key:
        fix = recipes.new_table(case.name, table, case.sides.declared[change.table], recipes.spare(table.name, ()))
    elif COUNTER in (change.found.type, change.wanted.type):
        fix = _counters_apart(change.table)
    else:
        fix = recipes.new_column(case.name, table, change.found, wanted, new)
    path = case.path(change.table, change.found.name)
    yield Diagnostic(code, "error", path, _said(code, change.found, change.wanted), fix)


def _code(change: AlterColumn, case: Case) -> str:
    takes = is_alterable(change.found.type, change.wanted.type, ordered=change.found.kind == "clustering")
    return "TY102" if change.code == "TY101" and case.server.alters_types and takes else change.code


def is_alterable(old: CqlType, new: CqlType, *, ordered: bool) -> bool:
    """Whether ``ALTER … TYPE`` leads from one type to the other; a clustering column has to keep its order."""
    if isinstance(old, ListType) and isinstance(new, ListType) and old.frozen == new.frozen:
        return old.element == new.element or is_alterable(old.element, new.element, ordered=ordered)
    return (old.cql, new.cql) in _ALTERED or (new.cql == "blob" and old != COUNTER and not ordered)


def _said(code: str, found: TableColumn, wanted: TableColumn) -> str:
    if code == "TY104":
        return f"the column is {_kind(found)}, and the model wants it {_kind(wanted)}"
    said = f"the column is {found.type.cql}, and the model wants {wanted.type.cql}"
    return said + {
        "TY102": "; Scylla could alter it, in a way that Cassandra cannot and nobody can take back",
        "TY103": "; frozen values are stored in another way",
    }.get(code, "")


def _kind(column: TableColumn) -> str:
    return "static" if column.kind == "static" else "not static"


def _counters_apart(table: str) -> str:
    return (
        "A table holds counters besides its key, or none. Put them into a table of their own:\n"
        f'    class {recipes.class_name(table)}Counts(Model, table="{table}_counts"): …'
    )


def _added(change: AddColumns, case: Case) -> Iterator[Diagnostic]:
    table = case.sides.tables[change.table]
    for column in change.columns:
        path = case.path(change.table, column.name)
        yield from _mixed(table, column, path)
        yield from _again(table, column, path)
        yield from unknown_type(column.type, path, case)
        yield from _no_masks(column.mask, path, case)


def _table(change: AddTable, case: Case) -> Iterator[Diagnostic]:
    for column in change.table.columns:
        path = case.path(change.table.name, column.name)
        yield from unknown_type(column.type, path, case)
        yield from _no_masks(column.mask, path, case)
    yield from _no_ttl_column(change.table.name, change.table.ttl_column, case)


def _ttl_column(change: SetTtlColumn, case: Case) -> Iterator[Diagnostic]:
    yield from _no_ttl_column(change.table, change.column, case)


def _no_ttl_column(table: str, column: str | None, case: Case) -> Iterator[Diagnostic]:
    """TY110 for a TTL column on a server without them: the rows would never expire."""
    if column is not None and not case.server.has_ttl_columns:
        text = f"{case.server} has no columns by which rows expire"
        fix = "They need ScyllaDB 2026.2. Leave row_ttl out, and write rows with a time to live: save(row, ttl=…)."
        yield Diagnostic("TY110", "error", case.path(table, column), text, fix)


def _mask(change: SetMask, case: Case) -> Iterator[Diagnostic]:
    yield from _no_masks(change.mask, case.path(change.table, change.column), case)


def _no_masks(mask: str | None, path: str, case: Case) -> Iterator[Diagnostic]:
    """TY109 for a mask where the server has none: without it every role would see the values."""
    if mask is None or (case.server.has_masks and case.server.masks_enabled is not False):
        return
    if case.server.has_masks:
        text = "masks are disabled on the server"
        fix = "Set dynamic_data_masking_enabled: true in cassandra.yaml of every node, or leave masked_with= out."
    else:
        text = f"{case.server} has no masks for columns"
        fix = "Masks need Cassandra 5.0. Leave masked_with= out, and restrict who may read the table."
    yield Diagnostic("TY109", "error", path, text, fix)


def _mixed(table: Table, column: TableColumn, path: str) -> Iterator[Diagnostic]:
    counter = column.type == COUNTER
    if counter != table.is_counter:
        holds = "counters" if table.is_counter else "no counters"
        text = f"the table holds {holds}, so it cannot gain a column of type {column.type.cql}"
        yield Diagnostic("TY107", "error", path, text, _counters_apart(table.name))


def _again(table: Table, column: TableColumn, path: str) -> Iterator[Diagnostic]:
    """A name that was dropped once comes back with its old type and kind only; the reasons differ by server.

    Cassandra refuses the rest (seen) and cannot even compare a user type, which it remembers as a tuple.
    Scylla would take other scalars and show old cells under the new type. The rule is the same for both.
    """
    if column.name not in table.dropped:
        return
    kind, old = _remembered(str(table.dropped[column.name]))
    fix = (
        f"Give the column another name in the database and keep the attribute:\n    {recipes.attribute(column)}: "
        f'Column[{recipes.annotation(column.type)}] = column(db_name="{recipes.spare(column.name, table)}", …)'
    )
    if old == "counter":
        yield Diagnostic("TY106", "error", path, "a counter of this name was dropped, and never comes back", fix)
    elif user_types(column.type) or parse_type(old) != column.type or (kind and kind != column.kind):
        was = f"{old} ({kind})" if kind else old
        text = f"a column of this name was dropped as {was}; it cannot come back as {column.type.cql} ({column.kind})"
        yield Diagnostic("TY105", "error", path, text, fix)


def _remembered(text: str) -> tuple[str, str]:
    kind, _, rest = text.partition(" ")
    return (kind, rest) if kind in _KINDS else ("", text.strip())


def unknown_type(cql_type: CqlType, path: str, case: Case) -> Iterator[Diagnostic]:
    """TY108 for a vector, on its own or inside another type, where the server has none."""
    if not case.server.has_vectors and any(isinstance(part, VectorType) for part in walk(cql_type)):
        text = f"{case.server} has no type {cql_type.cql}"
        yield Diagnostic("TY108", "error", path, text, "Vectors need Cassandra 5.0 or ScyllaDB 2025.2, or newer.")


RULES: Final[Mapping[type, ChangeRule]] = {
    AlterColumn: _column,
    AddColumns: _added,
    AddTable: _table,
    SetMask: _mask,
    SetTtlColumn: _ttl_column,
}
