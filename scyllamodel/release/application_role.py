"""The permissions of the application's role as steps of a plan: on the tables of the models, and what a start reads.

*In*: the name of the role, the models' tables, what the server lists. *Out*: steps, and what stands in their way.
Where the server looks at no permissions there is nothing to do.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Final

from scyllamodel._identifiers import qualified, quote
from scyllamodel.driver.permissions import Permissions
from scyllamodel.driver.repo import Repo
from scyllamodel.release.resources import find_resources
from scyllamodel.release.rights import Need, grant_text
from scyllamodel.release.tables import BACKFILLS, LOCK, MIGRATIONS, PAGE_SECRETS, STEPS, TABLES, VERIFIED
from scyllamodel.release.wanted import wanted_facts
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts import SchemaFacts, Table
from scyllamodel.schema.grants import Grant, Names, grants
from scyllamodel.schema.plan import Step
from scyllamodel.schema.plan.step import GRANT

VARIABLE: Final = "SCYLLAMODEL_APPLICATION_ROLE"
"""The environment variable that names the role where the settings of a repo do not."""


def application_role(repo: Repo) -> str | None:
    """The role whose permissions a migration keeps up; None where nobody named one."""
    return repo.settings.application_role or os.environ.get(VARIABLE) or None


def application_needs(wanted: SchemaFacts, internal: str) -> Iterator[Need]:
    """What an application needs: its rows, and from the internal tables what a start and a page read.

    A write to a table with views needs the right to write the views, as Cassandra writes them in its name; a read of a
    view needs the one to read its table.

    Parameters:
        internal: the keyspace of the internal tables.
    """
    for part in wanted:
        for fact in (*part.tables, *part.views):
            yield from ((permission, part.name, fact.name) for permission in ("SELECT", "MODIFY"))
    yield from (("SELECT", internal, table.name) for table in (VERIFIED, PAGE_SECRETS))


def grants_of(repo: Repo, role: str, internal: str | None = None) -> tuple[Grant, ...]:
    """What each command needs, for the tables of the models of a repo; no server is asked.

    Parameters:
        internal: the keyspace of the internal tables; left out, the one that the settings name.

    Raises:
        DiscoveryError, NoModelsFound, DuplicateTable: the models cannot be read.
    """
    wanted, home = wanted_facts(find_resources(repo), repo.keyspace), internal or repo.settings.internal_keyspaces[0]

    def internals(*tables: Table) -> tuple[tuple[str, str], ...]:
        return tuple((home, table.name) for table in tables)

    names = Names(
        tables=tuple((part.name, table.name) for part in wanted for table in part.tables),
        views=tuple((part.name, view.name) for part in wanted for view in part.views),
        internal=internals(*TABLES),
        status=internals(LOCK, MIGRATIONS),
        history=internals(MIGRATIONS, STEPS),
        read=internals(VERIFIED, PAGE_SECRETS),
        backfills=internals(BACKFILLS),
        logs=tuple(
            (part.name, f"{table.name}_scylla_cdc_log")
            for part in wanted
            for table in part.tables
            if table.options.get("cdc", {}).get("enabled") == "true"
        ),
    )
    return grants(repo.keyspace, role, names, ledger_keyspace=home, application=application_role(repo))


def grant_steps(role: str, needs: Iterable[Need], found: Permissions) -> Iterator[Step]:
    """The GRANT statements for what the role does not have on the very tables."""
    for permission, keyspace, table in needs:
        if (permission, f"<table {keyspace}.{table}>") not in found.granted:
            what, whom = grant_text(permission, keyspace, table), quote(role)
            yield Step(
                seq=0,
                op=GRANT,
                object=f"{permission} {keyspace}.{table}",
                cql=f"GRANT {what} TO {whom}",
                undo=f"REVOKE {what} FROM {whom}",
                summary=f"Grant {permission} on {keyspace}.{table} to the role {role}.",
                proof=f"LIST {permission} PERMISSION ON TABLE {qualified(keyspace, table)} OF {whom} NORECURSIVE",
            )


def remarks_on_role(role: str, found: Permissions, internal: str) -> Iterator[Diagnostic]:
    """What there is to say of the role: that its permissions cannot be seen, or that they reach too far."""
    if found.unknown_reason:
        text = f"what it is permitted cannot be listed: {found.unknown_reason}"
        fix = (
            f"As an administrator: GRANT {quote(role)} TO the role that migrates, or create the role if it is missing."
        )
        yield Diagnostic("RO101", "error", role, text, f"{fix} Or leave application_role= out of this run.")
    writable = [table.name for table in TABLES if found.covers("MODIFY", internal, table.name)]
    if writable and not found.is_superuser:
        text = f"it may write internal tables of {internal}: {', '.join(writable)}"
        broad = next(
            (one for one in (("", ""), (internal, "")) if found.covers("MODIFY", *one)), (internal, writable[0])
        )
        fix = f"Once it has its own tables: REVOKE {grant_text('MODIFY', *broad)} FROM {quote(role)}"
        yield Diagnostic("RO102", "warn", role, text, fix)
