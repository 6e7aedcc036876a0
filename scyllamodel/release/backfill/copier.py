"""Copies range by range, with a checkpoint after each.

*In*: what is to be copied, and what is copied already. *Out*: a `BackfillReport`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Protocol, TypeAlias

import attrs

from scyllamodel._backoff import Backoff, retry
from scyllamodel.driver.data.api_base import client_of
from scyllamodel.driver.data.bulk import BulkRun, Job
from scyllamodel.driver.data.messages import Execute
from scyllamodel.driver.data.scan import token_ranges
from scyllamodel.driver.data.sync_runner import stream_rows
from scyllamodel.driver.outcomes import StatementOutcome, classify
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import LoadError, ScyllaModelError
from scyllamodel.model.column import Column
from scyllamodel.query.batch_writes import BatchWrites
from scyllamodel.query.statement import CompiledStatement, ExecutionOptions
from scyllamodel.release.backfill.records import BackfillRecord, Counts
from scyllamodel.release.backfill.report import MAX_REPORTED_FAILURES, BackfillProgress, BackfillReport, FailedRow
from scyllamodel.release.backfill.store import CheckpointStore

PAGE_SIZE: Final = 1000
"""Rows per page."""

PROGRESS_INTERVAL: Final = 1.0
"""Seconds between two progress reports within a range."""

_BACKOFF: Final = Backoff(0.5, 2.0)

OnProgress: TypeAlias = Callable[[BackfillProgress], Any]


class CopyTask(Protocol):
    """A source and a target to copy; `ValueTask` and `RowTask` implement it."""

    @property
    def name(self) -> str:
        """Name for people and checkpoints."""
        ...

    @property
    def target_columns(self) -> tuple[Column[Any], ...]:
        """The columns that are written."""
        ...

    @property
    def has_redacted(self) -> bool:
        """Whether values that are read must not be shown."""
        ...

    def select_range(self, low: int, high: int, consistency: str) -> CompiledStatement[Any]:
        """Return the SELECT of a token range."""
        ...

    def row_key(self, row: Sequence[Any]) -> str:
        """Return the key of a row, for messages."""
        ...

    def write_statements(self, row: Sequence[Any], default_timestamp: int) -> list[CompiledStatement[Any]]:
        """Return the statements for a row, all in one partition; none if there is nothing to copy."""
        ...


@attrs.frozen
class Throttle:
    """Speed and consistency of a backfill.

    Attributes:
        rate: rows per second at most; None is unlimited.
        concurrency: concurrent writes.
        consistency: of reads and writes.
    """

    rate: float | None
    concurrency: int
    consistency: str


@attrs.define(eq=False)
class Copier:
    """One run of a backfill.

    Attributes:
        checkpoints: None for a dry run.
    """

    repo: Repo
    task: CopyTask
    record: BackfillRecord
    throttle: Throttle
    checkpoints: CheckpointStore | None
    on_progress: OnProgress | None
    _copied_ranges: dict[int, Counts] = attrs.field(factory=dict[int, Counts], init=False)
    _run_counts: Counts = attrs.field(factory=Counts, init=False)
    _range_counts: Counts = attrs.field(factory=Counts, init=False)
    _unreadable_rows: list[FailedRow] = attrs.field(factory=list[FailedRow], init=False)
    _failures: list[FailedRow] = attrs.field(factory=list[FailedRow], init=False)
    _failed_count: int = attrs.field(default=0, init=False)
    _started_at: float = attrs.field(factory=time.monotonic, init=False)
    _last_report: float = attrs.field(default=0.0, init=False)

    def run(self) -> BackfillReport:
        """Copy all ranges that are not copied yet."""
        if self.checkpoints is not None:
            self._copied_ranges = dict(self.checkpoints.copied_ranges(self.record))
        earlier_counts = sum(self._copied_ranges.values(), Counts())
        for part, bounds in enumerate(token_ranges(self.record.parts)):
            if part not in self._copied_ranges:
                self._copy_range(part, bounds)
        finished = len(self._copied_ranges) == self.record.parts and self.checkpoints is not None
        if finished and self.checkpoints is not None and self.record.finished_at is None:
            self.checkpoints.finish(self.record)
        return self._report(earlier_counts + self._run_counts, finished=finished)

    def _report(self, counts: Counts, *, finished: bool) -> BackfillReport:
        return BackfillReport(
            name=self.task.name,
            finished=finished,
            done=len(self._copied_ranges),
            ranges=self.record.parts,
            **attrs.asdict(counts),
            failed=self._failed_count,
            failures=tuple(self._failures),
            seconds=time.monotonic() - self._started_at,
            dry_run=self.checkpoints is None,
        )

    def _copy_range(self, part: int, bounds: tuple[int, int]) -> None:
        failed = self._copy_with_retries(bounds)
        counts = attrs.evolve(
            self._range_counts, rows_out=self._range_counts.rows_in - self._range_counts.skipped - len(failed)
        )
        self._run_counts, self._range_counts = self._run_counts + counts, Counts()
        self._failed_count += len(failed)
        self._failures += failed[: MAX_REPORTED_FAILURES - len(self._failures)]
        if not failed:
            if self.checkpoints is not None and counts.rows_in:  # reading an empty range is cheaper than recording it
                self.checkpoints.put_range(self.record, part, counts)
            self._copied_ranges[part] = counts
        self._report_progress()

    def _copy_with_retries(self, bounds: tuple[int, int]) -> list[FailedRow]:
        """Copy a range and return the rows that failed; a transient read error starts the range again."""
        return retry(lambda: self._copy_once(bounds), is_transient=_is_transient, attempts=4, backoff=_BACKOFF)

    def _copy_once(self, bounds: tuple[int, int]) -> list[FailedRow]:
        self._range_counts, self._unreadable_rows = Counts(), []
        jobs = self._jobs(bounds)
        if self.checkpoints is None:
            failed = [self._failed_row(job.rows[0][1], job.error) for job in jobs if job.error is not None]
        else:
            bulk = BulkRun(
                client_of(self.repo).requests(),
                jobs,
                concurrency=self.throttle.concurrency,
                total=None,
                on_progress=None,
            )
            failed = [self._failed_row(failure.row, failure.error) for failure in bulk.run().errors]
        return self._unreadable_rows + failed

    def _failed_row(self, row: Sequence[Any], error: Exception) -> FailedRow:
        name = type(error).__name__
        if self.task.has_redacted and not isinstance(error, ScyllaModelError):  # errors of this package hide values
            return FailedRow(self.task.row_key(row), f"{name}, whose text may quote a redacted value and is not shown")
        return FailedRow(self.task.row_key(row), f"{name}: {error}")

    def _jobs(self, bounds: tuple[int, int]) -> Iterator[Job]:
        read = Execute(self.task.select_range(*bounds, self.throttle.consistency), page_size=PAGE_SIZE)
        for index, row in enumerate(stream_rows(client_of(self.repo), read, self._record_unreadable)):
            self._throttle()
            self._range_counts += Counts(rows_in=1)
            yield self._job(index, row)

    def _record_unreadable(self, error: LoadError) -> None:
        """Record a row that cannot be loaded as failed."""
        self._range_counts += Counts(rows_in=1)
        key = ", ".join(f"{name}={value!r}" for name, value in error.key.items())
        self._unreadable_rows.append(FailedRow(key, f"LoadError: {error}"))

    def _job(self, index: int, row: Sequence[Any]) -> Job:
        rows: list[tuple[int, Any]] = [(index, row)]
        try:
            writes = self.task.write_statements(row, self.record.since)
        except Exception as error:  # noqa: BLE001 - whatever the user's function raises is an error of its row
            return Job(rows, None, error=error)
        if not writes:
            self._range_counts += Counts(skipped=1)
            return Job(rows, None)
        options = ExecutionOptions(consistency=self.throttle.consistency)
        if len(writes) == 1:
            return Job(rows, attrs.evolve(writes[0], options=options))
        batch = BatchWrites(self.repo.keyspace, "unlogged", options)
        for statement in writes:
            batch.add_compiled(statement)
        return Job(rows, batch.as_compiled(), batch=batch)

    def _throttle(self) -> None:
        """Keep to the rate, and report progress every second."""
        current_time = time.monotonic()
        if self.throttle.rate is not None:
            seconds_ahead = (self._run_counts.rows_in + self._range_counts.rows_in) / self.throttle.rate - (
                current_time - self._started_at
            )
            if seconds_ahead > 0:
                time.sleep(seconds_ahead)
        if current_time - self._last_report > PROGRESS_INTERVAL:
            self._report_progress()

    def _report_progress(self) -> None:
        self._last_report = time.monotonic()
        if self.on_progress is not None:
            counts = self._run_counts + attrs.evolve(
                self._range_counts, rows_out=self._range_counts.rows_in - self._range_counts.skipped
            )
            self.on_progress(
                BackfillProgress(
                    len(self._copied_ranges), self.record.parts, counts.rows_in, counts.rows_out, self._failed_count
                )
            )


def _is_transient(error: Exception) -> bool:
    return classify(error) in (StatementOutcome.UNKNOWN, StatementOutcome.TRANSIENT)
