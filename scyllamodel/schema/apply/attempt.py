"""Execute one step of a plan until its state is known.

Normally the step costs one statement, since the server's answer proves it. In doubt the schema decides: it is read
until the step's effect is visible or the time is up; then all nodes have to agree, and the same statement is sent
again.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from scyllamodel._text import printable_line
from scyllamodel.errors import SchemaDisagreement, ScyllaModelError
from scyllamodel.schema.apply.executor import (
    CoordinatorChanged,
    Executor,
    StatementConflict,
    StatementFailure,
    StatementMissing,
    StatementOutcomeUnknown,
    StatementTransient,
)
from scyllamodel.schema.apply.outcome import StepState
from scyllamodel.schema.changes.postconditions import is_applied, keyspace_of

if TYPE_CHECKING:
    from scyllamodel.schema.apply.control import RunControl
    from scyllamodel.schema.plan import Step

MAX_TRANSIENT_ATTEMPTS: Final = 8
"""The maximum number of attempts for a statement that the server did not apply and may apply later."""
MAX_UNKNOWN_ATTEMPTS: Final = 3
"""The maximum number of attempts for a statement whose answer was lost and whose effect is not visible."""

FAILOVER_TIMEOUT: Final = 10.0
"""Seconds for which the effect is awaited through another node: the first one may only be unreachable from here."""
MAX_COORDINATOR_CHANGES: Final = 8
"""How often the coordinator may change during one step."""

_log = logging.getLogger("scyllamodel")


class Attempt:
    """The execution of one step.

    Attributes:
        sent: how often its statement was sent.
        state: ``failed`` until it is known to be done.
        error: the last error.
        warnings: the warnings in the server's answer; empty for a secret step, since servers quote statements.
    """

    def __init__(
        self, step: Step, executor: Executor, control: RunControl, *, step_timeout: float, agreement_timeout: float
    ) -> None:
        self.step, self.executor, self.control = step, executor, control
        self.step_timeout, self.agreement_timeout = step_timeout, agreement_timeout
        self.sent = self.lost_answers = self.coordinator_changes = 0
        self.retried_missing = False
        self.state: StepState = "failed"
        self.error: str | None = None
        self.warnings: tuple[str, ...] = ()

    def run(self) -> BaseException | None:
        """Execute the step until its state is known. Return the cause if it failed.

        `CoordinatorChanged` is not a failure: once all nodes agree and the new coordinator knows the earlier steps,
        this method is called again, and first checks whether the statement was applied.
        """
        try:
            if self._is_already_applied():
                self.state = "applied" if self.lost_answers else "skipped"
            while self.state == "failed":
                cause = self._send()
                if cause is not None:
                    return cause
        except KeyboardInterrupt as interrupt:
            self.lost_answers += bool(self.sent)
            self.error = "interrupted; whether the statement was applied is unknown"
            return interrupt
        except CoordinatorChanged as change:
            self.coordinator_changes += 1
            return change if self.coordinator_changes <= MAX_COORDINATOR_CHANGES else self._fail(change)
        except SchemaDisagreement as error:
            return error
        return None

    def _is_already_applied(self) -> bool:
        """Whether the effect is visible before the statement is sent, or sent again through another node."""
        if self.lost_answers and self.coordinator_changes:
            return self._wait_until_applied(min(self.step_timeout, FAILOVER_TIMEOUT))
        return (self.step.post_condition is not None or bool(self.sent)) and self._is_applied_if_readable()

    def _send(self) -> BaseException | None:
        """Send the statement once. Return the cause of a failure; None if it succeeded or has to be sent again."""
        self.sent += 1
        try:
            warnings = self.executor.execute(self.step.statement, self.step_timeout)
        except CoordinatorChanged:
            self.sent -= 1
            raise
        except StatementTransient as error:
            return self._retry_later(error)
        except StatementConflict as error:
            return self._resolve_conflict(error)
        except StatementOutcomeUnknown as error:
            return self._resolve_unknown(error)
        except KeyboardInterrupt as error:
            self.control.record_interrupt()
            return self._resolve_unknown(error)
        except Exception as error:  # noqa: BLE001 - any error: the steps applied before have to be reported
            return self._fail(error)
        self.state = "applied"
        self.warnings = () if self.step.secret_statement is not None else tuple(warnings)
        return None

    def _fail(self, error: BaseException) -> BaseException:
        self.error = self._error_text(error)
        return error

    def _retry_later(self, error: StatementTransient) -> BaseException | None:
        self.error = self._error_text(error)
        if self.sent >= MAX_TRANSIENT_ATTEMPTS or self.control.interrupts:
            return error
        self.control.pause(self.sent)
        return None

    def _resolve_conflict(self, error: StatementConflict) -> BaseException | None:
        """Handle "already exists": done if the schema has the step's effect; by this run if an answer was lost before.

        The statement may depend on an object made through another node: once all nodes agree, it is sent again.
        """
        self.error = self._error_text(error)
        try:
            is_applied = self.is_applied()
        except (StatementFailure, ScyllaModelError) as read_error:
            return self._fail(read_error)
        if not is_applied:
            return self._retry_once_agreed(error)
        self.state = "applied" if self.lost_answers else "skipped"
        return None

    def _retry_once_agreed(self, error: StatementConflict) -> BaseException | None:
        if not isinstance(error, StatementMissing) or self.retried_missing or self.control.interrupts:
            return error
        self.retried_missing = True
        return self._await_agreement()

    def _await_agreement(self) -> BaseException | None:
        """Wait until all nodes have one schema version. Return the error that prevented it."""
        try:
            self.executor.await_agreement(self.agreement_timeout)
        except SchemaDisagreement:
            raise
        except ScyllaModelError as read_error:
            return self._fail(read_error)
        return None

    def _resolve_unknown(self, error: BaseException) -> BaseException | None:
        self.lost_answers += 1
        self.error = self._error_text(error)
        timeout = max(self.step_timeout, self.executor.server.late_apply_seconds)
        if self.is_verifiable and self._wait_until_applied(timeout):
            self.state = "applied"
            return None
        if self.lost_answers >= MAX_UNKNOWN_ATTEMPTS or self.control.interrupts or not self.is_verifiable:
            return error
        if (agreement_error := self._await_agreement()) is not None:
            return agreement_error
        if self._is_applied_if_readable():
            self.state = "applied"
        return None

    def _wait_until_applied(self, timeout: float) -> bool:
        """Read the schema until the effect is visible or the time is up.

        Raises:
            CoordinatorChanged: another node took over, which may not know the last changes yet.
        """
        deadline = self.control.clock.monotonic() + timeout
        reads = 0
        while not self._is_applied_if_readable():
            if self.executor.has_moved:
                raise CoordinatorChanged(self.error)
            reads += 1
            if self.control.clock.monotonic() >= deadline:
                return False
            self.control.pause(reads)
        return True

    def _is_applied_if_readable(self) -> bool:
        """Whether the effect is visible; False if the schema could not be read, since the next read may succeed."""
        try:
            return self.is_applied()
        except KeyboardInterrupt:
            self.control.record_interrupt()
        except (StatementFailure, ScyllaModelError) as error:
            text = self._error_text(error)
            _log.debug("the schema could not be read while step %s was in doubt: %s", self.step.seq, text)
        return False

    @property
    def is_in_doubt(self) -> bool:
        """Whether the statement may have been applied and no check can prove it: its answer was lost."""
        return self.state == "failed" and self.lost_answers > 0 and not self.is_verifiable

    @property
    def is_verifiable(self) -> bool:
        """Whether a check can prove that the step is done; a step without one is never sent again in doubt."""
        return self.step.change is not None or self.step.post_condition is not None

    def is_applied(self) -> bool:
        """Whether the schema has the effect of the step.

        Raises:
            StatementFailure, ScyllaModelError: it could not be read.
        """
        post_condition, change = self.step.post_condition, self.step.change
        if change is None:
            return (
                self.executor.returns_row(post_condition)
                if isinstance(post_condition, str)
                else post_condition is not None and post_condition()
            )
        return is_applied(change, self.executor.introspect(keyspace_of(change)), self.executor.server)

    def may_quote(self, error: BaseException | None) -> bool:
        """Whether an error may become the cause of another; not for a secret step, since it may quote a statement."""
        return self.step.secret_statement is None or isinstance(error, (SchemaDisagreement, KeyboardInterrupt))

    def _error_text(self, error: BaseException) -> str:
        """The error as text; for a secret step only its class, since servers quote statements."""
        kind = type(error).__name__
        if self.step.secret_statement is not None:
            return f"{kind}; its text is not shown, since the step is secret"
        return f"{kind}: {printable_line(str(error))}" if str(error) else kind
