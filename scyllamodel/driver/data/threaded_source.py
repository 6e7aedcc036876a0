"""Reads rows and keys from a blocking iterable for an event loop.

In: an iterable that may block, such as a generator that reads a file. Out: an async iterator. A separate thread reads a
bounded number of items ahead, so that the loop is never blocked, and a cancelled run can abandon a source that yields
nothing more.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterable, ItemsView, Iterable, KeysView, ValuesView
from queue import SimpleQueue
from typing import Any, Final

from scyllamodel.driver.data.asyncio_bridge import running_loop, start_thread

LOOKAHEAD: Final = 256
"""Maximum items read ahead."""

_IN_MEMORY: Final = (list, tuple, set, frozenset, dict, deque, range, KeysView, ValuesView, ItemsView)


def may_block(source: Iterable[Any] | AsyncIterable[Any]) -> bool:
    """Whether taking an item may block: true of all but in-memory collections and async iterables."""
    return not isinstance(source, (*_IN_MEMORY, AsyncIterable))


class ThreadedSource:
    """An async iterator over an iterable that a separate thread reads."""

    def __init__(self, items: Iterable[Any]) -> None:
        self._items: Iterable[Any] | None = items
        self._loop = running_loop()
        self._buffer: deque[Any] = deque()
        self._arrival = asyncio.Event()
        self._free_slots: SimpleQueue[None] = SimpleQueue()  # its methods may be called by a garbage collection
        for _ in range(LOOKAHEAD):
            self._free_slots.put(None)
        self._is_abandoned = self._is_exhausted = self._is_started = self._is_wake_scheduled = False
        self._error: BaseException | None = None

    def __aiter__(self) -> ThreadedSource:
        return self

    async def __anext__(self) -> Any:
        if not self._is_started:
            self._is_started = True
            start_thread(self._read_all)
        while not self._buffer:
            if self._is_exhausted and not self._buffer:  # in this order: the last item comes before the end
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            self._arrival.clear()
            if not self._buffer and not self._is_exhausted:
                await self._arrival.wait()
        self._free_slots.put(None)
        return self._buffer.popleft()

    def abandon(self) -> list[Any]:
        """Stop reading; returns the items read and not taken."""
        self._is_abandoned = True
        self._free_slots.put(None)
        unread = list(self._buffer)
        self._buffer.clear()
        return unread

    def _read_all(self) -> None:
        """Read until the end, or until the source is abandoned; runs in the thread."""
        items, self._items = self._items, None
        try:
            for item in items or ():
                self._free_slots.get()
                self._buffer.append(item)
                self._wake()
                if self._is_abandoned:
                    break
        except BaseException as error:  # noqa: BLE001 - raised where the items are taken
            self._error = error
        self._is_exhausted = True
        self._wake()

    def _wake(self) -> None:
        if not self._is_wake_scheduled:
            self._is_wake_scheduled = True
            with contextlib.suppress(RuntimeError):  # the loop was closed, and nothing waits
                self._loop.call_soon_threadsafe(self._on_wake)

    def _on_wake(self) -> None:
        self._is_wake_scheduled = False  # first: items read from here on wake the loop again
        self._arrival.set()
