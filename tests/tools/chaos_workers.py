"""Threads, tasks, loops and forked children that perform the calls of a chaos run and measure their times.

*In*: repos and actors. *Out*: figures and violations in a `Record`. Each worker is a function that a thread runs until
the run is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import itertools
import math
import random
import sys
import threading
import time
import traceback
import weakref
from collections import Counter, deque
from collections.abc import Iterator
from typing import Any, Final

import attrs

from chaos_actors import Docs, Slot
from chaos_calls import Actor, Call, deadline
from chaos_model import ChaosModel
from chaos_tables import Doc, contents
from scyllamodel import RequestFailed, ScyllaModelError, UnknownOutcome
from scyllamodel.driver.data import asyncio_bridge

SLACK: Final = 2.0
"""Seconds that a call may last longer than its deadline, beside those for which the whole process stood still."""

LAG: Final = 1.5
"""Seconds for which an event loop may stand still, beside those for which the whole process did."""

LATE: Final = 30.0
"""Seconds after which a request that was broken off is applied, if it ever is."""

PACE: Final = 0.02
"""Seconds between two calls of one writer, on the average."""

NAP: Final = 0.02
"""Seconds between two checks of the thread that detects when the process does not run."""

LATEST: Final = 0.05
"""Seconds by which a thread may wake up late; beyond that the run asks for too much of the machine, and slows down."""


GIVEN_UP: Final = (asyncio.CancelledError, asyncio.TimeoutError, GeneratorExit)
"""How a call ends whose caller no longer waits."""


class Record:
    """The figures of a run and its problems."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.cancelled = self.forks = self.loops = 0
        self.worst: tuple[float, str] = (0.0, "none")
        self.lag, self.pace = 0.0, PACE
        self.beats: dict[int, float] = {}
        self.stacks: dict[int, str] = {}
        self.stalls: list[tuple[float, float]] = []
        self.asleep = math.inf
        self.violations: list[str] = []
        self.ended_loops: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()
        self._requests, self._lock, self._began = itertools.count(), threading.Lock(), time.monotonic()

    @property
    def requests(self) -> int:
        """The number of requests that the repos have reported."""
        return next(copy.copy(self._requests))

    def on_query(self, event: Any) -> None:
        """Count a request, without a lock that a fork could leave behind."""
        del event
        next(self._requests)

    def report_violation(self, *texts: str) -> None:
        """Record violations."""
        with self._lock:
            for text in texts:
                self.violations.append(f"after {time.monotonic() - self._began:.1f} s: {text:.2000}")

    def stalled(self, start: float) -> float:
        """Seconds for which the process did not run since then, or until now if another thread woke up first."""
        delay = time.monotonic() - self.asleep - NAP
        over = sum((duration for at, duration in self.stalls if at + duration >= start), 0.0)
        return over + (delay if delay > LATEST else 0.0)

    def done(self, call: Call, start: float, limit: float, error: BaseException | None) -> None:
        """Record that a call ended, in time or not."""
        over = time.monotonic() - start - limit
        with self._lock:
            self.calls[call.verb] += 1
            if error is not None:
                self.errors[type(error).__name__] += 1
                self.cancelled += isinstance(error, GIVEN_UP) and not isinstance(error, ScyllaModelError)
            self.worst = max(self.worst, (over, f"{call.verb}, of {limit:.3f} s"))
        if over > SLACK + self.stalled(start):
            self.report_violation(f"{call.verb}: took {over + limit:.1f} s, of {limit:.3f} s; {type(error).__name__}")

    def watch(self, stop: threading.Event) -> None:
        """Detect when the process does not run: other programs, one thread that keeps the interpreter."""
        while not stop.is_set():
            start = self.asleep = time.monotonic()
            time.sleep(NAP)
            duration = time.monotonic() - start - NAP
            self.pace = min(1.0, 1.3 * self.pace) if duration > LATEST else max(PACE, 0.99 * self.pace)
            if duration > LATEST:
                self.stalls.append((start, duration))
            for thread, beat in list(self.beats.items()):
                if start - beat > LAG / 2 and thread not in self.stacks:
                    self.stacks[thread] = standing(thread)
        self.asleep = math.inf


def standing(thread: int) -> str:
    """The stack of a thread, the innermost calls last."""
    frame = sys._current_frames().get(thread)
    return "" if frame is None else "\n" + "".join(traceback.format_stack(frame)[-8:])


