"""The process that owns a background cluster: starts it, writes the state file, and stops it on SIGTERM.

`background` starts the process, detached from every terminal. It exits on SIGTERM, if its cluster does not start, and
when the process that it works for has exited. If it is killed, the servers exit too.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import attrs

from scyllamodel._backoff import Backoff, poll
from scyllamodel.errors import ScyllaModelError
from scyllamodel.local.cluster import LocalCluster
from scyllamodel.local.folders import PRIVATE_FILE_MODE, write_atomically
from scyllamodel.local.process import Identity
from scyllamodel.local.progress import ignore_progress

if TYPE_CHECKING:
    from types import FrameType

_BACKOFF: Final = Backoff(1.0, 1.0)
"""Seconds between two checks of the process that it works for."""


@attrs.frozen
class DaemonRequest:
    """The request to a holder, passed as JSON on its standard input.

    Attributes:
        state: the state file, written when the cluster is up and removed at the end.
        cluster: arguments of `LocalCluster`.
        owner: the process that it works for; None to run until SIGTERM.
    """

    state: str
    cluster: dict[str, Any]
    owner: Identity | None = None

    @classmethod
    def from_json(cls, text: str) -> DaemonRequest:
        """Parse a request that `to_json` returned."""
        fields = json.loads(text)
        owner = fields.pop("owner")
        return cls(**fields, owner=None if owner is None else Identity(**owner))

    @property
    def is_owner_alive(self) -> bool:
        """Whether the process that it works for is alive; True without one."""
        return self.owner is None or self.owner.is_alive

    def to_json(self) -> str:
        """Return the request as JSON."""
        return json.dumps(attrs.asdict(self))


def main() -> NoReturn:
    """Run the cluster of the request on standard input; the arguments are the entries of sys.path."""
    request = DaemonRequest.from_json(sys.stdin.read())
    signal.signal(signal.SIGTERM, _on_sigterm)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    try:
        _run_cluster(request)
    except ScyllaModelError as error:
        sys.exit(str(error))
    sys.exit(0)


def _on_sigterm(_number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second signal must not interrupt the clean-up
    sys.exit(0)


def _run_cluster(request: DaemonRequest) -> None:
    state = Path(request.state)
    with LocalCluster(**request.cluster, on_progress=ignore_progress) as cluster:
        write_atomically(state, json.dumps(_state(cluster, request), indent=1).encode(), mode=PRIVATE_FILE_MODE)
        try:
            poll(
                lambda: request.is_owner_alive, until=lambda is_alive: not is_alive, timeout=math.inf, backoff=_BACKOFF
            )
        finally:
            state.unlink(missing_ok=True)
    if request.owner is not None:
        _remove_files(state)


def _remove_files(state: Path) -> None:
    """Remove the files beside the state file, since the process that started this one has exited."""
    for file in (state.with_suffix(".lock"), state.with_suffix(".log")):
        file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # the folder is not empty
        state.parent.rmdir()


def _state(cluster: LocalCluster, request: DaemonRequest) -> dict[str, Any]:
    owner = attrs.asdict(Identity.from_pid(os.getpid()))
    nodes = [
        {"contact_point": node.contact_point, "pid": node.pid, "console": str(node.config.console)}
        for node in cluster.nodes
    ]
    description = {"version": cluster.version, "login": cluster.login, "nodes": nodes}
    return {"holder": owner, **description, "since": time.time(), "cluster": request.cluster}
