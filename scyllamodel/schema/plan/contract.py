"""Plan the removal of live objects that no model declares.

*In*: the live and desired schema, the server, what may be dropped. *Out*: a `Plan`. A sync never drops anything; this
is the only way, and each drop has to be allowed by code and name. No I/O.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from scyllamodel.schema.changes.keyspace_state import DropChange, KeyspaceState
from scyllamodel.schema.changes.kinds import (
    DropColumns,
    DropIndex,
    DropTable,
    DropType,
    DropView,
    SetMask,
    SetTtlColumn,
    Unmanaged,
)
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.diff.schema_diff import SchemaPair, diff_pair
from scyllamodel.schema.facts.fingerprint import fingerprint
from scyllamodel.schema.facts.objects import SchemaFacts
from scyllamodel.schema.facts.type_order import dependency_order
from scyllamodel.schema.plan.plan import Plan
from scyllamodel.schema.plan.step import Step, make_step
from scyllamodel.schema.rules.allow import unused_notes
from scyllamodel.schema.rules.undo import evaluate_change, with_unwritten

if TYPE_CHECKING:
    from scyllamodel.schema.facts.objects import KeyspaceFacts, Table
    from scyllamodel.schema.server.profile import ServerProfile

_CODES: Final = {
    "view": "DS105",
    "index": "DS106",
    "mask": "DS107",
    "ttl column": "DS108",
    "column": "DS103",
    "table": "DS102",
    "type": "DS104",
}
"""The code of each kind of drop, in execution order: dependent objects first."""


_NO_OWNERS: Final[Mapping[str, str]] = MappingProxyType({})


def contract_plan(
    desired: SchemaFacts,
    live: SchemaFacts,
    server: ServerProfile,
    *,
    allow: Collection[str] = (),
    owners: Mapping[str, str] = _NO_OWNERS,
) -> Plan:
    """The plan that drops the live objects that no model declares and ``allow`` names.

    Parameters:
        allow: codes with an object, such as ``DS103:orders.legacy``; a code alone means all objects of its kind.
        owners: the owner of each object of another repo, by raw dotted name without the keyspace; they are kept.
    """
    steps: list[Step] = []
    all_diagnostics: list[Diagnostic] = []
    remaining: list[KeyspaceFacts] = []
    live_by_name = {keyspace.name: keyspace for keyspace in live}
    for keyspace in desired:
        state = KeyspaceState(live_by_name[keyspace.name])
        for drop in _allowed_drops(
            SchemaPair.of(live_by_name[keyspace.name], keyspace, server), frozenset(allow), owners
        ):
            change = with_unwritten(drop, state.facts_for(drop))
            diagnostics = evaluate_change(change, state.facts_for(change), server, allow)
            all_diagnostics += diagnostics
            if not any(diagnostic.severity == "error" for diagnostic in diagnostics):
                steps.append(make_step(len(steps) + 1, change, diagnostics, server))
            state.record(change)
        remaining.append(state.all_facts())
    return Plan(
        keyspace=", ".join(keyspace.name for keyspace in desired),
        server=str(server),
        schema_from=fingerprint(live),
        schema_to=fingerprint(SchemaFacts(remaining)),
        steps=tuple(steps),
        refusals=tuple(diagnostic for diagnostic in all_diagnostics if diagnostic.severity == "error"),
        notes=tuple(unused_notes(allow, all_diagnostics, _explanations(desired, live, server, owners))),
    )


def _explanations(
    desired: SchemaFacts, live: SchemaFacts, server: ServerProfile, owners: Mapping[str, str]
) -> dict[str, str]:
    """An explanation for each object, by its raw dotted name without the keyspace."""
    live_by_name = {keyspace.name: keyspace for keyspace in live}
    explanations: dict[str, str] = {}
    for keyspace in desired:
        explanations |= dict.fromkeys(_names(keyspace), "A model declares it; contract drops undeclared objects only.")
        for change in diff_pair(SchemaPair.of(live_by_name[keyspace.name], keyspace, server)):
            if isinstance(change, Unmanaged) and change.kind in _CODES:
                explanations[change.name] = f"The {change.kind} is dropped by {_CODES[change.kind]}:{change.name}."
    return {
        **explanations,
        **{name: f"It belongs to {owner} and is kept." for name, owner in owners.items() if name in explanations},
    }


def _names(keyspace: KeyspaceFacts) -> Iterator[str]:
    for table in keyspace.tables:
        yield table.name
        yield from (f"{table.name}.{column.name}" for column in table.columns)
        yield from (index.name for index in table.indexes)
    yield from (view.name for view in keyspace.views)
    yield from (item.name for item in keyspace.types)


def _allowed_drops(pair: SchemaPair, allow: frozenset[str], owners: Mapping[str, str]) -> Iterator[DropChange]:
    allowed_changes = [
        change for change in diff_pair(pair) if isinstance(change, Unmanaged) and _may_drop(change, allow, owners)
    ]
    allowed_changes.sort(key=lambda change: [*_CODES].index(change.kind))
    types = [change.fact for change in allowed_changes if change.kind == "type"]
    indexed = {index.name: table for table in pair.live.tables for index in table.indexes}
    drops = (_drop_change(change, pair, indexed) for change in allowed_changes if change.kind != "type")
    yield from (drop for drop in drops if drop is not None)
    yield from (DropType(pair.name, user_type) for user_type in reversed(dependency_order(types)))


def _may_drop(change: Unmanaged, allow: frozenset[str], owners: Mapping[str, str]) -> bool:
    return change.kind in _CODES and change.name not in owners and _is_allowed(change, allow)


def _is_allowed(change: Unmanaged, allow: frozenset[str]) -> bool:
    code = _CODES[change.kind]
    return not allow.isdisjoint({code, f"{code}:{change.name}", f"{code}:{change.keyspace}.{change.name}"})


def _drop_change(change: Unmanaged, pair: SchemaPair, tables_by_index: Mapping[str, Table]) -> DropChange | None:
    """The change that drops the object; None for a column of a view, which can only be dropped with the view.

    Parameters:
        tables_by_index: the tables by the names of their indexes, which are unique in a keyspace.
    """
    fact: Any = change.fact
    if change.kind == "view":
        return DropView(pair.name, fact)
    if change.kind == "table":
        return DropTable(pair.name, fact)
    if change.kind == "index":
        return DropIndex(pair.name, tables_by_index[fact.name], fact)
    owner = pair.live_tables.get(change.name.removesuffix(f".{fact.name}"))
    if change.kind == "mask" and owner is not None:
        return SetMask(pair.name, owner.name, fact.name, None, fact.mask)
    if change.kind == "ttl column" and owner is not None:
        return SetTtlColumn(pair.name, owner.name, None, fact.name)
    return None if owner is None else DropColumns(pair.name, owner.name, (fact,))
