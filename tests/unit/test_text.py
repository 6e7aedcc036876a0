"""Text of messages, in which no value controls the terminal, and suggestions, counts and lists."""

from __future__ import annotations

import io
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scyllamodel._text import (
    closest,
    counted,
    listed,
    printable,
    printable_cql,
    printable_line,
    snake_case,
    suggestion,
)
from scyllamodel.cli.console import Console
from scyllamodel.cli.formatting import diagnostic_lines
from scyllamodel.cli.ledger_texts import history_text, status_text
from scyllamodel.release.ledger import LedgerStep, Migration
from scyllamodel.release.lock.row import LockRow
from scyllamodel.release.status import LockHolder, Status
from scyllamodel.schema.changes.kinds import AddColumns
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts.objects import TableColumn
from scyllamodel.schema.plan import Plan
from scyllamodel.schema.plan.step import make_step
from scyllamodel.schema.server.profile import ServerProfile
from scyllamodel.types.cql_types import Native
from support.shell import on_a_terminal

FORGED = "x\nerror SM999: forged\r\x1b[2J\x9b31m\u202eevil\u2028z\x00"
STEERING = ("Cc", "Cf", "Cs", "Zl", "Zp")


def steers(text, breaks="\n\t"):
    """The characters of a text that control a terminal or reorder text."""
    return {char for char in text if unicodedata.category(char) in STEERING and char not in breaks}


def forges(text):
    """Whether a line of the text starts with the content of a value."""
    return steers(text) or any(line.lstrip().startswith("error SM999") for line in text.split("\n"))


@given(st.text(st.characters(codec=None)))
def test_printable_text_does_not_steer_the_terminal(text):
    """No escaped text controls the terminal, and escaping it again changes nothing."""
    assert not steers(printable(text))
    assert not steers(printable_line(text), "")
    assert not steers(printable_cql(text))
    assert printable_line(printable_line(text)) == printable_line(text)


@pytest.mark.parametrize("text", ["Grüße, 東京 🎉", "a\u00a0b", "-- x 'y'", r"a\nb"])
def test_letters_of_all_languages_stay(text):
    """Letters of any language are kept; only control characters, format characters and line separators are escaped."""
    assert text == printable(text) == printable_line(text) == printable_cql(text)


def test_a_statement_keeps_its_own_lines():
    """Line breaks between tokens are kept, and those within a name, a literal or a comment are escaped."""
    text = "ALTER TABLE t\n  ADD \"a\nb\" int -- c\x1b\n  WITH comment = 'x\n  + 2. forged'"

    assert "ALTER TABLE t\n  ADD \"a\\nb\" int -- c\\x1b\n  WITH comment = 'x\\n  + 2. forged'" == printable_cql(text)


COLUMN = AddColumns("shop", "t", (TableColumn(FORGED, Native("int"), "regular"),))
STEP = make_step(1, COLUMN, [Diagnostic("OP101", "warn", FORGED, FORGED, "Do.")], ServerProfile("cassandra", (5, 0, 6)))
NOTE = Diagnostic("BC103", "note", FORGED, FORGED, f"Read {FORGED!r}.")
PLAN = Plan("shop", "cassandra", "sha256:0", "sha256:1", steps=(STEP,), refusals=(NOTE,), notes=(NOTE,))
LEDGER = LedgerStep("shop/default", 1, 1, object=FORGED, cql=f"-- {FORGED}\nSELECT '{FORGED}'", error=FORGED)
VERSION = Migration(
    "shop/default", 1, FORGED, FORGED, FORGED, host=FORGED, actor=FORGED, error=FORGED, total=1, steps=(LEDGER,)
)
HOLDER = LockHolder(None, FORGED, 1, FORGED, 1.0, None, None)


@pytest.mark.parametrize(
    "text",
    [
        PLAN.render(),
        PLAN._repr_html_(),
        "\n".join(diagnostic_lines([NOTE])),
        STEP.summary,
        history_text([VERSION]),
        status_text(Status("shop/default", 1, FORGED, FORGED, HOLDER, (FORGED,))),
        LockRow("shop", host=FORGED, purpose=FORGED).description,
    ],
    ids=["plan", "html", "diagnostics", "summary", "history", "status", "lock"],
)
def test_no_text_for_people_is_steered_by_names_rows_or_errors(text):
    """A value in a text for people stays on its line and cannot control the terminal."""
    assert "forged" in text
    assert not forges(text)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
