"""Table options: declared, stored, compared by meaning, written for the server at hand."""

from __future__ import annotations

import pickle

import attrs
import pytest
from hypothesis import given
from observed import SERVERS, literal
from strategies import OPTIONS, texts

from scyllamodel.schema.options import (
    DOCSTRING,
    TableOptions,
    canonical,
    changed,
    option_cql,
    unalterable,
    unknown_here,
)
from scyllamodel.schema.server import ServerProfile

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
    """Each server gets its own spelling of one meaning, and hostile text is data."""
    assert cql == option_cql(name, canonical(name, value), server)


@given(OPTIONS)
def test_what_is_written_reads_back_as_declared(options):
    """The text of an option, read as the literal it is, has the meaning that was declared, on both servers."""
    declared = TableOptions(**options).declared()
    for server in (CASSANDRA, SCYLLA):
        written = {name: literal(option_cql(name, declared[name], server).partition(" = ")[2]) for name in declared}
        read = {name: canonical(name, value) for name, value in written.items()}

        assert {} == changed(declared, read, server)


@given(texts)
def test_a_comment_is_always_one_literal(comment):
    """No text leaves its quotes."""
    assert comment == literal(option_cql("comment", comment, CASSANDRA).partition(" = ")[2])


def test_undeclared_options_are_absent():
    """What a model does not say is neither declared nor a problem."""
    assert ({}, []) == (TableOptions().declared(), TableOptions().problems("m.Order"))


def test_docstring_as_comment():
    """DOCSTRING stands for the cleaned docstring of the class; without one nothing is declared."""
    options = TableOptions(comment=DOCSTRING)

    assert ("Orders.\n\nNewest first.", False) == (
        options.declared("Orders.\n\n    Newest first.\n")["comment"],
        "comment" in options.declared(None),
    )


def test_options_are_inherited_one_by_one():
    """A class keeps what its base declares and overrides what it declares itself, extra options included."""
    base = TableOptions(comment="base", gc_grace_seconds=5, extra={"a": 1, "b": 1})
    own = TableOptions(comment="own", extra={"b": 2})

    assert TableOptions(comment="own", gc_grace_seconds=5, extra={"a": 1, "b": 2}) == TableOptions.merged(base, own)


def test_options_are_values():
    """Equal declarations are equal, hash alike and travel between processes."""
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
        ({"default_time_to_live": 1.5}, "no whole number"),
        ({"gc_grace_seconds": True}, "no whole number"),
        ({"gc_grace_seconds": "x"}, "invalid literal"),
        ({"gc_grace_seconds": None}, "None is no value"),
        ({"min_index_interval": 0}, "out of range"),
        ({"min_index_interval": 512, "max_index_interval": 256}, "below min_index_interval 512"),
        ({"memtable_flush_period_in_ms": -1}, "out of range"),
        ({"read_repair": "ASYNC"}, "no 'ASYNC'"),
        ({"speculative_retry": "99"}, "no retry policy"),
        ({"speculative_retry": "100p"}, "between 0 and 100"),
        ({"speculative_retry": "MIN(99p,98p)"}, "no retry policy"),
        ({"additional_write_policy": ""}, "no retry policy"),
        ({"caching": {"keys": "x"}}, "'keys' is 'X'"),
        ({"caching": {"nosuch": 1}}, "no setting 'nosuch'"),
        ({"caching": {"rows_per_partition": -1}}, "'rows_per_partition' is '-1'"),
        ({"cdc": {"preimage": True}}, "whether it is on"),
        ({"cdc": {"enabled": "perhaps"}}, "'enabled' is 'perhaps'"),
        ({"cdc": "perhaps"}, "neither true nor false"),
        ({"compaction": {}}, "needs a 'class'"),
        ({"compaction": "LCS"}, "no map"),
        ({"compaction": {"class": "leveledcompactionstrategy"}}, "no class"),
        ({"compaction": {"class": "A", "x": None}}, "no setting"),
        ({"compression": {"chunk_length_in_kb": 64}}, "has a 'class'"),
        ({"compression": {"class": "LZ4Compressor", "enabled": False}}, "has no other settings"),
        ({"compression": {"class": "A", "sstable_compression": "A"}}, "old and its new name"),
        ({"tombstone_gc": {"mode": "never"}}, "'mode' is 'never'"),
        ({"per_partition_rate_limit": {"reads": 1}}, "no setting 'reads'"),
        ({"comment": {"a": "b"}}, "no text"),
        ({"extra": {"comment": "x"}}, "has a keyword"),
        ({"extra": {"id": "x"}}, "cannot be declared"),
        ({"extra": {"x = 1 AND y": "x"}}, "no name of an option"),
        ({"extra": {"newer": [1]}}, "no value of an option"),
    ],
)
def test_impossible_options_are_told_when_the_class_is_made(options, text):
    """A value that no server takes is one problem that names class and option, with advice."""
    (problem,) = TableOptions(**options).problems("m.Order")

    assert ("OP104", "m.Order.options", True, True) == (
        problem.code,
        problem.where,
        text in problem.text,
        bool(problem.advice),
    )


