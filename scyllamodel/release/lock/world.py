"""Clocks, pauses and chance, as the lock sees them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import datetime, timezone

import attrs


def _since_boot() -> float:
    """Seconds on a clock that also counts while the machine sleeps, where there is one."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def _now() -> datetime:
    return datetime.now(timezone.utc)


@attrs.frozen
class Clock:
    """What the lock needs besides its row.

    Attributes:
        monotonic: seconds on a clock that never goes back; how long others are waited for.
        boot_time: seconds on a clock that also counts while the machine sleeps; how old an own update is.
        sleep: pauses for so many seconds.
        jitter: a number from 0 to 1, so that many do not try again at one moment.
        now: the time of day, for people to read.
    """

    monotonic: Callable[[], float] = time.monotonic
    boot_time: Callable[[], float] = _since_boot
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    now: Callable[[], datetime] = _now

    def pause(self, seconds: float) -> None:
        """Sleep so long, or up to half as long."""
        self.sleep(seconds * (0.5 + self.jitter() / 2))
