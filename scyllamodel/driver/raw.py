"""Text of one's own, and the statements that no model has: what `Repo.raw` and `Repo.truncate` send.

*In*: text and values. *Out*: rows as the session makes them or as instances of a model. Nobody knows what text does
when it is sent twice, so only a SELECT is.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import attrs

from scyllamodel._cql import code_tokens, without_literals
from scyllamodel._identifiers import qualified
from scyllamodel.driver.decoding import DamagedRow
from scyllamodel.driver.loading import named_error
from scyllamodel.driver.markers import check_text, check_values, has_markers
from scyllamodel.driver.names import SimpleStatement, tuple_factory
from scyllamodel.driver.request_errors import request_error
from scyllamodel.driver.requests import Requests
from scyllamodel.driver.statements import Paxos
from scyllamodel.errors import TypeMismatch, UnknownColumn
from scyllamodel.query.functions import is_table
from scyllamodel.query.kinds import check_truncate
from scyllamodel.query.memory import memory_of
from scyllamodel.query.statement import Shape, Verb


class RawRows:
    """Sends text through one connection."""

    def __init__(self, requests: Requests, keyspace: str) -> None:
        self._requests, self._keyspace = requests, keyspace

    def rows(self, cql: str, values: Sequence[Any], into: type | None) -> list[Any]:
        """Send text, and take its rows."""
        check_text(cql)
        first = next(code_tokens(cql), None)
        verb: Verb = "select" if first is not None and first.text.upper() == "SELECT" else "update"
        return self._told(Shape(cql, (), verb, into, self._keyspace), values, into)

    def truncate(self, model: type) -> None:
        """Delete all rows of a model."""
        if not is_table(model):
            raise TypeError(f"truncate() takes a model, not {model!r}")
        check_truncate(model)
        facts: Any = getattr(model, "__facts__")  # noqa: B009 - a bare type has none
        keyspace = facts.keyspace or self._keyspace
        self._told(Shape(f"TRUNCATE {qualified(keyspace, facts.name)}", (), "truncate", model, keyspace), (), None)

    def _told(self, shape: Shape[Any], values: Sequence[Any], into: type | None) -> list[Any]:
        """The rows, of which whoever listens is told."""
        began = time.time_ns()
        try:
            found = self.made(self._sent(shape, values, into).result(), into)
        except BaseException as raised:  # noqa: BLE001 - raised again below
            error = request_error(raised, shape) if isinstance(raised, Exception) else raised
            self._tell(shape, began, 0, error)
            raise error  # noqa: B904 - an error of the driver is its cause
        self._tell(shape, began, len(found))
        return found

    def _tell(self, shape: Shape[Any], began: int, rows: int, error: BaseException | None = None) -> None:
        """Report the request with ``?`` in place of each value that stands in its text."""
        if self._requests.watch is not None:
            shape = attrs.evolve(shape, cql=without_literals(shape.cql))
            self._requests.watch.tell("read" if shape.verb == "select" else "write", shape, began, rows, error)

    def _sent(self, shape: Shape[Any], values: Sequence[Any], into: type | None) -> Any:
        """The driver's future."""
        statement = SimpleStatement(shape.cql)
        if values or has_markers(shape.cql):
            prepared = self._requests.statements.text(shape.cql)
            check_values([column.name for column in prepared.column_metadata], values)
            statement = prepared.bind(values)
        if shape.verb != "select":
            statement.retry_policy = Paxos()
        statement.our_rows = None if into is None else tuple_factory
        return self._requests.connection.data(statement)

    def made(self, found: Any, into: type | None) -> list[Any]:
        """The rows of a result, all pages of it."""
        if into is None:
            return list(found)
        names: list[str] = list(found.column_names or ())
        memory = memory_of(into)
        missing = [column.db_name for column in memory.fields if column.db_name not in names]
        if missing:
            raise UnknownColumn(
                f"The rows hold {', '.join(names) or 'nothing'}, and {into.__qualname__} also needs "
                f"{', '.join(missing)}: select these columns too, or leave into= out.",
                model=into.__qualname__,
                column=missing[0],
            )
        at = [names.index(column.db_name) for column in memory.fields]
        rows = [_loaded(into, memory.load, names, at, row) for row in found]
        if memory.own is not None and any(row is None for row in rows):
            raise TypeMismatch(
                f"The rows hold some that are not {into.__qualname__}: add a condition on {memory.own.target} to the "
                "text, or give into= the class whose table it is.",
                column=str(memory.own.target),
            )
        return rows


def _loaded(model: type, load: Any, names: list[str], at: list[int], row: Any) -> Any:
    """A row as an instance, whose columns stand at these places."""
    try:
        return load(tuple([row[index] for index in at]))
    except Exception as error:  # noqa: BLE001 - converters raise whatever a value makes them raise
        fault = error
    raise named_error(model, dict(zip(names, row.cells if isinstance(row, DamagedRow) else row, strict=True)), fault)
