"""A lock that is held: kept by renewing it, proved before each statement, given back.

*In*: the row as it was taken, a `LockStore`, a `World`. *Out*: `Held`, whose every method is a conditional update of
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
from scyllamodel.release.lock.world import World
from scyllamodel.schema.apply import StatementFailure

_T = TypeVar("_T")

GOOD_FOR: Final = 2 / 3
"""The part of a lease for which an update proves that nobody took over; others wait for a whole one."""

_TRIES: Final = 5
"""How often a step is begun if proving the lock takes too long; at least how often a fence and a release are tried."""
_PAUSE: Final = 0.1

_log = logging.getLogger("scyllamodel")


class _Unresolved(Exception):
    """An update whose outcome could not be found out; the last failure is its cause."""


@attrs.frozen
class Fence:
    """Proof that the lock was ours.

    Attributes:
        sent: when the update that proves it was sent, on the boot clock.
        good_for: seconds after which it proves nothing any more.
    """

    sent: float
    good_for: float
    _clock: Callable[[], float]

    @property
    def is_fresh(self) -> bool:
        """Whether it still proves that the lock is ours; to be asked last of all before a statement is sent."""
        return self._clock() - self.sent < self.good_for


class Held:
    """A lock that this run holds.

    Attributes:
        owner: this holder's id.
        epoch: counts holders; whatever is written conditionally on it is refused once there is a later one.
        previous: the row as it was left; its ``coordinator`` is the node to use first while it is up.
        coordinator: the node that statements are sent through; written at the next `fence`.
        waited: seconds that it took to get the lock.

    Parameters:
        row: the row as it was taken.
        lease: seconds of silence after which others may take over.
        step_timeout: seconds without a fence after which the lock is no longer renewed, so that a run that hangs does
            not hold it for ever; more than a step may take from its fence to its end, waiting included.
    """

    def __init__(
        self,
        store: LockStore,
        row: LockRow,
        previous: LockRow,
        world: World,
        *,
        lease: float,
        step_timeout: float,
        waited: float = 0.0,
    ) -> None:
        self.owner, self.epoch = row.owner, row.epoch
        self.previous, self.waited = previous, waited
        self.coordinator: UUID | None = row.coordinator
        self.lease, self.step_timeout = lease, step_timeout
        self._store, self._world = store, world
        self._beat = self._last_beat = row.beat
        self._mutex = threading.Lock()
        self._alive = world.clock()
        self._lost: LockLost | None = None
        self._over = False

    @property
    def took_over(self) -> bool:
        """Whether the one before us never gave the lock back, so that a statement of his may still be under way."""
        return self.previous.owner is not None

    @property
    def is_lost(self) -> bool:
        """Whether another run is known to have taken over."""
        return self._lost is not None

    def fence(self, version: int, step: int) -> Fence:
        """Renew the lock and write down what is about to be done with it.

        Raises:
            LockLost: it is not ours any more, or no server confirms that it is.
        """
        with self._mutex:
            self._alive = self._world.clock()
            try:
                sent = self._update(
                    {"version": version, "step": step, "coordinator": self.coordinator}, _TRIES, self.lease
                )
            except _Unresolved as unresolved:
                raise self._unconfirmed() from unresolved.__cause__
        return Fence(sent, self.lease * GOOD_FOR, self._world.boot_clock)

    def send(self, version: int, step: int, statement: Callable[[], _T]) -> _T:
        """Call ``statement`` right after a proof that the lock is ours, and return what it returns.

        When the proof is too old by then (the process was paused, the machine slept), it is made anew: nobody else held
        the lock in between, or it is lost.

        Raises:
            LockLost: it is not ours any more, or cannot be proved to be; nothing was sent.
        """
        for _ in range(_TRIES):
            if self.fence(version, step).is_fresh:
                return statement()
        raise self._unconfirmed()

    def touch(self) -> None:
        """Say that the run is alive although no step began: it waits for agreement, or reads a large schema."""
        self._alive = self._world.clock()

    def renew(self) -> bool:
        """Renew the lock unless the run hangs, and return whether that is known to have worked."""
        if self._world.clock() - self._alive > self.step_timeout:
            return False
        with self._mutex:
            if self._over:
                return False
            try:
                self._update({}, 1, 0.0)
            except (_Unresolved, LockLost) as error:
                _log.warning("the lock of %s was not renewed: %s", self._store.name, error.__cause__ or error)
                return False
        return True

    def release(self, patience: float | None = None) -> bool:
        """Give the lock back, and return whether it is known not to be ours any more; others wait a lease if not.

        Parameters:
            patience: seconds for which this is tried; None means one lease.
        """
        with self._mutex:
            self._over = True
            until = self._world.clock() + (self.lease if patience is None else patience)
            tries = 1
            while (failure := self._give_back()) is not None:
                if tries >= _TRIES and self._world.clock() >= until:
                    break
                self._world.pause(_PAUSE)
                tries += 1
            else:
                return True
        _log.warning(
            "the lock of %s was not given back; in %g s others take over: %s", self._store.name, self.lease, failure
        )
        return False

    def _give_back(self) -> StatementFailure | None:
        """Send the release once; None when the lock is not ours any more."""
        try:
            self._store.change({"owner": self.owner, "epoch": self.epoch}, {"owner": None})
        except StatementFailure as error:
            row = self._read_back()
            return error if row is None or self._is_ours(row) else None
        return None  # applied; or refused, and then an earlier try was applied, or somebody took over

    def _update(self, columns: Mapping[str, Any], tries: int, patience: float) -> float:
        """Move the beat, and return when the update was first sent that did; the mutex is held.

        Raises:
            LockLost: the lock is somebody else's.
            _Unresolved: so many tries in so many seconds, both of them, did not show whether it was done.
        """
        if self._lost is not None:
            raise self._lost
        beat = self._last_beat = self._last_beat + 1
        sent = self._world.boot_clock()
        for tried in itertools.count(1):
            failure = self._try(columns, beat)
            if self._beat == beat:
                break
            if tried >= tries and self._world.boot_clock() - sent >= patience:
                raise _Unresolved from failure
            self._world.pause(_PAUSE)
        return sent

    def _try(self, columns: Mapping[str, Any], beat: int) -> StatementFailure | None:
        """Send the update once, and find out what the row shows then."""
        when = {"owner": self.owner, "epoch": self.epoch, "beat": self._beat}
        failure = None
        try:
            if self._store.change(when, {"beat": beat, **columns}).applied:
                self._beat = beat
                return None
        except StatementFailure as error:
            failure = error
        row = self._read_back()
        if row is not None and not self._is_ours(row):
            self._lost = self._taken(row)
            raise self._lost
        if row is not None:
            self._beat = row.beat  # of this update, or of an earlier one that took effect late
        return failure

    def _read_back(self) -> LockRow | None:
        """The row at SERIAL, None if it cannot be read."""
        try:
            return self._store.read(serial=True) or LockRow(self._store.name)
        except StatementFailure:
            return None

    def _is_ours(self, row: LockRow) -> bool:
        return (row.owner, row.epoch) == (self.owner, self.epoch)

    def _taken(self, row: LockRow) -> LockLost:
        by = f"by {row.who}" if row.owner else "and given back"
        return LockLost(
            f"The lock of keyspace {self._store.name} was taken over {by}: this run was silent for longer than its "
            f"lease of {self.lease:g} s. It sent nothing more. Run it again: it goes on from what is live then.",
            keyspace=self._store.name,
            host=row.host,
            pid=row.pid,
        )

    def _unconfirmed(self) -> LockLost:
        return LockLost(
            f"No server confirms within the lease of {self.lease:g} s that this run still holds the lock of keyspace "
            f"{self._store.name}, so it sends nothing more. Look whether the nodes are up, then run it again.",
            keyspace=self._store.name,
            host=None,
            pid=None,
        )
