"""Clock, pauses, interrupts and listener of a run.

They are passed in as one value, so that tests can replace them.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Final

import attrs

from scyllamodel.schema.apply.outcome import Event, OnEvent, notify

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0
_MAX_INTERRUPTS: Final = 3
"""The number of interrupts (Ctrl-C) that ends a run whose step is still in doubt."""


def never_stop() -> bool:
    """Return False: a `should_stop` that never stops."""
    return False


@attrs.define
class RunControl:
    """The clock, the pauses and the interrupts of a run.

    Attributes:
        now: a monotonic clock, in seconds.
        sleep: sleeps for a number of seconds.
        should_stop: called before each step; True ends the run.
        jitter: a random number from 0 to 1, so that several runs do not retry simultaneously.
        interrupts: how often Ctrl-C was pressed.
    """

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    should_stop: Callable[[], bool] = never_stop
    on_event: OnEvent | None = None
    jitter: Callable[[], float] = random.random
    interrupts: int = 0

    def pause(self, nth: int) -> None:
        """Sleep, longer each time."""
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (nth - 1))
        try:
            self.sleep(longest * (0.5 + self.jitter() / 2))
        except KeyboardInterrupt:
            self.record_interrupt()

    def record_interrupt(self) -> None:
        """Count a Ctrl-C: the current step is completed first, unless the maximum is reached."""
        self.interrupts += 1
        if self.interrupts >= _MAX_INTERRUPTS:
            raise KeyboardInterrupt

    @property
    def should_end(self) -> bool:
        """Whether the run ends before the next step."""
        return bool(self.interrupts) or self.should_stop()

    def emit(self, event: Event) -> None:
        """Pass an event to the listener; a Ctrl-C inside it counts as one of the run."""
        try:
            notify(self.on_event, event)
        except KeyboardInterrupt:
            self.record_interrupt()
