"""One version of the ledger, executed under the lock: the only road by which anything is written there.

*In*: a `LockedRun`, and a `VersionWork`: the plan, what the ledger is to say of it, and how its end is judged. *Out*: a
`MigrationResult`, or an error that holds one. Sync, migrate, contract, rollback and baseline differ in their
`VersionWork`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import attrs

from scyllamodel.driver.repo import Repo
from scyllamodel.errors import LedgerError, SchemaDisagreement, StepFailed
from scyllamodel.release.guard import LockedRun, Timeouts
from scyllamodel.release.ledger import Provenance, VersionRecorder
from scyllamodel.release.ledger.values import MigrationKind
from scyllamodel.release.ledger.values import VersionStatus as VersionStatus
from scyllamodel.release.results import MigrationResult, MigrationStatus
from scyllamodel.schema.apply import OnEvent, Outcome, apply
from scyllamodel.schema.plan import Plan


@attrs.frozen
class VersionWork:
    """What is to be done as one version.

    Attributes:
        plan: its steps run; what stands in its bootstrap was done before.
        models_to: the fingerprint of the models that are in force afterwards.
        plan_remaining: reads the schema once more, and plans what is left to do; None where nothing was to change.
        name: of the version, for people; left out, the plan tells.
        final_status: the status that the version gets; left out, its steps tell.
        status: that of the result.
        earlier_outcome: what was done before the lock was taken, for the result.
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
        """The answer, as of now."""
        steps = self.earlier_outcome.steps if outcome is None else (*self.earlier_outcome.steps, *outcome.steps)
        duration_ms = round((time.monotonic() - self.started_at) * 1000)
        return MigrationResult(status, self.plan, steps, duration_ms, self.repo.name, **fields)


def execute_version(
    locked_run: LockedRun, work: VersionWork, timeouts: Timeouts, on_event: OnEvent | None = None
) -> MigrationResult:
    """Open a version, run its steps, look at the schema, and write the end.

    Raises:
        StepFailed, SchemaDisagreement, LockLost: as of `apply`; ``result`` holds what was done.
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
            f"{error}\n{recorder.applied} of {len(work.plan.steps)} steps went through, or one more. Run it again: "
        )
        partial_result = work.result("partial", version=recorder.version, lock=locked_run.lock_use)
        message += "it looks at the schema, and goes on from there."
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
    """The last look: after all statements the live schema is what the plan was to make it."""
    if remaining.steps or remaining.refusals:
        raise StepFailed(
            f"All {len(result.steps)} statements went through, and still the schema of {remaining.keyspace} is not "
            "what was "
            f"planned. Something else changed it meanwhile. What is left:\n{remaining.render()}",
            step=None,
            applied=len(result.steps),
            result=result,
        )
