"""Reads and writes of whole instances: one statement template for each operation, and the values of an instance.

In: a model, a keyspace, instances. Out: compiled statements. Builders write the CQL once for each template; afterwards
a write only extracts the values of the instance.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Generic, NamedTuple, TypeVar, cast

import attrs

from scyllamodel._numbers import check_timestamp, check_ttl
from scyllamodel._text import listed, suggestion
from scyllamodel.errors import UnknownColumn
from scyllamodel.model._codegen import define_function
from scyllamodel.model.change_tracking import (
    Change,
    Snapshot,
    UncertainRow,
    changed_columns,
    current_values,
    is_loaded,
    loaded_row,
    mark_uncertain,
    snapshot,
    uncertain_columns,
)
from scyllamodel.model.expression import ColumnTarget, Condition
from scyllamodel.model.single_table import discriminated_classes
from scyllamodel.model.static_defaults import RECORDED_DEFAULTS, untouched_defaults
from scyllamodel.query.change_assignments import column_assignments
from scyllamodel.query.checks.restrictions import KeyColumns
from scyllamodel.query.delete import Delete
from scyllamodel.query.insert import Insert, check_null, excludes_null, is_empty_collection, null_error
from scyllamodel.query.model_cache import cache_for, cached_statements
from scyllamodel.query.not_supported import not_supported
from scyllamodel.query.select import Select
from scyllamodel.query.single_table import check_class
from scyllamodel.query.statement import UNSET, CompiledStatement, StatementTemplate
from scyllamodel.query.update import Update
from scyllamodel.schema.facts.objects import Table
from scyllamodel.types.identity import cell_form, stored_form

M = TypeVar("M")


def _ttl(seconds: int | None) -> int | None:
    return None if seconds is None else check_ttl(seconds)


def _timestamp(microseconds: int | None) -> int | None:
    return None if microseconds is None else check_timestamp(microseconds)


@attrs.frozen
class WriteOptions:
    """The options of a write of an instance.

    Attributes:
        ttl: seconds until the values expire; None: the default of the table.
        timestamp: microseconds since 1970; None: the time of sending.
    """

    ttl: int | None = attrs.field(default=None, converter=_ttl)
    timestamp: int | None = attrs.field(default=None, converter=_timestamp)

    @staticmethod
    def of(ttl: int | None, timestamp: int | None) -> WriteOptions:
        """Return the options; without any, which is the usual case, a shared object."""
        return NO_WRITE_OPTIONS if ttl is None and timestamp is None else WriteOptions(ttl, timestamp)

    @property
    def values(self) -> tuple[int, ...]:
        """The values in the order of the CQL text."""
        if self is NO_WRITE_OPTIONS:
            return ()
        return tuple(value for value in (self.ttl, self.timestamp) if value is not None)


NO_WRITE_OPTIONS: Final = WriteOptions()


class CompiledWrite(NamedTuple):
    """A statement that writes an instance, and the state of the row after it is applied."""

    compiled: CompiledStatement[Any]
    snapshot: Snapshot


class InstanceStatements(Generic[M]):
    """The statements that read and write the instances of one model in one keyspace.

    Attributes:
        key: the attributes of the primary key, in order.
        partition_key: the attributes of the partition key, in order.
        values: returns the values of an instance for a new row; None and empty collections are unset.
        has_static: whether the model has static columns.
        writable: whether instances can be written: not those of views and counter tables.
    """

    __slots__ = (
        "_cache",
        "_class_value",
        "_has_defaults",
        "_insert",
        "_is_single_table",
        "_names",
        "_table",
        "get",
        "has_static",
        "key",
        "keyspace",
        "model",
        "partition_key",
        "take_all",
        "take_key",
        "take_partition_key",
        "values",
        "writable",
    )

    def __init__(self, model: type[M], keyspace: str | None) -> None:
        self.model, self.keyspace = model, keyspace
        keys = KeyColumns.of(model)
        self.key, self.partition_key = keys.all, keys.partition
        self._names = frozenset(self.key)
        self._class_value = _class_value(model, self._names)
        self._cache = cache_for(model)
        self._is_single_table = discriminated_classes(model) is not None
        conditions = self._conditions(self.key)
        self.get: StatementTemplate[list[M]] = (
            Select[M](model, conditions=conditions, flags=frozenset({"any_kind"})).compile(keyspace).template
        )
        self.values, self.take_all, self.take_key, self.take_partition_key = self._cache.computed(
            "takers", lambda: _extractors(self._cache.columns, self.key, self.partition_key)
        )
        self._insert: StatementTemplate[None] | None = None
        self._has_defaults = hasattr(model, RECORDED_DEFAULTS)
        self.has_static = any(column.spec.kind == "static" for column in self._cache.columns.values())
        facts: Any = getattr(model, "__facts__", None)
        self.writable = isinstance(facts, Table) and not facts.is_counter
        self._table = (facts.keyspace or keyspace, facts.name)

    def _conditions(self, names: tuple[str, ...]) -> tuple[Condition, ...]:
        return tuple(Condition(ColumnTarget(self.model, name), "=", UNSET) for name in names)

    def key_values(self, key_by_name: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the values of a key in order.

        Raises:
            TypeError: the key is not the whole primary key.
            UnknownColumn: the model has no column of a given name.
        """
        if self._class_value and self._class_value.keys().isdisjoint(key_by_name):
            key_by_name = {**key_by_name, **self._class_value}
        if len(key_by_name) == len(self.key) and self._names.issuperset(key_by_name):
            return tuple([key_by_name[name] for name in self.key])
        model_name, columns = self.model.__qualname__, cache_for(self.model).columns
        for name in key_by_name:
            if name not in columns:
                key = f"its primary key is ({', '.join(self.key)})"
                text = f"{model_name} has no column {name!r}{suggestion(name, columns)}; {key}"
                raise UnknownColumn(text, model=model_name, column=name)
            if name not in self._names:
                raise TypeError(
                    f"{model_name}.{name} is not in the primary key ({', '.join(self.key)}); to select rows by "
                    "other columns, use select(…).where(…)"
                )
        missing = [name for name in self.key if name not in key_by_name]
        raise TypeError(
            f"{model_name} has the primary key ({', '.join(self.key)}), and {listed(missing)} is missing; "
            "use select(…).where(…) to read several rows of a partition"
        )

    def insert(
        self, row: M, options: WriteOptions = NO_WRITE_OPTIONS, *, only_if_absent: bool = False, nulls: bool = False
    ) -> CompiledWrite:
        """Return the statement that inserts an instance as a new row."""
        if self._is_single_table:
            check_class(row)
        saved_row = snapshot(row, current_values(row))
        values = self._new_values(row, nulls=nulls)
        if options is NO_WRITE_OPTIONS and not only_if_absent:
            template = self._insert
            if template is None:
                template = self._insert = self._insert_template(options, only_if_absent=False)
            return CompiledWrite(CompiledStatement(template, values), saved_row)
        return CompiledWrite(
            CompiledStatement(self._insert_template(options, only_if_absent=only_if_absent), values + options.values),
            saved_row,
        )

    def _new_values(self, row: M, *, nulls: bool) -> tuple[Any, ...]:
        """Return the values of an instance for a new row, including all columns that an earlier INSERT may have set."""
        values: tuple[Any, ...] = (self.take_all if nulls else self.values)(row)
        if self._has_defaults:
            values = self._without_defaults(row, values)
        return self._with_uncertain_nulls(row, values) if type(loaded_row(row)) is UncertainRow else values

    def _without_defaults(self, row: M, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the values without defaults of static columns, which would overwrite those of the partition."""
        untouched = untouched_defaults(row)
        pairs = zip(self._cache.columns, values, strict=True)
        return tuple([UNSET if name in untouched else value for name, value in pairs]) if untouched else values

    def _with_uncertain_nulls(self, row: M, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the values with nulls for columns that a write without a response may have set."""
        uncertain, all_values = uncertain_columns(row), self.take_all(row)
        return tuple(
            [
                complete if value is UNSET and name in uncertain else value
                for name, value, complete in zip(self._cache.columns, values, all_values, strict=True)
            ]
        )

    def _insert_template(self, options: WriteOptions, *, only_if_absent: bool) -> StatementTemplate[None]:
        key = ("insert", only_if_absent, options.ttl is None, options.timestamp is None)
        return self._template(
            key,
            lambda: Insert[Any, None](
                self.model,
                dict.fromkeys(cache_for(self.model).columns),
                only_if_absent=only_if_absent,
                ttl_seconds=options.ttl,
                write_timestamp=options.timestamp,
            ).compile(self.keyspace),
        )

    def update(
        self, row: M, options: WriteOptions = NO_WRITE_OPTIONS, *, if_exists: bool = False
    ) -> CompiledWrite | None:
        """Return the statement that writes the changes since an instance was loaded; None without changes.

        Raises:
            QueryNotSupported: a column of the key was changed.
            TypeMismatch: a column whose type excludes None was set to None.
        """
        if self._is_single_table:
            check_class(row)
        current = current_values(row)
        changed = changed_columns(row, current) if is_loaded(row) else self._new_changes(row)
        if not changed:
            return None
        self._check_key(changed)
        for change in changed:
            if change.new_value is None and excludes_null(change.column):
                raise null_error(change.column)
        only_static = self.has_static and all(change.column.spec.kind == "static" for change in changed)
        assignments = [assignment for change in changed for assignment in column_assignments(change)]
        if not assignments:  # equal for the server, such as elements of a set that it stores as one
            return None
        operations = tuple([(_target_key(assignment.target), assignment.operation) for assignment in assignments])
        key = ("update", if_exists, options.ttl is None, options.timestamp is None, operations)
        template = self._template(
            key,
            lambda: Update[Any, None](
                cast("Any", self.model),
                conditions=self._conditions(self.partition_key if only_static else self.key),
                assignments=tuple(assignments),
                only_if_exists=if_exists,
                ttl_seconds=options.ttl,
                write_timestamp=options.timestamp,
            ).compile(self.keyspace),
        )
        take_key = self.take_partition_key if only_static else self.take_key
        values = (*options.values, *[assignment.value for assignment in assignments], *take_key(row))
        return CompiledWrite(CompiledStatement(template, values), snapshot(row, current))

    def _new_changes(self, row: M) -> list[Change]:
        """Return the values of a new instance as changes, for an update that must not insert the row."""
        pairs = zip(cache_for(self.model).columns.values(), self._new_values(row, nulls=False), strict=True)
        new_changes = [Change(column, None, value) for column, value in pairs if value is not UNSET]
        return [change for change in new_changes if change.column.name not in self._names]

    def mark_uncertain(self, row: M, write: CompiledStatement[Any], saved_row: Snapshot | None) -> None:
        """Record that a write of an instance got no response; see `query.instance_writes.mark_write_uncertain`."""
        columns, verb, was_loaded = self._cache.columns, write.template.verb, is_loaded(row)
        written_columns = set[str](columns)
        if verb == "insert":
            written_columns = {name for name, value in zip(columns, write.values, strict=False) if value is not UNSET}
        elif saved_row is not None:
            written_columns = {
                change.column.name
                for change in (changed_columns(row, saved_row) if was_loaded else self._new_changes(row))
            }
        mark_uncertain(
            row, written_columns, exists=was_loaded and verb != "delete", conditional=write.template.conditional
        )

    def stored_key(self, row: M) -> tuple[Any, ...]:
        """Return the key of an instance; for a loaded instance, the key of its row.

        Raises:
            QueryNotSupported: the key was changed, and would be that of another row.
        """
        if is_loaded(row):
            self._check_key(changed_columns(row, current_values(row)))
        key: tuple[Any, ...] = self.take_key(row)
        return key

    def _check_key(self, changed: list[Change]) -> None:
        for change in changed:
            if change.column.name in self._names:
                raise not_supported(
                    f"{change.column!r} is in the primary key, and was changed on a loaded instance: that would "
                    "be another row.",
                    f"Save a copy, order.replace({change.column.name}=…), and delete this instance.",
                )

    def key_identity(self, row: M) -> Hashable:
        """Return a key that is equal for two instances exactly if they represent the same row."""
        return self.row_identity(self.take_key(row))

    def row_identity(self, key: Sequence[Any]) -> Hashable:
        """Return the result of `key_identity` for an instance with these primary key values.

        Partitions differ by the bytes of their keys, rows of a partition by the order of the clustering columns, in
        which the decimals 1.0 and 1.00 are equal. The values of a partition key alone give the identity of the
        partition.
        """
        columns, count = self._cache.columns, len(self.partition_key)
        forms = [
            stored_form(columns[name].identity, value) if position < count else cell_form(columns[name].identity, value)
            for position, (name, value) in enumerate(zip(self.key, key, strict=False))
        ]
        return (*self._table, *forms)

    def delete(self, row: M, *, if_exists: bool = False, timestamp: int | None = None) -> CompiledStatement[Any]:
        """Return the statement that deletes the row of an instance; raises the errors of `stored_key`."""
        return self.delete_key(self.stored_key(row), if_exists=if_exists, timestamp=timestamp)

    def delete_key(
        self, key: tuple[Any, ...], *, if_exists: bool = False, timestamp: int | None = None
    ) -> CompiledStatement[Any]:
        """Return the statement that deletes the row with this key."""
        template = self._template(
            ("delete", if_exists, timestamp is None),
            lambda: Delete[Any, None](
                cast("Any", self.model),
                conditions=self._conditions(self.key),
                only_if_exists=if_exists,
                write_timestamp=timestamp,
            ).compile(self.keyspace),
        )
        return CompiledStatement(template, key if timestamp is None else (check_timestamp(timestamp), *key))

    def _template(self, key: Any, make: Callable[[], CompiledStatement[Any]]) -> StatementTemplate[Any]:
        return self._cache.template((self.keyspace, *key), lambda: make().template)


def _class_value(model: type, key: Collection[str]) -> dict[str, Any]:
    """Return the discriminator value of a class if it is part of the key, so that callers need not pass it."""
    class_condition = cache_for(model).class_condition
    if (
        class_condition is None
        or class_condition.operator != "="
        or not isinstance(class_condition.target, ColumnTarget)
        or class_condition.target.column not in key
    ):
        return {}
    return {class_condition.target.column: class_condition.value}


def statements_for(model: type[M], keyspace: str | None) -> InstanceStatements[M]:
    """Return the statements for a model in a keyspace, created once.

    Raises:
        TypeError: the argument is not a model.
    """
    statements: InstanceStatements[M] | None = cached_statements(model, keyspace)
    if statements is not None:
        return statements
    if not getattr(model, "__columns__", None):
        raise TypeError(f"expected a model or an instance of one, got {model!r}")
    return cache_for(model).add_statements(keyspace, InstanceStatements(model, keyspace))


def _target_key(target: Any) -> str:
    """Return the changed column, element or field as text, for the cache of templates."""
    return target.column if type(target) is ColumnTarget else str(target)


def _extractors(columns: Mapping[str, Any], key: Collection[str], partition: Collection[str]) -> tuple[Any, ...]:
    """Return functions that extract an instance's values for a new row, all values, the key, and the partition key."""
    key_columns = ({name: columns[name] for name in names} for names in (key, partition))
    return (
        _extractor(columns, key),
        _extractor(columns, key, nulls=True),
        *(_extractor(selected, key) for selected in key_columns),
    )


def _extractor(
    columns: Mapping[str, Any], key: Collection[str], *, nulls: bool = False
) -> Callable[[Any], tuple[Any, ...]]:
    """Return a function that extracts the values of an instance.

    Parameters:
        key: columns whose values are never unset.
        nulls: whether None and empty collections of other columns are kept; otherwise they are unset.
    """
    lines = [
        f"        {_extract_expression(position, column, keeps_nulls=nulls or name in key)},"
        for position, (name, column) in enumerate(columns.items())
    ]
    unset = None if nulls else UNSET
    scope: dict[str, Any] = {
        f"null{position}": partial(_null_or_error, column, unset) for position, column in enumerate(columns.values())
    }
    scope["U"] = UNSET
    return define_function(
        ["def values(row):", "    return (", *lines, "    )"], "values", "values of an instance", scope
    )


def _extract_expression(position: int, column: Any, *, keeps_nulls: bool) -> str:
    """Return the expression that extracts a value, as source code."""
    if excludes_null(column):
        return f"(null{position}(row) if (v := row.{column.name}) is None else v)"
    if keeps_nulls:
        return f"row.{column.name}"
    if is_empty_collection(column.type_mapping.type, ()):
        return f"(v if (v := row.{column.name}) else U)"
    return f"(U if (v := row.{column.name}) is None else v)"


def _null_or_error(column: Any, unset: Any, row: Any) -> Any:
    """Return the replacement of a None in a column whose type excludes it; raises the errors of `check_null`."""
    check_null(row, column)
    return unset
