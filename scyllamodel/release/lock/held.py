"""A lock that is held: kept by renewing it, proved before each statement, given back.

*In*: the row as it was taken, a `LockStore`, a `Clock`. *Out*: `Lease`, whose every method is a conditional update of
the row or the question how old the last one is. A request may be answered, or not, or take effect later: what the row
shows at SERIAL decides, and no two updates of one epoch set the same beat, so that each is told from all others.
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
from scyllamodel.release.lock.row import LockRow, LockStore
from scyllamodel.release.lock.world import Clock
from scyllamodel.schema.apply import StatementFailure

_T = TypeVar("_T")

VALID_FRACTION: Final = 2 / 3
"""The part of a lease for which an update proves that nobody took over; others wait for a whole one."""

_MAX_ATTEMPTS: Final = 5
"""How often a step is begun if proving the lock takes too long; at least how often a fence and a release are tried."""
_PAUSE: Final = 0.1

_log = logging.getLogger("scyllamodel")


class _OutcomeUnknown(Exception):
    """An update whose outcome could not be found out; the last failure is its cause."""


@attrs.frozen
class Fence:
    """Proof that the lock was ours.

    Attributes:
        sent: when the update that proves it was sent, on the boot clock.
        valid_for: seconds after which it proves nothing any more.
    """

    sent: float
    valid_for: float
    _clock: Callable[[], float]

    @property
    def is_fresh(self) -> bool:
        """Whether it still proves that the lock is ours; to be asked last of all before a statement is sent."""
        return self._clock() - self.sent < self.valid_for


class Lease:
    """A lock that this run holds.

    Attributes:
        owner: this holder's id.
        fencing_token: counts holders; whatever is written conditionally on it is refused once there is a later one.
        previous: the row as it was left; its ``coordinator`` is the node to use first while it is up.
        coordinator: the node that statements are sent through; written at the next `fence`.
        waited_seconds: seconds that it took to get the lock.

    Parameters:
        row: the row as it was taken.
        duration: seconds of silence after which others may take over.
        step_timeout: seconds without a fence after which the lock is no longer renewed, so that a run that hangs does
            not hold it for ever; more than a step may take from its fence to its end, waiting included.
    """

    def __init__(
        self,
        store: LockStore,
        row: LockRow,
        previous: LockRow,
        clock: Clock,
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
        """Whether the one before us never gave the lock back, so that a statement of his may still be under way."""
        return self.previous.owner is not None

    @property
    def is_lost(self) -> bool:
        """Whether another run is known to have taken over."""
        return self._lost_error is not None

    def fence(self, version: int, step: int) -> Fence:
        """Renew the lock and write down what is about to be done with it.

        Raises:
            LockLost: it is not ours any more, or no server confirms that it is.
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
        """Call ``send_statement`` right after a proof that the lock is ours, and return what it returns.

        When the proof is too old by then (the process was paused, the machine slept), it is made anew: nobody else held
        the lock in between, or it is lost.

        Raises:
            LockLost: it is not ours any more, or cannot be proved to be; nothing was sent.
        """
        for _ in range(_MAX_ATTEMPTS):
            if self.fence(version, step).is_fresh:
                return send_statement()
        raise self._unconfirmed_error()

    def touch(self) -> None:
        """Say that the run is alive although no step began: it waits for agreement, or reads a large schema."""
        self._last_activity = self._clock.monotonic()

    def renew(self) -> bool:
        """Renew the lock unless the run hangs, and return whether that is known to have worked."""
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
        """Give the lock back, and return whether it is known not to be ours any more; others wait a lease if not.

        Parameters:
            timeout: seconds for which this is tried; None means one lease.
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
            "the lock of %s was not given back; in %g s others take over: %s", self._store.name, self.duration, failure
        )
        return False

    def _send_release(self) -> StatementFailure | None:
        """Send the release once; None when the lock is not ours any more."""
        try:
            self._store.change({"owner": self.owner, "epoch": self.fencing_token}, {"owner": None})
        except StatementFailure as error:
            row = self._read_back()
            return error if row is None or self._is_own(row) else None
        return None  # applied; or refused, and then an earlier try was applied, or somebody took over

    def _update(self, columns: Mapping[str, Any], min_attempts: int, min_seconds: float) -> float:
        """Move the beat, and return when the update was first sent that did; the mutex is held.

        Raises:
            LockLost: the lock is somebody else's.
            _Unresolved: so many tries in so many seconds, both of them, did not show whether it was done.
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
        """Send the update once, and find out what the row shows then."""
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
        """The row at SERIAL, None if it cannot be read."""
        try:
            return self._store.read(serial=True) or LockRow(self._store.name)
        except StatementFailure:
            return None

    def _is_own(self, row: LockRow) -> bool:
        return (row.owner, row.epoch) == (self.owner, self.fencing_token)

    def _taken_over_error(self, row: LockRow) -> LockLost:
        taker = f"by {row.description}" if row.owner else "and given back"
        return LockLost(
            f"The lock of keyspace {self._store.name} was taken over {taker}: this run was silent for longer than its "
            f"lease of {self.duration:g} s. It sent nothing more. Run it again: it goes on from what is live then.",
            keyspace=self._store.name,
            host=row.host,
            pid=row.pid,
        )

    def _unconfirmed_error(self) -> LockLost:
        return LockLost(
            f"No server confirms within the lease of {self.duration:g} s that this run still holds the lock of "
            "keyspace "
            f"{self._store.name}, so it sends nothing more. Look whether the nodes are up, then run it again.",
            keyspace=self._store.name,
            host=None,
            pid=None,
        )
