"""Three nodes: a paused one counts for agreement, a dead one does not; one coordinator serves all runs."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import attrs
import pytest

from scyllamodel import Column, Model, column, history, migrate, partition_key, plan, select, update
from scyllamodel import types as cql
from scyllamodel._backoff import Backoff, poll
from scyllamodel.driver.cluster.coordinator import choose_coordinator
from scyllamodel.driver.cluster.nodes import read_topology
from scyllamodel.driver.cluster.schema_agreement import HEARTBEAT_TIMEOUT, await_agreement
from scyllamodel.driver.data.api_base import client_of
from scyllamodel.errors import SchemaDisagreement, StepFailed
from scyllamodel.local import LocalCluster
from scyllamodel.local.config import DATA_CENTER
from support.agreement import agreed_coordinator
from support.builders import table
from support.model_classes import declare

pytestmark = pytest.mark.live

REPLICATION = f"{{'class': 'NetworkTopologyStrategy', '{DATA_CENTER}': 3}}"
KEYSPACE = f"CREATE KEYSPACE IF NOT EXISTS agree WITH replication = {REPLICATION}"

MODELS = declare("agree", *(table(f"t{number}", "id int pk", "at int ck", "a text") for number in range(10)))


@pytest.fixture(scope="module")
def three():
    """Three separate nodes, since the tests pause and kill them."""
    with LocalCluster(nodes=3) as cluster:
        yield cluster


@pytest.fixture
def repo(three):
    """A repo on all three, each of which is up and has the keyspace ``agree``."""
    for node in three.nodes:
        node.resume()
        if not node.is_running:
            node.start()
    with three.repo("agree", name="agree") as new_repo:
        coordinator = agreed_coordinator(new_repo)
        coordinator.rows(KEYSPACE, timeout=60)
        await_agreement(coordinator, 120)
        yield new_repo


def node_of(three, address):
    """The node with this address."""
    return next(node for node in three.nodes if node.contact_point == address)


def other_node(three, coordinator):
    """A node that is not the coordinator."""
    return next(node for node in three.nodes if node.contact_point != coordinator.address)


def test_every_run_chooses_the_same_coordinator(three, repo):
    """Whichever node a process contacts first, it chooses one coordinator, which sees all members."""
    host_ids = {choose_coordinator(client_of(repo).connection()).host_id}
    for point in three.contact_points:
        with three.repo("agree", nodes=[point]) as another:
            host_ids.add(choose_coordinator(client_of(another).connection()).host_id)

    assert 1 == len(host_ids)
    assert {DATA_CENTER: 3} == read_topology(choose_coordinator(client_of(repo).connection()))


def test_another_data_centre_s_policy_does_not_change_the_coordinator(three, repo):
    """A repo whose data policy excludes the lowest node still coordinates through it."""
    from cassandra.policies import WhiteListRoundRobinPolicy  # noqa: PLC0415 - this test's own

    lowest = choose_coordinator(client_of(repo).connection())
    others = [host.address for host in client_of(repo).connection().hosts if host.host_id != lowest.host_id]
    with three.repo("agree", local_dc=None, load_balancing_policy=WhiteListRoundRobinPolicy(others)) as elsewhere:
        coordinator = choose_coordinator(client_of(elsewhere).connection())

    assert lowest.host_id == coordinator.host_id


def notes(repo, *codes, models=MODELS):
    """The notes with these codes in a plan for these models."""
    return [note.text for note in plan(repo, resources=models).notes if note.code in codes]


def executed(repo):
    """How often each statement ran, according to the ledger."""
    steps = [step for version in history(repo, steps=True) for step in version.steps]
    return Counter(step.cql for step in steps if step.state == "applied")


def await_gossip(coordinator):
    """Wait until the coordinator's own tables show one version, not only the nodes themselves when asked directly."""
    queries = ("SELECT schema_version FROM system.local", "SELECT schema_version FROM system.peers")
    versions = poll(
        lambda: {row["schema_version"] for query in queries for row in coordinator.rows(query)},
        until=lambda versions: len(versions) == 1,
        timeout=60,
        backoff=Backoff(0.1, 0.1),
    )
    assert 1 == len(versions)


