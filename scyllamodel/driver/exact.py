"""Values that the driver would take in silence and store as something else.

*In*: a value that is not of the very class its type is made for. *Out*: the value as it may be stored, or an error. The
driver writes ``True`` as 1, a float as a decimal with all its binary digits, a number as so many zero bytes, fills a
short tuple with nulls, and sends a null in a collection to a server that answers with an error of its insides (seen on
scylla-driver 3.29.12).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from ipaddress import ip_address
from typing import Any, Final, TypeAlias

Exact: TypeAlias = Callable[[Any], Any]


def _whole(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise TypeError(f"a whole number is needed, not {_kind(value)}")


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
    if (value.int >> 76) & 15 == 1:
        return value
    raise ValueError("a UUID of version 1 is needed, such as uuid.uuid1()")


def _no_nulls(value: Any) -> Any:
    if None in value:
        raise ValueError("a collection holds no None")
    return value


def _no_null_values(value: Any) -> Any:
    if isinstance(value, Mapping) and None in value.values():
        raise ValueError("a map holds no None")
    return _no_nulls(value)


def _each(inside: Exact, value: Any) -> Any:
    for item in _no_nulls(value):
        inside(item)
    return value


def _items(keys: Exact | None, values: Exact | None, value: Any) -> Any:
    _no_null_values(value)
    if keys is not None:
        _each(keys, value)
    if values is not None:
        _each(values, value.values())
    return value


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
    "VectorType": _no_nulls,
}


def _each_but_nulls(inside: Exact, value: Any) -> Any:
    for item in value:
        if item is not None:
            inside(item)
    return value


def exact_for(driver_type: Any, *, nulls: bool = False) -> Exact | None:
    """What checks values of the driver's class of a type; None where its serialiser does.

    Parameters:
        nulls: whether a list may hold nulls, as ``IN`` of a condition does.
    """
    if driver_type.typename == "frozen":
        return exact_for(driver_type.subtypes[0])
    if driver_type.typename == "tuple":
        return partial(_as_many, len(driver_type.subtypes))
    if driver_type.typename in ("list", "set"):
        (inside,) = map(exact_for, driver_type.subtypes)
        if nulls:
            return None if inside is None else partial(_each_but_nulls, inside)
        return _no_nulls if inside is None else partial(_each, inside)
    if driver_type.typename == "map":
        keys, values = map(exact_for, driver_type.subtypes)
        return partial(_items, keys, values) if keys or values else _no_null_values
    return _EXACT.get(driver_type.__name__.partition("(")[0])
