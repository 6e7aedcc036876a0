"""From what the driver returns to the Python value a model holds, and from that to what the driver serialises.

A converter is a function of one value that is never None; a converter that is None means that the value is right as it
is, and costs no call. What the driver returns was measured, not read: sets come as ``SortedSet``, maps as a
``Mapping`` that is no dict, dates as days, timestamps as naive UTC, addresses as text. Driver classes are known here
by their attributes alone, so that this module needs no driver.
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
"""Whether naive datetimes are taken for UTC: whoever binds may set it; it is read for naive ones only."""

_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_NAIVE_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - the driver's timestamps are naive UTC
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MAPPED_IPV4_PREFIX: Final = 0xFFFF
"""What stands before the bits of an IPv4 address that is written as an IPv6 address."""


def load_date(value: Any) -> Any:
    """The driver's ``Date`` as a `date`; one outside the years 1 to 9999 stays as it is."""
    try:
        return date.fromordinal(value.days_from_epoch + _EPOCH_ORDINAL)
    except (ValueError, OverflowError):
        return value


def dump_date(value: Any) -> Any:
    """The date itself, or the driver's for other years.

    The driver would take a `datetime` and drop its time without a word, and text and numbers as it sees fit.
    """
    if isinstance(value, datetime):
        raise TypeError("a date column would lose its time; give value.date()")
    if isinstance(value, date) or hasattr(value, "days_from_epoch"):
        return value
    raise TypeError(f"a date is needed, not {type(value).__qualname__}")


