"""A TCP proxy in front of one node that breaks what it is told to break, and knows CQL well enough to choose.

::

    with FaultProxy("127.0.0.1:9042") as proxy:
        repo = cluster.repo("shop", nodes=[proxy.address])
        proxy.swallow_answers(when=lambda request: request.query.startswith("CREATE TABLE"))

The statement then runs on the server while its answer never comes: what a client has to expect from a network.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Final, Literal, TypeVar

import attrs
from typing_extensions import Self

from scyllamodel.local.wire import HEADER
from scyllamodel.testing.frames import (
    NEWEST,
    Frame,
    Request,
    Statements,
    unsupported,
    without_compression,
)

_T = TypeVar("_T")

_LINGER_ZERO: Final = struct.pack("ii", 1, 0)  # close() then sends RST, as a machine that lost its state does
_PATIENCE: Final = 10.0
"""Seconds that the proxy's own thread may take for an order; it does nothing that takes long."""

When = Callable[[Request], bool]
"""Chooses requests. It runs in the proxy's thread."""


def is_statement(request: Request) -> bool:
    """Choose the application's own statements, not what a driver asks for itself."""
    return request.is_statement


@attrs.define
class _Rule:
    """What to do with a request or its answer, how often, and with which of them."""

    deed: Literal["swallow", "cut answer", "cut request"]
    times: int | None
    when: When

    def takes(self, request: Request) -> bool:
        """Whether it applies to this request; that is one time less that it will."""
        if self.times == 0 or not self.when(request):
            return False
        if self.times is not None:
            self.times -= 1
        return True


@attrs.define
class Counters:
    """What has passed so far, and what has not.

    Attributes:
        connections: accepted.
        requests: from clients, those that were not passed on included.
        answers: passed on to clients, events included.
        swallowed: answers that were kept back.
        cut: connections that were closed or reset by the proxy.
    """

    connections: int = 0
    requests: int = 0
    answers: int = 0
    swallowed: int = 0
    cut: int = 0


class FaultProxy:
    """A proxy for one node, in a thread of its own, started by `start` or by ``with``.

    Its address answers as the node does, with protocol 3 or 4 and without compression. A driver that finds other nodes
    by itself goes around it, as does one that uses ScyllaDB's port for shard awareness.

    Parameters:
        target: the node, as ``host:port``.
    """

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="scyllamodel-fault-proxy", daemon=True)
        self._server: asyncio.Server | None = None
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.address = ""
        """Where clients connect, as ``ip:port``; empty before `start`."""
        self.counters = Counters()
        self.requests: list[Request] = []
        """Every request that came, in order."""
        self.statements = Statements()
        self.rules: list[_Rule] = []
        self.answer_delay = 0.0
        self.open = asyncio.Event()

    def start(self) -> None:
        """Listen on a free port of 127.0.0.1."""
        self._thread.start()
        self.address = self._do(self._listen())

    def close(self) -> None:
        """Close everything, and end the thread; closing twice does nothing."""
        if not self._thread.is_alive():
            return
        self._do(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE)
        self._loop.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def swallow_answers(self, times: int | None = None, *, when: When = is_statement) -> None:
        """Let requests through and keep their answers back, for the next `times` of them (None: until `heal`)."""
        self._add("swallow", times, when)

    def cut_answers(self, times: int | None = 1, *, when: When = is_statement) -> None:
        """Let a request through and, when its answer comes, close the connection instead of passing it on."""
        self._add("cut answer", times, when)

    def cut_requests(self, times: int | None = 1, *, when: When = is_statement) -> None:
        """Close the connection instead of passing a request on: the server never sees it."""
        self._add("cut request", times, when)

    def delay(self, seconds: float) -> None:
        """Pass each answer on this much later; 0 ends it."""
        self._now(lambda: setattr(self, "answer_delay", seconds))

    def black_hole(self) -> None:
        """Let nothing through, with connections open and new ones accepted, until `heal` lets all that waits go on."""
        self._now(self.open.clear)

    def cut(self) -> None:
        """Close all connections in good order; new ones are served."""
        self._now(lambda: self._break_all(reset=False))

    def reset(self) -> None:
        """Reset all connections, as a machine that went down and came back does; new ones are served."""
        self._now(lambda: self._break_all(reset=True))

    def heal(self) -> None:
        """Forget all faults: from now on everything passes. Swallowed answers stay swallowed."""
        self._now(self._heal)

    def _heal(self) -> None:
        self.rules.clear()
        self.answer_delay = 0.0
        self.open.set()

    def _add(self, deed: Literal["swallow", "cut answer", "cut request"], times: int | None, when: When) -> None:
        self._now(lambda: self.rules.append(_Rule(deed, times, when)))

    def _now(self, change: Callable[[], object]) -> None:
        """Do this in the proxy's thread, and return when it is done, so that the next request meets it."""

        async def changed() -> None:
            change()

        self._do(changed())

    def _do(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE)

    async def _listen(self) -> str:
        self.open.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        ip, port = self._server.sockets[0].getsockname()
        return f"{ip}:{port}"

    async def _shut(self) -> None:
        if self._server is not None:
            self._server.close()
        self._break_all(reset=False)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _break_all(self, *, reset: bool) -> None:
        for link in list(self._links):
            link.end(reset=reset)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.counters.connections += 1
        link = _Link(self, reader, writer)
        self._links.add(link)
        task = asyncio.ensure_future(link.run(self._target))
        self._tasks.add(task)
        try:
            await asyncio.wait([task])
        finally:
            self._links.discard(link)
            self._tasks.discard(task)

    def rule(self, *deeds: str, request: Request) -> str | None:
        """What is to be done with this request, or its answer, out of these deeds."""
        return next((rule.deed for rule in self.rules if rule.deed in deeds and rule.takes(request)), None)


