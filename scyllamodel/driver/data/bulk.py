"""Many rows, one request each, with a bounded number of requests in flight.

In: jobs from any iterable. Out: a report with one entry for each failed row. A failure that is transient and safe to
repeat is sent again, in rounds with pauses. The work is one generator that yields what it needs next; a waiting thread
or an event loop provides it. An interrupted run sends nothing more, waits for the answers to sent requests, and
attaches its report to the exception.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import random
import time
from collections import deque
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Hashable,
    Iterable,
    Iterator,
    Sequence,
)
from typing import Any, Final, TypeAlias, cast

import attrs

from scyllamodel._numbers import check_integer
from scyllamodel.driver.data.bulk_report import BulkReport, OnProgress, Progress, RowError
from scyllamodel.driver.data.callbacks import async_callback_message
from scyllamodel.driver.data.in_flight import AsyncRequestWindow, RequestWindow
from scyllamodel.driver.data.message_binding import bind_batch_cached, to_driver_batch
from scyllamodel.driver.data.messages import Execute, Response
from scyllamodel.driver.data.requests import Requests
from scyllamodel.driver.outcomes import StatementOutcome, classify
from scyllamodel.errors import LoadError, RequestFailed, RequestTimeout
from scyllamodel.model.change_tracking import InstanceWrite, Snapshot
from scyllamodel.query.batch_writes import BatchWrites
from scyllamodel.query.instance_writes import may_be_applied
from scyllamodel.query.statement import CompiledStatement, StatementTemplate

CONCURRENCY: Final = 64
"""Requests in flight: doubling it gains little (measured: 155 and 157 µs of CPU a row)."""

SENT_TOGETHER: Final = 16
"""Requests sent together, and responses processed together; a quarter of the concurrency if that is less."""

BATCH_ROWS: Final = 50
"""Rows of one batch when rows are grouped by partition."""

RETRY_PAUSES: Final = (0.1, 0.5, 2.0, 5.0)
"""Seconds before each further round of transient failures, give or take a half.

The driver reconnects to a host whose connections broke after 1 second, and after 2 more seconds if that fails: by
default, both attempts are over before the last round (`ExponentialReconnectionPolicy`, 15 % of jitter).
"""

PREPARE_RETRY_DELAY: Final = 1.0
"""Seconds for which rows of a template that could not be prepared fail with its error, before it is prepared again."""

DRAIN_TIMEOUT: Final = 60.0
"""Seconds that an interrupted run waits for outstanding answers; requests time out long before."""

YIELD_INTERVAL: Final = 200
"""Jobs after which the event loop gets a turn, if the run has not waited for anything."""


@attrs.define(eq=False)
class Job:
    """One request, for one or several rows.

    Attributes:
        rows: with their positions.
        compiled: None when there is nothing to send.
        on_success: called with the response.
        write: of an instance.
        saved_row: the state of that instance if the write is applied; None after a DELETE.
        error: why no statement could be made.
        batch: of the jobs in `parts`.
        partition: jobs of one partition may share a batch.
        is_finished: whether its outcome is recorded.
        unresolved_error: of an earlier attempt that may be applied, whatever the outcome of later ones.
    """

    rows: list[tuple[int, Any]] = attrs.field(repr=False)  # instances, or keys with values that must not be shown
    compiled: CompiledStatement[Any] | None
    on_success: Callable[[Response], Any] | None = None
    write: InstanceWrite | None = None
    saved_row: Snapshot | None = attrs.field(default=None, repr=False)
    error: Exception | None = None
    batch: BatchWrites | None = None
    parts: Sequence[Job] = attrs.field(default=(), repr=False)
    partition: Hashable = attrs.field(default=None, repr=False)
    is_finished: bool = False
    unresolved_error: Exception | None = None

    def succeed(self, response: Response) -> None:
        """Store the outcome; raises what the caller's callback raises."""
        if self.write is not None:
            self.write.applied(self.saved_row)
        if self.on_success is not None:
            self.on_success(response)
        for part in self.parts:
            part.succeed(response)

    def lose(self) -> None:
        """Note that the write may be applied, or not."""
        if self.write is not None:
            self.write.lose()
        for part in self.parts:
            part.lose()

    def end(self) -> None:
        """Give the instances back, whatever the outcome."""
        if self.write is not None:
            self.write.end()
        for part in self.parts:
            part.end()


@attrs.frozen
class _Sleep:
    """Sleep for some seconds."""

    seconds: float


@attrs.frozen
class _AwaitResponses:
    """Wait for a minimum number of responses."""

    minimum: int


