"""Behaviour from cqlengine's integration tests: create, read, change and delete rows; types; containers; time.

Each test covers one behaviour that they describe, and names the difference where this package behaves differently.
"""

# ruff: noqa: E501 - one case a line
from __future__ import annotations

import uuid
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address

import pytest

from scyllamodel import (
    Column,
    Model,
    NotFound,
    QueryNotSupported,
    TypeMismatch,
    UserType,
    clustering_key,
    column,
    insert,
    migrate,
    partition_key,
    select,
    update,
)
from scyllamodel import functions as fn
from scyllamodel import types as cql
from scyllamodel.testing import keyspaces

pytestmark = pytest.mark.live
UTC = timezone.utc


class Point(UserType, name="point"):
    """A user type."""

    x: int
    y: int | None = None


class Everything(Model, table="everything", repo="engine_rows"):
    """A column of each type."""

    id: Column[uuid.UUID] = partition_key(factory=uuid.uuid4)
    count: Column[cql.Int | None] = column(default=None)
    big: Column[int | None] = column(default=None)
    small: Column[cql.SmallInt | None] = column(default=None)
    tiny: Column[cql.TinyInt | None] = column(default=None)
    huge: Column[cql.VarInt | None] = column(default=None)
    text: Column[str | None] = column(default=None)
    ascii: Column[cql.Ascii | None] = column(default=None)
    blob: Column[bytes | None] = column(default=None)
    flag: Column[bool | None] = column(default=None)
    double: Column[float | None] = column(default=None)
    single: Column[cql.Float | None] = column(default=None)
    exact: Column[Decimal | None] = column(default=None)
    at: Column[datetime | None] = column(default=None)
    day: Column[date | None] = column(default=None)
    clock: Column[time | None] = column(default=None)
    made: Column[cql.TimeUUID | None] = column(default=None)
    v4: Column[IPv4Address | None] = column(default=None)
    v6: Column[IPv6Address | None] = column(default=None)
    lasts: Column[cql.Duration | None] = column(default=None)
    names: Column[set[str]] = column(factory=set)
    numbers: Column[list[cql.Int]] = column(factory=list)
    words: Column[dict[str, str]] = column(factory=dict)
    pair: Column[tuple[int, str] | None] = column(default=None)
    where: Column[Point | None] = column(default=None)
    frozen: Column[cql.Frozen[Point] | None] = column(default=None)
    points: Column[list[Point]] = column(factory=list)
    nested: Column[dict[str, frozenset[str]]] = column(factory=dict)


class Item(Model, table="item", repo="engine_rows"):
    """A key of two columns, and columns with defaults."""

    part: Column[int] = partition_key()
    row: Column[int] = clustering_key()
    count: Column[int] = column(default=5)
    text: Column[str | None] = column(default=None)


@pytest.fixture(scope="module")
def repo(scylla_cluster):
    """The tables of this module."""
    with scylla_cluster.repo(keyspaces.unique_name("engine_rows"), name="engine_rows") as new_repo:
        migrate(new_repo, resources=[Everything, Item], create_keyspace=True)
        yield new_repo
        keyspaces.drop(new_repo)


VALUES = [
    ("count", 123), ("count", -(2**31)), ("count", 2**31 - 1), ("big", 2**63 - 1), ("big", -(2**63)), ("small", 32767),
    ("small", -32768), ("tiny", 127), ("tiny", -128), ("huge", 2**100), ("huge", -(2**100)), ("text", "naïve ☃"), ("text", ""),
    ("ascii", "plain"), ("blob", b"\0\xff"), ("blob", b""), ("flag", True), ("flag", False), ("double", 1.5), ("double", -0.0),
    ("single", 2.25), ("exact", Decimal("1.10")), ("exact", Decimal("-12e-20")), ("at", datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)),
    ("at", datetime(1920, 1, 1, tzinfo=UTC)), ("day", date(1, 1, 1)), ("day", date(9999, 12, 31)), ("day", date(1969, 12, 31)),
    ("clock", time(23, 59, 59, 999999)), ("clock", time(0)), ("made", uuid.UUID("58e0a7d7-eebc-11d8-9669-0800200c9a66")), ("v4", IPv4Address("10.0.0.1")),
    ("v6", IPv6Address("2001:db8::1")), ("lasts", cql.Duration(1, 2, 3)), ("names", {"a", "b"}), ("numbers", [3, 1, 3]),
    ("words", {"a": "1", "b": ""}), ("pair", (1, "x")), ("where", Point(x=1)), ("where", Point(x=1, y=2)), ("frozen", Point(x=1, y=None)),
    ("points", [Point(x=1), Point(x=2, y=3)]), ("nested", {"a": frozenset({"x", "y"})}),
]  # fmt: skip


