"""Mistakes in statements and verbs: both checkers report them."""

from __future__ import annotations

from uuid import UUID

from scyllamodel import Column, MaterializedView, Model, Repo, clustering_key, column, partition_key, select, update
from scyllamodel import types as cql


class Order(Model):
    """A row."""

    shop: Column[UUID] = partition_key()
    placed: Column[cql.TimeUUID] = clustering_key()
    status: Column[str] = column(default="new")
    total: Column[int] = column(default=0)
    tags: Column[set[str]] = column(factory=set)


class ByStatus(MaterializedView, of=Order):
    """A view."""

    status: Column[str] = partition_key()
    shop: Column[UUID] = clustering_key()
    placed: Column[cql.TimeUUID] = clustering_key()


def invalid_queries(repo: Repo, order: Order) -> None:
    """One mistake on each line."""
    select(Order).where(Order.status == 3)  # error
    select(Order).where("status = 'x'")  # error
    select(Order).where(status="x")  # error
    update(Order).set(status="x")  # error
    update(Order).if_(status="x")  # error
    select(Order).where(Order.status.in_("x", "y"))  # error
    select(Order).where(Order.status.in_(None))  # error
    select(Order).where((Order.status == "x") & (Order.total == 1))  # error
    select(Order).where((Order.status == "x") | (Order.total == 1))  # error
    select(Order).where(~(Order.status == "x"))  # error
    select(Order).where(order.status == "x")  # error
    select(Order).limit("3")  # error
    update(Order).set(Order.status.to(3))  # error
    update(Order).set(Order.status == "x")  # error
    update(Order).set(Order.status.add({"x"}))  # error
    update(ByStatus)  # error
    repo.scalar(select(Order.status, Order.total))  # error
    s = Order.status
    select(s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s).limit(3)  # error
    repo.all(select(s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s))  # error
    repo.all(Order)  # error
    repo.get(order)  # error
    repo.get(Order, 1)  # error
    repo.save(Order)  # error
    repo.save(ByStatus)  # error
    text: str = repo.scalar(select(Order.status))  # error
    row: Order = repo.get(Order, shop=1)  # error
    none: int = repo.execute(update(Order))  # error
    del text, row, none
