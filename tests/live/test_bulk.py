"""Many rows at once and whole tables, blocking and awaited, on a real server."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from uuid import UUID, uuid4

import pytest

from scyllamodel import (
    AsyncRepo,
    BulkWriteError,
    Column,
    Index,
    InvalidPageToken,
    Model,
    QueryNotSupported,
    Repo,
    TypeMismatch,
    clustering_key,
    column,
    delete,
    insert,
    migrate,
    partition_key,
    select,
    update,
)
from scyllamodel.driver.data.read_api import ReadApi
from scyllamodel.driver.data.write_api import WriteApi
from support.sync_and_async import WAYS, run_in_mode

pytestmark = pytest.mark.live


class Seat(Model, table="seats", repo="many"):
    """A few rows in each of many partitions."""

    hall: Column[UUID] = partition_key()
    number: Column[int] = clustering_key()
    guest: Column[str | None] = column(default=None)
    tags: Column[set[str]] = column(factory=set)


class Lone(Model, table="lones", repo="many"):
    """A table whose key is one column."""

    id: Column[int] = partition_key()


@pytest.fixture(scope="module")
def repo(scylla_cluster, scylla_repo):
    """A repo with the tables of this module."""
    with scylla_cluster.repo(scylla_repo.keyspace, name="many") as new_repo:
        migrate(new_repo, resources=[Seat, Lone])
        yield new_repo


@pytest.fixture(params=WAYS)
def run(request, repo):
    """Run a case, which is written once, with a blocking or an awaited repo."""
    return lambda case: run_in_mode(request.param, case, repo)


def seats(halls, each):
    """New seats: so many in each of so many halls."""
    return [Seat(hall=hall, number=n, tags={"t"}) for hall in (uuid4() for _ in range(halls)) for n in range(each)]


def test_every_row_is_written(run):
    """Many more rows than requests in flight are all written and read back unchanged."""
    rows = seats(30, 10)

    def case(repo):
        report = repo.save_many(rows, concurrency=16)
        result = repo.get_many(Seat, [(row.hall, row.number) for row in rows])
        return report.written, report.requests, result

    assert (300, 300, rows) == run(case)


def test_rows_of_one_partition_share_requests(run):
    """With by_partition, 40 rows of one partition are sent in one batch."""
    rows = seats(5, 40)

    def case(repo):
        report = repo.save_many(rows, by_partition=True)
        return report.written, report.requests, repo.get_many(Seat, [(rows[-1].hall, 39)])

    assert (200, 5, [rows[-1]]) == run(case)


def test_unchanged_rows_are_not_sent(run):
    """A row that was just saved is not sent again; a changed row is."""
    rows = seats(2, 5)

    def case(repo):
        repo.save_many(rows)
        rows[3].tags.add("window")
        report = repo.save_many(rows)
        return report.sent, report.total, repo.get(Seat, hall=rows[3].hall, number=3).tags

    assert (1, 10, {"t", "window"}) == run(case)


def test_a_failed_row_is_reported_and_the_others_are_written(run):
    """The error names the position of the row that failed, and all other rows are written."""
    rows = seats(1, 5)
    rows[2].number = "two"

    def case(repo):
        with pytest.raises(BulkWriteError, match="1 of 5 rows failed, the first of them number 2") as exc_info:
            repo.save_many(rows)
        result = repo.get_many(Seat, [(rows[0].hall, n) for n in range(5)])
        return [error.index for error in exc_info.value.report.errors], [row is not None for row in result]

    assert ([2], [True, True, False, True, True]) == run(case)


def test_errors_can_be_left_to_the_report(run):
    """With raise_errors=False a failed row raises nothing."""
    rows = [Seat(hall=uuid4(), number="x")]

    assert 0 == run(lambda repo: repo.save_many(rows, raise_errors=False)).written


def test_progress_is_reported(run):
    """on_progress receives the number of finished rows and the total after each request."""
    output = []
    run(lambda repo: repo.save_many(seats(1, 7), on_progress=output.append))

    assert [(n, 7) for n in range(1, 8)] == [(progress.done, progress.total) for progress in output]


def test_rows_are_deleted_by_instance_and_by_key(run):
    """Rows are deleted by instance and by key, and a deleted instance counts as new."""
    rows = seats(1, 6)

    def case(repo):
        repo.save_many(rows)
        repo.delete_many(rows[:2])
        repo.delete_many(Seat, [(row.hall, row.number) for row in rows[2:4]])
        repo.save(rows[0])
        return [row is not None for row in repo.get_many(Seat, [(row.hall, row.number) for row in rows])]

    assert [True, False, False, False, True, True] == run(case)


def test_a_key_of_one_column_needs_no_tuple(run):
    """A key of one column can be a value, a tuple or a mapping."""

    def case(repo):
        repo.save_many([Lone(id=n) for n in range(3)])
        return repo.get_many(Lone, [0, (1,), {"id": 2}, 99])

    assert [Lone(id=0), Lone(id=1), Lone(id=2), None] == run(case)


@pytest.mark.parametrize("key", [(1,), 1, {"hall": 1}, {"hall": 1, "nr": 2}], ids=str)
def test_a_key_that_is_not_whole_is_refused(repo, key):
    """An incomplete key is an error of that key."""
    with pytest.raises(BulkWriteError) as exc_info:
        repo.get_many(Seat, [key])

    assert isinstance(exc_info.value.__cause__, (TypeError, AttributeError))


def test_a_scan_hands_out_every_row_once(run):
    """A scan returns every row once, however many ranges and pages that takes."""
    rows = seats(60, 5)

    def case(repo):
        repo.truncate(Seat)
        repo.save_many(rows, by_partition=True)
        scan = repo.scan(Seat, page_size=10, parallelism=4)
        return sorted(map(repr, repo.rows(scan))), scan.progress

    value, progress = run(case)

    assert sorted(map(repr, rows)) == value
    assert (16, 16, 300) == (progress.done, progress.ranges, progress.rows)


def test_a_scan_resumes_from_its_position(run):
    """A scan that resumes from a position returns all remaining rows, and repeats at most two pages."""
    rows = seats(40, 5)

    def case(repo):
        repo.truncate(Seat)
        repo.save_many(rows, by_partition=True)
        first = repo.scan(select(Seat.hall, Seat.number), page_size=7, parallelism=2)
        result = repo.rows(first, 50)
        rest = repo.rows(repo.scan(select(Seat.hall, Seat.number), page_size=7, position=first.position))
        return result, rest

    first_rows, rest = run(case)

    assert {(row.hall, row.number) for row in rows} == {*first_rows, *rest}
    assert 200 + 2 * 7 >= len(first_rows) + len(rest)


def test_a_position_of_another_scan_is_refused(repo):
    """A position is bound to the query of its scan, and refused for another one."""
    position = repo.scan(Seat).position
    with pytest.raises(InvalidPageToken):
        repo.scan(Lone, position=position)


def test_a_scan_has_no_order_and_no_limit(repo):
    """A scan with a limit is refused, since its ranges are read in parallel; the error suggests `stream`."""
    with pytest.raises(QueryNotSupported, match=r"repo\.stream\(\)"):
        repo.scan(select(Seat).limit(3))


def test_cancelled_bulk_work_ends(repo):
    """A cancelled bulk write stops reading its source before the cancellation is raised."""
    consumed = []

    def endless():
        for n in range(10**9):
            consumed.append(n)
            yield Lone(id=n)

    async def main():
        task = asyncio.ensure_future(repo.aio().save_many(endless()))
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        count = len(consumed)
        await asyncio.sleep(0.2)
        return count

    assert asyncio.run(main()) == len(consumed)


def cut_for(proxy, seconds):
    """Close all connections, and those that are opened in this time; the driver reconnects after one and three."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        proxy.cut()
        time.sleep(0.002)


