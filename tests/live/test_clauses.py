"""Every clause of the builders on a real server, blocking and awaited from one set of cases."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Annotated
from uuid import UUID, uuid1, uuid4

import pytest

from scyllamodel import (
    Column,
    Index,
    InvalidPageToken,
    MaterializedView,
    Model,
    MultipleResultsFound,
    NotFound,
    Page,
    QueryNotSupported,
    UserType,
    clustering_key,
    column,
    delete,
    insert,
    migrate,
    partition_key,
    select,
    update,
)
from scyllamodel import functions as fn
from scyllamodel import types as cql
from scyllamodel.testing import keyspaces
from support.servers import needs_ann, needs_element_times, needs_sasi, needs_tracing_of_tombstones
from support.sync_and_async import WAYS, run_in_mode

pytestmark = pytest.mark.live

NOW = datetime(2026, 11, 26, 12, tzinfo=timezone.utc)


class Address(UserType, name="address"):
    """A user type."""

    street: str
    zip_code: str | None = None


class Order(Model, table="orders", repo="clauses", indexes=[Index("status"), Index("tags"), Index("lines", on="keys"),
                                                            Index("lines", on="entries")]):  # fmt: skip
    """A row of everything."""

    shop: Column[int] = partition_key()
    year: Column[int] = clustering_key()
    number: Column[int] = clustering_key(descending=True)
    status: Column[str] = column(default="new")
    total: Column[int] = column(default=0)
    at: Column[datetime | None] = column(default=None)
    ship_to: Column[Address | None] = column(default=None)
    tags: Column[set[str]] = column(factory=set)
    notes: Column[list[str]] = column(factory=list)
    lines: Column[dict[str, cql.Int]] = column(factory=dict)


class ByTotal(MaterializedView, of=Order, view="orders_by_total"):
    """A view of the orders by total."""

    total: Column[int] = partition_key()
    shop: Column[int] = clustering_key()
    year: Column[int] = clustering_key()
    number: Column[int] = clustering_key(descending=True)
    status: Column[str] = column()


class Branch(Model, table="branches", repo="clauses"):
    """Rows with a static column, in a table without indexes on collections."""

    shop: Column[int] = partition_key()
    year: Column[int] = clustering_key()
    number: Column[int] = clustering_key(descending=True)
    owner: Column[str | None] = column(static=True, default=None)


class Visit(Model, table="visits", repo="clauses"):
    """A table with a timeuuid in its key."""

    page: Column[str] = partition_key()
    at: Column[cql.TimeUUID] = clustering_key()


class Hits(Model, table="hits", repo="clauses"):
    """A table of counters, one of them static."""

    page: Column[str] = partition_key()
    day: Column[int] = clustering_key()
    hits: Column[cql.Counter] = column()
    total: Column[cql.Counter] = column(static=True)


ROWS = [
    Order(shop=1, year=2025, number=n, status=s, total=n * 10, tags=t, lines=lines, notes=["n"])
    for n, s, t, lines in [
        (1, "new", {"a"}, {"apple": 1}),
        (2, "paid", {"a", "b"}, {"pear": 2}),
        (3, "sent", set(), {"apple": 3}),
    ]
] + [Order(shop=1, year=2026, number=n, status="new", total=n) for n in (1, 2)]
HERE = (Order.shop == 1,)


@pytest.fixture(scope="module")
def repo(scylla_cluster):
    """The tables of this module, filled once; their keyspace is separate, so they are not emptied between tests."""
    with scylla_cluster.repo(keyspaces.unique_name("clauses"), name="clauses") as new_repo:
        migrate(new_repo, resources=[Order, Branch, Visit, Hits], wait_built=True, create_keyspace=True)
        new_repo.save_many(ROWS)
        new_repo.save_many(Branch(shop=1, year=row.year, number=row.number) for row in ROWS)
        new_repo.execute(update(Branch).where(Branch.shop == 1).set(Branch.owner.to("ann")))
        yield new_repo
        keyspaces.drop(new_repo)


@pytest.fixture(params=WAYS)
def run(request, repo):
    """Run a case with a blocking or an awaited repo."""
    return lambda case: run_in_mode(request.param, case, repo)


def numbers(query):
    """Read the year and number of the rows."""
    return lambda repo: [(row.year, row.number) for row in repo.all(query)]


OF_25 = [(2025, 3), (2025, 2), (2025, 1)]
OF_26 = [(2026, 2), (2026, 1)]
READS = [
    ("partition", select(Order).where(*HERE), OF_25 + OF_26),
    ("partition in", select(Order).where(Order.shop.in_([1, 2])), OF_25 + OF_26),
    ("clustering equal", select(Order).where(*HERE, Order.year == 2026), OF_26),
    ("whole key", select(Order).where(*HERE, Order.year == 2026, Order.number == 2), [(2026, 2)]),
    ("clustering in", select(Order).where(*HERE, Order.year == 2025, Order.number.in_([1, 3])), [(2025, 3), (2025, 1)]),
    ("empty in", select(Order).where(*HERE, Order.year.in_([])), []),
    ("range", select(Order).where(*HERE, Order.year > 2025), OF_26),
    ("range of two", select(Order).where(*HERE, Order.year == 2025, Order.number >= 2, Order.number < 3), [(2025, 2)]),
    ("tuple", select(Order).where(*HERE, fn.tuple_(Order.year, Order.number) == (2025, 2)), [(2025, 2)]),
    (
        "tuple in",
        select(Order).where(*HERE, fn.tuple_(Order.year, Order.number).in_([(2025, 2), (2026, 1)])),
        [(2025, 2), (2026, 1)],
    ),
    ("token", select(Order).where(fn.token(Order.shop) == fn.token(1)), OF_25 + OF_26),
    ("token range", select(Order).where(fn.token(Order.shop) > -(2**63)), OF_25 + OF_26),
    ("index", select(Order).where(Order.status == "paid"), [(2025, 2)]),
    ("index in partition", select(Order).where(*HERE, Order.status == "new"), [(2025, 1), *OF_26]),
    ("contains", select(Order).where(Order.tags.contains("b")), [(2025, 2)]),
    ("contains key", select(Order).where(Order.lines.contains_key("apple")), [(2025, 3), (2025, 1)]),
    ("entry", select(Order).where(Order.lines["pear"] == 2), [(2025, 2)]),
    ("filtering", select(Order).where(*HERE, Order.total >= 20).allow_filtering(), [(2025, 3), (2025, 2)]),
    ("filtering static", select(Branch).where(Branch.owner == "ann").allow_filtering(), OF_25 + OF_26),
    ("order", select(Order).where(*HERE).order_by(Order.year.desc(), Order.number.asc()), [*OF_26[::-1], *OF_25[::-1]]),
    ("order of one", select(Order).where(*HERE).order_by(Order.year.desc()), [*OF_26[::-1], *OF_25[::-1]]),
    ("order after equal", select(Order).where(*HERE, Order.year == 2025).order_by(Order.number), OF_25[::-1]),
    ("limit", select(Order).where(*HERE).limit(2), OF_25[:2]),
    ("per partition", select(Order).whole_table().per_partition_limit(1), OF_25[:1]),
    ("view", select(ByTotal).where(ByTotal.total == 20), [(2025, 2)]),
    ("consistency", select(Order).where(*HERE).consistency("ONE").timeout(5).limit(1), OF_25[:1]),
]


@pytest.mark.parametrize(("query", "expected"), [case[1:] for case in READS], ids=[case[0] for case in READS])
def test_rows_are_read(run, query, expected):
    """Rows are read in the order in which the server keeps them."""
    assert expected == run(numbers(query))


TUPLES = [
    ("columns", select(Order.number, Order.status).where(*HERE, Order.year == 2026), [(2, "new"), (1, "new")]),
    ("null collection", select(Order.tags).where(*HERE, Order.year == 2026).limit(1), [(set(),)]),
    ("converted", select(Order.tags).where(*HERE, Order.year == 2025, Order.number == 1), [({"a"},)]),
    ("element", select(Order.lines["apple"]).where(*HERE, Order.year == 2025, Order.number == 3), [(3,)]),
    ("count", select(fn.count()).where(*HERE), [(5,)]),
    ("count of", select(fn.count(Order)).whole_table(), [(5,)]),
    ("count column", select(fn.count(Order.at)).where(*HERE), [(0,)]),
    ("min max", select(fn.min(Order.total), fn.max(Order.total)).where(*HERE), [(1, 30)]),
    ("sum avg", select(fn.sum(Order.total), fn.avg(Order.total)).where(*HERE), [(63, 12)]),
    ("max of nothing", select(fn.max(Order.total)).where(Order.shop == 99), [(None,)]),
    ("group", select(Order.year, fn.sum(Order.total)).where(*HERE).group_by(Order.year), [(2025, 60), (2026, 3)]),
    ("distinct", select(Branch.shop, Branch.owner).distinct(), [(1, "ann")]),
    ("distinct life", select(Branch.shop, fn.ttl(Branch.owner)).distinct(), [(1, None)]),
    ("cast", select(fn.cast(Order.total, str)).where(*HERE, Order.year == 2025).limit(1), [("30",)]),
    ("json", select(fn.json(Order.lines)).where(*HERE, Order.year == 2025).limit(1), [('{"apple": 3}',)]),
    ("json row", select(Order.number, Order.status).where(*HERE).limit(1).json(),
     [('{"number": 3, "status": "sent"}',)]),
    ("call", select(fn.call("blobAsBigint", fn.call("bigintAsBlob", Order.number), returns=int)).where(*HERE).limit(1),
     [(3,)]),
]  # fmt: skip


@pytest.mark.parametrize(("query", "expected"), [case[1:] for case in TUPLES], ids=[case[0] for case in TUPLES])
def test_columns_and_functions_are_read_as_tuples(run, query, expected):
    """Columns and functions are read as tuples of Python values."""
    assert expected == run(lambda repo: repo.all(query))


def fresh(**values):
    """A row in a partition of its own."""
    return Order(shop=uuid4().int % 2**40, year=1, number=1, **values)


def key(row):
    """The conditions for the key of a row."""
    return Order.shop == row.shop, Order.year == row.year, Order.number == row.number


HOME = Address(street="High Street", zip_code="1")
UPDATES = [
    ("set", {}, [Order.status.to("x")], {"status": "x"}),
    ("set null", {"at": NOW}, [Order.at.to(None)], {"at": None}),
    ("set add", {"tags": {"a"}}, [Order.tags.add({"b"})], {"tags": {"a", "b"}}),
    ("set remove", {"tags": {"a", "b"}}, [Order.tags.remove({"a", "z"})], {"tags": {"b"}}),
    ("set add and remove", {"tags": {"a"}}, [Order.tags.add({"b"}), Order.tags.remove({"a"})], {"tags": {"b"}}),
    ("set replace", {"tags": {"a"}}, [Order.tags.to({"c"})], {"tags": {"c"}}),
    ("set empty", {"tags": {"a"}}, [Order.tags.to(set())], {"tags": set()}),
    ("append", {"notes": ["a"]}, [Order.notes.append(["b", "c"])], {"notes": ["a", "b", "c"]}),
    ("prepend", {"notes": ["a"]}, [Order.notes.prepend(["b", "c"])], {"notes": ["b", "c", "a"]}),
    ("list remove", {"notes": ["a", "b", "a"]}, [Order.notes.remove(["a"])], {"notes": ["b"]}),
    ("by index", {"notes": ["a", "b"]}, [Order.notes[1].to("c")], {"notes": ["a", "c"]}),
    ("by index null", {"notes": ["a", "b"]}, [Order.notes[0].to(None)], {"notes": ["b"]}),
    ("map put", {"lines": {"a": 1}}, [Order.lines.add({"b": 2})], {"lines": {"a": 1, "b": 2}}),
    ("map key", {"lines": {"a": 1}}, [Order.lines["a"].to(5)], {"lines": {"a": 5}}),
    ("map key null", {"lines": {"a": 1, "b": 2}}, [Order.lines["a"].to(None)], {"lines": {"b": 2}}),
    ("map remove", {"lines": {"a": 1, "b": 2}}, [Order.lines.remove({"a"})], {"lines": {"b": 2}}),
    ("user type", {}, [Order.ship_to.to(HOME)], {"ship_to": HOME}),
    ("field", {"ship_to": HOME}, [Order.ship_to.field("zip_code").to("2")],
     {"ship_to": Address(street="High Street", zip_code="2")}),
    ("several", {}, [Order.status.to("x"), Order.total.to(7)], {"status": "x", "total": 7}),
]  # fmt: skip


@pytest.mark.parametrize(("before", "changes", "after"), [case[1:] for case in UPDATES], ids=[c[0] for c in UPDATES])
def test_rows_are_updated(run, before, changes, after):
    """An update changes what it assigns, and nothing else."""
    row = fresh(**before)

    def case(repo):
        repo.insert(row)
        repo.execute(update(Order).where(*key(row)).set(*changes))
        return repo.get(Order, shop=row.shop, year=1, number=1)

    assert row.replace(**after) == run(case)


def test_deletes(run):
    """A delete removes a row, a column, an element, a range or a partition."""
    first = fresh(status="x", lines={"a": 1, "b": 2})
    others = [first.replace(number=n) for n in range(2, 8)]

    def case(repo):
        repo.save_many([first, *others])
        repo.execute(delete(Order.lines["a"], Order.status).where(*key(first)))
        row = repo.get(Order, shop=first.shop, year=1, number=1)
        repo.execute(delete(others[0]))
        repo.execute(delete(Order).where(Order.shop == first.shop, Order.year == 1, Order.number > 5))
        remaining = [row.number for row in repo.all(select(Order).where(Order.shop == first.shop))]
        repo.execute(delete(Order).where(Order.shop == first.shop).whole_partition())
        return row.status, row.lines, remaining, repo.exists(select(Order).where(Order.shop == first.shop))

    assert (None, {"b": 2}, [5, 4, 3, 1], False) == run(case)


def test_ttl_and_timestamp(run):
    """TTL and timestamp of a write are read back with functions, and an older write changes nothing."""
    row = fresh(status="x")

    def case(repo):
        repo.execute(insert(row).ttl(1000).timestamp(1_000_000))
        repo.execute(update(Order).where(*key(row)).set(Order.total.to(9)).ttl(0).timestamp(2_000_000))
        repo.execute(update(Order).where(*key(row)).set(Order.status.to("older")).timestamp(500_000))
        query = select(
            Order.status,
            fn.ttl(Order.status),
            fn.writetime(Order.status),
            fn.ttl(Order.total),
            fn.writetime(Order.total),
        )
        return repo.one(query.where(*key(row)))

    status, ttl, write_time, no_ttl, later = run(case)

    assert ("x", 1_000_000, None, 2_000_000) == (status, write_time, no_ttl, later)
    assert 900 < ttl <= 1000


@needs_element_times
def test_elements_have_times_of_their_own(run):
    """Elements of maps and sets have their own write times and TTLs, which functions read by key."""
    row = fresh(lines={"a'b{}": 1}, tags={"x"})

    def case(repo):
        repo.execute(insert(row).timestamp(1_000_000))
        repo.execute(update(Order).where(*key(row)).set(Order.lines["c"].to(2)).ttl(1000).timestamp(2_000_000))
        query = select(
            fn.writetime(Order.lines["a'b{}"]),
            fn.writetime(Order.lines["c"]),
            fn.ttl(Order.lines["c"]),
            fn.writetime(Order.tags, element="x"),
            fn.ttl(Order.tags, element="x"),
        )
        return repo.one(query.where(*key(row)))

    first, second, life, tag, no_life = run(case)

    assert (1_000_000, 2_000_000, 1_000_000, None) == (first, second, tag, no_life)
    assert 900 < life <= 1000


def test_a_ttl_of_zero_never_expires(run):
    """A value that is saved with a TTL of 0 never expires, and a later TTL applies to the changed column alone."""
    row = fresh()

    def case(repo):
        repo.save(row, ttl=0)
        row.status = "y"
        repo.save(row, ttl=500)
        return repo.one(select(fn.ttl(Order.total), fn.ttl(Order.status)).where(*key(row)))

    total, status = run(case)

    assert total is None
    assert 400 < status <= 500


def test_conditions(run):
    """The result of a conditional write says whether it was applied, and contains the row that prevented it."""
    row = fresh(status="new", total=5, tags={"a"})

    def case(repo):
        where = update(Order).where(*key(row))
        return [
            repo.execute(insert(row).if_not_exists()),
            repo.execute(insert(row.replace(status="other")).if_not_exists()),
            repo.execute(where.set(Order.status.to("paid")).if_(Order.status == "new", Order.total < 10)),
            repo.execute(where.set(Order.status.to("sent")).if_(Order.status == "new")),
            repo.execute(where.set(Order.status.to("sent")).if_(Order.status.in_(["paid", "x"]), Order.at == None)),  # noqa: E711
            repo.execute(where.set(Order.lines["a"].to(1)).if_(Order.status != "new")),
            repo.execute(where.set(Order.lines["b"].to(2)).if_(Order.lines["a"] == 1)),
            repo.execute(update(Order).where(*key(fresh())).set(Order.total.to(1)).if_exists()),
            repo.execute(delete(Order).where(*key(row)).if_(Order.status == "nothing")),
            repo.execute(delete(Order).where(*key(row)).if_exists()),
            repo.execute(delete(row).if_exists()),
        ]

    result = run(case)

    assert [True, False, True, False, True, True, True, False, False, True, False] == [r.applied for r in result]
    assert row == result[1].current
    assert "paid" == result[3].current.status == result[3].current["status"]
    assert "sent" == result[8].current.status
    assert result[7].current is None


def test_a_save_may_guard_against_reviving(run):
    """With if_exists=True, a save does not write a row that another client deleted."""
    row = fresh(status="new")

    def case(repo):
        repo.insert(row)
        loaded = repo.get(Order, shop=row.shop, year=1, number=1)
        loaded.status = "paid"
        first = repo.save(loaded, if_exists=True)
        repo.delete(row)
        loaded.status = "sent"
        second = repo.save(loaded, if_exists=True)
        return first.applied, second.applied, repo.get(Order, shop=row.shop, year=1, number=1)

    assert (True, False, None) == run(case)


def test_counters(run):
    """Counters, static ones included, are incremented and decremented."""
    page = str(uuid4())

    def case(repo):
        where = update(Hits).where(Hits.page == page, Hits.day == 1)
        repo.execute(where.set(Hits.hits.increment(), Hits.total.increment(5)))
        repo.execute(where.set(Hits.hits.increment(10)))
        repo.execute(where.set(Hits.hits.decrement(3)))
        return repo.get(Hits, page=page, day=1)

    result = run(case)

    assert (8, 5) == (result.hits, result.total)


def test_a_batch_of_counters(repo):
    """A counter batch increments counters, static ones included."""
    where = update(Hits).where(Hits.page == "batch", Hits.day == 1)
    with repo.batch().counter() as batch:
        batch.execute(where.set(Hits.hits.increment(2)))
        batch.execute(update(Hits).where(Hits.page == "batch").set(Hits.total.increment(3)))

    assert (2, 3) == (repo.get(Hits, page="batch", day=1).hits, repo.get(Hits, page="batch", day=1).total)


@pytest.mark.parametrize("kind", ["logged", "unlogged"])
def test_batches(repo, kind):
    """A batch writes saves, deletes and updates, and its saved instances count as loaded."""
    rows = [fresh(status="b") for _ in range(3)]
    deleted, changed = fresh(), fresh(status="b")
    repo.save(deleted)
    repo.save(changed)
    before = repo.statements
    with repo.batch() if kind == "logged" else repo.batch().unlogged() as batch:
        for row in rows:
            batch.save(row)
        batch.delete(deleted)
        batch.execute(update(Order).where(*key(changed)).set(Order.total.to(8)))

    keys = [(row.shop, 1, 1) for row in (changed, *rows)]
    assert [8, 0, 0, 0] == [row.total for row in repo.get_many(Order, keys)]
    assert repo.get(Order, shop=deleted.shop, year=1, number=1) is None
    assert repo.save(rows[1]) is None
    assert before.prepared + 3 >= repo.statements.prepared


def test_a_batch_of_counters_takes_nothing_else(repo):
    """A batch that mixes counters and other writes is refused, as the server would refuse it."""
    row = fresh()
    batch = repo.batch().counter()
    with pytest.raises(QueryNotSupported, match="counter batch"):
        batch.save(row)


def test_a_batch_with_conditions(repo):
    """The result of a conditional batch says whether it was applied."""
    first, two = fresh(), fresh()
    two.shop, two.number = first.shop, 2
    with repo.batch() as batch:
        batch.insert(first, if_not_exists=True)
        batch.insert(two)
    with repo.batch() as other_batch:
        other_batch.insert(first, if_not_exists=True)
        other_batch.insert(two)

    assert (True, False) == (batch.result.applied, other_batch.result.applied)


def test_a_batch_is_not_sent_when_its_block_fails(repo):
    """A batch whose block raises is not sent."""
    row = fresh()

    def broken():
        with repo.batch() as batch:
            batch.save(row)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()

    assert repo.get(Order, shop=row.shop, year=1, number=1) is None


def test_json_is_inserted(run):
    """INSERT JSON changes the columns that the text names, and leaves the others unchanged."""
    row = fresh(status="x")

    def case(repo):
        repo.insert(row)
        repo.execute(insert(Order).json(f'{{"shop": {row.shop}, "year": 1, "number": 1, "total": 4}}'))
        return repo.get(Order, shop=row.shop, year=1, number=1)

    assert row.replace(total=4) == run(case)


def test_time_uuids_are_compared_by_time(run):
    """A timeuuid is compared with the smallest and the greatest timeuuid of a moment."""
    page, at = str(uuid4()), uuid1()
    moment = datetime.fromtimestamp((at.time - 0x01B21DD213814000) / 1e7, timezone.utc)

    def case(repo):
        repo.insert(Visit(page=page, at=at))
        return [
            repo.exists(
                select(Visit).where(Visit.page == page, Visit.at > fn.min_timeuuid(moment - timedelta(hours=1)))
            ),
            repo.exists(
                select(Visit).where(Visit.page == page, Visit.at < fn.max_timeuuid(moment - timedelta(hours=1)))
            ),
        ]

    assert [True, False] == run(case)


def test_values_of_functions_are_assigned(repo):
    """An update can assign the value of a server function, which makes it non-idempotent."""
    page = str(uuid4())
    statement = update(Order).where(Order.shop == 5, Order.year == 1, Order.number == 1)
    repo.execute(statement.set(Order.at.to(fn.call("toTimestamp", fn.now()))))
    row = repo.get(Order, shop=5, year=1, number=1)

    assert page
    assert timedelta(minutes=5) > abs(datetime.now(timezone.utc) - row.at)
    assert not statement.set(Order.at.to(fn.call("toTimestamp", fn.now()))).compile(None).template.idempotent


def test_verbs_of_one_row(run):
    """Verbs that read one row return it, return None, or raise for a missing row or too many."""
    item = select(Order).where(*HERE, Order.year == 2025, Order.number == 2)
    none, many = select(Order).where(Order.shop == 99), select(Order).where(*HERE)

    def case(repo):
        with pytest.raises(NotFound):
            repo.one(none)
        with pytest.raises(MultipleResultsFound):
            repo.one(many)
        with pytest.raises(MultipleResultsFound):
            repo.one_or_none(many)
        return (
            repo.one(item).number,
            repo.one_or_none(none),
            repo.first(none),
            repo.first(many).number,
            repo.scalar(select(Order.status).where(*HERE, Order.year == 2025, Order.number == 2)),
            repo.scalar(select(Order.status).where(Order.shop == 99)),
            repo.count(many),
            repo.count(select(Order).where(Order.shop == 99)),
            repo.exists(item),
            repo.exists(none),
        )

    assert (2, None, None, 3, "paid", None, 5, 0, True, False) == run(case)


def test_a_limit_cuts_a_count(run):
    """A limit applies to a count, although the server would count all rows."""
    query = select(Order).where(*HERE)

    assert (2, 5) == run(lambda repo: (repo.count(query.limit(2)), repo.count(query.limit(9))))


def test_a_batch_has_options(repo):
    """A batch with its own consistency level and timeout is written."""
    row = fresh()
    with repo.batch().consistency("ONE").timeout(5) as batch:
        batch.save(row)

    assert repo.get(Order, shop=row.shop, year=1, number=1) == row


def test_pages(run):
    """Page after page returns each row once, in order."""
    query = select(Order).where(*HERE)

    def case(repo):
        results, token = [], None
        while True:
            page = repo.page(query, size=2, token=token)
            results.append([row.number for row in page.items])
            token = page.token
            if token is None:
                return results, type(page)

    value, kind = run(case)

    assert (OF_25 + OF_26, Page) == (
        [(2025, n) for n in value[0] + value[1][:1]] + [(2026, n) for n in value[1][1:] + value[2]],
        kind,
    )


def tampered(token):
    """Return the text with one letter changed."""
    return token[:-9] + ("A" if token[-9] != "A" else "B") + token[-8:]


@pytest.mark.parametrize(
    ("query", "token"),
    [
        (select(Order).where(Order.shop == 2), lambda token: token),
        (select(Order).where(*HERE).limit(4), lambda token: token),
        (select(Order).where(*HERE), tampered),
        (select(Order).where(*HERE), lambda _: "nonsense"),
        (select(Order).where(*HERE), lambda _: "é"),
    ],
    ids=["other value", "other query", "tampered", "nonsense", "no ascii"],
)
def test_foreign_tokens_are_refused(run, query, token):
    """A page token that was altered or made by another query is refused before anything is sent."""

    def case(repo):
        value = repo.page(select(Order).where(*HERE), size=2).token
        with pytest.raises(InvalidPageToken):
            repo.page(query, size=2, token=token(value))
        return True

    assert run(case)


def test_tokens_are_signed_with_a_secret(scylla_cluster, repo):
    """A page token that was not signed with the repo's secret is refused."""
    query = select(Order).where(*HERE)
    with scylla_cluster.repo(repo.keyspace, name="clauses", page_secret="a-secret-for-these-tests") as signing:
        token = signing.page(query, size=2).token

        assert 2 == len(signing.page(query, size=2, token=token).items)
        with pytest.raises(InvalidPageToken, match="signed"):
            signing.page(query, size=2, token=repo.page(query, size=2).token)
        assert "a-secret-for" not in repr(signing.settings)


