"""Sending never blocks a thread or an event loop, whether the connection is closed or full."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from scyllamodel import Column, Model, ServiceUnavailable, migrate, partition_key, select

pytestmark = pytest.mark.live


class Leaf(Model, table="leaves", repo="nowait"):
    """A row that is read."""

    id: Column[int] = partition_key()


@pytest.fixture(scope="module")
def repo(scylla_cluster, scylla_repo):
    """A repo with the table of this module."""
    with scylla_cluster.repo(scylla_repo.keyspace, name="nowait") as new_repo:
        migrate(new_repo, resources=[Leaf])
        yield new_repo


@pytest.fixture
def weak(scylla_cluster, repo, scylla_fault_proxy):
    """A repo behind a proxy, with its statement prepared."""
    with scylla_cluster.repo(repo.keyspace, name="nowait", nodes=[scylla_fault_proxy.address]) as new_repo:
        new_repo.get(Leaf, id=1)
        new_repo.all(select(Leaf).whole_table().timeout(5))
        yield new_repo


def connections(repo):
    """The connections that requests are sent through."""
    return [
        connection for pool in list(repo.session._pools.values()) for connection in list(pool._connections.values())
    ]


def cut(repo, proxy):
    """Close all connections, and wait until the driver has noticed; its pools are not informed."""
    open_connections = connections(repo)
    proxy.cut()
    until = time.monotonic() + 5
    while not all(connection.is_closed for connection in open_connections) and time.monotonic() < until:
        time.sleep(0.001)
    assert all(connection.is_closed for connection in open_connections)


def fill(repo):
    """Take all streams of all connections, like abandoned requests without a response."""
    for item in connections(repo):
        item.in_flight = item.max_request_id


def empty(repo):
    """Return the streams that `fill` took."""
    for item in connections(repo):
        if item.in_flight == item.max_request_id:
            item.in_flight = 0


def wait_until_served(repo):
    """Wait until a request succeeds."""
    empty(repo)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with contextlib.suppress(ServiceUnavailable):
            assert repo.get(Leaf, id=1) is None
            return
        time.sleep(0.1)

    pytest.fail("no connection was made")


async def longest_stand(repo):
    """The longest time for which the loop is blocked while rows are read."""
    lags = [0.0]

    async def watch():
        while True:
            start = time.monotonic()
            await asyncio.sleep(0.01)
            lags.append(time.monotonic() - start)

    watching = asyncio.ensure_future(watch())
    await asyncio.sleep(0.05)
    for _ in range(3):
        with contextlib.suppress(ServiceUnavailable):
            await repo.aio().get(Leaf, id=1)
        await asyncio.sleep(0.02)
    watching.cancel()
    return max(lags)


@pytest.mark.parametrize("operation", ["closed", "full"])
def test_no_connection_keeps_an_event_loop(weak, scylla_fault_proxy, operation):
    """A closed or full connection does not block the event loop, where the driver would wait for 2 seconds."""
    stands = []
    for _ in range(3):  # a busy machine may delay the loop too, but not each time
        wait_until_served(weak)
        cut(weak, scylla_fault_proxy) if operation == "closed" else fill(weak)
        stands.append(asyncio.run(longest_stand(weak)))
        if stands[-1] < 1:
            return

    pytest.fail(f"the loop was blocked for {stands} seconds")


def test_a_timeout_of_a_thread_holds_while_a_connection_is_closed(weak, scylla_fault_proxy):
    """A read on a closed connection fails at once, and nothing was sent."""
    query = select(Leaf).whole_table().timeout(0.1)
    cut(weak, scylla_fault_proxy)
    start = time.monotonic()
    with pytest.raises(ServiceUnavailable) as exc_info:
        weak.all(query)

    assert not exc_info.value.may_be_applied
    assert time.monotonic() - start < 1


def test_a_connection_that_was_closed_is_replaced(weak, scylla_fault_proxy):
    """After a connection was closed, requests soon succeed through another one."""
    cut(weak, scylla_fault_proxy)
    wait_until_served(weak)


def test_the_next_page_does_not_wait_either(weak, repo, scylla_fault_proxy):
    """A stream that continues after its connection was closed does not block its reader."""
    repo.save_many([Leaf(id=number) for number in range(6)])
    rows = weak.stream(select(Leaf).whole_table(), page_size=2)
    next(rows)
    cut(weak, scylla_fault_proxy)
    start = time.monotonic()
    with contextlib.suppress(ServiceUnavailable):
        list(rows)

    assert time.monotonic() - start < 1.5
