"""A generated binder produces the same bytes as the driver's own ``bind``."""

from __future__ import annotations

import uuid
from collections import OrderedDict
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated

import attrs
import pytest
from cassandra import cqltypes, util
from cassandra.protocol import ColumnMetadata
from cassandra.query import UNSET_VALUE, PreparedStatement

from scyllamodel import types as cql
from scyllamodel.driver.data.binding.binder import make_bind
from scyllamodel.driver.data.binding.canonical_encoding import canonicalize
from scyllamodel.driver.data.binding.user_types import StaleUserType
from scyllamodel.errors import TypeMismatch
from scyllamodel.query.statement import UNSET, Marker
from scyllamodel.types.annotations import map_annotation
from scyllamodel.types.display import show_nothing
from support.driver_codecs import PROTOCOL, driver_type
from support.strategies import Level, Status
from support.type_cases import CASES, USER_TYPES, Address, Place

SERVER = {cls.__cql_name__: fields for cls, fields in USER_TYPES}
CLASS_FIELDS = {cls.__cql_name__: cls.__fields_by_cql__ for cls, _ in USER_TYPES}
KEY = uuid.UUID(int=7)
MOMENTS = [
    datetime(2026, 1, 31, 23, 59, 59, 999_999, timezone.utc),
    datetime(1815, 12, 10, 0, 0, 0, 1, timezone.utc),
    datetime(2026, 1, 1, tzinfo=timezone.utc).astimezone(),
]

ONE_INSTANT = {(MOMENTS[0], 1): "a", (MOMENTS[0].replace(microsecond=999_998), 1): "b"}
"""A map with two keys within one millisecond."""


def prepared(hints, key=(0,), server=SERVER):
    """The driver's prepared statement for values of these types, and our markers for it."""
    mappings = [map_annotation(annotation) for annotation in hints]
    columns = [
        ColumnMetadata("shop", "orders", f"c{index}", driver_type(annotation.type, server))
        for index, annotation in enumerate(mappings)
    ]
    statement = PreparedStatement(columns, b"id", list(key), "INSERT …", "shop", PROTOCOL, [], b"")
    return statement, [
        Marker(f"Order.c{index}", annotation.type, annotation.dump) for index, annotation in enumerate(mappings)
    ]


def both(hints, values, key=(0,)):
    """The driver's statement and ours."""
    statement, markers = prepared(hints, key)
    dumped = [
        UNSET_VALUE if value is UNSET else value if value is None or marker.dump is None else marker.dump(value)
        for marker, value in zip(markers, values, strict=True)
    ]
    return statement.bind(dumped), make_bind(statement, markers, CLASS_FIELDS)(values)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_bytes_are_the_drivers(case):
    """Values of every type, nulls and unset values have the driver's bytes, apart from the order of sets and maps."""
    for value in (*case.values, None, UNSET):
        expected, result = both([uuid.UUID, case.hint], (KEY, value))

        statement = prepared([uuid.UUID, case.hint])[0].column_metadata[1].type
        assert expected.values[0] == result.values[0]
        assert "Bound" == type(result).__name__, "the slow way has been taken"
        if value is UNSET:
            assert expected.values[1] is result.values[1]
        else:
            assert canonicalize(statement, expected.values[1]) == canonicalize(statement, result.values[1])


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_timestamps_are_cut_as_the_driver_cuts_them(moment):
    """Timestamps are truncated to milliseconds as by the driver, also before 1970 and in any zone."""
    expected, result = both([uuid.UUID, datetime], (KEY, moment))

    assert expected.values[1] == result.values[1]


ELEMENTS = [
    (str, ["", "naïve"]),
    (cql.Ascii, ["plain"]),
    (int, [-(2**63), 2**63 - 1]),
    (cql.Int, [-1, 2**31 - 1]),
    (cql.SmallInt, [-(2**15), 7]),
    (cql.TinyInt, [-128, 127]),
    (float, [-0.0, 1.5, float("inf"), 2]),
    (cql.Float, [-0.0, 0.1]),
    (uuid.UUID, [KEY]),
    (cql.TimeUUID, [uuid.uuid1()]),
    (datetime, MOMENTS),
    (date, [date.min, date.max]),
    (bool, [True, False]),
    (bytes, [b"", b"\0"]),
    (Decimal, [Decimal("1.10"), Decimal("-1e5")]),
    (frozenset[datetime], [frozenset(MOMENTS[:1]), frozenset()]),
    (tuple[str, int], [("a", 1), (None, None)]),
]


