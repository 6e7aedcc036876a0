"""Rows for an event loop from a source that may block."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque

import pytest

from scyllamodel.driver.data.threaded_source import LOOKAHEAD, ThreadedSource, may_block


async def nothing():
    """An async iterable."""
    for item in ():
        yield item


IN_MEMORY = [[], (), set(), frozenset(), {}, {}.keys(), {}.values(), {}.items(), deque(), range(3)]


@pytest.mark.parametrize("source", [*IN_MEMORY, nothing()], ids=lambda source: type(source).__name__)
def test_what_is_in_memory_does_not_block(source):
    """A collection in memory and an async iterable are not read in a thread."""
    assert not may_block(source)


@pytest.mark.parametrize(
    "source", [iter([]), map(int, ()), (item for item in ())], ids=lambda source: type(source).__name__
)
def test_anything_else_may_block(source):
    """An iterable without a known length may block."""
    assert may_block(source)


async def extend(items, source):
    """Append the items of an iterable that is read in a thread."""
    async for item in ThreadedSource(source):
        items.append(item)


def slowly(count):
    """Yield this many items, with pauses."""
    for number in range(count):
        time.sleep(0.02)
        yield number


def read(source):
    """All items of an iterable that is read in a thread."""
    items = []
    asyncio.run(extend(items, source))
    return items


@pytest.mark.parametrize("count", [0, 1, LOOKAHEAD, 3 * LOOKAHEAD + 1])
def test_all_items_come_in_their_order(count):
    """All items arrive in order, however many there are."""
    assert list(range(count)) == read(iter(range(count)))


def test_items_that_come_slowly_come_one_by_one():
    """Each item of a slow source is passed on immediately, and the loop continues in the meantime."""

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
    """The error of a source is raised unchanged, after its items."""

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
    """A source is read a limited number of items ahead, since its consumer may be slow."""
    iterator = iter(range(10 * LOOKAHEAD))

    async def case():
        source = ThreadedSource(iterator)
        first = await anext(source)
        await asyncio.sleep(0.2)
        rest = source.abandon()
        return first, len(rest)

    first, remaining = asyncio.run(case())

    assert 0 == first
    assert LOOKAHEAD <= remaining + 1 <= LOOKAHEAD + 1


def test_a_source_that_was_left_is_not_read_further():
    """The thread of an abandoned source ends at its next item, and closes the source."""
    closed, resume = threading.Event(), threading.Event()

    def source():
        try:
            yield 1
            resume.wait(10)
            yield 2
            yield 3
        finally:
            closed.set()

    async def case():
        threaded = ThreadedSource(source())
        assert 1 == await anext(threaded)
        threaded.abandon()
        del threaded
        resume.set()

    asyncio.run(case())

    assert closed.wait(10)


def test_a_loop_that_ended_is_not_woken():
    """The thread of a source continues without an error after its event loop was closed."""
    resume, finished = threading.Event(), threading.Event()

    def source():
        yield 1
        resume.wait(10)
        yield 2
        finished.set()

    async def case():
        return await anext(ThreadedSource(source()))

    assert 1 == asyncio.run(case())
    resume.set()
    assert finished.wait(10)
