"""CQL frames of protocols 3 and 4, and the text of requests.

Protocol 5 is refused as ScyllaDB refuses it, and drivers then use 4, since the segments of 5 hide the ends of
responses. Compression is removed from the options that the server offers, so that text stays readable.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final

import attrs

from scyllamodel.local.wire import ERROR, HEADER, QUERY, RESULT

MAX_PROTOCOL_VERSION: Final = 4
"""The newest supported protocol version."""

OPTIONS: Final = 0x05
SUPPORTED: Final = 0x06
PREPARE: Final = 0x09
EXECUTE: Final = 0x0A
BATCH: Final = 0x0D

_OPCODE_NAMES: Final = {
    0x01: "STARTUP",
    OPTIONS: "OPTIONS",
    QUERY: "QUERY",
    PREPARE: "PREPARE",
    EXECUTE: "EXECUTE",
    0x0B: "REGISTER",
    BATCH: "BATCH",
    0x0F: "AUTH_RESPONSE",
}
_SYSTEM_TABLE: Final = re.compile(r"\bFROM\s+system(_\w+)?\.", re.IGNORECASE)
_PROTOCOL_ERROR: Final = 0x000A
_PREPARED: Final = 4
TRACING: Final = 0x02
_FROM_SERVER: Final = 0x80


@attrs.frozen
class Frame:
    """One frame.

    Attributes:
        version: protocol version.
        flags: as on the wire.
        stream: id of the request that a response belongs to; negative for events.
        opcode: kind of message.
        body: content after the header.
    """

    version: int
    flags: int
    stream: int
    opcode: int
    body: bytes

    @classmethod
    def from_bytes(cls, header: bytes, body: bytes = b"") -> Frame:
        """Build a frame from header and body."""
        version, flags, stream, opcode, _ = HEADER.unpack(header)
        return cls(version & ~_FROM_SERVER, flags, stream, opcode, body)

    def to_bytes(self, *, from_server: bool) -> bytes:
        """Return the frame as bytes."""
        version = self.version | (_FROM_SERVER if from_server else 0)
        return HEADER.pack(version, self.flags, self.stream, self.opcode, len(self.body)) + self.body


@attrs.frozen
class Request:
    """One request of a client.

    Attributes:
        kind: ``QUERY``, ``PREPARE``, ``EXECUTE``, ``BATCH``; ``STARTUP`` and others when a connection is opened.
        query: its CQL text; for EXECUTE that of the prepared statement, for BATCH all of them, joined by ``;``.
    """

    kind: str
    query: str

    @property
    def is_statement(self) -> bool:
        """Whether it runs a statement of the application; drivers read system keyspaces."""
        return self.kind in {"QUERY", "EXECUTE", "BATCH"} and not _SYSTEM_TABLE.search(self.query)


class Statements:
    """Texts of prepared statements, recorded from responses to PREPARE; shared by all connections."""

    def __init__(self) -> None:
        self._texts: dict[bytes, str] = {}

    def request(self, frame: Frame) -> Request:
        """Parse a client's frame; the text is empty if it has none or was prepared elsewhere."""
        return Request(_OPCODE_NAMES.get(frame.opcode, f"0x{frame.opcode:02X}"), self._text(frame))

    def _text(self, frame: Frame) -> str:
        body = frame.body
        if frame.opcode in {QUERY, PREPARE}:
            return _read_long_string(body, 0)[0]
        if frame.opcode == EXECUTE:
            return self._texts.get(read_short_bytes(body, 0)[0], "")
        if frame.opcode == BATCH:
            return "; ".join(self._batch(body))
        return ""

    def _batch(self, body: bytes) -> Iterator[str]:
        (count,) = struct.unpack_from(">H", body, 1)
        offset = 3
        for _ in range(count):
            prepared = body[offset]
            if prepared:
                statement, offset = read_short_bytes(body, offset + 1)
                yield self._texts.get(statement, "")
            else:
                text, offset = _read_long_string(body, offset + 1)
                yield text
            offset = _skip_values(body, offset)

    def record(self, request: Request, response: Frame) -> None:
        """Record the text of a newly prepared statement."""
        if request.kind == "PREPARE" and response.opcode == RESULT:
            offset = 16 if response.flags & TRACING else 0
            (kind,) = struct.unpack_from(">i", response.body, offset)
            if kind == _PREPARED:
                self._texts[read_short_bytes(response.body, offset + 4)[0]] = request.query


def unsupported_version(frame: Frame) -> Frame:
    """Return the response to an unsupported version, with the words that drivers look for."""
    message = f"Invalid or unsupported protocol version ({frame.version}); "
    message += f"highest supported version is {MAX_PROTOCOL_VERSION}"
    text = message.encode()
    body = struct.pack(">iH", _PROTOCOL_ERROR, len(text)) + text
    return Frame(MAX_PROTOCOL_VERSION, 0, frame.stream, ERROR, body)


_SHARD_AWARE_OPTIONS: Final = ("SCYLLA_SHARD_AWARE_PORT", "SCYLLA_SHARD_AWARE_PORT_SSL")


def without_bypasses(response: Frame) -> Frame:
    """Remove compression and other ports from a SUPPORTED response; other frames are returned unchanged."""
    if response.opcode != SUPPORTED:
        return response
    (count,) = struct.unpack_from(">H", response.body)
    chunks, offset = list[bytes](), 2
    for _ in range(count):
        name, value_offset = read_string(response.body, offset)
        next_offset = _skip_string_list(response.body, value_offset)
        if name not in _SHARD_AWARE_OPTIONS:
            chunks.append(
                response.body[offset:value_offset]
                + (b"\0\0" if name == "COMPRESSION" else response.body[value_offset:next_offset])
            )
        offset = next_offset
    return attrs.evolve(response, body=struct.pack(">H", len(chunks)) + b"".join(chunks))


def read_string(body: bytes, offset: int) -> tuple[str, int]:
    """Read a text that follows its length; return the offset after it too."""
    encoded, end = read_short_bytes(body, offset)
    return encoded.decode(), end


def _skip_string_list(body: bytes, offset: int) -> int:
    (count,) = struct.unpack_from(">H", body, offset)
    offset += 2
    for _ in range(count):
        _, offset = read_string(body, offset)
    return offset


def read_short_bytes(body: bytes, offset: int) -> tuple[bytes, int]:
    """Read bytes that follow their length; return the offset after them too."""
    (size,) = struct.unpack_from(">H", body, offset)
    return body[offset + 2 : offset + 2 + size], offset + 2 + size


def _read_long_string(body: bytes, offset: int) -> tuple[str, int]:
    (size,) = struct.unpack_from(">i", body, offset)
    return body[offset + 4 : offset + 4 + size].decode(errors="replace"), offset + 4 + size


def _skip_values(body: bytes, offset: int) -> int:
    """Skip the values of one statement of a batch; negative sizes mean null or unset."""
    (count,) = struct.unpack_from(">H", body, offset)
    offset += 2
    for _ in range(count):
        (size,) = struct.unpack_from(">i", body, offset)
        offset += 4 + max(size, 0)
    return offset