def test_streams(run):
    """A stream returns all rows over many pages, and can be abandoned early."""
    query = select(Order).where(*HERE)

    def case(repo):
        rows = repo.rows(repo.stream(query, page_size=1))
        limited = repo.rows(repo.stream(query, page_size=1), 2)
        return [row.number for row in rows], len(limited)

    assert ([3, 2, 1, 2, 1], 2) == run(case)


def test_a_tenant_has_its_own_tables(scylla_cluster, repo):
    """A repo for another keyspace shares the connection and names the keyspace in its statements."""
    other = f"{repo.keyspace}_t"
    with scylla_cluster.repo(other, name="clauses") as maker:
        keyspaces.create(maker)
        migrate(maker, resources=[Visit])
    tenant = repo.in_keyspace(other)
    tenant.save(Visit(page="tenant", at=uuid1()))
    try:
        assert tenant.session is repo.session
        assert (1, 0) == tuple(r.count(select(Visit).where(Visit.page == "tenant")) for r in (tenant, repo))
    finally:
        repo.raw(f"DROP KEYSPACE {other}")


def test_values_do_not_make_new_statements(repo):
    """A statement is prepared once, whatever its keys, limits, TTLs and number of IN values."""

    def paginate(n):
        repo.all(select(Order).where(Order.shop.in_(list(range(n)))).limit(n))
        repo.execute(
            update(Order)
            .where(Order.shop == 1000 + n, Order.year == n, Order.number == n)
            .set(Order.total.to(n))
            .ttl(n)
        )
        repo.save(fresh(total=n))
        repo.get(Order, shop=n, year=1, number=1)

    paginate(1)
    before = repo.statements.prepared
    for n in range(2, 10):
        paginate(n)

    assert before == repo.statements.prepared


