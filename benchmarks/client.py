"""One client in its own process: ``python -m benchmarks.client NAME NODE KEYSPACE ROW COUNT``.

It reads the row ``COUNT`` times by its key, ``WIDTH`` requests in flight, and prints wall-clock and CPU seconds as
JSON. Every client prepares the same statement, uses its default settings, and extracts the columns of each response.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

WIDTH = 64
PART = 2
CQL = (
    "SELECT part, id, name, title, body, kind, size, score, seen, flag FROM {keyspace}.plain WHERE part = ? AND id = ?"
)

Get = Callable[[], Awaitable[Any]]


async def in_flight(get: Get, count: int) -> None:
    """Await this number of reads, in `WIDTH` workers."""
    left = iter(range(count))

    async def work() -> None:
        for _ in left:
            await get()

    await asyncio.gather(*(work() for _ in range(WIDTH)))


async def measure(get: Get, count: int) -> tuple[float, float]:
    """Wall-clock and CPU seconds of the reads, after a warm-up."""
    if not await get():
        raise RuntimeError("the row was not found")
    await in_flight(get, max(WIDTH, count // 5))
    wall, cpu = time.perf_counter(), time.process_time()
    await in_flight(get, count)
    return time.perf_counter() - wall, time.process_time() - cpu


async def scyllamodel(node: str, keyspace: str, row: UUID, count: int) -> tuple[float, float]:
    """Gets through an `AsyncRepo`."""
    from benchmarks.rows import Plain  # noqa: PLC0415 - each process loads its own client alone
    from scyllamodel import AsyncRepo  # noqa: PLC0415

    async with AsyncRepo("bench_data", nodes=[node], keyspace=keyspace) as repo:
        return await measure(lambda: repo.get(Plain, part=PART, id=row), count)


async def driver(node: str, keyspace: str, row: UUID, count: int) -> tuple[float, float]:
    """Callbacks of `execute_async`, by which the driver itself keeps requests in flight."""
    from cassandra.cluster import Cluster  # noqa: PLC0415

    from benchmarks.callbacks import run_callbacks  # noqa: PLC0415

    host, _, port = node.rpartition(":")
    cluster = Cluster([host], port=int(port))
    try:
        session = cluster.connect()
        prepared = session.prepare(CQL.format(keyspace=keyspace))
        if not session.execute(prepared, (PART, row)).one():
            raise RuntimeError("the row was not found")
        run_callbacks(session, prepared, (PART, row), max(WIDTH, count // 5), WIDTH)
        wall, cpu = time.perf_counter(), time.process_time()
        run_callbacks(session, prepared, (PART, row), count, WIDTH)
        return time.perf_counter() - wall, time.process_time() - cpu
    finally:
        cluster.shutdown()


async def acsylla(node: str, keyspace: str, row: UUID, count: int) -> tuple[float, float]:
    """The DataStax C++ driver, wrapped in Cython."""
    import acsylla as library  # noqa: PLC0415

    host, _, port = node.rpartition(":")
    session = await library.create_cluster([host], port=int(port)).create_session(keyspace=keyspace)
    prepared = await session.create_prepared(CQL.format(keyspace=keyspace))

    async def get() -> Any:
        statement = prepared.bind()
        statement.bind_list([PART, str(row)])
        return (await session.execute(statement)).first().as_tuple()

    return await measure(get, count)


async def scyllapy(node: str, keyspace: str, row: UUID, count: int) -> tuple[float, float]:
    """The ScyllaDB Rust driver, wrapped by a third party."""
    from scyllapy import Scylla  # noqa: PLC0415
    from scyllapy.extra_types import BigInt  # noqa: PLC0415

    session = Scylla([node])
    await session.startup()
    prepared, key = await session.prepare(CQL.format(keyspace=keyspace)), [BigInt(PART), row]

    async def get() -> Any:
        return (await session.execute(prepared, key)).first()

    return await measure(get, count)


async def scylladb_rs(node: str, keyspace: str, row: UUID, count: int) -> tuple[float, float]:
    """The ScyllaDB Rust driver, wrapped by ScyllaDB."""
    from scylla.session_builder import SessionBuilder  # noqa: PLC0415

    host, _, port = node.rpartition(":")
    session = await SessionBuilder().contact_points([(host, int(port))]).connect()
    prepared = await session.prepare(CQL.format(keyspace=keyspace))

    async def get() -> Any:
        return await (await session.execute(prepared, [PART, row])).first_row()

    return await measure(get, count)


CLIENTS = {
    "driver": driver,
    "scyllamodel": scyllamodel,
    "acsylla": acsylla,
    "scyllapy": scyllapy,
    "scylladb-rs-driver": scylladb_rs,
}


def main(name: str, node: str, keyspace: str, row: str, count: str) -> None:
    """Run one client and print the figures."""
    wall, cpu = asyncio.run(CLIENTS[name](node, keyspace, UUID(row), int(count)))
    print(json.dumps({"wall": wall, "cpu": cpu}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
