"""Backfilling a new column or table on a real server, during concurrent writes and after a kill."""

from __future__ import annotations

import json
import os
import signal
import time
from decimal import Decimal
from itertools import pairwise

import pytest

from scyllamodel import (
    BackfillFailed,
    Column,
    ConfigurationError,
    Model,
    RequestRefused,
    UserType,
    backfill,
    clustering_key,
    column,
    migrate,
    partition_key,
    select,
    update,
)
from scyllamodel import functions as fn
from scyllamodel import types as cql
from scyllamodel.driver.data.scan import token_ranges
from scyllamodel.release.backfill import run as backfilling

pytestmark = pytest.mark.live


class Place(UserType, name="place"):
    """A user type."""

    street: str
    zip_code: str | None = None


class Order(Model, table="orders", repo="backfill"):
    """Old columns beside the new ones that are filled."""

    shop: Column[int] = partition_key()
    number: Column[int] = clustering_key()
    owner: Column[str | None] = column(default=None, static=True)
    owner_2: Column[str | None] = column(default=None, static=True)
    total: Column[int | None] = column(default=None)
    total_2: Column[Decimal | None] = column(default=None)
    code: Column[cql.Int | None] = column(default=None)
    code_2: Column[int | None] = column(default=None, db_name="codeTwo")
    tags: Column[set[str]] = column(factory=set)
    tags_2: Column[cql.Frozen[set[str]] | None] = column(default=None)
    place: Column[cql.Frozen[Place] | None] = column(default=None)
    note: Column[str | None] = column(default=None, redact=True)
    note_2: Column[int | None] = column(default=None)
    hall: Column[str | None] = column(default=None)
    hall_2: Column[str | None] = column(default=None, static=True)


class ByDay(Model, table="orders_by_day", repo="backfill"):
    """A table of the same rows with another key."""

    number: Column[int] = partition_key()
    shop: Column[int] = clustering_key(descending=True)
    total: Column[int | None] = column(default=None)
    tags: Column[set[str]] = column(factory=set)
    place: Column[cql.Frozen[Place] | None] = column(default=None)
    label: Column[str | None] = column(default=None)


class Twin(Model, table="orders_twin", repo="backfill"):
    """A table with the same key and the same static column."""

    shop: Column[int] = partition_key()
    number: Column[int] = clustering_key()
    owner: Column[str | None] = column(default=None, static=True)
    total: Column[int | None] = column(default=None)


class Tally(Model, table="tallies", repo="backfill"):
    """A table of counters."""

    id: Column[int] = partition_key()
    hits: Column[cql.Counter] = column()


class Unmade(Model, table="unmade", repo="elsewhere"):
    """A table that does not exist on the server."""

    shop: Column[int] = partition_key()
    number: Column[int] = clustering_key()


@pytest.fixture(scope="module")
def repo(scylla_cluster, scylla_repo):
    """A repo with the tables of this module."""
    with scylla_cluster.repo(scylla_repo.keyspace, name="backfill") as new_repo:
        migrate(new_repo, resources=[Order, ByDay, Twin, Tally])
        yield new_repo


@pytest.fixture(autouse=True)
def few_ranges(repo, monkeypatch):
    """Truncate all tables and read them in few token ranges, which is faster."""
    monkeypatch.setattr(backfilling, "RANGES", 16)
    for model in (Order, ByDay, Twin):
        repo.truncate(model)
    yield
    if any(row[0] == "scyllamodel_backfills" for row in tables(repo)):
        repo.raw(f"TRUNCATE {repo.keyspace}.scyllamodel_backfills")


def tables(repo):
    """The names of all tables."""
    return repo.raw("SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?", [repo.keyspace])


def orders(count, **more):
    """Fresh orders in some partitions."""
    return [Order(shop=n % 7, number=n, **{"total": n, **more}) for n in range(count)]


def stored(repo, *columns):
    """Values of all orders, by number."""
    return {row[0]: row[1:] for row in repo.all(select(Order.number, *columns).whole_table())}


def test_every_value_is_copied_with_its_conversion(repo):
    """Every value is converted, copied and counted; a row without a value has nothing to copy."""
    repo.save_many([*orders(100), Order(shop=1, number=1000, code=5)])
    output = []

    report = backfill(repo, Order.total, into=Order.total_2, convert=Decimal, on_progress=output.append)

    assert (True, 101, 100, 1, 0) == (
        report.finished, report.rows_in, report.rows_out, report.skipped, report.failed,
    )  # fmt: skip
    assert {n: (Decimal(n),) for n in range(100)} | {1000: (None,)} == stored(repo, Order.total_2)
    assert (16, 16, 101, 100, 0) == (
        output[-1].done, output[-1].ranges, output[-1].rows_in, output[-1].rows_out, output[-1].failed,
    )  # fmt: skip


