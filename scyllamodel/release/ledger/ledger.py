"""The ledger of one scope: reads versions, opens new ones, recovers crashed ones.

*In*: a `LedgerStore`. *Out*: `Migration` and `LedgerStep` values, and a `VersionRecorder` for a run. Everything is
written under the lock; conditions of the writes only guard against a holder that lost it unnoticed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Final
from uuid import UUID, uuid4

import attrs

from scyllamodel._version import __version__
from scyllamodel.errors import LedgerError
from scyllamodel.release.ledger.crash_recovery import RecoveredVersion, recover_version
from scyllamodel.release.ledger.effective_versions import effective_versions
from scyllamodel.release.ledger.provenance import UNKNOWN_PROVENANCE, Provenance
from scyllamodel.release.ledger.record_bounds import LAST_VERSION, MAX_VERSIONS, step_fault, version_fault
from scyllamodel.release.ledger.recorder import VersionRecorder
from scyllamodel.release.ledger.records import (
    DONE_STATES,
    LedgerStep,
    Migration,
    MigrationKind,
    Row,
    step_from_row,
    step_row,
    version_from_row,
    version_row,
)
from scyllamodel.release.ledger.retry import RetryingStore
from scyllamodel.release.ledger.store import LedgerStore
from scyllamodel.schema.changes.kinds import Change
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts.objects import KeyspaceFacts
from scyllamodel.schema.plan import Plan
from scyllamodel.schema.server.profile import ServerProfile

_MAX_NUMBER_ATTEMPTS: Final = 100
"""Version numbers tried in a row; more conflicts at once mean that the lock does not work."""


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(timezone.utc)


def version_number(moment: datetime) -> int:
    """Return the version number of a time.

    >>> version_number(datetime(2026, 11, 23, 5, 1, tzinfo=timezone.utc))
    20261123050100
    """
    return int(f"{moment:%Y%m%d%H%M%S}")


@attrs.frozen
class Ledger:
    """The history of one scope.

    Attributes:
        scope: from `ledger_scope`.
        now: returns the current time.
        retrying: retries requests.
    """

    store: LedgerStore = attrs.field(repr=False)
    scope: str
    now: Callable[[], datetime] = utc_now
    retrying: RetryingStore = attrs.field(
        default=attrs.Factory(lambda self: RetryingStore(self.scope), takes_self=True), repr=False
    )

    def newest(self) -> Migration | None:
        """Return the newest version, in any status; None without history.

        Raises:
            LedgerError: it could not be read, as for all methods.
        """
        return next(iter(self.versions(1)), None)

    def versions(self, limit: int | None = None) -> list[Migration]:
        """Return all versions, newest first.

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
        return [version_from_row(row) for row in rows]

    def _damaged_error(self, fault: str, row: Row) -> LedgerError:
        version, seq = int(row["version"]), row.get("seq")
        location = f"version {version}" if seq is None else f"step {seq} of version {version}"
        removal = self.retrying.retry(
            "reading the history", lambda: self.store.removal_statement(self.scope, version, seq)
        )
        return LedgerError(
            f"{self.scope}: the row of {location} is damaged, or was not written by scyllamodel: {fault}. It "
            "was not used. Check the clock of this host and who may write that table, then remove the row:\n  "
            f"{removal}",
            scope=self.scope,
        )

    def scopes(self) -> list[str]:
        """Return all scopes in the same tables, sorted."""
        return sorted(self.retrying.retry("reading the history", self.store.scopes))

    def steps(self, version: int) -> tuple[LedgerStep, ...]:
        """Return the steps of a version, in order."""
        rows = self.retrying.retry("reading the history", lambda: self.store.steps(self.scope, version))
        for row in rows:
            if (fault := step_fault(row)) is not None:
                raise self._damaged_error(fault, row)
        return tuple(step_from_row(row) for row in rows)

    def with_steps(self, versions: Iterable[Migration]) -> list[Migration]:
        """Return versions with their steps."""
        return [attrs.evolve(migration, steps=self.steps(migration.version)) for migration in versions]

    def changes(self) -> Iterator[tuple[Migration, Change]]:
        """Yield the changes that were executed by the versions in effect, oldest first, each with its version.

        Raises:
            LedgerError: the history could not be read.
        """
        versions = [version for version in self.versions() if version.is_in_effect]
        for version in reversed(self.with_steps(versions)):
            for step in version.steps:
                if step.state in DONE_STATES and step.change is not None:
                    yield version, step.change

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
        """Record a new version before its first step, and return its recorder.

        Parameters:
            models_to: fingerprint of the models.
            fencing_token: of the lock.
            models: packages of the models.
            name: shown to people; by default from the plan.
            provenance: of the run.
        """
        newest = self.newest()
        if newest is not None and newest.version >= LAST_VERSION:
            raise self._damaged_error("no version number is left", version_row(newest))
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
            tool_version=__version__,
            app_version=provenance.app_version,
            server_version=plan.server,
        )
        return VersionRecorder(self.store, self._add_version(migration), self.now, self.retrying)

    def _add_version(self, migration: Migration) -> Migration:
        for _ in range(_MAX_NUMBER_ATTEMPTS):
            if self._try_add(migration):
                return self._check_visible(migration)
            migration = attrs.evolve(migration, version=migration.version + 1)
        raise LedgerError(
            f"{self.scope}: other runs add versions all the time; is the lock kept in another keyspace as well?"
        )

    def _check_visible(self, migration: Migration) -> Migration:
        """Check that a version is visible; a deletion with a timestamp in the future would hide all that is written."""
        if self.retrying.read_version(self.store, migration.version) is None:
            raise LedgerError(
                f"{self.scope}: version {migration.version} was written and is not visible: the history was "
                "deleted with a timestamp in the future, which hides later writes. No step ran. Check who may write "
                f"that table, then start a new history:\n  {self.store.removal_statement(self.scope, None)}",
                scope=self.scope,
            )
        return migration

    def _try_add(self, migration: Migration) -> bool:
        """Insert a version with a condition, as its end is updated with one: plain writes may have other timestamps."""

        def was_done() -> bool | None:
            row = self.retrying.read_version(self.store, migration.version)
            return None if row is None else row.get("run_id") == migration.run_id

        row = version_row(migration)
        return self.retrying.retry_conditional("writing a version", lambda: self.store.add_version(row), was_done)

    def recover(self, introspect: Callable[[str], KeyspaceFacts], server: ServerProfile) -> list[Migration]:
        """Recover ``running`` versions of crashed runs; under the lock, before a new version is opened.

        The schema decides about each claimed step. A step that another program executed in the meantime is recorded as
        applied: the two cannot be distinguished.

        Parameters:
            introspect: facts of a keyspace.

        Returns:
            The recovered versions, with their steps.
        """
        running = [migration for migration in self.versions() if migration.status == "running"]
        return [
            self._write_recovered(recover_version(migration, introspect, server))
            for migration in self.with_steps(running)
        ]

    def _write_recovered(self, recovered: RecoveredVersion) -> Migration:
        for step in recovered.decided_steps:
            row = {name: step_row(step)[name] for name in ("scope", "version", "seq", "state")}
            self.retrying.retry("recovering a step", partial(self.store.put_step, row, overwrite=True))
        migration = attrs.evolve(recovered.migration, finished_at=self.now())
        cells = {
            name: version_row(migration)[name] for name in ("status", "applied", "error", "error_seq", "finished_at")
        }
        if migration.status == "applied":  # before it is ended: if this run crashes here, the next one does it
            self.mark_rolled_back(migration)
        self.retrying.change_version(
            self.store, migration.version, cells, {"status": "running", "epoch": migration.epoch}
        )
        return migration

    def mark_rolled_back(self, rollback: Migration) -> None:
        """Mark the versions that a rollback undid, and those in effect again because it undid another rollback.

        Does nothing for other kinds.
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
        """Change the status of an ended version if its row is as it was read; return whether it was changed."""
        return self.retrying.change_version(
            self.store, migration.version, {"status": status}, {"status": migration.status}
        )

    def is_verified(self, models_fp: str) -> bool:
        """Whether these models were marked in sync with the current schema version.

        Two reads of one row each, for any number of models. A marker is tied to one schema version: an old one costs a
        full read and is never wrong. Any doubt returns False.
        """
        marked, current = self.store.read_sync_marker(self.scope, models_fp)
        return marked is not None and marked == current

    def mark_verified(self, models_fp: str, schema_version: UUID) -> None:
        """Record that these models are in sync.

        Parameters:
            schema_version: before and after the full read.
        """
        self.store.write_sync_marker(self.scope, models_fp, schema_version, self.now())

    def clock_note(self, newest: Migration | None) -> Diagnostic | None:
        """Return LG105 if the newest version is more than a day ahead of the clock."""
        if newest is None or newest.version <= version_number(self.now() + timedelta(days=1)):
            return None
        text = f"version {newest.version} is more than a day ahead of the clock of this host"
        suggested_fix = (
            "Check the clocks of the hosts that migrate. Versions stay in order, but no longer look like times."
        )
        return Diagnostic("LG105", "warn", self.scope, text, suggested_fix)


def _version_name(plan: Plan) -> str:
    """Return the objects of the plan, up to three."""
    if not plan.steps:
        return "nothing to do"
    descriptions = [f"{step.op} {step.object}" for step in plan.steps]
    suffix = f" and {len(descriptions) - 3} more" if len(descriptions) > 3 else ""
    return ", ".join(descriptions[:3]) + suffix
