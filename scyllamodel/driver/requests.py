"""A compiled statement -> a request under way -> an answer; what the sync and the async repo have in common.

*In*: `Compiled`, and where to start. *Out*: the driver's future, and the `Answer` that is made of its result. Nothing
here waits but for statements to be prepared, within the time of the request, so both ways of waiting stand on it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn

from scyllamodel.driver import forks
from scyllamodel.driver.connection import Connection
from scyllamodel.driver.decoding import DamagedRow
from scyllamodel.driver.failures import Meaning, meaning
from scyllamodel.driver.loading import load_value, named_error
from scyllamodel.driver.names import ConsistencyLevel, Unavailable
from scyllamodel.driver.request_errors import is_raw, request_error
from scyllamodel.driver.statements import Prepared, SentOnce, Statements
from scyllamodel.driver.user_types import StaleType
from scyllamodel.errors import ConfigurationError, QueryNotSupported, TypeMismatch, UnknownOutcome
from scyllamodel.model.expression import Condition
from scyllamodel.model.family import head_of
from scyllamodel.query.memory import memory_of
from scyllamodel.query.parts import columns_of
from scyllamodel.query.results import LWTResult, PartialRow
from scyllamodel.query.select import Select
from scyllamodel.query.statement import NO_OPTIONS, Compiled, Options, Shape
from scyllamodel.query.tuning import refuse
from scyllamodel.types.converters import NAIVE_UTC
from scyllamodel.types.display import without_frames

if TYPE_CHECKING:
    from scyllamodel.driver.watch import Watch

FRAME: Final = 16 * 2**20
"""Bytes of values in one request: what servers take by default.

Cassandra has it in ``native_transport_max_frame_size``, whose name and unit differ between versions, and by half a
segment of the commit log in ``max_mutation_size``; ScyllaDB does not publish it. It is not read from a server, since
nodes may differ, and a role may not read ``system_views``.
"""


class Answer:
    """The rows of one page, as the driver gives them.

    Attributes:
        rows: tuples; none for a write.
    """

    __slots__ = ("_epoch", "future", "rows")

    def __init__(self, future: Any, rows: Any) -> None:
        self.future = future
        self.rows: Sequence[Any] = rows if isinstance(rows, (list, tuple)) else ()
        self._epoch = forks.epoch()

    def awaited(self) -> Any:
        """The driver's future, to wait for the next page.

        Raises:
            ConnectionFailed: this process was forked since the page came; the parent's sockets do not answer here.
        """
        forks.check(self._epoch, "The connection of this iterator")
        return self.future

    @property
    def more(self) -> bool:
        """Whether there is another page."""
        return bool(self.future.has_more_pages)

    @property
    def state(self) -> bytes | None:
        """Where this page ended."""
        state: bytes | None = self.future._paging_state  # noqa: SLF001 - a ResultSet would read the same
        return state

    def prefetch(self) -> None:
        """Begin to fetch the next page; `more`, `state` and `names` are that page's from now on."""
        future = self.awaited()
        future.clear_callbacks()
        future.start_fetching_next_page()

    @property
    def names(self) -> Sequence[str]:
        """The names of the columns, as CQL has them."""
        return tuple(self.future._col_names or ())  # noqa: SLF001 - likewise


class Deadline:
    """When a request has to be over.

    Parameters:
        timeout: seconds; None is no limit.
    """

    __slots__ = ("_end",)

    def __init__(self, timeout: float | None) -> None:
        self._end = None if timeout is None else time.monotonic() + timeout

    @property
    def left(self) -> float | None:
        """Seconds that are left; a moment at least, so that what sends reports the timeout."""
        return None if self._end is None else max(0.001, self._end - time.monotonic())


