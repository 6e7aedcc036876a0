"""What roles are permitted, as the server lists it.

*In*: a coordinator and a role. *Out*: pairs of a permission and a resource, in the words of ``LIST PERMISSIONS``. A
server without an authorizer has none to list.
"""

from __future__ import annotations

from typing import Any, Final

import attrs

from scyllamodel._identifiers import quote
from scyllamodel.driver.coordinator import DRIVER_ERRORS, Coordinator
from scyllamodel.driver.failures import server_words
from scyllamodel.driver.names import InvalidRequest, Unauthorized
from scyllamodel.driver.repo import Repo
from scyllamodel.driver.servers import unread
from scyllamodel.errors import IntrospectionError

_NO_AUTHORIZER: Final = "not supported by"
"""What both servers answer to ``LIST`` where nobody looks at permissions."""


@attrs.frozen
class Permissions:
    """What a role holds.

    Attributes:
        role: whose.
        held: pairs of a permission and a resource, such as ``("SELECT", "<table shop.orders>")``.
        unknown: why they cannot be listed; empty where they can.
        enforced: whether the server looks at permissions at all.
        everything: whether the role is a superuser.
    """

    role: str
    held: frozenset[tuple[str, str]] = frozenset()
    unknown: str = ""
    enforced: bool = True
    everything: bool = False

    def covers(self, permission: str, keyspace: str = "", table: str = "") -> bool:
        """Whether the role has a permission on a table, a keyspace or, without both, all keyspaces."""
        chain = ["<all keyspaces>"]
        chain += [f"<keyspace {keyspace}>", f"<all tables in {keyspace}>"] * bool(keyspace)
        chain += [f"<table {keyspace}.{table}>"] * bool(table)
        return self.everything or any((permission, resource) in self.held for resource in chain)


def permissions_of(coordinator: Coordinator, role: str) -> Permissions:
    """What a role is permitted, directly and by the roles that it was granted.

    Raises:
        IntrospectionError: they could not be read.
    """
    try:
        rows = coordinator.rows(f"LIST ALL PERMISSIONS OF {quote(role)}")
        everything = any(row.get("super") for row in coordinator.rows(f"LIST ROLES OF {quote(role)}"))
    except Unauthorized as error:
        return Permissions(role, unknown=server_words(error))
    except InvalidRequest as error:
        if _NO_AUTHORIZER in str(error):
            return Permissions(role, enforced=False)
        return Permissions(role, unknown=server_words(error))
    except DRIVER_ERRORS as error:
        raise unread(f"the permissions of the role {role}", coordinator, error) from error
    held = frozenset((str(row["permission"]), str(row["resource"])) for row in rows)
    return Permissions(role, held, everything=everything)


def own_permissions(coordinator: Coordinator, repo: Repo) -> Permissions | None:
    """What the role of this connection is permitted; None where nobody can tell."""
    provider: Any = getattr(coordinator.connection.session.cluster, "auth_provider", None)
    role = repo.settings.username or getattr(provider, "username", None)
    if not role:
        return None
    try:
        found = permissions_of(coordinator, role)
    except IntrospectionError:
        return None
    return found if found.enforced and not found.unknown else None
