"""Restricts the query plan of a request to hosts that can be used without waiting.

In: the driver's plan for a request, and its pools. Out: the plan without hosts whose connections are closed or have no
free stream. For those the driver would wait up to 2 seconds in the sending thread, whatever the timeout of the request,
and block an event loop (seen on scylla-driver 3.29.12). An excluded host gets an error. A closed connection is reported
to its pool, which replaces it; the driver notices one only when it sends, or every 10 seconds.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterable, Iterator
from typing import Any, Final

from scyllamodel.driver._cassandra import NoConnectionsAvailable


class ReadyHostsPolicy:
    """A load balancing policy for one request; the driver asks it again for each further page.

    Parameters:
        policy: the application's.
        session: the driver's, which has the pools.
        errors: of the request, by host.
    """

    __slots__ = ("_errors", "_policy", "_session")

    def __init__(self, policy: Any, session: Any, errors: dict[Any, Exception]) -> None:
        self._policy, self._session, self._errors = policy, session, errors

    def make_query_plan(self, working_keyspace: str | None = None, query: Any = None) -> Iterator[Any]:
        """Yield the application's plan, restricted to usable hosts."""
        return ready_hosts(self._policy.make_query_plan(working_keyspace, query), self._session, self._errors)


def ready_hosts(plan: Iterable[Any], session: Any, errors: dict[Any, Exception]) -> Iterator[Any]:
    """Yield the usable hosts of a plan, checked one by one as needed; each other one gets an error."""
    pools = session._pools  # noqa: SLF001 - no public API
    for host in plan:
        pool = pools.get(host)
        fault = None if pool is None or pool.is_shutdown else unready_error(pool, session)
        if fault is None:
            yield host
        else:
            errors[host] = fault


_reported_connections: Final[weakref.WeakSet[Any]] = weakref.WeakSet()
"""Closed connections that their pools know of, or will shortly."""


def _report_closed(pool: Any, connection: Any) -> None:
    """Let the pool check the connection, in a thread of the driver, since it may block; no stream is returned."""
    pool.return_connection(connection, stream_was_orphaned=True)


def _connections(pool: Any) -> list[Any]:
    """Return the connections of a pool: one per shard with scylla-driver, one with cassandra-driver."""
    by_shard = getattr(pool, "_connections", None)
    if by_shard is not None:
        return list(by_shard.values())
    return [pool._connection] if pool._connection else []  # noqa: SLF001 - no public API


def unready_error(pool: Any, session: Any) -> Exception | None:
    """Return why the driver would wait for a connection of this pool, or None; one open connection is enough."""
    connections = _connections(pool)
    is_open = not connections  # the driver has its own error for that
    for connection in connections:
        if not connection.is_closed:
            if connection.in_flight >= connection.max_request_id:
                return NoConnectionsAvailable("a connection has as many requests in flight as it can hold")
            is_open = True
    if is_open:
        return None
    for connection in connections:
        if connection not in _reported_connections:
            _reported_connections.add(connection)
            with contextlib.suppress(RuntimeError):  # the session was just closed
                session.submit(_report_closed, pool, connection)
    return NoConnectionsAvailable("the connection was closed, and is being replaced")


def skip_unready_hosts(future: Any) -> None:
    """Exclude hosts for which the driver would wait, before a request is sent."""
    session, errors = future.session, future._errors  # noqa: SLF001 - no public API
    future._load_balancer = ReadyHostsPolicy(future._load_balancer, session, errors)  # noqa: SLF001
    future.query_plan = ready_hosts(future.query_plan, session, errors)