@pytest.mark.parametrize(("annotation", "values"), ELEMENTS, ids=lambda item: getattr(item, "__name__", ""))
def test_the_bytes_of_what_is_in_collections_are_the_drivers(annotation, values):
    """Elements of lists, sets and maps, nested ones included, have the driver's bytes without its slow path."""
    for value in values:
        hints = [
            uuid.UUID,
            list[annotation],
            set[annotation],
            dict[str, annotation],
            dict[annotation, list[annotation]],
        ]
        expected, result = both(hints, (KEY, [value, value], {value}, {"k": value}, {value: [value, value]}))

        assert expected.values == result.values
        assert "Bound" == type(result).__name__


@pytest.mark.parametrize("key", [(0,), (1, 0), (0, 1, 2)], ids=str)
def test_the_routing_key_is_the_drivers(key):
    """The routing key equals the driver's, for one column and for several in any order."""
    expected, result = both([uuid.UUID, str, int], (KEY, "naïve", 3), key)

    assert expected.routing_key == result.routing_key


NAMED = [
    (cqltypes.VarcharType, "naïve", b"na\xc3\xafve"),
    (cqltypes.UTF8Type, "naïve", b"na\xc3\xafve"),
    (cqltypes.AsciiType, "a", b"a"),
    (cqltypes.CounterColumnType, 258, bytes([0, 0, 0, 0, 0, 0, 1, 2])),
    (cqltypes.LongType, 258, bytes([0, 0, 0, 0, 0, 0, 1, 2])),
    (cqltypes.DateType, datetime(1970, 1, 1, 0, 0, 0, 258_999, timezone.utc), bytes([0, 0, 0, 0, 0, 0, 1, 2])),
    (cqltypes.TimestampType, datetime(1970, 1, 1, 0, 0, 0, 258_999, timezone.utc), bytes([0, 0, 0, 0, 0, 0, 1, 2])),
]
"""Classes by which the driver names the type of a column, a value, and its bytes."""


@pytest.mark.parametrize(("cassandra_type", "value", "data"), NAMED, ids=[case[0].__name__ for case in NAMED])
def test_each_name_of_a_type_is_bound_in_line(cassandra_type, value, data):
    """Each of the server's two names for texts and for timestamps is bound by generated code."""
    columns = [ColumnMetadata("shop", "orders", "c0", cassandra_type)]
    statement = PreparedStatement(columns, b"id", [0], "INSERT …", "shop", PROTOCOL, [], b"")
    bound = make_bind(statement, [Marker("Order.c0")], {})((value,))

    assert "Bound" == type(bound).__name__
    assert [data] == bound.values == [cassandra_type.serialize(value, PROTOCOL)]


FULL_NAMES = "VectorType(FrozenType(MapType(FrozenType(TupleType(TimestampType,LongType)),UTF8Type)),1)"


def test_frozen_types_that_the_server_names_are_checked():
    """Frozen types inside vectors, which the server describes by full class names, are checked too."""
    cassandra_type = cqltypes.lookup_casstype(FULL_NAMES)
    columns = [ColumnMetadata("shop", "orders", "c0", cassandra_type)]
    statement = PreparedStatement(columns, b"id", [0], "INSERT …", "shop", PROTOCOL, [], b"")
    bind = make_bind(statement, [Marker("Order.c0")], {})

    assert bind(([{(MOMENTS[0], 1): "a", (MOMENTS[1], 1): "b"}],)).values[0]
    with pytest.raises(TypeMismatch, match="expected an integer, got"):
        bind(([{(MOMENTS[0], True): "a"}],))
    with pytest.raises(TypeMismatch, match="are stored as one key of the map"):
        bind(([ONE_INSTANT],))


