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
from scyllamodel.model.family import root_of
from scyllamodel.query import functions as fn
from scyllamodel.query.insert import Insert, is_empty_collection
from scyllamodel.query.memory import cache_for
from scyllamodel.query.parts import columns_of
from scyllamodel.query.restrictions import KeyColumns, joined_names
from scyllamodel.query.select import Select
from scyllamodel.query.statement import CompiledStatement
from scyllamodel.query.update import Update
from scyllamodel.types.values import is_multi_cell

_KEY: Final = ("partition_key", "clustering")


@attrs.frozen
class CellTimes:
    """When a value was written, in microseconds since 1970, and in how many seconds it expires; 0 is never."""

    write_time: int
    ttl: int = 0

    @property
    def lifetime_order(self) -> tuple[bool, int, int]:
        """Grows with how long the value lives."""
        return (self.ttl == 0, self.ttl, -self.write_time)


@attrs.frozen
class RowTask:
    """Copies rows of one table into another.

    Attributes:
        timed_columns: the columns whose values have a time of their own.
    """

    source: type[Any]
    target: type[Any]
    convert: Callable[[Any], Any]
    keyspace: str
    timed_columns: tuple[Column[Any], ...]

    @property
    def target_columns(self) -> tuple[Column[Any], ...]:
        """The columns that are written."""
        return tuple(columns_of(self.target).values())

    @classmethod
    def build(
        cls, source: type[Any], target: type[Any], convert: Callable[[Any], Any] | None, keyspace: str
    ) -> RowTask:
        """Check that it can be done.

        Raises:
            ConfigurationError: nothing says what a column of the target is made of, or a class shares its table.
        """
        for model in (source, target):
            if root_of(model) is not None:
                raise ConfigurationError(
                    f"{model.__qualname__} shares its table with other classes, and a backfill is for tables of one: "
                    "copy with repo.scan() and repo.save_many().",
                    model=model.__qualname__,
                )
        timed = tuple(column for column in columns_of(source).values() if has_write_time(column))
        return cls(source, target, convert or _same_names(source, target), keyspace, timed)

    @property
    def name(self) -> str:
        """What is copied into what."""
        return f"{_table(self.source)} -> {_table(self.target)}"

    @property
    def has_redacted(self) -> bool:
        """Whether what it reads has values that are not shown."""
        return any(column.show is not repr for column in columns_of(self.source).values())

    def select_range(self, low: int, high: int, consistency: str) -> CompiledStatement[Any]:
        """The read of a range of tokens, at a consistency level: rows as they come, with their moments."""
        columns = tuple(columns_of(self.source).values())
        timestamps = tuple(
            cell_function(column) for column in self.timed_columns for cell_function in (fn.writetime, fn.ttl)
        )
        query: Select[Any] = Select(self.source, selection=(*columns, *timestamps))
        compiled = restrict_to_range(query.consistency(consistency), low, high).compile(self.keyspace)
        template = cache_for(self.source).template(
            ("raw", compiled.template), lambda: attrs.evolve(compiled.template, load=None)
        )
        return attrs.evolve(compiled, template=template)

    def row_key(self, row: Sequence[Any]) -> str:
        """The key of a row, for people."""
        return display_key(self.source, dict(zip(columns_of(self.source), row, strict=False)))

    def write_statements(self, row: Sequence[Any], default_timestamp: int) -> list[CompiledStatement[Any]]:
        """The statements for a row; none when it is left out.

        Parameters:
            default_timestamp: the time for what has none of its own.

        Raises:
            Exception: of ``convert``, or `TypeMismatch` where it gave something else.
        """
        width = len(columns_of(self.source))
        converted = self.convert(cache_for(self.source).load(row[:width]))
        if converted is None:
            return []
        if not isinstance(converted, self.target):
            raise TypeMismatch(
                f"convert gave a {type(converted).__qualname__}, and a {self.target.__qualname__} or None is needed"
            )
        times_by_name = dict(self._cell_times(row[width:]))
        row_times = _row_times(list(times_by_name.values()), default_timestamp)

        def times_of(column: Column[Any]) -> CellTimes:
            times = times_by_name.get(column.name, row_times)
            return (
                attrs.evolve(times, write_time=default_timestamp) if is_multi_cell(column.type_mapping.type) else times
            )

        return list(self._statements(converted, times_of, row_times))

    def _cell_times(self, cells: Sequence[Any]) -> Iterator[tuple[str, CellTimes]]:
        for column, write_time, ttl in zip(self.timed_columns, cells[::2], cells[1::2], strict=True):
            if write_time is not None:
                yield column.name, CellTimes(write_time, ttl or 0)

    def _statements(
        self, converted: Any, times_of: Callable[[Column[Any]], CellTimes], row_times: CellTimes
    ) -> Iterator[CompiledStatement[Any]]:
        regular: dict[CellTimes, dict[str, Any]] = {}
        static: dict[CellTimes, dict[str, Any]] = {}
        for name, column in columns_of(self.target).items():
            value = getattr(converted, name)
            if column.spec.kind in _KEY or value is None or is_empty_collection(column.type_mapping.type, value):
                continue
            groups = static if column.spec.kind == "static" else regular
            groups.setdefault(times_of(column), {})[name] = value
        keys = KeyColumns.of(self.target)
        if None not in [getattr(converted, name) for name in keys.all]:
            # The row itself lives as long as what lives longest in it.
            longest = max(regular, key=lambda times: times.lifetime_order, default=row_times)
            yield self._insert(converted, keys.all, regular.pop(longest, {}), longest)
            for times, values in regular.items():
                yield self._update(converted, keys.all, values, times)
        for times, values in static.items():
            yield self._update(converted, keys.partition, values, times)

    def _insert(
        self, converted: Any, key: Sequence[str], values: dict[str, Any], times: CellTimes
    ) -> CompiledStatement[Any]:
        all_values = {name: getattr(converted, name) for name in key} | values
        return Insert[Any, None](
            self.target, all_values, ttl_seconds=times.ttl, write_timestamp=times.write_time
        ).compile(self.keyspace)

    def _update(
        self, converted: Any, key: Sequence[str], values: dict[str, Any], times: CellTimes
    ) -> CompiledStatement[Any]:
        columns = columns_of(self.target)
        return Update[Any, None](
            self.target,
            conditions=tuple(Condition(columns[name].target, "=", getattr(converted, name)) for name in key),
            assignments=tuple(Assignment(columns[name].target, "set", value) for name, value in values.items()),
            ttl_seconds=times.ttl,
            write_timestamp=times.write_time,
        ).compile(self.keyspace)


