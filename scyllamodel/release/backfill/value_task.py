"""Copies values of one column into another of the same table: the SELECT of a range, and a statement per row; no I/O.

*In*: two columns and a function between their values. *Out*: the SELECT of a token range, and for each row its
statement.

A value is written with the write time and remaining TTL of its source. Later writes win, a second run changes nothing,
and copies expire with their source.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs

from scyllamodel.driver.data.scan import restrict_to_range
from scyllamodel.errors import ConfigurationError
from scyllamodel.model.column import Column
from scyllamodel.model.expression import Assignment, Condition
from scyllamodel.query import functions as fn
from scyllamodel.query.checks.restrictions import KeyColumns
from scyllamodel.query.insert import is_empty_collection
from scyllamodel.query.select import Select
from scyllamodel.query.statement import UNSET, CompiledStatement, StatementTemplate
from scyllamodel.query.targets import columns_of
from scyllamodel.query.update import Update
from scyllamodel.release.backfill.row_task import display_key, has_write_time
from scyllamodel.types.annotations import unwrapped_type
from scyllamodel.types.cql_types import freeze

_KEY: Final = ("partition_key", "clustering")


@attrs.frozen
class ValueTask:
    """Copies values of one column into another.

    Attributes:
        keyspace: of a model without one.
        key_names: primary key of a target value.
        template: of the UPDATE.
    """

    source: Column[Any]
    target: Column[Any]
    convert: Callable[[Any], Any]
    keyspace: str
    key_names: tuple[str, ...]
    template: StatementTemplate[Any]

    @classmethod
    def build(
        cls, source: Column[Any], target: Column[Any], convert: Callable[[Any], Any] | None, keyspace: str
    ) -> ValueTask:
        """Build a task.

        Raises:
            ConfigurationError: other tables, a key column, or no conversion.
        """
        model, keys = source.model, KeyColumns.of(source.model)
        if target.model is not model:
            raise ConfigurationError(f"{source!r} and {target!r} belong to different tables: copy the whole table.")
        if target.spec.kind in _KEY or source.name == target.name:
            raise ConfigurationError(f"{target!r} cannot be filled: it is in the primary key, or is the source itself.")
        key = keys.partition if target.spec.kind == "static" else keys.all
        columns = columns_of(model)
        update = Update[Any, None](
            model,
            conditions=tuple(Condition(columns[name].target, "=", UNSET) for name in key),
            assignments=(Assignment(target.target, "set", UNSET),),
            ttl_seconds=0,
            write_timestamp=0,
        )
        return cls(
            source,
            target,
            convert or _identity_conversion(source, target),
            keyspace,
            key,
            update.compile(keyspace).template,
        )

    @property
    def name(self) -> str:
        """Source and target column."""
        table = self.source.model.__facts__.name
        return f"{table}.{self.source.db_name} -> {table}.{self.target.db_name}"

    @property
    def target_columns(self) -> tuple[Column[Any], ...]:
        """The columns that are written."""
        return (self.target,)

    @property
    def has_redacted(self) -> bool:
        """Whether values that are read must not be shown."""
        return self.source.show is not repr

    def select_range(self, low: int, high: int, consistency: str) -> CompiledStatement[Any]:
        """Return the SELECT of a token range."""
        columns = columns_of(self.source.model)
        key = tuple(columns[name] for name in self.key_names)
        timestamps = (fn.writetime(self.source), fn.ttl(self.source)) if has_write_time(self.source) else ()
        query: Select[Any] = Select(self.source.model, selection=(*key, self.source, *timestamps))
        both_static = self.source.spec.kind == self.target.spec.kind == "static"
        query = (query.distinct() if both_static else query).consistency(consistency)
        return restrict_to_range(query, low, high).compile(self.keyspace)

    def row_key(self, row: Sequence[Any]) -> str:
        """Return the key of a row, for messages."""
        return display_key(self.source.model, dict(zip(self.key_names, row, strict=False)))

    def write_statements(self, row: Sequence[Any], default_timestamp: int) -> list[CompiledStatement[Any]]:
        """Return the statement for a row; none if there is nothing to copy.

        Parameters:
            default_timestamp: for values without a write time.

        Raises:
            Exception: of ``convert``.
        """
        width = len(self.key_names)
        key, value = tuple(row[:width]), row[width]
        write_time, ttl = row[width + 1 :] or (None, None)
        if value is None or is_empty_collection(self.source.type_mapping.type, value) or None in key:
            return []
        converted = self.convert(value)
        if converted is None:
            return []
        return [
            CompiledStatement(
                self.template, (ttl or 0, default_timestamp if write_time is None else write_time, converted, *key)
            )
        ]


def _identity_conversion(source: Column[Any], target: Column[Any]) -> Callable[[Any], Any]:
    """Return values unchanged, if the columns have the same type, frozen or not, or the same Python type."""
    is_same_type = freeze(source.type_mapping.type) == freeze(target.type_mapping.type)
    if not is_same_type and unwrapped_type(source.type_mapping.python) != unwrapped_type(target.type_mapping.python):
        raise ConfigurationError(
            f"{source!r} holds {source.type_mapping.type.cql} and {target!r} {target.type_mapping.type.cql}: pass "
            "convert=, a function from one to the other.",
            source=repr(source),
            target=repr(target),
        )
    return lambda value: value
