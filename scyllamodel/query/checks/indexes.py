"""The indexes and views of a model: whether they serve a condition, and which ones would.

In: a model and the conditions that its keys do not serve. Out: whether its indexes serve them, and advice. Sources for
the operators of indexes: Cassandra ``IndexTarget``, ``SASIIndex``, ``StorageAttachedIndex``; ScyllaDB
``statement_restrictions.cc``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from scyllamodel.model.expression import ColumnTarget, Condition, ElementTarget
from scyllamodel.model.registry import registry
from scyllamodel.query.checks.conditions import RANGE_OPERATORS
from scyllamodel.query.checks.restrictions import restrictions_of
from scyllamodel.query.targets import base_of, columns_of
from scyllamodel.schema.facts.objects import Index, Table
from scyllamodel.schema.server.profile import SAI, index_family

_SASI: Final = index_family("sasi")


def is_served_by_indexes(model: type, conditions: Iterable[Condition]) -> bool:
    """Whether the indexes of a model serve these conditions without filtering: one condition, or any number by SAI."""
    serving_indexes = [next(_serving_indexes(model, condition), None) for condition in conditions]
    if None in serving_indexes:
        return False
    return len(serving_indexes) <= 1 or all(
        index and index_family(index.using or "") == SAI for index in serving_indexes
    )


FULL_TEXT: Final = "fulltext_index"


def is_indexed(model: type, column: str, *, using: str | None = None) -> bool:
    """Whether this column has an index, of this class if one is given."""
    return any(using is None or index_family(index.using or "") == using for index, _ in _searched(model, column))


def filter_columns(model: type, column: str) -> frozenset[str]:
    """Return the attributes of the columns by which a search in this column can filter."""
    attributes = {column.db_name: name for name, column in columns_of(model).items()}
    return frozenset(attributes[name] for _, others in _searched(model, column) for name in others)


def _searched(model: type, column: str) -> Iterator[tuple[Index, tuple[str, ...]]]:
    """Yield the indexes on this column, each with its additional columns."""
    column_names = {column.db_name for column in columns_of(model).values()}
    for index in _indexes(model):
        first, *filter_names = index.names(column_names) or ("",)
        if first == columns_of(model)[column].db_name:
            yield index, tuple(filter_names)


def _indexes(model: type) -> tuple[Index, ...]:
    facts = getattr(model, "__facts__", None)
    return facts.indexes if isinstance(facts, Table) else ()


def _serving_indexes(model: type, condition: Condition) -> Iterator[Index]:
    base = base_of(condition.target)
    name = None if base is None else columns_of(model)[base.column].db_name
    return (index for index in _indexes(model) if index.column == name and _serves(index, condition))


def _serves(index: Index, condition: Condition) -> bool:
    family = index_family(index.using or "")
    if isinstance(condition.target, ElementTarget):
        return index.on == "entries" and condition.operator == "="
    if condition.operator == "CONTAINS KEY":
        return index.on == "keys"
    if condition.operator == "CONTAINS":
        return index.on == "values"
    if condition.operator == "LIKE":
        return family == _SASI
    if condition.operator in RANGE_OPERATORS:
        return family in (SAI, _SASI) and index.on == "values"
    return condition.operator == "=" and index.on in ("values", "full")


def index_suggestions(model: type, conditions: Sequence[Condition], all_conditions: tuple[Condition, ...]) -> list[str]:
    """Return suggestions for these conditions: an existing view, an index, and filtering last."""
    suggestions = [f"read the view {view}, which serves the query" for view in _serving_views(model, all_conditions)]
    for condition in conditions:
        suggestion = _index_declaration(condition)
        if suggestion is not None and not any(_serving_indexes(model, condition)):
            suggestions.append(f"give {model.__qualname__} the index {suggestion}")
    given_like = any(condition.operator == "LIKE" for condition in conditions)
    prefix = "on ScyllaDB, the only server that filters by LIKE, " if given_like else ""
    return [*suggestions, f"or {prefix}use .allow_filtering(), which reads all rows and discards those that do not fit"]


def _index_declaration(condition: Condition) -> str | None:
    base = base_of(condition.target)
    if base is None:
        return None
    collection_part = {"CONTAINS KEY": ", on='keys'"}.get(condition.operator, "")
    if isinstance(condition.target, ElementTarget):
        collection_part = ", on='entries'"
    using = {"LIKE": ", using='SASIIndex'", **dict.fromkeys(RANGE_OPERATORS, ", using='sai'")}.get(
        condition.operator, ""
    )
    return None if condition.operator == "IN" else f"Index({base.column!r}{collection_part}{using})"


def _serving_views(model: type, conditions: tuple[Condition, ...]) -> Iterator[str]:
    """Yield the views of a model whose keys serve all of these conditions."""
    if not all(isinstance(condition.target, ColumnTarget) for condition in conditions):
        return
    for view in registry:
        if getattr(view, "__of__", None) is model and _view_serves(view, conditions):
            yield view.__qualname__


def _view_serves(view: type, conditions: tuple[Condition, ...]) -> bool:
    names = columns_of(view)
    if not all(isinstance(c.target, ColumnTarget) and c.target.column in names for c in conditions):
        return False
    view_conditions = tuple(
        Condition(ColumnTarget(view, c.target.column), c.operator, c.value)
        for c in conditions
        if isinstance(c.target, ColumnTarget)
    )
    restrictions = restrictions_of(view, view_conditions)
    return restrictions.has_partition and not restrictions.unserved
