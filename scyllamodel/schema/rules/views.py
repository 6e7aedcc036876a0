"""MV: materialized views, which are built in the background, cannot be altered, and prevent drops on their table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

import attrs

from scyllamodel.schema.changes.kinds import AddView, AlterView, DropColumns, DropTable, DropView
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.rules import suggested_fixes
from scyllamodel.schema.server.virtual_columns import index_needs_all_columns, view_needs_all_columns

if TYPE_CHECKING:
    from scyllamodel.schema.facts.objects import KeyspaceFacts, Table, TableColumn, View
    from scyllamodel.schema.rules.context import ChangeRule, RuleContext
    from scyllamodel.schema.server.profile import ServerProfile


def _added(change: AddView, context: RuleContext) -> Iterator[Diagnostic]:
    path, view = context.path(change.view.name), change.view
    if change.populated:
        text = f"{view.base} may hold rows: the view is built in the background and misses rows until then"
        yield Diagnostic("MV101", "warn", path, text, "Deploy code that reads it after the view is built.")
    if context.server.views_enabled is False:
        suggested_fix = (
            "Set materialized_views_enabled: true (4.0: enable_materialized_views) in cassandra.yaml of every node."
        )
        yield Diagnostic("MV104", "error", path, "materialized views are disabled on the server", suggested_fix)


def _altered(change: AlterView, context: RuleContext) -> Iterator[Diagnostic]:
    live, desired = change.live, change.desired
    texts = {
        "table": f"the view is over {live.base}, but over {desired.base} in the model",
        "key": f"the key of the view is ({_key(live)}), but ({_key(desired)}) in the model",
        "columns": f"the view lacks columns that the model declares: {', '.join(_missing(change))}",
        "all_columns": "the view has a fixed list of columns, but the model includes columns that are added later",
        "filter": f"the view contains rows WHERE {live.where}, but the model has another filter",
    }[change.aspect]
    new_name = suggested_fixes.free_name(live.name, {*context.pair.live_tables, *context.pair.live_views})
    base = context.pair.desired_tables.get(desired.base)
    base_class = suggested_fixes.likely_class_name(desired.base) if base is None else suggested_fixes.model_class(base)
    suggested_fix = suggested_fixes.new_view_steps(context.name, live, desired, new_name, base_class)
    yield Diagnostic("MV103", "error", context.path(live.name), texts, suggested_fix)


def _key(view: View) -> str:
    keys = (column for column in view.columns if column.in_key)
    return ", ".join(f"{column.name} DESC" if column.descending else column.name for column in keys)


def _missing(change: AlterView) -> list[str]:
    return [column.name for column in change.desired.columns if column.name not in change.live]


def _blocked_drops(change: DropTable | DropColumns, context: RuleContext) -> Iterator[Diagnostic]:
    """MV102: both servers refuse to drop a table with views; Cassandra any column of it, ScyllaDB one a view needs."""
    name = change.table.name if isinstance(change, DropTable) else change.table
    dropped_views = {other.view.name for other in context.changes if isinstance(other, DropView)}
    views = [view.name for view in context.live.views if view.base == name and view.name not in dropped_views]
    if isinstance(change, DropTable):
        if views:
            text = f"the view {', '.join(views)} depends on it: servers do not drop a table that has views"
            yield _blocked_by_views(context.path(name), text, views)
        return
    table = context.live.table(name)
    if table is None:
        return
    for column in change.columns:
        path, blocking = (
            context.path(name, column.name),
            keepers(table, column, context.live, context.server, dropped_views),
        )
        if blocking.views and not context.server.drops_columns_beside_views:
            text = f"the view {', '.join(blocking.views)} depends on its table"
            text = f"{text}: Cassandra does not drop columns of a table with views"
            yield _blocked_by_views(path, text, blocking.views)
        elif blocking.views:
            yield _blocked_by_views(path, f"the view {', '.join(blocking.views)} needs the column", blocking.views)
        elif blocking.indexes:
            text = f"the index {blocking.indexes[0]} on a key column needs every regular column of the table"
            option = suggested_fixes.allow_option("DS106", blocking.indexes[0])
            suggested_fix = f"Drop the index first: scyllamodel contract {option}"
            yield Diagnostic("MV102", "error", path, text, suggested_fix)


@attrs.frozen
class Keepers:
    """The names of the views and indexes that prevent dropping a column."""

    views: list[str]
    indexes: list[str]


def keepers(
    table: Table, column: TableColumn, live: KeyspaceFacts, server: ServerProfile, going: Collection[str] = ()
) -> Keepers:
    """The views that need a column of their table, and the indexes on key columns that need every regular one.

    Parameters:
        going: views that are dropped earlier.
    """
    views = [view for view in live.views if view.base == table.name and view.name not in going]
    regular = column.kind == "regular"
    if server.drops_columns_beside_views:
        views = [view for view in views if column.name in view or (regular and view_needs_all_columns(view, table))]
    indexes = [index.name for index in table.indexes if regular and index_needs_all_columns(index, table, server)]
    return Keepers([view.name for view in views], indexes)


def _blocked_by_views(path: str, text: str, views: Iterable[str]) -> Diagnostic:
    """A refusal that applies while the views exist; contract drops those that no model declares."""
    keyspace = path.partition(".")[0]
    options = " ".join(suggested_fixes.allow_option("DS105", f"{keyspace}.{view}") for view in views)
    suggested_fix = f"Drop the views first, in the same run or an earlier one: scyllamodel contract {options}"
    return Diagnostic("MV102", "error", path, text, suggested_fix)


RULES: Final[Mapping[type, ChangeRule]] = {
    AddView: _added,
    AlterView: _altered,
    DropTable: _blocked_drops,
    DropColumns: _blocked_drops,
}
