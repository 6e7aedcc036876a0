"""Answers of the driver, awaited: from its own thread into an event loop, with one wake-up for many of them.

*In*: futures of the driver. *Out*: their results, or `asyncio.CancelledError` for a task that gave up; the request goes
on then, and its answer is dropped. Waking a loop costs more than an answer does, so answers that come while the loop is
on its way are delivered together.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
import weakref
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, Final, TypeVar

from typing_extensions import ParamSpec

from scyllamodel.driver.request_errors import record_attempts

P = ParamSpec("P")
T = TypeVar("T")

IN_FLIGHT: Final = 1024
"""Requests of one loop that the driver has; more could block the loop while the driver waits for a connection."""


class _Waiter:
    """Where the answer of one request goes; the driver may call back twice, with a timeout and a late answer."""

    __slots__ = ("answered", "future_ref")

    def __init__(self, result_future: asyncio.Future[Any]) -> None:
        self.future_ref = weakref.ref(result_future)
        self.answered = False


def _consume_exception(future: asyncio.Future[Any]) -> None:
    """Take notice of an error that came at the moment of a cancellation, which asyncio would report otherwise."""
    if future.done() and not future.cancelled():
        future.exception()


KEPT: Final = 60.0
"""Seconds after which a loop forgets that it once waited for requests, if it waits for none."""


class _Waits:
    """What the tasks of one loop wait for, which the loop alone refers to, by a timer.

    A task to which nothing else refers then lives as long as its loop, as one does that waits for a socket; and neither
    the driver nor this module keeps a loop that was closed.

    Attributes:
        answers: of requests that were sent.
        turns: to send one, those that came first in front.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.answers: set[asyncio.Future[Any]] = set()
        self.turns: deque[asyncio.Future[None]] = deque()
        loop.call_later(KEPT, self._stay, loop)

    def _stay(self, loop: asyncio.AbstractEventLoop) -> None:
        if self.answers or self.turns:
            loop.call_later(KEPT, self._stay, loop)


def _no_waits() -> _Waits | None:
    return None


class LoopNotifier:
    """Delivers answers to one event loop, and bounds the requests that are under way for it.

    A request counts until the driver is done with it. A task that gives up earlier leaves its request in the driver,
    whose connections would otherwise fill up until sending blocks the loop.

    Neither it nor what it gives to the driver holds a strong reference to its loop or to a future of it: the driver
    keeps a request until its timeout would have passed, and loops that were closed are to be collected before that.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = weakref.ref(loop)
        self._free_slots = IN_FLIGHT
        self._waits: Callable[[], _Waits | None] = _no_waits
        self._results: deque[tuple[_Waiter, Any, bool]] = deque()
        self._is_scheduled = False

    async def request(self, send: Callable[[], Any]) -> tuple[Any, Any]:
        """Send a request when there is room, and wait for its answer.

        Parameters:
            send: sends it, and returns the driver's future.

        Returns:
            The driver's future, and its rows.

        Raises:
            Exception: of the driver, as it came.
        """
        loop = running_loop()
        waits = self._waits()
        if waits is None:
            waits = _Waits(loop)
            self._waits = weakref.ref(waits)
        await self._acquire_slot(loop, waits.turns)
        result_future: asyncio.Future[Any] = loop.create_future()
        try:
            future = send()
        except BaseException:
            self._release_slot()
            raise
        waiter = _Waiter(result_future)
        future.add_callbacks(self._deliver, self._deliver, callback_args=(waiter, False), errback_args=(waiter, True))
        waits.answers.add(result_future)
        try:
            return future, await result_future
        except asyncio.CancelledError:
            _consume_exception(result_future)
            raise
        except Exception as error:
            record_attempts(error, future)
            raise
        finally:
            waits.answers.discard(result_future)

    async def _acquire_slot(self, loop: asyncio.AbstractEventLoop, turns: deque[asyncio.Future[None]]) -> None:
        """Wait until fewer requests are in flight; those that came first go first."""
        if self._free_slots:
            self._free_slots -= 1
            return
        slot_waiter: asyncio.Future[None] = loop.create_future()
        turns.append(slot_waiter)
        try:
            await slot_waiter
        except BaseException:  # cancelled, or closed
            if slot_waiter.done() and not slot_waiter.cancelled():  # it was given its turn at the same moment
                self._release_slot()
            else:
                with contextlib.suppress(ValueError):
                    turns.remove(slot_waiter)
            raise

    def _release_slot(self) -> None:
        waits = self._waits()
        while waits is not None and waits.turns:
            slot_waiter = waits.turns.popleft()
            if not slot_waiter.done():  # a task that was just cancelled has not run yet
                slot_waiter.set_result(None)
                return
        self._free_slots += 1

    def _deliver(self, result: Any, waiter: _Waiter, is_error: bool) -> None:  # noqa: FBT001
        """In the driver's thread: leave the answer, and wake the loop unless that is being done."""
        loop = self._loop()
        if loop is None or loop.is_closed():  # perhaps after it was woken, and before it ran
            self._results.clear()
            return
        self._results.append((waiter, result, is_error))
        if not self._is_scheduled:
            self._is_scheduled = True
            try:
                loop.call_soon_threadsafe(self._deliver_results)
            except RuntimeError:  # closed at this moment
                self._results.clear()

    def _deliver_results(self) -> None:
        self._is_scheduled = False  # first: what comes from here on wakes again
        while self._results:
            waiter, result, is_error = self._results.popleft()
            if waiter.answered:
                continue
            waiter.answered = True
            self._release_slot()
            result_future = waiter.future_ref()
            if result_future is not None and not result_future.done():
                (result_future.set_exception if is_error else result_future.set_result)(result)


