"""Table options: declared, stored, compared by meaning, and written for the server in use."""

from __future__ import annotations

import pickle

import attrs
import pytest
from hypothesis import given

from scyllamodel.schema.compare.options import differing_options
from scyllamodel.schema.options import (
    DOCSTRING,
    TableOptions,
    canonical,
    option_cql,
    unalterable_options,
    unsupported_options,
)
from scyllamodel.schema.server.profile import ServerProfile
from support.cassandra_observed import SERVERS, literal
from support.strategies import OPTIONS, texts

CASSANDRA = ServerProfile("cassandra", (5, 0, 6))
SCYLLA = ServerProfile("scylla", (2025, 4, 1))
STCS, LCS = {"class": "SizeTieredCompactionStrategy"}, {"class": "LeveledCompactionStrategy"}


@pytest.mark.parametrize(
    ("name", "value", "server", "cql"),
    [
        ("comment", "it's", CASSANDRA, "comment = 'it''s'"),
        ("gc_grace_seconds", 5, CASSANDRA, "gc_grace_seconds = 5"),
        ("bloom_filter_fp_chance", 0.01, CASSANDRA, "bloom_filter_fp_chance = 0.01"),
        ("allow_auto_snapshot", False, CASSANDRA, "allow_auto_snapshot = false"),
        ("speculative_retry", "99.0PERCENTILE", CASSANDRA, "speculative_retry = '99p'"),
        ("speculative_retry", "99p", SCYLLA, "speculative_retry = '99PERCENTILE'"),
        ("speculative_retry", "NEVER", SCYLLA, "speculative_retry = 'NONE'"),
        ("speculative_retry", "50ms", SCYLLA, "speculative_retry = '50ms'"),
        ("cdc", True, CASSANDRA, "cdc = true"),
        ("cdc", True, SCYLLA, "cdc = {'enabled': 'true'}"),
        ("cdc", {"preimage": "full", "enabled": True}, SCYLLA, "cdc = {'enabled': 'true', 'preimage': 'full'}"),
        ("compression", {"class": "LZ4Compressor"}, CASSANDRA, "compression = {'class': 'LZ4Compressor'}"),
        ("compression", {"class": "LZ4Compressor"}, SCYLLA, "compression = {'sstable_compression': 'LZ4Compressor'}"),
        ("compression", {"enabled": False}, CASSANDRA, "compression = {'enabled': 'false'}"),
        ("compression", {"enabled": False}, SCYLLA, "compression = {'sstable_compression': ''}"),
        (
            "compaction",
            {"b": "x'}", "class": "com.example.Own"},
            CASSANDRA,
            "compaction = {'class': 'com.example.Own', 'b': 'x''}'}",
        ),
        ("caching", {"keys": "all"}, CASSANDRA, "caching = {'keys': 'ALL'}"),
    ],
)
def test_options_are_written_as_the_server_wants_them(name, value, server, cql):
    """Each server has its own spelling of an option, and hostile text is a literal."""
    assert cql == option_cql(name, canonical(name, value), server)


@given(OPTIONS)
def test_what_is_written_reads_back_as_declared(options):
    """The text of an option is parsed as the declared value, on both servers."""
    declared = TableOptions(**options).declared()
    for server in (CASSANDRA, SCYLLA):
        literals = {name: literal(option_cql(name, declared[name], server).partition(" = ")[2]) for name in declared}
        read = {name: canonical(name, value) for name, value in literals.items()}

        assert {} == differing_options(declared, read, server)


@given(texts)
def test_a_comment_is_always_one_literal(comment):
    """Any comment is a single literal."""
    assert comment == literal(option_cql("comment", comment, CASSANDRA).partition(" = ")[2])


def test_undeclared_options_are_absent():
    """An option that is not declared is omitted, and is not a problem."""
    assert ({}, []) == (TableOptions().declared(), TableOptions().problems("m.Order"))


def test_docstring_as_comment():
    """DOCSTRING is replaced by the cleaned docstring of the class, or by nothing if there is none."""
    options = TableOptions(comment=DOCSTRING)

    assert ("Orders.\n\nNewest first.", False) == (
        options.declared("Orders.\n\n    Newest first.\n")["comment"],
        "comment" in options.declared(None),
    )


