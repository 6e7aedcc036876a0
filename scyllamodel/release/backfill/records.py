"""Records of a backfill, and of each copied range, as values."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import attrs


@attrs.frozen
class BackfillRecord:
    """A backfill.

    Attributes:
        run_id: new after a restart.
        parts: number of ranges.
        since: default timestamp in microseconds, for values without one.
        convert: name of the function; empty without one.
        finished_at: when everything was copied.
    """

    run_id: UUID
    parts: int
    since: int
    convert: str
    finished_at: datetime | None = None


@attrs.frozen
class Counts:
    """Numbers of rows: read, written, skipped."""

    rows_in: int = 0
    rows_out: int = 0
    skipped: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.rows_in + other.rows_in, self.rows_out + other.rows_out, self.skipped + other.skipped)
