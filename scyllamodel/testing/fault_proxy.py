"""A TCP proxy for one node that injects faults into CQL connections.

::

    with FaultProxy("127.0.0.1:9042") as proxy:
        repo = cluster.repo("shop", nodes=[proxy.address])
        proxy.swallow_answers(when=lambda request: request.query.startswith("CREATE TABLE"))

The statement then runs on the server, and its response never arrives.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Final, TypeVar

from typing_extensions import Self

from scyllamodel.testing.faults import Counters, FaultAction, Faults, RequestFilter, Rule, is_statement
from scyllamodel.testing.frames import Request
from scyllamodel.testing.proxy_connection import ProxyConnection

_T = TypeVar("_T")

_TIMEOUT: Final = 10.0
"""Seconds that an operation of the proxy's thread may take."""


class FaultProxy:
    """A fault proxy for one node, in its own thread; start it with `start` or ``with``.

    It supports protocols 3 and 4, without compression and the shard-aware port of ScyllaDB, and reports its own address
    as that of the node. A driver that discovers other nodes bypasses it.

    Parameters:
        target: address of the node, as ``host:port``.
        listen: address to listen on, as ``ip:port``; port 0 selects a free port.
    """

    def __init__(self, target: str, *, listen: str = "127.0.0.1:0") -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._listen_address = listen
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="scyllamodel-fault-proxy", daemon=True)
        self._server: asyncio.Server | None = None
        self._connections: set[ProxyConnection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.address = ""
        """Address for clients, as ``ip:port``; empty before `start`."""
        self._faults = Faults()

    @property
    def counters(self) -> Counters:
        """Counts of forwarded and dropped messages."""
        return self._faults.counters

    @property
    def requests(self) -> list[Request]:
        """All requests, in order."""
        return self._faults.requests

    def start(self) -> None:
        """Listen, by default on a free port of 127.0.0.1."""
        self._thread.start()
        self.address = self._run(self._listen())

    def close(self) -> None:
        """Close all connections and end the thread; may be called twice."""
        if not self._thread.is_alive():
            return
        self._run(self._shut_down())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_TIMEOUT)
        self._loop.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def swallow_answers(self, times: int | None = None, *, when: RequestFilter = is_statement) -> None:
        """Forward the next `times` requests but drop their responses (None: until `heal`)."""
        self._add_rule("swallow", times, when)

    def cut_answers(self, times: int | None = 1, *, when: RequestFilter = is_statement) -> None:
        """Forward a request, and close the connection when its response arrives."""
        self._add_rule("cut answer", times, when)

    def cut_requests(self, times: int | None = 1, *, when: RequestFilter = is_statement) -> None:
        """Close the connection instead of forwarding a request."""
        self._add_rule("cut request", times, when)

    def delay(self, seconds: float) -> None:
        """Delay each response by this time; 0 removes the delay."""
        self._apply(lambda: setattr(self._faults, "answer_delay", seconds))

    def black_hole(self) -> None:
        """Forward nothing until `heal`; connections stay open and new ones are accepted."""
        self._apply(self._faults.is_open.clear)

    def cut(self) -> None:
        """Close all connections; new ones are served."""
        self._apply(lambda: self._close_all(reset=False))

    def reset(self) -> None:
        """Reset all connections, as a rebooted machine does; new ones are served."""
        self._apply(lambda: self._close_all(reset=True))

    def heal(self) -> None:
        """Remove all faults; dropped responses stay dropped."""
        self._apply(self._faults.heal)

    def _add_rule(self, action: FaultAction, times: int | None, when: RequestFilter) -> None:
        self._apply(lambda: self._faults.rules.append(Rule(action, times, when)))

    def _apply(self, update: Callable[[], object]) -> None:
        """Apply a change in the proxy's thread, and wait until it is done, so that it affects the next request."""

        async def apply_update() -> None:
            update()

        self._run(apply_update())

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_TIMEOUT)

    async def _listen(self) -> str:
        self._faults.is_open.set()
        host, _, port = self._listen_address.rpartition(":")
        self._server = await asyncio.start_server(self._serve, host, int(port))
        ip, port = self._server.sockets[0].getsockname()
        return f"{ip}:{port}"

    async def _shut_down(self) -> None:
        if self._server is not None:
            self._server.close()
        self._close_all(reset=False)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _close_all(self, *, reset: bool) -> None:
        for connection in list(self._connections):
            connection.close(reset=reset)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.counters.connections += 1
        connection = ProxyConnection(self._faults, reader, writer)
        self._connections.add(connection)
        task = asyncio.ensure_future(connection.run(self._target))
        self._tasks.add(task)
        try:
            await asyncio.wait([task])
        finally:
            self._connections.discard(connection)
            self._tasks.discard(task)
