"""Two values are identical exactly if the driver sends the same bytes for them."""

from __future__ import annotations

import itertools
import math
import uuid
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated
from zoneinfo import ZoneInfo

import pytest
from cassandra import util
from hypothesis import given
from hypothesis import strategies as st

from scyllamodel import Column, Model, UserType, clustering_key, partition_key
from scyllamodel import types as cql
from scyllamodel.driver.data.binding.canonical_encoding import canonicalize
from scyllamodel.query.instances import statements_for
from scyllamodel.types import parse_type
from scyllamodel.types.annotations import map_annotation
from scyllamodel.types.cql_types import UserTypeName
from scyllamodel.types.identity import cell_form, equality_key, identity_of, is_same, stored_form, type_identity
from support.driver_codecs import PROTOCOL, driver_type, returned
from support.strategies import CLOSE, LONDON, NAN, NEAR, NOON, OTHER_NAN, SCALARS, UTC, shapes_of
from support.type_cases import CASES, USER_TYPES, VECTOR_CASES, Place

TOKYO = ZoneInfo("Asia/Tokyo")
SERVER = {cls.__cql_name__: fields for cls, fields in USER_TYPES}


class Items(list):
    """The items of a map, as the driver receives them."""

    def items(self):
        return self


def one_nan(value):
    """Return the value for the driver, with the same NaN in place of any."""
    if isinstance(value, float):
        return NAN if math.isnan(value) else value
    if isinstance(value, dict):
        return Items([(one_nan(key), one_nan(item)) for key, item in value.items()])
    if isinstance(value, (list, tuple, set, frozenset)):
        return type(value)(map(one_nan, value))
    return value


def encode(annotation, value):
    """The bytes that are sent for a value, in a fixed order and with the same NaN."""
    result = one_nan(value if annotation.dump is None else annotation.dump(value))
    cassandra_type = driver_type(annotation.type, SERVER)
    return canonicalize(cassandra_type, cassandra_type.to_binary(result, PROTOCOL))


@st.composite
def pairs(draw, scalars):
    """An annotation with two values of it."""
    shape = draw(shapes_of(scalars))
    return shape.hint, draw(shape.values), draw(shape.values)


def agree(annotation, first, other):
    """Assert that all functions of identity agree with the bytes of two values."""
    mapping, known = map_annotation(annotation), identity_of(map_annotation(annotation))
    expected = encode(mapping, first) == encode(mapping, other)

    assert expected == is_same(known, first, other)
    assert expected == (stored_form(known, first) == stored_form(known, other))
    if expected:
        assert cell_form(known, first) == cell_form(known, other)


@given(pairs(NEAR))
def test_values_are_the_same_when_their_bytes_are(value):
    """The rule is true for each CQL type, over values that Python and the server compare differently."""
    agree(*value)


@given(pairs(SCALARS))
def test_any_two_values_are_the_same_when_their_bytes_are(value):
    """The rule is true for any two values of a type."""
    agree(*value)


@pytest.mark.parametrize("case", [*CASES, *VECTOR_CASES], ids=lambda case: case.name)
def test_every_type_tells_its_values_apart(case):
    """Different values of a type, user types and enums included, are not identical, and each equals itself."""
    for item in case.values:
        for other in case.values:
            agree(case.hint, item, other)


@pytest.mark.parametrize("annotation", CLOSE, ids=str)
def test_close_values_are_distinguished_as_on_the_server(annotation):
    """Each pair of similar values is compared, on their own, in tuples with nulls, in lists and in vectors."""
    pairs_of = tuple[str | None, annotation | None]
    for first, other in itertools.product(CLOSE[annotation], repeat=2):
        agree(annotation, first, other)
        agree(list[annotation], [first, first], [first, other])
        agree(pairs_of, ("a", first), ("a", other))
        agree(pairs_of, (None, first), ("", other))
        agree(pairs_of, ("a", first), ("a", None))
        agree(Annotated[list[annotation], cql.vector(2)], [first, other], [other, other])


