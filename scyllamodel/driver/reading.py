"""The verbs of `Repo` that read.

Their twins are in `scyllamodel.driver.aio`, under the same names and with the same parameters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from typing_extensions import Never

from scyllamodel.driver import flows, paging
from scyllamodel.driver.bulk import CONCURRENCY
from scyllamodel.driver.bulk_report import OnProgress
from scyllamodel.driver.drive import SyncRunner, stream_rows
from scyllamodel.driver.listeners import check_not_async
from scyllamodel.driver.loading import OnError
from scyllamodel.driver.many import BulkOperations
from scyllamodel.driver.pages import Page
from scyllamodel.driver.raw import fetch_raw
from scyllamodel.driver.scan import PAGE_SIZE, PARALLELISM, Scan, ScanCursor
from scyllamodel.driver.scan import OnProgress as OnScanProgress
from scyllamodel.query.select import Select
from scyllamodel.query.statement import Statement

if TYPE_CHECKING:
    from scyllamodel.model.base import Model
    from scyllamodel.model.view import MaterializedView

T = TypeVar("T")
R = TypeVar("R")
M = TypeVar("M", bound="Model | MaterializedView")


class ReadApi(SyncRunner):
    """Reading through models, and whatever text is sent."""

    def execute(self, statement: Statement[R], /) -> R:
        """Run a statement: the rows of a select, an `LWTResult` of a conditional write, None of any other.

        Raises:
            QueryNotSupported: the keys and indexes of its table do not serve it.
            TypeMismatch: a value does not fit its column.
            UnknownOutcome: a conditional write got no answer that settles it.
        """
        return self.run(flows.execute(statement, self.keyspace))

    def get(self, model: type[M], /, *unnamed: Never, **key: Any) -> M | None:
        """The row under this primary key; None when there is none.

        Parameters:
            unnamed: nothing; it makes a key without names an error that says what to write.
            key: each column of the primary key.

        Raises:
            LoadError: a stored value cannot be loaded.
            TypeError: the key is not whole, or a name is not of the key.
        """
        return self.run(flows.get(model, self.keyspace, key, unnamed))

    def one(self, query: Select[R], /) -> R:
        """The one row that fits.

        Raises:
            NotFound: none does.
            MultipleResultsFound: several do.
        """
        return self.run(flows.one(query, self.keyspace))

    def one_or_none(self, query: Select[R], /) -> R | None:
        """The one row that fits; None when none does.

        Raises:
            MultipleResultsFound: several do.
        """
        row: R | None = self.run(flows.one_or_none(query, self.keyspace))
        return row

    def first(self, query: Select[R], /) -> R | None:
        """The first row; None when there is none."""
        row: R | None = self.run(flows.first(query, self.keyspace))
        return row

    def scalar(self, query: Select[tuple[T]], /) -> T | None:
        """The one column of the first row; None when there is none."""
        value: T | None = self.run(flows.scalar(query, self.keyspace))
        return value

    def all(self, query: Select[R], /, *, on_error: OnError | None = None) -> list[R]:
        """All rows, page after page; there is no limit but the query's own.

        Parameters:
            on_error: receives the `LoadError` of each row that cannot be loaded, which is left out; what it raises ends
                the read.

        Raises:
            LoadError: a row cannot be loaded, and there is no ``on_error``.
        """
        return self.run(flows.fetch_all(query, self.keyspace, on_error))

    def count(self, query: Select[Any], /) -> int:
        """How many rows fit, counted by the server."""
        return self.run(flows.count(query, self.keyspace))

    def exists(self, query: Select[Any], /) -> bool:
        """Whether a row fits."""
        return self.run(flows.exists(query, self.keyspace))

    def stream(
        self, query: Select[R], /, *, page_size: int | None = None, on_error: OnError | None = None
    ) -> Iterator[R]:
        """The rows one by one; while those of a page are used, the next page is under way.

        Parameters:
            page_size: rows of a page; None is the driver's 5,000.
            on_error: see `all`.

        Raises:
            LoadError: a row cannot be loaded, and there is no ``on_error``; the rows before it have been handed out.
        """
        return stream_rows(self, flows.stream_request(query, self.keyspace, page_size), on_error)

    def page(
        self, query: Select[R], /, *, size: int = 100, token: str | None = None, on_error: OnError | None = None
    ) -> Page[R]:
        """One page of rows, and the token that asks for the next one.

        Parameters:
            size: rows of a page, at most.
            token: of the page before, None for the first; it is bound to query, values and keyspace.
            on_error: see `all`.

        Raises:
            InvalidPageToken: the token was made for something else, or was changed; no row was asked for.
            ConfigurationError: there is no secret to sign tokens with.
            LoadError: a row cannot be loaded, and there is no ``on_error``.
        """
        secrets, internal_keyspaces = self.page_secrets, self.settings.internal_keyspaces
        return self.run(paging.page(query, self.keyspace, size, token, secrets, internal_keyspaces, on_error))

    def refresh(self, row: Model, /) -> None:
        """Put what is stored now into an instance.

        Raises:
            NotFound: its row is gone.
        """
        self.run(flows.refresh(row, self.keyspace))

    @overload
    def raw(self, cql: str, values: Sequence[Any] = ..., /) -> list[Any]: ...
    @overload
    def raw(self, cql: str, values: Sequence[Any] = ..., /, *, into: type[M]) -> list[M]: ...
    def raw(self, cql: str, values: Sequence[Any] = (), /, *, into: Any = None) -> list[Any]:
        """Any text: prepared and bound when it has values, sent as it is otherwise.

        Only a SELECT is sent again when a node fails; what became of anything else is for the caller to find out.

        Parameters:
            cql: with ``?`` for each value.
            values: as the driver takes them.
            into: a model whose columns the rows hold, by name; None gives the rows as the session makes them.

        Raises:
            UnknownColumn: the rows lack a column of the model.
            LoadError: a stored value cannot be decoded, or cannot be loaded into the model.
        """
        return self.run(fetch_raw(cql, values, into, self.keyspace))

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
        on_error: OnError | None = ...,
    ) -> Scan[R]: ...
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
    ) -> Scan[Any]:
        """Every row of a table, or of a select, in no order: ranges of tokens are read side by side.

        Parameters:
            what: a model or view, or a select with neither key nor order nor limit.
            parallelism: ranges under way.
            page_size: rows of a page.
            position: of an earlier `Scan` of the same query; what it had handed out does not come again, except for
                rows of the pages at which it stopped.
            on_progress: called after each page.
            on_error: see `all`.

        Raises:
            LoadError: a row cannot be loaded, and there is no ``on_error``.
            QueryNotSupported: the query cannot be read by ranges.
            InvalidPageToken: the position is of another query, or was changed.
        """
        check_not_async("on_progress", on_progress)
        course: ScanCursor[Any] = ScanCursor(
            what,
            self.keyspace,
            parallelism=parallelism,
            page_size=page_size,
            position=position,
            on_progress=on_progress,
            on_error=on_error,
        )
        return Scan(course, self.requests, lambda: self.run(self.page_secrets.keys(self.settings.internal_keyspaces)))

    def get_many(
        self,
        model: type[M],
        keys: Iterable[Any],
        /,
        *,
        concurrency: int = CONCURRENCY,
        on_progress: OnProgress | None = None,
        on_error: OnError | None = None,
    ) -> list[M | None]:
        """The rows under many keys, in their order; None for those that there are not.

        Parameters:
            keys: tuples in the order of the key, mappings by name, or single values for a key of one column.
            on_error: receives the `LoadError` of each row that cannot be loaded, in whose place None stands then.

        Raises:
            BulkWriteError: some could not be read.
        """
        check_not_async("on_progress", on_progress)
        bulk, collect_rows = BulkOperations(self.requests(), self.keyspace, concurrency, on_progress).get(
            model, keys, on_error
        )
        return collect_rows(bulk.run())
