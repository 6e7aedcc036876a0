"""Before a backfill: the target is there to be filled, and the checkpoints have a table."""

from __future__ import annotations

from typing import Any

from scyllamodel.driver.executor import DdlExecutor
from scyllamodel.driver.reader import read_keyspace
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ConfigurationError
from scyllamodel.release.books import internal_keyspace
from scyllamodel.release.bootstrap import bootstrap
from scyllamodel.release.look import Look
from scyllamodel.release.rights import Need, check_rights
from scyllamodel.release.tables import BACKFILLS
from scyllamodel.schema.facts import Table


def make_ready(
    repo: Repo, source: type[Any] | None, model: type[Any], columns: tuple[str, ...], *, dry_run: bool
) -> str:
    """Check that the table of a model is there to be filled, make that of the checkpoints, and return its keyspace.

    Parameters:
        source: the model that is read.
        columns: their names in the database.
        dry_run: whether no table is made for checkpoints.

    Raises:
        ConfigurationError: the table or a column is missing.
        KeyspaceError: there is no such keyspace.
        PermissionDenied: the role may not read, write, or note how far it is; nothing was copied.
    """
    facts: Table = model.__facts__
    look, keyspace = Look.at(repo), facts.keyspace or repo.keyspace
    found = look.existing(keyspace)[keyspace].table(facts.name)
    missing = [facts.name] if found is None else [f"{facts.name}.{name}" for name in columns if name not in found]
    if missing:
        raise ConfigurationError(
            f"{keyspace} has no {', '.join(missing)} yet: migrate first, then write both sides, then copy.",
            missing=missing,
        )
    internal = internal_keyspace(repo, look.coordinator, look.server)
    read: Table = facts if source is None else source.__facts__
    reads = [("SELECT", read.keyspace or repo.keyspace, read.name)]
    writes = [] if dry_run else [("MODIFY", keyspace, facts.name), *_checkpoint_needs(look, internal)]
    check_rights(look.coordinator, repo, (*reads, *writes))
    if not dry_run:
        with DdlExecutor(look.coordinator, look.server) as executor:
            bootstrap(executor, internal, tables=[BACKFILLS])
    return internal


def _checkpoint_needs(look: Look, keyspace: str) -> list[Need]:
    internal = read_keyspace(look.coordinator, keyspace, look.server, include_internal=True)
    if internal.table(BACKFILLS.name) is None:
        return [("CREATE", internal.name, "")]
    return [(permission, internal.name, BACKFILLS.name) for permission in ("SELECT", "MODIFY")]
