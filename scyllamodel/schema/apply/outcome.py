"""What became of a plan: a state for each step, and the events on the way.

Values only: they are kept, compared and printed long after the run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import attrs

from scyllamodel.schema.plan import Plan, Step

_log = logging.getLogger("scyllamodel")

StepState: TypeAlias = Literal["applied", "skipped", "failed", "not_run"]
"""``skipped``: another hand had done it when our statement came; ``failed``: not done, or nobody knows."""

RecordedState: TypeAlias = Literal["applied", "skipped", "failed", "not_run", "claimed"]
"""What a journal is given: a `StepState`, or ``claimed`` for a hand-written statement whose answer was lost."""

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
    """What became of one step.

    Attributes:
        seq: the number of the step in its plan.
        attempts: how often its statement was sent.
        duration_ms: from the first sending until the state was known.
        error: what went wrong; also of an attempt that another one made good.
        warnings: what the server warned of with its answer, each text once in a run.
    """

    seq: int
    state: StepState = "not_run"
    attempts: int = 0
    duration_ms: int = 0
    error: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether the schema holds what the step makes."""
        return self.state in ("applied", "skipped")

    def to_dict(self) -> dict[str, Any]:
        """The result as plain JSON values."""
        return {**attrs.asdict(self), "warnings": list(self.warnings)}


@attrs.frozen
class Outcome:
    """What became of all steps, in their order."""

    steps: tuple[StepResult, ...] = ()

    @property
    def applied(self) -> int:
        """How many steps are done."""
        return sum(step.is_done for step in self.steps)

    @property
    def is_complete(self) -> bool:
        """Whether all of them are."""
        return self.applied == len(self.steps)


@attrs.frozen
class Event:
    """Something that happened while a plan was made or applied.

    Attributes:
        kind: what happened; ``plan_ready`` and ``finished`` come from whoever plans and applies.
        plan: the plan it happened to.
        step: the step, of ``step_started`` and ``step_done``.
        result: what came of it: a `StepResult` of ``step_done``, the whole answer of ``finished``; of ``lock_waiting``
            a mapping of ``holder``, a row of the lock, and ``seconds`` waited so far; of ``lock_taken`` the epoch; of
            ``build_progress`` a mapping of ``unbuilt``, names, and ``total``, their number.
    """

    kind: EventKind
    plan: Plan | None = None
    step: Step | None = None
    result: Any = None


OnEvent: TypeAlias = Callable[[Event], None]


def notify(listener: OnEvent | None, event: Event) -> None:
    """Tell a listener, if there is one.

    One that fails must neither leave a schema half-made nor make a finished run look failed: its error is logged.
    """
    if listener is not None:
        try:
            listener(event)
        except Exception:  # noqa: BLE001 - it is the application's code, and may raise anything
            _log.exception("a listener failed at the event %s", event.kind)
