"""Wanted facts x found facts -> the plan.

*In*: both schemas, the server, what is allowed. *Out*: a `Plan`, the same byte for byte in whatever order models were
found and rows were read. No I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from scyllamodel.schema.changes import Change, CreateKeyspace
from scyllamodel.schema.diff import Sides, diff_sides
from scyllamodel.schema.facts import KeyspaceFacts, SchemaFacts
from scyllamodel.schema.fingerprint import fingerprint, managed_fingerprint
from scyllamodel.schema.plan.plan import Plan, once
from scyllamodel.schema.plan.step import Step, is_step, make_step
from scyllamodel.schema.rules import Case, Racks, Remark, Topology, judge
from scyllamodel.schema.rules.keyspaces import with_replication

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from scyllamodel.schema.diagnostics import Diagnostic
    from scyllamodel.schema.server import ServerProfile


def make_plan(
    wanted: SchemaFacts | KeyspaceFacts,
    found: SchemaFacts | KeyspaceFacts,
    server: ServerProfile,
    *,
    topology: Topology | None = None,
    racks: Racks | None = None,
    create_keyspace: bool = False,
    allow: Collection[str] = (),
) -> Plan:
    """The plan that makes the live schema hold what models declare.

    Nothing is raised for what cannot be: it stands in ``Plan.refusals``, all of it, and `Plan.raise_refused` raises it.

    Parameters:
        topology: how many nodes each data centre has, up or down; checks the replication of a new keyspace.
        racks: of each data centre; checks what a keyspace with tablets can hold.
        create_keyspace: whether a keyspace that does not exist is to be made; otherwise that is a refusal.
        allow: codes, or ``code:object``, of what may be done although it is refused by default.
    """
    wanted, found = _schema(wanted), _schema(found)
    if create_keyspace:
        wanted = SchemaFacts(with_replication(part, topology) for part in wanted)
    live = {part.name: part for part in found}
    sides = [Sides.of(live.get(part.name, KeyspaceFacts(part.name)), part, server) for part in wanted]
    changes = [diff_sides(side, create_keyspace=create_keyspace) for side in sides]
    cases = [Case(s, c, topology, frozenset(allow), racks) for s, c in zip(sides, changes, strict=True)]
    return _plan(
        Plan(
            keyspace=", ".join(part.name for part in wanted),
            server=str(server),
            schema_from=once(lambda: managed_fingerprint(found, wanted)),
            schema_to=once(lambda: fingerprint(wanted)),
        ),
        [change for part in changes for change in part],
        [remark for case in cases for remark in judge(case)],
        server,
    )


def _schema(facts: SchemaFacts | KeyspaceFacts) -> SchemaFacts:
    return SchemaFacts([facts]) if isinstance(facts, KeyspaceFacts) else facts


def _plan(empty: Plan, changes: Iterable[Change], remarks: list[Remark], server: ServerProfile) -> Plan:
    """Refused changes give no step; remarks on a step go with it, all others are notes."""
    refused = {id(remark.change) for remark in remarks if remark.diagnostic.severity == "error" and remark.change}
    runs = [change for change in changes if is_step(change) and id(change) not in refused]
    first = [change for change in runs if isinstance(change, CreateKeyspace)]
    lints = _by_change(remarks, {id(change) for change in runs})
    spoken_of = {id(lint) for found in lints.values() for lint in found}
    diagnostics = [remark.diagnostic for remark in remarks]
    return attrs.evolve(
        empty,
        bootstrap=_steps(first, lints, server, 1 - len(first)),
        steps=_steps([change for change in runs if not isinstance(change, CreateKeyspace)], lints, server, 1),
        refusals=tuple(found for found in diagnostics if found.severity == "error"),
        notes=tuple(found for found in diagnostics if found.severity != "error" and id(found) not in spoken_of),
    )


def _by_change(remarks: Iterable[Remark], runs: set[int]) -> dict[int, list[Diagnostic]]:
    lints: dict[int, list[Diagnostic]] = {}
    for remark in remarks:
        if remark.change is not None and id(remark.change) in runs:
            lints.setdefault(id(remark.change), []).append(remark.diagnostic)
    return lints


def _steps(
    changes: Iterable[Change], lints: dict[int, list[Diagnostic]], server: ServerProfile, start: int
) -> tuple[Step, ...]:
    return tuple(make_step(seq, c, lints.get(id(c), ()), server) for seq, c in enumerate(changes, start))
