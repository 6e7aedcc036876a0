"""Awaited calls that can never continue: their coroutine or loop is closed, or their task is not referenced."""

from __future__ import annotations

import asyncio
import gc
import sys

import pytest

from scyllamodel import AsyncRepo, Column, Model, clustering_key, column, migrate, partition_key, select
from scyllamodel.model import change_tracking
from scyllamodel.model.change_tracking import uncertain_columns

pytestmark = pytest.mark.live


class Leaf(Model, table="closed_leaves", repo="closed"):
    """A row whose list shows whether an append was applied twice."""

    book: Column[str] = partition_key()
    number: Column[int] = clustering_key()
    lines: Column[list[str]] = column(factory=list)


@pytest.fixture(scope="module")
def repo(scylla_cluster, scylla_repo):
    """The table of this module."""
    with scylla_cluster.repo(scylla_repo.keyspace, name="closed") as new_repo:
        migrate(new_repo, resources=[Leaf])
        yield new_repo


@pytest.fixture
def proxied_repo(scylla_cluster, repo, scylla_fault_proxy):
    """A repo behind a proxy that passes nothing once a test blocks it."""
    with scylla_cluster.repo(
        repo.keyspace, name="closed", nodes=[scylla_fault_proxy.address], request_timeout=3.0
    ) as new_repo:
        warm = Leaf(book="warm", number=0, lines=["a"])
        new_repo.save(warm)
        warm.lines.append("b")
        new_repo.save(warm)
        new_repo.delete(warm)
        yield new_repo
        scylla_fault_proxy.heal()


@pytest.fixture(autouse=True)
def unraisable(monkeypatch):
    """Exceptions that the interpreter could only print, because they were raised where nothing can catch them."""
    results = []
    monkeypatch.setattr(sys, "unraisablehook", lambda output: results.append(repr(output.exc_value)))
    yield results
    gc.collect()
    assert [] == results
    assert {} == change_tracking._instances_being_written


async def save(repo, rows):
    """Save one instance."""
    await repo.save(rows[0])


async def insert(repo, rows):
    """Insert one instance."""
    await repo.insert(rows[0])


async def batch(repo, rows):
    """Save all instances in one batch."""
    async with repo.batch() as new_batch:
        for row in rows:
            new_batch.save(row)


async def save_many(repo, rows):
    """Save the instances one by one in bulk."""
    await repo.save_many(rows)


async def by_partition(repo, rows):
    """Save the instances in batches by partition."""
    await repo.save_many(rows, by_partition=True)


async def from_a_source(repo, rows):
    """Save the instances as another thread reads them."""
    await repo.save_many(row for row in rows)


WRITES = pytest.mark.parametrize("write", [save, insert, batch, save_many, by_partition, from_a_source])


def start_task(case):
    """Run a case in a loop that is then closed, and return the task that can never continue."""
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # that the task was pending is what this is about

    async def main():
        task = asyncio.ensure_future(case)
        await asyncio.sleep(0.2)
        assert not task.done()
        return task

    task = loop.run_until_complete(main())
    loop.close()
    return task


def collect():
    """Run the garbage collector inside another loop, where a coroutine that is being closed could await something."""

    async def main():
        gc.collect()

    asyncio.run(main())


def changed(repo, book):
    """Loaded pages whose lists have grown, so that a second append would show."""
    rows = [Leaf(book=book, number=number, lines=["one"]) for number in range(3)]
    repo.save_many(rows)
    for row in rows:
        row.lines.append("two")
    return rows


def agree(repo, rows):
    """Save all instances, and compare them with their rows."""
    for row in rows:
        repo.save(row)
    assert [["one", "two"]] * len(rows) == [repo.get(Leaf, book=row.book, number=row.number).lines for row in rows]


@WRITES
@pytest.mark.parametrize("passes", [True, False])
def test_an_instance_is_not_being_written_by_a_loop_that_was_closed(
    repo, proxied_repo, scylla_fault_proxy, write, passes
):
    """After its loop is closed, an instance can be saved again, even while the task is still referenced."""
    rows = changed(repo, f"held {write.__name__} {passes}")
    scylla_fault_proxy.black_hole()
    task = start_task(write(proxied_repo.aio(), rows))
    if passes:
        scylla_fault_proxy.heal()

    agree(repo, rows)
    del task
    collect()
    assert [frozenset()] * 3 == [uncertain_columns(row) for row in rows]
    agree(repo, rows)


