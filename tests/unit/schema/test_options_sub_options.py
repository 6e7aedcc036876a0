"""Sub-options of compaction and compression, with the values that servers accepted and refused."""

from __future__ import annotations

import pytest

from scyllamodel.schema.options import TableOptions

STCS, LCS, TWCS, UCS, ICS = (
    f"{name}CompactionStrategy" for name in ("SizeTiered", "Leveled", "TimeWindow", "Unified", "Incremental")
)
ACCEPTED = [
    (STCS, {"min_threshold": 2, "max_threshold": 32}),
    (STCS, {"bucket_low": 0.5, "bucket_high": "1.5", "min_sstable_size": 50}),
    (STCS, {"enabled": False, "log_all": "FALSE", "tombstone_threshold": 0}),
    (LCS, {"sstable_size_in_mb": 1, "fanout_size": 10, "single_sstable_uplevel": True}),
    (TWCS, {"compaction_window_unit": "DAYS", "compaction_window_size": 1, "timestamp_resolution": "MICROSECONDS"}),
    (UCS, {"scaling_parameters": "T4, L8", "target_sstable_size": "1GiB", "base_shard_count": 4}),
    (UCS, {"overlap_inclusion_method": "none", "sstable_growth": "50%", "min_sstable_size": "100MiB"}),
    (ICS, {"space_amplification_goal": 1.5, "sstable_size_in_mb": 1000}),
    ("com.example.MyStrategy", {"whatever": 1}),
    ("org.apache.cassandra.db.compaction." + STCS, {"min_threshold": 4}),
]
REFUSED = [
    (STCS, {"min_threshold": 1}, "Use a whole number of at least 2."),
    (STCS, {"min_threshold": 33}, "with min_threshold below"),
    (STCS, {"bucket_low": 2}, "with bucket_low below"),
    (STCS, {"min_treshold": 4}, "Did you mean 'min_threshold'?"),
    (STCS, {"sstable_size_in_mb": 160}, "It has "),
    (STCS, {"enabled": "yes"}, "Use true or false."),
    (STCS, {"tombstone_threshold": -1}, "Use a number of at least 0."),
    (LCS, {"fanout_size": 0}, "at least 1"),
    (TWCS, {"compaction_window_unit": "days"}, "MINUTES or HOURS or DAYS"),
    (TWCS, {"compaction_window_size": 0}, "at least 1"),
    (UCS, {"min_threshold": 4}, "UnifiedCompactionStrategy has no sub-option"),
    (UCS, {"scaling_parameters": "x"}, "such as T4 or L10"),
    (UCS, {"sstable_growth": 2}, "a number from 0 to 1"),
    ("LeveledCompactonStrategy", {}, "Use 'LeveledCompactionStrategy'."),
    ("leveledcompactionstrategy", {}, "Use 'LeveledCompactionStrategy'."),
    ("Whatever", {}, "Known classes: "),
]


