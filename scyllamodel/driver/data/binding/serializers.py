"""Fast serializers for checked and ordered values, with the driver's bytes.

In: the driver's class of a type. Out: a function from a value to bytes. The driver takes twelve microseconds for a
datetime in a set. A serializer raises for what it cannot write, and the binder falls back to the driver.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from datetime import date, datetime, timezone
from operator import attrgetter
from typing import Any, Final, TypeAlias

Serializer: TypeAlias = Callable[[Any], bytes]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MIN_MILLISECONDS: Final = -62_135_596_800_000
_MAX_MILLISECONDS: Final = 253_402_300_799_999
"""Milliseconds of the years 1 to 9999 in UTC, the range of `datetime`."""

_DAY_OFFSET: Final = 2**31 - date(1970, 1, 1).toordinal()
_pack_days: Final = struct.Struct(">I").pack
_pack_long: Final = struct.Struct(">q").pack
_pack_int: Final = struct.Struct(">i").pack


def _serialize_timestamp(value: datetime) -> bytes:
    offset = value - _EPOCH
    milliseconds = (offset.days * 86400 + offset.seconds) * 1000 + offset.microseconds // 1000
    if _MIN_MILLISECONDS <= milliseconds <= _MAX_MILLISECONDS:
        return _pack_long(milliseconds)
    raise OverflowError("in UTC it is outside the years 1 to 9999, and could not be read")


def _serialize_date(value: date) -> bytes:
    return _pack_days(value.toordinal() + _DAY_OFFSET)


def _serialize_ascii(value: str) -> bytes:
    return value.encode("ascii")


NATIVE_SERIALIZERS: Final[Mapping[str, Serializer]] = {
    "VarcharType": str.encode,
    "UTF8Type": str.encode,
    "AsciiType": _serialize_ascii,
    "LongType": _pack_long,
    "CounterColumnType": _pack_long,
    "Int32Type": _pack_int,
    "ShortType": struct.Struct(">h").pack,
    "ByteType": struct.Struct(">b").pack,
    "DoubleType": struct.Struct(">d").pack,
    "FloatType": struct.Struct(">f").pack,
    "UUIDType": attrgetter("bytes"),
    "TimeUUIDType": attrgetter("bytes"),
    "TimestampType": _serialize_timestamp,
    "DateType": _serialize_timestamp,
    "SimpleDateType": _serialize_date,
}
"""By driver class; values that need a check have passed it."""


def serializer_for(driver_type: Any, protocol_version: int) -> Serializer:
    """Return the serializer for values of a type without nulls."""
    kind: str = driver_type.typename
    if kind == "frozen":
        return serializer_for(driver_type.subtypes[0], protocol_version)
    if kind in ("list", "set"):
        return _items_serializer(serializer_for(driver_type.subtypes[0], protocol_version))
    if kind == "map":
        return _map_serializer(*[serializer_for(subtype, protocol_version) for subtype in driver_type.subtypes])
    native = NATIVE_SERIALIZERS.get(driver_type.__name__)
    return driver_serializer_for(driver_type, protocol_version) if native is None else native


def driver_serializer_for(driver_type: Any, protocol_version: int) -> Serializer:
    """Return the driver's own serializer, for all other types."""
    serialize: Callable[[Any, int], bytes] = driver_type.serialize
    return lambda value: serialize(value, protocol_version)


def _items_serializer(serialize_item: Serializer) -> Serializer:
    def serialize(value: Any) -> bytes:
        chunks = [_pack_int(len(value))]
        for data in map(serialize_item, value):
            chunks += (_pack_int(len(data)), data)
        return b"".join(chunks)

    return serialize


def _map_serializer(serialize_key: Serializer, serialize_value: Serializer) -> Serializer:
    def serialize(mapping: Any) -> bytes:
        chunks = [_pack_int(len(mapping))]
        for k, v in mapping.items():
            key_bytes, value_bytes = serialize_key(k), serialize_value(v)
            chunks += (_pack_int(len(key_bytes)), key_bytes, _pack_int(len(value_bytes)), value_bytes)
        return b"".join(chunks)

    return serialize
