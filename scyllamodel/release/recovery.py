"""Manual recovery: adopt an existing schema, resolve a version, release the lock of a crashed run.

*In*: a repo. *Out*: a result. For operators who checked the state first; none of these functions changes the schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

import attrs

from scyllamodel._backoff import SYSTEM_CLOCK, Backoff, Clock, poll
from scyllamodel.driver.cluster.lwt import LwtClient
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ConfigurationError, LedgerError, LockTimeout, UnknownVersion
from scyllamodel.release.engine.cluster_view import ClusterView
from scyllamodel.release.engine.execution import VersionWork, execute_version
from scyllamodel.release.engine.ledger_access import read_internal_tables
from scyllamodel.release.engine.locked_run import Timeouts, open_locked_run
from scyllamodel.release.engine.planning import MigrationRequest, PlannedMigration
from scyllamodel.release.engine.results import MigrationResult
from scyllamodel.release.ledger import Migration
from scyllamodel.release.ledger.ledger import utc_now
from scyllamodel.release.ledger.tables import LOCK
from scyllamodel.release.lock import CqlLockStore, LockRow, LockUpdate, check_undamaged
from scyllamodel.release.status import LockHolder, lock_holder
from scyllamodel.schema.apply import StatementFailure

Resolution: TypeAlias = Literal["applied", "abandoned"]
_OPEN_STATUSES: Final = ("running", "partial", "failed")


def baseline(repo: Repo, *, force: bool = False, lock_timeout: float = 60.0) -> MigrationResult:
    """Record that the keyspace matches the models, as a first version that a rollback can return to.

    For keyspaces that were created by other means. Only internal tables are created.

    Parameters:
        force: record it although something is missing.

    Raises:
        ConfigurationError: models and server differ, and ``force`` is False.
        LockTimeout, LockLost, LedgerError, ConnectionFailed, IntrospectionError: as in `migrate`.
    """
    planned = PlannedMigration.from_request(MigrationRequest.from_arguments(repo, None, create_keyspace=False))
    if not (force or planned.plan.is_empty):
        raise ConfigurationError(
            f"{repo.keyspace} does not match the models, so it cannot be a baseline yet:\n{planned.plan.render()}\n"
            "Run migrate first, or record it as it is: baseline(repo, force=True), scyllamodel baseline --force",
            plan=planned.plan,
        )
    plan = attrs.evolve(planned.plan, bootstrap=(), steps=(), refusals=())
    timeouts = Timeouts(lock_timeout)
    with open_locked_run(repo, planned.cluster, "baseline", planned.keyspaces, timeouts) as locked_run:
        work = VersionWork(
            repo, "baseline", plan, planned.request.models_fp, None, name="existing schema", final_status="baseline"
        )
        return execute_version(locked_run, work, timeouts)


def resolve(repo: Repo, version: int | str, resolution: Resolution, *, lock_timeout: float = 60.0) -> Migration:
    """Set the outcome of a version that stopped part-way, where the next run cannot determine it.

    Parameters:
        version: a number, or its text.
        resolution: ``applied``, its whole plan is applied; ``abandoned``, it is ignored, also by rollbacks.

    Raises:
        UnknownVersion: there is no such version, or it completed.
        LockTimeout, LockLost, LedgerError, ConnectionFailed, IntrospectionError: as in `migrate`.
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
        "there is no such version"
        if migration is None
        else f"its status is {migration.status}, so there is nothing to resolve"
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
    clock: Clock = SYSTEM_CLOCK,
) -> LockHolder | None:
    """Release the lock of a crashed holder, and return the holder; None if the lock was free.

    Rarely needed: a waiting run takes over automatically after one lease of silence, and this waits as long.

    Parameters:
        force: release it at once, even from a live holder, which sends no further statement. A damaged or forged row
            is reset.

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
    holder = lock_holder(row, utc_now())
    if not force:
        _check_silent(store, row, clock)
    expected = {"owner": row.owner, "epoch": row.epoch, **({} if force else {"beat": row.beat})}
    update = _update_row(store, expected, {"owner": None})
    if not update.applied and update.owner is not None:
        raise _holder_alive_error(row)
    return holder


def _repair_row(store: CqlLockStore, row: LockRow) -> LockHolder | None:
    """Reset a damaged row, with a fencing token that no holder had: the seconds since 1970.

    Raises:
        LedgerError: the row cannot be overwritten; the message says how to remove it.
    """
    free_columns = dict.fromkeys(("owner", "lease_ms", "version", "step", "host", "pid", "purpose", "acquired_at"))
    expected = {"owner": row.owner, "epoch": row.epoch}
    if row.unreadable:
        expected = store.read_owner()
    _update_row(store, expected, {**free_columns, "epoch": round(utc_now().timestamp()), "beat": 0})
    current = _read_row(store)
    if current is not None and (current.owner is not None or current.fault is not None):
        raise LedgerError(
            f"The lock row of keyspace {row.name} is damaged, and the reset is not visible: a cell has a timestamp in "
            f"the future. Run: {store.removal_statement(attrs.evolve(current, clock_skew=float('inf')))}",
            scope=row.name,
        )
    return lock_holder(attrs.evolve(row, acquired_at=None), utc_now())


def _update_row(store: CqlLockStore, expected: Mapping[str, Any], values: Mapping[str, Any]) -> LockUpdate:
    try:
        return store.change(expected, values)
    except StatementFailure as error:
        raise LedgerError(f"the lock of {store.name} could not be released: {error}", scope=store.name) from error


def _read_row(store: CqlLockStore) -> LockRow | None:
    try:
        return store.read(serial=True)
    except StatementFailure as error:
        raise LedgerError(f"the lock of {store.name} could not be read: {error}", scope=store.name) from error


def _check_silent(store: CqlLockStore, row: LockRow, clock: Clock) -> None:
    """Wait one lease; a heartbeat in it means that the holder is alive."""

    def has_changed() -> bool:
        current = _read_row(store)
        return current is None or current.identity != row.identity

    if poll(has_changed, until=bool, timeout=(row.lease_ms or 0) / 1000, backoff=Backoff(1.0, 1.0), clock=clock):
        raise _holder_alive_error(row)


def _holder_alive_error(row: LockRow) -> LockTimeout:
    return LockTimeout(
        f"The lock of keyspace {row.name} is held by {row.description}, which is alive. "
        "Wait for it or stop it; --force releases the lock anyway, and that run then stops.",
        keyspace=row.name,
        holder=row.owner,
        host=row.host,
        pid=row.pid,
        purpose=row.purpose,
        version=row.version,
        step=row.step,
        age=None,
    )
