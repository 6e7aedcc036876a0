"""What Ctrl-C and SIGTERM mean: end at once, unless a statement is under way, which is then finished and reported.

Only the command line installs signal handlers. A statement that was sent cannot be called back, and whoever leaves
before its answer leaves without knowing whether it ran. So while one runs the first signal is a wish, and a second one
goes to `scyllamodel.schema.apply`, which looks whether the statement shows.
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
    """Have this handler for Ctrl-C and SIGTERM inside the block; by default both raise KeyboardInterrupt."""
    before = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, found in before.items():
            signal.signal(number, found)