@pytest.mark.parametrize("seconds", [0.01, 1.5], ids=["once", "also when it reconnects"])
def test_what_may_be_sent_again_is(scylla_cluster, repo, scylla_fault_proxy, seconds):
    """A bulk write over a connection that breaks loses no row, since its statements are idempotent and sent again."""
    rows = seats(20, 10)
    with scylla_cluster.repo(repo.keyspace, name="many", nodes=[scylla_fault_proxy.address]) as other:
        other.get(Lone, id=1)
        cutting = threading.Thread(target=cut_for, args=(scylla_fault_proxy, seconds))

        def report_progress(progress):
            if progress.done >= 50 and cutting.ident is None:
                cutting.start()

        try:
            report = other.save_many(rows, concurrency=8, on_progress=report_progress)
        finally:
            cutting.join()

    assert 200 == report.written
    assert rows == repo.get_many(Seat, [(row.hall, row.number) for row in rows])


def test_both_repos_have_the_same_verbs():
    """The verbs of both repos have the same parameters."""
    values = {**vars(ReadApi), **vars(WriteApi)}
    verbs = [name for name, verb in values.items() if not name.startswith("_") and callable(verb)]
    same = {
        name: list(inspect.signature(getattr(Repo, name)).parameters)
        == list(inspect.signature(getattr(AsyncRepo, name)).parameters)
        for name in verbs
    }

    assert {} == {name: ok for name, ok in same.items() if not ok}