@attrs.define(eq=False)
class Lane:
    """The context of a worker: a repo with its timeout, and the event that ends it."""

    record: Record
    model: ChaosModel
    repo: Any
    request_timeout: float
    stop: threading.Event
    rng: random.Random

    @contextlib.contextmanager
    def measured(self, call: Call, limit: float | None = None) -> Iterator[None]:
        """Measure the block, and settle the call by what the block raises, which is raised again."""
        start, failed = time.monotonic(), None
        limit = call.limit(self.request_timeout) if limit is None else limit
        try:
            yield
        except BaseException as error:
            failed = error
            self.record.report_violation(*call.failed(error))
            raise
        finally:
            self.record.done(call, start, limit, failed)
            call.on_end()

    def pause(self) -> float:
        """The number of seconds to wait until the next call."""
        return min(self.rng.expovariate(1 / self.record.pace), 3.0)


def perform(repo: Any, call: Call) -> Any:
    """Call the verb in this thread."""
    if call.verb in {"stream", "scan"}:
        return list(getattr(repo, call.verb)(*call.args, **call.options))
    if call.verb in {"batch", "counter_batch"}:
        with filled(repo.batch(), call):
            return None
    if call.verb != "resolved":
        return getattr(repo, call.verb)(*call.args, **call.options)
    try:
        return repo.execute(*call.args)
    except UnknownOutcome as error:
        with contextlib.suppress(RequestFailed):  # the outcome stays unknown
            error.resolve(repo)
        raise


async def perform_async(repo: Any, call: Call) -> Any:
    """Await the verb."""
    if call.verb in {"stream", "scan"}:
        return [row async for row in getattr(repo, call.verb)(*call.args, **call.options)]
    if call.verb in {"batch", "counter_batch"}:
        async with filled(repo.batch(), call):
            return None
    if call.verb != "resolved":
        return await getattr(repo, call.verb)(*call.args, **call.options)
    try:
        return await repo.execute(*call.args)
    except UnknownOutcome as error:
        with contextlib.suppress(RequestFailed):
            await error.resolve(repo)
        raise


def filled(batch: Any, call: Call) -> Any:
    """A batch with the writes of the call."""
    for item in call.args[0]:
        batch.counter().execute(item) if call.verb == "counter_batch" else batch.save(item)
    return batch


def run_sync(lane: Lane, call: Call) -> None:
    """Run one call in this thread."""
    with contextlib.suppress(Exception), lane.measured(call):
        lane.record.report_violation(*call.succeeded(perform(lane.repo, call)))


def thread_worker(lane: Lane, actors: list[Actor]) -> None:
    """Run blocking calls one after another."""
    while not lane.stop.is_set():
        run_sync(lane, lane.rng.choice(actors).call())
        time.sleep(lane.pause())


async def run_async(lane: Lane, call: Call, seconds: float) -> None:
    """Run one awaited call, which is cancelled after so many seconds; raises its exception."""
    limit = call.limit(lane.request_timeout)
    if seconds < limit:  # what a bulk run has sent is settled before it ends
        limit = seconds + (lane.request_timeout if call.bulk or call.verb == "get_many" else 0)
    with lane.measured(call, limit):
        lane.record.report_violation(*call.succeeded(await given_up(lane, call, seconds)))


async def given_up(lane: Lane, call: Call, seconds: float) -> Any:
    """Return the result of a call; it is cancelled from outside or by a timeout of its own.

    Not by `asyncio.wait_for`: before Python 3.12, one that is cancelled while it waits for the task that it has
    cancelled leaves that task running, which still writes the rows of a bulk run when this call has ended.
    """
    if lane.rng.random() < 0.5:
        async with asyncio.timeout(seconds):
            return await perform_async(lane.repo.aio(), call)
    task = asyncio.ensure_future(perform_async(lane.repo.aio(), call))
    handle = asyncio.get_running_loop().call_later(seconds, task.cancel)
    try:
        return await task
    finally:
        handle.cancel()
        task.cancel()


async def task_worker(lane: Lane, actor: Actor) -> None:
    """Run calls one after another, and sometimes several in a group, where one failure cancels the others."""
    while not lane.stop.is_set():
        count = lane.rng.choice([1] * 9 + [5])
        running = [run_async(lane, actor.call(), deadline(lane.rng)) for _ in range(count)]
        with contextlib.suppress(Exception, asyncio.CancelledError):
            await together(*running) if count > 1 else await running[0]
        await asyncio.sleep(lane.pause())