def test_names_do_as_well(repo):
    """A backfill accepts names of tables and columns, as the command line passes them."""
    repo.save_many(orders(3, code=7))

    backfill(repo, "orders.code", into="codeTwo")

    assert {(7,)} == set(stored(repo, Order.code_2).values())


def test_a_second_run_has_nothing_to_do_and_counts_the_first(repo):
    """A complete backfill copies nothing until it is asked to start over."""
    repo.save_many(orders(10))
    first = backfill(repo, Order.total, into=Order.total_2, convert=Decimal)
    repo.save(Order(shop=1, number=50, total=5))

    second = backfill(repo, Order.total, into=Order.total_2, convert=Decimal)
    repeated = backfill(repo, Order.total, into=Order.total_2, convert=Decimal, again=True)

    assert (10, 10) == (first.rows_in, second.rows_in)
    assert (11, 11) == (repeated.rows_in, repeated.rows_out)
    assert (Decimal(5),) == stored(repo, Order.total_2)[50]


def test_another_conversion_is_refused_half_way(repo):
    """A backfill never converts half of the rows by one function and half by another."""
    repo.save_many(orders(3))
    backfill(repo, Order.total, into=Order.total_2, convert=Decimal)

    with pytest.raises(ConfigurationError, match=r"started with convert=decimal:Decimal, not .*<lambda>.*--again"):
        backfill(repo, Order.total, into=Order.total_2, convert=lambda value: Decimal(value) / 100)


def test_what_was_written_later_stays(repo):
    """A value that the application writes to both columns during a backfill is newer than the copy, and stays."""
    repo.save_many(orders(20))
    query = select(Order.number, fn.writetime(Order.total)).whole_table()
    timestamps = dict(repo.all(query))

    def convert(value):
        repo.execute(  # another replica, while this one has read the row and not yet written
            update(Order).where(Order.shop == value % 7, Order.number == value)
            .set(Order.total.to(value + 1000), Order.total_2.to(Decimal(value + 1000)))
        )  # fmt: skip
        return Decimal(value)

    backfill(repo, Order.total, into=Order.total_2, convert=convert)

    assert {n: (Decimal(n + 1000),) for n in range(20)} == stored(repo, Order.total_2)
    assert all(later > timestamps[n] for n, later in repo.all(query))


def test_a_value_that_was_deleted_meanwhile_stays_deleted(repo):
    """A value that is deleted during a backfill stays deleted, since the delete is newer than the copied value."""
    repo.save_many(orders(5))

    def convert(value):
        repo.delete(Order(shop=value % 7, number=value))
        return Decimal(value)

    backfill(repo, Order.total, into=Order.total_2, convert=convert)

    assert {} == stored(repo, Order.total_2)


def test_time_and_life_are_those_of_the_value(repo):
    """A copied value keeps its write time and its remaining TTL; a value without a TTL is copied without one."""
    repo.save(Order(shop=1, number=1, total=1), ttl=1000, timestamp=1_700_000_000_000_000)
    repo.save(Order(shop=1, number=2, total=2), timestamp=1_700_000_000_000_001)

    backfill(repo, Order.total, into=Order.total_2, convert=Decimal)
    rows = repo.all(select(Order.number, fn.writetime(Order.total_2), fn.ttl(Order.total_2)).where(Order.shop == 1))

    assert [(1, 1_700_000_000_000_000), (2, 1_700_000_000_000_001)] == [row[:2] for row in rows]
    assert 900 < rows[0][2] <= 1000
    assert rows[1][2] is None


CASES = [
    ("a wider type", Order.code, Order.code_2, {"code": 7}, 7),
    ("frozen", Order.tags, Order.tags_2, {"tags": {"a", "b"}}, {"a", "b"}),
    ("static", Order.owner, Order.owner_2, {"owner": "Ann"}, "Ann"),
    ("static to regular", Order.owner, Order.hall, {"owner": "Ann"}, "Ann"),
    ("regular to static", Order.hall, Order.hall_2, {"hall": "A"}, "A"),
]


