"""Answers of the driver, awaited: from its own thread into an event loop, with one wake-up for many of them.

*In*: futures of the driver. *Out*: their results, or `asyncio.CancelledError` for a task that gave up; the request goes
on then, and its answer is dropped. Waking a loop costs more than an answer does, so answers that come while the loop is
on its way are delivered together.
"""

from __future__ import annotations

import asyncio
import contextvars
import weakref
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

from typing_extensions import ParamSpec

P = ParamSpec("P")
T = TypeVar("T")

IN_FLIGHT: Final = 1024
"""Requests of one loop that wait for an answer; more would block the loop when the driver's connections are full."""


class Waker:
    """Delivers answers to one event loop.

    Attributes:
        slots: bounds the requests that are under way.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.slots = asyncio.Semaphore(IN_FLIGHT)
        self._loop = loop
        self._queue: deque[tuple[asyncio.Future[Any], Any, bool]] = deque()
        self._pending = False

    async def wait(self, future: Any) -> Any:
        """The rows of a driver's future.

        Raises:
            Exception: of the driver, as it came.
        """
        waiting: asyncio.Future[Any] = self._loop.create_future()
        future.add_callbacks(self._deliver, self._deliver, callback_args=(waiting, False), errback_args=(waiting, True))
        return await waiting

    def _deliver(self, found: Any, waiting: asyncio.Future[Any], failed: bool) -> None:  # noqa: FBT001 - a callback
        """In the driver's thread: leave the answer, and wake the loop unless that is being done."""
        self._queue.append((waiting, found, failed))
        if not self._pending:
            self._pending = True
            try:
                self._loop.call_soon_threadsafe(self._drain)
            except RuntimeError:  # the loop was closed, and nobody waits any more
                self._queue.clear()

    def _drain(self) -> None:
        self._pending = False  # first: what comes from here on wakes again
        while self._queue:
            waiting, found, failed = self._queue.popleft()
            if not waiting.done():
                (waiting.set_exception if failed else waiting.set_result)(found)


_wakers: Final[weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Waker]] = weakref.WeakKeyDictionary()

_origin: Final = contextvars.ContextVar[asyncio.AbstractEventLoop]("scyllamodel_loop")


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


async def in_thread(function: Callable[P, T], *args: P.args, **keywords: P.kwargs) -> T:
    """Call a function in a thread, as `asyncio.to_thread` does; the thread knows the loop that waits for it."""
    loop, context = running_loop(), contextvars.copy_context()
    context.run(_origin.set, loop)
    return await loop.run_in_executor(None, partial(context.run, function, *args, **keywords))


def origin_loop() -> asyncio.AbstractEventLoop | None:
    """The loop that waits for what this thread does, if there is one."""
    return _origin.get(None)


def waker() -> Waker:
    """The one of the running loop."""
    loop = running_loop()
    found = _wakers.get(loop)
    if found is None:
        found = _wakers[loop] = Waker(loop)  # no other thread runs this loop; the dictionary itself is atomic
    return found
