"""Annotations as CQL types, and round trips of their values through the driver."""

from __future__ import annotations

import enum
import math
import typing
import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any, Literal, NewType, Optional, Union

import attrs
import pytest
from cassandra import util
from hypothesis import given
from typing_extensions import TypeAliasType

from scyllamodel import types as cql
from scyllamodel.types import parse_type
from scyllamodel.types.annotations import AnnotationError, map_annotation
from scyllamodel.types.converters import NAIVE_UTC
from scyllamodel.types.cql_types import Native
from support.driver_codecs import returned, round_trip
from support.strategies import Level, Status, hints_with_values

UTC = timezone.utc


class Address:
    """The least that a user type class needs; a namedtuple could not have one of the two fields."""

    __cql_name__ = "address"
    __fields_by_cql__ = ("street", "class")

    def __init__(self, street, kind=None):
        self.street, self.kind = street, kind

    @staticmethod
    def __load__(values):
        return Address(*values)

    def __bind__(self):
        return (self.street, self.kind)

    def __eq__(self, other):
        return isinstance(other, Address) and self.__bind__() == other.__bind__()

    def __hash__(self):
        return hash(self.__bind__())


class Plain(enum.Enum):
    """An enum whose values are neither strings nor numbers."""

    A = 1


@attrs.frozen
class Money:
    """A class that CQL does not know."""

    cents: int


UserId = NewType("UserId", uuid.UUID)
Names = TypeAliasType("Names", list[str])

CQL = [
    (str, "text"),
    (int, "bigint"),
    (float, "double"),
    (bool, "boolean"),
    (bytes, "blob"),
    (Decimal, "decimal"),
    (uuid.UUID, "uuid"),
    (datetime, "timestamp"),
    (date, "date"),
    (time, "time"),
    (IPv4Address, "inet"),
    (IPv6Address, "inet"),
    (IPv4Address | IPv6Address, "inet"),
    (cql.Inet, "inet"),
    (Status, "text"),
    (Level, "bigint"),
    (Annotated[Level, cql.Int], "int"),
    (cql.Counter, "counter"),
    (cql.Duration, "duration"),
    (UserId, "uuid"),
    (NewType("Seats", cql.Int), "int"),
    (Names, "list<text>"),
    (Annotated[str, "foreign"], "text"),
    (list[str], "list<text>"),
    (list[str], "list<text>"),
    (set[cql.Int], "set<int>"),
    (frozenset[str], "frozen<set<text>>"),
    (dict[str, cql.Inet], "map<text, inet>"),
    (tuple[str, int | None], "frozen<tuple<text, bigint>>"),
    (list[list[str]], "list<frozen<list<text>>>"),
    (dict[str, dict[str, set[int]]], "map<text, frozen<map<text, frozen<set<bigint>>>>>"),
    (set[tuple[str, frozenset[int]]], "set<frozen<tuple<text, frozen<set<bigint>>>>>"),
    (cql.Frozen[list[str]], "frozen<list<text>>"),
    (cql.Frozen[set[str] | None], "frozen<set<text>>"),
    (cql.Frozen[list[str]] | None, "frozen<list<text>>"),
    (cql.Frozen[tuple[str]], "frozen<tuple<text>>"),
    (Address, "address"),
    (cql.Frozen[Address], "frozen<address>"),
    (list[Address], "list<frozen<address>>"),
    (set[Address], "set<frozen<address>>"),
    (Annotated[list[float], cql.vector(3)], "vector<float, 3>"),
    (Annotated[list[float], cql.vector(3, of=cql.Double)], "vector<double, 3>"),
    (Annotated[list[cql.Double], cql.vector(3)], "vector<double, 3>"),
    (Annotated[list[str], cql.vector(2)], "vector<text, 2>"),
    (list[Annotated[list[float], cql.vector(3)]], "list<vector<float, 3>>"),
    (Annotated[list[int], parse_type("list<varint>")], "list<varint>"),
]


