"""Reads ``system_schema`` from one node until the result is consistent.

In: a `Coordinator`, a keyspace, the server's profile. Out: `KeyspaceFacts`. One read takes several queries, and the
schema may change between them, so the node's schema version is compared before and after.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any, Final, NamedTuple, TypeAlias
from uuid import UUID

from scyllamodel._backoff import SYSTEM_CLOCK, Backoff
from scyllamodel._identifiers import string_literal
from scyllamodel.driver.cluster.coordinator import Coordinator, PinnedNode
from scyllamodel.driver.cluster.nodes import read_error
from scyllamodel.driver.outcomes import DRIVER_ERRORS
from scyllamodel.errors import IntrospectionError
from scyllamodel.schema.facts.objects import KeyspaceFacts
from scyllamodel.schema.reflect import COLUMN_PARTS, columns_to_read, has_known_columns, reflect_keyspace
from scyllamodel.schema.server.profile import ServerProfile

TableRows: TypeAlias = dict[str, list[Any]]
"""Rows as dicts by name of their table; those of ``columns`` as tuples of `COLUMN_PARTS`, where they suffice."""

SCHEMA_VERSION_QUERY: Final = "SELECT schema_version FROM system.local WHERE key = 'local'"

SCHEMA_PAGE_SIZE: Final = 20_000
"""Rows of one page of ``system_schema``: the columns of a thousand tables come in one answer of a megabyte."""

MAX_CONCURRENT_READS: Final = 16
"""Concurrent reads: those of all tables of ``system_schema``, and a bound for those of a newer server."""

MAX_ATTEMPTS: Final = 5

_BACKOFF: Final = Backoff(0.1, 0.8)
"""Pauses before partial rows are read again."""


class _Query(NamedTuple):
    """A read of one table of ``system_schema``.

    Attributes:
        as_tuples: whether its rows are read as tuples; worth it for ``columns``, with ten of eleven rows.
    """

    cql: str
    as_tuples: bool


def read_keyspace(
    coordinator: Coordinator,
    keyspace: str,
    server: ServerProfile,
    *,
    page: int = SCHEMA_PAGE_SIZE,
    include_internal: bool = False,
) -> KeyspaceFacts:
    """Read a keyspace from the coordinator; its ``keyspace`` is None when it does not exist.

    Parameters:
        page: rows of one page; all pages are read.
        include_internal: whether internal tables are included.

    Raises:
        IntrospectionError: it could not be read, or kept changing while it was read.
    """
    return read_keyspace_with_version(coordinator, keyspace, server, page=page, include_internal=include_internal)[0]


def read_keyspace_with_version(
    coordinator: Coordinator,
    keyspace: str,
    server: ServerProfile,
    *,
    page: int = SCHEMA_PAGE_SIZE,
    include_internal: bool = False,
) -> tuple[KeyspaceFacts, UUID | None]:
    """Read a keyspace, with the schema version before and after the read; None if the version kept changing."""
    where = f"WHERE keyspace_name = {string_literal(keyspace)}"
    sources = columns_to_read(server)
    if reads_tuples := has_known_columns(sources):
        sources["columns"] = COLUMN_PARTS
    queries = {
        table: _Query(
            f"SELECT {', '.join(columns)} FROM system_schema.{table} {where}",  # noqa: S608 - quoted literal
            as_tuples=columns is COLUMN_PARTS,
        )
        for table, columns in sources.items()
    }
    # Cassandra writes its schema tables one after another and changes the version afterwards: for a moment a table
    # exists without its columns, at an unchanged version.
    pauses = _BACKOFF.pauses(MAX_ATTEMPTS - 1)
    while True:
        rows, version = _read_consistent(coordinator, keyspace, queries, page)
        columns = rows.pop("columns") if reads_tuples else None
        facts = reflect_keyspace(keyspace, rows, server, columns=columns, include_internal=include_internal)
        pause = next(pauses, None) if any(item.is_partial for item in facts.unreadable) else None
        if pause is None:
            return facts, version
        SYSTEM_CLOCK.sleep(pause)


def _read_consistent(
    coordinator: Coordinator, keyspace: str, queries: Mapping[str, _Query], page: int
) -> tuple[TableRows, UUID | None]:
    try:
        snapshot = coordinator.read(lambda node: _read_stable(node, queries, page))
    except DRIVER_ERRORS as error:
        raise read_error(f"the schema of keyspace {keyspace}", coordinator, error) from error
    if snapshot is None:
        raise IntrospectionError(
            f"keyspace {keyspace} kept changing while it was read, {2 * MAX_ATTEMPTS} times in a row. "
            "Another process changes its schema continuously; run this again when it has finished.",
            keyspace=keyspace,
            node=coordinator.address,
        )
    return snapshot


def _read_stable(node: PinnedNode, queries: Mapping[str, _Query], page: int) -> tuple[TableRows, UUID | None] | None:
    """Read rows that were all present at one moment, and the version then; None when there was no such moment."""
    version_before = read_schema_version(node)
    rows: TableRows = {}
    for _ in range(MAX_ATTEMPTS):
        rows = _read_tables(node, queries, page)
        version_after = read_schema_version(node)
        if version_before == version_after:
            return rows, version_after
        version_before = version_after
    # The version covers the whole cluster: on a busy one it changes for other keyspaces all the time. Two equal reads
    # of this keyspace in a row prove as much.
    for _ in range(MAX_ATTEMPTS):
        reread = _read_tables(node, queries, page)
        if reread == rows:
            return rows, None
        rows = reread
    return None


def _read_tables(node: PinnedNode, queries: Mapping[str, _Query], page: int) -> TableRows:
    rows: TableRows = {}
    remaining = iter(queries.items())
    while batch := list(islice(remaining, MAX_CONCURRENT_READS)):
        futures = [(table, node.start(query.cql, page=page, as_tuples=query.as_tuples)) for table, query in batch]
        rows |= {table: list(future.result()) for table, future in futures}
    return rows


def uses_tablets(coordinator: Coordinator, keyspace: str) -> bool | None:
    """Whether a keyspace of ScyllaDB uses tablets; None when it does not exist.

    Raises:
        IntrospectionError: it could not be read.
    """
    where = f"WHERE keyspace_name = {string_literal(keyspace)}"
    try:
        if not coordinator.rows(f"SELECT keyspace_name FROM system_schema.keyspaces {where}"):  # noqa: S608 - quoted
            return None
        rows = coordinator.rows(f"SELECT initial_tablets FROM system_schema.scylla_keyspaces {where}")  # noqa: S608
    except DRIVER_ERRORS as error:
        raise read_error(f"the keyspace {keyspace}", coordinator, error) from error
    return any(row["initial_tablets"] is not None for row in rows)


def read_schema_version(node: Coordinator | PinnedNode) -> UUID | None:
    """Read the schema version of the node; it changes with every schema change of any keyspace.

    Raises:
        Exception: one of `DRIVER_ERRORS`.
    """
    rows = node.rows(SCHEMA_VERSION_QUERY)
    return rows[0]["schema_version"]  # type: ignore[no-any-return]
