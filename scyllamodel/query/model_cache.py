"""The cache of a model class: names, markers, element types and statement templates that are computed once.

In: a model class. Out: its `ModelCache`, which lives as long as the class and its facts.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final, TypeVar, cast

from scyllamodel._identifiers import quote
from scyllamodel.model.class_data import ClassData, namespace_of
from scyllamodel.model.column import Column
from scyllamodel.model.expression import ColumnTarget, Condition
from scyllamodel.model.single_table import Root, root_of
from scyllamodel.query.statement import Marker, StatementTemplate

T = TypeVar("T")

MAX_ENTRIES: Final = 20_000
"""The maximum number of templates of one class: with thousands of tenants each has its own, as the text has the
keyspace.
"""


class ModelCache:
    """The cached data of one class.

    Attributes:
        columns: the columns by attribute, in the order in which rows are loaded.
        names: the quoted CQL names of the columns.
        markers: the bind markers of the columns.
        selected_columns: what a select of it reads: its columns, and those of its subclasses in the same table.
        selection: the quoted CQL names of ``fields``.
        load: converts a row of the selection to an instance, or to None if the row belongs to another class.
        class_condition: the condition that selects the rows of the class in a shared table.
        templates: the statement templates, by text and other distinguishing values.
        statements: the statements that read and write instances, by keyspace.
    """

    __slots__ = (
        "_computed",
        "class_condition",
        "columns",
        "load",
        "markers",
        "names",
        "selected_columns",
        "selection",
        "statements",
        "templates",
    )

    def __init__(self, model: type) -> None:
        self.columns = _columns(model)
        self.names = {name: quote(column.db_name) for name, column in self.columns.items()}
        lone_key = _lone_partition_key(self.columns)
        self.markers = {
            name: Marker(
                repr(column),
                column.type_mapping.type,
                column.type_mapping.dump,
                column.show,
                required=column.spec.kind in ("partition_key", "clustering"),
                not_empty=name in lone_key,
            )
            for name, column in self.columns.items()
        }
        subclasses = _subclasses_by_value(model)
        self.class_condition = _class_condition(model, subclasses)
        self.load: Callable[[Sequence[Any]], Any] = getattr(model, "__load__")  # noqa: B009
        all_columns = dict(self.columns)
        for cls in subclasses.values():
            all_columns.update((name, column) for name, column in _columns(cls).items() if name not in all_columns)
        self.selected_columns = tuple(all_columns.values())
        self.selection = ", ".join(quote(column.db_name) for column in self.selected_columns)
        if subclasses:
            self.load = _discriminating_loader(model, subclasses, list(all_columns))
        self.templates: dict[Hashable, StatementTemplate[Any]] = {}
        self.statements: dict[str | None, Any] = {}
        self._computed: dict[Hashable, Any] = {}

    def computed(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return a cached value, computed on first use."""
        if key not in self._computed:
            self._computed[key] = make()
        return cast("T", self._computed[key])

    def template(self, key: Hashable, make: Callable[[], StatementTemplate[Any]]) -> StatementTemplate[Any]:
        """Return the template under this key, created on first use; the oldest is removed if there are too many."""
        template = self.templates.get(key)
        if template is None:
            template = _store(self.templates, key, make())
        return template

    def add_statements(self, keyspace: str | None, statements: T) -> T:
        """Return the cached statements for this keyspace; the oldest is removed if there are too many."""
        return cast("T", _store(self.statements, keyspace, statements))


def _store(entries: dict[Any, T], key: Hashable, created: T) -> T:
    """Return the value under this key: the new one, unless another thread was faster."""
    if len(entries) >= MAX_ENTRIES:
        with contextlib.suppress(KeyError):  # another thread has just removed it
            del entries[next(iter(entries))]
    return entries.setdefault(key, created)


def _columns(model: type) -> Mapping[str, Column[Any]]:
    return cast("Mapping[str, Column[Any]]", getattr(model, "__columns__"))  # noqa: B009 - a bare type has none


def _lone_partition_key(columns: Mapping[str, Column[Any]]) -> list[str]:
    """Return the only partition key column, which servers refuse if empty; columns of a composite key may be empty."""
    names = [name for name, column in columns.items() if column.spec.kind == "partition_key"]
    return names if len(names) == 1 else []


def _subclasses_by_value(model: type) -> dict[Any, type]:
    """Return this class and its subclasses in the same table, by discriminator value."""
    root = root_of(model)
    classes = {} if root is None else cast("Root", root).__family__
    return {value: cls for value, cls in classes.items() if issubclass(cls, model)}


def _class_condition(model: type, subclasses: Mapping[Any, type]) -> Condition | None:
    root = root_of(model)
    if root is None or root is model:
        return None
    target = ColumnTarget(model, cast("Root", root).__discriminator__)
    values = tuple(subclasses)
    return Condition(target, "=", values[0]) if len(values) == 1 else Condition(target, "IN", values)


def _discriminating_loader(
    model: type, subclasses: Mapping[Any, type], names: list[str]
) -> Callable[[Sequence[Any]], Any]:
    """Return a function that loads each row as the class of its discriminator, with the columns of that class."""
    root = cast("Root", root_of(model))
    column = _columns(model)[root.__discriminator__]
    discriminator_position, load = names.index(column.name), column.type_mapping.load
    loaders = {value: _column_loader(cls, names) for value, cls in subclasses.items()}
    root_loader = _column_loader(model, names) if model is cast("type", root) else None

    def loaded(row: Sequence[Any]) -> Any:
        value = (
            row[discriminator_position]
            if load is None or row[discriminator_position] is None
            else load(row[discriminator_position])
        )
        loader = loaders.get(value, root_loader)
        return None if loader is None else loader(row)

    return loaded


def _column_loader(cls: type, names: list[str]) -> Callable[[Sequence[Any]], Any]:
    load: Callable[[Sequence[Any]], Any] = getattr(cls, "__load__")  # noqa: B009 - a bare type has none
    positions = [names.index(name) for name in _columns(cls)]
    return lambda row: load(tuple([row[index] for index in positions]))


cache_for: Final = ClassData("__query__", ModelCache)
"""Returns the cache of a class; subclasses have their own."""


def cached_statements(model: type, keyspace: str | None) -> Any:
    """Return the cached statements of a model for a keyspace; None if there are none yet, or if this is not a model."""
    try:
        return namespace_of(model)["__query__"].statements.get(keyspace)
    except (TypeError, KeyError):  # not a class, or the first use
        return None
