"""The verbs of `AsyncRepo`: those of `Repo`, awaited.

The flows are the same; here an event loop drives them. Connecting and preparing, for which the driver has no futures,
take a thread of their own, once for all tasks that wait. A verb says no more than its twin in
`scyllamodel.driver.reading` or `writing`, which explains it.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from typing_extensions import Never, Self

from scyllamodel.driver import flows, paging
from scyllamodel.driver.batches import Batch
from scyllamodel.driver.bulk import CONCURRENCY
from scyllamodel.driver.bulk_report import BulkReport, OnProgress
from scyllamodel.driver.flows import Ask, Flow, Next, Step
from scyllamodel.driver.listeners import noticed
from scyllamodel.driver.loading import OnError, load_chunks
from scyllamodel.driver.loops import waker
from scyllamodel.driver.many import Many
from scyllamodel.driver.pages import Page
from scyllamodel.driver.raw import raw, truncate
from scyllamodel.driver.requests import Answer, Requests, reraise
from scyllamodel.driver.scan import PAGE, PARALLELISM, AsyncScan, ScanCourse
from scyllamodel.driver.scan import OnProgress as OnScanProgress
from scyllamodel.query.objects import Using
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


class AsyncVerbs:
    """Reading and writing through models, awaited."""

    _repo: Repo

    async def drive(self, flow: Flow[T]) -> T:
        """Drive a flow to its end."""
        try:
            step = next(flow)
            while True:
                try:
                    answer = await self._answer(step)
                except BaseException as error:  # noqa: BLE001, PERF203 - the flow raises it again
                    step = flow.throw(error)
                else:
                    step = flow.send(answer)
        except StopIteration as end:
            found: T = end.value
            return found

    async def _requests(self) -> Requests:
        return self._repo.ready() or await self._repo.requests_async()

    async def _answer(self, step: Step) -> Answer:
        requests = await self._requests()
        watch = requests.watch
        if watch is None:
            return await self._asked(requests, step)
        began = time.time_ns()
        try:
            answer = await self._asked(requests, step)
        except GeneratorExit:  # the coroutine is closed: nothing can be awaited, and a collection calls no listener
            raise
        except BaseException as error:
            await noticed(watch.done(step, began, 0, error))
            raise
        await noticed(watch.done(step, began, len(answer.rows)))
        return answer

    async def _asked(self, requests: Requests, step: Step) -> Answer:
        compiled = step.compiled
        if isinstance(step, Next):
            send = step.answer.awaited
        else:
            deadline = None
            statement = step.ready(requests)
            if statement is None:
                deadline = requests.deadline(compiled.options)
                statement = await step.bound_async(requests, deadline)
            send = partial(
                requests.send, statement, compiled.options, size=step.size, state=step.state, deadline=deadline
            )
        try:
            return Answer(*(await waker().request(send)))
        except Exception as error:  # noqa: BLE001 - of the driver, which has several trees of them
            reraise(error, compiled)

    async def execute(self, statement: Statement[R], /) -> R:
        """See `Repo.execute`."""
        return await self.drive(flows.execute(statement, self._repo.keyspace))

    async def get(self, model: type[M], /, *unnamed: Never, **key: Any) -> M | None:
        """See `Repo.get`."""
        return await self.drive(flows.get(model, self._repo.keyspace, key, unnamed))

    async def one(self, query: Select[R], /) -> R:
        """See `Repo.one`."""
        return await self.drive(flows.one(query, self._repo.keyspace))

    async def one_or_none(self, query: Select[R], /) -> R | None:
        """See `Repo.one_or_none`."""
        found: R | None = await self.drive(flows.one_or_none(query, self._repo.keyspace))
        return found

    async def first(self, query: Select[R], /) -> R | None:
        """See `Repo.first`."""
        found: R | None = await self.drive(flows.first(query, self._repo.keyspace))
        return found

    async def scalar(self, query: Select[tuple[T]], /) -> T | None:
        """See `Repo.scalar`."""
        found: T | None = await self.drive(flows.scalar(query, self._repo.keyspace))
        return found

    async def all(self, query: Select[R], /, *, on_error: OnError | None = None) -> list[R]:
        """See `Repo.all`."""
        return await self.drive(flows.every(query, self._repo.keyspace, on_error))

    async def count(self, query: Select[Any], /) -> int:
        """See `Repo.count`."""
        return await self.drive(flows.count(query, self._repo.keyspace))

    async def exists(self, query: Select[Any], /) -> bool:
        """See `Repo.exists`."""
        return await self.drive(flows.exists(query, self._repo.keyspace))

    def stream(
        self, query: Select[R], /, *, page_size: int | None = None, on_error: OnError | None = None
    ) -> AsyncIterator[R]:
        """See `Repo.stream`; one page is fetched ahead and no more, however slow its reader is."""
        return self._stream(flows.stream_request(query, self._repo.keyspace, page_size), on_error)

    async def _stream(self, ask: Ask, on_error: OnError | None) -> AsyncIterator[Any]:
        answer, shape = await self._answer(ask), ask.compiled.shape
        while True:
            more = answer.more
            if more:
                answer.prefetch()
            for chunk in load_chunks(shape, answer.rows, on_error):
                for row in chunk:
                    yield row
            if not more:
                return
            answer = await self._answer(Next(answer, ask.compiled))

    async def page(
        self, query: Select[R], /, *, size: int = 100, token: str | None = None, on_error: OnError | None = None
    ) -> Page[R]:
        """See `Repo.page`."""
        secrets, internal = self._repo.page_secrets, self._repo.settings.internal_keyspaces
        return await self.drive(paging.page(query, self._repo.keyspace, size, token, secrets, internal, on_error))

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
        using = Using.of(ttl, timestamp)
        return await self.drive(flows.save(row, self._repo.keyspace, using, exists=if_exists, nulls=nulls))

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
        using = Using.of(ttl, timestamp)
        return await self.drive(flows.insert(row, self._repo.keyspace, using, absent=if_not_exists, nulls=nulls))

    @overload
    async def delete(self, row: M, /, *, if_exists: bool, timestamp: int | None = ...) -> LWTResult[M]: ...
    @overload
    async def delete(self, row: Model, /, *, timestamp: int | None = ...) -> None: ...
    async def delete(self, row: Any, /, *, if_exists: bool = False, timestamp: int | None = None) -> Any:
        """See `Repo.delete`."""
        return await self.drive(flows.delete(row, self._repo.keyspace, exists=if_exists, timestamp=timestamp))

    async def refresh(self, row: Model, /) -> None:
        """See `Repo.refresh`."""
        await self.drive(flows.refresh(row, self._repo.keyspace))

    async def truncate(self, model: type[Model], /) -> None:
        """See `Repo.truncate`."""
        await self.drive(truncate(model, self._repo.keyspace))

    @overload
    async def raw(self, cql: str, values: Sequence[Any] = ..., /) -> list[Any]: ...
    @overload
    async def raw(self, cql: str, values: Sequence[Any] = ..., /, *, into: type[M]) -> list[M]: ...
    async def raw(self, cql: str, values: Sequence[Any] = (), /, *, into: Any = None) -> list[Any]:
        """See `Repo.raw`."""
        return await self.drive(raw(cql, values, into, self._repo.keyspace))

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
        page_size: int = PAGE,
        position: str | None = None,
        on_progress: OnScanProgress | None = None,
        on_error: OnError | None = None,
    ) -> AsyncScan[Any]:
        """See `Repo.scan`."""
        course: ScanCourse[Any] = ScanCourse(
            what,
            self._repo.keyspace,
            parallelism=parallelism,
            page_size=page_size,
            position=position,
            on_progress=on_progress,
            on_error=on_error,
        )
        secrets, internal = self._repo.page_secrets, self._repo.settings.internal_keyspaces
        course.use(secrets.known(internal))
        return AsyncScan(course, self._answer, lambda: self.drive(secrets.keys(internal)))

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

        Cancelled, it sends nothing more, waits for the answers to what was sent, and then raises the cancellation,
        whose ``report`` says what was written.
        """
        many = await self._many(concurrency, on_progress)
        bulk = many.save(rows, Using.of(ttl, timestamp), by_partition=by_partition)
        return (await bulk.run_async()).checked(raise_errors)

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
        bulk, rows_of = (await self._many(concurrency, on_progress)).get(model, keys, on_error)
        return rows_of(await bulk.run_async())

    async def delete_many(
        self,
        what: Iterable[Model] | AsyncIterable[Model] | type[Model],
        keys: Iterable[Any] | AsyncIterable[Any] | None = None,
        /,
        *,
        concurrency: int = CONCURRENCY,
        timestamp: int | None = None,
        on_progress: OnProgress | None = None,
        raise_errors: bool = True,
    ) -> BulkReport:
        """See `Repo.delete_many`; instances and keys may come from an async iterable."""
        bulk = (await self._many(concurrency, on_progress)).delete(what, keys, timestamp)
        return (await bulk.run_async()).checked(raise_errors)

    async def _many(self, concurrency: int, on_progress: OnProgress | None) -> Many:
        return Many(await self._requests(), self._repo.keyspace, concurrency, on_progress, in_loop=True)

    def batch(self) -> AsyncBatch:
        """See `Repo.batch`."""
        return AsyncBatch(self, self._repo.keyspace)


class AsyncBatch(Batch):
    """A batch of an `AsyncRepo`: ``async with repo.batch() as b: b.save(order)``."""

    def __init__(self, verbs: AsyncVerbs, keyspace: str) -> None:
        super().__init__(keyspace)
        self._verbs = verbs

    async def send(self) -> LWTResult[Any] | None:
        """See `SyncBatch.send`."""
        return await self._verbs.drive(flows.send(self))

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
