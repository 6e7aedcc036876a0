"""The lock as a context manager, renewed by a thread while the block runs.

*In*: a `LockStore`. *Out*: a `Lease` for the time of a ``with`` block.
"""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable, Generator
from typing import Final

import attrs

from scyllamodel.release.lock.acquire import LockAcquisition, LockRequest, OnWait, ShouldStop
from scyllamodel.release.lock.clock import LockClock
from scyllamodel.release.lock.lease import Lease
from scyllamodel.release.lock.store import LockStore

_RELEASE_TIMEOUT_AFTER_FAILURE: Final = 2.0
"""Seconds to retry the release after a failure; the next run waits at most one lease."""

_HEARTBEATS_PER_LEASE: Final = 3
"""Heartbeats per lease."""


@attrs.frozen
class Lock:
    """The lock of one keyspace, shared by all programs that change its schema.

    Attributes:
        store: of its row.
        request: purpose and terms.
    """

    store: LockStore
    request: LockRequest
    clock: LockClock = attrs.field(factory=LockClock)
    new_owner: Callable[[], uuid.UUID] = uuid.uuid4

    @contextlib.contextmanager
    def acquire(
        self, timeout: float = 60.0, *, should_stop: ShouldStop | None = None, on_wait: OnWait | None = None
    ) -> Generator[Lease | None]:
        """Hold the lock inside the block, or yield None once ``should_stop`` returns True.

        Parameters:
            timeout: seconds without progress of the holder.
            should_stop: called at each wake-up of a wait, for example to check whether the schema fits by now.
            on_wait: called at each wake-up of a wait with the row and the seconds so far.

        Raises:
            LockTimeout: the holder made no progress; the error names it.
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
    """Renews a lease until it is stopped or lost, and more often after a failure."""

    def __init__(self, lease: Lease) -> None:
        super().__init__(name="scyllamodel-lock", daemon=True)
        self._lease = lease
        self._stop_event = threading.Event()

    def run(self) -> None:
        """Send heartbeats until the lease is stopped or lost."""
        pause = interval = self._lease.duration / _HEARTBEATS_PER_LEASE
        while not self._stop_event.wait(pause) and not self._lease.is_lost:
            pause = interval if self._lease.renew() else interval / 10

    def stop(self) -> None:
        """Stop; the next user of the lease waits for a renewal in progress."""
        self._stop_event.set()
