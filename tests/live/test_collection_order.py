"""A set or map inside a frozen value is one value, whichever process wrote it and in whatever order."""

from __future__ import annotations

import uuid
from datetime import date, datetime, time, timezone
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated

import pytest

from scyllamodel import Column, Model, UserType, clustering_key, column, migrate, partition_key
from scyllamodel import types as cql
from scyllamodel.testing import keyspaces
from support.servers import needs_vectors
from support.strategies import Level, Status

pytestmark = pytest.mark.live


class Words(UserType, name="words"):
    """Words."""

    words: frozenset[str]


class Counts(UserType, name="counts"):
    """Words, and counts of words."""

    words: frozenset[str]
    counts: cql.Frozen[dict[str, int]]


VALUES = {
    "text": (str, ["b", "", "é", "a", "aa", "\U0001f600", "\uffff"]),
    "ascii": (cql.Ascii, ["b", "", "a"]),
    "bigint": (int, [3, -1, 2**40, 0]),
    "varint": (cql.VarInt, [3, -1, 2**80, -(2**80)]),
    "blob": (bytes, [b"\xff", b"", b"a"]),
    "boolean": (bool, [True, False]),
    "double": (float, [1.0, -1.0, 0.5, float("inf"), float("-inf")]),
    "float": (cql.Float, [1.0, -1.0, 0.5]),
    "decimal": (Decimal, [Decimal("1.5"), Decimal(-3), Decimal(1000), Decimal("0.01")]),
    "timestamp": (datetime, [datetime(year, 1, 1, tzinfo=timezone.utc) for year in (2026, 1900, 1970)]),
    "date": (date, [date(2026, 1, 1), date(1900, 1, 1), date(1970, 1, 1)]),
    "time": (time, [time(23), time(0), time(1, 2, 3, 4)]),
    "inet": (cql.Inet, [IPv4Address("200.0.0.1"), IPv4Address("10.0.0.1"), IPv6Address("::1"), IPv6Address("fe80::1")]),
    "uuid": (uuid.UUID, [uuid.UUID(int=n, version=v) for v in (4, 1, 3) for n in (2**127 + 5, 3, 2**70)]),
    "timeuuid": (
        cql.TimeUUID,
        [uuid.uuid1(node, clock) for node in (1, 2**47) for clock in (1, 2**13)]
        + [uuid.UUID("13814000-1dd2-11b2-8080-808080808080"), uuid.UUID("ffffffff-1dd2-11b2-8080-808080808080")],
    ),
    "status": (Status, list(Status)),
    "level": (Level, list(Level)),
}


def annotation(name):
    """A frozen tuple of a set and a map of these values."""
    type_annotation = VALUES[name][0]
    return tuple[frozenset[type_annotation], cql.Frozen[dict[type_annotation, int]]]


TABLES = {
    name: type(Model)(
        f"Key{name}",
        (Model,),
        {
            "__module__": __name__,
            "__qualname__": f"Key{name}",
            "__annotations__": {"key": Column[annotation(name)], "note": Column[str | None]},
            "key": partition_key(),
            "note": column(default=None),
        },
        table=f"key_{name}",
        repo="ordering",
    )
    for name in VALUES
}


class Held(Model, table="held", repo="ordering"):
    """Elements and keys that contain sets and maps."""

    id: Column[frozenset[str]] = partition_key()
    at: Column[cql.Frozen[Counts]] = clustering_key()
    tags: Column[set[tuple[str, frozenset[str]]]] = column(factory=set)
    counts: Column[dict[Words, int]] = column(factory=dict)


@pytest.fixture(scope="module")
def repo(scylla_cluster):
    """The tables of this module."""
    with scylla_cluster.repo(keyspaces.unique_name("ordering"), name="ordering") as new_repo:
        migrate(new_repo, resources=[*TABLES.values(), Held], create_keyspace=True)
        yield new_repo
        keyspaces.drop(new_repo)


def literal(repo, value):
    """A value as CQL text."""
    return repo.session.encoder.cql_encode_all_types(value)


@pytest.mark.parametrize("name", VALUES)
def test_a_row_of_another_program_is_found(repo, name):
    """The server sorts collections in CQL text, and bound values are sorted in the same way."""
    cls, values = TABLES[name], VALUES[name][1]
    plain = [getattr(value, "value", value) for value in values]
    items = [str(item) if name in ("inet", "decimal") else item for item in plain]
    texts = [f"'{item}'" if name == "inet" else item if name == "decimal" else literal(repo, item) for item in items]
    pairs = ", ".join(f"{text}: 1" for text in texts)
    repo.session.execute(
        f"INSERT INTO {repo.keyspace}.key_{name} (key, note) VALUES (({{{', '.join(texts)}}}, {{{pairs}}}), 'x')"
    )
    key = (frozenset(values), dict.fromkeys(values, 1))

    assert "x" == repo.get(cls, key=key).note
    (row,) = repo.scan(cls)
    assert key == row.key
    row.note = "y"
    repo.save(row)
    repo.delete(row)
    assert [] == list(repo.scan(cls))


def test_the_order_of_python_means_nothing(repo):
    """Keys, clustering values, elements and map keys are found in whatever order their collections are given."""
    items = [f"word {n}" for n in range(9)]

    def row(elements):
        values = frozenset(elements)
        at = Counts(words=values, counts=dict.fromkeys(elements, 1))
        return Held(id=values, at=at, tags={("a", values)}, counts={Words(words=values): 1})

    first, other = row(items), row(items[::-1])
    repo.save(first)
    repo.save(other)

    assert [first] == list(repo.scan(Held))
    loaded = repo.get(Held, id=other.id, at=other.at)
    loaded.tags, loaded.counts = set(), {}
    repo.save(loaded)
    loaded = repo.get(Held, id=first.id, at=first.at)
    assert (set(), {}) == (loaded.tags, loaded.counts)
    repo.delete(other)
    assert [] == list(repo.scan(Held))


@needs_vectors
def test_sets_inside_of_vectors_are_one_value(repo):
    """A bound vector of sets is stored like the literal."""

    class Paths(Model, table="paths", repo="ordering"):
        steps: Column[Annotated[list[frozenset[str]], cql.vector(2)]] = partition_key()
        note: Column[str] = column()

    migrate(repo, resources=[Paths])
    values = [f"word {n}" for n in range(9)]
    repo.save(Paths(steps=[frozenset(values), frozenset()], note="x"))
    sorted_words = ", ".join(f"'{word}'" for word in sorted(values))

    assert "x" == repo.get(Paths, steps=[frozenset(values[::-1]), frozenset()]).note
    assert [("x",)] == [
        tuple(row)
        for row in repo.session.execute(
            f"SELECT note FROM {repo.keyspace}.paths WHERE steps = [{{{sorted_words}}}, {{}}]"
        )
    ]
