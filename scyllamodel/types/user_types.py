"""Values of user types: conversion between the driver's value, an instance of the class, and a tuple for the driver.

The class is defined in a higher package and recognized by its attributes: ``__cql_name__``, ``__fields_by_cql__`` (the
CQL names of the fields, in the order of declaration), ``__load__(values)`` and ``__bind__()``. ``__hashable__ = False``
declares that its instances cannot be hashed.

A server may have more fields than the class, in another order, or not yet the last ones. Values are therefore matched
by name; the match is computed once for each class of values that the driver returns.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Iterator, Sequence
from keyword import iskeyword
from operator import itemgetter
from typing import Any, NewType, Protocol, cast

from typing_extensions import TypeAliasType, TypeIs


class UserTypeClass(Protocol):
    """The protocol of a user type class."""

    __cql_name__: str
    __fields_by_cql__: tuple[str, ...]
    __load__: Callable[[Sequence[Any]], Any]

    def __bind__(self) -> tuple[Any, ...]: ...


def is_user_type(annotation: object) -> TypeIs[type[UserTypeClass]]:
    """Whether this is a class that represents a CQL user type."""
    return (
        isinstance(annotation, type)
        and hasattr(annotation, "__cql_name__")
        and hasattr(annotation, "__fields_by_cql__")
    )


def user_types_in(annotations: Iterable[Any]) -> Iterator[type[UserTypeClass]]:
    """Return the classes of the user types in these annotations."""
    for annotation in annotations:
        if is_user_type(annotation):
            yield annotation
        elif isinstance(annotation, TypeAliasType):
            yield from user_types_in((annotation.__value__,))
        elif isinstance(annotation, NewType):
            yield from user_types_in((annotation.__supertype__,))
        else:
            yield from user_types_in(typing.get_args(annotation))


def is_hashable(cls: type[UserTypeClass]) -> bool:
    """Whether instances can be elements of a set and keys of a dict; not if a field is a list, for example."""
    return bool(getattr(cls, "__hashable__", True))


def user_type_loader(cls: type[UserTypeClass]) -> Callable[[Any], Any]:
    """Return a converter from the driver's value to an instance of the class."""
    readers = _ReaderCache(cls)
    return lambda value: readers[value.__class__](value)


def user_type_dumper(cls: type[UserTypeClass]) -> Callable[[Any], tuple[Any, ...]]:
    """Return a converter from an instance to a tuple in the order of declaration, which the driver accepts."""

    def dump(value: Any) -> tuple[Any, ...]:
        if isinstance(value, cls):
            return value.__bind__()
        raise TypeError(f"expected a {cls.__qualname__}, got {type(value).__qualname__}")

    return dump


class _ReaderCache(dict[type, Callable[[Any], Any]]):
    """A reader for each class of values seen so far.

    After an altered type the driver returns a new class, so the cache is cleared when it is full.
    """

    LIMIT = 64

    def __init__(self, cls: type[UserTypeClass]) -> None:
        self.cls = cls

    def __missing__(self, driver_class: type) -> Callable[[Any], Any]:
        if len(self) >= self.LIMIT:
            self.clear()
        self[driver_class] = reader = self._reader(driver_class)
        return reader

    def _reader(self, driver_class: type) -> Callable[[Any], Any]:
        load, names = self.cls.__load__, self.cls.__fields_by_cql__
        if issubclass(driver_class, cast("type", self.cls)):
            return lambda value: value
        if issubclass(driver_class, tuple):
            return _tuple_reader(load, _field_positions(getattr(cast("type", driver_class), "_fields", None), names))
        # An application that passes its own session may have registered a class of its own, or dict, with it.
        if issubclass(driver_class, dict):
            return lambda value: load([value.get(name) for name in names])
        return lambda value: load([getattr(value, name, None) for name in names])


def _tuple_reader(load: Callable[[Sequence[Any]], Any], order: tuple[int | None, ...]) -> Callable[[Any], Any]:
    """Return a reader of tuples that takes these positions; None where the server has no such field."""
    if order == tuple(range(len(order))):
        return _prefix_reader(load, len(order))
    if len(order) > 1 and None not in order:
        take = itemgetter(*order)
        return lambda value: load(take(value))
    return lambda value: load([None if position is None else value[position] for position in order])


def _prefix_reader(load: Callable[[Sequence[Any]], Any], count: int) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if len(value) != count:
            value = (*value[:count], *(None,) * (count - len(value)))
        return load(value)

    return read


def _field_positions(server_fields: Sequence[str] | None, class_fields: Sequence[str]) -> tuple[int | None, ...]:
    """Return the positions of the class's fields among those of the server; by position if the driver gives no names.

    The driver renames fields that are not valid names of a namedtuple (``class``, ``_x``, ``a b``) to
    ``field_<position>_``; such fields are matched in order of appearance.
    """
    if server_fields is None:
        return tuple(range(len(class_fields)))
    positions = {name: index for index, name in enumerate(server_fields)}
    renamed_positions = iter(
        [index for index, name in enumerate(server_fields) if name == f"field_{index}_" and name not in class_fields]
    )
    return tuple(
        next(renamed_positions, None) if _is_renamed_by_driver(name) else positions.get(name) for name in class_fields
    )


def _is_renamed_by_driver(name: str) -> bool:
    return not name.isidentifier() or iskeyword(name) or name.startswith("_")
