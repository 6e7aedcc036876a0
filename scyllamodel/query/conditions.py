"""Conditions that servers take in WHERE and in IF, by operator and by the type of what they are on.

Comes in: the conditions of one clause. Goes out: nothing, or `QueryNotSupported` that says what to write. Rules:
Cassandra ``cql3/Relation`` and ``ColumnCondition``, seen on 4.0, 4.1 and 5.0.
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
from scyllamodel.query.parts import base_of, column_of
from scyllamodel.query.tuning import not_supported
from scyllamodel.types.values import DURATION, CqlType, ListType, is_multi_cell

EQUALITY_OPERATORS: Final = frozenset({"=", "IN"})
LOWER_BOUNDS: Final = frozenset({">", ">="})
UPPER_BOUNDS: Final = frozenset({"<", "<="})
RANGE_OPERATORS: Final = LOWER_BOUNDS | UPPER_BOUNDS


def check_where(conditions: tuple[Condition, ...]) -> None:
    """Refuse what no server takes in WHERE, whatever keys and indexes a table has."""
    for condition in conditions:
        _check_operator(condition)
        _check_duration(condition)
    _check_repeated(conditions)


def _check_operator(condition: Condition) -> None:
    target, operator = condition.target, condition.operator
    if operator == "!=":
        raise not_supported(
            f"{condition!r}: no server looks rows up by what they are not.",
            "Compare otherwise, or keep what is asked for in a column of its own; `!=` is for if_().",
        )
    if isinstance(target, FieldTarget):
        raise not_supported(
            f"{condition!r}: a WHERE takes no field of a user type.", "Keep the value in a column of its own as well."
        )
    if isinstance(target, ElementTarget) and (operator != "=" or isinstance(_column_type(condition), ListType)):
        raise not_supported(
            f"{condition!r}: of the parts of a collection, a WHERE takes entries of a map, compared by ==.",
            "Use .contains(), or compare what is read.",
        )
    if isinstance(target, CallTarget) and operator == "IN":
        raise not_supported(
            f"{condition!r}: a token is compared by == and by ranges.", "Read one token after the other."
        )
    if (
        isinstance(target, ColumnTarget)
        and operator in EQUALITY_OPERATORS | RANGE_OPERATORS
        and _is_multi_cell(condition)
    ):
        raise not_supported(
            f"{condition!r}: {target.column} is stored part by part, and is not compared as a whole.",
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
        raise not_supported(f"{condition!r}: durations have no order, since months and days differ.", "Compare by ==.")


def _check_repeated(conditions: Iterable[Condition]) -> None:
    """One column has one equality, or one bound at each end."""
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
                f"{' and '.join(map(repr, same_target))}: {target} has one == or in_(), or one bound at each end.",
                "Give one condition of each kind, and in_([…]) for several values.",
            )


def check_if(conditions: Iterable[Condition]) -> None:
    """Refuse what no server takes in IF."""
    for condition in conditions:
        base = base_of(condition.target)
        if base is None:
            raise not_supported(
                f"{condition!r}: an IF compares columns and parts of them.", "Compare each column with ==."
            )
        if column_of(base).spec.kind in ("partition_key", "clustering"):
            raise not_supported(
                f"{condition!r}: {base.column} is in the primary key, which where() names and if_() does not.",
                "Put it in where().",
            )
        _check_duration(condition)
