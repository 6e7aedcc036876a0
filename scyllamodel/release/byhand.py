"""Ways out by hand: adopt what is there, say what became of a version, take a lock away from the dead.

*In*: a repo. *Out*: what was done. Each of them is for people who looked first; none of them changes the schema.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeAlias

import attrs

from scyllamodel.driver.cas import LwtClient
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ConfigurationError, LedgerError, LockTimeout, UnknownVersion
from scyllamodel.release.books import read_internal_tables
from scyllamodel.release.draft import MigrationRequest, PlannedMigration
from scyllamodel.release.execute import VersionWork, execute_version
from scyllamodel.release.guard import Timeouts, open_locked_run
from scyllamodel.release.ledger import Migration
from scyllamodel.release.ledger.book import utc_now
from scyllamodel.release.lock import CqlLockStore, LockRow, LockUpdate, check_undamaged
from scyllamodel.release.look import ClusterView
from scyllamodel.release.results import MigrationResult
from scyllamodel.release.status import LockHolder
from scyllamodel.release.tables import LOCK
from scyllamodel.schema.apply import StatementFailure

Resolution: TypeAlias = Literal["applied", "abandoned"]
_OPEN_STATUSES: Final = ("running", "partial", "failed")


def baseline(repo: Repo, *, force: bool = False, lock_timeout: float = 60.0) -> MigrationResult:
    """Write down that the keyspace is what the models declare, as the first version that one can go back to.

    For a keyspace that was made by other means. Nothing of the schema is changed but for our own tables.

    Parameters:
        force: whether to do so although something is missing.

    Raises:
        ConfigurationError: models and server differ, and ``force`` is False.
        LockTimeout, LockLost, LedgerError, ConnectionFailed, IntrospectionError: as of `migrate`.
    """
    planned = PlannedMigration.from_request(MigrationRequest.from_arguments(repo, None, create_keyspace=False))
    if not (force or planned.plan.is_empty):
        raise ConfigurationError(
            f"{repo.keyspace} is not what the models declare, so it is no baseline yet:\n{planned.plan.render()}\n"
            "Run migrate first, or take it as it is: baseline(repo, force=True), scyllamodel baseline --force",
            plan=planned.plan,
        )
    plan = attrs.evolve(planned.plan, bootstrap=(), steps=(), refusals=())
    timeouts = Timeouts(lock_timeout)
    with open_locked_run(repo, planned.cluster, "baseline", planned.keyspaces, timeouts) as locked_run:
        work = VersionWork(
            repo, "baseline", plan, planned.request.models_fp, None, name="what was there", final_status="baseline"
        )
        return execute_version(locked_run, work, timeouts)


def resolve(repo: Repo, version: int | str, resolution: Resolution, *, lock_timeout: float = 60.0) -> Migration:
    """Say what became of a version that stopped part-way, where the next run cannot tell.

    Parameters:
        version: a number, or its text.
        resolution: ``applied``, the schema holds all of it; ``abandoned``, it counts for nothing, in a rollback too.

    Raises:
        UnknownVersion: there is no such version, or it ended well.
        LockTimeout, LockLost, LedgerError, ConnectionFailed, IntrospectionError: as of `migrate`.
    """
    with open_locked_run(repo, ClusterView.connect(repo), "resolve", [], Timeouts(lock_timeout)) as locked_run:
        versions = locked_run.ledger.versions()
        migration = next((candidate for candidate in versions if str(candidate.version) == str(version).strip()), None)
        if migration is None or migration.status not in _OPEN_STATUSES:
            raise _unresolvable(version, migration, versions)
        if not locked_run.ledger.mark(migration, resolution):
            raise LedgerError(
                f"{migration.scope}: version {migration.version} was changed by another run", scope=migration.scope
            )
    return attrs.evolve(migration, status=resolution)


def _unresolvable(version: int | str, migration: Migration | None, versions: list[Migration]) -> UnknownVersion:
    reason = (
        "there is no such version" if migration is None else f"it is {migration.status}, and needs no word of anybody"
    )
    return UnknownVersion(
        f"Version {version} cannot be resolved: {reason}. See: scyllamodel history",
        version=version,
        versions=tuple(candidate.version for candidate in versions if candidate.status in _OPEN_STATUSES),
    )


def unlock(
    repo: Repo,
    *,
    force: bool = False,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> LockHolder | None:
    """Take the lock away from a holder that is gone, and return who had it; None when it was free.

    Nobody has to: a run that waits takes over by itself after one lease of silence, and this waits as long.

    Parameters:
        force: whether to take it at once, also from the living; such a holder sends no further statement. A row that is
            damaged or forged becomes a free one.

    Raises:
        LockTimeout: the holder is alive.
        LedgerError: the lock cannot be read or written, or its row is damaged and ``force`` is False.
    """
    cluster = ClusterView.connect(repo)
    internal_facts = read_internal_tables(repo, cluster.coordinator, cluster.server)
    if internal_facts.table(LOCK.name) is None:
        return None
    store = CqlLockStore(LwtClient(cluster.coordinator), internal_facts.name, repo.keyspace)
    row = _read_row(store)
    if row is not None and row.fault is not None and force:
        return _repair_row(store, row)
    if row is None or (row.owner is None and row.fault is None):
        return None
    check_undamaged(store, row)
    holder = LockHolder.from_row(row, utc_now())
    if not force:
        _check_silent(store, row, clock, sleep)
    expected = {"owner": row.owner, "epoch": row.epoch, **({} if force else {"beat": row.beat})}
    update = _update_row(store, expected, {"owner": None})
    if not update.applied and update.owner is not None:
        raise _holder_alive_error(row)
    return holder


def _repair_row(store: CqlLockStore, row: LockRow) -> LockHolder | None:
    """Make a damaged row a free one, in an epoch that no holder had: the seconds since 1970.

    Raises:
        LedgerError: nothing can overwrite it; the message says what removes it.
    """
    free_columns = dict.fromkeys(("owner", "lease_ms", "version", "step", "host", "pid", "purpose", "acquired_at"))
    expected = {"owner": row.owner, "epoch": row.epoch}
    if row.unreadable:
        expected = store.read_owner()
    _update_row(store, expected, {**free_columns, "epoch": round(utc_now().timestamp()), "beat": 0})
    current = _read_row(store)
    if current is not None and (current.owner is not None or current.fault is not None):
        raise LedgerError(
            f"The row of the lock of keyspace {row.name} is damaged, and what was written over it does not show: it "
            f"was written with a time in the future. Run: "
            f"{store.removal_statement(attrs.evolve(current, clock_skew=float('inf')))}",
            scope=row.name,
        )
    return LockHolder.from_row(attrs.evolve(row, acquired_at=None), utc_now())


def _update_row(store: CqlLockStore, expected: Mapping[str, Any], values: Mapping[str, Any]) -> LockUpdate:
    try:
        return store.change(expected, values)
    except StatementFailure as error:
        raise LedgerError(f"the lock of {store.name} could not be given back: {error}", scope=store.name) from error


def _read_row(store: CqlLockStore) -> LockRow | None:
    try:
        return store.read(serial=True)
    except StatementFailure as error:
        raise LedgerError(f"the lock of {store.name} could not be read: {error}", scope=store.name) from error


def _check_silent(
    store: CqlLockStore, row: LockRow, clock: Callable[[], float], sleep: Callable[[float], None]
) -> None:
    """Look on for one lease; a beat in it is a sign of life."""
    deadline = clock() + (row.lease_ms or 0) / 1000
    while clock() < deadline:
        sleep(1.0)
        current = _read_row(store)
        if current is None or current.identity != row.identity:
            raise _holder_alive_error(row)


def _holder_alive_error(row: LockRow) -> LockTimeout:
    return LockTimeout(
        f"The lock of keyspace {row.name} is held by {row.description}, which is alive. "
        "Wait for it, or stop it; --force takes the lock all the same, and that run stops then.",
        keyspace=row.name,
        holder=row.owner,
        host=row.host,
        pid=row.pid,
        purpose=row.purpose,
        version=row.version,
        step=row.step,
        age=None,
    )
