"""Data that is computed once for a class, on first use, and stored in the class, with which it is freed.

A global cache would keep classes that are created in functions, and their tables, alive. What is computed from the
facts of a class is forgotten when they change: a subclass joins the table of its root, or a test moves a class to
another keyspace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeVar, cast

T = TypeVar("T")

namespace_of: Final[Callable[[Any], Mapping[str, Any]]] = vars(type)["__dict__"].__get__
"""The namespace of a class; this bypasses its metaclass, whose attribute lookup is slow."""

_attributes: Final = list[str]()
"""The attributes of all `ClassData`."""


class ClassData(Generic[T]):
    """A value of each class, computed from its facts. Subclasses have their own.

    Parameters:
        attribute: the name under which a class stores it.
        compute: makes it; if two threads do, either result is used.
    """

    def __init__(self, attribute: str, compute: Callable[[type], T]) -> None:
        self._attribute, self._compute = attribute, compute
        _attributes.append(attribute)

    def __call__(self, cls: type) -> T:
        """Return the value of a class."""
        value = namespace_of(cls).get(self._attribute)
        if value is None:
            value = self._compute(cls)
            type.__setattr__(cls, self._attribute, value)
        return cast("T", value)


def forget_class_data(cls: type) -> None:
    """Delete the data of a class and its subclasses, after a change of its facts."""
    for attribute in _attributes:
        if attribute in namespace_of(cls):
            type.__delattr__(cls, attribute)
    derived: type
    for derived in type.__subclasses__(cls):
        forget_class_data(derived)


class LazyAttribute(Generic[T]):
    """A class attribute that is computed on first access, and then replaced by its value.

    Every class needs its own, since the value of a base class would be inherited. It holds a function and its
    arguments, and not a closure: programs have thousands, and the garbage collector visits each part of a closure.

    Parameters:
        owner: the class.
        name: the attribute.
        make: computes the value from the class and the arguments.
    """

    __slots__ = ("arguments", "make", "name", "owner")

    def __init__(self, owner: type, name: str, make: Callable[..., T], *arguments: Any) -> None:
        self.owner, self.name, self.make, self.arguments = owner, name, make, arguments

    def __get__(self, instance: object, owner: type) -> Any:
        """Return the computed value; if two threads compute it, either result is used."""
        value: Any = self.make(self.owner, *self.arguments)
        type.__setattr__(self.owner, self.name, value)
        return value.__get__(instance, owner) if hasattr(value, "__get__") else value
