"""Runs work that several threads and tasks need at once a single time: connecting, and preparing a statement.

In: a key and the work. Out: for each caller the result or error of the caller that did it. If that one is interrupted
(Ctrl-C), another waiting caller does the work.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, Final, Generic, TypeVar

from scyllamodel.driver.data.asyncio_bridge import running_loop, start_thread, until_done

T = TypeVar("T")

_LOOK_AGAIN: Final = 0.5
"""Seconds after which a waiting caller checks the outcome itself, if the other one was interrupted before waking it."""


class _Interrupted(Exception):
    """The caller that did the work was interrupted."""


class WaitTimeout(Exception):
    """Another caller's work took longer than this caller may wait."""


class _Flight(Generic[T]):
    """Work in progress, and its outcome.

    A signal handler may raise an exception in the main thread between any two steps. In the condition of a
    `concurrent.futures.Future` that would leave a lock that is never released; here each step is one operation of the
    interpreter.
    """

    def __init__(self) -> None:
        self.outcome: tuple[T] | Exception | None = None
        self._is_published = threading.Lock()
        self._is_published.acquire()
        self._callbacks: list[Callable[[Any], object]] = []

    def publish(self, outcome: tuple[T] | Exception) -> None:
        """Set the outcome and wake those who wait."""
        self.outcome = outcome
        self._is_published.release()
        for callback in self._callbacks:
            callback(self)

    def result(self) -> T:
        """Return the result, or raise the error."""
        if isinstance(self.outcome, tuple):
            return self.outcome[0]
        raise self.outcome or WaitTimeout()

    def add_done_callback(self, callback: Callable[[Any], object]) -> None:
        """Call a function at least once after the outcome is set."""
        self._callbacks.append(callback)
        if self.outcome is not None:
            callback(self)

    def wait(self, deadline: float | None) -> None:
        """Wait for the outcome, or until the deadline."""
        while self.outcome is None and (seconds := _pause(deadline)) != 0:
            if self._is_published.acquire(timeout=seconds):
                self._is_published.release()

    async def wait_async(self, deadline: float | None) -> None:
        """Do what `wait` does, without blocking."""
        while self.outcome is None and (seconds := _pause(deadline)) != 0:
            await until_done(self, seconds)


class SingleFlight(Generic[T]):
    """The work in progress, by key; whichever step of it is interrupted, an outcome is published."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight[T]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    def run(self, key: Hashable, work: Callable[[], T], timeout: float | None = None) -> T:
        """Return the result of the work, done in this thread unless it is in progress.

        Parameters:
            timeout: seconds to wait for another caller's result; the work has its own limit.

        Raises:
            WaitTimeout: the result did not come in time.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            mine = _Flight[T]()
            try:
                joined = self._flights.setdefault(key, mine)
                if joined is mine:
                    return self._run_and_publish(key, mine, work)
            finally:
                self._release(key, mine)
            joined.wait(deadline)
            if not _must_retry(joined, deadline):
                return joined.result()

    async def run_async(self, key: Hashable, work: Callable[[], T], timeout: float | None = None) -> T:
        """Return the result of the work, done in its own thread unless it is in progress."""
        running_loop()
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            mine, is_started = _Flight[T](), False
            try:
                joined = self._flights.setdefault(key, mine)
                if joined is mine:
                    start_thread(self._run_in_thread, key, mine, work)
                    is_started = True
            finally:
                if not is_started:
                    self._release(key, mine)
            await joined.wait_async(deadline)
            if is_started or not _must_retry(joined, deadline):
                return joined.result()

    def wait_for(self, key: Hashable) -> None:
        """Wait for the work if it is in progress, whatever its outcome."""
        flight = self._flights.get(key)
        if flight is not None:
            flight.wait(None)

    def _run_and_publish(self, key: Hashable, flight: _Flight[T], work: Callable[[], T]) -> T:
        try:
            result = work()
        except Exception as error:
            self._publish(key, flight, error)
            raise
        self._publish(key, flight, (result,))
        return result

    def _run_in_thread(self, key: Hashable, flight: _Flight[T], work: Callable[[], T]) -> None:
        try:
            with contextlib.suppress(Exception):  # it is the outcome, for all waiting callers
                self._run_and_publish(key, flight, work)
        finally:
            self._release(key, flight)

    def _publish(self, key: Hashable, flight: _Flight[T], outcome: tuple[T] | Exception) -> None:
        """Publish an outcome; it is not for later callers, who do the work again."""
        if flight.outcome is None:
            flight.publish(outcome)
        if self._flights.get(key) is flight:  # else it was interrupted after its thread began, and this is another's
            self._flights.pop(key, None)

    def _release(self, key: Hashable, flight: _Flight[T]) -> None:
        """Publish that the caller of this flight was interrupted, if it is still in progress."""
        self._publish(key, flight, _Interrupted())


def _remaining(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def _pause(deadline: float | None) -> float:
    """Seconds until an outcome is looked at again."""
    remaining = _remaining(deadline)
    return _LOOK_AGAIN if remaining is None else min(remaining, _LOOK_AGAIN)


def _must_retry(flight: _Flight[Any], deadline: float | None) -> bool:
    """Whether a waiting caller must try again: the first one was interrupted, or had less time."""
    error = flight.outcome
    return isinstance(error, _Interrupted) or (isinstance(error, TimeoutError) and _remaining(deadline) != 0)
