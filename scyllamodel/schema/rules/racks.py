"""KS108: on tablets, views and indexes need as many copies in a data centre as it has racks, or one.

*In*: a keyspace with its changes, and the racks of each data centre. *Out*: one refusal for each keyspace that is not
RF-rack-valid on ScyllaDB (``locator/tablets.cc``), with both solutions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from scyllamodel.schema.changes.kinds import AddIndex, AddView, CreateKeyspace
from scyllamodel.schema.ddl.alter_keyspace import alter_keyspace_statements
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts.objects import FrozenMap, Keyspace, KeyspaceFacts
from scyllamodel.schema.facts.replication import by_data_center, copy_count, factors, strategy_name
from scyllamodel.schema.server.profile import is_viewless

if TYPE_CHECKING:
    from scyllamodel.schema.diagnostics import Severity
    from scyllamodel.schema.rules.context import Racks, RuleContext
    from scyllamodel.schema.server.profile import ServerProfile


def rack_diagnostics(context: RuleContext) -> Iterator[Diagnostic]:
    """KS108 for a keyspace with tablets that does not support the planned views and indexes, or cannot be created."""
    if context.tablets is False or "views" in context.server.unsupported_with_tablets:
        return
    known = context.tablets is not None
    needing = [name for change in context.changes if (name := _object_that_needs_racks(change)) is not None]
    if needing and context.server.views_need_rack_setting:
        severity: Severity = "error" if known and context.server.node.rf_rack_valid is not None else "warn"
        text = (
            f"{', '.join(needing)}: views and indexes on tablets need rf_rack_valid_keyspaces: true on {context.server}"
        )
        yield Diagnostic(
            "KS108", severity, context.name, text, f"Set it in scylla.yaml of every node, {_WITHOUT_TABLETS}"
        )
    keyspace = context.live.keyspace or context.desired.keyspace
    creates = any(isinstance(change, CreateKeyspace) for change in context.changes)
    needing = needing if context.server.views_need_valid_racks else []
    strict = context.server.node.rf_rack_valid or context.server.expands_factors
    if keyspace is None or context.racks is None or not (needing or (creates and strict)):
        return
    expands = creates and context.server.expands_factors
    for dc, number, racks in invalid_factors(keyspace, context.racks, expands=expands):
        what = f"{', '.join(needing)}: views and indexes" if needing else "the settings of this server: keyspaces"
        text = f"{what} on tablets need one copy or one for each rack, but {dc} has {number} copies and {racks} racks"
        yield Diagnostic(
            "KS108", "error" if known else "warn", context.name, text, _suggested_fix(keyspace, dc, racks, context)
        )


_WITHOUT_TABLETS = "or create the keyspace with tablets=False, since that cannot be changed later."


def invalid_factors(keyspace: Keyspace, racks: Racks, *, expands: bool = False) -> Iterator[tuple[str, int, int]]:
    """Each data centre with copies that cannot be spread evenly over its racks: its name, the copies, and the racks.

    Parameters:
        expands: whether the server makes a list of racks of each number, so that any number up to the racks is valid.
    """
    replication = keyspace.replication or FrozenMap()
    if strategy_name(replication) not in {"", "NetworkTopologyStrategy"}:
        return
    for dc, factor in sorted(by_data_center(factors(replication), racks).items()):
        count, rack_count = copy_count(factor), len(racks.get(dc, ()))
        valid = range(rack_count + 1) if expands else {0, 1, rack_count}
        if count is not None and rack_count and not isinstance(factor, tuple) and count not in valid:
            yield dc, count, rack_count


def needs_valid_racks(facts: KeyspaceFacts) -> bool:
    """Whether a keyspace has objects that need a valid replication: views, or indexes stored in views."""
    indexes = (index for table in facts.tables for index in table.indexes)
    return bool(facts.views) or any(not is_viewless(index.using) for index in indexes)


def needs_even_copies(facts: KeyspaceFacts, server: ServerProfile) -> bool:
    """Whether the server refuses numbers of copies in this keyspace that are neither one nor one for each rack."""
    tablets = facts.keyspace is not None and bool(facts.keyspace.tablets)
    holds = server.views_need_valid_racks and needs_valid_racks(facts)
    return tablets and (server.node.rf_rack_valid is True or server.expands_factors or holds)


def _object_that_needs_racks(change: object) -> str | None:
    if isinstance(change, AddView):
        return change.view.name
    if isinstance(change, AddIndex) and not change.index.using:
        return change.index.name
    return None


def _suggested_fix(keyspace: Keyspace, dc: str, racks: int, context: RuleContext) -> str:
    """The suggested fix: change the number of copies, or use a keyspace without tablets."""
    desired: Mapping[str, Any] = {**(keyspace.replication or {}), dc: str(racks)}
    if context.live.keyspace is None:
        return f"Use {racks} copies in {dc}, or one; {_WITHOUT_TABLETS}"
    steps = (
        alter_keyspace_statements(keyspace, attrs.evolve(keyspace, replication=FrozenMap(desired)), context.server)
        or []
    )
    listed = "".join(f"\n    {step};" for step in steps)
    return f"Use {racks} copies in {dc}, or one; or move the data to a keyspace with tablets=False. Statements:{listed}"
