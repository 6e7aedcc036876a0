"""Progress and report of a backfill: plain values."""

from __future__ import annotations

from typing import Any

import attrs

MAX_REPORTED_FAILURES = 20
"""Maximum number of failed rows in a report; their count is exact."""


@attrs.frozen
class BackfillProgress:
    """Progress of a backfill.

    Attributes:
        done: copied ranges, of earlier runs too.
        ranges: total number of ranges.
        rows_in: rows read by this run.
        rows_out: rows written by this run.
        failed: rows that were not copied.
    """

    done: int
    ranges: int
    rows_in: int
    rows_out: int
    failed: int


@attrs.frozen
class FailedRow:
    """A row that was not copied: its key, without redacted values, and the error."""

    key: str
    error: str


@attrs.frozen
class BackfillReport:
    """Report of a backfill.

    Attributes:
        name: source and target.
        finished: whether every range is copied; a dry run is never finished.
        done: copied ranges, of earlier runs too.
        ranges: total number of ranges.
        rows_in: rows read, by earlier runs too.
        rows_out: rows written, or that a dry run would write.
        skipped: rows with nothing to copy: a null, an empty collection, or None from ``convert``.
        failed: rows that could not be converted or written in this run.
        failures: the first of these.
        seconds: duration of this run.
        dry_run: whether nothing was written.
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
        """Return the report as plain JSON values, by the schema ``backfill.schema.json`` of this package."""
        failures = [attrs.asdict(failure) for failure in self.failures]
        return {"format": 1, "kind": "backfill", **attrs.asdict(self), "failures": failures}
