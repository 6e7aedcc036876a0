"""Acquires a lock: takes a free one, takes over an expired one, waits for a held one.

*In*: a `LockStore`, a `LockClock`. *Out*: a `Lease`, or None if the wait was stopped. Expiry is judged by the waiting
process's own clock: a row that did not change for its holder's whole lease has expired.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any, Final, TypeAlias
from uuid import UUID

import attrs

from scyllamodel._backoff import Backoff
from scyllamodel.errors import ConfigurationError, LedgerError, LockTimeout
from scyllamodel.release.lock.clock import LockClock
from scyllamodel.release.lock.lease import Lease
from scyllamodel.release.lock.row import LockRow
from scyllamodel.release.lock.store import LockStore
from scyllamodel.schema.apply import StatementFailure, StatementRefused

ShouldStop: TypeAlias = Callable[[], bool]
OnWait: TypeAlias = Callable[[LockRow, float], object]
"""Called at each wake-up with the row, if known, and the seconds so far."""

_HOLDER_FIELDS: Final = ("holder", "host", "pid", "purpose", "version", "step", "age")
_BACKOFF: Final = Backoff(0.1, 1.0)


@attrs.frozen
class LockRequest:
    """A request for a lock.

    Attributes:
        purpose: shown to those who wait.
        lease_seconds: without a heartbeat until others may take over.
        step_timeout: seconds without a fence after which a run counts as hanging.
        host: of the process, with ``pid``.
    """

    purpose: str
    lease_seconds: float = 30.0
    step_timeout: float = 120.0
    host: str = attrs.field(factory=socket.gethostname)
    pid: int = attrs.field(factory=os.getpid)


def check_undamaged(store: LockStore, row: LockRow) -> None:
    """Refuse a damaged row.

    Raises:
        LedgerError: the row is damaged or forged; the message says how to remove it.
    """
    if row.fault is not None:
        raise LedgerError(
            f"The lock row of keyspace {row.name} is damaged, or was not written by scyllamodel: {row.fault}. Check "
            f"who may write that table. Then run: scyllamodel unlock --force; or: {store.removal_statement(row)}",
            scope=row.name,
        )


class LockAcquisition:
    """One attempt to acquire a lock.

    Parameters:
        owner: id for this attempt alone.
        timeout: seconds without progress of the holder.
        should_stop: called at each wake-up.
    """

    def __init__(  # noqa: PLR0917 - one caller
        self,
        store: LockStore,
        request: LockRequest,
        clock: LockClock,
        owner: UUID,
        timeout: float,
        should_stop: ShouldStop | None = None,
        on_wait: OnWait | None = None,
    ) -> None:
        self.store, self.request, self.clock, self.owner = store, request, clock, owner
        self.timeout, self.should_stop, self.on_wait = timeout, should_stop, on_wait
        self.started_at = self.last_progress = self.last_change = clock.monotonic()
        self.row: LockRow | None = None
        self.attempted: LockRow | None = None
        """The row before an update whose outcome is unknown."""
        self.failure: StatementFailure | None = None
        self.pauses = 0

    def acquire(self) -> Lease | None:
        """Acquire the lock, waiting as long as its holders make progress.

        Raises:
            LockTimeout: there was no progress for ``timeout`` seconds.
            ConfigurationError: the server refuses what a lock needs.
        """
        try:
            while True:
                lease = self.attempt()
                if lease is not None or self.sleep():
                    return lease
        except StatementRefused as error:
            raise self.refusal_error(error) from error
        finally:
            self.abandon()

    def attempt(self) -> Lease | None:
        """Read the row, and try to take it if it is free or expired."""
        row = self.read()
        if row is None:
            return None
        if row.owner == self.owner:  # an update whose outcome was unknown
            return self.make_lease(row)
        if row.owner is None:
            return self.try_take(row, {"owner": None, "epoch": row.epoch})
        if self.is_expired(row):
            return self.try_take(row, {"owner": row.owner, "epoch": row.epoch, "beat": row.beat})
        return None

    def read(self) -> LockRow | None:
        """Read the row and record when it last changed; None if it could not be read or was just created.

        Raises:
            LedgerError: it is damaged or forged.

        Reads at QUORUM, since the condition of the update decides; at SERIAL after an update whose outcome is unknown.
        """
        try:
            row = self.store.read(serial=self.attempted is not None)
            if row is None:
                self.store.create()
        except StatementRefused:
            raise
        except StatementFailure as error:
            self.failure, row = error, None
        if row is not None:
            check_undamaged(self.store, row)
            self.record(row)
        return row

    def record(self, row: LockRow) -> None:
        """Record when the row was first seen in this state."""
        if self.row is None or row.progress != self.row.progress:
            self.last_progress, self.pauses = self.clock.monotonic(), 0
        if self.row is None or row.identity != self.row.identity:
            self.last_change = self.clock.monotonic()
        self.row = row
        if self.attempted is not None and row.epoch > self.attempted.epoch and row.owner != self.owner:
            self.attempted = None  # its condition can never hold again

    def is_expired(self, row: LockRow) -> bool:
        """Whether the row did not change for the holder's whole lease."""
        lease = self.request.lease_seconds if row.lease_ms is None else row.lease_ms / 1000
        return self.clock.monotonic() - self.last_change >= lease

    def try_take(self, row: LockRow, expected: dict[str, Any]) -> Lease | None:
        """Try to become the next holder."""
        self.attempted = row
        columns = self.columns(row.epoch + 1)
        try:
            update = self.store.change(expected, columns)
        except StatementRefused:
            self.attempted = None
            raise
        except StatementFailure as error:
            self.failure = error
            return None
        if update.applied or update.owner == self.owner:  # a refusal may show an earlier attempt of this run
            return self.make_lease(attrs.evolve(row, **columns))
        self.attempted = None
        return None

    def columns(self, fencing_token: int) -> dict[str, Any]:
        """Return columns of a new holder; the coordinator stays until a statement goes through another node."""
        return {
            "owner": self.owner,
            "epoch": fencing_token,
            "beat": 0,
            "lease_ms": round(self.request.lease_seconds * 1000),
            "version": None,
            "step": None,
            "host": self.request.host,
            "pid": self.request.pid,
            "purpose": self.request.purpose,
            "acquired_at": self.clock.now(),
        }

    def make_lease(self, row: LockRow) -> Lease:
        """Return the acquired lease; ``previous`` is the row before."""
        previous, self.attempted = self.attempted or row, None
        return Lease(
            self.store,
            row,
            previous,
            self.clock,
            duration=self.request.lease_seconds,
            step_timeout=self.request.step_timeout,
            waited_seconds=self.clock.monotonic() - self.started_at,
        )

    def sleep(self) -> bool:
        """Pause, then return whether the wait should stop.

        Raises:
            LockTimeout: the row did not change for too long.
        """
        self.clock.pause(min(_BACKOFF.pause(self.pauses), self.request.lease_seconds / 8))
        self.pauses += 1
        if self.on_wait is not None:
            self.on_wait(self.row or LockRow(self.store.name), self.clock.monotonic() - self.started_at)
        if self.should_stop is not None and self.should_stop():
            return True
        if self.clock.monotonic() - self.last_progress > self.timeout:
            raise self.timeout_error() from self.failure
        return False

    def abandon(self) -> None:
        """Release what an update with unknown outcome may have taken."""
        if self.attempted is not None:
            self.make_lease(attrs.evolve(self.attempted, **self.columns(self.attempted.epoch + 1))).release(timeout=0.0)

    def timeout_error(self) -> LockTimeout:
        """Return an error that names the holder."""
        row, keyspace = self.row or LockRow(self.store.name), self.store.name
        if self.row is None and self.failure is None:
            return LockTimeout(
                f"The lock row of keyspace {keyspace} was written and is not visible: it was deleted with a timestamp "
                f"in the future. Run: {self.store.removal_statement(LockRow(keyspace, clock_skew=float('inf')))}",
                keyspace=keyspace,
                **dict.fromkeys(_HOLDER_FIELDS),
            )
        if row.owner is None:
            message = (
                f"The lock of keyspace {keyspace} is free, but no server confirmed for {self.timeout:g} s that it was "
                "acquired. Check that enough nodes are up for QUORUM."
            )
            return LockTimeout(message, keyspace=keyspace, **dict.fromkeys(_HOLDER_FIELDS))
        age = None if row.acquired_at is None else max(0.0, (self.clock.now() - row.acquired_at).total_seconds())
        held_for = "" if age is None else f" for {age:.0f} s"
        position = "no step yet" if row.step is None else f"step {row.step} of version {row.version}"
        return LockTimeout(
            f"The lock of keyspace {keyspace} is held by {row.description}{held_for}, at {position}, "
            f"without progress for {self.timeout:g} s. Check that process; once it is gone, its lock expires after "
            f"{(row.lease_ms or 0) / 1000:g} s of silence.",
            keyspace=keyspace,
            holder=row.owner,
            age=age,
            **{name: getattr(row, name) for name in ("host", "pid", "purpose", "version", "step")},
        )

    def refusal_error(self, error: StatementRefused) -> ConfigurationError:
        """Return the error for a server that does not support conditional updates here."""
        return ConfigurationError(
            f"The lock of keyspace {self.store.name} needs lightweight transactions on its table, and the server "
            f"refuses: {error}. Keyspaces with tablets have none on early releases of ScyllaDB: set ledger_keyspace= "
            "to a keyspace without tablets. A role needs SELECT and MODIFY on the tables there.",
            keyspace=self.store.name,
        )
