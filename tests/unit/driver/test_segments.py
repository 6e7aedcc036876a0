"""The segments of protocol version 5 are those of the driver, and are read whole."""

from __future__ import annotations

import random
import zlib
from io import BytesIO

import pytest
from cassandra import segment
from cassandra.connection import Connection
from hypothesis import given
from hypothesis import strategies as st

from scyllamodel.driver.session.segments import TableCodec, table_codec


def compress(data):
    """Compress with the length in front, as the driver's functions for LZ4 do; not every driver has those."""
    return len(data).to_bytes(4, "big") + zlib.compress(data)


def decompress(data):
    """Decompress."""
    return zlib.decompress(data[4:])


PLAIN, COMPRESSED = segment.SegmentCodec(), segment.SegmentCodec(compress, decompress)
CODECS = {"plain": PLAIN, "compressed": COMPRESSED}


def noise(size):
    """Bytes that no codec makes shorter."""
    return random.Random(size).randbytes(size)


def written(codec, message):
    """The segments of a message."""
    buffer = BytesIO()
    codec.encode(buffer, message)
    return buffer.getvalue()


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
@pytest.mark.parametrize("size", [0, 1, 5, 300, 131_071, 131_072, 400_000])
@pytest.mark.parametrize("make", [bytes, noise], ids=["zeros", "noise"])
def test_segments_equal_those_of_the_driver(codec, size, make):
    """A message of any size, compressible or not, has the bytes that the driver writes."""
    message = make(size)
    faster = table_codec(codec)

    assert isinstance(faster, TableCodec)
    assert written(faster, message) == written(codec, message)


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
@given(data=st.binary(max_size=400))
def test_segments_are_read_back(codec, data):
    """What either codec writes, the other reads."""
    for writer, reader in ((codec, table_codec(codec)), (table_codec(codec), codec)):
        stream = BytesIO(written(writer, data))
        header = reader.decode_header(stream)
        assert reader.decode(stream, header).payload == data


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
@pytest.mark.parametrize("bit", range(0, 48, 5))
def test_a_damaged_header_is_the_error_of_the_driver(codec, bit):
    """A flipped bit of a header is found."""
    data = bytearray(written(codec, b"abc" * 50))
    data[bit // 8] ^= 1 << bit % 8

    with pytest.raises(segment.CrcException):
        table_codec(codec).decode_header(BytesIO(bytes(data)))


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
@pytest.mark.parametrize("make", [bytes, noise], ids=["zeros", "noise"])
def test_the_length_of_a_segment_is_all_of_it(codec, make):
    """Also of a segment that was left uncompressed, whose last 2 bytes the driver's codec does not count."""
    data = written(codec, make(500))
    lengths = [reader.decode_header(BytesIO(data)).segment_length for reader in (table_codec(codec), codec)]

    assert lengths[0] == len(data)
    assert lengths[1] == (len(data) - 2 if codec is COMPRESSED and make is noise else len(data))


class Wire(Connection):
    """A connection of the driver without a socket, whose bytes the test writes."""

    def __init__(self, codec):
        Connection.__init__(self)
        self.compressor = compress
        self._enable_checksumming()
        self._segment_codec = codec
        self.answers = []
        self._requests[0] = (self.answers.append, lambda *arguments: arguments[6], None)

    def close(self):
        """Close nothing."""
        self.is_closed = True

    def receive(self, data):
        """Read bytes from the socket."""
        self._iobuf.write(data)
        self.process_io_buffer()


@pytest.mark.parametrize("left", range(1, 12))
@pytest.mark.parametrize(("codec", "breaks"), [(COMPRESSED, True), (table_codec(COMPRESSED), False)])
def test_a_read_may_end_anywhere_in_a_segment(codec, breaks, left):
    """Where the last bytes come with the next read, the driver's codec breaks the connection at 1 and 2 bytes."""
    body = noise(500)
    data = written(codec, b"\x85\0\0\0\x08" + len(body).to_bytes(4, "big") + body)
    wire = Wire(codec)
    wire.receive(data[:-left])
    wire.receive(data[-left:])

    assert (wire.is_defunct, wire.answers == [body]) == ((True, False) if breaks and left <= 2 else (False, True))


class Other:
    """A codec whose headers end in another byte, as that of another driver may."""

    def __init__(self, codec):
        self.codec = codec

    def __getattr__(self, name):
        return getattr(self.codec, name)

    def encode(self, buffer, message):
        """Write a message."""
        self.codec.encode(buffer, message)
        buffer.write(b"x")


@pytest.mark.parametrize("codec", [Other(PLAIN), object()], ids=["other bytes", "other names"])
def test_a_codec_that_is_not_as_expected_is_kept(codec):
    """A driver with another codec works as it does alone."""
    assert table_codec(codec) is codec
