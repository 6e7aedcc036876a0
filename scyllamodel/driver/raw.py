"""Text of one's own, and the statements that no model has: what `Repo.raw` and `Repo.truncate` send.

*In*: text and values. *Out*: flows, whose rows are as the session makes them or instances of a model. Nobody knows what
text does when it is sent twice, so only a SELECT is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scyllamodel._cql import code_tokens
from scyllamodel._identifiers import qualified
from scyllamodel.driver.decoding import DamagedRow
from scyllamodel.driver.flows import Flow, Next, Text
from scyllamodel.driver.loading import named_error
from scyllamodel.driver.markers import check_text
from scyllamodel.driver.requests import Answer
from scyllamodel.errors import TypeMismatch, UnknownColumn
from scyllamodel.query.functions import is_table
from scyllamodel.query.kinds import check_truncate
from scyllamodel.query.memory import memory_of
from scyllamodel.query.statement import Compiled, Shape, Verb


def raw(cql: str, values: Sequence[Any], into: type | None, keyspace: str) -> Flow[list[Any]]:
    """Send text, and take its rows, all pages of them."""
    check_text(cql)
    first = next(code_tokens(cql), None)
    verb: Verb = "select" if first is not None and first.text.upper() == "SELECT" else "update"
    return (yield from _rows(Text(Compiled(Shape(cql, (), verb, into, keyspace), ()), values), into))


def truncate(model: type, keyspace: str) -> Flow[None]:
    """Delete all rows of a model."""
    if not is_table(model):
        raise TypeError(f"truncate() takes a model, not {model!r}")
    check_truncate(model)
    facts: Any = getattr(model, "__facts__")  # noqa: B009 - a bare type has none
    name = qualified(facts.keyspace or keyspace, facts.name)
    yield Text(Compiled(Shape(f"TRUNCATE {name}", (), "truncate", model, facts.keyspace or keyspace), ()), ())


def _rows(text: Text, into: type | None) -> Flow[list[Any]]:
    answer = yield text
    found = _made(answer, into)
    while answer.more:
        answer.prefetch()
        answer = yield Next(answer, text.shown)
        found += _made(answer, into)
    return found


def _made(answer: Answer, into: type | None) -> list[Any]:
    """The rows of a page."""
    page = answer.future.result().current_rows  # it is there; a session may make its rows of any kind
    if into is None:
        return list(page)
    names = list(answer.names)
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
    rows = [_loaded(into, memory.load, names, at, row) for row in page]
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
