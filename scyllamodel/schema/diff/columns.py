"""Compare the columns of one table: renamed key columns, one ADD, and changes that CQL cannot make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scyllamodel.schema.changes.kinds import (
    AddColumns,
    AlterColumn,
    AlterKey,
    Change,
    RenameKeyColumns,
    SetMask,
    SetTtlColumn,
    Unmanaged,
)
from scyllamodel.types.cql_types import COUNTER, freeze

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scyllamodel.schema.facts.objects import Table, TableColumn


def diff_columns(keyspace: str, live: Table, desired: Table, renames: tuple[tuple[str, str], ...]) -> Iterator[Change]:
    """The changes of one table; ``live`` already has its renamed key columns under the new names."""
    if renames:
        yield RenameKeyColumns(keyspace, desired.name, renames)
    if live.columns == desired.columns:
        yield from _ttl_column(keyspace, live, desired)
        return
    stored = {column.name: column for column in live.columns}
    yield from (AlterKey(keyspace, live, desired, code) for code in key_difference_codes(live, desired))
    for column in desired.columns:
        if column.name in stored:
            codes = _difference_codes(stored[column.name], column)
            yield from (AlterColumn(keyspace, desired.name, stored[column.name], column, code) for code in codes)
    missing = [c for c in desired.columns if c.name not in stored and not c.in_key]
    renamed = [c for c in missing if c.renamed_from in stored]
    yield from (AlterColumn(keyspace, desired.name, stored[c.renamed_from or ""], c, "BC102") for c in renamed)
    if added := tuple(c for c in missing if c.renamed_from not in stored):
        yield AddColumns(keyspace, desired.name, added)
    yield from _masks(keyspace, live, desired)
    yield from _ttl_column(keyspace, live, desired)
    yield from _unmanaged_columns(keyspace, live, desired)


def key_difference_codes(live: Table, desired: Table) -> list[str]:
    """PK101 for the partition key, PK102 for the clustering key or its order; PK103 if it only gains a column."""
    if live.columns == desired.columns:
        return []
    known = {column.name for column in live.columns}
    faults: list[str] = []
    for code, stored, declared in (
        ("PK101", live.partition_key, desired.partition_key),
        ("PK102", live.clustering_key, desired.clustering_key),
    ):
        if _key(stored) != _key(declared):
            shared = [item for item in _key(declared) if item[0] in known]
            faults.append("PK103" if shared == _key(stored) else code)
    return list(dict.fromkeys(faults))


def _key(columns: tuple[TableColumn, ...]) -> list[tuple[str, bool]]:
    return [(column.name, column.descending) for column in columns]


def _difference_codes(live: TableColumn, desired: TableColumn) -> list[str]:
    """The codes of the differences; a column that moves into or out of the key is a difference of the key."""
    faults: list[str] = []
    if live.type != desired.type:
        faults.append(_type_difference_code(live, desired))
    if live.kind != desired.kind and not live.in_key and not desired.in_key:
        faults.append("TY104")
    return faults


def _type_difference_code(live: TableColumn, desired: TableColumn) -> str:
    if freeze(live.type) == freeze(desired.type):
        return "TY103"
    return "TY107" if COUNTER in (live.type, desired.type) else "TY101"


def _masks(keyspace: str, live: Table, desired: Table) -> Iterator[Change]:
    """The changes of declared masks; a mask that no model declares is kept, since dropping it would show values."""
    for column in desired.columns:
        stored = live.get(column.name)
        if stored is None or stored.mask == column.mask:
            continue
        if column.mask is None:
            yield Unmanaged(keyspace, "mask", f"{live.name}.{column.name}", stored)
        else:
            yield SetMask(keyspace, live.name, column.name, column.mask, stored.mask)


def _ttl_column(keyspace: str, live: Table, desired: Table) -> Iterator[Change]:
    """The change of a declared TTL column; one that no model declares is kept, since without it no row expires."""
    if live.ttl_column == desired.ttl_column:
        return
    if desired.ttl_column is not None:
        yield from set_ttl_column(keyspace, live, desired)
    elif live.ttl_column is not None and live.ttl_column in live:
        yield Unmanaged(keyspace, "ttl column", f"{live.name}.{live.ttl_column}", live[live.ttl_column])


def set_ttl_column(keyspace: str, live: Table, desired: Table) -> Iterator[Change]:
    """The changes from one TTL column to another: a table has at most one, so the current one is unset first."""
    if live.ttl_column is not None:
        yield SetTtlColumn(keyspace, live.name, None, live.ttl_column)
    if desired.ttl_column is not None:
        yield SetTtlColumn(keyspace, live.name, desired.ttl_column, None)


def _unmanaged_columns(keyspace: str, live: Table, desired: Table) -> Iterator[Change]:
    """Columns that no model declares, except the old name of a renamed one."""
    declared = {column.name for column in desired.columns}
    declared |= {c.renamed_from for c in desired.columns if c.renamed_from is not None and c.name not in live}
    for column in live.columns:
        if column.name not in declared and not column.in_key:
            yield Unmanaged(keyspace, "column", f"{live.name}.{column.name}", column)