def test_options_are_inherited_one_by_one():
    """A class inherits the options of its base, and overrides individual ones, extra options included."""
    base = TableOptions(comment="base", gc_grace_seconds=5, extra={"a": 1, "b": 1})
    own = TableOptions(comment="own", extra={"b": 2})

    assert TableOptions(comment="own", gc_grace_seconds=5, extra={"a": 1, "b": 2}) == TableOptions.merged(base, own)


def test_options_are_values():
    """Equal declarations are equal and have equal hashes, also after pickling."""
    options = TableOptions(compaction=LCS, comment=DOCSTRING, extra={"newer": {"a": "b"}})

    assert {options} == {pickle.loads(pickle.dumps(options)), attrs.evolve(options)}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"bloom_filter_fp_chance": 0}, "out of range"),
        ({"bloom_filter_fp_chance": float("nan")}, "not finite"),
        ({"crc_check_chance": 2}, "out of range"),
        ({"default_time_to_live": -1}, "out of range"),
        ({"default_time_to_live": 630720001}, "out of range"),
        ({"default_time_to_live": 1.5}, "not a whole number"),
        ({"gc_grace_seconds": True}, "not a whole number"),
        ({"gc_grace_seconds": "x"}, "invalid literal"),
        ({"gc_grace_seconds": None}, "None is not a value"),
        ({"min_index_interval": 0}, "out of range"),
        ({"min_index_interval": 512, "max_index_interval": 256}, "below min_index_interval 512"),
        ({"memtable_flush_period_in_ms": -1}, "out of range"),
        ({"read_repair": "ASYNC"}, "'ASYNC'"),
        ({"speculative_retry": "99"}, "not a retry policy"),
        ({"speculative_retry": "100p"}, "between 0 and 100"),
        ({"speculative_retry": "MIN(99p,98p)"}, "not a retry policy"),
        ({"additional_write_policy": ""}, "not a retry policy"),
        ({"caching": {"keys": "x"}}, "'keys' is 'X'"),
        ({"caching": {"nosuch": 1}}, "unknown setting 'nosuch'"),
        ({"caching": {"rows_per_partition": -1}}, "'rows_per_partition' is '-1'"),
        ({"cdc": {"preimage": True}}, "'enabled' is missing"),
        ({"cdc": {"enabled": "perhaps"}}, "'enabled' is 'perhaps'"),
        ({"cdc": "perhaps"}, "neither true nor false"),
        ({"compaction": {}}, "needs a 'class'"),
        ({"compaction": "LCS"}, "not a map"),
        ({"compaction": {"class": "leveledcompactionstrategy"}}, "unknown class"),
        ({"compaction": {"class": "A", "x": None}}, "not a setting"),
        ({"compression": {"chunk_length_in_kb": 64}}, "needs a 'class'"),
        ({"compression": {"class": "LZ4Compressor", "enabled": False}}, "has no other settings"),
        ({"compression": {"class": "A", "sstable_compression": "A"}}, "old and its new name"),
        ({"tombstone_gc": {"mode": "never"}}, "'mode' is 'never'"),
        ({"per_partition_rate_limit": {"reads": 1}}, "unknown setting 'reads'"),
        ({"comment": {"a": "b"}}, "not a text"),
        ({"extra": {"comment": "x"}}, "has a keyword"),
        ({"extra": {"id": "x"}}, "cannot be declared"),
        ({"extra": {"x = 1 AND y": "x"}}, "not an option name"),
        ({"extra": {"newer": [1]}}, "not an option value"),
    ],
)
def test_impossible_options_are_reported_when_the_class_is_created(options, text):
    """An invalid option is a problem with class, option and advice."""
    (problem,) = TableOptions(**options).problems("m.Order")

    assert ("OP104", "m.Order.options", True, True) == (
        problem.code,
        problem.where,
        text in problem.text,
        bool(problem.advice),
    )


def test_all_impossible_options_are_reported_together():
    """Two invalid options are two problems."""
    assert 2 == len(TableOptions(gc_grace_seconds=-1, crc_check_chance=5).problems("m.Order"))


