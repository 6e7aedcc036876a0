"""Table options: declared, stored, compared by meaning, written for the server at hand."""

from __future__ import annotations

import pickle

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from observed import SERVERS, cases, literal, refused
from strategies import OPTIONS, texts

from scyllamodel.schema.facts import FrozenMap
from scyllamodel.schema.options import (
    DOCSTRING,
    OPTION_NAMES,
    TableOptions,
    before,
    canonical,
    changed,
    lost,
    option_cql,
    same,
    stored_options,
    unalterable,
    unknown_here,
)
from scyllamodel.schema.options.stored import string_map
from scyllamodel.schema.server import ServerProfile

CASSANDRA = ServerProfile("cassandra", (5, 0, 6))
SCYLLA = ServerProfile("scylla", (2025, 4, 1))
STCS, LCS = {"class": "SizeTieredCompactionStrategy"}, {"class": "LeveledCompactionStrategy"}


def observed():
    """Release, option, declared value and stored value of each accepted option in the observed data."""
    for release, case, result in cases("a_table_options", "with"):
        name, _, value = case["with"].partition(" = ")
        declared = literal(value)
        if name not in OPTION_NAMES or refused(result) or declared is None or value == "NaN":
            continue
        stored = result
        if isinstance(result, dict) and name in result:
            stored = result[name]
        elif isinstance(result, dict) and "=" in result:
            stored = result["="]
        yield release, name, declared, stored


OBSERVED = list(observed())


def test_the_observed_options_are_many():
    """The table of observed options was understood, not passed over."""
    assert len(OBSERVED) > 250


@pytest.mark.parametrize(("release", "name", "declared", "stored"), OBSERVED)
def test_a_declared_option_is_what_the_server_stored_for_it(release, name, declared, stored):
    """After CREATE TABLE with an option, the same declaration finds nothing to alter."""
    server = SERVERS[release]
    if name == "compression" and "crc_check_chance" in declared:
        declared = {key: setting for key, setting in declared.items() if key != "crc_check_chance"}
    wanted = FrozenMap({name: canonical(name, declared)})

    assert {} == changed(wanted, stored_options({name: stored}, server), server)


@pytest.mark.parametrize(("release", "name", "declared", "stored"), OBSERVED)
def test_an_option_that_servers_take_is_no_problem(release, name, declared, stored):
    """Nothing that a server accepted is refused when the class is made."""
    assert [] == [str(problem) for problem in TableOptions(**{name: declared}).problems("m.Order")]


@pytest.mark.parametrize("release", SERVERS)
@pytest.mark.parametrize("name", sorted({name for _, name, _, _ in OBSERVED} - {"cdc"}))
def test_values_that_are_stored_differently_differ(release, name):
    """What a declaration equals, every other declaration of the same stored value equals too, and no other does."""
    server = SERVERS[release]
    of_name = [(d, stored_options({name: s}, server)) for r, n, d, s in OBSERVED if (r, n) == (release, name)]
    wrong = [
        (declared, theirs)
        for declared, mine in of_name
        for _, theirs in of_name
        if same(name, canonical(name, declared), theirs.get(name), server)
        != same(name, mine.get(name), theirs.get(name), server)
    ]

    assert [] == wrong


