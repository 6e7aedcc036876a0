"""Health checks of servers that answer, hang, or are gone."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import threading

import pytest

from scyllamodel.cli.commands.local import local_text
from scyllamodel.local import wire
from scyllamodel.local.background import ClusterStatus, NodeStatus
from scyllamodel.local.health import find_problem

ROWS = struct.pack(">iiii", 2, 4, 1, 0)
VOID = struct.pack(">i", 1)


class Answering:
    """A server that answers statements with one of these prefixes, and does not answer any other."""

    def __init__(self, *command):
        self.words = command
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.serve, daemon=True).start()

    def __enter__(self):
        return f"127.0.0.1:{self.listener.getsockname()[1]}"

    def __exit__(self, *_):
        self.listener.close()

    def serve(self):
        """Serve one connection after the other."""
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.answer, args=(client,), daemon=True).start()

    def answer(self, client):
        """Answer the requests of one connection."""
        with client:
            while header := client.recv(wire.HEADER.size, socket.MSG_WAITALL):
                _, _, stream, opcode, length = wire.HEADER.unpack(header)
                body = client.recv(length, socket.MSG_WAITALL) if length else b""
                if opcode == wire.STARTUP:
                    answer = wire.READY, b""
                elif body[4:].startswith(self.words):
                    answer = wire.RESULT, ROWS if body[4:].startswith(b"SELECT") else VOID
                else:
                    continue
                client.sendall(wire.HEADER.pack(0x84, 0, stream, answer[0], len(answer[1])) + answer[1])


def problem_at(contact_point, tmp_path, pid=None):
    """Return what is wrong with the node at this address."""
    timeouts = {"read_timeout": 0.3, "ddl_timeout": 0.3}
    return find_problem(contact_point, pid or os.getpid(), tmp_path / "console.log", **timeouts)


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ((b"SELECT", b"DROP"), ""),
        ((b"SELECT",), "it responds to reads, but a schema change failed within 0.3 s: timed out"),
        ((b"DROP",), "a read failed within 0.3 s: timed out"),
    ],
)
def test_a_node_that_hangs_is_found_out(tmp_path, command, problem):
    """The check ends within its timeout, and the message says which statement hangs."""
    with Answering(*command) as contact_point:
        assert problem == problem_at(contact_point, tmp_path)


@pytest.mark.parametrize(
    ("console", "problem"),
    [
        (
            "Terminating due to java.lang.OutOfMemoryError: Java heap space\n",
            "its process exited because its heap was full",
        ),
        ("", "its process exited"),
    ],
)
def test_a_node_that_ended_says_why(tmp_path, console, problem):
    """The last output of Java is part of the message."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    (tmp_path / "console.log").write_text(console)

    assert problem == problem_at("127.0.0.1:1", tmp_path, process.pid)


def test_health_is_printed_as_text_and_json():
    """The text has the node, the problem and advice on a larger heap, and the document has the problem."""
    nodes = (
        NodeStatus("127.0.0.1:9042", 1, is_up=True, problem="it answers reads, but …", console="/tmp/console.log"),
        NodeStatus("127.0.0.2:9042", 2, is_up=True),
        NodeStatus("127.0.0.3:9042", 3, is_up=False),
    )
    status = ClusterStatus(is_running=True, version="5.0.9", nodes=nodes, heap_mb=400)
    text = local_text("status", status)

    assert "  127.0.0.1:9042: it answers reads, but …\n  127.0.0.2:9042: healthy\n  127.0.0.3:9042: it does not" in text
    assert "scyllamodel local start --heap 800" in text
    assert (False, "it answers reads, but …") == (status.to_dict()["healthy"], status.to_dict()["nodes"][0]["problem"])
    assert (None, True) == (
        ClusterStatus(is_running=False).to_dict()["healthy"],
        ClusterStatus(is_running=False).is_healthy,
    )
