"""Requests in flight of a bulk run or scan: what is counted when the driver answers once or twice."""

from __future__ import annotations

import itertools
import threading
import time

import pytest

from scyllamodel import Column, Model, partition_key, select
from scyllamodel.driver.data import in_flight
from scyllamodel.driver.data.in_flight import RequestWindow
from scyllamodel.driver.data.messages import Execute
from scyllamodel.driver.session import fast_request, fork_safety
from scyllamodel.driver.session.held_messages import holds
from scyllamodel.errors import ConnectionFailed
from support.interrupts import is_interrupted


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


class Connection:
    """A connection that holds messages."""

    def __init__(self, sent):
        self.sent = sent

    def send_held(self):
        """Count what was sent."""
        self.sent.append(1)


class Sender:
    """Sends requests: each statement is the future of its answer, or the error with which sending it fails."""

    instrumentation = None

    def __init__(self):
        self.sent, self.connection, self.generation = [], self, fork_safety.generation()

    def check_not_forked(self):
        """Refuse the connection of a parent process."""
        fork_safety.check_not_forked(self.generation, "The connection")

    def send(self, statement, options, **keywords):
        """Return the request in flight."""
        del options, keywords
        if isinstance(statement, BaseException):
            raise statement
        self.sent.append(statement)
        return statement


@pytest.fixture
def sender():
    """What the window sends with."""
    return Sender()


@pytest.fixture
def window(sender):
    """A window."""
    return RequestWindow(sender)


def test_an_answer_that_comes_twice_counts_once(window):
    """If the driver reports an error and later an answer to another attempt, one request is counted."""
    first, second, third = (Future() for _ in range(3))
    for tag, future in enumerate((first, second, third)):
        window.queue(future, tag, ASK, size=1)
    first.fail(ValueError("no answer"))
    first.answer([1])

    ((tag, answer, error),) = window.take()
    assert (0, None, ValueError, 2) == (tag, answer, type(error), window.outstanding)

    second.answer([2])
    third.answer([3])
    assert [(1, [2]), (2, [3])] == [(tag, answer.rows) for tag, answer, _ in window.take(2)]
    assert 0 == window.outstanding == len(window._in_flight)


def test_requests_are_sent_together(window, sender):
    """The first request goes out at once; later ones wait until there are enough of them."""
    futures = [Future() for _ in range(6)]
    lengths = []
    for tag, future in enumerate(futures):
        window.queue(future, tag, ASK, size=3)
        lengths.append(len(sender.sent))
    assert lengths == [1, 1, 1, 4, 4, 4]
    assert sender.sent == futures[:4]


def test_nothing_queued_waits_for_longer_than_what_is_in_flight(window, sender):
    """With the last response everything queued is sent, in the thread of the driver; a slow source delays none."""
    futures = [Future() for _ in range(3)]
    for tag, future in enumerate(futures):
        window.queue(future, tag, ASK, size=9)
    assert sender.sent == futures[:1]
    futures[0].fail(TimeoutError())
    assert sender.sent == futures


def test_everything_queued_is_sent_before_the_sender_waits(window, sender):
    """A wait for responses sends the queue first."""
    futures = [Future() for _ in range(3)]
    for tag, future in enumerate(futures):
        window.queue(future, tag, ASK, size=9)
    futures[0].answer([0])
    window.queue(last := Future(), 3, ASK, size=9)
    futures[1].answer([1])
    window.take(1)
    assert sender.sent == [*futures, last]


def test_requests_that_fail_at_once_are_all_reported(window):
    """If nothing can be sent, each request has its error, and none stays in flight."""
    window.queue(Future(), 0, ASK, size=9)
    for tag in range(1, 9):
        window.queue(ValueError(tag), tag, ASK, size=8)
    assert [(tag, type(error)) for tag, _, error in window.take(8)] == [(tag, ValueError) for tag in range(1, 9)]
    assert (1, 1) == (window.outstanding, len(window._in_flight))


def test_an_interrupt_leaves_nothing_held_back(window, sender):
    """After an interrupt of a send, this thread holds no messages back, and nothing waits for the interrupted one."""
    window.queue(first := Future(), 0, ASK, size=9)
    window.queue(KeyboardInterrupt(), 1, ASK, size=9)
    with pytest.raises(KeyboardInterrupt):
        window.queue(Future(), 2, ASK, size=2)
    assert threading.get_ident() not in holds
    assert [2] == window.drop_queued()
    first.answer([1])
    assert [(0, [1])] == [(tag, answer.rows) for tag, answer, _ in window.drain(timeout=5)]
    assert sender.sent == [first]


def test_what_an_interrupt_left_held_back_is_sent(window):
    """A second interrupt may come before messages are sent; dropping the queue, as each run does, sends them."""
    sent = []
    window._held.connections[Connection(sent)] = None
    holds[threading.get_ident()] = window._held
    assert [] == window.drop_queued()
    assert [1] == sent
    assert threading.get_ident() not in holds


def test_a_forked_child_takes_nothing(window, sender, monkeypatch):
    """A response that had arrived before a fork is not taken in the child, which would fetch its next page."""
    window.queue(future := Future(), 0, ASK, size=1)
    future.answer([1])
    monkeypatch.setattr(fork_safety, "_generation", [7])
    with pytest.raises(ConnectionFailed, match="forked"):
        window.take()
    assert sender.sent == [future]


def test_an_interrupt_at_any_step_of_a_wait_does_not_block_the_thread_of_the_driver(sender):
    """Whatever step of `take` Ctrl-C interrupts, the thread that records answers continues."""
    for step in itertools.count():
        window, futures = RequestWindow(sender), [Future() for _ in range(3)]
        for tag, future in enumerate(futures):
            window.queue(future, tag, ASK, size=1)
        first, second, third = (threading.Thread(target=future.answer, args=([],), daemon=True) for future in futures)
        threading.Timer(0.002, lambda first=first, second=second: (first.start(), second.start())).start()
        was_interrupted = is_interrupted(step, [in_flight, fast_request, threading], window.take, 2)
        third.start()
        for thread in (third, first, second):
            while thread.ident is None:
                time.sleep(0.001)
            thread.join(10)
            assert not thread.is_alive(), f"the driver's thread waits since an interrupt at step {step}"
        if not was_interrupted:
            break

    assert step > 50
