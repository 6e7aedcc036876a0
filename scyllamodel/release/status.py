"""Status and history of a repo's keyspace.

*In*: a repo. *Out*: values that print as JSON. Nothing is written; a keyspace without internal tables has no history.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import attrs

from scyllamodel.driver.cluster.build_status import read_unbuilt
from scyllamodel.driver.cluster.coordinator import Coordinator
from scyllamodel.driver.cluster.lwt import LwtClient
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import LedgerError
from scyllamodel.release.engine.cluster_view import ClusterView
from scyllamodel.release.engine.crash_detection import has_crashed
from scyllamodel.release.engine.ledger_access import load_ledger, open_ledger, read_internal_tables
from scyllamodel.release.ledger import Migration
from scyllamodel.release.ledger.ledger import utc_now
from scyllamodel.release.ledger.tables import LOCK
from scyllamodel.release.lock import CqlLockStore, LockRow, check_undamaged
from scyllamodel.schema.apply import StatementFailure
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts.objects import KeyspaceFacts


@attrs.frozen
class LockHolder:
    """Holder of the lock.

    Attributes:
        holder: id of this lease.
        host, pid: where it runs.
        purpose: what it does, such as ``migrate``.
        age: seconds since it was acquired, by the clocks of the two machines.
        version, step: of the ledger, what it works on.
        silent: seconds since its last heartbeat, by the servers' clock; a live holder sends three in a lease.
    """

    holder: UUID
    host: str | None = None
    pid: int | None = None
    purpose: str | None = None
    age: float | None = None
    version: int | None = None
    step: int | None = None
    silent: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the holder as plain JSON values."""
        return {**attrs.asdict(self), "holder": str(self.holder)}


def lock_holder(row: LockRow, now: datetime, silent_seconds: float | None = None) -> LockHolder | None:
    """Return the holder in a lock row; None if the lock is free."""
    if row.owner is None:
        return None
    age = None if row.acquired_at is None else max(0.0, (now - row.acquired_at).total_seconds())
    return LockHolder(row.owner, row.host, row.pid, row.purpose, age, row.version, row.step, silent_seconds)


@attrs.frozen
class Status:
    """Status of a keyspace.

    Attributes:
        scope: of the ledger.
        version: the newest version of the ledger; None without history.
        state: its status; ``interrupted`` if it is ``running`` and its run crashed, ``none`` without history.
        failure: why the newest version did not complete; None if it did.
        lock: the holder of the lock; None if it is free.
        unbuilt: indexes and views that are not built; None if the role may not read that.
        notes: further remarks.
    """

    scope: str
    version: int | None = None
    state: str = "none"
    failure: str | None = None
    lock: LockHolder | None = None
    unbuilt: tuple[str, ...] | None = ()
    notes: tuple[Diagnostic, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the status as plain JSON values, by ``status.schema.json``."""
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
    """Return state and failure of the newest version.

    Parameters:
        crashed: whether the run of a ``running`` version is known to have crashed.
    """
    if newest is None:
        return "none", None
    if newest.status == "running":
        reason = f"the run of version {newest.version} crashed before it recorded its end; the next run recovers it"
        return ("interrupted", reason) if crashed else ("running", None)
    return newest.status, newest.error if newest.status in ("failed", "partial") else None


def status(repo: Repo) -> Status:
    """Return the status of the repo's keyspace: version, last failure, lock holder, unbuilt objects.

    Raises:
        KeyspaceError: the keyspace does not exist.
        ConnectionFailed, IntrospectionError, LedgerError: the server cannot be read.
        ConfigurationError: the ledger has a format that this release does not support.
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
        lock=None if row is None else lock_holder(row, utc_now(), silent),
        unbuilt=read_unbuilt(cluster.coordinator, live),
        notes=(clock_note,) if clock_note else (),
    )


def _read_lock(
    repo: Repo, coordinator: Coordinator, internal_facts: KeyspaceFacts
) -> tuple[LockRow | None, float | None]:
    """Read the lock row, and the seconds since its holder's last heartbeat."""
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
    """Return all versions of the repo's ledger, newest first.

    Parameters:
        steps: whether to read their statements too.

    Raises:
        KeyspaceError: the keyspace does not exist.
        ConnectionFailed, IntrospectionError, LedgerError: the server cannot be read.
        ConfigurationError: the ledger has a format that this release does not support.
    """
    cluster = ClusterView.connect(repo)
    cluster.introspect_existing(repo.keyspace)
    ledger = load_ledger(repo, cluster)
    versions = ledger.versions()
    return ledger.with_steps(versions) if steps else versions


def history_dict(scope: str, versions: Iterable[Migration]) -> dict[str, Any]:
    """Return a history as plain JSON values, by ``history.schema.json``."""
    return {"format": 1, "kind": "history", "scope": scope, "versions": [migration.to_dict() for migration in versions]}
