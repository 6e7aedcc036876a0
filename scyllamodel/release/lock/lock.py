"""The lock as a context manager: got, renewed from a thread while the work runs, given back.

*In*: a `LockStore`. *Out*: a `Held` for the time of a ``with`` block.
"""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable, Generator
from typing import Final

import attrs

from scyllamodel.release.lock.held import Held
from scyllamodel.release.lock.row import LockStore
from scyllamodel.release.lock.wait import Look, OnWait, Wait, Wanted
from scyllamodel.release.lock.world import World

_AFTER_FAILURE: Final = 2.0
"""Seconds for which a run that failed tries to give its lock back: whoever comes next waits a lease at the most."""

_BEATS: Final = 3
"""Renewals in one lease."""


@attrs.frozen
class Lock:
    """The lock of one keyspace: for all repos, scopes and programs that change its schema.

    Attributes:
        store: keeps its row.
        wanted: what for, and on which terms.
    """

    store: LockStore
    wanted: Wanted
    world: World = attrs.field(factory=World)
    new_owner: Callable[[], uuid.UUID] = uuid.uuid4

    @contextlib.contextmanager
    def acquire(
        self, timeout: float = 60.0, *, look: Look | None = None, on_wait: OnWait | None = None
    ) -> Generator[Held | None]:
        """Hold the lock while inside, or go in with None once ``look`` says that it is needed no more.

        Parameters:
            timeout: seconds in which whoever holds the lock must make some progress, however little.
            look: asked at each wake-up of a wait, such as whether the schema fits by now.
            on_wait: told at each wake-up of a wait the row and the seconds so far.

        Raises:
            LockTimeout: nobody made progress; the error names the holder.
            ConfigurationError: the server refuses what a lock needs.
        """
        held = Wait(self.store, self.wanted, self.world, self.new_owner(), timeout, look, on_wait).get()
        if held is None:
            yield None
            return
        heart = _Heart(held)
        heart.start()
        try:
            yield held
        except BaseException:
            heart.stop()
            held.release(patience=_AFTER_FAILURE)
            raise
        heart.stop()
        held.release()


class _Heart(threading.Thread):
    """Renews a lock until it is stopped or the lock is lost; sooner again when it did not work."""

    def __init__(self, held: Held) -> None:
        super().__init__(name="scyllamodel-lock", daemon=True)
        self._held = held
        self._end = threading.Event()

    def run(self) -> None:
        """Beat."""
        pause = interval = self._held.lease / _BEATS
        while not self._end.wait(pause) and not self._held.is_lost:
            pause = interval if self._held.renew() else interval / 10

    def stop(self) -> None:
        """Stop; a renewal that is under way is waited for by whoever uses the lock next."""
        self._end.set()
