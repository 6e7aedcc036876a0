"""The coordinator of all runs is lost: reads continue at once, and of many simultaneous runs one does the work.

This is a short form of ``python tests/tools/node_loss.py``, which loses the node at every step of each verb.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time

import pytest
from cassandra.policies import WhiteListRoundRobinPolicy

from node_loss import FAULTS, PAUSE, GatedCluster, run_round
from replica import models
from scyllamodel import (
    BulkWriteError,
    Column,
    Model,
    RequestFailed,
    RequestTimeout,
    check,
    column,
    create_keyspace,
    history,
    migrate,
    partition_key,
    plan,
    status,
    wait,
)
from scyllamodel.driver.cluster.coordinator import choose_coordinator
from scyllamodel.driver.data import bulk
from scyllamodel.driver.data.api_base import client_of
from scyllamodel.local.config import DATA_CENTER
from scyllamodel.testing.keyspaces import unique_name
from support.agreement import agreed_coordinator

pytestmark = pytest.mark.live


class Attempt(Model, table="loss_attempts", repo="attempts"):
    """One row with one replica, so that one node is always asked first."""

    id: Column[int] = partition_key()
    text: Column[str | None] = column(default=None)


@pytest.fixture(scope="module")
def three(pytestconfig):
    """Three nodes, each of which can be killed, paused, and cut off."""
    with GatedCluster(pytestconfig.getoption("--cassandra-version")) as cluster:
        yield cluster


@pytest.mark.parametrize("fault", ["pause", "cut off"])
def test_questions_are_answered_by_the_next_node(three, fault):
    """A silent node does not delay runs that only read or have nothing to do; another node coordinates them."""
    coordinator, model_classes = three.chosen(), models(1, 1)
    with three.repo(unique_name("loss"), name="soak") as repo:
        create_keyspace(repo)
        migrate(repo, resources=model_classes)
        node = choose_coordinator(client_of(repo).connection()).host_id
        FAULTS[fault](three, coordinator)
        try:
            answers = (
                plan(repo, resources=model_classes).is_empty,
                Model.sync_all(repo).status,
                len(history(repo)),
                status(repo).version == history(repo)[0].version,
                check(repo).in_sync,
                wait(repo, timeout=30).met,
            )
            other = choose_coordinator(client_of(repo).connection()).host_id
        finally:
            three.heal(coordinator)

    assert (True, "in_sync", 1, True, True, True) == answers
    assert node != other


@pytest.mark.parametrize(
    ("verb", "fault", "at"),
    [
        ("sync", "kill", "step_done 3"),
        ("rollback", "pause", "step_started 4"),
        ("wait", "cut off", "step_done 2"),
    ],
)
def test_all_starters_outlive_the_node(three, verb, fault, at):
    """All runs succeed within the lock timeout, one does the work, and the lost node brings nothing back."""
    threads = threading.active_count()
    result = run_round(three, verb, fault, at, starters=4)

    assert [] == result.problems
    assert threads == threading.active_count()


@contextlib.contextmanager
def only_on(three, number):
    """A repo whose every request goes to this node."""
    policy = WhiteListRoundRobinPolicy([f"127.0.1.{number}"])
    with three.repo("system", local_dc=None, load_balancing_policy=policy) as repo:
        yield repo


def knows(repo, keyspace):
    """Whether the keyspace is in the schema of the node that answers."""
    rows = repo.session.execute("SELECT keyspace_name FROM system_schema.keyspaces")
    return keyspace in {row.keyspace_name for row in rows}


def test_a_node_that_missed_a_drop_catches_up_at_the_next_change(three):
    """A node that is paused during DROP KEYSPACE may keep the keyspace; it drops it once the schema changes again."""
    coordinator, missed = three.chosen(), unique_name("missed")
    away = coordinator % 3 + 1
    with three.repo(missed) as repo, only_on(three, away) as sleeper:
        create_keyspace(repo)
        known_before = knows(sleeper, missed)
        three.node(away).pause()
        try:
            repo.session.execute(f"DROP KEYSPACE {missed}", timeout=60)
            time.sleep(PAUSE)
        finally:
            three.heal(away)
        until = time.monotonic() + 120
        with only_on(three, away) as awake:
            while knows(awake, missed) and time.monotonic() < until:
                agreed_coordinator(repo, patience=5)
            known_after = knows(awake, missed)

    assert (True, False) == (known_before, known_after)


async def save_async(repo, row):
    """Save the row in an event loop."""
    await repo.aio().save(row)


def batch(repo, row):
    """Save the row in a batch."""
    with repo.batch() as new_batch:
        new_batch.save(row)


WAYS = {
    "save": lambda repo, row: repo.save(row),
    "save_many": lambda repo, row: repo.save_many([row]),
    "batch": batch,
    "awaited": lambda repo, row: asyncio.run(save_async(repo, row)),
}


def outcome(repo, mode):
    """The driver's error for a write that needs more replicas than exist, and whether it may be applied."""
    with pytest.raises((RequestFailed, BulkWriteError)) as exc_info:
        WAYS[mode](repo, Attempt(id=1, text="x"))
    error = exc_info.value
    error = error.report.errors[0].error if isinstance(error, BulkWriteError) else error
    return type(error.__cause__).__name__, error.may_be_applied


def test_a_statement_is_prepared_in_time_while_another_node_is_silent(three):
    """Preparing a statement on all nodes does not wait for a paused node."""
    with three.repo(unique_name("silent"), name="attempts", request_timeout=1.0) as repo:
        migrate(repo, resources=[Attempt], create_keyspace=True)
        await_nodes(repo)
        elapsed = []
        three.node(3).pause()
        try:
            for number in range(6):
                start = time.monotonic()
                with contextlib.suppress(RequestTimeout):  # it was the paused one's turn
                    repo.raw(f"SELECT text FROM {repo.keyspace}.loss_attempts WHERE id = ? /* {number} */", (1,))
                elapsed.append(time.monotonic() - start)
        finally:
            three.heal(3)

    assert [] == [seconds for seconds in elapsed if seconds > 4]


def await_nodes(repo):
    """Wait until the driver has open connections to all nodes again."""
    hosts = repo.session.cluster.metadata.all_hosts()
    until = time.monotonic() + 60
    while not all(host.is_up and is_connected(repo.session, host) for host in hosts) and time.monotonic() < until:
        time.sleep(0.1)


def is_connected(session, host):
    """Whether all connections to this host are open; a new pool is opened some time after a host is up."""
    pools = [pool for pool in session.get_pools() if pool.host == host and not pool.is_shutdown]
    connections = [connection for pool in pools for connection in pool.get_connections()]
    return bool(connections) and not any(connection.is_closed for connection in connections)


def test_an_error_of_the_last_attempt_hides_no_earlier_one(three, monkeypatch):
    """A write that was cut off on one node and refused by the next one may have been applied."""
    monkeypatch.setattr(bulk, "RETRY_PAUSES", (0.1,))
    copies = {"class": "NetworkTopologyStrategy", DATA_CENTER: 1}
    with three.repo(unique_name("attempts"), name="attempts", consistency="THREE", replication=copies) as repo:
        create_keyspace(repo)
        migrate(repo, resources=[Attempt])
        for mode in WAYS:
            await_nodes(repo)
            assert ("Unavailable", False) == outcome(repo, mode)
            values = set()
            for gate in three.gates.values():
                gate.cut_answers()
                values.add(outcome(repo, mode))
                gate.heal()
                await_nodes(repo)
            assert (mode, True) == (mode, ("Unavailable", True) in values), values
