"""What was worked out once about a class, kept with the class: names, markers, types inside of columns, shapes.

It hangs on the class itself and so goes with it: a cache of ours that held classes would keep those that a function
made, and their tables, for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, Final, TypeVar, cast

from scyllamodel._identifiers import quote
from scyllamodel.model.column import Column
from scyllamodel.query.statement import Marker, Shape

T = TypeVar("T")

LIMIT: Final = 20_000
"""Shapes of one class; thousands of tenants have each their own, since the keyspace is in the text."""

_PLACE: Final = "__query__"


class Memory:
    """All of one class.

    Attributes:
        columns: by the names of their attributes, in the order in which rows are loaded.
        names: those of the columns as CQL reads them.
        markers: for a value of each column.
        selection: all names, as a select lists them.
        shapes: by text and whatever else tells them apart.
    """

    __slots__ = ("_others", "columns", "markers", "names", "selection", "shapes")

    def __init__(self, model: type) -> None:
        self.columns = cast("Mapping[str, Column[Any]]", getattr(model, "__columns__"))  # noqa: B009
        self.names = {name: quote(column.db_name) for name, column in self.columns.items()}
        self.markers = {
            name: Marker(repr(column), column.hint.type, column.hint.dump, column.spec.redact)
            for name, column in self.columns.items()
        }
        self.selection = ", ".join(self.names.values())
        self.shapes: dict[Hashable, Shape[Any]] = {}
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
            made = make()
            if len(self.shapes) >= LIMIT:
                del self.shapes[next(iter(self.shapes))]
            found = self.shapes.setdefault(key, made)
        return found


def memory_of(model: type) -> Memory:
    """What is known of this very class."""
    found = model.__dict__.get(_PLACE)
    if found is None:
        found = Memory(model)
        type.__setattr__(model, _PLACE, found)
    return cast("Memory", found)