@pytest.mark.parametrize("annotation", [shape.hint for shape in NEAR if shape.key], ids=str)
def test_close_elements_and_keys_are_distinguished_as_on_the_server(annotation):
    """Each pair of similar values is compared as elements of sets and as keys and values of maps."""
    for first, other in itertools.product(CLOSE[annotation], repeat=2):
        agree(set[annotation], {first}, {other})
        agree(dict[annotation, int], {first: 1}, {other: 1})
        agree(dict[annotation, int], {first: 1}, {first: 2})
        agree(dict[str, annotation], {"a": first}, {"a": other})
        agree(dict[str, annotation], {"a": first}, {"b": first})


class Measure(UserType, name="measure"):
    """A user type whose fields are collections, which have no cells of their own."""

    ratio: float | None = None
    tags: list[str] | None = None
    words: set[str] | None = None


NANS = [
    ("double", float, NAN, OTHER_NAN),
    ("float", cql.Float, NAN, OTHER_NAN),
    ("list", list[float], [1.0, NAN], [1.0, OTHER_NAN]),
    ("list of floats", list[cql.Float], [NAN, 0], [OTHER_NAN, 0.0]),
    ("vector", Annotated[list[float], cql.vector(2)], [NAN, 0.1], [OTHER_NAN, 0.1]),
    ("tuple", tuple[float, int], (NAN, 1), (OTHER_NAN, 1)),
    ("set", set[float], {NAN}, {OTHER_NAN}),
    ("set with two", set[cql.Float], {NAN, OTHER_NAN, 1.0}, {NAN, 1.0}),
    ("frozen set with two", frozenset[float], frozenset({NAN, OTHER_NAN}), frozenset({OTHER_NAN})),
    ("set of tuples", set[tuple[float, int]], {(NAN, 1), (OTHER_NAN, 1)}, {(NAN, 1)}),
    ("set of sets", set[frozenset[float]], {frozenset({NAN}), frozenset({OTHER_NAN})}, {frozenset({NAN})}),
    ("keys", dict[float, int], {NAN: 1}, {OTHER_NAN: 1}),
    ("values", dict[str, float], {"a": NAN}, {"a": OTHER_NAN}),
    ("user type", Measure, Measure(ratio=NAN), Measure(ratio=OTHER_NAN)),
    ("list of user types", list[Measure], [Measure(ratio=NAN)], [Measure(ratio=OTHER_NAN)]),
]


@pytest.mark.parametrize(("annotation", "first", "other"), [case[1:] for case in NANS], ids=[case[0] for case in NANS])
def test_every_nan_is_one_value(annotation, first, other):
    """NaNs with any bits are identical, so that a set with two of them is stored with one."""
    known, key = identity_of(map_annotation(annotation)), equality_key(map_annotation(annotation))

    assert is_same(known, first, other)
    assert stored_form(known, first) == stored_form(known, other)
    assert cell_form(known, first) == cell_form(known, other)
    assert first == other if key is None else key(first) == key(other)


def hashes(*keys):
    """The set of their hashes, which is empty for values without one, such as lists and bytearrays."""
    try:
        return set(map(hash, keys))
    except TypeError:
        return set()


@given(pairs(NEAR) | pairs(SCALARS))
def test_values_that_the_driver_reads_as_equal_are_equal(item):
    """Values that the driver loads as equal are equal, so that a set of them can be loaded."""
    (_, first, other), known = item, map_annotation(item[0])
    key = equality_key(known) or (lambda value: value)
    one_read, other_read = (
        returned(value if known.dump is None else known.dump(value), known.type, SERVER) for value in (first, other)
    )
    if one_read == other_read:
        assert key(first) == key(other)
        assert len(hashes(key(first), key(other))) <= 1
    if is_same(identity_of(known), first, other):
        assert key(first) == key(other)
        assert len(hashes(key(first), key(other))) <= 1


def test_the_zeros_are_one_element_of_a_set():
    """Both zeros are equal as set elements, alone, in tuples and in user types, although their bytes differ."""
    annotation = map_annotation(tuple[float, Measure])
    key, first, other = equality_key(annotation), (0.0, Measure(ratio=-0.0)), (-0.0, Measure(ratio=0.0))

    assert 1 == len({Measure(ratio=0.0), Measure(ratio=-0.0)})
    assert key(first) == key(other)
    assert hash(key(first)) == hash(key(other))
    assert not is_same(identity_of(annotation), first, other)
    assert cell_form(identity_of(annotation), first) != cell_form(identity_of(annotation), other)
    assert Measure(ratio=1.0) != Measure(ratio=-1.0) != Measure(ratio=None)