@pytest.mark.parametrize(("annotation", "text"), CQL, ids=str)
def test_an_annotation_means_a_type(annotation, text):
    """Each annotation means its CQL type, also when nested."""
    assert parse_type(text) == map_annotation(annotation).type


@pytest.mark.parametrize(("annotation", "text"), [(getattr(typing, n)[a], t) for n, a, t in [
    ("List", str, "list<text>"), ("Set", str, "set<text>"), ("FrozenSet", str, "frozen<set<text>>"),
    ("Dict", (str, int), "map<text, bigint>"), ("Tuple", (str, int), "frozen<tuple<text, bigint>>"),
]], ids=str)  # fmt: skip
def test_the_older_spellings_mean_the_same(annotation, text):
    """``typing.List[str]`` is ``list[str]``."""
    assert text == map_annotation(annotation).type.cql


@pytest.mark.parametrize(
    "annotation",
    [Optional[str], Union[str, None], str | None, Annotated[str | None, 1], cql.Ascii | None],  # noqa: UP045
)
def test_none_makes_it_nullable(annotation):
    """None makes a type nullable, however it is spelled, outside or inside ``Annotated``."""
    mapping = map_annotation(annotation)

    assert (True, annotation, None) == (mapping.nullable, mapping.python, mapping.empty)


def test_nothing_else_is_nullable():
    """An annotation without None is not nullable."""
    assert not map_annotation(str).nullable


@pytest.mark.parametrize(
    ("annotation", "empty"),
    [
        (list[str], []),
        (set[str], set()),
        (dict[str, int], {}),
        (cql.Frozen[list[str]], None),
        (frozenset[str], None),
        (list[str] | None, None),
        (str, None),
        (Address, None),
        (Annotated[list[float], cql.vector(1)], None),
    ],
    ids=str,
)
def test_a_null_collection_is_empty_where_servers_keep_it_so(annotation, empty):
    """A null loads as an empty collection unless that is frozen, as servers return null for empty ones."""
    make = map_annotation(annotation).empty

    assert empty == (make and make())


@pytest.mark.parametrize(
    "annotation", [list[str], Annotated[list[str], cql.vector(1)], cql.Frozen[list[str]], tuple[list[str]]], ids=str
)
def test_lists_are_loaded_as_copies(annotation):
    """A loaded list is a copy, so changing it does not change the row."""
    inner = ["a"]
    value = (inner,) if "tuple" in str(annotation) else inner
    loaded = map_annotation(annotation).load(value)
    (loaded[0] if isinstance(loaded, tuple) else loaded).append("b")

    assert ["a"] == inner


@pytest.mark.parametrize("annotation", [str, int, float, bool, bytes, Decimal, uuid.UUID, cql.Int, cql.TimeUUID, UserId,
    tuple[str, int]], ids=str)  # fmt: skip
def test_values_that_are_right_cost_no_call(annotation):
    """No converter is created if the driver's value is that of the model."""
    assert (None, None) == (map_annotation(annotation).load, map_annotation(annotation).dump)


