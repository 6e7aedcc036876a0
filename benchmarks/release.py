"""The cost of safety: lock and ledger on a first sync, and the delay of the next run after a process died."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from statistics import median
from typing import Any

import attrs

from benchmarks.harness import Figure, compare, progress
from benchmarks.server import models
from scyllamodel import Repo, migrate, plan
from scyllamodel.driver.cluster.ddl_executor import DdlExecutor
from scyllamodel.local import LocalCluster
from scyllamodel.release.engine.cluster_view import ClusterView
from scyllamodel.schema.apply import apply
from scyllamodel.schema.plan import Plan

LEASE = 5.0
"""Seconds; the default of 30 only makes the benchmark longer."""


def figures() -> Iterator[Figure]:
    """The cost of lock and ledger on one node, and the takeover after a SIGKILL."""
    with LocalCluster(benchmark=True) as cluster:
        yield _books(cluster)
        yield _takeover(cluster)


def _books(cluster: Any, *, rounds: int = 3, tables: int = 50) -> Figure:
    """A first sync, compared with the same plan applied without lock and ledger, each on fresh keyspaces."""
    fresh = (f"books{turn}" for turn in range(2 * (rounds + 1)))

    def ours() -> None:
        with _repo(cluster, next(fresh), tables) as repo:
            migrate(repo)

    def bare() -> None:
        with _repo(cluster, next(fresh), tables) as repo:
            cluster_view = ClusterView.connect(repo)
            with DdlExecutor(cluster_view.coordinator, cluster_view.server) as executor:
                apply(_without_books(plan(repo)), executor)
            assert not plan(repo).steps  # the last look, as a migration has it

    progress(f"release: first syncs of {tables} tables with and without lock and ledger")
    figure = compare(
        f"first sync of {tables} tables, 1 node",
        "the same without lock and ledger: look, apply, look again",
        ours,
        bare,
        target="",
        rounds=rounds,
    )
    extra = (figure.ours - (figure.theirs or 0.0)) / tables
    return attrs.evolve(figure, note=f"{rounds} rounds; {extra:.1f} ms a statement, 4 internal tables included")


def _without_books(value: Plan) -> Plan:
    steps = tuple(step for step in value.bootstrap if step.op == "create_keyspace")
    return attrs.evolve(value, bootstrap=steps)


@contextlib.contextmanager
def _repo(cluster: Any, name: str, tables: int) -> Generator[Repo]:
    """A repo on a fresh keyspace, with models that exist while it is open."""
    model_classes = models(name, tables)
    with cluster.repo(name, name=name) as repo:
        yield repo
    model_classes.clear()


def _takeover(cluster: Any, *, rounds: int = 3, tables: int = 10) -> Figure:
    """The time from the SIGKILL of a run that holds the lock until the next run, started at once, has finished."""
    times: list[float] = []
    for turn in range(rounds):
        name = f"takeover{turn}"
        progress(f"release: takeover {turn + 1} of {rounds}")
        with _repo(cluster, name, tables) as repo, _holder(repo, name, tables) as holder:
            _until(holder, f"step_done {tables // 2}")
            holder.send_signal(signal.SIGKILL)
            begun = time.perf_counter()
            migrate(repo)
            times.append((time.perf_counter() - begun) * 1e3)
    return Figure(
        f"the next run is done after a SIGKILL in the middle of {tables} tables",
        f"one lease of {LEASE:g} s",
        median(times),
        LEASE * 1e3,
        median(times) / (LEASE * 1e3),
        target="wall <= 1.5 leases",
        note=f"{rounds} rounds, longest {max(times) / (LEASE * 1e3):.2f} leases",
    )


def _holder(repo: Repo, name: str, tables: int) -> subprocess.Popen[str]:
    words = [repo.settings.nodes[0], name, str(tables), str(LEASE)]
    return subprocess.Popen([sys.executable, "-m", "benchmarks.holder", *words], stdout=subprocess.PIPE, text=True)


def _until(holder: subprocess.Popen[str], expected: str) -> None:
    for line in holder.stdout or ():
        if line.strip() == expected:
            return
    raise RuntimeError(f"the holder of the lock ended before {expected!r}")
