"""The keyspace of a repo, made on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from scyllamodel.driver.executor import DdlExecutor
from scyllamodel.driver.repo import Repo
from scyllamodel.release.look import Look, check_is_repo, described
from scyllamodel.release.results import KeyspaceResult
from scyllamodel.release.rights import check_rights, needs_of
from scyllamodel.schema.apply import apply
from scyllamodel.schema.facts import FrozenMap, Keyspace, KeyspaceFacts, SchemaFacts
from scyllamodel.schema.plan import make_plan
from scyllamodel.schema.replication import replication_map


def create_keyspace(
    repo: Repo, *, replication: Mapping[str, Any] | None = None, tablets: bool | None = None
) -> KeyspaceResult:
    """Make the repo's keyspace if it does not exist; an existing one is compared, never altered.

    Parameters:
        replication: such as ``{"class": "NetworkTopologyStrategy", "dc1": 3}``; None means what the repo says, and on a
            cluster of one node one copy.
        tablets: ScyllaDB only; None means what the repo says.

    Raises:
        KeyspaceError: it cannot be made so, or nobody said how it is replicated.
        ConnectionFailed, IntrospectionError: the server cannot be read.
        PermissionDenied: the role may not create keyspaces; nothing ran.
        SchemaDisagreement, StepFailed: the statement was sent and its effect not seen.
    """
    check_is_repo(repo)
    about = described(repo) or Keyspace(repo.keyspace)
    if replication is not None:
        about = attrs.evolve(about, replication=replication_map(replication))
    if tablets is not None:
        about = attrs.evolve(about, tablets=tablets)
    look = Look.at(repo)
    wanted = SchemaFacts([KeyspaceFacts(repo.keyspace, about)])
    found = look.found([repo.keyspace])
    missing = found[repo.keyspace].keyspace is None
    topology = look.topology() if missing else None
    racks = look.racks(found)
    plan = make_plan(wanted, found, look.server, topology=topology, racks=racks, create_keyspace=True)
    plan.raise_refused()
    if missing:
        check_rights(look.coordinator, repo, needs_of(plan.bootstrap))
        with DdlExecutor(look.coordinator, look.server) as executor:
            apply(plan, executor)
    made = look.existing(repo.keyspace)[repo.keyspace].keyspace
    stored = FrozenMap() if made is None or made.replication is None else made.replication
    return KeyspaceResult(repo.keyspace, missing, stored, (*plan.lints, *plan.notes))
