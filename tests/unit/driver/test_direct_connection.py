"""Messages are sent by the thread that has them, whole and in order, over real sockets."""

from __future__ import annotations

import errno
import gc
import socket
import threading
import weakref
from collections import deque
from io import BytesIO
from types import SimpleNamespace

import pytest
from cassandra.connection import Connection as DriverConnection
from cassandra.io import libevreactor
from cassandra.io.asyncioreactor import AsyncioConnection
from cassandra.io.libevreactor import LibevConnection
from cassandra.segment import SegmentCodec
from hypothesis import given
from hypothesis import strategies as st

from scyllamodel.driver._cassandra import ConnectionShutdown
from scyllamodel.driver.session import fork_safety
from scyllamodel.driver.session.connect import _track_connections
from scyllamodel.driver.session.direct_connection import direct_connection
from scyllamodel.driver.session.held_messages import MAX_BATCH
from scyllamodel.driver.session.segments import table_codec

SIZE = 10_000
"""Bytes of a message of these tests."""


class Notified:
    """The event loop of the driver, which counts how often it is woken up."""

    def __init__(self):
        self.count = 0

    def notify(self):
        """Wake up."""
        self.count += 1


@pytest.fixture
def loop(monkeypatch):
    """The event loop, which runs nothing."""
    notified = Notified()
    monkeypatch.setattr(libevreactor, "_global_loop", notified)
    return notified


@pytest.fixture
def pair():
    """Two connected sockets; the first one does not block."""
    mine, theirs = socket.socketpair()
    mine.setblocking(False)
    mine.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SIZE)
    theirs.settimeout(10)
    with mine, theirs:
        yield mine, theirs


@pytest.fixture
def connection(loop, pair):
    """A connection over the first socket, as it is when its handshake begins."""
    new = object.__new__(direct_connection(LibevConnection))
    new._socket, new.deque, new._deque_lock = pair[0], deque(), threading.Lock()
    new.is_closed = new.is_defunct = False
    new.endpoint, new.last_error, new.lock = "a node", None, threading.RLock()
    new.errors = []
    new.defunct = new.errors.append
    return new


def received(pair, length):
    """What arrives on the other side."""
    data = b""
    while len(data) < length:
        data += pair[1].recv(1 << 16)
    return data


def fill(connection):
    """Push messages until the socket is full; return their number."""
    number = 0
    while not connection.deque:
        connection.push(b"%06d" % number + b"." * (SIZE - 6))
        number += 1
    return number


def test_a_message_is_sent_at_once(connection, pair, loop):
    """The event loop is not woken up for it."""
    connection.push(b"message")

    assert (received(pair, 7), loop.count, list(connection.deque)) == (b"message", 0, [])


def test_what_a_full_socket_does_not_take_is_sent_by_the_event_loop(connection, pair, loop):
    """The loop is woken up for the rest, and sends the messages in their order."""
    number = fill(connection)
    assert loop.count == 1
    connection.push(b"the last one")
    expected = b"".join(b"%06d" % at + b"." * (SIZE - 6) for at in range(number)) + b"the last one"

    data = b""
    while connection.deque:
        connection.handle_write(None, 0)
        data += pair[1].recv(1 << 20)

    assert data + received(pair, len(expected) - len(data)) == expected
    assert connection._socket_writable


def test_a_full_socket_makes_the_connection_busy(connection, pair):
    """The driver refuses requests while the event loop cannot send what waits."""
    fill(connection)
    connection.handle_write(None, 0)

    assert (connection._socket_writable, connection.errors) == (False, [])


def test_callbacks_of_a_read_send_together(connection, pair, loop, monkeypatch):
    """What they push goes out when the read ends, in order, and the loop is not woken up."""
    waiting = []

    def read(self, *_):
        for text in (b"a", b"b", b"c"):
            self.push(text)
        waiting.extend(self.deque)

    monkeypatch.setattr(LibevConnection, "handle_read", read)
    connection.handle_read(None, 0)

    assert (waiting, received(pair, 3), loop.count) == ([b"a", b"b", b"c"], b"abc", 0)
    connection.push(b"d")
    assert received(pair, 1) == b"d"


def test_a_long_read_sends_in_between(connection, pair, monkeypatch):
    """The server has something to do before all answers of a long read are decoded."""
    arrived = []

    def read(self, *_):
        for _ in range(MAX_BATCH):
            self.push(b"x")
        arrived.append(pair[1].recv(1000))

    monkeypatch.setattr(LibevConnection, "handle_read", read)
    connection.handle_read(None, 0)

    assert arrived == [b"x" * MAX_BATCH]