@pytest.mark.parametrize("name", ["list", "set", "map", "tuple", "frozen"])
def test_a_user_type_may_be_called_like_a_collection(name):
    """A user type that has the name of a collection is bound as a user type, with its fields in order."""
    fields = SERVER["place"]
    cassandra_type = cqltypes.UserType.make_udt_class(
        "shop", name, ("opened", "city"), tuple(driver_type(t) for _, t in fields[::-1])
    )
    columns = [ColumnMetadata("shop", "orders", "c0", cassandra_type)]
    statement = PreparedStatement(columns, b"id", [], "INSERT …", "shop", PROTOCOL, [], b"")
    bound = make_bind(statement, [Marker("Order.c0", None, map_annotation(Place).dump)], {name: ("city", "opened")})

    assert (None, "Brno") == tuple(cassandra_type.from_binary(bound((Place("Brno"),)).values[0], PROTOCOL))


def test_what_the_server_sorts_is_sent_as_it_is():
    """Elements of a set and keys of a map that is not frozen are not sorted."""
    values = [f"word {number}" for number in range(20)]
    expected, result = both([uuid.UUID, set[str], dict[str, int]], (KEY, set(values), dict.fromkeys(values[::-1], 1)))

    assert list(expected.values) == result.values


def test_plain_values_never_take_the_drivers_way():
    """A row of plain values is bound by generated code, into a `Bound` statement."""
    _, result = both([uuid.UUID, str, cql.Int, bool, float, datetime], (KEY, "a", 1, True, 0.5, MOMENTS[0]))

    assert "Bound" == type(result).__name__


SETTINGS = (
    "routing_key prepared_statement keyspace table consistency_level serial_consistency_level fetch_size is_idempotent "
    "retry_policy custom_payload"
).split()


@pytest.mark.parametrize("key", [(), (0,), (0, 1)], ids=str)
def test_a_bound_statement_has_the_settings_of_the_prepared_one(key):
    """The statement has all settings of the driver's own, and its ``repr`` shows no values."""
    statement, markers = prepared([uuid.UUID, str], key)
    statement.consistency_level, statement.serial_consistency_level, statement.fetch_size = 6, 8, 50
    statement.is_idempotent, statement.retry_policy, statement.custom_payload = True, object(), {"a": b"b"}
    result, expected = make_bind(statement, markers, {})((KEY, "s3cr3t")), statement.bind((KEY, "s3cr3t"))

    assert "Bound" == type(result).__name__
    assert [getattr(expected, name, None) for name in SETTINGS] == [getattr(result, name, None) for name in SETTINGS]
    assert "s3cr3t" not in repr(result)


def test_a_statement_without_markers_is_bound_by_the_driver():
    """A statement without markers is bound by the driver, since there is nothing to generate."""
    statement = PreparedStatement([], b"id", [], "SELECT …", "shop", PROTOCOL, [], b"")

    assert [] == make_bind(statement, [], {})(()).values


def test_the_slow_way_makes_the_same_statement():
    """Values that generated code does not support, such as the driver's own date, are bound the same without it."""
    expected, result = both([uuid.UUID, date, str, str], (KEY, util.Date(20_454), UNSET, None), (0,))

    assert "BoundStatement" == type(result).__name__
    assert list(expected.values) == list(result.values)
    assert expected.routing_key == result.routing_key
    assert () == result.raw_values
    assert util.Date(20_454) == made_of(date, result.values[1])


def made_of(annotation, data):
    """The driver's value of some bytes."""
    return driver_type(map_annotation(annotation).type, SERVER).from_binary(data, PROTOCOL)


EDGES = [
    (datetime(1, 1, 1, tzinfo=timezone(timedelta(milliseconds=1))), False),
    (datetime(1, 1, 1, tzinfo=timezone(timedelta(milliseconds=-1))), True),
    (datetime(1, 1, 1, tzinfo=timezone.utc), True),
    (datetime.max.replace(tzinfo=timezone.utc), True),
    (datetime.max.replace(tzinfo=timezone(timedelta(milliseconds=1))), True),
    (datetime.max.replace(tzinfo=timezone(timedelta(milliseconds=-1))), False),
]


