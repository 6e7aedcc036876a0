"""Pauses between attempts: clocks that tests can replace, pauses that double, polling and retrying.

*In*: a function to call again. *Out*: its last result. Loops with a state of their own use `Backoff` and `Clock` alone.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

import attrs

_T = TypeVar("_T")


@attrs.frozen
class Clock:
    """Time and chance, as functions.

    Attributes:
        monotonic: seconds of a monotonic clock.
        sleep: pauses for a number of seconds.
        jitter: a random number from 0 to 1, so that several processes do not retry simultaneously.
    """

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random

    def pause(self, seconds: float) -> None:
        """Sleep between half and all of ``seconds``."""
        self.sleep(seconds * (0.5 + self.jitter() / 2))


SYSTEM_CLOCK: Final = Clock()


@attrs.frozen
class Backoff:
    """Pauses that double, from the first to the longest, in seconds.

    >>> list(Backoff(0.1, 1.0).pauses(6))
    [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    """

    first: float
    longest: float

    def pause(self, nth: int) -> float:
        """Return the length of a pause, counted from 0."""
        return min(self.longest, self.first * 2.0 ** min(nth, 30))

    def pauses(self, count: int) -> Iterator[float]:
        """Yield the lengths of the first pauses."""
        return map(self.pause, range(count))


def poll(
    probe: Callable[[], _T],
    *,
    until: Callable[[_T], bool],
    timeout: float,
    backoff: Backoff,
    clock: Clock = SYSTEM_CLOCK,
    progress: Callable[[_T], object] = lambda _: None,
) -> _T:
    """Call a function until its result is the desired one or the time is over, and return the last result.

    Parameters:
        until: whether a result ends the wait.
        timeout: seconds; the last pause is cut short, so that the last probe is made when they are over.
        progress: what to compare of two results; the time starts again when it differs.
    """
    start = clock.monotonic()
    result = probe()
    attempts = 0
    while not until(result):
        elapsed = clock.monotonic() - start
        if elapsed >= timeout:
            break
        clock.sleep(min(backoff.pause(attempts), timeout - elapsed))
        attempts += 1
        before, result = result, probe()
        if progress(before) != progress(result):
            start = clock.monotonic()
    return result


def retry(
    request: Callable[[], _T],
    *,
    is_transient: Callable[[Exception], bool],
    attempts: int,
    backoff: Backoff,
    clock: Clock = SYSTEM_CLOCK,
) -> _T:
    """Return the result of a request, which is repeated after transient errors, with jitter between the attempts.

    Raises:
        Exception: the error of the last attempt, or the first one that is not transient.
    """
    for pause in backoff.pauses(attempts - 1):
        try:
            return request()
        except Exception as error:
            if not is_transient(error):
                raise
        clock.pause(pause)
    return request()