REFUSED = [
    (Any, "Any does not determine the CQL type", "Write the type of the values"),
    (object, "object does not determine", "Write the type of the values"),
    (list, "a bare list", "list[str]"),
    (typing.List, "a bare list", "list[str]"),  # noqa: UP006
    (set, "a bare set", "set[str]"),
    (frozenset, "a bare frozenset", "frozenset[str]"),
    (dict, "a bare dict", "dict[str, str]"),
    (tuple, "a bare tuple", "tuple[str, int]"),
    (tuple[()], "a bare tuple", "tuple[str, int]"),
    (tuple[str, ...], "no tuples of variable length, such as tuple[str", "list[str], or each element: tuple[str, str]"),
    (str | int, "a column has one type, not str | int", "Choose one type"),
    (str | int | None, "a column has one type", "Choose one type"),
    (IPv4Address | str, "a column has one type", "Choose one type"),
    (Money, "Money has no CQL type", "column(type=cql.Text, load=..., dump=...)"),
    (complex, "complex has no CQL type", "tuple[float, float]"),
    (timedelta, "timedelta has no CQL type", "cql.Duration"),
    (timedelta | None, "timedelta has no CQL type", "dump=lambda d: d // timedelta(milliseconds=1)"),
    (type(None), "NoneType has no CQL type", "UserType"),
    (Literal["a", 1], "Literal['a', 1] has values of several types", "one type"),
    (Sequence[str], "Sequence[str] has no CQL type", "list[…]"),
    (Mapping[str, str], "Mapping[str, str] has no CQL type", "dict[K, V]"),
    (bytearray, "bytearray has no CQL type", "Write bytes."),
    (Plain, "Plain is an enum that derives from neither str nor int", "class Plain(str, Enum) or class Plain(IntEnum)"),
    ("Adress", "the name 'Adress' is not defined here", "Import it"),
    (list["Adress"], "the name 'Adress' is not defined here", "Import it"),  # noqa: F821
    (list[Any], "Any does not determine", "Write the type of the values"),
    (list[str | None], "a list cannot contain nulls", "without None"),
    (set[str | None], "a set cannot contain nulls", "without None"),
    (dict[str, str | None], "a map cannot contain nulls", "without None"),
    (Annotated[list[float | None], cql.vector(1)], "a vector cannot contain nulls", "without None"),
    (Annotated[list[Address], cql.vector(2)], "a vector of Address cannot be read", "list[Address]"),
    (set[list[int]], "list[int] cannot be an element of a set, since it is not hashable", "tuple[int, int]"),
    (frozenset[set[int]], "set[int] cannot be an element of a set, since it is not hashable", "Write a frozenset"),
    (set[dict[str, int]], "dict[str, int] cannot be an element of a set", "UserType class, or a tuple"),
    (dict[list[int], int], "list[int] cannot be the key of a map, since it is not hashable", "tuple[int, int]"),
    (set[cql.Frozen[list[int]]], "cannot be an element of a set, since it is not hashable", "tuple[int, int]"),
    (set[tuple[list[int], int]], "cannot be an element of a set", "tuples and frozensets inside it"),
    (list[cql.Counter], "a counter cannot be inside a list", "separate column"),
    (tuple[cql.Counter], "a counter cannot be inside a tuple", "separate column"),
    (set[cql.Duration], "a duration cannot be an element of a set", "in a list, or as a value of a map"),
    (dict[tuple[cql.Duration], str], "a duration cannot be the key of a map", "in a list, or as a value of a map"),
    (cql.Frozen[str], "text cannot be frozen", "Write str without Frozen."),
    (Annotated[set[float], cql.vector(3)], "a vector is a list, not set[float]", "cql.vector(3)"),
    (Annotated[list[str], cql.vector(3, of=cql.Double)], "str is text, whose values do not fit double", "fits"),
    (Annotated[str, Native("int")], "str is text, whose values do not fit int", "fits int"),
]  # fmt: skip


@pytest.mark.parametrize(("annotation", "text", "advice"), REFUSED, ids=[str(case[0]) for case in REFUSED])
def test_what_cannot_be_a_column_is_refused_with_advice(annotation, text, advice):
    """An unsupported annotation is refused with the reason and what to write instead."""
    with pytest.raises(AnnotationError) as exc_info:
        map_annotation(annotation)

    assert text in exc_info.value.text
    assert advice in exc_info.value.advice


def test_the_advice_for_timedelta_works():
    """The replacement for timedelta in the advice preserves the value."""
    annotation = map_annotation(
        timedelta,
        type=cql.BigInt,
        load=lambda ms: timedelta(milliseconds=ms),
        dump=lambda d: d // timedelta(milliseconds=1),
    )

    assert timedelta(hours=-3, milliseconds=5) == round_trip(annotation, timedelta(hours=-3, milliseconds=5))


