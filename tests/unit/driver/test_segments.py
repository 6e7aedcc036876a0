"""The segments of protocol version 5 equal those of the driver, and are read completely."""

from __future__ import annotations

import random
import zlib
from io import BytesIO

import pytest
from cassandra import segment
from cassandra.connection import Connection
from hypothesis import given
from hypothesis import strategies as st

from scyllamodel.driver.session.segments import MIN_COMPRESSED, Frame, TableCodec, table_codec


def compress(data):
    """Compress with the length in front, as the driver's functions for LZ4 do, which not every driver has."""
    return len(data).to_bytes(4, "big") + zlib.compress(data)


def decompress(data):
    """Decompress."""
    return zlib.decompress(data[4:])


PLAIN, COMPRESSED = segment.SegmentCodec(), segment.SegmentCodec(compress, decompress)
CODECS = {"plain": PLAIN, "compressed": COMPRESSED}


def noise(size):
    """Bytes that cannot be compressed."""
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
    """The segments of a message of any size, compressible or not, equal the driver's bytes."""
    message = make(size)
    faster = table_codec(codec)

    assert isinstance(faster, TableCodec)
    is_short = codec is COMPRESSED and size < MIN_COMPRESSED
    assert is_short or written(faster, message) == written(codec, message)


def test_short_messages_are_not_compressed():
    """A message of less than `MIN_COMPRESSED` bytes is sent as it is, and one byte more is compressed."""
    overhead = len(written(COMPRESSED, b""))
    faster = table_codec(COMPRESSED)

    assert len(written(faster, bytes(MIN_COMPRESSED - 1))) == MIN_COMPRESSED - 1 + overhead
    assert len(written(faster, bytes(MIN_COMPRESSED))) < MIN_COMPRESSED


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
@given(data=st.binary(max_size=400))
def test_segments_are_read_back(codec, data):
    """Segments that one codec writes are read by the other one."""
    for writer, reader in ((codec, table_codec(codec)), (table_codec(codec), codec)):
        stream = BytesIO(written(writer, data))
        header = reader.decode_header(stream)
        assert reader.decode(stream, header).payload == data


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
@pytest.mark.parametrize("bit", range(0, 48, 5))
def test_a_damaged_header_is_the_error_of_the_driver(codec, bit):
    """A changed bit in a header is detected."""
    data = bytearray(written(codec, b"abc" * 50))
    data[bit // 8] ^= 1 << bit % 8

    with pytest.raises(segment.CrcException):
        table_codec(codec).decode_header(BytesIO(bytes(data)))


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
@pytest.mark.parametrize("make", [bytes, noise], ids=["zeros", "noise"])
def test_the_length_of_a_segment_is_all_of_it(codec, make):
    """The length of a segment is correct even if it is uncompressed, where the driver's codec is off by 2 bytes."""
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
    """A message is complete however its bytes are split, where the driver's codec breaks for the last 1 or 2 bytes."""
    body = noise(500)
    data = written(codec, b"\x85\0\0\0\x08" + len(body).to_bytes(4, "big") + body)
    wire = Wire(codec)
    wire.receive(data[:-left])
    wire.receive(data[-left:])

    assert (wire.is_defunct, wire.answers == [body]) == ((True, False) if breaks and left <= 2 else (False, True))


@pytest.mark.parametrize("first", range(1, 10))
@pytest.mark.parametrize(("codec", "loses"), [(PLAIN, True), (table_codec(PLAIN), False)])
def test_a_read_may_end_anywhere_in_a_header(codec, loses, first):
    """The driver loses the bytes of a header that a read cuts off, and with them the answer."""
    body = b"the answer"
    data = written(codec, frame(0, body))
    wire = Wire(codec)
    wire.receive(data[:first])
    wire.receive(data[first:])

    assert (wire.answers == [body]) is not (loses and first < 6)


class Other:
    """A codec whose headers end in another byte, as that of another driver may do."""

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
    """A driver with an unexpected codec keeps using it."""
    assert table_codec(codec) is codec


def frame(stream, body):
    """A message of protocol version 5, an answer with rows."""
    return b"\x85\0" + stream.to_bytes(2, "big") + b"\x08" + len(body).to_bytes(4, "big") + body


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
@given(groups=st.lists(st.lists(st.binary(max_size=900), min_size=1, max_size=3), max_size=4), data=st.data())
def test_messages_are_read_from_whole_segments(codec, groups, data):
    """Wherever a read ends, the messages of the whole segments before are read, and the rest is left."""
    segments = [written(codec, b"".join(frame(7, body) for body in bodies)) for bodies in groups]
    received = b"".join(segments)
    cut = data.draw(st.integers(0, len(received)))
    ends = [len(b"".join(segments[:count])) for count in range(len(segments) + 1)]
    whole = sum(end <= cut for end in ends) - 1

    messages, length = table_codec(codec).read_messages(received[:cut])

    assert length == ends[whole]
    assert messages == [(Frame(5, 0, 7, 8), body) for bodies in groups[:whole] for body in bodies]


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
@pytest.mark.parametrize("make", [bytes, noise], ids=["zeros", "noise"])
def test_a_damaged_segment_is_left_to_the_driver(codec, make):
    """A segment with a flipped bit is not read, and the one before it is."""
    first = written(codec, frame(1, b"first"))
    second = written(codec, frame(2, make(40)))
    for bit in range(len(second) * 8):
        damaged = bytearray(second)
        damaged[bit // 8] ^= 1 << bit % 8
        messages, length = table_codec(codec).read_messages(first + bytes(damaged))
        assert (messages, length) == ([(Frame(5, 0, 1, 8), b"first")], len(first))


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_a_message_of_several_segments_is_left_to_the_driver(codec):
    """A segment that is not self-contained is not read."""
    assert table_codec(codec).read_messages(written(codec, frame(1, noise(200_000)))) == ([], 0)


@pytest.mark.parametrize(
    "payload",
    [
        frame(1, b"whole") + b"\x85\0\0",
        frame(1, b"whole") + frame(2, b"cut off")[:-1],
        b"\x85\0\0\1\x08\xff\xff\xff\xff",
    ],
    ids=["header", "body", "negative length"],
)
def test_a_segment_without_whole_messages_is_left_to_the_driver(payload):
    """No message of a segment with a part of a message is read."""
    assert table_codec(PLAIN).read_messages(written(PLAIN, payload)) == ([], 0)


def test_a_payload_that_cannot_be_decompressed_is_left_to_the_driver():
    """The messages before a damaged payload are read."""
    first, second = written(COMPRESSED, frame(1, b"first")), written(COMPRESSED, frame(2, bytes(MIN_COMPRESSED)))

    def fail(_):
        raise ValueError("damaged")

    codec = TableCodec(segment.SegmentCodec(compress, fail))

    assert codec.read_messages(first + second) == ([(Frame(5, 0, 1, 8), b"first")], len(first))
