"""A million mixed requests, and the resources they leave: ``python tests/tools/request_soak.py --scylla HOST:PORT``.

Threads, tasks and bulk runs insert, read, change, delete and page, each with its own rows, and check what they read;
some requests have a timeout of a millisecond, so that responses come late. Threads, sockets, requests of the driver,
stream ids and memory are counted after the first tenth, and at the end: nothing may be left. ``--slow-path`` sends
through the driver, ``--requests N`` sends fewer. The exit status is 1 if anything was wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from chaos import busy_streams, census, say
from chaos_memory import resident
from scyllamodel import Column, Model, Repo, RequestTimeout, clustering_key, column, migrate, partition_key, select
from scyllamodel.testing.keyspaces import unique_name
from scyllamodel.testing.server import RunningServer

THREADS, TASKS = 6, 64
ROWS = 200
"""Rows of one worker, written again and again."""

PROGRESS = 15.0
"""Seconds between two lines of progress."""

SETTLED = 30.0
"""Seconds in which late answers return their streams."""

GROWTH = 8.0
"""Megabytes that the process may gain after the first tenth; so much comes and goes with threads."""


class Row(Model, table="soak_rows", repo="request_soak"):
    """A row of one worker."""

    worker: Column[int] = partition_key()
    at: Column[int] = clustering_key()
    text: Column[str] = column(default="")
    tags: Column[set[str]] = column(factory=set)


class Budget:
    """The number of requests still to be sent, and of those that timed out."""

    def __init__(self, count: int) -> None:
        self._count, self._left, self._lock = count, count, threading.Lock()
        self.late = 0
        self.wrong: list[str] = []

    def take(self, count: int) -> bool:
        """Take some of the requests, if any are left."""
        with self._lock:
            self._left -= count
            return self._left + count > 0

    def __str__(self) -> str:
        """The progress."""
        return f"{self._count - max(0, self._left):,} of {self._count:,} requests"

    def check(self, what: str, value: object, expected: object) -> None:
        """Record a value that differs."""
        if value != expected:
            self.wrong.append(f"{what}: {value!r} instead of {expected!r}")


def work(repo: Repo, worker: int, budget: Budget) -> None:
    """Send requests and wait for each."""
    number = 0
    while budget.take(5):
        number += 1
        row = Row(worker=worker, at=number % ROWS, text=str(number))
        repo.insert(row)
        row.text += "!"
        repo.save(row)
        row_read = repo.get(Row, worker=worker, at=row.at)
        budget.check(f"row {worker}/{row.at}", row_read and row_read.text, row.text)
        repo.delete(row)
        budget.check(f"deleted row {worker}/{row.at}", repo.get(Row, worker=worker, at=row.at), None)
        if not number % 100 and budget.take(8):
            repo.save_many([Row(worker=worker, at=at, tags={"a"}) for at in range(ROWS)])
            pages = [one.at for one in repo.stream(select(Row).where(Row.worker == worker), page_size=30)]
            budget.check(f"pages of {worker}", pages, list(range(ROWS)))
            budget.take(ROWS)
        if not number % 20 and budget.take(1):
            try:
                repo.all(select(Row).where(Row.worker == worker).timeout(0.001))
            except RequestTimeout:
                budget.late += 1


async def work_async(repo: Repo, worker: int, budget: Budget) -> None:
    """Send requests from one task; a tenth of the reads is cancelled."""
    aio, number = repo.aio(), 0
    while budget.take(3):
        number += 1
        row = Row(worker=worker, at=number % ROWS, text=str(number))
        await aio.save(row)
        row_read = await aio.get(Row, worker=worker, at=row.at)
        budget.check(f"row {worker}/{row.at}", row_read and row_read.text, row.text)
        reading = asyncio.ensure_future(aio.get(Row, worker=worker, at=row.at))
        await asyncio.sleep(0)
        if not number % 10:
            reading.cancel()
        await asyncio.wait([reading])


async def work_in_tasks(repo: Repo, budget: Budget) -> None:
    """Run all tasks of one event loop."""
    await asyncio.gather(*(work_async(repo, 100 + worker, budget) for worker in range(TASKS)))


def play(repo: Repo, count: int) -> Budget:
    """Send so many requests, from threads and from an event loop."""
    budget = Budget(count)

    def guarded(function: Callable[..., Any], *arguments: Any) -> None:
        try:
            function(*arguments)
        except BaseException as error:  # noqa: BLE001 - reported at the end
            budget.wrong.append(f"a worker ended with {error!r}")

    threads = [threading.Thread(target=guarded, args=(work, repo, worker, budget)) for worker in range(THREADS)]
    threads.append(threading.Thread(target=guarded, args=(lambda: asyncio.run(work_in_tasks(repo, budget)),)))
    for thread in threads:
        thread.start()
    while running := [thread for thread in threads if thread.is_alive()]:
        running[0].join(PROGRESS)
        say(f"  {budget}")
    return budget


def settle(repo: Repo) -> list[str]:
    """Wait until no stream is in use; return what is wrong with the streams."""
    until = time.monotonic() + SETTLED
    while (busy := busy_streams(repo.session)) and time.monotonic() < until:
        time.sleep(0.1)
    for pool in repo.session._pools.values():
        for one in pool._connections.values():
            ids = sorted(one.request_ids)
            if ids != list(range(one.highest_request_id + 1)):
                busy.append(f"{one!r}: {len(ids)} free streams ({len(set(ids))} different), {one._requests} waiting")
    return busy


def run(repo: Repo, count: int) -> list[str]:
    """Run the first tenth, then the rest; return what is wrong."""
    wrong = [*play(repo, count // 10).wrong, *settle(repo)]
    before, memory = census(), resident()
    began, cpu = time.perf_counter(), time.process_time()
    rest = count - count // 10
    budget = play(repo, rest)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    wrong += [*budget.wrong, *settle(repo)]
    left, grown = census() - before, resident() - memory
    wrong += [f"left over: {count} {name}" for name, count in left.items()]
    if grown > GROWTH:
        wrong.append(f"the process gained {grown:.1f} MB")
    say(
        f"{rest:,} requests in {seconds:.0f} s after the first tenth, {cpu / rest * 1e6:.0f} us of CPU each; "
        f"{budget.late:,} timed out; memory {memory:.0f} MB, {grown:+.1f} MB; before: {dict(before)}"
    )
    return wrong


def main() -> int:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scylla", required=True, help="HOST:PORT of a server that runs")
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--slow-path", action="store_true", help="Repo(fast_path=False)")
    words = parser.parse_args()
    server, keyspace = RunningServer.parse(words.scylla), unique_name("request_soak")
    fast = not words.slow_path
    with server.repo(keyspace, name="request_soak", create_keyspace=True, fast_path=fast) as repo:
        migrate(repo, resources=[Row])
        try:
            wrong = run(repo, words.requests)
        finally:
            repo.session.execute(f"DROP KEYSPACE {keyspace}", timeout=120)
    say("\n".join(wrong[:100]) or "nothing is left, and nothing was wrong")
    return min(len(wrong), 1)


if __name__ == "__main__":
    sys.exit(main())
