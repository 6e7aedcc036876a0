"""The cost of a sync on a real server: with nothing to do, and with everything to do."""

from __future__ import annotations

import contextlib
import time
import types
from collections.abc import Iterator
from statistics import median
from typing import Any
from uuid import UUID

from cassandra.cluster import Cluster
from cassandra.query import dict_factory

from benchmarks.bare_driver import bare_session
from benchmarks.harness import Figure, compare, progress
from scyllamodel import Column, Model, Repo, check, column, migrate, partition_key, plan
from scyllamodel.local import LocalCluster

READS = ("keyspaces", "tables", "columns", "indexes", "views", "types", "dropped_columns", "triggers")
"""Eight reads of ``system_schema``, as every introspection makes them."""


def figures() -> Iterator[Figure]:
    """Syncs with nothing to do on one node, and first syncs on one node and on three.

    Each node flushes its schema to the disk at each change. Where the three share one disk and two cores, that is most
    of a first sync, of either side, so the waits between the statements are measured without it as well.
    """
    with LocalCluster(benchmark=True) as cluster:
        yield _first(cluster, rounds=4, target="wall <= 1.2")
    with LocalCluster(benchmark=True, durable=False, heap_mb=3000) as cluster:
        yield from _idle(cluster)
    with LocalCluster(benchmark=True, durable=False, heap_mb=3000) as cluster:
        yield tenants(cluster)
    with LocalCluster(nodes=3, benchmark=True) as cluster:
        yield _first(cluster, rounds=2, target="wall <= 0.3")
    with LocalCluster(nodes=3, benchmark=True, durable=False) as cluster:
        yield _first(cluster, rounds=2, target="wall <= 0.3", disk=", no flush")


def models(name: str, count: int) -> list[Any]:
    """Models of ten columns, bound to the repo of this name; they exist as long as they are referenced."""

    def body(namespace: dict[str, Any]) -> None:
        names = [f"c{at}" for at in range(9)]
        annotations = {"id": Column[UUID], **dict.fromkeys(names, Column[str])}
        # A class of a function is not kept alive by its module.
        namespace.update({"__module__": __name__, "__qualname__": f"{name}.<locals>.Table"})
        namespace.update({"__annotations__": annotations})
        namespace.update({"id": partition_key(), **{n: column(default="") for n in names}})

    return [
        types.new_class(f"Table{number}", (Model,), {"table": f"t{number}", "repo": name}, body)
        for number in range(count)
    ]


def _idle(cluster: Any, counts: tuple[int, ...] = (10, 100, 1000)) -> Iterator[Figure]:
    """Syncs with nothing to do: with the sync marker that a start finds, and with a full read."""
    for count in counts:
        name = f"idle{count}"
        model_classes = models(name, count)
        with cluster.repo(name, name=name) as repo, contextlib.ExitStack() as stack:
            progress(f"server: making {len(model_classes)} tables")
            migrate(repo, create_keyspace=True)
            # Opened now, since the driver would read the schema again after each change.
            sent = _Sender(stack.enter_context(bare_session(cluster)))
            stamps = f"SELECT schema_version FROM {name}.scyllamodel_verified WHERE scope = 'x' AND models_fp = 'y'"
            yield compare(
                f"sync_all of {count} models, nothing to do",
                "two reads of one row each, one after the other",
                lambda repo=repo: Model.sync_all(repo),
                lambda sent=sent, stamps=stamps: (sent.rows(stamps), sent.rows(LOCAL)),
                target="wall <= 1.2, at 1,000 <= 1.5",
                rounds=15,
                number=10,
                note="2 round trips",
            )
            yield compare(
                f"check of {count} models, nothing to do",
                "the 8 reads of system_schema in parallel, rows as dicts",
                lambda repo=repo: check(repo),
                lambda sent=sent, name=name: sent.reads(name),
                target="wall <= 1.4 at 1,000",
                rounds=7,
                note="10 reads",
            )


