"""Reorders values of user types to the field order of the server.

In: the driver's class of a type, and the fields of the model's user types in class order. Out: a function that reorders
a value; None where the orders agree, as they nearly always do. A type may have grown on the server, or have another
field order; the driver takes tuples by position.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from scyllamodel.driver._cassandra import subtypes_of, type_kind
from scyllamodel.types.converters import OptionalConverter, convert_each, items_converter, tuple_converter


class StaleUserType(Exception):
    """A value has a field that the user type lacked when its statement was prepared."""


def field_reorderer_for(driver_type: Any, user_types: Mapping[str, tuple[str, ...]]) -> OptionalConverter:
    """Make the function that reorders values for this type; None where none is needed."""
    subtype_converters = [field_reorderer_for(subtype, user_types) for subtype in subtypes_of(driver_type)]
    kind = type_kind(driver_type)
    if kind == "frozen":
        return subtype_converters[0]
    if kind != "user type":
        return _container_converter(kind, subtype_converters)
    server_fields, class_fields = driver_type.fieldnames, user_types.get(driver_type.typename)
    if class_fields is None:
        return None
    return (
        None
        if class_fields == tuple(server_fields) and not any(subtype_converters)
        else _value_reorderer(driver_type.typename, server_fields, class_fields, subtype_converters)
    )


def _container_converter(kind: str, subtype_converters: Sequence[OptionalConverter]) -> OptionalConverter:
    if not any(subtype_converters):
        return None
    if kind == "map":
        convert = items_converter(subtype_converters[0], subtype_converters[1])
        return lambda value: convert(value.items())
    if kind == "tuple":
        return tuple_converter(subtype_converters)
    return convert_each(subtype_converters[0], list)


def _value_reorderer(
    name: str,
    server_fields: Sequence[str],
    class_fields: Sequence[str],
    subtype_converters: Sequence[OptionalConverter],
) -> Callable[[Any], Any]:
    index_by_field = {field: index for index, field in enumerate(class_fields)}
    conversions = [
        (index_by_field.get(field), convert) for field, convert in zip(server_fields, subtype_converters, strict=True)
    ]
    missing_fields = [(index, field) for field, index in index_by_field.items() if field not in server_fields]

    def reorder(value: Any) -> tuple[Any, ...]:
        for index, field in missing_fields:
            if value[index] is not None:
                raise StaleUserType(f"the type {name} has no field {field} on the server; migrate the type first")
        return tuple(_convert_field(value, index, convert) for index, convert in conversions)

    return reorder


def _convert_field(value: Any, index: int | None, convert: OptionalConverter) -> Any:
    item = None if index is None else value[index]
    return item if item is None or convert is None else convert(item)
