"""Capabilities of a server, derived from what it reports."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from scyllamodel.schema.options import OPTION_NAMES
from scyllamodel.schema.server.detection import NODE_SETTINGS, common_features, profile_from
from scyllamodel.schema.server.profile import NodeSettings, ServerProfile, index_family
from support.cassandra_observed import SERVERS

SCYLLA_COLUMNS = [("scylla_tables", "table_name"), ("tables", "table_name")]
CASSANDRA_COLUMNS = [("tables", "table_name")]


@pytest.mark.parametrize(
    ("release", "columns", "scylla_version", "profile", "output"),
    [
        ("5.0.6", CASSANDRA_COLUMNS, None, ServerProfile("cassandra", (5, 0, 6)), "cassandra 5.0.6"),
        ("4.0.19", CASSANDRA_COLUMNS, None, ServerProfile("cassandra", (4, 0, 19)), "cassandra 4.0.19"),
        ("5.0-beta1", CASSANDRA_COLUMNS, None, ServerProfile("cassandra", (5, 0)), "cassandra 5.0"),
        ("3.0.8", SCYLLA_COLUMNS, "2025.4.1-0.2025", ServerProfile("scylla", (2025, 4, 1)), "scylla 2025.4.1"),
        ("3.0.8", SCYLLA_COLUMNS, None, ServerProfile("scylla", ()), "scylla"),
        (None, CASSANDRA_COLUMNS, None, ServerProfile("cassandra", ()), "cassandra"),
    ],
)
def test_a_profile_comes_from_rows_that_every_user_may_read(release, columns, scylla_version, profile, output):
    """ScyllaDB is detected by its own table, and its version is not the constant that it reports."""
    result = profile_from(release, columns, scylla_version=scylla_version)

    assert (profile, output, frozenset(columns)) == (result, str(result), result.schema_columns)


@pytest.mark.parametrize(
    ("settings", "enabled"),
    [
        (None, None),
        ({}, None),
        ({"materialized_views_enabled": "true"}, True),
        ({"materialized_views_enabled": "false"}, False),
        ({"enable_materialized_views": "false"}, False),
    ],
)
def test_views_are_enabled_as_the_node_says(settings, enabled):
    """The switch for views is read under both of its names, and is unknown if the node does not report it."""
    assert enabled is profile_from("5.0.6", CASSANDRA_COLUMNS, settings=settings).views_enabled


def test_a_hidden_version_counts_as_the_newest():
    """An unknown version counts as the newest, so that nothing is refused on a guess."""
    hidden = ServerProfile("scylla", ())

    assert (True, True, frozenset()) == (hidden.has_vectors, hidden.has_vector_index, hidden.unsupported_with_tablets)


@pytest.mark.parametrize(
    ("server", "abilities"),
    [
        (SERVERS["4.0"], set()),
        (SERVERS["4.1"], set()),
        (SERVERS["5.0"], {"has_vectors", "has_sai", "has_vector_index"}),
        (ServerProfile("scylla", (2025, 1)), {"has_local_indexes", "has_tablets"}),
        (ServerProfile("scylla", (2025, 2)), {"has_local_indexes", "has_tablets", "has_vectors"}),
        (ServerProfile("scylla", (2025, 4)), {"has_local_indexes", "has_tablets", "has_vectors", "has_vector_index"}),
    ],
)
def test_abilities_by_release(server, abilities):
    """Capabilities depend on engine and release."""
    properties = ("has_vectors", "has_sai", "has_vector_index", "has_local_indexes", "has_tablets")

    assert abilities == {name for name in properties if getattr(server, name)}


@pytest.mark.parametrize(
    ("server", "lacking"),
    [
        (SERVERS["5.0"], set()),
        (ServerProfile("scylla", (2025, 3)), {"counters", "cdc", "lwt", "views"}),
        (ServerProfile("scylla", (2025, 4)), {"counters"}),
        (ServerProfile("scylla", (2026, 1)), set()),
    ],
)
def test_tablets_cannot_hold_everything_at_first(server, lacking):
    """The features that tablets do not support decrease with each release."""
    assert lacking == server.unsupported_with_tablets


DATA = Path(__file__).parents[2] / "data"
OLD_FEATURES = json.loads((DATA / "scylla-system-schema.json").read_text(encoding="utf-8"))["enabled_features"]
NEW_FEATURES = json.loads((DATA / "scylla-system-schema-2026.json").read_text(encoding="utf-8"))["enabled_features"]


@pytest.mark.parametrize(
    ("version", "features", "lacking"),
    [
        ("2025.1.14-0.2025", OLD_FEATURES.split(","), {"counters", "cdc", "lwt"}),
        ("2026.3.0~rc2-0.2026", NEW_FEATURES.split(), set()),
        # In the middle of a rolling upgrade the coordinator is new, and its features are off.
        ("2026.3.0~rc2-0.2026", OLD_FEATURES.split(","), {"counters", "cdc", "lwt"}),
        (None, NEW_FEATURES.split(), set()),
        (None, OLD_FEATURES.split(","), {"counters", "cdc", "lwt"}),
    ],
)
def test_the_features_of_the_cluster_win_over_the_release(version, features, lacking):
    """The features that tablets support follow those that the cluster has enabled."""
    assert (
        lacking
        == profile_from(None, SCYLLA_COLUMNS, scylla_version=version, features=features).unsupported_with_tablets
    )


def test_settings_of_a_node_are_json_texts():
    """The values of ``system.config`` are parsed as JSON, and missing or invalid ones are unknown."""
    messages = {
        "tablets_mode_for_new_keyspaces": '"enabled"',
        "enable_tablets": "false",
        "minimum_replication_factor_fail_threshold": "2",
        "twcs_max_window_count": "50",
        "rf_rack_valid_keyspaces": "false",
        "enforce_rack_list": "true",
        "maximum_replication_factor_fail_threshold": "-1",
        "replication_strategy_fail_list": '["EverywhereStrategy"]',
        "replication_strategy_warn_list": '["SimpleStrategy"]',
        "restrict_twcs_without_default_ttl": '"warn"',
        "experimental_features": '["udf", "logstor"]',
    }
    read = NodeSettings(
        None, "enabled", 2, 50, False, -1, frozenset({"EverywhereStrategy"}), frozenset({"SimpleStrategy"}), "warn",
        frozenset({"udf", "logstor"}), True,
    )  # fmt: skip

    assert set(messages) == set(NODE_SETTINGS)
    assert read == profile_from(None, SCYLLA_COLUMNS, settings=messages).node
    assert NodeSettings() == profile_from(None, SCYLLA_COLUMNS, settings=dict.fromkeys(messages, "{")).node


@pytest.mark.parametrize(
    ("mode", "older", "read"),
    [
        ('"enforced"', "false", "enforced"),
        ('"0"', "true", "disabled"),
        ('"1"', "false", "enabled"),
        ('"2"', "false", "enforced"),
        ('"?unknown"', "true", "enabled"),
        ('"?unknown"', "false", "disabled"),
        ('"?unknown"', None, None),
        (None, None, None),
    ],
)
def test_the_older_setting_decides_where_no_mode_of_tablets_is_set(mode, older, read):
    """Without a mode of tablets, ``enable_tablets`` decides, which is false by default."""
    messages = {"tablets_mode_for_new_keyspaces": mode, "enable_tablets": older}
    server = profile_from(None, SCYLLA_COLUMNS, settings={name: text for name, text in messages.items() if text})

    assert read == server.node.tablets_mode
    assert (None if read is None else read != "disabled") is server.makes_tablets("", tablets=None)


@pytest.mark.parametrize(
    ("text", "read"),
    [("true", "true"), ('"true"', "true"), ("false", "false"), ('"1"', "true"), ('"0"', "false"), ("1", None)],
)
def test_a_setting_of_three_values_may_be_a_boolean(text, read):
    """``restrict_twcs_without_default_ttl`` may be true, false or warn."""
    messages = {"restrict_twcs_without_default_ttl": text}

    assert read == profile_from(None, SCYLLA_COLUMNS, settings=messages).node.endless_windows


def test_what_all_nodes_support_stands_in_for_what_is_on():
    """If the topology is hidden, the features of ``system.local`` and ``system.peers`` are compared."""
    assert common_features(["A,B", "B,C", None]) == {"B"}
    assert common_features([None]) is None


@pytest.mark.parametrize(
    ("node", "version", "strategy", "tablets", "expected", "is_refused"),
    [
        ("enabled", (2026, 3), "NetworkTopologyStrategy", None, True, False),
        ("enforced", (2026, 3), "", None, True, False),
        ("disabled", (2026, 3), "NetworkTopologyStrategy", None, False, False),
        (None, (2026, 3), "NetworkTopologyStrategy", None, None, False),
        ("enabled", (2026, 3), "NetworkTopologyStrategy", False, False, False),
        ("disabled", (2025, 1), "NetworkTopologyStrategy", True, True, False),
        ("enabled", (2025, 1), "SimpleStrategy", None, False, False),
        ("enabled", (2026, 3), "SimpleStrategy", None, False, True),
        ("enabled", (2026, 3), "SimpleStrategy", False, False, False),
        ("disabled", (2026, 3), "SimpleStrategy", None, False, False),
        ("disabled", (2026, 3), "SimpleStrategy", True, True, True),
    ],
)
def test_whether_a_new_keyspace_has_tablets_is_known_before(node, version, strategy, tablets, expected, is_refused):  # noqa: PLR0917
    """Tablets of a new keyspace follow from the request, the strategy and the node's setting."""
    server = ServerProfile("scylla", version, node=NodeSettings(tablets_mode=node))

    assert expected is server.makes_tablets(strategy, tablets=tablets)
    assert is_refused is server.refuses_strategy(strategy, tablets=tablets)


