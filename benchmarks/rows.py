"""The tables that reads and writes are measured on: ten plain columns, and ten converted ones."""

from __future__ import annotations

import random
from datetime import date, datetime, timezone
from ipaddress import IPv4Address
from typing import Any
from uuid import UUID, uuid4

import attrs

from scyllamodel import Column, Model, UserType, clustering_key, column, partition_key
from scyllamodel import types as cql

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
PLAIN = "part id name title body kind size score seen flag".split()


class Place(UserType, name="place"):
    """A user type of two fields."""

    street: str
    number: int


class Plain(Model, table="plain", repo="bench_data"):
    """Ten plain columns."""

    part: Column[int] = partition_key()
    id: Column[UUID] = clustering_key()
    name: Column[str] = column()
    title: Column[str] = column()
    body: Column[str] = column()
    kind: Column[str] = column()
    size: Column[cql.Int] = column()
    score: Column[float] = column()
    seen: Column[datetime] = column()
    flag: Column[bool] = column()


class Rich(Model, table="rich", repo="bench_data"):
    """Columns whose values are converted."""

    part: Column[int] = partition_key()
    id: Column[UUID] = clustering_key()
    tags: Column[set[str]] = column(factory=set)
    counts: Column[dict[str, cql.Int]] = column(factory=dict)
    day: Column[date] = column()
    address: Column[IPv4Address] = column()
    place: Column[cql.Frozen[Place]] = column()
    names: Column[list[str]] = column(factory=list)


class Spread(Model, table="spread", repo="bench_data"):
    """A table with many partitions of one row each."""

    id: Column[UUID] = partition_key()
    name: Column[str] = column()
    size: Column[cql.Int] = column()


@attrs.define
class Slotted:
    """The plain row as a slotted attrs class, to compare memory."""

    part: int
    id: UUID
    name: str
    title: str
    body: str
    kind: str
    size: int
    score: float
    seen: datetime
    flag: bool


def plain(part: int, seed: random.Random) -> Plain:
    """One plain row."""
    return Plain(
        part=part,
        id=uuid4(),
        name=f"name {seed.random()}",
        title="a title of some length",
        body="x" * 60,
        kind="kind",
        size=seed.randrange(10**6),
        score=seed.random(),
        seen=NOW,
        flag=True,
    )


def rich(part: int) -> Rich:
    """One row with converted columns."""
    return Rich(
        part=part,
        id=uuid4(),
        tags={"a", "b", "c"},
        counts={"a": 1, "b": 2},
        day=date(2026, 1, 31),
        address=IPv4Address("10.0.0.1"),
        place=Place(street="High Street", number=1),
        names=["x", "y"],
    )


def read_row(row: Any) -> tuple[Any, ...]:
    """The conversions that a programmer applies to a row of `Rich` as the driver returns it."""
    place = row.place
    return (
        row.part,
        row.id,
        set(row.tags or ()),
        dict(row.counts or {}),
        row.day.date(),
        IPv4Address(row.address),
        Place(street=place.street, number=place.number),
        list(row.names or ()),
    )
