"""What a role must be allowed to do, command by command, as the GRANT statements that allow it.

*In*: keyspaces, tables, roles. *Out*: `Grant` values. Both servers let every role that may log in read
``system_schema``, and give the role that creates a keyspace or a table every permission on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias

import attrs

from scyllamodel._identifiers import qualified, quote


@attrs.frozen
class Grant:
    """What some commands need.

    Attributes:
        commands: those that need it.
        why: in a few words.
        cql: the statements, without semicolons; none where logging in is enough.
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
    """The tables that the sets speak of.

    Attributes:
        tables: those of the models.
        views: those of the models.
        internal: the internal tables that a run under the lock writes.
        status: those that `status` reads, a part of ``internal``.
        history: those that `history` and `check` read, a part of ``internal``.
        readable: those that an application reads.
        backfills: the one of backfills.
        logs: the change logs that ScyllaDB keeps for tables with cdc.
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
    """What each command needs, the least first: together, the sets that name a command are all that it needs.

    A role owns the tables that it makes. What another role made is granted by table, and so after it was made.

    Parameters:
        ledger_keyspace: where the internal tables are kept; None means beside the tables of the models.
        application: the role of the application; None gives its set to ``role``.
    """
    internal = ledger_keyspace or keyspace
    schema = _keyspace_grants(keyspace, role, "CREATE", "ALTER")
    internal_grants = () if internal == keyspace else _keyspace_grants(internal, role, "CREATE")
    changing = (*_CHANGING_COMMANDS, "rollback", "contract")
    statements = [
        Grant(("plan", "diff", "inspect", "wait"), "the schema is readable for every role", ()),
        Grant(
            ("plan", "check", "migrate"),
            "on ScyllaDB a superuser may also grant SELECT ON system.versions, system.topology, system.config and "
            "system.cluster_status; without them some refusals come from the server instead of the plan",
            (),
        ),
        Grant(("status",), "it reads lock and history", _table_grants(names.status, role, "SELECT")),
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
            "who creates a keyspace owns it; nothing else is needed" + f", also for {internal}" * bool(internal_grants),
            (f"GRANT CREATE ON ALL KEYSPACES TO {quote(role)}",),
        ),
        Grant(
            ("backfill",),
            "it copies rows, and notes how far it is in a table that it creates",
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
        why = (
            "who reads a change log of ScyllaDB 2025.1 needs it on the log; 2026.3 asks for SELECT on its table instead"
        )
        statements.append(Grant(("readers of a change log",), why, logs))
    return tuple(statements)


_CHANGING_COMMANDS: Final = ("migrate", "baseline", "resolve", "unlock")


def _grants_to_grant(keyspace: str, role: str, application: str, names: GrantTables) -> Iterator[Grant]:
    """What it needs to grant: servers show the permissions of a role to its members, and who grants one has it.

    Nobody but the owner of a keyspace has any on a view that was just made.
    """
    membership = (f"GRANT {quote(application)} TO {quote(role)}",)
    yield Grant(("migrate",), "with application_role= it looks what that role lacks", membership)
    needed = ("AUTHORIZE", "SELECT", "MODIFY")
    if names.views:
        yield Grant(
            ("migrate",), "with application_role= it grants on views", _keyspace_grants(keyspace, role, *needed)
        )
    else:
        tables = (*_table_grants(names.tables, role, *needed), *_table_grants(names.readable, role, "AUTHORIZE"))
        reason = "with application_role= it grants on tables, once they exist, that it did not create"
        yield Grant(("migrate",), reason, tables)


def _keyspace_grants(keyspace: str, role: str, *permissions: str) -> tuple[str, ...]:
    """One statement for each permission, as both servers take it."""
    return tuple(f"GRANT {name} ON KEYSPACE {quote(keyspace)} TO {quote(role)}" for name in permissions)


def _table_grants(places: Iterable[TableName], role: str, *permissions: str) -> tuple[str, ...]:
    return tuple(
        f"GRANT {name} ON TABLE {qualified(keyspace, table)} TO {quote(role)}"
        for keyspace, table in places
        for name in permissions
    )
