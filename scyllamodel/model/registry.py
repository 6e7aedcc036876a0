"""A registry of the live models, views and user types, by location in the source.

It uses only their names. A class lives as long as its module, even if a loop of the module defines more classes of the
name; a class created in a function, such as a test, lives as long as it is referenced. A reloaded module replaces its
own classes.
"""

from __future__ import annotations

import inspect
import itertools
import sys
import threading
import weakref
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Final, TypeAlias

import attrs

ClassLocation: TypeAlias = tuple[str, str]
"""Module and qualified name."""


@attrs.frozen(eq=False)
class _Entry:
    """A class, its number in the order of definition, and the execution of its module that created it."""

    cls: weakref.ref[type[Any]]
    number: int
    execution: object


class Registry:
    """A thread-safe set of classes by location.

    Attributes:
        generation: a number that changes when a class is added or removed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self.generation = 0
        self._entries: dict[ClassLocation, dict[str, _Entry]] = {}
        self._strong_references: weakref.WeakKeyDictionary[ModuleType, dict[ClassLocation, dict[str, type[Any]]]]
        self._strong_references = weakref.WeakKeyDictionary()

    def add(self, cls: type[Any], table: str) -> None:
        """Add a class, which replaces an earlier one with the same location and table.

        Parameters:
            cls: a model, view or user type.
            table: the CQL name. A loop or a function may create a class several times for different tables, and all of
                them are registered; a reload of the module replaces them all.
        """
        place, run = (cls.__module__, cls.__qualname__), _execution_of(cls)
        with self._lock:
            current = self._entries.get(place, {})
            entries = {} if _is_reload(run, current) else current
            self._keep(cls, place, table, is_reloaded=entries is not current)
            reference = weakref.ref(cls, lambda dead: self._forget(place, table, dead))
            entries[table] = _Entry(reference, next(self._numbers), run)
            self._entries[place] = entries
            self.generation += 1

    def touch(self) -> None:
        """Increase the generation after a change of the facts of a class."""
        with self._lock:
            self.generation += 1

    def _keep(self, cls: type[Any], place: ClassLocation, table: str, *, is_reloaded: bool) -> None:
        module = sys.modules.get(cls.__module__)
        if module is not None and "<locals>" not in cls.__qualname__:
            strong_references = self._strong_references.setdefault(module, {})
            strong_references[place] = {**({} if is_reloaded else strong_references.get(place, {})), table: cls}

    def _forget(self, place: ClassLocation, table: str, reference: weakref.ref[type[Any]]) -> None:
        # Called by the garbage collector, possibly while this thread holds the lock: single dict operations
        # are atomic, and a lock here could deadlock.
        entries = self._entries.get(place, {})
        entry = entries.get(table)
        if entry is not None and entry.cls is reference:
            entries.pop(table, None)
            self.generation += 1

    def __iter__(self) -> Iterator[type[Any]]:
        """Iterate over the live classes in the order of definition."""
        with self._lock:
            entries = [entry for by_table in list(self._entries.values()) for entry in list(by_table.values())]
        classes = (entry.cls() for entry in sorted(entries, key=lambda entry: entry.number))
        return iter([cls for cls in classes if cls is not None])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, cls: type[Any]) -> bool:
        return any(registered is cls for registered in self)


def _execution_of(cls: type[Any]) -> object:
    """Return an object that is new each time the code of the class runs: on import, or in another notebook cell."""
    if "<locals>" in cls.__qualname__:
        return registry  # a function creates its classes on each call
    module_spec = getattr(sys.modules.get(cls.__module__), "__spec__", None)
    return _running_code(cls.__module__) if module_spec is None else module_spec


def _running_code(module: str) -> object:
    """Return the running code of a module that was not imported: a script, or one statement of a session."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__") != module:
        frame = frame.f_back
    return None if frame is None else frame.f_code


def _is_reload(execution: object, entries: dict[str, _Entry]) -> bool:
    """Whether the code of these classes runs again, rather than creating more classes in the same execution."""
    return execution is None or any(entry.execution is not execution for entry in entries.values())


registry: Final = Registry()
"""All concrete models and views of this process."""

declared_types: Final = Registry()
"""All user types of this process."""
