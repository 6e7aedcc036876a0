"""Agreement of three nodes: a paused one counts, a dead one does not, and one coordinator serves all runs."""

from __future__ import annotations

import time

import pytest

from scyllamodel.driver.agreement import STILL, await_agreement
from scyllamodel.driver.coordinator import choose
from scyllamodel.driver.executor import DdlExecutor
from scyllamodel.driver.servers import read_server, read_topology
from scyllamodel.errors import SchemaDisagreement
from scyllamodel.local import LocalCluster

pytestmark = pytest.mark.live

KEYSPACE = "CREATE KEYSPACE IF NOT EXISTS agree WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}"


@pytest.fixture(scope="module")
def three():
    """Three nodes of our own, since the tests pause and kill them."""
    with LocalCluster(nodes=3) as cluster:
        yield cluster


@pytest.fixture
def repo(three):
    """A repo on all three, each of which is up and has the keyspace ``agree``."""
    for node in three.nodes:
        node.resume()
        if not node.is_running:
            node.start()
    with three.repo("agree") as found:
        coordinator = choose(found.connection())
        await_agreement(coordinator, 120)
        coordinator.rows(KEYSPACE, timeout=60)
        await_agreement(coordinator, 120)
        yield found


def node_of(three, address):
    """The node at this address."""
    return next(node for node in three.nodes if node.contact_point == address)


def other_node(three, coordinator):
    """A node that does not coordinate."""
    return next(node for node in three.nodes if node.contact_point != coordinator.address)


def test_every_run_chooses_the_same_coordinator(three, repo):
    """Whichever node a process knows first, it takes the same one, which sees all members."""
    chosen = {choose(repo.connection()).host_id}
    for point in three.contact_points:
        with three.repo("agree", nodes=[point]) as another:
            chosen.add(choose(another.connection()).host_id)

    assert 1 == len(chosen)
    assert {"datacenter1": 3} == read_topology(choose(repo.connection()))


def test_another_data_centre_s_policy_does_not_change_the_coordinator(three, repo):
    """A repo whose data policy leaves the lowest node out still coordinates through it."""
    from cassandra.policies import WhiteListRoundRobinPolicy  # noqa: PLC0415 - this test's own

    lowest = choose(repo.connection())
    others = [host.address for host in repo.connection().hosts if host.host_id != lowest.host_id]
    with three.repo("agree", local_dc=None, load_balancing_policy=WhiteListRoundRobinPolicy(others)) as elsewhere:
        found = choose(elsewhere.connection())

    assert lowest.host_id == found.host_id


def test_a_paused_node_counts(three, repo):
    """A node that sleeps through a change ends the wait with an error that names it; woken up, it agrees."""
    coordinator = choose(repo.connection())
    asleep = other_node(three, coordinator)
    waits = []
    asleep.pause()
    try:
        coordinator.rows("CREATE TABLE agree.while_paused (a int PRIMARY KEY)", timeout=60)
        with pytest.raises(SchemaDisagreement) as caught:
            await_agreement(coordinator, STILL + 5, on_wait=lambda waited, versions: waits.append((waited, versions)))
    finally:
        asleep.resume()

    assert [1, 2] == sorted(len(nodes) for nodes in caught.value.versions.values())
    assert [asleep.contact_point] in caught.value.versions.values()
    assert len(waits) > 3
    assert await_agreement(coordinator, 120)


def test_a_dead_node_does_not_count(three, repo):
    """Once a killed node's heartbeat stands still, the others agree without it."""
    coordinator = choose(repo.connection())
    dead = other_node(three, coordinator)
    dead.kill()
    coordinator.rows("CREATE TABLE agree.while_dead (a int PRIMARY KEY)", timeout=60)
    begun = time.monotonic()
    await_agreement(coordinator, 60)

    assert time.monotonic() - begun < 30
    assert {"datacenter1": 3} == read_topology(coordinator)


def test_the_next_node_takes_over(three, repo):
    """When the coordinator dies between two statements, the executor goes on through the next one."""
    coordinator = choose(repo.connection())
    with DdlExecutor(coordinator, read_server(coordinator)) as executor:
        executor.execute("CREATE TABLE agree.before_death (a int PRIMARY KEY)", 60)
        executor.await_agreement(60)
        node_of(three, coordinator.address).kill()
        found = executor.look("agree")
        executor.execute("CREATE TABLE agree.after_death (a int PRIMARY KEY)", 60)

        assert coordinator.host_id != executor.coordinator.host_id
        assert found.table("before_death") is not None
        assert executor.look("agree").table("after_death") is not None
        executor.await_agreement(60)