def test_a_paused_node_counts(three, repo):
    """A node that is paused during a change ends that run with an error that names it, and prevents the next.

    Plans note the disagreement (CL102), or that the node is down (CL101) once the other nodes report that. After the
    node is resumed it agrees, and one more run does what is left.
    """
    migrate(repo, resources=MODELS[:1])
    coordinator = choose_coordinator(client_of(repo).connection())
    asleep = other_node(three, coordinator)
    found_notes = [notes(repo, "CL101", "CL102")]
    await_gossip(coordinator)  # A paused node cannot be asked, and the first run has to find that all agree.

    def note(event):
        if event.kind == "agreement_waiting":
            found_notes.append(notes(repo, "CL101", "CL102"))

    asleep.pause()
    try:
        with pytest.raises(SchemaDisagreement) as exc_info:
            migrate(repo, resources=MODELS[:2], agreement_timeout=HEARTBEAT_TIMEOUT + 2, on_event=note)
        found_notes.append(notes(repo, "CL101", "CL102"))
        with pytest.raises(SchemaDisagreement) as second_error:
            migrate(repo, resources=MODELS[:3], agreement_timeout=0.5)
        before = executed(repo)
    finally:
        asleep.resume()
    last = migrate(repo, resources=MODELS[:3])

    assert (7, [1, 2]) == (exc_info.value.exit_code, sorted(len(nodes) for nodes in exc_info.value.versions.values()))
    assert all([asleep.contact_point] in error.value.versions.values() for error in (exc_info, second_error))
    assert [] == found_notes[0]
    assert any(asleep.contact_point in text for texts in found_notes for text in texts), found_notes
    assert (2, 3, {1}) == (len(before), len(executed(repo)), set(executed(repo).values()))
    assert ("applied", 1, True) == (last.status, len(last.plan.steps), plan(repo, resources=MODELS[:3]).is_empty)


class Kept(Model, table="kept", repo="under_load"):
    """Rows that are written while a node dies."""

    id: Column[int] = partition_key()
    value: Column[int] = column(default=0)


class Tally(Model, table="tally", repo="under_load"):
    """A counter that must not be counted twice."""

    id: Column[int] = partition_key()
    hits: Column[cql.Counter] = column()


def test_writes_outlive_a_node(three, repo):
    """When a node is killed under load, acknowledged writes are stored, and no counter was incremented twice."""
    threads = threading.active_count()
    with three.repo("agree", name="under_load", consistency="QUORUM", request_timeout=2) as load:
        migrate(load, resources=[Kept, Tally])
        counted, unsure, wave = [], [], 100

        def count(number):
            try:
                load.execute(update(Tally).where(Tally.id == number % 4).set(Tally.hits.increment()))
                counted.append(number % 4)
            except Exception:  # noqa: BLE001 - of the driver: it is unknown whether it was counted
                unsure.append(number % 4)

        victim = other_node(three, choose_coordinator(client_of(repo).connection()))
        with ThreadPoolExecutor(8) as pool:
            counts = [pool.submit(count, number) for number in range(3 * wave)]
            reports = [load.save_many(Kept(id=number) for number in range(wave))]
            victim.kill()
            reports += [
                load.save_many((Kept(id=n * wave + k) for k in range(wave)), raise_errors=False) for n in (1, 2)
            ]
            for finished_count in counts:
                finished_count.result()
        failed = {error.row.id for report in reports for error in report.errors}
    with three.repo("agree", name="under_load", consistency="QUORUM") as patient:  # a busy node may need more than 2 s
        rows = {row.id for row in patient.scan(Kept)}
        tallies = {row.id: row.hits for row in patient.scan(Tally)}

    assert set(range(3 * wave)) - failed <= rows
    assert [] == [n for n in range(4) if not counted.count(n) <= tallies[n] <= counted.count(n) + unsure.count(n)]
    assert threads == threading.active_count()


