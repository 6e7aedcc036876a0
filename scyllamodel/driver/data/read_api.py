"""The methods of `Repo` that read.

`scyllamodel.driver.data.async_api` has the awaited twins, with equal names and parameters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from typing_extensions import Never

from scyllamodel.driver.data import operations, paging
from scyllamodel.driver.data.api_base import ApiBase
from scyllamodel.driver.data.bulk import CONCURRENCY
from scyllamodel.driver.data.bulk_api import BulkOperations
from scyllamodel.driver.data.bulk_report import OnProgress
from scyllamodel.driver.data.callbacks import check_not_async
from scyllamodel.driver.data.loading import OnError
from scyllamodel.driver.data.page_tokens import Page
from scyllamodel.driver.data.raw import fetch_raw
from scyllamodel.driver.data.scan import PAGE_SIZE, PARALLELISM, Scan, ScanCursor
from scyllamodel.driver.data.scan import OnProgress as OnScanProgress
from scyllamodel.driver.data.sync_runner import run, stream_rows
from scyllamodel.query.select import Select
from scyllamodel.query.statement import Statement

if TYPE_CHECKING:
    from scyllamodel.model.base import Model
    from scyllamodel.model.view import MaterializedView

T = TypeVar("T")
R = TypeVar("R")
M = TypeVar("M", bound="Model | MaterializedView")


class ReadApi(ApiBase):
    """Reading through models, and by raw text."""

    def execute(self, statement: Statement[R], /) -> R:
        """Run a statement: the rows of a select, an `LWTResult` for a conditional write, otherwise None.

        Raises:
            QueryNotSupported: the keys and indexes of the table do not support it.
            TypeMismatch: a value does not fit its column.
            UnknownOutcome: a conditional write got no conclusive answer.
        """
        return run(self._client, operations.execute(statement, self.keyspace))

    def get(self, model: type[M], /, *unnamed: Never, **key: Any) -> M | None:
        """Fetch the row of a primary key, or None when it does not exist.

        Parameters:
            unnamed: not allowed; a key without names raises an error that says what to write.
            key: each column of the primary key.

        Raises:
            LoadError: a stored value cannot be loaded.
            TypeError: the key is incomplete, or a name is not part of it.
        """
        return run(self._client, operations.get(model, self.keyspace, key, unnamed))

    def one(self, query: Select[R], /) -> R:
        """Fetch the one matching row.

        Raises:
            NotFound: no row matches.
            MultipleResultsFound: several rows match.
        """
        return run(self._client, operations.one(query, self.keyspace))

    def one_or_none(self, query: Select[R], /) -> R | None:
        """Fetch the one matching row, or None when there is none.

        Raises:
            MultipleResultsFound: several rows match.
        """
        row: R | None = run(self._client, operations.one_or_none(query, self.keyspace))
        return row

    def first(self, query: Select[R], /) -> R | None:
        """Fetch the first row, or None when there is none."""
        row: R | None = run(self._client, operations.first(query, self.keyspace))
        return row

    def scalar(self, query: Select[tuple[T]], /) -> T | None:
        """Fetch the one column of the first row, or None when there is none."""
        value: T | None = run(self._client, operations.scalar(query, self.keyspace))
        return value

    def all(self, query: Select[R], /, *, on_error: OnError | None = None) -> list[R]:
        """Fetch all rows, from all pages; only a limit of the query itself applies.

        Parameters:
            on_error: receives the `LoadError` of each row that cannot be loaded, which is skipped; an exception it
                raises ends the read.

        Raises:
            LoadError: a row cannot be loaded, and there is no ``on_error``.
        """
        return run(self._client, operations.fetch_all(query, self.keyspace, on_error))

    def count(self, query: Select[Any], /) -> int:
        """Count the matching rows on the server."""
        return run(self._client, operations.count(query, self.keyspace))

    def exists(self, query: Select[Any], /) -> bool:
        """Whether a row matches."""
        return run(self._client, operations.exists(query, self.keyspace))

    def stream(
        self, query: Select[R], /, *, page_size: int | None = None, on_error: OnError | None = None
    ) -> Iterator[R]:
        """Yield the rows one by one; the next page is fetched while the current one is used.

        Parameters:
            page_size: rows of a page; None is the driver's 5,000.
            on_error: see `all`.

        Raises:
            LoadError: a row cannot be loaded, and there is no ``on_error``; the rows before it were delivered.
        """
        return stream_rows(self._client, operations.stream_request(query, self.keyspace, page_size), on_error)

    def page(
        self, query: Select[R], /, *, size: int = 100, token: str | None = None, on_error: OnError | None = None
    ) -> Page[R]:
        """Fetch one page of rows, and the token that asks for the next one.

        Parameters:
            size: maximum rows of a page.
            token: of the previous page, None for the first; bound to query, values and keyspace.
            on_error: see `all`.

        Raises:
            InvalidPageToken: the token is for another query, or was changed; no rows were fetched.
            ConfigurationError: there is no secret to sign tokens with.
            LoadError: a row cannot be loaded, and there is no ``on_error``.
        """
        secrets, internal_keyspaces = self._client.page_secrets, self.settings.internal_keyspaces
        return run(self._client, paging.page(query, self.keyspace, size, token, secrets, internal_keyspaces, on_error))

    def refresh(self, row: Model, /) -> None:
        """Replace the values of an instance by the stored ones.

        Raises:
            NotFound: the row no longer exists.
        """
        run(self._client, operations.refresh(row, self.keyspace))

    @overload
    def raw(self, cql: str, values: Sequence[Any] = ..., /) -> list[Any]: ...
    @overload
    def raw(self, cql: str, values: Sequence[Any] = ..., /, *, into: type[M]) -> list[M]: ...
    def raw(self, cql: str, values: Sequence[Any] = (), /, *, into: Any = None) -> list[Any]:
        """Send raw CQL: prepared and bound when it has values, otherwise sent as it is.

        Only a SELECT is sent again when a node fails; the caller must find out the outcome of anything else.

        Parameters:
            cql: with ``?`` for each value.
            values: in the form the driver takes.
            into: a model whose columns the rows contain, by name; None returns the rows as the session makes them.

        Raises:
            UnknownColumn: the rows lack a column of the model.
            LoadError: a stored value cannot be decoded, or cannot be loaded into the model.
        """
        return run(self._client, fetch_raw(cql, values, into, self.keyspace))

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
        """Read every row of a table or select, in no order, by token ranges in parallel.

        Parameters:
            what: a model or view, or a select without key, order and limit.
            parallelism: ranges read concurrently.
            page_size: rows of a page.
            position: of an earlier `Scan` of the same query; delivered rows are not repeated, except those of the pages
                at which it stopped.
            on_progress: called after each page.
            on_error: see `all`.

        Raises:
            LoadError: a row cannot be loaded, and there is no ``on_error``.
            QueryNotSupported: the query cannot be read by ranges.
            InvalidPageToken: the position is of another query, or was changed.
        """
        check_not_async("on_progress", on_progress)
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
        return Scan(cursor, client.requests, lambda: run(client, client.page_secrets.keys(internal_keyspaces)))

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
        """Fetch the rows of many keys, in the order of the keys; None for missing rows.

        Parameters:
            keys: tuples in the order of the key, mappings by name, or single values for a key of one column.
            on_error: receives the `LoadError` of each row that cannot be loaded; None takes its place.

        Raises:
            BulkWriteError: some rows could not be read.
        """
        check_not_async("on_progress", on_progress)
        bulk, collect_rows = BulkOperations(self._client.requests(), self.keyspace, concurrency, on_progress).get(
            model, keys, on_error
        )
        return collect_rows(bulk.run())
