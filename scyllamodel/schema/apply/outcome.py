"""The outcome of applying a plan: a state for each step, and the events of the run.

These are plain values, which can be stored, compared and printed after the run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import attrs

from scyllamodel.schema.plan import Plan, Step

_log = logging.getLogger("scyllamodel")

StepState: TypeAlias = Literal["applied", "skipped", "failed", "not_run"]
"""``skipped``: the schema already had the effect; ``failed``: not done, or unknown."""

RecordedState: TypeAlias = Literal["applied", "skipped", "failed", "not_run", "claimed"]
"""The state that a journal receives: a `StepState`, or ``claimed`` for a hand-written statement with a lost answer."""

EventKind: TypeAlias = Literal[
    "plan_ready",
    "lock_waiting",
    "lock_taken",
    "step_started",
    "step_done",
    "agreement_waiting",
    "build_progress",
    "finished",
]


@attrs.frozen
class StepResult:
    """The outcome of one step.

    Attributes:
        seq: the number of the step in its plan.
        attempts: how often its statement was sent.
        duration_ms: the time from the first attempt until the state was known.
        error: the error; also set if a later attempt succeeded.
        warnings: the warnings of the server, each text once in a run.
    """

    seq: int
    state: StepState = "not_run"
    attempts: int = 0
    duration_ms: int = 0
    error: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether the schema has the effect of the step."""
        return self.state in ("applied", "skipped")

    def to_dict(self) -> dict[str, Any]:
        """The result as plain JSON values."""
        return {**attrs.asdict(self), "warnings": list(self.warnings)}


@attrs.frozen
class Outcome:
    """The results of all steps, in order."""

    steps: tuple[StepResult, ...] = ()

    @property
    def applied(self) -> int:
        """The number of steps that are done."""
        return sum(step.is_done for step in self.steps)

    @property
    def is_complete(self) -> bool:
        """Whether all steps are done."""
        return self.applied == len(self.steps)


@attrs.frozen
class Event:
    """An event while a plan is made or applied.

    Attributes:
        kind: the kind of event; the caller of `apply` emits ``plan_ready`` and ``finished``.
        plan: the plan.
        step: the step, for ``step_started`` and ``step_done``.
        result: a `StepResult` for ``step_done``; the result of the run for ``finished``; for ``lock_waiting`` a mapping
            of ``holder``, a row of the lock, and ``seconds`` waited so far; for ``lock_taken`` the fencing token; for
            ``build_progress`` a mapping of ``unbuilt``, names, and ``total``, their number.
    """

    kind: EventKind
    plan: Plan | None = None
    step: Step | None = None
    result: Any = None


OnEvent: TypeAlias = Callable[[Event], None]


def notify(listener: OnEvent | None, event: Event) -> None:
    """Pass an event to a listener, if there is one.

    An exception of the listener is logged: it must neither interrupt a schema change nor make a finished run fail.
    """
    if listener is not None:
        try:
            listener(event)
        except Exception:  # noqa: BLE001 - application code may raise anything
            _log.exception("a listener failed at the event %s", event.kind)