def test_infinities_beside_each_other_are_not_nan():
    """Infinities next to each other are not treated as NaN, although their sum is NaN."""
    known, item = identity_of(map_annotation(list[float])), [float("inf"), -float("inf")]

    assert is_same(known, item, list(item))
    assert not is_same(known, item, [float("inf"), NAN])
    assert not is_same(known, [NAN, 1.0], [1.0, NAN])


EMPTY = [
    ("a list", {"tags": []}, {"tags": None}),
    ("a set", {"words": set()}, {"words": None}),
]


@pytest.mark.parametrize(("first", "other"), [case[1:] for case in EMPTY], ids=[case[0] for case in EMPTY])
def test_an_empty_collection_in_a_user_type_is_no_null(first, other):
    """An empty collection in a user type differs from a null, since the field is stored as if it were frozen."""
    known, (first, other) = identity_of(map_annotation(cql.Frozen[Measure])), (Measure(**first), Measure(**other))

    assert first.__bind__() != other.__bind__()
    assert not is_same(known, first, other)
    assert stored_form(known, first) != stored_form(known, other)
    assert first != other


DRIVER = {
    datetime: [
        *(datetime(1970, 1, day, tzinfo=zone) for day in (1, 2) for zone in (UTC, None, TOKYO)),
        *(date(1970, 1, 1), date(1970, 1, 2), date(1969, 12, 31), date(2026, 1, 1), 0, 86_400_000, -86_400_000),
        *(NOON, NOON.astimezone(TOKYO), 1_767_268_800_123),
    ],
    date: [date(1970, 1, 1), date(1970, 1, 2), date(2026, 1, 1), util.Date(0), util.Date(1), util.Date(20_454)],
    time: [time(1, 2, 3, 4), time(3, 2, 1, 4), time(0), util.Time(3_723_000_004_000), util.Time(0), util.Time(1)],
}
"""Values that the driver stores in one type, of several classes."""


@pytest.mark.parametrize("annotation", DRIVER, ids=str)
def test_what_is_dumped_may_be_of_any_class_that_the_driver_takes(annotation):
    """A dumped value of any class that the driver accepts is compared by its bytes."""
    mapping = map_annotation(Sku, type=map_annotation(annotation).type, load=Sku, dump=lambda value: value)
    known, cassandra_type = identity_of(mapping), driver_type(mapping.type, {})
    for first, other in itertools.product(DRIVER[annotation], repeat=2):
        expected = cassandra_type.to_binary(first, PROTOCOL) == cassandra_type.to_binary(other, PROTOCOL)

        assert expected == is_same(known, first, other)
        assert expected == (cell_form(known, first) == cell_form(known, other))


class Sku:
    """A class without its own equality."""

    def __init__(self, text):
        self.text = text

    def __str__(self):
        return self.text


class Ambiguous(list):
    """A list whose ``==`` has no truth value, as that of an array."""

    def __eq__(self, other):
        class Answer:
            def __bool__(self):
                raise ValueError("the truth value is ambiguous")

        return Answer()

    __hash__ = None


CUSTOM = [
    ("no __eq__", map_annotation(Sku, type=str, load=Sku, dump=str), lambda: Sku("a"), lambda: Sku("b")),
    (
        "an array",
        map_annotation(list, type=map_annotation(list[float]).type, load=Ambiguous, dump=list),
        lambda: Ambiguous([1.0]),
        lambda: Ambiguous([2.0]),
    ),
]


@pytest.mark.parametrize(
    ("annotation", "make", "other"), [case[1:] for case in CUSTOM], ids=[case[0] for case in CUSTOM]
)
def test_custom_types_are_compared_by_what_is_dumped(annotation, make, other):
    """Values of custom types are compared by what ``dump`` returns, and their ``==`` is not called."""
    known = identity_of(annotation)

    assert is_same(known, make(), make())
    assert not is_same(known, make(), other())
    assert stored_form(known, make()) == stored_form(known, make())


