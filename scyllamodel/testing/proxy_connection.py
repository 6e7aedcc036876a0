"""One client connection through a fault proxy.

*In*: a client connection, the address of the node, and `Faults`. *Out*: forwarded, delayed or dropped frames.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Final

from scyllamodel.local.wire import HEADER
from scyllamodel.testing.addresses import replace_address
from scyllamodel.testing.faults import FaultAction, Faults
from scyllamodel.testing.frames import MAX_PROTOCOL_VERSION, Frame, Request, unsupported_version, without_bypasses

_LINGER_ZERO: Final = struct.pack("ii", 1, 0)  # close() then sends RST, as a machine that lost its state does


class ProxyConnection:
    """A client connection and its connection to the node."""

    def __init__(self, faults: Faults, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._faults = faults
        self._from_client, self._to_client = reader, writer
        self._to_node: asyncio.StreamWriter | None = None
        self._pending_requests: dict[int, Request] = {}
        self._is_cut = False
        self._ip: str = writer.get_extra_info("sockname")[0]
        """Address at which the client reaches the proxy."""

    async def run(self, target: tuple[str, int]) -> None:
        """Forward frames in both directions until either side closes."""
        try:
            await self._faults.is_open.wait()
            from_node, self._to_node = await asyncio.open_connection(*target)
            directions = [self._forward_requests(self._to_node), self._forward_responses(from_node)]
            tasks = [asyncio.ensure_future(direction) for direction in directions]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        except OSError:
            pass  # the node is down: the client's connection is closed below
        finally:
            self._close()

    def close(self, *, reset: bool = False) -> None:
        """Close both connections, with a reset if requested."""
        if not self._is_cut:
            self._is_cut = True
            self._faults.counters.cut += 1
        if reset:
            client_socket = self._to_client.get_extra_info("socket")
            client_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
            self._to_client.transport.abort()
        self._close()

    def _close(self) -> None:
        self._to_client.close()
        if self._to_node is not None:
            self._to_node.close()

    async def _forward_requests(self, to_node: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                frame = await self._read_frame(self._from_client)
                if frame.version > MAX_PROTOCOL_VERSION:
                    self._to_client.write(unsupported_version(frame).to_bytes(from_server=True))
                elif self._record_request(frame):
                    to_node.write(frame.to_bytes(from_server=False))
                    await to_node.drain()
                else:
                    return self.close()

    def _record_request(self, frame: Frame) -> bool:
        request = self._faults.statements.request(frame)
        self._faults.counters.requests += 1
        self._faults.requests.append(request)
        self._pending_requests[frame.stream] = request
        return self._faults.action_for("cut request", request=request) is None

    async def _forward_responses(self, from_node: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                frame = await self._read_frame(from_node)
                request = self._pending_requests.pop(frame.stream, None)
                action = self._action_for(request, frame)
                if action == "cut answer":
                    return self.close()
                if action == "swallow":
                    self._faults.counters.swallowed += 1
                else:
                    rewritten = replace_address(request, without_bypasses(frame), self._ip)
                    await self._send_response(rewritten.to_bytes(from_server=True))

    def _action_for(self, request: Request | None, response: Frame) -> FaultAction | None:
        if request is None:
            return None  # an event
        self._faults.statements.record(request, response)
        return self._faults.action_for("swallow", "cut answer", request=request)

    async def _send_response(self, content: bytes) -> None:
        self._faults.counters.answers += 1
        if self._faults.answer_delay:
            asyncio.get_running_loop().call_later(self._faults.answer_delay, self._send_if_open, content)
        else:
            self._to_client.write(content)
            await self._to_client.drain()

    def _send_if_open(self, content: bytes) -> None:
        if not self._to_client.is_closing():
            self._to_client.write(content)

    async def _read_frame(self, reader: asyncio.StreamReader) -> Frame:
        """Read the next frame; wait while no message may pass."""
        header = await reader.readexactly(HEADER.size)
        frame = Frame.from_bytes(header, await reader.readexactly(HEADER.unpack(header)[4]))
        await self._faults.is_open.wait()
        return frame
