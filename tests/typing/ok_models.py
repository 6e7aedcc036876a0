"""Programs that both checkers accept: declaring models, constructing and reading them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from decimal import Decimal
from typing import Annotated, Any, ClassVar
from uuid import UUID, uuid4

import attrs
from typing_extensions import assert_type

from scyllamodel import (
    DOCSTRING,
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
from scyllamodel.schema.facts.objects import Table

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


class Address(UserType, name="address"):
    """A user type."""

    street: str
    zip_code: str | None = None
    floor: int = attrs.field(default=0)


class Stamped(Model, abstract=True):
    """A mixin with its own column."""

    created: Column[datetime] = column(default=NOW)


class Order(
    Stamped,
    table="orders",
    keyspace="shop",
    repo="default",
    renamed_from="old_orders",
    indexes=[
        Index("status"),
        Index("lines", on="keys", name="orders_lines_k"),
        Index("place", using="sai", options={"similarity_function": "cosine"}),
    ],
    options=TableOptions(
        comment=DOCSTRING, default_time_to_live=86400, compaction={"class": "LeveledCompactionStrategy"}
    ),
):
    """Orders of one shop."""

    CURRENCY: ClassVar[str] = "EUR"

    shop: Column[UUID] = partition_key(factory=uuid4)
    placed: Column[cql.TimeUUID] = clustering_key(descending=True)
    status: Column[str] = column(default="new", validator=attrs.validators.max_len(20))
    total: Column[Decimal] = column()
    seats: Column[cql.Int] = column(default=0, db_name="SEATS")
    ship_to: Column[cql.Frozen[Address] | None] = column(default=None)
    tags: Column[set[str]] = column(factory=set)
    lines: Column[dict[str, cql.Int]] = column(factory=dict)
    notes: Column[list[str] | None] = column(default=None, index=True)
    place: Column[Annotated[list[float], cql.vector(3)]] = column(factory=list)
    secret: Column[str | None] = column(default=None, redact=True, alias="password")
    shop_name: Column[str | None] = column(static=True, default=None)
    version: Column[int] = column(init=False, default=1)

    def is_new(self) -> bool:
        """A method of the author's."""
        return self.status == "new"

    @property
    def cents(self) -> int:
        """A property of the author's."""
        return int(self.total * 100)


class OrderByStatus(MaterializedView, of=Order, view="orders_by_status", options=TableOptions(comment="x")):
    """A view."""

    status: Column[str] = partition_key()
    shop: Column[UUID] = clustering_key()
    placed: Column[cql.TimeUUID] = clustering_key(descending=True)
    total: Column[Decimal] = column()


class Hits(Model):
    """A table of counters."""

    page: Column[str] = partition_key()
    hits: Column[cql.Counter] = column()


order = Order(placed=uuid4(), total=Decimal(3), password="x", ship_to=Address(street="Long"), created=NOW)
assert_type(order, Order)
assert_type(order.status, str)
assert_type(order.seats, int)
assert_type(order.ship_to, Address | None)
assert_type(order.tags, set[str])
assert_type(order.lines, dict[str, int])
assert_type(order.place, list[float])
assert_type(order.created, datetime)
assert_type(order.is_new(), bool)
assert_type(order.cents, int)
assert_type(Order.CURRENCY, str)
order.status = "paid"
order.lines["apple"] = 3

assert_type(order.replace(status="paid"), Order)
assert_type(Order.__facts__, Table)
assert_type(Order.__columns__, Mapping[str, Column[Any]])
assert_type(attrs.asdict(order), dict[str, Any])
fields: list[object] = [attrs.fields(Order), attrs.fields(OrderByStatus), attrs.fields(Address)]

address = Address(street="Long", zip_code="123")
assert_type(address.zip_code, str | None)
assert_type({address: 1}, dict[Address, int])


def of_view(order_by_status: OrderByStatus) -> Decimal:
    """Read instances of a view like those of a model."""
    assert_type(order_by_status.status, str)
    return order_by_status.total


def matched(value: Order | Hits) -> str:
    """Use models in ``match``."""
    match value:
        case Order(status=status, seats=0):
            return status
        case Order():
            return "other"
        case Hits(page=page):
            return page