def test_another_thread_sends_during_a_read(connection, pair, monkeypatch):
    """Only what the reading thread sends waits for the end of the read."""
    arrived = []

    def read(self, *_):
        thread = threading.Thread(target=self.push, args=(b"other",))
        thread.start()
        thread.join()
        arrived.append(pair[1].recv(1000))

    monkeypatch.setattr(LibevConnection, "handle_read", read)
    connection.handle_read(None, 0)

    assert arrived == [b"other"]


def test_messages_of_many_threads_stay_whole(connection, pair, monkeypatch):
    """Eight threads push, the loop writes what is left, and each message arrives in one piece."""
    count = 50

    def push(letter):
        for _ in range(count):
            connection.push(bytes([letter]) * SIZE)

    threads = [threading.Thread(target=push, args=(letter,)) for letter in b"abcdefgh"]
    is_over = threading.Event()

    def write():
        while not is_over.is_set() or connection.deque:
            connection.handle_write(None, 0)

    writer = threading.Thread(target=write)
    for thread in (*threads, writer):
        thread.start()
    data = received(pair, len(threads) * count * SIZE)
    is_over.set()
    for thread in (*threads, writer):
        thread.join(10)

    messages = [data[at : at + SIZE] for at in range(0, len(data), SIZE)]
    assert all(message == message[:1] * SIZE for message in messages)
    assert sorted(message[:1] for message in messages) == sorted(bytes([letter]) for letter in b"abcdefgh" * count)


def test_a_broken_socket_ends_the_connection_in_the_event_loop(connection, pair, loop):
    """The thread that sends gets no error: the driver fails the request, as it does for a message that waits."""
    pair[1].close()
    connection.push(b"message")
    assert (loop.count, connection.errors) == (1, [])

    connection.handle_write(None, 0)

    assert [type(error) for error in connection.errors] == [BrokenPipeError]


def test_nothing_is_sent_once_a_connection_is_closed(connection, pair, monkeypatch):
    """The number of its socket may be that of another connection soon."""
    monkeypatch.setattr(LibevConnection, "close", lambda self: setattr(self, "is_closed", True))
    connection.close()
    connection.push(b"message")
    connection.handle_write(None, 0)

    pair[0].close()
    assert pair[1].recv(100) == b""


def test_closing_waits_for_a_thread_that_sends(connection, monkeypatch):
    """The driver closes the socket only after ``close`` has begun, and no thread is in ``send`` then."""
    order = []
    monkeypatch.setattr(LibevConnection, "close", lambda _: order.append("closed"))
    with connection._deque_lock:
        thread = threading.Thread(target=connection.close)
        thread.start()
        thread.join(0.1)
        order.append("sent")
    thread.join(10)

    assert order == ["sent", "closed"]


class Socket:
    """A socket that calls a function each time it has sent something."""

    def __init__(self, real, after):
        self.real, self.after = real, after

    def send(self, data):
        """Send, and call the function."""
        length = self.real.send(data)
        self.after()
        return length


def test_an_interrupted_send_ends_the_connection(connection, pair, loop):
    """Ctrl-C may hide how much was sent: nothing is sent twice or after it, and the event loop ends the connection."""

    def interrupt():
        connection._socket = pair[0]
        raise KeyboardInterrupt

    connection._socket = Socket(pair[0], interrupt)
    with pytest.raises(KeyboardInterrupt):
        connection.push(b"one")
    assert connection.deque  # without a waiting message the event loop would not look at it
    connection.push(b"two")
    connection.handle_write(None, 0)

    assert [type(error) for error in connection.errors] == [ConnectionAbortedError]
    assert loop.count == 2
    pair[0].close()
    assert received_until_end(pair) == b"one"


def received_until_end(pair):
    """All that arrives before the first socket is closed."""
    data = b""
    while part := pair[1].recv(1 << 16):
        data += part
    return data


def test_a_signal_handler_may_send_and_close_during_a_send(connection, pair, monkeypatch):
    """A message of a signal handler goes out after the one being sent, and closing does not wait for its own thread."""
    order = []

    def handle():
        connection._socket = pair[0]
        connection.push(b"inner")
        order.append(list(connection.deque))

    connection._socket = Socket(pair[0], handle)
    connection.push(b"outer")
    assert (order, received(pair, 10)) == ([[b"inner"]], b"outerinner")

    monkeypatch.setattr(LibevConnection, "close", lambda _: order.append("closed"))
    connection._socket = Socket(pair[0], connection.close)
    connection.push(b"last")
    assert (order[-1], received(pair, 4)) == ("closed", b"last")


def test_the_event_loop_does_not_wait_for_a_thread_that_sends(connection, loop):
    """A signal handler in the middle of a send may wait for an answer, which only the event loop can read."""
    connection.deque.append(b"message")
    with connection._deque_lock:
        connection.handle_write(None, 0)

    assert (list(connection.deque), connection.errors) == ([b"message"], [])


