"""A cluster that outlives the command that started it; implements ``scyllamodel local``.

A holder process owns the cluster, and a state file records both. The state file of a dead holder is ignored.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

import attrs

from scyllamodel._backoff import Backoff, poll
from scyllamodel._text import counted
from scyllamodel.errors import ConfigurationError
from scyllamodel.local import versions, wire
from scyllamodel.local.cluster import LocalCluster, prepare
from scyllamodel.local.daemon import DaemonRequest
from scyllamodel.local.errors import LocalServerError
from scyllamodel.local.folders import cache_folder, file_lock, open_private
from scyllamodel.local.health import find_problem
from scyllamodel.local.process import Identity
from scyllamodel.local.progress import OnProgress

_DAEMON_CODE = "import sys; sys.path[:] = sys.argv[1:]; from scyllamodel.local.daemon import main; main()"
DEFAULT_HEAP_MB: Final = {1: 1024, 3: 400}
"""Number of nodes to the Java heap of each node in megabytes, so that all nodes fit on a small development machine."""
_STOP_TIMEOUT = 90.0
"""Seconds that a holder may take to stop its nodes cleanly; after that it is killed, and the nodes with it."""


@attrs.frozen
class NodeStatus:
    """One node of a background cluster.

    Attributes:
        contact_point: ``ip:port``.
        pid: process id of its Java process.
        is_up: whether it responded.
        problem: what is wrong with it; empty if it is healthy or was not checked.
        console: the file with the output of Java.
    """

    contact_point: str
    pid: int
    is_up: bool
    problem: str = ""
    console: str = ""


@attrs.frozen
class ClusterStatus:
    """The status of a background cluster.

    Attributes:
        is_running: whether its holder is alive.
        version: exact version; empty if no cluster is running.
        nodes: its nodes, the seed first.
        since: time of its start, in UTC.
        started_now: True if this `start` started it, False if it was already running.
        login: user name and password, if its nodes require them.
        keep: the folder of its data; None if the data is temporary.
        log: the log of the holder.
        heap_mb: size of each node's Java heap in megabytes.
        daemon: the process that owns the servers.
    """

    is_running: bool
    version: str = ""
    nodes: tuple[NodeStatus, ...] = ()
    since: datetime | None = None
    started_now: bool = False
    login: tuple[str, str] | None = attrs.field(default=None, repr=False)
    keep: str | None = None
    log: str = ""
    heap_mb: int | None = None
    daemon: Identity | None = attrs.field(default=None, repr=False)

    @property
    def is_healthy(self) -> bool:
        """Whether no node has a known problem; True if no cluster is running."""
        return all(node.is_up and not node.problem for node in self.nodes)

    @property
    def contact_points(self) -> list[str]:
        """CQL addresses of the nodes, as ``ip:port``."""
        return [node.contact_point for node in self.nodes]

    def to_dict(self) -> dict[str, Any]:
        """Return the status as plain JSON values."""
        return {
            "running": self.is_running,
            "version": self.version,
            "healthy": self.is_healthy if self.is_running else None,
            "nodes": [attrs.asdict(node) for node in self.nodes],
            "since": self.since.isoformat() if self.since else None,
            "started_now": self.started_now,
            "keep": self.keep,
            "log": self.log,
            "heap_mb": self.heap_mb,
        }


def default_state() -> Path:
    """Return the state file of ``scyllamodel local``; each cache folder has one background cluster."""
    return cache_folder() / "background" / "cluster.json"


def start(
    version: str = versions.DEFAULT,
    nodes: int = 1,
    *,
    state: Path | None = None,
    owner_pid: int | None = None,
    heap_mb: int | None = None,
    on_progress: OnProgress | None = None,
    **options: Any,
) -> ClusterStatus:
    """Start a cluster that runs until `stop`, or return the one that is already running.

    Parameters:
        version: as in `LocalCluster`.
        nodes: 1 or 3.
        state: path of another state file, for a second cluster.
        owner_pid: id of a process; the cluster stops when that process exits.
        on_progress: receives the progress of downloads; by default it is shown on stderr.
        heap_mb: size of each node's Java heap in megabytes; None means 1024 for one node, and 400 for each of three.
        **options: ``keep``, ``settings``, ``benchmark``, ``durable`` and ``startup_timeout`` of the cluster.

    Raises:
        ConfigurationError: as in `LocalCluster`, or a cluster with another version, number of nodes or heap is
            already running.
        LocalServerError: a download failed, or the cluster did not start.
    """
    file = state or default_state()
    requested = _cluster_arguments(version, nodes, {**options, "heap_mb": heap_mb or DEFAULT_HEAP_MB.get(nodes, 400)})
    with file_lock(file.with_suffix(".lock")):
        current = status(state=file)
        if current.is_running:
            return _check_same_cluster(current, requested, heap_mb)
        prepare(requested["version"], on_progress)
        _start_daemon(DaemonRequest(str(file), requested, None if owner_pid is None else Identity.from_pid(owner_pid)))
        return attrs.evolve(status(state=file), started_now=True)


def status(*, state: Path | None = None, check_health: bool = False) -> ClusterStatus:
    """Return the status of the background cluster, with a connection test of each node; a paused one takes 2 seconds.

    Parameters:
        check_health: whether to send a read and a schema change without effect to each node; a node that hangs takes
            15 seconds.
    """
    current = _read_state(state or default_state())
    return _with_health(current) if check_health else current


def _with_health(current: ClusterStatus) -> ClusterStatus:
    def with_problem(node: NodeStatus) -> NodeStatus:
        problem = find_problem(node.contact_point, node.pid, Path(node.console), current.login)
        return attrs.evolve(node, problem=problem)

    with ThreadPoolExecutor(max(1, len(current.nodes))) as pool:
        return attrs.evolve(current, nodes=tuple(pool.map(with_problem, current.nodes)))


def _read_state(file: Path) -> ClusterStatus:
    """Read the status of a cluster from its state file."""
    try:
        state: dict[str, Any] = json.loads(file.read_text())
    except FileNotFoundError:
        return ClusterStatus(is_running=False)
    holder = Identity(**state["holder"])
    if not holder.is_alive:
        return ClusterStatus(is_running=False)
    return ClusterStatus(
        is_running=True,
        version=state["version"],
        nodes=tuple(NodeStatus(**node, is_up=_is_up(node["contact_point"])) for node in state["nodes"]),
        since=datetime.fromtimestamp(state["since"], timezone.utc),
        login=None if state["login"] is None else tuple(state["login"]),
        keep=state["cluster"]["keep"],
        log=str(_log_file(file)),
        heap_mb=state["cluster"].get("heap_mb"),
        daemon=holder,
    )


def stop(*, state: Path | None = None) -> ClusterStatus:
    """Stop the background cluster, wait until it has exited, and return its status before the stop."""
    file = state or default_state()
    with file_lock(file.with_suffix(".lock")):
        stopped = status(state=file)
        if stopped.daemon is not None:
            _end_daemon(stopped.daemon)
        file.unlink(missing_ok=True)
    return stopped


def _cluster_arguments(version: str, nodes: int, options: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of the holder's cluster, validated here so that the caller receives the error."""
    LocalCluster(nodes, version, **options)
    keep_folder = options.get("keep")
    absolute_folder = None if keep_folder is None else str(Path(keep_folder).expanduser().absolute())
    return {**options, "version": versions.exact_version(version), "nodes": nodes, "keep": absolute_folder}