async def together(*running: Any) -> None:
    """Await all of these in a TaskGroup."""
    async with asyncio.TaskGroup() as group:
        for item in running:
            group.create_task(item)


def loop_worker(lane: Lane, actors: list[Actor]) -> None:
    """Run an event loop with many tasks; at its end all slots must be free again."""

    async def main() -> None:
        tasks = [asyncio.ensure_future(task_worker(lane, actor)) for actor in actors]
        tasks.append(asyncio.ensure_future(watch_loop(lane)))
        while not lane.stop.is_set():  # noqa: ASYNC110 - other threads wait for it too
            await asyncio.sleep(0.1)
        finished, pending = await asyncio.wait(tasks, timeout=60)
        for task in finished:
            task.result()
        for task in pending:
            lane.record.report_violation(f"a task did not end: {task.get_stack()[-1]!r}")
            task.cancel()
        await slots_come_back(lane.record)

    loop = asyncio.new_event_loop()
    lane.record.ended_loops.add(loop)
    try:
        loop.run_until_complete(main())
    except Exception as error:  # noqa: BLE001 - a bug of the run itself, or of the package
        lane.record.report_violation(f"an event loop ended with {error!r}")
    finally:
        loop.close()


async def watch_loop(lane: Lane) -> None:
    """Detect when the loop does not run, and not the whole process."""
    record, thread = lane.record, threading.get_ident()
    while not lane.stop.is_set():
        start = record.beats[thread] = time.monotonic()
        await asyncio.sleep(0.02)
        duration = time.monotonic() - start - 0.02
        record.lag = max(record.lag, duration)
        stack = record.stacks.pop(thread, "")
        if duration > LAG + record.stalled(start):
            record.report_violation(f"an event loop stood still for {duration:.2f} s{stack}")
    del record.beats[thread]


async def slots_come_back(record: Record) -> None:
    """Check that every slot of this loop is free once the driver has given up all its requests."""
    waker, until = asyncio_bridge.loop_notifier(), time.monotonic() + 20
    while waker._free_slots < asyncio_bridge.IN_FLIGHT and time.monotonic() < until:  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0.1)
    if waker._free_slots != asyncio_bridge.IN_FLIGHT:
        record.report_violation(
            f"{asyncio_bridge.IN_FLIGHT - waker._free_slots} slots of an event loop were not given back"
        )


def ending_worker(lane: Lane, actor: Docs) -> None:
    """Run event loops that end with requests in flight: by `asyncio.run`, or closed without cancelling tasks."""
    pending: deque[tuple[float, Slot]] = deque()
    while not lane.stop.is_set():
        calls = [actor.save() for _ in range(6)] + [actor.get() for _ in range(3)]
        end_loop(lane, calls, closed=lane.rng.random() < 0.5)
        pending.extend((time.monotonic(), slot) for slot in actor.drop_all())
        lane.record.loops += 1
        while pending and pending[0][0] < time.monotonic() - LATE:
            look_at(lane, pending.popleft()[1])
        time.sleep(min(10 * lane.pause(), 2.0))


def look_at(lane: Lane, slot: Slot) -> None:
    """Check a document that is no longer written, and remove it from the model."""

    def check(stored: Doc | None) -> list[str]:
        violations = lane.model.violations(slot.key, contents(stored))
        if not violations:
            lane.model.forget(slot.key)
        return violations

    call = Call("get", (Doc,), {"owner": slot.row.owner, "number": slot.row.number}, check=check)
    run_sync(lane, call)


def end_loop(lane: Lane, calls: list[Call], *, closed: bool) -> None:
    """Start these calls in their own loop, and end it."""
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # that tasks were pending is what this is about
    lane.record.ended_loops.add(loop)

    async def main() -> None:
        references.extend(asyncio.ensure_future(quietly(lane, call)) for call in calls)
        await asyncio.sleep(lane.rng.choice([0, 0.001, 0.02]))

    references: list[Any] = []
    loop.run_until_complete(main())
    if not closed:
        for task in references:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*references, return_exceptions=True))
    loop.close()


async def quietly(lane: Lane, call: Call) -> None:
    """Run a call whose end is not awaited."""
    with contextlib.suppress(Exception), lane.measured(call, 60.0):
        lane.record.report_violation(*call.succeeded(await perform_async(lane.repo.aio(), call)))
