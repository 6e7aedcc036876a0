"""The lock's row as a row of ``scyllamodel_lock``.

*In*: `Rows` of the driver, the keyspace of the table, the keyspace that is locked. *Out*: a `LockStore`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timezone
from typing import Any, Final

import attrs

from scyllamodel._identifiers import qualified
from scyllamodel.driver.cas import LwtClient, literal
from scyllamodel.errors import LoadError
from scyllamodel.release.lock.row import AHEAD, Answer, LockRow
from scyllamodel.release.tables import LOCK

_COLUMNS: Final = tuple(column.name for column in LOCK.columns)
_WRITTEN: Final = tuple(f"writetime({name}) AS {name}_written" for name in ("owner", "epoch", "beat", "lease_ms"))
"""When the cells were written by which a lock changes hands."""


@attrs.frozen
class LockTable:
    """One row of the table of locks.

    Attributes:
        rows: how it is reached.
        keyspace: where the table is.
        name: the row's key: the keyspace that is locked.
    """

    rows: LwtClient
    keyspace: str
    name: str

    @property
    def _table(self) -> str:
        return qualified(self.keyspace, LOCK.name)

    @property
    def _where(self) -> str:
        return f"WHERE name = {literal(self.name)}"

    def read(self, *, serial: bool) -> LockRow | None:
        """The row, or None.

        Raises:
            StatementFailure: as its kind that fits.
        """
        columns = ", ".join((*_COLUMNS, *_WRITTEN, "toUnixTimestamp(now()) AS now"))
        try:
            found = self.rows.read(f"SELECT {columns} FROM {self._table} {self._where}", serial=serial)  # noqa: S608 - `literal`
        except LoadError as error:
            return LockRow(self.name, unreadable=str(error.__cause__ or error))
        return _row(found[0]) if found else None

    def removal(self, row: LockRow) -> str:
        """The statement that removes a damaged row; a row of the future is hidden by no deletion of now."""
        if row.ahead > AHEAD or row.unreadable:
            return f"TRUNCATE {self._table}"
        return f"DELETE FROM {self._table} {self._where}"  # noqa: S608 - shown, and not sent

    def holder(self) -> dict[str, Any]:
        """Owner and epoch alone, of a row whose other cells cannot be decoded.

        Raises:
            StatementFailure: as its kind that fits.
        """
        found = self.rows.read(f"SELECT owner, epoch FROM {self._table} {self._where}", serial=True)  # noqa: S608 - `literal`
        return {"owner": found[0]["owner"], "epoch": found[0]["epoch"]} if found else {"owner": None, "epoch": None}

    def silence(self) -> float | None:
        """Seconds since the holder last gave a sign of life, by the clock of the servers; None when nobody can tell.

        Raises:
            StatementFailure: as its kind that fits.
        """
        columns = "writetime(beat) AS beaten, toUnixTimestamp(now()) AS now"
        found = self.rows.read(f"SELECT {columns} FROM {self._table} {self._where}")  # noqa: S608 - `literal`
        if not found or found[0]["beaten"] is None:
            return None
        now, beaten = int(found[0]["now"]) / 1000, int(found[0]["beaten"]) / 1_000_000
        return max(0.0, now - beaten)

    def create(self) -> None:
        """Make the row, free and in epoch 0, unless it exists.

        Raises:
            StatementFailure: as its kind that fits.
        """
        values = f"({literal(self.name)}, 0, 0)"
        self.rows.compare_and_set(f"INSERT INTO {self._table} (name, epoch, beat) VALUES {values} IF NOT EXISTS")  # noqa: S608 - `literal`

    def change(self, when: Mapping[str, Any], to: Mapping[str, Any]) -> Answer:
        """Set the columns of ``to`` if those of ``when``, owner and epoch among them, are as given.

        Raises:
            StatementFailure: as its kind that fits.
        """
        values = ", ".join(f"{column} = {literal(value)}" for column, value in to.items())
        conditions = " AND ".join(f"{column} = {literal(value)}" for column, value in when.items())
        found = self.rows.compare_and_set(f"UPDATE {self._table} SET {values} {self._where} IF {conditions}")  # noqa: S608 - `literal`
        return Answer(found.applied, found.row.get("owner"), found.row.get("epoch"))


def _row(found: Mapping[str, Any]) -> LockRow:
    """The row; columns that an older release did not write are as on a new row."""
    values = {name: found[name] for name in _COLUMNS if found[name] is not None}
    written = [found[name.partition(" AS ")[2]] for name in _WRITTEN]
    values["ahead"] = max((time / 1_000_000 for time in written if time is not None), default=0.0) - found["now"] / 1000
    if "acquired_at" in values:
        values["acquired_at"] = values["acquired_at"].replace(tzinfo=timezone.utc)  # the driver's are naive, in UTC
    return LockRow(**values)