@pytest.mark.parametrize(
    ("source", "target", "source_value", "desired"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_columns_of_each_kind(repo, source, target, source_value, desired):
    """Columns of every kind are copied without a conversion if both have the same type."""
    repo.save_many(orders(20, **source_value))

    backfill(repo, source, into=target)

    assert [(desired,)] * 20 == list(stored(repo, target).values())


def test_a_collection_that_changes_meanwhile_is_not_undone(repo):
    """A copy of a collection does not overwrite a newer one: it is written with an earlier timestamp."""
    repo.save(Order(shop=1, number=1, tags={"old"}))

    def convert(value):
        repo.execute(update(Order).where(Order.shop == 1, Order.number == 1).set(Order.tags_2.to({"new"})))
        return value

    backfill(repo, Order.tags, into=Order.tags_2, convert=convert)

    assert {1: ({"new"},)} == stored(repo, Order.tags_2)


def test_rows_go_into_another_table(repo):
    """Rows are copied into columns of the same names in another table, each value with its TTL."""
    repo.save_many(orders(50, tags={"x"}, place=Place(street="High")))
    repo.execute(update(Order).where(Order.shop == 1, Order.number == 1).set(Order.total.to(9)).ttl(500))

    report = backfill(repo, Order, into=ByDay)
    rows = {row.number: row for row in repo.all(select(ByDay).whole_table())}
    lives = dict(repo.all(select(ByDay.number, fn.ttl(ByDay.total)).whole_table()))

    assert (50, 50) == (report.rows_in, report.rows_out)
    assert ByDay(number=7, shop=0, total=7, tags={"x"}, place=Place(street="High")) == rows[7]
    assert (9, {"x"}) == (rows[1].total, rows[1].tags)
    assert 400 < lives.pop(1) <= 500
    assert {None} == set(lives.values())


def test_rows_are_made_by_a_function(repo):
    """A function makes the rows of the other table; rows for which it returns None are skipped."""
    repo.save_many(orders(10))

    def convert(order):
        return ByDay(number=order.number, shop=order.shop, label=f"#{order.total}") if order.number % 2 else None

    report = backfill(repo, Order, into=ByDay, convert=convert)

    assert (10, 5, 5) == (report.rows_in, report.rows_out, report.skipped)
    assert {f"#{n}" for n in range(1, 10, 2)} == {row.label for row in repo.all(select(ByDay).whole_table())}


def test_a_row_that_is_only_a_key_is_copied(repo):
    """A row that consists of a key alone is copied, although it has no value with a write time."""
    repo.save(Order(shop=3, number=4))

    backfill(repo, Order, into=ByDay)

    assert [ByDay(number=4, shop=3)] == repo.all(select(ByDay).whole_table())


def test_static_values_go_along_also_without_rows(repo):
    """Static values are copied too, even those of partitions without rows."""
    repo.save_many([*orders(3, owner="Ann")])
    repo.execute(update(Order).where(Order.shop == 99).set(Order.owner.to("Bob")))

    backfill(repo, Order, into=Twin)
    owners = dict(repo.all(select(Twin.shop, Twin.owner).distinct()))

    assert {0: "Ann", 1: "Ann", 2: "Ann", 99: "Bob"} == owners


def test_unconvertible_rows_are_reported_and_the_others_are_copied(repo):
    """Failed rows are listed with their keys and without redacted values; the next run retries only their ranges."""
    repo.save_many([*orders(40, note="12"), Order(shop=1, number=77, note="secret")])

    with pytest.raises(BackfillFailed, match="1 of 41 rows were not copied; the first is shop=1, number=77") as e:
        backfill(repo, Order.note, into=Order.note_2, convert=int)
    report = e.value.report
    repo.execute(update(Order).where(Order.shop == 1, Order.number == 77).set(Order.note.to("5")))
    rest = backfill(repo, Order.note, into=Order.note_2, convert=int)

    assert "secret" not in f"{e.value}{report!r}{json.dumps(e.value.to_dict())}{report.failures}"
    assert (41, 40, 1, False) == (report.rows_in, report.rows_out, report.failed, report.finished)
    assert report.done == 15
    assert (True, 41, 41) == (rest.finished, rest.rows_in, rest.rows_out)
    assert {12, 5} == {value for (value,) in stored(repo, Order.note_2).values()}


def test_values_too_large_for_the_server_are_reported(repo):
    """A converted value that does not fit the column is reported as the failure of its row."""
    repo.save_many(orders(3))

    with pytest.raises(BackfillFailed, match=r"3 of 3 rows.*Order\.code: 1099511627776 does not fit int"):
        backfill(repo, Order.total, into=Order.code, convert=lambda _: 2**40)


def test_a_dry_run_writes_nothing(repo):
    """A dry run reads and converts rows and reports failures, but writes nothing."""
    repo.save_many([*orders(5, note="1"), Order(shop=1, number=77, note="x")])

    with pytest.raises(BackfillFailed, match="1 of 6"):
        backfill(repo, Order.note, into=Order.note_2, convert=int, dry_run=True)
    report = backfill(repo, Order.total, into=Order.total_2, convert=Decimal, dry_run=True)

    assert (True, False, 6, 5) == (report.dry_run, report.finished, report.rows_in, report.rows_out)
    assert {(None, None)} == set(stored(repo, Order.total_2, Order.note_2).values())


def test_it_keeps_to_the_rate(repo):
    """The rate limits how many rows per second a backfill copies."""
    repo.save_many(orders(40))

    assert backfill(repo, Order.total, into=Order.total_2, convert=Decimal, rate=40).seconds > 0.8


REFUSED = [
    ("two types", lambda repo: backfill(repo, Order.total, into=Order.hall), "holds bigint and Order.hall text"),
    ("itself", lambda repo: backfill(repo, Order.total, into=Order.total), "is the source itself"),
    ("a key", lambda repo: backfill(repo, Order.total, into=Order.number), "in the primary key"),
    ("two tables", lambda repo: backfill(repo, Order.total, into=ByDay.total), "belong to different tables"),
    ("a table into a column", lambda repo: backfill(repo, Order, into=Order.total), "is a column"),
    ("a column into a table", lambda repo: backfill(repo, Order.total, into=ByDay), "write into=Order"),
    ("no value for a key", lambda repo: backfill(repo, ByDay, into=Unmade), "Unmade yet|no unmade"),
    ("a missing key", lambda repo: backfill(repo, Tally, into=Order), "holds counters"),
    (
        "what is needed",
        lambda repo: backfill(repo, Twin, into=Needy),
        "Twin has no day, which Needy needs: pass convert=",
    ),
    ("no such model", lambda repo: backfill(repo, "Ordr.total", into="total_2"), "did you mean 'Order'"),
    ("no such column", lambda repo: backfill(repo, "Order.totl", into="total_2"), "did you mean 'total'"),
    ("no rate", lambda repo: backfill(repo, Order, into=ByDay, rate=0), "rate=0"),
]


class Needy(Model, table="needy", repo="elsewhere"):
    """A table with a required column that the other tables lack."""

    day: Column[int] = partition_key()


@pytest.mark.parametrize(("work", "messages"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_cannot_be_copied_is_refused_before_anything_is_read(repo, work, messages):
    """A backfill that cannot work is refused with advice before anything is read."""
    with pytest.raises(ConfigurationError, match=messages):
        work(repo)


def slowly(value):
    """A slow conversion, so that the process can be killed in the middle of a backfill."""
    time.sleep(0.02)
    return Decimal(value)


def test_a_killed_run_is_gone_on_with(repo):
    """A killed run resumes after the last completed range, with all counts."""
    repo.save_many(orders(150))
    child = os.fork()
    if child == 0:
        try:
            backfill(repo, Order.total, into=Order.total_2, convert=slowly)
        finally:
            os._exit(0)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and checkpoints(repo) < 3:
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    before = checkpoints(repo)
    read = []

    report = backfill(repo, Order.total, into=Order.total_2, convert=slowly, on_progress=read.append)

    assert 3 <= before < 16
    assert (True, 150, 150) == (report.finished, report.rows_in, report.rows_out)
    assert read[-1].rows_in < 150
    assert {n: (Decimal(n),) for n in range(150)} == stored(repo, Order.total_2)


def checkpoints(repo):
    """The number of recorded ranges."""
    if ("scyllamodel_backfills",) not in [tuple(row) for row in tables(repo)]:
        return 0
    try:
        rows = repo.raw(f"SELECT part FROM {repo.keyspace}.scyllamodel_backfills")
    except RequestRefused:  # system_schema has a table a moment before it can be read
        return 0
    return sum(row[0] >= 0 for row in rows)


def test_checkpoints_are_no_drift(repo):
    """The table of backfill checkpoints is internal and is never reported as drift."""
    repo.save_many(orders(1))
    backfill(repo, Order.total, into=Order.total_2, convert=Decimal)

    second = migrate(repo, resources=[Order, ByDay, Twin, Tally])

    assert "in_sync" == second.status
    assert not [note for note in second.plan.notes if "scyllamodel" in note.object]


def test_ranges_are_the_whole_ring():
    """The ranges cover the whole token ring without gaps or overlaps."""
    ranges = token_ranges(1024)

    assert (-(2**63), 2**63 - 1) == (ranges[0][0], ranges[-1][1])
    assert all(first[1] == two[0] for first, two in pairwise(ranges))
