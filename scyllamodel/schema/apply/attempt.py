"""One step, sent until its state is known.

On the clean path it costs its statement and nothing else, since the server's answer is proof enough. In doubt the
schema decides: it is read until the step shows or its time is over; then the nodes have to agree, and the same text is
sent again.
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
from scyllamodel.schema.postcondition import is_applied, keyspace_of

if TYPE_CHECKING:
    from scyllamodel.schema.apply.world import RunControl
    from scyllamodel.schema.plan import Step

MAX_TRANSIENT_ATTEMPTS: Final = 8
"""How often a statement is sent that the server did not apply and may apply later."""
MAX_UNKNOWN_ATTEMPTS: Final = 3
"""How often a statement is sent whose answer was lost and that never showed in the schema."""

FAILOVER_TIMEOUT: Final = 10.0
"""Seconds that a lost answer is looked for through another node: the lost one may only be cut off from us."""
MAX_COORDINATOR_CHANGES: Final = 8
"""How often the node may change while one step is on its way."""

_log = logging.getLogger("scyllamodel")


class Attempt:
    """A step on its way.

    Attributes:
        sent: how often its statement was sent.
        state: ``failed`` until it is known to be done.
        error: what went wrong last.
        warnings: what the server said with its answer; nothing of a secret step, since servers quote statements.
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
        """Bring the step to its end; what stood in the way, if it failed.

        `CoordinatorChanged` is no failure: once the nodes agree and the steps before this one are known to the new
        node, this is called again, and first looks what became of the statement.
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
            self.error = "interrupted; nobody knows whether the statement was applied"
            return interrupt
        except CoordinatorChanged as change:
            self.coordinator_changes += 1
            return change if self.coordinator_changes <= MAX_COORDINATOR_CHANGES else self._fail(change)
        except SchemaDisagreement as error:
            return error
        return None

    def _is_already_applied(self) -> bool:
        """Whether the step shows before its statement is sent, or sent again through another node."""
        if self.lost_answers and self.coordinator_changes:
            return self._wait_until_applied(min(self.step_timeout, FAILOVER_TIMEOUT))
        return (self.step.post_condition is not None or bool(self.sent)) and self._is_applied_if_readable()

    def _send(self) -> BaseException | None:
        """Send the statement once. The cause of a failure; None when it went through or is to be sent again."""
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
        except Exception as error:  # noqa: BLE001 - whatever it was, what went through before has to be told
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
        """There already: done if it is what the step makes, by this run if an answer was lost before.

        What a statement needs may have been made through another node: once all agree, it is sent a second time.
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
        """Wait until all nodes have one schema; what kept that from being known."""
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
        """Look until the step shows or its time is over.

        Raises:
            CoordinatorChanged: another node took over, which may not know yet what the lost one did.
        """
        deadline = self.control.now() + timeout
        reads = 0
        while not self._is_applied_if_readable():
            if self.executor.has_moved:
                raise CoordinatorChanged(self.error)
            reads += 1
            if self.control.now() >= deadline:
                return False
            self.control.pause(reads)
        return True

    def _is_applied_if_readable(self) -> bool:
        """Whether the step shows; a look that fails says nothing, the next one may."""
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
        """Whether the statement may have been applied, and nothing proves it: an answer to it was lost."""
        return self.state == "failed" and self.lost_answers > 0 and not self.is_verifiable

    @property
    def is_verifiable(self) -> bool:
        """Whether anything can tell that the step is done; one of which nothing does is never sent again in doubt."""
        return self.step.change is not None or self.step.post_condition is not None

    def is_applied(self) -> bool:
        """Whether the schema holds what the step does.

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
        """Whether an error may be a cause: not that of a secret step, which may quote its statement."""
        return self.step.secret_statement is None or isinstance(error, (SchemaDisagreement, KeyboardInterrupt))

    def _error_text(self, error: BaseException) -> str:
        """The error in words; of a secret step the kind alone, since servers quote statements."""
        kind = type(error).__name__
        if self.step.secret_statement is not None:
            return f"{kind}, whose text is not shown, since the step is secret"
        return f"{kind}: {printable_line(str(error))}" if str(error) else kind