def _check_same_cluster(current: ClusterStatus, requested: dict[str, Any], heap_mb: int | None) -> ClusterStatus:
    if heap_mb is not None and current.heap_mb not in {None, heap_mb}:
        message = (
            f"Cassandra {current.version} is already running with a heap of {current.heap_mb} MB, not {heap_mb}.\n"
        )
        raise ConfigurationError(message + "Stop it first:  scyllamodel local stop")
    if (current.version, len(current.nodes)) == (requested["version"], requested["nodes"]):
        return current
    message = (
        f"A cluster of {counted(len(current.nodes), 'node')} of Cassandra {current.version} already runs at "
        f"{', '.join(current.contact_points)}.\n"
        "Stop it first:  scyllamodel local stop"
    )
    raise ConfigurationError(message)


def _start_daemon(request: DaemonRequest) -> None:
    """Start a holder and wait until its cluster is up; Ctrl-C stops it."""
    file = Path(request.state)
    file.unlink(missing_ok=True)
    import_path = [*(entry or str(Path.cwd()) for entry in sys.path), str(Path(__file__).parents[2])]
    with open_private(_log_file(file)) as log, tempfile.TemporaryFile() as request_file:
        request_file.write(
            request.to_json().encode()
        )  # not as an argument, since every user of the machine can read those
        request_file.seek(0)
        daemon = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", _DAEMON_CODE, *import_path],
            stdin=request_file,
            stdout=log,
            stderr=log,
            cwd="/",  # the current folder may be removed or unmounted later
            start_new_session=True,
        )
    try:
        poll(
            lambda: file.exists() or daemon.poll() is not None,
            until=bool,
            timeout=math.inf,
            backoff=Backoff(0.1, 0.1),
        )
    except BaseException:
        daemon.terminate()
        daemon.wait()
        raise
    if daemon.poll() is not None:
        raise LocalServerError(_log_tail(_log_file(file)))
    daemon.returncode = 0  # intentionally left running; avoids a ResourceWarning


def _end_daemon(daemon: Identity) -> None:
    """Stop a holder with SIGTERM, so that kept data is flushed, then with SIGKILL."""
    for number, timeout in ((signal.SIGTERM, _STOP_TIMEOUT), (signal.SIGKILL, 10.0)):
        if daemon.is_alive:
            os.kill(daemon.pid, number)
        poll(lambda: daemon.is_alive, until=lambda is_alive: not is_alive, timeout=timeout, backoff=Backoff(0.05, 0.05))


def _is_up(contact_point: str) -> bool:
    address, _, port = contact_point.rpartition(":")
    try:
        with wire.connect(address, int(port), timeout=2.0):
            return True
    except wire.LoginRefused:
        return True
    except (OSError, LocalServerError):
        return False


def _log_file(state: Path) -> Path:
    return state.with_suffix(".log")


def _log_tail(log: Path) -> str:
    with log.open(encoding="utf-8", errors="replace") as file:
        return "".join(deque(file, maxlen=80)).rstrip() or "The holder process of the cluster exited."
