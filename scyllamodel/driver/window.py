"""Many requests under way at once, and their answers taken by the one thread that sends them.

*In*: steps, each with a tag. *Out*: tags with answers or errors, in the order in which they came. The driver's thread
only leaves what it received; all work on it is done by the sender, who waits until several answers are there, since to
be woken for each would cost more than the answer.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any, Generic, TypeVar

from scyllamodel.driver.flows import Ask, Next, Step
from scyllamodel.driver.requests import Answer, Requests

T = TypeVar("T")


class _Sent(Generic[T]):
    """A request under way, and when it was sent."""

    __slots__ = ("began", "future", "step", "tag")

    def __init__(self, tag: T, future: Any, step: Step, began: int) -> None:
        self.tag, self.future, self.step, self.began = tag, future, step, began


class Window(Generic[T]):
    """Requests under way.

    Attributes:
        under_way: how many have no answer that was taken.
    """

    def __init__(self, requests: Requests) -> None:
        self.under_way = 0
        self._requests = requests
        self._arrived: deque[tuple[_Sent[T], Any, bool]] = deque()
        self._wanted = 0
        self._changed = threading.Condition()

    def ask(self, step: Ask, tag: T) -> None:
        """Send a statement; preparing it may wait, and what is wrong with its values is raised here."""
        statement = self._requests.bound(step.compiled)
        self.send(statement, tag, step)

    def send(self, statement: Any, tag: T, step: Ask) -> None:
        """Send what is bound already."""
        future = self._requests.send(statement, step.compiled.options, size=step.size, state=step.state)
        self._follow(future, tag, step)

    def go_on(self, step: Next, tag: T) -> None:
        """Expect the page that is being fetched."""
        self._follow(step.answer.future, tag, step)

    def _follow(self, future: Any, tag: T, step: Step) -> None:
        self.under_way += 1
        sent = _Sent(tag, future, step, 0 if self._requests.watch is None else time.time_ns())
        future.add_callbacks(self._arrive, self._arrive, callback_args=(sent, False), errback_args=(sent, True))

    def _arrive(self, found: Any, sent: _Sent[T], failed: bool) -> None:  # noqa: FBT001 - a callback
        """In the driver's thread, or in ours when a request failed at once."""
        self._arrived.append((sent, found, failed))
        if self._wanted and len(self._arrived) >= self._wanted:
            with self._changed:
                self._changed.notify()

    def take(self, at_least: int = 1) -> list[tuple[T, Answer | None, Exception | None]]:
        """What has arrived; waits until so much has, or all that is under way."""
        at_least = min(at_least, self.under_way)
        if len(self._arrived) < at_least:
            with self._changed:
                self._wanted = at_least
                while len(self._arrived) < at_least:
                    self._changed.wait()
                self._wanted = 0
        found: list[tuple[T, Answer | None, Exception | None]] = []
        while self._arrived:
            sent, result, failed = self._arrived.popleft()
            self.under_way -= 1
            answer = None if failed else Answer(sent.future, result)
            if self._requests.watch is not None:
                rows = 0 if answer is None else len(answer.rows)
                self._requests.watch.done(sent.step, sent.began, rows, result if failed else None)
            found.append((sent.tag, answer, result if failed else None))
        return found
