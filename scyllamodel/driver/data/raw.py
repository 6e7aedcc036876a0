"""The operations behind `Repo.raw` and `Repo.truncate`: raw CQL text, and statements without a model.

In: text and values. Out: operations whose rows are as the session makes them, or instances of a model. Only a SELECT is
retried, because other text may not be safe to send twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scyllamodel._cql import code_tokens
from scyllamodel._identifiers import qualified
from scyllamodel.driver.data.bind_markers import check_text
from scyllamodel.driver.data.loading import load_error_by_name
from scyllamodel.driver.data.messages import ExecuteText, FetchNextPage, Operation, Response
from scyllamodel.driver.session.decoding import DamagedRow
from scyllamodel.errors import TypeMismatch, UnknownColumn
from scyllamodel.query.functions import is_table
from scyllamodel.query.model_cache import cache_for
from scyllamodel.query.single_table import check_truncate
from scyllamodel.query.statement import CompiledStatement, StatementTemplate, Verb


def fetch_raw(cql: str, values: Sequence[Any], into: type | None, keyspace: str) -> Operation[list[Any]]:
    """Send text and fetch all pages of its rows."""
    check_text(cql)
    first_token = next(code_tokens(cql), None)
    verb: Verb = "select" if first_token is not None and first_token.text.upper() == "SELECT" else "update"
    return (
        yield from _fetch_pages(
            ExecuteText(CompiledStatement(StatementTemplate(cql, (), verb, into, keyspace), ()), values), into
        )
    )


def truncate(model: type, keyspace: str) -> Operation[None]:
    """Delete all rows of a model."""
    if not is_table(model):
        raise TypeError(f"truncate() takes a model, got {model!r}")
    check_truncate(model)
    facts: Any = getattr(model, "__facts__")  # noqa: B009 - a bare type has none
    name = qualified(facts.keyspace or keyspace, facts.name)
    yield ExecuteText(
        CompiledStatement(StatementTemplate(f"TRUNCATE {name}", (), "truncate", model, facts.keyspace or keyspace), ()),
        (),
    )


def _fetch_pages(message: ExecuteText, into: type | None) -> Operation[list[Any]]:
    response = yield message
    rows = _load_page(response, into)
    while response.has_more_pages:
        response.prefetch()
        response = yield FetchNextPage(response, message.without_values)
        rows += _load_page(response, into)
    return rows


def _load_page(response: Response, into: type | None) -> list[Any]:
    """Load the rows of a page."""
    page = response.future.result().current_rows  # already received; a session may make rows of any kind
    if into is None:
        return list(page)
    names = list(response.column_names)
    model_cache = cache_for(into)
    missing = [column.db_name for column in model_cache.selected_columns if column.db_name not in names]
    if missing:
        raise UnknownColumn(
            f"The rows contain {', '.join(names) or 'nothing'}, and {into.__qualname__} also needs "
            f"{', '.join(missing)}: select these columns too, or leave into= out.",
            model=into.__qualname__,
            column=missing[0],
        )
    indexes = [names.index(column.db_name) for column in model_cache.selected_columns]
    rows = [_load_row(into, model_cache.load, names, indexes, row) for row in page]
    if model_cache.class_condition is not None and any(row is None for row in rows):
        raise TypeMismatch(
            f"Some rows are not of {into.__qualname__}: add a condition on {model_cache.class_condition.target} to the "
            "text, or give into= the class whose table it is.",
            column=str(model_cache.class_condition.target),
        )
    return rows


def _load_row(model: type, load: Any, names: list[str], indexes: list[int], row: Any) -> Any:
    """Load a row as an instance, whose columns are at these indexes."""
    try:
        return load(tuple([row[index] for index in indexes]))
    except Exception as error:  # noqa: BLE001 - converters raise whatever a value makes them raise
        fault = error
    raise load_error_by_name(
        model, dict(zip(names, row.cells if isinstance(row, DamagedRow) else row, strict=True)), fault
    )
