"""Plan + executor -> outcome."""

from scyllamodel.schema.apply.executor import (
    NO_JOURNAL,
    CoordinatorChanged,
    Executor,
    Journal,
    StatementConflict,
    StatementFailure,
    StatementMissing,
    StatementRefused,
    StatementTransient,
    StatementUnknown,
)
from scyllamodel.schema.apply.outcome import Event, Kind, OnEvent, Outcome, Recorded, State, StepResult, tell
from scyllamodel.schema.apply.run import apply

__all__ = [
    "NO_JOURNAL",
    "CoordinatorChanged",
    "Event",
    "Executor",
    "Journal",
    "Kind",
    "OnEvent",
    "Outcome",
    "Recorded",
    "State",
    "StatementConflict",
    "StatementFailure",
    "StatementMissing",
    "StatementRefused",
    "StatementTransient",
    "StatementUnknown",
    "StepResult",
    "apply",
    "tell",
]
