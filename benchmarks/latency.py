"""Latency of single requests: median and slowest times, and the bytes of values per request."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.harness import Figure
from benchmarks.rows import Plain, plain
from scyllamodel import Repo
from scyllamodel.driver.data.api_base import client_of
from scyllamodel.query.instances import statements_for

CALLS = 3000
SEED = random.Random(3)
NAMES = tuple(Plain.__columns__)


def latencies(repo: Repo, session: Any) -> Iterator[Figure]:
    """Get, insert and save of one row, alternating call by call with prepared statements of the driver."""
    row = plain(5, SEED)
    repo.save(row)
    where, marks, values = f"{repo.keyspace}.plain", ", ".join("?" * len(NAMES)), tuple(getattr(row, n) for n in NAMES)
    get = session.prepare(f"SELECT {', '.join(NAMES)} FROM {where} WHERE part = ? AND id = ?")
    insert = session.prepare(f"INSERT INTO {where} ({', '.join(NAMES)}) VALUES ({marks})")
    update = session.prepare(f"UPDATE {where} SET size = ? WHERE part = ? AND id = ?")
    sizes = iter(range(10**9))

    def save() -> None:
        row.size = next(sizes)
        repo.save(row)

    access, requests = statements_for(Plain, repo.keyspace), client_of(repo).requests()
    same = _bytes(requests.prepare_and_bind(access.insert(row).compiled)), _bytes(insert.bind(values))
    key = (5, row.id)
    yield _compared("get one row", lambda: repo.get(Plain, part=5, id=row.id), lambda: session.execute(get, key).one())
    note = f"; bytes of values {same[0]} against {same[1]}"
    yield _compared("insert one row", lambda: repo.insert(row), lambda: session.execute(insert, values), note)
    yield _compared("save one changed column", save, lambda: session.execute(update, (next(sizes), *key)))


def _bytes(statement: Any) -> int:
    return sum(len(value) for value in statement.values if isinstance(value, bytes))


def _compared(work: str, ours: Callable[[], Any], theirs: Callable[[], Any], note: str = "") -> Figure:
    gc.collect()
    mine, others = list[float](), list[float]()
    for turn in range(CALLS):
        for side, times in ((ours, mine), (theirs, others)) if turn % 2 else ((theirs, others), (ours, mine)):
            begun = time.perf_counter()
            side()
            times.append((time.perf_counter() - begun) * 1e3)
    half, most = (_at(mine, 0.5), _at(others, 0.5)), (_at(mine, 0.99), _at(others, 0.99))
    text = f"p50 {half[0]:.3f} against {half[1]:.3f} ms, p99 {most[0]:.3f} against {most[1]:.3f} ms{note}"
    return Figure(f"{work}, call by call", "prepared statement", half[0], half[1], half[0] / half[1], note=text)


def _at(times: list[float], share: float) -> float:
    return sorted(times)[round(share * (len(times) - 1))]
