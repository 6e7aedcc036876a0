"""The lock as a context manager: got, renewed from a thread while the work runs, given back.

*In*: a `LockStore`. *Out*: a `Lease` for the time of a ``with`` block.
"""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable, Generator
from typing import Final

import attrs

from scyllamodel.release.lock.held import Lease
from scyllamodel.release.lock.row import LockStore
from scyllamodel.release.lock.wait import LockAcquisition, LockRequest, OnWait, ShouldStop
from scyllamodel.release.lock.world import Clock

_RELEASE_TIMEOUT_AFTER_FAILURE: Final = 2.0
"""Seconds for which a run that failed tries to give its lock back: whoever comes next waits a lease at the most."""

_HEARTBEATS_PER_LEASE: Final = 3
"""Renewals in one lease."""


@attrs.frozen
class Lock:
    """The lock of one keyspace: for all repos, scopes and programs that change its schema.

    Attributes:
        store: keeps its row.
        request: what for, and on which terms.
    """

    store: LockStore
    request: LockRequest
    clock: Clock = attrs.field(factory=Clock)
    new_owner: Callable[[], uuid.UUID] = uuid.uuid4

    @contextlib.contextmanager
    def acquire(
        self, timeout: float = 60.0, *, should_stop: ShouldStop | None = None, on_wait: OnWait | None = None
    ) -> Generator[Lease | None]:
        """Hold the lock while inside, or go in with None once ``should_stop`` says that it is needed no more.

        Parameters:
            timeout: seconds in which whoever holds the lock must make some progress, however little.
            should_stop: asked at each wake-up of a wait, such as whether the schema fits by now.
            on_wait: told at each wake-up of a wait the row and the seconds so far.

        Raises:
            LockTimeout: nobody made progress; the error names the holder.
            ConfigurationError: the server refuses what a lock needs.
        """
        lease = LockAcquisition(
            self.store, self.request, self.clock, self.new_owner(), timeout, should_stop, on_wait
        ).acquire()
        if lease is None:
            yield None
            return
        heartbeat = _HeartbeatThread(lease)
        heartbeat.start()
        try:
            yield lease
        except BaseException:
            heartbeat.stop()
            lease.release(timeout=_RELEASE_TIMEOUT_AFTER_FAILURE)
            raise
        heartbeat.stop()
        lease.release()


class _HeartbeatThread(threading.Thread):
    """Renews a lock until it is stopped or the lock is lost; sooner again when it did not work."""

    def __init__(self, lease: Lease) -> None:
        super().__init__(name="scyllamodel-lock", daemon=True)
        self._lease = lease
        self._stop_event = threading.Event()

    def run(self) -> None:
        """Beat."""
        pause = interval = self._lease.duration / _HEARTBEATS_PER_LEASE
        while not self._stop_event.wait(pause) and not self._lease.is_lost:
            pause = interval if self._lease.renew() else interval / 10

    def stop(self) -> None:
        """Stop; a renewal that is under way is waited for by whoever uses the lock next."""
        self._stop_event.set()
