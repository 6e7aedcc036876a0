"""Binds messages: a message becomes a statement of the driver that can be sent.

In: a message. Out: the driver's statement, bound to prepared statements; a batch of several; or text without values.
Only preparing waits, so each function that may wait has a twin that awaits, and one that does not wait at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from scyllamodel.driver._cassandra import BatchStatement, BatchType, SimpleStatement, tuple_factory
from scyllamodel.driver.data.bind_markers import check_values, has_markers
from scyllamodel.driver.data.messages import Deadline, Execute, ExecuteBatch, ExecuteText
from scyllamodel.driver.data.prepared import LwtRetryPolicy, NonIdempotentRetryPolicy
from scyllamodel.driver.data.requests import Requests, apply_options, check_request_size
from scyllamodel.query.batch_writes import BATCH_TYPES, BatchWrites
from scyllamodel.query.not_supported import not_supported

SentMessage: TypeAlias = Execute | ExecuteBatch | ExecuteText
"""A message with a statement of its own."""


def bind_cached(requests: Requests, message: SentMessage) -> Any:
    """Return the bound statement, or None where something must be prepared first; see `prepare_and_bind`."""
    if isinstance(message, Execute):
        return requests.bind_cached(message.compiled)
    if isinstance(message, ExecuteBatch):
        return bind_batch_cached(requests, message.batch)
    return _bind_text_cached(requests, message)


def prepare_and_bind(requests: Requests, message: SentMessage, deadline: Deadline) -> Any:
    """Return the bound statement; this may wait for the server.

    Raises:
        RequestFailed: a statement cannot be prepared, or not in time.
        TypeMismatch: a value does not fit its column.
        QueryNotSupported: the request exceeds the frame size of servers.
    """
    if isinstance(message, Execute):
        return requests.prepare_and_bind(message.compiled, deadline)
    if isinstance(message, ExecuteBatch):
        statements = [requests.prepare_and_bind(compiled, deadline) for compiled in message.batch.compiled_statements]
        return to_driver_batch(message.batch, statements)
    cql = message.compiled.template.cql
    return _bind_text(message, requests.prepared_statements.prepare_text(cql, deadline.remaining))


async def prepare_and_bind_async(requests: Requests, message: SentMessage, deadline: Deadline) -> Any:
    """Do what `prepare_and_bind` does, without blocking the event loop."""
    if isinstance(message, Execute):
        return await requests.prepare_and_bind_async(message.compiled, deadline)
    if isinstance(message, ExecuteBatch):
        compiled_statements = message.batch.compiled_statements
        statements = [await requests.prepare_and_bind_async(compiled, deadline) for compiled in compiled_statements]
        return to_driver_batch(message.batch, statements)
    cql = message.compiled.template.cql
    return _bind_text(message, await requests.prepared_statements.prepare_text_async(cql, deadline.remaining))


def bind_batch_cached(requests: Requests, batch: BatchWrites) -> Any:
    """Return the driver's batch if all its statements are prepared, or None."""
    statements = [requests.bind_cached(compiled) for compiled in batch.compiled_statements]
    return None if None in statements else to_driver_batch(batch, statements)


def to_driver_batch(batch: BatchWrites, statements: Sequence[Any]) -> Any:
    """Make the driver's batch of bound statements.

    Raises:
        QueryNotSupported: it exceeds the frame size of servers, or has conditions on several partitions.
    """
    check_request_size(statements)
    if batch.conditional:
        _check_one_partition(statements)
    driver_batch = BatchStatement(getattr(BatchType, BATCH_TYPES[batch.kind]))
    for statement in statements:
        driver_batch.add(statement)
    driver_batch.internal_row_factory = tuple_factory
    combined = batch.as_compiled()
    driver_batch.is_idempotent = combined.template.may_be_retried
    if not combined.template.may_be_retried:
        driver_batch.retry_policy = LwtRetryPolicy() if combined.template.conditional else NonIdempotentRetryPolicy()
    apply_options(driver_batch, batch.options, combined.template)
    return driver_batch


def _check_one_partition(statements: Iterable[Any]) -> None:
    """Refuse conditions on several partitions, which no server evaluates atomically."""
    if len({(statement.keyspace, statement.table, statement.routing_key) for statement in statements}) > 1:
        raise not_supported(
            "A batch with conditions is limited to one partition of one table, and this one has several.",
            "Send a batch for each partition, or leave the conditions out.",
        )


def _bind_text_cached(requests: Requests, message: ExecuteText) -> Any:
    cql = message.compiled.template.cql
    if not message.values and not has_markers(cql):
        return _mark_internal(message, SimpleStatement(cql))
    prepared = requests.prepared_statements.get_text(cql)
    return None if prepared is None else _bind_text(message, prepared)


def _bind_text(message: ExecuteText, prepared: Any) -> Any:
    check_values([column.name for column in prepared.column_metadata], message.values)
    return _mark_internal(message, prepared.bind(message.values))


def _mark_internal(message: ExecuteText, statement: Any) -> Any:
    """Mark the statement as internal: no unsafe retry, and tuple rows for a model."""
    if message.compiled.template.verb != "select":
        statement.retry_policy = LwtRetryPolicy()
    statement.internal_row_factory = None if message.compiled.template.model is None else tuple_factory
    return statement
