"""Bulk operations when rows, their source or the caller fail: only written rows are reported and marked as saved."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import threading
from uuid import uuid4

import pytest

from scyllamodel import Column, Model, column, migrate, partition_key, select
from scyllamodel.driver.data.bulk import DRAIN_TIMEOUT
from scyllamodel.model.change_tracking import is_loaded
from support.sync_and_async import WAYS, run_in_mode

pytestmark = pytest.mark.live


class Stubborn:
    """A value that cannot be copied."""

    def __deepcopy__(self, memo):
        raise RuntimeError("cannot be copied")


class Item(Model, table="bulk_items", repo="bulk"):
    """One row under a number."""

    id: Column[int] = partition_key()
    text: Column[str | None] = column(default=None)
    box: Column[Stubborn | None] = column(default=None, type=str, load=lambda _: Stubborn(), dump=str)


@pytest.fixture(scope="module")
def repo(scylla_cluster, scylla_repo):
    """A repo with the table of this module."""
    with scylla_cluster.repo(scylla_repo.keyspace, name="bulk") as new_repo:
        migrate(new_repo, resources=[Item])
        yield new_repo


@pytest.fixture(params=WAYS)
def run(request, repo):
    """Run a case, which is written once, with a blocking or an awaited repo."""
    return lambda case, repo=repo: run_in_mode(request.param, case, repo)


@pytest.fixture
def rows():
    """Many new instances under keys that no other test uses."""
    start = uuid4().int % 10**12
    return [Item(id=start + number, text="x") for number in range(600)]


def stored(repo, rows):
    """Which of these rows are in the table."""
    result = repo.get_many(Item, [row.id for row in rows])
    return [row for row, stored_row in zip(rows, result, strict=True) if stored_row is not None]


BAD = [
    pytest.param(Item(id=1, box=Stubborn()), RuntimeError, id="not copyable"),
    pytest.param(None, TypeError, id="None"),
    pytest.param(7, TypeError, id="no model"),
    pytest.param(Item, TypeError, id="class"),
    pytest.param(Item(id="x"), TypeError, id="wrong type"),
    pytest.param(Item.__new__(Item), AttributeError, id="not initialised"),
]


@pytest.mark.parametrize(("bad", "error"), BAD)
def test_whatever_is_wrong_with_a_row_is_its_own_error(run, repo, rows, bad, error):
    """A row with any kind of error fails alone; all others are written, reported and marked as saved."""
    batch_rows = rows[:9]
    batch_rows[4] = bad

    def case(repo):
        second = repo.save_many([bad], raise_errors=False, by_partition=True)
        return repo.save_many(batch_rows, raise_errors=False), second

    report, grouped = run(case)
    good = [row for index, row in enumerate(batch_rows) if index != 4]

    assert ([4], 9, 8) == ([error.index for error in report.errors], report.total, report.written)
    assert isinstance(report.errors[0].error, error)
    assert isinstance(grouped.errors[0].error, error)
    assert good == stored(repo, good)
    assert all(map(is_loaded, good))


def test_what_is_wrong_with_a_key_is_its_own_error(run, repo, rows):
    """A wrong key fails alone; the rows of the other keys are deleted."""
    repo.save_many(rows[:4])

    def case(repo):
        return repo.delete_many(Item, [rows[0].id, None, (1, 2), rows[3].id], raise_errors=False)

    report = run(case)

    assert [1, 2] == [error.index for error in report.errors]
    assert rows[1:3] == stored(repo, rows[:4])


class SourceEnded(Exception):
    """The exception that a source raises."""


def broken(rows, at):
    """Yield rows up to a position, and then raise."""
    yield from rows[:at]
    raise SourceEnded


def raising(rows, case):
    """Return the report of the exception that a case raises; exactly the written rows are marked as saved."""

    def error_of(repo):
        with pytest.raises(SourceEnded) as exc_info:
            case(repo)
        return exc_info.value

    return error_of


def check(repo, rows, report, consumed):
    """Check that the report, the marks and the table agree."""
    stored_rows = stored(repo, rows[:consumed])

    assert stored_rows == [row for row in rows if is_loaded(row)]
    assert (consumed, len(stored_rows)) == (report.total, report.written)
    assert len(stored_rows) == report.sent


@pytest.mark.parametrize("by_partition", [False, True], ids=["each", "grouped"])
def test_a_source_that_raises(run, repo, rows, by_partition):
    """When the source raises, the sent rows are settled and the exception carries the report."""

    def case(repo):
        repo.save_many(broken(rows, 431), by_partition=by_partition)

    error = run(raising(rows, case))

    check(repo, rows, error.report, 431)
    if sys.version_info >= (3, 11):
        assert "of the 431 rows taken are written" in error.__notes__[0]


def test_a_progress_function_that_raises(run, repo, rows):
    """When on_progress raises between responses, none of them is lost."""
    events = []

    def progress(now):
        events.append(now)
        if now.done == 192:
            raise SourceEnded

    error = run(raising(rows, lambda repo: repo.save_many(rows, on_progress=progress)))

    check(repo, rows, error.report, error.report.total)
    assert 192 <= error.report.written < 600
    assert 192 == len(events)


def test_rows_that_wait_to_be_sent_again_are_reported(run, repo, rows, scylla_cluster, scylla_fault_proxy):
    """When a run ends, rows that wait for a retry count in the report, and only rows marked as saved as written."""
    with scylla_cluster.repo(
        repo.keyspace, name="bulk", nodes=[scylla_fault_proxy.address], request_timeout=0.5
    ) as weak:
        weak.save(rows[0])
        scylla_fault_proxy.heal()

        def progress(now):
            raise SourceEnded

        def source():
            scylla_fault_proxy.swallow_answers(5)
            yield from rows[1:6]
            scylla_fault_proxy.heal()
            yield from rows[6:7]

        error = run(raising(rows, lambda repo: repo.save_many(source(), on_progress=progress)), weak)

    assert 6 == error.report.total
    assert error.report.written == len([row for row in rows[1:7] if is_loaded(row)])


async def asynchronous(repo, rows):
    """Rows from an async iterable that uses the repo in between."""
    for row in rows:
        if not row.id % 50:
            await repo.all(select(Item).limit(1))
        yield row


def test_rows_come_from_an_async_iterable(repo, rows):
    """Rows and keys can come from an async iterable, which may use the repo."""

    async def case():
        async_repo = repo.aio()
        report = await async_repo.save_many(asynchronous(async_repo, rows))
        result = await async_repo.get_many(Item, (row.id async for row in asynchronous(async_repo, rows)))
        deleted = await async_repo.delete_many(Item, (row.id async for row in asynchronous(async_repo, rows[:5])))
        return report.written, result, deleted.written

    assert (600, rows, 5) == asyncio.run(case())
    assert rows[5:10] == stored(repo, rows[:10])


def test_an_async_iterable_is_for_the_awaited_repo(repo, rows):
    """A blocking repo refuses an async iterable and names AsyncRepo."""
    with pytest.raises(TypeError, match="use an AsyncRepo for an async iterable"):
        repo.save_many(asynchronous(repo.aio(), rows))


def test_bulk_work_of_an_event_loop_takes_no_thread(repo, rows):
    """Eight simultaneous bulk runs over slow async sources start no thread."""
    repo.save(rows[0])

    async def slow(instances):
        for row in instances:
            await asyncio.sleep(0.001)
            yield row

    async def case():
        async_repo, before = repo.aio(), threading.active_count()
        runs = [async_repo.save_many(slow(rows[number * 20 + 1 : number * 20 + 21])) for number in range(8)]
        tasks = asyncio.gather(*runs)
        await asyncio.sleep(0.01)
        during = threading.active_count()
        return [report.written for report in await tasks], during - before

    assert ([20] * 8, 0) == asyncio.run(case())


def test_a_run_that_is_cancelled_is_settled(repo, rows):
    """The cancellation carries a report that agrees with the table and the instances."""

    async def case():
        async_repo, reached = repo.aio(), asyncio.Event()

        async def endless():
            for row in rows[:500]:
                yield row
            reached.set()
            await asyncio.sleep(DRAIN_TIMEOUT)

        task = asyncio.ensure_future(async_repo.save_many(endless()))
        await reached.wait()
        task.cancel()
        try:
            await task
        except asyncio.CancelledError as error:
            return error

    error = asyncio.run(case())

    check(repo, rows, error.report, 500)
    assert 0 < error.report.written <= 500


INTERRUPTED = """
import signal, sys
from scyllamodel import Column, Model, Repo, column, partition_key
from scyllamodel.model.change_tracking import is_loaded

