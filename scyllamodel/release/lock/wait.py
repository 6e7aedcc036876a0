"""Getting a lock: take it if it is free, take over from the dead, wait for the living.

*In*: a `LockStore`, a `Clock`. *Out*: a `Lease`, or None when what the lock was wanted for came about meanwhile.
Whoever waits judges by its own clock alone: a row that did not move for the whole lease of its holder belongs to
nobody.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any, Final, TypeAlias
from uuid import UUID

import attrs

from scyllamodel.errors import ConfigurationError, LedgerError, LockTimeout
from scyllamodel.release.lock.held import Lease
from scyllamodel.release.lock.row import LockRow, LockStore
from scyllamodel.release.lock.world import Clock
from scyllamodel.schema.apply import StatementFailure, StatementRefused

ShouldStop: TypeAlias = Callable[[], bool]
OnWait: TypeAlias = Callable[[LockRow, float], object]
"""Told at each wake-up the row, as far as it is known, and the seconds so far."""

_HOLDER_FIELDS: Final = ("holder", "host", "pid", "purpose", "version", "step", "age")
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 1.0


@attrs.frozen
class LockRequest:
    """What a run wants a lock for, and on which terms.

    Attributes:
        purpose: for people who wait for it.
        lease_seconds: seconds of silence after which others may take over.
        step_timeout: seconds without a fence after which the run counts as hanging.
        host: where it runs; ``pid`` as what.
    """

    purpose: str
    lease_seconds: float = 30.0
    step_timeout: float = 120.0
    host: str = attrs.field(factory=socket.gethostname)
    pid: int = attrs.field(factory=os.getpid)


def check_undamaged(store: LockStore, row: LockRow) -> None:
    """Refuse a row that no release of this package writes.

    Raises:
        LedgerError: it is damaged or forged; the message says how to get rid of it.
    """
    if row.fault is not None:
        raise LedgerError(
            f"The row of the lock of keyspace {row.name} is damaged, or was not written by scyllamodel: {row.fault}. "
            f"Look who may write that table. Then run: scyllamodel unlock --force; or: {store.removal_statement(row)}",
            scope=row.name,
        )


class LockAcquisition:
    """One attempt to get a lock.

    Parameters:
        owner: the id to hold it by, used for this attempt alone.
        timeout: seconds in which the holder, whoever it is, must make some progress.
        should_stop: asked at each wake-up whether the lock is needed no more.
    """

    def __init__(  # noqa: PLR0917 - one caller
        self,
        store: LockStore,
        request: LockRequest,
        clock: Clock,
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
        """The row before an update of ours that may have been done, or may be yet."""
        self.failure: StatementFailure | None = None
        self.pauses = 0

    def acquire(self) -> Lease | None:
        """Get the lock, however long it takes while its holders make progress.

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
        """Look at the row, and take it if that is right."""
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
        """The row, and when it last moved; None if it could not be read, or was not there and is made now.

        Raises:
            LedgerError: it is damaged or forged.

        At QUORUM, since what is read here is repeated in the condition of the update, and decided there; after an
        update of ours whose outcome is unknown, at SERIAL.
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
        """Note when the row was first seen like this, not before the answer was here."""
        if self.row is None or row.progress != self.row.progress:
            self.last_progress, self.pauses = self.clock.monotonic(), 0
        if self.row is None or row.identity != self.row.identity:
            self.last_change = self.clock.monotonic()
        self.row = row
        if self.attempted is not None and row.epoch > self.attempted.epoch and row.owner != self.owner:
            self.attempted = None  # its condition will never hold again

    def is_expired(self, row: LockRow) -> bool:
        """Whether the holder did not stir for its whole lease while we looked on."""
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
        if update.applied or update.owner == self.owner:  # a refusal may show what an earlier try of ours did
            return self.make_lease(attrs.evolve(row, **columns))
        self.attempted = None
        return None

    def columns(self, fencing_token: int) -> dict[str, Any]:
        """The row of a new holder; the coordinator stays until a statement is about to be sent through another."""
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
        """The lock, which we hold now; ``previous`` is the row as it was before."""
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
        """Wait a little, then say whether the lock is needed no more.

        Raises:
            LockTimeout: the row has not moved for too long.
        """
        self.clock.pause(min(_FIRST_PAUSE * 2**self.pauses, _LONGEST_PAUSE, self.request.lease_seconds / 8))
        self.pauses = min(self.pauses + 1, 10)
        if self.on_wait is not None:
            self.on_wait(self.row or LockRow(self.store.name), self.clock.monotonic() - self.started_at)
        if self.should_stop is not None and self.should_stop():
            return True
        if self.clock.monotonic() - self.last_progress > self.timeout:
            raise self.timeout_error() from self.failure
        return False

    def abandon(self) -> None:
        """Give back what an update of unknown outcome may have taken."""
        if self.attempted is not None:
            self.make_lease(attrs.evolve(self.attempted, **self.columns(self.attempted.epoch + 1))).release(timeout=0.0)

    def timeout_error(self) -> LockTimeout:
        """The error that tells who holds the lock."""
        row, keyspace = self.row or LockRow(self.store.name), self.store.name
        if self.row is None and self.failure is None:
            return LockTimeout(
                f"The row of the lock of keyspace {keyspace} was written, and is still not there: it was deleted with "
                f"a time in the future. Run: "
                f"{self.store.removal_statement(LockRow(keyspace, clock_skew=float('inf')))}",
                keyspace=keyspace,
                **dict.fromkeys(_HOLDER_FIELDS),
            )
        if row.owner is None:
            message = (
                f"The lock of keyspace {keyspace} is free, but for {self.timeout:g} s no server confirmed that it was "
                "taken. Look whether enough nodes are up for QUORUM."
            )
            return LockTimeout(message, keyspace=keyspace, **dict.fromkeys(_HOLDER_FIELDS))
        age = None if row.acquired_at is None else max(0.0, (self.clock.now() - row.acquired_at).total_seconds())
        held_for = "" if age is None else f" for {age:.0f} s"
        position = "no step yet" if row.step is None else f"step {row.step} of version {row.version}"
        return LockTimeout(
            f"The lock of keyspace {keyspace} is held by {row.description}{held_for}, at "
            f"{position}, and did not move for {self.timeout:g} s. Look what that process does; when it is gone, its "
            "lock is "
            f"free after {(row.lease_ms or 0) / 1000:g} s of silence.",
            keyspace=keyspace,
            holder=row.owner,
            age=age,
            **{name: getattr(row, name) for name in ("host", "pid", "purpose", "version", "step")},
        )

    def refusal_error(self, error: StatementRefused) -> ConfigurationError:
        """The error for a server that takes no conditional updates here, now or ever."""
        return ConfigurationError(
            f"The lock of keyspace {self.store.name} needs lightweight transactions on its table, and the server "
            f"refuses: {error}. A keyspace that an early release of ScyllaDB spread by tablets has none: name another "
            "one, without tablets, by ledger_keyspace=. A role needs SELECT and MODIFY on the tables there.",
            keyspace=self.store.name,
        )
