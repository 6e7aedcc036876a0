"""Reads and writes the segments of protocol version 5 faster than the driver, and without two faults of it.

The driver computes the checksum of each segment header bit by bit, which costs more than encoding the message in it.
Here it is looked up. The length of a segment that a compressed connection left uncompressed is also corrected: the
driver counts 2 bytes less, and when a read of the socket ends there, it decodes the incomplete segment, fails, and
closes the connection; and it loses the bytes of a header that a read cuts off, with the same result (both seen on
scylla-driver 3.29.12). The format is that of ``native_protocol_v5.spec``, section 2.
"""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from struct import Struct
from typing import Any, Final, NamedTuple
from zlib import crc32

import attrs

_MAX_PAYLOAD: Final = 128 * 1024 - 1
_LENGTH_BITS: Final = 17
_PLAIN_HEADER, _COMPRESSED_HEADER = 3, 5
"""Bytes of a header before its checksum: one length and a flag, or two lengths and a flag."""

_HEADER_CRC_BYTES, _PAYLOAD_CRC_BYTES = 3, 4
MIN_COMPRESSED: Final = 512
"""Bytes of the shortest message that is compressed; the specification leaves it to the sender."""

_FRAME_HEADER: Final = Struct(">BBhBi")
_VERSION_BITS: Final = 0x7F
_CRC24_START, _CRC24_POLYNOMIAL = 0x875060, 0x1974F0B
_CRC32_START: Final = crc32(b"\xfa\x2d\x55\xca")


def _crc24_of_byte(byte: int) -> int:
    crc = byte << 16
    for _ in range(8):
        crc <<= 1
        if crc & 0x1000000:
            crc ^= _CRC24_POLYNOMIAL
    return crc


_CRC24_TABLE: Final = tuple(map(_crc24_of_byte, range(256)))


def _crc24(header: bytes) -> int:
    crc = _CRC24_START
    for byte in header:
        crc = (crc << 8 & 0xFFFFFF) ^ _CRC24_TABLE[crc >> 16 ^ byte]
    return crc


@attrs.define(eq=False)
class _Header:
    """A segment header, with the names that the driver reads.

    Attributes:
        uncompressed_payload_length: 0 if the payload was left uncompressed, -1 on a connection without compression.
        segment_length: from the header to the checksum of the payload.
    """

    payload_length: int
    uncompressed_payload_length: int
    is_self_contained: bool
    segment_length: int


_NOT_ARRIVED: Final = _Header(0, 0, is_self_contained=True, segment_length=1 << 30)


class Frame(NamedTuple):
    """The header of a message, with the names that the driver reads."""

    version: int
    flags: int
    stream: int
    opcode: int


