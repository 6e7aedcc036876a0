"""The part of the tour on data: orders are placed and paged, and two buyers compete for the last piece.

*In*: a repo with existing tables, and the output. *Out*: lines; each step ends with the statements that were sent.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import uuid1, uuid4

from scyllamodel import QueryEvent, Repo, select, update
from scyllamodel.demo.output import TourOutput, expect

ORDERS = 25
PAGE = 10


class QueryLog:
    """Counts the statements of a repo by their text."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def __call__(self, event: QueryEvent) -> None:
        """Count a request."""
        if event.kind != "prepare":
            self._counts[event.cql] = self._counts.get(event.cql, 0) + 1

    def show(self, output: TourOutput) -> None:
        """Show the statements since the last call, and reset the counts."""
        output.text("Sent:")
        output.lines(f"  {count:>3} x {text}" for text, count in self._counts.items())
        self._counts.clear()


def trade(output: TourOutput, repo: Repo, shop: Any, query_log: QueryLog) -> None:
    """Place orders, page through them, and sell the last piece once.

    Parameters:
        shop: the module of the models.
        query_log: counts the statements of the repo.
    """
    customer = _place(output, repo, shop, query_log)
    _page(output, repo, shop, query_log, customer)
    _race(output, repo, shop, query_log)


def _place(output: TourOutput, repo: Repo, shop: Any, query_log: QueryLog) -> Any:
    output.start_step(
        f"The shop is open. A customer places {ORDERS} orders; the first one is paid: one column of one row.",
        "repo.save_many(orders)",
        "orders[0].status = OrderStatus.PAID",
        "repo.save(orders[0])",
        "repo.save(orders[0])   # nothing changed, nothing is sent",
    )
    customer = uuid4()
    address = shop.Address(street="High Street 1", city="Brno", postcode="60200", country="CZ")
    orders = [
        shop.Order(customer=customer, placed=uuid1(), total=Decimal(n), ship_to=address) for n in range(1, ORDERS + 1)
    ]
    report = repo.save_many(orders)
    orders[0].status = shop.OrderStatus.PAID
    repo.save(orders[0])
    repo.save(orders[0])
    query_log.show(output)
    expect(report.written == ORDERS, "every order is written")
    stored = repo.get(shop.Order, customer=customer, placed=orders[0].placed)
    expect(stored == orders[0], "an order comes back as it was saved")
    return customer


def _page(output: TourOutput, repo: Repo, shop: Any, query_log: QueryLog, customer: Any) -> None:
    output.start_step(
        "Their orders, newest first, page by page. The token is opaque text that a client may keep.",
        "query = select(Order).where(Order.customer == customer)",
        f"page = repo.page(query, size={PAGE}, token=token)",
    )
    query, token, sizes = select(shop.Order).where(shop.Order.customer == customer), None, list[int]()
    while token is not None or not sizes:
        page = repo.page(query, size=PAGE, token=token)
        sizes.append(len(page.items))
        newest_total = page.items[0].total
        output.text(
            f"{len(page.items)} orders from {newest_total} on, token {page.token[:24] + '…' if page.token else None}"
        )
        token = page.token
    query_log.show(output)
    expect(sum(sizes) == ORDERS, "every order is on one page")


def _race(output: TourOutput, repo: Repo, shop: Any, query_log: QueryLog) -> None:
    output.start_step(
        "One piece is left, and two buyers want it at the same time: a lightweight transaction.",
        'buy = update(Stock).where(Stock.sku == "boots", Stock.warehouse == "Brno")',
        "repo.execute(buy.set(Stock.pieces.to(0)).if_(Stock.pieces == 1))",
    )
    stock = shop.Stock
    repo.save(stock(sku="boots", warehouse="Brno", pieces=1))
    stock_row = update(stock).where(stock.sku == "boots", stock.warehouse == "Brno")
    buy = stock_row.set(stock.pieces.to(0)).if_(stock.pieces == 1)
    with ThreadPoolExecutor(2) as buyers:
        results: list[Any] = list(buyers.map(repo.execute, (buy, buy)))
    ann, bob = results
    for name, result in (("Ann", ann), ("Bob", bob)):
        output.text(f"{name}: {'sold' if result.applied else f'sold out, {result.current.pieces} pieces left'}")
    query_log.show(output)
    expect(ann.applied is not bob.applied, "exactly one of them gets it")
