"""A window of concurrent requests, which are sent and whose responses are processed by one thread.

In: messages, each with a tag. Out: tags with responses or errors, in order of arrival. The driver's thread only stores
what arrived. If it also sent the next request, the two threads would compete for the interpreter with each row, which
costs half as much again (measured: 160 and 230 µs of CPU a row). For the same reason the sender sends several requests
in one write, and waits until several responses have arrived.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Awaitable
from typing import Any, Final, Generic, TypeVar, cast

from scyllamodel.driver.data.asyncio_bridge import running_loop
from scyllamodel.driver.data.instrumentation import RequestTimer
from scyllamodel.driver.data.messages import Execute, FetchNextPage, Message, Response
from scyllamodel.driver.data.request_errors import record_attempts, request_error
from scyllamodel.driver.data.requests import Requests
from scyllamodel.driver.session.fast_request import Latch, notify
from scyllamodel.driver.session.held_messages import HeldMessages, holds

T = TypeVar("T")

_POLL_INTERVAL: Final = 0.005
"""Seconds between polls of the requests in flight, when a run is interrupted."""


class _InFlightRequest(Generic[T]):
    """A request that was queued or sent, and its timer if there are listeners."""

    __slots__ = ("future", "message", "tag", "timer")

    def __init__(self, tag: T, message: Message, future: Any = None, timer: RequestTimer | None = None) -> None:
        self.tag, self.message, self.future, self.timer = tag, message, future, timer


class RequestWindow(Generic[T]):
    """Requests in flight, and queued ones; its user limits their number.

    Attributes:
        outstanding: requests whose responses were not taken yet.
    """

    def __init__(self, requests: Requests) -> None:
        self.outstanding = 0
        self._requests = requests
        self._queue: deque[tuple[Any, _InFlightRequest[T]]] = deque()
        self._in_flight: dict[_InFlightRequest[T], None] = {}
        self._arrivals: deque[tuple[_InFlightRequest[T], Any, bool]] = deque()
        self._callbacks: list[Awaitable[None]] = []
        self._held = HeldMessages()
        self._wake_threshold = 0
        self._arrival = Latch()

    def bind_and_send(self, message: Execute, tag: T) -> None:
        """Bind a statement and send it; preparing may wait, and an error in its values is raised here."""
        self.queue(self._requests.prepare_and_bind(message.compiled), tag, message, size=1)

    def queue(self, statement: Any, tag: T, message: Execute, *, size: int) -> None:
        """Queue a bound statement, and send the queue if it is large enough.

        The queue is also sent if nothing is in flight, when the last response arrives, and before `take` waits. So a
        slow source of statements delays none for longer than a request takes.

        Parameters:
            size: number of queued statements that are sent together.
        """
        self.outstanding += 1
        self._queue.append((statement, _InFlightRequest(tag, message)))
        if len(self._queue) >= size or not self._in_flight:  # after the queue has it, see `_on_result`
            self.flush()

    def expect_page(self, message: FetchNextPage, tag: T) -> None:
        """Add the page that is being fetched."""
        self.outstanding += 1
        future = message.response.checked_future()
        request = _InFlightRequest(tag, message, future, self._start_timer(message))
        self._in_flight[request] = None
        notify(future, self._on_result, request)

    def _start_timer(self, message: Message) -> RequestTimer | None:
        instrumentation = self._requests.instrumentation
        return None if instrumentation is None else instrumentation.start(message)

    def flush(self) -> None:
        """Send the queue in as few writes as possible."""
        thread = threading.get_ident()
        if thread in holds:
            self._send_queued()
            return
        try:
            holds[thread] = self._held
            self._send_queued()
        finally:
            self._send_held()

    def _send_held(self) -> None:
        """Send what this thread holds back, also if it was interrupted by an exception of a signal handler."""
        if holds.get(threading.get_ident()) is self._held:
            del holds[threading.get_ident()]
        self._held.send()

    def _send_queued(self) -> None:
        """Send the queue; another thread may do so at the same time."""
        while self._queue and self._may_send():
            try:
                statement, request = self._queue.popleft()
            except IndexError:  # the other thread took it
                return
            self._in_flight[request] = None
            message = cast("Execute", request.message)
            request.timer = self._start_timer(message)
            try:
                request.future = self._requests.send(
                    statement,
                    message.compiled.options,
                    page_size=message.page_size,
                    paging_state=message.paging_state,
                )
            except Exception as error:  # noqa: BLE001 - may be the driver's thread, which must continue
                self._on_result(error, request, is_error=True)
            except BaseException:  # interrupted: whether it was sent is unknown, and nothing waits for it
                self._in_flight.pop(request, None)
                raise
            else:
                notify(request.future, self._on_result, request)

    def _may_send(self) -> bool:
        """Whether the sender can still take the responses."""
        return True

    def _on_result(self, result: Any, request: _InFlightRequest[T], is_error: bool) -> None:  # noqa: FBT001 - a callback
        """Record a result, in the driver's thread, or in the sender's when a request failed at once.

        The driver may call back twice, with a timeout and a late answer; the first one counts.
        """
        if self._in_flight.pop(request, self) is self:
            return
        if not self._in_flight and self._queue:  # the sender queued after it saw the last one in flight, or is away
            self._send_queued()
        self._arrivals.append((request, result, is_error))
        if self._wake_threshold and len(self._arrivals) >= self._wake_threshold:
            self._wake()

    def _wake(self) -> None:
        self._arrival.set()

    def drop_queued(self) -> list[T]:
        """Drop queued requests and return their tags. Requests in flight complete unobserved."""
        self._send_held()
        tags: list[T] = []
        with contextlib.suppress(IndexError):  # the driver's thread took the last one
            while self._queue:
                tags.append(self._queue.popleft()[1].tag)
        self.outstanding -= len(tags)
        return tags

    def drain(self, timeout: float) -> list[tuple[T, Response | None, Exception | None]]:
        """Return the arrived responses, once nothing is in flight or the time is over."""
        deadline = time.monotonic() + timeout
        while self._in_flight and not self._requests.connection.is_inherited and time.monotonic() < deadline:
            time.sleep(_POLL_INTERVAL)
        return self._take_arrivals()

    def take(self, minimum: int = 1) -> list[tuple[T, Response | None, Exception | None]]:
        """Return the arrived responses; wait for a minimum number, or for all outstanding ones.

        Raises:
            ConnectionFailed: this process was forked since. Answers to requests of the parent never arrive here, and
                for those that had arrived before, no further page may be fetched.
        """
        self._requests.connection.check_not_forked()
        if self._queue:
            self.flush()
        minimum = min(minimum, self.outstanding)
        if len(self._arrivals) < minimum:
            self._wake_threshold = minimum
            self._arrival.clear()
            while len(self._arrivals) < minimum:
                self._arrival.wait()
                self._arrival.clear()
            self._wake_threshold = 0
        return self._take_arrivals()

    def _take_arrivals(self, *, notify: bool = True) -> list[tuple[T, Response | None, Exception | None]]:
        responses: list[tuple[T, Response | None, Exception | None]] = []
        while self._arrivals:
            request, result, is_error = self._arrivals.popleft()
            self.outstanding -= 1
            response = None if is_error else Response(request.future, result)
            if is_error and request.future is not None:
                record_attempts(result, request.future)
            error = request_error(result, request.message.compiled.template) if is_error else None
            if notify and request.timer is not None:
                callback = request.timer.end(0 if response is None else response.row_count, error)
                if callback is not None:
                    self._callbacks.append(callback)
            responses.append((request.tag, response, error))
        return responses


class AsyncRequestWindow(RequestWindow[T]):
    """A window whose responses are processed in the running event loop."""

    def __init__(self, requests: Requests) -> None:
        super().__init__(requests)
        self._loop = running_loop()
        self._arrival_event = asyncio.Event()

    def _wake(self) -> None:
        self._wake_threshold = 0  # one wake-up is enough
        with contextlib.suppress(RuntimeError):  # the loop was closed, and nothing waits
            self._loop.call_soon_threadsafe(self._arrival_event.set)

    def _may_send(self) -> bool:
        """Whether the loop is open: after it was closed, others may write the same rows, so nothing more is sent."""
        return not self._loop.is_closed()

    async def take_async(self, minimum: int) -> list[tuple[T, Response | None, Exception | None]]:
        """Return the arrived responses, awaited; the minimum and the error are those of `take`."""
        self._requests.connection.check_not_forked()
        if self._queue:
            self.flush()
        minimum = min(minimum, self.outstanding)
        while len(self._arrivals) < minimum:
            self._wake_threshold = minimum
            if len(self._arrivals) < minimum:
                await self._arrival_event.wait()
            self._arrival_event.clear()
            self._requests.connection.check_not_forked()
        self._wake_threshold = 0
        return await self._take_notified()

    async def drain_async(self, timeout: float) -> list[tuple[T, Response | None, Exception | None]]:
        """Return the arrived responses, awaited, once nothing is in flight or the time is over."""
        deadline = time.monotonic() + timeout
        while self._in_flight and time.monotonic() < deadline:  # noqa: ASYNC110 - set by another thread
            await asyncio.sleep(_POLL_INTERVAL)
        return await self._take_notified()

    def arrived(self) -> list[tuple[T, Response | None, Exception | None]]:
        """Return the arrived responses.

        Nothing is awaited and no listener called, since a garbage collection may run this.
        """
        return self._take_arrivals(notify=False)

    async def _take_notified(self) -> list[tuple[T, Response | None, Exception | None]]:
        """Return the arrived responses, after an async ``on_query`` was awaited for each."""
        responses = self._take_arrivals()
        while self._callbacks:
            await self._callbacks.pop(0)
        return responses
