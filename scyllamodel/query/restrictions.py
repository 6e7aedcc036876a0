"""Which rows the conditions of a WHERE name, as the keys of a table see it.

Comes in: a model and the conditions. Goes out: `Restrictions`: whether the partitions are known, how far the clustering
key is followed, and what is left to an index or to filtering. Rules: Cassandra ``cql3/restrictions``, Scylla
``cql3/restrictions/statement_restrictions.cc``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import attrs

from scyllamodel.errors import QueryNotSupported
from scyllamodel.model.expression import CallTarget, ColumnTarget, Condition, TupleTarget
from scyllamodel.query.conditions import EQUAL, RANGE, check_where
from scyllamodel.query.parts import columns_in, columns_of
from scyllamodel.schema.facts import Table, View


@attrs.frozen
class Keys:
    """The primary key of a model or view, by the names of the attributes.

    Attributes:
        descending: those clustering columns whose rows are kept in descending order.
    """

    model: type
    partition: tuple[str, ...]
    clustering: tuple[str, ...]
    descending: frozenset[str]
    static: frozenset[str]

    @classmethod
    def of(cls, model: type) -> Keys:
        """The keys of a class."""
        found = columns_of(model)
        facts = cast("Table | View", getattr(model, "__facts__"))  # noqa: B009 - a bare type has none
        attribute = {column.db_name: name for name, column in found.items()}
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
    """What conditions mean for the keys.

    Attributes:
        equal: key columns that are compared by ``=``.
        located: whether every column of the partition key is named by ``=`` or ``IN``.
        several: whether more than one partition may be meant.
        by_token: whether a range of tokens is given.
        followed: how many clustering columns are named in order, a range or a comparison of several included.
        exact: whether these are all named by ``=`` or ``IN``.
        rest: conditions that neither key serves.
    """

    keys: Keys
    equal: frozenset[str]
    located: bool
    several: bool
    by_token: bool
    followed: int
    exact: bool
    rest: tuple[Condition, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Columns of the primary key that are not named exactly."""
        named = self.keys.clustering[: self.followed] if self.exact else ()
        return tuple(name for name in self.keys.all if name not in self.equal and name not in named)


def attribute(condition: Condition) -> str | None:
    """The column that a condition is on as a whole; None for parts of one, functions and several columns."""
    return condition.target.column if isinstance(condition.target, ColumnTarget) else None


def restrictions_of(model: type, conditions: Iterable[Condition]) -> Restrictions:
    """What these conditions mean.

    Raises:
        QueryNotSupported: no server has such a condition in WHERE.
    """
    keys, given = Keys.of(model), tuple(conditions)
    check_where(given)
    by_token = [condition for condition in given if isinstance(condition.target, CallTarget)]
    for condition in by_token:
        _check_token(keys, condition)
    operators: dict[str, set[str]] = {}
    for condition in given:
        name = attribute(condition)
        if name is not None:
            operators.setdefault(name, set()).add(condition.operator)
    located = all(operators.get(name, set()) & EQUAL for name in keys.partition)
    follows = _follow(keys, given, operators) if located else _Followed()
    rest = tuple(c for c in given if c not in by_token and not _served(keys, c, follows, located=located))
    equal = frozenset(name for name in keys.all if operators.get(name, set()) & EQUAL)
    several = any("IN" in operators.get(name, ()) for name in keys.partition)
    exact = all(name in equal for name in keys.clustering[: follows.count])
    return Restrictions(keys, equal, located, several, bool(by_token), follows.count, exact, rest)


@attrs.frozen
class _Followed:
    """How far the clustering key is followed."""

    count: int = 0
    tuples: tuple[Condition, ...] = ()


def _follow(keys: Keys, given: tuple[Condition, ...], operators: dict[str, set[str]]) -> _Followed:
    """One column after the other: equalities, then one range or one comparison of several columns."""
    tuples = [condition for condition in given if isinstance(condition.target, TupleTarget)]
    for at, name in enumerate(keys.clustering):
        found = operators.get(name, set())
        if found & EQUAL:
            continue
        if found & RANGE:
            return _Followed(at + 1)
        used = [condition for condition in tuples if _names(condition) == keys.clustering[at : at + _width(condition)]]
        return _Followed(at + max(map(_width, used), default=0), tuple(used))
    return _Followed(len(keys.clustering))


def _names(condition: Condition) -> tuple[str, ...]:
    return tuple(target.column for target in columns_in([condition.target]))


def _width(condition: Condition) -> int:
    return len(_names(condition))


def _served(keys: Keys, condition: Condition, followed: _Followed, *, located: bool) -> bool:
    """Whether a key serves a condition."""
    name = attribute(condition)
    if isinstance(condition.target, TupleTarget):
        return condition in followed.tuples
    if name in keys.partition:
        return located and condition.operator in EQUAL
    return name in keys.clustering[: followed.count] and condition.operator in EQUAL | RANGE


def _check_token(keys: Keys, condition: Condition) -> None:
    names = _names(condition)
    if names != keys.partition:
        wanted = ", ".join(f"{keys.model.__qualname__}.{name}" for name in keys.partition)
        raise QueryNotSupported(
            f"{condition!r}: a WHERE takes a function only as token() of the whole partition key, fn.token({wanted}).",
            needs=keys.partition,
            helps=(),
        )


def quoted(names: Iterable[Any]) -> str:
    """Names for a message.

    >>> quoted(["a", "b", "c"])
    'a, b and c'
    """
    found = [str(name) for name in names]
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}" if found else "nothing"
