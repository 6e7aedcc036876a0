"""Errors that are not awaited, listeners that fail, and limits of a server: what the caller is shown."""

from __future__ import annotations

import asyncio
import gc
import logging

import pytest

from scyllamodel import Column, Model, RequestFailed, column, migrate, partition_key, select
from scyllamodel.driver.async_repo import AsyncRepo
from scyllamodel.driver.data.requests import MAX_FRAME_BYTES
from scyllamodel.driver.outcomes import server_message

pytestmark = pytest.mark.live


class Pane(Model, table="ends_panes", repo="ends_truth"):
    """One row under a number."""

    id: Column[int] = partition_key()
    text: Column[str | None] = column(default=None)


@pytest.fixture(scope="module")
def repo(scylla_cluster, scylla_repo):
    """A repo with the table of this module."""
    with scylla_cluster.repo(scylla_repo.keyspace, name="ends_truth") as new_repo:
        migrate(new_repo, resources=[Pane])
        yield new_repo


@pytest.fixture
def broken(scylla_cluster, repo, scylla_fault_proxy):
    """A repo with a timeout of one second, behind a proxy that can fall silent."""
    with scylla_cluster.repo(
        repo.keyspace, name="ends_truth", nodes=[scylla_fault_proxy.address], request_timeout=1
    ) as new_repo:
        new_repo.get(Pane, id=1)
        yield new_repo
        scylla_fault_proxy.heal()


def complaints(case):
    """Messages that asyncio reports while a case runs and when its objects are collected."""
    output = []

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: output.append(context["message"]))
        await case()
        gc.collect()
        await asyncio.sleep(0)

    asyncio.run(main())
    gc.collect()
    return output


def test_errors_of_abandoned_ranges_are_silent(broken, scylla_fault_proxy):
    """When one range of a scan fails, simultaneous errors of the other ranges are not reported to the loop."""

    async def case():
        scan = broken.aio().scan(select(Pane.text), parallelism=8)
        scylla_fault_proxy.black_hole()
        with pytest.raises(RequestFailed):
            await anext(aiter(scan))

    assert [] == complaints(case)


@pytest.mark.parametrize("what", ["prepared", "new", "rows"])
def test_errors_after_a_cancellation_are_silent(broken, scylla_fault_proxy, what):
    """Reads, prepares and bulk writes that fail after their task was cancelled are not reported to the loop."""
    requests = {
        "prepared": lambda repo: repo.get(Pane, id=1),
        "new": lambda repo: repo.all(select(Pane.text).where(Pane.id == 1)),
        "rows": lambda repo: repo.save_many(Pane(id=number) for number in range(5)),
    }

    async def case():
        scylla_fault_proxy.black_hole()
        tasks = [asyncio.ensure_future(requests[what](broken.aio())) for _ in range(20)]
        await asyncio.sleep(0.3)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(2)

    assert [] == complaints(case)


class Raising(logging.Handler):
    """A logging handler that lets its exceptions through, as some do in practice."""

    def emit(self, record):  # noqa: ARG002 - of the base class
        raise OSError("no space left on device")


@pytest.fixture
def raising():
    """The query logger with such a handler."""
    logger, handler = logging.getLogger("scyllamodel.query"), Raising()
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


def fail(event):
    """A listener that fails."""
    raise KeyError(event.kind)


async def fail_later(event):
    """A listener that fails when it is awaited."""
    fail(event)


@pytest.mark.usefixtures("raising")
def test_a_log_handler_that_raises_fails_no_request(scylla_cluster, repo):
    """Requests succeed although the log handler raises, under slow_query and after on_query raised."""
    settings = {"slow_query": 0.0000001, "on_query": fail}
    with scylla_cluster.repo(repo.keyspace, name="ends_truth", **settings) as watched:
        watched.save(Pane(id=1, text="written"))
        watched.save_many([Pane(id=2)])

        assert "written" == watched.get(Pane, id=1).text
        assert [(1,)] == [tuple(row) for row in watched.raw(f"SELECT id FROM {repo.keyspace}.ends_panes WHERE id=1")]


@pytest.mark.usefixtures("raising")
def test_a_log_handler_that_raises_fails_no_awaited_request(scylla_cluster, repo):
    """Awaited requests succeed although the log handler raises, also when an async on_query raises."""
    point = scylla_cluster.contact_points[0]

    async def case():
        async with AsyncRepo(
            "ends_truth", nodes=[point], keyspace=repo.keyspace, slow_query=0.0000001, on_query=fail_later
        ) as watched:
            await watched.save(Pane(id=3, text="awaited"))
            return (await watched.get(Pane, id=3)).text

    assert "awaited" == asyncio.run(case())


def scanned(async_repo):
    """The first row of a scan."""
    return anext(aiter(async_repo.scan(Pane)))


def streamed(async_repo):
    """The first row of a stream."""
    return anext(aiter(async_repo.stream(select(Pane).whole_table())))


VERBS = {
    "get": lambda async_repo: async_repo.get(Pane, id=1),
    "save": lambda async_repo: async_repo.save(Pane(id=1)),
    "save_many": lambda async_repo: async_repo.save_many([Pane(id=1)]),
    "save_many of an iterator": lambda async_repo: async_repo.save_many(iter([Pane(id=1)])),
    "get_many": lambda async_repo: async_repo.get_many(Pane, [1]),
    "raw": lambda async_repo: async_repo.raw("SELECT now() FROM system.local"),
    "truncate": lambda async_repo: async_repo.truncate(Pane),
    "page": lambda async_repo: async_repo.page(select(Pane).whole_table()),
    "batch": lambda async_repo: filled(async_repo).send(),
    "scan": scanned,
    "stream": streamed,
    "close": lambda async_repo: async_repo.close(),
}


def filled(async_repo):
    """Send a batch with one row."""
    batch = async_repo.batch()
    batch.save(Pane(id=9))
    return batch


@pytest.mark.parametrize("verb", sorted(VERBS))
@pytest.mark.parametrize("state", ["connected", "not connected"])
def test_a_verb_without_asyncio_says_what_to_write(scylla_cluster, repo, verb, state):
    """A verb that is awaited without an event loop of asyncio, as under trio, says what to write instead."""
    with scylla_cluster.repo(repo.keyspace, name="ends_truth") as other:
        if state == "connected":
            other.get(Pane, id=1)
        with pytest.raises(RuntimeError, match=r"under anyio with trio, call a Repo in a thread"):
            VERBS[verb](other.aio()).__await__().send(None)


def test_a_value_that_the_server_does_not_take_is_refused_in_its_words(repo):
    """A refusal quotes the server, and the next request succeeds. Cassandra 4.0 reports it as a failed write."""
    with pytest.raises(RequestFailed) as exc_info:
        repo.save(Pane(id=4, text="x" * (MAX_FRAME_BYTES - 20)))
    repo.save(Pane(id=4, text="short"))

    assert server_message(exc_info.value.__cause__) in str(exc_info.value)
    assert "short" == repo.get(Pane, id=4).text
