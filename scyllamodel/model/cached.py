"""``functools.cached_property`` on classes with slots, which have no ``__dict__`` to keep its value in.

Each gets a slot of its own. It is read, assigned and deleted like the one of `functools`; other attributes of the class
are read as fast as without it, since no ``__getattr__`` is involved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from scyllamodel.model._codegen import slot_of


class CachedSlot:
    """A `cached_property` whose value is in a slot.

    Parameters:
        cached: what the class body has.
        slot: the descriptor of the slot.
    """

    def __init__(self, cached: cached_property[Any], slot: Any) -> None:
        self.func, self.slot = cached.func, slot
        self.__doc__ = cached.__doc__

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """The value, worked out when it is asked for the first time."""
        if instance is None:
            return self
        try:
            return self.slot.__get__(instance)
        except AttributeError:
            pass
        value = self.func(instance)
        self.slot.__set__(instance, value)
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        self.slot.__set__(instance, value)

    def __delete__(self, instance: Any) -> None:
        self.slot.__delete__(instance)


def cached_slot_names(namespace: Mapping[str, Any], ancestors: Iterable[type]) -> tuple[str, ...]:
    """The slots that a class needs for its cached properties and those of bases that are not made yet."""
    bases = list(ancestors)
    bodies = [namespace, *map(vars, bases)]
    names = {name for body in bodies for name, value in body.items() if isinstance(value, cached_property)}
    return tuple(sorted(slot for slot in map(_slot_name, names) if not any(slot in vars(base) for base in bases)))


def install_cached_slots(cls: type) -> None:
    """Put a `CachedSlot` in the place of each cached property of a class that has the slots."""
    for name in {name for base in cls.__mro__ for name in vars(base)}:
        attribute: Any = next(vars(base)[name] for base in cls.__mro__ if name in vars(base))
        if attribute.__class__ is cached_property:
            cached: cached_property[Any] = attribute
            type.__setattr__(cls, name, CachedSlot(cached, slot_of(cls, _slot_name(name))))


def _slot_name(name: str) -> str:
    return f"__cached_{name}__"
