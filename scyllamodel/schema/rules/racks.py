"""KS108: on tablets, views and indexes need as many copies in a data centre as it has racks, or one.

*In*: a keyspace with its changes, and the racks of each data centre. *Out*: one refusal for each keyspace that ScyllaDB
calls not RF-rack-valid (``locator/tablets.cc``), with both ways out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from scyllamodel.schema.changes import AddIndex, AddView, CreateKeyspace
from scyllamodel.schema.ddl.keyspace import alterations
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.diff.keyspaces import strategy
from scyllamodel.schema.facts import FrozenMap, Keyspace, KeyspaceFacts
from scyllamodel.schema.replication import by_data_center, copies, factors
from scyllamodel.schema.server import is_viewless

if TYPE_CHECKING:
    from scyllamodel.schema.diagnostics import Severity
    from scyllamodel.schema.rules.case import Case, Racks


def unfit(case: Case) -> Iterator[Diagnostic]:
    """KS108 for a keyspace with tablets that cannot have the views and indexes of the plan, or cannot be created."""
    if case.tablets is False or "views" in case.server.without_tablets:
        return
    known = case.tablets is not None
    needing = [name for change in case.changes if (name := _needing(change)) is not None]
    if needing and case.server.views_need_rack_setting:
        severity: Severity = "error" if known and case.server.node.rf_rack_valid is not None else "warn"
        text = f"{_listed(needing)}: views and indexes on tablets need rf_rack_valid_keyspaces: true on {case.server}"
        yield Diagnostic("KS108", severity, case.name, text, f"Set it in scylla.yaml of every node, {_WITHOUT}")
    about = case.found.keyspace or case.wanted.keyspace
    creates = any(isinstance(change, CreateKeyspace) for change in case.changes)
    needing = needing if case.server.views_need_valid_racks else []
    if about is None or case.racks is None or not (needing or (creates and case.server.node.rf_rack_valid)):
        return
    for dc, number, racks in invalid(about, case.racks):
        what = f"{_listed(needing)}: views and indexes" if needing else "rf_rack_valid_keyspaces is set:"
        text = f"{what} on tablets need one copy or one for each rack, and {dc} keeps {number} and has {racks} racks"
        yield Diagnostic("KS108", "error" if known else "warn", case.name, text, _ways(about, dc, racks, case))


_WITHOUT = "or create the keyspace with tablets=False, since that cannot be changed later."


def invalid(about: Keyspace, racks: Racks) -> Iterator[tuple[str, int, int]]:
    """Each data centre with copies that its racks do not share evenly: its name, the copies, and the racks."""
    replication = about.replication or FrozenMap()
    if strategy(replication) not in {"", "NetworkTopologyStrategy"}:
        return
    for dc, factor in sorted(by_data_center(factors(replication), racks).items()):
        number, there = copies(factor), len(racks.get(dc, ()))
        if number is not None and there and not isinstance(factor, tuple) and number not in {0, 1, there}:
            yield dc, number, there


def needs_valid_racks(found: KeyspaceFacts) -> bool:
    """Whether a keyspace holds what the server keeps from an invalid replication: views, or indexes kept in views."""
    indexes = (index for table in found.tables for index in table.indexes)
    return bool(found.views) or any(not is_viewless(index.using) for index in indexes)


def _needing(change: object) -> str | None:
    if isinstance(change, AddView):
        return change.view.name
    if isinstance(change, AddIndex) and not change.index.using:
        return change.index.name
    return None


def _ways(about: Keyspace, dc: str, racks: int, case: Case) -> str:
    """Change the number of copies, or do without tablets."""
    wanted: Mapping[str, Any] = {**(about.replication or {}), dc: str(racks)}
    if case.found.keyspace is None:
        return f"Ask for {racks} copies in {dc}, or for one; {_WITHOUT}"
    steps = alterations(about, attrs.evolve(about, replication=FrozenMap(wanted)), case.server) or []
    listed = "".join(f"\n    {step};" for step in steps)
    return f"Keep {racks} copies in {dc}, or one; or move the data to a keyspace with tablets=False. By hand:{listed}"


def _listed(names: list[str]) -> str:
    return ", ".join(names)
