"""The models of statements in tests without a server."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Annotated
from uuid import UUID

from scyllamodel import Column, Index, MaterializedView, Model, UserType, clustering_key, column, partition_key
from scyllamodel import types as cql


class Level(enum.IntEnum):
    """An enum stored by value."""

    LOW = 1
    HIGH = 2


class Address(UserType, name="address"):
    """A user type."""

    street: str
    zip_code: str | None = None


class Order(
    Model,
    table="orders",
    repo="queries",
    indexes=[
        Index("status"),
        Index("tags"),
        Index("lines", on="keys"),
        Index("prices", on="entries"),
        Index("code", using="sai"),
        Index("rank", using="sai"),
        Index("title", using="SASIIndex"),
        Index("place", using="sai"),
    ],
):
    """A model with a composite partition key, two clustering columns, and a column of every other kind."""

    shop: Column[int] = partition_key()
    day: Column[int] = partition_key()
    placed: Column[cql.TimeUUID] = clustering_key(descending=True)
    seq: Column[int] = clustering_key(default=0)
    status: Column[str] = column(default="new")
    total: Column[int] = column(default=0)
    level: Column[Level] = column(default=Level.LOW)
    at: Column[datetime | None] = column(default=None)
    ship_to: Column[Address | None] = column(default=None)
    tags: Column[set[str]] = column(factory=set)
    levels: Column[set[Level]] = column(factory=set)
    notes: Column[list[str]] = column(factory=list)
    lines: Column[dict[str, cql.Int]] = column(factory=dict)
    prices: Column[dict[str, cql.Int]] = column(factory=dict)
    code: Column[str | None] = column(default=None)
    rank: Column[int | None] = column(default=None)
    title: Column[str | None] = column(default=None)
    place: Column[Annotated[list[float], cql.vector(2)] | None] = column(default=None)
    kind: Column[str | None] = column(db_name="Kind Of", default=None)
    pin: Column[str | None] = column(default=None, redact=True)
    owner: Column[str | None] = column(static=True, default=None)


class ByTotal(MaterializedView, of=Order):
    """A view of the orders by total."""

    total: Column[int] = partition_key()
    shop: Column[int] = clustering_key()
    day: Column[int] = clustering_key()
    placed: Column[cql.TimeUUID] = clustering_key()
    seq: Column[int] = clustering_key()


class Plain(Model, table="plain", repo="queries"):
    """A key of one column and no index."""

    id: Column[UUID] = partition_key()
    name: Column[str] = column(default="")


class Hits(Model, table="hits", repo="queries"):
    """A table of counters."""

    page: Column[str] = partition_key()
    hits: Column[cql.Counter] = column()


class Elsewhere(Model, table="elsewhere", keyspace="Other", repo="queries"):
    """A model in another keyspace."""

    id: Column[int] = partition_key()
