"""The row that a lock is, and what the lock needs of whoever keeps it.

*In, out*: values. The logic of the lock sees a `LockStore` and no server, so that every order of events can be tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import attrs


@attrs.frozen
class LockRow:
    """The permanent row of one lock.

    Attributes:
        name: the keyspace that it guards.
        owner: whoever holds the lock, by a new id each time; None when it is free.
        epoch: counts holders.
        beat: moves while the holder lives; in one epoch no two updates set the same.
        lease_ms: how long the holder may be silent before others take it for dead.
        version: the version of the ledger that it works on; ``step`` the step that it may be at.
        coordinator: the node that the last statement was sent through.
        host: where the last holder runs; ``pid`` as what; ``purpose`` what for; ``acquired_at`` since when, by its own
            clock.
    """

    name: str
    owner: UUID | None = None
    epoch: int = 0
    beat: int = 0
    lease_ms: int | None = None
    version: int | None = None
    step: int | None = None
    coordinator: UUID | None = None
    host: str | None = None
    pid: int | None = None
    purpose: str | None = None
    acquired_at: datetime | None = None

    @property
    def mark(self) -> tuple[UUID | None, int, int]:
        """What tells that nobody touched the row: owner, epoch and beat."""
        return self.owner, self.epoch, self.beat

    @property
    def progress(self) -> tuple[int, int, int | None, int | None]:
        """What moves while somebody works."""
        return self.epoch, self.beat, self.version, self.step


@attrs.frozen
class Answer:
    """The answer to a conditional update.

    Attributes:
        applied: whether the condition held.
        owner: with ``epoch``, what the row shows if the condition did not hold, both None if there is no row; nothing
            is promised if it held.
    """

    applied: bool
    owner: UUID | None = None
    epoch: int | None = None


class LockStore(Protocol):
    """One row, kept by a server. Each request may raise a `StatementFailure`."""

    @property
    def name(self) -> str:
        """The row's key."""
        ...

    def read(self, *, serial: bool) -> LockRow | None:
        """The row, or None; a serial read sees all updates that were answered before it, and ends those under way."""
        ...

    def create(self) -> None:
        """Make the row, free and in epoch 0, unless it exists."""
        ...

    def change(self, when: Mapping[str, Any], to: Mapping[str, Any]) -> Answer:
        """Set the columns of ``to`` if those of ``when``, owner and epoch among them, are as given."""
        ...
