"""CL, and KS of what exists: whether the cluster is fit for a schema change right now.

*In*: the keyspaces as they are, and a `Health`: the nodes as the coordinator sees them. *Out*: warnings: a change of
the schema may be just what an ailing cluster waits for, and the operator decides. One refusal: a keyspace that is being
migrated to tablets, which must not be changed at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from scyllamodel.schema.ddl.keyspace import alterations
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.diff.keyspaces import strategy
from scyllamodel.schema.facts import FrozenMap, Keyspace, SchemaFacts
from scyllamodel.schema.replication import copies, factors
from scyllamodel.schema.server import ServerProfile


@attrs.frozen
class Member:
    """A node of the cluster, as another one sees it.

    Attributes:
        address: for people.
        version: of the schema, as text; None when the node never told one.
        is_up: whether it is held for up.
        moving: what it is busy with when it takes or gives up data, such as ``LEAVING``; empty in normal operation.
    """

    address: str
    data_center: str
    version: str | None = None
    is_up: bool = True
    moving: str = ""


def _members(found: Iterable[Member]) -> tuple[Member, ...]:
    return tuple(found)


@attrs.frozen
class Health:
    """All nodes at one moment, the coordinator among them.

    Attributes:
        with_tablets: the keyspaces whose tables have tablets (ScyllaDB); empty where it cannot be read.
    """

    members: tuple[Member, ...] = attrs.field(converter=_members)
    with_tablets: frozenset[str] = frozenset()

    @property
    def versions(self) -> dict[str, list[str]]:
        """Each schema version with the addresses of the live nodes that have it."""
        found: dict[str, list[str]] = {}
        for member in self.members:
            if member.is_up and member.version is not None:
                found.setdefault(member.version, []).append(member.address)
        return found


def preflight(found: SchemaFacts, health: Health, server: ServerProfile) -> tuple[Diagnostic, ...]:
    """What may come in the way of a change of these keyspaces."""
    names = ", ".join(part.name for part in found)
    return (
        *_down(names, health),
        *_disagreement(names, health),
        *_moving(names, health),
        *_changing(found),
        *_migrating(found, health),
        *_copies(found, health, server),
    )


def _changing(found: SchemaFacts) -> Iterator[Diagnostic]:
    for part in found:
        if part.keyspace is not None and part.keyspace.changing:
            text = "its replication is being changed, and the server may refuse other changes until it is done"
            yield Diagnostic("CL104", "warn", part.name, text, "Wait until system.topology_requests shows it done.")


def _migrating(found: SchemaFacts, health: Health) -> Iterator[Diagnostic]:
    """CL105: tables have tablets, and the schema of their keyspace does not say so yet."""
    for part in found:
        if part.keyspace is not None and part.keyspace.tablets is False and part.name in health.with_tablets:
            text = "the keyspace is being migrated from vnodes to tablets, and its schema must not change until then"
            fix = "Wait until it is done: nodetool migrate-to-tablets status. Then run this again."
            yield Diagnostic("CL105", "error", part.name, text, fix)


def _down(names: str, health: Health) -> Iterator[Diagnostic]:
    down = [f"{member.address} ({member.data_center})" for member in health.members if not member.is_up]
    if down:
        text = f"{_nodes(down)} down: {', '.join(down)}; they learn of the change when they are back"
        yield Diagnostic("CL101", "warn", names, text, "Bring them back first, or remove them if they are lost.")


def _disagreement(names: str, health: Health) -> Iterator[Diagnostic]:
    versions = health.versions
    if len(versions) > 1:
        listed = "; ".join(f"{version} on {', '.join(nodes)}" for version, nodes in sorted(versions.items()))
        text = f"the nodes do not have one schema: {listed}"
        yield Diagnostic("CL102", "warn", names, text, "It is awaited before the first statement, which may time out.")


def _moving(names: str, health: Health) -> Iterator[Diagnostic]:
    busy = [f"{member.address} is {member.moving}" for member in health.members if member.moving]
    if busy:
        text = f"the topology is changing: {', '.join(busy)}"
        yield Diagnostic("CL103", "warn", names, text, "Wait until it is done: nodetool netstats, nodetool status.")


def _copies(found: SchemaFacts, health: Health, server: ServerProfile) -> Iterator[Diagnostic]:
    nodes = Counter(member.data_center for member in health.members)
    for part in found:
        if part.keyspace is not None and part.keyspace.replication is not None:
            yield from _replication(part.keyspace, part.keyspace.replication, nodes, server)


def _replication(
    found: Keyspace, replication: Mapping[str, Any], nodes: Mapping[str, int], server: ServerProfile
) -> Iterator[Diagnostic]:
    """A stored replication that the nodes of today cannot serve; ``3/1`` of transient replication counts as 3."""
    simple = strategy(replication) == "SimpleStrategy"
    everywhere = {"replication_factor": sum(nodes.values())}
    for dc, factor in sorted(factors(replication).items()):
        number = copies(factor)
        if number is None:
            continue
        there = (everywhere if simple else nodes).get(dc, 0)
        if there == 0 and number:
            text = f"{number} copies are kept in the data centre {dc!r}, which has no node"
            fix = f"Bring its nodes back, or {_by_hand(found, {**replication, dc: '0'}, server)}"
            yield Diagnostic("KS105", "warn", found.name, text, fix)
        elif number > there:
            text = f"{number} copies are kept{'' if simple else f' in {dc}'}, where there are {_counted(there)}"
            if found.tablets:
                text += ", and a keyspace with tablets takes no new table then"
            fix = f"Add nodes, or {_by_hand(found, {**replication, dc: str(there)}, server)}"
            yield Diagnostic("KS102", "warn", found.name, text, fix)


def _by_hand(found: Keyspace, wanted: Mapping[str, Any], server: ServerProfile) -> str:
    """The statements for people who want this replication instead; none that would delete all copies."""
    kept = any(map(copies, factors(wanted).values()))
    steps = alterations(found, attrs.evolve(found, replication=FrozenMap(wanted)), server) if kept else None
    return "by hand:\n" + "\n".join(f"    {step};" for step in steps) if steps else "change its replication by hand."


def _nodes(found: Iterable[str]) -> str:
    number = len(list(found))
    return "1 node is" if number == 1 else f"{number} nodes are"


def _counted(number: int) -> str:
    return "1 node" if number == 1 else f"{number} nodes"
