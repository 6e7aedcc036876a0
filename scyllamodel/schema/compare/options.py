"""Compare declared options with stored ones, by their meaning on this server.

*In*: canonical declared and stored options. *Out*: the declared options that differ. A declared map is compared as a
whole: ``ALTER`` replaces it, and settings that it omits return to the server's default. So a stored setting that is not
declared is a difference exactly if the server is known not to set it automatically.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any, Final, TypeGuard

import attrs

from scyllamodel.schema.facts.objects import FrozenMap
from scyllamodel.schema.options.canonical import OPTION_NAMES, RetryPolicy, parse_retry_policy, setting_matches

if TYPE_CHECKING:
    from scyllamodel.schema.server.profile import ServerProfile

_MEANING_OF_ABSENCE: Final[Mapping[str, Any]] = {
    "cdc": FrozenMap({"enabled": "false"}),
    "large_data_guardrails_enabled": False,
    "paxos_grace_seconds": 864000,
    "per_partition_rate_limit": FrozenMap(),
    "synchronous_updates": False,
    "tablets": FrozenMap(),
    "tombstone_gc": FrozenMap({"mode": "timeout"}),
}
"""The values that apply when a server that omits defaults stores nothing for an option."""

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
_NO_DEFAULT: Final = ""
"""The default of a setting that has an effect only if it is given."""

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
        "scaling_parameters": "T4", "target_sstable_size": "1GiB", "base_shard_count": _NO_DEFAULT,
        "expired_sstable_check_frequency_seconds": _NO_DEFAULT, "max_sstables_to_compact": _NO_DEFAULT,
        "min_sstable_size": _NO_DEFAULT, "overlap_inclusion_method": _NO_DEFAULT, "sstable_growth": _NO_DEFAULT,
        "unsafe_aggressive_sstable_expiration": "false",
    },
    "IncrementalCompactionStrategy": {
        **_THRESHOLDS, **_TIERS, "space_amplification_goal": _NO_DEFAULT, "sstable_size_in_mb": "1000",
    },
}  # fmt: skip
"""Default settings of compaction, which a server adds or implies (``CompactionParams``)."""

_COMPRESSION: Final = {
    "compression_level": "3", "lz4_compressor_type": "fast", "lz4_high_compressor_level": "9",
    "min_compress_ratio": "0",
}  # fmt: skip
_SERVER_EXTENDED_MAPS: Final = frozenset({"compaction", "compression", "tombstone_gc"})
"""Maps to which a server may add settings, so that an unknown setting may be the server's."""


def differing_options(desired: Mapping[str, Any], stored: Mapping[str, Any], server: ServerProfile) -> FrozenMap:
    """The declared options whose stored value differs; maps are whole, since ``ALTER`` replaces them."""
    differing = (n for n in sorted(desired) if not option_matches(n, desired[n], stored.get(n), server))
    return FrozenMap({name: desired[name] for name in differing})


def stored_values(names: Mapping[str, Any], stored: Mapping[str, Any]) -> FrozenMap:
    """The stored values of the same options, or their defaults, to restore them in an undo."""
    values = {name: stored.get(name, _MEANING_OF_ABSENCE.get(name)) for name in names}
    return FrozenMap({name: value for name, value in values.items() if value is not None})


def reset_settings(
    name: str, desired: Mapping[str, str], stored: Mapping[str, str], server: ServerProfile
) -> list[str]:
    """The settings of a stored map that ``ALTER`` with the declared map would reset to a default.

    With another class the old settings have no meaning, and none is reset.
    """
    if _class_name(desired) != _class_name(stored):
        return []
    defaults = _defaults(name, desired, server)
    return sorted(
        key for key in stored if key not in desired and not setting_matches(stored[key], defaults.get(key, _NO_DEFAULT))
    )


def option_matches(name: str, desired: object, stored: object, server: ServerProfile) -> bool:
    """Whether a stored option has the declared meaning; ``stored`` is None if nothing is stored.

    An option that this server does not know or show is never different, since it cannot be altered.
    """
    if stored is None and server.leaves_defaults_out:
        stored = _MEANING_OF_ABSENCE.get(name)
    if stored is None or _has_no_effect(name, server):
        return True
    if _is_map(desired) and _is_map(stored):
        return _map_matches(name, FrozenMap(desired), FrozenMap(stored), server)
    if name in ("speculative_retry", "additional_write_policy"):
        return _as_stored(parse_retry_policy(str(desired)), server) == _as_stored(
            parse_retry_policy(str(stored)), server
        )
    if name in OPTION_NAMES:
        return bool(desired == stored)
    return setting_matches(str(desired), str(stored))


def _is_map(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


def _has_no_effect(name: str, server: ServerProfile) -> bool:
    """Whether altering the option has no effect on this server."""
    if name == "crc_check_chance":
        return not server.uses_crc_check_chance
    return name in OPTION_NAMES and name not in server.table_options


def _map_matches(name: str, desired: FrozenMap, stored: FrozenMap, server: ServerProfile) -> bool:
    if _class_name(desired) != _class_name(stored):
        return False
    if name == "cdc" and (not server.has_cdc_log or _is_off(desired)):
        return _is_off(desired) == _is_off(stored)
    defaults = _defaults(name, desired, server)
    return all(
        _setting_matches(desired.get(key, defaults.get(key)), stored.get(key, defaults.get(key)), name, key in desired)
        for key in (set(desired) | set(stored)) - {"class"}
    )


def _setting_matches(desired: str | None, stored: str | None, name: str, declared: bool) -> bool:  # noqa: FBT001 - private
    """Whether two settings are equal; None means neither given nor known, so that it may be the server's."""
    if desired is None and not declared:
        return name in _SERVER_EXTENDED_MAPS
    return desired is not None and stored is not None and setting_matches(desired, stored)


def _class_name(settings: Mapping[str, str]) -> str:
    return str(settings.get("class", "")).rpartition(".")[2]


def _is_off(cdc: FrozenMap) -> bool:
    return bool(cdc.get("enabled", "false") == "false")


def _defaults(name: str, desired: Mapping[str, str], server: ServerProfile) -> Mapping[str, str]:
    if name == "compaction":
        return {**_COMPACTION, **_STRATEGIES.get(_class_name(desired), {})}
    if name == "compression":
        return {**_COMPRESSION, "chunk_length_in_kb": server.chunk_length_in_kb}
    if name == "caching":
        return {"keys": server.default_caching, "rows_per_partition": server.default_caching, "enabled": "true"}
    return {"cdc": _CDC, "tombstone_gc": _TOMBSTONE_GC}.get(name, {})


def _as_stored(policy: RetryPolicy, server: ServerProfile) -> RetryPolicy:
    """The policy with its numbers in the precision of the server."""
    percentile_step, millisecond_step = server.retry_precision
    shortened = _rounded_down if server.cuts_retry_times else _rounded
    numbers = [
        _rounded(number, percentile_step) if unit == "p" else shortened(number, millisecond_step)
        for unit, number in zip({"ms": "m"}.get(policy.kind, "pm"), policy.numbers, strict=False)
    ]
    return attrs.evolve(policy, numbers=tuple(numbers))


def _rounded(number: Decimal, step: str) -> Decimal:
    return number.quantize(Decimal(step), ROUND_HALF_UP)


def _rounded_down(number: Decimal, step: str) -> Decimal:
    return number.quantize(Decimal(step), ROUND_FLOOR)
