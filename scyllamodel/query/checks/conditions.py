"""Checks of conditions: the operators that servers support in WHERE and IF, by the type of the column.

In: the conditions of one clause. Out: nothing, or `QueryNotSupported` with advice. Sources: Cassandra ``cql3/Relation``
and ``ColumnCondition``, tested on 4.0, 4.1 and 5.0.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from scyllamodel.model.expression import (
    CallTarget,
    ColumnTarget,
    Condition,
    ElementTarget,
    FieldTarget,
    TupleTarget,
)
from scyllamodel.query.not_supported import not_supported
from scyllamodel.query.targets import base_of, column_of
from scyllamodel.types.cql_types import DURATION, CqlType, ListType, is_multi_cell

EQUALITY_OPERATORS: Final = frozenset({"=", "IN"})
LOWER_BOUNDS: Final = frozenset({">", ">="})
UPPER_BOUNDS: Final = frozenset({"<", "<="})
RANGE_OPERATORS: Final = LOWER_BOUNDS | UPPER_BOUNDS


def check_where(conditions: tuple[Condition, ...]) -> None:
    """Refuse conditions that no server supports in WHERE, independently of keys and indexes."""
    for condition in conditions:
        _check_operator(condition)
        _check_duration(condition)
    _check_repeated(conditions)


def _check_operator(condition: Condition) -> None:
    target, operator = condition.target, condition.operator
    if operator == "!=":
        raise not_supported(
            f"{condition!r}: servers do not support != in WHERE.",
            "Use another operator, or store the searched property in a separate column; `!=` is for if_().",
        )
    if isinstance(target, FieldTarget):
        raise not_supported(
            f"{condition!r}: WHERE does not support fields of user types.", "Store the value in a separate column too."
        )
    if isinstance(target, ElementTarget) and (operator != "=" or isinstance(_column_type(condition), ListType)):
        raise not_supported(
            f"{condition!r}: of the elements of collections, WHERE supports only entries of a map, compared by ==.",
            "Use .contains(), or filter the rows after reading them.",
        )
    if isinstance(target, CallTarget) and operator == "IN":
        raise not_supported(f"{condition!r}: a token supports == and ranges only.", "Send one query for each token.")
    if (
        isinstance(target, ColumnTarget)
        and operator in EQUALITY_OPERATORS | RANGE_OPERATORS
        and _is_multi_cell(condition)
    ):
        raise not_supported(
            f"{condition!r}: {target.column} is not frozen, and cannot be compared as a whole.",
            "Use .contains() for an element of a collection, or declare the column as cql.Frozen[…].",
        )


def _column_type(condition: Condition) -> CqlType | None:
    base = base_of(condition.target)
    return None if base is None else column_of(base).type_mapping.type


def _is_multi_cell(condition: Condition) -> bool:
    cql_type = _column_type(condition)
    return cql_type is not None and is_multi_cell(cql_type)


def _check_duration(condition: Condition) -> None:
    if condition.operator in RANGE_OPERATORS and _column_type(condition) == DURATION:
        raise not_supported(f"{condition!r}: durations have no order, since months and days vary.", "Compare by ==.")


def _check_repeated(conditions: Iterable[Condition]) -> None:
    """Refuse more than one equality of a column, or more than one bound at each end."""
    conditions_by_target: dict[str, list[Condition]] = {}
    for condition in conditions:
        if isinstance(condition.target, (ColumnTarget, CallTarget, TupleTarget)):
            conditions_by_target.setdefault(str(condition.target), []).append(condition)
    for target, same_target in conditions_by_target.items():
        operators = [
            condition.operator
            for condition in same_target
            if condition.operator in EQUALITY_OPERATORS | RANGE_OPERATORS
        ]
        bound_counts = [sum(operator in side for operator in operators) for side in (LOWER_BOUNDS, UPPER_BOUNDS)]
        if (len(operators) > 1 and EQUALITY_OPERATORS.intersection(operators)) or max(bound_counts) > 1:
            raise not_supported(
                f"{' and '.join(map(repr, same_target))}: {target} takes one == or in_(), or two bounds.",
                "Use one condition of each kind, and in_([…]) for several values.",
            )


def check_if(conditions: Iterable[Condition]) -> None:
    """Refuse conditions that no server supports in IF."""
    for condition in conditions:
        base = base_of(condition.target)
        if base is None:
            raise not_supported(
                f"{condition!r}: IF supports only columns, their elements and fields.", "Compare each column with ==."
            )
        if column_of(base).spec.kind in ("partition_key", "clustering"):
            raise not_supported(
                f"{condition!r}: {base.column} is part of the primary key, which if_() does not take.",
                "Move it to where().",
            )
        _check_duration(condition)