@WRITES
def test_an_instance_is_not_being_written_by_a_task_that_was_collected(repo, proxied_repo, scylla_fault_proxy, write):
    """After its task is collected, an instance can be saved again, and the changed column is marked uncertain."""
    rows = changed(repo, f"collected {write.__name__}")
    scylla_fault_proxy.black_hole()
    start_task(write(proxied_repo.aio(), rows))
    proxied_repo.close()
    collect()

    assert {} == change_tracking._instances_being_written
    assert {"lines"} == uncertain_columns(rows[0])
    agree(repo, rows)


@WRITES
def test_a_coroutine_that_is_closed_gives_its_instances_back(repo, proxied_repo, scylla_fault_proxy, write):
    """After its coroutine is closed, an instance can be saved again; the unanswered write may have been applied."""
    rows = changed(repo, f"closed {write.__name__}")
    scylla_fault_proxy.black_hole()
    task = start_task(write(proxied_repo.aio(), rows))
    task.get_coro().close()

    assert {} == change_tracking._instances_being_written
    assert {"lines"} == uncertain_columns(rows[0])
    agree(repo, rows)


def test_a_bulk_run_whose_loop_was_closed_sends_nothing_more(repo, proxied_repo, scylla_fault_proxy):
    """Queued rows of a run whose loop was closed are never sent, so they cannot overwrite later writes."""
    rows = changed(repo, "waiting")
    scylla_fault_proxy.black_hole()
    task = start_task(proxied_repo.aio().save_many(rows, concurrency=1))
    agree(repo, rows)
    for row in rows:
        row.lines = ["last"]
    repo.save_many(rows)
    scylla_fault_proxy.heal()
    proxied_repo.save_many([Leaf(book="after", number=number) for number in range(9)])

    assert [["last"]] * 3 == [repo.get(Leaf, book="waiting", number=row.number).lines for row in rows]
    del task


async def all_rows(rows):
    """Read all rows."""
    return [row async for row in rows]


async def listen(event):
    """A listener that must be awaited."""
    del event
    await asyncio.sleep(0)


VERBS = {
    "get": lambda async_repo: async_repo.get(Leaf, book="x", number=1),
    "save": lambda async_repo: async_repo.save(Leaf(book="x", number=1)),
    "get_many": lambda async_repo: async_repo.get_many(Leaf, [("x", 1), ("x", 2)]),
    "save_many": lambda async_repo: async_repo.save_many([Leaf(book="x", number=number) for number in range(4)]),
    "stream": lambda async_repo: all_rows(async_repo.stream(select(Leaf).where(Leaf.book == "x"))),
    "scan": lambda async_repo: all_rows(async_repo.scan(Leaf, parallelism=3)),
}


@pytest.mark.parametrize("listener", [None, listen])
@pytest.mark.parametrize("verb", sorted(VERBS))
def test_what_is_collected_with_its_loop_is_silent(repo, scylla_fault_proxy, unraisable, verb, listener):
    """Collecting coroutines with their closed loop raises nothing, even with an async listener."""
    where = {"nodes": [scylla_fault_proxy.address], "keyspace": repo.keyspace}
    other = AsyncRepo("closed", **where, on_query=listener)
    asyncio.run(VERBS[verb](other))
    scylla_fault_proxy.black_hole()
    start_task(VERBS[verb](other))
    collect()
    assert [] == unraisable
    scylla_fault_proxy.heal()
    asyncio.run(other.close())


@WRITES
def test_an_unreferenced_task_runs_to_its_end(repo, proxied_repo, scylla_fault_proxy, write):
    """A task that nothing references runs to its end while its loop is running, as in other libraries."""
    rows = changed(repo, f"forgotten {write.__name__}")

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: output.append(context["message"]))
        asyncio.ensure_future(write(proxied_repo.aio(), rows))  # noqa: RUF006 - the case: it is not referenced
        await asyncio.sleep(0.1)
        gc.collect()
        scylla_fault_proxy.heal()
        await asyncio.sleep(0.5)

    output = []
    scylla_fault_proxy.black_hole()
    asyncio.run(main())
    assert [] == output
    assert {} == change_tracking._instances_being_written
    assert ["one", "two"] == repo.get(Leaf, book=rows[0].book, number=0).lines
