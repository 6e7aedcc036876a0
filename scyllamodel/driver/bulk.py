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
from scyllamodel.driver.failures import Meaning, meaning
from scyllamodel.driver.flows import Ask
from scyllamodel.driver.listeners import unawaited
from scyllamodel.driver.requests import Answer, Requests
from scyllamodel.driver.window import AsyncWindow, Window
from scyllamodel.errors import LoadError, RequestFailed, RequestTimeout
from scyllamodel.query.statement import Compiled, Shape

CONCURRENCY: Final = 64
"""Requests under way: twice as many gain little (seen: 155 and 157 µs of CPU a row)."""

AHEAD: Final = 3
"""How many times as many statements are made and not yet settled, so that answers find the next one waiting."""

GROUP: Final = 50
"""Rows of one batch when rows are grouped by partition."""

PAUSES: Final = (0.1, 0.5, 2.0)
"""Seconds before each further round of what failed for a passing reason."""

UNPREPARED: Final = 1.0
"""Seconds for which rows whose statement could not be prepared have that error, before it is prepared again."""

SETTLE: Final = 60.0
"""Seconds that a run which is broken off waits for the answers to what it has sent; requests time out long before."""

TURN: Final = 200
"""Jobs after which an event loop gets a turn, if the run has not waited for anything."""


@attrs.define(eq=False)
class Job:
    """One request of one or several rows.

    Attributes:
        rows: with their places.
        compiled: None is nothing to do.
        done: called with the answer when it was done.
        error: why no statement could be made of its row.
        ended: called once, whatever came of the job.
        lost: called before that if it may be applied, and nobody knows.
        partition: rows of one partition may share a batch.
        settled: whether it is accounted for.
        doubt: the error of an earlier attempt that may be applied, whatever comes of the later ones.
    """

    rows: list[tuple[int, Any]] = attrs.field(repr=False)  # instances, or keys with values that are not shown
    compiled: Compiled[Any] | None
    done: Callable[[Answer], Any] | None = None
    batch: Batch | None = None
    error: Exception | None = None
    ended: Callable[[], Any] | None = None
    lost: Callable[[], Any] | None = None
    partition: Hashable = attrs.field(default=None, repr=False)
    settled: bool = False
    doubt: Exception | None = None


@attrs.frozen
class _Pause:
    """Wait for so many seconds."""

    seconds: float


@attrs.frozen
class _Arrivals:
    """Wait until at least so many answers are there."""

    at_least: int


@attrs.frozen
class _Bound:
    """Prepare a statement and bind its values; what is wrong with it is the answer."""

    compiled: Compiled[Any]


@attrs.frozen
class _Awaited:
    """Await what an async ``on_progress`` returned."""

    found: Awaitable[Any]


_NEXT: Final = "next"
"""The next job, or None after the last one."""

_Need: TypeAlias = "_Pause | _Arrivals | _Bound | _Awaited | str"


