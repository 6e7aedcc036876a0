"""One driver session, owned or borrowed, used without side effects on the application.

In: a session. Out: requests, sent to one host with dict rows, or by the application's own policies with tuple rows. All
differences travel with the statement or with an unregistered execution profile, so that the application's row factory,
policies, timeouts and registered types are unchanged.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Collection, Generator
from typing import Any, Final

from scyllamodel.driver._cassandra import (
    EXEC_PROFILE_DEFAULT,
    ConsistencyLevel,
    FallthroughRetryPolicy,
    PrepareMessage,
    ResponseFuture,
    Session,
    SimpleStatement,
    dict_factory,
    tuple_factory,
)
from scyllamodel.driver.outcomes import REQUEST_ERRORS
from scyllamodel.driver.session import fork_safety
from scyllamodel.driver.session.deadlines import release_timer
from scyllamodel.driver.session.decoding import tolerant_handler, tolerant_rows_handler
from scyllamodel.driver.session.fast_path import FastPath
from scyllamodel.driver.session.fast_path_check import is_supported
from scyllamodel.driver.session.query_plan import ready_hosts, skip_unready_hosts
from scyllamodel.driver.session.shared_cells import internal_handler
from scyllamodel.schema.server.profile import ServerProfile

_log: Final = logging.getLogger("scyllamodel.driver")

PAGE_SIZE: Final = 5000
"""Rows of one page; all pages are read, whatever the session's page size is."""

_LEGACY: Final = 1
"""The mode of a cluster whose session was given its own timeout, row factory or consistency."""


class _InternalStatement(SimpleStatement):  # type: ignore[misc]  # the driver ships no types
    """An internal statement, recognized by the listener that also sees the application's requests."""

    internal_row_factory: Any = staticmethod(dict_factory)


def _tuples(_names: Any, rows: Any) -> Any:
    """Return rows as they were decoded; those of `tuple_factory` may be damaged, which models handle."""
    return rows


_UNMARKED: Final = object()


def _prepare_request(future: Any) -> None:
    """Set the row factory and protocol handler of an internal request, and exclude hosts for which it would wait.

    Its timer does not keep it; see `scyllamodel.driver.session.deadlines`.

    The attribute ``internal_row_factory`` of a statement is its row factory; None keeps the session's.
    """
    factory = getattr(future.query, "internal_row_factory", _UNMARKED)
    if factory is _UNMARKED:
        return
    handler = tolerant_handler
    if factory is not None:
        future.row_factory = factory
        handler = tolerant_rows_handler if factory is tuple_factory else internal_handler
    future._protocol_handler = handler(future._protocol_handler)  # noqa: SLF001 - a session has one for all requests
    skip_unready_hosts(future)
    release_timer(future)


class _SessionWithTimeout:
    """A session whose default timeout is replaced for one preparation."""

    def __init__(self, session: Any, timeout: float | None) -> None:
        self._session, self.default_timeout = session, timeout

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def prepare_on_all_hosts(self, query: str, excluded_host: Any, keyspace: str | None = None) -> None:
        """Prepare text on the other hosts, without waiting.

        The driver waits for each host up to the default timeout of its session (seen on scylla-driver 3.29.12), so one
        silent node would block the statement for all. A host that does not know a statement reports this when it
        receives it, and the driver prepares it there.
        """
        for host in ready_hosts(tuple(self._session._pools), self._session, {}):  # noqa: SLF001 - no public API
            if host != excluded_host and host.is_up:
                message = PrepareMessage(query=query, keyspace=keyspace)
                ResponseFuture(self, message, None, self.default_timeout)._query(host)  # noqa: SLF001