EQUAL = [
    (str, lambda: str(b"secret", "ascii"), "other"),
    (bytes, lambda: bytes([1, 2, 3]), b"other"),
    (int, lambda: int("123456789"), 5),
    (bool, lambda: True, False),
    (uuid.UUID, lambda: uuid.UUID(int=7), uuid.UUID(int=8)),
]


@pytest.mark.parametrize(("annotation", "make", "other"), EQUAL, ids=[case[0].__name__ for case in EQUAL])
def test_equal_values_are_the_same_before_they_are_encrypted(annotation, make, other):
    """Equal values are identical although ``dump=`` returns different bytes for each call."""
    mapping = map_annotation(annotation, type=str, load=annotation, dump=lambda value: f"{value}{uuid.uuid4()}")
    known = identity_of(mapping)

    assert known.equal(make(), make())
    assert not is_same(known, make(), other)


def test_a_null_is_not_dumped():
    """A null is not passed to ``dump=``, and is identical only to itself."""
    known = identity_of(CUSTOM[0][1])

    assert not is_same(known, None, Sku("None"))
    assert is_same(known, None, None)
    assert stored_form(known, None) is None


def test_a_user_type_is_a_null_when_all_its_fields_are():
    """A user type of nulls is a null unless it is frozen, and one value in any field is enough."""
    known = identity_of(map_annotation(Place | None))

    assert is_same(known, Place(None, None), None)
    assert is_same(known, None, Place(None, None))
    assert not is_same(known, Place("a"), None)
    assert not is_same(known, None, Place(None, date(2026, 1, 1)))
    assert not is_same(identity_of(map_annotation(cql.Frozen[Place] | None)), Place(None, None), None)


LIKE = [
    ({"a": [1]}, {"a": [1]}, {"a": [2]}),
    ({"a": 1}, {"a": 1}, {"b": 1}),
    ([{1}], [{1}], [{2}]),
    ((1, 2), [1, 2], 1),
]


@pytest.mark.parametrize(("first", "same", "other"), LIKE, ids=str)
def test_values_of_an_unknown_user_type_are_compared_by_what_is_in_them(first, same, other):
    """Values of a user type without a known class are compared by their fields."""
    known = type_identity(UserTypeName("unknown"), {})

    assert is_same(known, first, same)
    assert not is_same(known, first, other)
    assert cell_form(known, first) == cell_form(known, same) != cell_form(known, other)


def test_what_cannot_be_stored_is_the_same_as_nothing():
    """A value that cannot be stored is not identical to anything, and comparing it raises no error."""
    known = identity_of(map_annotation(set[datetime]))

    assert not is_same(known, {"x"}, {"y"})
    assert stored_form(known, {"x"}) != stored_form(known, {"x"})
    assert cell_form(known, 5) != cell_form(known, 5)


def test_what_has_no_cell_of_its_own_is_a_null():
    """An empty collection that is not frozen, and a user type of nulls, are identical to null."""
    assert is_same(identity_of(map_annotation(list[str] | None)), [], None)
    assert is_same(identity_of(map_annotation(set[datetime] | None)), None, set())
    assert not is_same(identity_of(map_annotation(frozenset[str] | None)), frozenset(), None)
    assert not is_same(identity_of(map_annotation(list[str] | None)), ["a"], None)


BY_IDENTITY = [
    (str, False),
    (list[str], False),
    (cql.Frozen[list[str]] | None, False),
    (str | None, False),
    (list[str] | None, True),
    (Place | None, True),
    (datetime, True),
    (dict[str, tuple[cql.Inet, int]], True),
    (float | None, True),
]


@pytest.mark.parametrize(("annotation", "expected"), BY_IDENTITY, ids=str)
def test_instances_compare_by_identity_where_python_would_not_do(annotation, expected):
    """Columns have an equality key where ``==`` of Python differs from the stored identity."""
    assert expected == (equality_key(map_annotation(annotation)) is not None)


def test_a_custom_type_is_compared_by_identity():
    """Custom types are compared by stored identity, since their ``==`` and hash are unknown."""
    key = equality_key(CUSTOM[0][1])
    first, same, other = key(Sku("a")), key(Sku("a")), key(Sku("b"))

    assert first == same != other
    assert hash(first) == hash(same)
    assert key(None) == key(None) != first
    assert hash(key(None)) == hash(key(None))
    assert first != "a"


