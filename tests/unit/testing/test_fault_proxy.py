"""The fault proxy in front of a node that a thread simulates."""

from __future__ import annotations

import socketserver
import struct
import threading
import time

import pytest

from scyllamodel.local import wire
from scyllamodel.testing.addresses import replace_address
from scyllamodel.testing.fault_proxy import FaultProxy
from scyllamodel.testing.frames import BATCH, EXECUTE, PREPARE, QUERY, RESULT, SUPPORTED, Frame, Request, Statements

VOID = struct.pack(">i", 1)


class Node(socketserver.BaseRequestHandler):
    """Answers READY to STARTUP, SUPPORTED to OPTIONS, a statement id to PREPARE, and VOID to the rest."""

    def handle(self):
        """Answer each frame, and record its text."""
        try:
            while True:
                version, _, stream, opcode, length = wire.HEADER.unpack(self.read(wire.HEADER.size))
                body = self.read(length)
                self.server.seen.append((opcode, body))
                kind, answer = self.answer(opcode)
                self.request.sendall(wire.HEADER.pack(version | 0x80, 0, stream, kind, len(answer)) + answer)
        except (ConnectionError, EOFError):
            pass

    @staticmethod
    def answer(opcode):
        """The opcode and the body of the answer."""
        if opcode == wire.STARTUP:
            return wire.READY, b""
        if opcode == 0x05:
            ways = names("COMPRESSION", "lz4", "snappy") + names("SCYLLA_SHARD_AWARE_PORT", "19042")
            return SUPPORTED, b"\0\3" + ways + names("CQL_VERSION", "3.4.7")
        if opcode == PREPARE:
            return RESULT, struct.pack(">iH", 4, 2) + b"id"
        return RESULT, VOID

    def read(self, size):
        """Read exactly this number of bytes."""
        received = b""
        while len(received) < size:
            part = self.request.recv(size - len(received))
            if not part:
                raise EOFError
            received += part
        return received


def names(key, *values):
    """One entry of a string multimap."""
    return wire.string(key) + struct.pack(">H", len(values)) + b"".join(wire.string(value) for value in values)


@pytest.fixture
def node():
    """A node that records the requests that it gets."""

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Node) as server:
        server.seen = []
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def proxy(node):
    """A proxy in front of the node."""
    with FaultProxy(f"127.0.0.1:{node.server_address[1]}") as proxy:
        yield proxy


def client(proxy, timeout=0.3):
    """A connection through the proxy, ready for queries."""
    host, _, port = proxy.address.rpartition(":")
    return wire.connect(host, int(port), timeout=timeout)


def seen_texts(node):
    """The texts of the queries that reached the node."""
    return [body[4 : 4 + struct.unpack_from(">i", body)[0]].decode() for opcode, body in node.seen if opcode == QUERY]


def test_everything_passes_at_first(proxy):
    """A query is answered, and both directions are counted."""
    with client(proxy) as connection:
        connection.query("SELECT 1")

    assert (1, 2, 2, 0) == (
        proxy.counters.connections,
        proxy.counters.requests,
        proxy.counters.answers,
        proxy.counters.swallowed,
    )


def test_a_swallowed_answer_is_that_of_a_request_which_ran(proxy, node):
    """The node runs the statement, and the client gets no answer."""
    proxy.swallow_answers(1)
    with client(proxy) as connection, pytest.raises(TimeoutError):
        connection.query("CREATE TABLE t")

    assert (["CREATE TABLE t"], 1) == (seen_texts(node), proxy.counters.swallowed)


def test_exactly_the_requested_answers_are_swallowed(proxy):
    """After the given number of answers the next one is forwarded."""
    proxy.swallow_answers(1)
    with client(proxy) as connection, pytest.raises(TimeoutError):
        connection.query("one")
    with client(proxy) as connection:
        connection.query("two")

    assert 1 == proxy.counters.swallowed


def test_a_choice_by_text_leaves_other_requests_alone(proxy):
    """Only the request that the predicate matches loses its answer."""
    proxy.swallow_answers(when=lambda request: "INSERT" in request.query)
    with client(proxy) as connection:
        connection.query("SELECT 1")
        with pytest.raises(TimeoutError):
            connection.query("INSERT 1")

    assert ["SELECT 1", "INSERT 1"] == [request.query for request in proxy.requests if request.kind == "QUERY"]


