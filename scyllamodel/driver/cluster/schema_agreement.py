"""The wait until all nodes of a cluster have one schema version.

In: a `Coordinator`. Out: the version, or `SchemaDisagreement`. The driver's own wait is not used: it gives up with a
log line, ignores a node as soon as its connection is lost, and fails on a session with dict rows.

The coordinator learns the version of another node late, on ScyllaDB one second after that node has it. A node that the
session is connected to is therefore asked directly.

A node with another version is ignored only if it is known to be dead: its port refuses connections, and its gossip
heartbeat is stalled, ScyllaDB lists it as down, or, where neither can be read, the driver considers it down. A paused
process still accepts connections, because the kernel does, and resumes with an old schema: it counts.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import attrs

from scyllamodel._backoff import Backoff, poll
from scyllamodel.driver.cluster.coordinator import Coordinator
from scyllamodel.driver.cluster.nodes import CLUSTER_STATUS_QUERY, Node, fetch_nodes, server_profile
from scyllamodel.driver.outcomes import DRIVER_ERRORS
from scyllamodel.errors import IntrospectionError, SchemaDisagreement

HEARTBEAT_TIMEOUT: Final = 5.0
"""Seconds without a new heartbeat after which a node counts as stalled; live nodes send one each second."""

_BACKOFF: Final = Backoff(0.05, 1.0)
"""Pauses between two polls; most disagreements last a few milliseconds."""

_HEARTBEATS: Final = "SELECT host_id, generation, heartbeat FROM system_views.gossip_info"


@attrs.define
class HeartbeatMonitor:
    """Heartbeats and states of the nodes, as the coordinator knows them.

    Attributes:
        heartbeats: the last heartbeat of each node, and when it was first seen (monotonic seconds).
        up_states: for each node of ScyllaDB, whether the server lists it as up.
    """

    heartbeats: dict[str, tuple[Any, float]] = attrs.Factory(dict[str, tuple[Any, float]])
    up_states: dict[str, bool] = attrs.Factory(dict[str, bool])

    def refresh(self, coordinator: Coordinator) -> None:
        """Read all heartbeats once; a server that lacks or hides the table changes nothing."""
        try:
            if server_profile(coordinator).has_cluster_status:
                self.up_states = {
                    str(row["host_id"]): bool(row["up"]) for row in coordinator.rows(CLUSTER_STATUS_QUERY)
                }
                return
            rows = coordinator.rows(_HEARTBEATS)
        except (*DRIVER_ERRORS, IntrospectionError):
            return
        now = time.monotonic()
        for row in rows:
            heartbeat = (row["generation"], row["heartbeat"])
            previous = self.heartbeats.get(str(row["host_id"]))
            if previous is None or previous[0] != heartbeat:
                self.heartbeats[str(row["host_id"])] = (heartbeat, now)

    def is_stalled(self, host_id: UUID) -> bool | None:
        """Whether the node has sent no heartbeat for `HEARTBEAT_TIMEOUT` seconds; None when nothing is known of it."""
        if str(host_id) in self.up_states:
            return not self.up_states[str(host_id)]
        previous = self.heartbeats.get(str(host_id))
        return None if previous is None else time.monotonic() - previous[1] >= HEARTBEAT_TIMEOUT


def await_agreement(coordinator: Coordinator, timeout: float, *, monitor: HeartbeatMonitor | None = None) -> UUID:
    """Wait until all nodes that are not known to be dead have one schema version, and return it.

    Parameters:
        timeout: seconds.
        monitor: heartbeats of an earlier wait, which shorten this one.

    Raises:
        SchemaDisagreement: they did not agree in time; ``versions`` maps each version to its nodes.
        Exception: one of `DRIVER_ERRORS`, when the coordinator itself did not answer.
    """
    heartbeat_monitor = HeartbeatMonitor() if monitor is None else monitor
    versions = poll(
        lambda: read_versions(coordinator, heartbeat_monitor),
        until=lambda versions: len(versions) == 1,
        timeout=timeout,
        backoff=_BACKOFF,
    )
    if len(versions) != 1:
        raise _disagreement(versions, timeout)
    return UUID(next(iter(versions)))


def read_versions(coordinator: Coordinator, monitor: HeartbeatMonitor) -> dict[str, tuple[str, ...]]:
    """Return the addresses of the nodes by schema version, without nodes that are known to be dead.

    Raises:
        Exception: one of `DRIVER_ERRORS`.
    """
    local_node, *peers = fetch_nodes(coordinator, ask_all=True)
    divergent_peers = [
        peer for peer in peers if peer.schema_version is not None and peer.schema_version != local_node.schema_version
    ]
    if divergent_peers:
        monitor.refresh(coordinator)
    dead_ids = {peer.host_id for peer in divergent_peers if _is_dead(peer, monitor)}
    versions: dict[str, tuple[str, ...]] = {}
    for node in (local_node, *peers):
        # A node that just joined has no version yet, and receives the schema from the others.
        if node.schema_version is not None and node.host_id not in dead_ids:
            versions[str(node.schema_version)] = (*versions.get(str(node.schema_version), ()), node.address)
    return versions


def _is_dead(node: Node, monitor: HeartbeatMonitor) -> bool:
    is_stalled = monitor.is_stalled(node.host_id)
    if is_stalled is None:
        is_stalled = node.host is not None and node.host.is_up is False
    return is_stalled and not _accepts_connections(node)


def _accepts_connections(node: Node) -> bool:
    """Whether the CQL port of a node accepts a connection; nothing is sent."""
    if node.host is None:
        return False
    try:
        socket.create_connection((node.host.endpoint.address, node.host.endpoint.port), timeout=1).close()
    except OSError:
        return False
    return True


def _disagreement(versions: Mapping[str, tuple[str, ...]], timeout: float) -> SchemaDisagreement:
    details = "; ".join(f"{version} on {', '.join(nodes)}" for version, nodes in versions.items())
    return SchemaDisagreement(
        f"the nodes did not agree on one schema within {timeout:g} s: {details}. A node that was paused or cut off can "
        "take a minute to catch up: wait and run this again. A Cassandra node that stays behind missed a change, and "
        "does not request it: restart that node, or change the schema in another way, such as with a new keyspace.",
        versions={version: list(nodes) for version, nodes in versions.items()},
    )