LITERALS = [
    (Literal["a", "b"], "text", "b", ["c", 1, b"a"]),
    (Literal[1, 2], "bigint", 2, [3, "1"]),
    (Literal[True], "boolean", True, [False, "x"]),
    (Literal[b"x"], "blob", b"x", [b"y", "x"]),
    (Literal["a", "b"] | None, "text", "a", ["c"]),
    (Literal["a", None], "text", "a", ["c"]),  # noqa: PYI061 - another spelling
    (Literal[Status.NEW], "text", Status.NEW, [Status.PAID, "x"]),
    (list[Literal["a", "b"]], "list<text>", ["b", "a"], [["c"]]),
    (dict[Literal["a"], Literal[1]], "map<text, bigint>", {"a": 1}, [{"b": 1}, {"a": 2}]),
]


@pytest.mark.parametrize(("annotation", "cql_type", "good", "bad"), LITERALS, ids=[str(case[0]) for case in LITERALS])
def test_literals_are_of_the_type_of_their_values(annotation, cql_type, good, bad):
    """One of the values is written and read, and another value is refused before it is sent."""
    mapping = map_annotation(annotation)

    assert cql_type == mapping.type.cql
    assert (mapping.nullable, good) == (
        type(None) in typing.get_args(annotation) or None in typing.get_args(annotation),
        good,
    )
    assert good == round_trip(mapping, good)
    for value in bad:
        with pytest.raises((ValueError, TypeError)):
            mapping.dump(value)


def test_a_stored_value_outside_of_a_literal_still_loads():
    """A value that a newer release may have written is loaded without a check."""
    assert map_annotation(Literal["a"]).load is None


def test_a_literal_takes_another_width():
    """An integer literal accepts a narrower CQL type, as ``int`` does."""
    assert "int" == map_annotation(Literal[1, 2], type=cql.Int).type.cql


@given(hints_with_values())
def test_values_come_back_from_the_driver_as_they_were(case):
    """A value of any nested type is equal and of the same class after dump, the driver's bytes, and load."""
    annotation, value = case
    result = round_trip(map_annotation(annotation), value)

    assert value == result
    assert type(value) is type(result)


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.0])
def test_odd_floats_come_back(value):
    """NaN, infinities and minus zero survive a round trip."""
    assert repr(value) == repr(round_trip(map_annotation(float), value))


def test_timestamps_are_rounded_down_to_milliseconds():
    """Timestamps are rounded towards the past, before 1970 too."""
    after, before = datetime(2026, 1, 1, 0, 0, 0, 1999, UTC), datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC)

    assert after.replace(microsecond=1000) == round_trip(map_annotation(datetime), after)
    assert before.replace(microsecond=999_000) == round_trip(map_annotation(datetime), before)


def test_timestamps_load_in_utc():
    """A loaded timestamp is the same moment, in UTC."""
    annotation = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=5)))
    value = round_trip(map_annotation(datetime), annotation)

    assert (annotation, UTC) == (value, value.tzinfo)


@pytest.mark.parametrize("annotation", [datetime, list[datetime], dict[str, tuple[datetime, int]]], ids=str)
def test_naive_datetimes_are_refused(annotation):
    """A datetime without a time zone is refused with advice."""
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - the claim
    value = {datetime: naive, list[datetime]: [naive]}.get(annotation, {"a": (naive, 1)})

    with pytest.raises(ValueError, match="no time zone; use datetime"):
        map_annotation(annotation).dump(value)


def test_naive_datetimes_are_utc_where_a_repo_says_so():
    """In the context that a repo can enable, a naive datetime is treated as UTC."""
    token = NAIVE_UTC.set(True)
    value = round_trip(map_annotation(datetime), datetime(2026, 1, 1))  # noqa: DTZ001 - the claim
    NAIVE_UTC.reset(token)

    assert datetime(2026, 1, 1, tzinfo=UTC) == value


