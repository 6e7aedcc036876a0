"""Applies the steps of a plan through an executor, and reports the outcome.

Modules:
    attempt: execute one step of a plan until its state is known.
    control: clock, pauses, interrupts and listener of a run.
    executor: interfaces for applying a plan: an `Executor` that runs statements, and a `Journal` that records them.
    outcome: the outcome of applying a plan: a state for each step, and the events of the run.
    run: apply a plan: each statement runs once, even if its answer is lost.
"""

from scyllamodel.schema.apply.executor import (
    NO_JOURNAL,
    CoordinatorChanged,
    Executor,
    Journal,
    StatementConflict,
    StatementFailure,
    StatementMissing,
    StatementOutcomeUnknown,
    StatementRefused,
    StatementTransient,
)
from scyllamodel.schema.apply.outcome import (
    Event,
    EventKind,
    OnEvent,
    Outcome,
    RecordedState,
    StepResult,
    StepState,
    notify,
)
from scyllamodel.schema.apply.run import apply

__all__ = [
    "NO_JOURNAL",
    "CoordinatorChanged",
    "Event",
    "EventKind",
    "Executor",
    "Journal",
    "OnEvent",
    "Outcome",
    "RecordedState",
    "StatementConflict",
    "StatementFailure",
    "StatementMissing",
    "StatementOutcomeUnknown",
    "StatementRefused",
    "StatementTransient",
    "StepResult",
    "StepState",
    "apply",
    "notify",
]