def load_time(value: Any) -> time:
    """The driver's ``Time`` as a `time`: microseconds, the nanoseconds below them are cut."""
    seconds, microsecond = divmod(value.nanosecond_time // 1000, 1_000_000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return time(hour, minute, second, microsecond)


def dump_time(value: Any) -> Any:
    """The time itself; one with a time zone is refused, since CQL has no place for the zone."""
    if value.tzinfo is not None:
        raise ValueError("a CQL time has no time zone; give value.replace(tzinfo=None)")
    return value


def load_timestamp(value: datetime) -> datetime:
    """The driver's naive UTC as an aware `datetime`; four times as fast as ``replace(tzinfo=…)``."""
    return _EPOCH + (value - _NAIVE_EPOCH)


def dump_timestamp(value: Any) -> Any:
    """The datetime itself, which must know its time zone.

    The driver writes milliseconds and rounds down, towards the past, before 1970 as well as after: the same rule as
    ``value.replace(microsecond=value.microsecond // 1000 * 1000)``.
    """
    if value.tzinfo is not timezone.utc and value.utcoffset() is None and not NAIVE_UTC.get():
        raise ValueError("it has no time zone; use datetime.now(timezone.utc)")
    return value


def load_ipv4(value: str) -> IPv4Address:
    """The text of an address as the address, by the system's reader: five times as fast as Python's.

    An IPv6 address that stands for an IPv4 address is that one.
    """
    if ":" in value:
        mapped = IPv6Address(value).ipv4_mapped
        if mapped is None:
            raise ValueError(f"{value} is no IPv4 address; a column that holds both is IPv4Address | IPv6Address")
        return mapped
    return IPv4Address(int.from_bytes(socket.inet_aton(value), "big"))


def dump_ipv4(value: Any) -> IPv4Address:
    """The address itself; one of the other family could not be loaded."""
    return value if value.__class__ is IPv4Address else IPv4Address(_text_or_address(value))


def dump_ipv6(value: Any) -> IPv4Address | IPv6Address:
    """The address itself; one of the other family could not be loaded."""
    return _unmapped(value if value.__class__ is IPv6Address else IPv6Address(_text_or_address(value)))


def dump_inet(value: Any) -> Any:
    """The address itself, or the text of an IPv4 address."""
    if isinstance(value, str):
        return _unmapped(IPv6Address(value)) if ":" in value else value
    return _unmapped(value) if isinstance(value, IPv6Address) else value


def _unmapped(value: IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that ``::ffff:10.0.0.1`` stands for: Cassandra makes it of one in a collection or a literal."""
    mapped = value.ipv4_mapped if value.scope_id is None else None
    return value if mapped is None else mapped


def _text_or_address(value: Any) -> str:
    """The text of an address; numbers and bytes, which the constructors take too, are refused."""
    if isinstance(value, (str, IPv4Address, IPv6Address)):
        return str(value)
    raise TypeError(f"an address is needed, not {type(value).__qualname__}")


def load_ipv6(value: str) -> IPv6Address:
    """The text of an address as the address; an IPv4 address as the IPv6 address that stands for it."""
    if ":" not in value:
        return IPv6Address((_MAPPED_IPV4_PREFIX << 32) | int(load_ipv4(value)))
    return IPv6Address(socket.inet_pton(socket.AF_INET6, value))


def load_inet(value: str) -> IPv4Address | IPv6Address:
    """The text of an address as an address of its kind."""
    return load_ipv6(value) if ":" in value else load_ipv4(value)


def load_duration(value: Any) -> Duration:
    """The driver's duration as ours; the driver takes ours as it is."""
    return Duration(value.months, value.days, value.nanoseconds)


class _EnumMembers(dict[Any, Any]):
    """Value to member; a value without a member is asked of the enum, for ``_missing_``, flags, and its error."""

    def __init__(self, enum_class: type[enum.Enum]) -> None:
        super().__init__((member.value, member) for member in enum_class.__members__.values())
        self.enum_class = enum_class

    def __missing__(self, value: Any) -> Any:
        return self.enum_class(value)


def enum_loader(enum_class: type[enum.Enum]) -> Converter:
    """Value to member by a dictionary, sixty times as fast as ``cls(value)``."""
    return _EnumMembers(enum_class).__getitem__


def enum_dumper(enum_class: type[enum.Enum]) -> Converter:
    """Member to value; anything else is refused, also a plain value that happens to be a member's."""
    value_of = attrgetter("_value_")

    def dump(value: Any) -> Any:
        if isinstance(value, enum_class):
            return value_of(value)
        raise TypeError(f"a {enum_class.__qualname__} is needed, not {type(value).__qualname__}")

    return dump


def literal_dumper(values: Sequence[Any], dump: OptionalConverter) -> Converter:
    """One of these values; any other is refused."""
    allowed = frozenset(values)

    def checked(value: Any) -> Any:
        if value not in allowed:
            raise ValueError(f"one of {', '.join(map(repr, values))} is needed")
        return value if dump is None else dump(value)

    return checked


def convert_each(convert: OptionalConverter, container: Callable[[Iterable[Any]], Any] | None) -> OptionalConverter:
    """A converter of every element into a new container; without element work just ``container``."""
    if convert is None:
        return container
    if container is set:
        return lambda value: {convert(item) for item in value}
    if container is frozenset:
        return lambda value: frozenset([convert(item) for item in value])
    return lambda value: [convert(item) for item in value]


_ACCEPTED_CLASSES: Final[dict[type, tuple[type, ...]]] = {set: (set, frozenset), frozenset: (set, frozenset)}


def check_collection(collection: type, value: object) -> None:
    """Refuse a collection of another Python type, which would never equal what is read.

    Raises:
        TypeError: it is not of this kind; a set stands for a frozenset, and a frozenset for a set.
    """
    if not isinstance(value, _ACCEPTED_CLASSES.get(collection, collection)):
        name, actual = collection.__name__, type(value).__qualname__
        raise TypeError(f"a {name} is needed, not {actual}; write {name}(…), or converter={name} in the column")


def collection_dumper(convert: OptionalConverter, collection: type) -> OptionalConverter:
    """A converter of every element of a collection of this kind; None without element work."""
    if convert is None:
        return None
    convert_all = convert_each(convert, None if collection is list else collection)
    assert convert_all is not None  # noqa: S101 - there is element work

    def dump(value: Any) -> Any:
        check_collection(collection, value)
        return convert_all(value)

    return dump


def map_loader(key: OptionalConverter, value: OptionalConverter) -> Converter:
    """The driver's map as a dict.

    Its public ``items()`` serialises every key again, ten times as slow as its list of pairs, and does not find keys of
    a user type that has gained a field since they were written; so the list is taken while the driver has it.
    """
    convert_items = items_converter(key, value)

    def load(driver_map: Any) -> dict[Any, Any]:
        try:
            return convert_items(driver_map._items)  # noqa: SLF001 - see above
        except AttributeError:
            return convert_items(driver_map.items())

    return load


def map_dumper(key: OptionalConverter, value: OptionalConverter) -> OptionalConverter:
    """A dict of converted keys and values; None when neither needs it."""
    if key is None and value is None:
        return None
    convert_items = items_converter(key, value)

    def dump(mapping: Any) -> dict[Any, Any]:
        check_collection(dict, mapping)
        dumped = convert_items(mapping.items())
        if len(dumped) < len(mapping):
            raise ValueError("two keys of the map are one, as they are stored")
        return dumped

    return dump


def items_converter(
    key: OptionalConverter, value: OptionalConverter
) -> Callable[[Iterable[tuple[Any, Any]]], dict[Any, Any]]:
    """Pairs to a dict, converting the side that needs it."""
    if key is None and value is None:
        return dict
    if key is None and value is not None:
        return lambda items: {k: value(v) for k, v in items}
    if key is not None and value is None:
        return lambda items: {key(k): v for k, v in items}
    assert key is not None  # noqa: S101 - tells the checkers what the cases above leave
    assert value is not None  # noqa: S101
    return lambda items: {key(k): value(v) for k, v in items}


def tuple_converter(converts: Sequence[OptionalConverter]) -> OptionalConverter:
    """Element by element, where each may be None; None when no element needs it."""
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
