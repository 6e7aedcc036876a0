"""A thread that waits drives flows: what the verbs of `Repo` stand on.

Their twins are in `scyllamodel.driver.aio`, under the same names and with the same parameters.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from scyllamodel.driver.flows import Ask, Flow, Next, Step
from scyllamodel.driver.loading import OnError, load_chunks
from scyllamodel.driver.request_errors import note_attempts
from scyllamodel.driver.requests import Answer, Requests, reraise

if TYPE_CHECKING:
    from scyllamodel.config import RepoSettings
    from scyllamodel.driver.page_secrets import PageSecrets

T = TypeVar("T")


class Driven:
    """Reading and writing through models, of whatever can say its requests and keyspace."""

    if TYPE_CHECKING:

        @property
        def keyspace(self) -> str:
            """The keyspace of all models that name no other."""
            raise NotImplementedError

        @property
        def settings(self) -> RepoSettings:
            """What the repo is set to."""
            raise NotImplementedError

        @property
        def page_secrets(self) -> PageSecrets:
            """What page tokens are signed with."""
            raise NotImplementedError

        def requests(self) -> Requests:
            """What sends them."""
            raise NotImplementedError

    def drive(self, flow: Flow[T]) -> T:
        """Drive a flow to its end."""
        try:
            step = next(flow)
            while True:
                try:
                    answer = self.answer(step)
                except BaseException as error:  # noqa: BLE001, PERF203 - the flow raises it again
                    step = flow.throw(error)
                else:
                    step = flow.send(answer)
        except StopIteration as end:
            found: T = end.value
            return found

    def answer(self, step: Step) -> Answer:
        """Send a step, and wait for its answer."""
        requests = self.requests()
        watch = requests.watch
        if watch is None:
            return self._asked(requests, step)
        began = time.time_ns()
        try:
            answer = self._asked(requests, step)
        except BaseException as error:
            watch.done(step, began, 0, error)
            raise
        watch.done(step, began, len(answer.rows))
        return answer

    def _asked(self, requests: Requests, step: Step) -> Answer:
        compiled = step.compiled
        if isinstance(step, Next):
            future = step.answer.awaited()
        else:
            deadline = None
            statement = step.ready(requests)
            if statement is None:
                deadline = requests.deadline(compiled.options)
                statement = step.bound(requests, deadline)
            future = requests.send(statement, compiled.options, size=step.size, state=step.state, deadline=deadline)
        try:
            return Answer(future, future.result().current_rows)
        except Exception as error:  # noqa: BLE001 - of the driver, which has several trees of them
            note_attempts(error, future)
            reraise(error, compiled)


def streamed(driven: Driven, ask: Ask, on_error: OnError | None = None) -> Iterator[Any]:
    """The rows of a read one by one; while those of a page are used, the next page is under way."""
    answer, shape = driven.answer(ask), ask.compiled.shape
    while True:
        more = answer.more
        if more:
            answer.prefetch()
        for chunk in load_chunks(shape, answer.rows, on_error):
            yield from chunk
        if not more:
            return
        answer = driven.answer(Next(answer, ask.compiled))
