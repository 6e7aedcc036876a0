"""What was worked out once about a class, kept with the class: names, markers, types inside of columns, shapes.

It hangs on the class itself and so goes with it: a cache of ours that held classes would keep those that a function
made, and their tables, for ever.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final, TypeVar, cast

from scyllamodel._identifiers import quote
from scyllamodel.model.column import Column
from scyllamodel.model.expression import ColumnTarget, Condition
from scyllamodel.model.family import CACHE_ATTRIBUTE, Root, root_of
from scyllamodel.query.statement import Marker, StatementTemplate

T = TypeVar("T")

_namespace: Final[Callable[[Any], Mapping[str, Any]]] = vars(type)["__dict__"].__get__
"""The namespace of a class, past its metaclass, whose look-up is in Python."""

MAX_ENTRIES: Final = 20_000
"""Shapes of one class; thousands of tenants have each their own, since the keyspace is in the text."""


class ModelCache:
    """All of one class.

    Attributes:
        columns: by the names of their attributes, in the order in which rows are loaded.
        names: those of the columns as CQL reads them.
        markers: for a value of each column.
        selected_columns: what a select of it reads: its columns, and those of its subclasses in the same table.
        selection: their names as CQL reads them.
        load: a row of the selection to an instance, or to None where the row is of none of its classes.
        class_condition: the condition that finds the rows of its classes in a table that others share.
        templates: by text and whatever else tells them apart.
        statements: how its instances are read and written, by keyspace.
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
        """Whatever else is worked out once."""
        if key not in self._computed:
            self._computed[key] = make()
        return cast("T", self._computed[key])

    def template(self, key: Hashable, make: Callable[[], StatementTemplate[Any]]) -> StatementTemplate[Any]:
        """The one shape under this key, made now if it is new; the oldest goes when there are too many."""
        template = self.templates.get(key)
        if template is None:
            template = _store(self.templates, key, make())
        return template

    def add_statements(self, keyspace: str | None, statements: T) -> T:
        """The one access to this keyspace; the oldest goes when there are too many."""
        return cast("T", _store(self.statements, keyspace, statements))


def _store(entries: dict[Any, T], key: Hashable, created: T) -> T:
    """What stands under this key, which is what was made unless another thread was faster."""
    if len(entries) >= MAX_ENTRIES:
        with contextlib.suppress(KeyError):  # another thread has just given it up
            del entries[next(iter(entries))]
    return entries.setdefault(key, created)


def _columns(model: type) -> Mapping[str, Column[Any]]:
    return cast("Mapping[str, Column[Any]]", getattr(model, "__columns__"))  # noqa: B009 - a bare type has none


def _lone_partition_key(columns: Mapping[str, Column[Any]]) -> list[str]:
    """The column that is a whole partition key, which servers refuse when it is empty; parts of one may be empty."""
    names = [name for name, column in columns.items() if column.spec.kind == "partition_key"]
    return names if len(names) == 1 else []


def _subclasses_by_value(model: type) -> dict[Any, type]:
    """The classes of a family that are this one or derived from it, by their values."""
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
    """A function that takes each row to the class of its value, with that class's columns of the row."""
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


def cache_for(model: type) -> ModelCache:
    """What is known of this very class."""
    cache: ModelCache | None = _namespace(model).get(CACHE_ATTRIBUTE)
    if cache is None:
        cache = ModelCache(model)
        type.__setattr__(model, CACHE_ATTRIBUTE, cache)
    return cache


def cached_statements(model: type, keyspace: str | None) -> Any:
    """The access of a model to a keyspace if it was made already; None otherwise, and for what is not a model."""
    try:
        return _namespace(model)[CACHE_ATTRIBUTE].statements.get(keyspace)
    except (TypeError, KeyError):  # not a class, or the first access
        return None
