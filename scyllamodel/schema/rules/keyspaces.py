"""KS: where the data will live. A keyspace is made when it is asked for; an existing one is never altered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from scyllamodel.schema.changes import AddIndex, AddTable, AddView, CreateKeyspace, KeyspaceMismatch, SetOptions
from scyllamodel.schema.ddl.keyspace import alter_keyspace_statements
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.diff.keyspaces import strategy_name
from scyllamodel.schema.facts import FrozenMap, Keyspace, KeyspaceFacts
from scyllamodel.schema.replication import by_data_center, copy_count, factors, strategy_fault
from scyllamodel.schema.rules.racks import needs_valid_racks

if TYPE_CHECKING:
    from scyllamodel.schema.rules.case import ChangeRule, RuleContext, Topology
    from scyllamodel.schema.server import Feature


def with_replication(desired: KeyspaceFacts, topology: Topology | None) -> KeyspaceFacts:
    """The same, with one copy on a cluster of one node where nobody said how many; elsewhere that is for people."""
    keyspace = desired.keyspace or Keyspace(desired.name)
    if keyspace.replication is not None or topology is None or sum(topology.values()) != 1:
        return desired
    (dc,) = (name for name, nodes in topology.items() if nodes)
    single = FrozenMap({"class": "NetworkTopologyStrategy", dc: "1"})
    return attrs.evolve(desired, keyspace=attrs.evolve(keyspace, replication=single))


def missing(context: RuleContext) -> Iterator[Diagnostic]:
    """KS100 when the keyspace does not exist and nobody asked for it."""
    if context.live.keyspace is None and not any(isinstance(change, CreateKeyspace) for change in context.changes):
        suggested_fix = "Pass create_keyspace=True (--create-keyspace), or make it by hand; see its replication twice."
        yield Diagnostic("KS100", "error", context.name, "the keyspace does not exist", suggested_fix)


def _created(change: CreateKeyspace, context: RuleContext) -> Iterator[Diagnostic]:
    keyspace = change.keyspace
    if keyspace.replication is None:
        nodes = ", ".join(f"{dc} ({n} nodes)" for dc, n in sorted((context.topology or {}).items()))
        suggested_fix = 'Repo(replication={"class": "NetworkTopologyStrategy", "dc1": 3}), with your data centres'
        suggested_fix += f": {nodes}" if nodes else ""
        yield Diagnostic(
            "KS100", "error", context.name, "nobody said how the new keyspace is replicated", suggested_fix
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
        yield Diagnostic("KS104", "error", context.name, f"{server} has no tablets", "Leave tablets out.")
    elif server.refuses_strategy(class_name, tablets=keyspace.tablets):
        text = f"new keyspaces have tablets here, and {class_name} cannot have them"
        yield Diagnostic("KS104", "error", context.name, text, "Write NetworkTopologyStrategy, or tablets=False.")
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
    """KS102, KS104, KS105 and KS106 for a replication that the server takes for no keyspace.

    One that exists may name a data centre that is gone, to keep no copies there.
    """
    yield from _racks(replication, case)
    if faults := list(_unfit_factors(replication, case)):
        yield from faults
        return
    nodes = _nodes(replication, case)
    each = _numbers(replication, nodes)
    for dc in sorted(set(each) - {*nodes, "replication_factor"}) if nodes else ():
        if case.live.keyspace is not None and not copy_count(each[dc]):
            continue
        text = f"no node is in a data centre {dc!r}; there are {', '.join(sorted(nodes))}"
        yield Diagnostic("KS105", "error", case.name, text, "Names of data centres are case-sensitive.")
    yield from _guarded(replication, each, case)


def _guarded(replication: Mapping[str, Any], each: Mapping[str, str], case: RuleContext) -> Iterator[Diagnostic]:
    """KS102 and KS106 for what the settings of the node refuse, or warn of."""
    node, name = case.server.node, strategy_name(replication)
    least, most = node.min_replication_factor or 0, -1 if node.most_factor is None else node.most_factor
    for factor in (int(factor) for _, factor in sorted(each.items()) if factor.isdecimal()):
        if 0 < factor < least:
            text = f"this server takes no fewer than {least} copies (minimum_replication_factor_fail_threshold)"
            yield Diagnostic("KS102", "error", case.name, text, f"Ask for at least {least}.")
        elif 0 <= most < factor:
            text = f"this server takes no more than {most} copies (maximum_replication_factor_fail_threshold)"
            yield Diagnostic("KS102", "error", case.name, text, f"Ask for at most {most}.")
    text = f"the settings of this server name {name} as one not to use"
    if name in node.refused_strategies:
        said = f"{text} (replication_strategy_fail_list)"
        yield Diagnostic("KS106", "error", case.name, said, "Choose another replication class.")
    elif name in node.discouraged_strategies and name != "SimpleStrategy":  # KS101 says it of that one
        said = f"{text} (replication_strategy_warn_list)"
        yield Diagnostic("KS106", "warn", case.name, said, "Choose another replication class.")


def _nodes(replication: Mapping[str, Any], case: RuleContext) -> Topology:
    """The nodes that each factor counts: those of a data centre, or all."""
    nodes = case.topology or {}
    return (
        {"replication_factor": sum(nodes.values())}
        if nodes and strategy_name(replication) == "SimpleStrategy"
        else nodes
    )


def _numbers(replication: Mapping[str, Any], nodes: Topology) -> dict[str, str]:
    """The number of copies in each data centre, as text; of those that nobody names as far as they are known."""
    asked = {name: str(_copy_count(value)) for name, value in factors(replication).items()}
    return by_data_center(asked, nodes) if nodes else asked


def _unfit_factors(replication: Mapping[str, Any], context: RuleContext) -> Iterator[Diagnostic]:
    """KS102 for factors that are no numbers, or none at all; KS106 for what SimpleStrategy does not know."""
    asked, name = factors(replication), strategy_name(replication)
    takes = "a whole number" + ", or copies/transient such as 3/1" * context.server.has_transient_replication
    for dc, factor in sorted(asked.items()):
        number = copy_count(factor) if context.server.has_transient_replication else _whole(factor)
        if number is None:
            text = f"the factor of {dc} is {factor}, which is not {takes}"
            yield Diagnostic("KS102", "error", context.name, text, "Write a number of copies.")
    if not asked and (name == "SimpleStrategy" or (name in _NTS and not context.server.fills_in_factors)):
        suggested_fix = 'Write {"class": "NetworkTopologyStrategy", "dc1": 3}, with your data centres.'
        yield Diagnostic("KS102", "error", context.name, f"{name} is given no number of copies", suggested_fix)
    if name == "SimpleStrategy" and (others := sorted(set(asked) - {"replication_factor"})):
        text = f"SimpleStrategy takes replication_factor alone, and not {', '.join(others)}"
        yield Diagnostic("KS106", "error", context.name, text, "Write NetworkTopologyStrategy for data centres.")


_NTS: Final = frozenset({"", "NetworkTopologyStrategy"})


def _whole(factor: object) -> int | None:
    return None if "/" in str(factor) else copy_count(factor)


def _racks(replication: Mapping[str, Any], context: RuleContext) -> Iterator[Diagnostic]:
    """KS104 for racks that are named where the server wants their number, and KS102 for one that is named twice."""
    rack_lists = {dc: cast("tuple[str, ...]", racks) for dc, racks in replication.items() if isinstance(racks, tuple)}
    for dc, racks in sorted(rack_lists.items()):
        if not context.server.has_rack_lists:
            text = f"{context.server} takes no names of racks, as for {dc}"
            yield Diagnostic("KS104", "error", context.name, text, f"Write their number: {len(racks)}.")
        elif context.tablets is False:
            text = f"racks are named for {dc}, and a keyspace without tablets takes a number"
            yield Diagnostic("KS104", "error", context.name, text, f"Write tablets=True, or the number: {len(racks)}.")
        elif len(set(racks)) < len(racks):
            text = f"a rack of {dc} is named twice: {', '.join(racks)}"
            yield Diagnostic("KS102", "error", context.name, text, "Name each rack once; one copy is kept in each.")
        elif context.racks is not None and (unknown := sorted(set(racks) - context.racks.get(dc, frozenset(racks)))):
            text = (
                f"no node is in the rack {', '.join(unknown)} of {dc}; there are {', '.join(sorted(context.racks[dc]))}"
            )
            yield Diagnostic("KS105", "error", context.name, text, "Names of racks are case-sensitive.")


def _copy_count(factor: object) -> object:
    """A factor as a number of copies, where it means one."""
    return len(cast("tuple[object, ...]", factor)) if isinstance(factor, tuple) else factor


def _factor(keyspace: str, dc: str, factor: str, nodes: int | None) -> Iterator[Diagnostic]:
    number_of_copies = int(factor) if factor.isdecimal() else None
    location = "" if dc == "replication_factor" else f" in {dc}"
    if number_of_copies is not None and nodes is not None and number_of_copies > nodes:
        text = f"{number_of_copies} copies are wanted{location}, where there are {nodes} nodes: "
        text += "nothing could be read at ALL"
        yield Diagnostic("KS102", "error", keyspace, text, f"Ask for at most {nodes}, or add nodes first.")
    elif number_of_copies == 1:
        text = (
            f"one copy{location}: a node that is down takes its share of the data away, and one that is lost for good"
        )
        yield Diagnostic("KS102", "warn", keyspace, text, "For anything but tests use 3.")


def _differs(change: KeyspaceMismatch, context: RuleContext) -> Iterator[Diagnostic]:
    live, desired = change.live, change.desired
    differences = [
        f"{name} is {_value_text(getattr(live, name))}, and {_value_text(getattr(desired, name))} is configured"
        for name in ("replication", "durable_writes", "tablets")
        if getattr(desired, name) is not None and getattr(live, name) != getattr(desired, name)
    ]
    yield Diagnostic("KS103", "warn", context.name, "; ".join(differences), _alter_instructions(change, context))


def _alter_instructions(change: KeyspaceMismatch, context: RuleContext) -> str:
    """The statements that lead to what is configured, in the order in which the server takes them."""
    statements = alter_keyspace_statements(change.live, change.desired, context.server)
    if statements is None:
        return (
            "No ALTER KEYSPACE leads there: create another keyspace, copy the tables with scyllamodel backfill, and "
            "drop this one. Or configure what is there."
        )
    completion_note = (
        "ScyllaDB moves the rows itself, and answers when it is done" if change.live.tablets else "then repair"
    )
    statements_text = "\n".join(f"    {step};" for step in statements)
    if change.live.tablets and context.server.views_need_valid_racks and needs_valid_racks(context.live):
        completion_note += (
            ". The keyspace holds views or indexes, so each step has to leave one copy or one for each rack: where "
        )
        completion_note += "one does not, turn the number into a list of racks first, and change the list"
    advice = f"By hand, one after the other ({completion_note}); or configure what is there:"
    return f"A sync never alters it. {advice}\n{statements_text}"


def _value_text(value: object) -> str:
    if isinstance(value, Mapping):
        mapping = cast("Mapping[str, object]", value)
        return f"{{{', '.join(f'{name}: {mapping[name]}' for name in sorted(mapping))}}}"
    return str(value)


def lint_strategy(keyspace: str, replication: Mapping[str, Any] | None) -> Iterator[Diagnostic]:
    """KS101: a keyspace that cannot grow beyond one data centre."""
    if replication and strategy_name(replication) == "SimpleStrategy":
        text = "SimpleStrategy knows no data centres and no racks"
        suggested_fix = (
            'Write {"class": "NetworkTopologyStrategy", "<data centre>": 3}; a later change is a repair of everything.'
        )
        yield Diagnostic("KS101", "warn", keyspace, text, suggested_fix)


def _on_tablets(change: AddTable | AddIndex | AddView | SetOptions, context: RuleContext) -> Iterator[Diagnostic]:
    """KS104 for what a keyspace with tablets cannot hold at this release.

    Where the role may not read whether new keyspaces get them, the plan only warns.
    """
    if context.tablets is False:
        return
    name, features = _required_features(change)
    for feature, description in features:
        if feature in context.server.unsupported_with_tablets:
            yield _not_on_tablets(context, name, description)


def _not_on_tablets(context: RuleContext, name: str, description: str) -> Diagnostic:
    text = f"{context.server} has no {description} in a keyspace with tablets"
    if context.tablets is None:
        hint = "whether new ones have them is in system.config, which this role may not read"
        suggested_fix = (
            "Create it with tablets=False, since that cannot be changed later; or GRANT SELECT ON system.config."
        )
        return Diagnostic("KS104", "warn", context.path(name), f"{text}, and {hint}", suggested_fix)
    if context.live.keyspace is None:
        suggested_fix = (
            "Create the keyspace with tablets=False, since that cannot be changed later; or use a newer server."
        )
    else:
        suggested_fix = "Upgrade the cluster, or move the data to a keyspace that is created with tablets=False."
    return Diagnostic("KS104", "error", context.path(name), text, suggested_fix)


def _required_features(change: AddTable | AddIndex | AddView | SetOptions) -> tuple[str, list[tuple[Feature, str]]]:
    """The name of what is made, and the features that it needs with their words; an ordinary index needs a view."""
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
