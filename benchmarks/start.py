"""The start of a process: imports, the commands that only print, and a check; whole processes, with their CPU time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.harness import Figure, alone, compare
from scyllamodel import Column, Model, Repo, migrate, partition_key
from scyllamodel.local import LocalCluster

KEYSPACE = "start"
MODEL = f"""
import os, sys
from scyllamodel import Column, Model, Repo, check, partition_key

class Thing(Model, table="things"):
    id: Column[int] = partition_key()

with Repo("default", nodes=[sys.argv[1]], keyspace="{KEYSPACE}") as repo:
    assert check(repo).in_sync
os._exit(0)  # the driver delays the exit of half of all processes by seconds
"""
READ = f"""
import os, sys
from scyllamodel import Repo

with Repo("default", nodes=[sys.argv[1]], keyspace="{KEYSPACE}") as repo:
    repo.raw("SELECT key FROM system.local")
os._exit(0)
"""


class Thing(Model, table="things"):
    """The model that is checked."""

    id: Column[int] = partition_key()


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
        with Repo("default", nodes=[node], keyspace=KEYSPACE) as repo:
            migrate(repo, resources=[Thing], create_keyspace=True)
        yield _processes(
            "check of one model",
            "a Repo that connects and reads one row",
            ("-c", MODEL, node),
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