class TableCodec:
    """A codec of the driver whose headers are read and written by table.

    Messages that are shorter than `MIN_COMPRESSED` are sent as they are: compressing them costs more than it saves.

    Parameters:
        codec: of the driver; it compresses, decodes payloads, and writes messages of more than one segment.
    """

    header_length_with_crc = 1
    """When the driver has that many bytes, it reads a header; it drops them if they are fewer than it needs."""

    def __init__(self, codec: Any) -> None:
        self._codec = codec
        self._is_compressed = bool(codec.compression)
        self._header_bytes = _COMPRESSED_HEADER if self._is_compressed else _PLAIN_HEADER
        self._flag_bit = _LENGTH_BITS * 2 if self._is_compressed else _LENGTH_BITS
        self._header_end = self._header_bytes + _HEADER_CRC_BYTES
        self.decode: Any = codec.decode

    def encode(self, buffer: Any, message: bytes) -> None:
        """Write a message."""
        if len(message) > _MAX_PAYLOAD:
            self._codec.encode(buffer, message)
            return
        payload, uncompressed = message, 0
        if self._is_compressed and len(message) >= MIN_COMPRESSED:
            compressed = self._codec.compress(message)
            if len(compressed) < len(message):
                payload, uncompressed = compressed, len(message)
        number = len(payload) | uncompressed << _LENGTH_BITS | 1 << self._flag_bit
        header = number.to_bytes(self._header_bytes, "little")
        buffer.write(
            header
            + _crc24(header).to_bytes(_HEADER_CRC_BYTES, "little")
            + payload
            + crc32(payload, _CRC32_START).to_bytes(_PAYLOAD_CRC_BYTES, "little")
        )

    def decode_header(self, buffer: Any) -> Any:
        """Read the header of one segment; the driver's codec raises its error for a damaged one.

        Returns:
            The header. Of an incomplete one the length is that of a segment that has not arrived.
        """
        start = buffer.tell()
        raw = buffer.read(self._header_end)
        if len(raw) < self._header_end:
            return _NOT_ARRIVED
        number = self._header_number(raw)
        if not number:
            buffer.seek(start)
            return self._codec.decode_header(buffer)
        payload = number & _MAX_PAYLOAD
        uncompressed = number >> _LENGTH_BITS & _MAX_PAYLOAD if self._is_compressed else -1
        length = self._header_end + payload + _PAYLOAD_CRC_BYTES
        return _Header(payload, uncompressed, bool(number >> self._flag_bit & 1), length)

    def _header_number(self, raw: bytes) -> int:
        """Return the lengths and the flag of a header as one number; 0 for a damaged header, or an empty one."""
        header = raw[: self._header_bytes]
        is_sound = int.from_bytes(raw[self._header_bytes :], "little") == _crc24(header)
        return int.from_bytes(header, "little") if is_sound else 0

    def read_messages(self, data: bytes) -> tuple[list[tuple[Frame, bytes]], int]:
        """Read the messages of all segments that are complete and hold whole messages.

        Returns:
            Their headers and bodies, and how many bytes they take. What follows is left to the driver: a part of a
            segment or of a message, or something damaged.
        """
        messages: list[tuple[Frame, bytes]] = []
        position, end, header_end = 0, len(data), self._header_end
        while position + header_end <= end:
            start = position + header_end
            number = self._header_number(data[position:start])
            stop = start + (number & _MAX_PAYLOAD)
            payload, next_position = data[start:stop], stop + _PAYLOAD_CRC_BYTES
            if (
                not number >> self._flag_bit
                or next_position > end
                or int.from_bytes(data[stop:next_position], "little") != crc32(payload, _CRC32_START)
            ):
                break
            if self._is_compressed and (length := number >> _LENGTH_BITS & _MAX_PAYLOAD):
                try:
                    payload = self._codec.decompress(payload, length)
                except Exception:  # noqa: BLE001 - the driver fails with it again, and ends the connection
                    break
            if not _split(payload, messages):
                break
            position = next_position
        return messages, position


def _split(payload: bytes, messages: list[tuple[Frame, bytes]]) -> bool:
    """Append the messages of a payload. False if they are not whole; then none is appended."""
    count, position, end = len(messages), 0, len(payload)
    while position < end:
        start = position + _FRAME_HEADER.size
        if start > end:
            break
        version, flags, stream, opcode, length = _FRAME_HEADER.unpack_from(payload, position)
        position = start + length
        if length < 0 or position > end:
            break
        messages.append((Frame(version & _VERSION_BITS, flags, stream, opcode), payload[start:position]))
    else:
        return True
    del messages[count:]
    return False


@lru_cache(maxsize=8)  # the driver has one codec without compression, and one with
def table_codec(codec: Any) -> Any:
    """Return a faster codec whose segments the driver's reads, and the other way; that one itself where they differ."""
    try:
        faster = TableCodec(codec)
        is_equal = all(_is_equal(codec, faster, size) for size in (1, 40, 1000, _MAX_PAYLOAD + 9))
    except Exception:  # noqa: BLE001 - another driver may raise anything
        return codec
    return faster if is_equal else codec


def _is_equal(codec: Any, faster: TableCodec, size: int) -> bool:
    """Whether both codecs read what the other one writes, which is the same where both compress."""
    message = (bytes(range(251)) * (size // 251 + 1))[:size]
    written, expected = BytesIO(), BytesIO()
    faster.encode(written, message)
    codec.encode(expected, message)
    is_same = written.getvalue() == expected.getvalue() or size < MIN_COMPRESSED
    return is_same and _read(codec, written) == _read(faster, expected) == message


def _read(codec: Any, stream: BytesIO) -> bytes:
    """Read all segments of a stream."""
    payloads: list[bytes] = []
    end = stream.seek(0, 2)
    stream.seek(0)
    while stream.tell() < end:
        payloads.append(codec.decode(stream, codec.decode_header(stream)).payload)
    return b"".join(payloads)
