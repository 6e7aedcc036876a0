"""Executes the statements of a plan on one node: send, introspect, wait for agreement.

In: a `Coordinator` and the server's profile. Out: the `Executor` of `scyllamodel.schema.apply`, with driver errors
translated into the outcome of the statement. The caller makes all decisions.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final
from uuid import UUID

from typing_extensions import Self

from scyllamodel._backoff import Backoff, poll
from scyllamodel.driver._cassandra import ConsistencyLevel
from scyllamodel.driver.cluster.coordinator import Coordinator, PinnedNode
from scyllamodel.driver.cluster.introspection import read_keyspace
from scyllamodel.driver.cluster.nodes import read_error
from scyllamodel.driver.cluster.schema_agreement import HeartbeatMonitor, await_agreement
from scyllamodel.driver.outcomes import DRIVER_ERRORS, StatementOutcome, classify, server_message
from scyllamodel.schema.apply import (
    CoordinatorChanged,
    StatementConflict,
    StatementFailure,
    StatementMissing,
    StatementOutcomeUnknown,
    StatementRefused,
    StatementTransient,
)
from scyllamodel.schema.facts.objects import KeyspaceFacts
from scyllamodel.schema.server.profile import ServerProfile

_BACKOFF: Final = Backoff(0.5, 0.5)
"""Seconds before the nodes are asked again when none answered."""

_FAILURES: Final[Mapping[StatementOutcome, type[StatementFailure]]] = {
    StatementOutcome.UNKNOWN: StatementOutcomeUnknown,
    StatementOutcome.CONFLICT: StatementConflict,
    StatementOutcome.MISSING: StatementMissing,
    StatementOutcome.TRANSIENT: StatementTransient,
    StatementOutcome.REFUSED: StatementRefused,
}


class DdlExecutor:
    """An executor that sends the statements of a plan to one node, once each; a context manager.

    Inside the block, an owned session neither waits for agreement nor reads the schema after each statement, which is
    most of the time of a plain loop of DDL; a borrowed session is unchanged.

    Two nodes do not order changes. When the node of the last statement is lost, reads use the next one at once, while
    `execute` raises `CoordinatorChanged` and sends nothing until `await_agreement` and `take_over` were called.

    Parameters:
        coordinator: the node to use, and its successor.
        server: the profile of the coordinator.
    """

    def __init__(self, coordinator: Coordinator, server: ServerProfile) -> None:
        self.coordinator, self.server = coordinator, server
        self._heartbeat_monitor = HeartbeatMonitor()
        self._sending_node: UUID | None = None
        """The node that may send statements: the one that sent the last, or took over from it; None: any node."""
        self._agreed_node: UUID | None = None
        """The node through which agreement was last reached."""
        self._has_sent = False
        self._exit_stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._exit_stack.enter_context(self.coordinator.connection.suspend_schema_refresh())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._exit_stack.close()
        if self._has_sent:
            self.coordinator.connection.refresh_schema_if_used()

    @property
    def has_moved(self) -> bool:
        """Whether the last statement was sent through another node than the current one."""
        return self._sending_node not in {None, self.coordinator.host_id}

    def take_over(self) -> None:
        """Let the node of the last agreement send statements, once its schema is known."""
        self._sending_node = self._agreed_node

    def execute(self, cql: str, timeout: float) -> Sequence[str]:
        """Send one statement, once, and return the warnings that came with the answer.

        Parameters:
            timeout: seconds to wait for the answer.

        Raises:
            CoordinatorChanged: nothing was sent, as long as `has_moved` is true.
            StatementFailure: as the subclass for its outcome; the driver's error is its cause.
        """
        try:
            return self.coordinator.execute_once(lambda node: self._send(node, cql, timeout))
        except DRIVER_ERRORS as error:
            raise _FAILURES[classify(error)](server_message(error)) from error

    def _send(self, node: PinnedNode, cql: str, timeout: float) -> Sequence[str]:
        if self._sending_node not in {None, node.host_id}:
            raise CoordinatorChanged(f"{node.address} took over, because the previous node does not answer")
        self._sending_node, self._has_sent = node.host_id, True
        future = node.start(cql, timeout=timeout, consistency=ConsistencyLevel.QUORUM)
        future.result()
        return tuple(future.warnings or ())

    def introspect(self, keyspace: str, *, include_internal: bool = False) -> KeyspaceFacts:
        """Read the keyspace as the coordinator has it now.

        Parameters:
            include_internal: whether internal tables are included.

        Raises:
            IntrospectionError: it could not be read from any node.
        """
        return read_keyspace(self.coordinator, keyspace, self.server, include_internal=include_internal)

    def returns_row(self, cql: str) -> bool:
        """Whether a query returns a row, read at QUORUM.

        Raises:
            StatementFailure: the query failed.
        """
        try:
            return bool(self.coordinator.rows(cql, consistency=ConsistencyLevel.QUORUM))
        except DRIVER_ERRORS as error:
            raise _FAILURES[classify(error)](server_message(error)) from error

    def follow(self, host_id: UUID | None) -> None:
        """Use the node that another run used last, if it answers."""
        if host_id is not None:
            self.coordinator.prefer(host_id)

    def refresh_heartbeats(self) -> None:
        """Read the heartbeats of the nodes, so that a later wait for agreement recognizes dead nodes sooner."""
        self._heartbeat_monitor.refresh(self.coordinator)

    def await_agreement(self, timeout: float) -> None:
        """Wait until all nodes that are not known to be dead have one schema.

        Parameters:
            timeout: seconds.

        Raises:
            SchemaDisagreement: they did not agree in time; ``versions`` maps each version to its nodes.
            IntrospectionError: no node answered in time.
        """
        deadline = time.monotonic() + timeout

        def attempt() -> Exception | None:
            node = self.coordinator.host_id
            try:
                await_agreement(
                    self.coordinator, max(0.0, deadline - time.monotonic()), monitor=self._heartbeat_monitor
                )
            except DRIVER_ERRORS as error:
                return error
            self._agreed_node = node
            return None

        error = poll(attempt, until=lambda error: error is None, timeout=timeout, backoff=_BACKOFF)
        if error is not None:
            raise read_error("the schema versions of the nodes", self.coordinator, error) from error
