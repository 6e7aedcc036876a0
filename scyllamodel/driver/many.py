"""`save_many`, `get_many` and `delete_many`: rows and keys as jobs of a bulk run.

*In*: a keyspace and what was given. *Out*: jobs, and what is taken from their answers. The blocking and the awaited
repo both run them in a thread that waits.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sized
from functools import partial
from typing import Any, TypeVar, cast

import attrs

from scyllamodel._numbers import check_integer
from scyllamodel.driver.batches import Batch, saving
from scyllamodel.driver.bulk import CONCURRENCY, GROUP, Bulk, BulkReport, Job, OnProgress, grouped
from scyllamodel.driver.loading import OnError, load_rows
from scyllamodel.driver.requests import Answer, Requests
from scyllamodel.errors import ScyllaModelError
from scyllamodel.model.state import forget, remember
from scyllamodel.query.functions import is_model
from scyllamodel.query.memory import memory_of
from scyllamodel.query.objects import Access, Using, access_to, writing_to
from scyllamodel.query.parts import model_of
from scyllamodel.query.statement import Compiled
from scyllamodel.types.display import strictest

M = TypeVar("M")


def _concurrency(given: int) -> int:
    return check_integer("concurrency", given, least=1)


@attrs.frozen
class Many:
    """How many rows are worked through.

    Attributes:
        concurrency: requests under way.
        on_progress: called after each row, or each batch of them.
        stop: ends the run when it is set.
    """

    requests: Requests
    keyspace: str
    concurrency: int = attrs.field(default=CONCURRENCY, converter=_concurrency)
    on_progress: OnProgress | None = None
    stop: threading.Event | None = None

    def save(self, rows: Iterable[Any], using: Using, *, by_partition: bool) -> BulkReport:
        """Save instances."""
        if by_partition:
            return self._run(grouped(self._parts(rows, using), self._batch, GROUP), rows)
        return self._run(self._saves(rows, using), rows)

    def _saves(self, rows: Iterable[Any], using: Using) -> Iterator[Job]:
        for index, row in enumerate(rows):
            yield self._saving(index, row, using)

    def _saving(self, index: int, row: Any, using: Using) -> Job:
        try:
            found = saving(row, self.keyspace, using, exists=False, nulls=False)
        except ScyllaModelError as error:
            return Job([(index, row)], None, error=error)
        if found is None:
            return Job([(index, row)], None)
        return Job([(index, row)], found.compiled, lambda _: remember(row, found.row))

    def _parts(self, rows: Iterable[Any], using: Using) -> Iterator[tuple[Job, Any]]:
        for index, row in enumerate(rows):
            partition = (model_of(row), *access_to(model_of(row), self.keyspace).partition_of(row))
            yield self._saving(index, row, using), partition

    def _batch(self) -> Batch:
        return Batch(self.keyspace).unlogged()

    def get(self, model: type[M], keys: Iterable[Any], on_error: OnError | None = None) -> list[M | None]:
        """The rows under these keys, in their order; None for those that there are not, or that ``on_error`` received.

        Raises:
            BulkWriteError: some could not be read.
        """
        access = access_to(model, self.keyspace)
        found: dict[int, M] = {}

        def taken(index: int, answer: Answer) -> None:
            for row in load_rows(access.get, answer.rows[:1], on_error):
                found[index] = row

        jobs = (
            Job([(index, key)], Compiled(access.get, values), partial(taken, index))
            for index, (key, values) in enumerate((key, _key(access, key)) for key in keys)
        )
        report = self._run(jobs, keys)
        report.raise_errors()
        return [found.get(index) for index in range(report.total)]

    def delete(self, what: Any, keys: Iterable[Any] | None, timestamp: int | None) -> BulkReport:
        """Delete the rows of instances, or of a model those under keys."""
        if keys is None:
            rows = cast("Iterable[Any]", what)
            return self._run(self._deletes(rows, timestamp), rows)
        if not is_model(what):
            raise TypeError(f"delete_many() takes instances, or a model and keys, not {what!r}")
        access: Access[Any] = writing_to(what, self.keyspace)
        jobs = (
            Job([(index, key)], access.delete_key(_key(access, key), timestamp=timestamp))
            for index, key in enumerate(keys)
        )
        return self._run(jobs, keys)

    def _deletes(self, rows: Iterable[Any], timestamp: int | None) -> Iterator[Job]:
        for index, row in enumerate(rows):
            yield self._deleting(index, row, timestamp)

    def _deleting(self, index: int, row: Any, timestamp: int | None) -> Job:
        try:
            compiled = writing_to(model_of(row), self.keyspace).delete(row, timestamp=timestamp)
        except ScyllaModelError as error:
            return Job([(index, row)], None, error=error)
        return Job([(index, row)], compiled, lambda _: forget(row))

    def _run(self, jobs: Iterable[Job], given: Iterable[Any]) -> BulkReport:
        total = len(given) if isinstance(given, Sized) else None
        run = Bulk(
            self.requests,
            jobs,
            concurrency=self.concurrency,
            total=total,
            on_progress=self.on_progress,
            stop=self.stop,
        )
        return run.run()


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
