"""What a server says of itself, read once: its profile, and the nodes around it.

*In*: a `Coordinator`. *Out*: a `ServerProfile`, and the nodes of each data centre. What may not be read stays unknown.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import attrs

from scyllamodel._text import printable_line
from scyllamodel.driver.coordinator import DRIVER_ERRORS, Coordinator, Pinned
from scyllamodel.driver.names import InvalidRequest, Unauthorized
from scyllamodel.errors import IntrospectionError
from scyllamodel.schema.rules import Racks, Topology
from scyllamodel.schema.server import ServerProfile
from scyllamodel.schema.server_rows import (
    COLUMNS_QUERY,
    MASK_SETTINGS,
    NODE_SETTINGS,
    VIEW_SETTINGS,
    common_features,
    profile_from,
)

LOCAL = "SELECT host_id, data_center, rack, schema_version, release_version FROM system.local WHERE key = 'local'"
CLUSTER_STATUS = "SELECT host_id, peer, dc, status, up FROM system.cluster_status"
"""ScyllaDB: what a node knows of all; ``up`` turns false some 20 seconds after a node was killed (seen)."""
PEERS = "SELECT peer, host_id, data_center, rack, schema_version FROM system.peers"

_VERSION = "SELECT schema_version FROM system.local WHERE key = 'local'"

ASKED = 1.0
"""Seconds for a node to say itself which version it has; longer than a busy node takes, shorter than a dead one is."""


@attrs.frozen
class Node:
    """A member of the cluster.

    Attributes:
        host: the driver's object, None when the driver does not know it.
        version: the schema version that it has, by its own word where the session is connected to it; else what the
            coordinator last heard of it, None when it never did.
    """

    host_id: UUID
    address: str
    data_center: str
    version: UUID | None
    host: Any = attrs.field(default=None, repr=False, eq=False)
    rack: str = ""


def members(coordinator: Coordinator) -> list[Node]:
    """All members of the cluster as the coordinator sees them, itself first.

    Raises:
        Exception: one of `DRIVER_ERRORS`.
    """
    here, *peers = coordinator.read(_members)
    return [here, *_asked(coordinator, here, peers)]


def _members(pinned: Pinned) -> list[Node]:
    known = {str(host.host_id): host for host in pinned.connection.hosts}
    here = {"peer": pinned.host.endpoint.address, **pinned.rows(LOCAL)[0]}
    # A row without host_id is left over from a node that never joined.
    rows = [here, *(row for row in pinned.rows(PEERS) if row["host_id"] is not None)]
    return [_node(row, known) for row in rows]


def _differs(here: Node, peer: Node) -> bool:
    return peer.version is not None and peer.version != here.version


def _asked(coordinator: Coordinator, here: Node, peers: list[Node]) -> list[Node]:
    """The peers; of those that seem to differ the connected ones say their version themselves, all at once."""
    connected = coordinator.connection.connected
    asked: dict[UUID, Any] = {}
    for peer in peers:
        if _differs(here, peer) and peer.host in connected:
            with contextlib.suppress(*DRIVER_ERRORS):
                asked[peer.host_id] = Pinned(coordinator.connection, peer.host).start(_VERSION, timeout=ASKED)
    return [attrs.evolve(peer, version=_said(asked.get(peer.host_id), peer.version)) for peer in peers]


def _said(future: Any, otherwise: UUID | None) -> UUID | None:
    """The version that a node said it has; what was heard of it when it was not asked or did not answer."""
    if future is None:
        return otherwise
    try:
        (row,) = future.result()
    except DRIVER_ERRORS:
        return otherwise
    found: UUID | None = row["schema_version"]
    return found


def _node(row: Mapping[str, Any], known: Mapping[str, Any]) -> Node:
    host = known.get(str(row["host_id"]))
    address = str(row["peer"]) if host is None else str(host.endpoint)
    return Node(row["host_id"], address, row["data_center"] or "", row["schema_version"], host, row["rack"] or "")


def read_topology(coordinator: Coordinator) -> Topology:
    """How many members each data centre has, whether they are up or not: a replication factor counts them.

    Raises:
        IntrospectionError: they could not be read.
    """
    return dict(Counter(node.data_center for node in read_members(coordinator)))


def read_racks(coordinator: Coordinator) -> Racks:
    """The racks of each data centre, whether their nodes are up or not.

    Raises:
        IntrospectionError: they could not be read.
    """
    found: dict[str, set[str]] = {}
    for node in read_members(coordinator):
        found.setdefault(node.data_center, set()).add(node.rack)
    return {dc: frozenset(racks) for dc, racks in found.items()}


def read_members(coordinator: Coordinator) -> list[Node]:
    """`members`, for those to whom a node that does not answer is no news of the cluster.

    Raises:
        IntrospectionError: they could not be read.
    """
    try:
        return members(coordinator)
    except DRIVER_ERRORS as error:
        raise unread("the nodes of the cluster", coordinator, error) from error


def server_of(coordinator: Coordinator) -> ServerProfile:
    """The profile of the coordinator, asked once for each node and release of a connection.

    Raises:
        IntrospectionError: it could not be read.
    """
    known = coordinator.connection.profiles
    key = (coordinator.host_id, coordinator.host.release_version)
    if key not in known:
        known[key] = read_server(coordinator)
    return known[key]


def read_server(coordinator: Coordinator) -> ServerProfile:
    """The profile of the coordinator, which stands for the cluster.

    Raises:
        IntrospectionError: it could not be read.
    """
    try:
        columns = [(row["table_name"], row["column_name"]) for row in coordinator.rows(COLUMNS_QUERY)]
        release = coordinator.rows(LOCAL)[0]["release_version"]
        if any(table == "scylla_tables" for table, _ in columns):
            return _scylla(coordinator, columns)
        names = ", ".join(f"'{name}'" for name in (*VIEW_SETTINGS, *MASK_SETTINGS))
        wanted = f"SELECT name, value FROM system_views.settings WHERE name IN ({names})"  # noqa: S608 - constants
        settings = _permitted(coordinator, wanted)
        return profile_from(release, columns, settings={row["name"]: row["value"] for row in settings})
    except DRIVER_ERRORS as error:
        raise unread("what the server is", coordinator, error) from error


def _scylla(coordinator: Coordinator, columns: list[tuple[str, str]]) -> ServerProfile:
    """ScyllaDB: ordinary roles may read none of these tables unless it was granted to them."""
    versions = _permitted(coordinator, "SELECT version FROM system.versions")
    names = ", ".join(f"'{name}'" for name in NODE_SETTINGS)
    config = _permitted(coordinator, f"SELECT name, value FROM system.config WHERE name IN ({names})")  # noqa: S608
    topology = _permitted(coordinator, "SELECT enabled_features FROM system.topology LIMIT 1")
    features = topology[0]["enabled_features"] if topology else None
    if not features:
        nodes = [*_permitted(coordinator, _LOCAL_FEATURES), *_permitted(coordinator, _PEER_FEATURES)]
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


def _permitted(coordinator: Coordinator, cql: str) -> list[dict[str, Any]]:
    """The rows, or none where the user may not read them or the release has no such table."""
    try:
        return coordinator.rows(cql)
    except (Unauthorized, InvalidRequest):
        return []


def unread(what: str, coordinator: Coordinator, error: Exception) -> IntrospectionError:
    """The error for a read that failed, which is never taken for "nothing there"."""
    words = printable_line(f"{type(error).__name__}: {error}")
    return IntrospectionError(
        f"{what} could not be read from {coordinator.address}: {words}. Nothing was changed; "
        "look at the server, then run this again.",
        node=coordinator.address,
    )
