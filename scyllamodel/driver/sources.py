"""Rows and keys for an event loop, whatever iterable they come from.

*In*: an iterable that may block, such as a generator that reads a file. *Out*: its items, awaited. They are read in a
thread of their own, which reads a bounded number ahead, so that the loop goes on meanwhile, and a run that is cancelled
can leave a source that gives nothing more.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterable, ItemsView, Iterable, KeysView, ValuesView
from queue import SimpleQueue
from typing import Any, Final

from scyllamodel.driver.loops import running_loop, start_thread

AHEAD: Final = 256
"""Items that are read and not yet taken, at most."""

_IN_MEMORY: Final = (list, tuple, set, frozenset, dict, deque, range, KeysView, ValuesView, ItemsView)


def may_block(given: Iterable[Any] | AsyncIterable[Any]) -> bool:
    """Whether taking an item may block: anything but a collection in memory, or an async iterable."""
    return not isinstance(given, (*_IN_MEMORY, AsyncIterable))


class ThreadedSource:
    """An iterable that is read in a thread of its own; an async iterator of its items."""

    def __init__(self, given: Iterable[Any]) -> None:
        self._given: Iterable[Any] | None = given
        self._loop = running_loop()
        self._read: deque[Any] = deque()
        self._arrival = asyncio.Event()
        self._room: SimpleQueue[None] = SimpleQueue()  # its methods may be called in a collection
        for _ in range(AHEAD):
            self._room.put(None)
        self._is_left = self._ended = self._started = self._waking = False
        self._error: BaseException | None = None

    def __aiter__(self) -> ThreadedSource:
        return self

    async def __anext__(self) -> Any:
        if not self._started:
            self._started = True
            start_thread(self._read_all)
        while not self._read:
            if self._ended and not self._read:  # in this order: the last item comes before the end
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            self._arrival.clear()
            if not self._read and not self._ended:
                await self._arrival.wait()
        self._room.put(None)
        return self._read.popleft()

    def leave(self) -> list[Any]:
        """Take no more; what was read and not taken."""
        self._is_left = True
        self._room.put(None)
        left = list(self._read)
        self._read.clear()
        return left

    def _read_all(self) -> None:
        """In the thread: read until the end, or until the run has left."""
        given, self._given = self._given, None
        try:
            for one in given or ():
                self._room.get()
                self._read.append(one)
                self._wake()
                if self._is_left:
                    break
        except BaseException as error:  # noqa: BLE001 - raised where the items are taken
            self._error = error
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        if not self._waking:
            self._waking = True
            with contextlib.suppress(RuntimeError):  # the loop was closed, and nothing waits any more
                self._loop.call_soon_threadsafe(self._woken)

    def _woken(self) -> None:
        self._waking = False  # first: what is read from here on wakes again
        self._arrival.set()