@pytest.mark.parametrize(
    ("annotation", "value", "message"),
    [
        (date, datetime(2026, 1, 1, tzinfo=UTC), "cannot store the time"),
        (date, "2026-01-01", "expected a date, got str"),
        (time, time(1, tzinfo=UTC), "no time zone"),
        (Status, "new", "expected a Status, got str"),
        (Level, 1, "expected a Level, got int"),
        (Level, Status.NEW, "expected a Level, got Status"),
        (Address, ("Main St", None), "expected a Address, got tuple"),
        (tuple[date, int], (date(2026, 1, 1),), "shorter|longer"),
    ],
)  # fmt: skip
def test_values_that_would_be_bent_are_refused(annotation, value, message):
    """A value that the driver would accept and change silently is refused."""
    with pytest.raises((TypeError, ValueError), match=message):
        map_annotation(annotation).dump(value)


@pytest.mark.parametrize("days", [-719163, 2932897, -(2**31), 2**31 - 1])
def test_dates_that_python_lacks_stay_as_they_are(days):
    """A date before year 1 or after 9999 is loaded as the driver's own class."""
    assert util.Date(days) == map_annotation(date).load(util.Date(days))


def test_a_time_loses_nanoseconds_only():
    """A time is loaded with microseconds, and its nanoseconds are lost."""
    assert time(23, 59, 59, 999_999) == map_annotation(time).load(util.Time(86_399_999_999_999))


def test_an_address_of_the_other_kind_says_so():
    """An IPv6 address in a column of IPv4 addresses is refused with how to declare both."""
    with pytest.raises(ValueError, match=r"to store both, declare IPv4Address \| IPv6Address"):
        map_annotation(IPv4Address).load("::1")


MAPPED = [
    (IPv6Address, IPv6Address("::ffff:10.0.0.1"), IPv6Address("::ffff:10.0.0.1")),
    (IPv6Address, "0:0:0:0:0:FFFF:a00:1", IPv6Address("::ffff:10.0.0.1")),
    (cql.Inet, IPv6Address("::ffff:10.0.0.1"), IPv4Address("10.0.0.1")),
    (cql.Inet, "::ffff:10.0.0.1", IPv4Address("10.0.0.1")),
    (IPv4Address | IPv6Address, IPv6Address("::ffff:10.0.0.1"), IPv4Address("10.0.0.1")),
]


@pytest.mark.parametrize(("annotation", "value", "read"), MAPPED, ids=str)
def test_an_ipv4_address_given_as_ipv6_address_is_stored_as_ipv4_address(annotation, value, read):
    """An IPv4-mapped IPv6 address is stored as IPv4 address, as in Java, and is read back as it was given."""
    mapping = map_annotation(annotation)

    assert IPv4Address("10.0.0.1") == mapping.dump(value)
    assert read == mapping.load("10.0.0.1")
    assert IPv4Address("10.0.0.1") == map_annotation(IPv4Address).load("::ffff:10.0.0.1")


def test_two_forms_of_one_address_are_not_two_keys_of_a_map():
    """A map with two forms of one address as keys is refused, since only one of its values would be stored."""
    with pytest.raises(ValueError, match="two keys of the map have the same stored value"):
        map_annotation(dict[IPv6Address, int]).dump({IPv6Address("::1"): 1, "::1": 2})


def test_a_zone_without_an_offset_is_naive():
    """A time zone that returns no offset does not make a datetime aware."""
    vague = type("Vague", (tzinfo,), {"utcoffset": lambda *_: None})()

    with pytest.raises(ValueError, match="no time zone"):
        map_annotation(datetime).dump(datetime(2026, 1, 1, tzinfo=vague))


def test_an_enum_without_the_value_says_so():
    """A stored value that no member has is an error with the enum and the value."""
    with pytest.raises(ValueError, match="'lost' is not a valid Status"):
        map_annotation(Status).load("lost")


def test_a_flag_loads_with_several_bits():
    """A flag loads combinations of its members."""
    rights = enum.IntFlag("rights", {"READ": 1, "WRITE": 2})

    assert rights.READ | rights.WRITE == round_trip(map_annotation(rights), rights.READ | rights.WRITE)


