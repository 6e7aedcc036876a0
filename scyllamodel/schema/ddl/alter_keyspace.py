"""``ALTER KEYSPACE`` statements, printed for people to run: a sync never sends them.

*In*: a live and a configured keyspace, and a `ServerProfile`. *Out*: the statements in an order that the server
accepts. Each names every data centre and ``durable_writes``, since ScyllaDB resets to a default what is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from typing_extensions import TypeIs

from scyllamodel._identifiers import quote
from scyllamodel.schema.facts.objects import Keyspace
from scyllamodel.schema.facts.replication import copy_count, factors
from scyllamodel.schema.options import map_cql

if TYPE_CHECKING:
    from scyllamodel.schema.server.profile import ServerProfile


def alter_keyspace_statements(
    live: Keyspace,
    desired: Keyspace,
    server: ServerProfile,
    *,
    racks: Mapping[str, Iterable[str]] | None = None,
    even: bool = False,
) -> list[str] | None:
    """The statements from the live to the desired keyspace; None when no statement leads there.

    A keyspace cannot be switched between vnodes and tablets, nor from named racks to another number of copies, unless
    the racks are known.

    Parameters:
        racks: the racks of each data centre, where they are known.
        even: whether the server refuses a number of copies that is neither one nor one for each rack, as in a keyspace
            with views and tablets; lists of racks replace such numbers.
    """
    if desired.tablets is not None and bool(live.tablets) != desired.tablets:
        return None
    live_replication: dict[str, Any] = dict(live.replication or {})
    target = _target_replication(live_replication, desired.replication or live_replication)
    if not (live.tablets and server.alters_replication_stepwise):
        return [alter_keyspace_cql(live.name, target, durable_writes=desired.durable_writes)]
    known = {dc: tuple(sorted(names)) for dc, names in (racks or {}).items()} if server.has_rack_lists else {}
    states = list(
        _intermediate_replications(live_replication, target, known, even=even, lists_only=server.expands_factors)
    )
    if not _has_copies_of(states[-1] if states else live_replication, target):
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


def _is_rack_list(factor: Any) -> TypeIs[tuple[str, ...]]:
    """Whether the factor of a data centre is a list of racks, not a number."""
    return isinstance(factor, tuple)


def _target_replication(live: Mapping[str, Any], desired: Mapping[str, Any]) -> dict[str, Any]:
    """The desired replication, with ``replication_factor`` expanded to the data centres that have copies now."""
    target = dict(desired)
    if "replication_factor" in target and "replication_factor" not in live:
        default_factor = target.pop("replication_factor")
        target = {**dict.fromkeys(factors(live), default_factor), **target}
    unchanged = {dc for dc in target if _is_rack_list(live.get(dc)) and copy_count(target[dc]) == len(live[dc])}
    return {dc: live[dc] if dc in unchanged and not _is_rack_list(factor) else factor for dc, factor in target.items()}


def _has_copies_of(replication: Mapping[str, Any], target: Mapping[str, Any]) -> bool:
    """Whether two replications keep the same copies: a number equals a list of as many racks."""
    names = {*factors(replication), *factors(target)}
    pairs = [(replication.get(dc, "0"), target.get(dc, "0")) for dc in names]
    return replication.get("class") == target.get("class") and all(
        sorted(one) == sorted(other)
        if _is_rack_list(one) and _is_rack_list(other)
        else copy_count(one) == copy_count(other)
        for one, other in pairs
    )


def _intermediate_replications(
    live: dict[str, Any],
    target: dict[str, Any],
    racks: Mapping[str, tuple[str, ...]],
    *,
    even: bool,
    lists_only: bool,
) -> Iterator[dict[str, Any]]:
    """The intermediate replications: one data centre at a time, by one copy; those that lose copies come last."""
    state = dict(live)
    data_centers = sorted({*factors(live), *factors(target)})
    for dc in sorted(data_centers, key=lambda dc: (copy_count(target.get(dc)) or 0) < (copy_count(live.get(dc)) or 0)):
        current, desired, known = state.get(dc, "0"), target.get(dc, "0"), racks.get(dc, ())
        counts = _intermediate_counts(current, desired)
        by_racks = _is_rack_list(current) or _is_rack_list(desired) or (lists_only and bool(counts))
        by_racks = by_racks or (even and any(int(count) not in {0, 1, len(known)} for count in counts))
        for factor in (_intermediate_lists(current, desired, known) if by_racks else None) or counts:
            state[dc] = factor
            yield dict(state)
        if dc not in target:
            del state[dc]


def _intermediate_counts(current: Any, target: Any) -> list[Any]:
    """The numbers up to the target, then the target if it is a list of racks; none if the current factor is a list."""
    count, target_count = copy_count(current), copy_count(target)
    if _is_rack_list(current) or count is None or target_count is None:
        return []
    counts = range(count + 1, target_count + 1) if target_count > count else range(count - 1, target_count - 1, -1)
    return [*map(str, counts), *([target] if _is_rack_list(target) else [])]


def _intermediate_lists(current: Any, target: Any, known: tuple[str, ...]) -> list[Any] | None:
    """The lists of racks up to the target; None where too few racks are known.

    A number becomes a list of as many racks before anything else changes.
    """
    end = _racks(target, known if not _is_rack_list(current) else (*current, *known))
    start = None if end is None else _racks(current, (*end, *known))
    if start is None or end is None:
        return None
    converted = [start] if start and not _is_rack_list(current) else []
    return [*converted, *_one_rack_at_a_time(start, end)]


def _racks(factor: Any, preferred: Iterable[str]) -> tuple[str, ...] | None:
    """The racks of a factor; for a number the first of those that are preferred, None if there are too few."""
    if _is_rack_list(factor):
        return factor
    count, names = copy_count(factor), tuple(dict.fromkeys(preferred))
    return None if count is None or count > len(names) else names[:count]


def _one_rack_at_a_time(current: tuple[str, ...], target: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
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