def tombstones(repo, text, values):
    """The number of tombstones that a read met, by the server's own trace."""
    statement = repo.session.prepare(text)
    future = repo.session.execute_async(statement, values, trace=True)
    future.result()
    messages = " ".join(event.description for event in future.get_query_trace(max_wait=10).events)
    return sum(map(int, re.findall(r"and (\d+) tombstone", messages)))


@needs_tracing_of_tombstones
def test_saves_leave_no_tombstones(repo):
    """Saving a new row with empty collections, and adding to them later, leaves no tombstones."""
    row = fresh()
    repo.save(row)
    row.tags.add("a")
    row.lines["a"] = 1
    row.notes.append("n")
    repo.save(row)
    text = f"SELECT * FROM {repo.keyspace}.orders WHERE shop = ?"

    assert 0 == tombstones(repo, text, [row.shop])


@needs_tracing_of_tombstones
def test_a_replaced_collection_leaves_one(repo):
    """Replacing a collection and deleting a column leaves tombstones, which the trace shows."""
    row = fresh(tags={"a"})
    repo.save(row)
    repo.execute(update(Order).where(*key(row)).set(Order.tags.to({"b"})))
    repo.execute(delete(Order.status).where(*key(row)))

    assert 0 < tombstones(repo, f"SELECT * FROM {repo.keyspace}.orders WHERE shop = ?", [row.shop])


