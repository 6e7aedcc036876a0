"""Lock rows in the table ``scyllamodel_lock``.

*In*: `LwtClient` of the driver, the keyspace of the table, the locked keyspace. *Out*: a `LockStore`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timezone
from typing import Any, Final

import attrs

from scyllamodel._identifiers import qualified
from scyllamodel.driver.cluster.lwt import LwtClient, literal
from scyllamodel.errors import LoadError
from scyllamodel.release.ledger.tables import LOCK
from scyllamodel.release.lock.row import MAX_CLOCK_SKEW, LockRow, LockUpdate

_COLUMNS: Final = tuple(column.name for column in LOCK.columns)
_WRITE_TIMES: Final = tuple(f"writetime({name}) AS {name}_written" for name in ("owner", "epoch", "beat", "lease_ms"))
"""Write times of the cells by which a lock changes hands."""


@attrs.frozen
class CqlLockStore:
    """A row of the lock table.

    Attributes:
        client: executes the statements.
        keyspace: of the table.
        name: key of the row, the locked keyspace.
    """

    client: LwtClient
    keyspace: str
    name: str

    @property
    def _table(self) -> str:
        return qualified(self.keyspace, LOCK.name)

    @property
    def _where(self) -> str:
        return f"WHERE name = {literal(self.name)}"

    def read(self, *, serial: bool) -> LockRow | None:
        """Return the row, or None.

        Raises:
            StatementFailure: one of its kinds.
        """
        columns = ", ".join((*_COLUMNS, *_WRITE_TIMES, "toUnixTimestamp(now()) AS now"))
        try:
            rows = self.client.read(f"SELECT {columns} FROM {self._table} {self._where}", serial=serial)  # noqa: S608 - `literal`
        except LoadError as error:
            return LockRow(self.name, unreadable=str(error.__cause__ or error))
        return _row(rows[0]) if rows else None

    def removal_statement(self, row: LockRow) -> str:
        """Return the statement that removes a damaged row; only TRUNCATE covers timestamps in the future."""
        if row.clock_skew > MAX_CLOCK_SKEW or row.unreadable:
            return f"TRUNCATE {self._table}"
        return f"DELETE FROM {self._table} {self._where}"  # noqa: S608 - shown, and not sent

    def read_owner(self) -> dict[str, Any]:
        """Read owner and epoch alone, for a row whose other cells cannot be decoded.

        Raises:
            StatementFailure: one of its kinds.
        """
        rows = self.client.read(f"SELECT owner, epoch FROM {self._table} {self._where}", serial=True)  # noqa: S608 - `literal`
        return {"owner": rows[0]["owner"], "epoch": rows[0]["epoch"]} if rows else {"owner": None, "epoch": None}

    def silence(self) -> float | None:
        """Return the seconds since the last heartbeat, by the servers' clock; None if unknown.

        Raises:
            StatementFailure: one of its kinds.
        """
        columns = "writetime(beat) AS beaten, toUnixTimestamp(now()) AS now"
        rows = self.client.read(f"SELECT {columns} FROM {self._table} {self._where}")  # noqa: S608 - `literal`
        if not rows or rows[0]["beaten"] is None:
            return None
        now, last_heartbeat = int(rows[0]["now"]) / 1000, int(rows[0]["beaten"]) / 1_000_000
        return max(0.0, now - last_heartbeat)

    def create(self) -> None:
        """Create the row, free and with fencing token 0, unless it exists.

        Raises:
            StatementFailure: one of its kinds.
        """
        values = f"({literal(self.name)}, 0, 0)"
        self.client.compare_and_set(f"INSERT INTO {self._table} (name, epoch, beat) VALUES {values} IF NOT EXISTS")  # noqa: S608 - `literal`

    def change(self, expected: Mapping[str, Any], values: Mapping[str, Any]) -> LockUpdate:
        """Set ``values`` if the columns of ``expected``, owner and epoch among them, match.

        Raises:
            StatementFailure: one of its kinds.
        """
        assignments = ", ".join(f"{column} = {literal(value)}" for column, value in values.items())
        conditions = " AND ".join(f"{column} = {literal(value)}" for column, value in expected.items())
        outcome = self.client.compare_and_set(f"UPDATE {self._table} SET {assignments} {self._where} IF {conditions}")  # noqa: S608 - `literal`
        return LockUpdate(outcome.applied, outcome.row.get("owner"), outcome.row.get("epoch"))


def _row(cells: Mapping[str, Any]) -> LockRow:
    """Decode the row; missing columns get their defaults."""
    values = {name: cells[name] for name in _COLUMNS if cells[name] is not None}
    write_times = [cells[name.partition(" AS ")[2]] for name in _WRITE_TIMES]
    values["clock_skew"] = (
        max((write_time / 1_000_000 for write_time in write_times if write_time is not None), default=0.0)
        - cells["now"] / 1000
    )
    if "acquired_at" in values:
        values["acquired_at"] = values["acquired_at"].replace(tzinfo=timezone.utc)  # the driver returns naive UTC
    return LockRow(**values)
