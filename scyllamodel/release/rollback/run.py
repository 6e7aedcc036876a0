"""Rolls a keyspace back: plans, and under the lock plans again and executes.

*In*: a repo and the version to return to. *Out*: a result. A rollback is a version of its own in the ledger; one that
stopped part-way is completed by the next one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeAlias

import attrs

from scyllamodel.driver.repo import Repo
from scyllamodel.release.engine.cluster_view import ClusterView
from scyllamodel.release.engine.execution import VersionWork, execute_version
from scyllamodel.release.engine.ledger_access import load_ledger
from scyllamodel.release.engine.locked_run import LockedRun, Timeouts, open_locked_run
from scyllamodel.release.engine.raw_steps import RawStep, statement_checker
from scyllamodel.release.engine.results import MigrationResult
from scyllamodel.release.engine.telemetry import observe_run
from scyllamodel.release.ledger import Ledger, Migration
from scyllamodel.release.ledger.crash_recovery import recover_version
from scyllamodel.release.ledger.records import rollback_name
from scyllamodel.release.rollback.plan import RollbackPlan, remaining_plan, rollback_plan, schema_at
from scyllamodel.release.rollback.raw_undo import undo_statement
from scyllamodel.release.rollback.target import RollbackTarget, find_target
from scyllamodel.schema.apply import Event, OnEvent
from scyllamodel.schema.changes.postconditions import keyspace_of
from scyllamodel.schema.facts.objects import KeyspaceFacts, SchemaFacts
from scyllamodel.schema.plan import RAW_OP, Plan
from scyllamodel.schema.rules.allow import checked_values
from scyllamodel.schema.server.profile import ServerProfile

_Introspect: TypeAlias = Callable[[str], KeyspaceFacts]


@attrs.frozen
class RollbackRequest:
    """A requested rollback."""

    repo: Repo
    version: int | str
    allow: tuple[str, ...] = ()
    steps: tuple[RawStep, ...] = ()

    def target(self, ledger: Ledger, introspect: _Introspect, server: ServerProfile) -> RollbackTarget:
        """Return the target, with all steps."""
        target = find_target(ledger.versions(), self.version, self.repo.models)
        return target.map_versions(lambda migration: _with_steps(migration, ledger, introspect, server))

    def plan(self, target: RollbackTarget, introspect: _Introspect, server: ServerProfile) -> RollbackPlan:
        """Return the plan from the current schema to the target."""
        live = SchemaFacts(introspect(name) for name in _keyspaces(self.repo, target))
        protected = {self.repo.keyspace, *self.repo.settings.internal_keyspaces}
        texts = _undo_texts(target, self.steps)
        checker = statement_checker(
            self.repo.keyspace,
            texts,
            live,
            server,
            introspect=lambda names: map(introspect, names),
            places=lambda known: ClusterView.connect(self.repo).places(known),
        )
        return rollback_plan(
            target, live, server, allow=self.allow, steps=self.steps, protected=protected, evaluator=checker
        )


def _with_steps(migration: Migration, ledger: Ledger, introspect: _Introspect, server: ServerProfile) -> Migration:
    """Return the version with its steps; a crashed one is recovered in memory only."""
    (complete,) = ledger.with_steps([migration])
    return recover_version(complete, introspect, server).migration if complete.status == "running" else complete


def _keyspaces(repo: Repo, target: RollbackTarget) -> list[str]:
    changes = [step.change for migration in target.undone for step in migration.steps]
    return sorted({repo.keyspace, *(keyspace_of(change) for change in changes if change is not None)})


def _undo_texts(target: RollbackTarget, code: Sequence[RawStep]) -> list[str]:
    """Return the undo of each raw step that has one."""
    raw = (step for migration in target.undone for step in migration.steps if step.op == RAW_OP)
    return [cql for step in raw if (cql := undo_statement(step, code)) is not None]


def schema_of_version(repo: Repo, version: int | str) -> tuple[SchemaFacts, ServerProfile]:
    """Return the repo's keyspace after a version: the live schema without later changes.

    Raises:
        UnknownVersion: the version cannot be a target.
        ConnectionFailed, IntrospectionError, LedgerError: the server cannot be read.
    """
    cluster = ClusterView.connect(repo)
    ledger = load_ledger(repo, cluster)
    target = find_target(ledger.versions(), version)
    target = target.map_versions(
        lambda migration: _with_steps(migration, ledger, lambda name: cluster.introspect([name])[name], cluster.server)
    )
    facts = schema_at(target, cluster.introspect(_keyspaces(repo, target)))
    return SchemaFacts([facts[repo.keyspace]]), cluster.server


def rollback(
    repo: Repo,
    version: int | str,
    *,
    dry_run: bool = False,
    allow: Collection[str] = (),
    steps: Iterable[RawStep] = (),
    lock_timeout: float = 60.0,
    agreement_timeout: float = 120.0,
    step_timeout: float = 120.0,
    on_event: OnEvent | None = None,
) -> MigrationResult:
    """Roll the schema back to a version, by the changes that the ledger records.

    The models are ahead of the schema afterwards: `check` reports it, and syncs of these models are refused until
    `migrate` runs. Calling it again resumes a rollback that stopped part-way.

    Parameters:
        version: such as 20261123050100, as a number or its text; 0 is before the first one.
        dry_run: stop before the first statement; the plan of the result is the one that would run, with all refusals.
        allow: codes, or ``code:object``, of what may be lost, such as ``DS103:orders.total``.
        steps: the raw steps that were passed to `migrate`, for their undo. For one that the code no longer has,
            ``allow`` has to name the step and the digest of its undo.
        lock_timeout: seconds for which another run that holds the lock may make no progress.
        agreement_timeout: seconds that the nodes may take to agree.
        step_timeout: seconds until the effect of a statement must show in the schema.
        on_event: called with each `Event`.

    Raises:
        UnknownVersion: the version cannot be a target.
        ForeignVersion: a version to undo belongs to another application.
        IrreversibleStep: CQL has no inverse for a step; nothing ran.
        DestructiveChangeRefused, ImpossibleChange: all refusals at once; nothing ran.
        LockTimeout, LockLost, StepFailed, SchemaDisagreement, LedgerError: as in `migrate`; call it again to resume.
        ConnectionFailed, IntrospectionError: the server cannot be read.
    """
    started_at, timeouts = time.monotonic(), Timeouts(lock_timeout, agreement_timeout, step_timeout)
    allowed = checked_values(allow)
    with observe_run("rollback", repo.name, repo.keyspace, on_event) as listener:
        cluster = ClusterView.connect(repo)
        cluster.introspect_existing(repo.keyspace)
        request = RollbackRequest(repo, version, allowed, tuple(steps))
        introspect: _Introspect = lambda name: cluster.introspect([name])[name]  # noqa: E731 - one line
        target = request.target(load_ledger(repo, cluster), introspect, cluster.server)
        planned = request.plan(target, introspect, cluster.server)
        live = SchemaFacts(introspect(name) for name in _keyspaces(repo, target))
        planned = attrs.evolve(planned, plan=cluster.with_health_notes(planned.plan, live))
        listener(Event("plan_ready", planned.plan))
        if dry_run or not target.undone:
            result = MigrationResult("planned" if target.undone else "in_sync", planned.plan, repo=repo.name)
        else:
            planned.raise_refused()
            with open_locked_run(
                repo, cluster, "rollback", _keyspaces(repo, target), timeouts, planned.plan.steps
            ) as locked_run:
                result = rollback_under_lock(request, locked_run, timeouts, listener)
        result = attrs.evolve(result, duration_ms=round((time.monotonic() - started_at) * 1000))
        listener(Event("finished", planned.plan, result=result))
    return result


def rollback_under_lock(
    request: RollbackRequest, locked_run: LockedRun, timeouts: Timeouts, on_event: OnEvent | None = None
) -> MigrationResult:
    """Execute a rollback under the lock, planned from the current schema and ledger."""
    introspect, server = locked_run.executor.introspect, locked_run.executor.server
    target = request.target(locked_run.ledger, introspect, server)
    planned = request.plan(target, introspect, server)
    planned.raise_refused()
    if not target.undone:  # another run did it while this one waited
        return MigrationResult("in_sync", planned.plan, repo=request.repo.name, lock=locked_run.lock_use)

    def plan_remaining() -> Plan:
        live = SchemaFacts(introspect(name) for name in _keyspaces(request.repo, target))
        return attrs.evolve(remaining_plan(target, live, server), refusals=())

    work = VersionWork(
        request.repo,
        "rollback",
        planned.plan,
        target.models_fp,
        plan_remaining,
        name=rollback_name(target.version),
        status="rolled_back",
    )
    return execute_version(locked_run, work, timeouts, on_event)
