"""The process that owns a background cluster: starts it, writes the state file, and stops it on SIGTERM.

`background` starts the process, detached from every terminal. It exits on SIGTERM, if its cluster does not start, and
when the process that it works for has exited. If it is killed, the servers exit too.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import attrs

from scyllamodel.errors import ScyllaModelError
from scyllamodel.local.cluster import LocalCluster
from scyllamodel.local.folders import PRIVATE, write_whole
from scyllamodel.local.process import Identity
from scyllamodel.local.progress import silent

if TYPE_CHECKING:
    from types import FrameType

_LOOK = 1.0
"""Seconds between two checks of the process that it works for."""


@attrs.frozen
class Job:
    """The request to a holder, passed as JSON on its standard input.

    Attributes:
        state: the state file, written when the cluster is up and removed at the end.
        cluster: arguments of `LocalCluster`.
        until: the process that it works for; None to run until SIGTERM.
    """

    state: str
    cluster: dict[str, Any]
    until: Identity | None = None

    @classmethod
    def from_json(cls, text: str) -> Job:
        """Parse a request that `to_json` returned."""
        fields = json.loads(text)
        until = fields.pop("until")
        return cls(**fields, until=None if until is None else Identity(**until))

    @property
    def is_wanted(self) -> bool:
        """Whether the process that it works for is alive; True without one."""
        return self.until is None or self.until.is_alive

    def to_json(self) -> str:
        """Return the request as JSON."""
        return json.dumps(attrs.asdict(self))


def main() -> NoReturn:
    """Run the cluster of the request on standard input; the arguments are the entries of sys.path."""
    job = Job.from_json(sys.stdin.read())
    signal.signal(signal.SIGTERM, _end)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    try:
        _hold(job)
    except ScyllaModelError as error:
        sys.exit(str(error))
    sys.exit(0)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second signal must not interrupt the clean-up
    sys.exit(0)


def _hold(job: Job) -> None:
    state = Path(job.state)
    with LocalCluster(**job.cluster, on_progress=silent) as cluster:
        write_whole(state, json.dumps(_state(cluster, job), indent=1).encode(), mode=PRIVATE)
        try:
            while job.is_wanted:
                time.sleep(_LOOK)
        finally:
            state.unlink(missing_ok=True)
    if job.until is not None:
        _tidy(state)


def _tidy(state: Path) -> None:
    """Remove the files beside the state file, since the process that started this one has exited."""
    for file in (state.with_suffix(".lock"), state.with_suffix(".log")):
        file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # the folder is not empty
        state.parent.rmdir()


def _state(cluster: LocalCluster, job: Job) -> dict[str, Any]:
    holder = attrs.asdict(Identity.of(os.getpid()))
    nodes = [
        {"contact_point": node.contact_point, "pid": node.pid, "console": str(node.config.console)}
        for node in cluster.nodes
    ]
    found = {"version": cluster.version, "login": cluster.login, "nodes": nodes}
    return {"holder": holder, **found, "since": time.time(), "cluster": job.cluster}
