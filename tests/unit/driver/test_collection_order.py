"""Sets and maps inside frozen values are sent in the order in which servers store them."""

from __future__ import annotations

import itertools
import uuid
from datetime import date, datetime, timezone
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated

import pytest
from cassandra import cqltypes

from scyllamodel import types as cql
from scyllamodel.driver.data.binding.collection_order import _sort_key, arranger_for
from scyllamodel.driver.data.binding.strict_values import _identity
from scyllamodel.types.annotations import map_annotation
from scyllamodel.types.cql_types import ListType, MapType, Native, SetType, VectorType
from scyllamodel.types.identity import identity_of
from support.driver_codecs import PROTOCOL, driver_type
from support.strategies import Status
from support.type_cases import USER_TYPES, Place

SERVER = {cls.__cql_name__: fields for cls, fields in USER_TYPES}
EARLY, LATE = uuid.uuid1(1, 1), uuid.UUID("ffffffff-ffff-1fff-8080-808080808080")
IN_ORDER = {
    "text": (str, ["", "a", "aa", "b", "é", "\uffff", "\U0001f600"]),
    "ascii": (cql.Ascii, ["", "B", "a"]),
    "blob": (bytes, [b"", b"a", b"\xff"]),
    "boolean": (bool, [False, True]),
    "varint": (cql.VarInt, [-(2**80), -1, 3, 2**80]),
    "double": (float, [float("-inf"), -1.0, 0.5, 1.0, float("inf"), float("nan")]),
    "float": (cql.Float, [-1.0, 0.5, float("nan")]),
    "zeros": (tuple[float, str], [(-0.0, "b"), (0.0, "a")]),
    "decimal": (Decimal, [Decimal(-3), Decimal("0.01"), Decimal("1.5"), Decimal(1000)]),
    "timestamp": (datetime, [datetime(year, 1, 1, tzinfo=timezone.utc) for year in (1900, 1970, 2026)]),
    "date": (date, [date(1900, 1, 1), date(1970, 1, 1), date(2026, 1, 1)]),
    "inet": (cql.Inet, [IPv6Address("::1"), IPv4Address("10.0.0.1"), IPv4Address("200.0.0.1"), IPv6Address("fe80::1")]),
    "uuid": (
        uuid.UUID,
        [
            uuid.UUID(int=3),
            uuid.UUID("ffffffff-0000-1000-8000-000000000000"),  # an earlier time than the next one
            uuid.UUID("00000000-0001-1000-8000-000000000000"),
            uuid.UUID(int=5, version=3),
            uuid.UUID(int=1, version=4),
            uuid.UUID(int=2**127, version=4),
        ],
    ),
    "timeuuid": (
        cql.TimeUUID,
        [
            uuid.UUID("ffffffff-1dd2-11b2-8080-808080808080"),
            uuid.UUID("13814000-1dd3-11b2-8080-808080808080"),
            uuid.UUID("13814000-1dd3-11b2-80ff-808080808080"),
            uuid.UUID("13814000-1dd3-11b2-8000-808080808080"),
        ],
    ),
    "enum": (Status, [Status.NEW, Status.PAID]),
    "tuple": (tuple[str, str | None], [("a", None), ("a", ""), ("a", "b"), ("b", None)]),
    "set of sets": (frozenset[str], [frozenset(), frozenset("a"), frozenset("ab"), frozenset("b")]),
    "user type": (Place, [Place("a"), Place("a", date(1970, 1, 1)), Place("a", date(2026, 1, 1)), Place("b")]),
}


def framed(items):
    """A collection as it is sent: the number of items, and each item after its length."""
    return b"".join(len(item).to_bytes(4, "big") + item for item in items)


def encode(annotation, value):
    """The bytes of a frozen value, with its sets and maps in order."""
    mapping = map_annotation(annotation)
    cassandra_type = driver_type(mapping.type, SERVER)
    dumped = value if mapping.dump is None else mapping.dump(value)
    arrange = arranger_for(cassandra_type, is_frozen=True)
    return cassandra_type.to_binary(dumped if arrange is None else arrange(dumped), PROTOCOL)