@pytest.mark.parametrize(
    ("server", "has", "lacks"),
    [
        (SERVERS["4.0"], {"read_repair", "cdc"}, {"memtable", "allow_auto_snapshot", "tablets"}),
        (SERVERS["4.1"], {"memtable"}, {"allow_auto_snapshot", "incremental_backups"}),
        (SERVERS["5.0"], {"memtable", "allow_auto_snapshot", "incremental_backups"}, {"tombstone_gc"}),
        (ServerProfile("scylla", (2025, 1)), {"tombstone_gc", "paxos_grace_seconds"}, {"tablets", "read_repair"}),
        (ServerProfile("scylla", (2025, 2)), {"tablets"}, {"storage_engine", "memtable"}),
        (ServerProfile("scylla", (2026, 2)), {"tablets", "storage_engine"}, {"additional_write_policy"}),
    ],
)
def test_options_by_release(server, has, lacks):
    """Each release has its own options, all of which have a keyword."""
    assert has <= server.table_options
    assert not lacks & server.table_options
    assert server.table_options <= OPTION_NAMES


@pytest.mark.parametrize(
    ("name", "servers"),
    [
        ("SizeTieredCompactionStrategy", {"4.0", "4.1", "5.0", "scylla"}),
        ("com.example.Own", {"4.0", "4.1", "5.0"}),
        ("NewCompactionStrategy", {"4.0", "4.1", "5.0", "scylla"}),
        ("UnifiedCompactionStrategy", {"5.0"}),
        ("DateTieredCompactionStrategy", {"4.0", "4.1"}),
        ("IncrementalCompactionStrategy", {"scylla"}),
        ("NoopCompressor", {"4.0", "4.1", "5.0"}),
    ],
)
def test_classes_by_release(name, servers):
    """A class that only some servers have is known, and any other class may exist."""
    profiles = {**SERVERS, "scylla": ServerProfile("scylla", (2025, 1))}

    assert servers == {release for release, server in profiles.items() if server.has_class(name)}


