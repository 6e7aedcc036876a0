"""Whether all nodes have one schema, asked of the coordinator by ourselves.

*In*: a `Coordinator`. *Out*: nothing, or `SchemaDisagreement`. The driver's own wait gives up with a log line, counts
a node out as soon as it lost its connection to it, and always fails on a session with dict rows.

The coordinator hears of the version of another node late, on ScyllaDB a second after that node has it: a node that the
session is connected to is asked itself before it counts as behind.

A node that has another version counts out only when it is known to be dead: its port takes no connection, *and* its
gossip heartbeat stands still, or ScyllaDB lists it as down, or where neither can be read the driver considers it down.
A process that is only paused still takes connections, as its kernel does that, and comes back with an old schema: it
counts.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias
from uuid import UUID

import attrs

from scyllamodel.driver.coordinator import DRIVER_ERRORS, Coordinator
from scyllamodel.driver.servers import CLUSTER_STATUS, Node, members, server_of
from scyllamodel.errors import IntrospectionError, SchemaDisagreement

OnWait: TypeAlias = Callable[[float, Mapping[str, tuple[str, ...]]], object]
"""Told, while nodes disagree, the seconds so far and which nodes have which version."""

STILL: Final = 5.0
"""Seconds after which a heartbeat that did not move stands still; live nodes beat once a second."""

_PAUSES: Final = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Seconds between two looks; most disagreements last a few milliseconds."""

_HEARTBEATS: Final = "SELECT host_id, generation, heartbeat FROM system_views.gossip_info"


@attrs.define
class Pulse:
    """What is known of the hearts of nodes.

    Attributes:
        beats: the heartbeats seen so far, and since when each has stood still (monotonic seconds).
        up: for each node of ScyllaDB, whether it is listed as up.
    """

    beats: dict[str, tuple[Any, float]] = attrs.Factory(dict[str, tuple[Any, float]])
    up: dict[str, bool] = attrs.Factory(dict[str, bool])

    def look(self, coordinator: Coordinator) -> None:
        """Read all heartbeats once; a server without the table, or that hides it, leaves this empty."""
        try:
            if server_of(coordinator).has_cluster_status:
                self.up = {str(row["host_id"]): bool(row["up"]) for row in coordinator.rows(CLUSTER_STATUS)}
                return
            rows = coordinator.rows(_HEARTBEATS)
        except (*DRIVER_ERRORS, IntrospectionError):
            return
        now = time.monotonic()
        for row in rows:
            beat = (row["generation"], row["heartbeat"])
            last = self.beats.get(str(row["host_id"]))
            if last is None or last[0] != beat:
                self.beats[str(row["host_id"])] = (beat, now)

    def stands_still(self, host_id: UUID) -> bool | None:
        """Whether a node's heart stopped; None when nothing is known of it."""
        if str(host_id) in self.up:
            return not self.up[str(host_id)]
        last = self.beats.get(str(host_id))
        return None if last is None else time.monotonic() - last[1] >= STILL


def await_agreement(
    coordinator: Coordinator, timeout: float, *, on_wait: OnWait | None = None, pulse: Pulse | None = None
) -> UUID:
    """Wait until all nodes that are not known to be dead have one schema version, and return it.

    Parameters:
        timeout: seconds.
        on_wait: told of every look that found a disagreement.
        pulse: heartbeats of an earlier wait, which shorten this one.

    Raises:
        SchemaDisagreement: they did not in time; ``versions`` maps each version to its nodes.
        Exception: one of `DRIVER_ERRORS`, when the coordinator itself did not answer.
    """
    seen = Pulse() if pulse is None else pulse
    start = time.monotonic()
    looks = 0
    while True:
        versions = look_at_versions(coordinator, seen)
        if len(versions) == 1:
            return UUID(next(iter(versions)))
        waited = time.monotonic() - start
        if waited >= timeout:
            raise _disagreement(versions, timeout)
        if on_wait is not None:
            on_wait(waited, versions)
        time.sleep(min(_PAUSES[min(looks, len(_PAUSES) - 1)], max(0.0, timeout - waited)))
        looks += 1


def look_at_versions(coordinator: Coordinator, pulse: Pulse) -> dict[str, tuple[str, ...]]:
    """Each schema version with the addresses of the nodes that have it; dead nodes are left out.

    Raises:
        Exception: one of `DRIVER_ERRORS`.
    """
    here, *peers = members(coordinator)
    differing = [peer for peer in peers if peer.version is not None and peer.version != here.version]
    if differing:
        pulse.look(coordinator)
    dead = {peer.host_id for peer in differing if _is_dead(peer, pulse)}
    versions: dict[str, tuple[str, ...]] = {}
    for node in (here, *peers):
        # A node that just joins has told no version yet, and takes the schema over from the others.
        if node.version is not None and node.host_id not in dead:
            versions[str(node.version)] = (*versions.get(str(node.version), ()), node.address)
    return versions


def _is_dead(node: Node, pulse: Pulse) -> bool:
    still = pulse.stands_still(node.host_id)
    if still is None:
        still = node.host is not None and node.host.is_up is False
    return still and not _takes_connections(node)


def _takes_connections(node: Node) -> bool:
    """Whether a socket to the node's CQL port opens; nothing is sent."""
    if node.host is None:
        return False
    try:
        socket.create_connection((node.host.endpoint.address, node.host.endpoint.port), timeout=1).close()
    except OSError:
        return False
    return True


def _disagreement(versions: Mapping[str, tuple[str, ...]], timeout: float) -> SchemaDisagreement:
    listed = "; ".join(f"{version} on {', '.join(nodes)}" for version, nodes in versions.items())
    return SchemaDisagreement(
        f"the nodes did not agree on one schema within {timeout:g} s: {listed}. A node that was paused or cut off can "
        "take a minute to catch up: wait and run this again, or look at the nodes that stay behind.",
        versions={version: list(nodes) for version, nodes in versions.items()},
    )
