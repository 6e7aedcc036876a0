"""The hosts that a request is sent to, without those for which the driver would block its caller."""

from __future__ import annotations

import attrs
import pytest

from scyllamodel.driver._cassandra import NoConnectionsAvailable
from scyllamodel.driver.session.query_plan import ready_hosts


@attrs.define(eq=False, slots=False)
class Wire:
    """Stands in for a connection of the driver."""

    is_closed: bool = False
    in_flight: int = 0
    max_request_id: int = 10


class Pool:
    """Stands in for a pool of scylla-driver, with a connection for each shard."""

    is_shutdown = False

    def __init__(self, *wires):
        self._connections = dict(enumerate(wires))
        self.returned = []

    def return_connection(self, wire, *, stream_was_orphaned):
        """Called when a connection may be closed; no stream of it comes back."""
        assert stream_was_orphaned
        self.returned.append(wire)


class OnePool(Pool):
    """Stands in for a pool of cassandra-driver, with one connection."""

    def __init__(self, wire):
        super().__init__()
        del self._connections
        self._connection = wire


class Session:
    """Stands in for a session whose thread pool runs a task immediately."""

    def __init__(self, **pools):
        self._pools = pools

    def submit(self, function, *args):
        """Run the function immediately."""
        function(*args)


def hosts(pools, plan="abc"):
    """The hosts of a plan that can be used, and the errors of the others."""
    errors = {}
    return list(ready_hosts(plan, Session(**pools), errors)), {host: type(error) for host, error in errors.items()}


@pytest.mark.parametrize("kind", [Pool, OnePool])
def test_hosts_with_open_connections_stay_in_their_order(kind):
    """Hosts whose connections are open are all in the plan, in the order of the driver."""
    pool = kind(Wire(in_flight=9))

    assert (["a", "b", "c"], {}) == hosts({"a": pool, "b": pool, "c": pool})


@pytest.mark.parametrize("kind", [Pool, OnePool])
def test_a_closed_connection_is_left_out_and_reported(kind):
    """A host with a closed connection is left out, and the connection is returned to the pool once."""
    closed = Wire(is_closed=True)
    pool = kind(closed)

    for _ in range(2):
        assert (["a", "c"], {"b": NoConnectionsAvailable}) == hosts({"a": kind(Wire()), "b": pool, "c": kind(Wire())})
    assert [closed] == pool.returned


def test_one_open_connection_of_several_is_enough():
    """A host with a closed and an open connection is in the plan, and the driver replaces the closed one."""
    pool = Pool(Wire(is_closed=True), Wire())

    assert (["a"], {}) == hosts({"a": pool}, "a")
    assert [] == pool.returned


def test_a_full_connection_is_left_out():
    """A host with a full connection is left out, since the request might need that one."""
    assert ([], {"a": NoConnectionsAvailable}) == hosts({"a": Pool(Wire(in_flight=10), Wire())}, "a")


@pytest.mark.parametrize("pool", [None, Pool()])
def test_what_the_driver_refuses_at_once_is_left_to_it(pool):
    """A host without a pool or without connections is in the plan, and has the driver's own error."""
    assert (["a"], {}) == hosts({"a": pool}, "a")


def test_a_host_is_looked_at_when_it_is_its_turn():
    """A connection is checked only when the plan reaches its host, so that a retry sees the current state."""
    wire = Wire()
    plan = ready_hosts("ab", Session(a=Pool(Wire()), b=Pool(wire)), {})

    assert "a" == next(plan)
    wire.is_closed = True
    assert [] == list(plan)