LEAVE = ("error", "Leave it out for this server.")
CHOOSE = ("error", "Choose a class that this server has.")
SENT = ("warn", "It is sent unchanged, and the server may refuse it.")
LOG = ("error", "Write cdc=True; only Scylla has settings for the log.")
NEWER = attrs.evolve(CASSANDRA, schema_columns=frozenset({("tables", "auto_repair")}))
NEWER_SCYLLA = attrs.evolve(SCYLLA, schema_columns=frozenset({("scylla_tables", "brand_new")}))


@pytest.mark.parametrize(
    ("options", "server", "messages"),
    [
        ({"memtable": "trie"}, SERVERS["4.0"], [LEAVE]),
        ({"memtable": "trie"}, SERVERS["4.1"], []),
        ({"incremental_backups": False}, SERVERS["4.1"], [LEAVE]),
        ({"read_repair": "NONE"}, SCYLLA, [LEAVE]),
        ({"tombstone_gc": {"mode": "repair"}}, CASSANDRA, [LEAVE]),
        ({"tablets": {"min_tablet_count": 1}}, ServerProfile("scylla", (2025, 1)), [LEAVE]),
        ({"extra": {"gc_grace_secs": 1}}, CASSANDRA, [("error", "Did you mean gc_grace_seconds?")]),
        ({"extra": {"gc_grace_secs": 1}}, SCYLLA, [("error", "Did you mean gc_grace_seconds?")]),
        ({"extra": {"auto_repair": "x"}}, CASSANDRA, [LEAVE]),
        ({"extra": {"auto_repair": "x"}}, NEWER, []),
        ({"extra": {"brand_new": "x"}}, NEWER_SCYLLA, []),
        ({"extra": {"brand_new": "x"}}, SCYLLA, [LEAVE]),
        ({"extra": {"scylla_encryption_options": {"key_provider": "x"}}}, SCYLLA, [SENT]),
        ({"extra": {"brand_new": "x"}}, ServerProfile("scylla", (2026, 4)), [SENT]),
        ({"extra": {"brand_new": "x"}}, ServerProfile("scylla", ()), [SENT]),
        ({"compaction": {"class": "UnifiedCompactionStrategy"}}, SERVERS["4.1"], [CHOOSE]),
        ({"compaction": {"class": "UnifiedCompactionStrategy"}}, CASSANDRA, []),
        ({"compaction": {"class": "IncrementalCompactionStrategy"}}, CASSANDRA, [CHOOSE]),
        ({"compression": {"class": "NoopCompressor"}}, SCYLLA, [CHOOSE]),
        ({"cdc": {"enabled": True, "ttl": 5}}, CASSANDRA, [LOG]),
        ({"cdc": True}, CASSANDRA, []),
        ({"cdc": {"enabled": True, "ttl": 5}}, SCYLLA, []),
        ({"speculative_retry": "MIN(99p,50ms)"}, SCYLLA, [("error", "Write one percentile or one time.")]),
        ({"speculative_retry": "MIN(99p,50ms)"}, CASSANDRA, []),
        ({"compaction": {"class": "com.example.Own"}}, CASSANDRA, []),
        ({"compaction": {"class": "com.example.Own"}}, SCYLLA, [CHOOSE]),
        ({"compression": {"class": "com.example.Own"}}, SCYLLA, [CHOOSE]),
        ({"compaction": {"class": "LeveledCompactionStrategy", "fanout_size": 5}}, SCYLLA, [LEAVE]),
        ({"compaction": {"class": "LeveledCompactionStrategy", "fanout_size": 5}}, CASSANDRA, []),
        ({"compaction": {"class": "SizeTieredCompactionStrategy", "cold_reads_to_omit": 0.1}}, CASSANDRA, [LEAVE]),
        ({"compaction": {"class": "SizeTieredCompactionStrategy", "cold_reads_to_omit": 0.1}}, SCYLLA, []),
        (
            {"compaction": {"class": "SizeTieredCompactionStrategy", "bucket_low": 1, "bucket_high": 2}},
            SCYLLA,
            [("error", "Write a number between 0 and 1.")],
        ),
        (
            {"compaction": {"class": "SizeTieredCompactionStrategy", "bucket_low": 0.2, "bucket_high": 1}},
            SCYLLA,
            [("error", "Write a number above 1.")],
        ),
        ({"compaction": {"class": "SizeTieredCompactionStrategy", "bucket_low": 1, "bucket_high": 2}}, CASSANDRA, []),
        (
            {"compaction": {"class": "TimeWindowCompactionStrategy", "timestamp_resolution": "SECONDS"}},
            SCYLLA,
            [("error", "Use MICROSECONDS or MILLISECONDS.")],
        ),
        ({"compaction": {"class": "TimeWindowCompactionStrategy", "timestamp_resolution": "SECONDS"}}, CASSANDRA, []),
        ({"compression": {"class": "LZ4Compressor", "min_compress_ratio": 2}}, SCYLLA, [LEAVE]),
        ({"compression": {"class": "LZ4Compressor", "min_compress_ratio": 2}}, CASSANDRA, []),
        (
            {"compression": {"class": "LZ4Compressor", "chunk_length_in_kb": 256}},
            SCYLLA,
            [("error", "Write a power of two up to 128.")],
        ),
        ({"compression": {"class": "LZ4Compressor", "chunk_length_in_kb": 256}}, CASSANDRA, []),
        ({"compression": {"class": "LZ4Compressor", "chunk_length_in_kb": 128}}, SCYLLA, []),
        ({"memtable_flush_period_in_ms": 59999}, SCYLLA, [("error", "Write 0 for never, or at least 60000.")]),
        ({"memtable_flush_period_in_ms": 60000}, SCYLLA, []),
        ({"memtable_flush_period_in_ms": 5}, CASSANDRA, []),
    ],
)
def test_options_unknown_to_the_server(options, server, messages):
    """An option that the server does not support is an OP104 with the object and advice."""
    problems = unsupported_options(TableOptions(**options).declared(), server, "shop.orders")

    assert messages == [(item.severity, item.fix) for item in problems]
    assert {"OP104"} >= {item.code for item in problems}
    assert {"shop.orders"} >= {item.object for item in problems}


