"""What a role must be allowed to do, command by command, as the GRANT statements that allow it.

*In*: a keyspace, the one of the bookkeeping, a role. *Out*: `Grant` values. Both servers let everybody who may log in
read ``system_schema``, and give whoever creates an object every permission on it.
"""

from __future__ import annotations

from typing import Any

import attrs

from scyllamodel._identifiers import quote


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


def grants(keyspace: str, role: str, *, ledger_keyspace: str | None = None) -> tuple[Grant, ...]:
    """What each command needs, the least first; each grant includes all that is asked for by its commands.

    Permissions are given on keyspaces, for most tables do not exist when they are given.

    Parameters:
        ledger_keyspace: where lock and history are kept; None means beside the tables.
    """
    books = ledger_keyspace or keyspace
    changing = (*_on(keyspace, role, "CREATE", "ALTER"), *_on(books, role, "SELECT", "MODIFY"))
    apart = () if books == keyspace else _on(books, role, "SELECT", "MODIFY")
    if books != keyspace:
        changing = (*changing, *_on(books, role, "CREATE", "ALTER"))
    return (
        Grant(("plan", "check", "diff", "inspect", "wait"), "the schema is readable for every role", ()),
        Grant(
            ("plan", "check", "migrate"),
            "on ScyllaDB a superuser may also grant SELECT ON system.versions, system.topology, system.config and "
            "system.cluster_status; without them some refusals come from the server instead of the plan",
            (),
        ),
        Grant(("status", "history"), "they read lock and history", _on(books, role, "SELECT")),
        Grant(("migrate", "baseline", "resolve", "unlock"), "they make, alter and keep a history", changing),
        Grant(
            ("rollback", "contract"), "they also drop, never without --allow", (*changing, *_on(keyspace, role, "DROP"))
        ),
        Grant(
            ("create-keyspace", "migrate --create-keyspace"),
            "whoever makes a keyspace owns it; nothing else is needed",
            (f"GRANT CREATE ON ALL KEYSPACES TO {quote(role)}",),
        ),
        Grant(
            ("backfill",),
            "it reads and writes rows, and notes how far it is",
            (*_on(keyspace, role, "SELECT", "MODIFY"), *_on(books, role, "CREATE"), *apart),
        ),
        Grant(("the application",), "it reads and writes rows", _on(keyspace, role, "SELECT", "MODIFY")),
    )


def _on(keyspace: str, role: str, *permissions: str) -> tuple[str, ...]:
    """One statement for each permission, as both servers take it."""
    return tuple(f"GRANT {name} ON KEYSPACE {quote(keyspace)} TO {quote(role)}" for name in permissions)
