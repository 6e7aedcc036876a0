"""Declared against stored options, by what they mean on the server at hand.

*In*: canonical options of both sides. *Out*: which of the declared ones differ. A map that is declared stands for the
whole map: ``ALTER`` replaces it, and what it leaves out returns to the server's default. So a setting that is stored
but not declared is a difference exactly when it is known to be none of the server's own doing.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any, Final, TypeGuard

import attrs

from scyllamodel.schema.facts import FrozenMap
from scyllamodel.schema.options.canonical import OPTION_NAMES, Retry, retry, same_text

if TYPE_CHECKING:
    from scyllamodel.schema.server import ServerProfile

_ABSENT: Final[Mapping[str, Any]] = {
    "cdc": FrozenMap({"enabled": "false"}),
    "large_data_guardrails_enabled": False,
    "paxos_grace_seconds": 864000,
    "per_partition_rate_limit": FrozenMap(),
    "synchronous_updates": False,
    "tablets": FrozenMap(),
    "tombstone_gc": FrozenMap({"mode": "timeout"}),
}
"""What it means when a server that leaves defaults out stores nothing for an option."""

_CDC: Final = {"preimage": "false", "postimage": "false", "delta": "full", "ttl": "86400"}
_TOMBSTONE_GC: Final = {"mode": "timeout", "propagation_delay_in_seconds": "3600"}

_COMPACTION: Final = {
    "enabled": "true",
    "log_all": "false",
    "only_purge_repaired_tombstones": "false",
    "provide_overlapping_tombstones": "none",
    "tombstone_compaction_interval": "86400",
    "tombstone_threshold": "0.2",
    "unchecked_tombstone_compaction": "false",
}
_UNSET: Final = ""
"""The default of a setting that has a meaning of its own only when somebody gives it."""

_THRESHOLDS: Final = {"min_threshold": "4", "max_threshold": "32"}
_TIERS: Final = {"bucket_high": "1.5", "bucket_low": "0.5", "min_sstable_size": "52428800"}
_STRATEGIES: Final[Mapping[str, Mapping[str, str]]] = {
    "SizeTieredCompactionStrategy": {**_THRESHOLDS, **_TIERS},
    "LeveledCompactionStrategy": {
        **_THRESHOLDS, "fanout_size": "10", "single_sstable_uplevel": "true", "sstable_size_in_mb": "160",
    },
    "TimeWindowCompactionStrategy": {
        **_THRESHOLDS, **_TIERS, "compaction_window_size": "1", "compaction_window_unit": "DAYS",
        "expired_sstable_check_frequency_seconds": "600", "timestamp_resolution": "MICROSECONDS",
        "unsafe_aggressive_sstable_expiration": "false",
    },
    "UnifiedCompactionStrategy": {
        "scaling_parameters": "T4", "target_sstable_size": "1GiB", "base_shard_count": _UNSET,
        "expired_sstable_check_frequency_seconds": _UNSET, "max_sstables_to_compact": _UNSET,
        "min_sstable_size": _UNSET, "overlap_inclusion_method": _UNSET, "sstable_growth": _UNSET,
        "unsafe_aggressive_sstable_expiration": "false",
    },
    "IncrementalCompactionStrategy": {
        **_THRESHOLDS, **_TIERS, "space_amplification_goal": _UNSET, "sstable_size_in_mb": "1000",
    },
}  # fmt: skip
"""Settings of compaction that a server adds, or means by leaving them out (``CompactionParams``)."""

_COMPRESSION: Final = {
    "compression_level": "3", "lz4_compressor_type": "fast", "lz4_high_compressor_level": "9",
    "min_compress_ratio": "0",
}  # fmt: skip
_OPEN: Final = frozenset({"compaction", "compression", "tombstone_gc"})
"""Maps to which a server may add settings of its own, so that an unknown one says nothing about who wrote it."""


def changed(wanted: Mapping[str, Any], found: Mapping[str, Any], server: ServerProfile) -> FrozenMap:
    """The declared options that are stored otherwise, as declared; maps are whole, since ``ALTER`` replaces them."""
    differing = (n for n in sorted(wanted) if not same(n, wanted[n], found.get(n), server))
    return FrozenMap({name: wanted[name] for name in differing})


def before(names: Mapping[str, Any], found: Mapping[str, Any]) -> FrozenMap:
    """What is stored for the same names, or what the absence of a row means; to go back to."""
    stored = {name: found.get(name, _ABSENT.get(name)) for name in names}
    return FrozenMap({name: value for name, value in stored.items() if value is not None})


def lost(name: str, wanted: Mapping[str, str], found: Mapping[str, str], server: ServerProfile) -> list[str]:
    """The settings of a stored map that ``ALTER`` with the declared one would return to another default.

    With another class the old settings have no meaning any more, and none is lost.
    """
    if _last_part(wanted) != _last_part(found):
        return []
    defaults = _defaults(name, wanted, server)
    return sorted(key for key in found if key not in wanted and not same_text(found[key], defaults.get(key, _UNSET)))


def same(name: str, wanted: object, found: object, server: ServerProfile) -> bool:
    """Whether a stored option means what was declared; None as ``found`` means that nothing is stored.

    An option that this server does not know or does not show is never different: there is nothing to alter.
    """
    if found is None and server.leaves_defaults_out:
        found = _ABSENT.get(name)
    if found is None or _is_idle(name, server):
        return True
    if _is_map(wanted) and _is_map(found):
        return _same_map(name, FrozenMap(wanted), FrozenMap(found), server)
    if name in ("speculative_retry", "additional_write_policy"):
        return _as_stored(retry(str(wanted)), server) == _as_stored(retry(str(found)), server)
    if name in OPTION_NAMES:
        return bool(wanted == found)
    return same_text(str(wanted), str(found))


def _is_map(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


def _is_idle(name: str, server: ServerProfile) -> bool:
    """Whether altering the option would do nothing here."""
    if name == "crc_check_chance":
        return not server.uses_crc_check_chance
    return name in OPTION_NAMES and name not in server.table_options


def _same_map(name: str, wanted: FrozenMap, found: FrozenMap, server: ServerProfile) -> bool:
    if _last_part(wanted) != _last_part(found):
        return False
    if name == "cdc" and (not server.has_cdc_log or _is_off(wanted)):
        return _is_off(wanted) == _is_off(found)
    defaults = _defaults(name, wanted, server)
    return all(
        _same_setting(wanted.get(key, defaults.get(key)), found.get(key, defaults.get(key)), name, key in wanted)
        for key in (set(wanted) | set(found)) - {"class"}
    )


def _same_setting(wanted: str | None, found: str | None, name: str, declared: bool) -> bool:  # noqa: FBT001 - private
    """None on a side: neither said nor known. An undeclared setting without a known default may be the server's."""
    if wanted is None and not declared:
        return name in _OPEN
    return wanted is not None and found is not None and same_text(wanted, found)


