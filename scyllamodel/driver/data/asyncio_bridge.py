"""Delivers responses from the driver's thread to an event loop, with one wake-up for many of them.

In: futures of the driver. Out: their results, or `asyncio.CancelledError` for a cancelled task, whose request continues
and whose response is dropped. Waking a loop costs more than handling a response, so responses that arrive meanwhile are
delivered together.
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
from typing import Any, Final, Protocol, TypeVar

from typing_extensions import ParamSpec

from scyllamodel.driver.data.request_errors import record_attempts
from scyllamodel.driver.session.fast_request import notify
from scyllamodel.driver.session.held_messages import HeldMessages, holds

P = ParamSpec("P")
T = TypeVar("T")

IN_FLIGHT: Final = 1024
"""Requests in flight for one loop; more could block the loop while the driver waits for a connection."""


class _Waiter:
    """The destination of one response; the driver may call back twice, with a timeout and a late answer."""

    __slots__ = ("answered", "future_ref")

    def __init__(self, result_future: asyncio.Future[Any]) -> None:
        self.future_ref = weakref.ref(result_future)
        self.answered = False


def _consume_exception(future: asyncio.Future[Any]) -> None:
    """Retrieve an error that came at the moment of a cancellation, so that asyncio does not log it."""
    if future.done() and not future.cancelled():
        future.exception()


KEEP_SECONDS: Final = 60.0
"""Seconds after which a loop without requests drops the record of its waits."""


class _Waits:
    """The futures that the tasks of one loop wait for; only the loop refers to them, by a timer.

    A task without other references then stays alive as long as its loop, like a task that waits for a socket, and
    neither the driver nor this module keeps a closed loop alive.

    Attributes:
        answers: of requests that were sent.
        turns: of requests to be sent, in order of arrival.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.answers: set[asyncio.Future[Any]] = set()
        self.turns: deque[asyncio.Future[None]] = deque()
        loop.call_later(KEEP_SECONDS, self._stay, loop)

    def _stay(self, loop: asyncio.AbstractEventLoop) -> None:
        if self.answers or self.turns:
            loop.call_later(KEEP_SECONDS, self._stay, loop)


def _no_waits() -> _Waits | None:
    return None