UNSTORABLE = [
    ("no timestamp", map_annotation(datetime), lambda: {"x"}, lambda: {"y"}),
    ("no timestamps", map_annotation(set[datetime]), lambda: {"x"}, lambda: {"x", "y"}),
    ("no map", map_annotation(dict[str, float]), lambda: (("a", 1.0),), lambda: (("a", 2.0),)),
    (
        "what load= made",
        map_annotation(tuple, type=parse_type("set<frozen<map<text, bigint>>>"), load=tuple, dump=lambda value: value),
        lambda: ((("a", 1),),),
        lambda: ((("a", 2),),),
    ),
]


@pytest.mark.parametrize(
    ("annotation", "make", "other"), [case[1:] for case in UNSTORABLE], ids=[case[0] for case in UNSTORABLE]
)
def test_instances_with_what_cannot_be_stored_compare_by_it(annotation, make, other):
    """Values that cannot be stored are compared by ``==``, and never equal one that can be stored."""
    key = equality_key(annotation)

    assert key(make()) == key(make()) != key(other())
    assert hash(key(make())) == hash(key(make()))
    assert key(make()) != key(None)
    assert stored_form(identity_of(annotation), make()) != stored_form(identity_of(annotation), make())


def test_values_without_a_truth_value_and_a_stored_form_equal_only_themselves():
    """Values that cannot be stored and whose ``==`` raises are equal only to themselves."""
    key, item = equality_key(map_annotation(datetime)), Ambiguous("x")

    assert key(item) == key(item) != key(Ambiguous("x"))
    assert hash(key(item)) == hash(key(Ambiguous("x")))


def test_equal_values_hash_alike_although_they_are_dumped_differently():
    """Equal values have equal hashes although ``dump=`` returns different bytes, as encryption does."""
    key = equality_key(map_annotation(str, type=bytes, load=bytes.decode, dump=lambda _: uuid.uuid4().bytes))

    assert key("secret") == key(str(b"secret", "ascii")) != key("other")
    assert hash(key("secret")) == hash(key("secret"))


class Reading(Model, table="readings", repo="identity"):
    """A model whose key values Python compares differently."""

    at: Column[datetime] = partition_key()
    sensor: Column[Decimal] = clustering_key()


KEYS = [
    ("the same millisecond", (NOON, Decimal(1)), (NOON + timedelta(microseconds=3), Decimal(1)), True),
    ("another time zone", (NOON, Decimal(1)), (NOON.astimezone(LONDON), Decimal(1)), True),
    ("another millisecond", (NOON, Decimal(1)), (NOON + timedelta(milliseconds=1), Decimal(1)), False),
    ("one number in a clustering", (NOON, Decimal("1.0")), (NOON, Decimal("1.00")), True),
    ("another number", (NOON, Decimal(1)), (NOON, Decimal(2)), False),
]


@pytest.mark.parametrize(("left", "other", "expected"), [case[1:] for case in KEYS], ids=[case[0] for case in KEYS])
def test_rows_are_known_by_what_the_server_takes_for_one_key(left, other, expected):
    """Partition keys are compared by their bytes, and clustering keys by their order."""
    access = statements_for(Reading, "ks")
    first, second = (access.key_identity(Reading(at=at, sensor=sensor)) for at, sensor in (left, other))

    assert expected == (first == second)
    assert not expected or hash(first) == hash(second)
    assert access.row_identity(left) == first


class Exact(Model, table="exact", repo="identity"):
    """A model with a decimal as its partition key."""

    id: Column[Decimal] = partition_key()


def test_partitions_are_known_by_their_bytes():
    """A decimal with another scale is another partition, and rows of another table or keyspace are different."""
    first, other = statements_for(Exact, "ks"), statements_for(Exact, "other")

    assert first.row_identity((Decimal("1.0"),)) != first.row_identity((Decimal("1.00"),))
    assert first.row_identity((Decimal(1),)) != other.row_identity((Decimal(1),))
    assert first.row_identity((Decimal(1),)) != statements_for(Reading, "ks").row_identity((Decimal(1),))
