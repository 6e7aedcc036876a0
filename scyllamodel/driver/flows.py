"""What each verb does, as a generator: it yields requests, is sent their answers, and returns what the verb returns.

A flow neither waits nor knows who does: `scyllamodel.driver.drive` drives it in a thread that blocks,
`scyllamodel.driver.aio` in an event loop. All thinking of both repos stands here.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias, TypeVar, cast

import attrs

from scyllamodel._cql import without_literals
from scyllamodel._numbers import check_integer
from scyllamodel.driver.batches import Batch, may_be_applied, saving
from scyllamodel.driver.loading import OnError, load_row, load_rows
from scyllamodel.driver.markers import check_values, has_markers
from scyllamodel.driver.names import SimpleStatement, tuple_factory
from scyllamodel.driver.requests import Answer, Deadline, Requests, lwt_result
from scyllamodel.driver.statements import Paxos
from scyllamodel.errors import MultipleResultsFound, NotFound
from scyllamodel.model._codegen import raw_name
from scyllamodel.model.state import (
    InstanceWrite,
    Snapshot,
    current_values,
    forget,
    inherit_row,
    is_unresolved,
    remember,
    snapshot,
)
from scyllamodel.query.memory import memory_of
from scyllamodel.query.misuse import check_got, check_row, check_scalar, check_select, check_statement
from scyllamodel.query.objects import Access, Using, Write, access_to, lose_write, writing_to
from scyllamodel.query.parts import model_of
from scyllamodel.query.results import LWTResult
from scyllamodel.query.select import Select, is_select
from scyllamodel.query.statement import Compiled, Options, Statement

T = TypeVar("T")
R = TypeVar("R")
M = TypeVar("M")


@attrs.frozen(eq=False)
class Ask:
    """Send a statement, and wait for its first page.

    Attributes:
        size: rows of a page; None is what the session says.
        state: where an earlier page ended.
    """

    compiled: Compiled[Any]
    size: int | None = None
    state: bytes | None = None

    def ready(self, requests: Requests) -> Any:
        """What is sent; None where the server has to be asked first, see `bound`."""
        return requests.ready(self.compiled)

    def bound(self, requests: Requests, deadline: Deadline) -> Any:
        """What is sent; this may wait for the server."""
        return requests.bound(self.compiled, deadline)

    async def bound_async(self, requests: Requests, deadline: Deadline) -> Any:
        """What is sent, awaited."""
        return await requests.bound_async(self.compiled, deadline)


@attrs.frozen(eq=False)
class Next:
    """Wait for the page that is being fetched after this one."""

    answer: Answer
    compiled: Compiled[Any]


class _Whole:
    """A request without pages of its own choice."""

    size: int | None = None
    state: bytes | None = None


@attrs.frozen(eq=False, slots=False)
class Together(_Whole):
    """Send a batch, and wait for its answer."""

    batch: Batch
    compiled: Compiled[Any]

    def ready(self, requests: Requests) -> Any:
        """See `Ask.ready`."""
        return self.batch.ready(requests)

    def bound(self, requests: Requests, deadline: Deadline) -> Any:
        """See `Ask.bound`."""
        return self.batch.statement(requests, deadline)

    async def bound_async(self, requests: Requests, deadline: Deadline) -> Any:
        """See `Ask.bound_async`."""
        return await self.batch.statement_async(requests, deadline)


@attrs.frozen(eq=False, slots=False)
class Text(_Whole):
    """Send text, and wait for its first page.

    Attributes:
        compiled: the text, and for which model its rows are, if for any.
        values: of the text, which is prepared if it has any.
    """

    compiled: Compiled[Any]
    values: Sequence[Any] = attrs.field(repr=False)

    def ready(self, requests: Requests) -> Any:
        """See `Ask.ready`."""
        shape = self.compiled.shape
        if not self.values and not has_markers(shape.cql):
            return self._marked(SimpleStatement(shape.cql))
        prepared = requests.statements.known_text(shape.cql)
        return None if prepared is None else self._bound(prepared)

    def bound(self, requests: Requests, deadline: Deadline) -> Any:
        """See `Ask.bound`."""
        return self._bound(requests.statements.text(self.compiled.shape.cql, deadline.left))

    async def bound_async(self, requests: Requests, deadline: Deadline) -> Any:
        """See `Ask.bound_async`."""
        return self._bound(await requests.statements.text_async(self.compiled.shape.cql, deadline.left))

    @property
    def shown(self) -> Compiled[Any]:
        """The text with ``?`` in place of each value that stands in it, for those who listen."""
        shape = self.compiled.shape
        return attrs.evolve(self.compiled, shape=attrs.evolve(shape, cql=without_literals(shape.cql)))

    def _bound(self, prepared: Any) -> Any:
        check_values([column.name for column in prepared.column_metadata], self.values)
        return self._marked(prepared.bind(self.values))

    def _marked(self, statement: Any) -> Any:
        """The statement as ours: what may not be sent twice is not, and rows for a model are tuples."""
        if self.compiled.shape.verb != "select":
            statement.retry_policy = Paxos()
        statement.our_rows = None if self.compiled.shape.model is None else tuple_factory
        return statement


Step: TypeAlias = Ask | Next | Together | Text
Flow: TypeAlias = Generator[Step, Answer, T]


def execute(statement: Statement[R], keyspace: str) -> Flow[R]:
    """Any statement: the rows of a select, the result of a conditional write, else None."""
    check_statement(statement)
    if is_select(statement):
        return cast("R", (yield from every(statement, keyspace)))
    return (yield from write(statement.compile(keyspace)))


def write(compiled: Compiled[R]) -> Flow[R]:
    """A write."""
    answer = yield Ask(compiled)
    return cast("R", lwt_result(compiled.shape.model, answer) if compiled.shape.conditional else None)


def every(query: Select[R], keyspace: str, on_error: OnError | None = None) -> Flow[list[R]]:
    """All rows of a query."""
    check_select("all", query)
    return (yield from rows_of(query.compile(keyspace), on_error))


def rows_of(compiled: Compiled[list[R]], on_error: OnError | None = None) -> Flow[list[R]]:
    """All rows of a read; a page is fetched while the one before it is loaded."""
    answer = yield Ask(compiled)
    found: list[R] = []
    while True:
        more = answer.more
        if more:
            answer.prefetch()
        found += load_rows(compiled.shape, answer.rows, on_error)
        if not more:
            return found
        answer = yield Next(answer, compiled)


def some(query: Select[R], keyspace: str, count: int) -> Flow[list[R]]:
    """The first rows, at most so many; a page may be empty and not the last."""
    compiled = query.compile(keyspace)
    answer = yield Ask(compiled, size=count)
    found = load_rows(compiled.shape, answer.rows)
    while len(found) < count and answer.more:
        answer.prefetch()
        answer = yield Next(answer, compiled)
        found += load_rows(compiled.shape, answer.rows)
    return found[:count]


def stream_request(query: Select[R], keyspace: str, size: int | None) -> Ask:
    """The first request of a stream."""
    check_select("stream", query)
    if size is not None:
        size = check_integer("page_size", size, least=1)
    return Ask(query.compile(keyspace), size=size)


def one_or_none(query: Select[Any], keyspace: str, verb: str = "one_or_none") -> Flow[Any]:
    """The one row, or None."""
    check_select(verb, query)
    found = yield from some(query, keyspace, 2)
    if len(found) > 1:
        raise MultipleResultsFound(f"More than one row fits {_shown(query)}; first() takes the first one.")
    return found[0] if found else None


def one(query: Select[R], keyspace: str) -> Flow[R]:
    """The one row."""
    found: R | None = yield from one_or_none(query, keyspace, "one")
    if found is None:
        raise NotFound(f"No row fits {_shown(query)}; one_or_none() answers None.")
    return found


def first(query: Select[Any], keyspace: str) -> Flow[Any]:
    """The first row, or None."""
    check_select("first", query)
    found = yield from some(query, keyspace, 1)
    return found[0] if found else None


def scalar(query: Select[Any], keyspace: str) -> Flow[Any]:
    """The first column of the first row, or None."""
    check_select("scalar", query)
    check_scalar(query)
    found = yield from first(query, keyspace)
    return None if found is None else found[0]


def count(query: Select[Any], keyspace: str) -> Flow[int]:
    """How many rows there are, counted by the server."""
    check_select("count", query)
    found = cast("int", (yield from scalar(query.counting(), keyspace)))
    return found if query.most is None else min(found, query.most)


def exists(query: Select[Any], keyspace: str) -> Flow[bool]:
    """Whether there is a row, which is not loaded; a page may be empty and not the last."""
    check_select("exists", query)
    compiled = query.keys().compile(keyspace)
    answer = yield Ask(compiled, size=1)
    while not answer.rows and answer.more:
        answer.prefetch()
        answer = yield Next(answer, compiled)
    return bool(answer.rows)


def _shown(query: Select[Any]) -> str:
    conditions = " and ".join(map(repr, query.conditions))
    return conditions or "a select without conditions"


def get(model: type[M], keyspace: str, key: Mapping[str, Any], unnamed: tuple[object, ...] = ()) -> Flow[M | None]:
    """The row under a key, or None."""
    check_got(model, unnamed)
    access = access_to(model, keyspace)
    return (yield from get_values(access, access.key_values(key)))


def get_values(access: Access[M], key: tuple[Any, ...]) -> Flow[M | None]:
    """The row under the values of a key, or None."""
    answer = yield Ask(Compiled(access.get, key))
    return load_row(access.get, answer.rows[0]) if answer.rows else None


def send(batch: Batch) -> Flow[LWTResult[Any] | None]:
    """What a batch has collected; an empty one is not sent."""
    batch.check_open()
    if not len(batch):
        return None
    taken = batch.taken()
    try:
        taken.begin()
        answer = yield Together(taken, taken.compiled())
        result = lwt_result(taken.compiled().shape.model, answer) if taken.conditional else None
        taken.done(result)
    except BaseException as error:
        taken.lose_track(error)
        raise
    finally:
        taken.end()
    batch.result = result
    return result


def refresh(row: Any, keyspace: str) -> Flow[None]:
    """Put what is stored into an instance."""
    check_row("refresh", row)
    access = access_to(model_of(row), keyspace)
    found = yield from get_values(access, access.stored_key(row))
    if found is None:
        raise NotFound(f"The row of this {model_of(row).__qualname__} is gone: {_key_shown(access, row)}.")
    for name in memory_of(model_of(row)).columns:
        setattr(row, raw_name(model_of(row), name), getattr(found, name))
    remember(row, snapshot(row, current_values(row)))


def _key_shown(access: Access[Any], row: Any) -> str:
    columns = memory_of(access.model).columns
    return ", ".join(f"{name}={columns[name].show(getattr(row, name))}" for name in access.key)


def save(row: Any, keyspace: str, using: Using, *, exists: bool, nulls: bool) -> Flow[Any]:
    """An INSERT of a new instance, an UPDATE of what changed in a loaded one, nothing for an unchanged one."""
    check_row("save", row)
    one = InstanceWrite(row)
    try:
        if is_unresolved(row):
            yield from _resolve(row, keyspace)
        found = saving(row, keyspace, using, exists=exists, nulls=nulls)
        if found is not None:
            return (yield from _written(row, found, one))
    finally:
        one.end()
    return (yield from _is_there(row, keyspace)) if exists else None


def _resolve(row: Any, keyspace: str) -> Flow[None]:
    """Complete what replicas accepted of a conditional write without an answer; the instance stands for that row then.

    A read at SERIAL does (Paxos). A request that has not reached a server yet is not part of it.
    """
    access = access_to(model_of(row), keyspace)
    answer = yield Ask(Compiled(access.get, access.stored_key(row), Options(consistency="SERIAL")))
    found = load_row(access.get, answer.rows[0]) if answer.rows else None
    forget(row)
    if found is not None and model_of(found) is model_of(row):
        inherit_row(row, found)


def _is_there(row: Any, keyspace: str) -> Flow[LWTResult[Any]]:
    """The answer to a conditional write without changes: whether the row is there, read at SERIAL.

    No UPDATE could ask without writing: any column that it set would get a new time, and lose its TTL.
    """
    access = access_to(model_of(row), keyspace)
    answer = yield Ask(Compiled(access.get, access.stored_key(row), Options(consistency="SERIAL")))
    return LWTResult(applied=bool(answer.rows))


def insert(row: Any, keyspace: str, using: Using, *, absent: bool, nulls: bool) -> Flow[Any]:
    """An INSERT of an instance, whether it was loaded or not."""
    check_row("insert", row)
    one = InstanceWrite(row)
    try:
        made = writing_to(model_of(row), keyspace).insert(row, using, absent=absent, nulls=nulls)
        return (yield from _written(row, made, one))
    finally:
        one.end()


def _written(row: Any, made: Write, one: InstanceWrite) -> Flow[Any]:
    result = yield from _tracked(row, made.compiled, made.row, one)
    if result is None or result.applied:
        one.applied(made.row)
    return result


def _tracked(row: Any, compiled: Compiled[Any], stands: Snapshot | None, one: InstanceWrite) -> Flow[Any]:
    """A write of an instance; without an answer, the instance takes note that it does not know its row."""
    one.may_be_sent(partial(lose_write, row, compiled, stands))
    try:
        return (yield from write(compiled))
    except BaseException as error:
        if may_be_applied(error):
            one.lose()
        raise


def delete(row: Any, keyspace: str, *, exists: bool, timestamp: int | None) -> Flow[Any]:
    """A DELETE of the row of an instance, which is a new one afterwards."""
    check_row("delete", row)
    one = InstanceWrite(row)
    try:
        compiled = writing_to(model_of(row), keyspace).delete(row, exists=exists, timestamp=timestamp)
        result = yield from _tracked(row, compiled, None, one)
        if result is None or result.applied:
            one.applied(None)
        return result
    finally:
        one.end()
