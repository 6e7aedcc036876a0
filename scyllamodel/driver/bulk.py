"""Many rows, one by one, with a bounded number of requests in flight.

*In*: jobs, as they come from any iterable. *Out*: a report, row by row. What fails for a passing reason and may be sent
twice is sent again, in rounds with pauses; everything else is reported as it is. The work is one generator, which says
what it needs next; a thread that waits, or an event loop, provides it. A run that is broken off sends nothing more,
waits for the answers to what was sent, and attaches its report to the exception.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import random
import time
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Generator, Hashable, Iterable, Iterator
from functools import partial
from typing import Any, Final, TypeAlias, cast

import attrs

from scyllamodel._numbers import check_integer
from scyllamodel.driver.batches import Batch, may_be_applied
from scyllamodel.driver.bulk_report import BulkReport, OnProgress, Progress, RowError
from scyllamodel.driver.failures import StatementOutcome, classify
from scyllamodel.driver.flows import Execute
from scyllamodel.driver.listeners import async_callback_message
from scyllamodel.driver.requests import Requests, Response
from scyllamodel.driver.window import AsyncRequestWindow, RequestWindow
from scyllamodel.errors import LoadError, RequestFailed, RequestTimeout
from scyllamodel.query.statement import Compiled, Shape

CONCURRENCY: Final = 64
"""Requests under way: twice as many gain little (seen: 155 and 157 µs of CPU a row)."""

LOOKAHEAD: Final = 3
"""How many times as many statements are made and not yet settled, so that answers find the next one waiting."""

BATCH_ROWS: Final = 50
"""Rows of one batch when rows are grouped by partition."""

RETRY_PAUSES: Final = (0.1, 0.5, 2.0)
"""Seconds before each further round of what failed for a passing reason."""

PREPARE_RETRY_DELAY: Final = 1.0
"""Seconds for which rows whose statement could not be prepared have that error, before it is prepared again."""

DRAIN_TIMEOUT: Final = 60.0
"""Seconds that a run which is broken off waits for the answers to what it has sent; requests time out long before."""

YIELD_INTERVAL: Final = 200
"""Jobs after which an event loop gets a turn, if the run has not waited for anything."""


@attrs.define(eq=False)
class Job:
    """One request of one or several rows.

    Attributes:
        rows: with their places.
        compiled: None is nothing to do.
        on_success: called with the answer when it was done.
        error: why no statement could be made of its row.
        on_end: called once, whatever came of the job.
        on_unknown: called before that if it may be applied, and nobody knows.
        partition: rows of one partition may share a batch.
        is_finished: whether it is accounted for.
        unresolved_error: the error of an earlier attempt that may be applied, whatever comes of the later ones.
    """

    rows: list[tuple[int, Any]] = attrs.field(repr=False)  # instances, or keys with values that are not shown
    compiled: Compiled[Any] | None
    on_success: Callable[[Response], Any] | None = None
    batch: Batch | None = None
    error: Exception | None = None
    on_end: Callable[[], Any] | None = None
    on_unknown: Callable[[], Any] | None = None
    partition: Hashable = attrs.field(default=None, repr=False)
    is_finished: bool = False
    unresolved_error: Exception | None = None


@attrs.frozen
class _Sleep:
    """Wait for so many seconds."""

    seconds: float


@attrs.frozen
class _AwaitResponses:
    """Wait until at least so many answers are there."""

    minimum: int


@attrs.frozen
class _BindJob:
    """Prepare a statement and bind its values; what is wrong with it is the answer."""

    compiled: Compiled[Any]


@attrs.frozen
class _AwaitCallback:
    """Await what an async ``on_progress`` returned."""

    awaitable: Awaitable[Any]


_NEXT_JOB: Final = "next"
"""The next job, or None after the last one."""

_Effect: TypeAlias = "_Sleep | _AwaitResponses | _BindJob | _AwaitCallback | str"


class BulkRun:
    """One run over many rows.

    Parameters:
        jobs: as they are wanted, from any iterable; none is made before there is room for it.
        total: how many rows there will be, if that is known.
        grouping: collects jobs of one partition into batches.
        abandon_source: called when the run is broken off; gives the rows that were read ahead of it.
    """

    def __init__(
        self,
        requests: Requests,
        jobs: Iterable[Job] | AsyncIterable[Job],
        *,
        concurrency: int,
        total: int | None,
        on_progress: OnProgress | None,
        grouping: PartitionGrouping | None = None,
        abandon_source: Callable[[], Iterable[Any]] = tuple,
    ) -> None:
        self._requests, self._jobs, self._abandon_source = requests, jobs, abandon_source
        self._concurrency = check_integer("concurrency", concurrency, minimum=1)
        self._total, self._on_progress, self._grouping = total, on_progress, grouping
        self._window: RequestWindow[Job] | AsyncRequestWindow[Job]
        self._responses: deque[tuple[Job, Response | None, Exception | None]] = deque()
        self._in_flight: dict[int, Job] = {}
        self._current_job: Job | None = None
        self._retries: deque[tuple[Job, Exception]] = deque()
        self._errors: list[RowError] = []
        self._prepare_errors: dict[Shape[Any], tuple[RequestFailed, float]] = {}
        self._row_count = self._finished_rows = self._sent_rows = self._request_count = self._retry_count = 0
        self._start_time = time.perf_counter()

    def run(self) -> BulkReport:
        """Work through all of them, in a thread that waits.

        Raises:
            BaseException: what the source of the jobs or ``on_progress`` raised, with the report as ``report``.
        """
        if isinstance(self._jobs, AsyncIterable):
            raise TypeError("a Repo takes rows and keys from an iterable; an async iterable is for an AsyncRepo")
        window = self._window = RequestWindow[Job](self._requests, self._concurrency)
        jobs, process = iter(self._jobs), self._process()
        try:
            effect = next(process, None)
            while effect is not None:
                effect = _resume(process, self._fulfil(window, effect, jobs))
        except BaseException as error:  # Ctrl-C too
            try:
                self._stop()
                self._responses += window.drain(DRAIN_TIMEOUT)
            except BaseException as second_interrupt:  # it is pressed again
                self._abort(second_interrupt)
                raise
            self._abort(error)
            raise
        return self._report()

    def _fulfil(self, window: RequestWindow[Job], effect: _Effect, jobs: Iterator[Job]) -> Any:
        if effect is _NEXT_JOB:
            return next(jobs, None)
        if isinstance(effect, _AwaitResponses):
            return window.take(effect.minimum)
        if isinstance(effect, _AwaitCallback):
            raise TypeError(async_callback_message("on_progress"))
        return (
            self._bind(effect.compiled) if isinstance(effect, _BindJob) else time.sleep(cast("_Sleep", effect).seconds)
        )

    async def run_async(self) -> BulkReport:
        """Work through all of them in the running event loop; errors as of `run`, and what cancels the task."""
        window = self._window = AsyncRequestWindow[Job](self._requests, self._concurrency)
        is_async = isinstance(self._jobs, AsyncIterable)
        jobs: Any = aiter(cast("Any", self._jobs)) if is_async else iter(cast("Any", self._jobs))
        process, iterations = self._process(), 0
        try:
            effect = next(process, None)
            while effect is not None:
                iterations += 1
                if effect is _NEXT_JOB and not is_async:
                    if iterations >= YIELD_INTERVAL:
                        await asyncio.sleep(iterations := 0)
                    result = next(jobs, None)
                else:
                    result = await self._fulfil_async(window, effect, jobs)
                effect = _resume(process, result)
        except GeneratorExit as error:  # the coroutine is closed, and nothing can be awaited any more
            self._responses += window.arrived()
            self._abort(error)
            raise
        except BaseException as error:
            try:
                self._stop()
                self._responses += await window.drain_async(DRAIN_TIMEOUT)
            except BaseException as second_interrupt:  # the task is cancelled again
                self._abort(second_interrupt)
                raise
            self._abort(error)
            raise
        return self._report()

    async def _fulfil_async(self, window: AsyncRequestWindow[Job], effect: _Effect, jobs: AsyncIterator[Job]) -> Any:
        if effect is _NEXT_JOB:
            return await anext(jobs, None)
        if isinstance(effect, _AwaitResponses):
            return await window.take_async(effect.minimum)
        if isinstance(effect, _AwaitCallback):
            return await effect.awaitable
        if isinstance(effect, _BindJob):
            return await self._bind_async(effect.compiled)
        return await asyncio.sleep(cast("_Sleep", effect).seconds)

    def _bind(self, compiled: Compiled[Any]) -> Any:
        """The statement of a row, prepared now; or what is wrong with it."""
        try:
            return self._requests.prepare_and_bind(compiled)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a row is its own error
            return error

    async def _bind_async(self, compiled: Compiled[Any]) -> Any:
        try:
            return await self._requests.prepare_and_bind_async(compiled)
        except Exception as error:  # noqa: BLE001 - as of `_bound`
            return error

    def _process(self) -> Generator[_Effect, Any, None]:
        while (job := (yield _NEXT_JOB)) is not None:
            self._row_count += len(job.rows)
            for ready_job in (job,) if self._grouping is None else self._grouping.add(job):
                yield from self._start(ready_job, is_last=False)
        for ready_job in () if self._grouping is None else self._grouping.flush():
            yield from self._start(ready_job, is_last=False)
        yield from self._collect_all(is_last=False)
        for pause in RETRY_PAUSES:
            if self._retries:
                yield _Sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - so that processes do not beat in time
                self._retry_count += len(self._retries)
                yield from self._retry_round(is_last=pause == RETRY_PAUSES[-1])

    def _retry_round(self, *, is_last: bool) -> Generator[_Effect, Any, None]:
        self._prepare_errors.clear()
        for _ in range(len(self._retries)):
            yield from self._start(self._retries[0][0], is_last=is_last, is_retry=True)
        yield from self._collect_all(is_last=is_last)

    def _collect_all(self, *, is_last: bool) -> Generator[_Effect, Any, None]:
        while self._window.outstanding:
            yield from self._collect(self._window.outstanding, is_last=is_last)

    def _start(self, job: Job, *, is_last: bool, is_retry: bool = False) -> Generator[_Effect, Any, None]:
        self._current_job = job
        if self._window.outstanding >= LOOKAHEAD * self._concurrency:
            yield from self._collect(self._concurrency, is_last=is_last)
        if job.error is not None or job.compiled is None:
            self._record(job, None, job.error, is_last=True)
            yield from self._notify()
            return
        try:
            cached = (
                self._requests.bind_cached(job.compiled) if job.batch is None else job.batch.bind_cached(self._requests)
            )
            statement = (yield from self._bind_job(job)) if cached is None else cached
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a row is its own error
            statement = error
        if is_retry:
            self._retries.popleft()
        if isinstance(statement, Exception):
            self._record(job, None, statement, is_last=is_last, was_sent=False)
            yield from self._notify()
            return
        self._request_count += 1
        self._sent_rows += len(job.rows)
        self._in_flight[id(job)], self._current_job = job, None
        self._window.send(statement, job, Execute(job.compiled))

    def _bind_job(self, job: Job) -> Generator[_Effect, Any, Any]:
        """The statement of a job for which the server has to be asked."""
        if job.batch is None:
            return (yield from self._prepare(cast("Compiled[Any]", job.compiled)))
        statements: list[Any] = []
        for compiled in job.batch.compiled_statements:
            statements.append((yield from self._prepare(compiled)))  # noqa: PERF401 - a comprehension cannot yield
        return job.batch.to_driver_batch(statements)

    def _prepare(self, compiled: Compiled[Any]) -> Generator[_Effect, Any, Any]:
        """A statement, prepared now; while the server does not prepare it, only one row in a while waits for that."""
        earlier_error, retry_at = self._prepare_errors.get(compiled.shape, (None, 0.0))
        if earlier_error is not None and time.monotonic() < retry_at:
            raise earlier_error
        result = yield _BindJob(compiled)
        if isinstance(result, RequestFailed):
            self._prepare_errors[compiled.shape] = result, time.monotonic() + PREPARE_RETRY_DELAY
        if isinstance(result, Exception):
            raise result
        return result

    def _collect(self, minimum: int, *, is_last: bool) -> Generator[_Effect, Any, None]:
        self._responses += yield _AwaitResponses(minimum)
        while self._responses:
            self._record_first(is_last=is_last)
            yield from self._notify()

    def _record_first(self, *, is_last: bool) -> None:
        job, response, error = self._responses[0]
        self._record(job, response, error, is_last=is_last)
        self._responses.popleft()

    def _record(
        self, job: Job, response: Response | None, error: Exception | None, *, is_last: bool, was_sent: bool = True
    ) -> None:
        """Take note of what came of a job, once; what may be sent again is kept for the next round."""
        if job.is_finished:
            return
        if response is not None and job.on_success is not None:
            try:
                job.on_success(response)
            except LoadError as load_failure:
                self._finish(job, load_failure)
                return
            except Exception as callback_error:  # of the caller's own function
                self._finish(job, callback_error)
                raise
        if error is not None and not is_last and _is_retryable(job, error, was_sent=was_sent):
            if was_sent:
                self._sent_rows -= len(job.rows)
            if may_be_applied(error):
                job.unresolved_error = error
            self._retries.append((job, error))
        else:
            self._finish(job, error)

    def _finish(self, job: Job, error: Exception | None) -> None:
        if job.is_finished:
            return
        job.is_finished = True
        self._in_flight.pop(id(job), None)
        if error is not None and job.unresolved_error is not None and not may_be_applied(error):
            error = job.unresolved_error
        if error is not None and job.on_unknown is not None and may_be_applied(error):
            job.on_unknown()
        if job.on_end is not None:
            job.on_end()
        self._finished_rows += len(job.rows)
        if error is not None:
            self._errors += [RowError(index, row, error) for index, row in job.rows]

    def _notify(self) -> Generator[_Effect, Any, None]:
        if self._on_progress is not None:
            returned = self._on_progress(Progress(self._finished_rows, len(self._errors), self._total))
            if inspect.isawaitable(returned):
                yield _AwaitCallback(returned)

    def _stop(self) -> None:
        """Send nothing more; what was not sent, or waits to be sent again, has failed."""
        for row in self._abandon_source():
            self._finish(Job([(self._row_count, row)], None), _not_sent_error())
            self._row_count += 1
        for job in self._window.drop_queued():
            self._request_count -= 1
            self._sent_rows -= len(job.rows)
            self._finish(job, _not_sent_error())
        for job, error in self._retries:
            self._finish(job, error)
        if self._current_job is not None:
            self._finish(self._current_job, self._current_job.error or _not_sent_error())
        self._retries.clear()
        for job in () if self._grouping is None else self._grouping.flush():
            self._finish(job, job.error or _not_sent_error())

    def _abort(self, error: BaseException) -> None:
        """Account for the answers that came, and attach the report to what ends the run.

        This ends all jobs, whether or not `_stop` did before it: a second Ctrl-C may have interrupted that.
        """
        self._stop()
        while self._responses:
            with contextlib.suppress(Exception):  # of the caller's own function, for one row
                self._record_first(is_last=True)
        for job in list(self._in_flight.values()):
            self._finish(job, RequestTimeout("No answer came before the run was broken off.", may_be_applied=True))
        report = self._report()
        error.report = report  # type: ignore[attr-defined]
        add_note: Any = getattr(error, "add_note", None)  # Python 3.11
        if add_note is not None:
            add_note(
                f"{report.written:,} of the {report.total:,} rows that had been taken are written; error.report lists "
                "the others."
            )

    def _report(self) -> BulkReport:
        errors = tuple(sorted(self._errors, key=lambda error: error.index))
        seconds = time.perf_counter() - self._start_time
        return BulkReport(self._row_count, self._sent_rows, self._request_count, self._retry_count, errors, seconds)


def _resume(process: Generator[_Effect, Any, None], result: Any) -> _Effect | None:
    """What the course needs next; None when it has ended."""
    try:
        return process.send(result)
    except StopIteration:
        return None


def _not_sent_error() -> RequestFailed:
    return RequestFailed("The run was broken off before this row was sent.", may_be_applied=False)


def _is_retryable(job: Job, error: Exception, *, was_sent: bool) -> bool:
    """Whether a job may be sent again, and would perhaps succeed."""
    if not was_sent:
        return isinstance(error, RequestFailed) and classify(error) in (
            StatementOutcome.UNKNOWN,
            StatementOutcome.TRANSIENT,
        )
    compiled = cast("Compiled[Any]", job.compiled)
    is_idempotent = compiled.options.idempotent or compiled.shape.idempotent
    return is_idempotent and classify(error) in (StatementOutcome.UNKNOWN, StatementOutcome.TRANSIENT)


class PartitionGrouping:
    """Collects jobs of one row each into unlogged batches, of one partition each.

    Parameters:
        new_batch: an empty batch.
        size: rows of one batch, at most.
    """

    def __init__(self, new_batch: Callable[[], Batch], size: int) -> None:
        self._new_batch, self._size = new_batch, size
        self._groups: dict[Hashable, list[Job]] = {}

    def add(self, job: Job) -> Iterator[Job]:
        """The jobs that are ready now that this one has come."""
        if job.compiled is None:
            yield job
            return
        group = self._groups.setdefault(job.partition, [])
        group.append(job)
        if len(group) >= self._size:
            yield self._batch_job(self._groups.pop(job.partition))
        elif len(self._groups) > 4 * self._size:  # what waits for company is bounded
            yield self._batch_job(self._groups.pop(next(iter(self._groups))))

    def flush(self) -> Iterator[Job]:
        """The jobs that are still waiting for company."""
        while self._groups:
            yield self._batch_job(self._groups.pop(next(iter(self._groups))))

    def _batch_job(self, group: list[Job]) -> Job:
        if len(group) == 1:
            return group[0]
        batch = self._new_batch()
        for job in group:
            batch.add_compiled(cast("Compiled[Any]", job.compiled))
        rows = [row for job in group for row in job.rows]
        on_success, on_unknown, on_end = (
            partial(_call_all, group, name) for name in ("on_success", "on_unknown", "on_end")
        )
        return Job(rows, batch.as_compiled(), on_success, batch, on_unknown=on_unknown, on_end=on_end)


def _call_all(group: list[Job], name: str, *arguments: Response) -> None:
    """Call what each job has under a name: ``on_success``, ``on_unknown`` or ``on_end``."""
    for job in group:
        callback = getattr(job, name)
        if callback is not None:
            callback(*arguments)
