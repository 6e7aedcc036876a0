"""TY: types of columns, which cannot change, and names of dropped columns, which servers remember."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import attrs

from scyllamodel.schema.changes.kinds import AddColumns, AddTable, AlterColumn, SetMask, SetTtlColumn
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.rules import suggested_fixes
from scyllamodel.types.cql_types import COUNTER, CqlType, ListType, VectorType, user_type_names, walk
from scyllamodel.types.parser import parse_type

if TYPE_CHECKING:
    from scyllamodel.schema.facts.objects import Table, TableColumn
    from scyllamodel.schema.rules.context import ChangeRule, RuleContext

_DROPPED_KINDS: Final = frozenset({"static", "regular"})

_ALTERABLE: Final = frozenset(
    {
        ("ascii", "text"), ("timeuuid", "uuid"), ("bigint", "timestamp"), ("timestamp", "bigint"),
        ("tinyint", "varint"), ("smallint", "varint"), ("int", "varint"), ("bigint", "varint"),
    }
)  # fmt: skip
"""The type changes that ``ALTER c TYPE`` supports on ScyllaDB (``types/types.cc``)."""


def _column(change: AlterColumn, context: RuleContext) -> Iterator[Diagnostic]:
    if change.code == "BC102":
        return
    table = context.pair.live_tables[change.table]
    code = _code(change, context)
    new_name = suggested_fixes.free_name(change.live.name, table)
    desired = attrs.evolve(change.desired, kind="regular") if change.desired.in_key else change.desired
    if change.desired.in_key:
        suggested_fix = suggested_fixes.new_table_steps(
            context.name, table, context.pair.desired_tables[change.table], suggested_fixes.free_name(table.name, ())
        )
    elif COUNTER in (change.live.type, change.desired.type):
        suggested_fix = _counters_apart(change.table)
    else:
        suggested_fix = suggested_fixes.new_column_steps(context.name, table, change.live, desired, new_name)
    path = context.path(change.table, change.live.name)
    yield Diagnostic(code, "error", path, _difference_text(code, change.live, change.desired), suggested_fix)


def _code(change: AlterColumn, context: RuleContext) -> str:
    can_alter = is_alterable(change.live.type, change.desired.type, ordered=change.live.kind == "clustering")
    return "TY102" if change.code == "TY101" and context.server.alters_types and can_alter else change.code


def is_alterable(old: CqlType, new: CqlType, *, ordered: bool) -> bool:
    """Whether ``ALTER … TYPE`` can change one type into the other; a clustering column has to keep its order."""
    if isinstance(old, ListType) and isinstance(new, ListType) and old.frozen == new.frozen:
        return old.element == new.element or is_alterable(old.element, new.element, ordered=ordered)
    return (old.cql, new.cql) in _ALTERABLE or (new.cql == "blob" and old != COUNTER and not ordered)


def _difference_text(code: str, live: TableColumn, desired: TableColumn) -> str:
    if code == "TY104":
        return f"the column is {_static_text(live)}, but {_static_text(desired)} in the model"
    message = f"the column is {live.type.cql}, but {desired.type.cql} in the model"
    return message + {
        "TY102": "; ScyllaDB could alter it, but Cassandra could not, and it cannot be undone",
        "TY103": "; frozen values are stored in another format",
    }.get(code, "")


def _static_text(column: TableColumn) -> str:
    return "static" if column.kind == "static" else "not static"


def _counters_apart(table: str) -> str:
    return (
        "Apart from its key, a table has either only counters or no counters. Use a separate table for them:\n"
        f'    class {suggested_fixes.likely_class_name(table)}Counts(Model, table="{table}_counts"): …'
    )


def _added(change: AddColumns, context: RuleContext) -> Iterator[Diagnostic]:
    table = context.pair.live_tables[change.table]
    for column in change.columns:
        path = context.path(change.table, column.name)
        yield from _counter_mix(table, column, path)
        yield from _dropped_name_reused(table, column, path)
        yield from unknown_type(column.type, path, context)
        yield from _no_masks(column.mask, path, context)


def _table(change: AddTable, context: RuleContext) -> Iterator[Diagnostic]:
    for column in change.table.columns:
        path = context.path(change.table.name, column.name)
        yield from unknown_type(column.type, path, context)
        yield from _no_masks(column.mask, path, context)
    yield from _no_ttl_column(change.table.name, change.table.ttl_column, context)


def _ttl_column(change: SetTtlColumn, context: RuleContext) -> Iterator[Diagnostic]:
    yield from _no_ttl_column(change.table, change.column, context)


def _no_ttl_column(table: str, column: str | None, context: RuleContext) -> Iterator[Diagnostic]:
    """TY110 for a TTL column on a server that does not support them: the rows would never expire."""
    if column is not None and not context.server.has_ttl_columns:
        text = f"{context.server} does not support columns by which rows expire"
        suggested_fix = "They need ScyllaDB 2026.2. Omit row_ttl, and write rows with a time to live: save(row, ttl=…)."
        yield Diagnostic("TY110", "error", context.path(table, column), text, suggested_fix)


def _mask(change: SetMask, context: RuleContext) -> Iterator[Diagnostic]:
    yield from _no_masks(change.mask, context.path(change.table, change.column), context)


def _no_masks(mask: str | None, path: str, context: RuleContext) -> Iterator[Diagnostic]:
    """TY109 for a mask on a server that does not support it: without it every role would see the values."""
    if mask is None or (context.server.has_masks and context.server.masks_enabled is not False):
        return
    if context.server.has_masks:
        text = "masks are disabled on the server"
        suggested_fix = "Set dynamic_data_masking_enabled: true in cassandra.yaml of every node, or omit masked_with=."
    else:
        text = f"{context.server} does not support column masks"
        suggested_fix = "Masks need Cassandra 5.0. Omit masked_with=, and restrict which roles may read the table."
    yield Diagnostic("TY109", "error", path, text, suggested_fix)


def _counter_mix(table: Table, column: TableColumn, path: str) -> Iterator[Diagnostic]:
    is_counter = column.type == COUNTER
    if is_counter != table.is_counter:
        content = "counters" if table.is_counter else "no counters"
        text = f"the table holds {content}, so it cannot gain a column of type {column.type.cql}"
        yield Diagnostic("TY107", "error", path, text, _counters_apart(table.name))


def _dropped_name_reused(table: Table, column: TableColumn, path: str) -> Iterator[Diagnostic]:
    """TY105 and TY106: a dropped name can be used again only with its old type and kind.

    Cassandra refuses everything else (observed), and any user type, which it remembers as a tuple. ScyllaDB would
    accept other scalars and show old cells as the new type. The rule is equal for both.
    """
    if column.name not in table.dropped:
        return
    kind, old_type = _dropped_kind_and_type(str(table.dropped[column.name]))
    suggested_fix = (
        f"Give the column another name in the database and keep the attribute:\n    "
        f"{suggested_fixes.attribute_name(column)}: "
        f"Column[{suggested_fixes.annotation_text(column.type)}] = "
        f'column(db_name="{suggested_fixes.free_name(column.name, table)}", …)'
    )
    if old_type == "counter":
        yield Diagnostic(
            "TY106", "error", path, "a counter of this name was dropped and cannot be added again", suggested_fix
        )
    elif user_type_names(column.type) or parse_type(old_type) != column.type or (kind and kind != column.kind):
        old_text = f"{old_type} ({kind})" if kind else old_type
        text = (
            f"a column of this name was dropped as {old_text}; it cannot be added as {column.type.cql} ({column.kind})"
        )
        yield Diagnostic("TY105", "error", path, text, suggested_fix)


def _dropped_kind_and_type(text: str) -> tuple[str, str]:
    kind, _, type_text = text.partition(" ")
    return (kind, type_text) if kind in _DROPPED_KINDS else ("", text.strip())


def unknown_type(cql_type: CqlType, path: str, context: RuleContext) -> Iterator[Diagnostic]:
    """TY108 for a vector, also inside another type, on a server without vectors."""
    if not context.server.has_vectors and any(isinstance(part, VectorType) for part in walk(cql_type)):
        text = f"{context.server} does not support the type {cql_type.cql}"
        yield Diagnostic("TY108", "error", path, text, "Vectors need Cassandra 5.0 or ScyllaDB 2025.2, or newer.")


RULES: Final[Mapping[type, ChangeRule]] = {
    AlterColumn: _column,
    AddColumns: _added,
    AddTable: _table,
    SetMask: _mask,
    SetTtlColumn: _ttl_column,
}
