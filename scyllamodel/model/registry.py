"""The models and views that are alive, by the place where they were written.

It knows nothing of them but their names, and does not keep them alive: a class that nobody holds any more, such as one
made inside a test, goes. A module that is reloaded replaces its own classes.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

Place: TypeAlias = tuple[str, ...]


class Registry:
    """A set of classes with one class for each place; safe across threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._classes: dict[Place, weakref.ref[type[Any]]] = {}

    def add(self, cls: type[Any], table: str) -> None:
        """Take a class in, in place of an earlier one from the same lines.

        Parameters:
            cls: a model or view.
            table: its table or view. A function may define one class several times over, for different tables, and all
                of them count.
        """
        place = _place(cls, table)
        with self._lock:
            self._classes.pop(place, None)  # a redefinition goes to the end
            self._classes[place] = weakref.ref(cls, lambda gone: self._forget(place, gone))

    def _forget(self, place: Place, gone: weakref.ref[type[Any]]) -> None:
        # Called by the garbage collector, which may run while this very thread holds the lock: single dict operations
        # are atomic, and a lock here could wait for itself.
        if self._classes.get(place) is gone:
            self._classes.pop(place, None)

    def __iter__(self) -> Iterator[type[Any]]:
        """The live classes in order of definition."""
        with self._lock:
            references = list(self._classes.values())
        return iter([cls for cls in (reference() for reference in references) if cls is not None])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, cls: type[Any]) -> bool:
        return any(found is cls for found in self)


def _place(cls: type[Any], table: str) -> Place:
    if "<locals>" in cls.__qualname__:
        return cls.__module__, cls.__qualname__, table
    return cls.__module__, cls.__qualname__


registry: Final = Registry()
"""Every concrete model and view of this process."""
