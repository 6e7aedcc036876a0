"""Puts sets and maps inside frozen values into the order that servers use.

In: the driver's class of a type. Out: a function that orders its values. A server compares a frozen value by its bytes,
and sorts its content at most at the outermost level. Python's sets differ in order between processes, so one value
would have many encodings: a key that is not found again, an element that cannot be removed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, cast
from uuid import UUID

from scyllamodel.driver._cassandra import subtypes_of, type_kind
from scyllamodel.types.converters import OptionalConverter, convert_each
from scyllamodel.types.cql_types import Native
from scyllamodel.types.identity import type_identity


class _MapItems(tuple[Any, ...]):
    """A map as the driver serializes it: ordered pairs, hashable where possible."""

    __slots__ = ()

    def items(self) -> Iterable[Any]:
        """Return the pairs."""
        return self


def arranger_for(driver_type: Any, *, is_frozen: bool) -> OptionalConverter:
    """Return the function that orders a value, or None where no order matters.

    Parameters:
        is_frozen: whether the value is written as a whole. If not, each element of the outermost set or map has its own
            cell, which the server sorts.
    """
    kind, subtypes = type_kind(driver_type), subtypes_of(driver_type)
    if kind == "frozen":
        return arranger_for(subtypes[0], is_frozen=True)
    arrangers = [arranger_for(subtype, is_frozen=True) for subtype in subtypes]
    if kind == "set":
        return _set_arranger(arrangers[0], _sort_key(subtypes[0]) if is_frozen else None)
    if kind == "map":
        return _map_arranger(arrangers[0], arrangers[1], _sort_key(subtypes[0]) if is_frozen else None)
    if not any(arrangers):
        return None
    if kind in ("list", "vector"):
        return convert_each(arrangers[0], None)
    return lambda value: _arrange_fields(value, arrangers)


def _set_arranger(arrange_item: OptionalConverter, sort_key: Callable[[Any], Any] | None) -> OptionalConverter:
    if sort_key is None and arrange_item is None:
        return None

    def arrange(value: Iterable[Any]) -> tuple[Any, ...]:
        items = value if arrange_item is None else map(arrange_item, value)
        return tuple(items if sort_key is None else sorted(items, key=sort_key))

    return arrange


def _first_item_key(sort_key: Callable[[Any], Any]) -> Callable[[tuple[Any, Any]], Any]:
    return lambda pair: sort_key(pair[0])


def _map_arranger(
    arrange_key: OptionalConverter, arrange_value: OptionalConverter, sort_key: Callable[[Any], Any] | None
) -> OptionalConverter:
    if sort_key is None and arrange_key is None and arrange_value is None:
        return None

    pair_key = None if sort_key is None else _first_item_key(sort_key)

    def arrange(mapping: Mapping[Any, Any]) -> _MapItems:
        pairs = [
            (arrange_key(k) if arrange_key else k, arrange_value(v) if arrange_value else v) for k, v in mapping.items()
        ]
        return _MapItems(pairs if pair_key is None else sorted(pairs, key=pair_key))

    return arrange


def _arrange_fields(value: Any, arrangers: Sequence[OptionalConverter]) -> Any:
    if not isinstance(value, (tuple, list)):
        return value
    items = cast("Sequence[Any]", value)
    return tuple(
        [
            item if item is None or arrange is None else arrange(item)
            for item, arrange in zip(items, arrangers, strict=False)
        ]
    )


def _sort_key(driver_type: Any) -> Callable[[Any], Any]:
    """Return the sort key for ordered values of a type, equal to the comparator of servers."""
    kind, subtypes = type_kind(driver_type), subtypes_of(driver_type)
    if not subtypes:
        return _NATIVE_SORT_KEYS.get(kind) or type_identity(Native(kind), {}).cell or _identity
    if kind == "frozen":
        return _sort_key(subtypes[0])
    sort_keys = [_sort_key(subtype) for subtype in subtypes]
    if kind in ("list", "set", "vector"):
        return lambda value: tuple([sort_keys[0](item) for item in value])
    if kind == "map":
        return lambda value: tuple([(sort_keys[0](k), sort_keys[1](v)) for k, v in value.items()])
    return lambda value: tuple(
        [() if item is None else (sort_key(item),) for item, sort_key in zip(value, sort_keys, strict=False)]
    )


def _identity(value: Any) -> Any:
    return value


def _float_key(value: Any) -> tuple[bool, float, float]:
    """Order floats as Java does: zeros by sign, NaN last."""
    return (value != value, 0.0 if value != value else value, math.copysign(1.0, value))  # noqa: PLR0124 - NaN


def _uuid_key(value: UUID) -> tuple[Any, ...]:
    """Order UUIDs by version, version 1 by time."""
    version = (value.int >> 76) & 15
    return (version, *_time_uuid_key(value)) if version == 1 else (version, value.bytes)


def _time_uuid_key(value: UUID) -> tuple[int, bytes]:
    """Order version 1 UUIDs by time, then by the remaining bytes, which are signed."""
    return (value.time, bytes([byte ^ 0x80 for byte in value.bytes[8:]]))


_NATIVE_SORT_KEYS: Final[Mapping[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(("varchar", "text", "ascii"), str.encode),
    "double": _float_key,
    "float": _float_key,
    "uuid": _uuid_key,
    "timeuuid": _time_uuid_key,
}