_notifiers: Final[weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, LoopNotifier]] = weakref.WeakKeyDictionary()

_origin_loop: Final = contextvars.ContextVar[asyncio.AbstractEventLoop]("scyllamodel_loop")


def running_loop() -> asyncio.AbstractEventLoop:
    """The event loop that runs this coroutine.

    Raises:
        RuntimeError: it is not one of asyncio.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            "An AsyncRepo needs asyncio, and no asyncio event loop is running here. Under trio, and under anyio with "
            "trio, call a Repo in a thread: await trio.to_thread.run_sync(lambda: repo.get(Order, id=1))."
        ) from None


def _thread_context() -> contextvars.Context:
    """The context of this task, in which a thread knows the loop that waits for it."""
    context = contextvars.copy_context()
    context.run(_origin_loop.set, running_loop())
    return context


async def run_in_thread(function: Callable[P, T], *args: P.args, **keywords: P.kwargs) -> T:
    """Call a function in a thread of the loop's executor, as `asyncio.to_thread` does.

    For release work, which the end of the loop waits for. Requests for data never wait for that executor, whose threads
    an application may fill.
    """
    return await running_loop().run_in_executor(None, partial(_thread_context().run, function, *args, **keywords))


def start_thread(function: Callable[P, Any], *args: P.args, **keywords: P.kwargs) -> None:
    """Call a function in a thread of its own, which the end of the program does not wait for."""
    threading.Thread(
        target=_thread_context().run, args=(partial(function, *args, **keywords),), name="scyllamodel", daemon=True
    ).start()


async def until_done(future: Future[Any], timeout: float | None = None) -> None:
    """Wait for what another thread does, or until the time is over; its result and its error are left where they are.

    Unlike `asyncio.wrap_future` this needs the loop for nothing when the wait ends early, since it may be closed then.
    """
    loop = running_loop()
    waiter: asyncio.Future[None] = loop.create_future()

    def wake(_: Future[Any]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed, and nothing waits any more
            loop.call_soon_threadsafe(finish)

    def finish() -> None:
        if not waiter.done():
            waiter.set_result(None)

    future.add_done_callback(wake)
    await asyncio.wait([waiter], timeout=timeout)


async def run_in_own_thread(function: Callable[[], T]) -> T:
    """Call a function in a thread of its own."""
    outcome: Future[T] = Future()
    outcome.set_running_or_notify_cancel()  # a task that gives up leaves it to its end

    def call() -> None:
        try:
            outcome.set_result(function())
        except BaseException as error:  # noqa: BLE001 - raised where it is awaited
            outcome.set_exception(error)

    start_thread(call)
    await until_done(outcome)
    return outcome.result(0)


def origin_loop() -> asyncio.AbstractEventLoop | None:
    """The loop that waits for what this thread does, if there is one."""
    return _origin_loop.get(None)


def loop_notifier() -> LoopNotifier:
    """The one of the running loop."""
    loop = running_loop()
    notifier = _notifiers.get(loop)
    if notifier is None:
        notifier = _notifiers[loop] = LoopNotifier(
            loop
        )  # no other thread runs this loop; the dictionary itself is atomic
    return notifier
