"""Calls of every kind while everything breaks: ``python tests/tools/chaos.py [--seconds N] [--seed N]``.

Threads, tasks, groups, bulk runs, pages, scans, lightweight transactions, counters, lists and sets, with deadlines from
a millisecond to ten seconds and random cancellations, through proxies that cut, delay and swallow, on nodes that are
paused and (``--nodes 3``) killed; forks, and event loops that end. At the end a model of the possible contents checks
each row; then no resources of the run may be left. ``--scylla HOST:PORT`` uses a running server. The exit status is 1
if anything was wrong. A seed repeats the calls and faults, though not their interleaving.
"""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import gc
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs

from chaos_actors import Docs, Guards, Ledgers, Logs, Rotation, Seats, Tallies, log_found
from chaos_calls import Actor, Reads
from chaos_faults import Faults
from chaos_forks import fork_worker
from chaos_memory import Growth, Moment, referrers
from chaos_model import ChaosModel, plain
from chaos_tables import FIXED, NOTHING, TABLES, Doc, Fixed, Guard, Ledger, Log, Seat, Tally, claims_of, contents
from chaos_workers import Lane, Record, ending_worker, loop_worker, thread_worker
from scyllamodel import Repo, ScyllaModelError, ServiceUnavailable, migrate, select
from scyllamodel.model.change_tracking import changed_columns, current_values, is_loaded
from scyllamodel.testing.keyspaces import unique_name
from scyllamodel.testing.server import RunningServer, server_product

T = TypeVar("T")

TIMEOUTS: Final = (0.5, 2.0, 10.0)
"""Request timeouts of the repos that the workers share."""

FORKED: Final = 2.0
"""The one of the repo that forked children inherit, and whose event loops end."""

TASKS: Final = 10
"""Writers of one event loop."""

OTHERS: Final = 20_000
"""Objects beside its record that a run may gain in its second half, which has many more requests: none is kept."""

GROWTH: Final = 10.0
"""Megabytes that it may gain besides; so much comes and goes with threads."""

ALLOCATED: Final = 1.6
"""How many bytes the process may take for each byte of the record: small objects are rounded up, and holes stay."""

GONE: Final = 20.0
"""Seconds until all is gone when the repos are closed: the driver keeps a request as long as its timeout."""


def census() -> Counter[str]:
    """Counts of resources that a process can leak, taken after a garbage collection."""
    gc.collect()
    classes = map(type, gc.get_objects())
    counts = Counter(item.__name__ for item in classes if issubclass(item, KINDS) or item.__name__ in DRIVERS)
    counts += Counter(f"thread {item.name.rstrip('-0123456789')}" for item in threading.enumerate())
    counts["socket"] = sum(map(is_socket, Path("/proc/self/fd").iterdir()))
    return counts


KINDS: Final = (asyncio.AbstractEventLoop, asyncio.Future)
REQUESTS: Final = ("ResponseFuture", "FastRequest")
DRIVERS: Final = {*REQUESTS, "Cluster", "Session"}
"""Classes of which no instance may be left; watchers of libev may keep connections that are closed."""


def is_socket(link: Path) -> bool:
    """Whether a file descriptor is one."""
    try:
        return str(link.readlink()).startswith("socket:")
    except OSError:  # the descriptor by which the folder itself was read
        return False


