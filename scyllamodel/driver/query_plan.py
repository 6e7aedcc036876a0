"""The hosts that a request may be sent to without a wait.

*In*: the driver's plan for a request, and its pools. *Out*: the same plan, without the hosts whose connections are
closed or have no free stream. For those the driver would wait up to 2 seconds in the thread that sends, whatever the
timeout of the request, and an event loop would stand still (seen on scylla-driver 3.29.12). A host that is left out has
its error. A closed connection is reported to its pool, which replaces it; the driver itself notices one when it sends,
or every 10 seconds.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterable, Iterator
from typing import Any, Final

from scyllamodel.driver.names import NoConnectionsAvailable


class ReadyHostsPolicy:
    """A load balancing policy of one request, of which the driver asks the plan of each further page.

    Parameters:
        policy: the application's.
        session: the driver's, which has the pools.
        errors: of the request, by host.
    """

    __slots__ = ("_errors", "_policy", "_session")

    def __init__(self, policy: Any, session: Any, errors: dict[Any, Exception]) -> None:
        self._policy, self._session, self._errors = policy, session, errors

    def make_query_plan(self, working_keyspace: str | None = None, query: Any = None) -> Iterator[Any]:
        """The application's plan, as far as it can be sent to."""
        return ready_hosts(self._policy.make_query_plan(working_keyspace, query), self._session, self._errors)


def ready_hosts(plan: Iterable[Any], session: Any, errors: dict[Any, Exception]) -> Iterator[Any]:
    """The hosts of a plan that can be sent to, decided when it is their turn; each other one gets its error."""
    pools = session._pools  # noqa: SLF001 - no public way
    for host in plan:
        pool = pools.get(host)
        fault = None if pool is None or pool.is_shutdown else _unready_error(pool, session)
        if fault is None:
            yield host
        else:
            errors[host] = fault


_reported_connections: Final[weakref.WeakSet[Any]] = weakref.WeakSet()
"""Closed connections whose pools know it, or will in a moment."""


def _report_closed(pool: Any, connection: Any) -> None:
    """In a thread of the driver: no stream is taken back, but the pool looks at the connection; that may wait."""
    pool.return_connection(connection, stream_was_orphaned=True)


def _connections(pool: Any) -> list[Any]:
    """Those of a pool: one for each shard with scylla-driver, one with cassandra-driver."""
    by_shard = getattr(pool, "_connections", None)
    if by_shard is not None:
        return list(by_shard.values())
    return [pool._connection] if pool._connection else []  # noqa: SLF001 - no public way


def _unready_error(pool: Any, session: Any) -> Exception | None:
    """Why the driver would wait for a connection of this pool, if it would; it takes any open one for a closed one."""
    connections = _connections(pool)
    is_open = not connections  # the driver has an error of its own for that
    for connection in connections:
        if not connection.is_closed:
            if connection.in_flight >= connection.max_request_id:
                return NoConnectionsAvailable("a connection has as many requests in flight as it can have")
            is_open = True
    if is_open:
        return None
    for connection in connections:
        if connection not in _reported_connections:
            _reported_connections.add(connection)
            with contextlib.suppress(RuntimeError):  # the session was closed at this moment
                session.submit(_report_closed, pool, connection)
    return NoConnectionsAvailable("the connection was closed, and is being made again")


def skip_unready_hosts(future: Any) -> None:
    """Before a request is sent: leave out the hosts for which the driver would wait."""
    session, errors = future.session, future._errors  # noqa: SLF001 - no public way
    future._load_balancer = ReadyHostsPolicy(future._load_balancer, session, errors)  # noqa: SLF001
    future.query_plan = ready_hosts(future.query_plan, session, errors)
