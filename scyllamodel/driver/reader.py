"""``system_schema`` read on one node until what was read hangs together.

*In*: a `Coordinator`, a keyspace, the server's profile. *Out*: `KeyspaceFacts`. One read takes several queries, and a
schema change may fall between two of them, so the node's schema version is looked at before and after.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final, TypeAlias
from uuid import UUID

from scyllamodel._identifiers import string
from scyllamodel.driver.connection import PAGE
from scyllamodel.driver.coordinator import DRIVER_ERRORS, Coordinator, Pinned
from scyllamodel.driver.servers import unread
from scyllamodel.errors import IntrospectionError
from scyllamodel.schema.facts import KeyspaceFacts
from scyllamodel.schema.reflect import columns_to_read, reflect_keyspace
from scyllamodel.schema.server import ServerProfile

Rows: TypeAlias = dict[str, list[dict[str, Any]]]

SCHEMA_VERSION: Final = "SELECT schema_version FROM system.local WHERE key = 'local'"

AT_ONCE: Final = 8
"""Reads in flight; more gain nothing on a server that serves others too."""

TRIES: Final = 5

TORN_PAUSES: Final = (0.1, 0.2, 0.4, 0.8)
"""Seconds until rows that do not fit together are read again."""


def read_keyspace(
    coordinator: Coordinator, keyspace: str, server: ServerProfile, *, page: int = PAGE, books: bool = False
) -> KeyspaceFacts:
    """One keyspace as the coordinator has it; its ``keyspace`` is None when there is none.

    Parameters:
        page: rows of one page; all pages are read.
        books: whether our own bookkeeping is told too.

    Raises:
        IntrospectionError: it could not be read, or kept changing while it was read.
    """
    return read_keyspace_at(coordinator, keyspace, server, page=page, books=books)[0]


def read_keyspace_at(
    coordinator: Coordinator, keyspace: str, server: ServerProfile, *, page: int = PAGE, books: bool = False
) -> tuple[KeyspaceFacts, UUID | None]:
    """The same, with the version of the schema that stood before and after the read; None if it kept moving."""
    where = f"WHERE keyspace_name = {string(keyspace)}"
    selects = {
        table: f"SELECT {', '.join(columns)} FROM system_schema.{table} {where}"  # noqa: S608 - quoted by `string`
        for table, columns in columns_to_read(server).items()
    }
    # Cassandra writes the tables of its schema one after the other and moves its version when all are written: for a
    # moment a table is there without its columns, at an unmoved version.
    pauses = iter(TORN_PAUSES)
    while True:
        rows, version = _rows(coordinator, keyspace, selects, page)
        found = reflect_keyspace(keyspace, rows, server, books=books)
        pause = next(pauses, None) if any(item.torn for item in found.unreadable) else None
        if pause is None:
            return found, version
        time.sleep(pause)


def _rows(coordinator: Coordinator, keyspace: str, selects: Mapping[str, str], page: int) -> tuple[Rows, UUID | None]:
    try:
        found = coordinator.read(lambda node: _settled(node, selects, page))
    except DRIVER_ERRORS as error:
        raise unread(f"the schema of keyspace {keyspace}", coordinator, error) from error
    if found is None:
        raise IntrospectionError(
            f"keyspace {keyspace} kept changing while it was read, {2 * TRIES} times in a row. Somebody changes its "
            "schema without pause; run this again when that is over.",
            keyspace=keyspace,
            node=coordinator.address,
        )
    return found


def _settled(node: Pinned, selects: Mapping[str, str], page: int) -> tuple[Rows, UUID | None] | None:
    """Rows that were all there at one moment, and the version then; None when there was no such moment."""
    before = schema_version(node)
    rows: Rows = {}
    for _ in range(TRIES):
        rows = _read(node, selects, page)
        after = schema_version(node)
        if before == after:
            return rows, after
        before = after
    # The version is the cluster's: on a busy one it moves for other keyspaces all the time. Two equal looks at this
    # keyspace, one after the other, prove as much.
    for _ in range(TRIES):
        again = _read(node, selects, page)
        if again == rows:
            return rows, None
        rows = again
    return None


def _read(node: Pinned, selects: Mapping[str, str], page: int) -> Rows:
    found: Rows = {}
    left = iter(selects.items())
    while batch := list(islice(left, AT_ONCE)):
        started = [(table, node.start(cql, page=page)) for table, cql in batch]
        found |= {table: list(future.result()) for table, future in started}
    return found


def keyspace_tablets(coordinator: Coordinator, keyspace: str) -> bool | None:
    """Whether a keyspace of ScyllaDB has tablets; None when it does not exist.

    Raises:
        IntrospectionError: it could not be read.
    """
    where = f"WHERE keyspace_name = {string(keyspace)}"
    try:
        if not coordinator.rows(f"SELECT keyspace_name FROM system_schema.keyspaces {where}"):  # noqa: S608 - quoted
            return None
        rows = coordinator.rows(f"SELECT initial_tablets FROM system_schema.scylla_keyspaces {where}")  # noqa: S608
    except DRIVER_ERRORS as error:
        raise unread(f"the keyspace {keyspace}", coordinator, error) from error
    return any(row["initial_tablets"] is not None for row in rows)


def schema_version(node: Coordinator | Pinned) -> UUID | None:
    """The version of the schema that the node has; it moves with every change of any keyspace.

    Raises:
        Exception: one of `DRIVER_ERRORS`.
    """
    rows = node.rows(SCHEMA_VERSION)
    return rows[0]["schema_version"]  # type: ignore[no-any-return]
