"""Reads and writes through models, compared with the bare driver, on one node on the client's machine."""

from __future__ import annotations

import asyncio
import gc
import random
import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import attrs
from cassandra.cluster import EXEC_PROFILE_DEFAULT
from cassandra.concurrent import execute_concurrent_with_args
from cassandra.query import BatchStatement, BatchType, tuple_factory

from benchmarks.bare_driver import bare_session
from benchmarks.callbacks import run_callbacks
from benchmarks.harness import Figure, compare, progress
from benchmarks.latency import latencies
from benchmarks.peers import peers
from benchmarks.rows import Plain, Rich, Slotted, Spread, plain, read_row, rich
from scyllamodel import Repo, migrate, select
from scyllamodel.driver.data.api_base import client_of
from scyllamodel.local import LocalCluster
from scyllamodel.query.instances import statements_for

SEED = random.Random(1)
READ, STREAM, SCAN, BULK = 10_000, 100_000, 200_000, 10_000


@attrs.frozen
class Bench:
    """A repo with filled tables, and a driver session with default settings, on its own cluster."""

    repo: Repo
    session: Any

    def prepare(self, text: str) -> Any:
        """Prepare a statement on the driver session."""
        return self.session.prepare(text.replace("FROM ", f"FROM {self.repo.keyspace}."))

    @property
    def tuned(self) -> Any:
        """The execution profile of a hand-tuned program: rows as tuples."""
        return self.session.execution_profile_clone_update(EXEC_PROFILE_DEFAULT, row_factory=tuple_factory)


def figures() -> Iterator[Figure]:
    """All figures of reads and writes, on one node."""
    with LocalCluster(benchmark=True) as cluster, cluster.repo("bench", name="bench_data") as repo:
        migrate(repo, resources=[Plain, Rich, Spread], create_keyspace=True)
        progress("data: filling tables")
        repo.save_many((plain(1, SEED) for _ in range(READ)), by_partition=True)
        repo.save_many((rich(1) for _ in range(READ)), by_partition=True)
        with bare_session(cluster) as session:
            bench = Bench(repo, session)
            for make in (_one_row, _written, _read, _loaded, _streamed, _bulk, _batched, _async, _scanned):
                yield from make(bench)
            yield from latencies(repo, session)
            yield from peers(cluster, session, repo.keyspace, READ)


def _one_row(bench: Bench) -> Iterator[Figure]:
    """Reads of one row by its key."""
    row = plain(2, SEED)
    bench.repo.save(row)
    prepared = bench.prepare("SELECT * FROM plain WHERE part = ? AND id = ?")
    key, profile = (2, row.id), bench.tuned

    def ours() -> Any:
        return bench.repo.get(Plain, part=2, id=row.id)

    yield compare(
        "get one row",
        "session.execute of a prepared statement, driver defaults",
        ours,
        lambda: bench.session.execute(prepared, key).one(),
        target="wall <= 0.70, cpu <= 0.50",
        number=500,
        note="1 round trip each",
    )
    yield compare(
        "get one row",
        "the same, rows as tuples by a profile of its own",
        ours,
        lambda: bench.session.execute(prepared, key, execution_profile=profile).one(),
        target="wall <= 1.05",
        number=500,
        note="1 round trip each",
    )


