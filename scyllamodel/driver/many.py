"""`save_many`, `get_many` and `delete_many`: rows and keys as jobs of a bulk run.

*In*: a keyspace and what was given. *Out*: a run over jobs, which a thread or an event loop carries out.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Hashable, Iterable, Iterator, Mapping, Sized
from functools import partial
from typing import Any, TypeAlias, TypeVar, cast

import attrs

from scyllamodel._numbers import check_integer
from scyllamodel.driver.batches import Batch, saving
from scyllamodel.driver.bulk import CONCURRENCY, GROUP, Bulk, Grouping, Job
from scyllamodel.driver.bulk_report import BulkReport, OnProgress
from scyllamodel.driver.loading import OnError, load_row, load_rows
from scyllamodel.driver.requests import Answer, Requests
from scyllamodel.driver.sources import ThreadedSource, may_block
from scyllamodel.model.state import InstanceWrite
from scyllamodel.query.functions import is_model
from scyllamodel.query.kinds import check_keys_of_kind
from scyllamodel.query.memory import memory_of
from scyllamodel.query.misuse import check_got, check_row, check_several
from scyllamodel.query.objects import Access, Using, access_to, lose_write, writing_to
from scyllamodel.query.parts import model_of
from scyllamodel.query.statement import Compiled
from scyllamodel.types.display import strictest

M = TypeVar("M")

Given: TypeAlias = "Iterable[Any] | AsyncIterable[Any]"
Make: TypeAlias = "Callable[[int, Any], Job]"
"""A row or key with its place, to its job; what it raises is the error of that row."""


def _concurrency(given: int) -> int:
    return check_integer("concurrency", given, least=1)


@attrs.frozen
class Many:
    """How many rows are worked through.

    Attributes:
        concurrency: requests in flight.
        on_progress: called after each row, or each batch of them.
        in_loop: whether an event loop carries the run out, which no source of rows may block.
    """

    requests: Requests
    keyspace: str
    concurrency: int = attrs.field(default=CONCURRENCY, converter=_concurrency)
    on_progress: OnProgress | None = None
    in_loop: bool = False

    def save(self, rows: Given, using: Using, *, by_partition: bool) -> Bulk:
        """The run that saves instances."""
        check_several("save_many", rows)
        grouping = Grouping(self._batch, GROUP) if by_partition else None
        return self._bulk(rows, partial(self._saving, using, by_partition), grouping)

    def _saving(self, using: Using, by_partition: bool, index: int, row: Any) -> Job:  # noqa: FBT001 - private
        check_row("save", row)
        one = InstanceWrite(row)
        try:
            found = saving(row, self.keyspace, using, exists=False, nulls=False)
            if found is None:
                return Job([(index, row)], None, ended=one.end)
            one.may_be_sent(partial(lose_write, row, found.compiled, found.row))
            job = Job([(index, row)], found.compiled, lambda _: one.applied(found.row), lost=one.lose, ended=one.end)
            if by_partition:
                job.partition = _partition(access_to(model_of(row), self.keyspace), row)
        except BaseException:
            one.end()
            raise
        return job

    def _batch(self) -> Batch:
        return Batch(self.keyspace).unlogged()

    def get(
        self, model: type[M], keys: Given, on_error: OnError | None = None
    ) -> tuple[Bulk, Callable[[BulkReport], list[M | None]]]:
        """The run that reads rows, and what gives them in the order of their keys.

        It gives None for rows that there are not, or that ``on_error`` received, and raises `BulkWriteError` when some
        could not be read.
        """
        check_got(model, verb="get_many")
        check_several("get_many", keys)
        access = access_to(model, self.keyspace)
        found: dict[int, M] = {}

        def taken(index: int, answer: Answer) -> None:
            if on_error is None and answer.rows:
                found[index] = load_row(access.get, answer.rows[0])
                return
            for row in load_rows(access.get, answer.rows[:1], on_error):
                found[index] = row

        def reading(index: int, key: Any) -> Job:
            return Job([(index, key)], Compiled(access.get, _key(access, key)), partial(taken, index))

        def rows_of(report: BulkReport) -> list[M | None]:
            report.raise_errors()
            return [found.get(index) for index in range(report.total)]

        return self._bulk(keys, reading), rows_of

    def delete(self, what: Any, keys: Given | None, timestamp: int | None) -> Bulk:
        """The run that deletes the rows of instances, or of a model those under keys."""
        check_several("delete_many", what if keys is None else keys)
        if keys is None:
            return self._bulk(cast("Given", what), partial(self._deleting, timestamp))
        if not is_model(what):
            raise TypeError(f"delete_many() takes instances, or a model and keys, not {what!r}")
        check_keys_of_kind(what)
        access: Access[Any] = writing_to(what, self.keyspace)

        def deleting(index: int, key: Any) -> Job:
            return Job([(index, key)], access.delete_key(_key(access, key), timestamp=timestamp))

        return self._bulk(keys, deleting)

    def _deleting(self, timestamp: int | None, index: int, row: Any) -> Job:
        check_row("delete", row)
        one = InstanceWrite(row)
        try:
            compiled = writing_to(model_of(row), self.keyspace).delete(row, timestamp=timestamp)
        except BaseException:
            one.end()
            raise
        one.may_be_sent(partial(lose_write, row, compiled, None))
        return Job([(index, row)], compiled, lambda _: one.applied(None), lost=one.lose, ended=one.end)

    def _bulk(self, given: Given, make: Make, grouping: Grouping | None = None) -> Bulk:
        total = len(given) if isinstance(given, Sized) else None
        leave: Callable[[], Iterable[Any]] = tuple
        if self.in_loop and may_block(given):
            given = source = ThreadedSource(cast("Iterable[Any]", given))
            leave = source.leave
        return Bulk(
            self.requests,
            _jobs_awaited(given, make) if isinstance(given, AsyncIterable) else _jobs(given, make),
            concurrency=self.concurrency,
            total=total,
            on_progress=self.on_progress,
            grouping=grouping,
            leave=leave,
        )


def _jobs(given: Iterable[Any], make: Make) -> Iterator[Job]:
    for index, one in enumerate(given):
        yield _job(make, index, one)


async def _jobs_awaited(given: AsyncIterable[Any], make: Make) -> AsyncIterator[Job]:
    index = 0
    async for one in given:
        yield _job(make, index, one)
        index += 1


def _job(make: Make, index: int, one: Any) -> Job:
    """The job of a row or key; whatever is wrong with it is its own error."""
    try:
        return make(index, one)
    except Exception as error:  # noqa: BLE001 - values of any class, and the classes of applications
        return Job([(index, one)], None, error=error)


def _partition(access: Access[Any], row: Any) -> Hashable:
    """What rows of one partition have in common."""
    found = (access.model, *access.partition_of(row))
    try:
        hash(found)
    except TypeError:  # a frozen collection
        return object()
    return found


def _key(access: Access[Any], key: Any) -> tuple[Any, ...]:
    """The values of a key that is given as a mapping, a tuple, or the one value of a key of one column."""
    if isinstance(key, Mapping):
        return access.key_values(cast("Mapping[str, Any]", key))
    values: tuple[Any, ...] = key if issubclass(model_of(key), tuple) else (key,)
    if len(values) == len(access.key):
        return values
    columns = memory_of(access.model).columns
    shown = strictest(columns[name].show for name in access.key)(key)
    raise TypeError(
        f"a key of {access.model.__qualname__} is ({', '.join(access.key)}), a tuple or a dict, not {shown}"
    )
