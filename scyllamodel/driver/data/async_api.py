"""The methods of `AsyncRepo`, each the awaited twin of a method of `Repo`.

The operations are those of the blocking methods, run in an event loop by `scyllamodel.driver.data.async_runner`.
`scyllamodel.driver.data.read_api` and `scyllamodel.driver.data.write_api` document the methods.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from typing_extensions import Never, Self

from scyllamodel.driver.data import operations, paging
from scyllamodel.driver.data.api_base import ApiBase
from scyllamodel.driver.data.async_runner import run_async, send_message_async, stream_rows_async
from scyllamodel.driver.data.bulk import CONCURRENCY
from scyllamodel.driver.data.bulk_api import BulkOperations
from scyllamodel.driver.data.bulk_report import BulkReport, OnProgress, checked_report
from scyllamodel.driver.data.client import Client
from scyllamodel.driver.data.loading import OnError
from scyllamodel.driver.data.page_tokens import Page
from scyllamodel.driver.data.raw import fetch_raw, truncate
from scyllamodel.driver.data.scan import PAGE_SIZE, PARALLELISM, AsyncScan, ScanCursor
from scyllamodel.driver.data.scan import OnProgress as OnScanProgress
from scyllamodel.query.batch import Batch
from scyllamodel.query.instances import WriteOptions
from scyllamodel.query.results import LWTResult
from scyllamodel.query.select import Select
from scyllamodel.query.statement import Statement

if TYPE_CHECKING:
    from scyllamodel.model.base import Model
    from scyllamodel.model.view import MaterializedView

T = TypeVar("T")
R = TypeVar("R")
M = TypeVar("M", bound="Model | MaterializedView")


class AsyncApi(ApiBase):
    """Reading and writing through models, awaited."""

    async def execute(self, statement: Statement[R], /) -> R:
        """See `Repo.execute`."""
        return await run_async(self._client, operations.execute(statement, self.keyspace))

    async def get(self, model: type[M], /, *unnamed: Never, **key: Any) -> M | None:
        """See `Repo.get`."""
        return await run_async(self._client, operations.get(model, self.keyspace, key, unnamed))

    async def one(self, query: Select[R], /) -> R:
        """See `Repo.one`."""
        return await run_async(self._client, operations.one(query, self.keyspace))

    async def one_or_none(self, query: Select[R], /) -> R | None:
        """See `Repo.one_or_none`."""
        row: R | None = await run_async(self._client, operations.one_or_none(query, self.keyspace))
        return row

    async def first(self, query: Select[R], /) -> R | None:
        """See `Repo.first`."""
        row: R | None = await run_async(self._client, operations.first(query, self.keyspace))
        return row

    async def scalar(self, query: Select[tuple[T]], /) -> T | None:
        """See `Repo.scalar`."""
        value: T | None = await run_async(self._client, operations.scalar(query, self.keyspace))
        return value

    async def all(self, query: Select[R], /, *, on_error: OnError | None = None) -> list[R]:
        """See `Repo.all`."""
        return await run_async(self._client, operations.fetch_all(query, self.keyspace, on_error))

    async def count(self, query: Select[Any], /) -> int:
        """See `Repo.count`."""
        return await run_async(self._client, operations.count(query, self.keyspace))

    async def exists(self, query: Select[Any], /) -> bool:
        """See `Repo.exists`."""
        return await run_async(self._client, operations.exists(query, self.keyspace))

    def stream(
        self, query: Select[R], /, *, page_size: int | None = None, on_error: OnError | None = None
    ) -> AsyncIterator[R]:
        """See `Repo.stream`; at most one page is fetched ahead, however slow the reader is."""
        request = operations.stream_request(query, self.keyspace, page_size)
        return stream_rows_async(self._client, request, on_error)

    async def page(
        self, query: Select[R], /, *, size: int = 100, token: str | None = None, on_error: OnError | None = None
    ) -> Page[R]:
        """See `Repo.page`."""
        secrets, internal_keyspaces = self._client.page_secrets, self.settings.internal_keyspaces
        return await run_async(
            self._client, paging.page(query, self.keyspace, size, token, secrets, internal_keyspaces, on_error)
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
        return await run_async(
            self._client, operations.save(row, self.keyspace, using, if_exists=if_exists, nulls=nulls)
        )

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
        return await run_async(
            self._client, operations.insert(row, self.keyspace, using, if_not_exists=if_not_exists, nulls=nulls)
        )

    @overload
    async def delete(self, row: M, /, *, if_exists: bool, timestamp: int | None = ...) -> LWTResult[M]: ...
    @overload
    async def delete(self, row: Model, /, *, timestamp: int | None = ...) -> None: ...
    async def delete(self, row: Any, /, *, if_exists: bool = False, timestamp: int | None = None) -> Any:
        """See `Repo.delete`."""
        return await run_async(
            self._client, operations.delete(row, self.keyspace, if_exists=if_exists, timestamp=timestamp)
        )

    async def refresh(self, row: Model, /) -> None:
        """See `Repo.refresh`."""
        await run_async(self._client, operations.refresh(row, self.keyspace))

    async def truncate(self, model: type[Model], /) -> None:
        """See `Repo.truncate`."""
        await run_async(self._client, truncate(model, self.keyspace))

    @overload
    async def raw(self, cql: str, values: Sequence[Any] = ..., /) -> list[Any]: ...
    @overload
    async def raw(self, cql: str, values: Sequence[Any] = ..., /, *, into: type[M]) -> list[M]: ...
    async def raw(self, cql: str, values: Sequence[Any] = (), /, *, into: Any = None) -> list[Any]:
        """See `Repo.raw`."""
        return await run_async(self._client, fetch_raw(cql, values, into, self.keyspace))

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
            self.keyspace,
            parallelism=parallelism,
            page_size=page_size,
            position=position,
            on_progress=on_progress,
            on_error=on_error,
        )
        client, internal_keyspaces = self._client, self.settings.internal_keyspaces
        cursor.set_keys(client.page_secrets.cached_keys(internal_keyspaces))
        return AsyncScan(
            cursor,
            partial(send_message_async, client),
            lambda: run_async(client, client.page_secrets.keys(internal_keyspaces)),
        )

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
        return checked_report(await bulk.run_async(), raise_errors=raise_errors)

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
        return checked_report(await bulk.run_async(), raise_errors=raise_errors)

    async def _bulk_operations(self, concurrency: int, on_progress: OnProgress | None) -> BulkOperations:
        return BulkOperations(
            await self._client.requests_async(), self.keyspace, concurrency, on_progress, in_loop=True
        )

    def batch(self) -> AsyncBatch:
        """See `Repo.batch`."""
        return AsyncBatch(self._client, self.keyspace)


class AsyncBatch(Batch):
    """A batch of an `AsyncRepo`: ``async with repo.batch() as b: b.save(order)``."""

    def __init__(self, client: Client, keyspace: str) -> None:
        super().__init__(keyspace)
        self._client = client

    async def send(self) -> LWTResult[Any] | None:
        """See `SyncBatch.send`."""
        writes = self._take_writes()
        if not len(writes):
            return None
        self.result = await run_async(self._client, operations.send_batch(writes))
        return self.result

    async def __aenter__(self) -> Self:
        self._check_open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                await self.send()
        finally:
            self._close()
