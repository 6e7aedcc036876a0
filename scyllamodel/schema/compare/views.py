"""Compare the definitions of materialized views.

The columns of a view have the types of its table, so only their names, the key and the meaning of the filter are
compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scyllamodel._cql import one_line
from scyllamodel.schema.facts.view_filters import not_null_column, relations

if TYPE_CHECKING:
    from scyllamodel.schema.facts.objects import View


def view_difference(
    live: View, desired: View, base_key: frozenset[str], columns_to_come: frozenset[str] = frozenset()
) -> str | None:
    """The aspect in which the live view differs from the desired one; None if it matches.

    Parameters:
        base_key: the key columns of the table, which can never be null.
        columns_to_come: columns that the view gains automatically.
    """
    if live.base != desired.base:
        return "table"
    if _key(live) != _key(desired):
        return "key"
    missing = {column.name for column in desired.columns} - {column.name for column in live.columns} - columns_to_come
    if missing:
        return "columns"
    if desired.all_columns and not live.all_columns:
        return "all_columns"
    return None if effective_filter(live, base_key) == effective_filter(desired, base_key) else "filter"


def _key(view: View) -> list[tuple[str, str, bool]]:
    return [(column.name, column.kind, column.descending) for column in view.columns if column.in_key]


def effective_filter(view: View, base_key: frozenset[str]) -> frozenset[str]:
    """The relations of the filter that can exclude a row.

    ``IS NOT NULL`` on a key column of the table never does, and ScyllaDB omits one of them. A model without a filter
    implies ``IS NOT NULL`` on each key column of the view.
    """
    if not view.where:
        return frozenset(column.name for column in view.columns if column.in_key) - base_key
    conditions = [(relation, not_null_column(relation)) for relation in relations(view.where)]
    not_null = {column for _, column in conditions if column is not None}
    others = {one_line(relation) for relation, column in conditions if column is None}
    return frozenset(not_null - base_key) | {f"({text})" for text in others}
