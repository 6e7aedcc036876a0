"""Plans the companion keyspace of the internal tables, for repos whose own keyspace cannot hold them.

*In*: a plan, and the live keyspace of the internal tables. *Out*: the plan with its creation, or with a refusal. Lock
and ledger need lightweight transactions, and ScyllaDB before 2025.4 has none in keyspaces with tablets, which new
keyspaces there get by default.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from scyllamodel.driver.repo import Repo
from scyllamodel.release.engine.cluster_view import ClusterView, declared_keyspace
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts.objects import Keyspace, KeyspaceFacts
from scyllamodel.schema.plan import Plan, make_plan
from scyllamodel.schema.server.profile import ServerProfile


def with_internal_keyspace(plan: Plan, repo: Repo, cluster: ClusterView, internal_facts: KeyspaceFacts) -> Plan:
    """Return the plan with the creation of the companion keyspace, or with the reason why none can be created.

    Parameters:
        internal_facts: the live keyspace of the internal tables.
    """
    refusals = tuple(lwt_refusals(internal_facts, cluster.server))
    if internal_facts.keyspace is not None or internal_facts.name in {repo.keyspace, repo.settings.ledger_keyspace}:
        return attrs.evolve(plan, refusals=(*plan.refusals, *refusals))
    desired = KeyspaceFacts(internal_facts.name, internal_keyspace_settings(repo, cluster, internal_facts.name))
    is_new = bool(plan.bootstrap)
    topology = cluster.topology() if is_new else None  # the replication of an existing keyspace is not checked again
    creation = make_plan(desired, internal_facts, cluster.server, topology=topology, create_keyspace=True)
    return attrs.evolve(
        plan,
        bootstrap=(*plan.bootstrap, *creation.bootstrap),
        refusals=(*plan.refusals, *creation.refusals),
        notes=(*plan.notes, companion_note(repo.keyspace, internal_facts.name)),
    )


def internal_keyspace_settings(repo: Repo, cluster: ClusterView, name: str) -> Keyspace:
    """Return settings for the keyspace of the internal tables: replication of the repo's keyspace, with working LWT."""
    template = (
        cluster.introspect([repo.keyspace])[repo.keyspace].keyspace
        or declared_keyspace(repo)
        or Keyspace(repo.keyspace)
    )
    tablets = False if "lwt" in cluster.server.unsupported_with_tablets else None
    return Keyspace(name, template.replication, tablets=tablets)


def lwt_refusals(internal_facts: KeyspaceFacts, server: ServerProfile) -> Iterator[Diagnostic]:
    """Yield KS104 for a configured keyspace that cannot hold the internal tables."""
    if (
        internal_facts.keyspace is not None
        and internal_facts.keyspace.tablets
        and "lwt" in server.unsupported_with_tablets
    ):
        text = f"{server} has no lightweight transactions in a keyspace with tablets, and lock and ledger need them"
        suggested_fix = "Remove ledger_keyspace=, or name a keyspace that was created with tablets=False."
        yield Diagnostic("KS104", "error", internal_facts.name, text, suggested_fix)


def companion_note(keyspace: str, name: str) -> Diagnostic:
    """Return KS107: names the keyspace that holds lock and history."""
    text = f"lock and history of {keyspace} are kept here, since lightweight transactions do not work in {keyspace}"
    return Diagnostic(
        "KS107", "note", name, text, "Keep it as long as the models are migrated, or set ledger_keyspace=."
    )
