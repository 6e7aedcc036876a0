"""The storage that a backfill needs.

*In, out*: records of a backfill and its ranges. The copier sees this protocol and no table. Concurrent runs of a
backfill share the ranges; two that copy the same range write the same, so there is no lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from scyllamodel.release.backfill.records import BackfillRecord, Counts


class CheckpointStore(Protocol):
    """The checkpoints of one backfill."""

    def begin(self, new: BackfillRecord, *, restart: bool) -> BackfillRecord:
        """Return the existing backfill, or record a new one.

        Parameters:
            restart: record a new one in any case.
        """
        ...

    def copied_ranges(self, record: BackfillRecord) -> Mapping[int, Counts]:
        """Return the copied ranges with their counts."""
        ...

    def put_range(self, record: BackfillRecord, part: int, counts: Counts) -> None:
        """Record a copied range."""
        ...

    def finish(self, record: BackfillRecord) -> None:
        """Record that everything is copied."""
        ...