@pytest.mark.parametrize(("moment", "is_taken"), EDGES, ids=str)
def test_moments_are_taken_as_far_as_they_can_be_read(moment, is_taken):
    """Timestamps are accepted as far as they can be loaded, to the millisecond, in UTC."""
    statement, markers = prepared([uuid.UUID, datetime])
    bind = make_bind(statement, markers, {})
    if is_taken:
        assert "Bound" == type(bind((KEY, moment))).__name__
    else:
        with pytest.raises(TypeMismatch, match=r"Order\.c1"):
            bind((KEY, moment))


def test_a_value_that_does_not_fit_names_its_column():
    """The error for a value that does not fit its column has the column, the value and the type."""
    statement, markers = prepared([uuid.UUID, cql.Int])
    with pytest.raises(TypeMismatch) as exc_info:
        make_bind(statement, markers, {})((KEY, "three"))

    assert "Order.c1" == exc_info.value.column
    assert "'three' does not fit int" in str(exc_info.value)


WRONG = [
    ("bool for int", cql.Int, True),
    ("float for int", int, 1.0),
    ("bool for float", float, True),
    ("too great for int", cql.Int, 2**31),
    ("too great for tinyint", cql.TinyInt, 128),
    ("bool for varint", cql.VarInt, False),
    ("float for decimal", Decimal, 0.1),
    ("int for blob", bytes, 5),
    ("text for blob", bytes, "five"),
    ("bytes for text", str, b"five"),
    ("text for boolean", bool, "no"),
    ("2 for boolean", bool, 2),
    ("datetime for date", date, MOMENTS[0]),
    ("date for timestamp", datetime, date(2026, 1, 1)),
    ("random UUID for timeuuid", cql.TimeUUID, uuid.UUID("{12345678-1234-4678-9234-567812345678}")),
    ("text for UUID", uuid.UUID, "12345678-1234-4678-9234-567812345678"),
    ("list for a set", set[str], ["a"]),
    ("list for a set of enums", set[Status], [Status.NEW]),
    ("list for a frozen set", frozenset[str], ["a"]),
    ("tuple for a list", list[str], ("a",)),
    ("tuple for a list of dates", list[date], (date(2026, 1, 1),)),
    ("tuple for a vector", Annotated[list[float], cql.vector(2)], (1.0, 2.0)),
    ("list for a tuple", tuple[str, int], ["a", 1]),
    ("pairs for a map", dict[str, int], [("a", 1)]),
    ("pairs for a map of dates", dict[str, date], [("a", date(2026, 1, 1))]),
    ("tuple deep inside", dict[str, list[int]], {"a": (1,)}),
    ("list inside a tuple", tuple[frozenset[str], int], (["a"], 1)),
    ("two keys in a millisecond", dict[datetime, str], {MOMENTS[0]: "a", MOMENTS[0].replace(microsecond=999_998): "b"}),
    ("two keys of one float", dict[cql.Float, str], {0.1: "a", 0.10000000149011612: "b"}),
    ("None in a list", list[str], ["a", None]),
    ("None in a map", dict[str, str], {"a": None}),
    ("None in a frozen list", cql.Frozen[list[str]], [None]),
    ("bool in a list", list[int], [1, True]),
    ("bool in a frozen list", cql.Frozen[list[cql.Int]], [False]),
    ("float in a set", set[Decimal], {0.1}),
    ("int for blob in a map", dict[str, bytes], {"a": 5}),
    ("bool as a key", dict[int, str], {True: "a"}),
    ("bool deep inside", dict[str, list[int]], {"a": [True]}),
    ("bool in a tuple", tuple[int, str], (True, "a")),
    ("bool in a tuple of a list", list[tuple[int, str]], [(1, "a"), (False, "b")]),
    ("float for decimal in a vector", Annotated[list[Decimal], cql.vector(1, of=Decimal)], [0.1]),
    ("part of an address", cql.Inet, "10.1"),
    ("part of an address in a tuple", tuple[str, cql.Inet], ("a", "10.1")),
    ("address with a scope", cql.Inet, IPv6Address("fe80::1%eth0")),
    ("address with a scope in a list", list[cql.Inet], [IPv6Address("fe80::1%eth0")]),
    ("address of the other family", IPv4Address, IPv6Address("::1")),
    ("number for an address", IPv6Address, 1),
    ("exponent beyond 32 bits", Decimal, Decimal("1E+2147483648")),
    ("exponent below 32 bits", Decimal, Decimal("1E-2147483648")),
    ("NaN for a decimal", Decimal, Decimal("NaN")),
    ("bool for a decimal", Decimal, True),
    ("long tuple", tuple[int, int], (1, 2, 3)),
    ("short tuple", tuple[int, int], (1,)),
    ("None as a key", dict[str, str], {None: "a"}),
    ("None in a set", set[str], {None}),
    ("None in a list of numbers", list[int], [1, None]),
    ("None in a map of numbers", dict[str, int], {"a": None}),
    ("None as a key of a map of numbers", dict[int, str], {None: "a"}),
    ("long vector", Annotated[list[float], cql.vector(2)], [1.0, 2.0, 3.0]),
    ("two keys of one instant inside a frozen map", cql.Frozen[dict[tuple[datetime, int], str]], ONE_INSTANT),
    (
        "two keys of one frozen set",
        dict[frozenset[datetime], str],
        {frozenset([item, MOMENTS[1]]): "a" for item, _ in ONE_INSTANT},
    ),
    ("bool for a short float", cql.Float, True),
    ("address with a scope in a user type", Address, Address("", moved=(MOMENTS[0], IPv6Address("fe80::1%eth0")))),
    ("moment after the last one", datetime, datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5)))),
    ("moment before the first one", datetime, datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))),
    ("text for a set", set[str], "abc"),
    ("letters beyond ascii", cql.Ascii, "naïve"),
]