def test_queries_of_drivers_are_not_chosen_by_default(proxy):
    """A fault without a predicate does not affect the system queries of a driver."""
    proxy.swallow_answers(1)
    with client(proxy) as connection:
        connection.query("SELECT * FROM system.local WHERE key='local'")
        connection.query("select * from system_schema.tables")

    assert 0 == proxy.counters.swallowed


def test_a_request_that_is_cut_never_reaches_the_node(proxy, node):
    """The connection is closed, and the node does not get the request."""
    proxy.cut_requests()
    with client(proxy) as connection, pytest.raises(ConnectionResetError):
        connection.query("INSERT 1")

    assert [] == seen_texts(node)


def test_an_answer_that_is_cut_closes_the_connection_after_the_request_ran(proxy, node):
    """The node runs the statement, and the connection is closed instead of an answer."""
    proxy.cut_answers()
    with client(proxy) as connection, pytest.raises(ConnectionResetError):
        connection.query("INSERT 1")

    assert ["INSERT 1"] == seen_texts(node)


@pytest.mark.parametrize("fault", ["cut", "reset"])
def test_all_connections_can_be_broken_at_once(proxy, fault):
    """Open connections are closed, and new ones are accepted."""
    with client(proxy) as connection:
        getattr(proxy, fault)()
        with pytest.raises(OSError, match=r"closed|reset|Broken"):
            connection.query("SELECT 1")
    with client(proxy) as connection:
        connection.query("SELECT 2")

    assert 1 == proxy.counters.cut


def test_an_answer_can_be_late(proxy):
    """A delayed answer arrives later by that time, and healing ends the delay."""
    with client(proxy, timeout=5) as connection:
        proxy.delay(0.2)
        start = time.monotonic()
        connection.query("SELECT 1")
        delay = time.monotonic() - start
        proxy.heal()
        connection.query("SELECT 2")

    assert 0.2 <= delay < time.monotonic() - start < 2 * delay


def test_data_held_back_by_a_black_hole_is_sent_when_it_is_healed(proxy, node):
    """Nothing reaches the node until the black hole is healed; then the request runs and its answer arrives."""
    with client(proxy, timeout=5) as connection:
        proxy.black_hole()
        reached = []
        threading.Timer(0.2, lambda: (reached.extend(seen_texts(node)), proxy.heal())).start()
        connection.query("SELECT 1")

    assert ([], ["SELECT 1"]) == (reached, seen_texts(node))


def test_a_new_connection_into_a_black_hole_gets_no_answer(proxy):
    """The connection is accepted and gets no answer."""
    proxy.black_hole()
    with pytest.raises(TimeoutError), client(proxy):
        pass

    assert 0 == proxy.counters.requests


def test_a_newer_protocol_is_refused_as_a_server_refuses_it(proxy):
    """STARTUP with protocol version 5 gets the error that makes drivers retry with version 4."""
    host, _, port = proxy.address.rpartition(":")
    with wire.socket.create_connection((host, int(port)), 5) as plain:
        plain.sendall(wire.HEADER.pack(5, 0, 7, wire.STARTUP, 0))
        version, _, stream, opcode, length = wire.HEADER.unpack(plain.recv(9))
        text = plain.recv(length)

    assert (0x84, 7, wire.ERROR, True) == (version, stream, opcode, b"unsupported protocol version (5)" in text)


def test_the_server_offers_no_compression_through_the_proxy(proxy):
    """SUPPORTED lists no compression algorithm and no shard-aware port, and other options are kept."""
    with client(proxy) as connection:
        offered = connection.request(0x05, b"").body

    assert b"\0\2" + names("COMPRESSION") + names("CQL_VERSION", "3.4.7") == offered


TEXT, INET = 0x0D, 0x10


