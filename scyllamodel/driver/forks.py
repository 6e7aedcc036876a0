"""How this process tells that it is a child of the one that opened a connection.

A driver session hangs in a forked child, even with a timeout: the thread that answers it stayed with the parent. So
whoever holds a session remembers `epoch()` and compares before each use; the comparison costs less than ``os.getpid``.
"""

from __future__ import annotations

import os
from typing import Final

from scyllamodel.errors import ConnectionFailed

_epoch = [0]


def epoch() -> int:
    """A number that differs between a process and its forked children."""
    return _epoch[0]


def _forked() -> None:
    _epoch[0] += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)

abandoned: Final[list[object]] = []
"""Sessions of the parent, kept from the garbage collector, which would close them and wait for threads long gone."""


def check(opened: int, what: str) -> None:
    """Refuse a connection of the parent process.

    Raises:
        ConnectionFailed: this process was forked after ``opened`` was taken.
    """
    if opened != _epoch[0]:
        raise ConnectionFailed(
            f"{what} was opened before this process was forked, and its sockets belong to the parent. Open a new one "
            "in the child (in a pre-fork server: in its post-fork hook)."
        )