LACKING = {
    "tombstone_gc": {"mode": "repair"},
    "tablets": {"min_tablet_count": 1},
    "per_partition_rate_limit": {"max_reads_per_second": 5},
    "paxos_grace_seconds": 5,
}
"""Options that Cassandra does not have, the last name first."""


def test_options_that_a_server_lacks_are_reported_by_name():
    """In one order, whatever the order in which they are declared."""
    problems = unsupported_options({name: canonical(name, value) for name, value in LACKING.items()}, CASSANDRA, "k.t")

    assert sorted(LACKING) == [name for problem in problems for name in LACKING if f"'{name}'" in problem.text]


def test_an_option_of_creation_comes_too_late():
    """An option that is only accepted in CREATE is refused for an existing table."""
    declared, server = TableOptions(storage_engine="logstor").declared(), ServerProfile("scylla", (2026, 2))

    assert ([], ["OP104"]) == (
        unsupported_options(declared, server, "k.t"),
        [problem.code for problem in unalterable_options(declared, server, "k.t")],
    )


@pytest.mark.parametrize(
    ("release", "options", "codes"),
    [
        ("4.0", {"additional_write_policy": "NEVER"}, ["OP104"]),
        ("4.1", {"additional_write_policy": "NEVER"}, ["OP104"]),
        ("5.0", {"additional_write_policy": "NEVER"}, []),
        ("4.1", {"additional_write_policy": "NEVER", "comment": "x"}, []),
        ("4.1", {"comment": "x"}, []),
    ],
)
def test_a_write_policy_that_the_server_would_forget(release, options, codes):
    """On Cassandra 4.0 and 4.1 an ALTER with only this option is ignored, so it is refused."""
    problems = unalterable_options(TableOptions(**options).declared(), SERVERS[release], "k.t")

    assert codes == [item.code for item in problems]


