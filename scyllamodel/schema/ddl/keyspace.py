"""``ALTER KEYSPACE`` statements, written out for people: a sync never sends them.

*In*: a keyspace as it is and as it is configured, and a `ServerProfile`. *Out*: the statements in the order in which
the server takes them. Each names every data centre and ``durable_writes``, since ScyllaDB sets to a default what is
left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from scyllamodel._identifiers import quote
from scyllamodel.schema.facts import Keyspace
from scyllamodel.schema.options import map_cql
from scyllamodel.schema.replication import copies, factors

if TYPE_CHECKING:
    from scyllamodel.schema.server import ServerProfile


def alterations(found: Keyspace, wanted: Keyspace, server: ServerProfile) -> list[str] | None:
    """The statements from one to the other; None where no statement leads there.

    Vnodes and tablets do not turn into each other, and named racks not into a number.
    """
    if wanted.tablets is not None and bool(found.tablets) != wanted.tablets:
        return None
    stored: dict[str, Any] = dict(found.replication or {})
    goal = _goal(stored, wanted.replication or stored)
    if not (found.tablets and server.alters_replication_in_steps):
        return [alter_keyspace(found.name, goal, durable_writes=wanted.durable_writes)]
    states = list(_states(stored, goal))
    if _kept(states[-1] if states else stored) != _kept(goal):
        return None
    return [alter_keyspace(found.name, state, durable_writes=wanted.durable_writes) for state in states or [stored]]


def alter_keyspace(name: str, replication: Mapping[str, Any], *, durable_writes: bool) -> str:
    """One ``ALTER KEYSPACE``, with all that it sets.

    >>> alter_keyspace("shop", {"class": "NetworkTopologyStrategy", "dc1": "2"}, durable_writes=True)
    "ALTER KEYSPACE shop WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': '2'} AND durable_writes = true"
    """
    writes = str(durable_writes).lower()
    return f"ALTER KEYSPACE {quote(name)} WITH replication = {map_cql(replication)} AND durable_writes = {writes}"


def _goal(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The wanted replication, ``replication_factor`` written out for the data centres that have copies now."""
    goal = dict(wanted)
    if "replication_factor" in goal and "replication_factor" not in stored:
        everywhere = goal.pop("replication_factor")
        goal = {**dict.fromkeys(factors(stored), everywhere), **goal}
    same = {dc for dc in goal if isinstance(stored.get(dc), tuple) and copies(goal[dc]) == len(stored[dc])}
    return {dc: stored[dc] if dc in same and not isinstance(factor, tuple) else factor for dc, factor in goal.items()}


def _kept(replication: Mapping[str, Any]) -> dict[str, Any]:
    """The replication without data centres that keep no copy."""
    return {name: factor for name, factor in replication.items() if name == "class" or copies(factor)}


def _states(stored: dict[str, Any], goal: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Replications on the way: one data centre at a time, by one copy; those that lose copies come last."""
    state = dict(stored)
    centres = sorted({*factors(stored), *factors(goal)})
    for dc in sorted(centres, key=lambda dc: (copies(goal.get(dc)) or 0) < (copies(stored.get(dc)) or 0)):
        for factor in _factors(state.get(dc, "0"), goal.get(dc, "0")):
            state[dc] = factor
            yield dict(state)
        if dc not in goal:
            del state[dc]


def _factors(now: Any, then: Any) -> Iterator[Any]:
    """The factors of one data centre on the way; fewer where the server takes no further step."""
    if isinstance(now, tuple):
        if isinstance(then, tuple):
            yield from _racks(cast("tuple[str, ...]", now), cast("tuple[str, ...]", then))
        return
    size = copies(then)
    number = copies(now)
    while size is not None and number is not None and number != size:
        number += 1 if number < size else -1
        yield str(number)
    if isinstance(then, tuple):
        yield then


def _racks(now: tuple[str, ...], then: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """One rack more or less at a time: new ones first, so that no copy is missed."""
    racks = list(now)
    for rack in then:
        if rack not in racks:
            racks.append(rack)
            yield tuple(racks)
    for rack in now:
        if rack not in then:
            racks.remove(rack)
            yield tuple(racks)
