"""Views and indexes that keep all regular columns of their table, as virtual columns (ScyllaDB).

*In*: a view or an index, and its table. *Out*: whether it keeps them, so that none can be dropped. A view whose key has
no regular column of its table needs them to know which rows are alive (``db/view/view.cc``), as does the hidden view
of an index on a key column.
"""

from __future__ import annotations

from scyllamodel.schema.facts.objects import Index, Table, View
from scyllamodel.schema.server.profile import ServerProfile


def view_needs_all_columns(view: View, base: Table | None) -> bool:
    """Whether a view keeps every regular column of its table."""
    return base is not None and all(base[c.name].in_key for c in view.columns if c.in_key and c.name in base)


def index_needs_all_columns(index: Index, table: Table, server: ServerProfile) -> bool:
    """Whether the hidden view of an index keeps every regular column of its table."""
    column = table.get(index.column)
    return server.keeps_indexes_in_views and index.using is None and column is not None and column.in_key
