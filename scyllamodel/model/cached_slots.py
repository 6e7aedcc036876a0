"""Support for ``functools.cached_property`` on slotted classes, which have no ``__dict__`` for its value.

Each property has its own slot, which is read, assigned and deleted as with `functools`. Other attributes of the class
are as fast as before, since ``__getattr__`` is not involved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from scyllamodel.model._codegen import slot_of
from scyllamodel.model.class_data import namespace_of


class CachedSlot:
    """A `cached_property` whose value is in a slot.

    Parameters:
        cached: the property of the class body.
        slot: the descriptor of the slot.
    """

    def __init__(self, cached: cached_property[Any], slot: Any) -> None:
        self.func, self.slot = cached.func, slot
        self.__doc__ = cached.__doc__

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Return the value, computed on first use."""
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
    """Return the slots for the cached properties of a class and of its bases, without the existing ones."""
    bases = list(map(namespace_of, ancestors))
    names = {name for body in [namespace, *bases] for name, value in body.items() if isinstance(value, cached_property)}
    return tuple(sorted(slot for slot in map(_slot_name, names) if not any(slot in base for base in bases)))


def install_cached_slots(cls: type) -> None:
    """Replace each cached property of a class by a `CachedSlot`."""
    attributes: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        attributes.update(namespace_of(base))
    for name, attribute in attributes.items():
        if attribute.__class__ is cached_property:
            type.__setattr__(cls, name, CachedSlot(attribute, slot_of(cls, _slot_name(name))))


def _slot_name(name: str) -> str:
    return f"__cached_{name}__"
