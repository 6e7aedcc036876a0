"""Property tests: whatever a model contains is read back, and rows match a dictionary after any changes."""

from __future__ import annotations

import uuid
from datetime import date, datetime, time, timezone
from decimal import Decimal
from ipaddress import IPv4Address

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scyllamodel import Column, Model, UserType, clustering_key, column, migrate, partition_key, select
from scyllamodel import types as cql
from scyllamodel.driver.data.api_base import client_of
from scyllamodel.testing import keyspaces

pytestmark = pytest.mark.live
few = settings(
    max_examples=max(25, settings().max_examples // 4), deadline=None, suppress_health_check=list(HealthCheck)
)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
INT = st.integers(-(2**31), 2**31 - 1)


class Spot(UserType, name="spot"):
    """A user type."""

    x: int
    name: str | None = None


class Held(Model, table="held", repo="properties"):
    """A model with many kinds of columns."""

    id: Column[uuid.UUID] = partition_key()
    text: Column[str | None] = column(default=None)
    count: Column[cql.Int | None] = column(default=None)
    big: Column[int | None] = column(default=None)
    exact: Column[Decimal | None] = column(default=None)
    real: Column[float | None] = column(default=None)
    at: Column[datetime | None] = column(default=None)
    day: Column[date | None] = column(default=None)
    clock: Column[time | None] = column(default=None)
    address: Column[IPv4Address | None] = column(default=None)
    blob: Column[bytes | None] = column(default=None)
    names: Column[set[str]] = column(factory=set)
    numbers: Column[list[cql.Int]] = column(factory=list)
    words: Column[dict[str, cql.Int]] = column(factory=dict)
    spot: Column[Spot | None] = column(default=None)
    spots: Column[dict[str, tuple[int, str]]] = column(factory=dict)


MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(timezone.utc)).map(  # noqa: DTZ001
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
)
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "text": TEXT,
        "count": INT,
        "big": st.integers(-(2**63), 2**63 - 1),
        "exact": st.decimals(allow_nan=False, allow_infinity=False, places=5),
        "real": st.floats(allow_nan=False),
        "at": MOMENTS,
        "day": st.dates(),
        "clock": st.times(),
        "address": st.ip_addresses(v=4),
        "blob": st.binary(max_size=20),
        "names": st.sets(TEXT, max_size=4),
        "numbers": st.lists(INT, max_size=4),
        "words": st.dictionaries(TEXT, INT, max_size=4),
        "spot": st.builds(Spot, x=INT, name=st.none() | TEXT),
        "spots": st.dictionaries(TEXT, st.tuples(INT, TEXT), max_size=3),
    },
)


class Line(Model, table="line", repo="properties"):
    """Rows of one partition, for sequences of changes."""

    part: Column[uuid.UUID] = partition_key()
    number: Column[cql.Int] = clustering_key()
    text: Column[str | None] = column(default=None)
    names: Column[set[str]] = column(factory=set)
    numbers: Column[list[cql.Int]] = column(factory=list)
    words: Column[dict[str, cql.Int]] = column(factory=dict)


@pytest.fixture(scope="module")
def repo(scylla_cluster):
    """The tables of this module."""
    with scylla_cluster.repo(keyspaces.unique_name("properties"), name="properties") as new_repo:
        migrate(new_repo, resources=[Held, Line], create_keyspace=True)
        yield new_repo
        keyspaces.drop(new_repo)


@few
@given(values=VALUES)
def test_what_is_saved_comes_back(repo, values):
    """A saved row is read back equal, and a second save leaves it unchanged."""
    row = Held(id=uuid.uuid4(), **values)
    repo.save(row)
    loaded = repo.get(Held, id=row.id)

    assert row == loaded
    assert client_of(repo).requests()
    before = repr(loaded)
    repo.save(loaded)

    assert before == repr(repo.get(Held, id=row.id))


@few
@given(before=VALUES, after=VALUES)
def test_a_change_of_anything_comes_back(repo, before, after):
    """Saving only the differences turns any row into any other."""
    row = Held(id=uuid.uuid4(), **before)
    repo.save(row)
    loaded, expected = repo.get(Held, id=row.id), Held(id=row.id, **after)
    for name in Held.__columns__:
        setattr(loaded, name, getattr(expected, name))
    repo.save(loaded)

    assert expected == repo.get(Held, id=row.id)


NUMBER, NAME = st.integers(0, 2), st.sampled_from("abc")
DEEDS = st.lists(
    st.one_of(
        st.tuples(st.just("save"), NUMBER),
        st.tuples(st.just("delete"), NUMBER),
        st.tuples(st.just("load"), NUMBER),
        st.tuples(st.just("text"), NUMBER, st.none() | NAME),
        st.tuples(st.just("add"), NUMBER, NAME),
        st.tuples(st.just("discard"), NUMBER, NAME),
        st.tuples(st.just("append"), NUMBER, INT),
        st.tuples(st.just("insert"), NUMBER, INT),
        st.tuples(st.just("pop"), NUMBER),
        st.tuples(st.just("put"), NUMBER, NAME, INT),
        st.tuples(st.just("drop"), NUMBER, NAME),
    ),
    min_size=3,
    max_size=20,
)


def change(row, action, arguments):
    """Change an instance in place."""
    if action == "text":
        row.text = arguments[0]
    elif action == "add":
        row.names.add(arguments[0])
    elif action == "discard":
        row.names.discard(arguments[0])
    elif action == "append":
        row.numbers.append(arguments[0])
    elif action == "insert":
        row.numbers.insert(0, arguments[0])
    elif action == "pop":
        row.numbers[:1] = []
    elif action == "put":
        row.words[arguments[0]] = arguments[1]
    else:
        row.words.pop(arguments[0], None)


@few
@given(deeds=DEEDS)
def test_rows_are_what_a_dictionary_says(repo, deeds):
    """After any sequence of changes, saves, deletes and reads of three rows, the table equals a dictionary."""
    part = uuid.uuid4()
    rows = {number: Line(part=part, number=number) for number in range(3)}
    stored: dict[int, Line] = {}
    for action, number, *arguments in deeds:
        row = rows[number]
        if action == "save":
            repo.save(row)
            stored[number] = Line(
                **{
                    name: getattr(row, name).copy() if name in ("names", "numbers", "words") else getattr(row, name)
                    for name in Line.__columns__
                }
            )
        elif action == "delete":
            repo.delete(row)
            stored.pop(number, None)
        elif action == "load":
            rows[number] = repo.get(Line, part=part, number=number) or Line(part=part, number=number)
        else:
            change(row, action, arguments)

    assert [stored[number] for number in sorted(stored)] == repo.all(select(Line).where(Line.part == part))
