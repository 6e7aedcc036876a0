"""Mistakes in models and their instances: each line that ends in ``# error`` is reported, and no other."""

from __future__ import annotations

from decimal import Decimal
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


class Address(UserType):
    """A user type."""

    street: str
    zip_code: str | None = None


class Order(Model):
    """A model."""

    shop: Column[UUID] = partition_key()
    status: Column[str] = column(default="new")
    total: Column[Decimal] = column()
    tags: Column[set[str]] = column(factory=set)
    version: Column[int] = column(init=False, default=1)


class OrderByStatus(MaterializedView, of=Order):
    """A view."""

    status: Column[str] = partition_key()
    shop: Column[UUID] = clustering_key()


class WrongDefaults(Model):
    """Defaults that do not fit."""

    shop: Column[UUID] = partition_key(default=3)  # error
    status: Column[str] = column(default=None)  # error
    seats: Column[cql.Int] = column(default="x")  # error
    tags: Column[set[str]] = column(factory=list)  # error
    notes: Column[list[str]] = column(defualt=None)  # error
    total: Column[str] = column("x")  # error
    static: Column[str] = partition_key(static=True)  # error
    both: Column[str] = clustering_key(descending="yes")  # error
    bare: str = column()  # error


Order()  # error
Order(shop=uuid4())  # error
Order(shop=3, total=Decimal(1))  # error
Order(shop=uuid4(), total="3")  # error
Order(shop=uuid4(), total=Decimal(1), stauts="x")  # error
Order(shop=uuid4(), total=Decimal(1), version=2)  # error
Order(uuid4(), total=Decimal(1))  # error

order = Order(shop=uuid4(), total=Decimal(1))
order.status = 3  # error
order.stauts = "x"  # error
order.total + "x"  # error
order.tags.append("x")  # error
order.replace("paid")  # error

OrderByStatus()  # error
OrderByStatus(status="x", shop=uuid4())  # error

Address()  # error
Address(street=3)  # error
Address("Long")  # error
address = Address(street="Long")
address.street = "Short"  # error
Index()  # error
Index("x", on="value")  # error
Index("x", "name")  # error
TableOptions(comment=3)  # error
TableOptions(coment="x")  # error
