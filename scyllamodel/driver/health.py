"""How the nodes of a cluster fare, as one of them sees it.

*In*: a `Coordinator`. *Out*: a `Health`. What may not be read, or is not told by this release, counts as well: a
warning that is missing is better than a migration that cannot start.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from scyllamodel.driver.coordinator import DRIVER_ERRORS, Coordinator
from scyllamodel.driver.servers import read_members
from scyllamodel.schema.rules.preflight import Health, Member
from scyllamodel.schema.server import ServerProfile

_GOSSIP: Final = "SELECT * FROM system_views.gossip_info"
_STATUS: Final = "SELECT host_id, status, up FROM system.cluster_status"
_AT_REST: Final = frozenset({"", "NORMAL", "UN", "SHUTDOWN", "LEFT", "REMOVED"})
"""States in which a node neither takes nor gives up data."""


def read_health(coordinator: Coordinator, server: ServerProfile) -> Health:
    """The nodes and their states.

    Raises:
        IntrospectionError: not even the nodes could be read.
    """
    found = read_members(coordinator)
    states = _scylla_states(coordinator) if server.is_scylla else _states(coordinator)
    return Health([
        Member(
            node.address,
            node.data_center,
            None if node.version is None else str(node.version),
            is_up=node.host is None or node.host.is_up is not False,
            moving=states.get(str(node.host_id), ""),
        )
        for node in found
    ])  # fmt: skip


def _states(coordinator: Coordinator) -> dict[str, str]:
    """What each node is busy with, by host id: Cassandra 4.1 and later tell it, as ``BOOT,…`` and the like."""
    return {str(row.get("host_id")): _busy(_status(row)) for row in _rows(coordinator, _GOSSIP)}


def _status(row: Mapping[str, Any]) -> str:
    return str(row.get("status_with_port") or row.get("status") or "").partition(",")[0]


def _scylla_states(coordinator: Coordinator) -> dict[str, str]:
    return {str(row["host_id"]): _busy(str(row["status"] or "")) for row in _rows(coordinator, _STATUS)}


def _busy(status: str) -> str:
    return "" if status.upper() in _AT_REST else status


def _rows(coordinator: Coordinator, cql: str) -> list[dict[str, Any]]:
    try:
        return coordinator.rows(cql)
    except DRIVER_ERRORS:
        return []
