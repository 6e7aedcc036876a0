"""The methods of `Repo` that write.

`scyllamodel.driver.data.async_api` has the awaited twins, with equal names and parameters.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from typing_extensions import Self

from scyllamodel.driver.data import operations
from scyllamodel.driver.data.api_base import ApiBase
from scyllamodel.driver.data.bulk import CONCURRENCY
from scyllamodel.driver.data.bulk_api import BulkOperations
from scyllamodel.driver.data.bulk_report import BulkReport, OnProgress, checked_report
from scyllamodel.driver.data.callbacks import check_not_async
from scyllamodel.driver.data.client import Client
from scyllamodel.driver.data.raw import truncate
from scyllamodel.driver.data.sync_runner import run
from scyllamodel.query.batch import Batch
from scyllamodel.query.instances import WriteOptions
from scyllamodel.query.results import LWTResult

if TYPE_CHECKING:
    from scyllamodel.model.base import Model

M = TypeVar("M", bound="Model")


class WriteApi(ApiBase):
    """Writing through models."""

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

        An instance does not know its keyspace: `insert` copies it to that of another tenant. Saving never reads. None
        and empty collections of a new instance are left unset, so that no tombstone is written; in a loaded one, a
        value that was changed to None is set to null. Of collections only the difference is sent.

        Parameters:
            if_exists: only if the row still exists, as a lightweight transaction; a deleted row is not recreated. For
                an unchanged instance the row is read at SERIAL.
            nulls: write None and empty collections of a new instance as nulls.
            ttl: seconds until the written values expire.
            timestamp: the time of the write, in microseconds since 1970.

        Raises:
            QueryNotSupported: the key of a loaded instance was changed, or the table holds counters.
            ConcurrentWrite: another call is writing this instance.
            TypeMismatch: a value does not fit its column.
        """
        using = WriteOptions.of(ttl, timestamp)
        return run(self._client, operations.save(row, self.keyspace, using, if_exists=if_exists, nulls=nulls))

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
        """INSERT an instance, loaded or new. The other parameters and the errors are those of `save`.

        Parameters:
            if_not_exists: only if the row does not exist, as a lightweight transaction.
        """
        using = WriteOptions.of(ttl, timestamp)
        return run(self._client, operations.insert(row, self.keyspace, using, if_not_exists=if_not_exists, nulls=nulls))

    @overload
    def delete(self, row: M, /, *, if_exists: bool, timestamp: int | None = ...) -> LWTResult[M]: ...
    @overload
    def delete(self, row: Model, /, *, timestamp: int | None = ...) -> None: ...
    def delete(self, row: Any, /, *, if_exists: bool = False, timestamp: int | None = None) -> Any:
        """DELETE the row of an instance; the instance is new afterwards.

        Parameters:
            if_exists: report whether the row existed, by a lightweight transaction.
            timestamp: the time of the delete, in microseconds since 1970; later writes are kept.
        """
        return run(self._client, operations.delete(row, self.keyspace, if_exists=if_exists, timestamp=timestamp))

    def truncate(self, model: type[Model], /) -> None:
        """Delete every row of a table. All nodes must be up.

        Raises:
            TypeError: it is not a table.
        """
        run(self._client, truncate(model, self.keyspace))

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
        """`save` many instances, with a bounded number of concurrent requests. Transient failures are sent again.

        Parameters:
            rows: any iterable, consumed as requests are sent. An error in a row, such as a value of a wrong type, is
                reported for that row.
            concurrency: requests in flight.
            by_partition: write rows of one partition in batches of 50, many times cheaper where rows share partitions.
            on_progress: called after each request.
            raise_errors: whether failed rows raise at the end, or are only in the report.

        Raises:
            BulkWriteError: some rows failed; its ``report`` lists them, all others were written.
            BaseException: raised by ``rows`` or ``on_progress``, or Ctrl-C; sent requests are completed first, and the
                exception has the ``report``.
        """
        check_not_async("on_progress", on_progress)
        operations = BulkOperations(self._client.requests(), self.keyspace, concurrency, on_progress)
        bulk = operations.save(rows, WriteOptions.of(ttl, timestamp), by_partition=by_partition)
        return checked_report(bulk.run(), raise_errors=raise_errors)

    def delete_many(
        self,
        rows_or_model: Iterable[Model] | type[Model],
        keys: Iterable[Any] | None = None,
        /,
        *,
        concurrency: int = CONCURRENCY,
        timestamp: int | None = None,
        on_progress: OnProgress | None = None,
        raise_errors: bool = True,
    ) -> BulkReport:
        """Delete many instances, or rows of a model by key.

        The other parameters and the errors are those of `save_many`.
        """
        check_not_async("on_progress", on_progress)
        operations = BulkOperations(self._client.requests(), self.keyspace, concurrency, on_progress)
        return checked_report(operations.delete(rows_or_model, keys, timestamp).run(), raise_errors=raise_errors)

    def batch(self) -> SyncBatch:
        """Make a batch of writes that are sent together when the ``with`` block ends without an error."""
        return SyncBatch(self._client, self.keyspace)


class SyncBatch(Batch):
    """A batch of a `Repo`: ``with repo.batch() as b: b.save(order)``."""

    def __init__(self, client: Client, keyspace: str) -> None:
        super().__init__(keyspace)
        self._client = client

    def send(self) -> LWTResult[Any] | None:
        """Send the collected writes now; the batch is empty afterwards, and can be filled again inside its block."""
        writes = self._take_writes()
        if not len(writes):
            return None
        self.result = run(self._client, operations.send_batch(writes))
        return self.result

    def __enter__(self) -> Self:
        self._check_open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.send()
        finally:
            self._close()
