"""Whether the role of this connection may do what a plan says, asked before anything runs.

*In*: a plan, or the permissions that a command needs. *Out*: nothing, or one error with everything that is missing. The
server decides in the end; this keeps a run from stopping half-way for want of a permission.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from scyllamodel._identifiers import qualified, quote
from scyllamodel.driver.coordinator import Coordinator
from scyllamodel.driver.permissions import read_own_permissions
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import PermissionDenied
from scyllamodel.release.tables import TABLES
from scyllamodel.schema import changes as c
from scyllamodel.schema.facts import KeyspaceFacts
from scyllamodel.schema.plan import Step
from scyllamodel.schema.plan.step import GRANT_OP

RequiredPermission: TypeAlias = tuple[str, str, str]
"""A permission, a keyspace, and a table; without a table the whole keyspace, without both all keyspaces."""


def check_permissions(coordinator: Coordinator, repo: Repo, required: Iterable[RequiredPermission]) -> None:
    """Look whether the role has all of these permissions; where the server does not say, it is let through.

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
            f"The role {permissions.role} lacks permissions that this needs, and nothing ran. An administrator can "
            "give "
            f"them; scyllamodel grants prints all that a command needs:\n{statements}",
            may_be_applied=False,
        )


def grant_clause(permission: str, keyspace: str, table: str) -> str:
    """The middle of a GRANT statement.

    >>> grant_clause("SELECT", "shop", "orders"), grant_clause("CREATE", "shop", ""), grant_clause("CREATE", "", "")
    ('SELECT ON TABLE shop.orders', 'CREATE ON KEYSPACE shop', 'CREATE ON ALL KEYSPACES')
    """
    if table:
        return f"{permission} ON TABLE {qualified(keyspace, table)}"
    return f"{permission} ON KEYSPACE {quote(keyspace)}" if keyspace else f"{permission} ON ALL KEYSPACES"


def internal_table_permissions(internal_facts: KeyspaceFacts) -> Iterator[RequiredPermission]:
    """What a run under the lock needs: who makes a table owns it, and others read and write those that exist.

    Parameters:
        internal_facts: the keyspace of the internal tables, with them.
    """
    if any(internal_facts.table(table.name) is None for table in TABLES):
        yield "CREATE", internal_facts.name, ""
    for table in TABLES:
        if internal_facts.table(table.name) is not None:
            yield from (("SELECT", internal_facts.name, table.name), ("MODIFY", internal_facts.name, table.name))


def step_permissions(steps: Iterable[Step]) -> Iterator[RequiredPermission]:
    """What the steps of a plan need, but for what the role owns since an earlier step makes it."""
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
    """What the statement of a change needs; a hand-written statement has no change, and the server decides alone."""
    if change is None:
        return []
    permission, resource_of = CHANGE_PERMISSIONS[change.__class__]
    return [(permission, *resource_of(change))]


def _all_keyspaces(_: Any) -> tuple[str, str]:
    """All keyspaces."""
    return "", ""


def _whole_keyspace(change: Any) -> tuple[str, str]:
    """The keyspace."""
    return change.keyspace, ""


def _table(change: Any) -> tuple[str, str]:
    return change.keyspace, change.table if isinstance(change.table, str) else change.table.name


def _view_base(change: Any) -> tuple[str, str]:
    """The table of a view."""
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
"""What the statement of a change needs, and on what: for a view, the permission is that on its table."""


def _grant_permissions(step: Step) -> list[RequiredPermission]:
    """Who gives a permission has it, and AUTHORIZE beside it."""
    permission, _, resource = step.object.partition(" ")
    keyspace, _, table = resource.partition(".")
    return [("AUTHORIZE", keyspace, table), (permission, keyspace, table)]
