"""Trials during which the schema of a shared server must not change.

The schema version is one for the whole server, which the workers of pytest-xdist share: a test in another worker may
change it at any moment, and then a sync marker no longer counts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from scyllamodel import Repo
from scyllamodel.driver.cluster.introspection import read_schema_version
from scyllamodel.release.engine.cluster_view import ClusterView

_T = TypeVar("_T")

ATTEMPTS = 20


def while_schema_is_unchanged(repo: Repo, trial: Callable[[], _T]) -> _T:
    """Return the result of a trial during which nothing changed the schema; the trial itself must not change it."""
    coordinator = ClusterView.connect(repo).coordinator
    for _ in range(ATTEMPTS):
        before = read_schema_version(coordinator)
        result = trial()
        if read_schema_version(coordinator) == before:
            return result
    raise AssertionError(f"the schema changed during each of {ATTEMPTS} trials")