class Requests:
    """What is sent through one connection.

    Parameters:
        connection: with a session in the mode of data.
        naive: whether datetimes without a time zone are taken for UTC.
        watch: is told of each request; None where nobody listens.
    """

    def __init__(self, connection: Connection, *, naive: bool = False, watch: Watch | None = None) -> None:
        self.connection = connection
        self.watch = watch
        connection.data_mode()
        self.statements = Statements(connection, watch=watch)
        self._naive = naive

    def bind(self, prepared: Prepared, compiled: Compiled[Any]) -> Any:
        """The statement with its values.

        Raises:
            TypeMismatch: a value does not fit its column.
            StaleType: a user type had fewer fields when the statement was prepared.
        """
        try:
            if self._naive:
                token = NAIVE_UTC.set(True)
                try:
                    statement = prepared.bind(compiled.values)
                finally:
                    NAIVE_UTC.reset(token)
            else:
                statement = prepared.bind(compiled.values)
        except TypeMismatch as error:
            raise without_frames(error)  # noqa: B904 - the same error
        if compiled.options is not NO_OPTIONS:
            tune(statement, compiled.options, compiled.shape)
        check_size((statement,))
        return statement

    def ready(self, compiled: Compiled[Any]) -> Any:
        """The statement with its values; None where the server has to be asked first, see `bound`."""
        prepared = self.statements.get(compiled.shape)
        if prepared is None:
            return None
        try:
            return self.bind(prepared, compiled)
        except StaleType:
            self.statements.forget(compiled.shape, prepared)
            return None

    def bound(self, compiled: Compiled[Any], deadline: Deadline | None = None) -> Any:
        """The statement with its values, prepared now if it was not; this may wait for the server.

        Parameters:
            deadline: of the request; None is that of a request which begins now.

        Raises:
            RequestFailed: it cannot be prepared, or was not in time.
            TypeMismatch: a value does not fit its column.
        """
        found = self.ready(compiled)
        if found is None:
            left = (deadline or self.deadline(compiled.options)).left
            found = self._fresh(self.statements.prepare(compiled.shape, left), compiled)
        return found

    async def bound_async(self, compiled: Compiled[Any], deadline: Deadline | None = None) -> Any:
        """The statement with its values, as `bound` gives it, and the loop goes on meanwhile."""
        found = self.ready(compiled)
        if found is None:
            left = (deadline or self.deadline(compiled.options)).left
            found = self._fresh(await self.statements.prepare_async(compiled.shape, left), compiled)
        return found

    def deadline(self, options: Options) -> Deadline:
        """When a request that begins now has to be over, which includes what has to be prepared for it."""
        return Deadline(self.connection.request_timeout if options.timeout is None else options.timeout)

    def _fresh(self, prepared: Prepared, compiled: Compiled[Any]) -> Any:
        """The statement of a shape that was just prepared.

        Raises:
            TypeMismatch: a user type on the server lacks a field.
        """
        try:
            return self.bind(prepared, compiled)
        except StaleType as error:
            raise TypeMismatch(f"{error}; the value cannot be stored until then.") from None

    def send(
        self,
        statement: Any,
        options: Options,
        *,
        size: int | None = None,
        state: bytes | None = None,
        deadline: Deadline | None = None,
    ) -> Any:
        """Send it. Returns the driver's future.

        Parameters:
            size: rows of a page.
            state: where an earlier page ended.
            deadline: of a request of which a part is done; None gives it the whole time from now on.
        """
        if size is not None:
            statement.fetch_size = size
        timeout = options.timeout if deadline is None else deadline.left
        return self.connection.data(statement, timeout=timeout, state=state)


def tune(statement: Any, options: Options, shape: Shape[Any]) -> None:
    """Put what one call asks for on its own statement.

    Raises:
        QueryNotSupported: it is a read or a conditional write at ANY.
    """
    if options.consistency is not None:
        statement.consistency_level = level(options.consistency)
        if statement.consistency_level == ConsistencyLevel.ANY and (shape.conditional or shape.verb == "select"):
            raise _no_any(shape)
    if options.serial_consistency is not None:
        statement.serial_consistency_level = serial_level(options.serial_consistency)
    if options.page_size is not None:
        statement.fetch_size = options.page_size
    if options.idempotent is not None:
        statement.is_idempotent = options.idempotent
        statement.retry_policy = None if options.idempotent else SentOnce()


def _no_any(shape: Shape[Any]) -> QueryNotSupported:
    what = "read" if shape.verb == "select" else f"conditional {shape.verb}"
    return refuse(
        f"A {what} of {getattr(shape.model, '__qualname__', 'several models')} at consistency ANY: a hint on any node "
        "would do for it, which answers no read and settles no condition.",
        "Say .consistency('ONE') or .consistency('LOCAL_QUORUM').",
    )


def level(given: str | int) -> int:
    """A consistency level as the driver has it.

    Raises:
        ConfigurationError: there is no such level.
    """
    if given in ConsistencyLevel.value_to_name:
        return int(given)
    found: int | None = ConsistencyLevel.name_to_value.get(str(given).upper())
    if found is None:
        names = ", ".join(ConsistencyLevel.name_to_value)
        raise ConfigurationError(f"{given!r} is no consistency level; there are {names}.", setting="consistency")
    return found


