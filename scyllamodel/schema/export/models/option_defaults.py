"""Default values of options, which generated models leave out.

*In*: stored options. *Out*: those that differ from the server's default. An unknown default is written out, which is
redundant but correct.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from scyllamodel.schema.compare.options import option_matches
from scyllamodel.schema.facts.objects import FrozenMap, View
from scyllamodel.schema.facts.replication import copy_count, factors

if TYPE_CHECKING:
    from scyllamodel.schema.facts.objects import Keyspace, Table
    from scyllamodel.schema.server.profile import ServerProfile

_MAPS: Final[Mapping[str, tuple[Mapping[str, str], ...]]] = {
    "cdc": ({"enabled": "false"},),
    "per_partition_rate_limit": ({},),
    "tablets": ({},),
}
_DEFAULTS: Final[Mapping[str, tuple[Any, ...]]] = {
    "additional_write_policy": ("99p",),
    "allow_auto_snapshot": (True,),
    "comment": ("",),
    "crc_check_chance": (1.0,),
    "default_time_to_live": (0,),
    "gc_grace_seconds": (864000,),
    "incremental_backups": (True,),
    "large_data_guardrails_enabled": (False,),
    "max_index_interval": (2048,),
    "memtable": ("default",),
    "memtable_flush_period_in_ms": (0,),
    "min_index_interval": (128,),
    "paxos_grace_seconds": (864000,),
    "read_repair": ("BLOCKING",),
    "speculative_retry": ("99p",),
    "synchronous_updates": (False,),
    **{name: tuple(map(FrozenMap, values)) for name, values in _MAPS.items()},
}
_SIZE_TIERED: Final = FrozenMap({"class": "SizeTieredCompactionStrategy"})
_INCREMENTAL_COMPACTION: Final = FrozenMap({"class": "IncrementalCompactionStrategy"})


def non_default_options(
    options: Mapping[str, Any], server: ServerProfile, gc_mode: str | None = None
) -> dict[str, Any]:
    """The options whose value is not the server's default, sorted by name.

    Parameters:
        gc_mode: the default mode of ``tombstone_gc`` where it depends on more than the release.
    """
    known = {"tombstone_gc": (FrozenMap({"mode": gc_mode or server.default_tombstone_gc}),)}
    return {
        name: options[name]
        for name in sorted(options)
        if not any(
            option_matches(name, default, options[name], server)
            for default in known.get(name) or _default_values(name, options, server)
        )
    }


def default_gc_mode(fact: Table | View, base: Table | None, keyspace: Keyspace | None, server: ServerProfile) -> str:
    """The default mode of ``tombstone_gc`` for this table or view (ScyllaDB).

    Parameters:
        base: the table of a view.
        keyspace: decides before 2026.2: repair needs tablets and several copies.
    """
    tablets = keyspace is not None and keyspace.tablets is True
    if isinstance(fact, View) and base is not None and tablets and server.colocates_views:
        names = [[column.name for column in part.partition_key] for part in (fact, base)]
        if names[0] == names[1]:
            return "timeout"
    if tablets and keyspace is not None and keyspace.replication is not None:
        several = sum(copy_count(factor) or 0 for factor in factors(keyspace.replication).values()) > 1
        return "repair" if several else server.default_tombstone_gc
    return server.default_tombstone_gc


def defaults_of(names: Iterable[str], server: ServerProfile) -> dict[str, Any]:
    """The values that the server stores for these options by default, where they are known."""
    values_by_name = {name: _default_values(name, {}, server) for name in names}
    return {name: values[-1] for name, values in values_by_name.items() if values}


def _default_values(name: str, options: Mapping[str, Any], server: ServerProfile) -> tuple[Any, ...]:
    if name == "bloom_filter_fp_chance":  # levelled tables have another default on Cassandra
        return () if _is_levelled(options) else (0.01,)
    if name == "caching":
        return (FrozenMap({"keys": "ALL", "rows_per_partition": server.default_caching}),)
    if name == "compaction":
        return (
            (_SIZE_TIERED, _INCREMENTAL_COMPACTION)
            if server.has_class("IncrementalCompactionStrategy")
            else (_SIZE_TIERED,)
        )
    if name == "compression":
        return (FrozenMap({"class": server.default_compressor}),)
    return _DEFAULTS.get(name, ())


def _is_levelled(options: Mapping[str, Any]) -> bool:
    return str(options.get("compaction", {}).get("class", "")).endswith("LeveledCompactionStrategy")
