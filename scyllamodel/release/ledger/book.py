"""The ledger of one scope: read it, open a version in it, settle what a dead run left open.

*In*: a `LedgerStore`. *Out*: `Migration` and `LedgerStep` values, and an `OpenVersion` for whoever applies a plan. All
of it is written under the lock; the conditions of its writes only guard against a holder who lost the lock unawares.
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
from scyllamodel.release.ledger.bounds import LAST_VERSION, MOST_VERSIONS, step_fault, version_fault
from scyllamodel.release.ledger.in_force import in_force
from scyllamodel.release.ledger.open_version import OpenVersion
from scyllamodel.release.ledger.persist import Persistence
from scyllamodel.release.ledger.settle import Settled, settled
from scyllamodel.release.ledger.store import LedgerStore
from scyllamodel.release.ledger.values import Kind, LedgerStep, Migration, Row
from scyllamodel.release.ledger.who import NOBODY, Who
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts import KeyspaceFacts
from scyllamodel.schema.plan import Plan
from scyllamodel.schema.server import ServerProfile

_NUMBERS: Final = 100
"""Version numbers tried in a row; more taken ones in one moment mean that the lock does not hold."""


def utc_now() -> datetime:
    """The time of day."""
    return datetime.now(timezone.utc)


def number(moment: datetime) -> int:
    """The version number of a moment.

    >>> number(datetime(2026, 11, 23, 5, 1, tzinfo=timezone.utc))
    20261123050100
    """
    return int(f"{moment:%Y%m%d%H%M%S}")


@attrs.frozen
class Ledger:
    """The history of one scope.

    Attributes:
        scope: keyspace and repo, by `scope_of`.
        now: the time of day.
        again: how requests are made again.
    """

    store: LedgerStore = attrs.field(repr=False)
    scope: str
    now: Callable[[], datetime] = utc_now
    again: Persistence = attrs.field(
        default=attrs.Factory(lambda self: Persistence(self.scope), takes_self=True), repr=False
    )

    def head(self) -> Migration | None:
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
        most = MOST_VERSIONS + 1 if limit is None else limit
        rows = self.again.until_done("reading the history", lambda: self.store.versions(self.scope, most))
        if limit is None and len(rows) > MOST_VERSIONS:
            raise self._damaged(f"it has more than {MOST_VERSIONS:,} versions", rows[0])
        for row in rows:
            if (fault := version_fault(row)) is not None:
                raise self._damaged(fault, row)
        return [Migration.from_row(row) for row in rows]

    def _damaged(self, fault: str, row: Row) -> LedgerError:
        version, seq = int(row["version"]), row.get("seq")
        where = f"version {version}" if seq is None else f"step {seq} of version {version}"
        removal = self.again.until_done("reading the history", lambda: self.store.removal(self.scope, version, seq))
        return LedgerError(
            f"{self.scope}: the row of {where} is damaged, or was not written by scyllamodel: {fault}. Nothing of it "
            "was used. Look at the clock of this host, and who may write that table. Then remove the row:\n  "
            f"{removal}",
            scope=self.scope,
        )

    def scopes(self) -> list[str]:
        """All scopes that are kept beside this one, itself included, in order."""
        return sorted(self.again.until_done("reading the history", self.store.scopes))

    def steps(self, version: int) -> tuple[LedgerStep, ...]:
        """The steps of a version, in their order."""
        rows = self.again.until_done("reading the history", lambda: self.store.steps(self.scope, version))
        for row in rows:
            if (fault := step_fault(row)) is not None:
                raise self._damaged(fault, row)
        return tuple(LedgerStep.from_row(row) for row in rows)

    def with_steps(self, versions: Iterable[Migration]) -> list[Migration]:
        """The same versions with their steps."""
        return [attrs.evolve(found, steps=self.steps(found.version)) for found in versions]

    def begin(
        self,
        kind: Kind,
        plan: Plan,
        *,
        models_to: str,
        epoch: int,
        models: Iterable[str] = (),
        name: str = "",
        who: Who = NOBODY,
    ) -> OpenVersion:
        """Write a new version before its first step, and return what keeps the books on the way.

        Parameters:
            models_to: the fingerprint of the models that the plan is for.
            epoch: of the lock.
            models: the packages that they come from.
            name: what it does, for people; left out, the plan tells.
            who: who does it.
        """
        head = self.head()
        if head is not None and head.version >= LAST_VERSION:
            raise self._damaged("no number is left after it", head.to_row())
        opened = Migration(
            scope=self.scope,
            version=max(number(self.now()), head.version + 1 if head else 0),
            name=name or _name(plan),
            kind=kind,
            plan_hash=plan.fingerprint,
            models_from=head.models_to if head else "",
            models_to=models_to,
            schema_from=plan.schema_from,
            schema_to=plan.schema_to,
            models=models,
            total=len(plan.steps),
            started_at=self.now(),
            host=who.host,
            actor=who.actor,
            pid=who.pid,
            run_id=uuid4(),
            epoch=epoch,
            tool_version=installed_version("scyllamodel"),
            app_version=who.app_version,
            server_version=plan.server,
        )
        return OpenVersion(self.store, self._add(opened), self.now, self.again)

    def _add(self, opened: Migration) -> Migration:
        for _ in range(_NUMBERS):
            if self._added(opened):
                return self._shown(opened)
            opened = attrs.evolve(opened, version=opened.version + 1)
        raise LedgerError(f"{self.scope}: somebody else adds versions all the time; is its lock kept elsewhere, too?")

    def _shown(self, opened: Migration) -> Migration:
        """The version, if it can be read: a deletion with a time in the future would hide all that a run writes."""
        if self.again.row(self.store, opened.version) is None:
            raise LedgerError(
                f"{self.scope}: version {opened.version} was written, and does not show: the history was deleted with "
                "a time in the future, which hides all that is written later. No step ran. Look who may write that "
                f"table. Then start a new history:\n  {self.store.removal(self.scope, None)}",
                scope=self.scope,
            )
        return opened

    def _added(self, opened: Migration) -> bool:
        """Written under a condition, since its end is: the clocks of plain and conditional writes may differ."""

        def was_done() -> bool | None:
            row = self.again.row(self.store, opened.version)
            return None if row is None else row.get("run_id") == opened.run_id

        row = opened.to_row()
        return self.again.until_known("writing a version", lambda: self.store.add_version(row), was_done)

    def settle(self, look: Callable[[str], KeyspaceFacts], server: ServerProfile) -> list[Migration]:
        """End what dead runs left ``running``; under the lock, before anything new is begun.

        The schema decides about each step that was claimed. A step that another hand did in the meantime is recorded
        as ours: nothing tells the two apart.

        Parameters:
            look: fresh facts of a keyspace.

        Returns:
            The versions that were settled, with their steps.
        """
        open_ = [found for found in self.versions() if found.status == "running"]
        return [self._settle(settled(found, look, server)) for found in self.with_steps(open_)]

    def _settle(self, found: Settled) -> Migration:
        for step in found.decided:
            row = {name: step.to_row()[name] for name in ("scope", "version", "seq", "state")}
            self.again.until_done("settling a step", partial(self.store.put_step, row, over=True))
        ended = attrs.evolve(found.migration, finished_at=self.now())
        cells = {name: ended.to_row()[name] for name in ("status", "applied", "error", "error_seq", "finished_at")}
        if ended.status == "applied":  # before it is closed: a run that dies here leaves it to the next one
            self.mark_undone(ended)
        self.again.change(self.store, ended.version, cells, {"status": "running", "epoch": ended.epoch})
        return ended

    def mark_undone(self, rollback: Migration) -> None:
        """Mark the versions that a rollback took back, and those that are in force again since it took back another.

        For other kinds there is nothing to mark.
        """
        goal = rollback.back_to
        if goal is None:
            return
        versions = self.versions()
        held = {found.version for found in in_force(found for found in versions if found.version <= goal)}
        for found in versions:
            if found.version >= rollback.version or found.kind in ("rollback", "baseline"):
                continue
            if found.version in held and found.status == "rolled_back":
                self.mark(found, "applied" if found.applied == found.total else "partial")
            elif found.version not in held and found.is_undoable:
                self.mark(found, "rolled_back")

    def mark(self, found: Migration, status: str) -> bool:
        """Give an ended version another status, if it still has the one it was read with; whether it had."""
        return self.again.change(self.store, found.version, {"status": status}, {"status": found.status})

    def is_verified(self, models_fp: str) -> bool:
        """Whether a full read proved these models in sync with the very schema that the cluster has now.

        Two reads of one row each, whatever the number of models. A stamp says what was true of one version of the
        schema, for ever: an old one costs a full read and is never wrong. Any doubt is a no.
        """
        stamp, now = self.store.stamp(self.scope, models_fp)
        return stamp is not None and stamp == now

    def verify(self, models_fp: str, schema_version: UUID) -> None:
        """Note that these models were seen in sync.

        Parameters:
            schema_version: the one that stood before and after the full read that saw it.
        """
        self.store.put_stamp(self.scope, models_fp, schema_version, self.now())

    def ahead_of_clock(self, head: Migration | None) -> Diagnostic | None:
        """A remark when the newest version is more than a day ahead, and numbers no longer tell anybody a time."""
        if head is None or head.version <= number(self.now() + timedelta(days=1)):
            return None
        text = f"version {head.version} is more than a day ahead of the clock of this host"
        fix = "Look at the clocks of the hosts that migrate. Versions stay in order, but no longer look like times."
        return Diagnostic("LG105", "warn", self.scope, text, fix)


def _name(plan: Plan) -> str:
    """The objects of the plan, as many as a line holds."""
    if not plan.steps:
        return "nothing to do"
    told = [f"{step.op} {step.object}" for step in plan.steps]
    more = f" and {len(told) - 3} more" if len(told) > 3 else ""
    return ", ".join(told[:3]) + more
