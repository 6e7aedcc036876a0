"""NB for hand-written statements on keyspaces that lose rows or settings, are refused, or have no effect.

*In*: a `RawStatement`. *Out*: diagnostics, whose suggested fix has the statements for the requested replication.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import attrs

from scyllamodel.schema.compare.replication import factor_matches
from scyllamodel.schema.ddl.alter_keyspace import alter_keyspace_statements
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.diff.schema_pair import SchemaPair
from scyllamodel.schema.facts.objects import Keyspace, KeyspaceFacts
from scyllamodel.schema.facts.replication import by_data_center, copy_count, factors, replication_map, strategy_name
from scyllamodel.schema.rules.context import RuleContext
from scyllamodel.schema.rules.keyspaces import refused_replication
from scyllamodel.schema.rules.racks import invalid_factors, needs_even_copies, needs_valid_racks
from scyllamodel.schema.rules.raw_statement import RawStatement, refusal


def durable_writes(raw: RawStatement) -> Iterator[Diagnostic]:
    """NB102: an ``ALTER KEYSPACE`` that enables the commit log again."""
    keyspace = raw.facts.keyspace
    if keyspace is None or keyspace.durable_writes or "durable_writes" in raw.parsed.options:
        return
    if raw.server.resets_durable_writes:
        text = "ALTER KEYSPACE without durable_writes sets it to true, but false is stored"
        yield refusal("NB102", raw, text, "Add the stored value: AND durable_writes = false")


def no_replicas(raw: RawStatement) -> Iterator[Diagnostic]:
    """NB102: a replication without any copy."""
    keyspace, requested = raw.facts.keyspace, raw.parsed.options.get("replication")
    if keyspace is None or not keyspace.tablets or not isinstance(requested, Mapping):
        return
    stored = factors(keyspace.replication or {})
    resulting = {**stored, **factors(cast("Mapping[str, Any]", requested))}
    if any(map(copy_count, stored.values())) and all(copy_count(factor) == 0 for factor in resulting.values()):
        text = "a replication factor of 0 in every data centre deletes all rows of the keyspace"
        yield refusal("NB102", raw, text, "Keep at least one copy, or drop the tables if they are not needed.")


def initial_tablets(raw: RawStatement) -> Iterator[Diagnostic]:
    """NB101: a negative number of tablets, which prevents every CREATE TABLE."""
    tablets = raw.parsed.options.get("tablets")
    initial = str(cast("Mapping[str, Any]", tablets).get("initial")) if isinstance(tablets, Mapping) else ""
    if initial.startswith("-") and raw.server.breaks_at_negative_tablets:
        text = f"no table can be created in a keyspace with {initial} initial tablets: the node runs out of memory"
        yield refusal("NB101", raw, text, "Omit 'initial'.")


def _requested_replication(raw: RawStatement) -> Mapping[str, Any] | None:
    """The replication of the statement; None without one, or if the stored replication is unknown."""
    keyspace, requested = raw.facts.keyspace, raw.parsed.options.get("replication")
    if keyspace is None or keyspace.replication is None or not isinstance(requested, Mapping) or not requested:
        return None
    return replication_map(cast("Mapping[str, Any]", requested))


def refused_factors(raw: RawStatement) -> Iterator[Diagnostic]:
    """NB104: a replication that a keyspace with tablets cannot reach in one step."""
    requested, keyspace = _requested_replication(raw), raw.facts.keyspace
    if requested is None or keyspace is None or not (keyspace.tablets and raw.server.alters_replication_stepwise):
        return
    fault = _refusal_text(factors(keyspace.replication or {}), requested, raw)
    if fault is not None:
        yield refusal("NB104", raw, fault, _statements_text(keyspace, requested, raw))


def unfit_replication(written: RawStatement) -> Iterator[Diagnostic]:
    """NB104: a replication that the nodes, their racks or their settings do not allow, by the rules for repos.

    A keyspace without tablets may have more copies than there are nodes, so that is a warning there.
    """
    value = written.parsed.options.get("replication")
    if not isinstance(value, Mapping) or not value:
        return
    requested = replication_map(cast("Mapping[str, Any]", value))
    altered = _afterwards(written, requested)
    case = RuleContext(
        SchemaPair.of(attrs.evolve(written.facts, keyspace=altered), KeyspaceFacts(written.facts.name), written.server),
        (), written.topology, frozenset(), written.racks,
    )  # fmt: skip
    for diagnostic in refused_replication(requested, case):
        yield attrs.evolve(diagnostic, code="NB104", object=written.path)
    for text in _beyond_nodes(requested, written):
        tablets_in_use = bool(altered.tablets) and bool(written.facts.tables)
        yield Diagnostic("NB104", "error" if tablets_in_use else "warn", written.path, text, "Add nodes first.")
    yield from _beyond_racks(altered, written)


def _afterwards(written: RawStatement, requested: Mapping[str, Any]) -> Keyspace:
    """The keyspace with the replication of the statement; a new one has the tablets that it names."""
    stored, tablets = written.facts.keyspace, written.parsed.options.get("tablets")
    if stored is not None:
        current: Mapping[str, Any] = stored.replication or {} if stored.tablets else {}
        return attrs.evolve(stored, replication=replication_map({**current, **requested}))
    enabled = cast("Mapping[str, Any]", tablets).get("enabled", True) if isinstance(tablets, Mapping) else None
    has_tablets = written.server.makes_tablets(
        strategy_name(requested), tablets=None if enabled is None else enabled in (True, "true")
    )
    return Keyspace(written.facts.name, replication_map(requested), tablets=has_tablets)


def _beyond_nodes(requested: Mapping[str, Any], written: RawStatement) -> Iterator[str]:
    """A text for each data centre that would have more copies than nodes."""
    nodes = written.topology or {}
    if strategy_name(requested) == "SimpleStrategy":
        nodes = {"replication_factor": sum(nodes.values())} if nodes else {}
    for dc, factor in sorted(by_data_center(factors(requested), nodes).items()):
        number, node_count = copy_count(factor), nodes.get(dc)
        if number is not None and node_count is not None and number > node_count:
            text = "the cluster" if dc == "replication_factor" else dc
            yield f"{number} copies are requested in {text}, where there are {node_count} nodes"


def _beyond_racks(altered: Keyspace, written: RawStatement) -> Iterator[Diagnostic]:
    """NB104 for a replication under which views and indexes on tablets would not be RF-rack-valid."""
    enforced = written.server.node.rf_rack_valid is True
    holds = written.server.views_need_valid_racks and needs_valid_racks(written.facts)
    if not altered.tablets or written.racks is None or not (enforced or holds):
        return
    for dc, number, racks in invalid_factors(altered, written.racks, expands=written.server.expands_factors):
        what = "the keyspace has views or indexes, which" if holds else "rf_rack_valid_keyspaces: true"
        text = f"{what} requires one copy in {dc}, or one for each of its {racks} racks, but {number} are requested"
        yield refusal("NB104", written, text, f"Use 1 or {racks} copies in {dc}, or a list of racks.")


def refused_tablets(raw: RawStatement) -> Iterator[Diagnostic]:
    """NB104: a statement that enables or disables tablets, which servers do not support."""
    keyspace, tablets = raw.facts.keyspace, raw.parsed.options.get("tablets")
    if keyspace is None or not isinstance(tablets, Mapping) or not raw.server.has_tablets:
        return
    requests_tablets = cast("Mapping[str, Any]", tablets).get("enabled", True) in (True, "true")
    if requests_tablets != bool(keyspace.tablets):
        text = f"tablets cannot be {'disabled' if keyspace.tablets else 'enabled'} in an existing keyspace"
        yield refusal("NB104", raw, text, "Create another keyspace, and copy the tables.")


def _refusal_text(stored: Mapping[str, Any], requested: Mapping[str, Any], raw: RawStatement) -> str | None:
    """The reason why the server refuses the replication; None if it does not."""
    requested_factors = factors(requested)
    if strategy_name(requested) not in {"", "NetworkTopologyStrategy"}:
        return "a keyspace with tablets accepts only NetworkTopologyStrategy"
    if "replication_factor" in requested_factors:
        return "with tablets each data centre has to be listed; replication_factor is refused"
    left_out = sorted(dc for dc, factor in stored.items() if dc not in requested_factors and copy_count(factor))
    if left_out and raw.server.refuses_missing_centres:
        return f"{', '.join(left_out)} is missing; with tablets each data centre with copies has to be listed"
    changed = {
        dc: factor for dc, factor in requested_factors.items() if not factor_matches(stored.get(dc, "0"), factor)
    }
    if len(changed) > 1 and any(map(copy_count, changed.values())):
        return f"the factors of {', '.join(sorted(changed))} change; with tablets only one can change at a time"
    for dc, factor in changed.items():
        return _step_fault(dc, stored.get(dc, "0"), factor, lists_only=raw.server.expands_factors)
    return None


def _step_fault(dc: str, stored: object, requested: object, *, lists_only: bool) -> str | None:
    stored_count, requested_count = copy_count(stored), copy_count(requested)
    if stored_count is None or requested_count is None:
        return None
    if isinstance(stored, tuple) and not isinstance(requested, tuple) and requested_count:
        return f"the list of racks of {dc} cannot be converted into a number"
    if (
        stored_count
        and requested_count
        and isinstance(requested, tuple)
        and not isinstance(stored, tuple)
        and stored_count != requested_count
    ):
        return f"the number of copies in {dc} can only be converted into a list of as many racks"
    if lists_only and stored_count and requested_count and not isinstance(requested, tuple):
        return f"the number of copies in {dc} changes; the settings of this server accept only a list of racks for that"
    difference = abs(stored_count - requested_count)
    if difference > 1:
        return f"the factor of {dc} changes by {difference}; with tablets it can change only by one at a time"
    return None


def factor_without_effect(raw: RawStatement) -> Iterator[Diagnostic]:
    """NB104: a ``replication_factor`` without effect, since each data centre keeps its factor."""
    requested, keyspace = _requested_replication(raw), raw.facts.keyspace
    if (
        requested is None
        or keyspace is None
        or keyspace.tablets
        or strategy_name(keyspace.replication or {}) != strategy_name(requested)
    ):
        return
    stored, default_count = (
        factors(keyspace.replication or {}),
        copy_count(factors(requested).get("replication_factor")),
    )
    unchanged = sorted(
        dc for dc, factor in stored.items() if dc not in requested and copy_count(factor) != default_count
    )
    if (
        "replication_factor" in factors(requested)
        and strategy_name(requested) == "NetworkTopologyStrategy"
        and unchanged
    ):
        names = ", ".join(unchanged)
        text = f"replication_factor applies only to data centres without copies: {names} keeps its factor"
        yield Diagnostic("NB104", "warn", raw.path, text, _statements_text(keyspace, requested, raw))


def _statements_text(keyspace: Keyspace, requested: Mapping[str, Any], raw: RawStatement) -> str:
    """The statements for the requested replication, or the advice to create another keyspace."""
    durable = raw.parsed.options.get("durable_writes", keyspace.durable_writes)
    left_out = {dc: factor for dc, factor in factors(keyspace.replication or {}).items() if dc not in requested}
    inherited = left_out if "replication_factor" not in requested else {}
    desired = attrs.evolve(
        keyspace, replication=replication_map({**inherited, **requested}), durable_writes=bool(durable)
    )
    steps = (
        None
        if strategy_name(requested) == "SimpleStrategy"
        else alter_keyspace_statements(
            keyspace, desired, raw.server, racks=raw.racks, even=needs_even_copies(raw.facts, raw.server)
        )
    )
    if not steps:
        return "ALTER KEYSPACE cannot make this change: create another keyspace and copy the tables."
    return "Run these statements, one at a time:" + "".join(f"\n    {step};" for step in steps)
