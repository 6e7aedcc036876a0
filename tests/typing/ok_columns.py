"""Expressions that columns offer on the class, and their results; both checkers accept them."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID, uuid4

from typing_extensions import assert_type

from scyllamodel import Column, Model, UserType, clustering_key, column, partition_key
from scyllamodel import types as cql
from scyllamodel.model.column import Element
from scyllamodel.model.expression import Assignment, Condition, Expression, Ordering


class Address(UserType):
    """A user type."""

    street: str


class Order(Model):
    """One column of each kind, and again with None."""

    shop: Column[UUID] = partition_key()
    placed: Column[cql.TimeUUID] = clustering_key()
    status: Column[str] = column()
    total: Column[Decimal] = column()
    seats: Column[cql.Int] = column()
    tags: Column[set[str]] = column(factory=set)
    lines: Column[dict[str, cql.Int]] = column(factory=dict)
    notes: Column[list[str]] = column(factory=list)
    labels: Column[frozenset[str]] = column(factory=frozenset)
    ship_to: Column[Address] = column()
    status_: Column[str | None] = column(default=None)
    tags_: Column[set[str] | None] = column(default=None)
    lines_: Column[dict[str, cql.Int] | None] = column(default=None)
    notes_: Column[list[str] | None] = column(default=None)
    labels_: Column[frozenset[str] | None] = column(default=None)
    ship_to_: Column[cql.Frozen[Address] | None] = column(default=None)


class Hits(Model):
    """A table of counters."""

    page: Column[str] = partition_key()
    hits: Column[cql.Counter] = column()


assert_type(Order.status, Column[str])
assert_type(Order.status == "new", Condition)
assert_type(Order.status != "new", Condition)
assert_type(Order.total < Decimal(3), Condition)
assert_type(Order.total <= Decimal(3), Condition)
assert_type(Order.placed > uuid4(), Condition)
assert_type(Order.seats >= 3, Condition)
assert_type(Order.status_ == None, Condition)  # noqa: E711 - a null in CQL
assert_type(Order.status.in_(["new", "paid"]), Condition)
assert_type(Order.status.in_(name for name in ("new", "paid")), Condition)
assert_type(Order.status.like("n%"), Condition)
assert_type(Order.status_.like("n%"), Condition)
assert_type(Order.placed.asc(), Ordering)
assert_type(Order.placed.desc(), Ordering)

assert_type(Order.tags.contains("vip"), Condition)
assert_type(Order.tags_.contains("vip"), Condition)
assert_type(Order.notes.contains("x"), Condition)
assert_type(Order.notes_.contains("x"), Condition)
assert_type(Order.lines.contains(3), Condition)
assert_type(Order.lines_.contains(3), Condition)
assert_type(Order.labels.contains("x"), Condition)
assert_type(Order.labels_.contains("x"), Condition)
assert_type(Order.lines.contains_key("apple"), Condition)
assert_type(Order.lines_.contains_key("apple"), Condition)

assert_type(Order.lines["apple"], Element[int])
assert_type(Order.lines_["apple"], Element[int])
assert_type(Order.notes[0], Element[str])
assert_type(Order.notes_[0], Element[str])
assert_type(Order.lines["apple"] == 3, Condition)
assert_type(Order.lines["apple"].to(3), Assignment)
assert_type(Order.notes[0].to("x"), Assignment)
assert_type(Order.ship_to.field("street") == "Long", Condition)
assert_type(Order.ship_to.field("street").to("Long"), Assignment)
assert_type(Order.ship_to_.field("street").to("Long"), Assignment)

assert_type(Order.status.to("paid"), Assignment)
assert_type(Order.status_.to(None), Assignment)
assert_type(Order.tags.add({"vip"}), Assignment)
assert_type(Order.tags_.add({"vip"}), Assignment)
assert_type(Order.lines.add({"apple": 3}), Assignment)
assert_type(Order.lines_.add({"apple": 3}), Assignment)
assert_type(Order.tags.remove({"vip"}), Assignment)
assert_type(Order.tags_.remove({"vip"}), Assignment)
assert_type(Order.notes.remove(["x"]), Assignment)
assert_type(Order.lines.remove({"apple"}), Assignment)
assert_type(Order.lines_.remove({"apple"}), Assignment)
assert_type(Order.notes.append(["x"]), Assignment)
assert_type(Order.notes_.append(["x"]), Assignment)
assert_type(Order.notes.prepend(["x"]), Assignment)
assert_type(Hits.hits.increment(), Assignment)
assert_type(Hits.hits.decrement(2), Assignment)

amount: Expression[Decimal] = Order.total
nullable: Expression[Decimal | None] = Order.total