def output(value):
    """A value as part of a test's name, which is equal in all processes."""
    if isinstance(value, dict):
        return repr({key: output(item) for key, item in value.items()})
    return repr(sorted(value, key=repr)) if isinstance(value, (set, frozenset)) else repr(value)


@pytest.mark.parametrize(("name", "value"), VALUES, ids=[f"{name} {output(value)}"[:40] for name, value in VALUES])
def test_a_value_comes_back_as_it_was_saved(repo, name, value):
    """Values of every type, at its bounds, are read back as they were saved."""
    row = Everything(**{name: value})
    repo.save(row)

    assert value == getattr(repo.get(Everything, id=row.id), name)


@pytest.mark.parametrize("name", sorted({name for name, _ in VALUES}))
def test_a_value_can_be_taken_away(repo, name):
    """A column can be set to None, or a collection to empty; CQL does not distinguish empty collections from null."""
    value = next(value for item, value in VALUES if item == name)
    row = Everything(**{name: value})
    repo.save(row)
    loaded = repo.get(Everything, id=row.id)
    empty = type(value)() if isinstance(value, (set, list, dict)) else None
    setattr(loaded, name, empty)
    repo.save(loaded)

    assert empty == getattr(repo.get(Everything, id=row.id), name)


WRONG = [
    ("count", 2**31), ("count", -(2**31) - 1), ("small", 32768), ("tiny", 128), ("tiny", -129), ("big", 2**63), ("count", "5"),
    ("text", 5), ("text", b"x"), ("ascii", "☃"), ("blob", "x"), ("flag", "yes"), ("flag", 1), ("double", "1.5"), ("exact", 1.5),
    ("at", date(2026, 1, 1)), ("at", "2026-01-01"), ("day", datetime(2026, 1, 1, tzinfo=UTC)), ("day", "2026-01-01"),
    ("made", uuid.UUID("6dd88f40-b648-4630-8827-a752d2f8a5c1")), ("made", "x"), ("v4", "10.0.0.1.5"), ("names", "abc"), ("names", {1}), ("numbers", ["x"]),
    ("numbers", [None]), ("words", {"a": 1}), ("words", {1: "a"}), ("words", {"a": None}), ("where", {"x": 1}), ("pair", (1,)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), WRONG, ids=[f"{name} {output(value)}"[:40] for name, value in WRONG])
def test_a_value_of_another_type_is_refused_before_it_is_sent(repo, name, value):
    """A value of the wrong type is refused with its column; cqlengine converts some, such as "5" for an int."""
    row = Everything()
    setattr(row, name, value)
    with pytest.raises(TypeMismatch, match=rf"Everything\.{name}"):
        repo.save(row)

    assert repo.get(Everything, id=row.id) is None


def test_microseconds_are_cut_to_milliseconds(repo):
    """Microseconds are truncated to milliseconds towards the past, as CQL stores them."""
    row = Everything(at=datetime(2026, 1, 1, 0, 0, 0, 123999, UTC))
    repo.save(row)

    assert 123000 == repo.get(Everything, id=row.id).at.microsecond


def test_other_zones_are_the_same_moment(repo):
    """A datetime in another time zone is read back as an equal one in UTC."""
    at = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=5)))
    row = Everything(at=at)
    repo.save(row)
    value = repo.get(Everything, id=row.id).at

    assert (at, UTC) == (value, value.tzinfo)


def test_naive_times_are_refused_unless_asked_for(scylla_cluster, repo):
    """Naive datetimes are refused unless a setting treats them as UTC, as cqlengine always does."""
    row = Everything()
    row.at = datetime(2026, 1, 1, 12)  # noqa: DTZ001 - that is the case
    with pytest.raises(TypeMismatch, match="time zone"):
        repo.save(row)
    with scylla_cluster.repo(repo.keyspace, name="engine_rows", naive_datetimes="utc") as naive:
        naive.save(row)

    assert datetime(2026, 1, 1, 12, tzinfo=UTC) == repo.get(Everything, id=row.id).at


def test_create_and_get(repo):
    """A saved row is read back with the defaults of the instance."""
    repo.save(Item(part=1, row=1))

    assert Item(part=1, row=1, count=5, text=None) == repo.get(Item, part=1, row=1)


def test_a_row_that_is_not_there_is_none(repo):
    """`get` returns None for a missing row and `one` raises; cqlengine always raises DoesNotExist."""
    assert repo.get(Item, part=99, row=1) is None
    with pytest.raises(NotFound):
        repo.one(select(Item).where(Item.part == 99))


