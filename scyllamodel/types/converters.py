"""Conversion between the values of the driver and the Python values of a model, in both directions.

A converter is a function of one value that is never None. A converter that is None means that the value needs no
conversion, and costs no call. What the driver returns was measured: sets are ``SortedSet``, maps are a ``Mapping`` that
is not a dict, dates are days, timestamps are naive UTC, and addresses are text. This module recognizes driver classes
by their attributes, so that it does not need the driver.
"""

from __future__ import annotations

import enum
import socket
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from datetime import date, datetime, time, timezone
from ipaddress import IPv4Address, IPv6Address
from operator import attrgetter
from typing import Any, Final, TypeAlias

from scyllamodel.types.duration import Duration

Converter: TypeAlias = Callable[[Any], Any]
OptionalConverter: TypeAlias = Converter | None

NAIVE_UTC: Final = ContextVar("scyllamodel.naive_utc", default=False)
"""Whether naive datetimes are interpreted as UTC. Set by code that binds values; read for naive datetimes."""

_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_NAIVE_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - the driver's timestamps are naive UTC
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MAPPED_IPV4_PREFIX: Final = 0xFFFF
"""The prefix of an IPv4 address that is written as an IPv6 address."""


def load_date(value: Any) -> Any:
    """Convert the driver's ``Date`` to a `date`; a value outside the years 1 to 9999 is returned unchanged."""
    try:
        return date.fromordinal(value.days_from_epoch + _EPOCH_ORDINAL)
    except (ValueError, OverflowError):
        return value


def dump_date(value: Any) -> Any:
    """Return a date unchanged; for other years, the driver's ``Date`` is accepted too.

    The driver would accept a `datetime` and silently drop its time, and would also accept text and numbers.
    """
    if isinstance(value, datetime):
        raise TypeError("a date column cannot store the time; pass value.date()")
    if isinstance(value, date) or hasattr(value, "days_from_epoch"):
        return value
    raise TypeError(f"expected a date, got {type(value).__qualname__}")


