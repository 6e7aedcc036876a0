"""One version of the ledger, executed under the lock: the only road by which anything is written there.

*In*: a `Guard`, and a `Work`: the plan, what the ledger is to say of it, and how its end is judged. *Out*: a
`MigrationResult`, or an error that holds one. Sync, migrate, contract, rollback and baseline differ in their `Work`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import attrs

from scyllamodel.driver.repo import Repo
from scyllamodel.errors import LedgerError, SchemaDisagreement, StepFailed
from scyllamodel.release.guard import Guard, Patience
from scyllamodel.release.ledger import OpenVersion, Who
from scyllamodel.release.ledger.values import Kind
from scyllamodel.release.ledger.values import Status as VersionStatus
from scyllamodel.release.results import MigrationResult, Status
from scyllamodel.schema.apply import OnEvent, Outcome, apply
from scyllamodel.schema.plan import Plan


@attrs.frozen
class Work:
    """What is to be done as one version.

    Attributes:
        plan: its steps run; what stands in its bootstrap was done before.
        models_to: the fingerprint of the models that are in force afterwards.
        left: reads the schema once more, and plans what is left to do; None where nothing was to change.
        name: of the version, for people; left out, the plan tells.
        end: the status that the version gets; left out, its steps tell.
        status: that of the result.
        earlier: what was done before the lock was taken, for the result.
    """

    repo: Repo
    kind: Kind
    plan: Plan
    models_to: str
    left: Callable[[], Plan] | None
    name: str = ""
    end: VersionStatus | None = None
    status: Status = "applied"
    earlier: Outcome = attrs.field(factory=Outcome)
    begun: float = attrs.field(factory=time.monotonic)

    def result(self, status: Status, outcome: Outcome | None = None, **more: Any) -> MigrationResult:
        """The answer, as of now."""
        steps = self.earlier.steps if outcome is None else (*self.earlier.steps, *outcome.steps)
        took = round((time.monotonic() - self.begun) * 1000)
        return MigrationResult(status, self.plan, steps, took, self.repo.name, **more)


def execute(guard: Guard, work: Work, patience: Patience, on_event: OnEvent | None = None) -> MigrationResult:
    """Open a version, run its steps, look at the schema, and write the end.

    Raises:
        StepFailed, SchemaDisagreement, LockLost: as of `apply`; ``result`` holds what was done.
    """
    repo = work.repo
    who = Who.here(repo.models)
    about: dict[str, Any] = {"models_to": work.models_to, "models": repo.models, "name": work.name, "who": who}
    opened = guard.ledger.begin(work.kind, work.plan, epoch=guard.epoch, **about)
    try:
        return _run(guard, work, patience, on_event, opened)
    except LedgerError as error:
        message = f"{error}\n{opened.applied} of {len(work.plan.steps)} steps went through, or one more. Run it again: "
        done = work.result("partial", version=opened.version, lock=guard.use)
        message += "it looks at the schema, and goes on from there."
        raise StepFailed(message, step=None, applied=opened.applied, result=done) from error


def _run(
    guard: Guard, work: Work, patience: Patience, on_event: OnEvent | None, opened: OpenVersion
) -> MigrationResult:
    about: dict[str, Any] = {"version": opened.version, "lock": guard.use}
    steps = attrs.evolve(work.plan, bootstrap=())
    how: dict[str, Any] = {"journal": guard.journal(opened), "on_event": on_event, **patience.of_steps}
    with opened:
        try:
            outcome = apply(steps, guard.executor, **how)
        except (StepFailed, SchemaDisagreement) as error:
            error.result = work.result("partial", error.result, **about)
            raise
        if work.left is not None:
            _check_reached(work.left(), work.result("partial", outcome, **about))
        guard.ledger.mark_undone(opened.migration)
        opened.finish(work.end)
    return work.result(work.status, outcome, **about)


def _check_reached(left: Plan, result: MigrationResult) -> None:
    """The last look: after all statements the live schema is what the plan was to make it."""
    if left.steps or left.refusals:
        raise StepFailed(
            f"All {len(result.steps)} statements went through, and still the schema of {left.keyspace} is not what was "
            f"planned. Something else changed it meanwhile. What is left:\n{left.render()}",
            step=None,
            applied=len(result.steps),
            result=result,
        )
