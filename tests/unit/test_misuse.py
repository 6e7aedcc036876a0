"""Habits from other libraries are errors that name the object and say what to write."""

from __future__ import annotations

import asyncio
import functools
import re
import subprocess
import sys
from datetime import datetime, timezone
from decimal import Decimal
from uuid import uuid1

import pytest
from cassandra import cqltypes

from scyllamodel import AsyncRepo, ConfigurationError, QueryNotSupported, Repo, UnknownColumn, delete, select, update
from scyllamodel.driver.data.bind_markers import check_text, check_values, has_markers
from scyllamodel.driver.data.binding.strict_values import value_check_for
from scyllamodel.driver.data.bulk_api import BulkOperations
from scyllamodel.query.instances import NO_WRITE_OPTIONS, statements_for
from support.query_models import ByTotal, Order

T = uuid1()
ROW = (Order.shop == 1, Order.day == 2, Order.placed == T, Order.seq == 3)
SECRET = "hunter2"


@pytest.fixture
def repo():
    """A repo that is never connected, since misuse is refused before a request."""
    return Repo(nodes=["127.0.0.1:1"], keyspace="shop")


def order():
    """A row with a value that no message may show."""
    return Order(shop=1, day=2, placed=T, seq=3, status=SECRET)


def error_text(call):
    """The message of the `TypeError` that a call raises."""
    with pytest.raises(TypeError) as raised:
        call()
    assert SECRET not in str(raised.value)
    return str(raised.value)


async def await_value(value):
    """Await the result of an async method, whether that is an awaitable, an iterator, or an immediate error."""
    if hasattr(value, "__anext__"):
        return [row async for row in value]
    return await value


def both(repo, call):
    """The message of the blocking and the async method, which must be the same."""

    async def run():
        await await_value(call(repo.aio()))

    messages = {error_text(lambda: call(repo)), error_text(lambda: asyncio.run(run()))}
    assert len(messages) == 1
    return messages.pop()


@pytest.mark.parametrize("verb", ["all", "count", "exists", "first", "one", "one_or_none", "page", "scalar", "stream"])
@pytest.mark.parametrize(
    ("query", "message"),
    [
        (Order, r"not the class Order\. Write repo\.{verb}\(select\(Order\)\.where\(…\)\), or \.whole_table\(\)"),
        (ByTotal, r"not the class ByTotal\. Write repo\.{verb}\(select\(ByTotal\)\.where\(…\)\)"),
        (order(), r"not an instance of Order\. .*select\(Order\).*repo\.refresh\(row\)"),
        (update(Order), r"not an Update\. .*repo\.execute\(statement\)"),
        ("SELECT * FROM orders", r"not a str\. .*repo\.raw\(cql, values\)"),
        (None, r"not None\. Write select\("),
    ],
)
def test_reads_take_a_select(repo, verb, query, message):
    """The message says what to write instead of a model, an instance, a write or a string."""
    result = both(repo, lambda target: getattr(target, verb)(query))

    assert re.match(rf"repo\.{verb}\(\) takes a select, {message.format(verb=verb)}", result), result


def test_scan_takes_a_model_or_a_select(repo):
    """Scan accepts a model or a SELECT, and refuses an instance and a string."""
    assert "takes a model or a select, not an instance of Order" in error_text(lambda: repo.scan(order()))
    assert "not a str" in error_text(lambda: repo.aio().scan("orders"))


def test_execute_takes_a_statement(repo):
    """Strings and instances are refused, since other methods accept them."""
    assert "repo.raw(cql, values)" in both(repo, lambda target: target.execute("SELECT 1"))
    assert "repo.save(row)" in both(repo, lambda target: target.execute(order()))
    assert "not the class Order" in both(repo, lambda target: target.execute(Order))
    assert "batch.execute() takes a statement" in error_text(lambda: repo.batch().execute(Order))


