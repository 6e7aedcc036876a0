"""Plans the permissions of the application's role on the tables of its models and on what a start reads.

*In*: the role, the tables of the models, the permissions that the server lists. *Out*: steps and diagnostics. Nothing
to do where the server does not enforce permissions.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Final

from scyllamodel._identifiers import qualified, quote
from scyllamodel.driver.cluster.permissions import Permissions
from scyllamodel.driver.repo import Repo
from scyllamodel.model.desired_schema import desired_facts
from scyllamodel.release.engine.models import find_resources
from scyllamodel.release.engine.permission_check import RequiredPermission, grant_clause
from scyllamodel.release.ledger.tables import BACKFILLS, LOCK, MIGRATIONS, PAGE_SECRETS, STEPS, TABLES, VERIFIED
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.export.grants import Grant, GrantTables, grants
from scyllamodel.schema.facts.objects import SchemaFacts, Table
from scyllamodel.schema.plan import Step
from scyllamodel.schema.plan.step import GRANT_OP

ROLE_VARIABLE: Final = "SCYLLAMODEL_APPLICATION_ROLE"
"""The environment variable that names the role if the settings of a repo do not."""


def application_role(repo: Repo) -> str | None:
    """Return the role whose permissions a migration maintains; None if none is configured."""
    return repo.settings.application_role or os.environ.get(ROLE_VARIABLE) or None


def application_permissions(desired: SchemaFacts, ledger_keyspace: str) -> Iterator[RequiredPermission]:
    """Yield permissions of an application: on its tables, and on the internal tables that starts and page tokens read.

    Writing a table with views needs MODIFY on the views as well, since Cassandra writes them as the same user; reading
    a view needs SELECT on its table.

    Parameters:
        ledger_keyspace: the keyspace of the internal tables.
    """
    for part in desired:
        for fact in (*part.tables, *part.views):
            yield from ((permission, part.name, fact.name) for permission in ("SELECT", "MODIFY"))
    yield from (("SELECT", ledger_keyspace, table.name) for table in (VERIFIED, PAGE_SECRETS))


def required_grants(repo: Repo, role: str, internal_keyspace: str | None = None) -> tuple[Grant, ...]:
    """Return the permissions that each command needs for the models of a repo; no server is asked.

    Parameters:
        internal_keyspace: the keyspace of the internal tables; by default the one from the settings.

    Raises:
        DiscoveryError, NoModelsFound, DuplicateTable: the models cannot be read.
    """
    desired, ledger_keyspace = (
        desired_facts(find_resources(repo), repo.keyspace),
        internal_keyspace or repo.settings.internal_keyspaces[0],
    )

    def internal_names(*tables_of_command: Table) -> tuple[tuple[str, str], ...]:
        return tuple((ledger_keyspace, table.name) for table in tables_of_command)

    names = GrantTables(
        tables=tuple((part.name, table.name) for part in desired for table in part.tables),
        views=tuple((part.name, view.name) for part in desired for view in part.views),
        internal=internal_names(*TABLES),
        status=internal_names(LOCK, MIGRATIONS),
        history=internal_names(MIGRATIONS, STEPS),
        readable=internal_names(VERIFIED, PAGE_SECRETS),
        backfills=internal_names(BACKFILLS),
        logs=tuple(
            (part.name, f"{table.name}_scylla_cdc_log")
            for part in desired
            for table in part.tables
            if table.options.get("cdc", {}).get("enabled") == "true"
        ),
    )
    return grants(repo.keyspace, role, names, ledger_keyspace=ledger_keyspace, application=application_role(repo))


def grant_steps(role: str, required: Iterable[RequiredPermission], permissions: Permissions) -> Iterator[Step]:
    """Yield GRANT steps for permissions that the role lacks on the tables themselves."""
    for permission, keyspace, table in required:
        if (permission, f"<table {keyspace}.{table}>") not in permissions.granted:
            clause, quoted_role = grant_clause(permission, keyspace, table), quote(role)
            yield Step(
                seq=0,
                op=GRANT_OP,
                object=f"{permission} {keyspace}.{table}",
                cql=f"GRANT {clause} TO {quoted_role}",
                undo=f"REVOKE {clause} FROM {quoted_role}",
                summary=f"Grant {permission} on {keyspace}.{table} to the role {role}.",
                post_condition=f"LIST {permission} PERMISSION ON TABLE {qualified(keyspace, table)} OF {quoted_role} "
                "NORECURSIVE",
            )


def role_diagnostics(role: str, permissions: Permissions, ledger_keyspace: str) -> Iterator[Diagnostic]:
    """Yield diagnostics on the role: its permissions cannot be listed, or include writing internal tables."""
    if permissions.unknown_reason:
        text = f"its permissions cannot be listed: {permissions.unknown_reason}"
        suggested_fix = (
            f"As an administrator: GRANT {quote(role)} TO the role that migrates, or create the role if it is missing."
        )
        yield Diagnostic("RO101", "error", role, text, f"{suggested_fix} Or remove application_role= for this run.")
    writable = [table.name for table in TABLES if permissions.covers("MODIFY", ledger_keyspace, table.name)]
    if writable and not permissions.is_superuser:
        text = f"it can write internal tables of {ledger_keyspace}: {', '.join(writable)}"
        broad_scope = next(
            (scope for scope in (("", ""), (ledger_keyspace, "")) if permissions.covers("MODIFY", *scope)),
            (ledger_keyspace, writable[0]),
        )
        suggested_fix = f"Once it has its own tables: REVOKE {grant_clause('MODIFY', *broad_scope)} FROM {quote(role)}"
        yield Diagnostic("RO102", "warn", role, text, suggested_fix)
