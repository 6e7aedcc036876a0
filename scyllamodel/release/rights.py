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
from scyllamodel.schema.plan.step import GRANT

Need: TypeAlias = tuple[str, str, str]
"""A permission, a keyspace, and a table; without a table the whole keyspace, without both all keyspaces."""


def check_rights(coordinator: Coordinator, repo: Repo, needs: Iterable[Need]) -> None:
    """Look whether the role has all of these permissions; where the server does not say, it is let through.

    Raises:
        PermissionDenied: something is missing; nothing ran.
    """
    wanted = dict.fromkeys(needs)
    found = read_own_permissions(coordinator, repo) if wanted else None
    if found is None:
        return
    missing = [need for need in wanted if not found.covers(*need)]
    if missing:
        listed = "\n".join(f"  GRANT {grant_text(*need)} TO {quote(found.role)};" for need in missing)
        raise PermissionDenied(
            f"The role {found.role} lacks permissions that this needs, and nothing ran. An administrator can give "
            f"them; scyllamodel grants prints all that a command needs:\n{listed}",
            may_be_applied=False,
        )


def grant_text(permission: str, keyspace: str, table: str) -> str:
    """The middle of a GRANT statement.

    >>> grant_text("SELECT", "shop", "orders"), grant_text("CREATE", "shop", ""), grant_text("CREATE", "", "")
    ('SELECT ON TABLE shop.orders', 'CREATE ON KEYSPACE shop', 'CREATE ON ALL KEYSPACES')
    """
    if table:
        return f"{permission} ON TABLE {qualified(keyspace, table)}"
    return f"{permission} ON KEYSPACE {quote(keyspace)}" if keyspace else f"{permission} ON ALL KEYSPACES"


def internal_needs(internal: KeyspaceFacts) -> Iterator[Need]:
    """What a run under the lock needs: who makes a table owns it, and others read and write those that exist.

    Parameters:
        internal: the keyspace of the internal tables, with them.
    """
    if any(internal.table(table.name) is None for table in TABLES):
        yield "CREATE", internal.name, ""
    for table in TABLES:
        if internal.table(table.name) is not None:
            yield from (("SELECT", internal.name, table.name), ("MODIFY", internal.name, table.name))


def needs_of(steps: Iterable[Step]) -> Iterator[Need]:
    """What the steps of a plan need, but for what the role owns since an earlier step makes it."""
    owned: set[tuple[str, str]] = set()
    for step in steps:
        for need in _of_grant(step) if step.op == GRANT else need_of(step.change):
            if not {need[1:], (need[1], "")} & owned:
                yield need
        if isinstance(step.change, c.CreateKeyspace):
            owned.add((step.change.keyspace.name, ""))
        if isinstance(step.change, c.AddTable):
            owned.add((step.change.keyspace, step.change.table.name))


def need_of(change: c.Change | None) -> list[Need]:
    """What the statement of a change needs; a hand-written statement has no change, and the server decides alone."""
    if change is None:
        return []
    permission, place = NEEDS[change.__class__]
    return [(permission, *place(change))]


def _everywhere(_: Any) -> tuple[str, str]:
    """All keyspaces."""
    return "", ""


def _whole(change: Any) -> tuple[str, str]:
    """The keyspace."""
    return change.keyspace, ""


def _table(change: Any) -> tuple[str, str]:
    return change.keyspace, change.table if isinstance(change.table, str) else change.table.name


def _base(change: Any) -> tuple[str, str]:
    """The table of a view."""
    return change.keyspace, change.view.base


def _options(change: Any) -> tuple[str, str]:
    return change.keyspace, change.base if change.view else change.name


NEEDS: Final[Mapping[type, tuple[str, Callable[[Any], tuple[str, str]]]]] = {
    c.CreateKeyspace: ("CREATE", _everywhere),
    **dict.fromkeys((c.AddTable, c.AddType), ("CREATE", _whole)),
    **dict.fromkeys((c.AddField, c.RenameFields), ("ALTER", _whole)),
    c.DropType: ("DROP", _whole),
    c.DropTable: ("DROP", _table),
    **dict.fromkeys(
        (c.AddColumns, c.DropColumns, c.RenameKeyColumns, c.SetMask, c.SetTtlColumn, c.AddIndex, c.DropIndex),
        ("ALTER", _table),
    ),
    **dict.fromkeys((c.AddView, c.DropView), ("ALTER", _base)),
    c.SetOptions: ("ALTER", _options),
}
"""What the statement of a change needs, and on what: for a view, the permission is that on its table."""


def _of_grant(step: Step) -> list[Need]:
    """Who gives a permission has it, and AUTHORIZE beside it."""
    permission, _, resource = step.object.partition(" ")
    keyspace, _, table = resource.partition(".")
    return [("AUTHORIZE", keyspace, table), (permission, keyspace, table)]