def test_get_takes_a_model_and_a_key_by_name(repo):
    """The message contains the key columns."""
    key = r"repo\.get\(Order, shop=…, day=…, placed=…, seq=…\)"
    assert re.search(key, both(repo, lambda target: target.get(Order, 1)))
    assert re.search(key + r".*repo\.refresh\(row\)", both(repo, lambda target: target.get(order())))
    assert "repo.one_or_none(query)" in both(repo, lambda target: target.get(select(Order)))
    assert "not None" in both(repo, lambda target: target.get(None, id=1))


@pytest.mark.parametrize("verb", ["save", "insert", "delete", "refresh"])
def test_writes_take_an_instance(repo, verb):
    """A class, a statement and a list are refused where an instance is expected."""
    start = rf"{verb}\(\) takes an instance of a model, not "
    assert re.match(start + r"the class Order\. ", both(repo, lambda target: getattr(target, verb)(Order)))
    assert re.match(start + r"None\. Write repo", both(repo, lambda target: getattr(target, verb)(None)))
    assert re.match(start + r"a Select\. .*execute", both(repo, lambda target: getattr(target, verb)(select(Order))))
    assert re.match(start + r"a dict\. ", both(repo, lambda target: getattr(target, verb)({"status": SECRET})))


def test_writes_say_what_fits(repo):
    """The message says how to save and delete instances, how to delete by statement, and how to write many rows."""
    assert "repo.save(Order(…))" in error_text(lambda: repo.save(Order))
    assert "repo.execute(delete(Order).where(…))" in error_text(lambda: repo.delete(Order))
    assert "repo.save_many(rows)" in error_text(lambda: repo.save([order()]))


def test_scalar_takes_a_column(repo):
    """The scalar of whole rows is refused, since they have no first column."""
    assert "repo.scalar() takes a select of one column" in both(repo, lambda target: target.scalar(select(Order)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda many: many.save(Order, NO_WRITE_OPTIONS, by_partition=False),
            "save_many() takes an iterable of instances, not the class",
        ),
        (
            lambda many: many.save(order(), NO_WRITE_OPTIONS, by_partition=False),
            "not an instance of Order. For one instance, write repo.save(row)",
        ),
        (
            lambda many: many.save(None, NO_WRITE_OPTIONS, by_partition=False),
            "not None. Write repo.save_many([order, …])",
        ),
        (lambda many: many.delete(Order, None, None), "Write repo.delete_many(Order, keys), or pass instances"),
        (lambda many: many.delete(Order, 3, None), "takes an iterable of instances, not an int"),
        (
            lambda many: many.get(Order, 3),
            "get_many() takes an iterable of keys, not an int. Write repo.get_many(Order, [",
        ),
        (
            lambda many: many.get(order(), [3]),
            "repo.get_many() takes a model and the key of a row, not an instance of Order",
        ),
        (lambda many: many.get([3], [3]), "not a list. Write repo.get_many(Order, [key, …])"),
    ],
)
def test_verbs_of_many_rows_take_an_iterable(call, message):
    """A class and a single instance are refused where an iterable is expected."""
    assert message in error_text(lambda: call(BulkOperations(None, "shop")))


@pytest.mark.parametrize("verb", ["save", "insert", "delete"])
def test_batches_take_instances(repo, verb):
    """A batch refuses a class, as the repo does."""
    with repo.batch() as batch:
        assert "not the class Order" in error_text(lambda: getattr(batch, verb)(Order))


@pytest.mark.parametrize(
    ("call", "message"),
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
def test_clauses_take_no_names(call, message):
    """Column names as keywords, as in `filter_by` of SQLAlchemy and `filter` of Django, are refused."""
    assert message in error_text(call)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ((None,), "not None"),
        (("a", "b"), "not 2 arguments"),
        (("a",), "not one str"),
        ((b"a",), "not one bytes"),
        ((3,), "not one int"),
        ((Order.total,), "not one Column"),
    ],
)
def test_in_takes_one_list(argument, message):
    """Several arguments, None and single values are refused by `in_`, which accepts one list."""
    result = error_text(lambda: Order.status.in_(*argument))

    assert result == f"Order.status.in_() takes one list of values, {message}. Write in_([…])."


