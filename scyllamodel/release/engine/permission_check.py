"""Checks before a run whether the role of the connection has the permissions that a plan needs.

*In*: steps, or permissions of a command. *Out*: nothing, or one error with all missing permissions. It keeps a run from
stopping half-way; the server has the last word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from scyllamodel._identifiers import qualified, quote
from scyllamodel.driver.cluster.coordinator import Coordinator
from scyllamodel.driver.cluster.permissions import read_own_permissions
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import PermissionDenied
from scyllamodel.release.ledger.tables import TABLES
from scyllamodel.schema.changes import kinds as c
from scyllamodel.schema.facts.objects import KeyspaceFacts
from scyllamodel.schema.plan import Step
from scyllamodel.schema.plan.step import GRANT_OP

RequiredPermission: TypeAlias = tuple[str, str, str]
"""A permission, a keyspace and a table; an empty table means the keyspace, both empty all keyspaces."""


def check_permissions(coordinator: Coordinator, repo: Repo, required: Iterable[RequiredPermission]) -> None:
    """Check these permissions; a server that does not list them is taken to allow everything.

    Raises:
        PermissionDenied: something is missing; nothing ran.
    """
    unique = dict.fromkeys(required)
    permissions = read_own_permissions(coordinator, repo.settings.username) if unique else None
    if permissions is None:
        return
    missing = [permission for permission in unique if not permissions.covers(*permission)]
    if missing:
        statements = "\n".join(
            f"  GRANT {grant_clause(*permission)} TO {quote(permissions.role)};" for permission in missing
        )
        raise PermissionDenied(
            f"The role {permissions.role} lacks permissions, and nothing ran. An administrator can grant "
            f"them; scyllamodel grants prints all that a command needs:\n{statements}",
            may_be_applied=False,
        )


def grant_clause(permission: str, keyspace: str, table: str) -> str:
    """Return permission and resource of a GRANT statement.

    >>> grant_clause("SELECT", "shop", "orders"), grant_clause("CREATE", "shop", ""), grant_clause("CREATE", "", "")
    ('SELECT ON TABLE shop.orders', 'CREATE ON KEYSPACE shop', 'CREATE ON ALL KEYSPACES')
    """
    if table:
        return f"{permission} ON TABLE {qualified(keyspace, table)}"
    return f"{permission} ON KEYSPACE {quote(keyspace)}" if keyspace else f"{permission} ON ALL KEYSPACES"


def internal_table_permissions(internal_facts: KeyspaceFacts) -> Iterator[RequiredPermission]:
    """Yield permissions on internal tables: CREATE for missing ones, SELECT and MODIFY on others.

    Parameters:
        internal_facts: the keyspace of the internal tables, with these.
    """
    if any(internal_facts.table(table.name) is None for table in TABLES):
        yield "CREATE", internal_facts.name, ""
    for table in TABLES:
        if internal_facts.table(table.name) is not None:
            yield from (("SELECT", internal_facts.name, table.name), ("MODIFY", internal_facts.name, table.name))


def step_permissions(steps: Iterable[Step]) -> Iterator[RequiredPermission]:
    """Yield permissions of the steps, without those on objects that earlier steps create."""
    owned_objects: set[tuple[str, str]] = set()
    for step in steps:
        for permission in _grant_permissions(step) if step.op == GRANT_OP else change_permissions(step.change):
            if not {permission[1:], (permission[1], "")} & owned_objects:
                yield permission
        if isinstance(step.change, c.CreateKeyspace):
            owned_objects.add((step.change.keyspace.name, ""))
        if isinstance(step.change, c.AddTable):
            owned_objects.add((step.change.keyspace, step.change.table.name))


def change_permissions(change: c.Change | None) -> list[RequiredPermission]:
    """Return permissions of a change; none for a raw step, whose statement is unknown."""
    if change is None:
        return []
    permission, resource_of = CHANGE_PERMISSIONS[change.__class__]
    return [(permission, *resource_of(change))]


def _all_keyspaces(_: Any) -> tuple[str, str]:
    """Return all keyspaces."""
    return "", ""


def _whole_keyspace(change: Any) -> tuple[str, str]:
    """Return the whole keyspace of a change."""
    return change.keyspace, ""


def _table(change: Any) -> tuple[str, str]:
    return change.keyspace, change.table if isinstance(change.table, str) else change.table.name


def _view_base(change: Any) -> tuple[str, str]:
    """Return the base table of a view."""
    return change.keyspace, change.view.base


def _options_owner(change: Any) -> tuple[str, str]:
    return change.keyspace, change.base if change.view else change.name


CHANGE_PERMISSIONS: Final[Mapping[type, tuple[str, Callable[[Any], tuple[str, str]]]]] = {
    c.CreateKeyspace: ("CREATE", _all_keyspaces),
    **dict.fromkeys((c.AddTable, c.AddType), ("CREATE", _whole_keyspace)),
    **dict.fromkeys((c.AddField, c.RenameFields), ("ALTER", _whole_keyspace)),
    c.DropType: ("DROP", _whole_keyspace),
    c.DropTable: ("DROP", _table),
    **dict.fromkeys(
        (c.AddColumns, c.DropColumns, c.RenameKeyColumns, c.SetMask, c.SetTtlColumn, c.AddIndex, c.DropIndex),
        ("ALTER", _table),
    ),
    **dict.fromkeys((c.AddView, c.DropView), ("ALTER", _view_base)),
    c.SetOptions: ("ALTER", _options_owner),
}
"""Permission and resource by kind of change; changes of a view need the permission on its table."""


def _grant_permissions(step: Step) -> list[RequiredPermission]:
    """Return AUTHORIZE, and the granted permission itself."""
    permission, _, resource = step.object.partition(" ")
    keyspace, _, table = resource.partition(".")
    return [("AUTHORIZE", keyspace, table), (permission, keyspace, table)]