def _written(bench: Bench) -> Iterator[Figure]:
    """Inserts of one row, and changes of one."""
    insert = bench.session.prepare(
        f"INSERT INTO {bench.repo.keyspace}.plain (part, id, name, title, body, kind, size, score, seen, flag) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    )
    row = plain(3, SEED)
    values = tuple(getattr(row, name) for name in Plain.__columns__)
    yield compare(
        "insert one row",
        "prepared insert",
        lambda: bench.repo.insert(row),
        lambda: bench.session.execute(insert, values),
        target="wall <= 0.75, cpu <= 0.60",
        number=500,
        note="1 round trip each",
    )
    update = bench.session.prepare(f"UPDATE {bench.repo.keyspace}.plain SET size = ? WHERE part = ? AND id = ?")
    sizes = iter(range(10**9))

    def changed() -> None:
        row.size = next(sizes) % 2**31
        bench.repo.save(row)

    yield compare(
        "save one changed column",
        "prepared update",
        changed,
        lambda: bench.session.execute(update, (next(sizes) % 2**31, 3, row.id)),
        target="wall <= 0.85, cpu <= 0.70",
        number=500,
        note="1 round trip each",
    )
    access, requests = statements_for(Plain, bench.repo.keyspace), client_of(bench.repo).requests()
    yield compare(
        "build and bind an insert of 10 columns, no network",
        "PreparedStatement.bind",
        lambda: requests.prepare_and_bind(access.insert(row).compiled),
        lambda: insert.bind(values),
        target="cpu <= 0.3",
        number=20_000,
    )


def _read(bench: Bench) -> Iterator[Figure]:
    """Reads of many rows of one partition into objects."""
    prepared = bench.prepare("SELECT * FROM plain WHERE part = ?")
    query = select(Plain).where(Plain.part == 1)
    yield compare(
        f"read {READ:,} rows of 10 columns into objects",
        "named tuples of the driver",
        lambda: bench.repo.all(query),
        lambda: list(bench.session.execute(prepared, (1,))),
        target="wall <= 0.90, cpu <= 0.85",
        note="2 pages each",
    )
    hundred = query.limit(100)
    limited = bench.prepare("SELECT * FROM plain WHERE part = ? LIMIT 100")
    yield compare(
        "read 100 rows",
        "named tuples of the driver",
        lambda: bench.repo.all(hundred),
        lambda: list(bench.session.execute(limited, (1,))),
        target="",
        number=100,
        note="1 round trip each",
    )
    converted = bench.prepare("SELECT * FROM rich WHERE part = ?")
    rich_query = select(Rich).where(Rich.part == 1)
    yield compare(
        f"read {READ:,} rows with set, map, date, inet, user type, list",
        "the same conversions, hand-written",
        lambda: bench.repo.all(rich_query),
        lambda: [read_row(row) for row in bench.session.execute(converted, (1,))],
        target="wall <= 1.0",
        note="2 pages each",
    )


def _loaded(bench: Bench) -> Iterator[Figure]:
    """Memory of the rows that were read, values included."""
    query = select(Plain).where(Plain.part == 1)
    names = ", ".join(Plain.__columns__)
    prepared, profile = bench.prepare(f"SELECT {names} FROM plain WHERE part = ?"), bench.tuned

    def slotted() -> list[Slotted]:
        return [Slotted(*row) for row in bench.session.execute(prepared, (1,), execution_profile=profile)]

    ours, theirs = _memory(lambda: bench.repo.all(query)), _memory(slotted)
    yield Figure(
        "memory of a loaded row, bytes",
        "a slotted attrs object of the same fields",
        ours / READ,
        theirs / READ,
        ours / theirs,
        target="wall <= 1.28",
        note="values included; the row is kept to find changes",
    )


def _memory(make: Callable[[], Any]) -> int:
    gc.collect()
    tracemalloc.start()
    values = make()
    gc.collect()
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del values
    return size


def _busy() -> None:
    """Work for 20 microseconds."""
    end = time.perf_counter() + 20e-6
    while time.perf_counter() < end:
        pass


def _streamed(bench: Bench) -> Iterator[Figure]:
    """A long read with work on each row."""
    bench.repo.save_many((plain(9, SEED) for _ in range(STREAM)), by_partition=True)
    prepared = bench.prepare("SELECT * FROM plain WHERE part = ?")
    query = select(Plain).where(Plain.part == 9)

    def work(rows: Any) -> None:
        for _ in rows:
            _busy()

    yield compare(
        f"stream {STREAM:,} rows with 20 us of work each",
        "paging of the driver",
        lambda: work(bench.repo.stream(query)),
        lambda: work(bench.session.execute(prepared, (9,))),
        target="wall <= 0.85",
        rounds=3,
        note=f"{STREAM // 5000} pages each; the work is a busy loop beside a server on the same cores",
    )


def _bulk(bench: Bench) -> Iterator[Figure]:
    """Writes of many rows."""
    rows = [plain(part, SEED) for part in range(100, 100 + BULK)]
    insert = bench.session.prepare(
        f"INSERT INTO {bench.repo.keyspace}.plain (part, id, name, title, body, kind, size, score, seen, flag) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    )
    values = [tuple(getattr(row, name) for name in Plain.__columns__) for row in rows]
    grouped = [plain(part // 50, SEED) for part in range(10**6, 10**6 + BULK)]
    grouped_values = [tuple(getattr(row, name) for name in Plain.__columns__) for row in grouped]

    def fresh(value: list[Plain]) -> list[Plain]:
        return [row.replace() for row in value]

    news = [fresh(rows) for _ in range(5)]
    groups = [fresh(grouped) for _ in range(5)]
    yield compare(
        f"save_many {BULK:,} rows, 64 in flight",
        "execute_concurrent_with_args, 64",
        lambda: bench.repo.save_many(news.pop(), concurrency=64),
        lambda: execute_concurrent_with_args(bench.session, insert, values, concurrency=64),
        target="wall <= 0.60, cpu <= 0.60",
        rounds=4,
        note=f"{BULK:,} round trips each",
    )
    yield compare(
        f"save_many {BULK:,} rows, 50 of each partition, grouped",
        "execute_concurrent_with_args, 64",
        lambda: bench.repo.save_many(groups.pop(), concurrency=8, by_partition=True),
        lambda: execute_concurrent_with_args(bench.session, insert, grouped_values, concurrency=64),
        target="wall <= 0.2",
        rounds=4,
        note=f"{BULK // 50} round trips against {BULK:,}",
    )


def _batched(bench: Bench) -> Iterator[Figure]:
    """A batch of 50 rows of one partition."""
    insert = bench.session.prepare(
        f"INSERT INTO {bench.repo.keyspace}.plain (part, id, name, title, body, kind, size, score, seen, flag) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    )
    rows = [plain(4, SEED) for _ in range(50)]
    values = [tuple(getattr(row, name) for name in Plain.__columns__) for row in rows]

    def ours() -> None:
        with bench.repo.batch().unlogged() as batch:
            for row in rows:
                batch.insert(row)

    def theirs() -> None:
        batch = BatchStatement(BatchType.UNLOGGED)
        for value in values:
            batch.add(insert, value)
        bench.session.execute(batch)

    yield compare(
        "unlogged batch of 50 rows", "BatchStatement", ours, theirs, target="", number=50, note="1 round trip"
    )


def _async(bench: Bench) -> Iterator[Figure]:
    """Many gets in flight."""
    row = plain(2, SEED)
    bench.repo.save(row)
    prepared = bench.prepare("SELECT * FROM plain WHERE part = ? AND id = ?")
    total, width = 5000, 64

    async def gets() -> None:
        repo, left = bench.repo.aio(), iter(range(total))

        async def worker() -> None:
            for _ in left:
                await repo.get(Plain, part=2, id=row.id)

        await asyncio.gather(*(worker() for _ in range(width)))

    yield compare(
        f"await {total:,} gets, {width} in flight",
        "execute_async with callbacks, driver defaults",
        lambda: asyncio.run(gets()),
        lambda: run_callbacks(bench.session, prepared, (2, row.id), total, width),
        target="wall <= 0.30, cpu <= 0.28",
        rounds=5,
        note=f"{total:,} round trips each",
    )


def _scanned(bench: Bench) -> Iterator[Figure]:
    """A scan of a table with many partitions."""
    progress(f"data: {SCAN:,} rows to scan")
    bench.repo.save_many((Spread(id=uuid4(), name="a name", size=n) for n in range(SCAN)), concurrency=256)
    statement = bench.prepare("SELECT * FROM spread")
    yield compare(
        f"scan {SCAN:,} partitions, 8 ranges at a time",
        "paging through the table",
        lambda: sum(1 for _ in bench.repo.scan(Spread, parallelism=8)),
        lambda: sum(1 for _ in bench.session.execute(statement)),
        target="wall <= 0.6 on a quiet machine",
        rounds=3,
        note=f"{SCAN // 5000} pages against {SCAN // 5000} and 32 ranges",
    )
