"""Requests that are awaited: how many the driver has, and what is left of a loop that ended."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from typing import ClassVar

import pytest
from cassandra.connection import ConnectionShutdown

from scyllamodel import ServiceUnavailable
from scyllamodel.driver.data import asyncio_bridge
from scyllamodel.driver.data.asyncio_bridge import LoopNotifier, loop_notifier
from scyllamodel.driver.data.requests import raise_request_error
from scyllamodel.query.statement import CompiledStatement, StatementTemplate


class Request:
    """Stands in for the driver's future: it is answered when the test says so, perhaps in another thread."""

    _errors: ClassVar[dict[str, Exception]] = {}

    def __init__(self):
        self.callbacks = None

    def add_callbacks(self, callback, errback, *, callback_args, errback_args):
        """As the driver's."""
        self.callbacks = (callback, callback_args, errback, errback_args)

    def answer(self, rows):
        """The answer comes, in the driver's thread."""
        thread = threading.Thread(target=lambda: self.callbacks[0](rows, *self.callbacks[1]))
        thread.start()
        thread.join()

    def fail(self, error):
        """The driver gives up."""
        self.callbacks[2](error, *self.callbacks[3])


@pytest.fixture
def few(monkeypatch):
    """Two requests at a time."""
    monkeypatch.setattr(asyncio_bridge, "IN_FLIGHT", 2)


async def turns():
    """Let all that is ready run."""
    for _ in range(5):
        await asyncio.sleep(0)


def sending(requests):
    """A function that sends a request, and notes it."""

    def send():
        requests.append(Request())
        return requests[-1]

    return send


def test_an_answer_and_an_error_reach_their_tasks():
    """An answer and an error reach their tasks, with the driver's future beside the rows."""

    async def run():
        requests = []
        first, second = (asyncio.ensure_future(loop_notifier().request(sending(requests))) for _ in range(2))
        await turns()
        requests[1].fail(KeyError("no"))
        requests[0].answer([1])
        assert (requests[0], [1]) == await first
        with pytest.raises(KeyError):
            await second

    asyncio.run(run())


@pytest.mark.usefixtures("few")
def test_a_request_counts_until_the_driver_is_done_with_it():
    """A task that is cancelled frees no room; the third request is sent when an answer has come."""

    async def run():
        requests = []
        tasks = [asyncio.ensure_future(loop_notifier().request(sending(requests))) for _ in range(4)]
        await turns()
        assert 2 == len(requests)
        tasks[0].cancel()
        tasks[2].cancel()
        await turns()
        assert 2 == len(requests)
        requests[0].answer([])
        await turns()
        assert 3 == len(requests)
        for request in list(requests[1:]):
            request.answer([request])
        assert [[requests[1]], [requests[2]]] == [(await tasks[at])[1] for at in (1, 3)]
        return loop_notifier()._free_slots

    assert 2 == asyncio.run(run())


@pytest.mark.usefixtures("few")
def test_a_task_that_is_cancelled_with_its_turn_passes_it_on():
    """The turn and the cancellation come at once."""

    async def run():
        requests = []
        tasks = [asyncio.ensure_future(loop_notifier().request(sending(requests))) for _ in range(4)]
        await turns()
        requests[0].answer([])
        tasks[2].cancel()
        await turns()
        assert 3 == len(requests)
        requests[1].answer([])
        requests[2].answer([])
        await asyncio.gather(tasks[0], tasks[1], tasks[3])
        return loop_notifier()._free_slots

    assert 2 == asyncio.run(run())


def test_a_request_that_is_answered_twice_frees_its_place_once():
    """The driver gives up, and then hears of an attempt that it made once more: what came first counts."""

    async def run():
        requests = []
        task = asyncio.ensure_future(loop_notifier().request(sending(requests)))
        await turns()
        requests[0].fail(TimeoutError("no answer"))
        requests[0].answer([1])
        with pytest.raises(TimeoutError):
            await task
        requests[0].answer([2])
        await turns()
        return loop_notifier()._free_slots

    assert asyncio_bridge.IN_FLIGHT == asyncio.run(run())


def test_a_request_that_cannot_be_sent_frees_its_place():
    """The error comes at once."""

    def send():
        raise OSError("no connection")

    async def run():
        with pytest.raises(OSError, match="no connection"):
            await loop_notifier().request(send)
        return loop_notifier()._free_slots

    assert asyncio_bridge.IN_FLIGHT == asyncio.run(run())


