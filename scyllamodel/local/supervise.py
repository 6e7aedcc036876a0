"""The process between us and a server: it ends the server and removes its data as soon as we are gone.

Run as a script by path, in a session of its own, with standard library alone (a plain Python starts in some 30 ms):

    supervise.py --parent PID [--console FILE] [--remove FOLDER] [-- COMMAND...]

It learns that its parent is gone when its standard input ends, which also happens when the parent was killed, or when
it has another parent all of a sudden, which covers a forked grandchild that still holds the other end of the pipe.
Then COMMAND and its group are killed, also when stopped, and FOLDER is removed.

On standard output it says ``pid N``, and ``done`` after each ``signal N`` that was read from its input. It ends with
the exit status of COMMAND; without a COMMAND it only waits and removes.
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
_LOOK = 1.0
"""Seconds between two looks at who our parent is."""


def main() -> NoReturn:
    """Run the command, obey the parent, and clean up."""
    options = _parser().parse_args()
    bell = _bell()
    server = _start(options.command, options.console) if options.command else None
    try:
        _obey(server, options.parent, bell)
    finally:
        _end(server)
        if options.remove is not None:
            _remove(options.remove)
    sys.exit(0 if server is None else server.returncode & 0xFF)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Ends a server with its parent.")
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--console", type=Path)
    parser.add_argument("--remove", type=Path)
    parser.add_argument("command", nargs="*")
    return parser


def _bell() -> int:
    """A descriptor that becomes readable at SIGCHLD and SIGTERM, so that one `select` waits for everything."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, _ignore)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    return reading


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the bell has rung already."""


def _start(command: list[str], console: Path) -> subprocess.Popen[bytes]:
    with console.open("ab") as output:
        server = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=_die_with_us if sys.platform == "linux" else None,  # noqa: PLW1509 - one thread here
        )
    _say(f"pid {server.pid}")
    return server


def _die_with_us() -> None:
    """Ask Linux to kill the server should even this process be killed; it has one thread, as that call wants."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _obey(server: subprocess.Popen[bytes] | None, parent: int, bell: int) -> None:
    """Pass signals on until the server ends, the parent is gone, or somebody terminates us."""
    waiting = b""
    while os.getppid() == parent and (server is None or server.poll() is None):
        ready, _, _ = select.select([0, bell], [], [], _LOOK)
        if bell in ready and signal.SIGTERM in os.read(bell, 512):
            return
        if 0 in ready:
            received = os.read(0, 512)
            if not received:
                return
            *lines, waiting = (waiting + received).split(b"\n")
            for line in lines:
                _pass_on(server, line)


def _pass_on(server: subprocess.Popen[bytes] | None, line: bytes) -> None:
    """Send the signal of a line ``signal N``; the server is our child, so its number cannot mean another process."""
    word, _, number = line.partition(b" ")
    if word == b"signal" and server is not None:
        server.send_signal(int(number))
        _say("done")


def _say(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):  # the parent is gone; the loop is about to see that
        os.write(1, line.encode() + b"\n")


def _end(server: subprocess.Popen[bytes] | None) -> None:
    if server is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def _remove(folder: Path) -> None:
    """Remove a folder; servers that are being killed at this moment may still write to it."""
    for _ in range(50):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.2)


if __name__ == "__main__":
    main()
