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
from scyllamodel.model.family import MEMORY, Head, head_of
from scyllamodel.query.statement import Marker, Shape

T = TypeVar("T")

_namespace: Final[Callable[[Any], Mapping[str, Any]]] = vars(type)["__dict__"].__get__
"""The namespace of a class, past its metaclass, whose look-up is in Python."""

LIMIT: Final = 20_000
"""Shapes of one class; thousands of tenants have each their own, since the keyspace is in the text."""


class Memory:
    """All of one class.

    Attributes:
        columns: by the names of their attributes, in the order in which rows are loaded.
        names: those of the columns as CQL reads them.
        markers: for a value of each column.
        fields: what a select of it reads: its columns, and those of its subclasses in the same table.
        selection: their names as CQL reads them.
        load: a row of the selection to an instance, or to None where the row is of none of its classes.
        own: the condition that finds the rows of its classes in a table that others share.
        shapes: by text and whatever else tells them apart.
        access: how its instances are read and written, by keyspace.
    """

    __slots__ = ("_others", "access", "columns", "fields", "load", "markers", "names", "own", "selection", "shapes")

    def __init__(self, model: type) -> None:
        self.columns = _columns(model)
        self.names = {name: quote(column.db_name) for name, column in self.columns.items()}
        only = _lone_partition_key(self.columns)
        self.markers = {
            name: Marker(
                repr(column),
                column.hint.type,
                column.hint.dump,
                column.show,
                required=column.spec.kind in ("partition_key", "clustering"),
                filled=name in only,
            )
            for name, column in self.columns.items()
        }
        kin = _kin(model)
        self.own = _own(model, kin)
        self.load: Callable[[Sequence[Any]], Any] = getattr(model, "__load__")  # noqa: B009
        found = dict(self.columns)
        for cls in kin.values():
            found.update((name, column) for name, column in _columns(cls).items() if name not in found)
        self.fields = tuple(found.values())
        self.selection = ", ".join(quote(column.db_name) for column in self.fields)
        if kin:
            self.load = _family_load(model, kin, list(found))
        self.shapes: dict[Hashable, Shape[Any]] = {}
        self.access: dict[str | None, Any] = {}
        self._others: dict[Hashable, Any] = {}

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Whatever else is worked out once."""
        if key not in self._others:
            self._others[key] = make()
        return cast("T", self._others[key])

    def shape(self, key: Hashable, make: Callable[[], Shape[Any]]) -> Shape[Any]:
        """The one shape under this key, made now if it is new; the oldest goes when there are too many."""
        found = self.shapes.get(key)
        if found is None:
            found = _kept(self.shapes, key, make())
        return found

    def reach(self, keyspace: str | None, made: T) -> T:
        """The one access to this keyspace; the oldest goes when there are too many."""
        return cast("T", _kept(self.access, keyspace, made))


def _kept(among: dict[Any, T], key: Hashable, made: T) -> T:
    """What stands under this key, which is what was made unless another thread was faster."""
    if len(among) >= LIMIT:
        with contextlib.suppress(KeyError):  # another thread has just given it up
            del among[next(iter(among))]
    return among.setdefault(key, made)


def _columns(model: type) -> Mapping[str, Column[Any]]:
    return cast("Mapping[str, Column[Any]]", getattr(model, "__columns__"))  # noqa: B009 - a bare type has none


def _lone_partition_key(columns: Mapping[str, Column[Any]]) -> list[str]:
    """The column that is a whole partition key, which servers refuse when it is empty; parts of one may be empty."""
    found = [name for name, column in columns.items() if column.spec.kind == "partition_key"]
    return found if len(found) == 1 else []


def _kin(model: type) -> dict[Any, type]:
    """The classes of a family that are this one or derived from it, by their values."""
    head = head_of(model)
    family = {} if head is None else cast("Head", head).__family__
    return {value: cls for value, cls in family.items() if issubclass(cls, model)}


def _own(model: type, kin: Mapping[Any, type]) -> Condition | None:
    head = head_of(model)
    if head is None or head is model:
        return None
    target = ColumnTarget(model, cast("Head", head).__discriminator__)
    values = tuple(kin)
    return Condition(target, "=", values[0]) if len(values) == 1 else Condition(target, "IN", values)


def _family_load(model: type, kin: Mapping[Any, type], names: list[str]) -> Callable[[Sequence[Any]], Any]:
    """A function that takes each row to the class of its value, with that class's columns of the row."""
    head = cast("Head", head_of(model))
    column = _columns(model)[head.__discriminator__]
    where, load = names.index(column.name), column.hint.load
    loaders = {value: _picked(cls, names) for value, cls in kin.items()}
    other = _picked(model, names) if model is cast("type", head) else None

    def loaded(row: Sequence[Any]) -> Any:
        value = row[where] if load is None or row[where] is None else load(row[where])
        found = loaders.get(value, other)
        return None if found is None else found(row)

    return loaded


def _picked(cls: type, names: list[str]) -> Callable[[Sequence[Any]], Any]:
    load: Callable[[Sequence[Any]], Any] = getattr(cls, "__load__")  # noqa: B009 - a bare type has none
    at = [names.index(name) for name in _columns(cls)]
    return lambda row: load(tuple([row[index] for index in at]))


def memory_of(model: type) -> Memory:
    """What is known of this very class."""
    found: Memory | None = _namespace(model).get(MEMORY)
    if found is None:
        found = Memory(model)
        type.__setattr__(model, MEMORY, found)
    return found


def known_access(model: type, keyspace: str | None) -> Any:
    """The access of a model to a keyspace if it was made already; None otherwise, and for what is not a model."""
    try:
        return _namespace(model)[MEMORY].access.get(keyspace)
    except (TypeError, KeyError):  # not a class, or the first access
        return None
