"""The address of a node in its answers, replaced by that of the proxy in front of it.

*In*: frames of answers. *Out*: the same frames, without a way around the proxy. A driver connects to the address that
a node gives for itself in ``system.local``, and to the port for shard awareness that ScyllaDB offers.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterator
from typing import Final

import attrs

from scyllamodel.local.wire import RESULT
from scyllamodel.testing.frames import TRACING, Frame, Request, short_bytes, string

_LOCAL: Final = re.compile(r"\bFROM\s+system\.local\b", re.IGNORECASE)
_ROWS: Final = 2
_GLOBAL_TABLE, _MORE_PAGES, _NO_METADATA = 1, 2, 4
_ADDRESS: Final = "rpc_address"
_CUSTOM, _LIST, _MAP, _SET, _USER_TYPE, _TUPLE = 0x00, 0x20, 0x21, 0x22, 0x30, 0x31


def with_address(asked: Request | None, answer: Frame, ip: str) -> Frame:
    """A row of ``system.local`` with another address; other frames are returned as they are.

    Parameters:
        ip: of the proxy, version 4.
    """
    if asked is None or answer.opcode != RESULT or not _LOCAL.search(asked.query):
        return answer
    start = 16 if answer.flags & TRACING else 0
    (kind,) = struct.unpack_from(">i", answer.body, start)
    if kind != _ROWS or struct.unpack_from(">i", answer.body, start + 4)[0] & _NO_METADATA:
        return answer
    names, at = _names(answer.body, start + 4)
    parts = [answer.body[: at + 4]]
    for name, cell in _cells(answer.body, at, names):
        is_address = name == _ADDRESS and cell is not None
        parts.append(_cell(socket.inet_aton(ip) if is_address else cell))
    return attrs.evolve(answer, body=b"".join(parts))


def _names(body: bytes, at: int) -> tuple[list[str], int]:
    """The names of the columns, and where the number of rows stands."""
    flags, count = struct.unpack_from(">ii", body, at)
    at += 8
    if flags & _MORE_PAGES:
        (size,) = struct.unpack_from(">i", body, at)
        at += 4 + max(size, 0)
    if flags & _GLOBAL_TABLE:
        at = _after_two_strings(body, at)
    names: list[str] = []
    for _ in range(count):
        if not flags & _GLOBAL_TABLE:
            at = _after_two_strings(body, at)
        name, at = string(body, at)
        names.append(name)
        at = _after_type(body, at)
    return names, at


def _after_two_strings(body: bytes, at: int) -> int:
    return string(body, string(body, at)[1])[1]


def _after_type(body: bytes, at: int) -> int:
    """Where the description of a type ends."""
    (kind,) = struct.unpack_from(">H", body, at)
    at += 2
    if kind == _CUSTOM:
        return short_bytes(body, at)[1]
    if kind in {_LIST, _SET}:
        return _after_type(body, at)
    if kind == _MAP:
        return _after_type(body, _after_type(body, at))
    if kind == _USER_TYPE:
        at = _after_two_strings(body, at)
    if kind in {_USER_TYPE, _TUPLE}:
        (count,) = struct.unpack_from(">H", body, at)
        at += 2
        for _ in range(count):
            at = _after_type(body, string(body, at)[1] if kind == _USER_TYPE else at)
    return at


def _cells(body: bytes, at: int, names: list[str]) -> Iterator[tuple[str, bytes | None]]:
    (rows,) = struct.unpack_from(">i", body, at)
    at += 4
    for name in names * rows:
        (size,) = struct.unpack_from(">i", body, at)
        at += 4
        yield name, None if size < 0 else body[at : at + size]
        at += max(size, 0)


def _cell(value: bytes | None) -> bytes:
    return struct.pack(">i", -1) if value is None else struct.pack(">i", len(value)) + value