class Pet(Model, table="pets", repo="many", discriminator="kind", indexes=[Index("kind")]):
    """The root of a single-table hierarchy."""

    owner: Column[int] = partition_key()
    id: Column[int] = clustering_key()
    kind: Column[str] = column(default="pet")


class Cat(Pet, discriminator_value="cat"):
    """A subclass with a column that the root lacks."""

    lives: Column[int] = column(default=9)


class Dog(Pet, discriminator_value="dog"):
    """A subclass with a set."""

    tricks: Column[set[str]] = column(factory=set)


def test_a_family_shares_a_table(repo, run):
    """Rows of one table are loaded as the classes that they were saved as, and each class reads its own rows."""
    migrate(repo, resources=[Cat])
    rows = [Cat(owner=1, id=1, lives=7), Dog(owner=1, id=2, tricks={"sit"}), Pet(owner=1, id=3)]

    def case(repo):
        repo.save_many(rows)
        result = repo.all(select(Pet).where(Pet.owner == 1))
        result[1].tricks.add("roll")
        repo.save(result[1])
        cats = repo.all(select(Cat).where(Cat.owner == 1))
        return result, cats, repo.get(Cat, owner=1, id=2), repo.get(Dog, owner=1, id=2).tricks

    value, cats, none, tricks = run(case)

    assert [Cat, Dog, Pet] == [type(row) for row in value]
    assert (rows[:1], None, {"sit", "roll"}) == (cats, none, tricks)


def test_writes_through_a_class_leave_the_rows_of_others(repo, run):
    """Conditional writes check the class of the row; writes that cannot check it are refused."""
    migrate(repo, resources=[Cat])
    rows = [Cat(owner=2, id=1, lives=7), Dog(owner=2, id=2)]

    def case(repo):
        repo.save_many(rows)
        on = [Cat.owner == 2, Cat.id == 2]
        results = [
            repo.execute(update(Cat).where(*on).set(Cat.lives.to(1)).if_exists()),
            repo.execute(update(Cat).where(Cat.owner == 2, Cat.id == 3).set(Cat.lives.to(1)).if_exists()),
            repo.execute(delete(Cat).where(*on).if_exists()),
            repo.execute(update(Cat).where(Cat.owner == 2, Cat.id == 1).set(Cat.lives.to(1)).if_(Cat.lives == 7)),
        ]
        with pytest.raises(QueryNotSupported):
            repo.truncate(Cat)
        with pytest.raises(QueryNotSupported):
            repo.delete_many(Cat, [(2, 2)])
        return [result.applied for result in results], repo.all(select(Pet).where(Pet.owner == 2))

    assert ([False, False, False, True], [rows[0].replace(lives=1), rows[1]]) == run(case)


def test_raw_rows_and_answers_are_of_their_class(repo, run):
    """Rows of raw reads and of conditional writes are instances of the class of their discriminator."""
    migrate(repo, resources=[Cat])
    rows = [Cat(owner=3, id=1), Dog(owner=3, id=2)]
    text = f"SELECT * FROM {repo.keyspace}.pets WHERE owner = ?"

    def case(repo):
        repo.save_many(rows)
        answer = repo.execute(insert(Cat(owner=3, id=2)).if_not_exists())
        with pytest.raises(TypeMismatch, match=r"not of Cat.*Cat\.kind"):
            repo.raw(text, [3], into=Cat)
        return repo.raw(text, [3], into=Pet), answer.current

    assert (rows, rows[1]) == run(case)


def test_a_row_keeps_its_class(repo, run):
    """Another discriminator value is refused when it is assigned or saved."""
    migrate(repo, resources=[Cat])

    def case(repo):
        repo.save(Cat(owner=4, id=1))
        cat = repo.get(Cat, owner=4, id=1)
        with pytest.raises(ValueError, match="dog"):
            _save_as(repo, cat, "dog")
        return repo.get(Cat, owner=4, id=1).kind

    assert "cat" == run(case)


def _save_as(repo, pet, kind):
    pet.kind = kind
    repo.save(pet)
