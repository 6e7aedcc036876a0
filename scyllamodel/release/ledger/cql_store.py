"""The tables of the ledger, read and written as CQL through one node.

In: rows by column name. Out: rows, or a `StatementFailure` for the outcome of a statement. The caller decides
what rows mean, and what to do when one was not written. Only names of this package and CQL literals enter the text of a
statement.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from scyllamodel._identifiers import qualified
from scyllamodel.driver.cluster.coordinator import Coordinator, PinnedNode
from scyllamodel.driver.cluster.introspection import SCHEMA_VERSION_QUERY
from scyllamodel.driver.cluster.lwt import LwtClient, literal
from scyllamodel.driver.outcomes import DRIVER_ERRORS
from scyllamodel.errors import LoadError

_MIGRATIONS, _STEPS, _VERIFIED = "scyllamodel_migrations", "scyllamodel_steps", "scyllamodel_verified"
_KEYS: Final = {_MIGRATIONS: ("scope", "version"), _STEPS: ("scope", "version", "seq")}
_MAX_TIMESTAMP: Final = 2**63 - 1
_NO_COLUMNS: Final[Mapping[str, Collection[str]]] = {}


class CqlLedgerStore:
    """The three tables of the ledger in one keyspace.

    Parameters:
        columns: the known columns of each internal table that exists. A missing table reads as empty; sync markers need
            no columns, so the fast path omits them.
    """

    def __init__(self, client: LwtClient, keyspace: str, columns: Mapping[str, Collection[str]] = _NO_COLUMNS) -> None:
        self._client, self._keyspace = client, keyspace
        self._columns = {table: sorted(names) for table, names in columns.items()}

    @property
    def _coordinator(self) -> Coordinator:
        return self._client.coordinator

    def versions(self, scope: str, limit: int | None = None) -> Sequence[Mapping[str, Any]]:
        """Return the versions of a scope, newest first."""
        return self._select(_MIGRATIONS, {"scope": scope}, "" if limit is None else f" LIMIT {limit}")

    def scopes(self) -> Sequence[str]:
        """Return all scopes of this ledger."""
        if _MIGRATIONS not in self._columns:
            return []
        rows = self._client.read(f"SELECT DISTINCT scope FROM {self._name(_MIGRATIONS)}")  # noqa: S608 - internal name
        return [row["scope"] for row in rows]

    def version(self, scope: str, version: int) -> Mapping[str, Any] | None:
        """Return one version, read at SERIAL, which completes any pending transaction."""
        return next(iter(self._select(_MIGRATIONS, {"scope": scope, "version": version}, serial=True)), None)

    def steps(self, scope: str, version: int) -> Sequence[Mapping[str, Any]]:
        """Return the steps of a version, in order."""
        return self._select(_STEPS, {"scope": scope, "version": version})

    def _select(
        self, table: str, keys: Mapping[str, Any], suffix: str = "", *, serial: bool = False
    ) -> list[dict[str, Any]]:
        if table not in self._columns:
            return []
        names = ", ".join(self._columns[table])
        cql = f"SELECT {names} FROM {self._name(table)} WHERE {_equalities(keys)}{suffix}"  # noqa: S608 - literals
        try:
            return self._client.read(cql, serial=serial)
        except LoadError:
            return self._select_row_by_row(table, keys, suffix)

    def _select_row_by_row(self, table: str, keys: Mapping[str, Any], suffix: str) -> list[dict[str, Any]]:
        """Return the rows of a partition, each read separately.

        A row that cannot be decoded is its key, and the reason under ``[unreadable]``.
        """
        key = ", ".join(_KEYS[table])
        rows = self._client.read(f"SELECT {key} FROM {self._name(table)} WHERE {_equalities(keys)}{suffix}")  # noqa: S608 - literals
        return [self._select_row(table, row) for row in rows]

    def _select_row(self, table: str, key: dict[str, Any]) -> dict[str, Any]:
        names = ", ".join(self._columns[table])
        try:
            return self._client.read(f"SELECT {names} FROM {self._name(table)} WHERE {_equalities(key)}")[0]  # noqa: S608 - literals
        except LoadError as error:
            return {**key, "[unreadable]": str(error.__cause__ or error)}

    def removal_statement(self, scope: str, version: int | None, seq: int | None = None) -> str:
        """Return the statement that deletes a version or a step, with a timestamp later than any of its writes."""
        if version is None:
            return f"TRUNCATE {self._name(_MIGRATIONS)}"
        table = _MIGRATIONS if seq is None else _STEPS
        keys = {"scope": scope, "version": version} | ({} if seq is None else {"seq": seq})
        cells = [f"writetime({name})" for name in self._columns[table] if name not in (*_KEYS[table], "models")]
        cql = f"SELECT {', '.join(cells)} FROM {self._name(table)} WHERE {_equalities(keys)}"  # noqa: S608 - literals
        times = [time for row in self._client.read(cql) for time in row.values() if time is not None]
        # A row without cells has no timestamp that could be read, and may have any.
        latest = max(times, default=_MAX_TIMESTAMP)
        timestamp_clause = f" USING TIMESTAMP {latest}" if latest > _current_timestamp() else ""
        return f"DELETE FROM {self._name(table)}{timestamp_clause} WHERE {_equalities(keys)}"  # noqa: S608 - shown, and not sent

    def add_version(self, row: Mapping[str, Any]) -> bool:
        """Write a version unless its number is taken; whether it was written."""
        return bool(self._client.compare_and_set(f"{self._insert(_MIGRATIONS, row)} IF NOT EXISTS"))

    def change_version(self, scope: str, version: int, values: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
        """Update columns of a version if other columns have the expected values."""
        cells = ", ".join(f"{name} = {literal(values[name])}" for name in self._known_columns(_MIGRATIONS, values))
        where = _equalities({"scope": scope, "version": version})
        change = f"UPDATE {self._name(_MIGRATIONS)} SET {cells} WHERE {where} IF {_equalities(expected)}"  # noqa: S608 - literals
        return bool(self._client.compare_and_set(change))

    def put_step(self, row: Mapping[str, Any], *, overwrite: bool = False) -> None:
        """Write a step, or some columns of it; ``overwrite`` replaces another writer's step, with a later timestamp."""
        timestamp_clause = f" USING TIMESTAMP {self._next_timestamp(row)}" if overwrite else ""
        self._client.write(self._insert(_STEPS, row) + timestamp_clause)

    def _next_timestamp(self, row: Mapping[str, Any]) -> int:
        """Return a time in microseconds: now, or just after the last write of the step, whichever is later."""
        where = _equalities({name: row[name] for name in ("scope", "version", "seq")})
        cql = f"SELECT writetime(state) AS written FROM {self._name(_STEPS)} WHERE {where}"  # noqa: S608 - literals
        timestamps = [written_row["written"] or 0 for written_row in self._client.read(cql)]
        return max(_current_timestamp(), *(timestamp + 1 for timestamp in timestamps), 0)

    def read_sync_marker(self, scope: str, models_fp: str) -> tuple[UUID | None, UUID | None]:
        """Return the schema version that these models were last in sync with, and the current one.

        Both are read concurrently; None where they cannot be read.
        """
        where = _equalities({"scope": scope, "models_fp": models_fp})
        cql = f"SELECT schema_version FROM {self._name(_VERIFIED)} WHERE {where}"  # noqa: S608 - literals
        try:
            marker_rows, current_rows = self._coordinator.read(
                lambda node: _query_concurrently(node, cql, SCHEMA_VERSION_QUERY)
            )
        except DRIVER_ERRORS:  # no such table, no permission, no answer: the full read reports it
            return None, None
        return (marker_rows[0]["schema_version"] if marker_rows else None), current_rows[0]["schema_version"]

    def write_sync_marker(self, scope: str, models_fp: str, schema_version: UUID, checked_at: datetime) -> None:
        """Write the sync marker of these models."""
        row = {"scope": scope, "models_fp": models_fp, "schema_version": schema_version, "checked_at": checked_at}
        self._client.write(self._insert(_VERIFIED, row))

    def _insert(self, table: str, row: Mapping[str, Any]) -> str:
        cells = {name: row[name] for name in self._known_columns(table, row)}
        return f"INSERT INTO {self._name(table)} ({', '.join(cells)}) VALUES ({_literals(cells)})"  # noqa: S608 - literals

    def _known_columns(self, table: str, row: Mapping[str, Any]) -> list[str]:
        """Return those columns of a row that the table has; a table of an older release may lack some."""
        return [name for name in row if name in self._columns[table]]

    def _name(self, table: str) -> str:
        return qualified(self._keyspace, table)


def _current_timestamp() -> int:
    """Return the time in microseconds since 1970, as write timestamps have it."""
    return time.time_ns() // 1000


def _query_concurrently(node: PinnedNode, *queries: str) -> list[list[dict[str, Any]]]:
    """Return the rows of several queries, sent concurrently."""
    futures = [node.start(cql) for cql in queries]
    return [list(future.result()) for future in futures]


def _equalities(cells: Mapping[str, Any]) -> str:
    return " AND ".join(f"{name} = {literal(value)}" for name, value in cells.items())


def _literals(row: Mapping[str, Any]) -> str:
    return ", ".join(map(literal, row.values()))
