"""The operations behind the methods of a repo, as generators: messages out, responses in, the result at the end.

An operation neither waits nor knows how its messages are sent: `scyllamodel.driver.data.sync_runner` runs it in a
blocking thread, `scyllamodel.driver.data.async_api` in an event loop. All decisions of both repos are made here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, TypeVar, cast

from scyllamodel._numbers import check_integer
from scyllamodel.driver.data.loading import OnError, load_row, load_rows
from scyllamodel.driver.data.messages import Execute, ExecuteBatch, FetchNextPage, Operation
from scyllamodel.driver.data.requests import lwt_result
from scyllamodel.errors import MultipleResultsFound, NotFound
from scyllamodel.model._codegen import raw_slot_name
from scyllamodel.model.change_tracking import (
    InstanceWrite,
    Snapshot,
    current_values,
    has_unresolved_transaction,
    inherit_row,
    mark_deleted,
    mark_saved,
    snapshot,
)
from scyllamodel.query.batch_writes import BatchWrites
from scyllamodel.query.checks.arguments import (
    check_get_arguments,
    check_row,
    check_scalar,
    check_select,
    check_statement,
)
from scyllamodel.query.instance_writes import mark_write_uncertain, may_be_applied, save_statement, write_statements_for
from scyllamodel.query.instances import CompiledWrite, InstanceStatements, WriteOptions, statements_for
from scyllamodel.query.model_cache import cache_for
from scyllamodel.query.results import LWTResult
from scyllamodel.query.select import Select, count_query, first_key_query, is_select
from scyllamodel.query.statement import CompiledStatement, ExecutionOptions, Statement
from scyllamodel.query.targets import model_of

T = TypeVar("T")
R = TypeVar("R")
M = TypeVar("M")


def execute(statement: Statement[R], keyspace: str) -> Operation[R]:
    """Execute a statement: the rows of a select, the result of a conditional write, otherwise None."""
    check_statement(statement)
    if is_select(statement):
        return cast("R", (yield from fetch_all(statement, keyspace)))
    return (yield from write(statement.compile(keyspace)))


def write(compiled: CompiledStatement[R]) -> Operation[R]:
    """Execute a write."""
    response = yield Execute(compiled)
    return cast("R", lwt_result(compiled.template.model, response) if compiled.template.conditional else None)


def fetch_all(query: Select[R], keyspace: str, on_error: OnError | None = None) -> Operation[list[R]]:
    """Fetch all rows of a query."""
    check_select("all", query)
    return (yield from fetch_rows(query.compile(keyspace), on_error))


def fetch_rows(compiled: CompiledStatement[list[R]], on_error: OnError | None = None) -> Operation[list[R]]:
    """Fetch all rows of a read; a page is fetched while the previous one is loaded."""
    response = yield Execute(compiled)
    rows: list[R] = []
    while True:
        has_more = response.has_more_pages
        if has_more:
            response.prefetch()
        rows += load_rows(compiled.template, response.rows, on_error)
        if not has_more:
            return rows
        response = yield FetchNextPage(response, compiled)


def fetch_up_to(query: Select[R], keyspace: str, limit: int) -> Operation[list[R]]:
    """Fetch the first rows, up to a limit; a page may be empty without being the last."""
    compiled = query.compile(keyspace)
    response = yield Execute(compiled, page_size=limit)
    rows = load_rows(compiled.template, response.rows)
    while len(rows) < limit and response.has_more_pages:
        response.prefetch()
        response = yield FetchNextPage(response, compiled)
        rows += load_rows(compiled.template, response.rows)
    return rows[:limit]


def stream_request(query: Select[R], keyspace: str, page_size: int | None) -> Execute:
    """Make the first message of a stream."""
    check_select("stream", query)
    if page_size is not None:
        page_size = check_integer("page_size", page_size, minimum=1)
    return Execute(query.compile(keyspace), page_size=page_size)


def one_or_none(query: Select[Any], keyspace: str, verb: str = "one_or_none") -> Operation[Any]:
    """Fetch the one row, or None."""
    check_select(verb, query)
    rows = yield from fetch_up_to(query, keyspace, 2)
    if len(rows) > 1:
        raise MultipleResultsFound(f"More than one row matches {_describe(query)}; first() returns the first one.")
    return rows[0] if rows else None


def one(query: Select[R], keyspace: str) -> Operation[R]:
    """Fetch the one row."""
    row: R | None = yield from one_or_none(query, keyspace, "one")
    if row is None:
        raise NotFound(f"No row matches {_describe(query)}; one_or_none() returns None.")
    return row


def first(query: Select[Any], keyspace: str) -> Operation[Any]:
    """Fetch the first row, or None."""
    check_select("first", query)
    rows = yield from fetch_up_to(query, keyspace, 1)
    return rows[0] if rows else None


def scalar(query: Select[Any], keyspace: str) -> Operation[Any]:
    """Fetch the first column of the first row, or None."""
    check_select("scalar", query)
    check_scalar(query)
    row = yield from first(query, keyspace)
    return None if row is None else row[0]


def count(query: Select[Any], keyspace: str) -> Operation[int]:
    """Count rows on the server."""
    check_select("count", query)
    total = cast("int", (yield from scalar(count_query(query), keyspace)))
    return total if query.row_limit is None else min(total, query.row_limit)


def exists(query: Select[Any], keyspace: str) -> Operation[bool]:
    """Whether a row exists, without loading it; a page may be empty without being the last."""
    check_select("exists", query)
    compiled = first_key_query(query).compile(keyspace)
    response = yield Execute(compiled, page_size=1)
    while not response.rows and response.has_more_pages:
        response.prefetch()
        response = yield FetchNextPage(response, compiled)
    return bool(response.rows)


def _describe(query: Select[Any]) -> str:
    conditions = " and ".join(map(repr, query.conditions))
    return conditions or "a select without conditions"


def get(model: type[M], keyspace: str, key: Mapping[str, Any], unnamed: tuple[object, ...] = ()) -> Operation[M | None]:
    """Fetch the row of a key, or None."""
    check_get_arguments(model, unnamed)
    statements = statements_for(model, keyspace)
    return (yield from get_by_key(statements, statements.key_values(key)))


def get_by_key(statements: InstanceStatements[M], key: tuple[Any, ...]) -> Operation[M | None]:
    """Fetch the row of key values, or None."""
    response = yield Execute(CompiledStatement(statements.get, key))
    return load_row(statements.get, response.rows[0]) if response.rows else None


def send_batch(writes: BatchWrites) -> Operation[LWTResult[Any] | None]:
    """Send the writes of a batch."""
    try:
        writes.lock_rows()
        compiled = writes.as_compiled()
        response = yield ExecuteBatch(writes, compiled)
        result = lwt_result(compiled.template.model, response) if compiled.template.conditional else None
        if result is None or result.applied:
            writes.mark_applied()
    except BaseException as error:
        writes.mark_unknown(error)
        raise
    finally:
        writes.unlock_rows()
    return result


def refresh(row: Any, keyspace: str) -> Operation[None]:
    """Replace the values of an instance by the stored ones."""
    check_row("refresh", row)
    statements = statements_for(model_of(row), keyspace)
    stored = yield from get_by_key(statements, statements.stored_key(row))
    if stored is None:
        key = _describe_key(statements, row)
        raise NotFound(f"The row of this {model_of(row).__qualname__} no longer exists: {key}.")
    for name in cache_for(model_of(row)).columns:
        setattr(row, raw_slot_name(model_of(row), name), getattr(stored, name))
    mark_saved(row, snapshot(row, current_values(row)))


def _describe_key(statements: InstanceStatements[Any], row: Any) -> str:
    columns = cache_for(statements.model).columns
    return ", ".join(f"{name}={columns[name].show(getattr(row, name))}" for name in statements.key)


def save(row: Any, keyspace: str, write_options: WriteOptions, *, if_exists: bool, nulls: bool) -> Operation[Any]:
    """INSERT a new instance, UPDATE what changed in a loaded one, send nothing for an unchanged one."""
    check_row("save", row)
    one = InstanceWrite(row)
    try:
        if has_unresolved_transaction(row):
            yield from _resolve_unknown(row, keyspace)
        statement = save_statement(row, keyspace, write_options, if_exists=if_exists, nulls=nulls)
        if statement is not None:
            return (yield from _write_instance(row, statement, one))
    finally:
        one.end()
    return (yield from _row_exists(row, keyspace)) if if_exists else None


def _resolve_unknown(row: Any, keyspace: str) -> Operation[None]:
    """Complete a conditional write that got no answer, and attach the stored row to the instance.

    A read at SERIAL completes it (Paxos). A request that has not reached a server yet is not covered.
    """
    statements = statements_for(model_of(row), keyspace)
    response = yield Execute(
        CompiledStatement(statements.get, statements.stored_key(row), ExecutionOptions(consistency="SERIAL"))
    )
    stored = load_row(statements.get, response.rows[0]) if response.rows else None
    mark_deleted(row)
    if stored is not None and model_of(stored) is model_of(row):
        inherit_row(row, stored)


def _row_exists(row: Any, keyspace: str) -> Operation[LWTResult[Any]]:
    """Read whether the row exists, at SERIAL, as the result of a conditional write without changes.

    An UPDATE could not ask without writing: any column it sets gets a new timestamp and loses its TTL.
    """
    statements = statements_for(model_of(row), keyspace)
    response = yield Execute(
        CompiledStatement(statements.get, statements.stored_key(row), ExecutionOptions(consistency="SERIAL"))
    )
    return LWTResult(applied=bool(response.rows))


def insert(row: Any, keyspace: str, write_options: WriteOptions, *, if_not_exists: bool, nulls: bool) -> Operation[Any]:
    """INSERT an instance, loaded or new."""
    check_row("insert", row)
    one = InstanceWrite(row)
    try:
        statement = write_statements_for(model_of(row), keyspace).insert(
            row, write_options, only_if_absent=if_not_exists, nulls=nulls
        )
        return (yield from _write_instance(row, statement, one))
    finally:
        one.end()


def _write_instance(row: Any, compiled_write: CompiledWrite, statement: InstanceWrite) -> Operation[Any]:
    result = yield from _write_tracked(row, compiled_write.compiled, compiled_write.snapshot, statement)
    if result is None or result.applied:
        statement.applied(compiled_write.snapshot)
    return result


def _write_tracked(
    row: Any, compiled: CompiledStatement[Any], new_snapshot: Snapshot | None, one: InstanceWrite
) -> Operation[Any]:
    """Write an instance; without an answer, its stored row becomes unknown."""
    one.may_be_sent(partial(mark_write_uncertain, row, compiled, new_snapshot))
    try:
        return (yield from write(compiled))
    except BaseException as error:
        if may_be_applied(error):
            one.lose()
        raise


def delete(row: Any, keyspace: str, *, if_exists: bool, timestamp: int | None) -> Operation[Any]:
    """DELETE the row of an instance; the instance is new afterwards."""
    check_row("delete", row)
    one = InstanceWrite(row)
    try:
        compiled = write_statements_for(model_of(row), keyspace).delete(row, if_exists=if_exists, timestamp=timestamp)
        result = yield from _write_tracked(row, compiled, None, one)
        if result is None or result.applied:
            one.applied(None)
        return result
    finally:
        one.end()