@pytest.mark.parametrize(("annotation", "values"), IN_ORDER.values(), ids=IN_ORDER)
def test_elements_have_the_order_of_the_server(annotation, values):
    """Elements of sets and maps are sorted by the comparison of their own type, whatever their order in Python."""
    items = [encode(annotation, value) for value in values]
    entry = encode(int, 1)
    head = len(values).to_bytes(4, "big")
    for order in itertools.islice(itertools.permutations(values), 30):
        assert head + framed(items) == encode(frozenset[annotation], frozenset(order))
        expected = head + framed(itertools.chain.from_iterable((item, entry) for item in items))
        assert expected == encode(cql.Frozen[dict[annotation, int]], dict.fromkeys(order, 1))


INSIDE = [
    ("list", list[frozenset[str]], lambda value: [value, value]),
    ("vector", Annotated[list[frozenset[str]], cql.vector(2)], lambda value: [value, value]),
    ("tuple", tuple[frozenset[str], int | None], lambda value: (value, None)),
    ("value of a map", dict[str, frozenset[str]], lambda value: {"a": value}),
    ("key of a map", dict[frozenset[str], str], lambda value: {value: "a"}),
    ("set", set[frozenset[str]], lambda value: {value}),
]
ITEMS = [f"word {number}" for number in range(12)]


@pytest.mark.parametrize("is_frozen", [True, False])
@pytest.mark.parametrize(("annotation", "make"), [case[1:] for case in INSIDE], ids=[case[0] for case in INSIDE])
def test_what_is_inside_is_in_order(annotation, make, is_frozen):
    """Inner collections are sorted whether or not the outermost one is frozen."""
    cassandra_type = driver_type(map_annotation(annotation).type)
    encoded = cassandra_type.to_binary(
        arranger_for(cassandra_type, is_frozen=is_frozen)(make(frozenset(ITEMS))), PROTOCOL
    )

    assert encode(frozenset[str], frozenset(ITEMS)) in encoded


COMPOUND = [
    ("lists", tuple[cql.Frozen[list[str]], int], [([], 1), (["a"], 2), (["a", "b"], 3), (["b"], 1)]),
    (
        "maps",
        tuple[cql.Frozen[dict[str, int]], int],
        [({}, 1), ({"a": 1}, 5), ({"a": 2}, 4), ({"a": 2, "b": 1}, 3), ({"b": 0}, 1)],
    ),
]


@pytest.mark.parametrize(("annotation", "values"), [case[1:] for case in COMPOUND], ids=[case[0] for case in COMPOUND])
def test_elements_with_collections_are_compared_item_by_item(annotation, values):
    """Elements that are collections are compared item by item, a prefix first, and keys before values."""
    cassandra_type = driver_type(SetType(map_annotation(annotation).type))
    expected = len(values).to_bytes(4, "big") + framed([encode(annotation, value) for value in values])

    for order in itertools.permutations(values):
        assert expected == cassandra_type.to_binary(arranger_for(cassandra_type, is_frozen=True)(order), PROTOCOL)


PLAIN = [str, list[str], tuple[str, int], Annotated[list[float], cql.vector(2)], Place, dict[str, int], set[str]]


@pytest.mark.parametrize("annotation", PLAIN, ids=str)
def test_nothing_is_done_where_no_order_counts(annotation):
    """Cells of a set or map that is not frozen are left as they are, since the server sorts them."""
    cassandra_type = driver_type(map_annotation(annotation).type, SERVER)

    assert arranger_for(cassandra_type, is_frozen=False) is None or annotation in (Place, tuple[str, int])