A, B = Order.status == "a", Order.total > 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: A & B,
            "<Order.status = 'a'>: conditions are combined with commas, not with &. Write where(first, second)",
        ),
        (lambda: A | B, "<Order.status = 'a'>: CQL has no OR, .*in_"),
        (lambda: A ^ B, "CQL has no OR"),
        (lambda: ~A, "<Order.status = 'a'>: CQL has no NOT, .*opposite comparison"),
        (lambda: (Order.status == "a") & True, "combined with commas"),
        (lambda: True | A, "CQL has no OR"),
        (lambda: Order.status == "a" & (Order.total > 3), "combined with commas"),
        (lambda: Order.status == "a" | Order.status == "b", "Order.status: CQL has no OR"),
        (lambda: Order.status & Order.total, "Order.status: conditions are combined with commas"),
        (lambda: ~Order.status, "Order.status: CQL has no NOT"),
    ],
)
def test_operators_join_no_conditions(call, message):
    """Conditions that are joined with operators are refused, even if precedence passes a column and a value to them."""
    assert re.search(message.replace("(first", r"\(first").replace("second)", r"second\)"), error_text(call))


def test_a_select_takes_no_element_of_a_list():
    """Selecting an element of a list is refused, since servers select elements of maps only."""
    with pytest.raises(QueryNotSupported, match=r"Order\.notes\[0\]: elements of maps can be selected.*read Order"):
        select(Order.notes[0]).where(*ROW).compile("shop")

    assert "lines[?]" in select(Order.lines["a"]).where(*ROW).cql


def test_raw_takes_text(repo):
    """`raw` refuses a statement, since another method accepts it."""
    assert "CQL text, got a Select. Send a statement with repo.execute" in error_text(lambda: check_text(select(Order)))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1], r"1 given, and the text has 2 \(a, b\)"),
        ((), r"0 given, and the text has 2"),
        ((1, 2, 3), r"3 given, and the text has 2"),
        ({"a": 1}, r"has 2 \(a, b\): b is missing"),
        ({"a": 1, "b": 2, "c": 3}, r"c is not among them"),
        ("ab", r"as a list or tuple, got a str\."),
        (iter([1, 2]), r"as a list or tuple, got a list_iterator\."),
    ],
)
def test_raw_takes_a_value_for_each_marker(values, message):
    """Raw values must match the number of markers, since the driver would leave other columns unset."""
    assert re.search(message, error_text(lambda: check_values(["a", "b"], values)))


def test_raw_takes_as_many_values():
    """Values may be a list, a tuple or a dict, and None is a value."""
    check_values(["a", "b"], [1, None])
    check_values(["a", "b"], {"b": 1, "a": 2})
    check_values([], ())


@pytest.mark.parametrize(
    ("cql", "expected"),
    [
        ("SELECT a FROM t WHERE b = ?", True),
        ("SELECT a FROM t WHERE b = 'it''s ?'", False),
        ('SELECT "a?" FROM t', False),
        ("SELECT a FROM t -- ?", False),
        ("SELECT a /* ? */ FROM t WHERE b = 'x' AND c = ?", True),
        ("SELECT a FROM t WHERE b = $$?$$", False),
    ],
)
def test_markers_are_found_outside_of_literals(cql, expected):
    """A text with markers outside literals needs values."""
    assert expected is has_markers(cql)