CANONICAL = [
    *(("incremental_backups", value, True) for value in (True, "true", "YES", 1, "1")),
    *(("incremental_backups", value, False) for value in (False, "False", "no", 0, "0")),
    ("caching", {"KEYS": "all"}, {"keys": "ALL"}),
    ("compaction", {**LCS, "enabled": "True", "log_all": "FALSE"}, {**LCS, "enabled": "true", "log_all": "false"}),
    ("cdc", {"Enabled": "TRUE", "Delta": "FULL"}, {"enabled": "true", "delta": "full"}),
    ("speculative_retry", "always", "ALWAYS"),
    ("speculative_retry", "Never", "NEVER"),
    ("speculative_retry", "none", "NEVER"),
    ("speculative_retry", "0.5p", "0.5p"),
    ("speculative_retry", "Min(99p,5MS)", "MIN(99p,5ms)"),
]


@pytest.mark.parametrize(("name", "value", "expected"), CANONICAL)
def test_each_spelling_has_one_form(name, value, expected):
    """Different spellings have one canonical form, regardless of case."""
    assert expected == canonical(name, value)


@pytest.mark.parametrize("name", ["crc_check_chance", "gc_grace_seconds"])
@pytest.mark.parametrize("value", [True, None, "x", [1]])
def test_what_is_no_number_is_refused(name, value):
    """A value that is not a number, such as a boolean, is refused."""
    with pytest.raises((ValueError, TypeError)):
        canonical(name, value)


ORDERED = {
    "compaction": {"class": "SizeTieredCompactionStrategy", "min_threshold": 6, "bucket_high": 2},
    "compression": {"chunk_length_in_kb": 64, "class": "ZstdCompressor", "compression_level": 3},
    "caching": {"rows_per_partition": 1, "keys": "ALL"},
    "cdc": {"preimage": "full", "enabled": True, "delta": "keys"},
}


@pytest.mark.parametrize(("name", "value"), ORDERED.items(), ids=ORDERED)
def test_maps_are_written_in_one_order(name, value):
    """The class comes first in a map, then the other settings by name."""
    forward, backward = (canonical(name, dict(items)) for items in (value.items(), reversed(value.items())))
    expected = sorted(forward, key=lambda key: (key != "class", key))

    assert expected == list(forward) == list(backward)


def test_limits_are_reported_exactly():
    """The message has both bounds, if there are two."""
    (low,) = TableOptions(gc_grace_seconds=-1).problems("m.Order")
    (edge,) = TableOptions(bloom_filter_fp_chance=6.71e-5).problems("m.Order")

    assert "Use a number at least 0 and at most 2147483647." in str(low)
    assert "out of range" in str(edge)
    assert "Use compaction={'class': 'Size" in str(TableOptions(compaction={}).problems("m.Order")[0])
    assert "or {'enabled': False} for none." in str(TableOptions(compression={"x": 1}).problems("m.Order")[0])
    (high,) = TableOptions(max_index_interval=2**31).problems("m.Order")

    assert "max_index_interval: 2147483648 is out of range" in high.text
    assert "Use a number of at most 2147483647." == high.advice
    assert [] == TableOptions(bloom_filter_fp_chance=6.72e-5, gc_grace_seconds=0).problems("m.Order")