class Bulk:
    """One run over many rows.

    Parameters:
        jobs: as they are wanted, from any iterable; none is made before there is room for it.
        total: how many rows there will be, if that is known.
        grouping: collects jobs of one partition into batches.
        leave: called when the run is broken off; gives the rows that were read ahead of it.
    """

    def __init__(
        self,
        requests: Requests,
        jobs: Iterable[Job] | AsyncIterable[Job],
        *,
        concurrency: int,
        total: int | None,
        on_progress: OnProgress | None,
        grouping: Grouping | None = None,
        leave: Callable[[], Iterable[Any]] = tuple,
    ) -> None:
        self._requests, self._jobs, self._leave = requests, jobs, leave
        self._concurrency = check_integer("concurrency", concurrency, least=1)
        self._total, self._on_progress, self._grouping = total, on_progress, grouping
        self._window: Window[Job] | AsyncWindow[Job]
        self._arrived: deque[tuple[Job, Answer | None, Exception | None]] = deque()
        self._open: dict[int, Job] = {}
        self._starting: Job | None = None
        self._again: deque[tuple[Job, Exception]] = deque()
        self._errors: list[RowError] = []
        self._unprepared: dict[Shape[Any], tuple[RequestFailed, float]] = {}
        self._seen = self._done = self._sent = self._asked = self._retried = 0
        self._began = time.perf_counter()

    def run(self) -> BulkReport:
        """Work through all of them, in a thread that waits.

        Raises:
            BaseException: what the source of the jobs or ``on_progress`` raised, with the report as ``report``.
        """
        if isinstance(self._jobs, AsyncIterable):
            raise TypeError("a Repo takes rows and keys from an iterable; an async iterable is for an AsyncRepo")
        window = self._window = Window[Job](self._requests, self._concurrency)
        jobs, course = iter(self._jobs), self._course()
        try:
            need = next(course, None)
            while need is not None:
                need = _resumed(course, self._met(window, need, jobs))
        except BaseException as error:  # Ctrl-C too
            try:
                self._stop()
                self._arrived += window.rest(SETTLE)
            except BaseException as again:  # it is pressed again
                self._break_off(again)
                raise
            self._break_off(error)
            raise
        return self._report()

    def _met(self, window: Window[Job], need: _Need, jobs: Iterator[Job]) -> Any:
        if need is _NEXT:
            return next(jobs, None)
        if isinstance(need, _Arrivals):
            return window.take(need.at_least)
        if isinstance(need, _Awaited):
            raise TypeError(unawaited("on_progress"))
        return self._bound(need.compiled) if isinstance(need, _Bound) else time.sleep(cast("_Pause", need).seconds)

    async def run_async(self) -> BulkReport:
        """Work through all of them in the running event loop; errors as of `run`, and what cancels the task."""
        window = self._window = AsyncWindow[Job](self._requests, self._concurrency)
        awaited = isinstance(self._jobs, AsyncIterable)
        jobs: Any = aiter(cast("Any", self._jobs)) if awaited else iter(cast("Any", self._jobs))
        course, turns = self._course(), 0
        try:
            need = next(course, None)
            while need is not None:
                turns += 1
                if need is _NEXT and not awaited:
                    if turns >= TURN:
                        await asyncio.sleep(turns := 0)
                    found = next(jobs, None)
                else:
                    found = await self._met_async(window, need, jobs)
                need = _resumed(course, found)
        except GeneratorExit as error:  # the coroutine is closed, and nothing can be awaited any more
            self._arrived += window.arrived()
            self._break_off(error)
            raise
        except BaseException as error:
            try:
                self._stop()
                self._arrived += await window.rest_async(SETTLE)
            except BaseException as again:  # the task is cancelled again
                self._break_off(again)
                raise
            self._break_off(error)
            raise
        return self._report()

    async def _met_async(self, window: AsyncWindow[Job], need: _Need, jobs: AsyncIterator[Job]) -> Any:
        if need is _NEXT:
            return await anext(jobs, None)
        if isinstance(need, _Arrivals):
            return await window.arrivals(need.at_least)
        if isinstance(need, _Awaited):
            return await need.found
        if isinstance(need, _Bound):
            return await self._bound_async(need.compiled)
        return await asyncio.sleep(cast("_Pause", need).seconds)

    def _bound(self, compiled: Compiled[Any]) -> Any:
        """The statement of a row, prepared now; or what is wrong with it."""
        try:
            return self._requests.bound(compiled)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a row is its own error
            return error

    async def _bound_async(self, compiled: Compiled[Any]) -> Any:
        try:
            return await self._requests.bound_async(compiled)
        except Exception as error:  # noqa: BLE001 - as of `_bound`
            return error

    def _course(self) -> Generator[_Need, Any, None]:
        while (job := (yield _NEXT)) is not None:
            self._seen += len(job.rows)
            for one in (job,) if self._grouping is None else self._grouping.add(job):
                yield from self._start(one, last=False)
        for one in () if self._grouping is None else self._grouping.rest():
            yield from self._start(one, last=False)
        yield from self._settle_all(last=False)
        for pause in PAUSES:
            if self._again:
                yield _Pause(pause * random.uniform(0.5, 1.5))  # noqa: S311 - so that processes do not beat in time
                self._retried += len(self._again)
                yield from self._round_again(last=pause == PAUSES[-1])

    def _round_again(self, *, last: bool) -> Generator[_Need, Any, None]:
        self._unprepared.clear()
        for _ in range(len(self._again)):
            yield from self._start(self._again[0][0], last=last, again=True)
        yield from self._settle_all(last=last)

    def _settle_all(self, *, last: bool) -> Generator[_Need, Any, None]:
        while self._window.asked:
            yield from self._settle(self._window.asked, last=last)

    def _start(self, job: Job, *, last: bool, again: bool = False) -> Generator[_Need, Any, None]:
        self._starting = job
        if self._window.asked >= AHEAD * self._concurrency:
            yield from self._settle(self._concurrency, last=last)
        if job.error is not None or job.compiled is None:
            self._account(job, None, job.error, last=True)
            yield from self._tell()
            return
        try:
            ready = self._requests.ready(job.compiled) if job.batch is None else job.batch.ready(self._requests)
            found = (yield from self._statement(job)) if ready is None else ready
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a row is its own error
            found = error
        if again:
            self._again.popleft()
        if isinstance(found, Exception):
            self._account(job, None, found, last=last, sent=False)
            yield from self._tell()
            return
        self._asked += 1
        self._sent += len(job.rows)
        self._open[id(job)], self._starting = job, None
        self._window.send(found, job, Ask(job.compiled))

    def _statement(self, job: Job) -> Generator[_Need, Any, Any]:
        """The statement of a job for which the server has to be asked."""
        if job.batch is None:
            return (yield from self._prepared(cast("Compiled[Any]", job.compiled)))
        bound: list[Any] = []
        for compiled in job.batch.statements:
            bound.append((yield from self._prepared(compiled)))  # noqa: PERF401 - a comprehension cannot yield
        return job.batch.joined(bound)

    def _prepared(self, compiled: Compiled[Any]) -> Generator[_Need, Any, Any]:
        """A statement, prepared now; while the server does not prepare it, only one row in a while waits for that."""
        failed, until = self._unprepared.get(compiled.shape, (None, 0.0))
        if failed is not None and time.monotonic() < until:
            raise failed
        found = yield _Bound(compiled)
        if isinstance(found, RequestFailed):
            self._unprepared[compiled.shape] = found, time.monotonic() + UNPREPARED
        if isinstance(found, Exception):
            raise found
        return found

    def _settle(self, at_least: int, *, last: bool) -> Generator[_Need, Any, None]:
        self._arrived += yield _Arrivals(at_least)
        while self._arrived:
            self._account_first(last=last)
            yield from self._tell()

    def _account_first(self, *, last: bool) -> None:
        job, answer, error = self._arrived[0]
        self._account(job, answer, error, last=last)
        self._arrived.popleft()

    def _account(
        self, job: Job, answer: Answer | None, error: Exception | None, *, last: bool, sent: bool = True
    ) -> None:
        """Take note of what came of a job, once; what may be sent again is kept for the next round."""
        if job.settled:
            return
        if answer is not None and job.done is not None:
            try:
                job.done(answer)
            except LoadError as failed:
                self._end(job, failed)
                return
            except Exception as failed:  # of the caller's own function
                self._end(job, failed)
                raise
        if error is not None and not last and _passes(job, error, sent=sent):
            if sent:
                self._sent -= len(job.rows)
            if may_be_applied(error):
                job.doubt = error
            self._again.append((job, error))
        else:
            self._end(job, error)

    def _end(self, job: Job, error: Exception | None) -> None:
        if job.settled:
            return
        job.settled = True
        self._open.pop(id(job), None)
        if error is not None and job.doubt is not None and not may_be_applied(error):
            error = job.doubt
        if error is not None and job.lost is not None and may_be_applied(error):
            job.lost()
        if job.ended is not None:
            job.ended()
        self._done += len(job.rows)
        if error is not None:
            self._errors += [RowError(index, row, error) for index, row in job.rows]

    def _tell(self) -> Generator[_Need, Any, None]:
        if self._on_progress is not None:
            found = self._on_progress(Progress(self._done, len(self._errors), self._total))
            if inspect.isawaitable(found):
                yield _Awaited(found)

    def _stop(self) -> None:
        """Send nothing more; what was not sent, or waits to be sent again, has failed."""
        for row in self._leave():
            self._end(Job([(self._seen, row)], None), _not_sent())
            self._seen += 1
        for job in self._window.drop():
            self._asked -= 1
            self._sent -= len(job.rows)
            self._end(job, _not_sent())
        for job, error in self._again:
            self._end(job, error)
        if self._starting is not None:
            self._end(self._starting, self._starting.error or _not_sent())
        self._again.clear()
        for job in () if self._grouping is None else self._grouping.rest():
            self._end(job, job.error or _not_sent())

    def _break_off(self, error: BaseException) -> None:
        """Account for the answers that came, and attach the report to what ends the run.

        This ends all jobs, whether or not `_stop` did before it: a second Ctrl-C may have interrupted that.
        """
        self._stop()
        while self._arrived:
            with contextlib.suppress(Exception):  # of the caller's own function, for one row
                self._account_first(last=True)
        for job in list(self._open.values()):
            self._end(job, RequestTimeout("No answer came before the run was broken off.", may_be_applied=True))
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
        seconds = time.perf_counter() - self._began
        return BulkReport(self._seen, self._sent, self._asked, self._retried, errors, seconds)


