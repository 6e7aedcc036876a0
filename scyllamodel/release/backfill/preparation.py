"""Prepares a backfill: checks the target and creates the table of checkpoints."""

from __future__ import annotations

from typing import Any

from scyllamodel.driver.cluster.ddl_executor import DdlExecutor
from scyllamodel.driver.cluster.introspection import read_keyspace
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ConfigurationError
from scyllamodel.release.engine.cluster_view import ClusterView
from scyllamodel.release.engine.ledger_access import internal_keyspace
from scyllamodel.release.engine.permission_check import RequiredPermission, check_permissions
from scyllamodel.release.ledger.bootstrap import bootstrap
from scyllamodel.release.ledger.tables import BACKFILLS
from scyllamodel.schema.facts.objects import Table


def prepare_target(
    repo: Repo, source: type[Any] | None, model: type[Any], columns: tuple[str, ...], *, dry_run: bool
) -> str:
    """Check that the target exists, create the table of checkpoints, and return its keyspace.

    Parameters:
        source: the model to read.
        columns: their database names.
        dry_run: no table is created.

    Raises:
        ConfigurationError: the table or a column is missing.
        KeyspaceError: the keyspace does not exist.
        PermissionDenied: the role may not read, write or record progress; nothing was copied.
    """
    facts: Table = model.__facts__
    cluster, keyspace = ClusterView.connect(repo), facts.keyspace or repo.keyspace
    live_table = cluster.introspect_existing(keyspace)[keyspace].table(facts.name)
    missing = (
        [facts.name] if live_table is None else [f"{facts.name}.{name}" for name in columns if name not in live_table]
    )
    if missing:
        raise ConfigurationError(
            f"{keyspace} has no {', '.join(missing)} yet: migrate first, then write both, then copy.",
            missing=missing,
        )
    ledger_keyspace = internal_keyspace(repo, cluster.coordinator, cluster.server)
    source_table: Table = facts if source is None else source.__facts__
    read_permissions = [("SELECT", source_table.keyspace or repo.keyspace, source_table.name)]
    write_permissions = (
        [] if dry_run else [("MODIFY", keyspace, facts.name), *_checkpoint_permissions(cluster, ledger_keyspace)]
    )
    check_permissions(cluster.coordinator, repo, (*read_permissions, *write_permissions))
    if not dry_run:
        with DdlExecutor(cluster.coordinator, cluster.server) as executor:
            bootstrap(executor, ledger_keyspace, tables=[BACKFILLS])
    return ledger_keyspace


def _checkpoint_permissions(cluster: ClusterView, keyspace: str) -> list[RequiredPermission]:
    internal_facts = read_keyspace(cluster.coordinator, keyspace, cluster.server, include_internal=True)
    if internal_facts.table(BACKFILLS.name) is None:
        return [("CREATE", internal_facts.name, "")]
    return [(permission, internal_facts.name, BACKFILLS.name) for permission in ("SELECT", "MODIFY")]