def test_saving_again_changes_the_row(repo):
    """A second save changes the row instead of adding another."""
    row = Item(part=2, row=1, text="a")
    repo.save(row)
    row.count, row.text = 9, "b"
    repo.save(row)

    assert [(9, "b")] == [(row.count, row.text) for row in repo.all(select(Item).where(Item.part == 2))]


def test_only_what_changed_is_sent(scylla_cluster, repo):
    """A save sends only the changed columns, so changes of others to different columns are kept."""
    events = []
    with scylla_cluster.repo(repo.keyspace, name="engine_rows", on_query=events.append) as watched:
        watched.save(Item(part=3, row=1, text="a"))
        first, second = (watched.get(Item, part=3, row=1) for _ in range(2))
        first.count, second.text = 7, "b"
        watched.save(first)
        watched.save(second)
        watched.save(second)

    statements = [
        event.cql.partition(" SET ")[2].partition(" WHERE")[0]
        for event in events
        if event.cql.startswith("UPDATE") and event.kind == "write"
    ]

    assert ["count = ?", "text = ?"] == statements
    assert (7, "b") == (repo.get(Item, part=3, row=1).count, repo.get(Item, part=3, row=1).text)


def test_deleting(repo):
    """A delete removes the row and not its neighbour; deleting twice is not an error."""
    first, two = Item(part=4, row=1), Item(part=4, row=2)
    repo.save_many([first, two])
    repo.delete(first)
    repo.delete(first)

    assert [2] == [row.row for row in repo.all(select(Item).where(Item.part == 4))]


def test_a_deleted_instance_can_be_saved_again(repo):
    """A deleted instance is saved as a new row with all its values."""
    row = Item(part=5, row=1, text="a")
    repo.save(row)
    repo.delete(row)
    repo.save(row)

    assert row == repo.get(Item, part=5, row=1)


def test_a_key_of_a_loaded_instance_cannot_change(repo):
    """Saving a loaded instance with a changed key is refused; cqlengine would write another row."""
    row = Item(part=6, row=1)
    repo.save(row)
    row.row = 2
    with pytest.raises(QueryNotSupported, match=r"replace\(row=…\)"):
        repo.save(row)


def test_a_null_in_the_key_is_refused(repo):
    """A null in the key is refused before it is sent."""
    row = Item(part=1, row=1)
    row.part = None
    with pytest.raises(TypeMismatch, match="partition key"):
        repo.save(row)


def test_nothing_is_written_for_none(repo):
    """None in a new instance is not written, so stored values are kept."""
    repo.save(Item(part=7, row=1, text="kept"))
    repo.save(Item(part=7, row=1, count=8))

    assert Item(part=7, row=1, count=8, text="kept") == repo.get(Item, part=7, row=1)


def test_nulls_are_written_where_they_are_wanted(repo):
    """With nulls=True, None in a new instance is written as null."""
    repo.save(Item(part=8, row=1, text="lost"))
    repo.save(Item(part=8, row=1), nulls=True)

    assert repo.get(Item, part=8, row=1).text is None


def test_equal_instances_are_equal(repo):
    """Instances are equal by value, whether they are loaded or not."""
    repo.save(Item(part=9, row=1))

    assert Item(part=9, row=1) == repo.get(Item, part=9, row=1)
    assert Item(part=9, row=2) != repo.get(Item, part=9, row=1)


def test_an_unknown_name_is_an_error():
    """An unknown attribute name is an error in the constructor and on assignment."""
    with pytest.raises(TypeError):
        Item(part=1, row=1, nope=1)
    with pytest.raises(AttributeError):
        Item(part=1, row=1).nope = 1


CONTAINERS = [
    ("set add", "names", {"a"}, {"a", "b"}), ("set remove", "names", {"a", "b"}, {"b"}), ("set both", "names", {"a"}, {"b"}),
    ("set from null", "names", set(), {"a"}), ("set to null", "names", {"a"}, set()),
    ("list append", "numbers", [1], [1, 2]), ("list prepend", "numbers", [2], [1, 2]), ("list both", "numbers", [2], [1, 2, 3]),
    ("list remove", "numbers", [1, 2, 1], [2]), ("list reorder", "numbers", [1, 2], [2, 1]), ("list from null", "numbers", [], [1]),
    ("list to null", "numbers", [1], []), ("list same twice", "numbers", [1], [1, 1]), ("list replace", "numbers", [1, 2], [3]),
    ("map put", "words", {"a": "1"}, {"a": "1", "b": "2"}), ("map change", "words", {"a": "1"}, {"a": "2"}),
    ("map remove", "words", {"a": "1", "b": "2"}, {"b": "2"}), ("map both", "words", {"a": "1"}, {"b": "1"}),
    ("map from null", "words", {}, {"a": "1"}), ("map to null", "words", {"a": "1"}, {}),
    ("type field", "where", Point(x=1, y=2), Point(x=1, y=3)), ("type field null", "where", Point(x=1, y=2), Point(x=1)),
    ("type from null", "where", None, Point(x=1)), ("type to null", "where", Point(x=1), None),
    ("frozen type", "frozen", Point(x=1), Point(x=2)), ("list of types", "points", [Point(x=1)], [Point(x=1), Point(x=2)]),
    ("map of sets", "nested", {"a": frozenset({"x"})}, {"a": frozenset({"x", "y"})}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "before", "after"), [c[1:] for c in CONTAINERS], ids=[c[0] for c in CONTAINERS])
