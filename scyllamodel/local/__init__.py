"""A local Cassandra on a machine that has only Python (extra ``local``).

Modules:
    background: a cluster that outlives the command that started it; implements ``scyllamodel local``.
    cluster: a local Cassandra cluster that is downloaded if it is missing and stops with this process.
    config: configuration of a node: pure functions from a `NodeConfig` to cassandra.yaml, logback.xml.
    daemon: the process that owns a background cluster: starts it, writes the state file, and stops it on SIGTERM.
    data_folder: records the cluster of a data folder.
    errors: errors of local servers, in a module that all others can import.
    folders: cache and state folders, and file locks that end with their process.
    health: checks whether a node of a background cluster is healthy: it responds to a read and to a schema change.
    jars: the jars of a Cassandra version, from the cache or from a Maven repository.
    java: a Java runtime of one major version: an installed one, or that of a wheel on PyPI.
    maven_repositories: selects Maven repositories: those configured for Maven or jgo, by default Central.
    node: one Cassandra node: start, stop, kill, pause, resume.
    ports: finds free ports on several addresses.
    process: a supervised server process: start, signal, wait.
    progress: progress of downloads, shown as a progress bar on a terminal and as plain lines elsewhere.
    supervisor: supervisor process: ends a server and removes its data when the parent process is gone.
    versions: the Cassandra versions that can be started, and the Java version that each needs.
    wire: a minimal client of CQL protocol version 4, without a driver: frames, authentication, one query.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from scyllamodel.local.cluster import LocalCluster
    from scyllamodel.local.errors import LocalServerError, MissingExtra
    from scyllamodel.local.node import Node
    from scyllamodel.local.progress import Progress

__all__ = ["LocalCluster", "LocalServerError", "MissingExtra", "Node", "Progress"]

_MODULES: Final = {
    "LocalCluster": "cluster",
    "LocalServerError": "errors",
    "MissingExtra": "errors",
    "Node": "node",
    "Progress": "progress",
}
"""The modules of the public names, which are imported on first use: a shell's completion needs the errors alone."""


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    return value