@pytest.mark.parametrize(
    ("name", "wanted", "stored"),
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
def test_cassandra_options_that_differ(name, wanted, stored):
    """A declared option that is stored with another meaning is reported, whole."""
    declared = TableOptions(**{name: wanted}).declared()

    assert declared == changed(declared, stored_options({name: stored}, CASSANDRA), CASSANDRA)


@pytest.mark.parametrize(
    ("name", "wanted", "stored"),
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
def test_cassandra_options_that_do_not_differ(name, wanted, stored):
    """A declaration that means what is stored is in sync, however it is spelled."""
    declared = TableOptions(**{name: wanted}).declared()

    assert {} == changed(declared, stored_options({name: stored}, CASSANDRA), CASSANDRA)


def blob(**settings):
    """Scylla's binary map of strings."""
    pieces = [piece.encode() for item in sorted(settings.items()) for piece in item]
    return len(settings).to_bytes(4, "little") + b"".join(len(p).to_bytes(4, "little") + p for p in pieces)


LIMIT, READS = "per_partition_rate_limit", {"max_reads_per_second": "5"}
DELAY = {"propagation_delay_in_seconds": "3600"}
CDC = {"enabled": "true", "preimage": "false", "postimage": "false", "delta": "full", "ttl": "86400"}


@pytest.mark.parametrize(
    ("wanted", "extensions", "equal"),
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
def test_scylla_extensions(wanted, extensions, equal):
    """What Scylla keeps in binary extensions is compared like any other option."""
    declared = TableOptions(**wanted).declared()
    found = stored_options({"extensions": extensions, "crc_check_chance": 1.0}, SCYLLA)

    assert equal is (changed(declared, found, SCYLLA) == {})


@pytest.mark.parametrize(
    ("wanted", "stored", "equal"),
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
def test_scylla_spellings(wanted, stored, equal):
    """Scylla's own spellings and defaults mean what the declaration means."""
    assert equal is (changed(TableOptions(**wanted).declared(), stored_options(stored, SCYLLA), SCYLLA) == {})


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
    """Tablet hints come from scylla_tables, where they stand exactly as given."""
    declared = TableOptions(tablets={"min_tablet_count": 8}).declared()
    found = stored_options({"extensions": {}}, SCYLLA, {"table_name": "t", "tablets": stored, "cdc": None})

    assert equal is (changed(declared, found, SCYLLA) == {})


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


@pytest.mark.parametrize(
    ("wanted", "stored", "gone"),
    [
        (STCS, {**STCS, "min_threshold": "4", "max_threshold": "32"}, []),
        (STCS, {**STCS, "min_threshold": "8", "max_threshold": "32"}, ["min_threshold"]),
        (STCS, {**STCS, "made_up": "1"}, ["made_up"]),
        (LCS, {**STCS, "min_threshold": "8"}, []),
    ],
)
def test_settings_that_an_alter_would_lose(wanted, stored, gone):
    """Only settings that are not at the server's default are lost when a map is replaced whole."""
    assert gone == lost("compaction", wanted, stored, CASSANDRA)


def test_extra_options_are_compared_once_they_are_stored():
    """An option newer than this release differs only when the server is seen to store another value."""
    declared = TableOptions(extra={"newer": 5}).declared()

    assert [{}, {}, {"newer": 5}] == [
        changed(declared, stored_options(row, CASSANDRA), CASSANDRA)
        for row in ({"newer": None}, {"newer": "5"}, {"newer": "6"})
    ]


def test_foreign_columns_are_no_options():
    """A newer server's columns of kinds that nobody can declare are left alone."""
    row = {"newer_blobs": {"a": b"\0"}, "newer_list": [1], "id": 1, "flags": {"compound"}, "comment": ""}

    assert {"comment": ""} == stored_options(row, CASSANDRA)


def test_what_was_stored_can_be_gone_back_to():
    """Before a change stands what is stored, or on Scylla what storing nothing means."""
    wanted = {"cdc": {"enabled": "true"}, "comment": "b", "extra": "x"}

    assert {"cdc": {"enabled": "false"}, "comment": "a"} == before(wanted, {"comment": "a"})


def test_an_extension_cut_short_is_an_error():
    """A binary map that ends too early is never read as a shorter one."""
    with pytest.raises(ValueError, match="cut short"):
        string_map(blob(mode="repair")[:-1])


@given(st.dictionaries(texts, texts, max_size=4))
def test_extensions_are_read_as_they_were_written(settings):
    """Scylla's binary map gives back its settings."""
    assert settings == string_map(blob(**settings))
