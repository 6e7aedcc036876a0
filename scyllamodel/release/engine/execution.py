"""Executes one version of the ledger under the lock; nothing else writes versions.

*In*: a `LockedRun`, and a `VersionWork`: the plan and what the ledger records of it. *Out*: a `MigrationResult`, or an
error that holds one. Sync, migrate, contract, rollback and baseline differ in their `VersionWork`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import attrs

from scyllamodel.driver.repo import Repo
from scyllamodel.errors import LedgerError, SchemaDisagreement, StepFailed
from scyllamodel.release.engine.locked_run import LockedRun, Timeouts
from scyllamodel.release.engine.results import MigrationResult, MigrationStatus
from scyllamodel.release.ledger import Provenance, VersionRecorder
from scyllamodel.release.ledger.records import MigrationKind, VersionStatus
from scyllamodel.schema.apply import OnEvent, Outcome, apply
from scyllamodel.schema.plan import Plan


@attrs.frozen
class VersionWork:
    """What one version does.

    Attributes:
        plan: its steps run; its bootstrap was executed before.
        models_to: fingerprint of the models that apply afterwards.
        plan_remaining: reads the schema again and plans what is left; None where nothing changes.
        name: of the version, for people; by default from the plan.
        final_status: of the version; by default from its steps.
        status: of the result.
        earlier_outcome: of what ran before the lock.
    """

    repo: Repo
    kind: MigrationKind
    plan: Plan
    models_to: str
    plan_remaining: Callable[[], Plan] | None
    name: str = ""
    final_status: VersionStatus | None = None
    status: MigrationStatus = "applied"
    earlier_outcome: Outcome = attrs.field(factory=Outcome)
    started_at: float = attrs.field(factory=time.monotonic)

    def result(self, status: MigrationStatus, outcome: Outcome | None = None, **fields: Any) -> MigrationResult:
        """Return a result with the elapsed time."""
        steps = self.earlier_outcome.steps if outcome is None else (*self.earlier_outcome.steps, *outcome.steps)
        duration_ms = round((time.monotonic() - self.started_at) * 1000)
        return MigrationResult(status, self.plan, steps, duration_ms, self.repo.name, **fields)


def execute_version(
    locked_run: LockedRun, work: VersionWork, timeouts: Timeouts, on_event: OnEvent | None = None
) -> MigrationResult:
    """Open a version, apply its steps, verify the schema, and record the end.

    Raises:
        StepFailed, SchemaDisagreement, LockLost: as in `apply`; ``result`` says what was done.
    """
    repo = work.repo
    provenance = Provenance.current(repo.models)
    keywords: dict[str, Any] = {
        "models_to": work.models_to,
        "models": repo.models,
        "name": work.name,
        "provenance": provenance,
    }
    recorder = locked_run.ledger.begin(work.kind, work.plan, fencing_token=locked_run.fencing_token, **keywords)
    try:
        return _run_steps(locked_run, work, timeouts, on_event, recorder)
    except LedgerError as error:
        message = (
            f"{error}\n{recorder.applied} of {len(work.plan.steps)} steps were applied, perhaps one more. "
            "Run it again: it reads the schema and resumes from there."
        )
        partial_result = work.result("partial", version=recorder.version, lock=locked_run.lock_use)
        raise StepFailed(message, step=None, applied=recorder.applied, result=partial_result) from error


def _run_steps(
    locked_run: LockedRun, work: VersionWork, timeouts: Timeouts, on_event: OnEvent | None, recorder: VersionRecorder
) -> MigrationResult:
    fields: dict[str, Any] = {"version": recorder.version, "lock": locked_run.lock_use}
    step_plan = attrs.evolve(work.plan, bootstrap=())
    keywords: dict[str, Any] = {"journal": locked_run.journal(recorder), "on_event": on_event, **timeouts.step_keywords}
    with recorder:
        try:
            outcome = apply(step_plan, locked_run.executor, **keywords)
        except (StepFailed, SchemaDisagreement) as error:
            error.result = work.result("partial", error.result, **fields)
            raise
        if work.plan_remaining is not None:
            _check_reached(work.plan_remaining(), work.result("partial", outcome, **fields))
        locked_run.ledger.mark_rolled_back(recorder.migration)
        recorder.finish(work.final_status)
    return work.result(work.status, outcome, **fields)


def _check_reached(remaining: Plan, result: MigrationResult) -> None:
    """Check that the live schema is what the plan describes."""
    if remaining.steps or remaining.refusals:
        raise StepFailed(
            f"All {len(result.steps)} statements were applied, and the schema of {remaining.keyspace} still differs "
            f"from the plan: something else changed it. Remaining:\n{remaining.render()}",
            step=None,
            applied=len(result.steps),
            result=result,
        )
