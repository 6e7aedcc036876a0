"""Pipelined reads by compiled clients, the driver and this library, each in separate processes.

The clients run in turn, so that the threads of one do not slow down another. A client that is not installed, because
it has no wheel for this Python or machine, is named and left out.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from typing import Any

from benchmarks.client import CLIENTS, PART, WIDTH
from benchmarks.harness import Figure, progress
from benchmarks.rows import Plain, plain
from scyllamodel import migrate
from scyllamodel.local import LocalCluster

COUNT = 20_000
PACKAGES = {"driver": "scylla-driver"}
"""The package of a client, where it has another name."""


def figures(count: int = COUNT, rounds: int = 5) -> Iterator[Figure]:
    """Each client compared with the driver, on one node."""
    with LocalCluster(benchmark=True) as cluster, cluster.repo("bench", name="bench_data") as repo:
        migrate(repo, resources=[Plain], create_keyspace=True)
        row = plain(PART, random.Random(4))
        repo.save(row)
        repo.close()
        yield from compared(cluster.contact_points[0], row.id, count, rounds)


def compared(node: str, row: Any, count: int, rounds: int, keyspace: str = "bench") -> Iterator[Figure]:
    """Run all clients in turn, in several rounds, and compare each with the driver round by round."""
    names = [name for name in CLIENTS if _is_installed(name)]
    samples: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for turn in range(rounds):
        progress(f"yardsticks: round {turn + 1} of {rounds}: {', '.join(names)}")
        for name in names:
            samples[name].append(_measured(name, node, keyspace, str(row), count))
    for name in names[1:]:
        yield _figure(name, samples[name], samples["driver"], count)


def _is_installed(name: str) -> bool:
    try:
        version(PACKAGES.get(name, name))
    except PackageNotFoundError:
        progress(f"yardsticks: {name} is left out, since it is not installed here")
        return False
    return True


def _measured(name: str, node: str, keyspace: str, row: str, count: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.client", name, node, keyspace, row, str(count)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=dict(os.environ), timeout=600)
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def _figure(name: str, ours: list[dict[str, float]], theirs: list[dict[str, float]], count: int) -> Figure:
    mine, other = (median(sample["wall"] for sample in samples) * 1e3 / count for samples in (ours, theirs))
    cpu, driver_cpu = (median(sample["cpu"] for sample in samples) * 1e6 / count for samples in (ours, theirs))
    return Figure(
        f"{name} {version(PACKAGES.get(name, name))}: get, {WIDTH} in flight",
        "execute_async with callbacks, driver defaults, in another process",
        mine,
        other,
        median(a["wall"] / b["wall"] for a, b in zip(ours, theirs, strict=True)),
        median(a["cpu"] / b["cpu"] for a, b in zip(ours, theirs, strict=True)),
        target="wall <= 0.30, cpu <= 0.28" if name == "scyllamodel" else "",
        note=f"CPU of the process {cpu:.0f} against {driver_cpu:.0f} us a request",
    )
