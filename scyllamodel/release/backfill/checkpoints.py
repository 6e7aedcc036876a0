"""What is copied already, in the ledger's keyspace: one row for each backfill, and one for each range that is done.

*In*: a repo, and the name of a backfill. *Out*: what earlier runs left. Runs of the same backfill share its ranges;
what two of them copy at a time is the same, so nothing is locked.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, Final
from uuid import UUID

import attrs

from scyllamodel._identifiers import qualified
from scyllamodel.driver.flows import fetch_rows, write
from scyllamodel.driver.repo import Repo
from scyllamodel.query.statement import Compiled, Marker, Options, Shape, Verb
from scyllamodel.release.ledger import scope_of
from scyllamodel.release.tables import BACKFILLS

_HEAD: Final = -1
"""The part under which the row of the backfill itself stands."""

_KEY: Final = ("scope", "name", "part")
_QUORUM: Final = Options(consistency="QUORUM")


@attrs.frozen
class Head:
    """A backfill.

    Attributes:
        run_id: which one; beginning anew makes another.
        parts: how many ranges there are.
        since: microseconds since 1970, the time of values that have none of their own.
        convert: the function that makes values, by name; empty where they are copied as they are.
        finished_at: when all of it was copied.
    """

    run_id: UUID
    parts: int
    since: int
    convert: str
    finished_at: datetime | None = None


@attrs.frozen
class Counts:
    """Rows of some ranges: read, written, and with nothing to copy."""

    rows_in: int = 0
    rows_out: int = 0
    skipped: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.rows_in + other.rows_in, self.rows_out + other.rows_out, self.skipped + other.skipped)


class Checkpoints:
    """Those of one backfill.

    Parameters:
        keyspace: that of the internal tables.
    """

    def __init__(self, repo: Repo, keyspace: str, name: str) -> None:
        self._repo = repo
        self._keyspace = keyspace
        self._table = qualified(self._keyspace, BACKFILLS.name)
        self._place = (scope_of(repo.keyspace, repo.name), name)
        self._shapes: dict[str, Shape[Any]] = {}

    def begin(self, new: Head, *, again: bool) -> Head:
        """The backfill that there is, or this new one.

        Parameters:
            again: this new one, whatever there is.
        """
        found, written = self._head()
        if found is not None and not again:
            return found
        self._put_head(new, written)
        return self._head()[0] or new

    def finish(self, head: Head) -> None:
        """All of it is copied."""
        self._put_head(attrs.evolve(head, finished_at=datetime.now(timezone.utc)), self._head()[1])

    def done(self, head: Head) -> dict[int, Counts]:
        """The ranges that are copied, and their counts."""
        rows = self._read("part, run_id, rows_in, rows_out, skipped", ">")
        return {part: Counts(*counts) for part, run, *counts in rows if run == head.run_id}

    def put(self, head: Head, part: int, counts: Counts) -> None:
        """A range is copied."""
        cells = {"run_id": head.run_id, **attrs.asdict(counts), "finished_at": datetime.now(timezone.utc)}
        self._write(part, cells, time.time_ns() // 1000)

    def _head(self) -> tuple[Head | None, int]:
        """The backfill that there is, and when its row was written."""
        names = [field.name for field in attrs.fields(Head)]
        found = self._read(", ".join([*names, "writetime(run_id)"]), "=")
        return (Head(*found[0][:-1]), found[0][-1]) if found else (None, 0)

    def _put_head(self, head: Head, after: int) -> None:
        """Write it later than what there is, whatever our clock says."""
        cells = attrs.asdict(head) | {"host": socket.gethostname(), "pid": os.getpid()}
        self._write(_HEAD, cells, max(time.time_ns() // 1000, after + 1))

    def _read(self, columns: str, operator: str) -> list[tuple[Any, ...]]:
        cql = f"SELECT {columns} FROM {self._table} WHERE scope = ? AND name = ? AND part {operator} ?"  # noqa: S608 - names of ours
        return self._repo.run(fetch_rows(Compiled(self._shape(cql, _KEY, "select"), (*self._place, _HEAD), _QUORUM)))

    def _write(self, part: int, cells: Mapping[str, Any], written: int) -> None:
        names = (*_KEY, *cells)
        marks = ", ".join("?" for _ in names)
        cql = f"INSERT INTO {self._table} ({', '.join(names)}) VALUES ({marks}) USING TIMESTAMP ?"  # noqa: S608 - likewise
        shape = self._shape(cql, (*names, "[timestamp]"), "insert")
        self._repo.run(write(Compiled(shape, (*self._place, part, *cells.values(), written), _QUORUM)))

    def _shape(self, cql: str, names: tuple[str, ...], verb: Verb) -> Shape[Any]:
        found = self._shapes.get(cql)
        if found is None:
            found = self._shapes[cql] = Shape(cql, tuple(map(Marker, names)), verb, None, self._keyspace)
        return found