def test_an_alias_of_an_enum_is_read():
    """An alias of an enum member loads as that member."""
    state = enum.Enum("state", {"OLD": "o", "ANCIENT": "o"}, type=str)

    assert state.OLD is map_annotation(state).load("o")


class TestUserTypes:
    """Values of user types, as the driver returns them."""

    def load(self, fields, values):
        """What the class makes of a value whose type has these fields on the server."""
        types = {"address": tuple((name, Native("text")) for name in fields)}
        value = returned(values, cql.UserTypeName("address"), types)
        return map_annotation(Address).load(value)

    def test_the_same_fields(self):
        """Values are matched by position."""
        assert Address("a", "b") == self.load(("street", "class"), ("a", "b"))

    def test_a_null_field(self):
        """A null inside a value stays None."""
        assert Address("a", None) == self.load(("street", "class"), ("a", None))

    def test_another_order_and_more_fields(self):
        """Values are matched by name, and fields that the class does not have are ignored."""
        assert Address("a", "b") == self.load(("x", "class", "y", "street"), (None, "b", "y", "a"))

    def test_fewer_fields(self):
        """A field that the server does not have is None."""
        assert Address("a", None) == self.load(("street",), ("a",))

    def test_a_type_whose_name_no_class_can_have(self):
        """Plain tuples, which the driver returns for such a type, are matched by position and filled with None."""
        load = map_annotation(Address).load

        assert [Address("a", None), Address("a", "b"), Address("a", "b")] == [
            load(("a",)), load(("a", "b")), load(("a", "b", "c")),
        ]  # fmt: skip

    def test_classes_that_the_application_registered(self):
        """Instances of registered classes, dicts, and objects with these attributes are loaded too."""
        load, other = map_annotation(Address).load, type("Other", (), {"street": "a", "class": "b"})()
        address = Address("a", "b")

        assert address is load(address)
        assert [address, address] == [load({"class": "b", "street": "a"}), load(other)]

    def test_readers_are_bounded(self):
        """The cache of readers is limited, even if a type is altered repeatedly."""
        load = map_annotation(Address).load
        known = next(cell.cell_contents for cell in load.__closure__ if isinstance(cell.cell_contents, dict))
        for _ in range(200):
            load(type("Again", (), {"street": "a"})())

        assert len(known) <= 64

    @pytest.mark.parametrize(
        ("annotation", "value"),
        [
            (Address, Address("a", "b")),
            (list[Address], [Address("a"), Address("b", "c")]),
            (set[Address], {Address("a"), Address("b", "c")}),
            (dict[Address, tuple[Address, int | None]], {Address("a"): (Address("b"), None)}),
            (frozenset[tuple[Address, int]], frozenset({(Address("a"), 1)})),
        ],
        ids=["alone", "list", "set", "map and tuple", "frozen set"],
    )
    def test_values_come_back_inside_others(self, annotation, value):
        """User types can be nested like any type."""
        types = {"address": (("street", Native("text")), ("class", Native("text")))}

        assert value == round_trip(map_annotation(annotation), value, types)


