"""The methods of `AsyncRepo`, each the awaited twin of a method of `Repo`.

The operations are those of the blocking methods; here an event loop runs them. Connecting and preparing, for which the
driver has no futures, run in their own thread, once for all tasks that wait. `scyllamodel.driver.data.read_api` and
`scyllamodel.driver.data.write_api` document the methods.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from typing_extensions import Never, Self

from scyllamodel.driver.data import operations, paging
from scyllamodel.driver.data.asyncio_bridge import loop_notifier
from scyllamodel.driver.data.bulk import CONCURRENCY
from scyllamodel.driver.data.bulk_api import BulkOperations
from scyllamodel.driver.data.bulk_report import BulkReport, OnProgress
from scyllamodel.driver.data.callbacks import await_if_needed
from scyllamodel.driver.data.loading import OnError, load_chunks
from scyllamodel.driver.data.message_binding import bind_cached, prepare_and_bind_async
from scyllamodel.driver.data.messages import Execute, FetchNextPage, Message, Operation, Response
from scyllamodel.driver.data.page_tokens import Page
from scyllamodel.driver.data.raw import fetch_raw, truncate
from scyllamodel.driver.data.requests import Requests, raise_request_error
from scyllamodel.driver.data.scan import PAGE_SIZE, PARALLELISM, AsyncScan, ScanCursor
from scyllamodel.driver.data.scan import OnProgress as OnScanProgress
from scyllamodel.query.batch import Batch
from scyllamodel.query.instances import WriteOptions
from scyllamodel.query.results import LWTResult
from scyllamodel.query.select import Select
from scyllamodel.query.statement import Statement

if TYPE_CHECKING:
    from scyllamodel.driver.repo import Repo
    from scyllamodel.model.base import Model
    from scyllamodel.model.view import MaterializedView

T = TypeVar("T")
R = TypeVar("R")
M = TypeVar("M", bound="Model | MaterializedView")


class AsyncApi:
    """Reading and writing through models, awaited."""

    _repo: Repo

    async def run(self, operation: Operation[T]) -> T:
        """Run an operation to its end."""
        try:
            message = next(operation)
            while True:
                try:
                    response = await self._send_message(message)
                except BaseException as error:  # noqa: BLE001, PERF203 - the operation raises it again
                    message = operation.throw(error)
                else:
                    message = operation.send(response)
        except StopIteration as stop:
            result: T = stop.value
            return result

    async def _requests(self) -> Requests:
        return self._repo.cached_requests() or await self._repo.requests_async()

    async def _send_message(self, message: Message) -> Response:
        requests = await self._requests()
        instrumentation = requests.instrumentation
        if instrumentation is None:
            return await self._request(requests, message)
        start_ns = time.time_ns()
        try:
            response = await self._request(requests, message)
        except GeneratorExit:  # the coroutine is closed: nothing can be awaited, no listener called
            raise
        except BaseException as error:
            await await_if_needed(instrumentation.notify_message(message, start_ns, 0, error))
            raise
        await await_if_needed(instrumentation.notify_message(message, start_ns, len(response.rows)))
        return response

    async def _request(self, requests: Requests, message: Message) -> Response:
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

    async def execute(self, statement: Statement[R], /) -> R:
        """See `Repo.execute`."""
        return await self.run(operations.execute(statement, self._repo.keyspace))

    async def get(self, model: type[M], /, *unnamed: Never, **key: Any) -> M | None:
        """See `Repo.get`."""
        return await self.run(operations.get(model, self._repo.keyspace, key, unnamed))

    async def one(self, query: Select[R], /) -> R:
        """See `Repo.one`."""
        return await self.run(operations.one(query, self._repo.keyspace))

    async def one_or_none(self, query: Select[R], /) -> R | None:
        """See `Repo.one_or_none`."""
        row: R | None = await self.run(operations.one_or_none(query, self._repo.keyspace))
        return row

    async def first(self, query: Select[R], /) -> R | None:
        """See `Repo.first`."""
        row: R | None = await self.run(operations.first(query, self._repo.keyspace))
        return row

    async def scalar(self, query: Select[tuple[T]], /) -> T | None:
        """See `Repo.scalar`."""
        value: T | None = await self.run(operations.scalar(query, self._repo.keyspace))
        return value

    async def all(self, query: Select[R], /, *, on_error: OnError | None = None) -> list[R]:
        """See `Repo.all`."""
        return await self.run(operations.fetch_all(query, self._repo.keyspace, on_error))

    async def count(self, query: Select[Any], /) -> int:
        """See `Repo.count`."""
        return await self.run(operations.count(query, self._repo.keyspace))

    async def exists(self, query: Select[Any], /) -> bool:
        """See `Repo.exists`."""
        return await self.run(operations.exists(query, self._repo.keyspace))

    def stream(
        self, query: Select[R], /, *, page_size: int | None = None, on_error: OnError | None = None
    ) -> AsyncIterator[R]:
        """See `Repo.stream`; at most one page is fetched ahead, however slow the reader is."""
        return self._stream(operations.stream_request(query, self._repo.keyspace, page_size), on_error)

    async def _stream(self, request: Execute, on_error: OnError | None) -> AsyncIterator[Any]:
        response, template = await self._send_message(request), request.compiled.template
        while True:
            has_more = response.has_more_pages
            if has_more:
                response.prefetch()
            for chunk in load_chunks(template, response.rows, on_error):
                for row in chunk:
                    yield row
            if not has_more:
                return
            response = await self._send_message(FetchNextPage(response, request.compiled))

    async def page(
        self, query: Select[R], /, *, size: int = 100, token: str | None = None, on_error: OnError | None = None
    ) -> Page[R]:
        """See `Repo.page`."""
        secrets, internal_keyspaces = self._repo.page_secrets, self._repo.settings.internal_keyspaces
        return await self.run(
            paging.page(query, self._repo.keyspace, size, token, secrets, internal_keyspaces, on_error)
        )

    @overload
    async def save(
        self, row: M, /, *, if_exists: bool, nulls: bool = ..., ttl: int | None = ..., timestamp: int | None = ...
    ) -> LWTResult[M]: ...
    @overload
    async def save(
        self, row: Model, /, *, nulls: bool = ..., ttl: int | None = ..., timestamp: int | None = ...
    ) -> None: ...
    async def save(
        self,
        row: Any,
        /,
        *,
        if_exists: bool = False,
        nulls: bool = False,
        ttl: int | None = None,
        timestamp: int | None = None,
    ) -> Any:
        """See `Repo.save`."""
        using = WriteOptions.of(ttl, timestamp)
        return await self.run(operations.save(row, self._repo.keyspace, using, if_exists=if_exists, nulls=nulls))

    @overload
    async def insert(
        self, row: M, /, *, if_not_exists: bool, nulls: bool = ..., ttl: int | None = ..., timestamp: int | None = ...
    ) -> LWTResult[M]: ...
    @overload
    async def insert(
        self, row: Model, /, *, nulls: bool = ..., ttl: int | None = ..., timestamp: int | None = ...
    ) -> None: ...
    async def insert(
        self,
        row: Any,
        /,
        *,
        if_not_exists: bool = False,
        nulls: bool = False,
        ttl: int | None = None,
        timestamp: int | None = None,
    ) -> Any:
        """See `Repo.insert`."""
        using = WriteOptions.of(ttl, timestamp)
        return await self.run(
            operations.insert(row, self._repo.keyspace, using, if_not_exists=if_not_exists, nulls=nulls)
        )

    @overload
    async def delete(self, row: M, /, *, if_exists: bool, timestamp: int | None = ...) -> LWTResult[M]: ...
    @overload
    async def delete(self, row: Model, /, *, timestamp: int | None = ...) -> None: ...
    async def delete(self, row: Any, /, *, if_exists: bool = False, timestamp: int | None = None) -> Any:
        """See `Repo.delete`."""
        return await self.run(operations.delete(row, self._repo.keyspace, if_exists=if_exists, timestamp=timestamp))

    async def refresh(self, row: Model, /) -> None:
        """See `Repo.refresh`."""
        await self.run(operations.refresh(row, self._repo.keyspace))

    async def truncate(self, model: type[Model], /) -> None:
        """See `Repo.truncate`."""
        await self.run(truncate(model, self._repo.keyspace))

    @overload
    async def raw(self, cql: str, values: Sequence[Any] = ..., /) -> list[Any]: ...
    @overload
    async def raw(self, cql: str, values: Sequence[Any] = ..., /, *, into: type[M]) -> list[M]: ...
    async def raw(self, cql: str, values: Sequence[Any] = (), /, *, into: Any = None) -> list[Any]:
        """See `Repo.raw`."""
        return await self.run(fetch_raw(cql, values, into, self._repo.keyspace))

    @overload
    def scan(
        self,
        what: type[M],
        /,
        *,
        parallelism: int = ...,
        page_size: int = ...,
        position: str | None = ...,
        on_progress: OnScanProgress | None = ...,
        on_error: OnError | None = ...,
    ) -> AsyncScan[M]: ...
    @overload
    def scan(
        self,
        what: Select[R],
        /,
        *,
        parallelism: int = ...,
        page_size: int = ...,
        position: str | None = ...,
        on_progress: OnScanProgress | None = ...,
        on_error: OnError | None = ...,
    ) -> AsyncScan[R]: ...
    def scan(
        self,
        what: Any,
        /,
        *,
        parallelism: int = PARALLELISM,
        page_size: int = PAGE_SIZE,
        position: str | None = None,
        on_progress: OnScanProgress | None = None,
        on_error: OnError | None = None,
    ) -> AsyncScan[Any]:
        """See `Repo.scan`."""
        cursor: ScanCursor[Any] = ScanCursor(
            what,
            self._repo.keyspace,
            parallelism=parallelism,
            page_size=page_size,
            position=position,
            on_progress=on_progress,
            on_error=on_error,
        )
        secrets, internal = self._repo.page_secrets, self._repo.settings.internal_keyspaces
        cursor.set_keys(secrets.cached_keys(internal))
        return AsyncScan(cursor, self._send_message, lambda: self.run(secrets.keys(internal)))

    async def save_many(
        self,
        rows: Iterable[Model] | AsyncIterable[Model],
        /,
        *,
        concurrency: int = CONCURRENCY,
        by_partition: bool = False,
        ttl: int | None = None,
        timestamp: int | None = None,
        on_progress: OnProgress | None = None,
        raise_errors: bool = True,
    ) -> BulkReport:
        """See `Repo.save_many`; rows may come from an async iterable, and are taken in the event loop.

        When cancelled, it sends nothing more, waits for the answers to sent requests, and then raises the cancellation,
        whose ``report`` lists what was written.
        """
        operations = await self._bulk_operations(concurrency, on_progress)
        bulk = operations.save(rows, WriteOptions.of(ttl, timestamp), by_partition=by_partition)
        return (await bulk.run_async()).raise_errors_if(raise_errors)

    async def get_many(
        self,
        model: type[M],
        keys: Iterable[Any] | AsyncIterable[Any],
        /,
        *,
        concurrency: int = CONCURRENCY,
        on_progress: OnProgress | None = None,
        on_error: OnError | None = None,
    ) -> list[M | None]:
        """See `Repo.get_many`; keys may come from an async iterable."""
        bulk, collect_rows = (await self._bulk_operations(concurrency, on_progress)).get(model, keys, on_error)
        return collect_rows(await bulk.run_async())

    async def delete_many(
        self,
        rows_or_model: Iterable[Model] | AsyncIterable[Model] | type[Model],
        keys: Iterable[Any] | AsyncIterable[Any] | None = None,
        /,
        *,
        concurrency: int = CONCURRENCY,
        timestamp: int | None = None,
        on_progress: OnProgress | None = None,
        raise_errors: bool = True,
    ) -> BulkReport:
        """See `Repo.delete_many`; instances and keys may come from an async iterable."""
        bulk = (await self._bulk_operations(concurrency, on_progress)).delete(rows_or_model, keys, timestamp)
        return (await bulk.run_async()).raise_errors_if(raise_errors)

    async def _bulk_operations(self, concurrency: int, on_progress: OnProgress | None) -> BulkOperations:
        return BulkOperations(await self._requests(), self._repo.keyspace, concurrency, on_progress, in_loop=True)

    def batch(self) -> AsyncBatch:
        """See `Repo.batch`."""
        return AsyncBatch(self, self._repo.keyspace)


class AsyncBatch(Batch):
    """A batch of an `AsyncRepo`: ``async with repo.batch() as b: b.save(order)``."""

    def __init__(self, api: AsyncApi, keyspace: str) -> None:
        super().__init__(keyspace)
        self._api = api

    async def send(self) -> LWTResult[Any] | None:
        """See `SyncBatch.send`."""
        return await self._api.run(operations.send_batch(self))

    async def __aenter__(self) -> Self:
        self.check_open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                await self.send()
        finally:
            self.close()
