"""The copying itself: range after range, each noted when all of its rows are done.

*In*: what is to be copied, and what is copied already. *Out*: a `BackfillReport`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Protocol, TypeAlias

import attrs

from scyllamodel.driver.batches import Batch
from scyllamodel.driver.bulk import RETRY_PAUSES, BulkRun, Job
from scyllamodel.driver.drive import stream_rows
from scyllamodel.driver.failures import StatementOutcome, classify
from scyllamodel.driver.flows import Execute
from scyllamodel.driver.repo import Repo
from scyllamodel.driver.scan import token_ranges
from scyllamodel.errors import LoadError, ScyllaModelError
from scyllamodel.model.column import Column
from scyllamodel.query.statement import Compiled, Options
from scyllamodel.release.backfill.checkpoints import Checkpoints, Counts, Head
from scyllamodel.release.backfill.report import SHOWN, BackfillProgress, BackfillReport, FailedRow

PAGE: Final = 1000
"""Rows of a page."""

TELL: Final = 1.0
"""Seconds between two words on progress within a range."""

OnProgress: TypeAlias = Callable[[BackfillProgress], Any]


class Task(Protocol):
    """What is copied into what; the modules ``values`` and ``rows`` beside this one have one each."""

    @property
    def name(self) -> str:
        """For people and checkpoints."""
        ...

    @property
    def filled(self) -> tuple[Column[Any], ...]:
        """The columns that are written."""
        ...

    @property
    def secret(self) -> bool:
        """Whether what it reads has values that are not shown."""
        ...

    def reads(self, low: int, high: int, level: str) -> Compiled[Any]:
        """The read of a range of tokens, at a consistency level."""
        ...

    def key(self, row: Sequence[Any]) -> str:
        """The key of a row, for people."""
        ...

    def writes(self, row: Sequence[Any], since: int) -> list[Compiled[Any]]:
        """The statements for a row, all of one partition; none when there is nothing to copy."""
        ...


@attrs.frozen
class Pace:
    """How it is done.

    Attributes:
        rate: rows a second at most; None is as fast as it goes.
        concurrency: writes under way.
        level: consistency level of reads and writes.
    """

    rate: float | None
    concurrency: int
    level: str


@attrs.define(eq=False)
class Copying:
    """One run of a backfill.

    Attributes:
        checkpoints: None is a dry run, which writes nothing.
    """

    repo: Repo
    task: Task
    head: Head
    pace: Pace
    checkpoints: Checkpoints | None
    on_progress: OnProgress | None
    _done: dict[int, Counts] = attrs.field(factory=dict[int, Counts], init=False)
    _run: Counts = attrs.field(factory=Counts, init=False)
    _range: Counts = attrs.field(factory=Counts, init=False)
    _unread: list[FailedRow] = attrs.field(factory=list[FailedRow], init=False)
    _failures: list[FailedRow] = attrs.field(factory=list[FailedRow], init=False)
    _failed: int = attrs.field(default=0, init=False)
    _began: float = attrs.field(factory=time.monotonic, init=False)
    _told: float = attrs.field(default=0.0, init=False)

    def run(self) -> BackfillReport:
        """Copy all that is not copied."""
        if self.checkpoints is not None:
            self._done = self.checkpoints.done(self.head)
        before = sum(self._done.values(), Counts())
        for part, bounds in enumerate(token_ranges(self.head.parts)):
            if part not in self._done:
                self._copy(part, bounds)
        finished = len(self._done) == self.head.parts and self.checkpoints is not None
        if finished and self.checkpoints is not None and self.head.finished_at is None:
            self.checkpoints.finish(self.head)
        return self._report(before + self._run, finished=finished)

    def _report(self, counts: Counts, *, finished: bool) -> BackfillReport:
        return BackfillReport(
            name=self.task.name,
            finished=finished,
            done=len(self._done),
            ranges=self.head.parts,
            **attrs.asdict(counts),
            failed=self._failed,
            failures=tuple(self._failures),
            seconds=time.monotonic() - self._began,
            dry_run=self.checkpoints is None,
        )

    def _copy(self, part: int, bounds: tuple[int, int]) -> None:
        failed = self._attempts(bounds)
        counts = attrs.evolve(self._range, rows_out=self._range.rows_in - self._range.skipped - len(failed))
        self._run, self._range = self._run + counts, Counts()
        self._failed += len(failed)
        self._failures += failed[: SHOWN - len(self._failures)]
        if not failed:
            if self.checkpoints is not None and counts.rows_in:  # an empty range costs less to read than to note
                self.checkpoints.put(self.head, part, counts)
            self._done[part] = counts
        self._tell()

    def _attempts(self, bounds: tuple[int, int], pauses: Sequence[float] = RETRY_PAUSES) -> list[FailedRow]:
        """The rows of a range that failed; it is read again from its start when a read fails for a passing reason."""
        try:
            return self._once(bounds)
        except Exception as error:
            if not pauses or classify(error) not in (StatementOutcome.UNKNOWN, StatementOutcome.TRANSIENT):
                raise
        time.sleep(pauses[0])
        return self._attempts(bounds, pauses[1:])

    def _once(self, bounds: tuple[int, int]) -> list[FailedRow]:
        self._range, self._unread = Counts(), []
        jobs = self._jobs(bounds)
        if self.checkpoints is None:
            failed = [self._failure(job.rows[0][1], job.error) for job in jobs if job.error is not None]
        else:
            bulk = BulkRun(self.repo.requests(), jobs, concurrency=self.pace.concurrency, total=None, on_progress=None)
            failed = [self._failure(found.row, found.error) for found in bulk.run().errors]
        return self._unread + failed

    def _failure(self, row: Sequence[Any], error: Exception) -> FailedRow:
        name = type(error).__name__
        if self.task.secret and not isinstance(error, ScyllaModelError):  # our own hide what is redacted
            return FailedRow(self.task.key(row), f"{name}, whose text may quote a redacted value and is not shown")
        return FailedRow(self.task.key(row), f"{name}: {error}")

    def _jobs(self, bounds: tuple[int, int]) -> Iterator[Job]:
        ask = Execute(self.task.reads(*bounds, self.pace.level), page_size=PAGE)
        for index, row in enumerate(stream_rows(self.repo, ask, self._unreadable)):
            self._wait()
            self._range += Counts(rows_in=1)
            yield self._job(index, row)

    def _unreadable(self, error: LoadError) -> None:
        """Report a row that cannot be loaded among those that failed."""
        self._range += Counts(rows_in=1)
        key = ", ".join(f"{name}={value!r}" for name, value in error.key.items())
        self._unread.append(FailedRow(key, f"LoadError: {error}"))

    def _job(self, index: int, row: Sequence[Any]) -> Job:
        rows: list[tuple[int, Any]] = [(index, row)]
        try:
            writes = self.task.writes(row, self.head.since)
        except Exception as error:  # noqa: BLE001 - whatever a function of the user's raises is told of its row
            return Job(rows, None, error=error)
        if not writes:
            self._range += Counts(skipped=1)
            return Job(rows, None)
        if len(writes) == 1:
            return Job(rows, attrs.evolve(writes[0], options=Options(consistency=self.pace.level)))
        batch = Batch(self.repo.keyspace).unlogged().consistency(self.pace.level)
        for one in writes:
            batch.add_compiled(one)
        return Job(rows, batch.as_compiled(), batch=batch)

    def _wait(self) -> None:
        """Keep to the rate, and say now and then how far it is."""
        now = time.monotonic()
        if self.pace.rate is not None:
            ahead = (self._run.rows_in + self._range.rows_in) / self.pace.rate - (now - self._began)
            if ahead > 0:
                time.sleep(ahead)
        if now - self._told > TELL:
            self._tell()

    def _tell(self) -> None:
        self._told = time.monotonic()
        if self.on_progress is not None:
            counts = self._run + attrs.evolve(self._range, rows_out=self._range.rows_in - self._range.skipped)
            self.on_progress(
                BackfillProgress(len(self._done), self.head.parts, counts.rows_in, counts.rows_out, self._failed)
            )
