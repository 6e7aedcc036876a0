"""Getting a lock: take it if it is free, take over from the dead, wait for the living.

*In*: a `LockStore`, a `World`. *Out*: a `Held`, or None when what the lock was wanted for came about meanwhile. Whoever
waits judges by its own clock alone: a row that did not move for the whole lease of its holder belongs to nobody.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any, Final, TypeAlias
from uuid import UUID

import attrs

from scyllamodel.errors import ConfigurationError, LedgerError, LockTimeout
from scyllamodel.release.lock.held import Held
from scyllamodel.release.lock.row import LockRow, LockStore
from scyllamodel.release.lock.world import World
from scyllamodel.schema.apply import StatementFailure, StatementRefused

Look: TypeAlias = Callable[[], bool]
OnWait: TypeAlias = Callable[[LockRow, float], object]
"""Told at each wake-up the row, as far as it is known, and the seconds so far."""

_HOLDER: Final = ("holder", "host", "pid", "purpose", "version", "step", "age")
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 1.0


@attrs.frozen
class Wanted:
    """What a run wants a lock for, and on which terms.

    Attributes:
        purpose: for people who wait for it.
        lease: seconds of silence after which others may take over.
        step_timeout: seconds without a fence after which the run counts as hanging.
        host: where it runs; ``pid`` as what.
    """

    purpose: str
    lease: float = 30.0
    step_timeout: float = 120.0
    host: str = attrs.field(factory=socket.gethostname)
    pid: int = attrs.field(factory=os.getpid)


def check_sound(store: LockStore, row: LockRow) -> None:
    """Refuse a row that no release of this package writes.

    Raises:
        LedgerError: it is damaged or forged; the message says how to get rid of it.
    """
    if row.fault is not None:
        raise LedgerError(
            f"The row of the lock of keyspace {row.name} is damaged, or was not written by scyllamodel: {row.fault}. "
            f"Look who may write that table. Then run: scyllamodel unlock --force; or: {store.removal(row)}",
            scope=row.name,
        )


class Wait:
    """One attempt to get a lock.

    Parameters:
        owner: the id to hold it by, used for this attempt alone.
        timeout: seconds in which the holder, whoever it is, must make some progress.
        look: asked at each wake-up whether the lock is needed no more.
    """

    def __init__(  # noqa: PLR0917 - one caller
        self,
        store: LockStore,
        wanted: Wanted,
        world: World,
        owner: UUID,
        timeout: float,
        look: Look | None = None,
        on_wait: OnWait | None = None,
    ) -> None:
        self.store, self.wanted, self.world, self.owner = store, wanted, world, owner
        self.timeout, self.look, self.on_wait = timeout, look, on_wait
        self.began = self.moved = self.marked = world.clock()
        self.row: LockRow | None = None
        self.tried: LockRow | None = None
        """The row before an update of ours that may have been done, or may be yet."""
        self.failure: StatementFailure | None = None
        self.pauses = 0

    def get(self) -> Held | None:
        """Get the lock, however long it takes while its holders make progress.

        Raises:
            LockTimeout: there was no progress for ``timeout`` seconds.
            ConfigurationError: the server refuses what a lock needs.
        """
        try:
            while True:
                held = self.once()
                if held is not None or self.sleep():
                    return held
        except StatementRefused as error:
            raise self.refused(error) from error
        finally:
            self.abandon()

    def once(self) -> Held | None:
        """Look at the row, and take it if that is right."""
        row = self.read()
        if row is None:
            return None
        if row.owner == self.owner:  # an update whose outcome was unknown
            return self.held(row)
        if row.owner is None:
            return self.take(row, {"owner": None, "epoch": row.epoch})
        if self.is_dead(row):
            return self.take(row, {"owner": row.owner, "epoch": row.epoch, "beat": row.beat})
        return None

    def read(self) -> LockRow | None:
        """The row, and when it last moved; None if it could not be read, or was not there and is made now.

        Raises:
            LedgerError: it is damaged or forged.

        At QUORUM, since what is read here is repeated in the condition of the update, and decided there; after an
        update of ours whose outcome is unknown, at SERIAL.
        """
        try:
            row = self.store.read(serial=self.tried is not None)
            if row is None:
                self.store.create()
        except StatementRefused:
            raise
        except StatementFailure as error:
            self.failure, row = error, None
        if row is not None:
            check_sound(self.store, row)
            self.note(row)
        return row

    def note(self, row: LockRow) -> None:
        """Note when the row was first seen like this, not before the answer was here."""
        if self.row is None or row.progress != self.row.progress:
            self.moved, self.pauses = self.world.clock(), 0
        if self.row is None or row.mark != self.row.mark:
            self.marked = self.world.clock()
        self.row = row
        if self.tried is not None and row.epoch > self.tried.epoch and row.owner != self.owner:
            self.tried = None  # its condition will never hold again

    def is_dead(self, row: LockRow) -> bool:
        """Whether the holder did not stir for its whole lease while we looked on."""
        lease = self.wanted.lease if row.lease_ms is None else row.lease_ms / 1000
        return self.world.clock() - self.marked >= lease

    def take(self, row: LockRow, when: dict[str, Any]) -> Held | None:
        """Try to become the next holder."""
        self.tried = row
        columns = self.columns(row.epoch + 1)
        try:
            answer = self.store.change(when, columns)
        except StatementRefused:
            self.tried = None
            raise
        except StatementFailure as error:
            self.failure = error
            return None
        if answer.applied or answer.owner == self.owner:  # a refusal may show what an earlier try of ours did
            return self.held(attrs.evolve(row, **columns))
        self.tried = None
        return None

    def columns(self, epoch: int) -> dict[str, Any]:
        """The row of a new holder; the coordinator stays until a statement is about to be sent through another."""
        return {
            "owner": self.owner,
            "epoch": epoch,
            "beat": 0,
            "lease_ms": round(self.wanted.lease * 1000),
            "version": None,
            "step": None,
            "host": self.wanted.host,
            "pid": self.wanted.pid,
            "purpose": self.wanted.purpose,
            "acquired_at": self.world.now(),
        }

    def held(self, row: LockRow) -> Held:
        """The lock, which we hold now; ``previous`` is the row as it was before."""
        previous, self.tried = self.tried or row, None
        return Held(
            self.store,
            row,
            previous,
            self.world,
            lease=self.wanted.lease,
            step_timeout=self.wanted.step_timeout,
            waited=self.world.clock() - self.began,
        )

    def sleep(self) -> bool:
        """Wait a little, then say whether the lock is needed no more.

        Raises:
            LockTimeout: the row has not moved for too long.
        """
        self.world.pause(min(_FIRST_PAUSE * 2**self.pauses, _LONGEST_PAUSE, self.wanted.lease / 8))
        self.pauses = min(self.pauses + 1, 10)
        if self.on_wait is not None:
            self.on_wait(self.row or LockRow(self.store.name), self.world.clock() - self.began)
        if self.look is not None and self.look():
            return True
        if self.world.clock() - self.moved > self.timeout:
            raise self.timed_out() from self.failure
        return False

    def abandon(self) -> None:
        """Give back what an update of unknown outcome may have taken."""
        if self.tried is not None:
            self.held(attrs.evolve(self.tried, **self.columns(self.tried.epoch + 1))).release(patience=0.0)

    def timed_out(self) -> LockTimeout:
        """The error that tells who holds the lock."""
        row, keyspace = self.row or LockRow(self.store.name), self.store.name
        if self.row is None and self.failure is None:
            return LockTimeout(
                f"The row of the lock of keyspace {keyspace} was written, and is still not there: it was deleted with "
                f"a time in the future. Run: {self.store.removal(LockRow(keyspace, ahead=float('inf')))}",
                keyspace=keyspace,
                **dict.fromkeys(_HOLDER),
            )
        if row.owner is None:
            message = (
                f"The lock of keyspace {keyspace} is free, but for {self.timeout:g} s no server confirmed that it was "
                "taken. Look whether enough nodes are up for QUORUM."
            )
            return LockTimeout(message, keyspace=keyspace, **dict.fromkeys(_HOLDER))
        age = None if row.acquired_at is None else max(0.0, (self.world.now() - row.acquired_at).total_seconds())
        since = "" if age is None else f" for {age:.0f} s"
        at = "no step yet" if row.step is None else f"step {row.step} of version {row.version}"
        return LockTimeout(
            f"The lock of keyspace {keyspace} is held by {row.who}{since}, at "
            f"{at}, and did not move for {self.timeout:g} s. Look what that process does; when it is gone, its lock is "
            f"free after {(row.lease_ms or 0) / 1000:g} s of silence.",
            keyspace=keyspace,
            holder=row.owner,
            age=age,
            **{name: getattr(row, name) for name in ("host", "pid", "purpose", "version", "step")},
        )

    def refused(self, error: StatementRefused) -> ConfigurationError:
        """The error for a server that takes no conditional updates here, now or ever."""
        return ConfigurationError(
            f"The lock of keyspace {self.store.name} needs lightweight transactions on its table, and the server "
            f"refuses: {error}. A keyspace that an early release of ScyllaDB spread by tablets has none: name another "
            "one, without tablets, by ledger_keyspace=. A role needs SELECT and MODIFY on the tables there.",
            keyspace=self.store.name,
        )
