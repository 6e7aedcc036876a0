"""The storage that a lock needs.

*In, out*: rows of locks. The lock sees this protocol and no server, so that every order of events can be tested.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from scyllamodel.release.lock.row import LockRow, LockUpdate


class LockStore(Protocol):
    """Storage of one lock row. Each request may raise a `StatementFailure`."""

    @property
    def name(self) -> str:
        """The key of the row."""
        ...

    def read(self, *, serial: bool) -> LockRow | None:
        """Return the row, or None; a serial read sees all acknowledged updates and completes pending ones."""
        ...

    def create(self) -> None:
        """Create the row, free and with fencing token 0, unless it exists."""
        ...

    def removal_statement(self, row: LockRow) -> str:
        """Return the statement that removes a damaged row, to show to an operator."""
        ...

    def change(self, expected: Mapping[str, Any], values: Mapping[str, Any]) -> LockUpdate:
        """Set ``values`` if the columns of ``expected``, owner and epoch among them, match."""
        ...
