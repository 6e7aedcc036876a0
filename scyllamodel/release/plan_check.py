"""Read-only verbs: what would be done (`plan`), whether anything would be (`check`), what exists (`inspect`).

*In*: a repo. *Out*: values. Nothing is written, not even a sync marker.
"""

from __future__ import annotations

from collections.abc import Collection

import attrs

from scyllamodel.driver.repo import Repo
from scyllamodel.release.engine.cluster_view import ClusterView
from scyllamodel.release.engine.ledger_access import open_ledger
from scyllamodel.release.engine.object_owners import Owners, other_owners
from scyllamodel.release.engine.planning import MigrationRequest, PlannedMigration, Resources
from scyllamodel.release.engine.results import CheckResult
from scyllamodel.release.ledger.superseded import superseded_note
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts.objects import SchemaFacts
from scyllamodel.schema.plan import Plan


def plan(
    repo: Repo, *, resources: Resources = None, create_keyspace: bool | None = None, allow: str | Collection[str] = ()
) -> Plan:
    """Return what `migrate` would do now; nothing is written.

    Parameters:
        resources: classes or names to limit the plan to, with the types, views and indexes that they need.
        create_keyspace: whether the plan creates a missing keyspace; None uses the setting of the repo.
        allow: codes, or ``code:object``, of changes that are refused by default.

    Raises:
        DiscoveryError, ConnectionFailed, IntrospectionError: models or server cannot be read.
    """
    return PlannedMigration.from_request(
        MigrationRequest.from_arguments(repo, resources, create_keyspace=create_keyspace, allow=allow)
    ).plan


def check(repo: Repo, *, resources: Resources = None, strict: bool = False) -> CheckResult:
    """Compare models and server; nothing is written.

    Parameters:
        resources: as in `plan`.
        strict: whether live objects that no model declares count as a difference.

    Raises:
        DiscoveryError, ConnectionFailed, IntrospectionError, LedgerError: models or server cannot be read.
    """
    planned = PlannedMigration.from_request(MigrationRequest.from_arguments(repo, resources, create_keyspace=False))
    checked_plan = _with_owners(planned) if strict else planned.plan
    has_extra = strict and any(note.code == "BC103" for note in checked_plan.notes)
    if not checked_plan.is_empty:
        checked_plan = _with_superseded(checked_plan, planned)
    return CheckResult(checked_plan.is_empty and not has_extra, checked_plan)


def _with_owners(planned: PlannedMigration) -> Plan:
    """Name the other repo in each note on a live object that belongs to it; reads the ledger only for such notes."""
    request, cluster = planned.request, planned.cluster
    if all(note.code != "BC103" for note in planned.plan.notes):
        return planned.plan
    ledger = open_ledger(request.repo, cluster.coordinator, planned.internal_facts, cluster.server)
    owners = other_owners(ledger, request.repo)
    return attrs.evolve(planned.plan, notes=tuple(_with_owner(note, owners) for note in planned.plan.notes))


def _with_owner(note: Diagnostic, owners: Owners) -> Diagnostic:
    owner = owners.get(note.object.partition(".")[2])
    if note.code != "BC103" or owner is None:
        return note
    return Diagnostic("BC105", "note", note.object, f"it belongs to {owner}; left as it is")


def _with_superseded(plan: Plan, planned: PlannedMigration) -> Plan:
    """Add a note if a later version or a rollback superseded these models."""
    request, cluster = planned.request, planned.cluster
    ledger = open_ledger(request.repo, cluster.coordinator, planned.internal_facts, cluster.server)
    note = superseded_note(ledger.versions(), request.models_fp)
    return plan if note is None else attrs.evolve(plan, notes=(*plan.notes, note))


def inspect(repo: Repo) -> SchemaFacts:
    """Return the facts of the repo's keyspace.

    Raises:
        ConnectionFailed, IntrospectionError: the server cannot be read.
        KeyspaceError: the keyspace does not exist.
    """
    return ClusterView.connect(repo).introspect_existing(repo.keyspace)
