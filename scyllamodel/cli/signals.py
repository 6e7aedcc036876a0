"""Handles Ctrl-C and SIGTERM: stop at once, or after the statement that is being executed.

Only the command line installs signal handlers. A statement that was sent cannot be cancelled, and without its response
its outcome is unknown. So the first signal during a statement only requests a stop. A second one interrupts
`scyllamodel.schema.apply`, which checks whether the statement took effect.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def on_signals(handler: Callable[[int, FrameType | None], None] = signal.default_int_handler) -> Generator[None]:
    """Install a handler for Ctrl-C and SIGTERM inside the block; by default both raise KeyboardInterrupt."""
    previous_handlers = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, previous_handler in previous_handlers.items():
            signal.signal(number, previous_handler)
