"""The sub-options of each compaction and compression class, with their allowed values.

*In*: a canonical ``compaction`` or ``compression`` map. *Out*: the problem, or None. The table has what Cassandra 4.0
to 5.0 accept for each name (``CompactionParams``, ``*Strategy.validateOptions``), and what ScyllaDB's
``compaction_strategy_impl`` and ``compression_parameters`` accept; a name that either server knows is accepted here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

import attrs

from scyllamodel._text import closest
from scyllamodel.schema.options.canonical import setting_text

Fault: TypeAlias = "tuple[str, str] | None"


_WHOLE: Final = re.compile(r"-?[0-9]{1,12}")


@attrs.frozen
class _AllowedValues:
    """The allowed values of one sub-option: a test and a description."""

    description: str
    test: Callable[[str], bool]


def number(value: str) -> float | None:
    """The number in a setting, or None."""
    try:
        return float(value)
    except ValueError:
        return None


def _integer_from(minimum: int) -> _AllowedValues:
    return _AllowedValues(
        f"a whole number of at least {minimum}", lambda value: value.isdecimal() and int(value) >= minimum
    )


def _number_from(low: float, high: float = float("inf")) -> _AllowedValues:
    description = f"a number of at least {low:g}" if high == float("inf") else f"a number from {low:g} to {high:g}"
    return _AllowedValues(description, lambda value: (parsed := number(value)) is not None and low <= parsed <= high)


def _between(low: int, high: int) -> _AllowedValues:
    description = f"a whole number from {low} to {high}"
    return _AllowedValues(description, lambda value: _WHOLE.fullmatch(value) is not None and low <= int(value) <= high)


def _one_of(*names: str, any_case: bool = False) -> _AllowedValues:
    known = {name.casefold() for name in names} if any_case else set(names)
    return _AllowedValues(" or ".join(names), lambda value: (value.casefold() if any_case else value) in known)


def _matching(pattern: re.Pattern[str], description: str) -> _AllowedValues:
    return _AllowedValues(description, lambda value: pattern.fullmatch(value) is not None)


def _list_of(pattern: re.Pattern[str], description: str) -> _AllowedValues:
    return _AllowedValues(description, lambda value: all(map(pattern.fullmatch, re.split(", ?", value))))


def _is_power_of_two(value: str) -> bool:
    return value.isdecimal() and int(value).bit_count() == 1


_FLAG: Final = _one_of("true", "false")
_SIZE: Final = _matching(re.compile(r"[0-9.]+ ?[KMGT]?i?B?"), "a size such as 100MiB")
_GROWTH: Final = _matching(re.compile(r"0|0?\.[0-9]+|1|1\.0+|[0-9]{1,2}%|100%"), "a number from 0 to 1")

_COMMON: Final[Mapping[str, _AllowedValues]] = {
    "enabled": _FLAG,
    "log_all": _FLAG,
    "only_purge_repaired_tombstones": _FLAG,
    "provide_overlapping_tombstones": _one_of("none", "row", "cell", any_case=True),
    "tombstone_compaction_interval": _integer_from(0),
    "tombstone_threshold": _number_from(0),
    "unchecked_tombstone_compaction": _FLAG,
}
_THRESHOLDS: Final[Mapping[str, _AllowedValues]] = {
    "max_threshold": _integer_from(2),
    "min_threshold": _integer_from(2),
}
_SIZE_TIERED: Final[Mapping[str, _AllowedValues]] = {
    **_COMMON,
    **_THRESHOLDS,
    "bucket_high": _number_from(0),
    "bucket_low": _number_from(0),
    "cold_reads_to_omit": _number_from(0, 1),
    "min_sstable_size": _integer_from(0),
}
_COMPACTION: Final[Mapping[str, Mapping[str, _AllowedValues]]] = {
    "SizeTieredCompactionStrategy": _SIZE_TIERED,
    "LeveledCompactionStrategy": {
        **_SIZE_TIERED,
        "fanout_size": _integer_from(1),
        "single_sstable_uplevel": _FLAG,
        "sstable_size_in_mb": _integer_from(1),
    },
    "TimeWindowCompactionStrategy": {
        **_SIZE_TIERED,
        "compaction_window_size": _integer_from(1),
        "compaction_window_unit": _one_of("MINUTES", "HOURS", "DAYS"),
        "enable_optimized_twcs_queries": _FLAG,
        "expired_sstable_check_frequency_seconds": _integer_from(0),
        "timestamp_resolution": _one_of("MICROSECONDS", "MILLISECONDS", "SECONDS", "NANOSECONDS", "MINUTES", "HOURS"),
        "unsafe_aggressive_sstable_expiration": _FLAG,
    },
    "UnifiedCompactionStrategy": {
        **_COMMON,
        "base_shard_count": _integer_from(1),
        "expired_sstable_check_frequency_seconds": _integer_from(1),
        "flush_size_override": _SIZE,
        "min_sstable_size": _SIZE,
        "overlap_inclusion_method": _one_of("NONE", "SINGLE", "TRANSITIVE", any_case=True),
        "scaling_parameters": _list_of(re.compile(r"N|[LT][0-9]+|[+-]?[0-9]+"), "such as T4 or L10"),
        "sstable_growth": _GROWTH,
        "target_sstable_size": _SIZE,
        "unsafe_aggressive_sstable_expiration": _FLAG,
    },
    "IncrementalCompactionStrategy": {
        **_SIZE_TIERED,
        "space_amplification_goal": _AllowedValues(
            "a number above 1 and at most 2", lambda value: (parsed := number(value)) is not None and 1 < parsed <= 2
        ),
        "sstable_size_in_mb": _integer_from(1),
    },
}
_NO_SUB_OPTIONS_KNOWN: Final = frozenset({"DateTieredCompactionStrategy", "NullCompactionStrategy"})
_ANY_COMPRESSOR: Final[Mapping[str, _AllowedValues]] = {
    "chunk_length_in_kb": _AllowedValues("a power of two, such as 16", _is_power_of_two),
    "max_compressed_length": _integer_from(0),
    "min_compress_ratio": _number_from(0),
}
_ZSTD: Final[Mapping[str, _AllowedValues]] = {**_ANY_COMPRESSOR, "compression_level": _between(-131_072, 22)}
_COMPRESSORS: Final[Mapping[str, Mapping[str, _AllowedValues]]] = {
    "DeflateCompressor": _ANY_COMPRESSOR,
    "LZ4Compressor": {
        **_ANY_COMPRESSOR,
        "lz4_compressor_type": _one_of("fast", "high"),
        "lz4_high_compressor_level": _between(1, 17),
    },
    "LZ4WithDictsCompressor": _ANY_COMPRESSOR,
    "NoopCompressor": _ANY_COMPRESSOR,
    "SnappyCompressor": _ANY_COMPRESSOR,
    "ZstdCompressor": _ZSTD,
    "ZstdWithDictsCompressor": _ZSTD,
}


def compaction_fault(settings: Mapping[str, object]) -> Fault:
    """Return the problem for which every server refuses a compaction map and its fix, or None.

    A class with a package, which is installed by the user, is not checked.

    >>> compaction_fault({"class": "TimeWindowCompactionStrategy", "compaction_window_unit": "days"})
    ("'compaction_window_unit' is 'days'", 'Use MINUTES or HOURS or DAYS.')
    """
    name = str(settings.get("class", ""))
    if "." in name or name in _NO_SUB_OPTIONS_KNOWN:
        return None
    if name not in _COMPACTION:
        return _unknown_class_fault(name, _COMPACTION)
    return _setting_fault(name, settings, _COMPACTION[name]) or _bounds_fault(settings)


def compression_fault(settings: Mapping[str, object]) -> Fault:
    """Return the problem for which every server refuses a compression map and its fix, or None."""
    name = str(settings.get("class", ""))
    if not settings or "." in name:
        return None
    if name not in _COMPRESSORS:
        return _unknown_class_fault(name, _COMPRESSORS)
    return _setting_fault(name, settings, _COMPRESSORS[name])


def _unknown_class_fault(name: str, known: Iterable[str]) -> Fault:
    nearest = closest(name, known, cutoff=0.5)
    return f"unknown class {name!r}", f"Known classes: {', '.join(known)}." if nearest is None else f"Use {nearest!r}."


def _setting_fault(name: str, settings: Mapping[str, object], known_settings: Mapping[str, _AllowedValues]) -> Fault:
    for setting, value in settings.items():
        if setting == "class":
            continue
        if setting not in known_settings:
            nearest = closest(setting, known_settings, cutoff=0.8)
            advice = f"It has {', '.join(known_settings)}." if nearest is None else f"Did you mean {nearest!r}?"
            return f"{name} has no sub-option {setting!r}", advice
        if not known_settings[setting].test(setting_text(value)):
            return f"{setting!r} is {setting_text(value)!r}", f"Use {known_settings[setting].description}."
    return None


def _bounds_fault(settings: Mapping[str, object]) -> Fault:
    """Check that each lower bound is below its upper one, as Cassandra requires; a missing bound has its default."""
    pairs = (("min_threshold", "4", "max_threshold", "32", True), ("bucket_low", "0.5", "bucket_high", "1.5", False))
    for low, low_default, high, high_default, equal in pairs:
        if low not in settings and high not in settings:
            continue
        below, above = (
            float(setting_text(settings.get(low, low_default))),
            float(setting_text(settings.get(high, high_default))),
        )
        if not (below <= above if equal else below < above):
            return (
                f"{low} {below:g} is not below {high} {above:g}",
                f"Set both, with {low} below {high}.",
            )
    return None