@attrs.frozen
class _BindJob:
    """Prepare a statement and bind its values; an error is the result."""

    compiled: CompiledStatement[Any]


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
        jobs: consumed on demand; none is made before there is room for it.
        total: number of rows, if known.
        grouping: collects jobs of one partition into batches.
        abandon_source: called when the run is interrupted; returns the rows read ahead.
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
        self._batch_size = max(1, min(SENT_TOGETHER, self._concurrency // 4))
        self._total, self._on_progress, self._grouping = total, on_progress, grouping
        self._window: RequestWindow[Job] | AsyncRequestWindow[Job]
        self._responses: deque[tuple[Job, Response | None, Exception | None]] = deque()
        self._in_flight: dict[int, Job] = {}
        self._current_job: Job | None = None
        self._retries: deque[tuple[Job, Exception]] = deque()
        self._errors: list[RowError] = []
        self._prepare_errors: dict[StatementTemplate[Any], tuple[RequestFailed, float]] = {}
        self._row_count = self._finished_rows = self._sent_rows = self._request_count = self._retry_count = 0
        self._start_time = time.perf_counter()

    def run(self) -> BulkReport:
        """Process all jobs in this thread.

        Raises:
            BaseException: what the source of the jobs or ``on_progress`` raised, with the report as ``report``.
        """
        if isinstance(self._jobs, AsyncIterable):
            raise TypeError("a Repo takes rows and keys from an iterable; use an AsyncRepo for an async iterable")
        window = self._window = RequestWindow[Job](self._requests)
        process = self._process(iter(self._jobs))
        try:
            effect = next(process, None)
            while effect is not None:
                effect = _resume(process, self._fulfil(window, effect))
        except BaseException as error:  # including Ctrl-C
            try:
                self._stop()
                self._responses += window.drain(DRAIN_TIMEOUT)
            except BaseException as second_interrupt:  # Ctrl-C again
                self._abort(second_interrupt)
                raise
            self._abort(error)
            raise
        return self._report()

    def _fulfil(self, window: RequestWindow[Job], effect: _Effect) -> Any:
        if isinstance(effect, _AwaitResponses):
            return window.take(effect.minimum)
        if isinstance(effect, _AwaitCallback):
            raise TypeError(async_callback_message("on_progress"))
        return (
            self._bind(effect.compiled) if isinstance(effect, _BindJob) else time.sleep(cast("_Sleep", effect).seconds)
        )

    async def run_async(self) -> BulkReport:
        """Process all jobs in the running event loop; also raises what cancels the task."""
        window = self._window = AsyncRequestWindow[Job](self._requests)
        is_async = isinstance(self._jobs, AsyncIterable)
        jobs: Any = aiter(cast("Any", self._jobs)) if is_async else iter(cast("Any", self._jobs))
        process = self._process(None if is_async else jobs, yields=True)
        try:
            effect = next(process, None)
            while effect is not None:
                effect = _resume(process, await self._fulfil_async(window, effect, jobs))
        except GeneratorExit as error:  # the coroutine is closed, and nothing can be awaited
            self._responses += window.arrived()
            self._abort(error)
            raise
        except BaseException as error:
            try:
                self._stop()
                self._responses += await window.drain_async(DRAIN_TIMEOUT)
            except BaseException as second_interrupt:  # cancelled again
                self._abort(second_interrupt)
                raise
            self._abort(error)
            raise
        return self._report()

    async def _fulfil_async(self, window: AsyncRequestWindow[Job], effect: _Effect, jobs: AsyncIterator[Job]) -> Any:
        if effect is _NEXT_JOB:
            try:
                return await anext(jobs, None)
            except Exception:
                window.flush()
                raise
        if isinstance(effect, _AwaitResponses):
            return await window.take_async(effect.minimum)
        if isinstance(effect, _AwaitCallback):
            return await effect.awaitable
        if isinstance(effect, _BindJob):
            return await self._bind_async(effect.compiled)
        return await asyncio.sleep(cast("_Sleep", effect).seconds)

    def _bind(self, compiled: CompiledStatement[Any]) -> Any:
        """Return the bound statement of a row, prepared if necessary, or its error."""
        try:
            return self._requests.prepare_and_bind(compiled)
        except Exception as error:  # noqa: BLE001 - any error belongs to the row
            return error

    async def _bind_async(self, compiled: CompiledStatement[Any]) -> Any:
        try:
            return await self._requests.prepare_and_bind_async(compiled)
        except Exception as error:  # noqa: BLE001 - any error belongs to the row
            return error

    def _process(self, jobs: Iterator[Job] | None, *, yields: bool = False) -> Generator[_Effect, Any, None]:
        """Process all jobs.

        Parameters:
            jobs: None if each must be awaited.
            yields: whether an event loop gets a turn now and then.
        """
        while (job := (yield _NEXT_JOB) if jobs is None else self._next_job(jobs)) is not None:
            self._row_count += len(job.rows)
            for ready_job in (job,) if self._grouping is None else self._grouping.add(job):
                if not self._send_prepared(ready_job):
                    yield from self._start(ready_job, is_last=False)
            if yields and not self._row_count % YIELD_INTERVAL:  # a job of the source has one row
                yield _Sleep(0)
        for ready_job in () if self._grouping is None else self._grouping.flush():
            yield from self._start(ready_job, is_last=False)
        yield from self._collect_all(is_last=False)
        for pause in RETRY_PAUSES:
            if self._retries:
                yield _Sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter between processes
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

    def _next_job(self, jobs: Iterator[Job]) -> Job | None:
        """Return the next job, or None after the last one; if the source raises, the rows before that are sent."""
        try:
            return next(jobs, None)
        except Exception:
            self._window.flush()
            raise

    def _send_prepared(self, job: Job) -> bool:
        """Send a job of one prepared statement if there is room; False where `_start` has more to do."""
        self._current_job = job
        if self._window.outstanding >= self._concurrency:
            return False
        if job.compiled is None or job.batch is not None or job.error is not None:
            return False
        try:
            statement = self._requests.bind_cached(job.compiled)
        except Exception:  # noqa: BLE001 - comes up again, and belongs to the row
            return False
        if statement is None:
            return False
        self._send(job, job.compiled, statement)
        return True

    def _send(self, job: Job, compiled: CompiledStatement[Any], statement: Any) -> None:
        self._request_count += 1
        self._sent_rows += len(job.rows)
        self._in_flight[id(job)], self._current_job = job, None
        self._window.queue(statement, job, Execute(compiled), size=self._batch_size)

    def _start(self, job: Job, *, is_last: bool, is_retry: bool = False) -> Generator[_Effect, Any, None]:
        self._current_job = job
        if self._window.outstanding >= self._concurrency:
            yield from self._collect(self._batch_size, is_last=is_last)
        if job.error is not None or job.compiled is None:
            self._record(job, None, job.error, is_last=True)
            yield from self._notify()
            return
        try:
            cached = (
                self._requests.bind_cached(job.compiled)
                if job.batch is None
                else bind_batch_cached(self._requests, job.batch)
            )
            statement = (yield from self._bind_job(job)) if cached is None else cached
        except Exception as error:  # noqa: BLE001 - any error belongs to the row
            statement = error
        if is_retry:
            self._retries.popleft()
        if isinstance(statement, Exception):
            self._record(job, None, statement, is_last=is_last, was_sent=False)
            yield from self._notify()
            return
        self._send(job, job.compiled, statement)

    def _bind_job(self, job: Job) -> Generator[_Effect, Any, Any]:
        """Return the statement of a job that must be prepared first."""
        if job.batch is None:
            return (yield from self._prepare(cast("CompiledStatement[Any]", job.compiled)))
        statements: list[Any] = []
        for compiled in job.batch.compiled_statements:
            statements.append((yield from self._prepare(compiled)))  # noqa: PERF401 - a comprehension cannot yield
        return to_driver_batch(job.batch, statements)

    def _prepare(self, compiled: CompiledStatement[Any]) -> Generator[_Effect, Any, Any]:
        """Prepare a statement; while preparing fails, only one row per interval waits for it."""
        earlier_error, retry_at = self._prepare_errors.get(compiled.template, (None, 0.0))
        if earlier_error is not None and time.monotonic() < retry_at:
            raise earlier_error
        result = yield _BindJob(compiled)
        if isinstance(result, RequestFailed):
            self._prepare_errors[compiled.template] = result, time.monotonic() + PREPARE_RETRY_DELAY
        if isinstance(result, Exception):
            raise result
        return result

    def _collect(self, minimum: int, *, is_last: bool) -> Generator[_Effect, Any, None]:
        self._responses += yield _AwaitResponses(minimum)
        while self._responses:
            self._record_first(is_last=is_last)
            if self._on_progress is not None:
                yield from self._notify()

    def _record_first(self, *, is_last: bool) -> None:
        job, response, error = self._responses[0]
        self._record(job, response, error, is_last=is_last)
        self._responses.popleft()

    def _record(
        self, job: Job, response: Response | None, error: Exception | None, *, is_last: bool, was_sent: bool = True
    ) -> None:
        """Record the outcome of a job once; a retryable failure is queued for the next round."""
        if job.is_finished:
            return
        if response is not None:
            try:
                job.succeed(response)
            except LoadError as load_failure:
                self._finish(job, load_failure)
                return
            except Exception as callback_error:  # raised by the caller's callback
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
        if error is not None and may_be_applied(error):
            job.lose()
        job.end()
        self._finished_rows += len(job.rows)
        if error is not None:
            self._errors += [RowError(index, row, error) for index, row in job.rows]

    def _notify(self) -> Generator[_Effect, Any, None]:
        if self._on_progress is not None:
            returned = self._on_progress(Progress(self._finished_rows, len(self._errors), self._total))
            if inspect.isawaitable(returned):
                yield _AwaitCallback(returned)

    def _stop(self) -> None:
        """Send nothing more; jobs not sent, or queued for a retry, have failed."""
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
        """Record the responses that arrived, and attach the report to the error.

        All jobs end here, whether or not `_stop` ended them before: a second Ctrl-C may have interrupted it.
        """
        self._stop()
        while self._responses:
            with contextlib.suppress(Exception):  # raised by the caller's callback, for one row
                self._record_first(is_last=True)
        for job in list(self._in_flight.values()):
            self._finish(job, RequestTimeout("No answer came before the run was interrupted.", may_be_applied=True))
        report = self._report()
        error.report = report  # type: ignore[attr-defined]
        add_note: Any = getattr(error, "add_note", None)  # Python 3.11
        if add_note is not None:
            add_note(
                f"{report.written:,} of the {report.total:,} rows taken are written; error.report lists the others."
            )

    def _report(self) -> BulkReport:
        errors = tuple(sorted(self._errors, key=lambda error: error.index))
        seconds = time.perf_counter() - self._start_time
        return BulkReport(self._row_count, self._sent_rows, self._request_count, self._retry_count, errors, seconds)


def _resume(process: Generator[_Effect, Any, None], result: Any) -> _Effect | None:
    """Resume the process with a result; its next effect, or None at its end."""
    try:
        return process.send(result)
    except StopIteration:
        return None


def _not_sent_error() -> RequestFailed:
    return RequestFailed("The run was interrupted before this row was sent.", may_be_applied=False)


def _is_retryable(job: Job, error: Exception, *, was_sent: bool) -> bool:
    """Whether a failed job may be sent again and could succeed."""
    if not was_sent:
        return isinstance(error, RequestFailed) and classify(error) in (
            StatementOutcome.UNKNOWN,
            StatementOutcome.TRANSIENT,
        )
    compiled = cast("CompiledStatement[Any]", job.compiled)
    is_idempotent = compiled.options.idempotent or compiled.template.idempotent
    return is_idempotent and classify(error) in (StatementOutcome.UNKNOWN, StatementOutcome.TRANSIENT)


class PartitionGrouping:
    """A grouping of one-row jobs into unlogged batches, of one partition each.

    Parameters:
        new_batch: makes an empty batch.
        size: maximum rows of a batch.
    """

    def __init__(self, new_batch: Callable[[], BatchWrites], size: int) -> None:
        self._new_batch, self._size = new_batch, size
        self._groups: dict[Hashable, list[Job]] = {}

    def add(self, job: Job) -> Iterator[Job]:
        """Add a job, and yield the jobs that are complete."""
        if job.compiled is None:
            yield job
            return
        group = self._groups.setdefault(job.partition, [])
        group.append(job)
        if len(group) >= self._size:
            yield self._batch_job(self._groups.pop(job.partition))
        elif len(self._groups) > 4 * self._size:  # bounds the incomplete groups
            yield self._batch_job(self._groups.pop(next(iter(self._groups))))

    def flush(self) -> Iterator[Job]:
        """Yield the jobs of incomplete groups."""
        while self._groups:
            yield self._batch_job(self._groups.pop(next(iter(self._groups))))

    def _batch_job(self, group: list[Job]) -> Job:
        if len(group) == 1:
            return group[0]
        batch = self._new_batch()
        for job in group:
            batch.add_compiled(cast("CompiledStatement[Any]", job.compiled))
        rows = [row for job in group for row in job.rows]
        return Job(rows, batch.as_compiled(), batch=batch, parts=group)
