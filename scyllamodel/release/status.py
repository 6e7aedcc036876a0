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
from scyllamodel.release.books import load_ledger, open_ledger, read_internal_tables
from scyllamodel.release.dead import has_crashed
from scyllamodel.release.ledger import Migration
from scyllamodel.release.ledger.book import utc_now
from scyllamodel.release.lock import CqlLockStore, LockRow, check_undamaged
from scyllamodel.release.look import ClusterView
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
    def from_row(cls, row: LockRow, now: datetime, silent_seconds: float | None = None) -> LockHolder | None:
        """The holder in a row of the lock; None when it is free."""
        if row.owner is None:
            return None
        age = None if row.acquired_at is None else max(0.0, (now - row.acquired_at).total_seconds())
        return cls(row.owner, row.host, row.pid, row.purpose, age, row.version, row.step, silent_seconds)

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


def version_state(newest: Migration | None, *, crashed: bool = False) -> tuple[str, str | None]:
    """State and failure of a `Status`.

    Parameters:
        crashed: whether the run of a ``running`` version is known to be dead.
    """
    if newest is None:
        return "none", None
    if newest.status == "running":
        reason = f"the run of version {newest.version} ended before it could write its end; the next run settles it"
        return ("interrupted", reason) if crashed else ("running", None)
    return newest.status, newest.error if newest.status in ("failed", "partial") else None


def status(repo: Repo) -> Status:
    """Where the repo's keyspace stands: its version, the last failure, who holds the lock, what is not built yet.

    Raises:
        KeyspaceError: the keyspace does not exist.
        ConnectionFailed, IntrospectionError, LedgerError: the server cannot be read.
        ConfigurationError: the ledger is in a format that this release does not know.
    """
    cluster = ClusterView.connect(repo)
    live = cluster.introspect_existing(repo.keyspace)[repo.keyspace]
    internal_facts = read_internal_tables(repo, cluster.coordinator, cluster.server)
    ledger = open_ledger(repo, cluster.coordinator, internal_facts, cluster.server)
    newest = ledger.newest()
    row, silent = _read_lock(repo, cluster.coordinator, internal_facts)
    state, failure = version_state(newest, crashed=newest is not None and has_crashed(newest, row, silent))
    clock_note = ledger.clock_note(newest)
    return Status(
        scope=ledger.scope,
        version=newest.version if newest else None,
        state=state,
        failure=failure,
        lock=None if row is None else LockHolder.from_row(row, utc_now(), silent),
        unbuilt=read_unbuilt(cluster.coordinator, live),
        notes=(clock_note,) if clock_note else (),
    )


def _read_lock(
    repo: Repo, coordinator: Coordinator, internal_facts: KeyspaceFacts
) -> tuple[LockRow | None, float | None]:
    """The row of the lock, and the seconds since its holder's last sign of life."""
    if internal_facts.table(LOCK.name) is None:
        return None, None
    store = CqlLockStore(LwtClient(coordinator), internal_facts.name, repo.keyspace)
    try:
        row, silence = store.read(serial=False), store.silence()
    except StatementFailure as error:
        raise LedgerError(f"{repo.keyspace}: the lock could not be read: {error}", scope=repo.keyspace) from error
    if row is not None:
        check_undamaged(store, row)
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
    cluster = ClusterView.connect(repo)
    cluster.introspect_existing(repo.keyspace)
    ledger = load_ledger(repo, cluster)
    versions = ledger.versions()
    return ledger.with_steps(versions) if steps else versions


def history_dict(scope: str, versions: Iterable[Migration]) -> dict[str, Any]:
    """A history as plain JSON values, by ``history.schema.json``."""
    return {"format": 1, "kind": "history", "scope": scope, "versions": [migration.to_dict() for migration in versions]}
