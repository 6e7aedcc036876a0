"""Async versions of the release functions."""

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
    """The model whose lock file is compared."""

    id: Column[UUID] = partition_key()


@pytest.fixture
def repo():
    """A repo that is never connected."""
    with Repo("awaited", nodes=["127.0.0.1:1"], keyspace="shop", models=[__name__]) as new_repo:
        yield new_repo


def released():
    """The names of the public release functions, which read models or access a server."""
    values = [name for name in scyllamodel._HOME if inspect.isfunction(getattr(scyllamodel, name))]
    return {name for name in values if getattr(scyllamodel, name).__module__.startswith("scyllamodel.release")}


def test_every_release_function_has_a_twin():
    """Every release function has an async version, apart from the search for models, which sends no request."""
    twins = {name for name in released() if name.endswith("_async")}

    assert {f"{name}_async" for name in released() - twins - {"find_resources"}} == twins


@pytest.mark.parametrize("name", sorted(name for name in released() if name.endswith("_async")))
def test_a_twin_takes_what_the_function_takes(name):
    """The async version has the same parameters and another name, and returns an awaitable."""
    twin, function = getattr(scyllamodel, name), getattr(scyllamodel, name.removesuffix("_async"))

    assert inspect.iscoroutinefunction(twin)
    assert inspect.signature(function) == inspect.signature(twin)
    assert (name, True) == (twin.__qualname__, f"`{function.__name__}`" in twin.__doc__)


def test_what_needs_no_server_is_the_same_awaited(repo):
    """A lock file, a difference and an error are the same in both versions."""

    async def both():
        return await snapshot_async(repo), await diff_async(repo, "empty", "models")

    assert (snapshot(repo), diff(repo, "empty")) == asyncio.run(both())


def test_a_repo_that_is_awaited_is_taken_too(repo):
    """An `AsyncRepo` is accepted on its own and in a list, and its blocking counterpart is used."""

    async def both():
        return await snapshot_async([repo.aio()]), await diff_async(repo.aio(), "empty", "models")

    assert (snapshot(repo), diff(repo, "empty")) == asyncio.run(both())
    with pytest.raises(ConfigurationError, match="unknown schema source"):
        asyncio.run(diff_async(repo, "nowhere"))


def test_the_wait_for_a_server_that_is_not_there_ends_in_its_error(repo):
    """While waiting the loop continues, and the error is that of the last attempt."""

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
    """The thread of a cancelled call finishes its work, since it cannot be stopped in the middle of a plan."""
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
