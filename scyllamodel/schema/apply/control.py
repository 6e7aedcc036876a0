"""Clock, pauses, interrupts and listener of a run.

They are passed in as one value, so that tests can replace them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from scyllamodel._backoff import SYSTEM_CLOCK, Backoff, Clock
from scyllamodel.schema.apply.outcome import Event, OnEvent, notify

_BACKOFF: Final = Backoff(0.1, 5.0)
_MAX_INTERRUPTS: Final = 3
"""The number of interrupts (Ctrl-C) that ends a run whose step is still in doubt."""


def never_stop() -> bool:
    """Return False: a `should_stop` that never stops."""
    return False


@attrs.define
class RunControl:
    """The clock, the pauses and the interrupts of a run.

    Attributes:
        should_stop: called before each step; True ends the run.
        interrupts: how often Ctrl-C was pressed.
    """

    clock: Clock = SYSTEM_CLOCK
    should_stop: Callable[[], bool] = never_stop
    on_event: OnEvent | None = None
    interrupts: int = 0

    def pause(self, nth: int) -> None:
        """Sleep, longer each time; ``nth`` counts from 1."""
        try:
            self.clock.pause(_BACKOFF.pause(nth - 1))
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
