"""Every CQL type as an annotation with values that are hard to store: one table for all tests of types."""

from __future__ import annotations

import uuid
from datetime import date, datetime, time, timezone
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any, NamedTuple

import attrs

from scyllamodel import types as cql
from scyllamodel.model._codegen import Field, install_row_functions
from scyllamodel.types.annotations import map_annotation
from support.strategies import Level, Status


class Case(NamedTuple):
    """An annotation and values of it; `name` is a column name too."""

    name: str
    hint: Any
    values: list[Any]


@attrs.frozen
class Place:
    """A user type inside another."""

    __cql_name__ = "place"
    __fields_by_cql__ = ("city", "opened")
    city: str
    opened: date | None = None


@attrs.frozen
class Address:
    """A user type with a collection, a tuple, another type, and a field whose name is reserved in Python."""

    __cql_name__ = "address"
    __fields_by_cql__ = ("street", "class", "place", "days", "moved")
    street: str
    kind: Level | None = None
    place: Place | None = None
    days: frozenset[date] | None = None
    moved: tuple[datetime, cql.Inet] | None = None


def _install(cls):
    results = [
        Field(item.name, map_annotation(annotation))
        for item, annotation in zip(attrs.fields(cls), _hints(cls), strict=True)
    ]
    install_row_functions(cls, lambda _: results)
    return list(zip(cls.__fields_by_cql__, [field.type_mapping.type for field in results], strict=True))


def _hints(cls):
    scope = dict(globals())
    return [eval(text, scope) for name, text in cls.__annotations__.items()]


USER_TYPES = [(cls, _install(cls)) for cls in (Place, Address)]
"""Each class with its (field, type) pairs, in the order in which they can be created."""

MOMENT = datetime(2026, 1, 31, 23, 59, 59, 999_000, timezone.utc)
BEFORE = datetime(1815, 12, 10, 0, 0, 0, 1000, timezone.utc)
FULL = Address(
    "Main St", Level.HIGH, Place("Brno", date(1243, 1, 1)), frozenset({date(2026, 1, 1)}), (MOMENT, IPv6Address("::1"))
)
BARE = Address("")

CASES = [
    Case("ascii", cql.Ascii, ["", "a\0b"]),
    Case("text", str, ["", "naïve ☃ \U0001f600", "\0"]),
    Case("blob", bytes, [b"", bytes(range(256))]),
    Case("boolean", bool, [True, False]),
    Case("tinyint", cql.TinyInt, [-128, 127]),
    Case("smallint", cql.SmallInt, [-(2**15), 2**15 - 1]),
    Case("int", cql.Int, [-(2**31), 0, 2**31 - 1]),
    Case("bigint", int, [-(2**63), 2**63 - 1]),
    Case("varint", cql.VarInt, [0, -(2**200), 2**200]),
    Case("float", cql.Float, [0.5, float("inf")]),
    Case("double", float, [0.1, -0.0, float("-inf"), 5e-324]),
    Case("decimal", Decimal, [Decimal("1.10"), Decimal("-1E+40"), Decimal(0)]),
    Case("uuid", uuid.UUID, [uuid.UUID(int=0), uuid.UUID(int=2**128 - 1)]),
    Case("timeuuid", cql.TimeUUID, [uuid.uuid1(1, 2)]),
    Case("timestamp", datetime, [MOMENT, BEFORE, datetime(1, 1, 1, tzinfo=timezone.utc)]),
    Case("date", date, [date.min, date(1970, 1, 1), date.max]),
    Case("time", time, [time.min, time.max]),
    Case("inet", cql.Inet, [IPv4Address("10.0.0.1"), IPv6Address("2001:db8::1")]),
    Case("inet4", IPv4Address, [IPv4Address("255.255.255.255")]),
    Case("inet6", IPv6Address, [IPv6Address("::1")]),
    Case("duration", cql.Duration, [cql.Duration(), cql.Duration(1, 2, 3), cql.Duration(-(2**31), -1, -(2**63))]),
    Case("enum_text", Status, list(Status)),
    Case("enum_number", Annotated[Level, cql.Int], list(Level)),
    Case("list", list[str], [[], ["b", "a", "b"]]),
    Case("list_of_dates", list[date], [[], [date.max, date.min]]),
    Case("set", set[cql.Int], [set(), {3, -1, 2}]),
    Case("set_of_inets", set[cql.Inet], [set(), {IPv4Address("1.2.3.4"), IPv6Address("::2")}]),
    Case("map", dict[str, cql.Int], [{}, {"b": 1, "a": 2}]),
    Case("map_both", dict[date, list[time]], [{}, {date.min: [time.max], date.max: []}]),
    Case("map_of_durations", dict[Status, cql.Duration], [{Status.NEW: cql.Duration(days=1)}]),
    Case("frozen_list", cql.Frozen[list[str]], [[], ["b", "a"]]),
    Case("frozen_set", frozenset[datetime], [frozenset(), frozenset({MOMENT, BEFORE})]),
    Case("frozen_map", cql.Frozen[dict[str, int]], [{}, {"b": 1, "a": 2}]),
    Case("nested", dict[str, dict[str, set[uuid.UUID]]], [{"a": {"b": {uuid.UUID(int=1)}, "c": set()}}]),
    Case("keyed", set[tuple[str, frozenset[date]]], [{("a", frozenset({date.min})), ("b", frozenset())}]),
    Case("tuple", tuple[str, cql.Int | None], [("a", 1), ("", None)]),
    Case("tuple_of_tuples", tuple[tuple[date, bool], list[cql.Inet] | None], [((date.min, True), None)]),
    Case("user_type", Address, [FULL, BARE]),
    Case("frozen_user_type", cql.Frozen[Address], [FULL, BARE]),
    Case("list_of_user_types", list[Address], [[], [BARE, FULL]]),
    Case("set_of_user_types", set[Address], [set(), {BARE, FULL}]),
    Case("map_of_user_types", dict[Place, Address], [{Place("a"): FULL, Place("b", date.max): BARE}]),
    Case("tuple_of_user_types", tuple[Address | None, Place], [(None, Place("x")), (FULL, Place("x"))]),
]
"""What every server can hold in a regular column, in both of: a table of each type alone, and one of all."""

VECTOR_CASES = [
    Case("vector", Annotated[list[float], cql.vector(3)], [[0.5, -1.0, 2.0]]),
    Case("vector_of_doubles", Annotated[list[float], cql.vector(2, of=cql.Double)], [[0.1, 5e-324]]),
    Case("vector_of_texts", Annotated[list[str], cql.vector(2)], [["", "ab"]]),
    Case("vector_of_dates", Annotated[list[date], cql.vector(1)], [[date.max]]),
    Case("list_of_vectors", list[Annotated[list[float], cql.vector(2)]], [[], [[0.5, 1.5], [2.5, 3.5]]]),
]
"""What a server with vectors holds as well."""
