"""Bulk operations in an event loop: they do not wait for other threads, do not block tasks, and end in time."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from scyllamodel import Column, Model, column, delete, migrate, partition_key, select
from scyllamodel.driver.data import bulk
from scyllamodel.model.change_tracking import is_loaded

pytestmark = pytest.mark.live


class Part(Model, table="ends_parts", repo="ends_bulk"):
    """One row under a number."""

    id: Column[int] = partition_key()
    text: Column[str | None] = column(default=None)
    more: Column[str | None] = column(default=None)


@pytest.fixture(scope="module")
def repo(scylla_cluster, scylla_repo):
    """A repo with the table of this module."""
    with scylla_cluster.repo(scylla_repo.keyspace, name="ends_bulk") as new_repo:
        migrate(new_repo, resources=[Part])
        yield new_repo


@pytest.fixture
def proxied_repo(scylla_cluster, repo, scylla_fault_proxy):
    """A repo with a timeout of two seconds, behind a proxy that can fall silent; it is connected."""
    with scylla_cluster.repo(
        repo.keyspace, name="ends_bulk", nodes=[scylla_fault_proxy.address], request_timeout=2
    ) as new_repo:
        new_repo.save(Part(id=0, text="connected"))
        yield new_repo
        scylla_fault_proxy.heal()


@pytest.fixture
def rows():
    """Many new instances under keys that no other test uses."""
    start = uuid4().int % 10**12
    return [Part(id=start + number, text="x") for number in range(600)]


def slowly(rows, seconds=0.01):
    """Rows from a source that blocks between them."""
    for row in rows:
        time.sleep(seconds)
        yield row


def changed(repo, rows):
    """Save rows, and change them: the next save of each is an UPDATE."""
    repo.save_many(rows)
    for row in rows:
        row.more = "new"


def await_stored(repo, rows):
    """Wait until the rows are in the table."""
    while None in repo.get_many(Part, [row.id for row in rows]):
        time.sleep(0.05)


class Full:
    """An event loop whose default executor has one thread, which is busy."""

    async def __aenter__(self):
        self.end = threading.Event()
        pool = ThreadPoolExecutor(1)
        asyncio.get_running_loop().set_default_executor(pool)
        self.busy = asyncio.get_running_loop().run_in_executor(None, self.end.wait, 20)

    async def __aexit__(self, *_):
        self.end.set()
        await self.busy


async def timed(async_repo):
    """The number of seconds that an awaitable takes."""
    start = time.monotonic()
    await async_repo
    return time.monotonic() - start


def test_slow_sources_block_neither_the_loop_nor_other_requests(scylla_cluster, repo, rows):
    """While six runs read slow sources and the default executor is busy, all other verbs still complete quickly."""

    async def others(async_repo):
        async with async_repo.batch() as batch:
            batch.save(Part(id=rows[0].id + 10_000, text="batch"))
        await async_repo.raw(f"SELECT id FROM {repo.keyspace}.ends_parts WHERE id = ?", [1])
        await async_repo.delete_many([Part(id=rows[0].id + 10_000)])
        await async_repo.execute(delete(Part).where(Part.id == rows[0].id + 20_000))
        await async_repo.truncate(Part)

    async def case():
        async with Full(), scylla_cluster.repo(repo.keyspace, name="ends_bulk").aio() as async_repo:
            await async_repo.get(Part, id=1)
            runs = asyncio.gather(
                *(async_repo.save_many(slowly(rows[number * 100 : number * 100 + 100], 0.05)) for number in range(6))
            )
            await asyncio.sleep(0.1)
            elapsed = await timed(others(async_repo))
            assert not runs.done()
            return elapsed, [report.written for report in await runs]

    seconds, stored = asyncio.run(case())

    assert [100] * 6 == stored
    assert seconds < 3, "seconds, of which six sources take five"


def test_sources_may_use_the_repo(repo, rows):
    """Sources may call the repo, blocking or awaited, from their own threads, even when there are 40 of them."""
    repo.save_many(rows[:3])

    def asking(instances, async_repo):
        for row in instances:
            assert repo.get(Part, id=rows[0].id) == rows[0]
            assert asyncio.run(async_repo.get(Part, id=rows[1].id)) == rows[1]
            yield row

    async def case():
        async_repo = repo.aio()
        runs = [
            async_repo.save_many(asking(rows[number * 5 + 10 : number * 5 + 15], async_repo)) for number in range(40)
        ]
        return [report.written for report in await asyncio.wait_for(asyncio.gather(*runs), 60)]

    assert [5] * 40 == asyncio.run(case())


def test_a_source_that_gives_nothing_more_is_left(repo, rows):
    """Cancelling a run does not wait for a blocked source; the report counts the rows already received."""
    forever = threading.Event()

    def source():
        yield from rows[:20]
        forever.wait(30)

    async def case():
        start = time.monotonic()
        try:
            await asyncio.wait_for(repo.aio().save_many(source()), 0.5)
        except asyncio.TimeoutError as error:
            return time.monotonic() - start, error.__cause__ or error.__context__

    seconds, cancelled = asyncio.run(case())
    forever.set()

    assert seconds < 3
    assert (20, 20) == (cancelled.report.total, cancelled.report.written)
    assert all(map(is_loaded, rows[:20]))


def test_rows_that_were_read_ahead_are_in_the_report(repo, rows):
    """Rows that were read ahead but not sent are in the report."""

    def failing(progress):
        raise KeyError

    async def case():
        with pytest.raises(KeyError) as exc_info:
            await repo.aio().save_many((row for row in rows), on_progress=failing)
        return exc_info.value.report

    report = asyncio.run(case())

    assert report.total > report.sent
    assert report.written == sum(map(is_loaded, rows))
    assert list(range(report.total)) == sorted(
        [error.index for error in report.errors] + [index for index, row in enumerate(rows) if is_loaded(row)]
    )


def test_a_cancelled_run_is_settled_within_the_timeout_of_its_requests(proxied_repo, scylla_fault_proxy, rows):
    """With a silent server, a cancelled run ends within the request timeout, and the outcome of its rows is unknown."""

    async def case():
        async_repo = proxied_repo.aio()
        scylla_fault_proxy.black_hole()
        task = asyncio.ensure_future(async_repo.save_many(rows))
        await asyncio.sleep(0.2)
        task.cancel()
        start = time.monotonic()
        with pytest.raises(asyncio.CancelledError) as exc_info:
            await task
        return time.monotonic() - start, exc_info.value.report

    seconds, report = asyncio.run(case())

    assert seconds < 5
    assert 0 == report.written
    assert 64 <= report.total == len(report.errors)
    assert 64 == sum(error.error.may_be_applied for error in report.errors)
    assert not any(map(is_loaded, rows))


def test_a_run_that_is_cancelled_twice_ends_at_once(proxied_repo, scylla_fault_proxy, rows):
    """A second cancellation ends the run at once, and the rows in flight are reported with an unknown outcome."""

    async def case():
        scylla_fault_proxy.black_hole()
        task = asyncio.ensure_future(proxied_repo.aio().save_many(rows[:10]))
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.sleep(0.1)
        task.cancel()
        start = time.monotonic()
        with pytest.raises(asyncio.CancelledError) as exc_info:
            await task
        return time.monotonic() - start, exc_info.value.report

    seconds, report = asyncio.run(case())

    assert seconds < 0.5
    assert [True] * 10 == [error.error.may_be_applied for error in report.errors]


@pytest.mark.parametrize("mode", ["blocking", "awaited"])
def test_rows_whose_statement_cannot_be_prepared_have_that_error(
    repo, proxied_repo, scylla_fault_proxy, rows, *, monkeypatch, mode
):
    """If a statement cannot be prepared in the middle of a run, all its rows get that error after a single wait."""
    monkeypatch.setattr(bulk, "RETRY_PAUSES", (0.1, 0.5))
    changed(repo, rows[100:160])

    def source():
        yield from rows[1:100]
        await_stored(repo, rows[1:100])
        scylla_fault_proxy.black_hole()
        yield from rows[100:160]

    start = time.monotonic()
    if mode == "blocking":
        report = proxied_repo.save_many(source(), raise_errors=False)
    else:
        report = asyncio.run(proxied_repo.aio().save_many(source(), raise_errors=False))

    assert time.monotonic() - start < 30
    assert list(range(99, 159)) == [error.index for error in report.errors]
    assert {"RequestTimeout"} == {type(error.error).__name__ for error in report.errors}
    assert all(map(is_loaded, rows[1:100]))
    assert all(row.more is None for row in repo.get_many(Part, [row.id for row in rows[100:160]]))


def test_a_statement_that_could_not_be_prepared_is_prepared_again(repo, proxied_repo, scylla_fault_proxy, rows):
    """Preparing a statement is retried like a read, even if the server is silent for longer than a request timeout."""
    changed(repo, rows[50:100])

    def source():
        yield from rows[:50]
        await_stored(repo, rows[:50])
        scylla_fault_proxy.black_hole()
        threading.Timer(3, scylla_fault_proxy.heal).start()
        yield from rows[50:100]

    assert 100 == proxied_repo.save_many(source()).written
    assert ["new"] * 50 == [row.more for row in repo.get_many(Part, [row.id for row in rows[50:100]])]


def test_a_loop_that_is_busy_with_bulk_work_answers_others(repo, rows):
    """Other requests are served while the event loop saves a list of rows."""

    async def case():
        async_repo = repo.aio()
        task = asyncio.ensure_future(async_repo.save_many(rows))
        await async_repo.first(select(Part.id).limit(1))
        return await task

    assert 600 == asyncio.run(case()).written
