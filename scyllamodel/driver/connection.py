"""One driver session, ours or lent, and the way we talk through it without leaving a trace on it.

*In*: a session. *Out*: statements sent to one host, each row a dict by column name. What makes our requests different
travels with the statement or with an unregistered execution profile, so that the application's row factory, policies,
timeouts and registered types stay what they are.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Collection, Generator
from typing import TYPE_CHECKING, Any, Final

from scyllamodel.driver import forks
from scyllamodel.driver.decoding import tolerant_handler, tolerant_rows_handler
from scyllamodel.driver.names import (
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
from scyllamodel.driver.query_plan import ready_hosts, skip_unready_hosts
from scyllamodel.driver.request_errors import REQUEST_ERRORS

if TYPE_CHECKING:
    from scyllamodel.driver.requests import Requests
    from scyllamodel.schema.server import ServerProfile

_log: Final = logging.getLogger("scyllamodel.driver")

PAGE_SIZE: Final = 5000
"""Rows of one page; pages are followed, whatever the session's own size is."""

_LEGACY: Final = 1
"""The mode of a cluster whose session was given a timeout, a row factory or a consistency of its own."""


class _InternalStatement(SimpleStatement):  # type: ignore[misc]  # the driver ships no types
    """A statement of ours, told from the application's where both pass one listener."""

    internal_row_factory = staticmethod(dict_factory)


_UNMARKED: Final = object()


def _prepare_request(future: Any) -> None:
    """Before a request of this package is sent: set its row factory and decoder, and leave out hosts that would wait.

    The mark ``internal_row_factory`` of a statement is its row factory; None leaves that of the session.
    """
    factory = getattr(future.query, "internal_row_factory", _UNMARKED)
    if factory is _UNMARKED:
        return
    if factory is not None:
        future.row_factory = factory
    handler = tolerant_rows_handler if factory is tuple_factory else tolerant_handler
    future._protocol_handler = handler(future._protocol_handler)  # noqa: SLF001 - a session has one for all requests
    skip_unready_hosts(future)


class _SessionWithTimeout:
    """A session, for the time of one preparation, whose default timeout is that of a request."""

    def __init__(self, session: Any, timeout: float | None) -> None:
        self._session, self.default_timeout = session, timeout

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def prepare_on_all_hosts(self, query: str, excluded_host: Any, keyspace: str | None = None) -> None:
        """Prepare text on the other hosts, without a wait.

        The driver waits for each of them, for as long as its session's default timeout (seen on scylla-driver 3.29.12),
        so that one silent node keeps all from the statement. A host that does not know a statement says so when it
        receives it, and the driver prepares it then.
        """
        for host in ready_hosts(tuple(self._session._pools), self._session, {}):  # noqa: SLF001 - no public way
            if host != excluded_host and host.is_up:
                message = PrepareMessage(query=query, keyspace=keyspace)
                ResponseFuture(self, message, None, self.default_timeout)._query(host)  # noqa: SLF001


