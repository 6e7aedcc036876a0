"""Progress reports while a plan is applied, and the effect of Ctrl-C on it."""

from __future__ import annotations

import io
import signal

import pytest

from scyllamodel.cli.console import Console
from scyllamodel.cli.errors import Interrupted, Stopped
from scyllamodel.cli.progress import progress_listener
from scyllamodel.errors import StepFailed
from scyllamodel.schema.apply import Event, StatementRefused, apply
from scyllamodel.schema.facts.objects import Keyspace, KeyspaceFacts, Table, TableColumn
from scyllamodel.schema.plan import make_plan
from scyllamodel.schema.server.profile import ServerProfile
from scyllamodel.types.cql_types import Native

SERVER = ServerProfile()
NAMES = ("carts", "orders", "reviews")
TABLES = [Table(name, [TableColumn("id", Native("uuid"), "partition_key")], keyspace="shop") for name in NAMES]
LIVE = KeyspaceFacts("shop", Keyspace("shop"))
PLAN = make_plan(KeyspaceFacts("shop", tables=TABLES), LIVE, SERVER)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


class Node:
    """An executor whose statements all succeed; `during` maps the number of a statement to what happens meanwhile."""

    server = SERVER
    has_moved = False

    def __init__(self, during=None, warnings=()):
        self.sent, self.warnings = [], warnings
        self.during = during or {}

    def execute(self, cql, _timeout):
        self.sent.append(cql)
        self.during.get(len(self.sent), lambda: None)()
        return self.warnings

    def introspect(self, _keyspace):
        return KeyspaceFacts("shop", Keyspace("shop"), tables=TABLES[: len(self.sent)])

    def await_agreement(self, _timeout):
        self.during.get(f"agreement after {len(self.sent)}", lambda: None)()


def press_ctrl_c():
    """Send the signal of a terminal."""
    signal.raise_signal(signal.SIGINT)


def end_politely():
    """Send the signal of a container platform."""
    signal.raise_signal(signal.SIGTERM)


def refuse():
    """Refuse a statement as a server does."""
    raise StatementRefused("no such strategy")


def run(node, console=None, **settings):
    """Apply the plan on this node, and return the text on stdout and stderr."""
    console = console or Console(out=io.StringIO(), err=io.StringIO(), **settings)
    with progress_listener(console, show_plan=True) as on_event:
        on_event(Event("plan_ready", plan=PLAN))
        apply(PLAN, node, on_event=on_event)
    return console.out.getvalue(), console.err.getvalue()


def test_each_step_is_reported_with_its_time():
    """After the plan, each step has a line with its mark, number, description and milliseconds."""
    out, err = run(Node())
    plan, _, steps = out.partition(f"{PLAN.render()}\n\n")

    assert ("", "") == (plan, err)
    assert 3 == len(steps.splitlines())
    assert all(line.startswith(f"  +  {seq}. ") for seq, line in enumerate(steps.splitlines(), 1))
    assert all(line.endswith(" ms)") for line in steps.splitlines())


def test_a_warning_of_the_server_stands_under_its_step():
    """A warning is printed once although each answer has it, and its control characters are escaped."""
    out, _ = run(Node(warnings=("RF 1 is\x1b[2J low",)))

    assert 1 == out.count("     warning: RF 1 is\\x1b[2J low")


@pytest.mark.parametrize("settings", [{"json": True}, {"verbosity": -1}])
def test_quiet_runs_print_nothing(settings):
    """With --json or -q no progress lines are printed."""
    assert ("", "") == run(Node(), **settings)


def test_verbose_runs_print_the_statements():
    """With -v each statement is printed on stderr, in order."""
    _, err = run(Node(), verbosity=1)

    assert [line for cql in PLAN.cql for line in cql.splitlines()] == err.splitlines()


@pytest.mark.parametrize("press", [press_ctrl_c, end_politely])
def test_the_running_statement_is_finished_first(press):
    """Ctrl-C and SIGTERM let the running statement finish, and prevent the next one from being sent."""
    node = Node({2: press})
    console = Console(out=io.StringIO(), err=io.StringIO())
    with pytest.raises(Stopped, match="2 of 3 steps were applied") as exc_info:
        run(node, console)

    assert (2, 3, 6) == (exc_info.value.applied, exc_info.value.total, exc_info.value.exit_code)
    assert PLAN.cql[:2] == node.sent
    assert "Stopping after the current statement" in console.err.getvalue()


def test_an_interrupt_during_the_last_statement_is_ignored():
    """Ctrl-C during the last statement does not change the run, since nothing is left to stop."""
    node = Node({3: press_ctrl_c})
    run(node)

    assert PLAN.cql == node.sent


def test_a_second_interrupt_leaves_a_statement_to_the_schema():
    """After a second Ctrl-C the answer is not awaited: the schema shows that the statement ran."""
    node = Node({1: lambda: (press_ctrl_c(), press_ctrl_c())})
    with pytest.raises(Stopped) as exc_info:
        run(node)

    assert (1, PLAN.cql[:1]) == (exc_info.value.applied, node.sent)


def test_before_the_first_statement_nothing_was_changed():
    """Ctrl-C while waiting for nodes before the first statement ends the run with 130 and no statement sent."""
    node = Node({"agreement after 0": press_ctrl_c})
    with pytest.raises(Interrupted) as exc_info:
        run(node)

    assert (130, []) == (exc_info.value.exit_code, node.sent)
    assert not isinstance(exc_info.value, Stopped)


def test_success_is_reported_after_the_last_statement():
    """Ctrl-C during the last wait for agreement reports how many steps were applied."""
    with pytest.raises(Stopped, match="3 of 3 steps were applied"):
        run(Node({"agreement after 3": press_ctrl_c}))


def test_a_failure_stays_what_it_is():
    """A step that the server refuses is a failure and not an interruption, and is reported with its mark."""
    console = Console(out=io.StringIO(), err=io.StringIO())
    with pytest.raises(StepFailed):
        run(Node({2: refuse}), console)

    assert "  !  2. " in console.out.getvalue()
    assert "(failed)" in console.out.getvalue()


def test_signals_mean_what_they_meant_before():
    """The previous signal handlers are restored when the run is over."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    run(Node())

    assert before == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]


def test_a_terminal_gets_a_bar(monkeypatch):
    """On a terminal a progress bar counts the steps, and the lines are printed above it."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    out, err = run(Node(), Console(out=Terminal(), err=Terminal()))

    assert "/3" in out
    assert "\x1b[?25l" in out  # the cursor is hidden while the bar moves …
    assert out.endswith("\x1b[2K")  # … and the line of the bar is wiped
    assert all(step.summary in out for step in PLAN.steps)
    assert "" == err


def test_a_pipe_gets_no_bar(monkeypatch):
    """Without a terminal there are no control characters."""
    monkeypatch.setenv("TERM", "xterm-256color")
    out, err = run(Node())

    assert "\x1b" not in out + err
