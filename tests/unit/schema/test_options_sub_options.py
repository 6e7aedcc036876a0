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
