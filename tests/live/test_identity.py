"""Changes are detected by comparing values in their stored form."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from zoneinfo import ZoneInfo

import pytest

from scyllamodel import (
    Column,
    Model,
    QueryNotSupported,
    TypeMismatch,
    UserType,
    clustering_key,
    column,
    migrate,
    partition_key,
)
from scyllamodel import types as cql
from scyllamodel.testing import keyspaces

pytestmark = pytest.mark.live
NOW = datetime(2026, 1, 1, 12, 0, 0, 123_456, tzinfo=timezone.utc)
STORED = NOW.replace(microsecond=123_000)
SINGLE = 0.10000000149011612
NANS = {float("nan"), float("inf") - float("inf")}
"""Two of them, with different bits."""


class Sku:
    """A class that does not define equality."""

    def __init__(self, text):
        self.text = text

    def __str__(self):
        return self.text


class Array:
    """Numbers whose ``==`` has no truth value, as in numpy."""

    def __init__(self, items):
        self.items = list(items)

    def __iter__(self):
        return iter(self.items)

    def __eq__(self, other):
        return Ambiguous()

    __hash__ = None


class Ambiguous:
    """The result of such a comparison."""

    def __bool__(self):
        raise ValueError("The truth value of an array with more than one element is ambiguous")


class Visit(UserType, name="visit"):
    """A user type with a value that is stored less precisely."""

    at: datetime
    score: Decimal | None = None


class Word(UserType, name="word"):
    """A user type with a collection, which is stored inside the frozen value."""

    senses: list[str] | None = None


class Event(Model, table="events", repo="identity"):
    """Collections and values for which equality in Python and on the server differs."""

    id: Column[int] = partition_key()
    seen: Column[set[datetime]] = column(factory=set)
    at: Column[dict[datetime, str]] = column(factory=dict)
    temps: Column[set[cql.Float]] = column(factory=set)
    ips: Column[set[IPv4Address | IPv6Address]] = column(factory=set)
    prices: Column[set[Decimal]] = column(factory=set)
    visits: Column[set[Visit]] = column(factory=set)
    log: Column[list[datetime]] = column(factory=list)
    last: Column[datetime | None] = column(default=None)
    celsius: Column[cql.Float | None] = column(default=None)
    ratio: Column[float | None] = column(default=None)
    price: Column[Decimal | None] = column(default=None)
    visit: Column[Visit | None] = column(default=None)
    frozen: Column[cql.Frozen[Visit] | None] = column(default=None)
    notes: Column[list[str] | None] = column(default=None)
    word: Column[cql.Frozen[Word] | None] = column(default=None)
    sku: Column[Sku | None] = column(default=None, type=str, load=Sku, dump=str)
    vector: Column[Array | None] = column(default=None, type=list[float], load=Array, dump=list)


class Sample(Model, table="samples", repo="identity"):
    """Keys for which equality in Python and on the server differs."""

    id: Column[Decimal] = partition_key()
    at: Column[datetime] = clustering_key()
    grade: Column[Decimal] = clustering_key()
    note: Column[str | None] = column(default=None)


class Item(Model, table="items", repo="identity"):
    """A key of a class without equality."""

    sku: Column[Sku] = partition_key(type=str, load=Sku, dump=str)
    note: Column[str | None] = column(default=None)


class Route(Model, table="routes", repo="identity"):
    """Addresses of both families."""

    id: Column[int] = partition_key()
    gate: Column[IPv6Address | None] = column(default=None)
    hops: Column[list[IPv6Address]] = column(factory=list)
    seen: Column[set[IPv6Address]] = column(factory=set)
    costs: Column[dict[IPv6Address, int]] = column(factory=dict)
    pair: Column[tuple[IPv6Address, IPv4Address] | None] = column(default=None)
    either: Column[set[IPv4Address | IPv6Address]] = column(factory=set)
    named: Column[dict[cql.Inet, int]] = column(factory=dict)


@pytest.fixture(scope="module")
def statements():
    """The texts of the statements that were sent."""
    return Counter()


@pytest.fixture(scope="module")
def repo(scylla_cluster, statements):
    """The tables of this module."""

    def count(event):
        statements[event.cql.split()[0]] += 1

    with scylla_cluster.repo(keyspaces.unique_name("identity"), name="identity", on_query=count) as new_repo:
        migrate(new_repo, resources=[Event, Sample, Item, Route], create_keyspace=True)
        yield new_repo
        keyspaces.drop(new_repo)


def body():
    """New values as a client sends them."""
    return {
        "seen": {NOW},
        "at": {NOW: "x"},
        "temps": {0.1, 2.0},
        "ips": {"10.0.0.1"},
        "prices": {Decimal("1.0")},
        "visits": {Visit(at=NOW, score=Decimal(1))},
        "log": [NOW],
    }


def put(repo, id, values):
    """Load the row of this id, assign these values, save it, and return the stored row."""
    row = repo.get(Event, id=id)
    for name, value in values.items():
        setattr(row, name, value)
    repo.save(row)
    return repo.get(Event, id=id)


def unchanged(repo, statements, row):
    """Whether a save sends nothing."""
    before = statements.total()
    repo.save(row)
    return statements.total() == before


def test_the_same_body_given_again_is_no_change(repo, statements):
    """Assigning equal values again changes nothing: elements of equal stored form are neither added nor removed."""
    repo.save(Event(id=1, **body()))
    expected = repo.get(Event, id=1)
    row = repo.get(Event, id=1)
    for name, value in body().items():
        setattr(row, name, value)

    assert unchanged(repo, statements, row)
    assert expected == repo.get(Event, id=1)
    assert {STORED} == expected.seen
    assert {SINGLE, 2.0} == expected.temps


def test_elements_that_are_stored_alike_stay(repo):
    """Elements with the same stored form stay when another one is added or removed."""
    repo.save(Event(id=2, **body()))
    later = NOW + timedelta(seconds=1)
    stored = put(
        repo,
        2,
        {
            "seen": {NOW, later},
            "at": {NOW: "y", later: "z"},
            "temps": {0.1, 3.0},
            "ips": {"10.0.0.1", "::1"},
            "visits": {Visit(at=NOW + timedelta(microseconds=1), score=Decimal(1)), Visit(at=later)},
        },
    )

    assert {STORED, later.replace(microsecond=123_000)} == stored.seen
    assert {STORED: "y", later.replace(microsecond=123_000): "z"} == stored.at
    assert {SINGLE, 3.0} == stored.temps
    assert {IPv4Address("10.0.0.1"), IPv6Address("::1")} == stored.ips
    assert 2 == len(stored.visits)


def test_an_element_of_another_scale_is_not_lost(repo):
    """A decimal of another scale replaces the equal element of a set; it is not removed as that element."""
    repo.save(Event(id=3, **body()))
    stored = put(repo, 3, {"prices": {Decimal("1.00")}})

    assert ["1.00"] == [str(price) for price in stored.prices]


def test_elements_are_removed_as_they_are_stored(repo):
    """Removed elements are deleted in their stored form, also by the instance that wrote them."""
    row = Event(id=4, **body())
    repo.save(row)
    row.seen, row.at, row.temps, row.ips = set(), {}, {2.0}, {IPv6Address("::1")}
    repo.save(row)
    loaded = repo.get(Event, id=4)

    assert (set(), {}, {2.0}, {IPv6Address("::1")}) == (loaded.seen, loaded.at, loaded.temps, loaded.ips)


FINER = [
    ("price", Decimal("9.9"), Decimal("9.90")),
    ("ratio", 0.0, -0.0),
    ("celsius", 0.0, -0.0),
    ("frozen", Visit(at=NOW, score=Decimal(1)), Visit(at=NOW, score=Decimal("1.0"))),
    ("visit", Visit(at=NOW, score=Decimal(1)), Visit(at=NOW, score=Decimal("1.0"))),
]


@pytest.mark.parametrize(("name", "before", "after"), FINER, ids=[case[0] for case in FINER])
def test_a_value_that_python_takes_for_equal_is_saved(repo, name, before, after):
    """A value that is equal in Python but stored as different bytes is saved."""
    repo.save(Event(id=5, **{name: before}))
    result = getattr(put(repo, 5, {name: after}), name)

    first, other = ((value.score if isinstance(value, Visit) else value) for value in (result, after))
    assert repr(other) == repr(first)


def values():
    """New values for every column."""
    return {
        **body(),
        "last": NOW,
        "celsius": 0.1,
        "ratio": float("nan"),
        "price": Decimal("9.90"),
        "visit": Visit(at=NOW),
        "frozen": Visit(at=NOW),
        "notes": [],
        "sku": Sku("a"),
        "vector": Array([0.1, 2.0]),
    }


def test_what_is_read_equals_what_was_saved(repo, statements):
    """A loaded instance equals the saved one, and saving either sends nothing."""
    row = Event(id=6, **values())
    repo.save(row)
    loaded = repo.get(Event, id=6)

    assert loaded == row
    assert row == loaded
    assert hash(loaded.visit) == hash(row.visit)
    assert unchanged(repo, statements, row)
    assert unchanged(repo, statements, loaded)
    for name, value in values().items():
        setattr(loaded, name, value)
        setattr(row, name, value)
    assert unchanged(repo, statements, row)
    assert unchanged(repo, statements, loaded)


def test_custom_types_are_saved_deleted_and_changed(repo):
    """Values of custom types are saved, changed and deleted, whatever their ``==`` returns."""
    row = Event(id=7, sku=Sku("a"), vector=Array([1.0]))
    repo.save(row)
    row.vector.items.append(2.0)
    row.sku.text = "b"
    repo.save(row)
    loaded = repo.get(Event, id=7)

    assert [1.0, 2.0] == loaded.vector.items
    assert "b" == loaded.sku.text
    repo.save_many([loaded, Event(id=8, vector=Array([1.0]))])
    repo.delete(loaded)
    assert repo.get(Event, id=7) is None


def test_a_key_without_equality_is_one_row(repo):
    """A row whose key type has no equality is saved, changed and deleted."""
    repo.save(Item(sku=Sku("a")))
    row = repo.get(Item, sku=Sku("a"))
    row.note = "x"
    repo.save(row)
    row.sku = Sku("a")
    repo.save(row)

    assert "x" == repo.get(Item, sku=Sku("a")).note
    repo.delete(row)
    assert repo.get(Item, sku=Sku("a")) is None


def test_a_key_of_the_same_millisecond_is_the_same_key(repo):
    """A key within the same millisecond or in another time zone is the same key, also after a load."""
    row = Sample(id=Decimal("1.0"), at=NOW, grade=Decimal(1))
    repo.save(row)
    loaded = repo.get(Sample, id=Decimal("1.0"), at=NOW, grade=Decimal(1))
    loaded.at, loaded.note = NOW.astimezone(ZoneInfo("Asia/Tokyo")), "x"
    repo.save(loaded)
    copied = loaded.replace(at=NOW, note="y")
    repo.save(copied)

    assert ["y"] == [row.note for row in repo.scan(Sample)]
    repo.delete(copied)
    assert [] == list(repo.scan(Sample))


@pytest.mark.parametrize("name", ["id", "grade"])
def test_a_key_of_another_scale_is_another_key(repo, name):
    """A decimal key of another scale is refused as a changed key, by saves and deletes."""
    row = Sample(id=Decimal("1.0"), at=NOW, grade=Decimal("1.0"))
    repo.save(row)
    setattr(row, name, Decimal("1.00"))
    row.note = "x"

    with pytest.raises(QueryNotSupported, match="in the primary key"):
        repo.save(row)
    with pytest.raises(QueryNotSupported, match="in the primary key"):
        repo.delete(row)


def test_two_keys_that_are_stored_as_one_are_refused(repo):
    """A map with two keys of the same stored form is refused, since either value could be kept."""
    with pytest.raises(TypeMismatch, match="one key") as exc_info:
        repo.save(Event(id=9, at={NOW: "a", NOW + timedelta(microseconds=1): "b"}))

    assert "Event.at" == exc_info.value.column
    assert repr(NOW) in str(exc_info.value)
    assert repo.get(Event, id=9) is None


def test_two_elements_that_are_stored_as_one_become_one(repo, statements):
    """Elements of a set with the same stored form count as one."""
    row = Event(id=10, seen={NOW, NOW + timedelta(microseconds=1)}, temps={0.1, SINGLE, *NANS})
    repo.save(row)

    assert unchanged(repo, statements, row)
    assert row == repo.get(Event, id=10)
    row.seen = {NOW + timedelta(microseconds=2)}
    assert unchanged(repo, statements, row)


def test_a_set_that_gains_a_nan_beside_one_has_not_changed(repo, statements):
    """Adding another NaN to a set that contains one is not a change."""
    for nan in NANS:
        repo.save(Event(id=11, temps={nan, 2.0}))
        row = repo.get(Event, id=11)
        row.temps |= NANS

        assert 4 == len(row.temps)
        assert unchanged(repo, statements, row)
        assert 2 == len(repo.get(Event, id=11).temps)


@pytest.mark.parametrize(("before", "after"), [([], None), (None, [])], ids=["to a null", "to an empty list"])
def test_a_user_type_tells_an_empty_collection_from_a_null(repo, before, after):
    """Inside a frozen user type, an empty collection and null are different values."""
    repo.save(Event(id=12, word=Word(senses=before)))
    stored = put(repo, 12, {"word": Word(senses=after)})

    assert after == stored.word.senses
    assert stored.word == Word(senses=after) != Word(senses=before)


MAPPED = IPv6Address("::ffff:10.0.0.1")
"""An IPv4 address as IPv6 address: in a collection, Cassandra stores the IPv4 address."""


def test_an_ipv4_address_given_as_ipv6_address_is_read_again(repo, statements):
    """An IPv4-mapped address is read as the column's class of addresses, and is the same value in both forms."""
    row = Route(
        id=1,
        gate=MAPPED,
        hops=[MAPPED, IPv6Address("::1")],
        seen={MAPPED},
        costs={MAPPED: 1},
        pair=(MAPPED, IPv4Address("10.0.0.1")),
        either={MAPPED, IPv4Address("10.0.0.1")},
        named={str(MAPPED): 1},
    )
    repo.save(row)
    loaded = repo.get(Route, id=1)

    assert (MAPPED, [MAPPED, IPv6Address("::1")], {MAPPED}) == (loaded.gate, loaded.hops, loaded.seen)
    assert ({MAPPED: 1}, {IPv4Address("10.0.0.1")}) == (loaded.costs, loaded.either)
    assert row == loaded
    assert unchanged(repo, statements, row)
    assert unchanged(repo, statements, loaded)
    loaded.seen, loaded.costs, loaded.either, loaded.named = set(), {}, set(), {}
    repo.save(loaded)
    remaining = repo.get(Route, id=1)
    assert (set(), {}, set(), {}) == (remaining.seen, remaining.costs, remaining.either, remaining.named)


TWICE = [
    ("named", {MAPPED: 1, "10.0.0.1": 2}),
    ("named", {"::1": 1, IPv6Address("::1"): 2}),
    ("costs", {"::1": 1, IPv6Address("::1"): 2}),
]


@pytest.mark.parametrize(("name", "value"), TWICE, ids=str)
def test_two_forms_of_one_address_are_one_key(repo, name, value):
    """A map with both forms of one address as keys is refused."""
    with pytest.raises(TypeMismatch, match=r"one key|same stored value"):
        repo.save(Route(id=2, **{name: value}))
