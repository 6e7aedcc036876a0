"""Compare a declared replication with the stored one, by meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from scyllamodel.schema.facts.replication import factors, strategy_name


def replication_matches(live: Mapping[str, Any], desired: Mapping[str, Any]) -> bool:
    """Whether the stored replication means the declared one.

    Servers turn ``replication_factor: n`` into one entry for each current data centre, omit data centres with factor
    0, and store the class with its package and numbers as typed (all observed). A number equals a list of as many
    racks: ScyllaDB keeps the list if the equal number is set.

    >>> replication_matches({"class": "NetworkTopologyStrategy", "dc1": "3"},
    ...                  {"class": "NetworkTopologyStrategy", "replication_factor": 3})
    True
    """
    if strategy_name(live) != strategy_name(desired) or not factors(desired):
        return strategy_name(live) == strategy_name(desired)  # without a factor the server's default is as good as any
    stored, declared = _factors(live), _factors(desired)
    without = set(factors(desired)) - set(declared)
    default_factor = declared.pop("replication_factor", None)
    if default_factor is None:
        return stored.keys() == declared.keys() and all(_factor_matches(stored[dc], declared[dc]) for dc in stored)
    if "replication_factor" in stored:
        return stored == {**declared, "replication_factor": default_factor}
    explicit_match = without.isdisjoint(stored) and all(
        _factor_matches(stored.pop(n, None), f) for n, f in declared.items()
    )
    return (
        explicit_match
        and bool(stored or declared or without)
        and all(_factor_matches(factor, default_factor) for factor in stored.values())
    )


def factor_matches(stored: object, declared: object) -> bool:
    """Whether a stored factor means the declared one, each a number as text or a tuple of racks.

    A number matches any list of as many racks; the order of racks is ignored.

    >>> factor_matches(("r1", "r2"), "2"), factor_matches("2", ("r1", "r2")), factor_matches("02", "2")
    (True, False, True)
    """
    return _factor_matches(_factor(stored), _factor(declared))


def _factor_matches(stored: object, declared: object) -> bool:
    if isinstance(stored, frozenset) and isinstance(declared, int):
        return len(cast("frozenset[str]", stored)) == declared
    return stored == declared


def _factors(replication: Mapping[str, Any]) -> dict[str, Any]:
    parsed = {name: _factor(value) for name, value in factors(replication).items()}
    return {name: factor for name, factor in parsed.items() if factor}


def _factor(value: object) -> str | int | frozenset[str]:
    """A factor as a number, or as a set of racks; ``3/1`` of transient replication remains text."""
    if isinstance(value, tuple):
        return frozenset(map(str, cast("tuple[object, ...]", value)))
    text = str(value)
    return int(text) if text.strip().isdecimal() else text
