"""Folders in which a cluster keeps its data."""

from __future__ import annotations

import pytest

from scyllamodel.errors import ConfigurationError
from scyllamodel.local.data_folder import ClusterData, check_cluster_data

CLUSTER_DATA = ClusterData("5.0.6", 3, 9042, 7000)


def test_a_folder_returns_the_stored_data(tmp_path):
    """A second cluster reads the information that the first one stored."""
    CLUSTER_DATA.write(tmp_path)

    assert CLUSTER_DATA == ClusterData.read(tmp_path)


def test_a_new_folder_says_nothing(tmp_path):
    """A folder without cluster data is accepted by any cluster."""
    check_cluster_data(tmp_path, "4.1.10", 1)

    assert ClusterData.read(tmp_path) is None


@pytest.mark.parametrize(("version", "nodes"), [("4.1.10", 3), ("5.0.6", 1)])
def test_data_of_another_cluster_is_refused(tmp_path, version, nodes):
    """Data of another version or number of nodes is refused."""
    CLUSTER_DATA.write(tmp_path)
    check_cluster_data(tmp_path, CLUSTER_DATA.version, CLUSTER_DATA.nodes)

    with pytest.raises(ConfigurationError, match=r"the data of 3 nodes of Cassandra 5.0.6"):
        check_cluster_data(tmp_path, version, nodes)
