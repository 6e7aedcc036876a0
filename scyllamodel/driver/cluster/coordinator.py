"""The one node that a whole run uses, chosen as every other run would choose, and its successor when it is lost.

In: a `Connection`. Out: a `Coordinator`, shared by all parts of a run, whose `PinnedNode` receives every request. A
node sees its own schema changes at once and orders those of all its clients; two nodes do not (two ADDs of one column
with different types through two of them wedged the DDL of a whole Cassandra cluster, 2 of 2 attempts).
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar
from uuid import UUID

import attrs

from scyllamodel._backoff import Backoff, poll
from scyllamodel._text import printable_line
from scyllamodel.driver._cassandra import ConsistencyLevel, HostDistance, OperationTimedOut
from scyllamodel.driver.outcomes import DRIVER_ERRORS, is_node_failure
from scyllamodel.driver.session.connection import PAGE_SIZE, Connection
from scyllamodel.driver.session.load_balancing import by_host_id
from scyllamodel.errors import ConnectionFailed

_T = TypeVar("_T")

READ_TIMEOUT: Final = 10.0
"""Seconds for one page of a read of system tables."""

QUICK_READ_TIMEOUT: Final = 3.0
"""Seconds after which a node that did not answer a read is probed."""

PROBE_TIMEOUTS: Final = (2.0, 5.0)
"""Seconds for a probe: all nodes get the first value before any gets the second."""

_POOL_TIMEOUT: Final = 5.0
"""Seconds for the driver to open its pool to a node."""

_PROBE_QUERY: Final = "SELECT host_id FROM system.local WHERE key = 'local'"

_log = logging.getLogger("scyllamodel")


@attrs.frozen
class PinnedNode:
    """One node, for requests that must not reach another.

    Attributes:
        host: the driver's host object.
        read_timeout: seconds for one page of a read without a timeout.
    """

    connection: Connection = attrs.field(repr=False)
    host: Any
    read_timeout: float = attrs.field(default=READ_TIMEOUT, eq=False)

    @property
    def host_id(self) -> UUID:
        """The host id of the node, which never changes."""
        return UUID(str(self.host.host_id))

    @property
    def address(self) -> str:
        """The address of the node, for messages."""
        return str(self.host.endpoint)

    def rows(self, cql: str, *, timeout: float | None = None, **options: Any) -> list[dict[str, Any]]:
        """Return all rows of a query, by column name; the options are those of `Connection.send`.

        Raises:
            Exception: one of `DRIVER_ERRORS`.
        """
        return list(self.start(cql, timeout=timeout, **options).result())

    def start(self, cql: str, *, timeout: float | None = None, **options: Any) -> Any:
        """Send a statement once. Returns the driver's future."""
        seconds = self.read_timeout if timeout is None else timeout
        return self.connection.send(cql, host=self.host, timeout=seconds, **options)

    def is_responsive(self, timeout: float) -> bool:
        """Whether the node answers a probe now."""
        try:
            self.rows(_PROBE_QUERY, timeout=timeout)
        except DRIVER_ERRORS:
            return False
        return True


class Coordinator:
    """The node of a run: the first responsive one in the order that all runs share.

    One object serves a whole run, so that reads, lock, ledger and statements fail over together. Reads move to another
    node at once. A request that must not be sent twice raises, and the next one uses another node.

    Attributes:
        node: the current node.
    """

    def __init__(self, connection: Connection, host: Any) -> None:
        self.connection = connection
        self.node = PinnedNode(connection, host)
        self._mutex = threading.RLock()

    @property
    def host(self) -> Any:
        """The driver's host object of the node."""
        return self.node.host

    @property
    def host_id(self) -> UUID:
        """The host id of the current node."""
        return self.node.host_id

    @property
    def address(self) -> str:
        """The address of the node, for messages."""
        return self.node.address

    def rows(
        self, cql: str, *, timeout: float | None = None, page: int = PAGE_SIZE, consistency: Any = ConsistencyLevel.ONE
    ) -> list[dict[str, Any]]:
        """Return all rows of a query, by column name, from any responsive node.

        Raises:
            Exception: one of `DRIVER_ERRORS`.
        """
        return self.read(lambda node: node.rows(cql, timeout=timeout, page=page, consistency=consistency))

    def read(self, work: Callable[[PinnedNode], _T]) -> _T:
        """Run reads that belong together on one node; they start over on the next one if it is lost.

        Raises:
            Exception: one of `DRIVER_ERRORS`; no node answers, or the node refuses.
        """
        moves_left = len(self.connection.hosts)
        timeout = READ_TIMEOUT if moves_left == 1 else QUICK_READ_TIMEOUT
        while True:
            node = self.node
            try:
                return work(attrs.evolve(node, read_timeout=timeout))
            except DRIVER_ERRORS as error:
                if moves_left > 0 and self.fail_over(node, error):
                    moves_left, timeout = moves_left - 1, QUICK_READ_TIMEOUT
                elif isinstance(error, OperationTimedOut) and timeout < READ_TIMEOUT:
                    timeout = READ_TIMEOUT  # slow, but responsive
                else:
                    raise

    def execute_once(self, work: Callable[[PinnedNode], _T]) -> _T:
        """Run a request that must not be sent twice; if its node is lost, later requests use the next one.

        Raises:
            Exception: one of `DRIVER_ERRORS`.
        """
        node = self.node
        try:
            return work(node)
        except DRIVER_ERRORS as error:
            self.fail_over(node, error)
            raise

    def fail_over(self, node: PinnedNode, error: BaseException) -> bool:
        """Fail over if the node is lost; whether later requests go to another node.

        A node that timed out is probed once more: a paused one accepts connections and answers nothing, a slow one
        answers. If no other node answers, the node is kept.
        """
        with self._mutex:
            if self.node != node:
                return True
            is_silent = isinstance(error, OperationTimedOut) and not node.is_responsive(PROBE_TIMEOUTS[0])
            if not (is_silent or is_node_failure(error)):
                return False
            try:
                self.node = _first_responsive(self.connection, _other_hosts(self.connection, node.host))
            except ConnectionFailed:
                return False
            _log.warning("%s does not answer; %s replaces it", node.address, self.address)
            return True

    def prefer(self, host_id: UUID) -> None:
        """Move to a node if it answers: a run that takes over a lock uses the node of the previous holder."""
        with self._mutex:
            if host_id == self.host_id:
                return
            hosts = [host for host in self.connection.hosts if str(host.host_id) == str(host_id)]
            with contextlib.suppress(ConnectionFailed):
                self.node = _first_responsive(self.connection, hosts)


