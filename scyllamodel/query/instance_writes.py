"""The rules of a single write: which statement saves an instance, and what an error says about its row.

In: an instance. Out: the statement to send, if any, and afterwards the state of the instance.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

from scyllamodel.model.change_tracking import Snapshot, is_loaded
from scyllamodel.query.instances import CompiledWrite, InstanceStatements, WriteOptions, statements_for
from scyllamodel.query.not_supported import not_supported
from scyllamodel.query.statement import CompiledStatement
from scyllamodel.query.targets import model_of
from scyllamodel.schema.facts.objects import Table

M = TypeVar("M")

_COUNTERS: Final = "rows of counters are written only by update(…).set(….increment())"


def write_statements_for(model: type[M], keyspace: str | None) -> InstanceStatements[M]:
    """Return the statements for a model whose instances can be written.

    Raises:
        TypeError: the argument is a view, or not a model.
        QueryNotSupported: the model is a table of counters.
    """
    statements = statements_for(model, keyspace)
    if not statements.writable:
        _refuse_write(model)
    return statements


def _refuse_write(model: type) -> None:
    facts = getattr(model, "__facts__", None)
    if not isinstance(facts, Table):
        table = getattr(model, "__of__", None)
        where = f"; write instances of {table.__qualname__}" if isinstance(table, type) else ""
        raise TypeError(f"{model.__qualname__} is a view, which cannot be written{where}")
    raise not_supported(f"{model.__qualname__}: {_COUNTERS}.")


def save_statement(
    row: Any, keyspace: str, write_options: WriteOptions, *, if_exists: bool, nulls: bool
) -> CompiledWrite | None:
    """Return the statement that saves an instance, or None when there is nothing to save."""
    statements = write_statements_for(model_of(row), keyspace)
    if is_loaded(row) or if_exists:
        return statements.update(row, write_options, if_exists=if_exists)
    return statements.insert(row, write_options, nulls=nulls)


def may_be_applied(error: BaseException) -> bool:
    """Whether a write that ended with this error may have been applied, or may be applied later.

    Anything but an `Exception` interrupted the wait: Ctrl-C, or the cancellation of a task.
    """
    return getattr(error, "may_be_applied", False) if isinstance(error, Exception) else True


def mark_write_uncertain(row: Any, write: CompiledStatement[Any], saved_row: Snapshot | None) -> None:
    """Record that a write of an instance got no response.

    Parameters:
        saved_row: the state of the row if the write was applied; None after a DELETE.
    """
    statements_for(model_of(row), write.template.keyspace).mark_uncertain(row, write, saved_row)
