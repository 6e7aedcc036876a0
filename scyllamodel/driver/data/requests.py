"""Turns a compiled statement into a request of the driver, for the blocking and the awaited repo.

In: a compiled statement, and where to start. Out: the driver's future, and the meaning of its result or error. Only
preparing waits, within the timeout of the request, so the blocking and the awaited repo can both use it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn

from scyllamodel.driver._cassandra import ConsistencyLevel, Unavailable
from scyllamodel.driver.data.binding.user_types import StaleUserType
from scyllamodel.driver.data.instrumentation import QueryInstrumentation
from scyllamodel.driver.data.loading import load_error_by_name
from scyllamodel.driver.data.messages import Deadline, Response
from scyllamodel.driver.data.prepared import NonIdempotentRetryPolicy, PreparedStatements, PreparedTemplate
from scyllamodel.driver.data.request_errors import request_error
from scyllamodel.driver.outcomes import StatementOutcome, classify, is_driver_error
from scyllamodel.driver.session.connection import Connection
from scyllamodel.driver.session.decoding import DamagedRow
from scyllamodel.errors import ConfigurationError, QueryNotSupported, TypeMismatch, UnknownOutcome
from scyllamodel.model.expression import Condition
from scyllamodel.model.single_table import root_of
from scyllamodel.query.model_cache import cache_for
from scyllamodel.query.not_supported import not_supported
from scyllamodel.query.results import LWTResult, PartialRow
from scyllamodel.query.select import Select
from scyllamodel.query.statement import NO_EXECUTION_OPTIONS, CompiledStatement, ExecutionOptions, StatementTemplate
from scyllamodel.query.targets import columns_of
from scyllamodel.types.converters import NAIVE_UTC
from scyllamodel.types.display import without_frames
from scyllamodel.types.loading import load_value

MAX_FRAME_BYTES: Final = 16 * 2**20
"""Maximum bytes of values in one request: the servers' default (``native_transport_max_frame_size``).

