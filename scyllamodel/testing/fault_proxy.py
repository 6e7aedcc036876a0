"""A TCP proxy in front of one node that breaks what it is told to break, and knows CQL well enough to choose.

::

    with FaultProxy("127.0.0.1:9042") as proxy:
        repo = cluster.repo("shop", nodes=[proxy.address])
        proxy.swallow_answers(when=lambda request: request.query.startswith("CREATE TABLE"))

The statement then runs on the server while its answer never comes: what a client has to expect from a network.
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
from scyllamodel.testing.links import ProxyConnection

_T = TypeVar("_T")

_TIMEOUT: Final = 10.0
"""Seconds that the proxy's own thread may take for an order; it does nothing that takes long."""


class FaultProxy:
    """A proxy for one node, in a thread of its own, started by `start` or by ``with``.

    Its address answers as the node does, with protocol 3 or 4, without compression and ScyllaDB's port for shard
    awareness, and with its own address for that of the node. A driver that finds other nodes goes around it.

    Parameters:
        target: the node, as ``host:port``.
        listen: where to listen, as ``ip:port``; port 0 is a free one.
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
        """Where clients connect, as ``ip:port``; empty before `start`."""
        self._faults = Faults()

    @property
    def counters(self) -> Counters:
        """What has passed so far, and what has not."""
        return self._faults.counters

    @property
    def requests(self) -> list[Request]:
        """Every request that came, in order."""
        return self._faults.requests

    def start(self) -> None:
        """Listen, by default on a free port of 127.0.0.1."""
        self._thread.start()
        self.address = self._run(self._listen())

    def close(self) -> None:
        """Close everything, and end the thread; closing twice does nothing."""
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
        """Let requests through and keep their answers back, for the next `times` of them (None: until `heal`)."""
        self._add_rule("swallow", times, when)

    def cut_answers(self, times: int | None = 1, *, when: RequestFilter = is_statement) -> None:
        """Let a request through and, when its answer comes, close the connection instead of passing it on."""
        self._add_rule("cut answer", times, when)

    def cut_requests(self, times: int | None = 1, *, when: RequestFilter = is_statement) -> None:
        """Close the connection instead of passing a request on: the server never sees it."""
        self._add_rule("cut request", times, when)

    def delay(self, seconds: float) -> None:
        """Pass each answer on this much later; 0 ends it."""
        self._apply(lambda: setattr(self._faults, "answer_delay", seconds))

    def black_hole(self) -> None:
        """Let nothing through, with connections open and new ones accepted, until `heal` lets all that waits go on."""
        self._apply(self._faults.is_open.clear)

    def cut(self) -> None:
        """Close all connections in good order; new ones are served."""
        self._apply(lambda: self._close_all(reset=False))

    def reset(self) -> None:
        """Reset all connections, as a machine that went down and came back does; new ones are served."""
        self._apply(lambda: self._close_all(reset=True))

    def heal(self) -> None:
        """Forget all faults: from now on everything passes. Swallowed answers stay swallowed."""
        self._apply(self._faults.heal)

    def _add_rule(self, action: FaultAction, times: int | None, when: RequestFilter) -> None:
        self._apply(lambda: self._faults.rules.append(Rule(action, times, when)))

    def _apply(self, update: Callable[[], object]) -> None:
        """Do this in the proxy's thread, and return when it is done, so that the next request meets it."""

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
