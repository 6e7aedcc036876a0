"""The models and views that are alive, by the place where they were written.

It knows nothing of them but their names, and does not keep them alive: a class that nobody holds any more, such as one
made inside a test, goes. A module that is reloaded replaces its own classes.
"""

from __future__ import annotations

import itertools
import sys
import threading
import weakref
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import attrs

Place: TypeAlias = tuple[str, str]
"""Module and qualified name."""


@attrs.frozen(eq=False)
class _Entry:
    """A class, its place in the order of definition, and the run of its module that made it."""

    cls: weakref.ref[type[Any]]
    number: int
    run: object


class Registry:
    """A set of classes with one class for each place; safe across threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._places: dict[Place, dict[str, _Entry]] = {}

    def add(self, cls: type[Any], table: str) -> None:
        """Take a class in, in place of an earlier one from the same lines.

        Parameters:
            cls: a model or view.
            table: its table or view. A loop or a function may make one class several times over, for different tables,
                and all of them count; a reload of the module replaces them all.
        """
        place, run = (cls.__module__, cls.__qualname__), _run_of(cls)
        with self._lock:
            entries = {} if _is_rerun(run, found := self._places.get(place, {})) else found
            reference = weakref.ref(cls, lambda gone: self._forget(place, table, gone))
            entries[table] = _Entry(reference, next(self._numbers), run)
            self._places[place] = entries

    def _forget(self, place: Place, table: str, gone: weakref.ref[type[Any]]) -> None:
        # Called by the garbage collector, which may run while this very thread holds the lock: single dict operations
        # are atomic, and a lock here could wait for itself.
        entries = self._places.get(place, {})
        entry = entries.get(table)
        if entry is not None and entry.cls is gone:
            entries.pop(table, None)

    def __iter__(self) -> Iterator[type[Any]]:
        """The live classes in order of definition."""
        with self._lock:
            entries = [entry for found in list(self._places.values()) for entry in list(found.values())]
        classes = (entry.cls() for entry in sorted(entries, key=lambda entry: entry.number))
        return iter([cls for cls in classes if cls is not None])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, cls: type[Any]) -> bool:
        return any(found is cls for found in self)


def _run_of(cls: type[Any]) -> object:
    """What is new each time the module is imported or reloaded; None where it runs piece by piece, as in a REPL."""
    if "<locals>" in cls.__qualname__:
        return registry  # a function makes its classes whenever it is called
    return getattr(sys.modules.get(cls.__module__), "__spec__", None)


def _is_rerun(run: object, entries: dict[str, _Entry]) -> bool:
    """Whether lines that made these classes run again, rather than go on making more of them."""
    return run is None or any(entry.run is not run for entry in entries.values())


registry: Final = Registry()
"""Every concrete model and view of this process."""
