"""The configuration with which a node is started."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from scyllamodel.errors import ConfigurationError
from scyllamodel.local import LocalCluster, config, versions

NEWEST = versions.RELEASES["5.0"]


def node(**changes):
    """The configuration of a single node, with these settings changed."""
    settings = {
        "number": 1,
        "nodes": 1,
        "version": NEWEST,
        "folder": Path("/data/node1"),
        "address": "127.0.0.1",
        "seed": "127.0.0.1",
        "native_port": 40001,
        "storage_port": 40002,
    }
    return config.NodeConfig(**{**settings, **changes})


@pytest.mark.parametrize(
    ("version", "exact", "java"),
    [
        ("5.0", NEWEST, 17),
        ("4.1", versions.RELEASES["4.1"], 11),
        ("4.0", versions.RELEASES["4.0"], 11),
        ("4.1.3", "4.1.3", 11),
    ],
)
def test_a_release_line_means_one_exact_version_and_one_java(version, exact, java):
    """A release line means its newest tested version, and an exact version means itself."""
    assert (exact, java) == (versions.exact_version(version), versions.java_major(versions.exact_version(version)))


@pytest.mark.parametrize("version", ["3.11", "5", f"{NEWEST}.1", "latest", f"{NEWEST}\n", ""])
def test_an_unknown_version_is_refused_with_those_that_there_are(version):
    """An unknown version or release line is a configuration error that lists the lines."""
    with pytest.raises(ConfigurationError, match=rf'"5\.0" \({re.escape(NEWEST)}\)'):
        LocalCluster(version=version)


def test_two_nodes_are_refused():
    """A cluster of two nodes is refused, since only one node and three nodes are supported."""
    with pytest.raises(ConfigurationError, match="1 or 3 nodes, not 2"):
        LocalCluster(nodes=2)


def test_a_setting_that_the_cluster_chooses_is_refused():
    """Ports and addresses cannot be set, since the cluster could not be found then."""
    with pytest.raises(ConfigurationError, match="native_transport_port"):
        LocalCluster(settings={"native_transport_port": 9042})


def test_own_settings_win():
    """A setting of the user replaces ours of the same name, and other settings are added."""
    settings = json.loads(config.cassandra_yaml(node(settings={"auto_snapshot": True, "cdc_enabled": True})))

    assert (True, True) == (settings["auto_snapshot"], settings["cdc_enabled"])


@pytest.mark.parametrize(
    ("version", "present", "absent"),
    [
        ("4.0.19", {"enable_materialized_views", "commitlog_sync_period_in_ms"}, {"materialized_views_enabled"}),
        ("4.1.10", {"materialized_views_enabled", "commitlog_sync_period"}, {"enable_materialized_views"}),
        (NEWEST, {"sasi_indexes_enabled", "user_defined_functions_enabled"}, {"commitlog_sync_period_in_ms"}),
    ],
)
def test_settings_are_spelt_as_the_version_knows_them(version, present, absent):
    """Settings that were renamed have their old names on 4.0."""
    settings = config.yaml_settings(node(version=version))

    assert (present, set()) == (present & set(settings), absent & set(settings))


def test_three_nodes_own_equal_parts_of_the_ring():
    """The distances between the tokens of three nodes differ by at most one."""
    first, second, third = (config.initial_token(number, 3) for number in (1, 2, 3))

    assert (-(2**63), 2**64 // 3, 2**64 // 3) == (first, second - first, third - second)


def test_every_node_has_the_seed_and_its_own_address():
    """The third node listens on its own address and has the first one as its seed."""
    settings = config.yaml_settings(node(number=3, nodes=3, address="127.0.0.3"))
    (seeds,) = settings["seed_provider"][0]["parameters"]

    assert ("127.0.0.3", "127.0.0.1:40002") == (settings["listen_address"], seeds["seeds"])


def test_a_benchmark_lets_java_compile_as_far_as_it_can():
    """For measurements the flag that shortens the boot is omitted, and nothing else changes."""
    quick = config.command(node(), Path("/java"), [Path("/a.jar")])
    measured = config.command(node(benchmark=True), Path("/java"), [Path("/a.jar")])

    assert ["-XX:TieredStopAtLevel=1"] == [part for part in quick if part not in measured]


def test_a_folder_with_odd_letters_survives_logback():
    """The path of the log is escaped in logback.xml."""
    result = ET.fromstring(config.logback_xml(node(folder=Path("/a & <b>"))))

    assert "/a & <b>/system.log" == result.findtext("appender/file")


def test_a_node_that_may_forget_does_not_flush_its_schema():
    """One property makes schema changes fast, and without it a killed node keeps them."""
    safe = config.command(node(), Path("/java"), [Path("/a.jar")])
    quick = config.command(node(durable=False), Path("/java"), [Path("/a.jar")])

    assert ["-Dcassandra.test.flush_local_schema_changes=false"] == [part for part in quick if part not in safe]


@pytest.mark.parametrize("version", versions.RELEASES.values())
def test_a_node_whose_heap_is_full_ends(version):
    """A node ends when its heap is full, instead of hanging at each schema change."""
    command = config.command(node(version=version, heap_mb=1024), Path("/java"), [])

    assert {"-XX:+ExitOnOutOfMemoryError", "-Xmx1024m", "-Xms1024m"} <= set(command)


def test_too_small_a_heap_is_refused():
    """A heap that is too small is refused before the node is started."""
    with pytest.raises(ConfigurationError, match="a heap of at least 256 MB, not 1"):
        LocalCluster(heap_mb=1)


def test_readme_names_the_versions_that_are_started():
    """The table of servers in README matches the constant in the code."""
    readme = Path(__file__).parents[3] / "README.md"
    listed = ", ".join(versions.RELEASES.values())

    assert f"| Cassandra {listed} |" in readme.read_text(encoding="utf-8")
