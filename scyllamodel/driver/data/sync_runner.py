"""Runs operations in a blocking thread, for the methods of `Repo`.

The awaited counterpart is `scyllamodel.driver.data.async_api`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from scyllamodel.driver.data.loading import OnError, load_chunks
from scyllamodel.driver.data.message_binding import bind_cached, prepare_and_bind
from scyllamodel.driver.data.messages import Execute, FetchNextPage, Message, Operation, Response
from scyllamodel.driver.data.request_errors import record_attempts
from scyllamodel.driver.data.requests import Requests, raise_request_error

if TYPE_CHECKING:
    from scyllamodel.config import RepoSettings
    from scyllamodel.driver.data.page_secrets import PageSecrets

T = TypeVar("T")


class SyncRunner:
    """Base of the blocking API: runs operations with the requests and settings of a subclass."""

    if TYPE_CHECKING:

        @property
        def keyspace(self) -> str:
            """The keyspace of all models that name no other."""
            raise NotImplementedError

        @property
        def settings(self) -> RepoSettings:
            """The settings of the repo."""
            raise NotImplementedError

        @property
        def page_secrets(self) -> PageSecrets:
            """The keys that sign page tokens."""
            raise NotImplementedError

        def requests(self) -> Requests:
            """Return the requests of the connection."""
            raise NotImplementedError

    def run(self, operation: Operation[T]) -> T:
        """Run an operation to its end."""
        try:
            message = next(operation)
            while True:
                try:
                    response = self.send_message(message)
                except BaseException as error:  # noqa: BLE001, PERF203 - the operation raises it again
                    message = operation.throw(error)
                else:
                    message = operation.send(response)
        except StopIteration as stop:
            result: T = stop.value
            return result

    def send_message(self, message: Message) -> Response:
        """Send a message and wait for its response."""
        requests = self.requests()
        instrumentation = requests.instrumentation
        if instrumentation is None:
            return self._request(requests, message)
        start_ns = time.time_ns()
        try:
            response = self._request(requests, message)
        except BaseException as error:
            instrumentation.notify_message(message, start_ns, 0, error)
            raise
        instrumentation.notify_message(message, start_ns, len(response.rows))
        return response

    def _request(self, requests: Requests, message: Message) -> Response:
        compiled = message.compiled
        if isinstance(message, FetchNextPage):
            future = message.response.checked_future()
        else:
            deadline = None
            statement = bind_cached(requests, message)
            if statement is None:
                deadline = requests.deadline(compiled.options)
                statement = prepare_and_bind(requests, message, deadline)
            future = requests.send(
                statement,
                compiled.options,
                page_size=message.page_size,
                paging_state=message.paging_state,
                deadline=deadline,
            )
        try:
            return Response(future, future.result().current_rows)
        except Exception as error:  # noqa: BLE001 - the driver's errors have several base classes
            record_attempts(error, future)
            raise_request_error(error, compiled)


def stream_rows(runner: SyncRunner, request: Execute, on_error: OnError | None = None) -> Iterator[Any]:
    """Yield the rows of a read one by one; the next page is fetched while the current one is used."""
    response, template = runner.send_message(request), request.compiled.template
    while True:
        has_more = response.has_more_pages
        if has_more:
            response.prefetch()
        for chunk in load_chunks(template, response.rows, on_error):
            yield from chunk
        if not has_more:
            return
        response = runner.send_message(FetchNextPage(response, request.compiled))
