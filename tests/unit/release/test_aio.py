"""Release functions to await."""

from __future__ import annotations

import asyncio
import inspect
import threading
from uuid import UUID

import pytest

import scyllamodel
from scyllamodel import (
    Column,
    ConfigurationError,
    Model,
    Repo,
    diff,
    diff_async,
    partition_key,
    snapshot,
    snapshot_async,
    wait_async,
)
from scyllamodel.release.aio import to_async_function


class Thing(Model, table="things", repo="awaited"):
    """What the lock file tells."""

    id: Column[UUID] = partition_key()


@pytest.fixture
def repo():
    """A repo that asks no server."""
    with Repo("awaited", nodes=["127.0.0.1:1"], keyspace="shop", models=[__name__]) as new_repo:
        yield new_repo


def released():
    """The names of the public functions that ask or change a server, or read models for it."""
    values = [name for name in scyllamodel._HOME if inspect.isfunction(getattr(scyllamodel, name))]
    return {name for name in values if getattr(scyllamodel, name).__module__.startswith("scyllamodel.release")}


def test_every_release_function_has_a_twin():
    """Every function has an async twin, except for the search for models, which sends no request."""
    twins = {name for name in released() if name.endswith("_async")}

    assert {f"{name}_async" for name in released() - twins - {"find_resources"}} == twins


@pytest.mark.parametrize("name", sorted(name for name in released() if name.endswith("_async")))
def test_a_twin_takes_what_the_function_takes(name):
    """A twin has the parameters of its function and another name, and calling it returns an awaitable."""
    twin, function = getattr(scyllamodel, name), getattr(scyllamodel, name.removesuffix("_async"))

    assert inspect.iscoroutinefunction(twin)
    assert inspect.signature(function) == inspect.signature(twin)
    assert (name, True) == (twin.__qualname__, f"`{function.__name__}`" in twin.__doc__)


def test_what_needs_no_server_is_the_same_awaited(repo):
    """Lock file and difference come out as from the functions, and so does their error."""

    async def both():
        return await snapshot_async(repo), await diff_async(repo, "empty", "models")

    assert (snapshot(repo), diff(repo, "empty")) == asyncio.run(both())


def test_a_repo_that_is_awaited_is_taken_too(repo):
    """Alone and in a list; the release side works through its blocking twin."""

    async def both():
        return await snapshot_async([repo.aio()]), await diff_async(repo.aio(), "empty", "models")

    assert (snapshot(repo), diff(repo, "empty")) == asyncio.run(both())
    with pytest.raises(ConfigurationError, match="unknown schema source"):
        asyncio.run(diff_async(repo, "nowhere"))


def test_the_wait_for_a_server_that_is_not_there_ends_in_its_error(repo):
    """The loop continues in the meantime, and the error is that of the last read."""

    async def waited():
        waiting = asyncio.create_task(wait_async(repo, timeout=0.3))
        ticks = 0
        while not waiting.done():
            await asyncio.sleep(0.01)
            ticks += 1
        return ticks, waiting.exception()

    ticks, error = asyncio.run(waited())

    assert isinstance(error, scyllamodel.ConnectionFailed)
    assert ticks > 3


def test_a_cancelled_wait_leaves_the_work_to_its_end():
    """A thread cannot be stopped in the middle of a plan; it finishes what it began."""
    started, resume, event = threading.Event(), threading.Event(), threading.Event()

    def work():
        started.set()
        resume.wait(10)
        event.set()

    async def cancelled():
        waiting = asyncio.create_task(to_async_function(work)())
        await asyncio.to_thread(started.wait, 10)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        was_done = event.is_set()
        resume.set()
        return was_done

    assert [False, True] == [asyncio.run(cancelled()), event.wait(10)]
