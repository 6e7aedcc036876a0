"""The permissions that each command needs, as GRANT statements.

*In*: keyspaces, tables, roles. *Out*: `Grant` values. Both servers let every role that may log in read
``system_schema``, and grant all permissions on a keyspace or table to the role that creates it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias

import attrs

from scyllamodel._identifiers import qualified, quote
from scyllamodel.schema.server.detection import BUILD_TABLES, RESTRICTED_TABLES


@attrs.frozen
class Grant:
    """Permissions that some commands need.

    Attributes:
        commands: the commands that need them.
        why: the reason, in a few words.
        cql: the statements, without semicolons; empty if logging in is enough.
    """

    commands: tuple[str, ...]
    why: str
    cql: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The grant as plain JSON values."""
        return {"commands": list(self.commands), "why": self.why, "cql": list(self.cql)}


TableName: TypeAlias = tuple[str, str]
"""A keyspace, and a table or a view in it."""


@attrs.frozen
class GrantTables:
    """The tables to which the grants refer.

    Attributes:
        tables, views: the tables and views of the models.
        internal: the internal tables that a run under the lock writes.
        status: the internal tables that `status` reads, a subset of ``internal``.
        history: the internal tables that `history` and `check` read, a subset of ``internal``.
        readable: the internal tables that an application reads.
        backfills: the internal table of backfills.
        logs: the change logs that ScyllaDB keeps for tables with CDC.
    """

    tables: tuple[TableName, ...] = ()
    views: tuple[TableName, ...] = ()
    internal: tuple[TableName, ...] = ()
    status: tuple[TableName, ...] = ()
    history: tuple[TableName, ...] = ()
    readable: tuple[TableName, ...] = ()
    backfills: tuple[TableName, ...] = ()
    logs: tuple[TableName, ...] = ()


def grants(
    keyspace: str, role: str, names: GrantTables, *, ledger_keyspace: str | None = None, application: str | None = None
) -> tuple[Grant, ...]:
    """The grants of each command, the smallest first; a command needs all sets that name it, and nothing else.

    A role owns the tables that it creates. Permissions on other tables are granted per table, once the tables exist.

    Parameters:
        ledger_keyspace: the keyspace of the internal tables; None means the keyspace of the models.
        application: the role of the application; None grants its permissions to ``role``.
    """
    internal = ledger_keyspace or keyspace
    schema = _keyspace_grants(keyspace, role, "CREATE", "ALTER")
    internal_grants = () if internal == keyspace else _keyspace_grants(internal, role, "CREATE")
    changing = (*_CHANGING_COMMANDS, "rollback", "contract")
    statements = [
        Grant(("plan", "diff", "inspect", "wait"), "every role can read the schema", ()),
        Grant(
            ("plan", "check", "migrate"),
            f"on ScyllaDB a superuser may also grant SELECT on each of {_RESTRICTED}; without it the server "
            "refuses some changes that the plan cannot refuse",
            (),
        ),
        Grant(("status",), "it reads the lock and the history", _table_grants(names.status, role, "SELECT")),
        Grant(
            ("wait --for built", "migrate --wait-built"),
            "servers list there what is built; status shows it too, and works without",
            _table_grants([("system", table) for table in BUILD_TABLES], role, "SELECT"),
        ),
        Grant(("check", "history"), "they read the history", _table_grants(names.history, role, "SELECT")),
        Grant(changing, "they create and alter, and own the tables that they create", (*schema, *internal_grants)),
        Grant(
            changing,
            "once the tables exist, for a role that did not create them",
            _table_grants(names.internal, role, "SELECT", "MODIFY"),
        ),
        Grant(
            ("rollback", "contract"), "they also drop, never without --allow", _keyspace_grants(keyspace, role, "DROP")
        ),
        Grant(
            ("create-keyspace", "migrate --create-keyspace", *["the first migrate"] * bool(internal_grants)),
            "the role that creates a keyspace owns it and needs nothing else"
            + f"; the same holds for {internal}" * bool(internal_grants),
            (f"GRANT CREATE ON ALL KEYSPACES TO {quote(role)}",),
        ),
        Grant(
            ("backfill",),
            "it copies rows, and records its progress in a table that it creates",
            (*_table_grants(names.tables, role, "SELECT", "MODIFY"), *_keyspace_grants(internal, role, "CREATE")),
        ),
        Grant(
            ("backfill",),
            "once its table exists, for a role that did not create it",
            _table_grants(names.backfills, role, "SELECT", "MODIFY"),
        ),
    ]
    if application is not None:
        statements += _grants_to_grant(keyspace, role, application, names)
    application_grants = (
        *_table_grants((*names.tables, *names.views), application or role, "SELECT", "MODIFY"),
        *_table_grants(names.readable, application or role, "SELECT"),
    )
    statements.append(
        Grant(("the application",), "it reads and writes rows, once the tables exist", application_grants)
    )
    if names.logs:
        logs = _table_grants(names.logs, application or role, "SELECT")
        why = "ScyllaDB 2025.1 requires SELECT on the change log; 2026.3 requires SELECT on its table instead"
        statements.append(Grant(("readers of a change log",), why, logs))
    return tuple(statements)


_RESTRICTED: Final = ", ".join(f"system.{table}" for table in RESTRICTED_TABLES)
_CHANGING_COMMANDS: Final = ("migrate", "baseline", "resolve", "unlock")


def _grants_to_grant(keyspace: str, role: str, application: str, names: GrantTables) -> Iterator[Grant]:
    """Grants that allow a role to grant: servers show a role's permissions to its members, and only holders can grant.

    Only the owner of a keyspace has permissions on a new view.
    """
    membership = (f"GRANT {quote(application)} TO {quote(role)}",)
    yield Grant(("migrate",), "with application_role= it reads which permissions that role lacks", membership)
    needed = ("AUTHORIZE", "SELECT", "MODIFY")
    if names.views:
        yield Grant(
            ("migrate",),
            "with application_role= it grants permissions on views",
            _keyspace_grants(keyspace, role, *needed),
        )
    else:
        tables = (*_table_grants(names.tables, role, *needed), *_table_grants(names.readable, role, "AUTHORIZE"))
        reason = "with application_role= it grants permissions on existing tables that it did not create"
        yield Grant(("migrate",), reason, tables)


def _keyspace_grants(keyspace: str, role: str, *permissions: str) -> tuple[str, ...]:
    """One statement for each permission, which both servers accept."""
    return tuple(f"GRANT {name} ON KEYSPACE {quote(keyspace)} TO {quote(role)}" for name in permissions)


def _table_grants(places: Iterable[TableName], role: str, *permissions: str) -> tuple[str, ...]:
    return tuple(
        f"GRANT {name} ON TABLE {qualified(keyspace, table)} TO {quote(role)}"
        for keyspace, table in places
        for name in permissions
    )
