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
from scyllamodel.query.tuning import refuse
from scyllamodel.types.values import DURATION, CqlType, ListType, is_multi_cell

EQUAL: Final = frozenset({"=", "IN"})
LOWER: Final = frozenset({">", ">="})
UPPER: Final = frozenset({"<", "<="})
RANGE: Final = LOWER | UPPER


def check_where(conditions: tuple[Condition, ...]) -> None:
    """Refuse what no server takes in WHERE, whatever keys and indexes a table has."""
    for condition in conditions:
        _check_operator(condition)
        _check_duration(condition)
    _check_repeated(conditions)


def _check_operator(condition: Condition) -> None:
    target, operator = condition.target, condition.operator
    if operator == "!=":
        raise refuse(
            f"{condition!r}: no server looks rows up by what they are not.",
            "Compare otherwise, or keep what is asked for in a column of its own; `!=` is for if_().",
        )
    if isinstance(target, FieldTarget):
        raise refuse(
            f"{condition!r}: a WHERE takes no field of a user type.", "Keep the value in a column of its own as well."
        )
    if isinstance(target, ElementTarget) and (operator != "=" or isinstance(_type(condition), ListType)):
        raise refuse(
            f"{condition!r}: of the parts of a collection, a WHERE takes entries of a map, compared by ==.",
            "Use .contains(), or compare what is read.",
        )
    if isinstance(target, CallTarget) and operator == "IN":
        raise refuse(f"{condition!r}: a token is compared by == and by ranges.", "Read one token after the other.")
    if isinstance(target, ColumnTarget) and operator in EQUAL | RANGE and _is_in_parts(condition):
        raise refuse(
            f"{condition!r}: {target.column} is stored part by part, and is not compared as a whole.",
            "Use .contains() for an element of a collection, or declare the column as cql.Frozen[…].",
        )


def _type(condition: Condition) -> CqlType | None:
    base = base_of(condition.target)
    return None if base is None else column_of(base).hint.type


def _is_in_parts(condition: Condition) -> bool:
    found = _type(condition)
    return found is not None and is_multi_cell(found)


def _check_duration(condition: Condition) -> None:
    if condition.operator in RANGE and _type(condition) == DURATION:
        raise refuse(f"{condition!r}: durations have no order, since months and days differ.", "Compare by ==.")


def _check_repeated(conditions: Iterable[Condition]) -> None:
    """One column has one equality, or one bound at each end."""
    found: dict[str, list[Condition]] = {}
    for condition in conditions:
        if isinstance(condition.target, (ColumnTarget, CallTarget, TupleTarget)):
            found.setdefault(str(condition.target), []).append(condition)
    for target, given in found.items():
        operators = [condition.operator for condition in given if condition.operator in EQUAL | RANGE]
        ends = [sum(operator in side for operator in operators) for side in (LOWER, UPPER)]
        if (len(operators) > 1 and EQUAL.intersection(operators)) or max(ends) > 1:
            raise refuse(
                f"{' and '.join(map(repr, given))}: {target} has one == or in_(), or one bound at each end.",
                "Give one condition of each kind, and in_([…]) for several values.",
            )


def check_if(conditions: Iterable[Condition]) -> None:
    """Refuse what no server takes in IF."""
    for condition in conditions:
        base = base_of(condition.target)
        if base is None:
            raise refuse(f"{condition!r}: an IF compares columns and parts of them.", "Compare each column with ==.")
        if column_of(base).spec.kind in ("partition_key", "clustering"):
            raise refuse(
                f"{condition!r}: {base.column} is in the primary key, which where() names and if_() does not.",
                "Put it in where().",
            )
        _check_duration(condition)
