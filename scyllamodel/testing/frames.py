"""CQL frames of protocol 3 and 4 as a proxy sees them: bytes in, requests with their query text out.

A driver that offers protocol 5 is told that it is not supported, as ScyllaDB tells it, and offers 4 next: the segments
of 5 would hide where one answer ends. Compression is taken out of what the server offers, so that text stays readable.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final

import attrs

from scyllamodel.local.wire import ERROR, HEADER, QUERY, RESULT

NEWEST: Final = 4
"""The newest protocol version that passes."""

OPTIONS: Final = 0x05
SUPPORTED: Final = 0x06
PREPARE: Final = 0x09
EXECUTE: Final = 0x0A
BATCH: Final = 0x0D

_NAMES: Final = {
    0x01: "STARTUP",
    OPTIONS: "OPTIONS",
    QUERY: "QUERY",
    PREPARE: "PREPARE",
    EXECUTE: "EXECUTE",
    0x0B: "REGISTER",
    BATCH: "BATCH",
    0x0F: "AUTH_RESPONSE",
}
_SYSTEM: Final = re.compile(r"\bFROM\s+system(_\w+)?\.", re.IGNORECASE)
_PROTOCOL_ERROR: Final = 0x000A
_PREPARED: Final = 4
TRACING: Final = 0x02
_FROM_SERVER: Final = 0x80


@attrs.frozen
class Frame:
    """One frame, as it came.

    Attributes:
        version: protocol version.
        flags: as on the wire.
        stream: which request an answer belongs to; negative for events.
        opcode: what it is.
        body: what follows the header.
    """

    version: int
    flags: int
    stream: int
    opcode: int
    body: bytes

    @classmethod
    def of(cls, header: bytes, body: bytes = b"") -> Frame:
        """The frame of a header and the body that was read for it."""
        version, flags, stream, opcode, _ = HEADER.unpack(header)
        return cls(version & ~_FROM_SERVER, flags, stream, opcode, body)

    def to_bytes(self, *, from_server: bool) -> bytes:
        """The frame for the wire."""
        version = self.version | (_FROM_SERVER if from_server else 0)
        return HEADER.pack(version, self.flags, self.stream, self.opcode, len(self.body)) + self.body


@attrs.frozen
class Request:
    """One request that a client sent.

    Attributes:
        kind: ``QUERY``, ``PREPARE``, ``EXECUTE``, ``BATCH``; ``STARTUP`` and others while a connection is set up.
        query: its CQL text; for EXECUTE that of the prepared statement, for BATCH all of them, joined by ``;``.
    """

    kind: str
    query: str

    @property
    def is_statement(self) -> bool:
        """Whether it runs a statement of the application: drivers themselves read the system keyspaces."""
        return self.kind in {"QUERY", "EXECUTE", "BATCH"} and not _SYSTEM.search(self.query)


class Statements:
    """The texts of prepared statements, learned from the answers to PREPARE; shared by all connections."""

    def __init__(self) -> None:
        self._texts: dict[bytes, str] = {}

    def request(self, frame: Frame) -> Request:
        """What a client's frame asks for; an empty text where it has none, or one that was prepared elsewhere."""
        return Request(_NAMES.get(frame.opcode, f"0x{frame.opcode:02X}"), self._text(frame))

    def _text(self, frame: Frame) -> str:
        body = frame.body
        if frame.opcode in {QUERY, PREPARE}:
            return _long_string(body, 0)[0]
        if frame.opcode == EXECUTE:
            return self._texts.get(short_bytes(body, 0)[0], "")
        if frame.opcode == BATCH:
            return "; ".join(self._batch(body))
        return ""

    def _batch(self, body: bytes) -> Iterator[str]:
        (count,) = struct.unpack_from(">H", body, 1)
        at = 3
        for _ in range(count):
            prepared = body[at]
            if prepared:
                statement, at = short_bytes(body, at + 1)
                yield self._texts.get(statement, "")
            else:
                text, at = _long_string(body, at + 1)
                yield text
            at = _after_values(body, at)

    def learn(self, asked: Request, answer: Frame) -> None:
        """Remember the text of a statement that was prepared just now."""
        if asked.kind == "PREPARE" and answer.opcode == RESULT:
            at = 16 if answer.flags & TRACING else 0
            (kind,) = struct.unpack_from(">i", answer.body, at)
            if kind == _PREPARED:
                self._texts[short_bytes(answer.body, at + 4)[0]] = asked.query


def unsupported(frame: Frame) -> Frame:
    """The answer to a version that is too new; drivers look for these words and offer an older one."""
    message = f"Invalid or unsupported protocol version ({frame.version}); highest supported version is {NEWEST}"
    text = message.encode()
    body = struct.pack(">iH", _PROTOCOL_ERROR, len(text)) + text
    return Frame(NEWEST, 0, frame.stream, ERROR, body)


_SHARD_AWARE: Final = ("SCYLLA_SHARD_AWARE_PORT", "SCYLLA_SHARD_AWARE_PORT_SSL")


def without_ways_around(answer: Frame) -> Frame:
    """A SUPPORTED answer that offers no compression and no other port; other frames are returned as they are."""
    if answer.opcode != SUPPORTED:
        return answer
    (count,) = struct.unpack_from(">H", answer.body)
    parts, at = list[bytes](), 2
    for _ in range(count):
        name, after = string(answer.body, at)
        end = _after_strings(answer.body, after)
        if name not in _SHARD_AWARE:
            parts.append(answer.body[at:after] + (b"\0\0" if name == "COMPRESSION" else answer.body[after:end]))
        at = end
    return attrs.evolve(answer, body=struct.pack(">H", len(parts)) + b"".join(parts))


def string(body: bytes, at: int) -> tuple[str, int]:
    """A text with its length before it, and where it ends."""
    found, after = short_bytes(body, at)
    return found.decode(), after


def _after_strings(body: bytes, at: int) -> int:
    (count,) = struct.unpack_from(">H", body, at)
    at += 2
    for _ in range(count):
        _, at = string(body, at)
    return at


def short_bytes(body: bytes, at: int) -> tuple[bytes, int]:
    """Bytes with their length before them, and where they end."""
    (size,) = struct.unpack_from(">H", body, at)
    return body[at + 2 : at + 2 + size], at + 2 + size


def _long_string(body: bytes, at: int) -> tuple[str, int]:
    (size,) = struct.unpack_from(">i", body, at)
    return body[at + 4 : at + 4 + size].decode(errors="replace"), at + 4 + size


def _after_values(body: bytes, at: int) -> int:
    """Where the values of one statement of a batch end; a negative size means null or unset, with nothing after it."""
    (count,) = struct.unpack_from(">H", body, at)
    at += 2
    for _ in range(count):
        (size,) = struct.unpack_from(">i", body, at)
        at += 4 + max(size, 0)
    return at
