"""A server process under supervision, seen from our side: start, signal, wait. The other side is `supervise`."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

import attrs

from scyllamodel.local import supervise
from scyllamodel.local.errors import LocalServerError


@attrs.define(eq=False)
class Supervised:
    """One running supervisor, with the server below it or only a folder to remove.

    Attributes:
        pid: process id of the server; None without a server.
    """

    _supervisor: subprocess.Popen[bytes]
    _orders: IO[bytes]
    _answers: IO[bytes]
    pid: int | None = None
    _owner: int = attrs.field(factory=os.getpid)
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    @property
    def is_running(self) -> bool:
        """Whether the server is alive; a paused one is."""
        return self._supervisor.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the server and return when it was sent; an ended server is left alone."""
        with self._lock:
            if self.is_running:
                self._exchange(f"signal {int(number)}\n".encode())

    def _exchange(self, line: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has ended meanwhile
            self._orders.write(line)
            self._answers.readline()

    def first_line(self) -> str:
        """What the supervisor says when it has started the server; empty when it could not."""
        return self._answers.readline().decode()

    def wait(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds for the end of the server; True if it has ended."""
        try:
            self._supervisor.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        return True

    def end(self) -> None:
        """Kill the server, if it runs, have the folder removed, and wait for both.

        A forked child that inherited this object leaves its parent's server alone.
        """
        if self._owner != os.getpid():
            return
        self._orders.close()
        self._answers.close()
        self._supervisor.wait()


def start(command: list[str], console: Path) -> Supervised:
    """Start a server that writes its output to the file `console` and ends with this process.

    Raises:
        LocalServerError: the operating system did not start it.
    """
    started = _spawn(["--console", str(console), "--", *command])
    word, _, number = started.first_line().partition(" ")
    if word == "pid":
        started.pid = int(number)
        return started
    started.end()
    said = console.read_text(errors="replace") if console.exists() else ""
    raise LocalServerError(f"{command[0]} did not start.\n{said}", log_tail=said)


def removes(folder: Path) -> Supervised:
    """A supervisor that removes `folder` when it is ended, or when this process is gone."""
    return _spawn(["--remove", str(folder)])


def _spawn(arguments: list[str]) -> Supervised:
    """The supervisor, in a session of its own: Ctrl-C in a terminal is for us alone, and we tell it what to do."""
    script = [sys.executable, "-I", "-S", supervise.__file__, "--parent", str(os.getpid())]
    supervisor = subprocess.Popen(  # noqa: S603
        [*script, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, start_new_session=True
    )
    orders, answers = supervisor.stdin, supervisor.stdout
    if orders is None or answers is None:
        raise LocalServerError("The supervisor has no pipes.")
    return Supervised(supervisor, orders, answers)


def start_time(pid: int) -> str | None:
    """When a process started, as text to compare with; None when there is no such process.

    A process id is used again after its process has ended, the pair of both is not.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        fields = []
    if fields:
        return None if fields[0] in {"Z", "X"} else fields[19]
    if Path("/proc/self/stat").exists():
        return None
    ps = ["ps", "-o", "lstart=", "-p", str(pid)]
    return subprocess.run(ps, capture_output=True, text=True, check=False).stdout.strip() or None  # noqa: S603


@attrs.frozen
class Identity:
    """A process: its id alone may mean another one tomorrow.

    Attributes:
        pid: process id.
        started: when it started, as text to compare.
    """

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> Identity:
        """The identity of a process that is there."""
        return cls(pid, start_time(pid) or "")

    @property
    def is_alive(self) -> bool:
        """Whether this very process is there."""
        return start_time(self.pid) == self.started
