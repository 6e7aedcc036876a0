"""A cluster that outlives the command that started it; implements ``scyllamodel local``.

A holder process owns the cluster, and a state file records both. The state file of a dead holder is ignored.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

import attrs

from scyllamodel.errors import ConfigurationError
from scyllamodel.local import versions, wire
from scyllamodel.local.cluster import LocalCluster, prepare
from scyllamodel.local.errors import LocalServerError
from scyllamodel.local.folders import cache_folder, locked, open_private
from scyllamodel.local.health import problem_of
from scyllamodel.local.holder import Job
from scyllamodel.local.process import Identity
from scyllamodel.local.progress import OnProgress

_RUN_HOLDER = "import sys; sys.path[:] = sys.argv[1:]; from scyllamodel.local.holder import main; main()"
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
class Status:
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
        holder: the process that owns the servers.
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
    holder: Identity | None = attrs.field(default=None, repr=False)

    @property
    def is_well(self) -> bool:
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
            "healthy": self.is_well if self.is_running else None,
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
    until: int | None = None,
    heap_mb: int | None = None,
    on_progress: OnProgress | None = None,
    **options: Any,
) -> Status:
    """Start a cluster that runs until `stop`, or return the one that is already running.

    Parameters:
        version: as in `LocalCluster`.
        nodes: 1 or 3.
        state: path of another state file, for a second cluster.
        until: id of a process; the cluster stops when that process exits.
        on_progress: receives the progress of downloads; by default it is shown on stderr.
        heap_mb: size of each node's Java heap in megabytes; None means 1024 for one node, and 400 for each of three.
        **options: ``keep``, ``settings``, ``benchmark``, ``durable`` and ``startup_timeout`` of the cluster.

    Raises:
        ConfigurationError: as in `LocalCluster`, or a cluster with another version, number of nodes or heap is
            already running.
        LocalServerError: a download failed, or the cluster did not start.
    """
    file = state or default_state()
    wanted = _arguments(version, nodes, {**options, "heap_mb": heap_mb or DEFAULT_HEAP_MB.get(nodes, 400)})
    with locked(file.with_suffix(".lock")):
        found = status(state=file)
        if found.is_running:
            return _same(found, wanted, heap_mb)
        prepare(wanted["version"], on_progress)
        _launch(Job(str(file), wanted, None if until is None else Identity.of(until)))
        return attrs.evolve(status(state=file), started_now=True)


def status(*, state: Path | None = None, check_health: bool = False) -> Status:
    """Return the status of the background cluster, with a connection test of each node; a paused one takes 2 seconds.

    Parameters:
        check_health: whether to send a read and a schema change without effect to each node; a node that hangs takes
            15 seconds.
    """
    found = _written(state or default_state())
    return _with_health(found) if check_health else found


def _with_health(found: Status) -> Status:
    def checked(node: NodeStatus) -> NodeStatus:
        problem = problem_of(node.contact_point, node.pid, Path(node.console), found.login)
        return attrs.evolve(node, problem=problem)

    with ThreadPoolExecutor(max(1, len(found.nodes))) as pool:
        return attrs.evolve(found, nodes=tuple(pool.map(checked, found.nodes)))


def _written(file: Path) -> Status:
    """Read the status of a cluster from its state file."""
    try:
        written: dict[str, Any] = json.loads(file.read_text())
    except FileNotFoundError:
        return Status(is_running=False)
    holder = Identity(**written["holder"])
    if not holder.is_alive:
        return Status(is_running=False)
    return Status(
        is_running=True,
        version=written["version"],
        nodes=tuple(NodeStatus(**node, is_up=_is_up(node["contact_point"])) for node in written["nodes"]),
        since=datetime.fromtimestamp(written["since"], timezone.utc),
        login=None if written["login"] is None else tuple(written["login"]),
        keep=written["cluster"]["keep"],
        log=str(_log(file)),
        heap_mb=written["cluster"].get("heap_mb"),
        holder=holder,
    )


def stop(*, state: Path | None = None) -> Status:
    """Stop the background cluster, wait until it has exited, and return its status before the stop."""
    file = state or default_state()
    with locked(file.with_suffix(".lock")):
        found = status(state=file)
        if found.holder is not None:
            _end(found.holder)
        file.unlink(missing_ok=True)
    return found


def _arguments(version: str, nodes: int, options: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of the holder's cluster, validated here so that the caller receives the error."""
    LocalCluster(nodes, version, **options)
    keep = options.get("keep")
    absolute = None if keep is None else str(Path(keep).expanduser().absolute())
    return {**options, "version": versions.exact(version), "nodes": nodes, "keep": absolute}


def _same(found: Status, wanted: dict[str, Any], heap_mb: int | None) -> Status:
    if heap_mb is not None and found.heap_mb not in {None, heap_mb}:
        message = f"Cassandra {found.version} is already running with a heap of {found.heap_mb} MB, not {heap_mb}.\n"
        raise ConfigurationError(message + "Stop it first:  scyllamodel local stop")
    if (found.version, len(found.nodes)) == (wanted["version"], wanted["nodes"]):
        return found
    message = (
        f"{len(found.nodes)} node(s) of Cassandra {found.version} already run at {', '.join(found.contact_points)}.\n"
        "Stop them first:  scyllamodel local stop"
    )
    raise ConfigurationError(message)


def _launch(job: Job) -> None:
    """Start a holder and wait until its cluster is up; Ctrl-C stops it."""
    file = Path(job.state)
    file.unlink(missing_ok=True)
    path = [*(entry or str(Path.cwd()) for entry in sys.path), str(Path(__file__).parents[2])]
    with open_private(_log(file)) as log, tempfile.TemporaryFile() as told:
        told.write(job.to_json().encode())  # not as an argument, since every user of the machine can read those
        told.seek(0)
        holder = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", _RUN_HOLDER, *path],
            stdin=told,
            stdout=log,
            stderr=log,
            cwd="/",  # the current folder may be removed or unmounted later
            start_new_session=True,
        )
    try:
        while not file.exists() and holder.poll() is None:
            time.sleep(0.1)
    except BaseException:
        holder.terminate()
        holder.wait()
        raise
    if holder.poll() is not None:
        raise LocalServerError(_tail(_log(file)))
    holder.returncode = 0  # intentionally left running; avoids a ResourceWarning


def _end(holder: Identity) -> None:
    """Stop a holder with SIGTERM, so that kept data is flushed, then with SIGKILL."""
    for number, patience in ((signal.SIGTERM, _STOP_TIMEOUT), (signal.SIGKILL, 10.0)):
        if holder.is_alive:
            os.kill(holder.pid, number)
        deadline = time.monotonic() + patience
        while holder.is_alive and time.monotonic() < deadline:
            time.sleep(0.05)


def _is_up(contact_point: str) -> bool:
    address, _, port = contact_point.rpartition(":")
    try:
        with wire.connected(address, int(port), timeout=2.0):
            return True
    except wire.RefusedLogin:
        return True
    except (OSError, LocalServerError):
        return False


def _log(state: Path) -> Path:
    return state.with_suffix(".log")


def _tail(log: Path) -> str:
    with log.open(encoding="utf-8", errors="replace") as file:
        return "".join(deque(file, maxlen=80)).rstrip() or "The holder process of the cluster exited."
