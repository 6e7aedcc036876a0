# ruff: noqa: B015, B018 - the comparisons are what is tested
"""Operations that CQL lacks for a column, and operands of the wrong type."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from scyllamodel import Column, Model, UserType, column, partition_key
from scyllamodel import types as cql
from scyllamodel.model.expression import Condition


class Address(UserType):
    """A user type."""

    street: str


class Order(Model):
    """One column of each kind."""

    shop: Column[UUID] = partition_key()
    status: Column[str] = column()
    total: Column[Decimal] = column()
    seats: Column[cql.Int] = column()
    tags: Column[set[str]] = column(factory=set)
    lines: Column[dict[str, cql.Int]] = column(factory=dict)
    notes: Column[list[str]] = column(factory=list)
    labels: Column[frozenset[str]] = column(factory=frozenset)
    tags_: Column[set[str] | None] = column(default=None)
    ship_to: Column[cql.Frozen[Address] | None] = column(default=None)


class Hits(Model):
    """A table of counters."""

    page: Column[str] = partition_key()
    hits: Column[cql.Counter] = column()


Order.stauts  # error
Order.total < 3.5  # error
Order.total > "x"  # error
Order.seats.in_(["x"])  # error
Order.seats.in_(3)  # error
Order.seats.like("x")  # error
Order.tags.like("x")  # error
Order.tags.contains(3)  # error
Order.tags_.contains(3)  # error
Order.labels.contains(3)  # error
Order.notes.contains(3)  # error
Order.lines.contains("x")  # error
Order.status.contains("x")  # error
Order.tags.contains_key("x")  # error
Order.lines.contains_key(3)  # error
Order.lines[3]  # error
Order.notes["x"]  # error
Order.tags["x"]  # error
Order.status["x"]  # error
Order.lines["x"].to("y")  # error
Order.lines["x"] < "y"  # error
Order.status.field("street")  # error
Order.status.to(3)  # error
Order.status.to(None)  # error
Order.tags.to({3})  # error
Order.tags.add({3})  # error
Order.tags.add("x")  # error
Order.tags_.add({3})  # error
Order.lines.add({"x": "y"})  # error
Order.lines.add({"x"})  # error
Order.labels.add(frozenset({"x"}))  # error
Order.status.add({"x"})  # error
Order.notes.remove([3])  # error
Order.lines.remove({3})  # error
Order.notes.append("x")  # error
Order.tags.append(["x"])  # error
Order.notes.prepend([3])  # error
Order.seats.increment()  # error
Order.total.decrement(1)  # error
Hits.hits.increment("x")  # error

is_less: bool = Order.total < Decimal(3)  # error
condition: Condition = Order.status == "x"
