"""Sets and maps inside of frozen values, in the order in which servers keep them.

*In*: the driver's class of a type. *Out*: a function that arranges its values. A server compares a frozen value by its
bytes, and sorts what is in it only at the outermost level, if at all. Python's sets have another order in each process,
so one value would have many encodings: a key that is never found again, an element that cannot be removed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, cast
from uuid import UUID

from scyllamodel.driver.names import inside_of, kind_of
from scyllamodel.types.converters import MaybeConvert, each
from scyllamodel.types.identity import of_type
from scyllamodel.types.values import Native


class _Pairs(tuple[Any, ...]):
    """A map as the driver serialises it: pairs in their order, hashable where they are."""

    __slots__ = ()

    def items(self) -> Iterable[Any]:
        """The pairs."""
        return self


def arranged(driver_type: Any, *, is_frozen: bool) -> MaybeConvert:
    """The function that arranges a value; None where no set or map has an order that counts.

    Parameters:
        is_frozen: whether the value is written whole. If not, each element of the outermost set or map has a cell of
            its own, which the server puts in its place.
    """
    kind, inside = kind_of(driver_type), inside_of(driver_type)
    if kind == "frozen":
        return arranged(inside[0], is_frozen=True)
    parts = [arranged(part, is_frozen=True) for part in inside]
    if kind == "set":
        return _set(parts[0], _order(inside[0]) if is_frozen else None)
    if kind == "map":
        return _map(parts[0], parts[1], _order(inside[0]) if is_frozen else None)
    if not any(parts):
        return None
    if kind in ("list", "vector"):
        return each(parts[0], None)
    return lambda value: _fields(value, parts)


def _set(part: MaybeConvert, order: Callable[[Any], Any] | None) -> MaybeConvert:
    if order is None and part is None:
        return None

    def arrange(value: Iterable[Any]) -> tuple[Any, ...]:
        found = value if part is None else map(part, value)
        return tuple(found if order is None else sorted(found, key=order))

    return arrange


def _first(order: Callable[[Any], Any]) -> Callable[[tuple[Any, Any]], Any]:
    return lambda pair: order(pair[0])


def _map(key: MaybeConvert, value: MaybeConvert, order: Callable[[Any], Any] | None) -> MaybeConvert:
    if order is None and key is None and value is None:
        return None

    by_key = None if order is None else _first(order)

    def arrange(given: Mapping[Any, Any]) -> _Pairs:
        found = [(key(k) if key else k, value(v) if value else v) for k, v in given.items()]
        return _Pairs(found if by_key is None else sorted(found, key=by_key))

    return arrange


def _fields(value: Any, parts: Sequence[MaybeConvert]) -> Any:
    if not isinstance(value, (tuple, list)):
        return value
    items = cast("Sequence[Any]", value)
    return tuple(
        [item if item is None or part is None else part(item) for item, part in zip(items, parts, strict=False)]
    )


def _order(driver_type: Any) -> Callable[[Any], Any]:
    """What sorts the values of a type, arranged as above, as the comparators of servers do."""
    kind, inside = kind_of(driver_type), inside_of(driver_type)
    if not inside:
        return _NATIVE.get(kind) or of_type(Native(kind), {}).cell or _itself
    if kind == "frozen":
        return _order(inside[0])
    orders = [_order(part) for part in inside]
    if kind in ("list", "set", "vector"):
        return lambda value: tuple([orders[0](item) for item in value])
    if kind == "map":
        return lambda value: tuple([(orders[0](k), orders[1](v)) for k, v in value.items()])
    return lambda value: tuple(
        [() if item is None else (order(item),) for item, order in zip(value, orders, strict=False)]
    )


def _itself(value: Any) -> Any:
    return value


def _float(value: Any) -> tuple[bool, float, float]:
    """The order of Java: zeros by their signs, NaN last."""
    return (value != value, 0.0 if value != value else value, math.copysign(1.0, value))  # noqa: PLR0124 - NaN


def _uuid(value: UUID) -> tuple[Any, ...]:
    """By version, those of version 1 by time."""
    version = (value.int >> 76) & 15
    return (version, *_time_uuid(value)) if version == 1 else (version, value.bytes)


def _time_uuid(value: UUID) -> tuple[int, bytes]:
    """By time, then by the other bytes, which are signed."""
    return (value.time, bytes([byte ^ 0x80 for byte in value.bytes[8:]]))


_NATIVE: Final[Mapping[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(("varchar", "text", "ascii"), str.encode),
    "double": _float,
    "float": _float,
    "uuid": _uuid,
    "timeuuid": _time_uuid,
}