class TestOwnConverters:
    """Application classes over a CQL type."""

    @pytest.mark.parametrize("type_", [cql.Int, Native("int"), Annotated[int, Native("int")]])
    def test_any_class_over_a_cql_type(self, type_):
        """The CQL type may be a value or an annotation."""
        annotation = map_annotation(Money, type=type_, load=Money, dump=lambda money: money.cents)

        assert Native("int") == annotation.type
        assert Money(5) == round_trip(annotation, Money(5))

    def test_load_takes_the_natural_value(self):
        """``load`` receives a `date`, not the driver's class."""
        annotation = map_annotation(str, type=cql.Date, load=date.isoformat, dump=date.fromisoformat)

        assert "2026-01-31" == round_trip(annotation, "2026-01-31")

    def test_a_collection_type_loads_null_as_its_empty_value(self):
        """A null list loads as what ``load`` returns for an empty one."""
        annotation = map_annotation(str, type=list[str], load=",".join, dump=lambda text: text.split(","))

        assert ("a,b", "") == (round_trip(annotation, "a,b"), annotation.empty())

    def test_a_nested_type_value(self):
        """A CQL type without an annotation uses Python's natural types."""
        annotation = map_annotation(
            Money, type=parse_type("map<date, frozen<tuple<inet, set<time>>>>"), load=Money, dump=lambda m: m.cents
        )
        value = {date(2026, 1, 1): (IPv4Address("10.0.0.1"), {time(1)})}

        assert Money(value) == round_trip(annotation, Money(value))

    def test_a_set_of_what_cannot_be_hashed_stays_the_drivers(self):
        """A set of lists, which Python does not support, is passed on as the driver returns it."""
        annotation = map_annotation(
            Money, type=parse_type("set<frozen<list<int>>>"), load=Money, dump=lambda m: m.cents
        )

        assert [[1], [2]] == list(round_trip(annotation, Money([[1], [2]])).cents)

    def test_a_set_of_user_types_without_a_class_stays_the_drivers(self):
        """A set of user types without a class is passed on as the driver returns it, since they may not be hashable."""
        user_types = {"address": [("lines", parse_type("frozen<list<text>>"))]}
        annotation = map_annotation(Money, type=parse_type("set<frozen<address>>"), load=Money, dump=lambda m: m.cents)
        cents = round_trip(annotation, Money([(["a"],), (["b"],)]), user_types).cents

        assert [["a"], ["b"]] == [value.lines for value in cents]

    def test_what_converters_make_may_be_hashed(self):
        """A user type whose set is converted to a string by its column is hashable, and can be a set element."""
        assert map_annotation(
            str, type=parse_type("set<text>"), load=",".join, dump=lambda text: text.split(",")
        ).hashable

    @pytest.mark.parametrize(("annotation", "type_", "text"), [
        (int, cql.SmallInt, "smallint"),
        (list[int], parse_type("list<varint>"), "list<varint>"),
        (list[float], parse_type("vector<float, 2>"), "vector<float, 2>"),
        (set[str], cql.Frozen[set[cql.Ascii]], "frozen<set<ascii>>"),
        (Level, cql.Int, "int"),
        (Address, parse_type("frozen<address>"), "frozen<address>"),
        (tuple[int, str], parse_type("tuple<int, ascii>"), "frozen<tuple<int, ascii>>"),
    ], ids=str)  # fmt: skip
    def test_another_type_of_the_same_kind_needs_no_converters(self, annotation, type_, text):
        """``int`` over ``smallint``, and similar pairs, need no converters."""
        assert text == map_annotation(annotation, type=type_).type.cql

    @pytest.mark.parametrize(("annotation", "type_"), [
        (str, cql.Int), (list[int], parse_type("set<int>")), (int, cql.Duration), (Address, parse_type("other")),
        (tuple[int, str], parse_type("tuple<int>")),
        (Annotated[list[float], cql.vector(2)], parse_type("vector<float, 3>")),
    ], ids=str)  # fmt: skip
    def test_another_kind_needs_them(self, annotation, type_):
        """An annotation over a type of another kind is refused, and the advice is ``load=`` and ``dump=``."""
        with pytest.raises(AnnotationError, match="load= and dump= to column"):
            map_annotation(annotation, type=type_)

    @pytest.mark.parametrize("annotation", [{"load": Money}, {"dump": str}])
    def test_one_converter_alone_is_half(self, annotation):
        """A class that CQL does not support needs both ``load`` and ``dump``."""
        with pytest.raises(AnnotationError, match="both load= and dump="):
            map_annotation(Money, type=cql.Int, **annotation)

    def test_one_converter_over_a_known_type(self):
        """With one converter over a supported type, the other direction is that of the annotation."""
        annotation = map_annotation(str, load=str.strip)

        assert ("a", None) == (annotation.load(" a "), annotation.dump)
