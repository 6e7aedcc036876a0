"""Values of user types in the order that the server has their fields.

*In*: the driver's class of a column's type, and the fields of our user types in the order in which a class gives them.
*Out*: a function that puts a value in order, or None where it is in order already, as it nearly always is. A type may
have grown on the server, or hold its fields in another order than the class; the driver takes tuples by position.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from scyllamodel.driver.names import inside_of, kind_of
from scyllamodel.types.converters import MaybeConvert, each, map_items, tuple_items


class StaleType(Exception):
    """A value has a field that the user type lacked when its statement was prepared."""


def fitted(driver_type: Any, user_types: Mapping[str, tuple[str, ...]]) -> MaybeConvert:
    """The function that fits values into this type."""
    inside = [fitted(part, user_types) for part in inside_of(driver_type)]
    kind = kind_of(driver_type)
    if kind == "frozen":
        return inside[0]
    if kind != "user type":
        return _container(kind, inside)
    names, given = driver_type.fieldnames, user_types.get(driver_type.typename)
    if given is None:
        return None
    return None if given == tuple(names) and not any(inside) else _ordered(driver_type.typename, names, given, inside)


def _container(kind: str, inside: Sequence[MaybeConvert]) -> MaybeConvert:
    if not any(inside):
        return None
    if kind == "map":
        change = map_items(inside[0], inside[1])
        return lambda value: change(value.items())
    if kind == "tuple":
        return tuple_items(inside)
    return each(inside[0], list)


def _ordered(
    name: str, found: Sequence[str], given: Sequence[str], inside: Sequence[MaybeConvert]
) -> Callable[[Any], Any]:
    at = {field: index for index, field in enumerate(given)}
    take = [(at.get(field), change) for field, change in zip(found, inside, strict=True)]
    lost = [(index, field) for field, index in at.items() if field not in found]

    def order(value: Any) -> tuple[Any, ...]:
        for index, field in lost:
            if value[index] is not None:
                raise StaleType(f"the type {name} has no field {field} on the server; migrate it first")
        return tuple(_taken(value, index, change) for index, change in take)

    return order


def _taken(value: Any, index: int | None, change: MaybeConvert) -> Any:
    item = None if index is None else value[index]
    return item if item is None or change is None else change(item)