@pytest.mark.parametrize(
    "spellings",
    [
        ["sai", "SAI", "StorageAttachedIndex", "org.apache.cassandra.index.sai.StorageAttachedIndex"],
        ["sasi", "SASIIndex", "org.apache.cassandra.index.sasi.SASIIndex"],
        ["vector_index", "VECTOR_INDEX"],
    ],
)
def test_spellings_of_an_index_class_are_one(spellings):
    """An index class is the same in all spellings of servers."""
    assert 1 == len(set(map(index_family, spellings)))


@pytest.mark.parametrize(
    ("server", "using", "on_vector", "spelled"),
    [
        (SERVERS["5.0"], "sai", False, "sai"),
        (SERVERS["4.1"], "SASI", False, "org.apache.cassandra.index.sasi.SASIIndex"),
        (ServerProfile("scylla", (2025, 4)), "StorageAttachedIndex", True, "vector_index"),
        (ServerProfile("scylla", (2025, 4)), "sai", False, "sai"),
        (ServerProfile("scylla", (2025, 4)), "vector_index", True, "vector_index"),
        (SERVERS["5.0"], "com.example.Own", False, "com.example.Own"),
    ],
)
def test_an_index_class_is_spelled_as_the_server_takes_it(server, using, on_vector, spelled):
    """SASI is written with its full name, and vector indexes on Scylla with their own class."""
    assert spelled == server.index_class(using, on_vector=on_vector)


def test_a_profile_is_a_value():
    """Profiles with different reported columns are equal, and can be pickled."""
    item = profile_from("5.0.6", CASSANDRA_COLUMNS)

    assert ServerProfile("cassandra", (5, 0, 6)) == item == pickle.loads(pickle.dumps(item))
