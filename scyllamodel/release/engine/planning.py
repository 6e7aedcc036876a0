"""Plans a migration, and keeps the inputs so that it can be planned again under the lock and after the last statement.

*In*: a repo and the options of the caller. *Out*: a `PlannedMigration`. Reads the server, writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeAlias
from uuid import UUID

import attrs

from scyllamodel.driver.cluster.permissions import read_permissions
from scyllamodel.driver.repo import Repo
from scyllamodel.model.desired_schema import check_bound, desired_facts, select_models
from scyllamodel.model.fingerprint import models_fingerprint
from scyllamodel.release.engine.application_role import (
    application_permissions,
    application_role,
    grant_steps,
    role_diagnostics,
)
from scyllamodel.release.engine.cluster_view import ClusterView, check_is_repo, declared_keyspace
from scyllamodel.release.engine.companion_keyspace import internal_keyspace_settings, with_internal_keyspace
from scyllamodel.release.engine.ledger_access import internal_keyspace, open_ledger
from scyllamodel.release.engine.models import find_resources, find_types
from scyllamodel.release.engine.object_owners import other_owners
from scyllamodel.release.engine.raw_steps import (
    RawStep,
    recorded_step,
    role_notes,
    statement_checker,
    uncertain_step_refusals,
    with_raw_steps,
)
from scyllamodel.release.engine.renamed_keys import with_renames
from scyllamodel.release.ledger.records import LedgerStep, Migration
from scyllamodel.release.ledger.tables import missing_tables
from scyllamodel.release.ledger.undo_progress import executed_raw_steps
from scyllamodel.schema.apply import StatementFailure
from scyllamodel.schema.facts.objects import KeyspaceFacts, SchemaFacts
from scyllamodel.schema.plan import Plan, Step, contract_plan, make_plan
from scyllamodel.schema.rules.allow import checked_values, unused_notes

Resources: TypeAlias = Iterable[type[Any] | str] | None


@attrs.frozen
class MigrationRequest:
    """Options of a caller, before the server is read.

    Attributes:
        models: the selected classes.
        types: user types that are declared without a column that uses them.
        create_keyspace: whether a missing keyspace is created.
        allow: codes, or ``code:object``, of changes that are refused by default.
        raw_steps: hand-written statements.
        is_contract: whether to remove what no model declares, instead of adding what is missing.
    """

    repo: Repo
    models: tuple[type[Any], ...]
    create_keyspace: bool = False
    allow: tuple[str, ...] = ()
    raw_steps: tuple[RawStep, ...] = ()
    types: tuple[type[Any], ...] = ()
    is_contract: bool = False

    @classmethod
    def from_arguments(
        cls,
        repo: Repo,
        resources: Resources,
        *,
        create_keyspace: bool | None,
        allow: str | Collection[str] = (),
        steps: Iterable[RawStep] = (),
    ) -> MigrationRequest:
        """Find and select the models.

        Raises:
            DiscoveryError, NoModelsFound, DuplicateTable, ConfigurationError: they cannot be found, or the options
                contradict one another.
        """
        check_is_repo(repo)
        check_bound(resources, repo.name)
        models = tuple(select_models(find_resources(repo), resources))
        create = repo.settings.create_keyspace if create_keyspace is None else create_keyspace
        types = find_types(repo) if resources is None else ()
        return cls(repo, models, create, checked_values(allow), tuple(steps), tuple(types))

    @property
    def models_fp(self) -> str:
        """Fingerprint of the models."""
        return models_fingerprint((*self.models, *self.types), self.repo.keyspace)

    def desired_schema(self) -> SchemaFacts:
        """Return the schema that the models declare."""
        return desired_facts(self.models, self.repo.keyspace, declared_keyspace(self.repo), self.types)


@attrs.frozen
class PlannedMigration:
    """A plan and what it was computed from.

    Attributes:
        internal_facts: the keyspace of the ledger, with the internal tables.
        schema_version: of the cluster, if it did not change during the read; else None.
    """

    request: MigrationRequest
    cluster: ClusterView
    desired: SchemaFacts
    internal_facts: KeyspaceFacts
    schema_version: UUID | None
    plan: Plan

    @classmethod
    def from_request(
        cls, request: MigrationRequest, cluster: ClusterView | None = None, desired: SchemaFacts | None = None
    ) -> PlannedMigration:
        """Read the server and compute the plan.

        Raises:
            ConnectionFailed, IntrospectionError, LedgerError: the server cannot be read.
        """
        cluster = cluster or ClusterView.connect(request.repo)
        desired = desired or request.desired_schema()
        ledger_keyspace = internal_keyspace(request.repo, cluster.coordinator, cluster.server)
        live, schema_version = cluster.introspect_with_version(
            [*(part.name for part in desired), ledger_keyspace], internal_keyspace=ledger_keyspace
        )
        is_configured = ledger_keyspace == request.repo.settings.ledger_keyspace and ledger_keyspace not in {
            part.name for part in desired
        }
        if is_configured and live[ledger_keyspace].keyspace is None:
            desired = SchemaFacts(
                [
                    *desired,
                    KeyspaceFacts(ledger_keyspace, internal_keyspace_settings(request.repo, cluster, ledger_keyspace)),
                ]
            )
        internal_facts = live[ledger_keyspace]
        plan = cluster.with_health_notes(
            _plan(request, cluster, desired, live, internal_facts), live, has_raw_steps=bool(request.raw_steps)
        )
        plan = _with_grants(plan, request, desired, cluster, internal_facts)
        plan = _complete(plan, request, cluster, live, internal_facts)
        if plan.refusals:
            plan = with_renames(plan, open_ledger(request.repo, cluster.coordinator, internal_facts, cluster.server))
        return cls(request, cluster, desired, internal_facts, schema_version, plan)

    def replan(self, cluster: ClusterView) -> PlannedMigration:
        """Compute the plan again from a new read."""
        return PlannedMigration.from_request(self.request, cluster, self.desired)

    def with_bootstrap(self, bootstrap: tuple[Step, ...]) -> PlannedMigration:
        """Return the plan with a bootstrap that has been executed."""
        return attrs.evolve(self, plan=attrs.evolve(self.plan, bootstrap=bootstrap))

    @property
    def keyspaces(self) -> list[str]:
        """The keyspaces that the plan may change, sorted; each of them is locked."""
        return sorted({self.request.repo.keyspace, *(part.name for part in self.desired)})


def _plan(
    request: MigrationRequest,
    cluster: ClusterView,
    desired: SchemaFacts,
    live: SchemaFacts,
    internal_facts: KeyspaceFacts,
) -> Plan:
    if request.is_contract:
        ledger = open_ledger(request.repo, cluster.coordinator, internal_facts, cluster.server)
        owners = other_owners(ledger, request.repo)
        return contract_plan(desired, live, cluster.server, allow=request.allow, owners=owners)
    missing = request.create_keyspace and any(live[part.name].keyspace is None for part in desired)
    topology = cluster.topology() if missing else None
    return make_plan(
        desired,
        live,
        cluster.server,
        topology=topology,
        racks=cluster.racks(live),
        create_keyspace=request.create_keyspace,
        allow=request.allow,
    )


def _complete(
    plan: Plan, request: MigrationRequest, cluster: ClusterView, live: SchemaFacts, internal_facts: KeyspaceFacts
) -> Plan:
    """Add raw steps and, if there is anything to do, the creation of the internal tables."""
    if request.raw_steps:
        versions = _read_history(request, cluster, internal_facts)
        executed = executed_raw_steps(versions, request.repo.models)
        pending = [raw_step for raw_step in request.raw_steps if not _is_done(raw_step, cluster, executed)]
        texts = [cql for step in pending for cql in (step.cql, step.undo) if cql is not None]
        evaluator = statement_checker(
            request.repo.keyspace,
            texts,
            live,
            cluster.server,
            introspect=cluster.introspect,
            places=cluster.places,
        )
        plan = with_raw_steps(plan, pending, {request.repo.keyspace, internal_facts.name}, request.allow, evaluator)
        refusals = (*plan.refusals, *uncertain_step_refusals(pending, versions, request.allow))
        plan = attrs.evolve(plan, refusals=refusals, notes=(*plan.notes, *role_notes(request.raw_steps, executed)))
    if not request.is_contract:
        diagnostics = (*plan.lints, *plan.refusals, *plan.notes)
        plan = attrs.evolve(plan, notes=(*plan.notes, *unused_notes(request.allow, diagnostics, {})))
    if plan.is_empty:
        return plan
    plan = with_internal_keyspace(plan, request.repo, cluster, internal_facts)
    bootstrap = (*plan.bootstrap, *missing_tables(internal_facts.name, internal_facts, cluster.server))
    numbered = (attrs.evolve(step, seq=seq) for seq, step in enumerate(bootstrap, 1 - len(bootstrap)))
    return attrs.evolve(plan, bootstrap=tuple(numbered))


def _with_grants(
    plan: Plan, request: MigrationRequest, desired: SchemaFacts, cluster: ClusterView, internal_facts: KeyspaceFacts
) -> Plan:
    """Add the permissions that the application's role lacks, after the steps that create its tables."""
    role = None if request.is_contract else application_role(request.repo)
    if role is None:
        return plan
    permissions = read_permissions(cluster.coordinator, role)
    if not permissions.is_enforced:
        return plan
    diagnostics = list(role_diagnostics(role, permissions, internal_facts.name))
    refusals = tuple(diagnostic for diagnostic in diagnostics if diagnostic.severity == "error")
    grants = () if refusals else grant_steps(role, application_permissions(desired, internal_facts.name), permissions)
    steps = (*plan.steps, *(attrs.evolve(step, seq=seq) for seq, step in enumerate(grants, len(plan.steps) + 1)))
    notes = tuple(diagnostic for diagnostic in diagnostics if diagnostic.severity != "error")
    return attrs.evolve(plan, steps=steps, refusals=(*plan.refusals, *refusals), notes=(*plan.notes, *notes))


def _is_done(raw_step: RawStep, cluster: ClusterView, executed: Mapping[str, LedgerStep]) -> bool:
    """Whether a raw step is done: by its post-condition, else by the ledger."""
    if raw_step.post_condition is None:
        return recorded_step(raw_step, executed) is not None
    if callable(raw_step.post_condition):
        return raw_step.post_condition()
    try:
        return cluster.returns_row(raw_step.post_condition)
    except StatementFailure:  # it may query a table that this plan creates
        return False


def _read_history(request: MigrationRequest, cluster: ClusterView, internal_facts: KeyspaceFacts) -> list[Migration]:
    """Read the versions with their steps; empty when every raw step has a post-condition."""
    if all(raw_step.post_condition is not None for raw_step in request.raw_steps):
        return []
    ledger = open_ledger(request.repo, cluster.coordinator, internal_facts, cluster.server)
    return ledger.with_steps(ledger.versions())
