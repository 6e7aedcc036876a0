"""Values that the driver would take in silence and store as something else.

*In*: a value that is not of the very class its type is made for. *Out*: the value as it may be stored, or an error. The
driver writes ``True`` as 1, a float as a decimal with all its binary digits, a number as so many zero bytes, fills a
short tuple with nulls, and sends a null in a collection to a server that answers with an error of its insides (seen on
scylla-driver 3.29.12).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import partial
from ipaddress import ip_address
from typing import Any, Final, TypeAlias, cast

from scyllamodel.driver.names import inside_of, kind_of
from scyllamodel.types.converters import check_collection
from scyllamodel.types.identity import PLAIN, Form, Identity, map_of, of_type, sequence, set_of, tuple_of
from scyllamodel.types.values import Native

Exact: TypeAlias = Callable[[Any], Any]


def _whole(value: Any) -> Any:
    if value.__class__ is int or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise TypeError(f"a whole number is needed, not {_kind(value)}{_as_whole(value)}")


def _as_whole(value: Any) -> str:
    """What to write instead of a value that is nearly a whole number."""
    if isinstance(value, (float, Decimal)) and not math.isfinite(value):
        return ", and no integer type holds NaN or an infinity: write None, or declare the column as float"
    if isinstance(value, (float, Decimal)):
        return f": write int(value), or declare the column as {_kind(value)}"
    return ": write int(value)" if isinstance(value, (str, bool)) else ""


def _flag(value: Any) -> Any:
    if value is True or value is False:
        return value
    raise TypeError(f"True or False is needed, not {_kind(value)}")


def _real(value: Any) -> Any:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    raise TypeError(f"a number is needed, not {_kind(value)}")


_SCALE: Final = 2**31 - 1
"""The largest scale that the driver's compiled decoder negates without an error of the sign."""


def _decimal(value: Any) -> Any:
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        if isinstance(exponent, int) and abs(exponent) > _SCALE:
            raise ValueError(f"the exponent of a CQL decimal lies between {-_SCALE} and {_SCALE}")
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    advice = "; a float has other digits than it shows: Decimal(str(value))" if isinstance(value, float) else ""
    raise TypeError(f"a Decimal is needed, not {_kind(value)}{advice}")


def _blob(value: Any) -> Any:
    if issubclass(value.__class__, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"bytes are needed, not {_kind(value)}")


def _address(value: Any) -> Any:
    """An address of either family; the driver drops the scope of one, and reads ``"10.1"`` as 10.0.0.1."""
    found = ip_address(value) if isinstance(value, str) else value
    if getattr(found, "scope_id", None) is not None:
        raise ValueError("CQL has no place for the scope of an IPv6 address, the part after %")
    return found


def _time_uuid(value: Any) -> Any:
    try:
        if (value.int >> 76) & 15 == 1:
            return value
    except AttributeError:
        advice = "write uuid.uuid1(), or UUID(text)"
        if isinstance(value, date):
            advice = (
                "write uuid.uuid1() for a new row, and compare with fn.min_timeuuid(moment) and fn.max_timeuuid(moment)"
            )
        raise TypeError(f"a UUID of version 1 is needed, not {_kind(value)}: {advice}") from None
    raise ValueError("a UUID of version 1 is needed, such as uuid.uuid1()")


def _no_nulls(value: Any) -> Any:
    if None in value:
        raise ValueError("a collection holds no None")
    return value


def _no_null_values(value: Any) -> Any:
    if None in value.values():
        raise ValueError("a map holds no None")
    return _no_nulls(value)


def _collection(kind: type, inside: Exact | None, value: Any) -> Any:
    if value.__class__ is not kind:
        check_collection(kind, value)
    return _no_nulls(value) if inside is None else _each(inside, value)


def _each(inside: Exact, value: Any) -> Any:
    for item in _no_nulls(value):
        inside(item)
    return value


def _items(keys: Exact | None, values: Exact | None, cell: Form | None, value: Any) -> Any:
    if value.__class__ is not dict:
        check_collection(dict, value)
    _no_null_values(value)
    if cell is not None:
        _check_keys(cell, value)
    if keys is not None:
        _each(keys, value)
    if values is not None:
        _each(values, value.values())
    return value


