"""Clocks of the lock."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone

import attrs

from scyllamodel._backoff import Clock


def _since_boot() -> float:
    """Return the seconds since boot, including time asleep where the system has such a clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def _now() -> datetime:
    return datetime.now(timezone.utc)


@attrs.frozen
class LockClock(Clock):
    """Time sources of the lock.

    Attributes:
        boot_time: seconds of a clock that includes time asleep; for the age of updates.
        now: time of day, for people.
    """

    boot_time: Callable[[], float] = _since_boot
    now: Callable[[], datetime] = _now
