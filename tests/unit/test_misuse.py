"""What users of other libraries write by habit: each is an error that names the thing and says what to write."""

from __future__ import annotations

import asyncio
import re
from uuid import uuid1

import pytest
from queries import ByTotal, Order

from scyllamodel import Repo, delete, select, update

T = uuid1()
ROW = (Order.shop == 1, Order.day == 2, Order.placed == T, Order.seq == 3)
SECRET = "hunter2"


@pytest.fixture
def repo():
    """One that never connects: what is refused is refused before a request."""
    return Repo(nodes=["127.0.0.1:1"], keyspace="shop")


def order():
    """A row with a value that no message shows."""
    return Order(shop=1, day=2, placed=T, seq=3, status=SECRET)


def refused(call):
    """The message of the `TypeError`."""
    with pytest.raises(TypeError) as raised:
        call()
    assert SECRET not in str(raised.value)
    return str(raised.value)


async def awaited(found):
    """What a verb of the async repo gives: something to await, an iterator, or an error at once."""
    if hasattr(found, "__anext__"):
        return [row async for row in found]
    return await found


def both(repo, call):
    """The messages of the blocking and the awaited verb, which are one."""

    async def run():
        await awaited(call(repo.aio()))

    messages = {refused(lambda: call(repo)), refused(lambda: asyncio.run(run()))}
    assert len(messages) == 1
    return messages.pop()


@pytest.mark.parametrize("verb", ["all", "count", "exists", "first", "one", "one_or_none", "page", "scalar", "stream"])
@pytest.mark.parametrize(
    ("given", "words"),
    [
        (Order, r"not the class Order\. Write repo\.{verb}\(select\(Order\)\.where\(…\)\), or \.whole_table\(\)"),
        (ByTotal, r"not the class ByTotal\. Write repo\.{verb}\(select\(ByTotal\)\.where\(…\)\)"),
        (order(), r"not an instance of Order\. .*select\(Order\).*repo\.refresh\(row\)"),
        (update(Order), r"not an Update\. .*repo\.execute\(statement\)"),
        ("SELECT * FROM orders", r"not a str\. .*repo\.raw\(cql, values\)"),
        (None, r"not None\. Write select\("),
    ],
)
def test_reads_take_a_select(repo, verb, given, words):
    """A model, an instance, a write, text: the message says what to write for each."""
    found = both(repo, lambda on: getattr(on, verb)(given))

    assert re.match(rf"repo\.{verb}\(\) takes a select, {words.format(verb=verb)}", found), found


def test_scan_takes_a_model_or_a_select(repo):
    """Not an instance, whose class would be read."""
    assert "takes a model or a select, not an instance of Order" in refused(lambda: repo.scan(order()))
    assert "not a str" in refused(lambda: repo.aio().scan("orders"))


def test_execute_takes_a_statement(repo):
    """Text and instances have verbs of their own."""
    assert "repo.raw(cql, values)" in both(repo, lambda on: on.execute("SELECT 1"))
    assert "repo.save(row)" in both(repo, lambda on: on.execute(order()))
    assert "not the class Order" in both(repo, lambda on: on.execute(Order))
    assert "batch.execute() takes a statement" in refused(lambda: repo.batch().execute(Order))


def test_get_takes_a_model_and_a_key_by_name(repo):
    """The message has the columns of the key."""
    key = r"repo\.get\(Order, shop=…, day=…, placed=…, seq=…\)"
    assert re.search(key, both(repo, lambda on: on.get(Order, 1)))
    assert re.search(key + r".*repo\.refresh\(row\)", both(repo, lambda on: on.get(order())))
    assert "repo.one_or_none(query)" in both(repo, lambda on: on.get(select(Order)))
    assert "not None" in both(repo, lambda on: on.get(None, id=1))


@pytest.mark.parametrize("verb", ["save", "insert", "delete", "refresh"])
def test_writes_take_an_instance(repo, verb):
    """Not its class, not a statement, not a list."""
    start = rf"{verb}\(\) takes an instance of a model, not "
    assert re.match(start + r"the class Order\. ", both(repo, lambda on: getattr(on, verb)(Order)))
    assert re.match(start + r"None\. Write repo", both(repo, lambda on: getattr(on, verb)(None)))
    assert re.match(start + r"a Select\. .*execute", both(repo, lambda on: getattr(on, verb)(select(Order))))
    assert re.match(start + r"a dict\. ", both(repo, lambda on: getattr(on, verb)({"status": SECRET})))


def test_writes_say_what_fits(repo):
    """A class is saved as an instance, and deleted by a statement; many rows have a verb."""
    assert "repo.save(Order(…))" in refused(lambda: repo.save(Order))
    assert "repo.execute(delete(Order).where(…))" in refused(lambda: repo.delete(Order))
    assert "repo.save_many(rows)" in refused(lambda: repo.save([order()]))


@pytest.mark.parametrize("verb", ["save", "insert", "delete"])
def test_batches_take_instances(repo, verb):
    """A batch has the checks of the repo."""
    with repo.batch() as batch:
        assert "not the class Order" in refused(lambda: getattr(batch, verb)(Order))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: select(Order).where(status="a"),
            "where() takes conditions, not status=…. Write where(Order.status == …)",
        ),
        (lambda: update(Order).where(shop=1), "Write where(Order.shop == …)"),
        (lambda: delete(Order).where(shop=1), "Write where(Order.shop == …)"),
        (lambda: update(Order).if_(status="a"), "Write if_(Order.status == …)"),
        (lambda: delete(Order).if_(status="a"), "Write if_(Order.status == …)"),
        (lambda: update(Order).set(status="a"), "set() takes assignments, not status=…. Write set(Order.status.to(…))"),
    ],
)
def test_clauses_take_no_names(call, words):
    """As `filter_by` of SQLAlchemy and `filter` of Django do."""
    assert words in refused(call)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((None,), "not None"),
        (("a", "b"), "not 2 arguments"),
        (("a",), "not one str"),
        ((b"a",), "not one bytes"),
        ((3,), "not one int"),
        ((Order.total,), "not one Column"),
    ],
)
def test_in_takes_one_list(given, words):
    """Several arguments, None and single values are not one."""
    found = refused(lambda: Order.status.in_(*given))

    assert found == f"Order.status.in_() takes several values as one list, {words}. Write in_([…])."


A, B = Order.status == "a", Order.total > 3


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: A & B,
            "<Order.status = 'a'>: conditions are joined by commas and not by &. Write where(first, second)",
        ),
        (lambda: A | B, "<Order.status = 'a'>: CQL has no OR, .*in_"),
        (lambda: A ^ B, "CQL has no OR"),
        (lambda: ~A, "<Order.status = 'a'>: CQL has no NOT, .*opposite comparison"),
        (lambda: (Order.status == "a") & True, "joined by commas"),
        (lambda: True | A, "CQL has no OR"),
        (lambda: Order.status == "a" & (Order.total > 3), "joined by commas"),
        (lambda: Order.status == "a" | Order.status == "b", "Order.status: CQL has no OR"),
        (lambda: Order.status & Order.total, "Order.status: conditions are joined by commas"),
        (lambda: ~Order.status, "Order.status: CQL has no NOT"),
    ],
)
def test_operators_join_no_conditions(call, words):
    """Also where Python's precedence hands them a column and a value."""
    assert re.search(words.replace("(first", r"\(first").replace("second)", r"second\)"), refused(call))
