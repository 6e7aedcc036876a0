"""The tables of an online shop, as Python classes.

Each class is a table, view or type: an annotation gives the type of a column, and the value after ``=`` its role.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID, uuid4

from scyllamodel import (
    Column,
    Index,
    MaterializedView,
    Model,
    TableOptions,
    UserType,
    clustering_key,
    column,
    partition_key,
)
from scyllamodel import types as cql


class GeoPoint(UserType, name="geo_point"):
    """A place on the map, in degrees."""

    latitude: float
    longitude: float


class Address(UserType, name="address"):
    """Where parcels go; a user type that holds another one."""

    street: str
    city: str
    postcode: str
    country: str
    location: GeoPoint | None = None


class OrderStatus(str, Enum):
    """How far an order has come; stored as text."""

    NEW = "new"
    PAID = "paid"
    SHIPPED = "shipped"
    RETURNED = "returned"


class Customer(Model, table="customers"):
    """A customer, found by id, or by e-mail address through an index."""

    id: Column[UUID] = partition_key(factory=uuid4)
    email: Column[str] = column(index=True, redact=True)
    name: Column[str] = column()
    joined: Column[datetime] = column()
    addresses: Column[dict[str, Address]] = column(factory=dict)
    phones: Column[set[str]] = column(factory=set, redact=True)


class Product(
    Model,
    table="products",
    indexes=[Index("tags"), Index("attributes", on="keys")],
    options=TableOptions(comment="One row for each article", compaction={"class": "LeveledCompactionStrategy"}),
):
    """An article. ``tags`` is indexed by value, ``attributes`` by key: "everything that has a shoe size"."""

    sku: Column[str] = partition_key()
    name: Column[str] = column()
    price: Column[Decimal] = column()
    tags: Column[set[str]] = column(factory=set)
    attributes: Column[dict[str, str]] = column(factory=dict)
    photos: Column[list[str]] = column(factory=list)


class Stock(Model, table="stock"):
    """How much of an article lies in which warehouse: one row for each warehouse, all under the article."""

    sku: Column[str] = partition_key()
    warehouse: Column[str] = clustering_key()
    pieces: Column[cql.Int] = column(default=0, null_as_default=True)
    counted: Column[date | None] = column(default=None)


class Order(Model, table="orders"):
    """The orders of a customer, newest first. The customer's name is static: stored once, not once for each order."""

    customer: Column[UUID] = partition_key()
    placed: Column[cql.TimeUUID] = clustering_key(descending=True)
    customer_name: Column[str | None] = column(static=True, default=None)
    status: Column[OrderStatus] = column(default=OrderStatus.NEW, null_as_default=True)
    total: Column[Decimal] = column()
    ship_to: Column[cql.Frozen[Address]] = column()


class OrderLine(Model, table="order_lines"):
    """What an order holds, line by line. Customer and order together find the partition: a composite key."""

    customer: Column[UUID] = partition_key()
    placed: Column[cql.TimeUUID] = partition_key()
    line: Column[cql.SmallInt] = clustering_key()
    sku: Column[str] = column()
    pieces: Column[cql.Int] = column()
    price: Column[Decimal] = column()


class Review(Model, table="reviews"):
    """Reviews of an article, newest first."""

    sku: Column[str] = partition_key()
    written: Column[cql.TimeUUID] = clustering_key(descending=True)
    author: Column[str] = column()
    stars: Column[cql.TinyInt] = column()
    text: Column[str] = column(default="", null_as_default=True)


class Cart(Model, table="carts", options=TableOptions(default_time_to_live=14 * 86400)):
    """A shopping cart, which expires after two weeks."""

    session: Column[UUID] = partition_key(factory=uuid4)
    pieces: Column[dict[str, cql.Int]] = column(factory=dict)
    touched: Column[datetime] = column()


class PageHits(Model, table="page_hits"):
    """Visits of a page by day and hour. Counters live in tables of their own."""

    page: Column[str] = partition_key()
    day: Column[date] = partition_key()
    hour: Column[cql.TinyInt] = clustering_key()
    hits: Column[cql.Counter] = column()


class OrdersByStatus(MaterializedView, of=Order, view="orders_by_status"):
    """Orders by status, for the packing staff; the server keeps it up to date."""

    status: Column[OrderStatus] = partition_key()
    placed: Column[cql.TimeUUID] = clustering_key(descending=True)
    customer: Column[UUID] = clustering_key()
    total: Column[Decimal] = column()
