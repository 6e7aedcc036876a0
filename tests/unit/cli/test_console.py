"""Which stream the output of a command goes to, and how it is formatted."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scyllamodel.cli.console import Console, line_style
from support.shell import on_a_terminal

SAY = """
from scyllamodel.cli.console import Console
console = Console()
console.result("+ table shop.orders\\n. noted")
console.result("plain \\x1b[2J")
"""


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def on_terminal(**changes):
    """What `SAY` writes to a terminal."""
    return on_a_terminal([sys.executable, "-c", SAY], None, **changes)[1]


@pytest.mark.parametrize(
    ("settings", "out", "err"),
    [
        ({}, "result\n", "message\nerror\n"),
        ({"verbosity": -1}, "result\n", "error\n"),
        ({"verbosity": 1}, "result\n", "message\ndetail\nerror\n"),
        ({"json": True}, '{\n  "a": 1\n}\n', "message\nerror\n"),
    ],
)
def test_words_go_where_they_belong(settings, out, err):
    """Results go to stdout and messages to stderr; a JSON document replaces the results."""
    console = Console(out=io.StringIO(), err=io.StringIO(), **settings)
    console.result("result")
    console.message("message")
    console.detail("detail")
    console.error("error")
    console.document({"a": 1})

    assert (out, err) == (console.out.getvalue(), console.err.getvalue())


def test_a_terminal_gets_colour():
    """A line is coloured according to the mark at its start."""
    output = on_terminal(TERM="xterm-256color")

    assert "\x1b[32m+ table shop.orders" in output


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1", "TERM": "xterm-256color"}, {"TERM": "dumb"}])
def test_no_colour_where_none_is_wanted(environment):
    """NO_COLOR and a dumb terminal get plain text."""
    assert "\x1b" not in on_terminal(**environment)


def test_without_rich_a_terminal_gets_plain_text():
    """The extra `cli` is optional: without it there is plain text, with neither colours nor progress bars."""
    code = f"import sys; sys.modules['rich'] = None\n{SAY}\nprint(console.bar(3))"
    output = on_a_terminal([sys.executable, "-c", code], None, TERM="xterm-256color")[1]

    assert "+ table shop.orders\r\n. noted\r\nplain \\x1b[2J\r\nNone\r\n" == output


def test_a_terminal_is_not_driven_by_what_is_printed():
    """Control characters within a comment are escaped on a terminal."""
    assert "plain \\x1b[2J" in on_terminal(TERM="xterm")


def test_a_pipe_is_as_safe_as_a_terminal():
    """Control characters are escaped in a pipe too, since ``less -R`` may show its contents on a terminal later."""
    result = subprocess.run([sys.executable, "-c", SAY], capture_output=True, check=True)

    assert b"+ table shop.orders\n. noted\nplain \\x1b[2J\n" == result.stdout


def test_letters_that_a_stream_cannot_hold_are_spelt_out():
    """Characters that the encoding of a stream lacks are escaped, so an ASCII terminal does not end a command."""
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    code = "from scyllamodel.cli.console import Console; Console().result('h\\u00e9')"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=environment)

    assert b"h\\xe9\n" == result.stdout


def test_a_reader_that_goes_away_does_not_end_the_work():
    """After ``| head`` exits, the remaining output is dropped, and the exit code is that of the command."""
    code = """
import sys
from scyllamodel.cli.console import Console
console = Console()
for number in range(50000):
    console.result(str(number))
sys.exit(42)
"""
    work = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    work.stdout.readline()
    work.stdout.close()

    assert (42, b"") == (work.wait(30), work.stderr.read())
    work.stderr.close()


@pytest.mark.parametrize(
    ("settings", "out", "err", "live"),
    [
        ({}, Terminal(), io.StringIO(), "out"),
        ({}, io.StringIO(), Terminal(), "err"),
        ({}, io.StringIO(), io.StringIO(), None),
        ({"json": True}, Terminal(), Terminal(), "err"),
        ({"json": True}, Terminal(), io.StringIO(), None),
        ({"verbosity": -1}, Terminal(), Terminal(), None),
    ],
)
def test_bars_move_on_a_terminal_only(monkeypatch, settings, out, err, live):
    """Progress bars are not mixed with JSON and are not written to a pipe."""
    monkeypatch.setenv("TERM", "xterm")
    console = Console(out=out, err=err, **settings)

    assert {"out": out, "err": err, None: None}[live] is console.terminal_stream


def test_a_dumb_terminal_has_no_bars(monkeypatch):
    """A terminal that cannot move its cursor gets lines instead of bars."""
    monkeypatch.setenv("TERM", "dumb")

    assert Console(out=Terminal(), err=Terminal()).terminal_stream is None


def test_documents_are_ascii():
    """A JSON document is ASCII, so it can be read whatever the encoding of the stream."""
    console = Console(json=True, out=io.StringIO())
    console.document({"name": "h\u00e9"})

    assert {"name": "h\u00e9"} == json.loads(console.out.getvalue().encode("ascii"))


@pytest.mark.parametrize(
    ("line", "style"),
    [
        ("! refused", "bold red"),
        ("  ~ options", "yellow"),
        ("+x", ""),
        ("", ""),
        ("error", ""),
        ("error AP101: x", "bold red"),
    ],
)
def test_the_mark_gives_the_style(line, style):
    """A mark determines the style only if it stands alone at the start of a line."""
    assert style == line_style(line)


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_closed_stream_ends_no_command(closed):
    """If stdout or stderr is closed, the command still finishes with its usual exit code."""
    run = subprocess.run(
        ["sh", "-c", f'"$0" -m scyllamodel explain PK101 {closed}', sys.executable],
        check=False,
        capture_output=True,
        text=True,
    )

    assert (0, "") == (run.returncode, run.stderr)


@pytest.fixture
def full():
    """A stream on a full disk."""
    with Path("/dev/full").open("w", encoding="utf-8") as device:
        yield device


def run_into(full, *arguments):
    """Run Python with its stdout on a full disk."""
    return subprocess.run([sys.executable, *arguments], check=False, stdout=full, stderr=subprocess.PIPE, text=True)


LOST = "error CM104: The command succeeded, but stdout failed: No space left on device."


@pytest.mark.parametrize(
    ("arguments", "code", "output"),
    [
        (("explain", "PK101"), 1, LOST),
        (("explain", "PK101", "--json"), 1, LOST),
        (("explain", "NOPE", "--json"), 64, "error CM101: unknown code NOPE. List all codes with: scyllamodel explain"),
    ],
)
def test_a_full_disk_is_an_error_in_a_line(full, arguments, code, output):
    """Output that cannot be written is reported on stderr without a traceback; a more severe exit code is kept."""
    run = run_into(full, "-m", "scyllamodel", *arguments)

    assert (code, f"{output}\n") == (run.returncode, run.stderr)


def test_a_full_disk_stops_no_work(full):
    """A progress line that cannot be written does not end a migration."""
    run = run_into(full, "-c", f"{SAY}\nconsole.message('done')")

    assert (0, "done\n") == (run.returncode, run.stderr)