@attrs.define(eq=False)
class Run:
    """One session: the server, the repos, the workers, the model."""

    seed: int
    faults: Faults
    record: Record = attrs.field(factory=Record)
    model: ChaosModel = attrs.field(factory=lambda: ChaosModel(TABLES))
    stop: threading.Event = attrs.field(factory=threading.Event)
    keyspace: str = attrs.field(factory=lambda: unique_name("chaos"))
    repos: list[Repo] = attrs.field(factory=list)
    docs: list[Docs] = attrs.field(factory=list)
    threads: list[threading.Thread] = attrs.field(factory=list)
    shared: dict[float, Repo] = attrs.field(factory=dict)
    session_repo: Repo = attrs.field(init=False)
    logs: Rotation = attrs.field(factory=lambda: Logs("", random.Random(), ChaosModel({})).rotation)
    ledgers: Rotation = attrs.field(factory=lambda: Ledgers("", random.Random(), ChaosModel({})).rotation)

    def repo(self, nodes: list[str], **keywords: Any) -> Repo:
        """A repo on these addresses, with quorum consistency."""
        secret = "a secret of the chaos run"
        options = {"consistency": "QUORUM", "page_secret": secret, **keywords}
        new_repo = RunningServer(nodes).repo(self.keyspace, name="chaos", **options)
        self.repos.append(new_repo)
        return new_repo

    def prepare(self) -> None:
        """Create the keyspace and its tables, and fill the table that never changes."""
        direct = self.repo(self.faults.direct, request_timeout=30.0)
        datacenter = direct.session.execute("SELECT data_center FROM system.local").one()[0]
        replication = {"class": "NetworkTopologyStrategy", datacenter: len(self.faults.direct)}
        tablets = False if server_product(direct).startswith("ScyllaDB") else None  # counters and conditions everywhere
        maker = self.repo(self.faults.direct, replication=replication, tablets=tablets, create_keyspace=True)
        migrate(maker, resources=[Doc, Guard, Log, Tally, Seat, Ledger, Fixed])
        direct.save_many(FIXED)

    def lane(self, repo: Repo, timeout: float, name: str) -> Lane:
        """The context of a worker."""
        return Lane(self.record, self.model, repo, timeout, self.stop, self.rng(name))

    def rng(self, name: str) -> random.Random:
        """Random numbers for one worker alone."""
        return random.Random(f"{self.seed} {name}")

    def actors(self, name: str, *, bulk: bool) -> list[Actor]:
        """An actor of each kind."""
        actors: list[Actor] = [
            kind(f"{name}{kind.__name__}", self.rng(f"{name}{kind.__name__}"), self.model)
            for kind in (Docs, Docs, Guards, Logs, Tallies, Seats, Ledgers, Reads)
        ]
        docs, more, guards, logs, _, _, ledgers, reads = actors
        more.name += "2"
        more.rng = self.rng(more.name)
        for item in (docs, more, reads):
            item.bulk = bulk
        self.docs += [docs, more]
        guards.create(self.repos[0])
        reads.keyspace, logs.rotation, ledgers.rotation = self.keyspace, self.logs, self.ledgers
        return actors

    def connect(self) -> None:
        """Connect through the proxies while they pass everything."""
        for timeout in TIMEOUTS:
            repo = self.repo(self.faults.nodes, request_timeout=timeout, on_query=self.record.on_query)
            repo.get(Fixed, part=0, number=0)
            self.shared[timeout] = repo
        self.session_repo = Repo("chaos", session=repo.session, keyspace=self.keyspace, on_query=self.record.on_query)
        self.repos.append(self.session_repo)

    def _reach(self) -> None:
        """Wait until the nodes respond without the proxies."""
        patiently(lambda: self.repos[0].get(Fixed, part=0, number=0))

    def begin(self, half: str) -> None:
        """Create all workers of one half of the run, and only then start them."""
        self.stop.clear()
        self._worker("watch", lambda: self.record.watch(self.stop))
        for timeout, repo in self.shared.items():
            self._workers(f"{half}.{timeout:g}", repo, timeout)
        self._thread_worker(f"{half}.lent", self.session_repo, TIMEOUTS[-1], bulk=False)
        forks = self.lane(self.shared[FORKED], FORKED, f"{half}.forks")
        self._worker(f"{half}.forks", lambda: fork_worker(f"{half}.forks", forks, self.session_repo))
        for thread in self.threads:
            thread.start()

    def _workers(self, name: str, repo: Repo, timeout: float) -> None:
        bulk = timeout < TIMEOUTS[-1]  # with retries, a run of many rows could outlast the session
        for number in range(2):
            self._thread_worker(f"{name}.t{number}", repo, timeout, bulk=bulk)
        actors = [item for number in range(TASKS // 5) for item in self.actors(f"{name}.a{number}", bulk=bulk)]
        self._worker(f"{name}.a", lambda: loop_worker(self.lane(repo, timeout, f"{name}.a"), actors))
        if timeout == FORKED:
            ending = Docs(f"{name}.ends", self.rng(f"{name}.ends"), self.model)
            self._worker(ending.name, lambda: ending_worker(self.lane(repo, timeout, ending.name), ending))

    def _thread_worker(self, name: str, repo: Repo, timeout: float, *, bulk: bool) -> None:
        actors = self.actors(name, bulk=bulk)
        self._worker(name, lambda: thread_worker(self.lane(repo, timeout, name), actors))

    def _worker(self, name: str, work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - a bug of the run itself
                self.record.report_violation(f"worker {name} ended with {error!r}")

        self.threads.append(threading.Thread(target=run, name=f"chaos-{name}", daemon=True))

    def end(self) -> None:
        """Let the proxies pass everything, and wait for the workers; one that does not end is shown with its stack."""
        self.stop.set()
        if not self.faults.calm():
            self.record.report_violation("the nodes did not come back")
        until = time.monotonic() + 120
        for thread in self.threads:
            thread.join(max(0.0, until - time.monotonic()))
        running = [thread.name for thread in self.threads if thread.is_alive()]
        if running:
            self.record.report_violation(f"did not end: {', '.join(running)}")
            faulthandler.dump_traceback(all_threads=True)
        self.threads.clear()
        self.faults.cut()
        self._reach()

    def quiet(self) -> Moment:
        """The memory of the process once the driver has given up all requests, and the record's part of it."""
        until = time.monotonic() + GONE
        while any(map(census().__getitem__, REQUESTS)) and time.monotonic() < until:
            time.sleep(0.5)
        return Moment.of(self.model, [actor.every for actor in self.docs])

    def check(self) -> None:
        """Compare all rows with the model, then all instances with their rows."""
        direct = self.repos[0]
        look_at_streams(self.record, self.repos[2:])
        reads: dict[str, Callable[[], dict[Any, Any]]] = {
            "docs": lambda: {(row.owner, row.number): contents(row) for row in direct.scan(Doc)},
            "guards": lambda: {(row.id,): contents(row) for row in direct.all(serial(Guard))},
            "logs": lambda: {(row.id,): log_found(row) for row in direct.scan(Log)},
            "tallies": lambda: {(row.id,): {"hits": row.hits} for row in direct.scan(Tally)},
            "seats": lambda: {(row.id,): {"claims": {(row.id, row.holder)}} for row in direct.all(serial(Seat))},
            "ledgers": lambda: {(row.id,): {"claims": claims_of(row)} for row in direct.all(serial(Ledger))},
        }
        for table, read in reads.items():
            rows = patiently(read)
            for key in self.model.keys(table):
                violations = self.model.violations(key, rows.get(key[1:]))
                self.record.report_violation(*(text + self.model.story(key) for text in violations))
        for actor in self.docs:
            self._check_instances(actor)
        self.docs.clear()

    def _check_instances(self, actor: Docs) -> None:
        """Check that each instance agrees with its row or knows it does not, and that a save makes it agree."""
        for slot in actor.slots:
            if is_loaded(slot.row) and not changed_columns(slot.row, current_values(slot.row)):
                self._agrees(slot, "says that it is")
            try:
                self.repos[0].save(slot.row)
            except ScyllaModelError as error:
                self.record.report_violation(f"{slot.key}: cannot be saved: {error!r}")
            else:
                self._agrees(slot, "was saved as")

    def _agrees(self, slot: Any, text: str) -> None:
        row = self.repos[0].get(Doc, owner=slot.row.owner, number=slot.row.number)
        desired, stored = contents(slot.row), contents(row) or NOTHING
        if any(plain(desired[name]) != plain(stored[name]) for name in NOTHING):
            self.record.report_violation(f"{slot.key}: {text} {desired}, and holds {stored}")

    def close(self) -> None:
        """Drop the keyspace, and close all repos."""
        self.repos[0].session.execute(f"DROP KEYSPACE {self.keyspace}", timeout=120)
        for repo in self.repos:
            repo.close()
        self.repos.clear()
        self.shared.clear()
        del self.session_repo


def patiently(read: Callable[[], T]) -> T:
    """Repeat a read without proxies until the nodes respond.

    A connection that broke while it was idle is reopened after a request finds it broken; that request fails. After a
    node was killed, all three may be unreachable for the driver for a moment.
    """
    until = time.monotonic() + GONE
    while True:
        try:
            return read()
        except ServiceUnavailable:  # noqa: PERF203 - it is tried again
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def serial(model: Any) -> Any:
    """All rows of a table that is written under conditions."""
    return select(model).allow_filtering()


def look_at_streams(record: Record, repos: list[Repo]) -> None:
    """No connection waits for an answer, once those whose answers were swallowed have been given up."""
    until, remaining = time.monotonic() + GONE, ["?"]
    while remaining and time.monotonic() < until:
        remaining = [text for repo in repos for text in busy_streams(repo.session)]
        time.sleep(0.2)
    record.report_violation(*remaining)


def busy_streams(session: Any) -> list[str]:
    """What the connections of a session wait for."""
    pools = list(session._pools.values())
    connections = [connection for pool in pools for connection in dict(getattr(pool, "_connections", {})).values()]
    return [
        f"{item!r} has {item.in_flight} requests in flight, of which {len(item.orphaned_request_ids)} were given up"
        for item in connections
        if item.in_flight
    ]


def left_over(before: Counter[str], record: Record) -> Counter[str]:
    """The resources that the run did not release, after waiting as long as the driver may need."""
    until = time.monotonic() + GONE
    while True:
        remaining = census() - before
        if record.ended_loops:
            remaining["loop"] = len(record.ended_loops)
        if not remaining or time.monotonic() > until:
            return remaining
        time.sleep(0.5)


def run_phase(run: Run, seconds: float) -> Growth:
    """Inject faults for this time, in two halves; returns how the memory grew in the second one."""
    run.connect()
    moments = []
    for half in "ab":
        run.begin(half)
        run.faults.go()
        wait_for(run, seconds / 2)
        run.end()
        moments.append(run.quiet())
    return Growth(*moments)


def wait_for(run: Run, seconds: float) -> None:
    """Wait for this time, and print progress now and then."""
    start = time.monotonic()
    while (passed := time.monotonic() - start) < seconds:
        time.sleep(min(5.0, seconds / 4))
        record, broken = run.record, sum(run.faults.counts.values())
        say(
            f"{passed:6.0f} s: {record.requests:,} requests, {record.cancelled:,} cancelled, {broken} faults (last: "
            f"{run.faults.last}), worst overrun {record.worst[0]:.2f} s, {len(record.violations)} violations"
        )


def say(text: str) -> None:
    """Print one line and flush it."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def table(run: Run, memory: Growth, remaining: Counter[str]) -> str:
    """The figures of a run."""
    record = run.record
    calls = ", ".join(f"{name} {count:,}" for name, count in record.calls.most_common())
    rows = {
        "requests": f"{record.requests:,}",
        "calls": f"{sum(record.calls.values()):,}: {calls}",
        "cancelled": f"{record.cancelled:,}",
        "errors": ", ".join(f"{name} {count:,}" for name, count in record.errors.most_common()),
        "faults": ", ".join(f"{name} {count}" for name, count in sorted(run.faults.counts.items())),
        "forks, loops": f"{record.forks}, {record.loops}",
        "worst overrun": f"{record.worst[0]:.2f} s ({record.worst[1]}); the process stood still for "
        f"{sum(duration for _, duration in record.stalls):.1f} s in all, an event loop for {record.lag:.1f} s at most",
        "memory": str(memory),
        "left over": ", ".join(f"{name} {count}" for name, count in remaining.items()) or "nothing",
        "violations": str(len(record.violations)),
    }
    return "\n".join(f"{name:<14} {text}" for name, text in rows.items())


def session(options: argparse.Namespace, nodes: int) -> int:
    """Run one session; returns the number of problems."""
    arguments = (
        ["--scylla", options.scylla] if options.scylla else ["--nodes", str(nodes), "--version", options.version]
    )
    faults = Faults.start(options.seed, *arguments)
    try:
        with RunningServer(faults.direct).repo("system") as repo:
            repo.session.execute("SELECT key FROM system.local")  # the driver starts what stays until the end
        before = census()
        run = Run(options.seed, faults)
        run.prepare()
        memory = run_phase(run, options.seconds)
        run.check()
        run.close()
        remaining = left_over(before, run.record)
        if memory.others > OTHERS or memory.resident > GROWTH + ALLOCATED * memory.record:
            run.record.report_violation(f"memory grew: {memory}")
        run.record.report_violation(
            *(f"left over: {count} {name}: {referrers(name)}" for name, count in remaining.items())
        )
        say("\n".join([*run.record.violations[:100], table(run, memory, remaining)]))
        return len(run.record.violations)
    finally:
        faults.end()


def main() -> int:
    """Run all sessions."""
    faulthandler.enable()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--nodes", type=int, choices=[1, 3], action="append")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--scylla", help="HOST:PORT of a server that runs; it is not paused, the proxy is")
    parser.add_argument("--version", default="5.0", help="which Cassandra is started here")
    options = parser.parse_args()
    error_count = 0
    for nodes in [1] if options.scylla else options.nodes or [1, 3]:
        say(f"{options.scylla or f'{nodes} nodes'}, {options.seconds:g} s, seed {options.seed}")
        error_count += session(options, nodes)
    say(f"seed {options.seed}: --seed {options.seed} plays the same calls and faults again")
    return min(error_count, 1)


if __name__ == "__main__":
    sys.exit(main())