def has_write_time(column: Column[Any]) -> bool:
    """Whether servers tell time and life of the column: not of keys, nor of what has several cells."""
    return column.spec.kind not in _KEY and not is_multi_cell(column.type_mapping.type)


def display_key(model: type[Any], values: dict[str, Any]) -> str:
    """The primary key of a row for people; a value that is never shown is not shown here either."""
    columns = columns_of(model)
    parts = (f"{name}={columns[name].show(values[name])}" for name in KeyColumns.of(model).all if name in values)
    return ", ".join(parts)


def _row_times(cell_times: Sequence[CellTimes], default_timestamp: int) -> CellTimes:
    """For what has no time of its own: the last time of the row, and its longest life."""
    if not cell_times:
        return CellTimes(default_timestamp)
    longest = max(cell_times, key=lambda times: times.lifetime_order)
    return CellTimes(max(times.write_time for times in cell_times), longest.ttl)


def _table(model: type[Any]) -> str:
    return str(model.__facts__.name)


def _same_names(source: type[Any], target: type[Any]) -> Callable[[Any], Any]:
    """Makes an instance of the values of the same names."""
    shared = [name for name in columns_of(target) if name in columns_of(source)]
    needed = [field.name for field in attrs.fields(target) if field.default is attrs.NOTHING]
    missing = [name for name in needed if name not in shared]
    if missing:
        raise ConfigurationError(
            f"{source.__qualname__} has no {joined_names(missing)}, which {target.__qualname__} needs: give convert=, "
            "a "
            f"function from a {source.__qualname__} to a {target.__qualname__}.",
            missing=missing,
        )
    return lambda row: target(**{name: getattr(row, name) for name in shared})