def _last_part(settings: Mapping[str, str]) -> str:
    return str(settings.get("class", "")).rpartition(".")[2]


def _is_off(cdc: FrozenMap) -> bool:
    return bool(cdc.get("enabled", "false") == "false")


def _defaults(name: str, wanted: Mapping[str, str], server: ServerProfile) -> Mapping[str, str]:
    if name == "compaction":
        return {**_COMPACTION, **_STRATEGIES.get(_last_part(wanted), {})}
    if name == "compression":
        return {**_COMPRESSION, "chunk_length_in_kb": server.chunk_length_in_kb}
    if name == "caching":
        return {"keys": server.caching_fill, "rows_per_partition": server.caching_fill, "enabled": "true"}
    return {"cdc": _CDC, "tombstone_gc": _TOMBSTONE_GC}.get(name, {})


def _as_stored(policy: Retry, server: ServerProfile) -> Retry:
    """The policy with its numbers as exact as the server keeps them."""
    percentile, time = server.retry_steps
    shortened = _cut if server.cuts_retry_times else _rounded
    numbers = [
        _rounded(number, percentile) if unit == "p" else shortened(number, time)
        for unit, number in zip({"ms": "m"}.get(policy.kind, "pm"), policy.numbers, strict=False)
    ]
    return attrs.evolve(policy, numbers=tuple(numbers))


def _rounded(number: Decimal, step: str) -> Decimal:
    return number.quantize(Decimal(step), ROUND_HALF_UP)


def _cut(number: Decimal, step: str) -> Decimal:
    return number.quantize(Decimal(step), ROUND_FLOOR)
