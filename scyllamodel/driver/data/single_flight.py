"""Runs work that several threads and tasks need at once a single time: connecting, and preparing a statement.

In: a key and the work. Out: for each caller the result or error of the caller that did it. If that one is interrupted
(Ctrl-C), another waiting caller does the work.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from typing import Any, Generic, TypeVar

from scyllamodel.driver.data.asyncio_bridge import running_loop, start_thread, until_done

T = TypeVar("T")


class _Interrupted(Exception):
    """The caller that did the work was interrupted."""


class WaitTimeout(Exception):
    """Another caller's work took longer than this caller may wait."""


class SingleFlight(Generic[T]):
    """The work in progress, by key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._futures: dict[Hashable, Future[T]] = {}

    def __len__(self) -> int:
        return len(self._futures)

    def run(self, key: Hashable, work: Callable[[], T], timeout: float | None = None) -> T:
        """Return the result of the work, done in this thread unless it is in progress.

        Parameters:
            timeout: seconds to wait for another caller's result; the work has its own limit.

        Raises:
            WaitTimeout: the result did not come in time.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            future, is_leader = self._join(key)
            if is_leader:
                return self._run_and_publish(key, future, work)
            wait([future], _remaining(deadline))
            if not _must_retry(future, deadline):
                return future.result(0)

    async def run_async(self, key: Hashable, work: Callable[[], T], timeout: float | None = None) -> T:
        """Return the result of the work, done in its own thread unless it is in progress."""
        running_loop()
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            future, is_leader = self._join(key)
            if is_leader:
                self._run_in_thread(key, future, work)
            await until_done(future, _remaining(deadline))
            if is_leader or not _must_retry(future, deadline):
                if not future.done():
                    raise WaitTimeout
                return future.result(0)

    def wait_for(self, key: Hashable) -> None:
        """Wait for the work if it is in progress, whatever its outcome."""
        future = self._futures.get(key)
        if future is not None:
            future.exception()

    def _join(self, key: Hashable) -> tuple[Future[T], bool]:
        with self._lock:
            future = self._futures.get(key)
            if future is not None:
                return future, False
            new_future = self._futures[key] = Future[T]()
            new_future.set_running_or_notify_cancel()  # a cancelled task must not cancel it for the others
            return new_future, True

    def _run_and_publish(self, key: Hashable, future: Future[T], work: Callable[[], T]) -> T:
        try:
            result = work()
        except BaseException as error:
            self._remove(key)
            future.set_exception(error if isinstance(error, Exception) else _Interrupted())
            raise
        self._remove(key)
        future.set_result(result)
        return result

    def _run_in_thread(self, key: Hashable, future: Future[T], work: Callable[[], T]) -> None:
        def call() -> None:
            with contextlib.suppress(Exception):  # it is in the future, for all waiting callers
                self._run_and_publish(key, future, work)

        try:
            start_thread(call)
        except BaseException:  # there are too many threads
            self._remove(key)
            future.set_exception(_Interrupted())
            raise

    def _remove(self, key: Hashable) -> None:
        with self._lock:
            self._futures.pop(key, None)


def _remaining(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def _must_retry(future: Future[Any], deadline: float | None) -> bool:
    """Whether a waiting caller must try again: the first one was interrupted, or had less time.

    Raises:
        WaitTimeout: this caller has no time left.
    """
    if not future.done():
        raise WaitTimeout
    error = future.exception()
    return isinstance(error, _Interrupted) or (isinstance(error, TimeoutError) and _remaining(deadline) != 0)
