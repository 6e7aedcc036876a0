"""Checks for values that the driver would silently store as something else.

In: a value that is not exactly of the class its type expects. Out: the value to store, or an error. The driver writes
``True`` as 1, a float as a decimal with all its binary digits, a number as that many zero bytes, fills a short tuple
with nulls, and sends a null in a collection, which the server rejects with an internal error (seen on scylla-driver
3.29.12).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import partial
from ipaddress import ip_address
from typing import Any, Final, TypeAlias, cast

from scyllamodel.driver._cassandra import subtypes_of, type_kind
from scyllamodel.types.converters import check_collection
from scyllamodel.types.cql_types import Native
from scyllamodel.types.identity import (
    BUILTIN_EQUALITY,
    Form,
    Identity,
    map_identity,
    sequence_identity,
    set_identity,
    tuple_identity,
    type_identity,
)

ValueCheck: TypeAlias = Callable[[Any], Any]


def _check_integer(value: Any) -> Any:
    if value.__class__ is int or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise TypeError(f"expected an integer, got {_type_name(value)}{_integer_advice(value)}")


def _integer_advice(value: Any) -> str:
    """Say what to write instead of a value that is almost an integer."""
    if isinstance(value, (float, Decimal)) and not math.isfinite(value):
        return ", and no integer type holds NaN or an infinity: write None, or declare the column as float"
    if isinstance(value, (float, Decimal)):
        return f": write int(value), or declare the column as {_type_name(value)}"
    return ": write int(value)" if isinstance(value, (str, bool)) else ""


def _check_bool(value: Any) -> Any:
    if value is True or value is False:
        return value
    raise TypeError(f"expected True or False, got {_type_name(value)}")


def _check_number(value: Any) -> Any:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    raise TypeError(f"expected a number, got {_type_name(value)}")


_MAX_SCALE: Final = 2**31 - 1
"""The largest scale that the driver's compiled decoder negates without a sign error."""


def _check_decimal(value: Any) -> Any:
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        if isinstance(exponent, int) and abs(exponent) > _MAX_SCALE:
            raise ValueError(f"the exponent of a CQL decimal must be between {-_MAX_SCALE} and {_MAX_SCALE}")
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    advice = "; a float has more digits than it shows: Decimal(str(value))" if isinstance(value, float) else ""
    raise TypeError(f"expected a Decimal, got {_type_name(value)}{advice}")


def _check_bytes(value: Any) -> Any:
    if issubclass(value.__class__, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"expected bytes, got {_type_name(value)}")


def _check_address(value: Any) -> Any:
    """Check an IPv4 or IPv6 address; the driver drops the scope of one, and reads ``"10.1"`` as 10.0.0.1."""
    address = ip_address(value) if isinstance(value, str) else value
    if getattr(address, "scope_id", None) is not None:
        raise ValueError("CQL cannot store the scope of an IPv6 address, the part after %")
    return address


def _check_time_uuid(value: Any) -> Any:
    try:
        if (value.int >> 76) & 15 == 1:
            return value
    except AttributeError:
        advice = "write uuid.uuid1(), or UUID(text)"
        if isinstance(value, date):
            advice = (
                "write uuid.uuid1() for a new row, and compare with fn.min_timeuuid(moment) and fn.max_timeuuid(moment)"
            )
        raise TypeError(f"expected a version 1 UUID, got {_type_name(value)}: {advice}") from None
    raise ValueError("expected a version 1 UUID, such as uuid.uuid1()")


def _check_no_nulls(value: Any) -> Any:
    if None in value:
        raise ValueError("a collection cannot hold None")
    return value


def _check_no_null_values(value: Any) -> Any:
    if None in value.values():
        raise ValueError("a map cannot hold None")
    return _check_no_nulls(value)


def _check_collection(kind: type, item_check: ValueCheck | None, value: Any) -> Any:
    if value.__class__ is not kind:
        check_collection(kind, value)
    return _check_no_nulls(value) if item_check is None else _check_each(item_check, value)


def _check_each(item_check: ValueCheck, value: Any) -> Any:
    for item in _check_no_nulls(value):
        item_check(item)
    return value


def _check_map(key_check: ValueCheck | None, value_check: ValueCheck | None, key_form: Form | None, value: Any) -> Any:
    if value.__class__ is not dict:
        check_collection(dict, value)
    _check_no_null_values(value)
    if key_form is not None:
        _check_distinct_keys(key_form, value)
    if key_check is not None:
        _check_each(key_check, value)
    if value_check is not None:
        _check_each(value_check, value.values())
    return value


