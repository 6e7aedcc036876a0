"""Replication maps: class names and factors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar, cast

from scyllamodel._text import suggestion
from scyllamodel.schema.facts.objects import FrozenMap

F = TypeVar("F")

_STRATEGIES: Final = ("NetworkTopologyStrategy", "SimpleStrategy", "EverywhereStrategy", "LocalStrategy")
_PACKAGE: Final = "org.apache.cassandra.locator."


def strategy_fault(name: str) -> str | None:
    """Return why the name is not a replication class, or None; a class with a package is not checked.

    >>> strategy_fault("NetworkTopologyStratgy")
    "there is no replication class 'NetworkTopologyStratgy'; did you mean 'NetworkTopologyStrategy'?"
    """
    short_name = name.removeprefix(_PACKAGE)
    if short_name in _STRATEGIES or "." in short_name:
        return None
    advice = suggestion(short_name, _STRATEGIES) or f"; known classes: {', '.join(_STRATEGIES)}."
    return f"there is no replication class {short_name!r}{advice}"


def replication_map(replication: Mapping[Any, Any]) -> FrozenMap:
    """The normal form of a replication: factors as text, rack names as tuples.

    >>> replication_map({"class": "NetworkTopologyStrategy", "dc1": 3, "dc2": ["r1", "r2"]})
    {'class': 'NetworkTopologyStrategy', 'dc1': '3', 'dc2': ('r1', 'r2')}
    """
    return FrozenMap({str(key): _factor_form(value) for key, value in replication.items()})


def _factor_form(value: object) -> str | tuple[str, ...]:
    return tuple(map(str, cast("list[object]", value))) if isinstance(value, (list, tuple)) else str(value)


def strategy_name(replication: Mapping[str, Any]) -> str:
    """The short name of the replication class; servers store it with its package."""
    return str(replication.get("class", "")).rpartition(".")[2]


def factors(replication: Mapping[str, Any]) -> dict[str, Any]:
    """The factors of a replication by data centre or ``replication_factor``, without its class.

    >>> factors({"class": "NetworkTopologyStrategy", "dc1": "3"})
    {'dc1': '3'}
    """
    return {name: factor for name, factor in replication.items() if name != "class"}


def by_data_center(factors_by_name: Mapping[str, F], centers: Iterable[str]) -> dict[str, F]:
    """The factor of each data centre; ``replication_factor`` applies to those without a factor of their own.

    >>> by_data_center({"dc1": "2", "replication_factor": "3"}, ["dc1", "dc2"])
    {'dc1': '2', 'dc2': '3'}
    """
    by_name = dict(factors_by_name)
    everywhere = by_name.pop("replication_factor", None)
    return by_name if everywhere is None else {**dict.fromkeys(centers, everywhere), **by_name}


def copy_count(factor: object) -> int | None:
    """The number of copies that a factor means; None for a text that is not a number.

    >>> copy_count("3"), copy_count(("r1", "r2")), copy_count("3/1"), copy_count("x")
    (3, 2, 3, None)
    """
    if isinstance(factor, tuple):
        return len(cast("tuple[object, ...]", factor))
    number = str(factor).partition("/")[0].strip()
    return int(number) if number.isdecimal() else None
