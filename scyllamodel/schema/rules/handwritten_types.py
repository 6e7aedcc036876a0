"""NB for hand-written type changes of columns and fields that are refused or lose data.

*In*: a `RawStatement`. *Out*: diagnostics, by the rules that apply to models.
"""

from __future__ import annotations

from collections.abc import Iterator

from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts.objects import Table, TableColumn
from scyllamodel.schema.rules.raw_statement import RawStatement, refusal
from scyllamodel.schema.rules.types import is_alterable
from scyllamodel.schema.rules.user_types import containing_types, keyed_by
from scyllamodel.schema.server.virtual_columns import index_needs_all_columns, view_needs_all_columns


def ttl_column_type(written: RawStatement) -> Iterator[Diagnostic]:
    """NB102: a type change of the TTL column."""
    if written.table is not None and written.table.ttl_column in written.parsed.names:
        text = "the type of the TTL column changes, so its values may not be times any more: rows stop expiring"
        yield refusal("NB102", written, text, f"First: ALTER TABLE {written.path} TTL NULL")


def ttl_column_drop(written: RawStatement) -> Iterator[Diagnostic]:
    """NB102: a drop of the TTL column, which holds the times at which rows expire."""
    if written.table is not None and written.table.ttl_column in written.parsed.names:
        text = f"{written.table.ttl_column} is the TTL column of the table: without it rows stop expiring"
        yield refusal("NB102", written, text, f"To keep the rows, first: ALTER TABLE {written.path} TTL NULL")


def column_type(written: RawStatement) -> Iterator[Diagnostic]:
    """NB104: a type change that the server does not support."""
    table = written.table
    for changed in written.parsed.columns:
        old = None if table is None else table.get(changed.name)
        if table is None or old is None or old.type == changed.type:
            continue
        text = f"{changed.name} is {old.type.cql}, which cannot become {changed.type.cql}"
        if not (written.server.alters_types and is_alterable(old.type, changed.type, ordered=old.kind == "clustering")):
            fix = "Add a column of the new type, and copy the values."
            yield refusal("NB104", written, f"{text} on {written.server}", fix)
        elif keepers := _virtual_in(written, table, old):
            fix = "Drop these objects first, and create them again afterwards."
            yield refusal("NB104", written, f"{text} while {', '.join(keepers)} has it as a virtual column", fix)


def _virtual_in(written: RawStatement, table: Table, column: TableColumn) -> list[str]:
    """The views, and the indexes stored in views, that have the column as a virtual column (ScyllaDB)."""
    if column.kind != "regular":
        return []
    views = [
        view.name
        for view in written.facts.views
        if view.base == table.name and column.name not in view and view_needs_all_columns(view, table)
    ]
    return views + [index.name for index in table.indexes if index_needs_all_columns(index, table, written.server)]


def user_type(written: RawStatement) -> Iterator[Diagnostic]:
    """NB104: a user type in a partition key, which cannot gain a field, nor on some servers rename one."""
    if written.parsed.action == "ALTER TYPE RENAME" and written.server.renames_fields_in_keys:
        return
    keyed = keyed_by(containing_types(written.parsed.name, written.facts.types), written.facts, written.server)
    if keyed:
        text = f"the type is in the partition key of {', '.join(keyed)}, where servers refuse to change it"
        yield refusal("NB104", written, text, "Create another type, and a table or index that holds it.")


def field_type(written: RawStatement) -> Iterator[Diagnostic]:
    """NB104: a type change of a field, which Cassandra does not support."""
    if not written.server.alters_types:
        text = f"{written.server} cannot change the type of a field"
        yield refusal("NB104", written, text, "Create another type with the desired field.")
    else:
        yield from user_type(written)
