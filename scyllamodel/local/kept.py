"""What a folder of kept data says of the cluster that it belongs to.

*In*: the folder. *Out*: `Kept`, which the next cluster with that folder has to be like: data is of one version, and the
nodes of a ring know one another by their ports.
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
    """A cluster whose data is kept.

    Attributes:
        version: exact version of Cassandra.
        nodes: how many.
        native_port: for CQL, of every node.
        storage_port: between nodes, of every node.
    """

    version: str
    nodes: int
    native_port: int
    storage_port: int

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """What the folder says; None when no cluster has come up with it yet."""
        try:
            return cls(**json.loads(_file(folder).read_text()))
        except FileNotFoundError:
            return None

    def write(self, folder: Path) -> None:
        """Let the folder say this."""
        write_whole(_file(folder), json.dumps(attrs.asdict(self)).encode())


def check_kept(folder: Path, version: str, nodes: int) -> None:
    """Refuse data of another cluster.

    Raises:
        ConfigurationError: the folder holds data of another version or number of nodes.
    """
    kept = Kept.read(folder)
    if kept is not None and (kept.version, kept.nodes) != (version, nodes):
        message = (
            f"{folder} holds the data of {kept.nodes} node(s) of Cassandra {kept.version}.\n"
            "Start it with the same version and number of nodes, or keep this cluster elsewhere."
        )
        raise ConfigurationError(message)


def _file(folder: Path) -> Path:
    return folder / "cluster.json"
