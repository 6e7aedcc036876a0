"""A process that holds a cluster for others: it starts one, writes down where it is, and ends it when told to.

`background` starts it, detached from every terminal. It ends at SIGTERM, when its cluster does not come up, and, where
it was given the process it works for, as soon as that one is gone. Killed, it takes the servers along like every owner
of a cluster.
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
"""Seconds between two looks at the process we work for."""


@attrs.frozen
class Job:
    """What a holder is asked for, passed to it as JSON on its standard input.

    Attributes:
        state: the file that it writes once the cluster is up, and removes at the end.
        cluster: arguments of `LocalCluster`.
        until: the process it works for, or None to run until it is told to end.
    """

    state: str
    cluster: dict[str, Any]
    until: Identity | None = None

    @classmethod
    def from_json(cls, text: str) -> Job:
        """The job that `to_json` made this text of."""
        fields = json.loads(text)
        until = fields.pop("until")
        return cls(**fields, until=None if until is None else Identity(**until))

    @property
    def is_wanted(self) -> bool:
        """Whether the process it works for is there still."""
        return self.until is None or self.until.is_alive

    def to_json(self) -> str:
        """The job as a holder reads it."""
        return json.dumps(attrs.asdict(self))


def main() -> NoReturn:
    """Hold the cluster of the job on standard input; sys.path comes as the arguments."""
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
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not cut the clean-up short
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
    """Remove what was left beside the state file: whoever we worked for cannot."""
    for file in (state.with_suffix(".lock"), state.with_suffix(".log")):
        file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # it holds something else too
        state.parent.rmdir()


def _state(cluster: LocalCluster, job: Job) -> dict[str, Any]:
    holder = attrs.asdict(Identity.of(os.getpid()))
    nodes = [
        {"contact_point": node.contact_point, "pid": node.pid, "console": str(node.config.console)}
        for node in cluster.nodes
    ]
    found = {"version": cluster.version, "login": cluster.login, "nodes": nodes}
    return {"holder": holder, **found, "since": time.time(), "cluster": job.cluster}