ACCEPTED = [
    *(("crc_check_chance", value) for value in (0, 1, 0.5)),
    *(("default_time_to_live", value) for value in (0, 630_720_000)),
    *((name, 0) for name in ("gc_grace_seconds", "memtable_flush_period_in_ms", "paxos_grace_seconds")),
    ("min_index_interval", 1),
    ("max_index_interval", 1),
    ("max_index_interval", 2**31 - 1),
    ("bloom_filter_fp_chance", 1),
    *(("read_repair", value) for value in ("BLOCKING", "none")),
    *(("tombstone_gc", {"mode": mode}) for mode in ("timeout", "repair", "disabled", "immediate")),
    ("tombstone_gc", {"mode": "repair", "propagation_delay_in_seconds": 0}),
    *(("per_partition_rate_limit", {f"max_{what}_per_second": 0}) for what in ("reads", "writes")),
    *(("caching", {"keys": value, "rows_per_partition": value}) for value in ("ALL", "NONE")),
    ("caching", {"keys": "ALL", "rows_per_partition": 10, "enabled": False}),
    *(("cdc", {"enabled": value, "preimage": value, "postimage": value}) for value in (True, False)),
    ("cdc", {"enabled": True, "preimage": "full", "delta": "full", "ttl": 0}),
    ("cdc", {"enabled": True, "delta": "keys"}),
]
NOT_TAKEN = [
    *(("crc_check_chance", value) for value in (-0.01, 1.01)),
    *(("default_time_to_live", value) for value in (-1, 630_720_001)),
    *((name, -1) for name in ("gc_grace_seconds", "memtable_flush_period_in_ms", "paxos_grace_seconds")),
    *((name, 0) for name in ("min_index_interval", "max_index_interval", "bloom_filter_fp_chance")),
    ("bloom_filter_fp_chance", 1.01),
    ("read_repair", "x"),
    ("tombstone_gc", {"mode": "x"}),
    ("tombstone_gc", {"mode": "repair", "propagation_delay_in_seconds": "x"}),
    ("per_partition_rate_limit", {"max_reads_per_second": "x"}),
    ("per_partition_rate_limit", {"reads": 1}),
    ("caching", {"keys": 10}),
    ("caching", {"keys": "ALL", "rows_per_partition": "x"}),
    ("caching", {"keys": "ALL", "enabled": "x"}),
    ("cdc", {"preimage": True}),
    ("cdc", {"enabled": True, "postimage": "full"}),
    ("cdc", {"enabled": True, "delta": "x"}),
    ("cdc", {"enabled": True, "ttl": "x"}),
    ("compaction", {"class": "leveledcompactionstrategy"}),
    ("compression", {"class": "lz4compressor"}),
    ("compaction", {"class": "LEVELEDCompactionStrategy"}),
]


@pytest.mark.parametrize(("name", "value"), ACCEPTED)
def test_what_servers_take_is_no_problem(name, value):
    """A value at a bound is accepted."""
    assert [] == TableOptions(**{name: value}).problems("m.Order")


@pytest.mark.parametrize(("name", "value"), NOT_TAKEN)
def test_what_no_server_takes_is_a_problem(name, value):
    """A value just beyond a bound is a problem."""
    assert 1 == len(TableOptions(**{name: value}).problems("m.Order"))


def test_one_interval_is_not_below_the_other():
    """The maximum index interval may equal the minimum, and not be less."""
    assert [] == TableOptions(min_index_interval=8, max_index_interval=8).problems("m.Order")
    assert 1 == len(TableOptions(min_index_interval=8, max_index_interval=7).problems("m.Order"))
    assert [] == TableOptions(min_index_interval="8", max_index_interval=9).problems("m.Order")


@pytest.mark.parametrize(
    ("hints", "messages"),
    [
        ({"min_tablets": 4}, "unknown setting 'min_tablets'"),
        ({"min_tablet_count": "x"}, "'min_tablet_count' is 'x'"),
        ({"min_tablet_count": -1}, "'min_tablet_count' is '-1'"),
        ({"max_tablet_count": 0}, "'max_tablet_count' is 0"),
        ({"min_per_shard_tablet_count": -0.5}, "'min_per_shard_tablet_count' is '-0.5'"),
        ({"pow2_count": "x"}, "'pow2_count' is 'x'"),
        ({"min_tablet_count": 3, "max_tablet_count": 3}, "the minimum of 4 tablets is above the maximum of 2"),
        ({"min_tablet_count": 4, "max_tablet_count": 2, "pow2_count": False}, "the minimum of 4 tablets is above"),
        ({"min_tablet_count": 3, "max_tablet_count": 3, "pow2_count": False}, None),
        ({"min_tablet_count": 0, "min_per_shard_tablet_count": 0.5, "expected_data_size_in_gb": 3}, None),
        ({"min_tablet_count": "8", "max_tablet_count": 16, "pow2_count": True}, None),
        ({}, None),
    ],
)
def test_hints_on_tablets(hints, messages):
    """There are five hints on ScyllaDB, whose counts are rounded to powers of two, and contradictions are refused."""
    problems = TableOptions(tablets=hints).problems("x")

    assert ([] if messages is None else ["OP104"]) == [problem.code for problem in problems]
    assert messages is None or messages in problems[0].text
