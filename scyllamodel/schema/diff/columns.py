"""The columns of one table on both sides: renamed keys, one grouped ADD, and everything that CQL cannot do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scyllamodel.schema.changes import (
    AddColumns,
    AlterColumn,
    AlterKey,
    Change,
    LiveOnly,
    RenameKeyColumns,
    SetMask,
    SetTtlColumn,
)
from scyllamodel.types.values import COUNTER, freeze

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scyllamodel.schema.facts import Table, TableColumn


def diff_columns(keyspace: str, found: Table, wanted: Table, renames: tuple[tuple[str, str], ...]) -> Iterator[Change]:
    """What one table needs; ``found`` has its renamed key columns under their new names already."""
    if renames:
        yield RenameKeyColumns(keyspace, wanted.name, renames)
    if found.columns == wanted.columns:
        yield from _ttl_column(keyspace, found, wanted)
        return
    stored = {column.name: column for column in found.columns}
    yield from (AlterKey(keyspace, found, wanted, code) for code in key_faults(found, wanted))
    for column in wanted.columns:
        if column.name in stored:
            codes = _faults(stored[column.name], column)
            yield from (AlterColumn(keyspace, wanted.name, stored[column.name], column, code) for code in codes)
    missing = [c for c in wanted.columns if c.name not in stored and not c.in_key]
    moved = [c for c in missing if c.renamed_from in stored]
    yield from (AlterColumn(keyspace, wanted.name, stored[c.renamed_from or ""], c, "BC102") for c in moved)
    if added := tuple(c for c in missing if c.renamed_from not in stored):
        yield AddColumns(keyspace, wanted.name, added)
    yield from _masks(keyspace, found, wanted)
    yield from _ttl_column(keyspace, found, wanted)
    yield from _live_only(keyspace, found, wanted)


def key_faults(found: Table, wanted: Table) -> list[str]:
    """PK101 for the partition key, PK102 for the clustering key or its order; PK103 where it only gains a column."""
    if found.columns == wanted.columns:
        return []
    known = {column.name for column in found.columns}
    faults: list[str] = []
    for code, stored, declared in (
        ("PK101", found.partition_key, wanted.partition_key),
        ("PK102", found.clustering_key, wanted.clustering_key),
    ):
        if _key(stored) != _key(declared):
            kept = [item for item in _key(declared) if item[0] in known]
            faults.append("PK103" if kept == _key(stored) else code)
    return list(dict.fromkeys(faults))


def _key(columns: tuple[TableColumn, ...]) -> list[tuple[str, bool]]:
    return [(column.name, column.descending) for column in columns]


def _faults(found: TableColumn, wanted: TableColumn) -> list[str]:
    """Codes of what differs; a column that moves in or out of the key is a fault of the key, not of the column."""
    faults: list[str] = []
    if found.type != wanted.type:
        faults.append(_type_fault(found, wanted))
    if found.kind != wanted.kind and not found.in_key and not wanted.in_key:
        faults.append("TY104")
    return faults


def _type_fault(found: TableColumn, wanted: TableColumn) -> str:
    if freeze(found.type) == freeze(wanted.type):
        return "TY103"
    return "TY107" if COUNTER in (found.type, wanted.type) else "TY101"


def _masks(keyspace: str, found: Table, wanted: Table) -> Iterator[Change]:
    """Masks that are declared and not stored so; one that no model declares stays, since dropping it shows values."""
    for column in wanted.columns:
        live = found.get(column.name)
        if live is None or live.mask == column.mask:
            continue
        if column.mask is None:
            yield LiveOnly(keyspace, "mask", f"{found.name}.{column.name}", live)
        else:
            yield SetMask(keyspace, found.name, column.name, column.mask, live.mask)


def _ttl_column(keyspace: str, found: Table, wanted: Table) -> Iterator[Change]:
    """The TTL column, where one is declared; one that no model declares stays, since without it no row expires."""
    if found.ttl_column == wanted.ttl_column:
        return
    if wanted.ttl_column is not None:
        yield from set_ttl_column(keyspace, found, wanted)
    elif found.ttl_column is not None and found.ttl_column in found:
        yield LiveOnly(keyspace, "ttl column", f"{found.name}.{found.ttl_column}", found[found.ttl_column])


def set_ttl_column(keyspace: str, found: Table, wanted: Table) -> Iterator[Change]:
    """From one TTL column to the other: a table has one at most, so the one that is set is unset first."""
    if found.ttl_column is not None:
        yield SetTtlColumn(keyspace, found.name, None, found.ttl_column)
    if wanted.ttl_column is not None:
        yield SetTtlColumn(keyspace, found.name, wanted.ttl_column, None)


def _live_only(keyspace: str, found: Table, wanted: Table) -> Iterator[Change]:
    """Columns that no model declares; the old name of a renamed one is spoken of already."""
    declared = {column.name for column in wanted.columns}
    declared |= {c.renamed_from for c in wanted.columns if c.renamed_from is not None and c.name not in found}
    for column in found.columns:
        if column.name not in declared and not column.in_key:
            yield LiveOnly(keyspace, "column", f"{found.name}.{column.name}", column)
