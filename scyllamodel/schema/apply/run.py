"""Apply a plan: each statement runs once, even if its answer is lost.

*In*: a new plan, and an `Executor`. *Out*: an `Outcome`, or an error that contains one. Pure logic: the clock, the
pauses and the servers are passed in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from scyllamodel._backoff import SYSTEM_CLOCK, Clock
from scyllamodel._text import printable_cql
from scyllamodel.errors import SchemaDisagreement, ScyllaModelError, StepFailed
from scyllamodel.schema.apply.attempt import Attempt
from scyllamodel.schema.apply.control import RunControl, never_stop
from scyllamodel.schema.apply.executor import NO_JOURNAL, CoordinatorChanged, Executor, Journal, StatementFailure
from scyllamodel.schema.apply.outcome import Event, OnEvent, Outcome, StepResult

if TYPE_CHECKING:
    from scyllamodel.schema.plan import Plan, Step


def apply(
    plan: Plan,
    executor: Executor,
    *,
    step_timeout: float = 120.0,
    agreement_timeout: float = 120.0,
    on_event: OnEvent | None = None,
    should_stop: Callable[[], bool] = never_stop,
    journal: Journal = NO_JOURNAL,
    clock: Clock = SYSTEM_CLOCK,
) -> Outcome:
    """Run the bootstrap of the plan, then its statements, one at a time.

    Parameters:
        step_timeout: seconds that a statement may take, and for which the effect of an unanswered one is awaited.
        agreement_timeout: seconds that the nodes may take to agree, before the first statement and after the last.
        should_stop: called before each step; True ends the run, as Ctrl-C does after the current step.
        journal: receives each step of the plan, but not of its bootstrap.

    Raises:
        ImpossibleChange, DestructiveChangeRefused, KeyspaceError: the plan has refusals; nothing ran.
        StepFailed: a step failed, or the run was stopped; ``result`` is the outcome so far.
        SchemaDisagreement: the nodes did not agree in time; ``result`` is the outcome so far.
        ValueError: the plan was read from a file, so that no check could prove its steps done.
    """
    plan.raise_refused()
    run_control = RunControl(clock, should_stop, on_event)
    return _Run(plan, executor, run_control, journal, step_timeout, agreement_timeout).run()


class _Run:
    """The execution of one plan."""

    def __init__(  # noqa: PLR0917 - one caller
        self,
        plan: Plan,
        executor: Executor,
        control: RunControl,
        journal: Journal,
        step_timeout: float,
        agreement_timeout: float,
    ) -> None:
        self.plan, self.executor, self.control, self.journal = plan, executor, control, journal
        self.step_timeout, self.agreement_timeout = step_timeout, agreement_timeout
        self.steps = (*plan.bootstrap, *plan.steps)
        self.results = [StepResult(step.seq) for step in self.steps]
        self.seen_warnings: set[str] = set()

    @property
    def outcome(self) -> Outcome:
        return Outcome(tuple(self.results))

    def run(self) -> Outcome:
        if any(step.change is None and step.post_condition is None and not step.is_raw for step in self.steps):
            raise ValueError("a plan read from a file cannot be applied: make a new plan and compare the two")
        if self.steps:
            self.await_agreement()
            for position, step in enumerate(self.steps):
                self.raise_if_stopped(step)
                self.run_step(position, step)
            self.await_agreement()
            while self.executor.has_moved:
                self.executor.take_over()
                self.repeat_lost_steps(len(self.steps))
                self.await_agreement()
        return self.outcome

    def await_agreement(self) -> None:
        self.control.emit(Event("agreement_waiting", self.plan))
        try:
            self.executor.await_agreement(self.agreement_timeout)
        except SchemaDisagreement as error:
            raise self.with_progress(error) from error
        except ScyllaModelError as error:
            if not self.outcome.applied:
                raise
            message = f"All {len(self.steps)} steps were applied; whether all nodes know is unknown.\n  {error}"
            raise self.step_failed(
                self.steps[-1], f"{message}\nRun it again: it checks the schema and finds nothing to do."
            ) from error

    def run_step(self, position: int, step: Step) -> None:
        journal = self.journal if position >= len(self.plan.bootstrap) else NO_JOURNAL
        journal.before(step)
        self.control.emit(Event("step_started", self.plan, step))
        started = self.control.clock.monotonic()
        attempt = self.new_attempt(step)
        cause = self.run_attempt(attempt, position, journal)
        duration_ms = int((self.control.clock.monotonic() - started) * 1000)
        warnings = tuple(text for text in dict.fromkeys(attempt.warnings) if text not in self.seen_warnings)
        self.seen_warnings.update(warnings)
        result = StepResult(step.seq, attempt.state, attempt.sent, duration_ms, attempt.error, warnings)
        self.results[position] = result
        state = "claimed" if attempt.is_in_doubt else result.state
        journal.after(step, state, result.attempts, duration_ms, result.error)
        self.control.emit(Event("step_done", self.plan, step, result))
        if isinstance(cause, SchemaDisagreement):
            raise self.with_progress(cause) from cause
        if not result.is_done:
            raise self.step_failed(step, self.failure_message(step, result)) from cause

    def new_attempt(self, step: Step) -> Attempt:
        timeouts = {"step_timeout": self.step_timeout, "agreement_timeout": self.agreement_timeout}
        return Attempt(step, self.executor, self.control, **timeouts)

    def run_attempt(self, attempt: Attempt, position: int, journal: Journal) -> BaseException | None:
        """Execute one step, through as many coordinators as necessary. Return the cause if it failed."""
        try:
            while isinstance(cause := attempt.run(), CoordinatorChanged):
                self.switch_coordinator(position, journal)
        except ScyllaModelError as error:
            attempt.error = str(error)
            return error
        return cause if attempt.may_quote(cause) else None

    def switch_coordinator(self, position: int, journal: Journal) -> None:
        """Let another node take over during a step, after repeating the steps that only the lost node knew."""
        self.control.emit(Event("agreement_waiting", self.plan))
        self.executor.await_agreement(self.agreement_timeout)
        self.executor.take_over()
        if self.repeat_lost_steps(position):
            journal.before(self.steps[position])

    def repeat_lost_steps(self, end: int) -> bool:
        """Send again the steps that only the lost node knew. Return whether there were any.

        Nodes pass schema changes on in order, so a visible step proves all steps before it.
        """
        lost_positions: list[int] = []
        for position in reversed(range(end)):
            attempt = self.new_attempt(self.steps[position])
            if self.results[position].is_done and attempt.is_verifiable:
                if self.is_applied(attempt):
                    break
                lost_positions.append(position)
        for position in reversed(lost_positions):
            self.run_step(position, self.steps[position])
        return bool(lost_positions)

    def is_applied(self, attempt: Attempt) -> bool:
        try:
            return attempt.is_applied()
        except (StatementFailure, ScyllaModelError) as error:
            message = f"Another node took over, and whether it knows this step could not be read.\n  {error}"
            raise self.step_failed(
                attempt.step, f"{message}\nRun it again: it resumes from the live schema."
            ) from error

    def raise_if_stopped(self, step: Step) -> None:
        if self.control.should_end:
            applied = self.outcome.applied
            message = f"Stopped on request: {applied} of {len(self.steps)} steps were applied, the others not started."
            raise self.step_failed(step, f"{message} Run it again: it resumes where it stopped.")

    def failure_message(self, step: Step, result: StepResult) -> str:
        step_name = f"Step {step.seq} of {len(self.plan.steps)}" if step.seq > 0 else "A bootstrap step"
        return (
            f"{step_name} failed: {step.summary}\n{printable_cql(step.cql, '  ')}\n  {result.error}\n"
            f"{self.outcome.applied} of {len(self.steps)} steps were applied. Fix the cause and run it again: "
            "it resumes where it stopped."
        )

    def step_failed(self, step: Step, message: str) -> StepFailed:
        return StepFailed(message, step=step, applied=self.outcome.applied, result=self.outcome)

    def with_progress(self, error: SchemaDisagreement) -> SchemaDisagreement:
        """The error with the progress so far."""
        applied = self.outcome.applied
        message = f"{error} {applied} of {len(self.steps)} steps were applied."
        versions = getattr(error, "versions", {})
        return SchemaDisagreement(message, versions=versions, applied=applied, result=self.outcome)
