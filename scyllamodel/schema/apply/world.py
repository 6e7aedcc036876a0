"""The clock, the pauses and the listeners of a run, and what Ctrl-C means to it.

They come into a run as one value, so that whoever tests it is the clock and the hand on the keyboard.
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
"""The Ctrl-C that ends a run whose step is still in doubt."""


def never_stop() -> bool:
    """Nobody asks for a stop."""
    return False


@attrs.define
class RunControl:
    """What a run needs besides an executor.

    Attributes:
        now: seconds on a clock that never goes back.
        sleep: pauses for so many seconds.
        should_stop: asked before each step; True ends the run there.
        jitter: a number from 0 to 1, so that many runs do not try again at one moment.
        interrupts: how often Ctrl-C was pressed.
    """

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    should_stop: Callable[[], bool] = never_stop
    on_event: OnEvent | None = None
    jitter: Callable[[], float] = random.random
    interrupts: int = 0

    def pause(self, nth: int) -> None:
        """Wait, longer each time."""
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (nth - 1))
        try:
            self.sleep(longest * (0.5 + self.jitter() / 2))
        except KeyboardInterrupt:
            self.record_interrupt()

    def record_interrupt(self) -> None:
        """Note a Ctrl-C: the running step is finished first, unless somebody insists."""
        self.interrupts += 1
        if self.interrupts >= _MAX_INTERRUPTS:
            raise KeyboardInterrupt

    @property
    def should_end(self) -> bool:
        """Whether no further step should begin."""
        return bool(self.interrupts) or self.should_stop()

    def emit(self, event: Event) -> None:
        """Tell the listener; a Ctrl-C that reaches it is one of the run."""
        try:
            notify(self.on_event, event)
        except KeyboardInterrupt:
            self.record_interrupt()
