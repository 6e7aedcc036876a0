"""Creates the keyspace of a repo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from scyllamodel.driver.cluster.ddl_executor import DdlExecutor
from scyllamodel.driver.repo import Repo
from scyllamodel.release.engine.cluster_view import ClusterView, check_is_repo, declared_keyspace
from scyllamodel.release.engine.permission_check import check_permissions, step_permissions
from scyllamodel.release.engine.results import KeyspaceResult
from scyllamodel.schema.apply import apply
from scyllamodel.schema.facts.objects import FrozenMap, Keyspace, KeyspaceFacts, SchemaFacts
from scyllamodel.schema.facts.replication import replication_map
from scyllamodel.schema.plan import make_plan


def create_keyspace(
    repo: Repo, *, replication: Mapping[str, Any] | None = None, tablets: bool | None = None
) -> KeyspaceResult:
    """Create the repo's keyspace if it does not exist; an existing keyspace is compared and never altered.

    Parameters:
        replication: such as ``{"class": "NetworkTopologyStrategy", "dc1": 3}``; None uses the setting of the repo, or
            one copy on a cluster of one node.
        tablets: ScyllaDB only; None uses the setting of the repo.

    Raises:
        KeyspaceError: it cannot be created with these settings, or its replication is not known.
        ConnectionFailed, IntrospectionError: the server cannot be read.
        PermissionDenied: the role may not create keyspaces; nothing ran.
        SchemaDisagreement, StepFailed: the statement was sent and its effect did not show.
    """
    check_is_repo(repo)
    keyspace = declared_keyspace(repo) or Keyspace(repo.keyspace)
    if replication is not None:
        keyspace = attrs.evolve(keyspace, replication=replication_map(replication))
    if tablets is not None:
        keyspace = attrs.evolve(keyspace, tablets=tablets)
    cluster = ClusterView.connect(repo)
    desired = SchemaFacts([KeyspaceFacts(repo.keyspace, keyspace)])
    live = cluster.introspect([repo.keyspace])
    missing = live[repo.keyspace].keyspace is None
    topology = cluster.topology() if missing else None
    racks = cluster.racks(live)
    plan = make_plan(desired, live, cluster.server, topology=topology, racks=racks, create_keyspace=True)
    plan.raise_refused()
    if missing:
        check_permissions(cluster.coordinator, repo, step_permissions(plan.bootstrap))
        with DdlExecutor(cluster.coordinator, cluster.server) as executor:
            apply(plan, executor)
    created = cluster.introspect_existing(repo.keyspace)[repo.keyspace].keyspace
    stored_replication = FrozenMap() if created is None or created.replication is None else created.replication
    return KeyspaceResult(repo.keyspace, missing, stored_replication, (*plan.lints, *plan.notes))
