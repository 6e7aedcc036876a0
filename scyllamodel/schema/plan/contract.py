"""What no model declares any more -> the plan that removes it, as far as it was named.

*In*: both sides of a schema, the server, what may go. *Out*: a `Plan` like any other. A sync never drops anything, so
this is the only way in which something goes, and only by its code and name. No I/O.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from scyllamodel.schema.changes import (
    DropColumns,
    DropIndex,
    DropTable,
    DropType,
    DropView,
    LiveOnly,
    SetMask,
    SetTtlColumn,
)
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.diff import Sides, diff_sides
from scyllamodel.schema.facts import SchemaFacts
from scyllamodel.schema.fingerprint import fingerprint
from scyllamodel.schema.inverse import judged, with_unwritten
from scyllamodel.schema.order import types_in_order
from scyllamodel.schema.plan.plan import Plan
from scyllamodel.schema.plan.step import Step, make_step
from scyllamodel.schema.rules.allow import unused
from scyllamodel.schema.vicinity import Drop, Vicinity

if TYPE_CHECKING:
    from scyllamodel.schema.facts import KeyspaceFacts, Table
    from scyllamodel.schema.server import ServerProfile

_CODES: Final = {
    "view": "DS105",
    "index": "DS106",
    "mask": "DS107",
    "ttl column": "DS108",
    "column": "DS103",
    "table": "DS102",
    "type": "DS104",
}
"""The code of each kind of drop, in the order in which they run: what depends on others goes before them."""


_NO_OWNERS: Final[Mapping[str, str]] = MappingProxyType({})


def contract_plan(
    wanted: SchemaFacts,
    found: SchemaFacts,
    server: ServerProfile,
    *,
    allow: Collection[str] = (),
    owners: Mapping[str, str] = _NO_OWNERS,
) -> Plan:
    """The plan that drops what is live, declared by no model, and named by ``allow``.

    Parameters:
        allow: codes with an object, such as ``DS103:orders.legacy``; a code alone means all of its kind.
        owners: objects of other repos, by their raw dotted names without the keyspace, each with its owner. They stay.
    """
    steps: list[Step] = []
    every: list[Diagnostic] = []
    goal: list[KeyspaceFacts] = []
    live = {part.name: part for part in found}
    for part in wanted:
        now = Vicinity(live[part.name])
        for drop in _drops(Sides.of(live[part.name], part, server), frozenset(allow), owners):
            change = with_unwritten(drop, now.of(drop))
            said = judged(change, now.of(change), server, allow)
            every += said
            if not any(one.severity == "error" for one in said):
                steps.append(make_step(len(steps) + 1, change, said, server))
            now.run(change)
        goal.append(now.whole())
    return Plan(
        keyspace=", ".join(part.name for part in wanted),
        server=str(server),
        schema_from=fingerprint(found),
        schema_to=fingerprint(SchemaFacts(goal)),
        steps=tuple(steps),
        refusals=tuple(one for one in every if one.severity == "error"),
        notes=tuple(unused(allow, every, _known(wanted, found, server, owners))),
    )


def _known(wanted: SchemaFacts, found: SchemaFacts, server: ServerProfile, owners: Mapping[str, str]) -> dict[str, str]:
    """What there is to say of each object that could be meant, by its raw dotted name without the keyspace."""
    live = {part.name: part for part in found}
    known: dict[str, str] = {}
    for part in wanted:
        known |= dict.fromkeys(_names(part), "A model declares it, and contract drops only what no model declares.")
        for change in diff_sides(Sides.of(live[part.name], part, server)):
            if isinstance(change, LiveOnly) and change.what in _CODES:
                known[change.name] = f"The {change.what} is dropped by {_CODES[change.what]}:{change.name}."
    return {**known, **{name: f"It belongs to {owner}, and stays." for name, owner in owners.items() if name in known}}


def _names(part: KeyspaceFacts) -> Iterator[str]:
    for table in part.tables:
        yield table.name
        yield from (f"{table.name}.{column.name}" for column in table.columns)
        yield from (index.name for index in table.indexes)
    yield from (view.name for view in part.views)
    yield from (item.name for item in part.types)


def _drops(sides: Sides, allow: frozenset[str], owners: Mapping[str, str]) -> Iterator[Drop]:
    named = [change for change in diff_sides(sides) if isinstance(change, LiveOnly) and _may_go(change, allow, owners)]
    named.sort(key=lambda change: [*_CODES].index(change.what))
    types = [change.fact for change in named if change.what == "type"]
    indexed = {index.name: table for table in sides.found.tables for index in table.indexes}
    drops = (_drop(change, sides, indexed) for change in named if change.what != "type")
    yield from (drop for drop in drops if drop is not None)
    yield from (DropType(sides.name, found) for found in reversed(types_in_order(types)))


def _may_go(change: LiveOnly, allow: frozenset[str], owners: Mapping[str, str]) -> bool:
    return change.what in _CODES and change.name not in owners and _is_named(change, allow)


def _is_named(change: LiveOnly, allow: frozenset[str]) -> bool:
    code = _CODES[change.what]
    return not allow.isdisjoint({code, f"{code}:{change.name}", f"{code}:{change.keyspace}.{change.name}"})


def _drop(change: LiveOnly, sides: Sides, indexed: Mapping[str, Table]) -> Drop | None:
    """The change that drops it; None for a column of a view, which goes with the view alone.

    Parameters:
        indexed: the tables by the names of their indexes, which are unique in a keyspace.
    """
    fact: Any = change.fact
    if change.what == "view":
        return DropView(sides.name, fact)
    if change.what == "table":
        return DropTable(sides.name, fact)
    if change.what == "index":
        return DropIndex(sides.name, indexed[fact.name], fact)
    owner = sides.tables.get(change.name.removesuffix(f".{fact.name}"))
    if change.what == "mask" and owner is not None:
        return SetMask(sides.name, owner.name, fact.name, None, fact.mask)
    if change.what == "ttl column" and owner is not None:
        return SetTtlColumn(sides.name, owner.name, None, fact.name)
    return None if owner is None else DropColumns(sides.name, owner.name, (fact,))
