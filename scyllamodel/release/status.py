"""Where a repo's keyspace stands, and how it got there.

*In*: a repo. *Out*: values that print as JSON. Nothing is written, and nothing has to be there: a keyspace without our
tables has no history.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import attrs

from scyllamodel.driver.built import read_unbuilt
from scyllamodel.driver.cas import LwtClient
from scyllamodel.driver.coordinator import Coordinator
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import LedgerError
from scyllamodel.release.books import ledger_of, open_ledger, read_books
from scyllamodel.release.dead import is_dead
from scyllamodel.release.ledger import Migration
from scyllamodel.release.ledger.book import utc_now
from scyllamodel.release.lock import LockRow, LockTable, check_sound
from scyllamodel.release.look import Look
from scyllamodel.release.tables import LOCK
from scyllamodel.schema.apply import StatementFailure
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts import KeyspaceFacts


@attrs.frozen
class LockHolder:
    """Who holds the lock of the keyspace.

    Attributes:
        holder: an id of this holding.
        age: seconds since it was taken, by the two machines' clocks.
        version: what it works on; ``step`` where it is.
        silent: seconds since its last sign of life, by the clock of the servers; a live one gives three in a lease.
    """

    holder: UUID
    host: str | None = None
    pid: int | None = None
    purpose: str | None = None
    age: float | None = None
    version: int | None = None
    step: int | None = None
    silent: float | None = None

    @classmethod
    def of(cls, row: LockRow, now: datetime, silent: float | None = None) -> LockHolder | None:
        """The holder in a row of the lock; None when it is free."""
        if row.owner is None:
            return None
        age = None if row.acquired_at is None else max(0.0, (now - row.acquired_at).total_seconds())
        return cls(row.owner, row.host, row.pid, row.purpose, age, row.version, row.step, silent)

    def to_dict(self) -> dict[str, Any]:
        """The holder as plain JSON values."""
        return {**attrs.asdict(self), "holder": str(self.holder)}


@attrs.frozen
class Status:
    """Where a keyspace stands.

    Attributes:
        version: the newest version of the ledger; None without history.
        state: its status; ``interrupted`` when it is ``running`` and its run is dead, ``none`` without history.
        failure: why the newest version did not end well; None when it did.
        lock: who holds the lock; None when nobody does.
        unbuilt: indexes and views that are not filled yet; None where the user may not ask.
        notes: what else is worth knowing.
    """

    scope: str
    version: int | None = None
    state: str = "none"
    failure: str | None = None
    lock: LockHolder | None = None
    unbuilt: tuple[str, ...] | None = ()
    notes: tuple[Diagnostic, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The status as plain JSON values, by ``status.schema.json``."""
        return {
            "format": 1,
            "kind": "status",
            "scope": self.scope,
            "version": self.version,
            "state": self.state,
            "failure": self.failure,
            "lock": None if self.lock is None else self.lock.to_dict(),
            "unbuilt": None if self.unbuilt is None else list(self.unbuilt),
            "notes": [note.to_dict() for note in self.notes],
        }


def state_of(head: Migration | None, *, dead: bool = False) -> tuple[str, str | None]:
    """State and failure of a `Status`.

    Parameters:
        dead: whether the run of a ``running`` version is known to be dead.
    """
    if head is None:
        return "none", None
    if head.status == "running":
        told = f"the run of version {head.version} ended before it could write its end; the next run settles it"
        return ("interrupted", told) if dead else ("running", None)
    return head.status, head.error if head.status in ("failed", "partial") else None


def status(repo: Repo) -> Status:
    """Where the repo's keyspace stands: its version, the last failure, who holds the lock, what is not built yet.

    Raises:
        KeyspaceError: the keyspace does not exist.
        ConnectionFailed, IntrospectionError, LedgerError: the server cannot be read.
        ConfigurationError: the ledger is in a format that this release does not know.
    """
    look = Look.at(repo)
    live = look.existing(repo.keyspace)[repo.keyspace]
    books = read_books(repo, look.coordinator, look.server)
    ledger = open_ledger(repo, look.coordinator, books, look.server)
    head = ledger.head()
    row, silent = _lock(repo, look.coordinator, books)
    state, failure = state_of(head, dead=head is not None and is_dead(head, row, silent))
    ahead = ledger.ahead_of_clock(head)
    return Status(
        scope=ledger.scope,
        version=head.version if head else None,
        state=state,
        failure=failure,
        lock=None if row is None else LockHolder.of(row, utc_now(), silent),
        unbuilt=read_unbuilt(look.coordinator, live),
        notes=(ahead,) if ahead else (),
    )


def _lock(repo: Repo, coordinator: Coordinator, found: KeyspaceFacts) -> tuple[LockRow | None, float | None]:
    """The row of the lock, and the seconds since its holder's last sign of life."""
    if found.table(LOCK.name) is None:
        return None, None
    table = LockTable(LwtClient(coordinator), found.name, repo.keyspace)
    try:
        row, silence = table.read(serial=False), table.silence()
    except StatementFailure as error:
        raise LedgerError(f"{repo.keyspace}: the lock could not be read: {error}", scope=repo.keyspace) from error
    if row is not None:
        check_sound(table, row)
    return row, silence


def history(repo: Repo, *, steps: bool = False) -> list[Migration]:
    """All versions of the repo's ledger, the newest first.

    Parameters:
        steps: whether to read the statements of each, too.

    Raises:
        KeyspaceError: the keyspace does not exist.
        ConnectionFailed, IntrospectionError, LedgerError: the server cannot be read.
        ConfigurationError: the ledger is in a format that this release does not know.
    """
    look = Look.at(repo)
    look.existing(repo.keyspace)
    ledger = ledger_of(repo, look)
    versions = ledger.versions()
    return ledger.with_steps(versions) if steps else versions


def history_dict(scope: str, versions: Iterable[Migration]) -> dict[str, Any]:
    """A history as plain JSON values, by ``history.schema.json``."""
    return {"format": 1, "kind": "history", "scope": scope, "versions": [found.to_dict() for found in versions]}