FLAG, NOT_NEGATIVE, POSITIVE = (("TRUE", "False", True), ("yes", 1)), ((0, 7), (-1, "x")), ((1, 7), (0, "x"))
SIZE = ("100MiB", "1.5 GiB", 50), ("big", "5XB")
COMMON = {
    **dict.fromkeys(("enabled", "log_all", "only_purge_repaired_tombstones", "unchecked_tombstone_compaction"), FLAG),
    "provide_overlapping_tombstones": (("none", "ROW", "cell"), ("all",)),
    "tombstone_compaction_interval": NOT_NEGATIVE,
    "tombstone_threshold": ((0, 0.5), (-0.1, "x")),
}
TIERED = {
    **COMMON,
    "min_threshold": ((2, 32), (1, "x")),
    "max_threshold": ((2, 40), (1, "x")),
    "bucket_low": ((0, 1.4), (-0.1, "x")),
    "bucket_high": ((0.5, 2), (-0.1, "x")),
    "cold_reads_to_omit": ((0, 0.5, 1), (-0.1, 1.1)),
    "min_sstable_size": NOT_NEGATIVE,
}
UNITS = ("MICROSECONDS", "MILLISECONDS", "SECONDS", "NANOSECONDS", "MINUTES", "HOURS")
COMPRESSED = {
    "chunk_length_in_kb": ((1, 16, 64), (0, 15)),
    "max_compressed_length": NOT_NEGATIVE,
    "min_compress_ratio": ((0, 1.5), (-0.1, "x")),
}
ZSTD = {**COMPRESSED, "compression_level": ((-131_072, 22), (-131_073, 23))}
# for each class and setting: values up to its limits, and values just beyond them
LIMITS = {
    STCS: TIERED,
    LCS: {**TIERED, "fanout_size": POSITIVE, "single_sstable_uplevel": FLAG, "sstable_size_in_mb": POSITIVE},
    TWCS: {
        **TIERED,
        "compaction_window_size": POSITIVE,
        "compaction_window_unit": (("MINUTES", "HOURS", "DAYS"), ("days", "SECONDS")),
        "enable_optimized_twcs_queries": FLAG,
        "expired_sstable_check_frequency_seconds": NOT_NEGATIVE,
        "timestamp_resolution": (UNITS, ("seconds", "DAYS")),
        "unsafe_aggressive_sstable_expiration": FLAG,
    },
    UCS: {
        **COMMON,
        **dict.fromkeys(("base_shard_count", "expired_sstable_check_frequency_seconds"), POSITIVE),
        **dict.fromkeys(("flush_size_override", "min_sstable_size", "target_sstable_size"), SIZE),
        "overlap_inclusion_method": (("none", "SINGLE", "Transitive"), ("all",)),
        "scaling_parameters": (("N", "T4, L10", "2,-3"), ("x", "T")),
        "sstable_growth": ((0, 1, "0.5", "50%", "100%"), (2, "200%")),
        "unsafe_aggressive_sstable_expiration": FLAG,
    },
    ICS: {**TIERED, "space_amplification_goal": ((1.1, 2), (1, 2.1)), "sstable_size_in_mb": POSITIVE},
    **dict.fromkeys(("DeflateCompressor", "LZ4WithDictsCompressor", "NoopCompressor", "SnappyCompressor"), COMPRESSED),
    "LZ4Compressor": {
        **COMPRESSED,
        "lz4_compressor_type": (("fast", "high"), ("slow", "HIGH")),
        "lz4_high_compressor_level": ((1, 17), (0, 18)),
    },
    **dict.fromkeys(("ZstdCompressor", "ZstdWithDictsCompressor"), ZSTD),
}
BESIDE = {"max_threshold": {"min_threshold": 2}, "bucket_high": {"bucket_low": 0.1}}
"""Settings with which the lower limit of another one can be reached."""


@pytest.mark.parametrize(
    ("name", "setting"), [(name, setting) for name, settings in LIMITS.items() for setting in settings]
)
def test_each_sub_option_has_its_limits(name, setting):
    """Each value up to the limits of a setting is accepted; one beyond them is refused, by the name of the setting."""
    option = "compression" if name.endswith("Compressor") else "compaction"
    accepted, refused = LIMITS[name][setting]

    def message(value):
        return message_for(**{option: {"class": name, **BESIDE.get(setting, {}), setting: value}})

    assert [""] * len(accepted) == [message(value) for value in accepted]
    assert all(f"{setting!r} is " in message(value) for value in refused)


def message_for(**options):
    """Return the text and advice on these options."""
    return " ".join(f"{problem.text} {problem.advice}" for problem in TableOptions(**options).problems("Order"))


@pytest.mark.parametrize(("name", "settings"), ACCEPTED)
def test_sub_options_that_some_server_takes(name, settings):
    """Sub-options that Cassandra or ScyllaDB accepts are not reported."""
    assert not message_for(compaction={"class": name, **settings})


@pytest.mark.parametrize(("name", "settings", "message"), REFUSED)
def test_sub_options_that_no_server_takes(name, settings, message):
    """A misspelled class or sub-option, or an invalid value, is reported with advice."""
    assert message in message_for(compaction={"class": name, **settings})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"class": "LZ4Compressor", "chunk_length_in_kb": 16}, ""),
        ({"class": "ZstdCompressor", "compression_level": -5}, ""),
        ({"class": "com.example.Mine", "x": 1}, ""),
        ({"enabled": False}, ""),
        ({"class": "LZ4Compressor", "chunk_length_in_kb": 15}, "Use a power of two"),
        ({"class": "LZ4Compressor", "chunk_lenght_in_kb": 16}, "Did you mean 'chunk_length_in_kb'?"),
        ({"class": "LZ4Compresor"}, "Use 'LZ4Compressor'."),
    ],
)
def test_sub_options_of_compression(settings, message):
    """Sub-options of compression are checked like those of compaction."""
    result = message_for(compression=settings)

    assert message in result if message else not result
