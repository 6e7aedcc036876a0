"""Messages that one thread sends in quick succession, held back so that they go out together.

Writing to a socket costs about as much as making a message, and lets another thread have the interpreter. Answers that
are read together, and tasks of an event loop that run one after another, therefore send their messages in one write.
Only a `direct_connection` looks here; others send as the driver does.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Final, Protocol

from scyllamodel.driver.session.fork_safety import call_in_child

MAX_BATCH: Final = 32
"""Messages of one connection that are held back at most: the server need not be idle meanwhile."""


class HoldingConnection(Protocol):
    """A connection that holds messages."""

    def send_held(self) -> None:
        """Send what is held."""
        ...


class HeldMessages:
    """The connections that have messages of one thread to send.

    Where a signal handler may raise, `holds` is changed in place of `begin` and `end`: its exception could come in
    them, and leave the messages of the thread held for good.

    Attributes:
        connections: those connections, as the keys.
    """

    __slots__ = ("connections",)

    def __init__(self) -> None:
        self.connections: dict[HoldingConnection, None] = {}

    def begin(self) -> bool:
        """Hold what this thread sends from now on. False if they are held already; the outer caller sends them."""
        thread = threading.get_ident()
        if thread in holds:
            return False
        holds[thread] = self
        return True

    def end(self) -> None:
        """Stop holding messages; what is held still has to be sent."""
        holds.pop(threading.get_ident(), None)

    def send(self) -> None:
        """Send what is held; several threads may do so."""
        with contextlib.suppress(KeyError):  # the last one was taken by another thread
            while self.connections:
                self.connections.popitem()[0].send_held()


holds: Final[dict[int, HeldMessages]] = {}
"""Where the messages of a thread are held, by the thread's identifier."""

call_in_child(holds.clear)
