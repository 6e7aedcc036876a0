"""A run to be killed: ``python -m benchmarks.holder NODE KEYSPACE TABLES LEASE`` migrates, and prints its progress."""

from __future__ import annotations

import functools
import sys

from benchmarks.server import models
from scyllamodel import Event, Repo, migrate
from scyllamodel.release.engine import locked_run
from scyllamodel.release.lock import LockRequest


def main(node: str, keyspace: str, tables: str, lease: str) -> None:
    """Migrate models of so many tables."""
    setattr(locked_run, "LockRequest", functools.partial(LockRequest, lease_seconds=float(lease)))  # noqa: B010 - no option of a migration
    model_classes = models(keyspace, int(tables))
    with Repo(keyspace, nodes=[node], keyspace=keyspace) as repo:
        migrate(repo, create_keyspace=True, on_event=_report_event)
    assert model_classes  # a model is collected unless it is referenced


def _report_event(event: Event) -> None:
    if event.kind == "step_done" and event.step is not None and event.step.seq > 0:
        print(event.kind, event.step.seq, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
