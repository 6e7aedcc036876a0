"""Many requests under way at once, and their answers taken by the one thread that sends them.

*In*: steps, each with a tag. *Out*: tags with answers or errors, in the order in which they came. The driver's thread
leaves what it received and sends what waits; all work on answers is done by the one who asks, who waits until several
are there, since to be woken for each would cost more than the answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

from scyllamodel.driver.flows import Ask, Next, Step
from scyllamodel.driver.loops import running_loop
from scyllamodel.driver.request_errors import note_attempts, request_error
from scyllamodel.driver.requests import Answer, Requests

if TYPE_CHECKING:
    from scyllamodel.driver.watch import Watch

T = TypeVar("T")

_POLL: Final = 0.005
"""Seconds between looks at what is in flight, when a run is broken off."""


class _Sent(Generic[T]):
    """A request in flight, when it was sent, and whether it was answered."""

    __slots__ = ("answered", "began", "future", "step", "tag")

    def __init__(self, tag: T, future: Any, step: Step, began: int) -> None:
        self.tag, self.future, self.step, self.began = tag, future, step, began
        self.answered = False


class Window(Generic[T]):
    """Requests under way, and those that wait for their turn.

    An answer sends the next statement that waits, in the driver's own thread, so that no thread has to wake for it; the
    statements were made, and answers are worked on, by the one who asks.

    Parameters:
        width: how many are under way at most.

    Attributes:
        asked: how many were asked for whose answers were not taken.
    """

    def __init__(self, requests: Requests, width: int) -> None:
        self.asked = 0
        self._requests, self._width = requests, width
        self._waiting: deque[tuple[Any, _Sent[T]]] = deque()
        self._arrived: deque[tuple[_Sent[T], Any, bool]] = deque()
        self._heard: list[Awaitable[None]] = []
        self._flying = 0
        self._gate = threading.RLock()  # a collection, which may end a run, may interrupt the one who holds it
        self._inside = threading.local()
        self._wanted = 0
        self._changed = threading.Condition()

    def ask(self, step: Ask, tag: T) -> None:
        """Send a statement in its turn; preparing it may wait, and what is wrong with its values is raised here."""
        self.send(self._requests.bound(step.compiled), tag, step)

    def send(self, statement: Any, tag: T, step: Ask) -> None:
        """Send what is bound already, in its turn."""
        self.asked += 1
        self._waiting.append((statement, _Sent(tag, None, step, 0)))
        self._send_waiting()

    def go_on(self, step: Next, tag: T) -> None:
        """Expect the page that is being fetched."""
        self.asked += 1
        with self._gate:
            self._flying += 1
        self._follow(step.answer.awaited(), _Sent(tag, step.answer.future, step, self._now()))

    def _now(self) -> int:
        return 0 if self._requests.watch is None else time.time_ns()

    def _send_waiting(self) -> None:
        """Send as long as there is room; a request that fails at once comes back here, and the first call goes on."""
        if getattr(self._inside, "sending", False):
            return
        self._inside.sending = True
        try:
            while (found := self._next()) is not None:
                statement, sent = found
                sent.began = self._now()
                ask = cast("Ask", sent.step)
                try:
                    sent.future = self._requests.send(statement, ask.compiled.options, size=ask.size, state=ask.state)
                except Exception as error:  # noqa: BLE001 - this may be the driver's thread, which must go on
                    self._arrive(error, sent, failed=True)
                else:
                    self._follow(sent.future, sent)
        finally:
            self._inside.sending = False

    def _may_send(self) -> bool:
        """Whether the one who asked can still take the answers."""
        return True

    def _next(self) -> tuple[Any, _Sent[T]] | None:
        if not self._may_send():
            return None
        with self._gate:
            if self._flying >= self._width or not self._waiting:
                return None
            self._flying += 1
            return self._waiting.popleft()

    def _follow(self, future: Any, sent: _Sent[T]) -> None:
        future.add_callbacks(self._arrive, self._arrive, callback_args=(sent, False), errback_args=(sent, True))

    def _arrive(self, found: Any, sent: _Sent[T], failed: bool) -> None:  # noqa: FBT001 - a callback
        """In the driver's thread, or in ours when a request failed at once.

        The driver may call back twice, with a timeout and a late answer; the first one counts.
        """
        with self._gate:
            if sent.answered:
                return
            sent.answered = True
            self._flying -= 1
        self._send_waiting()
        self._arrived.append((sent, found, failed))
        if self._wanted and len(self._arrived) >= self._wanted:
            self._wake()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify()

    def drop(self) -> list[T]:
        """Send nothing more; the tags of what was not sent. What is in flight comes to its end unseen."""
        with self._gate:
            dropped = [sent.tag for _, sent in self._waiting]
            self._waiting.clear()
        self.asked -= len(dropped)
        return dropped

    def rest(self, timeout: float) -> list[tuple[T, Answer | None, Exception | None]]:
        """What has arrived once nothing is in flight any more, or when the time is over."""
        deadline = time.monotonic() + timeout
        while self._flying and not self._requests.connection.inherited and time.monotonic() < deadline:
            time.sleep(_POLL)
        return self._drained(self._requests.watch)

    def take(self, at_least: int = 1) -> list[tuple[T, Answer | None, Exception | None]]:
        """What has arrived; waits until so much has, or all that was asked for."""
        at_least = min(at_least, self.asked)
        if len(self._arrived) < at_least:
            self._requests.connection.check()  # the answers to requests of a parent process never arrive here
            with self._changed:
                self._wanted = at_least
                while len(self._arrived) < at_least:
                    self._changed.wait()
                self._wanted = 0
        return self._drained(self._requests.watch)

    def _drained(self, watch: Watch | None) -> list[tuple[T, Answer | None, Exception | None]]:
        found: list[tuple[T, Answer | None, Exception | None]] = []
        while self._arrived:
            sent, result, failed = self._arrived.popleft()
            self.asked -= 1
            answer = None if failed else Answer(sent.future, result)
            if failed and sent.future is not None:
                note_attempts(result, sent.future)
            error = request_error(result, sent.step.compiled.shape) if failed else None
            if watch is not None:
                rows = 0 if answer is None else len(answer.rows)
                heard = watch.done(sent.step, sent.began, rows, error)
                if heard is not None:
                    self._heard.append(heard)
            found.append((sent.tag, answer, error))
        return found


class AsyncWindow(Window[T]):
    """Requests in flight whose answers are taken in the running event loop."""

    def __init__(self, requests: Requests, width: int) -> None:
        super().__init__(requests, width)
        self._loop = running_loop()
        self._arrival = asyncio.Event()

    def _wake(self) -> None:
        self._wanted = 0  # one wake-up is enough
        with contextlib.suppress(RuntimeError):  # the loop was closed, and nothing waits any more
            self._loop.call_soon_threadsafe(self._arrival.set)

    def _may_send(self) -> bool:
        """A loop that was closed sends nothing more: others may write the same rows now."""
        return not self._loop.is_closed()

    async def arrivals(self, at_least: int) -> list[tuple[T, Answer | None, Exception | None]]:
        """What has arrived; waits as `take` does."""
        at_least = min(at_least, self.asked)
        while len(self._arrived) < at_least:
            self._requests.connection.check()
            self._wanted = at_least
            if len(self._arrived) < at_least:
                await self._arrival.wait()
            self._arrival.clear()
        self._wanted = 0
        return await self._noticed()

    async def rest_async(self, timeout: float) -> list[tuple[T, Answer | None, Exception | None]]:
        """What has arrived; waits as `rest` does."""
        deadline = time.monotonic() + timeout
        while self._flying and time.monotonic() < deadline:  # noqa: ASYNC110 - answers come in another thread
            await asyncio.sleep(_POLL)
        return await self._noticed()

    def arrived(self) -> list[tuple[T, Answer | None, Exception | None]]:
        """What has arrived; nothing is awaited, and no listener is called, since this may run in a collection."""
        return self._drained(watch=None)

    async def _noticed(self) -> list[tuple[T, Answer | None, Exception | None]]:
        """What has arrived, once an async ``on_query`` knows of it."""
        found = self._drained(self._requests.watch)
        while self._heard:
            await self._heard.pop(0)
        return found
