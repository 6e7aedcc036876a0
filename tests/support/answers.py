"""The bytes of answers to requests, as servers send them, and their decoding."""

from __future__ import annotations

import struct
import zlib

INT, BIGINT, TEXT, TIMESTAMP, BLOB = b"\0\x09", b"\0\x02", b"\0\x0d", b"\0\x0b", b"\0\x03"
UUID, TIMEUUID = b"\0\x0c", b"\0\x0f"
SET_OF_TEXT, MAP, TUPLE = b"\0\x22" + TEXT, b"\0\x21" + TEXT + INT, b"\0\x31\0\2" + INT + TEXT


def short(text):
    """A text with its length in two bytes."""
    return struct.pack(">H", len(text)) + text


def cell(data):
    """A value with its length; None is null."""
    return struct.pack(">i", -1) if data is None else struct.pack(">i", len(data)) + data


USER_TYPE = b"\0\x30" + short(b"shop") + short(b"place") + b"\0\1" + short(b"city") + TEXT


def answer(columns, rows, *, table=b"orders", state=None, described=True):
    """The body of a page: columns are pairs of a name and the bytes of a type."""
    flags = (1 if described else 4) | (0 if state is None else 2)
    description = short(b"shop") + short(table) + b"".join(short(name) + cql_type for name, cql_type in columns)
    paging = b"" if state is None else cell(state)
    head = struct.pack(">iii", 2, flags, len(columns)) + paging + (description if described else b"")
    return head + struct.pack(">i", len(rows)) + b"".join(cell(value) for row in rows for value in row)


def decode(handler, body, *, flags=0, version=5, user_types=None, bound=None):
    """Decode a body as a connection does."""
    return handler.decode_message(version, None, user_types or {}, 7, flags, 8, body, zlib.decompress, bound or [])
