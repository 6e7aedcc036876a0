"""The one node that a whole run talks to, chosen as every other run would choose.

*In*: a `Connection`. *Out*: a `Coordinator`, which sends text to its node and nowhere else. A coordinator sees its own
schema changes at once, and orders the changes of all who use it; two coordinators order nothing (two ADDs of one column
with different types through two of them wedged the DDL of a whole Cassandra cluster, 2 of 2 attempts).
"""

from __future__ import annotations

import time
from typing import Any, Final
from uuid import UUID

import attrs

from scyllamodel.driver.connection import PAGE, Connection
from scyllamodel.driver.names import (
    ConnectionBusy,
    ConnectionException,
    ConsistencyLevel,
    DriverException,
    ErrorMessage,
    HostDistance,
    NoHostAvailable,
)
from scyllamodel.driver.policy import by_host_id
from scyllamodel.errors import ConnectionFailed

READ_TIMEOUT: Final = 10.0
"""Seconds for one page of a read of system tables."""

_POOL_WAIT: Final = 5.0
"""Seconds for the driver to connect to a node that it means to connect to."""

DRIVER_ERRORS: Final = (DriverException, NoHostAvailable, ConnectionException, ConnectionBusy, ErrorMessage)
"""All that a request raises."""


@attrs.frozen
class Coordinator:
    """One node, pinned.

    Attributes:
        host: the driver's object for it.
    """

    connection: Connection = attrs.field(repr=False)
    host: Any

    @property
    def host_id(self) -> UUID:
        """Which node it is, for as long as it lives."""
        return UUID(str(self.host.host_id))

    @property
    def address(self) -> str:
        """Where it is, for people."""
        return str(self.host.endpoint)

    def rows(
        self, cql: str, *, timeout: float = READ_TIMEOUT, page: int = PAGE, consistency: Any = ConsistencyLevel.ONE
    ) -> list[dict[str, Any]]:
        """All rows of a query, by column name.

        Raises:
            Exception: one of `DRIVER_ERRORS`.
        """
        return self.connection.rows(cql, host=self.host, timeout=timeout, page=page, consistency=consistency)

    def start(self, cql: str, *, timeout: float = READ_TIMEOUT, page: int = PAGE) -> Any:
        """Send a query and return the driver's future for it."""
        return self.connection.send(cql, host=self.host, timeout=timeout, page=page)


def presumed(connection: Connection) -> Coordinator | None:
    """The node that `choose` would take if it answers, without asking it; None when none is connected."""
    connected = connection.session.get_pool_state()
    return next((Coordinator(connection, host) for host in by_host_id(connection.hosts) if host in connected), None)


def choose(connection: Connection, *, first: UUID | None = None) -> Coordinator:
    """The live node with the lowest host_id that the session reaches.

    A session of our own reaches it in any data centre; a lent one only where its policies go, which is why all
    processes that change one schema should be configured alike.

    Parameters:
        first: a node to take before all others if it answers: whoever takes a lock over goes on where the dead holder
            sent his last statement.

    Raises:
        ConnectionFailed: no node answers; ``reasons`` tells for each why.
    """
    reasons: dict[str, str] = {}
    for host in sorted(by_host_id(connection.hosts), key=lambda host: str(host.host_id) != str(first)):
        reason = _unusable(connection, host)
        if reason is None:
            return Coordinator(connection, host)
        reasons[str(host.endpoint)] = reason
    listed = "; ".join(f"{node}: {reason}" for node, reason in reasons.items()) or "the driver knows of no node"
    raise ConnectionFailed(
        f"{connection.what} reaches no node that could coordinate schema changes. {listed}. Look whether the nodes "
        "are up, and whether the load balancing policy of the session lets it connect to them.",
        reasons=reasons,
    )


def _unusable(connection: Connection, host: Any) -> str | None:
    """Why a node cannot coordinate, or None: asked by a query, since the driver learns late that a node is gone."""
    reason = _unconnected(connection, host)
    if reason is None:
        try:
            connection.rows("SELECT host_id FROM system.local WHERE key = 'local'", host=host, timeout=_POOL_WAIT)
        except DRIVER_ERRORS as error:
            reason = f"{type(error).__name__}: {error}"
    return reason


def _unconnected(connection: Connection, host: Any) -> str | None:
    """Wait for the driver's pool, which is opened in the background; taking the next node instead would be a race."""
    session = connection.session
    deadline = time.monotonic() + _POOL_WAIT
    while host not in session.get_pool_state():
        if host.is_up is False:
            return "the driver holds it for down"
        if session.cluster.profile_manager.distance(host) == HostDistance.IGNORED:
            return "the load balancing policy of the session leaves it out"
        if time.monotonic() > deadline:
            return f"no connection within {_POOL_WAIT:.0f} s"
        time.sleep(0.02)
    return None