def test_a_repo_refuses_an_async_on_query():
    """A Repo refuses an async `on_query`, and an AsyncRepo accepts it."""

    async def on_query(event):
        """Do nothing."""

    class Called:
        """A callable object."""

        async def __call__(self, event):
            """Do nothing."""

    for listener in (on_query, functools.partial(on_query), Called()):
        with pytest.raises(ConfigurationError, match=r"on_query= is an async function.*use an AsyncRepo"):
            Repo(nodes=["a"], keyspace="shop", on_query=listener)
        assert listener is AsyncRepo(nodes=["a"], keyspace="shop", on_query=listener).settings.on_query
    with pytest.raises(ConfigurationError, match="on_query= must be a function that takes a QueryEvent, got 'print'"):
        AsyncRepo(nodes=["a"], keyspace="shop", on_query="print")


def test_a_repo_refuses_an_async_on_progress(repo):
    """A Repo refuses an async `on_progress` before it connects."""

    async def on_progress(progress):
        """Do nothing."""

    for call in (
        lambda: repo.save_many([], on_progress=on_progress),
        lambda: repo.delete_many([], on_progress=on_progress),
        lambda: repo.get_many(Order, [], on_progress=on_progress),
        lambda: repo.scan(Order, on_progress=on_progress),
    ):
        assert "on_progress= is an async function" in error_text(call)


def test_tracing_needs_its_extra():
    """Requesting spans without OpenTelemetry is an error, since they would be missing silently."""
    program = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from scyllamodel import ConfigurationError, Repo\n"
        "Repo(nodes=['a'], keyspace='shop')\n"
        "try: Repo(nodes=['a'], keyspace='shop', trace_queries=True)\n"
        "except ConfigurationError as error: print(error)\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert 'trace_queries=True needs OpenTelemetry. Run pip install "scyllamodel[otel]"' in result.stdout


@pytest.mark.parametrize(
    "verb",
    [
        lambda target: target.get(Order, shop=1, day=2, placed=T, seq=3),
        lambda target: target.raw("SELECT 1"),
        lambda target: target.close(),
    ],
)
def test_an_async_repo_needs_asyncio(repo, verb):
    """Methods of an AsyncRepo fail under trio, which has no asyncio event loop, with advice."""
    result = verb(repo.aio())
    with pytest.raises(RuntimeError, match=r"needs asyncio.*trio\.to_thread\.run_sync"):
        result.send(None)


def test_any_is_not_the_level_of_a_repo():
    """The consistency level ANY is refused for a repo, since reads do not accept it."""
    with pytest.raises(ConfigurationError, match=r"ANY cannot be used for reads\. Write 'ONE'"):
        Repo(nodes=["a"], keyspace="shop", consistency="ANY")


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("TimeUUIDType", datetime(2026, 1, 1, tzinfo=timezone.utc), r"got datetime: .*uuid1\(\).*fn\.min_timeuuid"),
        ("TimeUUIDType", "abc", r"got str: write uuid\.uuid1\(\), or UUID\(text\)"),
        ("Int32Type", Decimal("NaN"), "got Decimal, and no integer type holds NaN.*write None"),
        ("LongType", float("inf"), "got float, and no integer type holds NaN or an infinity"),
        ("IntegerType", Decimal("1.5"), r"got Decimal: write int\(value\), or declare the column as Decimal"),
        ("LongType", "3", r"got str: write int\(value\)"),
    ],
)
def test_values_of_a_near_type_say_what_to_write(kind, value, message):
    """A value of a similar type is refused with what to write instead."""
    with pytest.raises(TypeError, match=message):
        value_check_for(getattr(cqltypes, kind), strict=True)(value)


@pytest.mark.parametrize("key", [{"shp": 1}, {"shop": 1}, {"shop": 1, "status": "x"}])
def test_a_wrong_or_partial_key_lists_the_key(key):
    """An unknown name, a column outside the key, and an incomplete key are refused with the key columns."""
    with pytest.raises((TypeError, UnknownColumn), match=r"primary key .*\(shop, day, placed, seq\)"):
        statements_for(Order, "shop").key_values(key)
