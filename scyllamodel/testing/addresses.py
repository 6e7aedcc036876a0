"""Replaces the address of a node in its responses by that of the proxy, so that drivers do not bypass it.

*In*: frames of responses. *Out*: frames with the address of the proxy. A driver connects to the address that a node
reports in ``system.local``, and to the shard-aware port that ScyllaDB offers.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterator
from typing import Final

import attrs

from scyllamodel.local.wire import RESULT
from scyllamodel.testing.frames import TRACING, Frame, Request, read_short_bytes, read_string

_LOCAL: Final = re.compile(r"\bFROM\s+system\.local\b", re.IGNORECASE)
_ROWS: Final = 2
_GLOBAL_TABLE, _MORE_PAGES, _NO_METADATA = 1, 2, 4
_ADDRESS: Final = "rpc_address"
_CUSTOM, _LIST, _MAP, _SET, _USER_TYPE, _TUPLE = 0x00, 0x20, 0x21, 0x22, 0x30, 0x31


def replace_address(request: Request | None, response: Frame, ip: str) -> Frame:
    """Replace the address in a row of ``system.local``; other frames are returned unchanged.

    Parameters:
        ip: IPv4 address of the proxy.
    """
    if request is None or response.opcode != RESULT or not _LOCAL.search(request.query):
        return response
    start = 16 if response.flags & TRACING else 0
    (kind,) = struct.unpack_from(">i", response.body, start)
    if kind != _ROWS or struct.unpack_from(">i", response.body, start + 4)[0] & _NO_METADATA:
        return response
    names, offset = _column_names(response.body, start + 4)
    chunks = [response.body[: offset + 4]]
    for name, cell in _cells(response.body, offset, names):
        is_address = name == _ADDRESS and cell is not None
        chunks.append(_encode_cell(socket.inet_aton(ip) if is_address else cell))
    return attrs.evolve(response, body=b"".join(chunks))


def _column_names(body: bytes, offset: int) -> tuple[list[str], int]:
    """Return the names of the columns, and the offset of the row count."""
    flags, count = struct.unpack_from(">ii", body, offset)
    offset += 8
    if flags & _MORE_PAGES:
        (size,) = struct.unpack_from(">i", body, offset)
        offset += 4 + max(size, 0)
    if flags & _GLOBAL_TABLE:
        offset = _skip_two_strings(body, offset)
    columns: list[str] = []
    for _ in range(count):
        if not flags & _GLOBAL_TABLE:
            offset = _skip_two_strings(body, offset)
        name, offset = read_string(body, offset)
        columns.append(name)
        offset = _skip_type(body, offset)
    return columns, offset


def _skip_two_strings(body: bytes, offset: int) -> int:
    return read_string(body, read_string(body, offset)[1])[1]


def _skip_type(body: bytes, offset: int) -> int:
    """Return the offset after the description of a type."""
    (kind,) = struct.unpack_from(">H", body, offset)
    offset += 2
    if kind == _CUSTOM:
        return read_short_bytes(body, offset)[1]
    if kind in {_LIST, _SET}:
        return _skip_type(body, offset)
    if kind == _MAP:
        return _skip_type(body, _skip_type(body, offset))
    if kind == _USER_TYPE:
        offset = _skip_two_strings(body, offset)
    if kind in {_USER_TYPE, _TUPLE}:
        (count,) = struct.unpack_from(">H", body, offset)
        offset += 2
        for _ in range(count):
            offset = _skip_type(body, read_string(body, offset)[1] if kind == _USER_TYPE else offset)
    return offset


def _cells(body: bytes, offset: int, names: list[str]) -> Iterator[tuple[str, bytes | None]]:
    (rows,) = struct.unpack_from(">i", body, offset)
    offset += 4
    for name in names * rows:
        (size,) = struct.unpack_from(">i", body, offset)
        offset += 4
        yield name, None if size < 0 else body[offset : offset + size]
        offset += max(size, 0)


def _encode_cell(value: bytes | None) -> bytes:
    return struct.pack(">i", -1) if value is None else struct.pack(">i", len(value)) + value
