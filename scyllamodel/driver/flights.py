"""Work that several threads and tasks want at one time, done once: connecting, and preparing a statement.

*In*: a key and the work. *Out*: for each caller the result or the error of the one who did it. A caller that is
interrupted (Ctrl-C) hands the work over to another one that waits.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from typing import Any, Generic, TypeVar

from scyllamodel.driver.loops import running_loop, start_thread, until_done

T = TypeVar("T")


class _HandedOver(Exception):
    """The caller that did the work was interrupted."""


class NotInTime(Exception):
    """Another caller's work took longer than this one may wait."""


class Flights(Generic[T]):
    """The works in progress, by their keys."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[Hashable, Future[T]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def do(self, key: Hashable, work: Callable[[], T], timeout: float | None = None) -> T:
        """Return the result of the work, done in this thread unless it is in progress.

        Parameters:
            timeout: seconds to wait for another caller's result; the work has a limit of its own.

        Raises:
            NotInTime: it did not come in time.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            flight, is_first = self._join(key)
            if is_first:
                return self._lead(key, flight, work)
            wait([flight], _left(end))
            if not _is_over(flight, end):
                return flight.result(0)

    async def do_async(self, key: Hashable, work: Callable[[], T], timeout: float | None = None) -> T:
        """Return the result of the work as `do` does; what is not in progress is done in a thread of its own."""
        running_loop()
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            flight, is_first = self._join(key)
            if is_first:
                self._lead_in_thread(key, flight, work)
            await until_done(flight, _left(end))
            if is_first or not _is_over(flight, end):
                if not flight.done():
                    raise NotInTime
                return flight.result(0)

    def settle(self, key: Hashable) -> None:
        """Wait for the work if it is in progress, whatever comes of it."""
        flight = self._open.get(key)
        if flight is not None:
            flight.exception()

    def _join(self, key: Hashable) -> tuple[Future[T], bool]:
        with self._lock:
            found = self._open.get(key)
            if found is not None:
                return found, False
            made = self._open[key] = Future[T]()
            made.set_running_or_notify_cancel()  # a task that gives up must not cancel it for the others
            return made, True

    def _lead(self, key: Hashable, flight: Future[T], work: Callable[[], T]) -> T:
        try:
            found = work()
        except BaseException as error:
            self._land(key)
            flight.set_exception(error if isinstance(error, Exception) else _HandedOver())
            raise
        self._land(key)
        flight.set_result(found)
        return found

    def _lead_in_thread(self, key: Hashable, flight: Future[T], work: Callable[[], T]) -> None:
        def lead() -> None:
            with contextlib.suppress(Exception):  # it is in the flight, for all who wait
                self._lead(key, flight, work)

        try:
            start_thread(lead)
        except BaseException:  # there are too many threads
            self._land(key)
            flight.set_exception(_HandedOver())
            raise

    def _land(self, key: Hashable) -> None:
        with self._lock:
            self._open.pop(key, None)


def _left(end: float | None) -> float | None:
    return None if end is None else max(0.0, end - time.monotonic())


def _is_over(flight: Future[Any], end: float | None) -> bool:
    """Whether a caller that waited has to try again: the first one was interrupted, or had less time than this one.

    Raises:
        NotInTime: this caller has no more time.
    """
    if not flight.done():
        raise NotInTime
    error = flight.exception()
    return isinstance(error, _HandedOver) or (isinstance(error, TimeoutError) and _left(end) != 0)