class _Link:
    """One client's connection and the one to the node that belongs to it."""

    def __init__(self, proxy: FaultProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._from_client, self._to_client = reader, writer
        self._to_node: asyncio.StreamWriter | None = None
        self._asked: dict[int, Request] = {}
        self._cut = False

    async def run(self, target: tuple[str, int]) -> None:
        """Pass frames both ways until either side closes."""
        try:
            await self._proxy.open.wait()
            from_node, self._to_node = await asyncio.open_connection(*target)
            ways = [self._requests(self._to_node), self._answers(from_node)]
            tasks = [asyncio.ensure_future(way) for way in ways]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        except OSError:
            pass  # the node is down: the client's connection closes below, as it would without us
        finally:
            self._close()

    def end(self, *, reset: bool = False) -> None:
        """Close both connections now, in good order or with a reset."""
        if not self._cut:
            self._cut = True
            self._proxy.counters.cut += 1
        if reset:
            plain = self._to_client.get_extra_info("socket")
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
            self._to_client.transport.abort()
        self._close()

    def _close(self) -> None:
        self._to_client.close()
        if self._to_node is not None:
            self._to_node.close()

    async def _requests(self, to_node: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                frame = await self._frame(self._from_client)
                if frame.version > NEWEST:
                    self._to_client.write(unsupported(frame).to_bytes(from_server=True))
                elif self._passes(frame):
                    to_node.write(frame.to_bytes(from_server=False))
                    await to_node.drain()
                else:
                    return self.end()

    def _passes(self, frame: Frame) -> bool:
        request = self._proxy.statements.request(frame)
        self._proxy.counters.requests += 1
        self._proxy.requests.append(request)
        self._asked[frame.stream] = request
        return self._proxy.rule("cut request", request=request) is None

    async def _answers(self, from_node: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                frame = await self._frame(from_node)
                deed = self._deed(frame)
                if deed == "cut answer":
                    return self.end()
                if deed == "swallow":
                    self._proxy.counters.swallowed += 1
                else:
                    await self._answer(without_compression(frame).to_bytes(from_server=True))

    def _deed(self, answer: Frame) -> str | None:
        request = self._asked.pop(answer.stream, None)
        if request is None:
            return None  # an event
        self._proxy.statements.learn(request, answer)
        return self._proxy.rule("swallow", "cut answer", request=request)

    async def _answer(self, content: bytes) -> None:
        self._proxy.counters.answers += 1
        if self._proxy.answer_delay:
            asyncio.get_running_loop().call_later(self._proxy.answer_delay, self._late, content)
        else:
            self._to_client.write(content)
            await self._to_client.drain()

    def _late(self, content: bytes) -> None:
        if not self._to_client.is_closing():
            self._to_client.write(content)

    async def _frame(self, reader: asyncio.StreamReader) -> Frame:
        """The next frame; while nothing may pass, it waits here."""
        header = await reader.readexactly(HEADER.size)
        frame = Frame.of(header, await reader.readexactly(HEADER.unpack(header)[4]))
        await self._proxy.open.wait()
        return frame
