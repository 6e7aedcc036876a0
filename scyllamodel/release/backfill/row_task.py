"""Copies rows of one table into another: the SELECT of a range, and the statements for each row; no I/O.

*In*: two models and a function between their instances. *Out*: the SELECT of a token range, and for each row its
statements, all in one partition.

CQL stores a write time and a TTL for each value, not for each row, so values with the same times are written together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import attrs

from scyllamodel._text import listed
from scyllamodel.driver.data.scan import restrict_to_range
from scyllamodel.errors import ConfigurationError, TypeMismatch
from scyllamodel.model.column import Column
from scyllamodel.model.expression import Assignment, Condition
from scyllamodel.model.single_table import root_of
from scyllamodel.query import functions as fn
from scyllamodel.query.checks.restrictions import KeyColumns
from scyllamodel.query.insert import Insert, is_empty_collection
from scyllamodel.query.model_cache import cache_for
from scyllamodel.query.select import Select
from scyllamodel.query.statement import CompiledStatement
from scyllamodel.query.targets import columns_of
from scyllamodel.query.update import Update
from scyllamodel.types.cql_types import is_multi_cell

_KEY: Final = ("partition_key", "clustering")


@attrs.frozen
class CellTimes:
    """Write time of a value in microseconds since 1970, and TTL in seconds; 0 never expires."""

    write_time: int
    ttl: int = 0

    @property
    def lifetime_order(self) -> tuple[bool, int, int]:
        """Sort key: how long the value lives."""
        return (self.ttl == 0, self.ttl, -self.write_time)


@attrs.frozen
class RowTask:
    """Copies rows of one table into another.

    Attributes:
        timed_columns: columns whose values have a write time.
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
        """Build a task.

        Raises:
            ConfigurationError: a column of the target has no source, or a class shares its table.
        """
        for model in (source, target):
            if root_of(model) is not None:
                raise ConfigurationError(
                    f"{model.__qualname__} shares its table with other classes; backfills only copy tables of one "
                    "class. Use repo.scan() and repo.save_many().",
                    model=model.__qualname__,
                )
        timed = tuple(column for column in columns_of(source).values() if has_write_time(column))
        return cls(source, target, convert or _same_names(source, target), keyspace, timed)

    @property
    def name(self) -> str:
        """Source and target table."""
        return f"{_table(self.source)} -> {_table(self.target)}"

    @property
    def has_redacted(self) -> bool:
        """Whether values that are read must not be shown."""
        return any(column.show is not repr for column in columns_of(self.source).values())

    def select_range(self, low: int, high: int, consistency: str) -> CompiledStatement[Any]:
        """Return the SELECT of a token range, with the write times and TTLs of the values."""
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
        """Return the key of a row, for messages."""
        return display_key(self.source, dict(zip(columns_of(self.source), row, strict=False)))

    def write_statements(self, row: Sequence[Any], default_timestamp: int) -> list[CompiledStatement[Any]]:
        """Return the statements for a row; none if ``convert`` returns None.

        Parameters:
            default_timestamp: for values without a write time.

        Raises:
            Exception: of ``convert``; `TypeMismatch` for a result of another type.
        """
        width = len(columns_of(self.source))
        converted = self.convert(cache_for(self.source).load(row[:width]))
        if converted is None:
            return []
        if not isinstance(converted, self.target):
            raise TypeMismatch(
                f"convert returned a {type(converted).__qualname__}; expected a {self.target.__qualname__} or None"
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
            # The row lives as long as its longest-lived value.
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
    """Whether CQL has write time and TTL for the column: not for keys and multi-cell types."""
    return column.spec.kind not in _KEY and not is_multi_cell(column.type_mapping.type)


def display_key(model: type[Any], values: dict[str, Any]) -> str:
    """Return the primary key of a row for messages; redacted values are hidden."""
    columns = columns_of(model)
    parts = (f"{name}={columns[name].show(values[name])}" for name in KeyColumns.of(model).all if name in values)
    return ", ".join(parts)


def _row_times(cell_times: Sequence[CellTimes], default_timestamp: int) -> CellTimes:
    """Return times for values that have none: the latest write time and the longest TTL of the row."""
    if not cell_times:
        return CellTimes(default_timestamp)
    longest = max(cell_times, key=lambda times: times.lifetime_order)
    return CellTimes(max(times.write_time for times in cell_times), longest.ttl)


def _table(model: type[Any]) -> str:
    return str(model.__facts__.name)


def _same_names(source: type[Any], target: type[Any]) -> Callable[[Any], Any]:
    """Return a function that builds an instance from the values of equal names."""
    shared = [name for name in columns_of(target) if name in columns_of(source)]
    needed = [field.name for field in attrs.fields(target) if field.default is attrs.NOTHING]
    missing = [name for name in needed if name not in shared]
    if missing:
        raise ConfigurationError(
            f"{source.__qualname__} has no {listed(missing)}, which {target.__qualname__} needs: pass convert=, "
            f"a function from a {source.__qualname__} to a {target.__qualname__}.",
            missing=missing,
        )
    return lambda row: target(**{name: getattr(row, name) for name in shared})
