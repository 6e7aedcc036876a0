"""The nodes of a cluster, and the profile of its server.

In: a `Coordinator`. Out: a `ServerProfile`, and the nodes of each data centre. What may not be read stays unknown.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import attrs

from scyllamodel._text import printable_line
from scyllamodel.driver._cassandra import InvalidRequest, Unauthorized
from scyllamodel.driver.cluster.coordinator import Coordinator, PinnedNode
from scyllamodel.driver.outcomes import DRIVER_ERRORS
from scyllamodel.errors import IntrospectionError
from scyllamodel.schema.rules.evaluation import Racks, Topology
from scyllamodel.schema.server.detection import (
    COLUMNS_QUERY,
    MASK_SETTINGS,
    NODE_SETTINGS,
    VIEW_SETTINGS,
    common_features,
    profile_from,
)
from scyllamodel.schema.server.profile import ServerProfile

LOCAL_QUERY = "SELECT host_id, data_center, rack, schema_version, release_version FROM system.local WHERE key = 'local'"
CLUSTER_STATUS_QUERY = "SELECT host_id, peer, dc, status, up FROM system.cluster_status"
"""ScyllaDB: what a node knows of all nodes; ``up`` turns false some 20 seconds after a node was killed (seen)."""
PEERS_QUERY = "SELECT peer, host_id, data_center, rack, schema_version FROM system.peers"

_SCHEMA_VERSION_QUERY = "SELECT schema_version FROM system.local WHERE key = 'local'"

VERSION_TIMEOUT = 1.0
"""Seconds for a node to report its own schema version; longer than a busy node takes, shorter than a dead one."""


@attrs.frozen
class Node:
    """A member of the cluster.

    Attributes:
        host: the driver's host object; None when the driver does not know it.
        schema_version: as the node itself reported it if it was asked; otherwise as the coordinator last heard it, or
            None.
    """

    host_id: UUID
    address: str
    data_center: str
    schema_version: UUID | None
    host: Any = attrs.field(default=None, repr=False, eq=False)
    rack: str = ""


def fetch_nodes(coordinator: Coordinator, *, ask_all: bool = False) -> list[Node]:
    """Read all members of the cluster as the coordinator sees them, the coordinator first.

    Connected nodes that seem to have another schema version than the coordinator report theirs themselves.

    Parameters:
        ask_all: also ask the connected nodes that seem to have the coordinator's version. What the coordinator knows of
            them can be older than its last change, and the same as its version if that change restored an earlier one.

    Raises:
        Exception: one of `DRIVER_ERRORS`.
    """
    local_node, *peers = coordinator.read(_fetch_nodes)
    doubtful = peers if ask_all else [peer for peer in peers if peer.schema_version != local_node.schema_version]
    futures = _start_version_requests(coordinator, doubtful)
    return [
        local_node,
        *(
            attrs.evolve(peer, schema_version=_reported_version(futures.get(peer.host_id), peer.schema_version))
            for peer in peers
        ),
    ]


def _fetch_nodes(node: PinnedNode) -> list[Node]:
    hosts_by_id = {str(host.host_id): host for host in node.connection.hosts}
    local_row = {"peer": node.host.endpoint.address, **node.rows(LOCAL_QUERY)[0]}
    # A row without host_id remains from a node that never joined.
    rows = [local_row, *(row for row in node.rows(PEERS_QUERY) if row["host_id"] is not None)]
    return [_node_from_row(row, hosts_by_id) for row in rows]


def _start_version_requests(coordinator: Coordinator, peers: list[Node]) -> dict[UUID, Any]:
    """Ask the peers that have a version and a connection for their version; returns the futures by host id."""
    connected_hosts = coordinator.connection.connected_hosts
    futures: dict[UUID, Any] = {}
    for peer in peers:
        if peer.schema_version is not None and peer.host in connected_hosts:
            with contextlib.suppress(*DRIVER_ERRORS):
                futures[peer.host_id] = PinnedNode(coordinator.connection, peer.host).start(
                    _SCHEMA_VERSION_QUERY, timeout=VERSION_TIMEOUT
                )
    return futures


def _reported_version(future: Any, default: UUID | None) -> UUID | None:
    """Return the schema version that a node reported; the default when it was not asked or did not answer."""
    if future is None:
        return default
    try:
        (row,) = future.result()
    except DRIVER_ERRORS:
        return default
    version: UUID | None = row["schema_version"]
    return version


def _node_from_row(row: Mapping[str, Any], hosts_by_id: Mapping[str, Any]) -> Node:
    host = hosts_by_id.get(str(row["host_id"]))
    address = str(row["peer"]) if host is None else str(host.endpoint)
    return Node(row["host_id"], address, row["data_center"] or "", row["schema_version"], host, row["rack"] or "")


def read_topology(coordinator: Coordinator) -> Topology:
    """Read the number of members in each data centre, up or down: a replication factor counts them all.

    Raises:
        IntrospectionError: they could not be read.
    """
    return dict(Counter(node.data_center for node in read_nodes(coordinator)))


def read_racks(coordinator: Coordinator) -> Racks:
    """Read the racks of each data centre, with nodes up or down.

    Raises:
        IntrospectionError: they could not be read.
    """
    racks_by_dc: dict[str, set[str]] = {}
    for node in read_nodes(coordinator):
        racks_by_dc.setdefault(node.data_center, set()).add(node.rack)
    return {data_center: frozenset(racks) for data_center, racks in racks_by_dc.items()}


def read_nodes(coordinator: Coordinator) -> list[Node]:
    """Read all members of the cluster; driver errors become `IntrospectionError`.

    Raises:
        IntrospectionError: they could not be read.
    """
    try:
        return fetch_nodes(coordinator)
    except DRIVER_ERRORS as error:
        raise read_error("the nodes of the cluster", coordinator, error) from error


def server_profile(coordinator: Coordinator) -> ServerProfile:
    """Return the profile of the coordinator, read once per node and release of a connection.

    Raises:
        IntrospectionError: it could not be read.
    """
    profiles = coordinator.connection.server_profiles
    key = (coordinator.host_id, coordinator.host.release_version)
    if key not in profiles:
        profiles[key] = read_server_profile(coordinator)
    return profiles[key]


def read_server_profile(coordinator: Coordinator) -> ServerProfile:
    """Read the profile of the coordinator, which represents the cluster.

    Raises:
        IntrospectionError: it could not be read.
    """
    try:
        columns = [(row["table_name"], row["column_name"]) for row in coordinator.rows(COLUMNS_QUERY)]
        release = coordinator.rows(LOCAL_QUERY)[0]["release_version"]
        if any(table == "scylla_tables" for table, _ in columns):
            return _scylla_profile(coordinator, columns)
        names = ", ".join(f"'{name}'" for name in (*VIEW_SETTINGS, *MASK_SETTINGS))
        query = f"SELECT name, value FROM system_views.settings WHERE name IN ({names})"  # noqa: S608 - constants
        settings = _rows_if_permitted(coordinator, query)
        return profile_from(release, columns, settings={row["name"]: row["value"] for row in settings})
    except DRIVER_ERRORS as error:
        raise read_error("the profile of the server", coordinator, error) from error


def _scylla_profile(coordinator: Coordinator, columns: list[tuple[str, str]]) -> ServerProfile:
    """Read the profile of a ScyllaDB server; ordinary roles may read none of these tables unless granted."""
    versions = _rows_if_permitted(coordinator, "SELECT version FROM system.versions")
    names = ", ".join(f"'{name}'" for name in NODE_SETTINGS)
    config = _rows_if_permitted(coordinator, f"SELECT name, value FROM system.config WHERE name IN ({names})")  # noqa: S608
    topology = _rows_if_permitted(coordinator, "SELECT enabled_features FROM system.topology LIMIT 1")
    features = topology[0]["enabled_features"] if topology else None
    if not features:
        nodes = [*_rows_if_permitted(coordinator, _LOCAL_FEATURES), *_rows_if_permitted(coordinator, _PEER_FEATURES)]
        features = common_features(row["supported_features"] for row in nodes)
    return profile_from(
        None,
        columns,
        scylla_version=versions[0]["version"] if versions else None,
        settings={row["name"]: row["value"] for row in config},
        features=features,
    )


_LOCAL_FEATURES = "SELECT supported_features FROM system.local WHERE key = 'local'"
_PEER_FEATURES = "SELECT supported_features FROM system.peers"


def _rows_if_permitted(coordinator: Coordinator, cql: str) -> list[dict[str, Any]]:
    """Read rows; none where the role may not read them or the release lacks the table."""
    try:
        return coordinator.rows(cql)
    except (Unauthorized, InvalidRequest):
        return []


def read_error(subject: str, coordinator: Coordinator, error: Exception) -> IntrospectionError:
    """Make the error for a failed read, which never counts as "nothing there"."""
    message = printable_line(f"{type(error).__name__}: {error}")
    return IntrospectionError(
        f"{subject} could not be read from {coordinator.address}: {message}. Nothing was changed; "
        "check the server, then run this again.",
        node=coordinator.address,
    )
