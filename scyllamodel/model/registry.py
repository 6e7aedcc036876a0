"""The models, views and user types that are alive, by the place where they were written.

It knows nothing of them but their names. A class lives as long as its module, also when a loop of the module has gone
on to the next one; a class that a function made, such as a test, lives as long as somebody holds it. A module that is
reloaded replaces its own classes.
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
    """A class, its place in the order of definition, and the run of its module that made it."""

    cls: weakref.ref[type[Any]]
    number: int
    execution: object


class Registry:
    """A set of classes with one class for each place; safe across threads.

    Attributes:
        generation: another number whenever a class came or went.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self.generation = 0
        self._entries: dict[ClassLocation, dict[str, _Entry]] = {}
        self._strong_references: weakref.WeakKeyDictionary[ModuleType, dict[ClassLocation, dict[str, type[Any]]]]
        self._strong_references = weakref.WeakKeyDictionary()

    def add(self, cls: type[Any], table: str) -> None:
        """Take a class in, in place of an earlier one from the same lines.

        Parameters:
            cls: a model, view or user type.
            table: its name in CQL. A loop or a function may make one class several times over, for different tables,
                and all of them count; a reload of the module replaces them all.
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
        """A class has got other facts."""
        with self._lock:
            self.generation += 1

    def _keep(self, cls: type[Any], place: ClassLocation, table: str, *, is_reloaded: bool) -> None:
        module = sys.modules.get(cls.__module__)
        if module is not None and "<locals>" not in cls.__qualname__:
            strong_references = self._strong_references.setdefault(module, {})
            strong_references[place] = {**({} if is_reloaded else strong_references.get(place, {})), table: cls}

    def _forget(self, place: ClassLocation, table: str, reference: weakref.ref[type[Any]]) -> None:
        # Called by the garbage collector, which may run while this very thread holds the lock: single dict operations
        # are atomic, and a lock here could wait for itself.
        entries = self._entries.get(place, {})
        entry = entries.get(table)
        if entry is not None and entry.cls is reference:
            entries.pop(table, None)
            self.generation += 1

    def __iter__(self) -> Iterator[type[Any]]:
        """The live classes in order of definition."""
        with self._lock:
            entries = [entry for by_table in list(self._entries.values()) for entry in list(by_table.values())]
        classes = (entry.cls() for entry in sorted(entries, key=lambda entry: entry.number))
        return iter([cls for cls in classes if cls is not None])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, cls: type[Any]) -> bool:
        return any(registered is cls for registered in self)


def _execution_of(cls: type[Any]) -> object:
    """What is new each time the lines that make the class run again: when a module is imported, a cell entered."""
    if "<locals>" in cls.__qualname__:
        return registry  # a function makes its classes whenever it is called
    module_spec = getattr(sys.modules.get(cls.__module__), "__spec__", None)
    return _running_code(cls.__module__) if module_spec is None else module_spec


def _running_code(module: str) -> object:
    """The code that runs in a module that was not imported: a script, or one piece typed in a session."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__") != module:
        frame = frame.f_back
    return None if frame is None else frame.f_code


def _is_reload(execution: object, entries: dict[str, _Entry]) -> bool:
    """Whether lines that made these classes run again, rather than go on making more of them."""
    return execution is None or any(entry.execution is not execution for entry in entries.values())


registry: Final = Registry()
"""Every concrete model and view of this process."""

declared_types: Final = Registry()
"""Every user type of this process."""
