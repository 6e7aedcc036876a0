"""How far a backfill is, and what became of it: plain values."""

from __future__ import annotations

from typing import Any

import attrs

MAX_REPORTED_FAILURES = 20
"""Rows that failed which a report holds; the number of all is in it too."""


@attrs.frozen
class BackfillProgress:
    """How far it is.

    Attributes:
        done: ranges of tokens that are copied, earlier runs included.
        ranges: all of them.
        rows_in: rows read by this run; rows_out: rows written by it.
        failed: rows that were not.
    """

    done: int
    ranges: int
    rows_in: int
    rows_out: int
    failed: int


@attrs.frozen
class FailedRow:
    """A row that was not copied: its key, in which values that are never shown are not, and why."""

    key: str
    error: str


@attrs.frozen
class BackfillReport:
    """What became of a backfill.

    Attributes:
        name: what is copied into what.
        finished: whether every range is copied; a dry run is never finished.
        done: ranges that are, earlier runs included; ranges: all of them.
        rows_in: rows that were read, earlier runs of the same backfill included.
        rows_out: rows that were written, or would be by a dry run.
        skipped: rows with nothing to copy: a null, an empty collection, or None from ``convert``.
        failed: rows that could not be converted or written in this run.
        failures: the first of these.
        seconds: how long this run took.
    """

    name: str
    finished: bool
    done: int
    ranges: int
    rows_in: int
    rows_out: int
    skipped: int
    failed: int
    failures: tuple[FailedRow, ...]
    seconds: float
    dry_run: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON values, by the schema ``backfill.schema.json`` of this package."""
        failures = [attrs.asdict(failure) for failure in self.failures]
        return {"format": 1, "kind": "backfill", **attrs.asdict(self), "failures": failures}