def test_a_cancelled_reader_leaves_nothing_behind(three, repo):
    """A cancelled reader leaves neither tasks nor threads, and the repo still works."""
    with three.repo("agree", name="under_load") as load:
        migrate(load, resources=[Kept, Tally])
        load.save_many(Kept(id=number) for number in range(500))

        async def read(value):
            async for _ in value:
                await asyncio.sleep(0.001)

        async def main():
            repo = load.aio()
            readers = [
                asyncio.ensure_future(read(value))
                for value in (repo.stream(select(Kept).whole_table(), page_size=20), repo.scan(Kept, page_size=20))
            ]
            await asyncio.sleep(0.1)
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)
            await asyncio.sleep(0)
            remaining = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            return remaining, await repo.get(Kept, id=7)

        assert ([], Kept(id=7)) == asyncio.run(main())


def test_a_dead_node_does_not_count(three, repo):
    """Once a killed node's heartbeat stops, the other nodes agree without it."""
    coordinator = choose_coordinator(client_of(repo).connection())
    dead = other_node(three, coordinator)
    dead.kill()
    coordinator.rows("CREATE TABLE agree.while_dead (a int PRIMARY KEY)", timeout=60)
    start = time.monotonic()
    await_agreement(coordinator, 60)

    assert time.monotonic() - start < 30
    assert {DATA_CENTER: 3} == read_topology(coordinator)


def test_a_plan_outlives_its_coordinator(three, repo):
    """When the coordinator dies during a plan, the run continues through another node, or the next run ends it.

    Nothing is lost or left to do; plans note the node that is down (CL101).
    """
    up, models = notes(repo, "CL101"), MODELS[3:7]
    dead = choose_coordinator(client_of(repo).connection())

    def kill_node(event):
        if event.kind == "step_done" and event.step is not None and event.step.seq == 2:
            node_of(three, dead.address).kill()

    with contextlib.suppress(StepFailed, SchemaDisagreement):
        migrate(repo, resources=models, on_event=kill_node)
    migrate(repo, resources=models)

    assert not node_of(three, dead.address).is_running
    assert dead.host_id != choose_coordinator(client_of(repo).connection()).host_id
    assert plan(repo, resources=models).is_empty
    assert {f"CREATE TABLE agree.t{number}" for number in range(3, 7)} <= {
        cql.partition(" (")[0] for cql in executed(repo)
    }
    assert ([], 1, True) == (up, len(down := notes(repo, "CL101")), dead.address in down[0])


@contextlib.contextmanager
def fourth(three):
    """A node that joins the cluster in the background inside the block."""
    known = next(node for node in three.nodes if node.is_running)
    config = attrs.evolve(
        known.config,
        number=4,
        address="127.0.0.4",
        seed=known.config.address,
        folder=known.config.folder.with_name("node4"),
        settings={**known.config.settings, "initial_token": "7"},
    )
    node = attrs.evolve(known, config=config, process=None, paused=False)
    with ThreadPoolExecutor(1) as thread:
        starting = thread.submit(node.start)
        yield node
        node.kill()
        starting.exception()


def test_a_node_that_joins_is_noted(three, repo):
    """While a fourth node joins the ring, plans note that the topology changes (CL103).

    This is the last test, since nodes wait for one that died while joining, which has to confirm writes. All others
    are up, since a node that finds no source for a part of the ring gives up before its joining becomes visible.
    """
    before, deadline = notes(repo, "CL103"), time.monotonic() + 60
    with fourth(three) as node:
        while not (found_notes := notes(repo, "CL103")) and time.monotonic() < deadline:
            time.sleep(0.1)

    assert ([], [f"the topology is changing: {node.config.address} is BOOT"]) == (before, found_notes)
