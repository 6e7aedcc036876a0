"""The verbs of `Repo`: flows, driven by a thread that waits.

Their twins are in `scyllamodel.driver.aio`, under the same names and with the same parameters.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from typing_extensions import Self

from scyllamodel.driver import flows
from scyllamodel.driver.batches import Batch
from scyllamodel.driver.bulk import CONCURRENCY, BulkReport, OnProgress
from scyllamodel.driver.flows import Ask, Flow, Next, Step
from scyllamodel.driver.many import Many
from scyllamodel.driver.pages import Page, make_token, read_token
from scyllamodel.driver.raw import RawRows
from scyllamodel.driver.requests import Answer, Requests, loaded, reraise
from scyllamodel.driver.scan import PAGE, PARALLELISM, Scan, ScanCourse
from scyllamodel.driver.scan import OnProgress as OnScanProgress
from scyllamodel.query.objects import Using
from scyllamodel.query.results import LWTResult
from scyllamodel.query.select import Select
from scyllamodel.query.statement import Statement

if TYPE_CHECKING:
    from scyllamodel.model.base import Model
    from scyllamodel.model.view import MaterializedView

T = TypeVar("T")
R = TypeVar("R")
M = TypeVar("M", bound="Model | MaterializedView")


class Verbs:
    """Reading and writing through models, of whatever can say its requests and keyspace."""

    if TYPE_CHECKING:

        @property
        def keyspace(self) -> str:
            """The keyspace of all models that name no other."""
            raise NotImplementedError

        @property
        def token_secret(self) -> bytes | None:
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
                step = flow.send(self._answer(step))
        except StopIteration as end:
            found: T = end.value
            return found

    def _answer(self, step: Step) -> Answer:
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
        if isinstance(step, Ask):
            compiled = step.compiled
            statement = requests.bound(compiled)
            future = requests.send(statement, compiled.options, size=step.size, state=step.state)
        elif isinstance(step, Next):
            compiled, future = step.compiled, step.answer.future
        else:
            compiled = step.batch.compiled()
            future = requests.send(step.batch.statement(requests), compiled.options)
        try:
            return Answer(future, future.result().current_rows)
        except Exception as error:  # noqa: BLE001 - of the driver, which has several trees of them
            reraise(error, compiled)

    def execute(self, statement: Statement[R], /) -> R:
        """Run a statement: the rows of a select, an `LWTResult` of a conditional write, None of any other.

        Raises:
            QueryNotSupported: the keys and indexes of its table do not serve it.
            TypeMismatch: a value does not fit its column.
            UnknownOutcome: a conditional write got no answer that settles it.
        """
        return self.drive(flows.execute(statement, self.keyspace))

    def get(self, model: type[M], /, **key: Any) -> M | None:
        """The row under this primary key; None when there is none.

        Raises:
            TypeError: the key is not whole, or a name is not of the key.
        """
        return self.drive(flows.get(model, self.keyspace, key))

    def one(self, query: Select[R], /) -> R:
        """The one row that fits.

        Raises:
            NotFound: none does.
            MultipleResultsFound: several do.
        """
        return self.drive(flows.one(query, self.keyspace))

    def one_or_none(self, query: Select[R], /) -> R | None:
        """The one row that fits; None when none does.

        Raises:
            MultipleResultsFound: several do.
        """
        found: R | None = self.drive(flows.one_or_none(query, self.keyspace))
        return found

    def first(self, query: Select[R], /) -> R | None:
        """The first row; None when there is none."""
        found: R | None = self.drive(flows.first(query, self.keyspace))
        return found

    def scalar(self, query: Select[tuple[T]], /) -> T | None:
        """The one column of the first row; None when there is none."""
        found: T | None = self.drive(flows.scalar(query, self.keyspace))
        return found

    def all(self, query: Select[R], /) -> list[R]:
        """All rows, page after page; there is no limit but the query's own."""
        return self.drive(flows.every(query, self.keyspace))

    def count(self, query: Select[Any], /) -> int:
        """How many rows fit, counted by the server."""
        return self.drive(flows.count(query, self.keyspace))

    def exists(self, query: Select[Any], /) -> bool:
        """Whether a row fits."""
        return self.drive(flows.exists(query, self.keyspace))

    def stream(self, query: Select[R], /, *, page_size: int | None = None) -> Iterator[R]:
        """The rows one by one; while those of a page are used, the next page is under way.

        Parameters:
            page_size: rows of a page; None is the driver's 5,000.
        """
        compiled = query.compile(self.keyspace)
        return self._stream(Ask(compiled, size=page_size))

    def _stream(self, ask: Ask) -> Iterator[Any]:
        answer, shape = self._answer(ask), ask.compiled.shape
        while True:
            rows, more = answer.rows, answer.more
            if more:
                answer.prefetch()
            yield from rows if shape.load is None else map(shape.load, rows)
            if not more:
                return
            answer = self._answer(Next(answer, ask.compiled))

    def page(self, query: Select[R], /, *, size: int = 100, token: str | None = None) -> Page[R]:
        """One page of rows, and the token that asks for the next one.

        Parameters:
            size: rows of a page, at most.
            token: of the page before, None for the first; it is bound to query, values and keyspace.

        Raises:
            InvalidPageToken: the token was made for something else.
        """
        compiled = query.compile(self.keyspace)
        state = None if token is None else read_token(compiled, token, self.token_secret)
        answer = self._answer(Ask(compiled, size=size, state=state))
        return page_of(answer, compiled, self.token_secret)

    @overload
    def save(
        self,
        row: M,
        /,
        *,
        if_exists: bool,
        nulls: bool = ...,
        ttl: int | None = ...,
        timestamp: int | None = ...,
    ) -> LWTResult[M]: ...
    @overload
    def save(self, row: Model, /, *, nulls: bool = ..., ttl: int | None = ..., timestamp: int | None = ...) -> None: ...
    def save(
        self,
        row: Any,
        /,
        *,
        if_exists: bool = False,
        nulls: bool = False,
        ttl: int | None = None,
        timestamp: int | None = None,
    ) -> Any:
        """INSERT a new instance, UPDATE what changed in a loaded one, send nothing for an unchanged one.

        It never reads. None and empty collections of a new instance are left unset, so that no tombstone is written;
        in a loaded one, a value that was changed to None is set to null. Of collections only the difference is sent.

        Parameters:
            if_exists: only if the row is still there, as a lightweight transaction; a deleted one is not revived. An
                unchanged instance sends nothing here either, and counts as applied.
            nulls: write None and empty collections of a new instance as nulls.
            ttl: seconds after which what is written expires.
            timestamp: the time of the write, in microseconds since 1970.

        Raises:
            QueryNotSupported: the key of a loaded instance was changed, or the table holds counters.
            TypeMismatch: a value does not fit its column.
        """
        using = Using(ttl, timestamp)
        return self.drive(flows.save(row, self.keyspace, using, exists=if_exists, nulls=nulls))

    @overload
    def insert(
        self,
        row: M,
        /,
        *,
        if_not_exists: bool,
        nulls: bool = ...,
        ttl: int | None = ...,
        timestamp: int | None = ...,
    ) -> LWTResult[M]: ...
    @overload
    def insert(
        self, row: Model, /, *, nulls: bool = ..., ttl: int | None = ..., timestamp: int | None = ...
    ) -> None: ...
    def insert(
        self,
        row: Any,
        /,
        *,
        if_not_exists: bool = False,
        nulls: bool = False,
        ttl: int | None = None,
        timestamp: int | None = None,
    ) -> Any:
        """INSERT an instance, whether it was loaded or not; parameters and errors as of `save`.

        Parameters:
            if_not_exists: only if there is no such row, as a lightweight transaction.
        """
        using = Using(ttl, timestamp)
        return self.drive(flows.insert(row, self.keyspace, using, absent=if_not_exists, nulls=nulls))

    @overload
    def delete(self, row: M, /, *, if_exists: bool, timestamp: int | None = ...) -> LWTResult[M]: ...
    @overload
    def delete(self, row: Model, /, *, timestamp: int | None = ...) -> None: ...
    def delete(self, row: Any, /, *, if_exists: bool = False, timestamp: int | None = None) -> Any:
        """DELETE the row of an instance; saved again, the instance is a new one.

        Parameters:
            if_exists: tell whether there was such a row, by a lightweight transaction.
            timestamp: the time of the delete, in microseconds since 1970: what was written later stays.
        """
        return self.drive(flows.delete(row, self.keyspace, exists=if_exists, timestamp=timestamp))

    def refresh(self, row: Model, /) -> None:
        """Put what is stored now into an instance.

        Raises:
            NotFound: its row is gone.
        """
        self.drive(flows.refresh(row, self.keyspace))

    def truncate(self, model: type[Model], /) -> None:
        """Delete every row of a table. The whole cluster has to be up.

        Raises:
            TypeError: it is no table.
        """
        RawRows(self.requests(), self.keyspace).truncate(model).result()

    @overload
    def raw(self, cql: str, values: Sequence[Any] = ..., /) -> list[Any]: ...
    @overload
    def raw(self, cql: str, values: Sequence[Any] = ..., /, *, into: type[M]) -> list[M]: ...
    def raw(self, cql: str, values: Sequence[Any] = (), /, *, into: Any = None) -> list[Any]:
        """Any text: prepared and bound when it has values, sent as it is otherwise.

        Parameters:
            cql: with ``?`` for each value.
            values: as the driver takes them.
            into: a model whose columns the rows hold, by name; None gives the rows as the session makes them.

        Raises:
            UnknownColumn: the rows lack a column of the model.
        """
        rows = RawRows(self.requests(), self.keyspace)
        return rows.made(rows.sent(cql, values, into).result(), into)

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
    ) -> Scan[M]: ...
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
    ) -> Scan[R]: ...
    def scan(
        self,
        what: Any,
        /,
        *,
        parallelism: int = PARALLELISM,
        page_size: int = PAGE,
        position: str | None = None,
        on_progress: OnScanProgress | None = None,
    ) -> Scan[Any]:
        """Every row of a table, or of a select, in no order: ranges of tokens are read side by side.

        Parameters:
            what: a model or view, or a select with neither key nor order nor limit.
            parallelism: ranges under way.
            page_size: rows of a page.
            position: of an earlier `Scan` of the same query; what it had handed out does not come again, except for
                rows of the pages at which it stopped.
            on_progress: called after each page.

        Raises:
            QueryNotSupported: the query cannot be read by ranges.
            InvalidPageToken: the position is of another query.
        """
        course: ScanCourse[Any] = ScanCourse(
            what,
            self.keyspace,
            parallelism=parallelism,
            page_size=page_size,
            position=position,
            secret=self.token_secret,
            on_progress=on_progress,
        )
        return Scan(course, self.requests)

    def save_many(
        self,
        rows: Iterable[Model],
        /,
        *,
        concurrency: int = CONCURRENCY,
        by_partition: bool = False,
        ttl: int | None = None,
        timestamp: int | None = None,
        on_progress: OnProgress | None = None,
        raise_errors: bool = True,
    ) -> BulkReport:
        """`save` each of many instances, so many requests at a time. What failed for a passing reason is sent again.

        Parameters:
            rows: any iterable; it is read no further than requests can be sent.
            concurrency: requests under way.
            by_partition: write rows of one partition in batches of 50, many times cheaper where there are such.
            on_progress: called after each request.
            raise_errors: whether rows that failed are an error at the end, or only in the report.

        Raises:
            BulkWriteError: rows failed; its ``report`` tells which, all others were written.
        """
        many = Many(self.requests(), self.keyspace, concurrency, on_progress)
        return many.save(rows, Using(ttl, timestamp), by_partition=by_partition).checked(raise_errors)

    def get_many(
        self,
        model: type[M],
        keys: Iterable[Any],
        /,
        *,
        concurrency: int = CONCURRENCY,
        on_progress: OnProgress | None = None,
    ) -> list[M | None]:
        """The rows under many keys, in their order; None for those that there are not.

        Parameters:
            keys: tuples in the order of the key, mappings by name, or single values for a key of one column.

        Raises:
            BulkWriteError: some could not be read.
        """
        return Many(self.requests(), self.keyspace, concurrency, on_progress).get(model, keys)

    def delete_many(
        self,
        what: Iterable[Model] | type[Model],
        keys: Iterable[Any] | None = None,
        /,
        *,
        concurrency: int = CONCURRENCY,
        timestamp: int | None = None,
        on_progress: OnProgress | None = None,
        raise_errors: bool = True,
    ) -> BulkReport:
        """Delete the rows of many instances, or of a model those under many keys; the rest is as of `save_many`."""
        many = Many(self.requests(), self.keyspace, concurrency, on_progress)
        return many.delete(what, keys, timestamp).checked(raise_errors)

    def batch(self) -> SyncBatch:
        """Writes that go out together, when the ``with`` block ends without an error."""
        return SyncBatch(self)


def page_of(answer: Answer, compiled: Any, secret: bytes | None) -> Page[Any]:
    """The page of an answer."""
    state = answer.state if answer.more else None
    token = None if state is None else make_token(compiled, state, secret)
    return Page(loaded(compiled.shape, answer.rows), token)


class SyncBatch(Batch):
    """A batch of a `Repo`: ``with repo.batch() as b: b.save(order)``."""

    def __init__(self, verbs: Verbs) -> None:
        super().__init__(verbs.keyspace)
        self._verbs = verbs

    def send(self) -> LWTResult[Any] | None:
        """Send it now."""
        return self._verbs.drive(flows.send(self))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.send()
