"""The ledger of one scope: read it, open a version in it, settle what a dead run left open.

*In*: a `LedgerStore`. *Out*: `Migration` and `LedgerStep` values, and an `VersionRecorder` for whoever applies a plan.
All of it is written under the lock; the conditions of its writes only guard against a holder who lost the lock
unawares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from functools import partial
from importlib.metadata import version as installed_version
from typing import Final
from uuid import UUID, uuid4

import attrs

from scyllamodel.errors import LedgerError
from scyllamodel.release.ledger.bounds import LAST_VERSION, MAX_VERSIONS, step_fault, version_fault
from scyllamodel.release.ledger.in_force import effective_versions
from scyllamodel.release.ledger.open_version import VersionRecorder
from scyllamodel.release.ledger.persist import RetryingStore
from scyllamodel.release.ledger.settle import RecoveredVersion, recover_version
from scyllamodel.release.ledger.store import LedgerStore
from scyllamodel.release.ledger.values import LedgerStep, Migration, MigrationKind, Row
from scyllamodel.release.ledger.who import UNKNOWN_PROVENANCE, Provenance
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts import KeyspaceFacts
from scyllamodel.schema.plan import Plan
from scyllamodel.schema.server import ServerProfile

_MAX_NUMBER_ATTEMPTS: Final = 100
"""Version numbers tried in a row; more taken ones in one moment mean that the lock does not hold."""


def utc_now() -> datetime:
    """The time of day."""
    return datetime.now(timezone.utc)


def version_number(moment: datetime) -> int:
    """The version number of a moment.

    >>> version_number(datetime(2026, 11, 23, 5, 1, tzinfo=timezone.utc))
    20261123050100
    """
    return int(f"{moment:%Y%m%d%H%M%S}")


@attrs.frozen
class Ledger:
    """The history of one scope.

    Attributes:
        scope: keyspace and repo, by `ledger_scope`.
        now: the time of day.
        retrying: how requests are made again.
    """

    store: LedgerStore = attrs.field(repr=False)
    scope: str
    now: Callable[[], datetime] = utc_now
    retrying: RetryingStore = attrs.field(
        default=attrs.Factory(lambda self: RetryingStore(self.scope), takes_self=True), repr=False
    )

    def newest(self) -> Migration | None:
        """The newest version, whatever became of it; None where there is no history.

        Raises:
            LedgerError: it could not be read; so of all methods.
        """
        return next(iter(self.versions(1)), None)

    def versions(self, limit: int | None = None) -> list[Migration]:
        """All versions, the newest first.

        Raises:
            LedgerError: they could not be read, or a row of them is damaged.
        """
        max_rows = MAX_VERSIONS + 1 if limit is None else limit
        rows = self.retrying.retry("reading the history", lambda: self.store.versions(self.scope, max_rows))
        if limit is None and len(rows) > MAX_VERSIONS:
            raise self._damaged_error(f"it has more than {MAX_VERSIONS:,} versions", rows[0])
        for row in rows:
            if (fault := version_fault(row)) is not None:
                raise self._damaged_error(fault, row)
        return [Migration.from_row(row) for row in rows]

    def _damaged_error(self, fault: str, row: Row) -> LedgerError:
        version, seq = int(row["version"]), row.get("seq")
        location = f"version {version}" if seq is None else f"step {seq} of version {version}"
        removal = self.retrying.retry(
            "reading the history", lambda: self.store.removal_statement(self.scope, version, seq)
        )
        return LedgerError(
            f"{self.scope}: the row of {location} is damaged, or was not written by scyllamodel: {fault}. Nothing of "
            "it "
            "was used. Look at the clock of this host, and who may write that table. Then remove the row:\n  "
            f"{removal}",
            scope=self.scope,
        )

    def scopes(self) -> list[str]:
        """All scopes that are kept beside this one, itself included, in order."""
        return sorted(self.retrying.retry("reading the history", self.store.scopes))

    def steps(self, version: int) -> tuple[LedgerStep, ...]:
        """The steps of a version, in their order."""
        rows = self.retrying.retry("reading the history", lambda: self.store.steps(self.scope, version))
        for row in rows:
            if (fault := step_fault(row)) is not None:
                raise self._damaged_error(fault, row)
        return tuple(LedgerStep.from_row(row) for row in rows)

    def with_steps(self, versions: Iterable[Migration]) -> list[Migration]:
        """The same versions with their steps."""
        return [attrs.evolve(migration, steps=self.steps(migration.version)) for migration in versions]

    def begin(
        self,
        kind: MigrationKind,
        plan: Plan,
        *,
        models_to: str,
        fencing_token: int,
        models: Iterable[str] = (),
        name: str = "",
        provenance: Provenance = UNKNOWN_PROVENANCE,
    ) -> VersionRecorder:
        """Write a new version before its first step, and return what keeps the books on the way.

        Parameters:
            models_to: the fingerprint of the models that the plan is for.
            fencing_token: of the lock.
            models: the packages that they come from.
            name: what it does, for people; left out, the plan tells.
            provenance: who does it.
        """
        newest = self.newest()
        if newest is not None and newest.version >= LAST_VERSION:
            raise self._damaged_error("no number is left after it", newest.to_row())
        migration = Migration(
            scope=self.scope,
            version=max(version_number(self.now()), newest.version + 1 if newest else 0),
            name=name or _version_name(plan),
            kind=kind,
            plan_hash=plan.fingerprint,
            models_from=newest.models_to if newest else "",
            models_to=models_to,
            schema_from=plan.schema_from,
            schema_to=plan.schema_to,
            models=models,
            total=len(plan.steps),
            started_at=self.now(),
            host=provenance.host,
            actor=provenance.actor,
            pid=provenance.pid,
            run_id=uuid4(),
            epoch=fencing_token,
            tool_version=installed_version("scyllamodel"),
            app_version=provenance.app_version,
            server_version=plan.server,
        )
        return VersionRecorder(self.store, self._add_version(migration), self.now, self.retrying)

    def _add_version(self, migration: Migration) -> Migration:
        for _ in range(_MAX_NUMBER_ATTEMPTS):
            if self._try_add(migration):
                return self._check_visible(migration)
            migration = attrs.evolve(migration, version=migration.version + 1)
        raise LedgerError(f"{self.scope}: somebody else adds versions all the time; is its lock kept elsewhere, too?")

    def _check_visible(self, migration: Migration) -> Migration:
        """The version, if it can be read: a deletion with a time in the future would hide all that a run writes."""
        if self.retrying.read_version(self.store, migration.version) is None:
            raise LedgerError(
                f"{self.scope}: version {migration.version} was written, and does not show: the history was deleted "
                "with "
                "a time in the future, which hides all that is written later. No step ran. Look who may write that "
                f"table. Then start a new history:\n  {self.store.removal_statement(self.scope, None)}",
                scope=self.scope,
            )
        return migration

    def _try_add(self, migration: Migration) -> bool:
        """Written under a condition, since its end is: the clocks of plain and conditional writes may differ."""

        def was_done() -> bool | None:
            row = self.retrying.read_version(self.store, migration.version)
            return None if row is None else row.get("run_id") == migration.run_id

        row = migration.to_row()
        return self.retrying.retry_conditional("writing a version", lambda: self.store.add_version(row), was_done)

    def recover(self, introspect: Callable[[str], KeyspaceFacts], server: ServerProfile) -> list[Migration]:
        """End what dead runs left ``running``; under the lock, before anything new is begun.

        The schema decides about each step that was claimed. A step that another hand did in the meantime is recorded
        as ours: nothing tells the two apart.

        Parameters:
            introspect: fresh facts of a keyspace.

        Returns:
            The versions that were settled, with their steps.
        """
        running = [migration for migration in self.versions() if migration.status == "running"]
        return [
            self._write_recovered(recover_version(migration, introspect, server))
            for migration in self.with_steps(running)
        ]

    def _write_recovered(self, recovered: RecoveredVersion) -> Migration:
        for step in recovered.decided_steps:
            row = {name: step.to_row()[name] for name in ("scope", "version", "seq", "state")}
            self.retrying.retry("settling a step", partial(self.store.put_step, row, overwrite=True))
        migration = attrs.evolve(recovered.migration, finished_at=self.now())
        cells = {name: migration.to_row()[name] for name in ("status", "applied", "error", "error_seq", "finished_at")}
        if migration.status == "applied":  # before it is closed: a run that dies here leaves it to the next one
            self.mark_rolled_back(migration)
        self.retrying.change_version(
            self.store, migration.version, cells, {"status": "running", "epoch": migration.epoch}
        )
        return migration

    def mark_rolled_back(self, rollback: Migration) -> None:
        """Mark the versions that a rollback took back, and those that are in force again since it took back another.

        For other kinds there is nothing to mark.
        """
        target_version = rollback.rollback_target
        if target_version is None:
            return
        versions = self.versions()
        effective = {
            migration.version
            for migration in effective_versions(
                migration for migration in versions if migration.version <= target_version
            )
        }
        for migration in versions:
            if migration.version >= rollback.version or migration.kind in ("rollback", "baseline"):
                continue
            if migration.version in effective and migration.status == "rolled_back":
                self.mark(migration, "applied" if migration.applied == migration.total else "partial")
            elif migration.version not in effective and migration.is_undoable:
                self.mark(migration, "rolled_back")

    def mark(self, migration: Migration, status: str) -> bool:
        """Give an ended version another status, if it still has the one it was read with; whether it had."""
        return self.retrying.change_version(
            self.store, migration.version, {"status": status}, {"status": migration.status}
        )

    def is_verified(self, models_fp: str) -> bool:
        """Whether a full read proved these models in sync with the very schema that the cluster has now.

        Two reads of one row each, whatever the number of models. A stamp says what was true of one version of the
        schema, for ever: an old one costs a full read and is never wrong. Any doubt is a no.
        """
        marked, current = self.store.read_sync_marker(self.scope, models_fp)
        return marked is not None and marked == current

    def mark_verified(self, models_fp: str, schema_version: UUID) -> None:
        """Note that these models were seen in sync.

        Parameters:
            schema_version: the one that stood before and after the full read that saw it.
        """
        self.store.write_sync_marker(self.scope, models_fp, schema_version, self.now())

    def clock_note(self, newest: Migration | None) -> Diagnostic | None:
        """A remark when the newest version is more than a day ahead, and numbers no longer tell anybody a time."""
        if newest is None or newest.version <= version_number(self.now() + timedelta(days=1)):
            return None
        text = f"version {newest.version} is more than a day ahead of the clock of this host"
        suggested_fix = (
            "Look at the clocks of the hosts that migrate. Versions stay in order, but no longer look like times."
        )
        return Diagnostic("LG105", "warn", self.scope, text, suggested_fix)


def _version_name(plan: Plan) -> str:
    """The objects of the plan, as many as a line holds."""
    if not plan.steps:
        return "nothing to do"
    descriptions = [f"{step.op} {step.object}" for step in plan.steps]
    suffix = f" and {len(descriptions) - 3} more" if len(descriptions) > 3 else ""
    return ", ".join(descriptions[:3]) + suffix
