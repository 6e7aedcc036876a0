"""A supervised server process: start, signal, wait. The script of the supervisor is `supervise`."""

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

from scyllamodel.local import supervisor
from scyllamodel.local.errors import LocalServerError


@attrs.define(eq=False)
class SupervisedProcess:
    """A running supervisor, with a server or only a folder to remove.

    Attributes:
        pid: process id of the server; None without a server.
    """

    _supervisor: subprocess.Popen[bytes]
    _requests: IO[bytes]
    _replies: IO[bytes]
    pid: int | None = None
    _owner: int = attrs.field(factory=os.getpid)
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    @property
    def is_running(self) -> bool:
        """Whether the server is alive, paused or not."""
        return self._supervisor.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the server and wait until it is sent; a server that has exited is ignored."""
        with self._lock:
            if self.is_running:
                self._exchange(f"signal {int(number)}\n".encode())

    def _exchange(self, line: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has exited in the meantime
            self._requests.write(line)
            self._replies.readline()

    def read_line(self) -> str:
        """Return the first line of the supervisor's output; empty if the server did not start."""
        return self._replies.readline().decode()

    def wait(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds until the server exits; return whether it did."""
        try:
            self._supervisor.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        return True

    def end(self) -> None:
        """Kill the server if it is running, remove the folder, and wait for both.

        In a forked child this does nothing, since the server belongs to the parent.
        """
        if self._owner != os.getpid():
            return
        self._requests.close()
        self._replies.close()
        self._supervisor.wait()


def start(command: list[str], console: Path) -> SupervisedProcess:
    """Start a server that writes its output to the file `console` and exits with this process.

    Raises:
        LocalServerError: the operating system did not start it.
    """
    process = _spawn(["--console", str(console), "--", *command])
    state, _, number = process.read_line().partition(" ")
    if state == "pid":
        process.pid = int(number)
        return process
    process.end()
    output = console.read_text(errors="replace") if console.exists() else ""
    raise LocalServerError(f"{command[0]} did not start.\n{output}", log_tail=output)


def remove_on_exit(folder: Path) -> SupervisedProcess:
    """Start a supervisor that removes `folder` when it is ended or when this process exits."""
    return _spawn(["--remove", str(folder)])


def _spawn(arguments: list[str]) -> SupervisedProcess:
    """Start the supervisor in its own session, so that Ctrl-C in a terminal only reaches this process."""
    script = [sys.executable, "-I", "-S", supervisor.__file__, "--parent", str(os.getpid())]
    process = subprocess.Popen(  # noqa: S603
        [*script, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, start_new_session=True
    )
    requests, replies = process.stdin, process.stdout
    if requests is None or replies is None:
        raise LocalServerError("The supervisor has no pipes.")
    return SupervisedProcess(process, requests, replies)


def start_time(pid: int) -> str | None:
    """Return the start time of a process, as text for comparisons; None if the process does not exist.

    Process ids are reused, but the pair of process id and start time is unique.
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
    """A process, identified by its id and start time, since ids are reused.

    Attributes:
        pid: process id.
        started: start time, as text for comparisons.
    """

    pid: int
    started: str

    @classmethod
    def from_pid(cls, pid: int) -> Identity:
        """Return the identity of a running process."""
        return cls(pid, start_time(pid) or "")

    @property
    def is_alive(self) -> bool:
        """Whether this process is still running."""
        return start_time(self.pid) == self.started