def presumed_coordinator(connection: Connection) -> Coordinator | None:
    """Return the node that `choose_coordinator` would take if it answers, or None when none is connected."""
    connected_hosts = connection.connected_hosts
    return next(
        (Coordinator(connection, host) for host in by_host_id(connection.hosts) if host in connected_hosts), None
    )


def choose_coordinator(connection: Connection) -> Coordinator:
    """Choose the live node with the lowest host_id that the session reaches.

    An owned session reaches it in any data centre; a borrowed one only where its policies allow, so all processes that
    change one schema should be configured alike.

    Raises:
        ConnectionFailed: no node answers; ``reasons`` has the reason of each.
    """
    return Coordinator(connection, _first_responsive(connection, by_host_id(connection.hosts)).host)


def _other_hosts(connection: Connection, lost_host: Any) -> list[Any]:
    return [host for host in by_host_id(connection.hosts) if host != lost_host]


def _first_responsive(connection: Connection, hosts: list[Any]) -> PinnedNode:
    """Return the first of these nodes that answers a probe; slow ones count only if none answers quickly."""
    reasons: dict[str, str] = {}
    for host, timeout in _attempts(hosts):
        reason = _unusable_reason(PinnedNode(connection, host), timeout)
        if reason is None:
            return PinnedNode(connection, host)
        reasons[str(host.endpoint)] = reason
    details = "; ".join(f"{node}: {reason}" for node, reason in reasons.items()) or "the driver knows no node"
    raise ConnectionFailed(
        f"{connection.label} reaches no node that could coordinate schema changes. {details}. Check that the nodes "
        "are up, and that the load balancing policy of the session connects to them.",
        reasons=reasons,
    )


def _attempts(hosts: list[Any]) -> Iterator[tuple[Any, float]]:
    return ((host, timeout) for timeout in PROBE_TIMEOUTS[len(hosts) == 1 :] for host in hosts)


def _unusable_reason(node: PinnedNode, timeout: float) -> str | None:
    """Return why a node cannot coordinate, or None.

    It is probed by a query, because the driver notices late that a node is gone.
    """
    reason = _wait_for_pool(node.connection, node.host)
    if reason is None:
        try:
            node.rows(_PROBE_QUERY, timeout=timeout)
        except DRIVER_ERRORS as error:
            reason = printable_line(f"{type(error).__name__}: {error}")
    return reason


def _wait_for_pool(connection: Connection, host: Any) -> str | None:
    """Wait for the driver's pool, which opens in the background; return the reason if it does not.

    Taking the next node instead would be a race.
    """
    still_opening = f"no connection within {_POOL_TIMEOUT:.0f} s"

    def reason() -> str | None:
        if host in connection.connected_hosts:
            return None
        if host.is_up is False:
            return "the driver considers it down"
        if connection.session.cluster.profile_manager.distance(host) == HostDistance.IGNORED:
            return "the load balancing policy of the session excludes it"
        return still_opening

    return poll(
        reason, until=lambda reason: reason != still_opening, timeout=_POOL_TIMEOUT, backoff=Backoff(0.02, 0.02)
    )
