"""Runs operations in an event loop, for the methods of `AsyncRepo`.

The blocking counterpart is `scyllamodel.driver.data.sync_runner`. Connecting and preparing, for which the driver has no
futures, run in their own thread, once for all tasks that wait.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any, TypeVar

from scyllamodel.driver.data.asyncio_bridge import loop_notifier
from scyllamodel.driver.data.callbacks import await_if_needed
from scyllamodel.driver.data.client import Client
from scyllamodel.driver.data.loading import OnError, load_chunks
from scyllamodel.driver.data.message_binding import bind_cached, prepare_and_bind_async
from scyllamodel.driver.data.messages import Execute, FetchNextPage, Message, Operation, Response
from scyllamodel.driver.data.requests import Requests, raise_request_error

T = TypeVar("T")


async def run_async(client: Client, operation: Operation[T]) -> T:
    """Run an operation to its end."""
    try:
        message = next(operation)
        while True:
            try:
                response = await send_message_async(client, message)
            except BaseException as error:  # noqa: BLE001, PERF203 - the operation raises it again
                message = operation.throw(error)
            else:
                message = operation.send(response)
    except StopIteration as stop:
        result: T = stop.value
        return result


async def send_message_async(client: Client, message: Message) -> Response:
    """Send a message and await its response."""
    requests = client.cached_requests or await client.requests_async()
    if requests.instrumentation is None:
        return await _request(requests, message)
    timer = requests.instrumentation.start(message)
    try:
        response = await _request(requests, message)
    except GeneratorExit:  # the coroutine is closed: nothing can be awaited, no listener called
        raise
    except BaseException as error:
        await await_if_needed(timer.end(error=error))
        raise
    await await_if_needed(timer.end(response.row_count))
    return response


async def _request(requests: Requests, message: Message) -> Response:
    compiled = message.compiled
    if isinstance(message, FetchNextPage):
        send = message.response.checked_future
    else:
        deadline = None
        statement = bind_cached(requests, message)
        if statement is None:
            deadline = requests.deadline(compiled.options)
            statement = await prepare_and_bind_async(requests, message, deadline)
        send = partial(
            requests.send,
            statement,
            compiled.options,
            page_size=message.page_size,
            paging_state=message.paging_state,
            deadline=deadline,
        )
    try:
        return Response(*(await loop_notifier().request(send)))
    except Exception as error:  # noqa: BLE001 - the driver's errors have several base classes
        raise_request_error(error, compiled)


async def stream_rows_async(client: Client, request: Execute, on_error: OnError | None) -> AsyncIterator[Any]:
    """Yield the rows of a read one by one; the next page is fetched while the current one is used."""
    response, template = await send_message_async(client, request), request.compiled.template
    while True:
        has_more = response.has_more_pages
        if has_more:
            response.prefetch()
        for chunk in load_chunks(template, response.rows, on_error):
            for row in chunk:
                yield row
        if not has_more:
            return
        response = await send_message_async(client, FetchNextPage(response, request.compiled))
