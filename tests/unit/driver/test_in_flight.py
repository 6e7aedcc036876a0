"""Requests in flight of a bulk run or scan: what is counted when the driver answers once or twice."""

from __future__ import annotations

import pytest

from scyllamodel import Column, Model, partition_key, select
from scyllamodel.driver.data.in_flight import RequestWindow
from scyllamodel.driver.data.messages import Execute


class Thing(Model, table="things", repo="window"):
    """A requested row."""

    id: Column[int] = partition_key()


ASK = Execute(select(Thing).whole_table().compile("shop"))


class Future:
    """Stands in for the driver's future: the test sets its answer."""

    _errors: dict = {}  # noqa: RUF012 - as the driver's, it has one for each host that failed

    def add_callbacks(self, callback, errback, *, callback_args, errback_args):
        """Register the callbacks, as the driver's future does."""
        self.answer = lambda rows: callback(rows, *callback_args)
        self.fail = lambda error: errback(error, *errback_args)


class Sender:
    """Sends requests: each statement is the future of its answer."""

    instrumentation = None

    def send(self, statement, options, **keywords):
        """Return the request in flight."""
        del options, keywords
        return statement


@pytest.fixture
def window():
    """A window of two requests at a time."""
    return RequestWindow(Sender(), 2)


def test_an_answer_that_comes_twice_counts_once(window):
    """If the driver reports an error and later an answer to another attempt, one request is counted."""
    first, second, third = (Future() for _ in range(3))
    for tag, future in enumerate((first, second, third)):
        window.send(future, tag, ASK)
    first.fail(ValueError("no answer"))
    first.answer([1])

    ((tag, answer, error),) = window.take()
    assert (0, None, ValueError, 2) == (tag, answer, type(error), window.outstanding)

    second.answer([2])
    third.answer([3])
    assert [(1, [2]), (2, [3])] == [(tag, answer.rows) for tag, answer, _ in window.take(2)]
    assert 0 == window.outstanding == window._in_flight_count
