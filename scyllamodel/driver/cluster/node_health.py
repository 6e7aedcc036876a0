"""The state of the nodes of a cluster, as one of them reports it.

In: a `Coordinator`. Out: a `Health`. What cannot be read, or is not reported by this release, counts as healthy: a
missing warning is better than a migration that cannot start.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from scyllamodel.driver.cluster.coordinator import Coordinator
from scyllamodel.driver.cluster.nodes import CLUSTER_STATUS_QUERY, Node, read_nodes
from scyllamodel.driver.outcomes import DRIVER_ERRORS
from scyllamodel.schema.rules.preflight import Health, Member
from scyllamodel.schema.server.profile import ServerProfile

_GOSSIP_QUERY: Final = "SELECT * FROM system_views.gossip_info"
_TABLETS_QUERY: Final = "SELECT DISTINCT table_id, keyspace_name FROM system.tablets"
_STABLE_STATES: Final = frozenset({"", "NORMAL", "UN", "SHUTDOWN", "LEFT", "REMOVED"})
"""States in which a node neither receives nor gives up data."""


def read_health(coordinator: Coordinator, server: ServerProfile) -> Health:
    """Read the nodes and their states; a joining node counts, although it is not a member yet.

    Raises:
        IntrospectionError: the list of nodes could not be read.
    """
    nodes = {str(node.host_id): node for node in read_nodes(coordinator)}
    states = _scylla_states(coordinator) if server.has_cluster_status else _gossip_states(coordinator)
    joining_members = [member for host_id, member in states.items() if member.moving and host_id not in nodes]
    tablets = _rows_or_none(coordinator, _TABLETS_QUERY) if server.migrates_to_tablets else ()
    return Health(
        [*(_member(node, states.get(host_id)) for host_id, node in nodes.items()), *joining_members],
        frozenset(str(row["keyspace_name"]) for row in tablets),
    )


def _member(node: Node, state: Member | None) -> Member:
    return Member(
        node.address,
        node.data_center,
        None if node.schema_version is None else str(node.schema_version),
        is_up=(node.host is None or node.host.is_up is not False) and (state is None or state.is_up),
        moving="" if state is None else state.moving,
    )


def _gossip_states(coordinator: Coordinator) -> dict[str, Member]:
    """Read the gossip state of each node by host id; Cassandra 4.1 and later list it, as ``BOOT,…`` and similar."""
    return {
        str(row.get("host_id")): _reported_member(row.get("address"), row.get("dc"), _status(row))
        for row in _rows_or_none(coordinator, _GOSSIP_QUERY)
    }


def _status(row: Mapping[str, Any]) -> str:
    return str(row.get("status_with_port") or row.get("status") or "").partition(",")[0]


def _scylla_states(coordinator: Coordinator) -> dict[str, Member]:
    return {
        str(row["host_id"]): attrs.evolve(
            _reported_member(row["peer"], row["dc"], str(row["status"] or "")), is_up=row["up"] is not False
        )
        for row in _rows_or_none(coordinator, CLUSTER_STATUS_QUERY)
    }


def _reported_member(address: Any, data_center: Any, status: str) -> Member:
    return Member(str(address), str(data_center or ""), moving="" if status.upper() in _STABLE_STATES else status)


def _rows_or_none(coordinator: Coordinator, cql: str) -> list[dict[str, Any]]:
    try:
        return coordinator.rows(cql)
    except DRIVER_ERRORS:
        return []
