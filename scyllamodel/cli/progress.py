"""Shows the progress of a run: a line for each step, and a progress bar on terminals.

*In*: events of `scyllamodel.release`, and signals. *Out*: lines and a progress bar; `Stopped` or `Interrupted` if the
user stopped the run.
"""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any
from uuid import UUID

import attrs

from scyllamodel._text import printable_cql, printable_line
from scyllamodel.cli.console import Console, styled_lines
from scyllamodel.cli.errors import Interrupted, Stopped
from scyllamodel.cli.formatting import plan_text
from scyllamodel.cli.signals import on_signals
from scyllamodel.errors import StepFailed
from scyllamodel.release.lock import LockRow
from scyllamodel.schema.apply import Event, OnEvent, StepResult
from scyllamodel.schema.plan import Plan, Step

if TYPE_CHECKING:
    from scyllamodel.cli.terminal import ProgressBar


@contextmanager
def progress_listener(console: Console, *, show_plan: bool = False, indent: str = "") -> Generator[OnEvent]:
    """Provide a listener for `scyllamodel.release.migrate` that shows its progress.

    Parameters:
        show_plan: whether to print the plan before its steps.
        indent: text before each line of a step.

    Raises:
        Interrupted: the user stopped the run before anything was applied.
        Stopped: the user stopped the run after some steps.
    """
    listener = _ProgressListener(console, show_plan, indent)
    with on_signals(listener.on_signal):
        try:
            yield listener.on_event
        except KeyboardInterrupt:
            raise listener.interruption() from None
        except StepFailed as error:
            if listener.is_stopping:
                raise listener.interruption(error.result) from None
            raise
        finally:
            listener.close()


def step_line(step: Step, result: StepResult) -> str:
    """Return the line of a finished step: its mark, number, summary and duration."""
    duration = {"skipped": "already done", "failed": "failed"}.get(result.state, f"{result.duration_ms} ms")
    attempts = f", sent {result.attempts} times" if result.attempts > 1 else ""
    mark = "!" if result.state == "failed" else step.mark
    return f"  {mark} {max(step.seq, 0):>2}. {step.summary} ({duration}{attempts})"


@attrs.define
class _ProgressListener:
    """The progress of one run.

    Attributes:
        is_running: whether a statement is being executed.
        is_stopping: whether the user asked to stop.
        applied: the number of finished steps.
        total: the number of all steps.
        holder: the holder of the lock that was reported last.
        unbuilt: the indexes and views that were last reported as not built.
    """

    console: Console
    show_plan: bool
    indent: str = ""
    is_running: bool = False
    is_stopping: bool = False
    applied: int = 0
    total: int = 0
    bar: ProgressBar | None = None
    holder: UUID | None = None
    unbuilt: tuple[str, ...] = ()

    def on_event(self, event: Event) -> None:
        if event.kind == "plan_ready" and event.plan is not None:
            self.start_plan(event.plan)
        elif event.kind == "step_started" and event.step is not None:
            self.start_step(event.step)
        elif event.kind == "step_done" and event.step is not None and event.result is not None:
            self.finish_step(event.step, event.result)
        elif event.kind == "agreement_waiting":
            self.describe("waiting for the nodes to agree")
        else:
            self.on_waiting(event)

    def on_waiting(self, event: Event) -> None:
        """Handle the events of waiting."""
        payload: Any = event.result
        if event.kind == "lock_waiting":
            self.show_lock_holder(payload["holder"])
        elif event.kind == "build_progress":
            self.show_unbuilt(payload["unbuilt"], payload["total"])

    def show_lock_holder(self, holder: LockRow) -> None:
        """Report the holder of the lock once."""
        if holder.owner not in (None, self.holder):
            self.holder = holder.owner
            self.console.message(f"Waiting for {holder.description}, which holds the lock.")

    def show_unbuilt(self, unbuilt: tuple[str, ...], total: int) -> None:
        """Report which indexes and views are not built, each time that changes."""
        if unbuilt != self.unbuilt:
            self.unbuilt = unbuilt
            remaining = printable_line(", ".join(unbuilt))
            self.console.message(
                f"{total - len(unbuilt)} of {total} indexes and views are built; remaining: {remaining}"
            )

    def start_plan(self, plan: Plan) -> None:
        self.total = len(plan.steps) + sum(step.op == "create_keyspace" for step in plan.bootstrap)
        if self.show_plan and not plan.is_empty and not plan.refusals:
            self.console.status(f"{plan_text(plan, verbose=self.console.verbosity > 0)}\n")

    def start_step(self, step: Step) -> None:
        self.is_running = True
        self.bar = self.bar or self.console.bar(self.total)
        self.describe(step.summary)
        self.console.detail(printable_cql(step.cql))

    def describe(self, text: str) -> None:
        if self.bar is not None:
            self.bar.describe(printable_line(text))

    def finish_step(self, step: Step, result: StepResult) -> None:
        self.is_running = False
        self.applied += result.is_done
        line = self.indent + step_line(step, result)
        for text in (line, *(f"{self.indent}     warning: {printable_line(warning)}" for warning in result.warnings)):
            if self.bar is not None and self.bar.stream is self.console.out:
                self.bar.print(styled_lines(text))
            else:
                self.console.status(text)
        if self.bar is not None:
            self.bar.advance()
        if self.is_stopping and self.applied < self.total:
            raise KeyboardInterrupt

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        is_second, self.is_stopping = self.is_stopping, True
        if is_second or not self.is_running:
            signal.default_int_handler(number, frame)
        self.console.message("Stopping after the current statement; press Ctrl-C again to stop without its response.")

    def interruption(self, result: object = None) -> Interrupted | Stopped:
        if not self.applied:
            return Interrupted("Interrupted before anything was changed.")
        return Stopped(
            f"Stopped on request: {self.applied} of {self.total} steps were applied. The next run resumes from there.",
            applied=self.applied,
            total=self.total,
            result=result,
        )

    def close(self) -> None:
        if self.bar is not None:
            self.bar.stop()
