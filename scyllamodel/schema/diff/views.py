"""Materialized views: new ones, and definitions that differ, which CQL cannot change.

A view's columns have the types of its table, so only their names and the key are compared, and the filter by meaning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scyllamodel._cql import one_line
from scyllamodel.schema.changes import AddView, AlterView, Change, LiveOnly, NameTaken
from scyllamodel.schema.filters import not_null_column, relations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scyllamodel.schema.diff.sides import Sides
    from scyllamodel.schema.facts import Table, View


def diff_views(sides: Sides) -> Iterator[Change]:
    """New views, differing ones, then those that no model declares."""
    taken = {table.name for table in sides.found.tables}
    for view in sides.wanted.views:
        found = sides.views.get(view.name)
        if found is not None:
            yield from _compare(sides, found, view)
        elif view.name in taken:
            yield NameTaken(sides.name, view.name, "view", "table")
        else:
            yield AddView(sides.name, view, populated=view.base in sides.tables)
    declared = {view.name for view in sides.wanted.views}
    yield from (LiveOnly(sides.name, "view", v.name, v) for v in sides.found.views if v.name not in declared)


def _compare(sides: Sides, found: View, wanted: View) -> Iterator[Change]:
    base = sides.declared.get(wanted.base)
    what = view_fault(found, wanted, _base_key(sides, wanted.base), _arriving(sides, found, base))
    if what is not None:
        yield AlterView(sides.name, found, wanted, what)
        return
    if wanted.all_columns:
        return
    declared = {column.name for column in wanted.columns}
    for column in found.columns:
        if column.name not in declared:
            yield LiveOnly(sides.name, "column", f"{found.name}.{column.name}", column)


def _base_key(sides: Sides, name: str) -> frozenset[str]:
    """Key columns of the table; a filter that is read before a rename still has their old names."""
    base = sides.declared.get(name) or sides.tables.get(name)
    names = [column.name for column in base.columns if column.in_key] if base else []
    return frozenset((*names, *(old for old, _ in sides.renames.get(name, ()))))


def _arriving(sides: Sides, found: View, base: Table | None) -> frozenset[str]:
    """Columns that a view made by ``SELECT *`` gains when its table does: all but static ones (seen)."""
    live = sides.tables.get(found.base)
    if not found.all_columns or base is None or live is None:
        return frozenset()
    stored = {column.name for column in live.columns}
    return frozenset(c.name for c in base.columns if c.kind == "regular" and c.name not in stored)


def view_fault(
    found: View, wanted: View, base_key: frozenset[str], arriving: frozenset[str] = frozenset()
) -> str | None:
    """In which respect the view is not as wanted; None when it serves.

    Parameters:
        base_key: the key columns of the table, which can never be null.
        arriving: columns that the view will gain by itself.
    """
    if found.base != wanted.base:
        return "table"
    if _key(found) != _key(wanted):
        return "key"
    missing = {column.name for column in wanted.columns} - {column.name for column in found.columns} - arriving
    if missing:
        return "columns"
    if wanted.all_columns and not found.all_columns:
        return "all_columns"
    return None if where_meaning(found, base_key) == where_meaning(wanted, base_key) else "filter"


def _key(view: View) -> list[tuple[str, str, bool]]:
    return [(column.name, column.kind, column.descending) for column in view.columns if column.in_key]


def where_meaning(view: View, base_key: frozenset[str]) -> frozenset[str]:
    """The relations of the filter that can leave a row out.

    ``IS NOT NULL`` on a key column of the table never does, and Scylla leaves one of them out. A model without a filter
    means ``IS NOT NULL`` on each key column of the view.
    """
    if not view.where:
        return frozenset(column.name for column in view.columns if column.in_key) - base_key
    split = [(relation, not_null_column(relation)) for relation in relations(view.where)]
    not_null = {column for _, column in split if column is not None}
    others = {one_line(relation) for relation, column in split if column is None}
    return frozenset(not_null - base_key) | {f"({text})" for text in others}
