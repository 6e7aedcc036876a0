"""A window of concurrent requests, whose responses are processed by the sending thread.

In: messages, each with a tag. Out: tags with responses or errors, in order of arrival. The driver's thread only stores
what arrived and sends what is queued; the sender processes responses and waits until several have arrived, because a
wake-up for each would cost more than its response.
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

T = TypeVar("T")

_POLL_INTERVAL: Final = 0.005
"""Seconds between polls of the requests in flight, when a run is interrupted."""


class _InFlightRequest(Generic[T]):
    """A request in flight, its timer if there are listeners, and whether it was answered."""

    __slots__ = ("answered", "future", "message", "tag", "timer")

    def __init__(self, tag: T, future: Any, message: Message, timer: RequestTimer | None = None) -> None:
        self.tag, self.future, self.message, self.timer = tag, future, message, timer
        self.answered = False


class RequestWindow(Generic[T]):
    """Requests in flight, and queued ones.

    A response triggers the next queued statement in the driver's thread, so that no other thread must wake; the sender
    makes statements and processes responses.

    Parameters:
        max_in_flight: maximum number of requests in flight.

    Attributes:
        outstanding: requests whose responses were not taken yet.
    """

    def __init__(self, requests: Requests, max_in_flight: int) -> None:
        self.outstanding = 0
        self._requests, self._max_in_flight = requests, max_in_flight
        self._queue: deque[tuple[Any, _InFlightRequest[T]]] = deque()
        self._arrivals: deque[tuple[_InFlightRequest[T], Any, bool]] = deque()
        self._callbacks: list[Awaitable[None]] = []
        self._in_flight_count = 0
        self._lock = threading.RLock()  # may be interrupted by a garbage collection, which may end a run
        self._thread_state = threading.local()
        self._wake_threshold = 0
        self._arrival_condition = threading.Condition()

    def bind_and_send(self, message: Execute, tag: T) -> None:
        """Bind a statement and queue it; preparing may wait, and an error in its values is raised here."""
        self.send(self._requests.prepare_and_bind(message.compiled), tag, message)

    def send(self, statement: Any, tag: T, message: Execute) -> None:
        """Queue a bound statement."""
        self.outstanding += 1
        self._queue.append((statement, _InFlightRequest(tag, None, message)))
        self._send_queued()

    def expect_page(self, message: FetchNextPage, tag: T) -> None:
        """Queue the page that is being fetched."""
        self.outstanding += 1
        with self._lock:
            self._in_flight_count += 1
        self._add_callbacks(
            message.response.checked_future(),
            _InFlightRequest(tag, message.response.future, message, self._start_timer(message)),
        )

    def _start_timer(self, message: Message) -> RequestTimer | None:
        instrumentation = self._requests.instrumentation
        return None if instrumentation is None else instrumentation.start(message)

    def _send_queued(self) -> None:
        """Send while there is room; a request that fails at once returns here, and the first call continues."""
        if getattr(self._thread_state, "sending", False):
            return
        self._thread_state.sending = True
        try:
            while (queued := self._pop_queued()) is not None:
                statement, request = queued
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
                else:
                    self._add_callbacks(request.future, request)
        finally:
            self._thread_state.sending = False

    def _may_send(self) -> bool:
        """Whether the sender can still take the responses."""
        return True

    def _pop_queued(self) -> tuple[Any, _InFlightRequest[T]] | None:
        if not self._may_send():
            return None
        with self._lock:
            if self._in_flight_count >= self._max_in_flight or not self._queue:
                return None
            self._in_flight_count += 1
            return self._queue.popleft()

    def _add_callbacks(self, future: Any, request: _InFlightRequest[T]) -> None:
        future.add_callbacks(
            self._on_result, self._on_result, callback_args=(request, False), errback_args=(request, True)
        )

    def _on_result(self, result: Any, request: _InFlightRequest[T], is_error: bool) -> None:  # noqa: FBT001 - a callback
        """Record a result, in the driver's thread, or in the sender's when a request failed at once.

        The driver may call back twice, with a timeout and a late answer; the first one counts.
        """
        with self._lock:
            if request.answered:
                return
            request.answered = True
            self._in_flight_count -= 1
        self._send_queued()
        self._arrivals.append((request, result, is_error))
        if self._wake_threshold and len(self._arrivals) >= self._wake_threshold:
            self._wake()

    def _wake(self) -> None:
        with self._arrival_condition:
            self._arrival_condition.notify()

    def drop_queued(self) -> list[T]:
        """Drop queued requests and return their tags. Requests in flight complete unobserved."""
        with self._lock:
            tags = [request.tag for _, request in self._queue]
            self._queue.clear()
        self.outstanding -= len(tags)
        return tags

    def drain(self, timeout: float) -> list[tuple[T, Response | None, Exception | None]]:
        """Return the arrived responses, once nothing is in flight or the time is over."""
        deadline = time.monotonic() + timeout
        while self._in_flight_count and not self._requests.connection.is_inherited and time.monotonic() < deadline:
            time.sleep(_POLL_INTERVAL)
        return self._take_arrivals()

    def take(self, minimum: int = 1) -> list[tuple[T, Response | None, Exception | None]]:
        """Return the arrived responses; wait for a minimum number, or for all outstanding ones."""
        minimum = min(minimum, self.outstanding)
        if len(self._arrivals) < minimum:
            self._requests.connection.check_not_forked()  # answers to requests of a parent process never arrive
            with self._arrival_condition:
                self._wake_threshold = minimum
                while len(self._arrivals) < minimum:
                    self._arrival_condition.wait()
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
                callback = request.timer.end(0 if response is None else len(response.rows), error)
                if callback is not None:
                    self._callbacks.append(callback)
            responses.append((request.tag, response, error))
        return responses


class AsyncRequestWindow(RequestWindow[T]):
    """A window whose responses are processed in the running event loop."""

    def __init__(self, requests: Requests, max_in_flight: int) -> None:
        super().__init__(requests, max_in_flight)
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
        """Return the arrived responses, awaited; the minimum is that of `take`."""
        minimum = min(minimum, self.outstanding)
        while len(self._arrivals) < minimum:
            self._requests.connection.check_not_forked()
            self._wake_threshold = minimum
            if len(self._arrivals) < minimum:
                await self._arrival_event.wait()
            self._arrival_event.clear()
        self._wake_threshold = 0
        return await self._take_notified()

    async def drain_async(self, timeout: float) -> list[tuple[T, Response | None, Exception | None]]:
        """Return the arrived responses, awaited, once nothing is in flight or the time is over."""
        deadline = time.monotonic() + timeout
        while self._in_flight_count and time.monotonic() < deadline:  # noqa: ASYNC110 - set by another thread
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