def load_time(value: Any) -> time:
    """Convert the driver's ``Time`` to a `time` in microseconds; nanoseconds are truncated."""
    seconds, microsecond = divmod(value.nanosecond_time // 1000, 1_000_000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return time(hour, minute, second, microsecond)


def dump_time(value: Any) -> Any:
    """Return a time unchanged.

    A time with a time zone is refused, since CQL cannot store the zone.
    """
    if value.tzinfo is not None:
        raise ValueError("a CQL time has no time zone; pass value.replace(tzinfo=None)")
    return value


def load_timestamp(value: datetime) -> datetime:
    """Convert the driver's naive UTC datetime to an aware `datetime`; four times as fast as ``replace(tzinfo=…)``."""
    return _EPOCH + (value - _NAIVE_EPOCH)


def dump_timestamp(value: Any) -> Any:
    """Return a datetime unchanged; it must have a time zone.

    The driver writes milliseconds and rounds down, towards the past, before 1970 as well as after, as
    ``value.replace(microsecond=value.microsecond // 1000 * 1000)`` does.
    """
    if value.tzinfo is not timezone.utc and value.utcoffset() is None and not NAIVE_UTC.get():
        raise ValueError("the datetime has no time zone; use datetime.now(timezone.utc)")
    return value


def load_ipv4(value: str) -> IPv4Address:
    """Convert the text of an IPv4 address, with the parser of the operating system: five times as fast as Python's.

    An IPv4-mapped IPv6 address is converted to the IPv4 address.
    """
    if ":" in value:
        mapped = IPv6Address(value).ipv4_mapped
        if mapped is None:
            raise ValueError(f"{value} is not an IPv4 address; to store both, declare IPv4Address | IPv6Address")
        return mapped
    return IPv4Address(int.from_bytes(socket.inet_aton(value), "big"))


def dump_ipv4(value: Any) -> IPv4Address:
    """Return an IPv4 address; an IPv6 address is refused, since it could not be loaded."""
    return value if value.__class__ is IPv4Address else IPv4Address(_text_or_address(value))


def dump_ipv6(value: Any) -> IPv4Address | IPv6Address:
    """Return an IPv6 address; an IPv4 address is refused, since it could not be loaded."""
    return _unmapped(value if value.__class__ is IPv6Address else IPv6Address(_text_or_address(value)))


def dump_inet(value: Any) -> Any:
    """Return an address of either family, or the text of an IPv4 address."""
    if isinstance(value, str):
        return _unmapped(IPv6Address(value)) if ":" in value else value
    return _unmapped(value) if isinstance(value, IPv6Address) else value


def _unmapped(value: IPv6Address) -> IPv4Address | IPv6Address:
    """Convert an IPv4-mapped IPv6 address to IPv4, as Cassandra does in collections and literals."""
    mapped = value.ipv4_mapped if value.scope_id is None else None
    return value if mapped is None else mapped


def _text_or_address(value: Any) -> str:
    """Return the text of an address; refuse numbers and bytes, which the constructors accept too."""
    if isinstance(value, (str, IPv4Address, IPv6Address)):
        return str(value)
    raise TypeError(f"expected an IP address, got {type(value).__qualname__}")


def load_ipv6(value: str) -> IPv6Address:
    """Convert the text of an address; an IPv4 address becomes the IPv4-mapped IPv6 address."""
    if ":" not in value:
        return IPv6Address((_MAPPED_IPV4_PREFIX << 32) | int(load_ipv4(value)))
    return IPv6Address(socket.inet_pton(socket.AF_INET6, value))


def load_inet(value: str) -> IPv4Address | IPv6Address:
    """Convert the text of an address to an address of its family."""
    return load_ipv6(value) if ":" in value else load_ipv4(value)


def load_duration(value: Any) -> Duration:
    """Convert the driver's duration; in the other direction the driver accepts `Duration` unchanged."""
    return Duration(value.months, value.days, value.nanoseconds)


class _EnumMembers(dict[Any, Any]):
    """A mapping from values to members of an enum.

    A value without a member is passed to the enum, for ``_missing_``, flags, and its error.
    """

    def __init__(self, enum_class: type[enum.Enum]) -> None:
        super().__init__((member.value, member) for member in enum_class.__members__.values())
        self.enum_class = enum_class

    def __missing__(self, value: Any) -> Any:
        return self.enum_class(value)


def enum_loader(enum_class: type[enum.Enum]) -> Converter:
    """Return a converter from values to members that uses a dictionary, sixty times as fast as ``cls(value)``."""
    return _EnumMembers(enum_class).__getitem__


def enum_dumper(enum_class: type[enum.Enum]) -> Converter:
    """Return a converter from members to values; it refuses everything else, including plain values of members."""
    value_of = attrgetter("_value_")

    def dump(value: Any) -> Any:
        if isinstance(value, enum_class):
            return value_of(value)
        raise TypeError(f"expected a {enum_class.__qualname__}, got {type(value).__qualname__}")

    return dump


def literal_dumper(values: Sequence[Any], dump: OptionalConverter) -> Converter:
    """Return a converter that accepts these values and refuses all others."""
    allowed = frozenset(values)

    def checked(value: Any) -> Any:
        if value not in allowed:
            raise ValueError(f"expected one of {', '.join(map(repr, values))}")
        return value if dump is None else dump(value)

    return checked


def convert_each(convert: OptionalConverter, container: Callable[[Iterable[Any]], Any] | None) -> OptionalConverter:
    """Return a converter of every element into a new container; if elements need no conversion, only the container."""
    if convert is None:
        return container
    if container is set:
        return lambda value: {convert(item) for item in value}
    if container is frozenset:
        return lambda value: frozenset([convert(item) for item in value])
    return lambda value: [convert(item) for item in value]


_ACCEPTED_CLASSES: Final[dict[type, tuple[type, ...]]] = {set: (set, frozenset), frozenset: (set, frozenset)}


def check_collection(collection: type, value: object) -> None:
    """Refuse a collection of another Python type, which would never equal the value that is read.

    Raises:
        TypeError: the class is wrong; set and frozenset are accepted for each other.
    """
    if not isinstance(value, _ACCEPTED_CLASSES.get(collection, collection)):
        name, actual = collection.__name__, type(value).__qualname__
        raise TypeError(f"a {name} was expected, got {actual}; write {name}(…), or converter={name} in the column")


def collection_dumper(convert: OptionalConverter, collection: type) -> OptionalConverter:
    """Return a converter of every element of a collection; None if elements need no conversion."""
    if convert is None:
        return None
    convert_all = convert_each(convert, None if collection is list else collection)
    assert convert_all is not None  # noqa: S101 - the elements need a conversion

    def dump(value: Any) -> Any:
        check_collection(collection, value)
        return convert_all(value)

    return dump


def map_loader(key: OptionalConverter, value: OptionalConverter) -> Converter:
    """Return a converter from the driver's map to a dict.

    The driver's public ``items()`` serializes every key again, which is ten times as slow as its private list of pairs,
    and does not find keys of a user type that has gained a field since they were written. The list is used where the
    driver has it.
    """
    convert_items = items_converter(key, value)

    def load(driver_map: Any) -> dict[Any, Any]:
        try:
            return convert_items(driver_map._items)  # noqa: SLF001 - see above
        except AttributeError:
            return convert_items(driver_map.items())

    return load


def map_dumper(key: OptionalConverter, value: OptionalConverter) -> OptionalConverter:
    """Return a converter of the keys and values of a dict; None if neither needs a conversion."""
    if key is None and value is None:
        return None
    convert_items = items_converter(key, value)

    def dump(mapping: Any) -> dict[Any, Any]:
        check_collection(dict, mapping)
        dumped = convert_items(mapping.items())
        if len(dumped) < len(mapping):
            raise ValueError("two keys of the map have the same stored value")
        return dumped

    return dump


def items_converter(
    key: OptionalConverter, value: OptionalConverter
) -> Callable[[Iterable[tuple[Any, Any]]], dict[Any, Any]]:
    """Return a converter from pairs to a dict, which converts only the side that needs it."""
    if key is None and value is None:
        return dict
    if key is None and value is not None:
        return lambda items: {k: value(v) for k, v in items}
    if key is not None and value is None:
        return lambda items: {key(k): v for k, v in items}
    assert key is not None  # noqa: S101 - for type checkers, which do not infer it from the cases above
    assert value is not None  # noqa: S101
    return lambda items: {key(k): value(v) for k, v in items}


def tuple_converter(converts: Sequence[OptionalConverter]) -> OptionalConverter:
    """Return a converter of tuples, whose elements may be None; None if no element needs a conversion."""
    if not any(converts):
        return None
    functions = tuple(converts)

    def convert(value: Any) -> tuple[Any, ...]:
        return tuple(
            [
                item if item is None or function is None else function(item)
                for item, function in zip(value, functions, strict=True)
            ]
        )

    return convert
