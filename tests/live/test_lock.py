"""The lock on a real server: many candidates, holders that die or pause, and lost responses."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest

from scyllamodel.driver.cluster.coordinator import choose_coordinator
from scyllamodel.driver.cluster.ddl_executor import DdlExecutor
from scyllamodel.driver.cluster.lwt import LwtClient
from scyllamodel.driver.cluster.nodes import read_server_profile
from scyllamodel.driver.data.api_base import client_of
from scyllamodel.errors import LockTimeout
from scyllamodel.release.ledger.bootstrap import bootstrap
from scyllamodel.release.ledger.tables import LOCK, TABLES, table_id
from scyllamodel.release.lock import CqlLockStore, Lock, LockRequest
from scyllamodel.testing.keyspaces import create, drop, unique_name

pytestmark = pytest.mark.live

HOLDER = Path(__file__).parents[1] / "support" / "lock_holder.py"
LEASE = 2.0


def boot(repo):
    """Create the internal tables."""
    coordinator = choose_coordinator(client_of(repo).connection())
    with DdlExecutor(coordinator, read_server_profile(coordinator)) as executor:
        return bootstrap(executor, repo.keyspace)


@pytest.fixture(scope="module")
def lock_repo(scylla_repo):
    """The repo, with its internal tables."""
    boot(scylla_repo)
    return scylla_repo


@pytest.fixture
def through_proxy(scylla_cluster, lock_repo, scylla_fault_proxy):
    """A repo whose every request goes through the proxy."""
    with scylla_cluster.repo(lock_repo.keyspace, nodes=[scylla_fault_proxy.address]) as repo:
        yield repo


def store_of(repo, name, timeout=5.0):
    """The store of the lock with this name."""
    return CqlLockStore(
        LwtClient(choose_coordinator(client_of(repo).connection()), timeout=timeout), repo.keyspace, name
    )


def lock_of(repo, name, lease=LEASE, timeout=5.0):
    """The lock with this name."""
    return Lock(store_of(repo, name, timeout), LockRequest("a test", lease_seconds=lease))


class Holder:
    """A process that holds a lock, or waits for it; a context manager that ends it."""

    def __init__(self, repo, name, lease=LEASE, rounds=1000):
        arguments = [repo.settings.nodes[0], repo.keyspace, name, lease, rounds]
        command = [sys.executable, str(HOLDER), *map(str, arguments)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def until(self, state):
        """The numbers on the next line that begins with this word."""
        for line in self.process.stdout:
            value, *numbers = line.split()
            if value == state:
                return [float(number) for number in numbers]
        raise AssertionError(f"the process ended without saying {state}")


def test_many_starters_make_one_set_of_tables(scylla_cluster, scylla_repo):
    """Concurrent bootstraps create one set of tables with the derived ids; a second run adds nothing."""
    keyspace = unique_name("test_boot")
    with scylla_cluster.repo(keyspace) as repo:
        create(repo)
        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(lambda _: boot(repo), range(8)))
        rows = list(
            repo.session.execute("SELECT table_name, id FROM system_schema.tables WHERE keyspace_name = %s", [keyspace])
        )
        restarted = boot(repo)
        drop(repo)

    assert any(results)
    assert () == restarted
    assert {(table.name, table_id(keyspace, table.name)) for table in TABLES} == {tuple(row) for row in rows}


def test_one_at_a_time(lock_repo, request):
    """Of many threads only one has the lock at a time, and each gets a higher fencing token."""
    holders, epochs, mutex = [], [], threading.Lock()

    def hold(_):
        with lock_of(lock_repo, request.node.name).acquire() as lease:
            assert mutex.acquire(blocking=False)
            holders.append(1)
            time.sleep(0.02)
            mutex.release()
            epochs.append(lease.fencing_token)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(hold, range(12)))

    assert 12 == len(holders)
    assert len(set(epochs)) == 12
    assert sorted(epochs) == epochs


def test_processes_take_turns(lock_repo, request):
    """Several processes acquire the lock one after another, never two at once."""
    holders = [Holder(lock_repo, request.node.name, rounds=2) for _ in range(4)]
    spans = []
    for holder in holders:
        with holder:
            _, begin = holder.until("taken")
            spans.append((begin, holder.until("done")[0]))
    spans.sort()

    assert [] == [(first, second) for first, second in pairwise(spans) if second[0] < first[1]]


def test_a_killed_holder_is_replaced(lock_repo, request):
    """After a SIGKILL the lock is acquired by another process when the lease has expired."""
    with Holder(lock_repo, request.node.name) as holder:
        holder.until("fenced")
        holder.process.kill()
        kill_time = time.monotonic()
        with lock_of(lock_repo, request.node.name).acquire() as lease:
            seconds = (time.monotonic() - kill_time) / LEASE

            assert (2, True) == (lease.fencing_token, lease.took_over)
            assert 0.9 < seconds < 1.6


def test_a_holder_that_slept_past_its_lease_loses(lock_repo, request):
    """After SIGSTOP another process acquires the lock; the first one is refused at its next fence."""
    with Holder(lock_repo, request.node.name) as holder:
        holder.until("fenced")
        holder.process.send_signal(signal.SIGSTOP)
        with lock_of(lock_repo, request.node.name).acquire() as lease:
            holder.process.send_signal(signal.SIGCONT)
            holder.until("lost")
            lease.fence(1, 1)
            row = store_of(lock_repo, request.node.name).read(serial=True)

    assert (lease.owner, lease.fencing_token) == (row.owner, row.epoch)


def test_a_holder_that_works_longer_than_its_lease_keeps_it(lock_repo, request):
    """A thread renews the lock past its lease, and a waiter that times out learns holder and purpose."""
    with lock_of(lock_repo, request.node.name, lease=1.0).acquire() as lease:
        with (
            pytest.raises(LockTimeout) as exc_info,
            lock_of(lock_repo, request.node.name, lease=1.0).acquire(timeout=0.2),
        ):
            pass
        time.sleep(2.5)
        row = store_of(lock_repo, request.node.name).read(serial=True)

    assert (lease.owner, 1) == (row.owner, row.epoch)
    assert row.beat >= 5
    assert (lease.owner, "a test") == (exc_info.value.holder, exc_info.value.purpose)


def test_a_waiter_looks_and_goes_without(lock_repo, request):
    """A run that waits for the lock continues without it once it sees that nothing is left to do."""
    looks = []
    with (
        lock_of(lock_repo, request.node.name).acquire(),
        lock_of(lock_repo, request.node.name).acquire(should_stop=lambda: looks.append(1) or len(looks) == 3) as lease,
    ):
        assert lease is None


def updates(column):
    """A predicate for updates of the lock that set this column."""
    return lambda request: f"SET {column} = " in request.query


@pytest.mark.parametrize("action", ["swallow_answers", "cut_answers", "cut_requests"])
@pytest.mark.parametrize(("column", "which"), [("owner", "take"), ("beat", "fence"), ("owner", "release")])
def test_a_lost_answer_is_settled_by_the_row(  # noqa: PLR0917 - fixtures and cases
    scylla_fault_proxy, through_proxy, lock_repo, request, action, column, which
):
    """After a lost response the row decides whether the update was applied, and the lock is free in the end."""
    fault = lambda: getattr(scylla_fault_proxy, action)(1, when=updates(column))  # noqa: E731
    lock = lock_of(through_proxy, request.node.name, lease=10.0, timeout=1.0)
    if which == "take":
        fault()
    with lock.acquire() as lease:
        if which == "fence":
            fault()
        is_fresh = lease.fence(7, 3).is_fresh
        row = store_of(lock_repo, request.node.name).read(serial=True)
        if which == "release":
            fault()
    after = store_of(lock_repo, request.node.name).read(serial=True)

    assert (lease.owner, 1, 7, 3, True) == (row.owner, row.epoch, row.version, row.step, is_fresh)
    assert (None, 1) == (after.owner, after.epoch)


def test_hostile_names_are_names(lock_repo):
    """A name or a purpose that reads like CQL is stored unchanged."""
    name = "x' IF owner = null; DROP TABLE " + LOCK.name
    with Lock(store_of(lock_repo, name), LockRequest("it's %s {}")).acquire():
        row = store_of(lock_repo, name).read(serial=False)

    assert (name, "it's %s {}") == (row.name, row.purpose)
