"""The types that statements and verbs return; both checkers accept them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from typing_extensions import assert_type

from scyllamodel import (
    AsyncRepo,
    BulkReport,
    Column,
    LWTResult,
    MaterializedView,
    Model,
    Page,
    Repo,
    Statement,
    UserType,
    clustering_key,
    column,
    delete,
    insert,
    partition_key,
    select,
    update,
)
from scyllamodel import functions as fn
from scyllamodel import types as cql
from scyllamodel.driver.data.scan import AsyncScan, Scan
from scyllamodel.query.select import Select


class Address(UserType):
    """A user type."""

    street: str


class Order(Model):
    """A row."""

    shop: Column[UUID] = partition_key()
    placed: Column[cql.TimeUUID] = clustering_key()
    status: Column[str] = column(default="new")
    total: Column[Decimal] = column(default=Decimal(0))
    seats: Column[cql.Int] = column(default=0)
    tags: Column[set[str]] = column(factory=set)
    lines: Column[dict[str, cql.Int]] = column(factory=dict)
    ship_to: Column[Address | None] = column(default=None)
    place: Column[Annotated[list[float], cql.vector(2)]] = column(factory=list)


class ByStatus(MaterializedView, of=Order):
    """A view."""

    status: Column[str] = partition_key()
    shop: Column[UUID] = clustering_key()
    placed: Column[cql.TimeUUID] = clustering_key()


class Wide(Model):
    """A model with more columns than are typed."""

    id: Column[UUID] = partition_key()
    c1: Column[str] = column(default="")
    c2: Column[int] = column(default=0)
    c3: Column[str] = column(default="")
    c4: Column[int] = column(default=0)
    c5: Column[str] = column(default="")
    c6: Column[int] = column(default=0)
    c7: Column[str] = column(default="")
    c8: Column[int] = column(default=0)
    c9: Column[str] = column(default="")
    c10: Column[int] = column(default=0)
    c11: Column[str] = column(default="")
    c12: Column[int] = column(default=0)
    c13: Column[str] = column(default="")
    c14: Column[int] = column(default=0)
    c15: Column[str] = column(default="")
    c16: Column[int] = column(default=0)
    c17: Column[str] = column(default="")


class Hits(Model):
    """A counter."""

    page: Column[str] = partition_key()
    hits: Column[cql.Counter] = column()


def statements(order: Order, shop: UUID) -> None:
    """The types of builders."""
    assert_type(select(Order), Select[Order])
    assert_type(select(ByStatus), Select[ByStatus])
    assert_type(select(Order.total), Select[tuple[Decimal]])
    assert_type(select(Order.placed, Order.total), Select[tuple[UUID, Decimal]])
    assert_type(
        select(
            Order.shop, Order.placed, Order.status, Order.total, Order.seats, Order.tags, Order.lines, Order.ship_to
        ),
        Select[tuple[UUID, UUID, str, Decimal, int, set[str], dict[str, int], Address | None]],
    )
    assert_type(
        select(
            Wide.id,
            Wide.c1,
            Wide.c2,
            Wide.c3,
            Wide.c4,
            Wide.c5,
            Wide.c6,
            Wide.c7,
            Wide.c8,
            Wide.c9,
            Wide.c10,
            Wide.c11,
            Wide.c12,
            Wide.c13,
            Wide.c14,
            Wide.c15,
        ),
        Select[tuple[UUID, str, int, str, int, str, int, str, int, str, int, str, int, str, int, str]],
    )
    columns = [Wide.c1, Wide.c3]
    assert_type(select(*columns), Select[tuple[Any, ...]])
    assert_type(select(fn.count()), Select[tuple[int]])
    assert_type(select(fn.count(Order), fn.max(Order.total)), Select[tuple[int, Decimal | None]])
    assert_type(select(fn.writetime(Order.status), fn.ttl(Order.status)), Select[tuple[int | None, int | None]])
    assert_type(select(Order.lines["a"]), Select[tuple[int]])
    query = select(Order).where(Order.shop == shop, Order.tags.contains("a"), fn.token(Order.shop) > 3)
    assert_type(query.order_by(Order.placed.desc()).limit(3).allow_filtering().timeout(1.5), Select[Order])
    assert_type(query.order_by(Order.place.ann_of([1.0, 2.0])), Select[Order])
    assert_type(query.order_by(Order.status.bm25("red shoes")), Select[Order])
    assert_type(
        select(fn.writetime(Order.lines["a"]), fn.ttl(Order.tags, element="a")), Select[tuple[int | None, int | None]]
    )
    change = update(Order).where(Order.shop == shop).set(Order.status.to("x"), Order.tags.add({"a"})).ttl(3)
    plain: Statement[None] = change
    conditional: Statement[LWTResult[Order]] = change.if_(Order.status == "new")
    inserted: Statement[LWTResult[Order]] = insert(order).ttl(3).if_not_exists()
    deleted: Statement[LWTResult[Order]] = delete(Order).where(Order.shop == shop).if_exists()
    removed: Statement[None] = delete(Order.status).where(Order.shop == shop)
    counted: Statement[None] = update(Hits).where(Hits.page == "a").set(Hits.hits.increment(2))
    del plain, conditional, inserted, deleted, removed, counted


def blocking(repo: Repo, order: Order, shop: UUID) -> None:
    """The types that verbs of a repo return."""
    query, pairs = select(Order), select(Order.placed, Order.total)
    assert_type(repo.get(Order, shop=shop, placed=shop), Order | None)
    assert_type(repo.get(ByStatus, status="x", shop=shop, placed=shop), ByStatus | None)
    assert_type(repo.all(query), list[Order])
    assert_type(repo.all(pairs), list[tuple[UUID, Decimal]])
    assert_type(repo.one(pairs), tuple[UUID, Decimal])
    assert_type(repo.one_or_none(query), Order | None)
    assert_type(repo.first(pairs), tuple[UUID, Decimal] | None)
    assert_type(repo.scalar(select(Order.total)), Decimal | None)
    assert_type(repo.count(query), int)
    assert_type(repo.exists(query), bool)
    assert_type(repo.stream(query), Iterator[Order])
    assert_type(repo.scan(Order), Scan[Order])
    assert_type(repo.scan(pairs), Scan[tuple[UUID, Decimal]])
    assert_type(repo.page(pairs, size=3), Page[tuple[UUID, Decimal]])
    assert_type(repo.page(query).items, list[Order])
    assert_type(repo.execute(query), list[Order])
    assert_type(repo.execute(insert(order).if_not_exists()), LWTResult[Order])
    assert_type(repo.save(order, if_exists=True), LWTResult[Order])
    assert_type(repo.get_many(Order, [(shop, shop)]), list[Order | None])
    assert_type(repo.save_many([order]), BulkReport)
    assert_type(repo.raw("SELECT", [1], into=Order), list[Order])
    assert_type(repo.in_keyspace("tenant"), Repo)
    assert_type(repo.aio(), AsyncRepo)
    repo.execute(update(Order).set(Order.status.to("x")))
    repo.save(order)
    repo.delete(order)
    with repo.batch() as batch:
        batch.save(order)


async def async_queries(repo: AsyncRepo, order: Order, shop: UUID) -> None:
    """The types that verbs of an awaited repo return."""
    query, pairs = select(Order), select(Order.placed, Order.total)
    assert_type(await repo.get(Order, shop=shop, placed=shop), Order | None)
    assert_type(await repo.all(pairs), list[tuple[UUID, Decimal]])
    assert_type(await repo.one(query), Order)
    assert_type(await repo.first(query), Order | None)
    assert_type(await repo.scalar(select(Order.total)), Decimal | None)
    assert_type(repo.stream(query), AsyncIterator[Order])
    assert_type(repo.scan(query), AsyncScan[Order])
    assert_type(await repo.page(query), Page[Order])
    assert_type(await repo.execute(insert(order).if_not_exists()), LWTResult[Order])
    assert_type(await repo.save(order, if_exists=True), LWTResult[Order])
    assert_type(await repo.save_many([order]), BulkReport)
    assert_type(repo.sync(), Repo)
    async for row in repo.stream(query):
        assert_type(row, Order)
    async for row in repo.scan(Order):
        assert_type(row, Order)
    await repo.save(order)
    async with repo.batch() as batch:
        batch.save(order)
