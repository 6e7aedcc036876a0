"""The columns of ``system_schema`` to read from the connected server.

*In*: a `ServerProfile`. *Out*: for each table the columns to select. Columns are listed because they differ by engine
and release, and because ``dropped_columns.dropped_time`` cannot be read: Scylla stores microseconds where drivers
expect milliseconds, and they overflow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from scyllamodel.schema.options import NON_OPTION_COLUMNS

if TYPE_CHECKING:
    from scyllamodel.schema.server.profile import ServerProfile

_FIXED_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "keyspaces": ("keyspace_name", "durable_writes", "replication"),
    "columns": ("keyspace_name", "table_name", "column_name", "clustering_order", "kind", "position", "type"),
    "dropped_columns": ("keyspace_name", "table_name", "column_name", "type"),
    "indexes": ("keyspace_name", "table_name", "index_name", "kind", "options"),
    "types": ("keyspace_name", "type_name", "field_names", "field_types"),
    "tables": ("keyspace_name", "table_name", "flags"),
    "functions": (
        "keyspace_name", "function_name", "argument_names", "argument_types", "body", "called_on_null_input",
        "language", "return_type",
    ),
    "aggregates": (
        "keyspace_name", "aggregate_name", "argument_types", "final_func", "initcond", "state_func", "state_type",
    ),
    "triggers": ("keyspace_name", "table_name", "trigger_name", "options"),
    "views": ("keyspace_name", "view_name", "base_table_name", "include_all_columns", "where_clause"),
}  # fmt: skip
_MASK_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "column_masks": (
        "keyspace_name", "table_name", "column_name", "function_argument_nulls", "function_argument_types",
        "function_argument_values", "function_keyspace", "function_name",
    ),
}  # fmt: skip
_SCYLLA_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "scylla_keyspaces": ("keyspace_name", "initial_tablets"),
    "scylla_tables": ("keyspace_name", "table_name", "partitioner"),
    "scylla_aggregates": ("keyspace_name", "aggregate_name", "argument_types", "reduce_func"),
}
_IN_EXTENSIONS: Final = frozenset(
    "cdc paxos_grace_seconds per_partition_rate_limit synchronous_updates tombstone_gc".split()
)
_IN_SCYLLA_TABLES: Final = frozenset({"tablets", "storage_engine", "large_data_guardrails_enabled"})
KNOWN: Final = {
    **{table: names for part in (_FIXED_COLUMNS, _MASK_COLUMNS, _SCYLLA_COLUMNS) for table, names in part.items()},
    "columns": (*_FIXED_COLUMNS["columns"], "column_name_bytes"),
}
"""The tables and columns from which facts are read."""

COLUMN_PARTS: Final = ("table_name", "position", "column_name", "type", "kind", "clustering_order")
"""The columns of ``system_schema.columns`` from which facts are read, in the order of the tuples."""

GROWING: Final = frozenset({"keyspaces", "columns", "types"})
"""Tables of which a newer Cassandra's further columns are read, too."""

BESIDE: Final = frozenset({"security_label", "transactional_migration_from"})
"""Columns of ``tables`` and ``views`` in Cassandra 6.0 that are not options, and are reported as additions."""


def columns_to_read(server: ServerProfile) -> dict[str, tuple[str, ...]]:
    """The columns to select from each ``system_schema`` table, without ``dropped_time``, which overflows drivers.

    The columns that the server lists decide, so that options newer than this release are read, too; for a profile
    without listed columns the version decides.
    """
    options = server.table_options
    extra: dict[str, Iterable[str]] = {"tables": options, "views": options, "dropped_columns": ("kind",)}
    if server.stores_extensions:
        option_columns = options - _IN_EXTENSIONS - _IN_SCYLLA_TABLES | {"extensions"}
        extra = {"tables": option_columns, "views": option_columns, "scylla_tables": options & _IN_SCYLLA_TABLES}
        extra |= server.keyspace_columns
    fixed = (
        _FIXED_COLUMNS
        | (_SCYLLA_COLUMNS if server.stores_extensions else {})
        | (_MASK_COLUMNS if server.has_masks else {})
    )
    columns = {table: (*names, *sorted(extra.get(table, ()))) for table, names in fixed.items()}
    if not server.schema_columns:
        return columns
    available = {table: _available_columns(table, names, server) for table, names in columns.items()}
    return {table: names for table, names in available.items() if names} | _newer_tables(columns, server)


def has_known_columns(columns: Mapping[str, Iterable[str]]) -> bool:
    """Whether a server stores nothing of a column beyond what facts are read from, so that tuples suffice.

    Parameters:
        columns: of `columns_to_read`.
    """
    return set(columns["columns"]) <= set(KNOWN["columns"])


def _newer_tables(known: Iterable[str], server: ServerProfile) -> dict[str, tuple[str, ...]]:
    """Tables of a newer Cassandra, such as ``column_constraints``; other tables of ScyllaDB are internal."""
    if server.stores_extensions:
        return {}
    tables = {table for table, column in server.schema_columns if column == "keyspace_name"} - set(known)
    return {t: tuple(sorted(c for owner, c in server.schema_columns if owner == t)) for t in sorted(tables)}


def _available_columns(table: str, names: tuple[str, ...], server: ServerProfile) -> tuple[str, ...]:
    server_columns = {column for owner, column in server.schema_columns if owner == table}
    unknown_columns = (
        server_columns - NON_OPTION_COLUMNS - set(names)
        if table in ("tables", "views", "scylla_tables")
        else set[str]()
    )
    if not server.stores_extensions:
        unknown_columns |= server_columns & BESIDE if table in ("tables", "views") else set[str]()
        unknown_columns |= server_columns - set(names) - {"column_name_bytes"} if table in GROWING else set[str]()
    return (*(name for name in names if name in server_columns), *sorted(unknown_columns - {"cdc"}))
