"""CL, and KS for live keyspaces: whether the cluster is ready for a schema change.

*In*: the live keyspaces, and a `Health`: the nodes as the coordinator sees them. *Out*: warnings, since a schema change
may be part of a repair of the cluster, and the operator decides. The only refusal is for a keyspace that is being
migrated to tablets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from scyllamodel._text import counted
from scyllamodel.schema.ddl.alter_keyspace import alter_keyspace_statements
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts.objects import FrozenMap, Keyspace, SchemaFacts
from scyllamodel.schema.facts.replication import copy_count, factors, strategy_name
from scyllamodel.schema.server.profile import ServerProfile


@attrs.frozen
class Member:
    """A node of the cluster, as another one sees it.

    Attributes:
        address: the address, for messages.
        version: the schema version, as text; None if the node never reported one.
        is_up: whether it is considered up.
        moving: the state of a node that receives or gives up data, such as ``LEAVING``; empty in normal operation.
    """

    address: str
    data_center: str
    version: str | None = None
    is_up: bool = True
    moving: str = ""


def _members(members: Iterable[Member]) -> tuple[Member, ...]:
    return tuple(members)


@attrs.frozen
class Health:
    """All nodes at one moment, including the coordinator.

    Attributes:
        with_tablets: the keyspaces whose tables have tablets (ScyllaDB); empty if it cannot be read.
    """

    members: tuple[Member, ...] = attrs.field(converter=_members)
    with_tablets: frozenset[str] = frozenset()

    @property
    def versions(self) -> dict[str, list[str]]:
        """Each schema version with the addresses of the live nodes that have it."""
        addresses_by_version: dict[str, list[str]] = {}
        for member in self.members:
            if member.is_up and member.version is not None:
                addresses_by_version.setdefault(member.version, []).append(member.address)
        return addresses_by_version


def preflight(live: SchemaFacts, health: Health, server: ServerProfile) -> tuple[Diagnostic, ...]:
    """Diagnostics for a change of these keyspaces: what may prevent or delay it."""
    names = ", ".join(keyspace.name for keyspace in live)
    return (
        *_down(names, health),
        *_disagreement(names, health),
        *_moving(names, health),
        *_changing(live),
        *_migrating(live, health),
        *_copies(live, health, server),
    )


def _changing(live: SchemaFacts) -> Iterator[Diagnostic]:
    for keyspace in live:
        if keyspace.keyspace is not None and keyspace.keyspace.changing:
            text = "its replication is being changed, and the server may refuse other changes meanwhile"
            suggested_fix = "Wait until system.topology_requests shows that it is done."
            yield Diagnostic("CL104", "warn", keyspace.name, text, suggested_fix)


def _migrating(live: SchemaFacts, health: Health) -> Iterator[Diagnostic]:
    """CL105: tables have tablets, but the schema of their keyspace does not show it yet."""
    for part in live:
        if part.keyspace is not None and part.keyspace.tablets is False and part.name in health.with_tablets:
            text = "the keyspace is being migrated from vnodes to tablets, and its schema must not change meanwhile"
            suggested_fix = "Wait until it is done: nodetool migrate-to-tablets status. Then run this again."
            yield Diagnostic("CL105", "error", part.name, text, suggested_fix)


def _down(names: str, health: Health) -> Iterator[Diagnostic]:
    down_nodes = [f"{member.address} ({member.data_center})" for member in health.members if not member.is_up]
    if down_nodes:
        text = f"{counted(len(down_nodes), 'node')} {'is' if len(down_nodes) == 1 else 'are'} down: "
        text += f"{', '.join(down_nodes)}; they receive the change when they are up again"
        yield Diagnostic("CL101", "warn", names, text, "Start them first, or remove them if they are lost.")


def _disagreement(names: str, health: Health) -> Iterator[Diagnostic]:
    versions = health.versions
    if len(versions) > 1:
        listed = "; ".join(f"{version} on {', '.join(nodes)}" for version, nodes in sorted(versions.items()))
        text = f"the nodes have different schema versions: {listed}"
        suggested_fix = "The run waits for agreement before the first statement, and may time out."
        yield Diagnostic("CL102", "warn", names, text, suggested_fix)


def _moving(names: str, health: Health) -> Iterator[Diagnostic]:
    moving_nodes = [f"{member.address} is {member.moving}" for member in health.members if member.moving]
    if moving_nodes:
        text = f"the topology is changing: {', '.join(moving_nodes)}"
        yield Diagnostic("CL103", "warn", names, text, "Wait until it is done: nodetool netstats, nodetool status.")


def _copies(live: SchemaFacts, health: Health, server: ServerProfile) -> Iterator[Diagnostic]:
    node_counts = Counter(member.data_center for member in health.members)
    for keyspace in live:
        if keyspace.keyspace is not None and keyspace.keyspace.replication is not None:
            yield from _replication(keyspace.keyspace, keyspace.keyspace.replication, node_counts, server)


def _replication(
    keyspace: Keyspace, replication: Mapping[str, Any], nodes: Mapping[str, int], server: ServerProfile
) -> Iterator[Diagnostic]:
    """A stored replication that the current nodes cannot provide; ``3/1`` of transient replication counts as 3."""
    simple = strategy_name(replication) == "SimpleStrategy"
    simple_counts = {"replication_factor": sum(nodes.values())}
    for dc, factor in sorted(factors(replication).items()):
        number_of_copies = copy_count(factor)
        if number_of_copies is None:
            continue
        node_count = (simple_counts if simple else nodes).get(dc, 0)
        if node_count == 0 and number_of_copies:
            text = f"the replication has {number_of_copies} copies in the data centre {dc!r}, which has no nodes"
            suggested_fix = f"Start its nodes, or {_manual_change(keyspace, {**replication, dc: '0'}, server)}"
            yield Diagnostic("KS105", "warn", keyspace.name, text, suggested_fix)
        elif number_of_copies > node_count:
            location = "" if simple else f" in {dc}"
            text = f"the replication has {number_of_copies} copies{location}, where there are "
            text += counted(node_count, "node")
            if keyspace.tablets:
                text += ", so no table can be created in this keyspace with tablets"
            suggested_fix = f"Add nodes, or {_manual_change(keyspace, {**replication, dc: str(node_count)}, server)}"
            yield Diagnostic("KS102", "warn", keyspace.name, text, suggested_fix)


def _manual_change(keyspace: Keyspace, desired: Mapping[str, Any], server: ServerProfile) -> str:
    """The statements that set this replication; none that would delete all copies."""
    keeps_copies = any(map(copy_count, factors(desired).values()))
    statements = (
        alter_keyspace_statements(keyspace, attrs.evolve(keyspace, replication=FrozenMap(desired)), server)
        if keeps_copies
        else None
    )
    return (
        "run manually:\n" + "\n".join(f"    {step};" for step in statements)
        if statements
        else "change its replication manually."
    )
