"""Declared and stored options are equal exactly if the server in use gives them the same meaning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scyllamodel.schema.compare.options import differing_options, option_matches, reset_settings, stored_values
from scyllamodel.schema.facts.objects import FrozenMap
from scyllamodel.schema.options import OPTION_NAMES, TableOptions, canonical, stored_options
from scyllamodel.schema.options.stored import string_map
from scyllamodel.schema.server.profile import ServerProfile
from support.cassandra_observed import SERVERS, cases, is_error, literal
from support.strategies import texts

CASSANDRA = ServerProfile("cassandra", (5, 0, 6))
SCYLLA = ServerProfile("scylla", (2025, 4, 1))
STCS, LCS = {"class": "SizeTieredCompactionStrategy"}, {"class": "LeveledCompactionStrategy"}


def observed():
    """The release, name, declared value and stored value of each accepted option in the recorded data."""
    for release, case, result in cases("a_table_options", "with"):
        name, _, value = case["with"].partition(" = ")
        declared = literal(value)
        if name not in OPTION_NAMES or is_error(result) or declared is None or value == "NaN":
            continue
        stored = result
        if isinstance(result, dict) and name in result:
            stored = result[name]
        elif isinstance(result, dict) and "=" in result:
            stored = result["="]
        yield release, name, declared, stored


OBSERVED = list(observed())


def test_the_observed_options_are_many():
    """The recorded options are parsed, and there are many of them."""
    assert len(OBSERVED) > 250


@pytest.mark.parametrize(("release", "name", "declared", "stored"), OBSERVED)
def test_a_declared_option_is_what_the_server_stored_for_it(release, name, declared, stored):
    """A declared option does not differ from what a server stored for it."""
    server = SERVERS[release]
    if name == "compression" and "crc_check_chance" in declared:
        declared = {key: setting for key, setting in declared.items() if key != "crc_check_chance"}
    expected = FrozenMap({name: canonical(name, declared)})

    assert {} == differing_options(expected, stored_options({name: stored}, server), server)


@pytest.mark.parametrize(("release", "name", "declared", "stored"), OBSERVED)
def test_an_option_that_servers_take_is_no_problem(release, name, declared, stored):
    """An option that a server accepted is accepted in a class."""
    assert [] == [str(problem) for problem in TableOptions(**{name: declared}).problems("m.Order")]


@pytest.mark.parametrize("release", SERVERS)
@pytest.mark.parametrize("name", sorted({name for _, name, _, _ in OBSERVED} - {"cdc"}))
def test_values_that_are_stored_differently_differ(release, name):
    """Two declarations are equal if and only if their stored values are."""
    server = SERVERS[release]
    of_name = [(d, stored_options({name: s}, server)) for r, n, d, s in OBSERVED if (r, n) == (release, name)]
    mismatches = [
        (declared, live)
        for declared, live_value in of_name
        for _, live in of_name
        if option_matches(name, canonical(name, declared), live.get(name), server)
        != option_matches(name, live_value.get(name), live.get(name), server)
    ]

    assert [] == mismatches


@pytest.mark.parametrize(
    ("name", "desired", "stored"),
    [
        ("comment", "a", "A"),
        ("gc_grace_seconds", 1, 2),
        ("bloom_filter_fp_chance", 0.01, 0.1),
        ("allow_auto_snapshot", False, None),
        ("memtable", "trie", None),
        ("read_repair", "NONE", "BLOCKING"),
        ("speculative_retry", "99p", "98p"),
        ("speculative_retry", "99p", "99ms"),
        ("speculative_retry", "ALWAYS", "NEVER"),
        ("speculative_retry", "MIN(99p,50ms)", "MAX(99p,50ms)"),
        ("compaction", STCS, {"class": "org.apache.cassandra.db.compaction.LeveledCompactionStrategy"}),
        ("compaction", STCS, {**STCS, "min_threshold": "8", "max_threshold": "32"}),
        ("compaction", STCS, {**STCS, "bucket_low": "0.4"}),
        ("compaction", STCS, {**STCS, "enabled": "false"}),
        ("compaction", {**STCS, "min_threshold": 6}, {**STCS, "min_threshold": "4", "max_threshold": "32"}),
        ("compression", {"class": "LZ4Compressor"}, {"enabled": "false"}),
        ("compression", {"enabled": False}, {"class": "LZ4Compressor", "chunk_length_in_kb": "16"}),
        ("compression", {"class": "LZ4Compressor"}, {"class": "LZ4Compressor", "chunk_length_in_kb": "64"}),
        ("compression", {"class": "LZ4Compressor"}, {"class": "ZstdCompressor", "chunk_length_in_kb": "16"}),
        ("caching", {"keys": "ALL"}, {"keys": "ALL", "rows_per_partition": "10"}),
        ("caching", {}, {"keys": "ALL", "rows_per_partition": "NONE"}),
        ("cdc", True, False),
    ],
)
def test_cassandra_options_that_differ(name, desired, stored):
    """A declared option with another meaning than the stored one is reported completely."""
    declared = TableOptions(**{name: desired}).declared()

    assert declared == differing_options(declared, stored_options({name: stored}, CASSANDRA), CASSANDRA)


@pytest.mark.parametrize(
    ("name", "desired", "stored"),
    [
        ("cdc", True, None),
        ("cdc", False, None),
        ("compaction", {**STCS, "min_threshold": 4, "bucket_high": 1.5}, {**STCS, "min_threshold": "04"}),
        ("compaction", {"class": "com.example.Own"}, {"class": "com.example.Own", "added_by_it": "1"}),
        ("compaction", {"class": "UnifiedCompactionStrategy"}, {"class": "UnifiedCompactionStrategy", "newer": "1"}),
        ("compression", {"sstable_compression": ""}, {"enabled": "false"}),
        ("compression", {"class": "ZstdCompressor", "compression_level": 3}, {"class": "ZstdCompressor"}),
        ("speculative_retry", "50.5ms", "50ms"),
        ("speculative_retry", "99.12345p", "99.1235p"),
    ],
)
def test_cassandra_options_that_do_not_differ(name, desired, stored):
    """A declared option with the same meaning as the stored one is not reported, however it is written."""
    declared = TableOptions(**{name: desired}).declared()

    assert {} == differing_options(declared, stored_options({name: stored}, CASSANDRA), CASSANDRA)


def blob(**settings):
    """The binary map of strings that Scylla stores."""
    pieces = [piece.encode() for item in sorted(settings.items()) for piece in item]
    return len(settings).to_bytes(4, "little") + b"".join(len(p).to_bytes(4, "little") + p for p in pieces)


LIMIT, READS = "per_partition_rate_limit", {"max_reads_per_second": "5"}
DELAY = {"propagation_delay_in_seconds": "3600"}
CDC = {"enabled": "true", "preimage": "false", "postimage": "false", "delta": "full", "ttl": "86400"}


@pytest.mark.parametrize(
    ("desired", "extensions", "equal"),
    [
        ({"cdc": True}, {"cdc": blob(**CDC)}, True),
        ({"cdc": {"enabled": True}}, {"cdc": blob(**CDC)}, True),
        ({"cdc": {"enabled": True, "preimage": "full"}}, {"cdc": blob(**CDC)}, False),
        ({"cdc": {"enabled": True}}, {"cdc": blob(**CDC | {"ttl": "3600"})}, False),
        ({"cdc": True}, {}, False),
        ({"cdc": False}, {}, True),
        ({"cdc": False}, {"cdc": blob()}, True),
        ({"cdc": False}, {"cdc": blob(**CDC | {"enabled": "false", "preimage": "true"})}, True),
        ({"tombstone_gc": {"mode": "repair"}}, {"tombstone_gc": blob(mode="repair", **DELAY)}, True),
        ({"tombstone_gc": {"mode": "repair"}}, {"tombstone_gc": blob(mode="timeout")}, False),
        ({"tombstone_gc": {"mode": "timeout"}}, {}, True),
        ({"paxos_grace_seconds": 864000}, {}, True),
        ({"paxos_grace_seconds": 10}, {"paxos_grace_seconds": b"\x0a\0\0\0"}, True),
        ({LIMIT: READS}, {LIMIT: blob(**READS)}, True),
        ({LIMIT: READS}, {LIMIT: blob(**READS, max_writes_per_second="9")}, False),
        ({"synchronous_updates": True}, {"scylla_tags": blob(**{"system:synchronous_view_updates": "true"})}, True),
        ({"synchronous_updates": False}, {}, True),
        ({"synchronous_updates": True}, {}, False),
        ({"crc_check_chance": 0.5}, {}, True),
    ],
)  # fmt: skip
def test_scylla_extensions(desired, extensions, equal):
    """Options that Scylla stores in binary extensions are compared like others."""
    declared = TableOptions(**desired).declared()
    options = stored_options({"extensions": extensions, "crc_check_chance": 1.0}, SCYLLA)

    assert equal is (differing_options(declared, options, SCYLLA) == {})


@pytest.mark.parametrize(
    ("desired", "stored", "equal"),
    [
        ({"speculative_retry": "99p"}, {"speculative_retry": "99.0PERCENTILE"}, True),
        ({"speculative_retry": "99.12p"}, {"speculative_retry": "99.1PERCENTILE"}, True),
        ({"speculative_retry": "200ms"}, {"speculative_retry": "200.00ms"}, True),
        ({"speculative_retry": "NEVER"}, {"speculative_retry": "NONE"}, True),
        ({"speculative_retry": "200ms"}, {"speculative_retry": "200.50ms"}, False),
        ({"compaction": LCS}, {"compaction": LCS}, True),
        ({"compaction": {**STCS, "min_threshold": 4}}, {"compaction": STCS}, True),
        ({"compression": {"class": "ZstdCompressor"}},
         {"compression": {"sstable_compression": "org.apache.cassandra.io.compress.ZstdCompressor"}}, True),
        ({"compression": {"class": "LZ4Compressor", "chunk_length_in_kb": 4}},
         {"compression": {"sstable_compression": "LZ4Compressor"}}, True),
        ({"compression": {"enabled": False}}, {"compression": {}}, True),
        ({"compression": {"class": "LZ4Compressor"}}, {"compression": {}}, False),
        ({"compression": {"class": "LZ4Compressor"}},
         {"compression": {"sstable_compression": "LZ4WithDictsCompressor"}}, False),
        ({"caching": {"keys": "NONE"}}, {"caching": {"keys": "NONE", "rows_per_partition": "ALL"}}, True),
        ({"caching": {"keys": "ALL"}}, {"caching": {"keys": "ALL", "enabled": "false"}}, False),
    ],
)  # fmt: skip
def test_scylla_spellings(desired, stored, equal):
    """Spellings and defaults of Scylla are equal to the declared ones."""
    assert equal is (
        differing_options(TableOptions(**desired).declared(), stored_options(stored, SCYLLA), SCYLLA) == {}
    )


@pytest.mark.parametrize(
    ("stored", "equal"),
    [
        ({"min_tablet_count": "8"}, True),
        ({"min_tablet_count": "9"}, False),
        ({"min_tablet_count": "8", "max_tablet_count": "9"}, False),
        (None, False),
    ],
)
def test_tablet_hints_are_read_beside_the_table(stored, equal):
    """Tablet hints are read from scylla_tables, where they are stored as they were declared."""
    declared = TableOptions(tablets={"min_tablet_count": 8}).declared()
    options = stored_options({"extensions": {}}, SCYLLA, {"table_name": "t", "tablets": stored, "cdc": None})

    assert equal is (differing_options(declared, options, SCYLLA) == {})


@pytest.mark.parametrize(
    ("expected", "stored", "lost_settings"),
    [
        (STCS, {**STCS, "min_threshold": "4", "max_threshold": "32"}, []),
        (STCS, {**STCS, "min_threshold": "8", "max_threshold": "32"}, ["min_threshold"]),
        (STCS, {**STCS, "made_up": "1"}, ["made_up"]),
        (LCS, {**STCS, "min_threshold": "8"}, []),
    ],
)
def test_settings_that_an_alter_would_lose(expected, stored, lost_settings):
    """Settings that are not defaults are listed as lost when their map is replaced."""
    assert lost_settings == reset_settings("compaction", expected, stored, CASSANDRA)


def test_extra_options_are_compared_once_they_are_stored():
    """An option that is newer than this release differs only if the server is seen to store another value."""
    declared = TableOptions(extra={"newer": 5}).declared()

    assert [{}, {}, {"newer": 5}] == [
        differing_options(declared, stored_options(row, CASSANDRA), CASSANDRA)
        for row in ({"newer": None}, {"newer": "5"}, {"newer": "6"})
    ]


def test_foreign_columns_are_no_options():
    """Columns of a newer server that cannot be options are ignored."""
    row = {"newer_blobs": {"a": b"\0"}, "newer_list": [1], "id": 1, "flags": {"compound"}, "comment": ""}

    assert {"comment": ""} == stored_options(row, CASSANDRA)


def test_what_was_stored_can_be_gone_back_to():
    """The value before a change is the stored one, or on Scylla the default if none is stored."""
    expected = {"cdc": {"enabled": "true"}, "comment": "b", "extra": "x"}

    assert {"cdc": {"enabled": "false"}, "comment": "a"} == stored_values(expected, {"comment": "a"})


def test_an_extension_cut_short_is_an_error():
    """A truncated binary map is an error."""
    with pytest.raises(ValueError, match="is truncated"):
        string_map(blob(mode="repair")[:-1])


@given(st.dictionaries(texts, texts, max_size=4))
def test_extensions_are_read_as_they_were_written(settings):
    """The settings of a Scylla extension are parsed as they were written."""
    assert settings == string_map(blob(**settings))


DEFAULTS = [
    *(("SizeTiered", *item) for item in (("min_threshold", 4), ("max_threshold", 32), ("bucket_high", 1.5))),
    *(("Leveled", *item) for item in (("min_threshold", 4), ("fanout_size", 10), ("sstable_size_in_mb", 160))),
    *(("TimeWindow", *item) for item in (("max_threshold", 32), ("bucket_low", 0.5), ("compaction_window_size", 1))),
    *(("Unified", *item) for item in (("scaling_parameters", "T4"), ("target_sstable_size", "1GiB"))),
    *(("Incremental", *item) for item in (("min_threshold", 4), ("bucket_high", 1.5), ("sstable_size_in_mb", 1000))),
    *(("Leveled", *item) for item in (("enabled", True), ("log_all", False), ("tombstone_threshold", 0.2))),
]


@pytest.mark.parametrize(("strategy", "setting", "value"), DEFAULTS)
def test_an_explicit_default_equals_the_implied_one(strategy, setting, value):
    """A setting with its default value equals a missing one, on either side, and another value does not."""
    plain = canonical("compaction", {"class": f"{strategy}CompactionStrategy"})
    canonical_value = canonical("compaction", {**plain, setting: value})
    other = canonical("compaction", {**plain, setting: 7})

    assert option_matches("compaction", canonical_value, plain, CASSANDRA)
    assert option_matches("compaction", plain, canonical_value, CASSANDRA)
    assert not option_matches("compaction", other, plain, CASSANDRA)
    assert not option_matches("compaction", plain, other, CASSANDRA)


SAME = [
    ("tombstone_gc", {"mode": "repair", "propagation_delay_in_seconds": "3600"}, {"mode": "repair"}, SCYLLA, True),
    ("tombstone_gc", {"mode": "repair"}, {"mode": "repair", "new_setting": "1"}, SCYLLA, True),
    ("additional_write_policy", "50.75ms", "50ms", CASSANDRA, True),
    ("additional_write_policy", "51ms", "50ms", CASSANDRA, False),
    ("speculative_retry", "MIN(99.00001p,50.7ms)", "MIN(99p,50ms)", CASSANDRA, True),
    ("of_nobody", {"a": "1"}, "text", CASSANDRA, False),
    ("of_nobody", "text", {"a": "1"}, CASSANDRA, False),
    ("cdc", {"enabled": "false"}, {"enabled": "false", "delta": "keys"}, SCYLLA, True),
    ("compression", {}, {"class": "LZ4Compressor"}, CASSANDRA, False),
    ("compression", {"class": "LZ4Compressor"}, {}, CASSANDRA, False),
]


@pytest.mark.parametrize(("name", "desired", "live", "server", "equal"), SAME)
def test_what_means_the_same(name, desired, live, server, equal):
    """Values are compared with the precision with which a server stores them."""
    maps = [FrozenMap(side) if isinstance(side, dict) else side for side in (desired, live)]

    assert equal == option_matches(name, *maps, server)


def test_option_reports_have_one_order():
    """Differences are sorted by option name."""
    expected = {"gc_grace_seconds": 5, "comment": "x", "bloom_filter_fp_chance": 0.5}
    canonical_value = canonical("compaction", {**STCS, "min_threshold": 6, "bucket_low": 0.4, "bucket_high": 3})

    assert sorted(expected) == list(
        differing_options(expected, {}, CASSANDRA) or differing_options(expected, dict.fromkeys(expected, 0), CASSANDRA)
    )
    backward = FrozenMap(dict(reversed(list(canonical_value.items()))))
    assert ["bucket_high", "bucket_low", "min_threshold"] == reset_settings(
        "compaction", FrozenMap(STCS), backward, CASSANDRA
    )


STORED = [
    (CASSANDRA, {"comment": "x", "additional_write_policy": None, "read_repair": None, "cdc": None},
     {"additional_write_policy": "99p", "comment": "x", "read_repair": "BLOCKING"}),
    (CASSANDRA, {"comment": "x", "pending_drop": False, "transactional_migration_from": "off", "security_label": "s"},
     {"comment": "x"}),
    (CASSANDRA, {"memtable": None, "allow_auto_snapshot": None, "incremental_backups": None},
     {"allow_auto_snapshot": True, "incremental_backups": True, "memtable": "default"}),
    (CASSANDRA, {"new_option": {"a": "1"}, "strange_option": {"a": "1", "b": 2}}, {"new_option": {"a": "1"}}),
    (SCYLLA, {"keyspace_name": "k", "table_name": "t", "comment": "x", "extensions": {}}, {"comment": "x"}),
    (CASSANDRA, {"keyspace_name": "k", "comment": "x", "extensions": {"cdc": b""}}, {"comment": "x"}),
    (SCYLLA, {"comment": "x", "read_repair": None, "extensions": {"paxos_grace_seconds": b"\x10\x0e\x00\x00"}},
     {"comment": "x", "paxos_grace_seconds": 3600}),
]  # fmt: skip


@pytest.mark.parametrize(("server", "row", "expected"), STORED)
def test_what_a_row_holds(server, row, expected):
    """Nulls are parsed on Cassandra, other columns are ignored, and options are sorted by name."""
    options = stored_options(row, server)

    assert expected == options
    assert sorted(expected) == list(options)


def test_a_mode_that_is_not_declared_returns_to_the_default():
    """ALTER replaces the map of tombstone_gc, so a stored mode that is not declared is a difference."""
    declared = TableOptions(tombstone_gc={"propagation_delay_in_seconds": 60}).declared()
    by_repair, by_timeout = (
        {"tombstone_gc": FrozenMap({"mode": mode, **declared["tombstone_gc"]})} for mode in ("repair", "timeout")
    )

    assert declared == differing_options(declared, by_repair, SCYLLA)
    assert {} == differing_options(declared, by_timeout, SCYLLA)


def test_the_undo_of_an_option_that_was_not_stored_sets_its_default():
    """ScyllaDB stores nothing for a default, which an ALTER has to name in order to restore it."""
    names = ("cdc", "paxos_grace_seconds", "synchronous_updates", "tombstone_gc", "large_data_guardrails_enabled")

    assert stored_values(dict.fromkeys((*names, "comment")), {"comment": "x"}) == {
        "cdc": {"enabled": "false"}, "paxos_grace_seconds": 864000, "synchronous_updates": False,
        "tombstone_gc": {"mode": "timeout"}, "large_data_guardrails_enabled": False, "comment": "x",
    }  # fmt: skip
