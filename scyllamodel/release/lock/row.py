"""The row of a lock, as values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import attrs

from scyllamodel._text import printable_line

MAX_LEASE_SECONDS: Final = 600
"""Maximum lease in seconds."""

MAX_FENCING_TOKEN: Final = 2**53
"""Maximum fencing token: one per holder, and more than the seconds since 1970 that `unlock` sets."""

MAX_CLOCK_SKEW: Final = 300.0
"""Allowed clock skew in seconds; a cell that is further ahead cannot be overwritten."""

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
        name: the locked keyspace.
        owner: id of the holder, new each time; None when free.
        epoch: the fencing token, which counts holders.
        beat: the heartbeat; unique for one fencing token.
        lease_ms: lease of the holder in milliseconds.
        version: of the ledger it works on, with ``step``.
        coordinator: node of the last statement.
        host: of the last holder, with ``pid``, ``purpose`` and ``acquired_at`` (by its own clock).
        clock_skew: seconds by which the latest write is ahead of the server's clock.
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
        """Why the row is damaged or forged: a value that no release writes; None for a sound row.

        >>> LockRow("shop", epoch=2**63 - 1).fault
        'epoch is 9223372036854775807'
        """
        if self.unreadable:
            return self.unreadable
        if self.clock_skew > MAX_CLOCK_SKEW:
            return f"it was written {self.clock_skew:,.0f} s ahead of the server's clock, so nothing can overwrite it"
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
        """Owner, fencing token and heartbeat: changes with every update."""
        return self.owner, self.epoch, self.beat

    @property
    def progress(self) -> tuple[int, int, int | None, int | None]:
        """Changes while a run works."""
        return self.epoch, self.beat, self.version, self.step


@attrs.frozen
class LockUpdate:
    """Result of a conditional update.

    Attributes:
        applied: whether the condition held.
        owner: with ``fencing_token``, of the row if the condition did not hold, both None without a row; undefined if
            it
            held.
    """

    applied: bool
    owner: UUID | None = None
    fencing_token: int | None = None