def rows_of_local(*cells, columns=(("key", TEXT), ("rpc_address", INET)), flags=1):
    """The body of a RESULT with one row."""
    described = b"".join(wire.string(name) + struct.pack(">H", kind) for name, kind in columns)
    head = struct.pack(">iii", 2, flags, len(columns)) + wire.string("system") + wire.string("local") + described
    row = b"".join(struct.pack(">i", -1 if cell is None else len(cell)) + (cell or b"") for cell in cells)
    return Frame(4, 0, 0, RESULT, head + struct.pack(">i", 1) + row)


@pytest.mark.parametrize(
    ("requested", "sent", "output"),
    [
        ("SELECT * FROM system.local", (b"local", b"\x0a\0\0\5"), (b"local", b"\x7f\0\0\1")),
        ("SELECT * FROM system.local", (b"local", bytes(16)), (b"local", b"\x7f\0\0\1")),
        ("SELECT * FROM system.local", (b"local", None), (b"local", None)),
        ("SELECT * FROM shop.local", (b"local", b"\x0a\0\0\5"), (b"local", b"\x0a\0\0\5")),
    ],
)
def test_the_proxy_stands_for_the_address_of_the_node(requested, sent, output):
    """The address in ``system.local`` is replaced by that of the proxy, and other tables are unchanged."""
    address = replace_address(Request("QUERY", requested), rows_of_local(*sent), "127.0.0.1")

    assert rows_of_local(*output) == address


def test_types_before_the_address_are_passed_over():
    """Columns of collection, tuple and user types before the address are parsed correctly."""
    text = struct.pack(">H", TEXT)
    user = (
        struct.pack(">H", 0x30) + wire.string("k") + wire.string("t") + struct.pack(">H", 1) + wire.string("f") + text
    )
    column_types = [
        struct.pack(">H", 0x22) + text,
        struct.pack(">H", 0x21) + text + text,
        struct.pack(">HH", 0x31, 2) + text + text,
        struct.pack(">H", 0) + wire.string("org.apache.X"),
        user,
    ]
    described = b"".join(wire.string(f"c{index}") + kind for index, kind in enumerate(column_types))
    head = struct.pack(">iii", 2, 1, len(column_types) + 1) + wire.string("system") + wire.string("local") + described
    head += wire.string("rpc_address") + struct.pack(">H", INET) + struct.pack(">i", 1) + struct.pack(">i", -1) * 5
    frames = [Frame(4, 0, 0, RESULT, head + struct.pack(">i", 4) + ip) for ip in (b"\x0a\0\0\5", b"\x7f\0\0\1")]

    assert frames[1] == replace_address(Request("QUERY", "SELECT * FROM system.local"), frames[0], "127.0.0.1")


def test_a_node_that_is_down_ends_the_connection():
    """If the node does not listen, the client's connection is closed immediately."""
    with FaultProxy("127.0.0.1:1") as proxy, pytest.raises(OSError, match=r"closed|reset"), client(proxy, 5):
        pass


def test_closing_twice_does_nothing(node):
    """Closing a proxy twice is not an error."""
    proxy = FaultProxy(f"127.0.0.1:{node.server_address[1]}")
    proxy.start()
    proxy.close()

    assert proxy.close() is None


def test_a_prepared_statement_is_known_by_its_text(proxy):
    """EXECUTE is passed to predicates with the text of its prepared statement."""
    with client(proxy) as connection:
        connection.request(PREPARE, wire.long_string("INSERT ?"))
        connection.request(EXECUTE, b"\0\2id" + b"\0\1\0")

    assert ("EXECUTE", "INSERT ?") == (proxy.requests[-1].kind, proxy.requests[-1].query)


def test_a_batch_is_known_by_all_its_texts():
    """The texts of all statements in a batch are joined, and their values are skipped, including nulls."""
    statements = Statements()
    prepared = statements.request(Frame(4, 0, 0, PREPARE, wire.long_string("INSERT ?")))
    statements.record(prepared, Frame(4, 0, 0, RESULT, struct.pack(">iH", 4, 2) + b"id"))
    values = struct.pack(">Hi1si", 2, 1, b"x", -1)
    body = b"\0\0\2" + b"\1\0\2id" + values + b"\0" + wire.long_string("DELETE") + b"\0\0"

    assert "INSERT ?; DELETE" == statements.request(Frame(4, 0, 0, BATCH, body)).query
