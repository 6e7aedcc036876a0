"""Sends executions of prepared statements as `FastRequest`, where nothing of the application needs more.

In: a bound statement. Out: a request that was sent, or None where the session must send it in the ordinary way: because
of settings of the application (listeners, metrics, speculative execution, a protocol handler, legacy mode), or because
the first host of the plan has no connection that is ready.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from scyllamodel.driver._cassandra import (
    EXEC_PROFILE_DEFAULT,
    FETCH_SIZE_UNSET,
    BoundStatement,
    ExecuteMessage,
    NoSpeculativeExecutionPolicy,
    tuple_factory,
)
from scyllamodel.driver.session.deadlines import Deadlines
from scyllamodel.driver.session.decoding import tolerant_rows_handler
from scyllamodel.driver.session.fast_request import FastRequest
from scyllamodel.driver.session.query_plan import unready_error

MAX_TIMEOUTS: Final = 32
"""Different timeouts of requests in flight; requests with others are sent in the ordinary way."""

_LEGACY: Final = 1
_BORROW_SECONDS: Final = 2.0
"""The driver's limit; a connection is borrowed only where one is ready."""


class FastPath:
    """The fast path of one session.

    Parameters:
        session: the driver's.
        listener: of this package; others watch, or change, how a request is sent. A session may have it several times,
            once for each repo.
    """

    def __init__(self, session: Any, listener: Callable[[Any], None]) -> None:
        self._session = session
        self._listener_entry: Final[tuple[Any, ...]] = (listener, (), {})  # as the session has it
        self._deadlines: dict[float, Deadlines] = {}
        self._base_handler: Any = None
        self._handler: Any = None

    def send(self, statement: Any, timeout: float | None, paging_state: bytes | None) -> FastRequest | None:
        """Send a statement.

        Parameters:
            timeout: seconds; None is the application's setting.
            paging_state: where the previous page ended.

        Returns:
            The request, or None where the session must send it.
        """
        session, handler = self._session, self._current_handler()
        profile = session.cluster.profile_manager.profiles.get(EXEC_PROFILE_DEFAULT)
        if handler is None or not self._is_plain(session, profile, statement):
            return None
        if timeout is None:
            timeout = profile.request_timeout
        deadlines = None
        if timeout is not None:
            deadlines = self._deadlines.get(timeout) or self._new_deadlines(timeout)
            if deadlines is None:
                return None
        start_seconds = time.time()
        host = next(iter(profile.load_balancing_policy.make_query_plan(session.keyspace, statement)), None)
        pool = session._pools.get(host)  # noqa: SLF001 - no public API
        if pool is None or pool.is_shutdown:
            return None
        token = self._token(statement) if pool.host.sharding_info is not None else None
        metadata, message = self._message(statement, profile, paging_state)
        if pool.supports_tablet_routing:
            message.tablet_version_block = session._compute_tablet_version_block(  # noqa: SLF001
                statement, statement.routing_key, token
            )
        borrowed = self._borrow(pool, statement, token)
        if borrowed is None:
            return None
        request = FastRequest(
            session, profile, statement, message,
            handler=handler, metadata=metadata, timeout=timeout, start_seconds=start_seconds,
        )  # fmt: skip
        request.begin(host, pool, *borrowed)
        if deadlines is not None:
            request.limit(deadlines)
        return request.send()

    def _current_handler(self) -> Any:
        """Return the handler of rows for the session's current one, or None where it decodes in its own way."""
        base = self._session.client_protocol_handler
        if base is not self._base_handler:
            handler = tolerant_rows_handler(base)
            self._handler = handler if getattr(handler, "marks_plain", False) else None
            self._base_handler = base
        return self._handler

    def _is_plain(self, session: Any, profile: Any, statement: Any) -> bool:
        """Whether nothing of the application watches, or changes, how this statement is sent."""
        listeners = session._request_init_callbacks  # noqa: SLF001 - no public API
        return (
            session.cluster._config_mode != _LEGACY  # noqa: SLF001
            and profile is not None
            and listeners.count(self._listener_entry) == len(listeners)
            and session._metrics is None  # noqa: SLF001
            and profile.continuous_paging_options is None
            and isinstance(statement, BoundStatement)
            and statement.internal_row_factory is tuple_factory
            and not statement.custom_payload
            and not (
                statement.is_idempotent
                and profile.speculative_execution_policy.__class__ is not NoSpeculativeExecutionPolicy
            )
        )

    def _new_deadlines(self, timeout: float) -> Deadlines | None:
        """Make the deadlines of a timeout; the first request of a statement has what is left after its preparation."""
        if len(self._deadlines) >= MAX_TIMEOUTS:
            self._deadlines = {seconds: one for seconds, one in self._deadlines.copy().items() if not one.is_idle}
            if len(self._deadlines) >= MAX_TIMEOUTS:
                return None
        create_timer = self._session.cluster.connection_class.create_timer
        return self._deadlines.setdefault(timeout, Deadlines(create_timer, timeout))

    def _borrow(self, pool: Any, statement: Any, token: Any) -> tuple[Any, int] | None:
        """Take a stream of a connection that is ready, or None."""
        connections = list(pool._connections.values())  # noqa: SLF001
        if len(connections) != 1 or pool.host.sharding_info is not None:
            return self._borrow_of_shard(pool, statement, token)
        connection = connections[0]
        with connection.lock:
            if (
                connection.is_closed
                or connection.is_defunct
                or connection.orphaned_threshold_reached
                or not connection._socket_writable  # noqa: SLF001
                or connection.in_flight >= connection.max_request_id
            ):
                return None
            connection.in_flight += 1
            return connection, connection.get_request_id()

    def _borrow_of_shard(self, pool: Any, statement: Any, token: Any) -> tuple[Any, int] | None:
        """Take a stream of the connection to the shard that has the row."""
        if unready_error(pool, self._session) is not None:
            return None
        try:
            borrowed: tuple[Any, int] = pool.borrow_connection(
                _BORROW_SECONDS, statement.routing_key, statement.keyspace, statement.table, token
            )
        except Exception:  # noqa: BLE001 - the driver raises it again, or takes another host
            return None
        return borrowed

    def _token(self, statement: Any) -> Any:
        """Return the token of the partition, or None."""
        metadata = self._session.cluster.metadata
        if statement.routing_key is None or metadata.token_map is None or not metadata.can_support_partitioner():
            return None
        return metadata.token_map.token_class.from_key(statement.routing_key)

    def _message(self, statement: Any, profile: Any, paging_state: bytes | None) -> tuple[Any, Any]:
        """Make the driver's message, as ``Session.execute_async`` does; also return the metadata it refers to."""
        session, prepared = self._session, statement.prepared_statement
        metadata, metadata_id = prepared.result_metadata_and_id
        consistency, serial = statement.consistency_level, statement.serial_consistency_level
        fetch_size = statement.fetch_size
        message = ExecuteMessage(
            prepared.query_id,
            statement.values,
            profile.consistency_level if consistency is None else consistency,
            profile.serial_consistency_level if serial is None else serial,
            session.default_fetch_size if fetch_size is FETCH_SIZE_UNSET else fetch_size,
            paging_state,
            session.cluster.timestamp_generator() if session.use_client_timestamp else None,
            skip_meta=bool(metadata) and metadata_id is not None,
            result_metadata_id=metadata_id,
        )
        return metadata, message
