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
    StatementTransient,
    StatementUnknown,
)
from scyllamodel.schema.apply.outcome import State
from scyllamodel.schema.postcondition import holds, keyspace_of

if TYPE_CHECKING:
    from scyllamodel.schema.apply.world import World
    from scyllamodel.schema.plan import Step

TRANSIENT_ATTEMPTS: Final = 8
"""How often a statement is sent that the server did not apply and may apply later."""
UNKNOWN_ATTEMPTS: Final = 3
"""How often a statement is sent whose answer was lost and that never showed in the schema."""

MOVED_PATIENCE: Final = 10.0
"""Seconds that a lost answer is looked for through another node: the lost one may only be cut off from us."""
MOVES: Final = 8
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
        self, step: Step, executor: Executor, world: World, *, step_timeout: float, agreement_timeout: float
    ) -> None:
        self.step, self.executor, self.world = step, executor, world
        self.step_timeout, self.agreement_timeout = step_timeout, agreement_timeout
        self.sent = self.lost = self.moves = 0
        self.missed = False
        self.state: State = "failed"
        self.error: str | None = None
        self.warnings: tuple[str, ...] = ()

    def settle(self) -> BaseException | None:
        """Bring the step to its end; what stood in the way, if it failed.

        `CoordinatorChanged` is no failure: once the nodes agree and the steps before this one are known to the new
        node, this is called again, and first looks what became of the statement.
        """
        try:
            if self._is_found():
                self.state = "applied" if self.lost else "skipped"
            while self.state == "failed":
                cause = self._send()
                if cause is not None:
                    return cause
        except KeyboardInterrupt as interrupt:
            self.lost += bool(self.sent)
            self.error = "interrupted; nobody knows whether the statement was applied"
            return interrupt
        except CoordinatorChanged as moved:
            self.moves += 1
            return moved if self.moves <= MOVES else self._give_up(moved)
        except SchemaDisagreement as error:
            return error
        return None

    def _is_found(self) -> bool:
        """Whether the step shows before its statement is sent, or sent again through another node."""
        if self.lost and self.moves:
            return self._showed_in_time(min(self.step_timeout, MOVED_PATIENCE))
        return (self.step.proof is not None or bool(self.sent)) and self._shows_if_readable()

    def _send(self) -> BaseException | None:
        """Send the statement once. The cause of a failure; None when it went through or is to be sent again."""
        self.sent += 1
        try:
            warnings = self.executor.execute(self.step.statement, self.step_timeout)
        except CoordinatorChanged:
            self.sent -= 1
            raise
        except StatementTransient as error:
            return self._later(error)
        except StatementConflict as error:
            return self._compare(error)
        except StatementUnknown as error:
            return self._find_out(error)
        except KeyboardInterrupt as error:
            self.world.interrupted()
            return self._find_out(error)
        except Exception as error:  # noqa: BLE001 - whatever it was, what went through before has to be told
            return self._give_up(error)
        self.state = "applied"
        self.warnings = () if self.step.hidden is not None else tuple(warnings)
        return None

    def _give_up(self, error: BaseException) -> BaseException:
        self.error = self._told(error)
        return error

    def _later(self, error: StatementTransient) -> BaseException | None:
        self.error = self._told(error)
        if self.sent >= TRANSIENT_ATTEMPTS or self.world.interrupts:
            return error
        self.world.pause(self.sent)
        return None

    def _compare(self, error: StatementConflict) -> BaseException | None:
        """There already: done if it is what the step makes, by this run if an answer was lost before.

        What a statement needs may have been made through another node: once all agree, it is sent a second time.
        """
        self.error = self._told(error)
        try:
            done = self.shows()
        except (StatementFailure, ScyllaModelError) as unread:
            return self._give_up(unread)
        if not done:
            return self._again_once_known(error)
        self.state = "applied" if self.lost else "skipped"
        return None

    def _again_once_known(self, error: StatementConflict) -> BaseException | None:
        if not isinstance(error, StatementMissing) or self.missed or self.world.interrupts:
            return error
        self.missed = True
        return self._agree()

    def _agree(self) -> BaseException | None:
        """Wait until all nodes have one schema; what kept that from being known."""
        try:
            self.executor.await_agreement(self.agreement_timeout)
        except SchemaDisagreement:
            raise
        except ScyllaModelError as unread:
            return self._give_up(unread)
        return None

    def _find_out(self, error: BaseException) -> BaseException | None:
        self.lost += 1
        self.error = self._told(error)
        patience = max(self.step_timeout, self.executor.server.applies_late)
        if self.is_provable and self._showed_in_time(patience):
            self.state = "applied"
            return None
        if self.lost >= UNKNOWN_ATTEMPTS or self.world.interrupts or not self.is_provable:
            return error
        if (unread := self._agree()) is not None:
            return unread
        if self._shows_if_readable():
            self.state = "applied"
        return None

    def _showed_in_time(self, timeout: float) -> bool:
        """Look until the step shows or its time is over.

        Raises:
            CoordinatorChanged: another node took over, which may not know yet what the lost one did.
        """
        deadline = self.world.clock() + timeout
        looks = 0
        while not self._shows_if_readable():
            if self.executor.has_moved:
                raise CoordinatorChanged(self.error)
            looks += 1
            if self.world.clock() >= deadline:
                return False
            self.world.pause(looks)
        return True

    def _shows_if_readable(self) -> bool:
        """Whether the step shows; a look that fails says nothing, the next one may."""
        try:
            return self.shows()
        except KeyboardInterrupt:
            self.world.interrupted()
        except (StatementFailure, ScyllaModelError) as error:
            text = self._told(error)
            _log.debug("the schema could not be read while step %s was in doubt: %s", self.step.seq, text)
        return False

    @property
    def is_in_doubt(self) -> bool:
        """Whether the statement may have been applied, and nothing proves it: an answer to it was lost."""
        return self.state == "failed" and self.lost > 0 and not self.is_provable

    @property
    def is_provable(self) -> bool:
        """Whether anything can tell that the step is done; one of which nothing does is never sent again in doubt."""
        return self.step.change is not None or self.step.proof is not None

    def shows(self) -> bool:
        """Whether the schema holds what the step does.

        Raises:
            StatementFailure, ScyllaModelError: it could not be read.
        """
        proof, change = self.step.proof, self.step.change
        if change is None:
            return self.executor.returns_row(proof) if isinstance(proof, str) else proof is not None and proof()
        return holds(change, self.executor.introspect(keyspace_of(change)), self.executor.server)

    def is_quotable(self, error: BaseException | None) -> bool:
        """Whether an error may be a cause: not that of a secret step, which may quote its statement."""
        return self.step.hidden is None or isinstance(error, (SchemaDisagreement, KeyboardInterrupt))

    def _told(self, error: BaseException) -> str:
        """The error in words; of a secret step the kind alone, since servers quote statements."""
        kind = type(error).__name__
        if self.step.hidden is not None:
            return f"{kind}, whose text is not shown, since the step is secret"
        return f"{kind}: {printable_line(str(error))}" if str(error) else kind