def test_changed_containers_are_stored(repo, name, before, after):
    """A changed collection is stored, and other columns are kept."""
    row = Everything(**{name: before}, text="rest")
    repo.save(row)
    loaded = repo.get(Everything, id=row.id)
    setattr(loaded, name, after)
    repo.save(loaded)
    value = repo.get(Everything, id=row.id)

    assert (after, "rest") == (getattr(value, name), value.text)


def test_changes_in_place_are_seen(repo):
    """In-place changes of a set, a list and a map are saved."""
    row = Everything(names={"a"}, numbers=[1], words={"a": "1"})
    repo.save(row)
    loaded = repo.get(Everything, id=row.id)
    loaded.names.add("b")
    loaded.numbers.insert(0, 0)
    loaded.words["b"] = "2"
    repo.save(loaded)

    value = repo.get(Everything, id=row.id)

    assert ({"a", "b"}, [0, 1], {"a": "1", "b": "2"}) == (value.names, value.numbers, value.words)


def test_two_writers_add_to_one_set(repo):
    """Two instances that each add an element to a set do not overwrite each other."""
    row = Everything(names={"a"})
    repo.save(row)
    first, two = (repo.get(Everything, id=row.id) for _ in range(2))
    first.names.add("b")
    two.names.add("c")
    repo.save(first)
    repo.save(two)

    assert {"a", "b", "c"} == repo.get(Everything, id=row.id).names


def test_ttl_of_an_insert(repo):
    """A TTL in seconds is stored as given."""
    repo.save(Item(part=20, row=1, text="x"), ttl=500)

    assert 400 < repo.scalar(select(fn.ttl(Item.text)).where(Item.part == 20, Item.row == 1)) <= 500


def test_ttl_of_an_update(repo):
    """The TTL of an update applies to the changed column only."""
    row = Item(part=21, row=1, text="x")
    repo.save(row)
    row.text = "y"
    repo.save(row, ttl=500)
    count, text = repo.one(select(fn.ttl(Item.count), fn.ttl(Item.text)).where(Item.part == 21, Item.row == 1))

    assert count is None
    assert 400 < text <= 500


def test_no_ttl_without_asking(repo):
    """A save does not reuse the TTL of an earlier save."""
    row = Item(part=22, row=1, text="x")
    repo.save(row, ttl=500)
    row.text = "y"
    repo.save(row)

    assert repo.scalar(select(fn.ttl(Item.text)).where(Item.part == 22, Item.row == 1)) is None


def test_timestamp_of_an_insert(repo):
    """A timestamp is in microseconds; cqlengine accepts a timedelta or a datetime."""
    repo.save(Item(part=23, row=1, text="x"), timestamp=1_000_000)

    assert 1_000_000 == repo.scalar(select(fn.writetime(Item.text)).where(Item.part == 23, Item.row == 1))


def test_an_older_write_loses(repo):
    """The write with the later timestamp wins, whatever the order of arrival."""
    repo.save(Item(part=24, row=1, text="new"), timestamp=2_000_000)
    repo.execute(insert(Item(part=24, row=1, text="old")).timestamp(1_000_000))

    assert "new" == repo.get(Item, part=24, row=1).text


def test_an_older_delete_loses(repo):
    """A delete with an earlier timestamp leaves later values."""
    row = Item(part=25, row=1, text="x")
    repo.save(row, timestamp=2_000_000)
    repo.delete(row, timestamp=1_000_000)

    assert repo.get(Item, part=25, row=1) is not None


def test_blind_updates_need_no_read(repo):
    """An update by key needs no read, and creates a missing row."""
    repo.execute(update(Item).where(Item.part == 26, Item.row == 1).set(Item.text.to("x")))
    row = repo.get(Item, part=26, row=1)

    assert ("x", None) == (row.text, row.count)
