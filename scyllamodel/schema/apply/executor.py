"""What applying a plan needs of the world: someone who runs statements, and someone who keeps the books.

The schema side imports no driver. Whoever has one wraps it in an `Executor`, and says of each statement that did not
return what is known of it, by one of the failures below.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from scyllamodel.schema.apply.outcome import RecordedState
    from scyllamodel.schema.facts import KeyspaceFacts
    from scyllamodel.schema.plan import Step
    from scyllamodel.schema.server import ServerProfile


class StatementFailure(Exception):
    """A statement that did not return as it should; the driver's error is its ``__cause__``."""


class StatementOutcomeUnknown(StatementFailure):
    """Nobody knows: a timeout or a lost connection. The statement may have been applied, or still be under way."""


class StatementConflict(StatementFailure):
    """The server says that it is there already, or conflicts with what is."""


class StatementMissing(StatementConflict):
    """Not applied: what it speaks of is not there, or not known yet to the node that was asked."""


class StatementTransient(StatementFailure):
    """Not applied, and worth another try: unavailable, overloaded, or a concurrent change came first."""


class StatementRefused(StatementFailure):
    """The server said no, and would say so again."""


class CoordinatorChanged(StatementFailure):
    """Not sent: another node took over, which may know less than the node that ran the statements before."""


class Executor(Protocol):
    """One coordinator that runs statements and shows the schema; if it is lost, the next one."""

    @property
    def server(self) -> ServerProfile:
        """What the server is and can do."""
        ...

    @property
    def has_moved(self) -> bool:
        """Whether the last statement was sent through another node than the one that is used now."""
        ...

    def take_over(self) -> None:
        """Let the node by which all agreed last send statements, so that `has_moved` is false."""
        ...

    def execute(self, cql: str, timeout: float) -> Sequence[str]:
        """Run one statement, sent once, and return the warnings that came with the answer.

        Parameters:
            timeout: seconds until the outcome counts as unknown.

        Raises:
            CoordinatorChanged: as long as `has_moved` is true.
            StatementFailure: one of its four other kinds.
        """
        ...

    def introspect(self, keyspace: str) -> KeyspaceFacts:
        """Fresh facts of one keyspace, read from the coordinator that runs the statements.

        Raises:
            StatementFailure, ScyllaModelError: the schema could not be read.
        """
        ...

    def returns_row(self, cql: str) -> bool:
        """Whether a query gives a row: how a statement that was written by hand is proved done.

        Raises:
            StatementFailure: one of its four kinds.
        """
        ...

    def await_agreement(self, timeout: float) -> None:
        """Wait until all nodes hold one schema.

        Raises:
            SchemaDisagreement: they did not within ``timeout`` seconds.
        """
        ...


class Journal(Protocol):
    """Told of each step just before its statement is sent and once its state is known.

    What it raises ends the run: a fence that does not hold must keep the statement from being sent.
    """

    def before(self, step: Step) -> None:
        """Told that the statement of this step is about to be sent."""
        ...

    def after(self, step: Step, state: RecordedState, attempts: int, duration_ms: int, error: str | None) -> None:
        """Told what became of it; ``claimed`` says that nobody knows."""
        ...


class _NoJournal:
    """Keeps no books."""

    def before(self, step: Step) -> None:
        """Take no note."""

    def after(self, step: Step, state: RecordedState, attempts: int, duration_ms: int, error: str | None) -> None:
        """Take no note."""


NO_JOURNAL: Journal = _NoJournal()
"""For runs without lock and ledger."""