def test_thousands_of_tenants_share_a_connection(repo):
    """Thousands of repos for other keyspaces use one session."""
    tenants = [repo.in_keyspace(f"tenant{number}") for number in range(5000)]

    assert {id(repo.session)} == {id(tenant.session) for tenant in tenants[::500]}
    assert "FROM tenant7.orders" in select(Order).where(*HERE).compile(tenants[7].keyspace).template.cql


def test_a_request_that_no_server_would_read_is_refused(repo):
    """A request larger than servers accept is refused before it is sent."""
    with pytest.raises(QueryNotSupported, match="at most"):
        repo.save(fresh(status="x" * (17 * 2**20)))


def test_raw(run):
    """Raw CQL returns instances, whose columns are matched by name."""
    text = "SELECT * FROM %s.orders WHERE shop = ?"

    def case(repo):
        return repo.raw(text % repo.repo.keyspace, [1], into=Order)

    assert OF_25 + OF_26 == [(row.year, row.number) for row in run(case)]


def test_refresh(run):
    """A refresh loads the stored values; if the row is missing, it raises NotFound."""
    row = fresh(status="x")

    def case(repo):
        repo.save(row)
        repo.execute(update(Order).where(*key(row)).set(Order.status.to("y")))
        repo.refresh(row)
        status = row.status
        repo.delete(row)
        with pytest.raises(NotFound):
            repo.refresh(row)
        return status

    assert "y" == run(case)


