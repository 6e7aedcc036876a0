"""Interfaces for applying a plan: an `Executor` that runs statements, and a `Journal` that records them.

The schema side imports no driver. The driver side implements `Executor`, and raises one of the failures below for each
statement that did not return normally.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from scyllamodel.schema.apply.outcome import RecordedState
    from scyllamodel.schema.facts.objects import KeyspaceFacts
    from scyllamodel.schema.plan import Step
    from scyllamodel.schema.server.profile import ServerProfile


class StatementFailure(Exception):
    """A statement that did not return normally; the driver's error is its ``__cause__``."""


class StatementOutcomeUnknown(StatementFailure):
    """A timeout or a lost connection: the statement may have been applied, or may still be running."""


class StatementConflict(StatementFailure):
    """The server reports that the object already exists, or that the change conflicts with the schema."""


class StatementMissing(StatementConflict):
    """Not applied: an object in the statement does not exist, or the coordinator does not know it yet."""


class StatementTransient(StatementFailure):
    """Not applied, but may succeed later: unavailable, overloaded, or a concurrent change came first."""


class StatementRefused(StatementFailure):
    """The server refused the statement, and would refuse it again."""


class CoordinatorChanged(StatementFailure):
    """Not sent: another node took over, which may not know all earlier changes."""


class Executor(Protocol):
    """A coordinator that runs statements and reads the schema; another node replaces it when it is lost."""

    @property
    def server(self) -> ServerProfile:
        """The server and its capabilities."""
        ...

    @property
    def has_moved(self) -> bool:
        """Whether the last statement was sent through a node other than the current one."""
        ...

    def take_over(self) -> None:
        """Let the current node send statements, so that `has_moved` is false."""
        ...

    def execute(self, cql: str, timeout: float) -> Sequence[str]:
        """Run one statement, sent once, and return the warnings that came with the answer.

        Parameters:
            timeout: seconds after which the outcome is considered unknown.

        Raises:
            CoordinatorChanged: `has_moved` is true.
            StatementFailure: one of the other four subclasses.
        """
        ...

    def introspect(self, keyspace: str) -> KeyspaceFacts:
        """Read the facts of one keyspace from the coordinator that runs the statements.

        Raises:
            StatementFailure, ScyllaModelError: the schema could not be read.
        """
        ...

    def returns_row(self, cql: str) -> bool:
        """Whether a query returns a row: the post-condition of a hand-written statement.

        Raises:
            StatementFailure: one of its subclasses.
        """
        ...

    def await_agreement(self, timeout: float) -> None:
        """Wait until all nodes have one schema version.

        Raises:
            SchemaDisagreement: they did not within ``timeout`` seconds.
        """
        ...


class Journal(Protocol):
    """Receives each step before its statement is sent, and again when its state is known.

    An exception ends the run: a failed fencing check must prevent the statement from being sent.
    """

    def before(self, step: Step) -> None:
        """Called before the statement of this step is sent."""
        ...

    def after(self, step: Step, state: RecordedState, attempts: int, duration_ms: int, error: str | None) -> None:
        """Called with the outcome; ``claimed`` means that the outcome is unknown."""
        ...


class _NoJournal:
    """A journal that records nothing."""

    def before(self, step: Step) -> None:
        """Record nothing."""

    def after(self, step: Step, state: RecordedState, attempts: int, duration_ms: int, error: str | None) -> None:
        """Record nothing."""


NO_JOURNAL: Journal = _NoJournal()
"""The journal of runs without lock and ledger."""