def serial_level(given: str | int) -> int:
    """The level at which the conditions of a write are agreed upon.

    Raises:
        ConfigurationError: it is another level.
    """
    found = level(given)
    if not ConsistencyLevel.is_serial(found):
        raise ConfigurationError(
            f"serial_consistency={given!r}: write 'SERIAL', or 'LOCAL_SERIAL' for one data centre. How many replicas "
            "take the write itself is consistency=.",
            setting="serial_consistency",
        )
    return found


def check_size(statements: Iterable[Any]) -> None:
    """Refuse what no server would read.

    Raises:
        QueryNotSupported: the values have more bytes than a request may have.
    """
    size = 0
    for one in statements:
        for value in one.values:
            if value.__class__ is bytes:
                size += len(value)
    if size > FRAME:
        raise QueryNotSupported(
            f"The values of this request have {size:,} bytes, and servers take {FRAME:,} at most: write it in parts.",
            needs=(),
            helps=("write it in parts",),
        )


def lwt_result(model: type | None, answer: Answer) -> LWTResult[Any]:
    """The answer to a conditional write, by name.

    ScyllaDB answers with as many cells whatever it found, nulls for a row that does not exist, and a batch with one row
    for each statement; Cassandra leaves out what it has not found.
    """
    at = answer.names.index("[applied]")
    rows = [(row, row.cells if isinstance(row, DamagedRow) else row) for row in answer.rows]
    applied = bool(rows[0][1][at])
    if applied or model is None:
        return LWTResult(applied)
    for row, cells in rows:
        told = dict(zip(answer.names, cells, strict=True))
        del told["[applied]"]
        if _exists(model, told):
            return LWTResult(applied, _loaded(model, told, row))
    return LWTResult(applied)


def _exists(model: type, told: Mapping[str, Any]) -> bool:
    """Whether these cells are of a row: the partition key has values if it is shown, else any cell has."""
    keys = [c.db_name for c in columns_of(model).values() if c.spec.kind == "partition_key" and c.db_name in told]
    return any(told[name] is not None for name in keys or told)


def _loaded(model: type, told: Mapping[str, Any], row: Any) -> Any:
    try:
        if isinstance(row, DamagedRow):
            tuple(row)
        return _current(model, told)
    except Exception as error:  # noqa: BLE001 - converters raise whatever a value makes them raise
        fault = error
    raise named_error(model, told, fault, "The conditional write was not applied, and the row cannot be shown. ")


def _current(model: type, row: Mapping[str, Any]) -> Any:
    """The row that stands in the way of a conditional write, as far as the server gave it.

    A clustering column that is null says that the partition has static values and no such row.
    """
    columns, memory = columns_of(model), memory_of(head_of(model) or model)
    static = any(c.spec.kind == "clustering" and row.get(c.db_name, c) is None for c in columns.values())
    if not static and all(column.db_name in row for column in memory.fields):
        return memory.load(tuple(row[column.db_name] for column in memory.fields))
    shown = ("partition_key", "static") if static else None
    told = {
        name: load_value(column.hint, row[column.db_name])
        for name, column in columns.items()
        if column.db_name in row and (shown is None or column.spec.kind in shown)
    }
    return PartialRow(model, told)


def reraise(error: Exception, compiled: Compiled[Any]) -> NoReturn:
    """Raise what an error of the driver means for this statement, as an error of `scyllamodel.errors`.

    Raises:
        UnknownOutcome: the statement is conditional, and the error does not settle whether it was applied.
        RequestFailed: any other error of the driver, as the subclass that fits.
    """
    shape = compiled.shape
    known = meaning(error) is not Meaning.UNKNOWN
    if shape.conditional and is_raw(error) and (not known or isinstance(error, Unavailable)):
        raise UnknownOutcome(
            f"A conditional {shape.verb} of {getattr(shape.model, '__qualname__', shape.model)} got no answer that "
            "settles it: it was applied, or was not, or will be yet. error.resolve(repo) reads the row at SERIAL.",
            query=_row_of(compiled),
            may_be_applied=True,
        ) from without_frames(error)
    raise request_error(error, shape)


def _row_of(compiled: Compiled[Any]) -> Select[Any] | None:
    """The read of the row that a write speaks of, at SERIAL."""
    shape = compiled.shape
    if not shape.key or shape.model is None:
        return None
    kinds = ("partition_key", "clustering")
    ordered = [c for kind in kinds for c in columns_of(shape.model).values() if c.spec.kind == kind]
    conditions = [
        Condition(column.target, "=", compiled.values[at]) for column, at in zip(ordered, shape.key, strict=False)
    ]
    read = Select[Any](shape.model, conditions=tuple(conditions)).consistency("SERIAL")
    return read if len(shape.key) == len(ordered) else read.limit(1)
