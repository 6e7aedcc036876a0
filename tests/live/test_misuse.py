"""Misuse that only a server could answer silently, and async functions that an AsyncRepo awaits."""

from __future__ import annotations

import asyncio
from datetime import datetime, timezone
from uuid import uuid1

import pytest

from scyllamodel import (
    AsyncRepo,
    Column,
    Model,
    QueryNotSupported,
    TypeMismatch,
    clustering_key,
    column,
    migrate,
    partition_key,
    select,
    update,
)
from scyllamodel import types as cql
from scyllamodel.testing import keyspaces
from support.sync_and_async import WAYS, run_in_mode

pytestmark = pytest.mark.live


class Misused(Model, table="misused", repo="misuse"):
    """A row."""

    id: Column[int] = partition_key()
    at: Column[cql.TimeUUID] = clustering_key()
    number: Column[int | None] = column(default=None)
    text: Column[str | None] = column(default=None)


@pytest.fixture(scope="module")
def repo(scylla_cluster):
    """The table of this module."""
    with scylla_cluster.repo(keyspaces.unique_name("misuse"), name="misuse") as new_repo:
        migrate(new_repo, resources=[Misused], create_keyspace=True)
        yield new_repo


@pytest.mark.parametrize("mode", WAYS)
def test_raw_text_takes_a_value_for_each_marker(repo, mode):
    """Raw CQL needs a value for each marker, since missing ones would silently leave columns unchanged."""
    table, at = f"{repo.keyspace}.misused", uuid1()

    def case(on):
        insert = f"INSERT INTO {table} (id, at, number, text) VALUES (?, ?, ?, ?)"
        for values in ([1, at, 3], [1, at, 3, "a", "b"], (), {"id": 1, "at": at}):
            with pytest.raises(TypeError, match=r"value for each marker.*4 \(id, at, number, text\)"):
                on.raw(insert, values)
        change = f"UPDATE {table} SET number = :n, text = :t WHERE id = :id AND at = :at"
        with pytest.raises(TypeError, match="t is missing"):
            on.raw(change, {"n": 1, "id": 1, "at": at})
        assert on.get(Misused, id=1, at=at) is None

        on.raw(insert, {"id": 1, "at": at, "number": 3, "text": None})
        on.raw(f"INSERT INTO {table} (id, at, text) VALUES (1, {at}, 'why?') /* ? */")
        assert on.get(Misused, id=1, at=at) == Misused(id=1, at=at, number=3, text="why?")

    run_in_mode(mode, case, repo)


@pytest.mark.parametrize("mode", WAYS)
def test_any_is_for_plain_writes(repo, mode):
    """Conditional writes and reads at consistency ANY are refused; plain writes are accepted."""
    at = uuid1()

    def case(on):
        change = update(Misused).where(Misused.id == 1, Misused.at == at).set(Misused.number.to(1))
        on.execute(change.consistency("ANY"))
        with pytest.raises(QueryNotSupported, match="conditional update of Misused at consistency ANY"):
            on.execute(change.if_(Misused.number == 1).consistency("ANY"))
        with pytest.raises(QueryNotSupported, match="read of Misused at consistency ANY"):
            on.all(select(Misused).where(Misused.id == 1).consistency("ANY"))
        batch = on.batch().consistency("ANY")
        batch.execute(change.if_(Misused.number == 1))
        with pytest.raises(QueryNotSupported, match="conditional batch of Misused at consistency ANY"):
            on.send(batch)

    run_in_mode(mode, case, repo)


@pytest.mark.parametrize("mode", WAYS)
def test_values_of_another_type_name_their_column(repo, mode):
    """A value of the wrong type is refused with its column: a datetime for a TimeUUID, NaN for an integer."""

    def case(on):
        with pytest.raises(TypeMismatch, match=r"Misused\.at: .*got datetime: write uuid\.uuid1\(\)"):
            on.save(Misused(id=1, at=datetime(2026, 1, 1, tzinfo=timezone.utc)))
        with pytest.raises(TypeMismatch, match=r"Misused\.number: nan .*write None"):
            on.save(Misused(id=1, at=uuid1(), number=float("nan")))

    run_in_mode(mode, case, repo)


def test_an_async_on_query_is_awaited(repo):
    """An async on_query is awaited before any verb returns, also in bulk; its exception fails no request."""
    kinds, fails = [], []

    async def on_query(event):
        await asyncio.sleep(0.01)
        kinds.append(event.kind)
        if fails:
            raise RuntimeError("a listener that fails")

    async def run():
        async with AsyncRepo(nodes=repo.settings.nodes, keyspace=repo.keyspace, on_query=on_query) as watched:
            row = Misused(id=5, at=uuid1())
            await watched.save(row)
            assert ["prepare", "write"] == kinds
            await watched.raw(f"SELECT * FROM {repo.keyspace}.misused WHERE id = ?", [5])
            assert ["prepare", "write", "read"] == kinds
            await watched.save_many([Misused(id=6, at=uuid1()) for _ in range(10)])
            assert ["prepare", "write", "read"] + ["write"] * 10 == kinds
            kinds.clear()
            async with watched.batch() as batch:
                batch.save(Misused(id=7, at=uuid1()))
            assert [row async for row in watched.stream(select(Misused).where(Misused.id == 7))]
            assert ["batch", "prepare", "read"] == kinds
            kinds.clear()
            assert 12 <= len([row async for row in watched.scan(Misused)])
            assert kinds
            fails.append("from here on")
            assert await watched.get(Misused, id=5, at=row.at) == row

    asyncio.run(run())


def test_an_async_on_progress_is_awaited(repo):
    """An async on_progress is awaited in the order of the rows, and its exception ends the run with a report."""
    rows = [Misused(id=8, at=uuid1()) for _ in range(10)]

    async def run():
        target, results = repo.aio(), []

        async def on_progress(progress):
            await asyncio.sleep(0.001)
            results.append(progress.done if hasattr(progress, "failed") else progress.rows)

        await target.save_many(rows, on_progress=on_progress)
        assert list(range(1, 11)) == results
        await target.get_many(Misused, [(row.id, row.at) for row in rows], on_progress=on_progress)
        await target.delete_many(rows[:1], on_progress=on_progress)
        assert [*range(1, 11), *range(1, 11), 1] == results
        results.clear()
        result = [row async for row in target.scan(Misused, on_progress=on_progress)]
        assert len(result) == results[-1]

        async def stop(progress):
            raise KeyError("enough")

        with pytest.raises(KeyError, match="enough") as raised:
            await target.save_many([Misused(id=9, at=uuid1()) for _ in range(10)], on_progress=stop)
        assert 10 == raised.value.report.written

    asyncio.run(run())