def tenants(cluster: Any, count: int = 1000) -> Figure:
    """A start for many tenants with nothing to do: each has a keyspace with an equal model."""
    model_classes = models("tenants", 1)
    names = [f"tenant{number}" for number in range(count)]
    with cluster.repo("tenants", name="tenants", ledger_keyspace="tenants") as repo, contextlib.ExitStack() as stack:
        progress(f"server: making the keyspaces of {count} tenants")
        for name in names:
            migrate(repo.in_keyspace(name), create_keyspace=True)
        sent = _Sender(stack.enter_context(bare_session(cluster)))
        stamps = "SELECT schema_version FROM tenants.scyllamodel_verified WHERE scope = 'x' AND models_fp = 'y'"
        figure = compare(
            f"sync_all for each of {count:,} tenants, nothing to do",
            "two reads of one row for each tenant, one after the other",
            lambda: [Model.sync_all(repo.in_keyspace(name)) for name in names],
            lambda: [(sent.rows(stamps), sent.rows(LOCAL)) for _ in names],
            target="",
            rounds=5,
            note=f"{2 * count:,} round trips; {len(model_classes)} model, one keyspace each, lock and ledger in one",
        )
    model_classes.clear()
    return figure


LOCAL = "SELECT schema_version FROM system.local WHERE key = 'local'"


class _Sender:
    """The bare driver: rows as dicts, and no statement of this package."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.profile = self.session.execution_profile_clone_update(
            next(iter(self.session.cluster.profile_manager.profiles)), row_factory=dict_factory
        )

    def rows(self, cql: str) -> Any:
        return list(self.session.execute(cql, execution_profile=self.profile))

    def reads(self, keyspace: str) -> None:
        sent = [
            self.session.execute_async(
                f"SELECT * FROM system_schema.{table} WHERE keyspace_name = '{keyspace}'",
                execution_profile=self.profile,
            )
            for table in READS
        ]
        for future in sent:
            list(future.result())


def _first(cluster: Any, *, rounds: int, target: str, tables: int = 100, disk: str = "") -> Figure:
    """First syncs and plain loops on fresh keyspaces, in turn, after a small uncounted round to warm up the servers."""
    nodes = len(cluster.contact_points)
    _first_round(cluster, f"warm{nodes}", 10, ours_first=True)
    samples: list[tuple[float, float]] = []
    for turn in range(rounds):
        progress(f"server: first sync of {tables} tables on {nodes} nodes, round {turn + 1} of {rounds}")
        samples.append(_first_round(cluster, f"first{nodes}_{turn}", tables, ours_first=turn % 2 == 0))
    return Figure(
        f"first sync of {tables} tables, {nodes} node{'s' if nodes > 1 else ''}{disk}",
        "a plain driver loop of the same DDL, driver defaults",
        median(mine for mine, _ in samples),
        median(other for _, other in samples),
        median(mine / other for mine, other in samples),
        target=target,
        note=f"{rounds} rounds; ours with lock and ledger",
    )


def _first_round(cluster: Any, name: str, tables: int, *, ours_first: bool) -> tuple[float, float]:
    """Milliseconds of a first sync and of the plain loop."""
    model_classes = models(name, tables)
    with cluster.repo(name, name=name) as repo:
        statements = _statements(repo)
        theirs = None if ours_first else _plain_loop(repo, statements, name)
        begun = time.perf_counter()
        migrate(repo, create_keyspace=True)
        ours = (time.perf_counter() - begun) * 1e3
        model_classes.clear()
        return ours, _plain_loop(repo, statements, name) if theirs is None else theirs


def _statements(repo: Repo) -> list[str]:
    """The DDL of a first sync without the internal tables."""
    first = plan(repo, create_keyspace=True)
    return [*(step.cql for step in first.bootstrap[:1]), *first.cql]


def _plain_loop(repo: Repo, statements: list[str], name: str) -> float:
    """Milliseconds of equal statements for another keyspace, by a driver session with default settings."""
    hosts = [node.partition(":")[0] for node in repo.settings.nodes]
    cluster = Cluster(hosts, port=int(repo.settings.nodes[0].rpartition(":")[2]))
    session = cluster.connect()
    try:
        begun = time.perf_counter()
        for cql in statements:
            session.execute(cql.replace(name, f"{name}_plain"), timeout=120)
        return (time.perf_counter() - begun) * 1e3
    finally:
        cluster.shutdown()
