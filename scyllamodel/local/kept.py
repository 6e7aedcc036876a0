"""Records the cluster of a data folder.

*In*: the folder. *Out*: `Kept`, which the next cluster in that folder must match: data belongs to one version, and the
nodes of a cluster find one another by their ports.
"""

from __future__ import annotations

import json
from pathlib import Path

import attrs
from typing_extensions import Self

from scyllamodel.errors import ConfigurationError
from scyllamodel.local.folders import write_whole


@attrs.frozen
class Kept:
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
            return cls(**json.loads(_file(folder).read_text()))
        except FileNotFoundError:
            return None

    def write(self, folder: Path) -> None:
        """Write the record to a folder."""
        write_whole(_file(folder), json.dumps(attrs.asdict(self)).encode())


def check_kept(folder: Path, version: str, nodes: int) -> None:
    """Refuse data of another cluster.

    Raises:
        ConfigurationError: the folder holds data of another version or number of nodes.
    """
    kept = Kept.read(folder)
    if kept is not None and (kept.version, kept.nodes) != (version, nodes):
        message = (
            f"{folder} contains the data of {kept.nodes} node(s) of Cassandra {kept.version}.\n"
            "Use that version and number of nodes, or another folder."
        )
        raise ConfigurationError(message)


def _file(folder: Path) -> Path:
    return folder / "cluster.json"
