"""``ALTER KEYSPACE`` statements, printed for people to run: a sync never sends them.

*In*: a live and a configured keyspace, and a `ServerProfile`. *Out*: the statements in an order that the server
accepts. Each names every data centre and ``durable_writes``, since ScyllaDB resets to a default what is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from scyllamodel._identifiers import quote
from scyllamodel.schema.facts.objects import Keyspace
from scyllamodel.schema.facts.replication import copy_count, factors
from scyllamodel.schema.options import map_cql

if TYPE_CHECKING:
    from scyllamodel.schema.server.profile import ServerProfile


def alter_keyspace_statements(live: Keyspace, desired: Keyspace, server: ServerProfile) -> list[str] | None:
    """The statements from the live to the desired keyspace; None when no statement leads there.

    A keyspace cannot be switched between vnodes and tablets, nor from named racks to a number of copies.
    """
    if desired.tablets is not None and bool(live.tablets) != desired.tablets:
        return None
    live_replication: dict[str, Any] = dict(live.replication or {})
    target = _target_replication(live_replication, desired.replication or live_replication)
    if not (live.tablets and server.alters_replication_stepwise):
        return [alter_keyspace_cql(live.name, target, durable_writes=desired.durable_writes)]
    states = list(_intermediate_replications(live_replication, target))
    if _with_copies(states[-1] if states else live_replication) != _with_copies(target):
        return None
    return [
        alter_keyspace_cql(live.name, state, durable_writes=desired.durable_writes)
        for state in states or [live_replication]
    ]


def alter_keyspace_cql(name: str, replication: Mapping[str, Any], *, durable_writes: bool) -> str:
    """One ``ALTER KEYSPACE`` with the complete replication and ``durable_writes``.

    >>> alter_keyspace_cql("shop", {"class": "NetworkTopologyStrategy", "dc1": "2"}, durable_writes=True)
    "ALTER KEYSPACE shop WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': '2'} AND durable_writes = true"
    """
    writes = str(durable_writes).lower()
    return f"ALTER KEYSPACE {quote(name)} WITH replication = {map_cql(replication)} AND durable_writes = {writes}"


def _target_replication(live: Mapping[str, Any], desired: Mapping[str, Any]) -> dict[str, Any]:
    """The desired replication, with ``replication_factor`` expanded to the data centres that have copies now."""
    target = dict(desired)
    if "replication_factor" in target and "replication_factor" not in live:
        default_factor = target.pop("replication_factor")
        target = {**dict.fromkeys(factors(live), default_factor), **target}
    unchanged = {dc for dc in target if isinstance(live.get(dc), tuple) and copy_count(target[dc]) == len(live[dc])}
    return {
        dc: live[dc] if dc in unchanged and not isinstance(factor, tuple) else factor for dc, factor in target.items()
    }


def _with_copies(replication: Mapping[str, Any]) -> dict[str, Any]:
    """The replication without data centres that hold zero copies."""
    return {name: factor for name, factor in replication.items() if name == "class" or copy_count(factor)}


def _intermediate_replications(live: dict[str, Any], target: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The intermediate replications: one data centre at a time, by one copy; those that lose copies come last."""
    state = dict(live)
    data_centers = sorted({*factors(live), *factors(target)})
    for dc in sorted(data_centers, key=lambda dc: (copy_count(target.get(dc)) or 0) < (copy_count(live.get(dc)) or 0)):
        for factor in _intermediate_factors(state.get(dc, "0"), target.get(dc, "0")):
            state[dc] = factor
            yield dict(state)
        if dc not in target:
            del state[dc]


def _intermediate_factors(current: Any, target: Any) -> Iterator[Any]:
    """The intermediate factors of one data centre; they stop early where the server accepts no further step."""
    if isinstance(current, tuple):
        if isinstance(target, tuple):
            yield from _intermediate_racks(cast("tuple[str, ...]", current), cast("tuple[str, ...]", target))
        return
    target_count = copy_count(target)
    count = copy_count(current)
    while target_count is not None and count is not None and count != target_count:
        count += 1 if count < target_count else -1
        yield str(count)
    if isinstance(target, tuple):
        yield target


def _intermediate_racks(current: tuple[str, ...], target: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Add or remove one rack at a time, new ones first, so that the number of copies never falls below the target."""
    racks = list(current)
    for rack in target:
        if rack not in racks:
            racks.append(rack)
            yield tuple(racks)
    for rack in current:
        if rack not in target:
            racks.remove(rack)
            yield tuple(racks)
