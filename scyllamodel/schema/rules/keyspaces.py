"""KS: keyspaces and replication. A keyspace is created only on request; an existing one is never altered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from scyllamodel.schema.changes.kinds import AddIndex, AddTable, AddView, CreateKeyspace, KeyspaceMismatch, SetOptions
from scyllamodel.schema.ddl.alter_keyspace import alter_keyspace_statements
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts.objects import FrozenMap, Keyspace, KeyspaceFacts
from scyllamodel.schema.facts.replication import by_data_center, copy_count, factors, strategy_fault, strategy_name
from scyllamodel.schema.rules.racks import needs_even_copies

if TYPE_CHECKING:
    from scyllamodel.schema.rules.context import ChangeRule, RuleContext, Topology
    from scyllamodel.schema.server.profile import Feature


def with_replication(desired: KeyspaceFacts, topology: Topology | None) -> KeyspaceFacts:
    """The keyspace; on a cluster of one node, with one copy if no replication is configured."""
    keyspace = desired.keyspace or Keyspace(desired.name)
    if keyspace.replication is not None or topology is None or sum(topology.values()) != 1:
        return desired
    (dc,) = (name for name, nodes in topology.items() if nodes)
    single = FrozenMap({"class": "NetworkTopologyStrategy", dc: "1"})
    return attrs.evolve(desired, keyspace=attrs.evolve(keyspace, replication=single))


def missing(context: RuleContext) -> Iterator[Diagnostic]:
    """KS100 when the keyspace does not exist and its creation was not requested."""
    if context.live.keyspace is None and not any(isinstance(change, CreateKeyspace) for change in context.changes):
        suggested_fix = "Check replication= and pass create_keyspace=True (--create-keyspace), or create it manually."
        yield Diagnostic("KS100", "error", context.name, "the keyspace does not exist", suggested_fix)


def _created(change: CreateKeyspace, context: RuleContext) -> Iterator[Diagnostic]:
    keyspace = change.keyspace
    if keyspace.replication is None:
        nodes = ", ".join(f"{dc} ({n} nodes)" for dc, n in sorted((context.topology or {}).items()))
        suggested_fix = 'Repo(replication={"class": "NetworkTopologyStrategy", "dc1": 3}), with your data centres'
        suggested_fix += f": {nodes}" if nodes else ""
        yield Diagnostic(
            "KS100", "error", context.name, "no replication is configured for the new keyspace", suggested_fix
        )
        return
    fault = strategy_fault(str(keyspace.replication.get("class", "")))
    if fault is not None:
        yield Diagnostic("KS106", "error", context.name, fault, "Names of replication classes are case-sensitive.")
    yield from _factors(keyspace.replication, context)
    yield from _new_tablets(keyspace, context)


def _new_tablets(keyspace: Keyspace, context: RuleContext) -> Iterator[Diagnostic]:
    """KS104 for a keyspace that the server would not create with, or without, tablets."""
    server, class_name = context.server, strategy_name(keyspace.replication or {})
    if keyspace.tablets is not None and not server.has_tablets:
        yield Diagnostic("KS104", "error", context.name, f"{server} does not support tablets", "Leave tablets out.")
    elif server.refuses_strategy(class_name, tablets=keyspace.tablets):
        text = f"new keyspaces have tablets on this server, which {class_name} does not support"
        yield Diagnostic("KS104", "error", context.name, text, "Use NetworkTopologyStrategy, or tablets=False.")
    elif keyspace.tablets is False and server.node.tablets_mode == "enforced":
        text = "this server creates no keyspace without tablets (tablets_mode_for_new_keyspaces: enforced)"
        yield Diagnostic("KS104", "error", context.name, text, "Leave tablets out.")


def _factors(replication: Mapping[str, Any], context: RuleContext) -> Iterator[Diagnostic]:
    if strategy_name(replication) == "SimpleStrategy":
        yield from lint_strategy(context.name, replication)
    yield from refused_replication(replication, context)
    if not any(_unfit_factors(replication, context)):
        nodes = _nodes(replication, context)
        for dc, factor in sorted(_numbers(replication, nodes).items()):
            yield from _factor(context.name, dc, factor, nodes.get(dc))


def refused_replication(replication: Mapping[str, Any], case: RuleContext) -> Iterator[Diagnostic]:
    """KS102, KS104, KS105 and KS106 for a replication that the server accepts for no keyspace.

    An existing keyspace may name a data centre without nodes if it keeps no copies there.
    """
    yield from _racks(replication, case)
    if faults := list(_unfit_factors(replication, case)):
        yield from faults
        return
    nodes = _nodes(replication, case)
    each = _numbers(replication, nodes)
    for dc in sorted(set(each) - set(nodes)) if nodes else ():
        if case.live.keyspace is not None and not copy_count(each[dc]):
            continue
        text = f"there is no data centre {dc!r}; known data centres: {', '.join(sorted(nodes))}"
        yield Diagnostic("KS105", "error", case.name, text, "Names of data centres are case-sensitive.")
    yield from _guarded(replication, each, case)


def _guarded(replication: Mapping[str, Any], each: Mapping[str, str], case: RuleContext) -> Iterator[Diagnostic]:
    """KS102 and KS106 for replication that the settings of the node refuse, or warn of."""
    node, name = case.server.node, strategy_name(replication)
    least, most = node.min_replication_factor, node.most_factor
    for factor in (int(factor) for _, factor in sorted(each.items()) if factor.isdecimal()):
        if least is not None and 0 < factor < least:
            text = f"this server requires at least {least} copies (minimum_replication_factor_fail_threshold)"
            yield Diagnostic("KS102", "error", case.name, text, f"Use at least {least}.")
        elif most is not None and 0 <= most < factor:
            text = f"this server allows at most {most} copies (maximum_replication_factor_fail_threshold)"
            yield Diagnostic("KS102", "error", case.name, text, f"Use at most {most}.")
    text = f"the settings of this server discourage {name}"
    if name in node.refused_strategies:
        refusal = f"the settings of this server forbid {name} (replication_strategy_fail_list)"
        yield Diagnostic("KS106", "error", case.name, refusal, "Choose another replication class.")
    elif name in node.discouraged_strategies and name != "SimpleStrategy":  # KS101 covers SimpleStrategy
        warning = f"{text} (replication_strategy_warn_list)"
        yield Diagnostic("KS106", "warn", case.name, warning, "Choose another replication class.")


def _nodes(replication: Mapping[str, Any], case: RuleContext) -> Topology:
    """The nodes to which each factor applies: those of a data centre, or all."""
    nodes = case.topology or {}
    return (
        {"replication_factor": sum(nodes.values())}
        if nodes and strategy_name(replication) == "SimpleStrategy"
        else nodes
    )


def _numbers(replication: Mapping[str, Any], nodes: Topology) -> dict[str, str]:
    """The number of copies in each data centre, as text; data centres without a factor are included where known."""
    counts = {name: str(_copy_count(value)) for name, value in factors(replication).items()}
    return by_data_center(counts, nodes) if nodes else counts


def _unfit_factors(replication: Mapping[str, Any], context: RuleContext) -> Iterator[Diagnostic]:
    """KS102 for invalid or missing factors; KS106 for factors that SimpleStrategy does not support."""
    requested, name = factors(replication), strategy_name(replication)
    takes = "a whole number" + ", or copies/transient such as 3/1" * context.server.has_transient_replication
    for dc, factor in sorted(requested.items()):
        number = copy_count(factor) if context.server.has_transient_replication else _whole(factor)
        if number is None:
            text = f"the replication factor of {dc} is {factor}, which is not {takes}"
            yield Diagnostic("KS102", "error", context.name, text, "Use a number of copies.")
    if not requested and (name == "SimpleStrategy" or (name in _NTS and not context.server.fills_in_factors)):
        suggested_fix = 'Write {"class": "NetworkTopologyStrategy", "dc1": 3}, with your data centres.'
        yield Diagnostic("KS102", "error", context.name, f"{name} has no number of copies", suggested_fix)
    if name == "SimpleStrategy" and (others := sorted(set(requested) - {"replication_factor"})):
        text = f"SimpleStrategy accepts only replication_factor, not {', '.join(others)}"
        yield Diagnostic("KS106", "error", context.name, text, "Use NetworkTopologyStrategy for data centres.")


_NTS: Final = frozenset({"", "NetworkTopologyStrategy"})


def _whole(factor: object) -> int | None:
    return None if "/" in str(factor) else copy_count(factor)


def _racks(replication: Mapping[str, Any], context: RuleContext) -> Iterator[Diagnostic]:
    """KS104 for rack names where the server requires a number, and KS102 for a rack that is listed twice."""
    rack_lists = {dc: cast("tuple[str, ...]", racks) for dc, racks in replication.items() if isinstance(racks, tuple)}
    for dc, racks in sorted(rack_lists.items()):
        if not context.server.has_rack_lists:
            text = f"{context.server} does not accept rack names, as listed for {dc}"
            yield Diagnostic("KS104", "error", context.name, text, f"Use their number: {len(racks)}.")
        elif context.tablets is False:
            text = f"racks are listed for {dc}, but a keyspace without tablets requires a number"
            yield Diagnostic("KS104", "error", context.name, text, f"Use tablets=True, or the number: {len(racks)}.")
        elif len(set(racks)) < len(racks):
            text = f"a rack of {dc} is listed twice: {', '.join(racks)}"
            yield Diagnostic("KS102", "error", context.name, text, "List each rack once; each keeps one copy.")
        elif context.racks is not None and (unknown := sorted(set(racks) - context.racks.get(dc, frozenset(racks)))):
            text = f"there is no rack {', '.join(unknown)} in {dc}; known racks: {', '.join(sorted(context.racks[dc]))}"
            yield Diagnostic("KS105", "error", context.name, text, "Names of racks are case-sensitive.")


def _copy_count(factor: object) -> object:
    """The number of copies of a list of racks; other factors unchanged."""
    return len(cast("tuple[object, ...]", factor)) if isinstance(factor, tuple) else factor


def _factor(keyspace: str, dc: str, factor: str, nodes: int | None) -> Iterator[Diagnostic]:
    number_of_copies = int(factor) if factor.isdecimal() else None
    location = "" if dc == "replication_factor" else f" in {dc}"
    if number_of_copies is not None and nodes is not None and number_of_copies > nodes:
        text = f"{number_of_copies} copies are configured{location}, where there are {nodes} nodes: "
        text += "reads at consistency ALL would fail"
        yield Diagnostic("KS102", "error", keyspace, text, f"Use at most {nodes}, or add nodes first.")
    elif number_of_copies == 1:
        text = f"one copy{location}: the data of a node is unavailable while it is down, and lost if the node is lost"
        yield Diagnostic("KS102", "warn", keyspace, text, "Use 3, except in tests.")


def _differs(change: KeyspaceMismatch, context: RuleContext) -> Iterator[Diagnostic]:
    live, desired = change.live, change.desired
    differences = [
        f"{name} is {_value_text(getattr(live, name))}, but {_value_text(getattr(desired, name))} is configured"
        for name in ("replication", "durable_writes", "tablets")
        if getattr(desired, name) is not None and getattr(live, name) != getattr(desired, name)
    ]
    yield Diagnostic("KS103", "warn", context.name, "; ".join(differences), _alter_instructions(change, context))


def _alter_instructions(change: KeyspaceMismatch, context: RuleContext) -> str:
    """The statements that lead to the configured keyspace, in the order in which the server accepts them."""
    even = needs_even_copies(context.live, context.server)
    statements = alter_keyspace_statements(change.live, change.desired, context.server, racks=context.racks, even=even)
    if statements is None:
        return (
            "ALTER KEYSPACE cannot make this change: create another keyspace, copy the tables with scyllamodel "
            "backfill, and drop this one. Or configure the stored values."
        )
    completion_note = (
        "ScyllaDB moves the rows and answers when it has finished" if change.live.tablets else "then run a repair"
    )
    statements_text = "\n".join(f"    {step};" for step in statements)
    if even and not (context.server.has_rack_lists and context.racks):
        completion_note += f". {_uneven_note(context)}"
    advice = f"Run these statements manually, one at a time ({completion_note}); or configure the stored values:"
    return f"A sync never alters a keyspace. {advice}\n{statements_text}"


def _uneven_note(context: RuleContext) -> str:
    """What to do where a printed step is refused, because no list of racks leads around it."""
    text = "In this keyspace each step has to result in one copy, or one for each rack; if a step does not, "
    if context.server.has_rack_lists:
        return f"{text}convert the number into a list of racks first, and change the list"
    return f"{text}{context.server} refuses it: create a keyspace with the final number instead, and copy the tables"


def _value_text(value: object) -> str:
    if isinstance(value, Mapping):
        mapping = cast("Mapping[str, object]", value)
        return f"{{{', '.join(f'{name}: {mapping[name]}' for name in sorted(mapping))}}}"
    return str(value)


def lint_strategy(keyspace: str, replication: Mapping[str, Any] | None) -> Iterator[Diagnostic]:
    """KS101: a keyspace that cannot use several data centres."""
    if replication and strategy_name(replication) == "SimpleStrategy":
        text = "SimpleStrategy ignores data centres and racks"
        suggested_fix = (
            'Use {"class": "NetworkTopologyStrategy", "<data centre>": 3}; changing it later requires a full repair.'
        )
        yield Diagnostic("KS101", "warn", keyspace, text, suggested_fix)


def _on_tablets(change: AddTable | AddIndex | AddView | SetOptions, context: RuleContext) -> Iterator[Diagnostic]:
    """KS104 for features that this release does not support in a keyspace with tablets.

    If the role may not read whether new keyspaces get tablets, the plan only warns.
    """
    if context.tablets is False:
        return
    name, features = _required_features(change)
    for feature, description in features:
        if feature in context.server.unsupported_with_tablets:
            yield _not_on_tablets(context, name, description)


def _not_on_tablets(context: RuleContext, name: str, description: str) -> Diagnostic:
    text = f"{context.server} does not support {description} in a keyspace with tablets"
    if context.tablets is None:
        hint = "whether new keyspaces have tablets is in system.config, which this role may not read"
        suggested_fix = (
            "Create it with tablets=False, since that cannot be changed later; or GRANT SELECT ON system.config."
        )
        return Diagnostic("KS104", "warn", context.path(name), f"{text}; {hint}", suggested_fix)
    if context.live.keyspace is None:
        suggested_fix = (
            "Create the keyspace with tablets=False, since that cannot be changed later; or use a newer server."
        )
    else:
        suggested_fix = "Upgrade the cluster, or move the data to a keyspace that is created with tablets=False."
    return Diagnostic("KS104", "error", context.path(name), text, suggested_fix)


def _required_features(change: AddTable | AddIndex | AddView | SetOptions) -> tuple[str, list[tuple[Feature, str]]]:
    """The name of the object, and the features it needs with their descriptions; an ordinary index needs a view."""
    if isinstance(change, AddView):
        return change.view.name, [("views", "materialized views")]
    if isinstance(change, AddIndex):
        return change.index.name, [] if change.index.using else [("views", "indexes")]
    if isinstance(change, SetOptions):
        return change.name, _change_log(change.options)
    features: list[tuple[Feature, str]] = [("counters", "counters")] if change.table.is_counter else []
    return change.table.name, [*features, *_change_log(change.table.options)]


def _change_log(options: Mapping[str, Any]) -> list[tuple[Feature, str]]:
    cdc = options.get("cdc")
    return [("cdc", "cdc")] if isinstance(cdc, FrozenMap) and cdc.get("enabled") == "true" else []


RULES: Final[Mapping[type, ChangeRule]] = {
    CreateKeyspace: _created,
    KeyspaceMismatch: _differs,
    AddTable: _on_tablets,
    AddIndex: _on_tablets,
    AddView: _on_tablets,
    SetOptions: _on_tablets,
}
