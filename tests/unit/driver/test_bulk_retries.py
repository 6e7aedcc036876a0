"""Rows that a bulk run sends again: one whose first attempt may be applied remains so, whatever the later outcomes."""

from __future__ import annotations

import types
from typing import Any, ClassVar

import pytest

from scyllamodel import Column, Model, column, partition_key
from scyllamodel.driver._cassandra import NoConnectionsAvailable, NoHostAvailable, OperationTimedOut
from scyllamodel.driver.data import bulk
from scyllamodel.driver.data.bulk_api import BulkOperations
from scyllamodel.driver.data.in_flight import RequestWindow
from scyllamodel.model import change_tracking
from scyllamodel.model.change_tracking import uncertain_columns
from scyllamodel.query.instances import NO_WRITE_OPTIONS

LOST = OperationTimedOut({})
REFUSED = NoHostAvailable("no host", {"host": NoConnectionsAvailable("full")})


class Part(Model, table="parts", repo="rounds"):
    """A row to save."""

    id: Column[int] = partition_key()
    name: Column[str] = column(default="new")


class Future:
    """Stands in for the driver's future, with an error from the start."""

    _errors: ClassVar[dict[str, Exception]] = {}

    def __init__(self, error):
        self.error = error

    def add_callbacks(self, callback, errback, *, callback_args, errback_args):
        """Call the error callback, as the driver's future does."""
        del callback, callback_args
        errback(self.error, *errback_args)


class Sender:
    """Sends requests, each of which ends with the next of these errors."""

    instrumentation = None
    connection = types.SimpleNamespace(is_inherited=False, check_not_forked=lambda: None)

    def __init__(self, *errors):
        self.errors = list(errors)

    def bind_cached(self, compiled):
        """Prepare nothing."""
        return compiled

    def send(self, statement, options, **keywords):
        """Return a failed request."""
        del statement, options, keywords
        return Future(self.errors.pop(0))


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """Retry after very short pauses."""
    monkeypatch.setattr(bulk, "RETRY_PAUSES", (0.001, 0.002, 0.003, 0.004))


def saved(*errors):
    """The error of a row and its uncertain columns, where each attempt ends with the next of these errors."""
    row = Part(id=1, name="a")
    report = BulkOperations(Sender(*errors), "shop").save([row], NO_WRITE_OPTIONS, by_partition=False).run()
    return report.errors[0].error, uncertain_columns(row)


@pytest.mark.parametrize("at", range(5))
def test_a_row_of_which_any_attempt_got_no_answer_may_be_applied(at):
    """The row may be applied although all other attempts were refused, and its columns are uncertain."""
    error, unknown = saved(*(LOST if attempt == at else REFUSED for attempt in range(5)))

    assert error.may_be_applied
    assert {"name"} == unknown


def test_a_row_that_was_never_sent_is_not_applied():
    """The row is reported as not applied, and no column of its instance is uncertain."""
    error, unknown = saved(*[REFUSED] * 5)

    assert not error.may_be_applied
    assert set() == unknown


class Silent:
    """Stands in for a driver's future that gets no answer."""

    def add_callbacks(self, callback, errback, *, callback_args, errback_args):
        """Call nothing."""


class SilentSender(Sender):
    """Sends requests that get no answer."""

    def send(self, statement, options, **keywords):
        """Return a request in flight."""
        del statement, options, keywords
        return Silent()


class Answered:
    """Stands in for a driver's future that has its answer, once others were sent."""

    waiting: ClassVar[list[Any]] = []

    def add_callbacks(self, callback, errback, *, callback_args, errback_args):
        """Answer the request before this one."""
        del errback, errback_args
        while self.waiting:
            self.waiting.pop()()
        self.waiting.append(lambda: callback([], *callback_args))


class AnsweringSender(SilentSender):
    """Sends requests that get their answers, each with the next request."""

    def send(self, statement, options, **keywords):
        """Return a request in flight."""
        del statement, options, keywords
        return Answered()


def test_rows_before_an_error_of_their_source_are_sent(monkeypatch):
    """What a source yielded before it raised is sent, also what was waiting to be sent together with more rows."""
    rows = [Part(id=number, name="a") for number in range(3)]

    def source():
        yield from rows
        raise OSError("the source ended")

    monkeypatch.setattr(bulk, "DRAIN_TIMEOUT", 0)
    run = BulkOperations(AnsweringSender(), "shop", 64).save(source(), NO_WRITE_OPTIONS, by_partition=False)
    with pytest.raises(OSError, match="the source ended") as exc_info:
        run.run()

    assert (3, 3, 2) == tuple(getattr(exc_info.value.report, name) for name in ("total", "requests", "written"))


def interrupt(*_):
    """Raise the error of Ctrl-C."""
    raise KeyboardInterrupt


@pytest.mark.parametrize("second_interrupt", ["while it waits", "while it stops", "while it drops what was not sent"])
def test_ctrl_c_that_is_pressed_twice_gives_all_instances_back(monkeypatch, second_interrupt):
    """Wherever the second Ctrl-C arrives, no instance stays locked, and the rows that were sent are uncertain."""
    rows = [Part(id=number, name="a") for number in range(6)]

    def source():
        yield from rows[:5]
        raise KeyboardInterrupt

    run = BulkOperations(SilentSender(), "shop", 12).save(source(), NO_WRITE_OPTIONS, by_partition=False)
    if second_interrupt == "while it stops":
        run._abandon_source = once(interrupt, ())
    elif second_interrupt == "while it drops what was not sent":
        monkeypatch.setattr(RequestWindow, "drop_queued", once(interrupt, RequestWindow.drop_queued))
    else:
        monkeypatch.setattr(bulk.time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt) as exc_info:
        run.run()

    assert {} == change_tracking._instances_being_written
    assert [1, 1, 1, 1, 0, 0] == [len(uncertain_columns(row)) for row in rows]
    assert 5 == exc_info.value.report.total


def once(first, second):
    """A function that calls the first one once, and afterwards returns the result of the second."""
    calls = []

    def call(*args):
        calls.append(args)
        if len(calls) == 1:
            first()
        return second(*args) if callable(second) else second

    return call