class Connection:
    """A session with the one who must close it, and the process that may use it.

    Parameters:
        session: the driver's.
        owned: whether it is ours to change and to close.
        label: how errors call it.

    Attributes:
        server_profiles: what each node said of itself, so that it is asked once.
        requests: what reads and writes through it, made by the first who does.
    """

    def __init__(self, session: Any, *, owned: bool, label: str) -> None:
        self.owned, self.label = owned, label
        self.server_profiles: dict[Any, ServerProfile] = {}
        self.requests: Requests | None = None
        self._session = session
        self._generation = forks.generation()
        self._lock = threading.Lock()
        self._has_listener = False
        self._quiet_depth = 0
        self._is_application_mode = False

    @property
    def session(self) -> Any:
        """The driver session.

        Raises:
            ConnectionFailed: it was opened before this process was forked.
        """
        self.check_not_forked()
        return self._session

    def check_not_forked(self) -> None:
        """Refuse the connection of a parent process.

        Raises:
            ConnectionFailed: it was opened before this process was forked.
        """
        forks.check_not_forked(self._generation, self.label)

    @property
    def is_inherited(self) -> bool:
        """Whether the session belongs to the parent of this process."""
        return self._generation != forks.generation()

    @property
    def hosts(self) -> list[Any]:
        """The nodes that the driver knows of."""
        return list(self.session.cluster.metadata.all_hosts())

    @property
    def connected_hosts(self) -> Collection[Any]:
        """The nodes that the session has connections to by now."""
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
    ) -> Any:
        """Send text to one host, once: no retry, no second host, no speculation. Returns the driver's future.

        With the driver's default policies a DDL or lightweight transaction whose connection was cut is sent again to
        another host (seen on scylla-driver 3.29.12).

        Parameters:
            consistency: the level of reads and plain writes; of a lightweight transaction that of its commit.
            serial_consistency: that of a lightweight transaction; None leaves it to the session.
        """
        statement = _InternalStatement(
            cql,
            retry_policy=FallthroughRetryPolicy(),
            consistency_level=consistency,
            serial_consistency_level=serial_consistency,
            fetch_size=page,
            is_idempotent=False,  # which also keeps any speculative policy out
        )
        return self._session_with_listener().execute_async(statement, timeout=timeout, host=host)

    def rows(self, cql: str, **options: Any) -> list[dict[str, Any]]:
        """All rows of a query, page after page; parameters as of `send`."""
        return list(self.send(cql, **options).result())

    def send_statement(self, statement: Any, *, timeout: float | None = None, paging_state: bytes | None = None) -> Any:
        """Send a statement of an application by its own policies, its rows as tuples. Returns the driver's future.

        Parameters:
            statement: bound, or a batch, with ``internal_row_factory`` set to what makes its rows.
            timeout: seconds; None is what the application set.
            paging_state: where an earlier page ended.
        """
        keywords: dict[str, Any] = {} if timeout is None else {"timeout": timeout}
        return self._session_with_listener().execute_async(statement, paging_state=paging_state, **keywords)

    def prepare(self, cql: str, timeout: float | None) -> Any:
        """Prepare text within a time; this waits for the server. Returns the driver's prepared statement.

        ``Session.prepare`` takes no timeout, and uses a setting of the session that would put it into legacy mode.
        """
        return Session.prepare(_SessionWithTimeout(self.session, timeout), cql)

    @property
    def request_timeout(self) -> float | None:
        """Seconds that a request may take which names no timeout, as the driver has it."""
        session = self.session
        if getattr(session.cluster, "_config_mode", None) == _LEGACY:
            return session.default_timeout  # type: ignore[no-any-return]
        return session.get_execution_profile(EXEC_PROFILE_DEFAULT).request_timeout  # type: ignore[no-any-return]

    def _session_with_listener(self) -> Any:
        """The session, with a listener that prepares requests of ours for their answers.

        An execution profile could say what makes rows, but not how answers are decoded; and a session that was given a
        row factory or a default timeout refuses every profile.
        """
        session = self.session
        if not self._has_listener:
            with self._lock:
                if not self._has_listener:
                    session.add_request_init_listener(_prepare_request)
                    self._has_listener = True
        return session

    def application_session(self) -> Any:
        """Our own session as the application wants it; a lent one as it is.

        Token-aware routing looks up the replication of a keyspace in the driver's picture of the schema, and an
        application's own DDL expects the driver to wait for agreement. Both cost release work much and serve it
        nothing, so they start with the first one who takes the session.
        """
        session = self.session
        with self._lock:
            if self.owned and not self._is_application_mode:
                self._is_application_mode = True
                self._apply_mode()
                self._refresh_schema()
        return session

    @contextlib.contextmanager
    def suspend_schema_refresh(self) -> Generator[None]:
        """While inside, the driver neither waits nor reads the schema after a DDL, if the cluster is ours."""
        self._change_quiet_depth(1)
        try:
            yield
        finally:
            self._change_quiet_depth(-1)

    def refresh_schema_if_used(self) -> None:
        """Let the driver read what changed while it was quiet, if the application uses its picture of the schema."""
        if self.owned and self._is_application_mode and not self._quiet_depth:
            self._refresh_schema()

    def _refresh_schema(self) -> None:
        """Let the driver read the schema, which only its routing by token needs; it reads again at the next change."""
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
        """End our own cluster; a lent session gets back the one thing that was added to it."""
        if self.is_inherited:
            # Closing the parent's sockets from here would tell the server that the parent is gone.
            forks.abandoned_objects.append(self._session)
        elif self.owned:
            self._session.cluster.shutdown()
        else:
            self._remove_listener()

    def _remove_listener(self) -> None:
        with self._lock:
            if self._has_listener:
                self._session.remove_request_init_listener(_prepare_request)
                self._has_listener = False
