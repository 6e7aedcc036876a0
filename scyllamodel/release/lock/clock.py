"""Clocks, pauses and jitter of the lock."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import datetime, timezone

import attrs


def _since_boot() -> float:
    """Return the seconds since boot, including time asleep where the system has such a clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def _now() -> datetime:
    return datetime.now(timezone.utc)


@attrs.frozen
class Clock:
    """Time sources of the lock.

    Attributes:
        monotonic: seconds of a monotonic clock, for waiting.
        boot_time: seconds of a clock that includes time asleep; for the age of updates.
        sleep: pauses for a number of seconds.
        jitter: a number from 0 to 1.
        now: time of day, for people.
    """

    monotonic: Callable[[], float] = time.monotonic
    boot_time: Callable[[], float] = _since_boot
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    now: Callable[[], datetime] = _now

    def pause(self, seconds: float) -> None:
        """Sleep between half and all of ``seconds``."""
        self.sleep(seconds * (0.5 + self.jitter() / 2))
