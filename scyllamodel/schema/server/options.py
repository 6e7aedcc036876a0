"""The engine and release of table options, classes and sub-options that not every server has.

The tables are used by `scyllamodel.schema.server.profile.ServerProfile`. Sources: ``TableAttributes.java`` and
``CompactionParams.java`` (Cassandra), ``cf_prop_defs.cc``, ``compaction_strategy.cc`` and ``compress.cc`` (ScyllaDB),
and the answers of nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

COMMON_OPTIONS: Final = frozenset(
    """
    bloom_filter_fp_chance caching comment compaction compression crc_check_chance default_time_to_live gc_grace_seconds
    max_index_interval memtable_flush_period_in_ms min_index_interval speculative_retry cdc
    """.split()
)
OPTIONS_BY_RELEASE: Final[Mapping[str, tuple[tuple[tuple[int, ...], str], ...]]] = {
    "cassandra": (
        ((4, 0), "additional_write_policy read_repair"),
        ((4, 1), "memtable"),
        ((5, 0), "allow_auto_snapshot incremental_backups"),
    ),
    "scylla": (
        ((2025, 1), "paxos_grace_seconds per_partition_rate_limit synchronous_updates tombstone_gc"),
        ((2025, 2), "tablets"),
        ((2026, 2), "storage_engine"),
        ((2026, 3), "large_data_guardrails_enabled"),
    ),
}
"""Table options that not every server has, by engine and first release."""

LIMITED_CLASSES: Final[Mapping[str, tuple[str, tuple[int, ...], tuple[int, ...]]]] = {
    "UnifiedCompactionStrategy": ("cassandra", (5, 0), ()),
    "DateTieredCompactionStrategy": ("cassandra", (), (5, 0)),
    "IncrementalCompactionStrategy": ("scylla", (), ()),
    "NullCompactionStrategy": ("scylla", (), ()),
    "NoopCompressor": ("cassandra", (), ()),
    "LZ4WithDictsCompressor": ("scylla", (2025, 2), ()),
    "ZstdWithDictsCompressor": ("scylla", (2025, 2), ()),
}
"""Compaction and compression classes that not every server has: the engine, the first release, the removing one."""

_SUB_OPTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "compaction": (
        "cassandra",
        "log_all only_purge_repaired_tombstones provide_overlapping_tombstones fanout_size single_sstable_uplevel",
    ),
    "compression": (
        "cassandra",
        "lz4_compressor_type lz4_high_compressor_level max_compressed_length min_compress_ratio",
    ),
}
_SCYLLA_SUB_OPTIONS: Final = frozenset(
    {"cold_reads_to_omit", "enable_optimized_twcs_queries", "space_amplification_goal"}
)


def engine_of_sub_option(option: str, name: str) -> str | None:
    """The only engine that has a sub-option of compaction or compression; None if both have it.

    >>> engine_of_sub_option("compaction", "log_all"), engine_of_sub_option("compaction", "min_threshold")
    ('cassandra', None)
    """
    engine, names = _SUB_OPTIONS[option]
    if name in names.split():
        return engine
    return "scylla" if name in _SCYLLA_SUB_OPTIONS else None
