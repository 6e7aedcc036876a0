"""The start of a process: imports, the commands that only print, and a check; whole processes, with their CPU time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.harness import Figure, alone, compare
from scyllamodel.local import LocalCluster

PROGRAM = """
import os, sys
from scyllamodel import {names}
{model}
with Repo("default", nodes=[sys.argv[1]], keyspace="start") as repo:
    {work}
os._exit(0)  # the driver delays the exit of half of all processes by seconds
"""
MODEL = """
class Thing(Model, table="things"):
    id: Column[int] = partition_key()
"""
NAMES = "Column, Model, Repo, partition_key"
MIGRATE = PROGRAM.format(names=f"{NAMES}, migrate", model=MODEL, work="migrate(repo, create_keyspace=True)")
CHECK = PROGRAM.format(names=f"{NAMES}, check", model=MODEL, work="assert check(repo).in_sync")
READ = PROGRAM.format(names="Repo", model="", work='repo.raw("SELECT key FROM system.local")')


def figures() -> Iterator[Figure]:
    """Times from the start of a process to its end."""
    driver = "import attrs, cassandra.cluster"
    yield _processes("import scyllamodel", driver, ("-c", "import scyllamodel"), ("-c", driver), "wall <= 1.2")
    yield _processes("from scyllamodel import Repo", driver, ("-c", "from scyllamodel import Repo"), ("-c", driver))
    for option in ("--version", "--help"):
        command = ("-m", "scyllamodel", option)
        yield alone(f"scyllamodel {option}", lambda command=command: _run(*command), target="<= 80 ms", rounds=9)
    with LocalCluster(benchmark=True, durable=False) as cluster:
        node = cluster.contact_points[0]
        _run("-c", MIGRATE, node)
        yield _processes(
            "check of one model",
            "a Repo that connects and reads one row",
            ("-c", CHECK, node),
            ("-c", READ, node),
            "wall <= 1.3",
        )


def _processes(work: str, against: str, ours: tuple[str, ...], theirs: tuple[str, ...], target: str = "") -> Figure:
    return compare(
        work, against, lambda: _run(*ours), lambda: _run(*theirs), target=target, rounds=9, note="whole processes"
    )


def _run(*arguments: str) -> None:
    """Run Python to its end; the round that is not counted writes the bytecode."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=environment)
