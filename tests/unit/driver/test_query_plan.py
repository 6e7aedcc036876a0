"""The hosts that a request is sent to: none for which the driver would make its caller wait."""

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
    """Stands in for a pool of scylla-driver: a connection for each shard."""

    is_shutdown = False

    def __init__(self, *wires):
        self._connections = dict(enumerate(wires))
        self.returned = []

    def return_connection(self, wire, *, stream_was_orphaned):
        """Called when a connection may be closed; no stream of it comes back."""
        assert stream_was_orphaned
        self.returned.append(wire)


class OnePool(Pool):
    """Stands in for a pool of cassandra-driver: one connection."""

    def __init__(self, wire):
        super().__init__()
        del self._connections
        self._connection = wire


class Session:
    """Stands in for a session, whose threads work at once."""

    def __init__(self, **pools):
        self._pools = pools

    def submit(self, function, *args):
        """A thread of the driver does it."""
        function(*args)


def hosts(pools, plan="abc"):
    """The hosts of a plan that can be sent to, and the errors of the others."""
    errors = {}
    return list(ready_hosts(plan, Session(**pools), errors)), {host: type(error) for host, error in errors.items()}


@pytest.mark.parametrize("kind", [Pool, OnePool])
def test_hosts_with_open_connections_stay_in_their_order(kind):
    """The usual case costs nothing but a look."""
    pool = kind(Wire(in_flight=9))

    assert (["a", "b", "c"], {}) == hosts({"a": pool, "b": pool, "c": pool})


@pytest.mark.parametrize("kind", [Pool, OnePool])
def test_a_closed_connection_is_left_out_and_reported(kind):
    """Once: the pool replaces it, or takes the host for down."""
    closed = Wire(is_closed=True)
    pool = kind(closed)

    for _ in range(2):
        assert (["a", "c"], {"b": NoConnectionsAvailable}) == hosts({"a": kind(Wire()), "b": pool, "c": kind(Wire())})
    assert [closed] == pool.returned


def test_one_open_connection_of_several_is_enough():
    """The driver takes another shard's connection in place of a closed one, and knows of that one."""
    pool = Pool(Wire(is_closed=True), Wire())

    assert (["a"], {}) == hosts({"a": pool}, "a")
    assert [] == pool.returned


def test_a_full_connection_is_left_out():
    """A full connection is left out: it may be the one that the request would need."""
    assert ([], {"a": NoConnectionsAvailable}) == hosts({"a": Pool(Wire(in_flight=10), Wire())}, "a")


@pytest.mark.parametrize("pool", [None, Pool()])
def test_what_the_driver_refuses_at_once_is_left_to_it(pool):
    """A host without a pool or without connections has the driver's own error."""
    assert (["a"], {}) == hosts({"a": pool}, "a")


def test_a_host_is_looked_at_when_it_is_its_turn():
    """A retry sees what has become of it meanwhile."""
    wire = Wire()
    plan = ready_hosts("ab", Session(a=Pool(Wire()), b=Pool(wire)), {})

    assert "a" == next(plan)
    wire.is_closed = True
    assert [] == list(plan)
