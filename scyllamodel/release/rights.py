"""Whether the role of this connection may do what a plan says, asked before anything runs.

*In*: a plan, or the permissions that a command needs. *Out*: nothing, or one error with everything that is missing. The
server decides in the end; this keeps a run from stopping half-way for want of a permission.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from scyllamodel._identifiers import qualified, quote
from scyllamodel.driver.coordinator import Coordinator
from scyllamodel.driver.permissions import own_permissions
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
    found = own_permissions(coordinator, repo) if wanted else None
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
        change = step.change
        if isinstance(change, c.CreateKeyspace):
            yield "CREATE", "", ""
            owned.add((change.keyspace.name, ""))
            continue
        for permission, keyspace, table in _of_grant(step) if step.op == GRANT else _of(change):
            if not {(keyspace, ""), (keyspace, table)} & owned:
                yield permission, keyspace, table
        if isinstance(change, c.AddTable):
            owned.add((change.keyspace, change.table.name))


def _of(change: Any) -> list[Need]:
    kind: Any = change.__class__
    if kind not in _NEEDS:  # no statement, or its right depends on what is not told
        return []
    permission, name = _NEEDS[kind]
    place = name(change)
    return [] if place is None else [(permission, change.keyspace, place)]


def _whole(_: Any) -> str:
    """The keyspace."""
    return ""


def _table(change: Any) -> str:
    return change.table if isinstance(change.table, str) else change.table.name


_NEEDS: Final[Mapping[type, tuple[str, Callable[[Any], str | None]]]] = {
    c.AddTable: ("CREATE", _whole),
    c.AddType: ("CREATE", _whole),
    c.AddField: ("ALTER", _whole),
    c.RenameFields: ("ALTER", _whole),
    c.DropType: ("DROP", _whole),
    c.DropTable: ("DROP", _table),
    **dict.fromkeys(
        (c.AddColumns, c.DropColumns, c.RenameKeyColumns, c.SetMask, c.AddIndex, c.DropIndex), ("ALTER", _table)
    ),
    c.SetOptions: ("ALTER", lambda change: None if change.view else change.name),
    **dict.fromkeys((c.AddView, c.DropView), ("ALTER", lambda change: change.view.base)),
}
"""What the statement of a change needs; on a view it is the right on its table, which options of a view do not name."""


def _of_grant(step: Step) -> list[Need]:
    """Who gives a permission has it, and AUTHORIZE beside it."""
    permission, _, resource = step.object.partition(" ")
    keyspace, _, table = resource.partition(".")
    return [("AUTHORIZE", keyspace, table), (permission, keyspace, table)]
