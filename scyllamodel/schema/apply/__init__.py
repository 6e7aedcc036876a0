"""Applies the steps of a plan through an executor, and reports the outcome."""

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
