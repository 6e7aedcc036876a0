"""Default names of indexes: unique within their keyspace, and equal in every run.

*In*: tables with their declared indexes. *Out*: the tables with another name for each index whose default name is
shared. Index names are unique within a keyspace, and ``order`` with ``item_status`` has the same default name as
``order_item`` with ``status``: both get a digest of their target. A live index under the default name keeps it, since
an index without a chosen name is matched by its target.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from scyllamodel.schema.facts.objects import Index, Table, View

MAX_INDEX_NAME: Final = 42
"""Longest default name: Scylla 2025.1 stores an index in a view ``<name>_index`` of at most 48 characters."""


def with_distinct_index_names(tables: Iterable[Table], views: Iterable[View] = ()) -> list[Table]:
    """The tables with a distinct name for each index whose default name is not unique."""
    tables = list(tables)
    counts = Counter(index.name for table in tables for index in table.indexes)
    hidden = {name.removesuffix("_index") for name in _names(tables, views) if name.endswith("_index")}
    shared_names = {name for name, count in counts.items() if count > 1} | (hidden & counts.keys())
    return [_with_digest_names(table, shared_names) for table in tables] if shared_names else tables


def _names(tables: Iterable[Table], views: Iterable[View]) -> Iterator[str]:
    yield from (table.name for table in tables)
    yield from (view.name for view in views)


def _with_digest_names(table: Table, shared_names: set[str]) -> Table:
    if all(index.named or index.name not in shared_names for index in table.indexes):
        return table
    return attrs.evolve(
        table, indexes=[with_digest_name(i, table.name) if i.name in shared_names else i for i in table.indexes]
    )


def with_digest_name(index: Index, table: str) -> Index:
    """The index under a name with a digest of its target, unless its name was chosen.

    >>> with_digest_name(Index("order_item_status_idx", "status", named=False), "order_item").name
    'order_item_status_10735bfa_idx'
    """
    if index.named:
        return index
    ending = "_idx" if index.on == "values" else f"_{index.on}_idx"
    parts = (table, index.column, index.on, index.using or "", str(index.local))
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]
    start = index.name.removesuffix(ending)[: MAX_INDEX_NAME - len(ending) - 9]
    return attrs.evolve(index, name=f"{start}_{digest}{ending}")
