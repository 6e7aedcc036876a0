"""A minimal client of CQL protocol version 4, without a driver: frames, authentication, one query.

The readiness check of nodes uses it, since only a response proves that a node is up; the fault proxy reads frames.
"""

from __future__ import annotations

import socket
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import attrs

from scyllamodel.local.errors import LocalServerError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

HEADER: Final = struct.Struct(">BBhBi")
"""Version and direction, flags, stream, opcode, length of the body: protocols 3 and 4, and the first frames of 5."""

ERROR: Final = 0x00
STARTUP: Final = 0x01
READY: Final = 0x02
AUTHENTICATE: Final = 0x03
QUERY: Final = 0x07
RESULT: Final = 0x08
AUTH_RESPONSE: Final = 0x0F

_ROWS: Final = 2
_SKIP_METADATA: Final = 0x02
_CONSISTENCY_ONE: Final = 1


class LoginRefused(LocalServerError):
    """The node requires another user name or password, so it is up."""


@attrs.frozen
class Frame:
    """One message: opcode and body."""

    opcode: int
    body: bytes


@attrs.frozen(eq=False)
class Client:
    """A connection that handles one query at a time."""

    _socket: socket.socket

    def query(self, cql: str) -> list[list[bytes | None]]:
        """Execute a query and return the raw cells of each row.

        Raises:
            OSError: the connection broke or timed out.
            LocalServerError: the node responded with an error.
        """
        body = long_string(cql) + struct.pack(">HB", _CONSISTENCY_ONE, _SKIP_METADATA)
        return _rows(self.request(QUERY, body).body)

    def request(self, opcode: int, body: bytes) -> Frame:
        """Send a message and return the response."""
        self._socket.sendall(HEADER.pack(4, 0, 0, opcode, len(body)) + body)
        _, _, _, opcode_received, length = HEADER.unpack(self._receive(HEADER.size))
        frame = Frame(opcode_received, self._receive(length))
        if frame.opcode == ERROR:
            raise LocalServerError(f"The node responded with an error: {frame.body[6:].decode(errors='replace')}")
        return frame

    def _receive(self, size: int) -> bytes:
        received = bytearray()
        while len(received) < size:
            chunk = self._socket.recv(size - len(received))
            if not chunk:
                raise ConnectionResetError("The node closed the connection.")
            received += chunk
        return bytes(received)


@contextmanager
def connect(address: str, port: int, login: tuple[str, str] | None = None, timeout: float = 5.0) -> Generator[Client]:
    """Provide a connected client, authenticated if the node requires it.

    Raises:
        OSError: nothing listens there, or it does not respond within `timeout` seconds.
        RefusedLogin: the node requires another login.
    """
    with socket.create_connection((address, port), timeout) as connection:
        client = Client(connection)
        response = client.request(STARTUP, struct.pack(">H", 1) + string("CQL_VERSION") + string("3.0.0"))
        if response.opcode == AUTHENTICATE:
            _log_in(client, login)
        yield client


def _log_in(client: Client, login: tuple[str, str] | None) -> None:
    if login is None:
        raise LoginRefused("The node requires a user name and a password.")
    token = b"\0" + "\0".join(login).encode()
    try:
        client.request(AUTH_RESPONSE, struct.pack(">i", len(token)) + token)
    except LocalServerError as error:
        raise LoginRefused(str(error)) from error


def string(text: str) -> bytes:
    """Encode a CQL ``[string]``."""
    return struct.pack(">H", len(text.encode())) + text.encode()


def long_string(text: str) -> bytes:
    """Encode a CQL ``[long string]``."""
    return struct.pack(">i", len(text.encode())) + text.encode()


def _rows(body: bytes) -> list[list[bytes | None]]:
    """Return the cells of a RESULT without metadata; no rows for other kinds of result."""
    if struct.unpack_from(">i", body) != (_ROWS,):
        return []
    _flags, columns, count = struct.unpack_from(">iii", body, 4)
    cells = _cells(body[16:])
    return [[next(cells) for _ in range(columns)] for _ in range(count)]


def _cells(remaining: bytes) -> Iterator[bytes | None]:
    while remaining:
        (size,) = struct.unpack_from(">i", remaining)
        yield None if size < 0 else remaining[4 : 4 + size]
        remaining = remaining[4 + max(size, 0) :]
