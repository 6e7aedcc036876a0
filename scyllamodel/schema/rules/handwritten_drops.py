"""NB for hand-written drops and renames: what prevents them, by the rules that apply to models.

*In*: a `RawStatement`. *Out*: diagnostics.
"""

from __future__ import annotations

from collections.abc import Iterator

from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts.objects import Index, Table
from scyllamodel.schema.rules.compatibility import indexes_under
from scyllamodel.schema.rules.raw_statement import RawStatement, refusal, unknown_table
from scyllamodel.schema.rules.user_types import containing_types, used_by
from scyllamodel.schema.rules.views import keepers
from scyllamodel.schema.server.profile import is_viewless
from scyllamodel.types.cql_types import UserTypeName, is_multi_cell, user_type_names


def dropped_type(written: RawStatement) -> Iterator[Diagnostic]:
    """NB104: a type that columns or other types use."""
    if users := used_by(written.parsed.name, written.facts):
        text = f"the type is still used by {', '.join(users)}, and servers do not drop a type in use"
        yield refusal("NB104", written, text, "Drop what uses it first, in an earlier step.")


def dropped_table(written: RawStatement) -> Iterator[Diagnostic]:
    """NB104: a table that has views."""
    if views := [view.name for view in written.facts.views if view.base == written.parsed.name]:
        text = f"the view {', '.join(views)} depends on the table, and servers do not drop a table that has views"
        yield refusal("NB104", written, text, _first(written, "MATERIALIZED VIEW", views))


def dropped_columns(written: RawStatement) -> Iterator[Diagnostic]:
    """NB101, NB102 and NB104: a column that is in the key, indexed, or needed by a view."""
    table = written.table
    if table is None:
        if written.server.drops_indexed_collections:
            yield from unknown_table(written)
        return
    for name in written.parsed.names:
        yield from _dropped_column(written, table, name)


def _dropped_column(written: RawStatement, table: Table, name: str) -> Iterator[Diagnostic]:
    column = table.get(name)
    if column is not None and column.in_key:
        text = f"{name} is in the primary key, whose columns cannot be dropped"
        yield refusal("NB104", written, text, "Create another table, and copy the rows.")
        return
    under = [index for index in table.indexes if name in index.names(table)]
    for index in under:
        yield _under_index(written, table, name, index)
    if column is None or under:
        return
    is_open = isinstance(column.type, UserTypeName) and is_multi_cell(column.type)
    if is_open and not written.server.drops_unfrozen_user_types:
        text = f"{name} has a user type that is not frozen, and {written.server} does not drop such a column"
        yield refusal("NB104", written, text, "Keep the column, or create another table and copy the rows.")
    blocking = keepers(table, column, written.facts, written.server)
    if blocking.views or blocking.indexes:
        what, names = ("MATERIALIZED VIEW", blocking.views) if blocking.views else ("INDEX", blocking.indexes)
        text = f"{', '.join(names)} needs {name}, so {written.server} does not drop it"
        yield refusal("NB104", written, text, _first(written, what, names))


def _under_index(written: RawStatement, table: Table, name: str, index: Index) -> Diagnostic:
    column, fix = table.get(name), _first(written, "INDEX", [index.name])
    if is_viewless(index.using) and written.server.keeps_indexes_in_views:
        text = f"the index {index.name} needs {name}, and would remain as an index on a missing column"
        return refusal("NB102", written, text, fix)
    if column is not None and is_multi_cell(column.type) and written.server.drops_indexed_collections:
        text = f"the collection {name} is dropped under the index {index.name}: the next write stops every node"
        return refusal("NB101", written, text, fix)
    return refusal("NB104", written, f"the index {index.name} depends on {name}", fix)


def renamed_columns(written: RawStatement) -> Iterator[Diagnostic]:
    """NB104: a rename of a column that is not in the key or has an index, or to a name in use."""
    table = written.table
    if table is None:
        return
    for old, new in written.parsed.renames:
        column = table.get(old)
        if column is not None and not column.in_key:
            text = f"{old} is not in the primary key, and CQL renames key columns only"
            yield refusal("NB104", written, text, "Add a column with the new name, and copy the values.")
        elif new in table:
            yield refusal("NB104", written, f"the table already has a column {new}", "Choose another name.")
        elif under := indexes_under(table, old):
            text = f"the index {', '.join(under)} depends on {old}, so it cannot be renamed"
            yield refusal("NB104", written, text, _first(written, "INDEX", under))


def renamed_fields(written: RawStatement) -> Iterator[Diagnostic]:
    """NB104: a field renamed to the name of another one."""
    live = written.facts.type(written.parsed.name)
    if live is None:
        return
    names = dict(written.parsed.renames)
    after = [names.get(name, name) for name, _ in live.fields]
    if twice := sorted({name for name in after if after.count(name) > 1}):
        yield refusal("NB104", written, f"the type already has a field {', '.join(twice)}", "Choose another name.")


def added_field(written: RawStatement) -> Iterator[Diagnostic]:
    """NB104: a field that the type already has, or of the type itself, or of a non-frozen user type."""
    live, within = written.facts.type(written.parsed.name), containing_types(written.parsed.name, written.facts.types)
    known = dict(live.fields) if live is not None else {}
    for field in written.parsed.columns:
        if field.name in known and not written.parsed.if_not_exists:
            text = f"the type already has a field {field.name}, of type {known[field.name].cql}"
            yield refusal("NB104", written, text, "Remove the statement, or choose another name.")
        elif not within.isdisjoint(user_type_names(field.type)):
            text = "the type would contain itself, directly or through other types"
            yield refusal("NB104", written, text, "Store a key instead of the value.")
        elif isinstance(field.type, UserTypeName) and is_multi_cell(field.type):
            text = f"the field {field.name} has a user type that is not frozen"
            yield refusal("NB104", written, text, f"Write frozen<{field.type.cql}>.")


def _first(written: RawStatement, what: str, names: list[str]) -> str:
    return "First: " + "; ".join(f"DROP {what} {written.facts.name}.{name}" for name in names)
