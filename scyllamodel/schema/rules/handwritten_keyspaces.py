"""NB for hand-written statements on keyspaces: what loses rows or settings, what is refused, and what does nothing.

*In*: a `Handwritten`. *Out*: remarks. The statements that lead to what is asked for are in the advice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import attrs

from scyllamodel.schema.ddl.keyspace import alterations
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.diff.keyspaces import strategy
from scyllamodel.schema.diff.sides import Sides
from scyllamodel.schema.facts import Keyspace, KeyspaceFacts
from scyllamodel.schema.replication import by_data_center, copies, factors, replication_map
from scyllamodel.schema.rules.case import Case
from scyllamodel.schema.rules.handwritten_statement import Handwritten, refused
from scyllamodel.schema.rules.keyspaces import refused_replication
from scyllamodel.schema.rules.racks import invalid, needs_valid_racks


def durable_writes(written: Handwritten) -> Iterator[Diagnostic]:
    """NB102: an ``ALTER KEYSPACE`` that switches the commit log on again."""
    about = written.found.keyspace
    if about is None or about.durable_writes or "durable_writes" in written.statement.options:
        return
    if written.server.resets_durable_writes:
        text = "ALTER KEYSPACE sets durable_writes to true where it does not name it, and false is stored"
        yield refused("NB102", written, text, "Add the stored value: AND durable_writes = false")


def no_replicas(written: Handwritten) -> Iterator[Diagnostic]:
    """NB102: a replication that keeps no copy at all."""
    about, wanted = written.found.keyspace, written.statement.options.get("replication")
    if about is None or not about.tablets or not isinstance(wanted, Mapping):
        return
    before = factors(about.replication or {})
    after = {**before, **factors(cast("Mapping[str, Any]", wanted))}
    if any(map(copies, before.values())) and all(copies(factor) == 0 for factor in after.values()):
        text = "a factor of 0 in every data centre deletes all rows of the keyspace"
        yield refused("NB102", written, text, "Keep at least one copy; or drop the tables, if nobody needs them.")


def initial_tablets(written: Handwritten) -> Iterator[Diagnostic]:
    """NB101: a negative number of tablets, with which no table can be created."""
    tablets = written.statement.options.get("tablets")
    initial = str(cast("Mapping[str, Any]", tablets).get("initial", 0)) if isinstance(tablets, Mapping) else "0"
    if initial.startswith("-") and written.server.breaks_at_negative_tablets:
        text = f"no table can be created in a keyspace with initial tablets of {initial}: the node runs out of memory"
        yield refused("NB101", written, text, "Leave 'initial' out.")


def _asked(written: Handwritten) -> Mapping[str, Any] | None:
    """The replication of the statement, if it has one and what is stored is known."""
    about, wanted = written.found.keyspace, written.statement.options.get("replication")
    if about is None or about.replication is None or not isinstance(wanted, Mapping) or not wanted:
        return None
    return replication_map(cast("Mapping[str, Any]", wanted))


def refused_factors(written: Handwritten) -> Iterator[Diagnostic]:
    """NB104: a replication that a keyspace with tablets does not take in one step."""
    asked, about = _asked(written), written.found.keyspace
    if asked is None or about is None or not (about.tablets and written.server.alters_replication_in_steps):
        return
    fault = _fault(factors(about.replication or {}), asked, written)
    if fault is not None:
        yield refused("NB104", written, fault, _steps(about, asked, written))


def unfit_replication(written: Handwritten) -> Iterator[Diagnostic]:
    """NB104: a replication that the nodes, their racks or their settings do not allow, as for one of a repo.

    A keyspace without tablets takes more copies than there are nodes, so that is a warning there.
    """
    given = written.statement.options.get("replication")
    if not isinstance(given, Mapping) or not given:
        return
    asked = replication_map(cast("Mapping[str, Any]", given))
    about = _afterwards(written, asked)
    case = Case(
        Sides.of(attrs.evolve(written.found, keyspace=about), KeyspaceFacts(written.found.name), written.server),
        (), written.topology, frozenset(), written.racks,
    )  # fmt: skip
    for said in refused_replication(asked, case):
        yield attrs.evolve(said, code="NB104", object=written.path)
    for text in _beyond_nodes(asked, written):
        held = bool(about.tablets) and bool(written.found.tables)
        yield Diagnostic("NB104", "error" if held else "warn", written.path, text, "Add nodes first.")
    yield from _beyond_racks(about, written)


def _afterwards(written: Handwritten, asked: Mapping[str, Any]) -> Keyspace:
    """The keyspace with the replication of the statement; a new one has the tablets that it names."""
    stored, tablets = written.found.keyspace, written.statement.options.get("tablets")
    if stored is not None:
        kept: Mapping[str, Any] = stored.replication or {} if stored.tablets else {}
        return attrs.evolve(stored, replication=replication_map({**kept, **asked}))
    named = cast("Mapping[str, Any]", tablets).get("enabled", True) if isinstance(tablets, Mapping) else None
    made = written.server.makes_tablets(strategy(asked), tablets=None if named is None else named in (True, "true"))
    return Keyspace(written.found.name, replication_map(asked), tablets=made)


def _beyond_nodes(asked: Mapping[str, Any], written: Handwritten) -> Iterator[str]:
    """What there is to say of each data centre that would keep more copies than it has nodes."""
    nodes = written.topology or {}
    if strategy(asked) == "SimpleStrategy":
        nodes = {"replication_factor": sum(nodes.values())} if nodes else {}
    for dc, factor in sorted(by_data_center(factors(asked), nodes).items()):
        number, there = copies(factor), nodes.get(dc)
        if number is not None and there is not None and number > there:
            text = "the cluster" if dc == "replication_factor" else dc
            yield f"{number} copies are wanted in {text}, where there are {there} nodes"


def _beyond_racks(about: Keyspace, written: Handwritten) -> Iterator[Diagnostic]:
    """A replication under which views and indexes on tablets would not be RF-rack-valid."""
    enforced = written.server.node.rf_rack_valid is True
    holds = written.server.views_need_valid_racks and needs_valid_racks(written.found)
    if not about.tablets or written.racks is None or not (enforced or holds):
        return
    for dc, number, racks in invalid(about, written.racks):
        what = "views and indexes of the keyspace" if holds else "rf_rack_valid_keyspaces: true"
        text = f"{what} need one copy in {dc}, or one for each of its {racks} racks, and {number} are wanted"
        yield refused("NB104", written, text, f"Ask for 1 or {racks} copies in {dc}, or for a list of racks.")


def refused_tablets(written: Handwritten) -> Iterator[Diagnostic]:
    """NB104: tablets that would be switched on or off, which no server does."""
    about, tablets = written.found.keyspace, written.statement.options.get("tablets")
    if about is None or not isinstance(tablets, Mapping) or not written.server.has_tablets:
        return
    wanted = cast("Mapping[str, Any]", tablets).get("enabled", True) in (True, "true")
    if wanted != bool(about.tablets):
        text = f"a keyspace {'with' if about.tablets else 'without'} tablets stays so"
        yield refused("NB104", written, text, "Create another keyspace, and copy the tables.")


def _fault(stored: Mapping[str, Any], asked: Mapping[str, Any], written: Handwritten) -> str | None:
    """What the server says no to."""
    wanted = factors(asked)
    if strategy(asked) not in {"", "NetworkTopologyStrategy"}:
        return "a keyspace with tablets takes no other replication class"
    if "replication_factor" in wanted:
        return "with tablets each data centre has to be named; replication_factor is refused"
    left_out = sorted(dc for dc, factor in stored.items() if dc not in wanted and copies(factor))
    if left_out and written.server.refuses_missing_centres:
        return f"{', '.join(left_out)} is left out; with tablets each data centre with copies has to be named"
    changed = {dc: factor for dc, factor in wanted.items() if not _is_same(stored.get(dc, "0"), factor)}
    if len(changed) > 1 and any(map(copies, changed.values())):
        return f"the factors of {', '.join(sorted(changed))} change; with tablets one data centre changes at a time"
    for dc, factor in changed.items():
        return _step_fault(dc, stored.get(dc, "0"), factor)
    return None


def _is_same(stored: object, wanted: object) -> bool:
    """A number is satisfied by as many racks; racks have no order."""
    if not isinstance(wanted, tuple):
        return copies(stored) == copies(wanted)
    racks = cast("tuple[str, ...]", stored) if isinstance(stored, tuple) else ()
    return set(racks) == set(cast("tuple[str, ...]", wanted))


def _step_fault(dc: str, stored: object, wanted: object) -> str | None:
    before, after = copies(stored), copies(wanted)
    if before is None or after is None:
        return None
    if isinstance(stored, tuple) and not isinstance(wanted, tuple) and after:
        return f"the racks of {dc} do not turn into a number"
    if before and after and isinstance(wanted, tuple) and not isinstance(stored, tuple) and before != after:
        return f"the number of copies in {dc} turns into a list of as many racks, and of no others"
    if abs(before - after) > 1:
        return f"the factor of {dc} changes by {abs(before - after)}; with tablets it changes by one at a time"
    return None


def idle_factor(written: Handwritten) -> Iterator[Diagnostic]:
    """NB104: a ``replication_factor`` that changes no data centre, since each keeps the factor that it has."""
    asked, about = _asked(written), written.found.keyspace
    if asked is None or about is None or about.tablets or strategy(about.replication or {}) != strategy(asked):
        return
    stored, everywhere = factors(about.replication or {}), copies(factors(asked).get("replication_factor"))
    kept = sorted(dc for dc, factor in stored.items() if dc not in asked and copies(factor) != everywhere)
    if "replication_factor" in factors(asked) and strategy(asked) == "NetworkTopologyStrategy" and kept:
        text = f"replication_factor is for data centres without copies: {', '.join(kept)} keeps the factor that it has"
        yield Diagnostic("NB104", "warn", written.path, text, _steps(about, asked, written))


def _steps(about: Keyspace, asked: Mapping[str, Any], written: Handwritten) -> str:
    """The statements that lead to what is asked for, as far as there are any."""
    durable = written.statement.options.get("durable_writes", about.durable_writes)
    left_out = {dc: factor for dc, factor in factors(about.replication or {}).items() if dc not in asked}
    kept = left_out if "replication_factor" not in asked else {}
    wanted = attrs.evolve(about, replication=replication_map({**kept, **asked}), durable_writes=bool(durable))
    steps = None if strategy(asked) == "SimpleStrategy" else alterations(about, wanted, written.server)
    if not steps:
        return "No ALTER KEYSPACE leads there: create another keyspace and copy the tables."
    return "Write, one after the other:" + "".join(f"\n    {step};" for step in steps)
