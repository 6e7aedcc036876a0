"""MV: views are filled in the background, never changed, and hold on to their table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from scyllamodel.schema.changes import AddView, AlterView, DropColumns, DropTable, DropView
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.rules import recipes
from scyllamodel.schema.virtual_columns import index_keeps_columns, view_keeps_columns

if TYPE_CHECKING:
    from scyllamodel.schema.facts import View
    from scyllamodel.schema.rules.case import Case, ChangeRule


def _added(change: AddView, case: Case) -> Iterator[Diagnostic]:
    path, view = case.path(change.view.name), change.view
    if change.populated:
        text = f"{view.base} may hold rows: the view is filled in the background and misses rows until then"
        yield Diagnostic("MV101", "warn", path, text, "Let code that reads it run when the view is built.")
    if case.server.views_enabled is False:
        fix = "Set materialized_views_enabled: true (4.0: enable_materialized_views) in cassandra.yaml of every node."
        yield Diagnostic("MV104", "error", path, "materialized views are disabled on the server", fix)


def _altered(change: AlterView, case: Case) -> Iterator[Diagnostic]:
    found, wanted = change.found, change.wanted
    said = {
        "table": f"the view is of {found.base}, and the model's of {wanted.base}",
        "key": f"the view's key is ({_key(found)}), and the model wants ({_key(wanted)})",
        "columns": f"the view has not all columns that the model wants; it lacks {', '.join(_missing(change))}",
        "all_columns": "the view has the columns that it was made with, and the model wants later ones as well",
        "filter": f"the view keeps rows WHERE {found.where}, and the model wants another choice",
    }[change.what]
    new = recipes.spare(found.name, {*case.sides.tables, *case.sides.views})
    base = case.sides.declared.get(wanted.base)
    of = recipes.class_name(wanted.base) if base is None else recipes.class_of(base)
    fix = recipes.new_view(case.name, found, wanted, new, of)
    yield Diagnostic("MV103", "error", case.path(found.name), said, fix)


def _key(view: View) -> str:
    keys = (column for column in view.columns if column.in_key)
    return ", ".join(f"{column.name} DESC" if column.descending else column.name for column in keys)


def _missing(change: AlterView) -> list[str]:
    return [column.name for column in change.wanted.columns if column.name not in change.found]


def _blocked(change: DropTable | DropColumns, case: Case) -> Iterator[Diagnostic]:
    """Cassandra refuses to drop any column of a table with views, Scylla one that a view needs; a table, both do."""
    name = change.table.name if isinstance(change, DropTable) else change.table
    going = {other.view.name for other in case.changes if isinstance(other, DropView)}
    views = [view for view in case.found.views if view.base == name and view.name not in going]
    if isinstance(change, DropTable):
        if views:
            yield _needs(
                case.path(name), f"the view {_names(views)} depends on it: servers drop no table that has views", views
            )
        return
    live = case.found.table(name)
    indexes = [] if live is None else [i for i in live.indexes if index_keeps_columns(i, live, case.server)]
    for column in change.columns:
        path = case.path(name, column.name)
        regular = column.kind == "regular"
        holding = [view for view in views if column.name in view or (regular and view_keeps_columns(view, live))]
        if not case.server.drops_columns_beside_views and views:
            yield _needs(
                path,
                f"the view {_names(views)} depends on its table: Cassandra drops no column of a table with views",
                views,
            )
        elif holding:
            yield _needs(path, f"the view {_names(holding)} needs the column", holding)
        elif regular and indexes:
            index = indexes[0]
            text = f"the index {index.name} on a key column needs every regular column of the table"
            fix = f"Drop the index first: scyllamodel contract {recipes.allow('DS106', index.name)}"
            yield Diagnostic("MV102", "error", path, text, fix)


def _names(views: Iterable[View]) -> str:
    return ", ".join(view.name for view in views)


def _needs(path: str, text: str, views: Iterable[View]) -> Diagnostic:
    """A refusal that ends when the views are gone; contract drops those that no model declares."""
    keyspace = path.partition(".")[0]
    words = " ".join(recipes.allow("DS105", f"{keyspace}.{view.name}") for view in views)
    fix = f"Drop the views first, in the same run or before: scyllamodel contract {words}"
    return Diagnostic("MV102", "error", path, text, fix)


RULES: Final[Mapping[type, ChangeRule]] = {
    AddView: _added,
    AlterView: _altered,
    DropTable: _blocked,
    DropColumns: _blocked,
}
