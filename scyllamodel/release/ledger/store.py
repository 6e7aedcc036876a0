"""What the ledger needs of whoever keeps its rows.

*In, out*: rows by column name. The logic of the ledger sees a `LedgerStore` and no server, so that every fault can be
tried. Each request may raise a `StatementFailure` that says what became of it; nothing is sent twice by a store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from scyllamodel.release.ledger.values import Row


class LedgerStore(Protocol):
    """The three tables of one ledger."""

    def versions(self, scope: str, limit: int | None = None) -> Sequence[Row]:
        """The versions of a scope, the newest first; none where there is no ledger."""
        ...

    def scopes(self) -> Sequence[str]:
        """All scopes of this ledger, in no order; none where there is no ledger."""
        ...

    def version(self, scope: str, version: int) -> Row | None:
        """One version as all that was answered before left it, ending what is under way (a SERIAL read)."""
        ...

    def steps(self, scope: str, version: int) -> Sequence[Row]:
        """The steps of a version, by their number."""
        ...

    def removal_statement(self, scope: str, version: int | None, seq: int | None = None) -> str:
        """The statement that removes a damaged version, one of its steps, or with None all versions, for people."""
        ...

    def add_version(self, row: Row) -> bool:
        """Write a version unless its number is taken; whether it was written (a lightweight transaction)."""
        ...

    def change_version(self, scope: str, version: int, values: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
        """Set columns of a version if others have these values; whether they had (a lightweight transaction)."""
        ...

    def put_step(self, row: Row, *, overwrite: bool = False) -> None:
        """Write a step, or some columns of it.

        Parameters:
            overwrite: whether another process wrote it before, whose clock may be ahead of ours.
        """
        ...

    def read_sync_marker(self, scope: str, models_fp: str) -> tuple[UUID | None, UUID | None]:
        """The version of the schema that these models were last seen in sync with, and the one that stands now.

        None where nobody can tell.
        """
        ...

    def write_sync_marker(self, scope: str, models_fp: str, schema_version: UUID, checked_at: datetime) -> None:
        """Write that stamp."""
        ...
