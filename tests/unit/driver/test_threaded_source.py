"""Rows for an event loop that come from a source which may block."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque

import pytest

from scyllamodel.driver.data.threaded_source import LOOKAHEAD, ThreadedSource, may_block


async def nothing():
    """An async iterable."""
    for one in ():
        yield one


IN_MEMORY = [[], (), set(), frozenset(), {}, {}.keys(), {}.values(), {}.items(), deque(), range(3)]


@pytest.mark.parametrize("given", [*IN_MEMORY, nothing()], ids=lambda given: type(given).__name__)
def test_what_is_in_memory_does_not_block(given):
    """A collection in memory does not block: neither does an async iterable."""
    assert not may_block(given)


@pytest.mark.parametrize("given", [iter([]), map(int, ()), (one for one in ())], ids=lambda given: type(given).__name__)
def test_anything_else_may_block(given):
    """Any iterable without a known length may block."""
    assert may_block(given)


async def extend(items, given):
    """Add the items of an iterable that is read in a thread."""
    async for one in ThreadedSource(given):
        items.append(one)


def slowly(count):
    """So many items, with pauses."""
    for at in range(count):
        time.sleep(0.02)
        yield at


def read(given):
    """All items of an iterable that is read in a thread."""
    items = []
    asyncio.run(extend(items, given))
    return items


@pytest.mark.parametrize("count", [0, 1, LOOKAHEAD, 3 * LOOKAHEAD + 1])
def test_all_items_come_in_their_order(count):
    """All items come in their order, however many there are."""
    assert list(range(count)) == read(iter(range(count)))


def test_items_that_come_slowly_come_one_by_one():
    """Items that come slowly are passed on at once, and the loop continues in the meantime."""

    async def case():
        ticks, items = 0, []

        task = asyncio.ensure_future(extend(items, slowly(10)))
        while not task.done():
            await asyncio.sleep(0.005)
            ticks += 1
        return items, ticks

    items, ticks = asyncio.run(case())

    assert list(range(10)) == items
    assert ticks > 10


def test_the_error_of_a_source_comes_after_its_items():
    """The error of a source comes after its items, as it was raised."""

    def source():
        yield from range(300)
        raise KeyError("end")

    async def case():
        items = []
        with pytest.raises(KeyError, match="end"):
            await extend(items, source())
        return items

    assert list(range(300)) == asyncio.run(case())


def test_a_source_is_read_a_bounded_number_ahead():
    """A source is read a limited number ahead, since its reader may be slow."""
    given = iter(range(10 * LOOKAHEAD))

    async def case():
        source = ThreadedSource(given)
        first = await anext(source)
        await asyncio.sleep(0.2)
        left = source.abandon()
        return first, len(left)

    first, left = asyncio.run(case())

    assert 0 == first
    assert LOOKAHEAD <= left + 1 <= LOOKAHEAD + 1


def test_a_source_that_was_left_is_not_read_further():
    """The thread of a source ends at its next item, and the source is closed there."""
    closed, go_on = threading.Event(), threading.Event()

    def source():
        try:
            yield 1
            go_on.wait(10)
            yield 2
            yield 3
        finally:
            closed.set()

    async def case():
        threaded = ThreadedSource(source())
        assert 1 == await anext(threaded)
        threaded.abandon()
        del threaded
        go_on.set()

    asyncio.run(case())

    assert closed.wait(10)


def test_a_loop_that_ended_is_not_woken():
    """The thread ends without a word."""
    go_on, ended = threading.Event(), threading.Event()

    def source():
        yield 1
        go_on.wait(10)
        yield 2
        ended.set()

    async def case():
        return await anext(ThreadedSource(source()))

    assert 1 == asyncio.run(case())
    go_on.set()
    assert ended.wait(10)
