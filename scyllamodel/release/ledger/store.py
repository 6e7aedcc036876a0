"""The storage that a ledger needs.

*In, out*: rows by column name. The ledger sees this protocol and no server, so that every fault can be tested. Each
request may raise a `StatementFailure` that states the outcome; a store sends nothing twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from scyllamodel.release.ledger.records import Row


class LedgerStore(Protocol):
    """The three tables of a ledger."""

    def versions(self, scope: str, limit: int | None = None) -> Sequence[Row]:
        """Return the versions of a scope, newest first; none without a ledger."""
        ...

    def scopes(self) -> Sequence[str]:
        """Return all scopes of this ledger, in no order; none without a ledger."""
        ...

    def version(self, scope: str, version: int) -> Row | None:
        """Return one version, by a SERIAL read, which completes pending updates."""
        ...

    def steps(self, scope: str, version: int) -> Sequence[Row]:
        """Return the steps of a version, by number."""
        ...

    def removal_statement(self, scope: str, version: int | None, seq: int | None = None) -> str:
        """Return the statement that removes a damaged version, one step, or (None) all versions, for an operator."""
        ...

    def add_version(self, row: Row) -> bool:
        """Insert a version unless its number is taken; return whether it was inserted (LWT)."""
        ...

    def change_version(self, scope: str, version: int, values: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
        """Set columns of a version if others have expected values; return whether they had (LWT)."""
        ...

    def put_step(self, row: Row, *, overwrite: bool = False) -> None:
        """Write a step, or some of its columns.

        Parameters:
            overwrite: whether another process wrote it, whose clock may be ahead.
        """
        ...

    def read_sync_marker(self, scope: str, models_fp: str) -> tuple[UUID | None, UUID | None]:
        """Return the schema version with which these models were marked in sync, and the current one.

        None where unknown.
        """
        ...

    def write_sync_marker(self, scope: str, models_fp: str, schema_version: UUID, checked_at: datetime) -> None:
        """Write a sync marker."""
        ...
