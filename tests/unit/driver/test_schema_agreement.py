"""Which nodes have which schema version, and which of them count, from rows as both engines return them."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID, uuid4

import attrs
import pytest
from cassandra import OperationTimedOut, Unauthorized

from scyllamodel.driver.cluster.coordinator import PinnedNode
from scyllamodel.driver.cluster.node_health import read_health
from scyllamodel.driver.cluster.nodes import read_nodes
from scyllamodel.driver.cluster.schema_agreement import HEARTBEAT_TIMEOUT, HeartbeatMonitor, read_versions
from scyllamodel.schema.server.profile import ServerProfile

OLD, NEW = uuid4(), uuid4()
SCYLLA = ServerProfile("scylla", (2025, 1))


@attrs.frozen(eq=False)
class Endpoint:
    """An address where nothing listens."""

    address: str
    port: int = 1

    def __str__(self):
        return f"{self.address}:{self.port}"


@attrs.define(eq=False)
class Node:
    """A node of a cluster in memory.

    Attributes:
        version: of the schema that it has.
        heard: the version that the others have heard of it.
        listed: whether ``system.cluster_status`` says that it is up.
        is_silent: whether it answers nothing.
        is_connected: whether the session has a connection to it.
    """

    at: int
    version: UUID = NEW
    heard: UUID = NEW
    listed: bool = True
    is_silent: bool = False
    is_connected: bool = True
    is_up: bool | None = True
    host_id: UUID = attrs.field(factory=uuid4)
    release_version: str = "3.0.8"

    @property
    def endpoint(self):
        return Endpoint(f"127.0.0.{self.at}")


@attrs.define
class Answer:
    """The result of a request."""

    node: Node

    def result(self):
        if self.node.is_silent:
            raise OperationTimedOut
        return [{"schema_version": self.node.version}]


class InMemory:
    """A coordinator and its connection, which answer the queries for schema agreement."""

    def __init__(self, *nodes, server=SCYLLA, may_read_status=True):
        self.nodes, self.server, self.may_read_status = nodes, server, may_read_status
        self.connection = self
        self.host, self.hosts = nodes[0], list(nodes)
        self.host_id = nodes[0].host_id
        self.server_profiles = {(nodes[0].host_id, "3.0.8"): server}
        self.queried = []

    @property
    def connected_hosts(self):
        return {node for node in self.nodes if node.is_connected}

    def send(self, _, *, host, **__):
        self.queried.append(host.at)
        return Answer(host)

    def read(self, work):
        return work(_Here(self, self.nodes[0]))

    def rows(self, cql):
        first = self.nodes[0]
        if "system.local" in cql:
            return [{"host_id": first.host_id, "data_center": "dc1", "rack": "r1", "schema_version": first.version}]
        if "system.peers" in cql:
            return [
                {
                    "peer": node.endpoint.address,
                    "host_id": node.host_id,
                    "data_center": "dc1",
                    "rack": "r2",
                    "schema_version": node.heard,
                }
                for node in self.nodes[1:]
            ]
        assert "cluster_status" in cql
        if not self.may_read_status:
            raise Unauthorized("User u has no SELECT permission on <table system.cluster_status>")
        return [
            {"host_id": node.host_id, "peer": node.endpoint.address, "dc": "dc1", "status": "NORMAL", "up": node.listed}
            for node in self.nodes
        ]


class _Here(PinnedNode):
    """The first node, for reads that must use one coordinator."""

    def rows(self, cql, **_):
        return self.connection.rows(cql)


def test_a_connected_node_is_asked_itself():
    """A node that has the schema counts as having it, although the coordinator does not list it as such yet."""
    cluster = InMemory(Node(1), Node(2, heard=OLD), Node(3))

    versions = read_versions(cluster, HeartbeatMonitor())

    assert {str(NEW): ("127.0.0.1:1", "127.0.0.2:1", "127.0.0.3:1")} == versions
    assert [2, 3] == cluster.queried


def test_a_node_that_only_seems_to_agree_is_asked():
    """What the coordinator lists may be older than a change that restored an earlier version, such as a DROP."""
    versions = read_versions(InMemory(Node(1), Node(2, heard=NEW, version=OLD)), HeartbeatMonitor())

    assert {str(NEW): ("127.0.0.1:1",), str(OLD): ("127.0.0.2:1",)} == versions


@pytest.mark.parametrize(
    "node", [Node(2, heard=OLD, version=OLD), Node(2, heard=OLD, is_silent=True)], ids=["old", "silent"]
)
def test_a_node_that_is_behind_or_silent_counts_as_behind(node):
    """A listed node with an old version, or without an answer, prevents agreement."""
    versions = read_versions(InMemory(Node(1), node), HeartbeatMonitor())

    assert {str(NEW), str(OLD)} == set(versions)


def test_what_is_not_connected_is_not_asked():
    """For a node without a connection, the version that the coordinator lists is used."""
    cluster = InMemory(Node(1), Node(2, heard=OLD, is_connected=False))

    assert 2 == len(read_versions(cluster, HeartbeatMonitor()))
    assert [] == cluster.queried


def test_a_node_that_scylla_lists_as_down_does_not_count():
    """A node that ``system.cluster_status`` lists as down is ignored, even before the driver marks it as down."""
    cluster = InMemory(Node(1), Node(2, heard=OLD, is_silent=True, listed=False))

    assert {str(NEW): ("127.0.0.1:1",)} == read_versions(cluster, HeartbeatMonitor())


@pytest.mark.parametrize(("is_up", "counted"), [(False, 1), (True, 2)])
def test_the_driver_decides_where_the_status_is_hidden(is_up, counted):
    """If the role may not read ``system.cluster_status``, the driver's state of a node is used."""
    cluster = InMemory(Node(1), Node(2, heard=OLD, is_silent=True, is_up=is_up), may_read_status=False)

    assert counted == len(read_versions(cluster, HeartbeatMonitor()))


def test_plans_ask_only_nodes_that_seem_to_differ():
    """The nodes of a plan's notes are read without a question to those that seem to agree, which may be silent."""
    cluster = InMemory(Node(1), Node(2, heard=OLD), Node(3))

    assert [NEW, NEW, NEW] == [node.schema_version for node in read_nodes(cluster)]
    assert [2] == cluster.queried


def test_health_takes_what_scylla_lists():
    """A node that is listed as down is down, although the driver has not marked it yet."""
    health = read_health(InMemory(Node(1), Node(2, listed=False)), SCYLLA)

    assert [True, False] == [member.is_up for member in health.members]


def test_heartbeats_decide_on_cassandra():
    """A node whose heartbeat has not changed for the timeout is stalled, and one without a heartbeat is unknown."""
    pulse, host_id = HeartbeatMonitor(), uuid4()
    with suppress(KeyError):
        pulse.refresh(InMemory(Node(1)))
    pulse.up_states.clear()
    pulse.heartbeats[str(host_id)] = ((1, 1), -HEARTBEAT_TIMEOUT)

    assert pulse.is_stalled(host_id) is True
    assert pulse.is_stalled(uuid4()) is None