class Item(Model, table="bulk_items", repo="bulk"):
    id: Column[int] = partition_key()
    text: Column[str | None] = column(default=None)

def rows(start):
    for at in range(600):
        made.append(Item(id=start + at, text="y"))
        yield made[-1]
        if at == 300:
            signal.raise_signal(signal.SIGINT)  # in this very thread, at this very line

signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell ignores it
made = []
point, keyspace, start = sys.argv[1], sys.argv[2], int(sys.argv[3])
with Repo("bulk", nodes=[point], keyspace=keyspace) as repo:
    try:
        repo.save_many(rows(start))
    except KeyboardInterrupt as error:
        marked = sum(map(is_loaded, made))
        there = sum(row is not None for row in repo.get_many(Item, [row.id for row in made]))
        print(error.report.total == len(made), error.report.written == marked == there > 0)
"""


def test_a_run_that_is_interrupted_is_settled(repo, rows, scylla_cluster):
    """After Ctrl-C the report, the instances and the table agree."""
    command = [sys.executable, "-c", textwrap.dedent(INTERRUPTED), scylla_cluster.contact_points[0], repo.keyspace]
    result = subprocess.run([*command, str(rows[0].id)], capture_output=True, text=True, check=False)

    assert ("True True", 0) == (result.stdout.strip(), result.returncode), result.stderr
