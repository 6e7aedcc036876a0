"""A migration: plans, takes the locks, plans again under them, and executes that plan as one version of the ledger.

*In*: a `PlannedMigration` and the options of a verb. *Out*: a `MigrationResult`. Migrate, sync and contract share it.
When nothing is missing, it only reads.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, Final

import attrs

from scyllamodel.driver.cluster.ddl_executor import DdlExecutor
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import SchemaDisagreement, StalePlan, StepFailed
from scyllamodel.release.engine.build_status import await_built, build_permissions
from scyllamodel.release.engine.cluster_view import ClusterView
from scyllamodel.release.engine.crash_detection import recover_crashed_run
from scyllamodel.release.engine.execution import VersionWork, execute_version
from scyllamodel.release.engine.locked_run import LockedRun, Timeouts, acquire_locks
from scyllamodel.release.engine.page_secret import ensure_page_secret
from scyllamodel.release.engine.permission_check import (
    RequiredPermission,
    check_permissions,
    internal_table_permissions,
    step_permissions,
)
from scyllamodel.release.engine.planning import PlannedMigration
from scyllamodel.release.engine.results import MigrationResult
from scyllamodel.release.engine.sync_marker import mark_in_sync
from scyllamodel.release.engine.telemetry import observe_run
from scyllamodel.release.ledger.records import MigrationKind
from scyllamodel.release.ledger.superseded import check_may_sync
from scyllamodel.release.lock import LockRow
from scyllamodel.schema.apply import Event, OnEvent, Outcome, apply, notify
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.plan import Plan


@attrs.frozen
class MigrationRun:
    """Options of one migration, and the steps in which it is carried out.

    Attributes:
        approved_plan: the plan that was made earlier, which the new plan has to match.
        kind: for the ledger; a ``sync`` does not restore superseded models.
        started_at: monotonic time of the call.
    """

    timeouts: Timeouts = attrs.field(factory=Timeouts)
    on_event: OnEvent | None = None
    approved_plan: Plan | None = None
    wait_built: bool = False
    kind: MigrationKind = "migrate"
    started_at: float = attrs.field(factory=time.monotonic)

    def perform(self, planned: PlannedMigration, *, dry_run: bool = False) -> MigrationResult:
        """Run the migration, unless nothing is missing."""
        repo = planned.request.repo
        with observe_run(self.kind, repo.name, repo.keyspace, self.on_event) as listener:
            return attrs.evolve(self, on_event=listener).perform_observed(planned, dry_run=dry_run)

    def perform_observed(self, planned: PlannedMigration, *, dry_run: bool) -> MigrationResult:
        """Run the migration; logging and tracing are set up."""
        self.check_approved_plan(planned)
        self.notify(Event("plan_ready", planned.plan))
        planned.plan.raise_refused()
        if planned.plan.is_empty:
            result = self.in_sync(planned, write=not dry_run)
        elif dry_run:
            result = self.result("planned", planned.plan, planned.request.repo)
        else:
            result = self.apply(planned)
        if self.wait_built and not dry_run:
            await_built(planned.cluster, planned.desired, self.timeouts.agreement, self.on_event)
        return self.finish(result)

    def finish(self, result: MigrationResult) -> MigrationResult:
        """Emit the last event and return the result."""
        self.notify(Event("finished", result.plan, result=result))
        return result

    def notify(self, event: Event) -> None:
        """Pass an event to the listener."""
        notify(self.on_event, event)

    def check_approved_plan(self, planned: PlannedMigration) -> None:
        """Check that a plan that was made earlier is still the plan."""
        if self.approved_plan is not None:
            _check_unchanged(self.approved_plan, planned.plan)

    def in_sync(self, planned: PlannedMigration, *, write: bool = True, **fields: Any) -> MigrationResult:
        """Return the result when nothing is missing; mark the models in sync once no version is left open."""
        if write:
            ensure_page_secret(planned.cluster, planned.internal_facts)
            if recover_crashed_run(planned.request.repo, planned.cluster, planned.internal_facts):
                mark_in_sync(planned)
        return self.result("in_sync", planned.plan, planned.request.repo, **fields)

    def apply(self, planned: PlannedMigration) -> MigrationResult:
        """Create the keyspaces, take the locks, and apply what is missing then."""
        cluster = planned.cluster
        steps = (*planned.plan.bootstrap, *planned.plan.steps)
        required = [*_internal_table_permissions(planned), *step_permissions(steps)]
        required += build_permissions(planned.desired) if self.wait_built else ()
        check_permissions(cluster.coordinator, planned.request.repo, required)
        with DdlExecutor(cluster.coordinator, cluster.server) as executor:
            keyspace_outcome = self.create_keyspaces(planned, executor)
            waiter = _LockWaiter(planned, executor, self)
            keyspaces = planned.keyspaces
            acquisition = acquire_locks(
                planned.request.repo,
                executor,
                self.kind,
                keyspaces,
                self.timeouts,
                should_stop=waiter.is_in_sync,
                on_wait=waiter.notify,
            )
            with acquisition as locked_run:
                if locked_run is None:
                    return self.finish_waited(waiter.planned, executor, outcome=keyspace_outcome)
                self.notify(Event("lock_taken", planned.plan, result=locked_run.lease.fencing_token))
                replanned = planned.replan(ClusterView.from_executor(executor))
                return self.run_under_lock(
                    replanned.with_bootstrap(planned.plan.bootstrap), locked_run, keyspace_outcome
                )

    def create_keyspaces(self, planned: PlannedMigration, executor: DdlExecutor) -> Outcome:
        """Create the keyspaces of the plan; they come before the lock, which is stored in one of them."""
        creation_steps = tuple(step for step in planned.plan.bootstrap if step.op == "create_keyspace")
        keyspace_plan = attrs.evolve(planned.plan, bootstrap=creation_steps, steps=())
        try:
            return apply(keyspace_plan, executor, on_event=self.on_event, **self.timeouts.step_keywords)
        except (StepFailed, SchemaDisagreement) as error:
            error.result = self.result("partial", planned.plan, planned.request.repo, outcome=error.result)
            if isinstance(error, StepFailed):
                error.args = (f"{error}\n{_KEYSPACE_ADVICE}", *error.args[1:])
            raise

    def finish_waited(self, planned: PlannedMigration, executor: DdlExecutor, **fields: Any) -> MigrationResult:
        """Return the result when another run did the work, once all nodes have the schema."""
        executor.await_agreement(self.timeouts.agreement)
        mark_in_sync(planned)
        return self.result("waited", planned.plan, planned.request.repo, **fields)

    def run_under_lock(
        self, planned: PlannedMigration, locked_run: LockedRun, keyspace_outcome: Outcome
    ) -> MigrationResult:
        """Plan again under the lock, and apply that plan."""
        if not (planned.plan.steps or planned.plan.refusals):
            return self.finish_waited(
                planned, locked_run.unfenced_executor, outcome=keyspace_outcome, lock=locked_run.lock_use
            )
        self.check_approved_plan(planned)
        planned.plan.raise_refused()
        note = self.superseded_note(planned, locked_run)
        if note is not None:
            return self.in_sync(_with_note(planned, note), write=False, lock=locked_run.lock_use)
        return self.execute_version(planned, locked_run, keyspace_outcome)

    def superseded_note(self, planned: PlannedMigration, locked_run: LockedRun) -> Diagnostic | None:
        """Return a note if newer models superseded these, so that a sync must not change anything; else None."""
        if self.kind != "sync":
            return None
        return check_may_sync(locked_run.ledger.versions(), planned.request.models_fp, planned.plan)

    def execute_version(
        self, planned: PlannedMigration, locked_run: LockedRun, keyspace_outcome: Outcome
    ) -> MigrationResult:
        """Apply the plan as one version of the ledger."""
        replanned: list[PlannedMigration] = []

        def plan_remaining() -> Plan:
            replanned.append(planned.replan(ClusterView.from_executor(locked_run.unfenced_executor)))
            return attrs.evolve(replanned[0].plan, bootstrap=())

        repo, models_fp = planned.request.repo, planned.request.models_fp
        work = VersionWork(
            repo,
            self.kind,
            planned.plan,
            models_fp,
            plan_remaining,
            earlier_outcome=keyspace_outcome,
            started_at=self.started_at,
        )
        result = execute_version(locked_run, work, self.timeouts, self.on_event)
        mark_in_sync(replanned[0])
        return result

    def result(
        self, status: Any, plan: Plan, repo: Repo, *, outcome: Outcome | None = None, **fields: Any
    ) -> MigrationResult:
        """Return a result with the elapsed time."""
        return MigrationResult(
            status=status,
            plan=plan,
            steps=() if outcome is None else outcome.steps,
            duration_ms=round((time.monotonic() - self.started_at) * 1000),
            repo=repo.name,
            **fields,
        )


class _LockWaiter:
    """Polls the schema while waiting for the lock."""

    def __init__(self, planned: PlannedMigration, executor: DdlExecutor, run: MigrationRun) -> None:
        self.planned, self._executor, self._run = planned, executor, run

    def is_in_sync(self) -> bool:
        """Whether the schema matches the models; refusals and an approved plan are handled under the lock."""
        cluster = ClusterView.from_executor(self._executor)
        if cluster.schema_version() == self.planned.schema_version:
            return False
        self.planned = self.planned.replan(cluster)
        return self.planned.plan.is_empty

    def notify(self, row: LockRow, seconds: float) -> None:
        """Emit ``lock_waiting`` while another run holds the lock."""
        if row.owner is not None:
            self._run.notify(Event("lock_waiting", self.planned.plan, result={"holder": row, "seconds": seconds}))


_KEYSPACE_ADVICE: Final = (
    "If this role may not create keyspaces, have an administrator run the statement, then run this again."
)


def _with_note(planned: PlannedMigration, note: Diagnostic) -> PlannedMigration:
    """Return the plan of superseded models: nothing to do, and a note that says why."""
    plan = attrs.evolve(planned.plan, steps=(), bootstrap=(), notes=(*planned.plan.notes, note))
    return attrs.evolve(planned, plan=plan)


def _internal_table_permissions(planned: PlannedMigration) -> Iterable[RequiredPermission]:
    """Return the permissions on internal tables that the run needs; who creates their keyspace owns them."""
    return () if planned.internal_facts.keyspace is None else internal_table_permissions(planned.internal_facts)


def _check_unchanged(approved: Plan, current: Plan) -> None:
    if approved.fingerprint == current.fingerprint:
        return
    before, after = [*approved.cql], [*current.cql]
    removed = [f"- {cql}" for cql in before if cql not in after]
    added = [f"+ {cql}" for cql in after if cql not in before]
    changed = "\n".join([*removed, *added]) or "the order of the statements changed"
    raise StalePlan(
        f"The plan for {approved.keyspace} no longer matches schema and models. Nothing ran. Changed statements:\n"
        f"{changed}\nMake a new plan and review it.",
        moved=(*removed, *added),
    )