@pytest.mark.parametrize("say", ["result", "status", "message", "detail", "error"])
def test_every_stream_of_a_console_is_safe(monkeypatch, stream, say):
    """Output is escaped with and without a terminal, since logs and ``less -R`` may show it on one later."""
    monkeypatch.setenv("NO_COLOR", "1")
    console = Console(verbosity=1, out=stream(), err=stream())
    getattr(console, say)(f"a{FORGED}")

    assert not steers(console.out.getvalue() + console.err.getvalue())


def test_a_script_is_printed_as_it_is_without_a_terminal():
    """A script is written unchanged to a file or a pipe, and escaped on a terminal."""
    piped, output = Console(out=io.StringIO()), Console(out=Terminal())
    for console in (piped, output):
        console.script(f"COMMENT '{FORGED}'")

    assert f"COMMENT '{FORGED}'\n" == piped.out.getvalue()
    assert "\\x1b[2J" in output.out.getvalue()


LOGGED = f"""
import logging
from scyllamodel.cli.console import Console
from scyllamodel.cli.execution import _configure_logging
_configure_logging(Console(verbosity=1))
logging.getLogger("scyllamodel").info("seen: %s", {FORGED!r})
try:
    raise ValueError({FORGED!r})
except ValueError:
    logging.getLogger("other").exception("failed")
"""


def test_the_log_of_a_verbose_command_is_safe():
    """Each log record with ``-v`` is a safe line, tracebacks included."""
    result = subprocess.run([sys.executable, "-c", LOGGED], capture_output=True, check=True).stderr.decode()
    output = on_a_terminal([sys.executable, "-c", LOGGED], None)[1].replace("\r\n", "\n")

    assert "seen: x\\nerror SM999: forged" in result
    assert "ValueError: x" in result
    assert [] == [text for text in (result, output) if steers(text)]


@pytest.mark.parametrize(
    ("typed", "known", "nearest"),
    [
        ("totl", ["id", "total"], "total"),
        ("TOTAL", ["id", "total"], "total"),
        ("simplestrategy", ["NetworkTopologyStrategy", "SimpleStrategy"], "SimpleStrategy"),
        ("zzz", ["id", "total"], None),
        ("", ["id"], None),
        ("id", [], None),
    ],
)
def test_the_nearest_name_is_found_whatever_its_case(typed, known, nearest):
    """The suggestion is the known name in its own case, or none if no name is similar."""
    assert nearest == closest(typed, known)
    assert suggestion(typed, known) == ("" if nearest is None else f"; did you mean {nearest!r}?")


def test_the_cutoff_says_how_near_a_name_has_to_be():
    """The cutoff of similarity decides: a short name of a setting must match more closely than a long name."""
    assert "ttl" == closest("tl", ["ttl"])
    assert None is closest("tl", ["ttl"], cutoff=0.9)


@pytest.mark.parametrize(
    ("name", "snake"),
    [("Order", "order"), ("OrderLine", "order_line"), ("HTTPLog", "http_log"), ("OrderV2", "order_v2"), ("x", "x")],
)
def test_a_class_name_in_snake_case(name, snake):
    """Words start at capitals, and an acronym is one word."""
    assert snake == snake_case(name)


@pytest.mark.parametrize(
    ("names", "text"),
    [((), "nothing"), (("a",), "a"), (("a", "b"), "a and b"), (("a", "b", "c"), "a, b and c"), ((1, 2), "1 and 2")],
)
def test_names_are_listed_as_a_sentence_needs_them(names, text):
    """Names from any iterable, and of any objects, are listed as in a sentence."""
    assert text == listed(iter(names))


@pytest.mark.parametrize(("number", "text"), [(0, "0 steps"), (1, "1 step"), (2, "2 steps")])
def test_a_number_has_its_noun(number, text):
    """The noun is singular only for one."""
    assert text == counted(number, "step")
