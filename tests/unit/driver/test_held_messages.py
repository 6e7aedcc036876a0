"""Messages of tasks go out together, and none is held for long."""

from __future__ import annotations

import asyncio
import threading

import pytest

from scyllamodel.driver.data.asyncio_bridge import LoopNotifier
from scyllamodel.driver.session.held_messages import HeldMessages, holds


class Future:
    """A request, answered when the test says so."""

    def add_callbacks(self, callback, errback, *, callback_args, errback_args):
        """Keep what to call."""
        del errback, errback_args
        self.answer = lambda rows: callback(rows, *callback_args)


class Connection:
    """A connection that holds messages, and lists how many went out in each write."""

    def __init__(self):
        self.waiting, self.writes, self.futures = 0, [], []

    def send(self, *_arguments, **_keywords):
        """Send a message, or hold it; as requests do, return what will be answered."""
        self.waiting += 1
        held = holds.get(threading.get_ident())
        if held is None:
            self.send_held()
        else:
            held.connections[self] = None
        self.futures.append(Future())
        return self.futures[-1]

    def send_held(self):
        """Write what is held."""
        if self.waiting:
            self.writes.append(self.waiting)
            self.waiting = 0


def test_messages_are_held_for_the_thread_that_asks():
    """Another thread sends meanwhile, and after the end this one does, too."""
    connection, held = Connection(), HeldMessages()
    assert held.begin()
    connection.send()
    thread = threading.Thread(target=HeldMessages().send)
    thread.start()
    thread.join()
    assert connection.writes == []

    held.end()
    held.send()
    connection.send()

    assert connection.writes == [1, 1]
    assert not holds


def test_messages_that_are_held_already_stay_with_the_first():
    """The outer one sends them."""
    outer, inner, connection = HeldMessages(), HeldMessages(), Connection()
    assert outer.begin()
    assert not inner.begin()
    connection.send()
    inner.send()
    assert connection.writes == []

    outer.end()
    outer.send()

    assert connection.writes == [1]


def test_tasks_of_one_turn_send_together():
    """A write for three tasks, and one for a task that runs alone, before the loop waits for anything."""
    connection = Connection()

    async def run():
        notifier = LoopNotifier(asyncio.get_running_loop())
        tasks = [asyncio.create_task(notifier.request(connection.send)) for _ in range(3)]
        for _ in range(3):
            await asyncio.sleep(0)
        assert connection.writes == [3]
        tasks.append(asyncio.create_task(notifier.request(connection.send)))
        for _ in range(3):
            await asyncio.sleep(0)
        for future in connection.futures:
            future.answer([])
        await asyncio.gather(*tasks)

    asyncio.run(run())

    assert connection.writes == [3, 1]
    assert not holds


def test_a_request_that_fails_at_once_holds_nothing_more():
    """The next blocking call of the same thread is sent."""
    connection = Connection()

    def fail():
        raise ValueError("no connection")

    async def run():
        with pytest.raises(ValueError, match="no connection"):
            await LoopNotifier(asyncio.get_running_loop()).request(fail)
        connection.send()

    asyncio.run(run())

    assert connection.writes == [1]