def _check_keys(cell: Form, value: Mapping[Any, Any]) -> None:
    """Refuse two keys that are stored as one: which of their values would stay is nobody's choice."""
    found: dict[Any, Any] = {}
    for key in value:
        other = found.setdefault(cell(key), key)
        if other is not key:
            raise ValueError(f"{other!r} and {key!r} are one key of the map, as it is stored")


def _tuple(kind: type, count: int, items: Sequence[Exact | None], value: Any) -> Any:
    check_collection(kind, value)
    return _fields(items, _as_many(count, value))


def _fields(items: Sequence[Exact | None], value: Any) -> Any:
    given: Any = value
    if isinstance(value, tuple):  # a user type without a class of ours may be anything with its attributes
        for exact, item in zip(items, cast("tuple[object, ...]", value), strict=False):
            if exact is not None and item is not None:
                exact(item)
    return given


def _as_many(count: int, value: Any) -> Any:
    if len(value) != count:
        raise ValueError(f"a tuple of {count} is needed, not one of {len(value)}")
    return value


def _kind(value: object) -> str:
    return type(value).__qualname__


_EXACT: Final[Mapping[str, Exact]] = {
    **dict.fromkeys(("LongType", "CounterColumnType", "Int32Type", "ShortType", "ByteType", "IntegerType"), _whole),
    **dict.fromkeys(("DoubleType", "FloatType"), _real),
    "BooleanType": _flag,
    "DecimalType": _decimal,
    "BytesType": _blob,
    "TimeUUIDType": _time_uuid,
    "InetAddressType": _address,
}


def _each_but_nulls(inside: Exact, value: Any) -> Any:
    for item in value:
        if item is not None:
            inside(item)
    return value


def exact_for(driver_type: Any, *, strict: bool, nulls: bool = False) -> Exact | None:
    """What checks values of the driver's class of a type; None where its serialiser does.

    Parameters:
        nulls: whether a list may hold nulls, as ``IN`` of a condition does.
        strict: whether collections are of the Python types that are read, and not put in another order already.
    """
    kind = kind_of(driver_type)
    if kind == "frozen":
        return exact_for(driver_type.subtypes[0], strict=strict)
    if kind in ("tuple", "user type"):
        return _of_parts(driver_type, strict=strict)
    if kind in ("list", "set", "map", "vector"):
        return _of_collection(driver_type, nulls=nulls, strict=strict)
    return _EXACT.get(driver_type.__name__)


def _of_parts(driver_type: Any, *, strict: bool) -> Exact | None:
    """What checks a tuple or a user type, each of whose parts may be null."""
    inside = [exact_for(part, strict=strict) for part in driver_type.subtypes]
    if kind_of(driver_type) == "tuple":
        return partial(_tuple, tuple if strict else object, len(inside), inside)
    return partial(_fields, inside) if any(inside) else None


def _of_collection(driver_type: Any, *, nulls: bool, strict: bool) -> Exact | None:
    if kind_of(driver_type) == "map":
        keys, values = [exact_for(part, strict=strict) for part in driver_type.subtypes]
        return partial(_items, keys, values, _identity(driver_type.subtypes[0]).cell)
    inside = exact_for(inside_of(driver_type)[0], strict=strict)
    if nulls:
        return None if inside is None else partial(_each_but_nulls, inside)
    kind = set if kind_of(driver_type) == "set" else list
    return partial(_collection, kind if strict else object, inside)


def _identity(driver_type: Any) -> Identity:
    """How values that are ready for the driver are compared; nothing to do where Python's ``==`` will do."""
    kind = kind_of(driver_type)
    inside: tuple[Identity, ...] = tuple(map(_identity, inside_of(driver_type)))
    if not inside:
        return of_type(Native(kind), {})
    if kind == "frozen":
        return inside[0]
    if kind == "map":
        found = map_of(inside[0], inside[1])
    elif kind == "set":
        found = set_of(inside[0])
    elif kind in ("list", "vector"):
        found = sequence(inside[0])
    else:
        found = tuple_of(inside)
    return PLAIN if found.is_plain else found
