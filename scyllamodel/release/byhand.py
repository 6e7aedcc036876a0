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
from scyllamodel.release.books import read_books
from scyllamodel.release.draft import Draft, Wish
from scyllamodel.release.execute import Work, execute
from scyllamodel.release.guard import Patience, locked
from scyllamodel.release.ledger import Migration
from scyllamodel.release.ledger.book import utc_now
from scyllamodel.release.lock import Answer, LockRow, LockTable, check_sound
from scyllamodel.release.look import Look
from scyllamodel.release.results import MigrationResult
from scyllamodel.release.status import LockHolder
from scyllamodel.release.tables import LOCK
from scyllamodel.schema.apply import StatementFailure

End: TypeAlias = Literal["applied", "abandoned"]
_OPEN: Final = ("running", "partial", "failed")


def baseline(repo: Repo, *, force: bool = False, lock_timeout: float = 60.0) -> MigrationResult:
    """Write down that the keyspace is what the models declare, as the first version that one can go back to.

    For a keyspace that was made by other means. Nothing of the schema is changed but for our own tables.

    Parameters:
        force: whether to do so although something is missing.

    Raises:
        ConfigurationError: models and server differ, and ``force`` is False.
        LockTimeout, LockLost, LedgerError, ConnectionFailed, IntrospectionError: as of `migrate`.
    """
    draft = Draft.of(Wish.of(repo, None, create_keyspace=False))
    if not (force or draft.plan.is_empty):
        raise ConfigurationError(
            f"{repo.keyspace} is not what the models declare, so it is no baseline yet:\n{draft.plan.render()}\n"
            "Run migrate first, or take it as it is: baseline(repo, force=True), scyllamodel baseline --force",
            plan=draft.plan,
        )
    plan = attrs.evolve(draft.plan, bootstrap=(), steps=(), refusals=())
    patience = Patience(lock_timeout)
    with locked(repo, draft.look, "baseline", draft.keyspaces, patience) as guard:
        work = Work(repo, "baseline", plan, draft.wish.models_fp, None, name="what was there", end="baseline")
        return execute(guard, work, patience)


def resolve(repo: Repo, version: int | str, end: End, *, lock_timeout: float = 60.0) -> Migration:
    """Say what became of a version that stopped part-way, where the next run cannot tell.

    Parameters:
        version: a number, or its text.
        end: ``applied``, the schema holds all of it; ``abandoned``, it counts for nothing, in a rollback too.

    Raises:
        UnknownVersion: there is no such version, or it ended well.
        LockTimeout, LockLost, LedgerError, ConnectionFailed, IntrospectionError: as of `migrate`.
    """
    with locked(repo, Look.at(repo), "resolve", [], Patience(lock_timeout)) as guard:
        versions = guard.ledger.versions()
        found = next((one for one in versions if str(one.version) == str(version).strip()), None)
        if found is None or found.status not in _OPEN:
            raise _unresolvable(version, found, versions)
        if not guard.ledger.mark(found, end):
            raise LedgerError(f"{found.scope}: version {found.version} was changed by another run", scope=found.scope)
    return attrs.evolve(found, status=end)


def _unresolvable(version: int | str, found: Migration | None, versions: list[Migration]) -> UnknownVersion:
    why = "there is no such version" if found is None else f"it is {found.status}, and needs no word of anybody"
    return UnknownVersion(
        f"Version {version} cannot be resolved: {why}. See: scyllamodel history",
        version=version,
        versions=tuple(one.version for one in versions if one.status in _OPEN),
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
    look = Look.at(repo)
    internal = read_books(repo, look.coordinator, look.server)
    if internal.table(LOCK.name) is None:
        return None
    store = LockTable(LwtClient(look.coordinator), internal.name, repo.keyspace)
    row = _row(store)
    if row is not None and row.fault is not None and force:
        return _healed(store, row)
    if row is None or (row.owner is None and row.fault is None):
        return None
    check_sound(store, row)
    holder = LockHolder.of(row, utc_now())
    if not force:
        _check_silent(store, row, clock, sleep)
    when = {"owner": row.owner, "epoch": row.epoch, **({} if force else {"beat": row.beat})}
    answer = _changed(store, when, {"owner": None})
    if not answer.applied and answer.owner is not None:
        raise _alive(row)
    return holder


def _healed(store: LockTable, row: LockRow) -> LockHolder | None:
    """Make a damaged row a free one, in an epoch that no holder had: the seconds since 1970.

    Raises:
        LedgerError: nothing can overwrite it; the message says what removes it.
    """
    free = dict.fromkeys(("owner", "lease_ms", "version", "step", "host", "pid", "purpose", "acquired_at"))
    when = {"owner": row.owner, "epoch": row.epoch}
    if row.unreadable:
        when = store.holder()
    _changed(store, when, {**free, "epoch": round(utc_now().timestamp()), "beat": 0})
    now = _row(store)
    if now is not None and (now.owner is not None or now.fault is not None):
        raise LedgerError(
            f"The row of the lock of keyspace {row.name} is damaged, and what was written over it does not show: it "
            f"was written with a time in the future. Run: {store.removal(attrs.evolve(now, ahead=float('inf')))}",
            scope=row.name,
        )
    return LockHolder.of(attrs.evolve(row, acquired_at=None), utc_now())


def _changed(store: LockTable, when: Mapping[str, Any], to: Mapping[str, Any]) -> Answer:
    try:
        return store.change(when, to)
    except StatementFailure as error:
        raise LedgerError(f"the lock of {store.name} could not be given back: {error}", scope=store.name) from error


def _row(store: LockTable) -> LockRow | None:
    try:
        return store.read(serial=True)
    except StatementFailure as error:
        raise LedgerError(f"the lock of {store.name} could not be read: {error}", scope=store.name) from error


def _check_silent(store: LockTable, row: LockRow, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
    """Look on for one lease; a beat in it is a sign of life."""
    until = clock() + (row.lease_ms or 0) / 1000
    while clock() < until:
        sleep(1.0)
        now = _row(store)
        if now is None or now.mark != row.mark:
            raise _alive(row)


def _alive(row: LockRow) -> LockTimeout:
    return LockTimeout(
        f"The lock of keyspace {row.name} is held by {row.who}, which is alive. "
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