def _check_distinct_keys(key_form: Form, value: Mapping[Any, Any]) -> None:
    """Refuse two keys that are stored as one key, since either value could be kept."""
    keys_by_form: dict[Any, Any] = {}
    for key in value:
        other = keys_by_form.setdefault(key_form(key), key)
        if other is not key:
            raise ValueError(f"{other!r} and {key!r} are stored as one key of the map")


def _check_tuple(kind: type, count: int, item_checks: Sequence[ValueCheck | None], value: Any) -> Any:
    check_collection(kind, value)
    return _check_fields(item_checks, _check_length(count, value))


def _check_fields(item_checks: Sequence[ValueCheck | None], value: Any) -> Any:
    unchecked: Any = value
    if isinstance(value, tuple):  # a user type without a model class may be any object with its attributes
        for check, item in zip(item_checks, cast("tuple[object, ...]", value), strict=False):
            if check is not None and item is not None:
                check(item)
    return unchecked


def _check_length(count: int, value: Any) -> Any:
    if len(value) != count:
        raise ValueError(f"expected a tuple of {count}, got one of {len(value)}")
    return value


def _type_name(value: object) -> str:
    return type(value).__qualname__


_CHECKS: Final[Mapping[str, ValueCheck]] = {
    **dict.fromkeys(
        ("LongType", "CounterColumnType", "Int32Type", "ShortType", "ByteType", "IntegerType"), _check_integer
    ),
    **dict.fromkeys(("DoubleType", "FloatType"), _check_number),
    "BooleanType": _check_bool,
    "DecimalType": _check_decimal,
    "BytesType": _check_bytes,
    "TimeUUIDType": _check_time_uuid,
    "InetAddressType": _check_address,
}


def _check_each_but_nulls(item_check: ValueCheck, value: Any) -> Any:
    for item in value:
        if item is not None:
            item_check(item)
    return value


def value_check_for(driver_type: Any, *, strict: bool, nulls: bool = False) -> ValueCheck | None:
    """Return the check for values of a driver type, or None where its serializer suffices.

    Parameters:
        nulls: whether a list may hold nulls, as ``IN`` in a condition does.
        strict: whether collections have their declared Python types, and are not reordered yet.
    """
    kind = type_kind(driver_type)
    if kind == "frozen":
        return value_check_for(driver_type.subtypes[0], strict=strict)
    if kind in ("tuple", "user type"):
        return _fields_check(driver_type, strict=strict)
    if kind in ("list", "set", "map", "vector"):
        return _collection_check(driver_type, nulls=nulls, strict=strict)
    return _CHECKS.get(driver_type.__name__)


def _fields_check(driver_type: Any, *, strict: bool) -> ValueCheck | None:
    """Return the check for a tuple or a user type, whose fields may be null."""
    field_checks = [value_check_for(subtype, strict=strict) for subtype in driver_type.subtypes]
    if type_kind(driver_type) == "tuple":
        return partial(_check_tuple, tuple if strict else object, len(field_checks), field_checks)
    return partial(_check_fields, field_checks) if any(field_checks) else None


def _collection_check(driver_type: Any, *, nulls: bool, strict: bool) -> ValueCheck | None:
    if type_kind(driver_type) == "map":
        key_check, value_check = [value_check_for(subtype, strict=strict) for subtype in driver_type.subtypes]
        return partial(_check_map, key_check, value_check, _identity(driver_type.subtypes[0]).cell)
    item_check = value_check_for(subtypes_of(driver_type)[0], strict=strict)
    if nulls:
        return None if item_check is None else partial(_check_each_but_nulls, item_check)
    kind = set if type_kind(driver_type) == "set" else list
    return partial(_check_collection, kind if strict else object, item_check)


def _identity(driver_type: Any) -> Identity:
    """Return how serializable values are compared; `BUILTIN_EQUALITY` where ``==`` of Python suffices."""
    kind = type_kind(driver_type)
    element_identities: tuple[Identity, ...] = tuple(map(_identity, subtypes_of(driver_type)))
    if not element_identities:
        return type_identity(Native(kind), {})
    if kind == "frozen":
        return element_identities[0]
    if kind == "map":
        identity = map_identity(element_identities[0], element_identities[1])
    elif kind == "set":
        identity = set_identity(element_identities[0])
    elif kind in ("list", "vector"):
        identity = sequence_identity(element_identities[0])
    else:
        identity = tuple_identity(element_identities)
    return BUILTIN_EQUALITY if identity.is_plain else identity
