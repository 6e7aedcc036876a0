"""A driver session with default settings, on its own cluster: the other side of the comparisons.

A session of a repo would not be a fair comparison: its policies, protocol and connection class are set by the library.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import Any

from cassandra.cluster import Cluster


@contextlib.contextmanager
def bare_session(cluster: Any) -> Generator[Any]:
    """Connect to the first node of a local cluster, as the driver's documentation does."""
    host, _, port = cluster.contact_points[0].rpartition(":")
    driver_cluster = Cluster([host], port=int(port))
    try:
        yield driver_cluster.connect()
    finally:
        driver_cluster.shutdown()
