"""Rows of one table as rows of another: what is read, and the statements that write each row.

*In*: two models and a function between their instances. *Out*: the read of a range of tokens, and for each row its
statements, all of one partition. No I/O.

A row has no time of its own; each value does. So values are written in groups that share time and remaining life.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import attrs

from scyllamodel.driver.scan import restrict_to_range
from scyllamodel.errors import ConfigurationError, TypeMismatch
from scyllamodel.model.column import Column
from scyllamodel.model.expression import Assignment, Condition
from scyllamodel.model.family import head_of
from scyllamodel.query import functions as fn
from scyllamodel.query.insert import Insert, says_nothing
from scyllamodel.query.memory import memory_of
from scyllamodel.query.parts import columns_of
from scyllamodel.query.restrictions import Keys, quoted
from scyllamodel.query.select import Select
from scyllamodel.query.statement import Compiled
from scyllamodel.query.update import Update
from scyllamodel.types.values import is_multi_cell

_KEY: Final = ("partition_key", "clustering")


@attrs.frozen
class Moment:
    """When a value was written, in microseconds since 1970, and in how many seconds it expires; 0 is never."""

    written: int
    left: int = 0

    @property
    def life(self) -> tuple[bool, int, int]:
        """Grows with how long the value lives."""
        return (self.left == 0, self.left, -self.written)


@attrs.frozen
class RowTask:
    """Copies rows of one table into another.

    Attributes:
        timed: the columns whose values have a time of their own.
    """

    source: type[Any]
    target: type[Any]
    convert: Callable[[Any], Any]
    keyspace: str
    timed: tuple[Column[Any], ...]

    @property
    def filled(self) -> tuple[Column[Any], ...]:
        """The columns that are written."""
        return tuple(columns_of(self.target).values())

    @classmethod
    def of(cls, source: type[Any], target: type[Any], convert: Callable[[Any], Any] | None, keyspace: str) -> RowTask:
        """Check that it can be done.

        Raises:
            ConfigurationError: nothing says what a column of the target is made of, or a class shares its table.
        """
        for model in (source, target):
            if head_of(model) is not None:
                raise ConfigurationError(
                    f"{model.__qualname__} shares its table with other classes, and a backfill is for tables of one: "
                    "copy with repo.scan() and repo.save_many().",
                    model=model.__qualname__,
                )
        timed = tuple(c for c in columns_of(source).values() if has_moment(c))
        return cls(source, target, convert or _same_names(source, target), keyspace, timed)

    @property
    def name(self) -> str:
        """What is copied into what."""
        return f"{_table(self.source)} -> {_table(self.target)}"

    @property
    def secret(self) -> bool:
        """Whether what it reads has values that are not shown."""
        return any(column.show is not repr for column in columns_of(self.source).values())

    def reads(self, low: int, high: int, level: str) -> Compiled[Any]:
        """The read of a range of tokens, at a consistency level: rows as they come, with their moments."""
        columns = tuple(columns_of(self.source).values())
        moments = tuple(of(column) for column in self.timed for of in (fn.writetime, fn.ttl))
        query: Select[Any] = Select(self.source, selection=(*columns, *moments))
        found = restrict_to_range(query.consistency(level), low, high).compile(self.keyspace)
        raw = memory_of(self.source).shape(("raw", found.shape), lambda: attrs.evolve(found.shape, load=None))
        return attrs.evolve(found, shape=raw)

    def key(self, row: Sequence[Any]) -> str:
        """The key of a row, for people."""
        return shown_key(self.source, dict(zip(columns_of(self.source), row, strict=False)))

    def writes(self, row: Sequence[Any], since: int) -> list[Compiled[Any]]:
        """The statements for a row; none when it is left out.

        Parameters:
            since: the time for what has none of its own.

        Raises:
            Exception: of ``convert``, or `TypeMismatch` where it gave something else.
        """
        width = len(columns_of(self.source))
        made = self.convert(memory_of(self.source).load(row[:width]))
        if made is None:
            return []
        if not isinstance(made, self.target):
            raise TypeMismatch(
                f"convert gave a {type(made).__qualname__}, and a {self.target.__qualname__} or None is needed"
            )
        moments = dict(self._moments(row[width:]))
        other = _of_the_row(list(moments.values()), since)

        def moment(column: Column[Any]) -> Moment:
            found = moments.get(column.name, other)
            return attrs.evolve(found, written=since) if is_multi_cell(column.hint.type) else found

        return list(self._statements(made, moment, other))

    def _moments(self, found: Sequence[Any]) -> Iterator[tuple[str, Moment]]:
        for column, written, left in zip(self.timed, found[::2], found[1::2], strict=True):
            if written is not None:
                yield column.name, Moment(written, left or 0)

    def _statements(self, made: Any, moment: Callable[[Column[Any]], Moment], other: Moment) -> Iterator[Compiled[Any]]:
        regular: dict[Moment, dict[str, Any]] = {}
        static: dict[Moment, dict[str, Any]] = {}
        for name, column in columns_of(self.target).items():
            value = getattr(made, name)
            if column.spec.kind in _KEY or value is None or says_nothing(column.hint.type, value):
                continue
            groups = static if column.spec.kind == "static" else regular
            groups.setdefault(moment(column), {})[name] = value
        keys = Keys.of(self.target)
        if None not in [getattr(made, name) for name in keys.all]:
            # The row itself lives as long as what lives longest in it.
            first = max(regular, key=lambda found: found.life, default=other)
            yield self._insert(made, keys.all, regular.pop(first, {}), first)
            for found, values in regular.items():
                yield self._update(made, keys.all, values, found)
        for found, values in static.items():
            yield self._update(made, keys.partition, values, found)

    def _insert(self, made: Any, key: Sequence[str], values: dict[str, Any], at: Moment) -> Compiled[Any]:
        every = {name: getattr(made, name) for name in key} | values
        return Insert[Any, None](self.target, every, seconds=at.left, written=at.written).compile(self.keyspace)

    def _update(self, made: Any, key: Sequence[str], values: dict[str, Any], at: Moment) -> Compiled[Any]:
        columns = columns_of(self.target)
        return Update[Any, None](
            self.target,
            conditions=tuple(Condition(columns[name].target, "=", getattr(made, name)) for name in key),
            assignments=tuple(Assignment(columns[name].target, "set", value) for name, value in values.items()),
            seconds=at.left,
            written=at.written,
        ).compile(self.keyspace)


def has_moment(column: Column[Any]) -> bool:
    """Whether servers tell time and life of the column: not of keys, nor of what has several cells."""
    return column.spec.kind not in _KEY and not is_multi_cell(column.hint.type)


def shown_key(model: type[Any], values: dict[str, Any]) -> str:
    """The primary key of a row for people; a value that is never shown is not shown here either."""
    columns = columns_of(model)
    found = (f"{name}={columns[name].show(values[name])}" for name in Keys.of(model).all if name in values)
    return ", ".join(found)


def _of_the_row(moments: Sequence[Moment], since: int) -> Moment:
    """For what has no time of its own: the last time of the row, and its longest life."""
    if not moments:
        return Moment(since)
    longest = max(moments, key=lambda found: found.life)
    return Moment(max(found.written for found in moments), longest.left)


def _table(model: type[Any]) -> str:
    return str(model.__facts__.name)


def _same_names(source: type[Any], target: type[Any]) -> Callable[[Any], Any]:
    """Makes an instance of the values of the same names."""
    shared = [name for name in columns_of(target) if name in columns_of(source)]
    needed = [field.name for field in attrs.fields(target) if field.default is attrs.NOTHING]
    missing = [name for name in needed if name not in shared]
    if missing:
        raise ConfigurationError(
            f"{source.__qualname__} has no {quoted(missing)}, which {target.__qualname__} needs: give convert=, a "
            f"function from a {source.__qualname__} to a {target.__qualname__}.",
            missing=missing,
        )
    return lambda row: target(**{name: getattr(row, name) for name in shared})
