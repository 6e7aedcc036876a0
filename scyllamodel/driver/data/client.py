"""The client of a repo: its connection, and the requests sent through it, both made on first use.

In: settings, or a session of the application. Out: a `Connection` for release work, and `Requests` for rows. Threads,
and the copies of a repo on other keyspaces, share one client; a forked child makes its own connection, or fails if the
session was borrowed.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
import warnings
import weakref
from typing import Any, Final, cast

from scyllamodel.config import RepoSettings
from scyllamodel.driver.data.instrumentation import QueryInstrumentation
from scyllamodel.driver.data.page_secrets import PageSecrets
from scyllamodel.driver.data.requests import Requests
from scyllamodel.driver.data.single_flight import SingleFlight
from scyllamodel.driver.session import fork_safety
from scyllamodel.driver.session.connect import connect, loop_is_idle, stop_event_loop
from scyllamodel.driver.session.connection import Connection


class Client:
    """The connection of a repo and its requests.

    Parameters:
        settings: of the repo; the keyspace is not used.
        session: a driver session that the application owns; None opens one.

    Attributes:
        settings: of the repo.
        page_secrets: the keys that sign page tokens.
        cached_requests: the requests if there is a connection, or None, so that nothing blocks.
    """

    def __init__(self, settings: RepoSettings, session: Any = None) -> None:
        self.page_secrets = PageSecrets(settings.page_secret)
        self.cached_requests: Requests | None = None
        self.settings = settings
        self._label = f"the driver session of repo {settings.name!r}"
        self._borrowed = None if session is None else self._connection(session, owned=False)
        self._owned: Connection | None = None
        self._single_flight = SingleFlight[Any]()
        _clients.add(self)

    def connection(self) -> Connection:
        """Return the connection, made on first use.

        Raises:
            ConnectionFailed: no server answered properly, or the session was borrowed before this process was forked.
        """
        connection = self._borrowed or self._owned
        if connection is None:
            connection = cast("Connection", self._single_flight.run("connection", self._get_or_connect))
        return connection

    def _get_or_connect(self) -> Connection:
        """Return the connection; a thread that comes just after the first one finds it."""
        if self._owned is None:
            self._owned = self._connection(connect(self.settings), owned=True)
        return self._owned

    def _connection(self, session: Any, *, owned: bool) -> Connection:
        return Connection(session, owned=owned, label=self._label, fast_path=self.settings.fast_path)

    def requests(self) -> Requests:
        """Return the requests of the connection, which is made on first use; raises the errors of `connection`."""
        requests = self.cached_requests
        if requests is None:
            requests = cast("Requests", self._single_flight.run("requests", self._make_requests))
        return requests

    async def requests_async(self) -> Requests:
        """Do what `requests` does, without blocking; all tasks that need a connection wait for one thread."""
        requests = self.cached_requests
        if requests is None:
            requests = cast("Requests", await self._single_flight.run_async("requests", self._make_requests))
        return requests

    def _make_requests(self) -> Requests:
        connection, requests = self.connection(), self.cached_requests
        if requests is None:
            requests = self.cached_requests = Requests(
                connection,
                naive_as_utc=self.settings.naive_datetimes == "utc",
                instrumentation=_instrumentation(self.settings),
            )
            if connection is not (self._borrowed or self._owned):  # closed by another thread meanwhile
                self.cached_requests = None
        return requests

    def close(self) -> None:
        """Close an owned connection, and stop listening on a borrowed one."""
        self._close_owned()
        if self._borrowed is not None:
            self._borrowed.close()

    def _close_owned(self) -> None:
        self._single_flight.wait_for("connection")
        connection, self._owned = self._owned, None
        self.cached_requests = None
        if connection is not None:
            connection.close()

    def __del__(self) -> None:
        connection: Connection | None = getattr(self, "_owned", None)
        if connection is None or connection.is_inherited:
            return
        warnings.warn(f"{connection.label} was not closed", ResourceWarning, source=self, stacklevel=2)
        with contextlib.suppress(RuntimeError):  # the program is ending, and starts no threads
            threading.Thread(target=connection.close, name="scyllamodel", daemon=True).start()

    def reset_after_fork(self) -> None:
        """Reset in a forked child: the session is the parent's, and a thread of the parent may have been connecting."""
        self._single_flight = SingleFlight[Any]()
        self._close_owned()

    def close_at_exit(self) -> None:
        """Close an owned connection; errors have no receiver at exit."""
        with contextlib.suppress(Exception):
            self._close_owned()


def _instrumentation(settings: RepoSettings) -> QueryInstrumentation | None:
    if settings.on_query is None and settings.slow_query is None and not settings.trace_queries:
        return None
    return QueryInstrumentation(settings.on_query, settings.slow_query, spans=settings.trace_queries)


_clients: Final[weakref.WeakSet[Client]] = weakref.WeakSet()


def _reset_in_child() -> None:
    for client in list(_clients):
        client.reset_after_fork()


fork_safety.call_in_child(_reset_in_child)


def _close_at_exit() -> None:
    """Close open clients and stop the driver's event loop, which would delay the exit of half of all programs by 5 s.

    The loop serves all clusters of the process, so it is left to the driver while any other is open.
    """
    for client in list(_clients):
        client.close_at_exit()
    if loop_is_idle():
        stop_event_loop()


atexit.register(_close_at_exit)
