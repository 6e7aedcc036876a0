"""Records the cluster of a data folder.

*In*: the folder. *Out*: `ClusterData`, which the next cluster in that folder must match: data belongs to one version,
and the nodes of a cluster find one another by their ports.
"""

from __future__ import annotations

import json
from pathlib import Path

import attrs
from typing_extensions import Self

from scyllamodel._text import counted
from scyllamodel.errors import ConfigurationError
from scyllamodel.local.folders import write_atomically


@attrs.frozen
class ClusterData:
    """A cluster with kept data.

    Attributes:
        version: exact version of Cassandra.
        nodes: number of nodes.
        native_port: port for CQL of every node.
        storage_port: port between nodes.
    """

    version: str
    nodes: int
    native_port: int
    storage_port: int

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Read the record of a folder; None if no cluster has used it yet."""
        try:
            return cls(**json.loads(_data_file(folder).read_text()))
        except FileNotFoundError:
            return None

    def write(self, folder: Path) -> None:
        """Write the record to a folder."""
        write_atomically(_data_file(folder), json.dumps(attrs.asdict(self)).encode())


def check_cluster_data(folder: Path, version: str, nodes: int) -> None:
    """Refuse data of another cluster.

    Raises:
        ConfigurationError: the folder holds data of another version or number of nodes.
    """
    cluster_data = ClusterData.read(folder)
    if cluster_data is not None and (cluster_data.version, cluster_data.nodes) != (version, nodes):
        nodes_text = counted(cluster_data.nodes, "node")
        message = (
            f"{folder} contains the data of {nodes_text} of Cassandra {cluster_data.version}.\n"
            "Use that version and number of nodes, or another folder."
        )
        raise ConfigurationError(message)


def _data_file(folder: Path) -> Path:
    return folder / "cluster.json"
