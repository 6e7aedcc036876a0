"""Finds out whether the installed driver has what the fast path uses.

In: a session. Out: whether `FastPath` may send its requests. The driver's private names, their parameters and the state
of its request objects are compared with those that this package was written for, and a request makes a round trip on a
connection without a server.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from scyllamodel.driver._cassandra import (
    DriverConnection,
    ExecuteMessage,
    HostConnection,
    PreparedStatement,
    ProtocolHandler,
    ResponseFuture,
    Session,
    SimpleStatement,
)
from scyllamodel.driver.session.decoding import tolerant_rows_handler
from scyllamodel.driver.session.fast_request import FastRequest

_METHODS: Final[Mapping[Any, Mapping[str, str]]] = {
    ResponseFuture: {
        "_set_result": "self host connection pool response",
        "_set_final_result": "self response",
        "_on_timeout": "self _attempts",
        "_cancel_timer": "self",
        "_query": "self host message cb",
        "_make_query_plan": "self",
        "start_fetching_next_page": "self",
        "send_request": "self error_no_hosts",
    },
    DriverConnection: {
        "send_msg": "self msg request_id cb encoder decoder result_metadata",
        "get_request_id": "self",
    },
    HostConnection: {
        "borrow_connection": "self timeout routing_key keyspace table routing_token",
        "return_connection": "self connection stream_was_orphaned",
    },
    Session: {"_compute_tablet_version_block": "self query routing_key routing_token"},
    ExecuteMessage: {
        "__init__": "self query_id query_params consistency_level serial_consistency_level fetch_size paging_state "
        "timestamp skip_meta continuous_paging_options result_metadata_id tablet_version_block",
    },
}
_SESSION: Final = ("_pools", "_metrics", "_request_init_callbacks", "use_client_timestamp", "default_fetch_size")
_POOL: Final = ("_connections", "_trash", "_stream_available_condition", "is_shutdown", "supports_tablet_routing")
_CONNECTION: Final = (
    "lock", "in_flight", "max_request_id", "request_ids", "_requests", "_socket_writable", "is_closed", "is_defunct",
    "orphaned_threshold_reached", "orphaned_request_ids",
)  # fmt: skip


def is_supported(session: Any) -> bool:
    """Whether the driver of a session has the names and parameters that the fast path uses."""
    try:
        pools = list(session._pools.values())  # noqa: SLF001 - no public API
        connections = [connection for pool in pools for connection in pool._connections.values()]  # noqa: SLF001
        return (
            type(session) is Session
            and not _is_instrumented(session)
            and _has_methods()
            and bool(connections)
            and _has_all([session], _SESSION)
            and all(type(pool) is HostConnection for pool in pools)
            and _has_all(pools, _POOL)
            and _has_all(connections, _CONNECTION)
            and all(hasattr(pool._stream_available_condition, "_waiters") for pool in pools)  # noqa: SLF001
            and not _missing_state(session)
            and _makes_round_trip()
        )
    except Exception:  # noqa: BLE001 - another driver may raise anything
        return False


def _is_instrumented(session: Any) -> bool:
    """Whether a tool such as a tracer replaced the method that sends requests; it would not see those of this package.

    Tools wrap the method of the class or of the session; `functools.wraps` and wrapt set ``__wrapped__``.
    """
    return "execute_async" in vars(session) or hasattr(Session.execute_async, "__wrapped__")


@lru_cache(maxsize=1)
def _has_methods() -> bool:
    return hasattr(PreparedStatement, "result_metadata_and_id") and all(
        " ".join(inspect.signature(getattr(cls, name)).parameters) == parameters
        for cls, methods in _METHODS.items()
        for name, parameters in methods.items()
    )


def _has_all(objects: Iterable[Any], names: Iterable[str]) -> bool:
    return all(hasattr(one, name) for one in objects for name in names)


def _missing_state(session: Any) -> set[str]:
    """Return what a `ResponseFuture` has when it was made, and a `FastRequest` lacks after it took its state."""
    statement = SimpleStatement("SELECT key FROM system.local")
    statement.prepared_statement = None
    future = session._create_response_future(statement, None, False, {}, None)  # noqa: FBT003, SLF001
    profile = session.get_execution_profile(next(iter(session.cluster.profile_manager.profiles)))
    request = FastRequest(
        session, profile, statement, future.message, handler=None, metadata=None, timeout=None, start_seconds=0.0
    )
    request.begin(None, None, None, 0)
    request.take_driver_state()
    of_classes = [_attributes(cls) for cls in type(request).__mro__ if cls is not ResponseFuture]
    return _attributes(future) - _attributes(request).union(*of_classes)


def _attributes(thing: object) -> set[str]:
    return set(vars(thing))


class _LoopbackConnection(DriverConnection):  # type: ignore[misc]  # the driver ships no types
    """A connection of the driver without a socket."""

    def __init__(self) -> None:
        DriverConnection.__init__(self, protocol_version=4)
        self.sent: list[bytes] = []

    def push(self, data: bytes) -> None:
        self.sent.append(data)

    def close(self) -> None:
        self.is_closed = True

    def receive(self, data: bytes) -> None:
        self._iobuf.write(data)
        self.process_io_buffer()


@lru_cache(maxsize=1)
def _makes_round_trip() -> bool:
    """Whether a write that is answered ends, and returns its stream, on a connection without a server."""
    connection = _LoopbackConnection()
    pool = object.__new__(HostConnection)
    pool._connections, pool._trash = {0: connection}, set()
    pool._stream_available_condition = threading.Condition()
    message = ExecuteMessage(b"id", [b"value"], 1)
    handler = tolerant_rows_handler(ProtocolHandler)
    request = FastRequest(None, None, None, message, handler=handler, metadata=[], timeout=None, start_seconds=0.0)
    stream = connection.get_request_id()
    connection.in_flight += 1
    request.begin(None, pool, connection, stream)
    sent = request.send()
    connection.receive(b"\x84\0" + stream.to_bytes(2, "big") + b"\x08\0\0\0\4\0\0\0\1")
    return (
        sent is request
        and len(connection.sent) == 1
        and b"value" in connection.sent[0]
        and request.is_ended
        and request.wait_for_rows() is None
        and not connection.in_flight
        and not connection._requests  # noqa: SLF001
        and stream in connection.request_ids
    )