def test_frozen_types_that_the_server_names_are_looked_into():
    """Frozen types inside vectors, which the server describes by full class names, are sorted too."""
    name = "org.apache.cassandra.db.marshal"
    text = f"{name}.VectorType({name}.FrozenType({name}.SetType({name}.FrozenType({name}.SetType({name}.UTF8Type)))),2)"
    cassandra_type = cqltypes.lookup_casstype(text)
    value = frozenset([frozenset(ITEMS), frozenset()])
    encoded = cassandra_type.to_binary(arranger_for(cassandra_type, is_frozen=True)([value, value]), PROTOCOL)

    assert 2 == encoded.count(encode(frozenset[frozenset[str]], value))


@pytest.mark.parametrize("name", ["list", "set", "map", "tuple", "frozen"])
def test_fields_of_a_user_type_that_is_called_like_a_collection_keep_their_places(name):
    """Fields of a user type that has the name of a collection keep their order; only their contents are sorted."""
    text, text_set = driver_type(map_annotation(str).type), driver_type(map_annotation(frozenset[str]).type)
    cassandra_type = cqltypes.UserType.make_udt_class("shop", name, ("last", "first", "words"), (text, text, text_set))

    arrange = arranger_for(cassandra_type, is_frozen=True)(("b", "a", frozenset("cab")))
    assert ("b", "a", ("a", "b", "c")) == arrange


def test_a_user_type_without_a_class_is_left_alone():
    """A value of a user type without a class is not changed, since it may be any object with these attributes."""
    cassandra_type = driver_type(map_annotation(tuple[frozenset[str], int]).type)
    value = object()

    assert value is arranger_for(cassandra_type, is_frozen=True)(value)


AT_ONE_TIME = [
    uuid.UUID("13814000-1dd3-11b2-8000-000000000000"),
    uuid.UUID("13814000-1dd3-11b2-8000-000000000001"),
    uuid.UUID("13814000-1dd3-11b2-8100-000000000000"),
]


@pytest.mark.parametrize(
    ("cql_type", "values"),
    [
        (ListType(Native("text")), [["a"], ["a", "b"], ["a", "c"], ["b", "a"]]),
        (VectorType(Native("text"), 2), [["a", "b"], ["a", "c"], ["b", "a"]]),
        (SetType(Native("text")), [["a", "b"], ["a", "c"]]),
        (MapType(Native("double"), Native("int")), [{-0.0: 1}, {0.0: 1}, {0.0: 2}]),
        (Native("timeuuid"), AT_ONE_TIME),
    ],
    ids=str,
)
def test_values_inside_are_compared_to_their_ends(cql_type, values):
    """The comparison covers all elements, keys and values of a collection, and all bytes of a time UUID."""
    order = _sort_key(driver_type(cql_type))

    assert all(order(item) < order(later) for item, later in itertools.pairwise(values))


@pytest.mark.parametrize(
    ("annotation", "values"),
    [
        (list[Decimal], [[Decimal(2), Decimal("1.0")], [Decimal(2), Decimal("1.00")], [Decimal(2), Decimal(3)], []]),
        (Annotated[list[Decimal], cql.vector(2)], [[Decimal(2), Decimal("1.0")], [Decimal(2), Decimal("1.00")]]),
        (dict[str, Decimal], [{"a": Decimal("1.0")}, {"a": Decimal("1.00")}, {"b": Decimal("1.0")}]),
        (dict[Decimal, str], [{Decimal("1.0"): "a"}, {Decimal("1.00"): "a"}, {Decimal("1.0"): "b"}]),
    ],
    ids=str,
)
def test_driver_values_are_distinguished_as_model_values(annotation, values):
    """Map keys that contain collections are one cell exactly if model values are, also for the driver's values."""
    mapping = map_annotation(annotation)
    result, expected = identity_of(mapping), _identity(driver_type(mapping.type))

    for first, other in itertools.product(values, repeat=2):
        assert (result.cell(first) == result.cell(other)) is (expected.cell(first) == expected.cell(other))
        assert result.equal(first, other) is expected.equal(first, other)
