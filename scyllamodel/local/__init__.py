"""A Cassandra server on this machine without Docker (extra ``local``): `LocalCluster`."""

from scyllamodel.local.cluster import LocalCluster
from scyllamodel.local.errors import LocalServerError, MissingExtra
from scyllamodel.local.node import Node
from scyllamodel.local.progress import Progress

__all__ = ["LocalCluster", "LocalServerError", "MissingExtra", "Node", "Progress"]