def test_all_impossible_options_are_told_together():
    """Two wrong options are two problems."""
    assert 2 == len(TableOptions(gc_grace_seconds=-1, crc_check_chance=5).problems("m.Order"))


LEAVE = ("error", "Leave it out for this server.")
CHOOSE = ("error", "Choose a class that this server has.")
LOG = ("error", "Write cdc=True; a log with settings is Scylla's.")
NEWER = attrs.evolve(CASSANDRA, schema_columns=frozenset({("tables", "auto_repair")}))


@pytest.mark.parametrize(
    ("options", "server", "said"),
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
        ({"extra": {"brand_new": "x"}}, SCYLLA, [("warn", "It is sent as it stands, and the server may refuse it.")]),
        ({"compaction": {"class": "UnifiedCompactionStrategy"}}, SERVERS["4.1"], [CHOOSE]),
        ({"compaction": {"class": "UnifiedCompactionStrategy"}}, CASSANDRA, []),
        ({"compaction": {"class": "IncrementalCompactionStrategy"}}, CASSANDRA, [CHOOSE]),
        ({"compression": {"class": "NoopCompressor"}}, SCYLLA, [CHOOSE]),
        ({"cdc": {"enabled": True, "ttl": 5}}, CASSANDRA, [LOG]),
        ({"cdc": {"enabled": True, "ttl": 5}}, SCYLLA, []),
        ({"speculative_retry": "MIN(99p,50ms)"}, SCYLLA, [("error", "Write one percentile or one time.")]),
        ({"speculative_retry": "MIN(99p,50ms)"}, CASSANDRA, []),
    ],
)
def test_options_unknown_to_the_server(options, server, said):
    """What this server would refuse is an OP104 that names the object and what to do, before anything is sent."""
    found = unknown_here(TableOptions(**options).declared(), server, "shop.orders")

    assert said == [(item.severity, item.fix) for item in found]
    assert {"OP104"} >= {item.code for item in found}
    assert {"shop.orders"} >= {item.object for item in found}


def test_an_option_of_creation_comes_too_late():
    """What CQL takes only when a table is made is refused on one that is there."""
    declared, server = TableOptions(storage_engine="logstor").declared(), ServerProfile("scylla", (2026, 2))

    assert ([], ["OP104"]) == (
        unknown_here(declared, server, "k.t"),
        [found.code for found in unalterable(declared, server, "k.t")],
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
    """Cassandra 4.0 and 4.1 pass over an ALTER of this option alone, so that no run could ever be in sync."""
    found = unalterable(TableOptions(**options).declared(), SERVERS[release], "k.t")

    assert codes == [item.code for item in found]