class LoopNotifier:
    """A channel that delivers responses to one event loop and bounds its requests in flight.

    A request counts until the driver is done with it. A cancelled task leaves its request in the driver, whose
    connections would fill up until sending blocks the loop.

    Neither this object nor what it passes to the driver holds a strong reference to the loop or its futures: the driver
    keeps a request until its timeout, and closed loops must be collectable before that.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = weakref.ref(loop)
        self._free_slots = IN_FLIGHT
        self._waits: Callable[[], _Waits | None] = _no_waits
        self._results: deque[tuple[_Waiter, Any, bool]] = deque()
        self._is_scheduled = False
        self._held = HeldMessages()
        self._is_sending_scheduled = False

    async def request(self, send: Callable[[], Any]) -> tuple[Any, Any]:
        """Send a request when there is room, and wait for its response.

        Parameters:
            send: sends it, and returns the driver's future.

        Returns:
            The driver's future, and its rows.

        Raises:
            Exception: the driver's error, unchanged.
        """
        loop = running_loop()
        waits = self._waits()
        if waits is None:
            waits = _Waits(loop)
            self._waits = weakref.ref(waits)
        await self._acquire_slot(loop, waits.turns)
        result_future: asyncio.Future[Any] = loop.create_future()
        try:
            future = self._send(send, loop)
        except BaseException:
            self._release_slot()
            raise
        waiter = _Waiter(result_future)
        notify(future, self._deliver, waiter)
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

    def _send(self, send: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> Any:
        """Send a request, together with those of the tasks that run before the loop looks for events again."""
        held, thread = self._held, threading.get_ident()
        if thread in holds:
            return send()
        holds[thread] = held
        try:
            return send()
        finally:
            holds.pop(thread, None)
            if held.connections and not self._is_sending_scheduled:
                loop.call_soon(self._send_held)
                self._is_sending_scheduled = True

    def _send_held(self) -> None:
        self._is_sending_scheduled = False
        self._held.send()

    async def _acquire_slot(self, loop: asyncio.AbstractEventLoop, turns: deque[asyncio.Future[None]]) -> None:
        """Wait until fewer requests are in flight, in order of arrival."""
        if self._free_slots:
            self._free_slots -= 1
            return
        slot_waiter: asyncio.Future[None] = loop.create_future()
        turns.append(slot_waiter)
        try:
            await slot_waiter
        except BaseException:  # cancelled, or closed
            if slot_waiter.done() and not slot_waiter.cancelled():  # it got its slot at the same moment
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
        """Store the result, in the driver's thread, and wake the loop unless a wake-up is scheduled."""
        loop = self._loop()
        if loop is None or loop.is_closed():  # perhaps between its wake-up and its run
            self._results.clear()
            return
        self._results.append((waiter, result, is_error))
        if not self._is_scheduled:
            self._is_scheduled = True
            try:
                loop.call_soon_threadsafe(self._deliver_results)
            except RuntimeError:  # the loop was closed at this moment
                self._results.clear()

    def _deliver_results(self) -> None:
        self._is_scheduled = False  # first: results queued from here on schedule a delivery again
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
    """Return the running event loop.

    Raises:
        RuntimeError: no asyncio event loop is running.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            "An AsyncRepo needs asyncio, and no asyncio event loop is running here. Under trio, and under anyio with "
            "trio, call a Repo in a thread: await trio.to_thread.run_sync(lambda: repo.get(Order, id=1))."
        ) from None


def _thread_context() -> contextvars.Context:
    """Return the context of this task, with the loop that waits for a thread."""
    context = contextvars.copy_context()
    context.run(_origin_loop.set, running_loop())
    return context


async def run_in_thread(function: Callable[P, T], *args: P.args, **keywords: P.kwargs) -> T:
    """Call a function in a thread of the loop's executor, as `asyncio.to_thread` does.

    For release work, which the shutdown of the loop waits for. Data requests never use this executor, whose threads an
    application may occupy.
    """
    return await running_loop().run_in_executor(None, partial(_thread_context().run, function, *args, **keywords))


def start_thread(function: Callable[P, Any], *args: P.args, **keywords: P.kwargs) -> None:
    """Call a function in its own daemon thread."""
    threading.Thread(
        target=_thread_context().run, args=(partial(function, *args, **keywords),), name="scyllamodel", daemon=True
    ).start()


class Completable(Protocol):
    """What a thread completes."""

    def add_done_callback(self, callback: Callable[[Any], object], /) -> None:
        """Call a function when it is complete."""


async def until_done(future: Completable, timeout: float | None = None) -> None:
    """Wait for what another thread completes, or until a timeout; its result and error are not retrieved.

    Unlike `asyncio.wrap_future` this does not use the loop when the wait ends early, since it may be closed then.
    """
    loop = running_loop()
    waiter: asyncio.Future[None] = loop.create_future()

    def wake(_: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed, and nothing waits
            loop.call_soon_threadsafe(finish)

    def finish() -> None:
        if not waiter.done():
            waiter.set_result(None)

    future.add_done_callback(wake)
    await asyncio.wait([waiter], timeout=timeout)


async def run_in_own_thread(function: Callable[[], T]) -> T:
    """Call a function in its own thread and await it."""
    outcome: Future[T] = Future()
    outcome.set_running_or_notify_cancel()  # a cancelled task leaves it running

    def call() -> None:
        try:
            outcome.set_result(function())
        except BaseException as error:  # noqa: BLE001 - raised where it is awaited
            outcome.set_exception(error)

    start_thread(call)
    await until_done(outcome)
    return outcome.result(0)


def origin_loop() -> asyncio.AbstractEventLoop | None:
    """Return the loop that waits for the work of this thread, or None."""
    return _origin_loop.get(None)


def loop_notifier() -> LoopNotifier:
    """Return the notifier of the running loop."""
    loop = running_loop()
    notifier = _notifiers.get(loop)
    if notifier is None:
        notifier = _notifiers[loop] = LoopNotifier(
            loop
        )  # no other thread runs this loop; the dictionary itself is atomic
    return notifier
