"""Checkpoints in the table ``scyllamodel_backfills``: one row per backfill, one per copied range.

*In*: a repo, the keyspace of the table and the name of a backfill. *Out*: a `CheckpointStore`.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, Final

import attrs

from scyllamodel._identifiers import qualified
from scyllamodel.driver.data.api_base import client_of
from scyllamodel.driver.data.operations import fetch_rows, write
from scyllamodel.driver.data.sync_runner import run
from scyllamodel.driver.repo import Repo
from scyllamodel.query.statement import CompiledStatement, ExecutionOptions, Marker, StatementTemplate, Verb
from scyllamodel.release.backfill.records import BackfillRecord, Counts
from scyllamodel.release.ledger import ledger_scope
from scyllamodel.release.ledger.tables import BACKFILLS

_RECORD_PART: Final = -1
"""The part of the row of the backfill."""

_KEY: Final = ("scope", "name", "part")
_QUORUM: Final = ExecutionOptions(consistency="QUORUM")


class CqlCheckpointStore:
    """The rows of one backfill.

    Parameters:
        keyspace: of the internal tables.
    """

    def __init__(self, repo: Repo, keyspace: str, backfill: str) -> None:
        self._repo = repo
        self._keyspace = keyspace
        self._table = qualified(self._keyspace, BACKFILLS.name)
        self._key_values = (ledger_scope(repo.keyspace, repo.name), backfill)
        self._templates: dict[str, StatementTemplate[Any]] = {}

    def begin(self, new: BackfillRecord, *, restart: bool) -> BackfillRecord:
        """Return the existing backfill, or record a new one.

        Parameters:
            restart: record a new one in any case.
        """
        existing, written_at = self._read_record()
        if existing is not None and not restart:
            return existing
        self._write_record(new, written_at)
        return self._read_record()[0] or new

    def finish(self, record: BackfillRecord) -> None:
        """Record that everything is copied."""
        self._write_record(attrs.evolve(record, finished_at=datetime.now(timezone.utc)), self._read_record()[1])

    def copied_ranges(self, record: BackfillRecord) -> dict[int, Counts]:
        """Return the copied ranges with their counts."""
        rows = self._read("part, run_id, rows_in, rows_out, skipped", ">")
        return {part: Counts(*counts) for part, run_id, *counts in rows if run_id == record.run_id}

    def put_range(self, record: BackfillRecord, part: int, counts: Counts) -> None:
        """Record a copied range."""
        cells = {"run_id": record.run_id, **attrs.asdict(counts), "finished_at": datetime.now(timezone.utc)}
        self._write(part, cells, time.time_ns() // 1000)

    def _read_record(self) -> tuple[BackfillRecord | None, int]:
        """Return the existing record, and its write time."""
        names = [field.name for field in attrs.fields(BackfillRecord)]
        rows = self._read(", ".join([*names, "writetime(run_id)"]), "=")
        return (BackfillRecord(*rows[0][:-1]), rows[0][-1]) if rows else (None, 0)

    def _write_record(self, record: BackfillRecord, previous_write: int) -> None:
        """Write a record with a later timestamp than the existing one, whatever the local clock says."""
        cells = attrs.asdict(record) | {"host": socket.gethostname(), "pid": os.getpid()}
        self._write(_RECORD_PART, cells, max(time.time_ns() // 1000, previous_write + 1))

    def _read(self, columns: str, operator: str) -> list[tuple[Any, ...]]:
        cql = f"SELECT {columns} FROM {self._table} WHERE scope = ? AND name = ? AND part {operator} ?"  # noqa: S608 - own names
        return run(
            client_of(self._repo),
            fetch_rows(
                CompiledStatement(self._template(cql, _KEY, "select"), (*self._key_values, _RECORD_PART), _QUORUM)
            ),
        )

    def _write(self, part: int, cells: Mapping[str, Any], written_at: int) -> None:
        names = (*_KEY, *cells)
        markers = ", ".join("?" for _ in names)
        cql = f"INSERT INTO {self._table} ({', '.join(names)}) VALUES ({markers}) USING TIMESTAMP ?"  # noqa: S608 - own names
        template = self._template(cql, (*names, "[timestamp]"), "insert")
        run(
            client_of(self._repo),
            write(CompiledStatement(template, (*self._key_values, part, *cells.values(), written_at), _QUORUM)),
        )

    def _template(self, cql: str, names: tuple[str, ...], verb: Verb) -> StatementTemplate[Any]:
        template = self._templates.get(cql)
        if template is None:
            template = self._templates[cql] = StatementTemplate(
                cql, tuple(map(Marker, names)), verb, None, self._keyspace
            )
        return template
