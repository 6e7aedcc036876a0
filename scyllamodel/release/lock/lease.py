"""A held lock: renewed, proved before each statement, and released.

*In*: the acquired row, a `LockStore`, a `LockClock`. *Out*: a `Lease`, whose methods are conditional updates of the
row. A request may succeed, fail, or take effect late: a SERIAL read of the row decides, and no two updates with one
fencing token set the same heartbeat, so each update can be identified.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar
from uuid import UUID

import attrs

from scyllamodel.errors import LockLost
from scyllamodel.release.lock.clock import LockClock
from scyllamodel.release.lock.row import LockRow
from scyllamodel.release.lock.store import LockStore
from scyllamodel.schema.apply import StatementFailure

_T = TypeVar("_T")

VALID_FRACTION: Final = 2 / 3
"""Fraction of a lease for which an update proves that no other run took over; other runs wait for a whole lease."""

_MAX_ATTEMPTS: Final = 5
"""Attempts of a step whose proof takes too long; minimum attempts of a fence and a release."""
_PAUSE: Final = 0.1

_log = logging.getLogger("scyllamodel")


class _OutcomeUnknown(Exception):
    """The outcome of an update is unknown; the last failure is the cause."""


@attrs.frozen
class Fence:
    """Proof that the lock was held.

    Attributes:
        sent: boot time at which the update was sent.
        valid_for: seconds.
    """

    sent: float
    valid_for: float
    _clock: Callable[[], float]

    @property
    def is_fresh(self) -> bool:
        """Whether it still proves the lock; to be checked right before a statement is sent."""
        return self._clock() - self.sent < self.valid_for


class Lease:
    """A lock that this run holds.

    Attributes:
        owner: id of this holder.
        fencing_token: counts holders; conditional writes with it fail once there is a later one.
        previous: the row before; prefer its ``coordinator`` while that is up.
        coordinator: the node for statements, stored with the next `fence`.
        waited_seconds: time it took to acquire the lock.

    Parameters:
        row: the acquired row.
        duration: seconds without a heartbeat after which others may take over.
        step_timeout: seconds without a fence after which the lock is no longer renewed, so that a hanging run does not
            keep it; longer than a step can take, with its waits.
    """

    def __init__(
        self,
        store: LockStore,
        row: LockRow,
        previous: LockRow,
        clock: LockClock,
        *,
        duration: float,
        step_timeout: float,
        waited_seconds: float = 0.0,
    ) -> None:
        self.owner, self.fencing_token = row.owner, row.epoch
        self.previous, self.waited_seconds = previous, waited_seconds
        self.coordinator: UUID | None = row.coordinator
        self.duration, self.step_timeout = duration, step_timeout
        self._store, self._clock = store, clock
        self._heartbeat = self._last_heartbeat = row.beat
        self._mutex = threading.Lock()
        self._last_activity = clock.monotonic()
        self._lost_error: LockLost | None = None
        self._released = False

    @property
    def took_over(self) -> bool:
        """Whether the previous holder did not release the lock, so that one of its statements may still take effect."""
        return self.previous.owner is not None

    @property
    def is_lost(self) -> bool:
        """Whether another run is known to have taken over."""
        return self._lost_error is not None

    def fence(self, version: int, step: int) -> Fence:
        """Renew the lock and record the step that is about to run.

        Raises:
            LockLost: the lock is lost, or no server confirms it.
        """
        with self._mutex:
            self._last_activity = self._clock.monotonic()
            try:
                sent = self._update(
                    {"version": version, "step": step, "coordinator": self.coordinator}, _MAX_ATTEMPTS, self.duration
                )
            except _OutcomeUnknown as unresolved:
                raise self._unconfirmed_error() from unresolved.__cause__
        return Fence(sent, self.duration * VALID_FRACTION, self._clock.boot_time)

    def send(self, version: int, step: int, send_statement: Callable[[], _T]) -> _T:
        """Call ``send_statement`` right after proving the lock, and return its result.

        If the proof has expired by then (a paused process, a sleeping machine), the lock is proved again: no other run
        held it in between, or it is lost.

        Raises:
            LockLost: the lock is lost or cannot be proved; nothing was sent.
        """
        for _ in range(_MAX_ATTEMPTS):
            if self.fence(version, step).is_fresh:
                return send_statement()
        raise self._unconfirmed_error()

    def touch(self) -> None:
        """Record activity between steps, such as waiting for agreement or reading a large schema."""
        self._last_activity = self._clock.monotonic()

    def renew(self) -> bool:
        """Renew the lock unless the run hangs; return whether that is known to have succeeded."""
        if self._clock.monotonic() - self._last_activity > self.step_timeout:
            return False
        with self._mutex:
            if self._released:
                return False
            try:
                self._update({}, 1, 0.0)
            except (_OutcomeUnknown, LockLost) as error:
                _log.warning("the lock of %s was not renewed: %s", self._store.name, error.__cause__ or error)
                return False
        return True

    def release(self, timeout: float | None = None) -> bool:
        """Release the lock; return whether it is known to be released. If it is not, others wait for one lease.

        Parameters:
            timeout: seconds to keep trying; by default one lease.
        """
        with self._mutex:
            self._released = True
            deadline = self._clock.monotonic() + (self.duration if timeout is None else timeout)
            attempts = 1
            while (failure := self._send_release()) is not None:
                if attempts >= _MAX_ATTEMPTS and self._clock.monotonic() >= deadline:
                    break
                self._clock.pause(_PAUSE)
                attempts += 1
            else:
                return True
        _log.warning(
            "the lock of %s was not released; others take over in %g s: %s", self._store.name, self.duration, failure
        )
        return False

    def _send_release(self) -> StatementFailure | None:
        """Send the release once; None when the lock is not held any more."""
        try:
            self._store.change({"owner": self.owner, "epoch": self.fencing_token}, {"owner": None})
        except StatementFailure as error:
            row = self._read_back()
            return error if row is None or self._is_own(row) else None
        return None  # applied; or refused, because an earlier attempt was applied or another run took over

    def _update(self, columns: Mapping[str, Any], min_attempts: int, min_seconds: float) -> float:
        """Set the next heartbeat; return when the successful update was first sent. The mutex is held.

        Raises:
            LockLost: another run has the lock.
            _OutcomeUnknown: the outcome is unknown after at least ``min_attempts`` and ``min_seconds``.
        """
        if self._lost_error is not None:
            raise self._lost_error
        heartbeat = self._last_heartbeat = self._last_heartbeat + 1
        sent = self._clock.boot_time()
        for attempts in itertools.count(1):
            failure = self._try_update(columns, heartbeat)
            if self._heartbeat == heartbeat:
                break
            if attempts >= min_attempts and self._clock.boot_time() - sent >= min_seconds:
                raise _OutcomeUnknown from failure
            self._clock.pause(_PAUSE)
        return sent

    def _try_update(self, columns: Mapping[str, Any], heartbeat: int) -> StatementFailure | None:
        """Send the update once and read the row back."""
        expected = {"owner": self.owner, "epoch": self.fencing_token, "beat": self._heartbeat}
        failure = None
        try:
            if self._store.change(expected, {"beat": heartbeat, **columns}).applied:
                self._heartbeat = heartbeat
                return None
        except StatementFailure as error:
            failure = error
        row = self._read_back()
        if row is not None and not self._is_own(row):
            self._lost_error = self._taken_over_error(row)
            raise self._lost_error
        if row is not None:
            self._heartbeat = row.beat  # of this update, or of an earlier one that took effect late
        return failure

    def _read_back(self) -> LockRow | None:
        """Read the row at SERIAL; None if it cannot be read."""
        try:
            return self._store.read(serial=True) or LockRow(self._store.name)
        except StatementFailure:
            return None

    def _is_own(self, row: LockRow) -> bool:
        return (row.owner, row.epoch) == (self.owner, self.fencing_token)

    def _taken_over_error(self, row: LockRow) -> LockLost:
        taker = f"by {row.description}" if row.owner else "and released"
        return LockLost(
            f"The lock of keyspace {self._store.name} was taken over {taker}: this run sent no heartbeat for longer "
            f"than its lease of {self.duration:g} s. It sent nothing more. Run it again: it resumes from the live "
            "schema.",
            keyspace=self._store.name,
            host=row.host,
            pid=row.pid,
        )

    def _unconfirmed_error(self) -> LockLost:
        return LockLost(
            f"No server confirmed within the lease of {self.duration:g} s that this run holds the lock of keyspace "
            f"{self._store.name}, so it sends nothing more. Check that the nodes are up, then run it again.",
            keyspace=self._store.name,
            host=None,
            pid=None,
        )
