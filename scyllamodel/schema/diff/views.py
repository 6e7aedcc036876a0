"""Compare materialized views: new ones, and differing definitions, which CQL cannot alter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scyllamodel.schema.changes.kinds import AddView, AlterView, Change, NameTaken, Unmanaged
from scyllamodel.schema.compare.views import view_difference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scyllamodel.schema.diff.schema_pair import SchemaPair
    from scyllamodel.schema.facts.objects import Table, View


def diff_views(pair: SchemaPair) -> Iterator[Change]:
    """The changes: new views, differing ones, then those that no model declares."""
    table_names = {table.name for table in pair.live.tables}
    for view in pair.desired.views:
        live = pair.live_views.get(view.name)
        if live is not None:
            yield from _diff_view(pair, live, view)
        elif view.name in table_names:
            yield NameTaken(pair.name, view.name, "view", "table")
        else:
            yield AddView(pair.name, view, populated=view.base in pair.live_tables)
    declared = {view.name for view in pair.desired.views}
    yield from (Unmanaged(pair.name, "view", v.name, v) for v in pair.live.views if v.name not in declared)


def _diff_view(pair: SchemaPair, live: View, desired: View) -> Iterator[Change]:
    base = pair.desired_tables.get(desired.base)
    aspect = view_difference(live, desired, _base_key(pair, desired.base), _columns_to_come(pair, live, base))
    if aspect is not None:
        yield AlterView(pair.name, live, desired, aspect)
        return
    if desired.all_columns:
        return
    declared = {column.name for column in desired.columns}
    for column in live.columns:
        if column.name not in declared:
            yield Unmanaged(pair.name, "column", f"{live.name}.{column.name}", column)


def _base_key(pair: SchemaPair, name: str) -> frozenset[str]:
    """The key columns of the table, also under the old names that the filter has before a rename."""
    base = pair.desired_tables.get(name) or pair.live_tables.get(name)
    names = [column.name for column in base.columns if column.in_key] if base else []
    return frozenset((*names, *(old for old, _ in pair.key_renames.get(name, ()))))


def _columns_to_come(pair: SchemaPair, live: View, base: Table | None) -> frozenset[str]:
    """The columns that a view with ``SELECT *`` gains when its table does: all but static ones (observed)."""
    live_base = pair.live_tables.get(live.base)
    if not live.all_columns or base is None or live_base is None:
        return frozenset()
    stored = {column.name for column in live_base.columns}
    return frozenset(c.name for c in base.columns if c.kind == "regular" and c.name not in stored)
