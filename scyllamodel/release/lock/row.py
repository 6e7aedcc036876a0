"""The row that a lock is, and what the lock needs of whoever keeps it.

*In, out*: values. The logic of the lock sees a `LockStore` and no server, so that every order of events can be tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

import attrs

from scyllamodel._text import printable_line

MAX_LEASE_SECONDS: Final = 600
"""Seconds of a lease, at most."""

MAX_FENCING_TOKEN: Final = 2**53
"""The largest epoch: one for each holder, and more than seconds since 1970, which `unlock` sets it to."""

MAX_CLOCK_SKEW: Final = 300.0
"""Seconds that the clocks of servers may differ; a cell that is written later than that cannot be overwritten."""

_BOUNDS: Final[Mapping[str, tuple[type, float, float]]] = {
    "epoch": (int, 0, MAX_FENCING_TOKEN),
    "beat": (int, 0, MAX_FENCING_TOKEN),
    "lease_ms": (int, 1, MAX_LEASE_SECONDS * 1000),
    "version": (int, 0, 10**14),
    "step": (int, 0, 10**6),
    "pid": (int, 0, 2**32),
    "host": (str, 0, 1000),
    "purpose": (str, 0, 1000),
}


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
        clock_skew: seconds by which the clock of the server is behind the time of the latest write.
        unreadable: why the row cannot be decoded; empty where it can.
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
    clock_skew: float = attrs.field(default=0.0, eq=False)
    unreadable: str = ""

    @property
    def fault(self) -> str | None:
        """What no release of this package writes, so that the row is damaged or forged; None for a sound row.

        >>> LockRow("shop", epoch=2**63 - 1).fault
        'epoch is 9223372036854775807'
        """
        if self.unreadable:
            return self.unreadable
        if self.clock_skew > MAX_CLOCK_SKEW:
            return (
                f"it was written {self.clock_skew:,.0f} s ahead of the clock of the server, so nothing can overwrite it"
            )
        for name, (kind, minimum, maximum) in _BOUNDS.items():
            value = getattr(self, name)
            size: Any = value if kind is int or value is None else len(value)
            if value is not None and not minimum <= size <= maximum:
                return f"{name} is {value}" if kind is int else f"{name} has {size} characters"
        return None

    @property
    def description(self) -> str:
        """The last holder, for messages."""
        return printable_line(f"process {self.pid} on {self.host} ({self.purpose})")

    @property
    def identity(self) -> tuple[UUID | None, int, int]:
        """What tells that nobody touched the row: owner, epoch and beat."""
        return self.owner, self.epoch, self.beat

    @property
    def progress(self) -> tuple[int, int, int | None, int | None]:
        """What moves while somebody works."""
        return self.epoch, self.beat, self.version, self.step


@attrs.frozen
class LockUpdate:
    """The answer to a conditional update.

    Attributes:
        applied: whether the condition held.
        owner: with ``fencing_token``, what the row shows if the condition did not hold, both None if there is no row;
            nothing is promised if it held.
    """

    applied: bool
    owner: UUID | None = None
    fencing_token: int | None = None


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

    def removal_statement(self, row: LockRow) -> str:
        """The statement that removes a damaged row, for people."""
        ...

    def change(self, expected: Mapping[str, Any], values: Mapping[str, Any]) -> LockUpdate:
        """Set the columns of ``values`` if those of ``expected``, owner and epoch among them, are as given."""
        ...