def test_a_filter_that_nothing_serves_is_not_sent(repo):
    """A filter that no key or index serves is refused with advice, and not sent."""
    with pytest.raises(QueryNotSupported, match="view ByTotal"):
        repo.all(select(Order).where(Order.total == 20))


@needs_ann
def test_vectors_are_found_by_nearness(repo):
    """Rows are ordered by the similarity of their vectors, through an index on the column."""

    class Point(Model, table="points", repo="clauses", indexes=[Index("at", using="sai")]):
        id: Column[int] = partition_key()
        at: Column[Annotated[list[float], cql.vector(2)]] = column()

    migrate(repo, resources=[Point], wait_built=True)
    # One after the other: the graph of vectors that are written at once may miss the nearest.
    for number, at in [*((n, [float(n), 0.0]) for n in range(1, 6)), (9, [0.0, 9.0])]:
        repo.save(Point(id=number, at=at))

    assert [9] == [
        row.id for row in repo.all(select(Point).order_by(Point.at.ann_of([0.0, 1.0])).limit(1).whole_table())
    ]


@needs_sasi
def test_texts_are_found_by_their_beginning(repo):
    """Texts are found by a prefix, through an index that supports LIKE."""

    class Book(Model, table="books", repo="clauses", indexes=[Index("title", using="SASIIndex")]):
        id: Column[int] = partition_key()
        title: Column[str] = column()

    migrate(repo, resources=[Book], wait_built=True)
    repo.save_many([Book(id=n, title=title) for n, title in enumerate(["Emma", "Emil", "Evelina"])])

    assert {"Emma", "Emil"} == {book.title for book in repo.all(select(Book).where(Book.title.like("Em%")))}


def test_uuids_of_the_driver_are_plain(repo):
    """A UUID is loaded as a plain `uuid.UUID`, without a subclass of the driver."""
    at = uuid1()
    repo.insert(Visit(page="plain", at=at))

    assert UUID is type(repo.get(Visit, page="plain", at=at).at)