Cassandra limits it by ``native_transport_max_frame_size``, whose name and unit differ between versions, and by half a
segment of the commit log in ``max_mutation_size``; ScyllaDB does not publish it. The limit is not read from a server,
since nodes may differ, and a role may not be allowed to read ``system_views``.
"""


class Requests:
    """A sender that binds statements and sends them through one connection.

    Parameters:
        connection: its session is configured for the application.
        naive_as_utc: whether datetimes without a time zone count as UTC.
        instrumentation: notified of each request; None without listeners.
    """

    def __init__(
        self, connection: Connection, *, naive_as_utc: bool = False, instrumentation: QueryInstrumentation | None = None
    ) -> None:
        self.connection = connection
        self.instrumentation = instrumentation
        connection.application_session()
        connection.start_fast_path()
        self.prepared_statements = PreparedStatements(connection, instrumentation=instrumentation)
        self._naive_as_utc = naive_as_utc

    def bind(self, prepared: PreparedTemplate, compiled: CompiledStatement[Any]) -> Any:
        """Bind values to a prepared statement.

        Raises:
            TypeMismatch: a value does not fit its column.
            StaleUserType: a user type had fewer fields when the statement was prepared; preparing it again helps.
        """
        try:
            if self._naive_as_utc:
                token = NAIVE_UTC.set(True)
                try:
                    statement = prepared.bind(compiled.values)
                finally:
                    NAIVE_UTC.reset(token)
            else:
                statement = prepared.bind(compiled.values)
        except TypeMismatch as error:
            raise without_frames(error)  # noqa: B904 - the same error
        if compiled.options is not NO_EXECUTION_OPTIONS:
            apply_options(statement, compiled.options, compiled.template)
        check_request_size((statement,))
        return statement

    def bind_cached(self, compiled: CompiledStatement[Any]) -> Any:
        """Bind without waiting; None where the statement must be prepared first; see `prepare_and_bind`."""
        prepared = self.prepared_statements.get(compiled.template)
        if prepared is None:
            return None
        try:
            return self.bind(prepared, compiled)
        except StaleUserType:
            self.prepared_statements.invalidate(compiled.template, prepared)
            return None

    def prepare_and_bind(self, compiled: CompiledStatement[Any], deadline: Deadline | None = None) -> Any:
        """Bind, after preparing the statement if necessary; this may wait for the server.

        Parameters:
            deadline: of the request; None starts one now.

        Raises:
            RequestFailed: it cannot be prepared, or not in time.
            TypeMismatch: a value does not fit its column.
        """
        statement = self.bind_cached(compiled)
        if statement is None:
            remaining = (deadline or self.deadline(compiled.options)).remaining
            statement = self._bind_fresh(self.prepared_statements.prepare(compiled.template, remaining), compiled)
        return statement

    async def prepare_and_bind_async(self, compiled: CompiledStatement[Any], deadline: Deadline | None = None) -> Any:
        """Do what `prepare_and_bind` does, without blocking the event loop."""
        statement = self.bind_cached(compiled)
        if statement is None:
            remaining = (deadline or self.deadline(compiled.options)).remaining
            statement = self._bind_fresh(
                await self.prepared_statements.prepare_async(compiled.template, remaining), compiled
            )
        return statement

    def deadline(self, options: ExecutionOptions) -> Deadline:
        """Return the deadline of a request that starts now, which includes preparing its statements."""
        return Deadline(self.connection.request_timeout if options.timeout is None else options.timeout)

    def _bind_fresh(self, prepared: PreparedTemplate, compiled: CompiledStatement[Any]) -> Any:
        """Bind to a statement that was just prepared.

        Raises:
            TypeMismatch: a user type on the server lacks a field.
        """
        try:
            return self.bind(prepared, compiled)
        except StaleUserType as error:
            raise TypeMismatch(f"{error}; the value cannot be stored until then.") from None

    def send(
        self,
        statement: Any,
        options: ExecutionOptions,
        *,
        page_size: int | None = None,
        paging_state: bytes | None = None,
        deadline: Deadline | None = None,
    ) -> Any:
        """Send a statement. Returns the driver's future.

        Parameters:
            page_size: rows of a page.
            paging_state: where an earlier page ended.
            deadline: of a request that has begun; None gives it the full timeout.
        """
        if page_size is not None:
            statement.fetch_size = page_size
        timeout = options.timeout if deadline is None else deadline.remaining
        return self.connection.send_statement(statement, timeout=timeout, paging_state=paging_state)


def apply_options(statement: Any, options: ExecutionOptions, template: StatementTemplate[Any]) -> None:
    """Apply the options of one call to its statement.

    Raises:
        QueryNotSupported: a read or conditional write at ANY.
    """
    if options.consistency is not None:
        statement.consistency_level = consistency_level(options.consistency)
        if statement.consistency_level == ConsistencyLevel.ANY and (template.conditional or template.verb == "select"):
            raise _consistency_any_error(template)
    if options.serial_consistency is not None:
        statement.serial_consistency_level = serial_consistency_level(options.serial_consistency)
    if options.page_size is not None:
        statement.fetch_size = options.page_size
    if options.idempotent is not None:
        statement.is_idempotent = options.idempotent
        statement.retry_policy = None if options.idempotent else NonIdempotentRetryPolicy()


def _consistency_any_error(template: StatementTemplate[Any]) -> QueryNotSupported:
    operation = "read" if template.verb == "select" else f"conditional {template.verb}"
    return not_supported(
        f"A {operation} of {getattr(template.model, '__qualname__', 'several models')} at consistency ANY: a hint on "
        "any node would satisfy it, but a hint can neither answer a read nor decide a condition.",
        "Use .consistency('ONE') or .consistency('LOCAL_QUORUM').",
    )


def consistency_level(value: str | int) -> int:
    """Return the number of a consistency level in the driver.

    Raises:
        ConfigurationError: there is no such level.
    """
    if value in ConsistencyLevel.value_to_name:
        return int(value)
    number: int | None = ConsistencyLevel.name_to_value.get(str(value).upper())
    if number is None:
        names = ", ".join(ConsistencyLevel.name_to_value)
        raise ConfigurationError(f"unknown consistency level {value!r}; the levels are {names}.", setting="consistency")
    return number


def serial_consistency_level(value: str | int) -> int:
    """Return the number of a serial consistency level.

    Raises:
        ConfigurationError: it is not a serial level.
    """
    number = consistency_level(value)
    if not ConsistencyLevel.is_serial(number):
        raise ConfigurationError(
            f"serial_consistency={value!r}: use 'SERIAL', or 'LOCAL_SERIAL' for one data centre. consistency= sets "
            "how many replicas take the write.",
            setting="serial_consistency",
        )
    return number


def check_request_size(statements: Iterable[Any]) -> None:
    """Refuse a request that exceeds the frame size of servers.

    Raises:
        QueryNotSupported: the values have more bytes than a request may have.
    """
    size = 0
    for statement in statements:
        for value in statement.values:
            if value.__class__ is bytes:
                size += len(value)
    if size > MAX_FRAME_BYTES:
        raise QueryNotSupported(
            f"The values of this request have {size:,} bytes; servers take at most {MAX_FRAME_BYTES:,}: "
            "split the request.",
            needs=(),
            helps=("split the request",),
        )


def lwt_result(model: type | None, response: Response) -> LWTResult[Any]:
    """Return the result of a conditional write, by column name.

    ScyllaDB returns the same cells in any case, nulls for a missing row, and for a batch one row for each statement;
    Cassandra omits what it did not find.
    """
    applied_index = response.column_names.index("[applied]")
    rows = [(row, row.cells if isinstance(row, DamagedRow) else row) for row in response.rows]
    applied = bool(rows[0][1][applied_index])
    if applied or model is None:
        return LWTResult(applied)
    for row, cells in rows:
        values = dict(zip(response.column_names, cells, strict=True))
        del values["[applied]"]
        if _is_row(model, values):
            return LWTResult(applied, _load_current(model, values, row))
    return LWTResult(applied)


def _is_row(model: type, values: Mapping[str, Any]) -> bool:
    """Whether these cells are a row: a partition key column is not null if one is present, otherwise any cell."""
    keys = [c.db_name for c in columns_of(model).values() if c.spec.kind == "partition_key" and c.db_name in values]
    return any(values[name] is not None for name in keys or values)


def _load_current(model: type, values: Mapping[str, Any], row: Any) -> Any:
    try:
        if isinstance(row, DamagedRow):
            tuple(row)
        return _current_row(model, values)
    except Exception as error:  # noqa: BLE001 - converters raise whatever a value makes them raise
        fault = error
    raise load_error_by_name(
        model, values, fault, "The conditional write was not applied, and the row cannot be loaded. "
    )


def _current_row(model: type, row: Mapping[str, Any]) -> Any:
    """Return the existing row that made a conditional write fail, as far as the server returned it.

    A null clustering column means that the partition has static values and no such row.
    """
    columns, model_cache = columns_of(model), cache_for(root_of(model) or model)
    is_static_row = any(c.spec.kind == "clustering" and row.get(c.db_name, c) is None for c in columns.values())
    if not is_static_row and all(column.db_name in row for column in model_cache.selected_columns):
        return model_cache.load(tuple(row[column.db_name] for column in model_cache.selected_columns))
    shown_kinds = ("partition_key", "static") if is_static_row else None
    values = {
        name: load_value(column.type_mapping, row[column.db_name])
        for name, column in columns.items()
        if column.db_name in row and (shown_kinds is None or column.spec.kind in shown_kinds)
    }
    return PartialRow(model, values)


def raise_request_error(error: Exception, compiled: CompiledStatement[Any]) -> NoReturn:
    """Translate a driver error for this statement to one of `scyllamodel.errors`, and raise it.

    Raises:
        UnknownOutcome: the statement is conditional, and the error does not tell whether it was applied.
        RequestFailed: any other error of the driver, as the subclass that fits.
    """
    template = compiled.template
    is_known = classify(error) is not StatementOutcome.UNKNOWN
    if template.conditional and is_driver_error(error) and (not is_known or isinstance(error, Unavailable)):
        raise UnknownOutcome(
            f"A conditional {template.verb} of {getattr(template.model, '__qualname__', template.model)} got no "
            "conclusive answer: it was applied, was not, or will be later. "
            "error.resolve(repo) reads the row at SERIAL.",
            query=_row_query(compiled),
            may_be_applied=True,
        ) from without_frames(error)
    raise request_error(error, template)


def _row_query(compiled: CompiledStatement[Any]) -> Select[Any] | None:
    """Make a read, at SERIAL, of the row that a write concerns."""
    template = compiled.template
    if not template.key or template.model is None:
        return None
    kinds = ("partition_key", "clustering")
    key_columns = [c for kind in kinds for c in columns_of(template.model).values() if c.spec.kind == kind]
    conditions = [
        Condition(column.target, "=", compiled.values[index])
        for column, index in zip(key_columns, template.key, strict=False)
    ]
    query = Select[Any](template.model, conditions=tuple(conditions)).consistency("SERIAL")
    return query if len(template.key) == len(key_columns) else query.limit(1)
