"""Supervisor process: ends a server and removes its data when the parent process is gone.

Run as a script by path, in its own session, with only the standard library (a plain Python starts in some 30 ms):

    supervise.py --parent PID [--console FILE] [--remove FOLDER] [-- COMMAND...]

The parent is gone when standard input ends, which also happens if the parent is killed, or when the parent process id
changes, since a forked grandchild may keep the pipe open. Then COMMAND and its process group are killed, even if they
are stopped, and FOLDER is removed.

It writes ``pid N`` to standard output, and ``done`` after each ``signal N`` that it reads from standard input. It exits
with the status of COMMAND; without a COMMAND it only waits and removes the folder.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from types import FrameType

_PR_SET_PDEATHSIG = 1
_POLL_INTERVAL = 1.0
"""Seconds between two checks of the parent process id."""


def main() -> NoReturn:
    """Run the command, serve the parent, and clean up."""
    options = _parser().parse_args()
    wakeup_fd = wakeup_pipe()
    server = _start(options.command, options.console) if options.command else None
    try:
        _forward_until_end(server, options.parent, wakeup_fd)
    finally:
        _kill_server(server)
        if options.remove is not None:
            _remove_folder(options.remove)
    sys.exit(0 if server is None else server.returncode & 0xFF)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Ends a server with its parent.")
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--console", type=Path)
    parser.add_argument("--remove", type=Path)
    parser.add_argument("command", nargs="*")
    return parser


def wakeup_pipe() -> int:
    """Return a descriptor that is readable after SIGCHLD and SIGTERM, so that one `select` waits for everything."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, _ignore_signal)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    return reading


def _ignore_signal(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: Python has written to the wake-up descriptor."""


def _start(command: list[str], console: Path) -> subprocess.Popen[bytes]:
    with console.open("ab") as output:
        server = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=_set_parent_death_signal if sys.platform == "linux" else None,  # noqa: PLW1509 - one thread here
        )
    _write_line(f"pid {server.pid}")
    return server


def _set_parent_death_signal() -> None:
    """Have Linux kill the server if this process is killed; the call needs a process with one thread."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _forward_until_end(server: subprocess.Popen[bytes] | None, parent: int, wakeup_fd: int) -> None:
    """Forward signals until the server exits, the parent is gone, or SIGTERM arrives."""
    buffer = b""
    while os.getppid() == parent and (server is None or server.poll() is None):
        ready, _, _ = select.select([0, wakeup_fd], [], [], _POLL_INTERVAL)
        if wakeup_fd in ready and signal.SIGTERM in os.read(wakeup_fd, 512):
            return
        if 0 in ready:
            received = os.read(0, 512)
            if not received:
                return
            *lines, buffer = (buffer + received).split(b"\n")
            for line in lines:
                _forward_signal(server, line)


def _forward_signal(server: subprocess.Popen[bytes] | None, line: bytes) -> None:
    """Send the signal of a line ``signal N``; the server is a child, so its process id is not reused."""
    command, _, number = line.partition(b" ")
    if command == b"signal" and server is not None:
        server.send_signal(int(number))
        _write_line("done")


def _write_line(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):  # the parent is gone; the loop ends next
        os.write(1, line.encode() + b"\n")


def _kill_server(server: subprocess.Popen[bytes] | None) -> None:
    if server is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def _remove_folder(folder: Path) -> None:
    """Remove a folder; servers that are being killed may still write to it."""
    for _ in range(50):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.2)


if __name__ == "__main__":
    main()
