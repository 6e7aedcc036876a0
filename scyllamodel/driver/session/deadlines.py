"""One timer of the driver for all requests with the same timeout.

The driver makes a timer for each request, and wakes its event loop for each. Requests with equal timeouts end in the
order in which they began, so one timer for the oldest is enough.

The driver has a queue of timers, and removes cancelled ones only from its front. A timer that is not cancelled keeps
those behind it, with their finished requests and rows (``TimerManager.service_timeouts`` of scylla-driver 3.29.12). So
the timer here is short, and `release_timer` lets that of a request of the driver not keep the request.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, Final, Protocol

_log: Final = logging.getLogger("scyllamodel.driver")

MAX_SECONDS: Final = 0.5
"""Seconds after which the timer looks at the requests, at the latest; it ends when there is none."""


class TimedRequest(Protocol):
    """A request that has a time limit."""

    start_seconds: float

    def expire(self) -> None:
        """End the request, whose time is over."""
        ...


class Deadlines:
    """The requests in flight that have one timeout.

    Parameters:
        create_timer: of the driver's connection class; takes seconds and a function to call in the driver's thread.
        timeout: seconds.
    """

    __slots__ = ("_create_timer", "_is_running", "_lock", "_requests", "_timeout")

    def __init__(self, create_timer: Callable[[float, Callable[[], None]], Any], timeout: float) -> None:
        self._create_timer, self._timeout = create_timer, timeout
        self._requests: dict[TimedRequest, None] = {}  # in the order in which they began
        self._lock = threading.Lock()
        self._is_running = False

    @property
    def is_idle(self) -> bool:
        """Whether there is no request."""
        return not self._requests

    def add(self, request: TimedRequest) -> None:
        """Limit the time of a request that begins now."""
        self._requests[request] = None
        if not self._is_running:
            self._start()

    def discard(self, request: TimedRequest) -> None:
        """Forget a request that ended, if it is there."""
        self._requests.pop(request, None)

    def _start(self) -> None:
        """Start the timer of the oldest request, unless it runs or there is none."""
        with self._lock:
            oldest = None if self._is_running else self._oldest()
            if oldest is not None:
                self._is_running = True
                seconds = oldest.start_seconds + self._timeout - time.time()
                self._create_timer(min(max(0.0, seconds), MAX_SECONDS), self._expire)

    def _oldest(self) -> TimedRequest | None:
        while True:
            try:
                return next(iter(self._requests), None)
            except RuntimeError:  # noqa: PERF203 - another thread added one between the two calls
                continue

    def _expire(self) -> None:
        """End the requests whose time is over; the driver calls this in its thread, which an error would keep busy."""
        end = time.time() - self._timeout
        while (oldest := self._oldest()) is not None and oldest.start_seconds <= end:
            self.discard(oldest)
            try:
                oldest.expire()
            except Exception:  # noqa: BLE001 - see above
                _log.exception("a request that timed out could not be ended")
        self._is_running = False  # before the requests are looked at: one added from here on starts the timer
        self._start()


def release_timer(future: Any) -> None:
    """Let the timer of a driver's future not keep it; what waits for the future, or sends it again, does."""
    timer = future._timer  # noqa: SLF001 - no public API
    if getattr(timer, "callback", None) == future._on_timeout:  # noqa: SLF001
        timer.callback = _WeakTimeout(future)


class _WeakTimeout:
    """Ends a request whose time is over, if anything still refers to it."""

    __slots__ = ("_future",)

    def __init__(self, future: Any) -> None:
        self._future = weakref.ref(future)

    def __call__(self) -> None:
        future = self._future()
        if future is not None:
            future._on_timeout()  # noqa: SLF001