def _resumed(course: Generator[_Need, Any, None], found: Any) -> _Need | None:
    """What the course needs next; None when it has ended."""
    try:
        return course.send(found)
    except StopIteration:
        return None


def _not_sent() -> RequestFailed:
    return RequestFailed("The run was broken off before this row was sent.", may_be_applied=False)


def _passes(job: Job, error: Exception, *, sent: bool) -> bool:
    """Whether a job may be sent again, and would perhaps succeed."""
    if not sent:
        return isinstance(error, RequestFailed) and meaning(error) in (Meaning.UNKNOWN, Meaning.TRANSIENT)
    compiled = cast("Compiled[Any]", job.compiled)
    may_repeat = compiled.options.idempotent or compiled.shape.idempotent
    return may_repeat and meaning(error) in (Meaning.UNKNOWN, Meaning.TRANSIENT)


class Grouping:
    """Collects jobs of one row each into unlogged batches, of one partition each.

    Parameters:
        make: an empty batch.
        size: rows of one batch, at most.
    """

    def __init__(self, make: Callable[[], Batch], size: int) -> None:
        self._make, self._size = make, size
        self._waiting: dict[Hashable, list[Job]] = {}

    def add(self, job: Job) -> Iterator[Job]:
        """The jobs that are ready now that this one has come."""
        if job.compiled is None:
            yield job
            return
        group = self._waiting.setdefault(job.partition, [])
        group.append(job)
        if len(group) >= self._size:
            yield self._together(self._waiting.pop(job.partition))
        elif len(self._waiting) > 4 * self._size:  # what waits for company is bounded
            yield self._together(self._waiting.pop(next(iter(self._waiting))))

    def rest(self) -> Iterator[Job]:
        """The jobs that are still waiting for company."""
        while self._waiting:
            yield self._together(self._waiting.pop(next(iter(self._waiting))))

    def _together(self, group: list[Job]) -> Job:
        if len(group) == 1:
            return group[0]
        batch = self._make()
        for job in group:
            batch.add(cast("Compiled[Any]", job.compiled))
        rows = [row for job in group for row in job.rows]
        done, lost, ended = (partial(_all, group, name) for name in ("done", "lost", "ended"))
        return Job(rows, batch.compiled(), done, batch, lost=lost, ended=ended)


def _all(group: list[Job], name: str, *given: Answer) -> None:
    """Call what each job has under a name: ``done``, ``lost`` or ``ended``."""
    for job in group:
        call = getattr(job, name)
        if call is not None:
            call(*given)
