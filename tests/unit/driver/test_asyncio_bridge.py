"""Requests that are awaited: how many are in flight, and what remains of a closed event loop."""

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
    """Stands in for the driver's future: the test sets its answer, perhaps in another thread."""

    _errors: ClassVar[dict[str, Exception]] = {}

    def __init__(self):
        self.callbacks = None

    def add_callbacks(self, callback, errback, *, callback_args, errback_args):
        """Register the callbacks, as the driver's future does."""
        self.callbacks = (callback, callback_args, errback, errback_args)

    def answer(self, rows):
        """Receive the answer in the driver's thread."""
        thread = threading.Thread(target=lambda: self.callbacks[0](rows, *self.callbacks[1]))
        thread.start()
        thread.join()

    def fail(self, error):
        """Receive an error of the driver."""
        self.callbacks[2](error, *self.callbacks[3])


@pytest.fixture
def few(monkeypatch):
    """Limit the requests in flight to two."""
    monkeypatch.setattr(asyncio_bridge, "IN_FLIGHT", 2)


async def turns():
    """Run all callbacks that are ready."""
    for _ in range(5):
        await asyncio.sleep(0)


def sending(requests):
    """A function that sends a request and records it."""

    def send():
        requests.append(Request())
        return requests[-1]

    return send


def test_an_answer_and_an_error_reach_their_tasks():
    """The task of a request receives the rows with the driver's future, or the error."""

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
    """A cancelled task frees no slot: the third request is sent only after an answer to one in flight."""

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
    """A slot that is assigned to a task at the moment of its cancellation is passed on to the next task."""

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
    """If the driver reports an error and later an answer to another attempt, only the first of them counts."""

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
    """The error is raised immediately, and the slot is free."""

    def send():
        raise OSError("no connection")

    async def run():
        with pytest.raises(OSError, match="no connection"):
            await loop_notifier().request(send)
        return loop_notifier()._free_slots

    assert asyncio_bridge.IN_FLIGHT == asyncio.run(run())


@pytest.mark.parametrize("when", ["answered", "in flight", "answered afterwards", "answered too late to be taken"])
def test_loops_are_collected(when):
    """A closed loop can be collected although the driver keeps the request until its timeout."""
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
    """Neither the requests in flight nor the queued ones keep a closed loop alive."""
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
    """A closed coroutine leaves the queue, so that no slot is assigned to it and lost."""

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
    """The loop holds references to waiting tasks for longer than a timer lasts, and drops them afterwards."""
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
    """No result is stored for a closed loop."""
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
    """No rows are kept, whether the loop was closed before all answers or after the first one."""
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
    """All requests of a broken connection share one error object, which must not refer to their event loops."""
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