@pytest.mark.parametrize("when", ["answered", "in flight", "answered afterwards", "answered too late to be taken"])
def test_loops_are_collected(when):
    """While the driver still has the request, which it keeps until its timeout would have passed."""
    requests = []

    async def run():
        task = asyncio.ensure_future(loop_notifier().request(sending(requests)))
        await turns()
        if when == "answered":
            requests[0].answer([1])
            await task
        elif when == "answered too late to be taken":
            asyncio.get_running_loop().call_soon(requests[0].answer, [1])
        return weakref.ref(asyncio.get_running_loop())

    loop = asyncio.run(run())
    if when == "answered afterwards":
        requests[0].answer([1])
    gc.collect()

    assert loop() is None


@pytest.mark.usefixtures("few")
def test_loops_are_collected_with_those_that_wait_for_a_turn():
    """Neither the requests in flight nor those that were not sent keep a loop that was closed."""
    requests = []

    async def run():
        tasks = [asyncio.ensure_future(loop_notifier().request(sending(requests))) for _ in range(5)]
        await turns()
        assert [2, 5] == [len(requests), len(tasks)]

    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # the tasks were pending
    loop.run_until_complete(run())
    loop.close()
    loop = weakref.ref(loop)
    gc.collect()

    assert loop() is None


@pytest.mark.usefixtures("few")
def test_a_coroutine_that_is_closed_waits_for_no_turn():
    """Otherwise it would get one, and no other request ever would."""

    async def run():
        requests = []
        tasks = [asyncio.ensure_future(loop_notifier().request(sending(requests))) for _ in range(4)]
        await turns()
        tasks[2].get_coro().close()
        requests[0].answer([])
        await turns()
        assert 3 == len(requests)
        requests[1].answer([])
        requests[2].answer([])
        await asyncio.gather(tasks[0], tasks[1], tasks[3])
        return loop_notifier()._free_slots

    assert 2 == asyncio.run(run())


def test_a_task_that_nothing_refers_to_gets_its_answer(monkeypatch):
    """The loop refers to what waits in it, for longer than a timer lasts, and forgets it afterwards."""
    monkeypatch.setattr(asyncio_bridge, "KEEP_SECONDS", 0.01)
    requests, results = [], []

    async def ask():
        results.append(await loop_notifier().request(sending(requests)))

    async def run():
        for _ in range(2):
            asyncio.ensure_future(ask())  # noqa: RUF006 - that nothing refers to it is the case
            await asyncio.sleep(0.05)
            gc.collect()
            await turns()
            requests.pop().answer([1])
            await turns()
            await asyncio.sleep(0.05)
            gc.collect()
            assert loop_notifier()._waits() is None

    asyncio.run(run())
    assert 2 == len(results)


def test_an_answer_after_its_loop_was_closed_is_dropped():
    """Nothing of it is kept."""
    requests, created = [], []

    async def run():
        created.append(loop_notifier())
        task = asyncio.ensure_future(loop_notifier().request(sending(requests)))
        await turns()
        task.cancel()

    loop = asyncio.new_event_loop()
    loop.run_until_complete(run())
    loop.close()
    requests[0].answer([1])

    assert isinstance(created[0], LoopNotifier)
    assert not created[0]._results


class Rows(list):
    """Rows to which a test refers weakly."""


@pytest.mark.parametrize("closed", ["before", "while the first answer is on its way"])
def test_answers_after_their_loop_was_closed_are_dropped(closed):
    """The first woke the loop, which was closed before it ran; nothing of those that came later is kept either."""
    requests = []

    async def run():
        tasks = [asyncio.ensure_future(loop_notifier().request(sending(requests))) for _ in range(3)]
        await turns()
        if closed != "before":
            asyncio.get_running_loop().call_soon(requests[0].answer, Rows())
        return [loop_notifier(), *tasks]

    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # the tasks were pending
    bridge = loop.run_until_complete(run())
    loop.close()
    rows = Rows()
    reference = weakref.ref(rows)
    requests[1].answer(rows)
    del rows
    gc.collect()

    assert 4 == len(bridge)
    assert reference() is None


def test_one_error_of_many_requests_keeps_none_of_their_loops():
    """The driver answers all requests of a connection that broke with one object, which it and the queue refer to."""
    requests, shutdown = [], ConnectionShutdown("broken pipe")

    async def ask():
        try:
            await loop_notifier().request(sending(requests))
        except ConnectionShutdown as error:
            raise_request_error(error, CompiledStatement(StatementTemplate("INSERT 1", (), "insert", None, "shop"), ()))

    async def run():
        tasks = [asyncio.ensure_future(ask()) for _ in range(3)]
        await turns()
        requests[0].fail(shutdown)
        with pytest.raises(ServiceUnavailable):
            await tasks[0]
        asyncio.get_running_loop().call_soon(
            requests[1].fail, shutdown
        )  # it wakes a loop that is closed before it can run
        return weakref.ref(asyncio.get_running_loop())

    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # the tasks were pending
    dead = loop.run_until_complete(run())
    loop.close()
    del loop
    gc.collect()

    assert dead() is None