@pytest.mark.parametrize("base", [AsyncioConnection, SimpleNamespace])
def test_other_connection_classes_are_left_as_they_are(base):
    """Only that of libev is known."""
    assert direct_connection(base) is base


def test_a_connection_class_with_other_methods_is_left_as_it_is(monkeypatch):
    """A driver whose ``push`` has another parameter sends as it does."""

    class Other(LibevConnection):
        def push(self, data, urgent):
            """Send."""

    monkeypatch.setattr(libevreactor, "LibevConnection", Other)

    assert direct_connection(Other) is Other


class Received(direct_connection(LibevConnection)):
    """A connection of protocol version 5 that lists the messages it reads."""

    def __init__(self):
        DriverConnection.__init__(self, protocol_version=5)
        self.messages = []
        DriverConnection._enable_checksumming(self)
        self._segment_codec = table_codec(self._segment_codec)

    def process_msg(self, header, body):
        """List the message."""
        self.messages.append((header.version, header.stream, header.opcode, body))

    def close(self):
        """Do nothing, without a socket."""


def answer(stream, size):
    """The segments of one answer."""
    buffer = BytesIO()
    body = bytes([stream]) * size
    SegmentCodec().encode(buffer, b"\x85\0" + stream.to_bytes(2, "big") + b"\x08" + size.to_bytes(4, "big") + body)
    return buffer.getvalue(), (5, stream, 8, body)


@given(sizes=st.lists(st.sampled_from([0, 1, 40, 131_000, 300_000]), max_size=6), data=st.data())
def test_answers_are_read_wherever_the_reads_end(sizes, data):
    """Short ones at once and long ones by the driver, in their order, with nothing lost and nothing twice."""
    segments, expected = [], []
    for stream, size in enumerate(sizes):
        written, message = answer(stream, size)
        segments.append(written)
        expected.append(message)
    received = b"".join(segments)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(received)), max_size=8)))
    connection = Received()

    for start, end in zip([0, *cuts], [*cuts, len(received)], strict=True):
        if start < end:
            connection._iobuf.write(received[start:end])
            connection.process_io_buffer()

    assert connection.messages == expected
    assert (connection._iobuf.tell(), connection._io_buffer.cql_frame_buffer.tell()) == (0, 0)


def test_a_forked_child_sends_nothing(connection, pair, loop, monkeypatch):
    """A child sends nothing on a connection of its parent, also if a thread of the parent was sending at the fork."""
    connection.push(b"before")
    assert received(pair, 6) == b"before"
    connection.deque.append(b"of the parent")
    monkeypatch.setattr(fork_safety, "_generation", [7])
    with connection._deque_lock:
        with pytest.raises(ConnectionShutdown, match="parent"):
            connection.push(b"of the child")
        connection.send_held()
    connection.send_held()
    pair[1].settimeout(0.05)
    with pytest.raises(TimeoutError):
        pair[1].recv(1)

    assert list(connection.deque) == [b"of the parent"]
    assert loop.count == 0


def test_a_connection_knows_the_process_that_opened_it(monkeypatch):
    """A connection that a child opens belongs to the child."""
    monkeypatch.setattr(fork_safety, "_generation", [7])
    opened = object.__new__(direct_connection(LibevConnection))
    monkeypatch.setattr(LibevConnection, "__init__", lambda *_, **__: None)
    opened.__init__("host", protocol_version=5)

    assert opened._generation == 7


class BrokenSocket:
    """A socket whose connection was reset."""

    def recv(self, _):
        """Fail."""
        raise ConnectionResetError(errno.ECONNRESET, "reset by peer")

    def close(self):
        """Do nothing; older drivers close a socket in the thread that notices."""


@pytest.mark.parametrize("make_class", [direct_connection, lambda base: base], ids=["direct", "the driver's"])
def test_a_connection_that_broke_is_freed(make_class, pair, loop):
    """Nothing refers to a connection that broke, not even its error, once the event loop has dropped its watcher."""
    cluster = SimpleNamespace(connection_class=make_class(LibevConnection))
    _track_connections(cluster, weakref.WeakSet())
    loop.connection_destroyed = lambda _: None
    broken = object.__new__(cluster.connection_class)
    broken._socket, broken._requests = BrokenSocket(), {}
    broken.is_closed = broken.is_defunct = False
    broken.endpoint, broken.lock, broken.connected_event = "a node", threading.RLock(), threading.Event()
    broken._deque_lock, broken._continuous_paging_sessions = threading.Lock(), {}
    events = libevreactor.libev.EV_READ
    watcher = libevreactor.libev.IO(pair[0].fileno(), events, libevreactor.libev.Loop(), broken.handle_read)
    broken.handle_read(watcher, events)
    assert isinstance(broken.last_error, ConnectionResetError)
    reference = weakref.ref(broken)
    del broken, watcher
    gc.collect()

    assert reference() is None
