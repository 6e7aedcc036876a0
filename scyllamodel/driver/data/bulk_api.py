"""`save_many`, `get_many` and `delete_many`: rows and keys as jobs of a bulk run.

In: a keyspace, and rows or keys. Out: a `BulkRun`, which a thread or an event loop executes.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Hashable, Iterable, Iterator, Mapping, Sized
from functools import partial
from typing import Any, TypeAlias, TypeVar, cast

import attrs

from scyllamodel._numbers import check_integer
from scyllamodel.driver.data.bulk import BATCH_ROWS, CONCURRENCY, BulkRun, Job, PartitionGrouping
from scyllamodel.driver.data.bulk_report import BulkReport, OnProgress
from scyllamodel.driver.data.loading import OnError, load_row, load_rows
from scyllamodel.driver.data.messages import Response
from scyllamodel.driver.data.requests import Requests
from scyllamodel.driver.data.threaded_source import ThreadedSource, may_block
from scyllamodel.model.change_tracking import InstanceWrite
from scyllamodel.query.batch_writes import BatchWrites
from scyllamodel.query.checks.arguments import check_get_arguments, check_many, check_row
from scyllamodel.query.functions import is_model
from scyllamodel.query.instance_writes import mark_write_uncertain, save_statement, write_statements_for
from scyllamodel.query.instances import InstanceStatements, WriteOptions, statements_for
from scyllamodel.query.model_cache import cache_for
from scyllamodel.query.single_table import check_keys_of_class
from scyllamodel.query.statement import CompiledStatement
from scyllamodel.query.targets import model_of
from scyllamodel.types.display import strictest_display

M = TypeVar("M")

Source: TypeAlias = "Iterable[Any] | AsyncIterable[Any]"
JobFactory: TypeAlias = "Callable[[int, Any], Job]"
"""Makes the job of a row or key at a position; an error it raises is the error of that row."""


def _check_concurrency(value: int) -> int:
    return check_integer("concurrency", value, minimum=1)


@attrs.frozen
class BulkOperations:
    """The options of a bulk operation.

    Attributes:
        concurrency: requests in flight.
        on_progress: called after each row, or each batch.
        in_loop: whether an event loop executes the run, which no source of rows may block.
    """

    requests: Requests
    keyspace: str
    concurrency: int = attrs.field(default=CONCURRENCY, converter=_check_concurrency)
    on_progress: OnProgress | None = None
    in_loop: bool = False

    def save(self, rows: Source, write_options: WriteOptions, *, by_partition: bool) -> BulkRun:
        """Make the run that saves instances."""
        check_many("save_many", rows)
        grouping = PartitionGrouping(self._new_batch, BATCH_ROWS) if by_partition else None
        return self._bulk_run(rows, partial(self._save_job, write_options, by_partition), grouping)

    def _save_job(self, write_options: WriteOptions, by_partition: bool, index: int, row: Any) -> Job:  # noqa: FBT001 - private
        check_row("save", row)
        one = InstanceWrite(row)
        try:
            statement = save_statement(row, self.keyspace, write_options, if_exists=False, nulls=False)
            if statement is None:
                return Job([(index, row)], None, write=one)
            one.may_be_sent(partial(mark_write_uncertain, row, statement.compiled, statement.snapshot))
            job = Job([(index, row)], statement.compiled, write=one, saved_row=statement.snapshot)
            if by_partition:
                job.partition = _partition_key(statements_for(model_of(row), self.keyspace), row)
        except BaseException:
            one.end()
            raise
        return job

    def _new_batch(self) -> BatchWrites:
        return BatchWrites(self.keyspace, "unlogged")

    def get(
        self, model: type[M], keys: Source, on_error: OnError | None = None
    ) -> tuple[BulkRun, Callable[[BulkReport], list[M | None]]]:
        """Make the run that reads rows, and the function that returns them in the order of their keys.

        The function returns None for missing rows and for those that ``on_error`` received, and raises `BulkWriteError`
        when some could not be read.
        """
        check_get_arguments(model, verb="get_many")
        check_many("get_many", keys)
        statements = statements_for(model, self.keyspace)
        rows_by_index: dict[int, M] = {}

        def store_row(index: int, response: Response) -> None:
            if on_error is None and response.rows:
                rows_by_index[index] = load_row(statements.get, response.rows[0])
                return
            for row in load_rows(statements.get, response.rows[:1], on_error):
                rows_by_index[index] = row

        def read_job(index: int, key: Any) -> Job:
            return Job(
                [(index, key)],
                CompiledStatement(statements.get, _key_values(statements, key)),
                partial(store_row, index),
            )

        def collect_rows(report: BulkReport) -> list[M | None]:
            report.raise_errors()
            return [rows_by_index.get(index) for index in range(report.total)]

        return self._bulk_run(keys, read_job), collect_rows

    def delete(self, rows_or_model: Any, keys: Source | None, timestamp: int | None) -> BulkRun:
        """Make the run that deletes instances, or the rows of a model by key."""
        check_many("delete_many", rows_or_model if keys is None else keys)
        if keys is None:
            return self._bulk_run(cast("Source", rows_or_model), partial(self._delete_job, timestamp))
        if not is_model(rows_or_model):
            raise TypeError(f"delete_many() takes instances, or a model and keys, got {rows_or_model!r}")
        check_keys_of_class(rows_or_model)
        statements: InstanceStatements[Any] = write_statements_for(rows_or_model, self.keyspace)

        def delete_job(index: int, key: Any) -> Job:
            return Job([(index, key)], statements.delete_key(_key_values(statements, key), timestamp=timestamp))

        return self._bulk_run(keys, delete_job)

    def _delete_job(self, timestamp: int | None, index: int, row: Any) -> Job:
        check_row("delete", row)
        one = InstanceWrite(row)
        try:
            compiled = write_statements_for(model_of(row), self.keyspace).delete(row, timestamp=timestamp)
        except BaseException:
            one.end()
            raise
        one.may_be_sent(partial(mark_write_uncertain, row, compiled, None))
        return Job([(index, row)], compiled, write=one)

    def _bulk_run(self, source: Source, job_factory: JobFactory, grouping: PartitionGrouping | None = None) -> BulkRun:
        total = len(source) if isinstance(source, Sized) else None
        abandon_source: Callable[[], Iterable[Any]] = tuple
        if self.in_loop and may_block(source):
            source = threaded_source = ThreadedSource(cast("Iterable[Any]", source))
            abandon_source = threaded_source.abandon
        return BulkRun(
            self.requests,
            _jobs_async(source, job_factory) if isinstance(source, AsyncIterable) else _jobs(source, job_factory),
            concurrency=self.concurrency,
            total=total,
            on_progress=self.on_progress,
            grouping=grouping,
            abandon_source=abandon_source,
        )


def _jobs(source: Iterable[Any], job_factory: JobFactory) -> Iterator[Job]:
    for index, item in enumerate(source):
        yield _job(job_factory, index, item)


async def _jobs_async(source: AsyncIterable[Any], job_factory: JobFactory) -> AsyncIterator[Job]:
    index = 0
    async for item in source:
        yield _job(job_factory, index, item)
        index += 1


def _job(job_factory: JobFactory, index: int, item: Any) -> Job:
    """Make the job of a row or key; an error becomes the error of that row."""
    try:
        return job_factory(index, item)
    except Exception as error:  # noqa: BLE001 - values of any class, and the classes of applications
        return Job([(index, item)], None, error=error)


def _partition_key(statements: InstanceStatements[Any], row: Any) -> Hashable:
    """Return the key that rows of one partition share."""
    partition_key = (statements.model, *statements.take_partition_key(row))
    try:
        hash(partition_key)
    except TypeError:  # a frozen collection
        return object()
    return partition_key


def _key_values(statements: InstanceStatements[Any], key: Any) -> tuple[Any, ...]:
    """Return the key values, given as a mapping, a tuple, or the single value of a one-column key."""
    if isinstance(key, Mapping):
        return statements.key_values(cast("Mapping[str, Any]", key))
    values: tuple[Any, ...] = key if issubclass(model_of(key), tuple) else (key,)
    if len(values) == len(statements.key):
        return values
    columns = cache_for(statements.model).columns
    text = strictest_display(columns[name].show for name in statements.key)(key)
    raise TypeError(
        f"a key of {statements.model.__qualname__} is ({', '.join(statements.key)}), a tuple or a dict; got {text}"
    )
