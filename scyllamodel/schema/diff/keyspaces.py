"""The keyspace itself: made when it is asked for and missing, otherwise compared by meaning and never altered."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from scyllamodel.schema.changes import Change, CreateKeyspace, KeyspaceDiffers
from scyllamodel.schema.facts import Keyspace
from scyllamodel.schema.replication import factors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from scyllamodel.schema.diff.sides import Sides


def diff_keyspace(sides: Sides, *, create: bool) -> Iterator[Change]:
    """A missing keyspace if it is to be made, or the one difference of an existing one."""
    found, wanted = sides.found.keyspace, sides.wanted.keyspace
    if found is None:
        if create:
            yield CreateKeyspace(wanted or Keyspace(sides.name))
    elif wanted is not None and not _fits(found, wanted):
        yield KeyspaceDiffers(found, wanted)


def _fits(found: Keyspace, wanted: Keyspace) -> bool:
    return (
        found.durable_writes == wanted.durable_writes
        and (wanted.tablets is None or bool(found.tablets) == wanted.tablets)
        and (wanted.replication is None or same_replication(found.replication or {}, wanted.replication))
    )


def same_replication(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether the stored replication is what was declared.

    Servers turn ``replication_factor: n`` into one entry for each data centre they have at that moment, drop data
    centres with factor 0, store the class with its package and numbers as they were typed (all seen). A number is
    satisfied by as many racks: Scylla keeps the list when the equal number is set.

    >>> same_replication({"class": "NetworkTopologyStrategy", "dc1": "3"},
    ...                  {"class": "NetworkTopologyStrategy", "replication_factor": 3})
    True
    """
    if strategy(found) != strategy(wanted) or not factors(wanted):
        return strategy(found) == strategy(wanted)  # without a factor the server's default is as good as any
    stored, declared = _factors(found), _factors(wanted)
    without = set(factors(wanted)) - set(declared)
    everywhere = declared.pop("replication_factor", None)
    if everywhere is None:
        return stored.keys() == declared.keys() and all(_same(stored[dc], declared[dc]) for dc in stored)
    if "replication_factor" in stored:
        return stored == {**declared, "replication_factor": everywhere}
    named = without.isdisjoint(stored) and all(_same(stored.pop(n, None), f) for n, f in declared.items())
    return (
        named and bool(stored or declared or without) and all(_same(factor, everywhere) for factor in stored.values())
    )


def _same(stored: object, declared: object) -> bool:
    """Whether a stored factor is the declared one; a number means any racks, as many as it says."""
    if isinstance(stored, frozenset) and isinstance(declared, int):
        return len(cast("frozenset[str]", stored)) == declared
    return stored == declared


def strategy(replication: Mapping[str, Any]) -> str:
    """The short name of the replication class; servers store it with its package."""
    return str(replication.get("class", "")).rpartition(".")[2]


def _factors(replication: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: _factor(value) for name, value in factors(replication).items()}
    return {name: factor for name, factor in found.items() if factor}


def _factor(value: object) -> str | int | frozenset[str]:
    """A factor as a number, racks in no order; ``3/1`` of transient replication stays text."""
    if isinstance(value, tuple):
        return frozenset(map(str, cast("tuple[object, ...]", value)))
    text = str(value)
    return int(text) if text.strip().isdecimal() else text
