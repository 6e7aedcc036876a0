"""Which ranges a backfill copies, based on the checkpoints of earlier runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from uuid import UUID

import attrs
import pytest

from scyllamodel import Column, ConfigurationError, Model, Repo, column, partition_key
from scyllamodel.release.backfill.copier import Copier, Throttle
from scyllamodel.release.backfill.records import BackfillRecord, Counts
from scyllamodel.release.backfill.run import _begin
from scyllamodel.release.backfill.store import CheckpointStore
from scyllamodel.release.backfill.value_task import ValueTask


class Priced(Model, table="priced", repo="unit_backfill"):
    """A model with the price in two columns, one of which is new."""

    id: Column[int] = partition_key()
    old: Column[int] = column(default=0)
    new: Column[int] = column(default=0)


RECORD = BackfillRecord(UUID(int=1), parts=2, since=0, convert="")
TASK = ValueTask.build(Priced.old, Priced.new, None, "shop")


class MemoryCheckpoints:
    """A checkpoint store in memory."""

    def __init__(self, existing: BackfillRecord | None, ranges: Mapping[int, Counts]) -> None:
        self.existing, self.ranges = existing, dict(ranges)

    def begin(self, new: BackfillRecord, *, restart: bool) -> BackfillRecord:
        """Return the existing backfill, or record a new one."""
        if self.existing is None or restart:
            self.existing, self.ranges = new, {}
        return self.existing

    def copied_ranges(self, record: BackfillRecord) -> Mapping[int, Counts]:
        """Return the copied ranges if they belong to this run."""
        return self.ranges if record.run_id == self.existing.run_id else {}

    def put_range(self, record: BackfillRecord, part: int, counts: Counts) -> None:
        """Record a copied range of the current run."""
        assert record.run_id == self.existing.run_id
        self.ranges[part] = counts

    def finish(self, record: BackfillRecord) -> None:
        """Record the end of the run."""
        self.existing = attrs.evolve(record, finished_at=datetime.now(timezone.utc))


def copied(checkpoints: CheckpointStore):
    """The report of a run that cannot read, since its repo has no server."""
    repo = Repo(nodes=["10.0.0.1"], keyspace="shop")
    return Copier(repo, TASK, RECORD, Throttle(None, 1, "QUORUM"), checkpoints, None).run()


def test_copied_ranges_are_not_read_again():
    """A run whose ranges are all copied reads nothing, and reports what earlier runs copied."""
    report = copied(MemoryCheckpoints(RECORD, {0: Counts(3, 2, 1), 1: Counts(2, 2, 0)}))

    assert (True, 2, 5, 4, 1) == (report.finished, report.done, report.rows_in, report.rows_out, report.skipped)


def test_the_end_is_recorded():
    """A run that was stopped after its last range records the end when it is started again."""
    checkpoints = MemoryCheckpoints(RECORD, {0: Counts(), 1: Counts()})
    copied(checkpoints)

    assert checkpoints.existing.finished_at is not None


def test_a_run_resumes_the_one_that_was_started():
    """A resumed run has the id, the ranges and the default timestamp of the first one."""
    earlier = attrs.evolve(RECORD, run_id=UUID(int=7), since=5)

    assert earlier == _begin(MemoryCheckpoints(earlier, {}), RECORD, TASK, again=False)


def test_another_function_needs_a_restart():
    """A backfill with another function is refused, unless it is restarted."""
    other = attrs.evolve(RECORD, convert="shop:cents")
    checkpoints = MemoryCheckpoints(RECORD, {0: Counts()})

    with pytest.raises(ConfigurationError, match="started with convert=None, not shop:cents"):
        _begin(checkpoints, other, TASK, again=False)
    assert other == _begin(checkpoints, other, TASK, again=True)
    assert {} == checkpoints.ranges
