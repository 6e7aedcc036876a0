"""Analysis of WHERE: which rows the conditions select, in terms of the keys of a table.

In: a model and the conditions. Out: `Restrictions`: whether the partitions are known, the prefix of the clustering key
that is used, and the conditions that need an index or filtering. Sources: Cassandra ``cql3/restrictions``, ScyllaDB
``cql3/restrictions/statement_restrictions.cc``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import attrs

from scyllamodel.errors import QueryNotSupported
from scyllamodel.model.expression import CallTarget, ColumnTarget, Condition, TupleTarget
from scyllamodel.query.checks.conditions import EQUALITY_OPERATORS, RANGE_OPERATORS, check_where
from scyllamodel.query.targets import columns_in, columns_of
from scyllamodel.schema.facts.objects import Table, View


@attrs.frozen
class KeyColumns:
    """The primary key of a model or view, by attribute.

    Attributes:
        descending: the clustering columns in descending order.
    """

    model: type
    partition: tuple[str, ...]
    clustering: tuple[str, ...]
    descending: frozenset[str]
    static: frozenset[str]

    @classmethod
    def of(cls, model: type) -> KeyColumns:
        """Return the key columns of a class."""
        columns = columns_of(model)
        facts = cast("Table | View", getattr(model, "__facts__"))  # noqa: B009 - a bare type has none
        attribute = {column.db_name: name for name, column in columns.items()}
        return cls(
            model,
            tuple(attribute[column.name] for column in facts.partition_key),
            tuple(attribute[column.name] for column in facts.clustering_key),
            frozenset(attribute[column.name] for column in facts.clustering_key if column.descending),
            frozenset(attribute[c.name] for c in facts if c.kind == "static" and c.name in attribute),
        )

    @property
    def all(self) -> tuple[str, ...]:
        """The whole primary key."""
        return self.partition + self.clustering


@attrs.frozen
class Restrictions:
    """The conditions of a WHERE, in terms of the keys.

    Attributes:
        equal_columns: key columns with ``=`` or ``IN``.
        has_partition: whether every column of the partition key has ``=`` or ``IN``.
        spans_partitions: whether more than one partition may be selected.
        uses_token: whether there are conditions on the token.
        clustering_prefix: the number of leading clustering columns with conditions, including a last range or tuple.
        is_exact: whether all of them have ``=`` or ``IN``.
        unserved: conditions that neither key serves.
    """

    keys: KeyColumns
    equal_columns: frozenset[str]
    has_partition: bool
    spans_partitions: bool
    uses_token: bool
    clustering_prefix: int
    is_exact: bool
    unserved: tuple[Condition, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Columns of the primary key without an equality."""
        named = self.keys.clustering[: self.clustering_prefix] if self.is_exact else ()
        return tuple(name for name in self.keys.all if name not in self.equal_columns and name not in named)


def restricted_column(condition: Condition) -> str | None:
    """Return the column of a condition on a whole column, otherwise None."""
    return condition.target.column if isinstance(condition.target, ColumnTarget) else None


def restrictions_of(model: type, conditions: Iterable[Condition]) -> Restrictions:
    """Analyze the conditions of a WHERE.

    Raises:
        QueryNotSupported: servers do not support one of the conditions in WHERE.
    """
    keys, given_conditions = KeyColumns.of(model), tuple(conditions)
    check_where(given_conditions)
    by_token = [condition for condition in given_conditions if isinstance(condition.target, CallTarget)]
    for condition in by_token:
        _check_token(keys, condition)
    operators: dict[str, set[str]] = {}
    for condition in given_conditions:
        name = restricted_column(condition)
        if name is not None:
            operators.setdefault(name, set()).add(condition.operator)
    located = all(operators.get(name, set()) & EQUALITY_OPERATORS for name in keys.partition)
    followed = _clustering_prefix(keys, given_conditions, operators) if located else _ClusteringPrefix()
    rest = tuple(
        c for c in given_conditions if c not in by_token and not _is_served_by_key(keys, c, followed, located=located)
    )
    equal = frozenset(name for name in keys.all if operators.get(name, set()) & EQUALITY_OPERATORS)
    several = any("IN" in operators.get(name, ()) for name in keys.partition)
    exact = all(name in equal for name in keys.clustering[: followed.count])
    return Restrictions(keys, equal, located, several, bool(by_token), followed.count, exact, rest)


@attrs.frozen
class _ClusteringPrefix:
    """The leading clustering columns with conditions."""

    count: int = 0
    tuples: tuple[Condition, ...] = ()


def _clustering_prefix(
    keys: KeyColumns, conditions: tuple[Condition, ...], operators: dict[str, set[str]]
) -> _ClusteringPrefix:
    """Return the leading clustering columns with equalities, then one range or one comparison of several columns."""
    tuples = [condition for condition in conditions if isinstance(condition.target, TupleTarget)]
    for position, name in enumerate(keys.clustering):
        column_operators = operators.get(name, set())
        if column_operators & EQUALITY_OPERATORS:
            continue
        if column_operators & RANGE_OPERATORS:
            return _ClusteringPrefix(position + 1)
        matching = [
            condition
            for condition in tuples
            if _names(condition) == keys.clustering[position : position + _column_count(condition)]
        ]
        return _ClusteringPrefix(position + max(map(_column_count, matching), default=0), tuple(matching))
    return _ClusteringPrefix(len(keys.clustering))


def _names(condition: Condition) -> tuple[str, ...]:
    return tuple(target.column for target in columns_in([condition.target]))


def _column_count(condition: Condition) -> int:
    return len(_names(condition))


def _is_served_by_key(keys: KeyColumns, condition: Condition, followed: _ClusteringPrefix, *, located: bool) -> bool:
    """Whether a key serves a condition."""
    name = restricted_column(condition)
    if isinstance(condition.target, TupleTarget):
        return condition in followed.tuples
    if name in keys.partition:
        return located and condition.operator in EQUALITY_OPERATORS
    return name in keys.clustering[: followed.count] and condition.operator in EQUALITY_OPERATORS | RANGE_OPERATORS


def _check_token(keys: KeyColumns, condition: Condition) -> None:
    names = _names(condition)
    if names != keys.partition:
        key_columns = ", ".join(f"{keys.model.__qualname__}.{name}" for name in keys.partition)
        raise QueryNotSupported(
            f"{condition!r}: the only function in WHERE is token() of the whole partition key, "
            f"fn.token({key_columns}).",
            needs=keys.partition,
            helps=(),
        )
