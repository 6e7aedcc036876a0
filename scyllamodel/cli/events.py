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
from scyllamodel.cli.console import Console, styled
from scyllamodel.cli.exits import Interrupted, Stopped
from scyllamodel.cli.signals import on_signals
from scyllamodel.cli.texts import plan_text
from scyllamodel.errors import StepFailed
from scyllamodel.release.lock import LockRow
from scyllamodel.schema.apply import Event, OnEvent, StepResult
from scyllamodel.schema.plan import Plan, Step

if TYPE_CHECKING:
    from scyllamodel.cli.terminal import Bar


@contextmanager
def following(console: Console, *, show_plan: bool = False, indent: str = "") -> Generator[OnEvent]:
    """Provide a listener for `scyllamodel.release.migrate` that shows its progress.

    Parameters:
        show_plan: whether to print the plan before its steps.
        indent: text before each line of a step.

    Raises:
        Interrupted: the user stopped the run before anything was applied.
        Stopped: the user stopped the run after some steps.
    """
    follower = _Follower(console, show_plan, indent)
    with on_signals(follower.signalled):
        try:
            yield follower.on_event
        except KeyboardInterrupt:
            raise follower.stopped() from None
        except StepFailed as error:
            if follower.stopping:
                raise follower.stopped(error.result) from None
            raise
        finally:
            follower.end()


def step_line(step: Step, result: StepResult) -> str:
    """Return the line of a finished step: its mark, number, summary and duration."""
    took = {"skipped": "already done", "failed": "failed"}.get(result.state, f"{result.duration_ms} ms")
    again = f", sent {result.attempts} times" if result.attempts > 1 else ""
    return f"  {'!' if result.state == 'failed' else step.mark} {max(step.seq, 0):>2}. {step.summary} ({took}{again})"


@attrs.define
class _Follower:
    """The progress of one run.

    Attributes:
        running: whether a statement is being executed.
        stopping: whether the user asked to stop.
        applied: the number of finished steps.
        total: the number of all steps.
        holder: the holder of the lock that was reported last.
        unbuilt: the indexes and views that were last reported as not built.
    """

    console: Console
    show_plan: bool
    indent: str = ""
    running: bool = False
    stopping: bool = False
    applied: int = 0
    total: int = 0
    bar: Bar | None = None
    holder: UUID | None = None
    unbuilt: tuple[str, ...] = ()

    def on_event(self, event: Event) -> None:
        if event.kind == "plan_ready" and event.plan is not None:
            self.begin(event.plan)
        elif event.kind == "step_started" and event.step is not None:
            self.begin_step(event.step)
        elif event.kind == "step_done" and event.step is not None and event.result is not None:
            self.done(event.step, event.result)
        elif event.kind == "agreement_waiting":
            self.describe("waiting for the nodes to agree")
        else:
            self.patient(event)

    def patient(self, event: Event) -> None:
        """Handle the events of waiting."""
        about: Any = event.result
        if event.kind == "lock_waiting":
            self.waiting(about["holder"])
        elif event.kind == "build_progress":
            self.building(about["unbuilt"], about["total"])

    def waiting(self, holder: LockRow) -> None:
        """Report the holder of the lock once."""
        if holder.owner not in (None, self.holder):
            self.holder = holder.owner
            self.console.say(f"Waiting for {holder.description}, which holds the lock.")

    def building(self, unbuilt: tuple[str, ...], total: int) -> None:
        """Report which indexes and views are not built, each time that changes."""
        if unbuilt != self.unbuilt:
            self.unbuilt = unbuilt
            left = printable_line(", ".join(unbuilt))
            self.console.say(f"{total - len(unbuilt)} of {total} indexes and views are built; remaining: {left}")

    def begin(self, plan: Plan) -> None:
        self.total = len(plan.steps) + sum(step.op == "create_keyspace" for step in plan.bootstrap)
        if self.show_plan and not plan.is_empty and not plan.refusals:
            self.console.tell(f"{plan_text(plan, verbose=self.console.verbosity > 0)}\n")

    def begin_step(self, step: Step) -> None:
        self.running = True
        self.bar = self.bar or self.console.bar(self.total)
        self.describe(step.summary)
        self.console.detail(printable_cql(step.cql))

    def describe(self, what: str) -> None:
        if self.bar is not None:
            self.bar.describe(printable_line(what))

    def done(self, step: Step, result: StepResult) -> None:
        self.running = False
        self.applied += result.is_done
        line = self.indent + step_line(step, result)
        for text in (line, *(f"{self.indent}     warning: {printable_line(said)}" for said in result.warnings)):
            if self.bar is not None and self.bar.stream is self.console.out:
                self.bar.print(styled(text))
            else:
                self.console.tell(text)
        if self.bar is not None:
            self.bar.advance()
        if self.stopping and self.applied < self.total:
            raise KeyboardInterrupt

    def signalled(self, number: int, frame: FrameType | None) -> None:
        insists, self.stopping = self.stopping, True
        if insists or not self.running:
            signal.default_int_handler(number, frame)
        self.console.say("Stopping after the current statement; press Ctrl-C again to stop without its response.")

    def stopped(self, result: object = None) -> Interrupted | Stopped:
        if not self.applied:
            return Interrupted("Interrupted before anything was changed.")
        return Stopped(
            f"Stopped on request: {self.applied} of {self.total} steps were applied. The next run resumes from there.",
            applied=self.applied,
            total=self.total,
            result=result,
        )

    def end(self) -> None:
        if self.bar is not None:
            self.bar.stop()