@pytest.mark.parametrize(("annotation", "value"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_would_be_stored_as_something_else_is_refused(annotation, value):
    """A value that would be stored as a different one is refused with its column, with and without generated code."""
    statement, markers = prepared([uuid.UUID, annotation])
    with pytest.raises(TypeMismatch, match=r"Order\.c1"):
        make_bind(statement, markers, {})((KEY, value))


NOT_WHOLE = [
    (int, 1.0, "float: write int(value), or declare the column as float"),
    (cql.VarInt, Decimal(1), "Decimal: write int(value), or declare the column as Decimal"),
    (cql.VarInt, float("nan"), "float, and no integer type holds NaN or an infinity"),
    (list[cql.Int], [Decimal("-Infinity")], "Decimal, and no integer type holds NaN or an infinity"),
    (cql.Int, "1", "str: write int(value)"),
    (cql.SmallInt, True, "bool: write int(value)"),
    (cql.TinyInt, b"1", "bytes"),
]


@pytest.mark.parametrize(("annotation", "value", "text"), NOT_WHOLE, ids=str)
def test_nearly_whole_numbers_are_refused_with_a_replacement(annotation, value, text):
    """The error for a number that is not quite an integer says what to write instead."""
    statement, markers = prepared([uuid.UUID, annotation])
    with pytest.raises(TypeMismatch) as exc_info:
        make_bind(statement, markers, {})((KEY, value))

    assert f"expected an integer, got {text}" in str(exc_info.value)


def test_a_null_in_a_key_is_not_dumped():
    """A null in a key is refused before ``dump``, which would turn it into the text None."""
    statement, (key, other) = prepared([str, str])
    bind = make_bind(statement, [attrs.evolve(key, dump=str), attrs.evolve(other, dump=str, required=True)], {})

    assert [b"1", b"2"] == bind((1, 2)).values
    for values in ((None, "a"), ("a", None)):
        with pytest.raises(TypeMismatch, match="cannot be null"):
            bind(values)


def test_whole_numbers_fit_decimals_and_floats():
    """Integers are accepted for decimals and floats, which store them without loss."""
    expected, result = both([uuid.UUID, Decimal, float], (KEY, 3, 2))

    assert list(expected.values) == list(result.values)


def test_a_redacted_value_is_not_shown():
    """Neither a redacted value nor the error that may quote it is shown."""
    statement, (key, other) = prepared([uuid.UUID, cql.Int])
    secret = Marker(other.name, other.type, other.dump, show=show_nothing)
    with pytest.raises(TypeMismatch) as exc_info:
        make_bind(statement, [key, secret], {})((KEY, "secret"))

    assert "secret" not in f"{exc_info.value}{exc_info.value.__cause__}"


def test_a_null_in_the_partition_key_is_refused():
    """A null in the partition key is refused with its column, where the driver's own error names no column."""
    statement, markers = prepared([uuid.UUID, str], (0, 1))
    with pytest.raises(TypeMismatch, match=r"Order\.c1 is part of the partition key"):
        make_bind(statement, markers, {})((KEY, None))


@pytest.mark.parametrize("value", [None, UNSET], ids=str)
def test_a_null_in_a_clustering_key_is_refused(value):
    """A null in a clustering column is refused, although it is not in the routing key; regular columns may be null."""
    statement, (key, other, last) = prepared([uuid.UUID, date, str])
    bind = make_bind(statement, [key, attrs.evolve(other, required=True), last], {})

    assert bind((KEY, date(2026, 1, 1), None)).values[2] is None
    with pytest.raises(TypeMismatch, match=r"Order\.c1 is part of the primary key and cannot be null"):
        bind((KEY, value, "a"))


@pytest.mark.parametrize(("annotation", "empty"), [(str, ""), (bytes, b""), (cql.Ascii, "")], ids=str)
def test_a_partition_key_cannot_be_empty(annotation, empty):
    """A partition key of one column cannot be empty, while a part of a composite key can."""
    statement, (key, other) = prepared([annotation, annotation])
    filled = attrs.evolve(key, required=True, not_empty=True)

    assert make_bind(statement, [filled, other], {})((b"a" if annotation is bytes else "a", empty)).values[1] == b""
    assert make_bind(statement, [key, other], {})((empty, empty)).values[0] == b""
    with pytest.raises(TypeMismatch, match=r"Order\.c0 is the partition key and cannot be empty"):
        make_bind(statement, [filled, other], {})((empty, empty))


def test_a_number_may_be_zero_in_a_partition_key():
    """Zero is not an empty value."""
    statement, (key, other) = prepared([cql.VarInt, str])
    bind = make_bind(statement, [attrs.evolve(key, required=True, not_empty=True), other], {})

    assert b"\0" == bind((0, "a")).values[0]


def test_a_marker_without_a_type_is_named_with_that_of_the_server():
    """The error of a marker without a column type, such as that of a limit, has the server's type."""
    statement, (key, other) = prepared([uuid.UUID, cql.Int])
    with pytest.raises(TypeMismatch, match=r"\[limit\]: 'three' does not fit int"):
        make_bind(statement, [key, Marker("[limit]")], {})((KEY, "three"))
    assert other.type is not None


def test_the_column_at_fault_is_named_behind_nulls_and_good_values():
    """The error names the column that does not fit, even after a null, an unset value and a good one."""
    statement, markers = prepared([uuid.UUID, cql.TinyInt, cql.TinyInt, cql.TinyInt, cql.TinyInt])
    with pytest.raises(TypeMismatch, match=r"Order\.c4"):
        make_bind(statement, markers, {})((KEY, None, UNSET, 1, 128))


def test_nulls_may_stand_in_a_list_of_a_condition():
    """Nulls are accepted in the list of a condition, and values that do not fit are refused."""
    statement, (key, other) = prepared([uuid.UUID, list[int]])
    bind = make_bind(statement, [key, attrs.evolve(other, holds_nulls=True)], {})

    assert [1, None] == made_of(list[int], bind((KEY, [1, None])).values[1])
    with pytest.raises(TypeMismatch, match=r"Order\.c1"):
        bind((KEY, [None, True]))


def test_fields_go_where_the_server_has_them():
    """Fields are placed by name if the server has them in another order or has more of them."""
    city, opened = SERVER["place"]
    server = {**SERVER, "place": [opened, ("extra", city[1]), city]}
    statement, markers = prepared([uuid.UUID, list[Place]], server=server)
    bound = make_bind(statement, markers, CLASS_FIELDS)((KEY, [Place("Brno")]))
    (value,) = statement.column_metadata[1].type.from_binary(bound.values[1], PROTOCOL)

    assert (None, None, "Brno") == tuple(value)


def test_a_field_that_the_server_lacks_is_never_dropped():
    """A value for a field that the server lacks makes the statement be prepared again; a missing value does not."""
    statement, markers = prepared([uuid.UUID, Place], server={**SERVER, "place": SERVER["place"][:1]})
    bind = make_bind(statement, markers, CLASS_FIELDS)

    assert bind((KEY, Place("Brno"))).values[1]
    with pytest.raises(StaleUserType):
        bind((KEY, Place("Brno", MOMENTS[0].date())))


ORDERS = [
    ("frozen set", frozenset[str], frozenset),
    ("frozen map", cql.Frozen[dict[str, int]], lambda items: dict.fromkeys(items, 1)),
    ("set in a tuple", tuple[frozenset[str], int | None], lambda items: (frozenset(items), None)),
    ("map in a list", list[dict[str, frozenset[str]]], lambda items: [dict.fromkeys(items, frozenset(items))]),
    ("map as a key", dict[tuple[frozenset[str], str], int], lambda items: {(frozenset(items), ""): 1}),
    ("set of sets", set[frozenset[frozenset[str]]], lambda items: {frozenset([frozenset(items), frozenset()])}),
]


@pytest.mark.parametrize(("annotation", "make"), [case[1:] for case in ORDERS], ids=[case[0] for case in ORDERS])
def test_sets_and_maps_inside_of_frozen_values_have_one_order(annotation, make):
    """Sets and maps inside frozen values are sent in one order, whatever their order in Python."""
    items = [f"word {number}" for number in range(20)]
    statement, markers = prepared([uuid.UUID, annotation])
    bind = make_bind(statement, markers, CLASS_FIELDS)
    values = {bind((KEY, make(order))).values[1] for order in (items, items[::-1], items[10:] + items[:10])}

    assert 1 == len(values)
    assert bind((KEY, make(items))).values[1].index(b"word 1") < bind((KEY, make(items))).values[1].index(b"word 9")


ACCEPTED = [
    ("frozenset for a set", set[str], frozenset({"a"})),
    ("set for a frozenset", frozenset[date], {date(2026, 1, 1)}),
    ("a subclass of dict", dict[str, int], OrderedDict(a=1)),
    ("the greatest exponent", Decimal, Decimal("1E+2147483647")),
    ("the least exponent", Decimal, Decimal("1E-2147483647")),
    ("a null in a tuple", tuple[int | None, Decimal | None], (None, None)),
    ("a null in a tuple in a list", list[tuple[str, cql.Inet | None]], [("a", None)]),
    ("an address as text", cql.Inet, "10.0.0.1"),
    ("an address of the second family as text", cql.Inet, "::1"),
    ("a bytearray", bytes, bytearray(b"a")),
    ("a view of bytes", bytes, memoryview(b"a")),
    ("keys that differ", dict[datetime, int], {MOMENTS[0]: 1, MOMENTS[1]: 2}),
    ("a UUID of time", cql.TimeUUID, uuid.uuid1()),
    ("a number of an enum", int, Level.HIGH),
    ("numbers of an enum", list[cql.VarInt], [Level.HIGH]),
]


@pytest.mark.parametrize(("annotation", "value"), [case[1:] for case in ACCEPTED], ids=[case[0] for case in ACCEPTED])
def test_collections_that_equal_what_is_read_are_taken(annotation, value):
    """Each collection that equals a loaded one is accepted, such as a set and a frozenset."""
    statement, markers = prepared([uuid.UUID, annotation])

    assert make_bind(statement, markers, CLASS_FIELDS)((KEY, value)).values[1]


def test_two_keys_that_are_stored_as_one_are_both_named():
    """The error for two keys that are stored as one names both, and what is wrong with them."""
    statement, markers = prepared([uuid.UUID, dict[datetime, str]])
    first, other = MOMENTS[0], MOMENTS[0].replace(microsecond=999_998)
    with pytest.raises(TypeMismatch, match="are stored as one key of the map") as exc_info:
        make_bind(statement, markers, CLASS_FIELDS)((KEY, {first: "a", other: "b"}))

    assert repr(first) in str(exc_info.value)
    assert repr(other) in str(exc_info.value)
