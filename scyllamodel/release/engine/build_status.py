"""Waits until existing indexes and views are built.

*In*: a `ClusterView` and the desired schema. *Out*: nothing, once all are built. The lock is released by then: building
takes the servers as long as there are rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from scyllamodel._backoff import Backoff, poll
from scyllamodel.driver.cluster.build_status import read_unbuilt
from scyllamodel.errors import BuildTimeout, PermissionDenied
from scyllamodel.release.engine.cluster_view import ClusterView
from scyllamodel.release.engine.permission_check import RequiredPermission, grant_clause
from scyllamodel.schema.apply import Event, OnEvent, notify
from scyllamodel.schema.facts.objects import KeyspaceFacts, SchemaFacts
from scyllamodel.schema.server.detection import BUILD_TABLES

_BACKOFF: Final = Backoff(0.05, 2.0)


def build_permissions(desired: Iterable[KeyspaceFacts]) -> Iterator[RequiredPermission]:
    """Yield the permissions that waiting for builds needs; none where nothing is built."""
    if any(part.views or any(table.indexes for table in part.tables) for part in desired):
        yield from (("SELECT", "system", table) for table in BUILD_TABLES)


def await_built(cluster: ClusterView, desired: SchemaFacts, timeout: float, on_event: OnEvent | None = None) -> None:
    """Wait until all declared indexes and views hold all rows, as seen by the coordinator.

    Parameters:
        timeout: seconds without any progress.

    Raises:
        BuildTimeout: no progress for that long; ``unbuilt`` names the remaining ones. Building continues.
        PermissionDenied: the role may not read which ones are built.
        IntrospectionError: the coordinator did not respond.
    """
    tracked = [_tracked_objects(live, desired[live.name]) for live in cluster.introspect(part.name for part in desired)]
    total = sum(len(part.views) + sum(len(table.indexes) for table in part.tables) for part in tracked)

    def remaining() -> tuple[str, ...]:
        unbuilt = _unbuilt_objects(cluster, tracked)
        if unbuilt:
            notify(on_event, Event("build_progress", result={"unbuilt": unbuilt, "total": total}))
        return unbuilt

    unbuilt = poll(remaining, until=lambda names: not names, timeout=timeout, backoff=_BACKOFF, progress=len)
    if unbuilt:
        raise BuildTimeout(
            f"No progress for {timeout:g} s; not built yet: {', '.join(unbuilt)}. The server continues to build "
            "them; wait with: scyllamodel wait --for built",
            unbuilt=unbuilt,
        )


def _tracked_objects(live: KeyspaceFacts, desired: KeyspaceFacts) -> KeyspaceFacts:
    """Return the live tables and views that models declare; index names may differ from the declared ones."""
    tables = [table for table in live.tables if desired.table(table.name) is not None]
    views = [view for view in live.views if desired.view(view.name) is not None]
    return attrs.evolve(live, tables=tables, views=views)


def _unbuilt_objects(cluster: ClusterView, tracked: Iterable[KeyspaceFacts]) -> tuple[str, ...]:
    return tuple(f"{part.name}.{name}" for part in tracked for name in _unbuilt_names(cluster, part))


def _unbuilt_names(cluster: ClusterView, part: KeyspaceFacts) -> tuple[str, ...]:
    names = read_unbuilt(cluster.coordinator, part)
    if names is None:
        clauses = "\n".join(f"  GRANT {grant_clause(*needed)} TO <role>;" for needed in build_permissions([part]))
        raise PermissionDenied(
            f"The role lacks permission to read whether the indexes and views of {part.name} are built. The schema is "
            f"in sync; an administrator can grant it:\n{clauses}",
            may_be_applied=False,
        )
    return names
