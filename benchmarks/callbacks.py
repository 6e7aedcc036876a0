"""Driver requests kept in flight by callbacks: each response sends the next request."""

from __future__ import annotations

import threading
from typing import Any


def run_callbacks(session: Any, prepared: Any, key: Any, total: int, width: int) -> None:
    """Execute a prepared statement ``total`` times, ``width`` at once, and wait for the last response."""
    left, in_flight, done, lock = total - width, width, threading.Event(), threading.Lock()

    def answered(_: Any) -> None:
        nonlocal left, in_flight
        with lock:
            if left > 0:
                left -= 1
            else:
                in_flight -= 1
                if not in_flight:
                    done.set()
                return
        session.execute_async(prepared, key).add_callbacks(answered, answered)

    for _ in range(width):
        session.execute_async(prepared, key).add_callbacks(answered, answered)
    done.wait()
