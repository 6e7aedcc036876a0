"""The driver's side of applying a plan: send one statement, look, wait for agreement, all through one node.

*In*: a `Coordinator` and the server's profile. *Out*: what `scyllamodel.schema.apply` needs of a server, with the
driver's errors told as what became of the statement. Nothing here decides what to do about it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Final
from uuid import UUID

from typing_extensions import Self

from scyllamodel.driver.agreement import Pulse, await_agreement
from scyllamodel.driver.coordinator import DRIVER_ERRORS, Coordinator, choose
from scyllamodel.driver.failures import Meaning, lost_node, meaning
from scyllamodel.driver.names import ConsistencyLevel
from scyllamodel.driver.reader import read_keyspace
from scyllamodel.driver.servers import unread
from scyllamodel.errors import ConnectionFailed, IntrospectionError
from scyllamodel.schema.apply import (
    StatementConflict,
    StatementFailure,
    StatementRefused,
    StatementTransient,
    StatementUnknown,
)
from scyllamodel.schema.facts import KeyspaceFacts
from scyllamodel.schema.server import ServerProfile

_FAILURES: Final[Mapping[Meaning, type[StatementFailure]]] = {
    Meaning.UNKNOWN: StatementUnknown,
    Meaning.CONFLICT: StatementConflict,
    Meaning.TRANSIENT: StatementTransient,
    Meaning.REFUSED: StatementRefused,
}


class DdlExecutor:
    """Sends the statements of a plan to one node, once each; a context manager.

    While inside, the driver of a session of our own neither waits for agreement nor reads the schema after each
    statement, which is most of the time of a plain loop of DDL; a lent session keeps its habits.

    Parameters:
        coordinator: the node to use; if it dies, the next one that every run would choose.
        server: what the coordinator is.
        agreement_timeout: seconds that the others may take to agree before another node takes over.
    """

    def __init__(self, coordinator: Coordinator, server: ServerProfile, *, agreement_timeout: float = 120.0) -> None:
        self.coordinator, self.server = coordinator, server
        self._agreement_timeout = agreement_timeout
        self._pulse = Pulse()
        self._lost: IntrospectionError | None = None
        self._has_sent = False
        self._inside = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._inside.enter_context(self.coordinator.connection.quiet())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._inside.close()
        if self._has_sent:
            self.coordinator.connection.catch_up()

    def execute(self, cql: str, timeout: float) -> None:
        """Send one statement, once.

        Parameters:
            timeout: seconds to wait for the answer.

        Raises:
            StatementFailure: as the subclass that says what became of it; the driver's error is its cause.
        """
        if self._lost is not None:
            self._take_another(self._lost)
        self._has_sent = True
        try:
            self.coordinator.rows(cql, timeout=timeout, consistency=ConsistencyLevel.QUORUM)
        except DRIVER_ERRORS as error:
            found = meaning(error)
            if found is Meaning.TRANSIENT and lost_node(error):
                self._lost = unread("the answer to a statement", self.coordinator, error)
            raise _FAILURES[found](_words(error)) from error

    def look(self, keyspace: str, *, books: bool = False) -> KeyspaceFacts:
        """The keyspace as the coordinator has it now.

        Parameters:
            books: whether our own bookkeeping is told too.

        Raises:
            IntrospectionError: it could not be read, or the coordinator is gone and no other node answers.
            SchemaDisagreement: the coordinator is gone, and the others do not agree on what it left.
        """
        try:
            return read_keyspace(self.coordinator, keyspace, self.server, books=books)
        except IntrospectionError as error:
            if error.__cause__ is None or not lost_node(error.__cause__):
                raise
            self._take_another(error)
        return read_keyspace(self.coordinator, keyspace, self.server, books=books)

    def answers(self, cql: str) -> bool:
        """Whether a query gives a row, read at QUORUM.

        Raises:
            StatementFailure: it could not be asked.
        """
        try:
            return bool(self.coordinator.rows(cql, consistency=ConsistencyLevel.QUORUM))
        except DRIVER_ERRORS as error:
            raise _FAILURES[meaning(error)](_words(error)) from error

    def follow(self, host_id: UUID | None) -> None:
        """Go on through the node that another run used last, while it is up."""
        if host_id is not None and host_id != self.coordinator.host_id:
            self.coordinator = choose(self.coordinator.connection, first=host_id)

    def _take_another(self, lost: IntrospectionError) -> None:
        """Go on with the next node, once it knows all that the lost one had told anybody."""
        self._move(lost)
        self.await_agreement(self._agreement_timeout)
        self._lost = None

    def _move(self, lost: IntrospectionError) -> None:
        try:
            self.coordinator = choose(self.coordinator.connection)
        except ConnectionFailed as error:
            raise lost from error

    def await_agreement(self, timeout: float) -> None:
        """Wait until all nodes that are not known to be dead have one schema.

        Parameters:
            timeout: seconds.

        Raises:
            SchemaDisagreement: they did not in time; ``versions`` maps each version to its nodes.
            IntrospectionError: no node says.
        """
        deadline = time.monotonic() + timeout
        while True:
            left = max(0.0, deadline - time.monotonic())
            try:
                await_agreement(self.coordinator, left, pulse=self._pulse)
            except DRIVER_ERRORS as error:
                silent = unread("the schema versions of the nodes", self.coordinator, error)
                if not left:
                    raise silent from error
                if lost_node(error):
                    self._move(silent)
            else:
                return


def _words(error: Exception) -> str:
    """What the server said, without the driver's wrapping where that can be told."""
    return str(getattr(error, "message", None) or error)
