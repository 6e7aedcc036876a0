"""Many rows, one by one, with so many requests under way and no more.

*In*: rows or keys, as they come from any iterable. *Out*: a report, row by row. What fails for a passing reason and may
be sent twice is sent again, in rounds with pauses; everything else is reported as it is.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Final, TypeAlias

import attrs
from typing_extensions import Self

from scyllamodel._numbers import check_integer
from scyllamodel.driver.batches import Batch
from scyllamodel.driver.failures import Meaning, meaning
from scyllamodel.driver.flows import Ask
from scyllamodel.driver.requests import Answer, Requests
from scyllamodel.driver.window import Window
from scyllamodel.errors import BulkWriteError, LoadError, ScyllaModelError
from scyllamodel.query.statement import Compiled

CONCURRENCY: Final = 64
"""Requests under way: twice as many gain little (seen: 155 and 157 µs of CPU a row)."""

AHEAD: Final = 3
"""How many times as many statements are made and not yet settled, so that answers find the next one waiting."""

GROUP: Final = 50
"""Rows of one batch when rows are grouped by partition."""

PAUSES: Final = (0.1, 0.5, 2.0)
"""Seconds before each further round of what failed for a passing reason."""

OnProgress: TypeAlias = Callable[["Progress"], Any]


@attrs.frozen
class Progress:
    """How far it is.

    Attributes:
        done: rows that need no more work, failed ones included.
        failed: of these.
        total: of all; None when the rows come from something without a length.
    """

    done: int
    failed: int
    total: int | None


@attrs.frozen
class RowError:
    """A row that was not written.

    Attributes:
        index: its place among those given, from 0.
        row: itself, or its key.
        error: why.
    """

    index: int
    row: Any = attrs.field(repr=False)
    error: Exception


@attrs.frozen
class BulkReport:
    """What became of many rows.

    Attributes:
        total: how many there were.
        sent: how many were sent; unchanged ones are not.
        requests: how many requests that took.
        retried: how many of these were sent again.
        errors: of the rows that failed, by their place.
        seconds: how long it took.
    """

    total: int
    sent: int
    requests: int
    retried: int
    errors: tuple[RowError, ...]
    seconds: float

    @property
    def written(self) -> int:
        """How many rows are as they should be, those that were so before included."""
        return self.total - len(self.errors)

    def checked(self, demanded: bool) -> Self:  # noqa: FBT001 - passed on from a keyword
        """The report itself, if what failed is not demanded to be an error."""
        if demanded:
            self.raise_errors()
        return self

    def raise_errors(self) -> None:
        """Raise what failed, if anything did.

        Raises:
            BulkWriteError: with this report.
        """
        if self.errors:
            first = self.errors[0]
            raise BulkWriteError(
                f"{len(self.errors):,} of {self.total:,} rows failed, the first of them number {first.index}: "
                f"{type(first.error).__name__}: {first.error}",
                report=self,
            ) from first.error


@attrs.define(eq=False)
class Job:
    """One request of one or several rows.

    Attributes:
        rows: with their places.
        compiled: None is nothing to do.
        done: called with the answer when it was done.
        error: why no statement could be made of its row.
    """

    rows: list[tuple[int, Any]]
    compiled: Compiled[Any] | None
    done: Callable[[Answer], Any] | None = None
    batch: Batch | None = None
    error: Exception | None = None


class Bulk:
    """One run over many rows.

    Parameters:
        jobs: as they are wanted, from any iterable; none is made before there is room for it.
        total: how many rows there will be, if that is known.
        stop: set by another thread, it ends the run before the next row.
    """

    def __init__(
        self,
        requests: Requests,
        jobs: Iterable[Job],
        *,
        concurrency: int,
        total: int | None,
        on_progress: OnProgress | None,
        stop: threading.Event | None = None,
    ) -> None:
        self._requests, self._jobs = requests, jobs
        self._concurrency = concurrency = check_integer("concurrency", concurrency, least=1)
        self._total, self._on_progress, self._stop = total, on_progress, stop
        self._window = Window[Job](requests, concurrency)
        self._errors: list[RowError] = []
        self._again: list[Job] = []
        self._seen = self._done = self._sent = self._asked = self._retried = 0

    def run(self) -> BulkReport:
        """Work through all of them."""
        try:
            return self._rounds()
        except BaseException:  # Ctrl-C, or an error of what gives the rows
            self._window.drop()
            raise

    def _rounds(self) -> BulkReport:
        began = time.perf_counter()
        self._round(self._jobs, last=False)
        for pause in PAUSES:
            if self._again:
                time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - so that processes do not beat in time
                again, self._again = self._again, []
                self._retried += len(again)
                self._round(again, last=pause == PAUSES[-1])
        errors = tuple(sorted(self._errors, key=lambda error: error.index))
        seconds = time.perf_counter() - began
        return BulkReport(self._seen, self._sent, self._asked, self._retried, errors, seconds)

    def _round(self, jobs: Iterable[Job], *, last: bool) -> None:
        for job in jobs:
            if self._stop is not None and self._stop.is_set():
                break
            if self._window.asked >= AHEAD * self._concurrency:
                self._settle(self._concurrency, last=last)
            self._start(job)
        while self._window.asked:
            self._settle(self._window.asked, last=last)

    def _start(self, job: Job) -> None:
        self._seen = max(self._seen, 1 + max(index for index, _ in job.rows))
        if job.error is not None:
            self._fail(job, job.error)
            return
        if job.compiled is None:
            self._finish(len(job.rows))
            return
        ask = Ask(job.compiled)
        try:
            if job.batch is None:
                self._window.ask(ask, job)
            else:
                self._window.send(job.batch.statement(self._requests), job, ask)
        except (ScyllaModelError, TypeError, ValueError) as error:
            self._fail(job, error)
        else:
            self._asked += 1
            self._sent += len(job.rows)

    def _settle(self, at_least: int, *, last: bool) -> None:
        for job, answer, error in self._window.take(at_least):
            if answer is not None:
                self._take(job, answer)
            elif error is not None:
                self._judge(job, error, last=last)

    def _take(self, job: Job, answer: Answer) -> None:
        try:
            if job.done is not None:
                job.done(answer)
        except LoadError as error:
            self._fail(job, error)
        else:
            self._finish(len(job.rows))

    def _judge(self, job: Job, error: Exception, *, last: bool) -> None:
        """Send it again later, or give it up."""
        compiled = job.compiled
        may_repeat = compiled is not None and (compiled.options.idempotent or compiled.shape.idempotent)
        if may_repeat and not last and meaning(error) in (Meaning.UNKNOWN, Meaning.TRANSIENT):
            self._sent -= len(job.rows)
            self._again.append(job)
        else:
            self._fail(job, error)

    def _fail(self, job: Job, error: Exception) -> None:
        self._errors += [RowError(index, row, error) for index, row in job.rows]
        self._finish(len(job.rows))

    def _finish(self, rows: int) -> None:
        self._done += rows
        if self._on_progress is not None:
            self._on_progress(Progress(self._done, len(self._errors), self._total))


def grouped(jobs: Iterable[tuple[Job, Any]], make: Callable[[], Batch], size: int) -> Iterator[Job]:
    """Jobs of one partition each, in one unlogged batch of so many rows at most.

    Parameters:
        jobs: of one row each, with their partitions.
        make: an empty batch.
    """
    waiting: dict[Any, list[Job]] = {}
    for job, partition in jobs:
        if job.compiled is None:
            yield job
            continue
        group = waiting.setdefault(partition, [])
        group.append(job)
        if len(group) >= size:
            yield _together(waiting.pop(partition), make)
        elif len(waiting) > 4 * size:  # what waits for company is bounded
            yield _together(waiting.pop(next(iter(waiting))), make)
    for group in waiting.values():
        yield _together(group, make)


def _together(group: list[Job], make: Callable[[], Batch]) -> Job:
    if len(group) == 1:
        return group[0]
    batch = make()
    for job in group:
        if job.compiled is not None:
            batch.add(job.compiled)
    return Job([row for job in group for row in job.rows], batch.compiled(), partial(_all_done, group), batch)


def _all_done(group: list[Job], answer: Answer) -> None:
    for job in group:
        if job.done is not None:
            job.done(answer)
