"""What a server stores for an option when nobody declared it, so that generated models do not repeat it.

*In*: stored options. *Out*: those that somebody must have chosen. A default that is unknown here is written out, which
is more than needed and never wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from scyllamodel.schema.facts import FrozenMap
from scyllamodel.schema.options import same

if TYPE_CHECKING:
    from scyllamodel.schema.server import ServerProfile

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
_COMPACTION: Final = FrozenMap({"class": "SizeTieredCompactionStrategy"})
_INCREMENTAL: Final = FrozenMap({"class": "IncrementalCompactionStrategy"})


def chosen_options(options: Mapping[str, Any], server: ServerProfile) -> dict[str, Any]:
    """The options that are not what the server would store by itself, by name."""
    return {name: options[name] for name in sorted(options) if not _is_default(name, options, server)}


def _is_default(name: str, options: Mapping[str, Any], server: ServerProfile) -> bool:
    return any(same(name, default, options[name], server) for default in _known(name, options, server))


def _known(name: str, options: Mapping[str, Any], server: ServerProfile) -> tuple[Any, ...]:
    if name == "bloom_filter_fp_chance":  # Cassandra's is another one for levelled tables: written out for them
        return () if _is_levelled(options) else (0.01,)
    if name == "caching":
        return (FrozenMap({"keys": "ALL", "rows_per_partition": server.caching_fill}),)
    if name == "compaction":
        return (_COMPACTION, _INCREMENTAL) if server.has_class("IncrementalCompactionStrategy") else (_COMPACTION,)
    if name == "compression":
        return (FrozenMap({"class": server.default_compressor}),)
    if name == "tombstone_gc":
        return (FrozenMap({"mode": server.default_tombstone_gc}),)
    return _DEFAULTS.get(name, ())


def _is_levelled(options: Mapping[str, Any]) -> bool:
    return str(options.get("compaction", {}).get("class", "")).endswith("LeveledCompactionStrategy")
