"""The command line as a user runs it: a process of its own, in a folder, on a pipe or on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

TIMEOUT = 300
OURS = (
    "SCYLLAMODEL_REPOS", "SCYLLAMODEL_URL", "SCYLLAMODEL_URL_FILE", "SCYLLAMODEL_SYNC", "NO_COLOR", "FORCE_COLOR",
    "TERM", "PYTHONPATH",
)  # fmt: skip


def environment(**changes):
    """The environment of this process without settings for commands, and with these changes."""
    return {name: value for name, value in os.environ.items() if name not in OURS} | changes


def command(*arguments):
    """The arguments that start the command line with this Python."""
    return [sys.executable, "-m", "scyllamodel", *map(str, arguments)]


def run(*arguments, folder, **changes):
    """Run a command to its end, with its output in pipes."""
    return subprocess.run(
        command(*arguments),
        cwd=folder,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def start(*arguments, folder, **changes):
    """Start a command with its output in pipes, line by line."""
    return subprocess.Popen(
        command(*arguments),
        cwd=folder,
        env=environment(**changes),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )


def remaining_output(process):
    """Wait for a command whose output was read in part; the rest of its output, and its errors.

    `communicate` alone reads the pipe, and would miss what the file object has already read from it.
    """
    out = process.stdout.read()
    return out, process.communicate(timeout=TIMEOUT)[1]


def on_a_terminal(arguments, folder, **changes):
    """Run a program on a terminal of its own; its exit code and all that it wrote there."""
    controller, terminal = pty.openpty()
    started = subprocess.Popen(
        arguments, cwd=folder, env=environment(**changes), stdin=terminal, stdout=terminal, stderr=terminal
    )
    os.close(terminal)
    output = b""
    try:
        while piece := _piece(controller):
            output += piece
    finally:
        os.close(controller)
    return started.wait(TIMEOUT), output.decode()


def _piece(terminal):
    """The next piece of output; empty once the other side has closed, which Linux reports as an error."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""