class Connection:
    """A session, its ownership, and the process that may use it.

    Parameters:
        session: the driver session.
        owned: whether scyllamodel may change and close it.
        label: its name in errors.
        fast_path: whether requests may be sent by `FastPath`, where the driver supports it.

    Attributes:
        server_profiles: the profile of each node, read once.
    """

    def __init__(self, session: Any, *, owned: bool, label: str, fast_path: bool = True) -> None:
        self.owned, self.label = owned, label
        self._uses_fast_path = fast_path
        self.server_profiles: dict[Any, ServerProfile] = {}
        self._session = session
        self._generation = fork_safety.generation()
        self._lock = threading.Lock()
        self._has_listener = False
        self._quiet_depth = 0
        self._is_application_mode = False
        self._fast_path: FastPath | None = None

    @property
    def session(self) -> Any:
        """The driver session.

        Raises:
            ConnectionFailed: the session was opened before this process was forked.
        """
        self.check_not_forked()
        return self._session

    def check_not_forked(self) -> None:
        """Refuse the connection of a parent process.

        Raises:
            ConnectionFailed: the session was opened before this process was forked.
        """
        fork_safety.check_not_forked(self._generation, self.label)

    @property
    def is_inherited(self) -> bool:
        """Whether the session belongs to the parent of this process."""
        return self._generation != fork_safety.generation()

    @property
    def hosts(self) -> list[Any]:
        """The nodes that the driver knows."""
        return list(self.session.cluster.metadata.all_hosts())

    @property
    def connected_hosts(self) -> Collection[Any]:
        """The nodes that the session is connected to."""
        pool_state: Collection[Any] = self.session.get_pool_state()
        return pool_state

    def send(
        self,
        cql: str,
        *,
        host: Any,
        timeout: float,
        page: int = PAGE_SIZE,
        consistency: Any = ConsistencyLevel.ONE,
        serial_consistency: Any = None,
        as_tuples: bool = False,
    ) -> Any:
        """Send text to one host, once: no retry, no second host, no speculation. Returns the driver's future.

        With default policies the driver resends a DDL statement or lightweight transaction to another host when the
        connection is lost (seen on scylla-driver 3.29.12).

        Parameters:
            consistency: the level of a read or write; for a lightweight transaction, of its commit.
            serial_consistency: of a lightweight transaction; None is the session's.
            as_tuples: whether rows are tuples, which take half the time to read, instead of dicts.
        """
        statement = _InternalStatement(
            cql,
            retry_policy=FallthroughRetryPolicy(),
            consistency_level=consistency,
            serial_consistency_level=serial_consistency,
            fetch_size=page,
            is_idempotent=False,  # this also disables speculative execution
        )
        if as_tuples:
            statement.internal_row_factory = _tuples
        return self._session_with_listener().execute_async(statement, timeout=timeout, host=host)

    def rows(self, cql: str, **options: Any) -> list[dict[str, Any]]:
        """Return all rows of a query, from all pages; the options are those of `send`."""
        return list(self.send(cql, **options).result())

    def send_statement(self, statement: Any, *, timeout: float | None = None, paging_state: bytes | None = None) -> Any:
        """Send a statement by the application's own policies, with tuple rows. Returns the driver's future.

        Parameters:
            statement: bound, or a batch, with ``internal_row_factory`` set.
            timeout: seconds; None is the application's setting.
            paging_state: where the previous page ended.
        """
        session = self._session_with_listener()
        if self._fast_path is not None:
            request = self._fast_path.send(statement, timeout, paging_state)
            if request is not None:
                return request
        keywords: dict[str, Any] = {} if timeout is None else {"timeout": timeout}
        return session.execute_async(statement, paging_state=paging_state, **keywords)

    def prepare(self, cql: str, timeout: float | None) -> Any:
        """Prepare text within a timeout; this waits for the server. Returns the driver's prepared statement.

        ``Session.prepare`` takes no timeout, and the session attribute that it uses would switch the session to legacy
        mode.
        """
        return Session.prepare(_SessionWithTimeout(self.session, timeout), cql)

    @property
    def request_timeout(self) -> float | None:
        """Seconds for a request without a timeout, as the driver is configured."""
        session = self.session
        if getattr(session.cluster, "_config_mode", None) == _LEGACY:
            return session.default_timeout  # type: ignore[no-any-return]
        return session.get_execution_profile(EXEC_PROFILE_DEFAULT).request_timeout  # type: ignore[no-any-return]

    def _session_with_listener(self) -> Any:
        """Return the session, with the listener that configures internal requests.

        An execution profile could set the row factory, but not the decoder; and a session with its own row factory or
        default timeout refuses every profile.
        """
        session = self.session
        if not self._has_listener:
            with self._lock:
                if not self._has_listener:
                    session.add_request_init_listener(_prepare_request)
                    self._has_listener = True
        return session

    def application_session(self) -> Any:
        """Return the session for the application, configured on first use; a borrowed one is unchanged.

        Token-aware routing reads the replication of a keyspace from the driver's schema metadata, and an application's
        DDL relies on the driver's wait for agreement. Both slow release work down and serve no purpose there, so they
        are enabled when the application first takes the session.
        """
        session = self.session
        with self._lock:
            if self.owned and not self._is_application_mode:
                self._is_application_mode = True
                self._apply_mode()
                self._refresh_schema()
        return session

    def start_fast_path(self) -> None:
        """Send data requests by the fast path from here on, if the driver passes the test."""
        if self._uses_fast_path and self._fast_path is None:
            session = self._session_with_listener()
            if is_supported(session):
                self._fast_path = FastPath(session, _prepare_request)
                _log.debug("%s: prepared statements are sent by the fast path", self.label)
            else:
                _log.debug("%s: the driver, or a tool that traces it, does not allow the fast path", self.label)

    @contextlib.contextmanager
    def suspend_schema_refresh(self) -> Generator[None]:
        """Suspend the driver's schema refresh and its wait after DDL, on an owned session."""
        self._change_quiet_depth(1)
        try:
            yield
        finally:
            self._change_quiet_depth(-1)

    def refresh_schema_if_used(self) -> None:
        """Refresh the driver's schema metadata after a suspension, if the application uses it."""
        if self.owned and self._is_application_mode and not self._quiet_depth:
            self._refresh_schema()

    def _refresh_schema(self) -> None:
        """Refresh the driver's schema metadata; a failure is logged, and the next schema change refreshes again."""
        try:
            self._session.cluster.refresh_schema_metadata(max_schema_agreement_wait=0)
        except REQUEST_ERRORS as error:
            _log.warning(
                "%s: the driver could not read the schema; requests are sent without it: %s", self.label, error
            )

    def _change_quiet_depth(self, delta: int) -> None:
        with self._lock:
            self._quiet_depth += delta
            if self.owned and self._is_application_mode:
                self._apply_mode()

    def _apply_mode(self) -> None:
        cluster: Any = self._session.cluster
        refreshes_schema = self._is_application_mode and not self._quiet_depth
        cluster.schema_metadata_enabled = refreshes_schema
        cluster.max_schema_agreement_wait = 10 if refreshes_schema else 0

    def close(self) -> None:
        """Shut down an owned cluster; on a borrowed session, remove the listener."""
        if self.is_inherited:
            # Closing the parent's sockets here would disconnect the parent from the server.
            fork_safety.abandoned_objects.append(self._session)
        elif self.owned:
            self._session.cluster.shutdown()
        else:
            self._remove_listener()

    def _remove_listener(self) -> None:
        with self._lock:
            if self._has_listener:
                self._session.remove_request_init_listener(_prepare_request)
                self._has_listener = False
