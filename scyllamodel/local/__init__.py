"""A real Cassandra on a machine that has only Python (extra ``local``): `LocalCluster`."""

from scyllamodel.local.cluster import LocalCluster
from scyllamodel.local.errors import LocalServerError, MissingExtra
from scyllamodel.local.node import Node
from scyllamodel.local.progress import Progress

__all__ = ["LocalCluster", "LocalServerError", "MissingExtra", "Node", "Progress"]
