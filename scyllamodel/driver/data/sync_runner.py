"""Runs operations in a blocking thread, for the methods of `Repo`.

The awaited counterpart is `scyllamodel.driver.data.async_runner`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from scyllamodel.driver.data.client import Client
from scyllamodel.driver.data.loading import OnError, load_chunks
from scyllamodel.driver.data.message_binding import bind_cached, prepare_and_bind
from scyllamodel.driver.data.messages import Execute, FetchNextPage, Message, Operation, Response
from scyllamodel.driver.data.request_errors import record_attempts
from scyllamodel.driver.data.requests import Requests, raise_request_error
from scyllamodel.driver.session.fast_request import FastRequest

T = TypeVar("T")


def run(client: Client, operation: Operation[T]) -> T:
    """Run an operation to its end."""
    try:
        message = next(operation)
        while True:
            try:
                response = send_message(client, message)
            except BaseException as error:  # noqa: BLE001, PERF203 - the operation raises it again
                message = operation.throw(error)
            else:
                message = operation.send(response)
    except StopIteration as stop:
        result: T = stop.value
        return result


def send_message(client: Client, message: Message) -> Response:
    """Send a message and wait for its response."""
    requests = client.cached_requests or client.requests()
    if requests.instrumentation is None:
        return _request(requests, message)
    timer = requests.instrumentation.start(message)
    try:
        response = _request(requests, message)
    except BaseException as error:
        timer.end(error=error)
        raise
    timer.end(response.row_count)
    return response


def _request(requests: Requests, message: Message) -> Response:
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
        return Response(future, _wait_for_rows(future))
    except Exception as error:  # noqa: BLE001 - the driver's errors have several base classes
        record_attempts(error, future)
        raise_request_error(error, compiled)


def _wait_for_rows(future: Any) -> Any:
    """Wait for the answer of a request, and return its rows, or raise the driver's error."""
    if future.__class__ is FastRequest:
        return future.wait_for_rows()
    return future.result().current_rows


def stream_rows(client: Client, request: Execute, on_error: OnError | None = None) -> Iterator[Any]:
    """Yield the rows of a read one by one; the next page is fetched while the current one is used."""
    response, template = send_message(client, request), request.compiled.template
    while True:
        has_more = response.has_more_pages
        if has_more:
            response.prefetch()
        for chunk in load_chunks(template, response.rows, on_error):
            yield from chunk
        if not has_more:
            return
        response = send_message(client, FetchNextPage(response, request.compiled))
