"""The permissions of roles, as the server lists them.

In: a coordinator and a role. Out: pairs of a permission and a resource, as ``LIST PERMISSIONS`` names them. A server
without an authorizer lists none.
"""

from __future__ import annotations

from typing import Any, Final

import attrs

from scyllamodel._identifiers import quote
from scyllamodel.driver._cassandra import InvalidRequest, Unauthorized
from scyllamodel.driver.cluster.coordinator import Coordinator
from scyllamodel.driver.cluster.nodes import read_error
from scyllamodel.driver.outcomes import DRIVER_ERRORS, server_message
from scyllamodel.errors import IntrospectionError

_NO_AUTHORIZER: Final = "not supported by"
"""The answer of both servers to ``LIST`` without an authorizer."""


@attrs.frozen
class Permissions:
    """The permissions of a role.

    Attributes:
        role: the name.
        granted: pairs of a permission and a resource, such as ``("SELECT", "<table shop.orders>")``.
        unknown_reason: why they cannot be listed; empty where they can.
        is_enforced: whether the server checks permissions at all.
        is_superuser: whether the role is a superuser.
    """

    role: str
    granted: frozenset[tuple[str, str]] = frozenset()
    unknown_reason: str = ""
    is_enforced: bool = True
    is_superuser: bool = False

    def covers(self, permission: str, keyspace: str = "", table: str = "") -> bool:
        """Whether the role has a permission on a table, a keyspace or, without both, all keyspaces."""
        resources = ["<all keyspaces>"]
        resources += [f"<keyspace {keyspace}>", f"<all tables in {keyspace}>"] * bool(keyspace)
        resources += [f"<table {keyspace}.{table}>"] * bool(table)
        return self.is_superuser or any((permission, resource) in self.granted for resource in resources)


def read_permissions(coordinator: Coordinator, role: str) -> Permissions:
    """Read the permissions of a role, including those of the roles granted to it.

    Raises:
        IntrospectionError: they could not be read.
    """
    try:
        rows = coordinator.rows(f"LIST ALL PERMISSIONS OF {quote(role)}")
        is_superuser = any(row.get("super") for row in coordinator.rows(f"LIST ROLES OF {quote(role)}"))
    except Unauthorized as error:
        return Permissions(role, unknown_reason=server_message(error))
    except InvalidRequest as error:
        if _NO_AUTHORIZER in str(error):
            return Permissions(role, is_enforced=False)
        return Permissions(role, unknown_reason=server_message(error))
    except DRIVER_ERRORS as error:
        raise read_error(f"the permissions of the role {role}", coordinator, error) from error
    granted = frozenset((str(row["permission"]), str(row["resource"])) for row in rows)
    return Permissions(role, granted, is_superuser=is_superuser)


def read_own_permissions(coordinator: Coordinator, username: str | None) -> Permissions | None:
    """Read the permissions of the role of this connection; None where they cannot be read.

    Parameters:
        username: of the settings; None takes the one of the driver's session.
    """
    provider: Any = getattr(coordinator.connection.session.cluster, "auth_provider", None)
    role = username or getattr(provider, "username", None)
    if not role:
        return None
    try:
        permissions = read_permissions(coordinator, role)
    except IntrospectionError:
        return None
    return permissions if permissions.is_enforced and not permissions.unknown_reason else None
