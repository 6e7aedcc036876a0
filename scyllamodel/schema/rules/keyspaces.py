"""KS: where the data will live. A keyspace is made when it is asked for; an existing one is never altered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from scyllamodel.schema.changes import AddIndex, AddTable, AddView, CreateKeyspace, KeyspaceDiffers, SetOptions
from scyllamodel.schema.ddl.keyspace import alterations
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.diff.keyspaces import strategy
from scyllamodel.schema.facts import FrozenMap, Keyspace, KeyspaceFacts
from scyllamodel.schema.replication import by_data_center, copies, factors, strategy_fault
from scyllamodel.schema.rules.racks import needs_valid_racks

if TYPE_CHECKING:
    from scyllamodel.schema.rules.case import Case, ChangeRule, Topology
    from scyllamodel.schema.server import Feature


def with_replication(wanted: KeyspaceFacts, topology: Topology | None) -> KeyspaceFacts:
    """The same, with one copy on a cluster of one node where nobody said how many; elsewhere that is for people."""
    about = wanted.keyspace or Keyspace(wanted.name)
    if about.replication is not None or topology is None or sum(topology.values()) != 1:
        return wanted
    (dc,) = (name for name, nodes in topology.items() if nodes)
    single = FrozenMap({"class": "NetworkTopologyStrategy", dc: "1"})
    return attrs.evolve(wanted, keyspace=attrs.evolve(about, replication=single))


def missing(case: Case) -> Iterator[Diagnostic]:
    """KS100 when the keyspace does not exist and nobody asked for it."""
    if case.found.keyspace is None and not any(isinstance(change, CreateKeyspace) for change in case.changes):
        fix = "Pass create_keyspace=True (--create-keyspace), or make it by hand; see its replication twice."
        yield Diagnostic("KS100", "error", case.name, "the keyspace does not exist", fix)


def _created(change: CreateKeyspace, case: Case) -> Iterator[Diagnostic]:
    about = change.keyspace
    if about.replication is None:
        nodes = ", ".join(f"{dc} ({n} nodes)" for dc, n in sorted((case.topology or {}).items()))
        fix = 'Repo(replication={"class": "NetworkTopologyStrategy", "dc1": 3}), with your data centres'
        fix += f": {nodes}" if nodes else ""
        yield Diagnostic("KS100", "error", case.name, "nobody said how the new keyspace is replicated", fix)
        return
    fault = strategy_fault(str(about.replication.get("class", "")))
    if fault is not None:
        yield Diagnostic("KS106", "error", case.name, fault, "Names of replication classes are case-sensitive.")
    yield from _factors(about.replication, case)
    yield from _new_tablets(about, case)


def _new_tablets(about: Keyspace, case: Case) -> Iterator[Diagnostic]:
    """KS104 for a keyspace that the server would not create with, or without, tablets."""
    server, name = case.server, strategy(about.replication or {})
    if about.tablets is not None and not server.has_tablets:
        yield Diagnostic("KS104", "error", case.name, f"{server} has no tablets", "Leave tablets out.")
    elif server.refused_strategy(name, tablets=about.tablets):
        text = f"new keyspaces have tablets here, and {name} cannot have them"
        yield Diagnostic("KS104", "error", case.name, text, "Write NetworkTopologyStrategy, or tablets=False.")
    elif about.tablets is False and server.node.tablets_mode == "enforced":
        text = "this server creates no keyspace without tablets (tablets_mode_for_new_keyspaces: enforced)"
        yield Diagnostic("KS104", "error", case.name, text, "Leave tablets out.")


def _factors(replication: Mapping[str, Any], case: Case) -> Iterator[Diagnostic]:
    if strategy(replication) == "SimpleStrategy":
        yield from lint_strategy(case.name, replication)
    yield from refused_replication(replication, case)
    if not any(_unfit_factors(replication, case)):
        nodes = _nodes(replication, case)
        for dc, factor in sorted(_numbers(replication, nodes).items()):
            yield from _factor(case.name, dc, factor, nodes.get(dc))


def refused_replication(replication: Mapping[str, Any], case: Case) -> Iterator[Diagnostic]:
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
        if case.found.keyspace is not None and not copies(each[dc]):
            continue
        text = f"no node is in a data centre {dc!r}; there are {', '.join(sorted(nodes))}"
        yield Diagnostic("KS105", "error", case.name, text, "Names of data centres are case-sensitive.")
    yield from _guarded(replication, each, case)


def _guarded(replication: Mapping[str, Any], each: Mapping[str, str], case: Case) -> Iterator[Diagnostic]:
    """KS102 and KS106 for what the settings of the node refuse, or warn of."""
    node, name = case.server.node, strategy(replication)
    least, most = node.least_factor or 0, -1 if node.most_factor is None else node.most_factor
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


def _nodes(replication: Mapping[str, Any], case: Case) -> Topology:
    """The nodes that each factor counts: those of a data centre, or all."""
    nodes = case.topology or {}
    return {"replication_factor": sum(nodes.values())} if nodes and strategy(replication) == "SimpleStrategy" else nodes


def _numbers(replication: Mapping[str, Any], nodes: Topology) -> dict[str, str]:
    """The number of copies in each data centre, as text; of those that nobody names as far as they are known."""
    asked = {name: str(_count(value)) for name, value in factors(replication).items()}
    return by_data_center(asked, nodes) if nodes else asked


def _unfit_factors(replication: Mapping[str, Any], case: Case) -> Iterator[Diagnostic]:
    """KS102 for factors that are no numbers, or none at all; KS106 for what SimpleStrategy does not know."""
    asked, name = factors(replication), strategy(replication)
    takes = "a whole number" + ", or copies/transient such as 3/1" * case.server.has_transient_replication
    for dc, factor in sorted(asked.items()):
        number = copies(factor) if case.server.has_transient_replication else _whole(factor)
        if number is None:
            text = f"the factor of {dc} is {factor}, which is not {takes}"
            yield Diagnostic("KS102", "error", case.name, text, "Write a number of copies.")
    if not asked and (name == "SimpleStrategy" or (name in _NTS and not case.server.fills_in_factors)):
        fix = 'Write {"class": "NetworkTopologyStrategy", "dc1": 3}, with your data centres.'
        yield Diagnostic("KS102", "error", case.name, f"{name} is given no number of copies", fix)
    if name == "SimpleStrategy" and (others := sorted(set(asked) - {"replication_factor"})):
        text = f"SimpleStrategy takes replication_factor alone, and not {', '.join(others)}"
        yield Diagnostic("KS106", "error", case.name, text, "Write NetworkTopologyStrategy for data centres.")


_NTS: Final = frozenset({"", "NetworkTopologyStrategy"})


def _whole(factor: object) -> int | None:
    return None if "/" in str(factor) else copies(factor)


def _racks(replication: Mapping[str, Any], case: Case) -> Iterator[Diagnostic]:
    """KS104 for racks that are named where the server wants their number, and KS102 for one that is named twice."""
    listed = {dc: cast("tuple[str, ...]", racks) for dc, racks in replication.items() if isinstance(racks, tuple)}
    for dc, racks in sorted(listed.items()):
        if not case.server.has_rack_lists:
            text = f"{case.server} takes no names of racks, as for {dc}"
            yield Diagnostic("KS104", "error", case.name, text, f"Write their number: {len(racks)}.")
        elif case.tablets is False:
            text = f"racks are named for {dc}, and a keyspace without tablets takes a number"
            yield Diagnostic("KS104", "error", case.name, text, f"Write tablets=True, or the number: {len(racks)}.")
        elif len(set(racks)) < len(racks):
            text = f"a rack of {dc} is named twice: {', '.join(racks)}"
            yield Diagnostic("KS102", "error", case.name, text, "Name each rack once; one copy is kept in each.")
        elif case.racks is not None and (unknown := sorted(set(racks) - case.racks.get(dc, frozenset(racks)))):
            text = f"no node is in the rack {', '.join(unknown)} of {dc}; there are {', '.join(sorted(case.racks[dc]))}"
            yield Diagnostic("KS105", "error", case.name, text, "Names of racks are case-sensitive.")


def _count(factor: object) -> object:
    """A factor as a number of copies, where it means one."""
    return len(cast("tuple[object, ...]", factor)) if isinstance(factor, tuple) else factor


def _factor(keyspace: str, dc: str, factor: str, nodes: int | None) -> Iterator[Diagnostic]:
    copies = int(factor) if factor.isdecimal() else None
    where = "" if dc == "replication_factor" else f" in {dc}"
    if copies is not None and nodes is not None and copies > nodes:
        text = f"{copies} copies are wanted{where}, where there are {nodes} nodes: nothing could be read at ALL"
        yield Diagnostic("KS102", "error", keyspace, text, f"Ask for at most {nodes}, or add nodes first.")
    elif copies == 1:
        text = f"one copy{where}: a node that is down takes its share of the data away, and one that is lost for good"
        yield Diagnostic("KS102", "warn", keyspace, text, "For anything but tests use 3.")


def _differs(change: KeyspaceDiffers, case: Case) -> Iterator[Diagnostic]:
    found, wanted = change.found, change.wanted
    said = [
        f"{name} is {_told(getattr(found, name))}, and {_told(getattr(wanted, name))} is configured"
        for name in ("replication", "durable_writes", "tablets")
        if getattr(wanted, name) is not None and getattr(found, name) != getattr(wanted, name)
    ]
    yield Diagnostic("KS103", "warn", case.name, "; ".join(said), _way(change, case))


def _way(change: KeyspaceDiffers, case: Case) -> str:
    """The statements that lead to what is configured, in the order in which the server takes them."""
    steps = alterations(change.found, change.wanted, case.server)
    if steps is None:
        return (
            "No ALTER KEYSPACE leads there: create another keyspace, copy the tables with scyllamodel backfill, and "
            "drop this one. Or configure what is there."
        )
    after = "ScyllaDB moves the rows itself, and answers when it is done" if change.found.tablets else "then repair"
    listed = "\n".join(f"    {step};" for step in steps)
    if change.found.tablets and case.server.views_need_valid_racks and needs_valid_racks(case.found):
        after += (
            ". The keyspace holds views or indexes, so each step has to leave one copy or one for each rack: where "
        )
        after += "one does not, turn the number into a list of racks first, and change the list"
    return f"A sync never alters it. By hand, one after the other ({after}); or configure what is there:\n{listed}"


def _told(value: object) -> str:
    if isinstance(value, Mapping):
        found = cast("Mapping[str, object]", value)
        return f"{{{', '.join(f'{name}: {found[name]}' for name in sorted(found))}}}"
    return str(value)


def lint_strategy(keyspace: str, replication: Mapping[str, Any] | None) -> Iterator[Diagnostic]:
    """KS101: a keyspace that cannot grow beyond one data centre."""
    if replication and strategy(replication) == "SimpleStrategy":
        text = "SimpleStrategy knows no data centres and no racks"
        fix = (
            'Write {"class": "NetworkTopologyStrategy", "<data centre>": 3}; a later change is a repair of everything.'
        )
        yield Diagnostic("KS101", "warn", keyspace, text, fix)


def _on_tablets(change: AddTable | AddIndex | AddView | SetOptions, case: Case) -> Iterator[Diagnostic]:
    """KS104 for what a keyspace with tablets cannot hold at this release.

    Where the role may not read whether new keyspaces get them, the plan only warns.
    """
    if case.tablets is False:
        return
    name, held = _held(change)
    for feature, what in held:
        if feature in case.server.without_tablets:
            yield _not_on_tablets(case, name, what)


def _not_on_tablets(case: Case, name: str, what: str) -> Diagnostic:
    text = f"{case.server} has no {what} in a keyspace with tablets"
    if case.tablets is None:
        hint = "whether new ones have them is in system.config, which this role may not read"
        fix = "Create it with tablets=False, since that cannot be changed later; or GRANT SELECT ON system.config."
        return Diagnostic("KS104", "warn", case.path(name), f"{text}, and {hint}", fix)
    if case.found.keyspace is None:
        fix = "Create the keyspace with tablets=False, since that cannot be changed later; or use a newer server."
    else:
        fix = "Upgrade the cluster, or move the data to a keyspace that is created with tablets=False."
    return Diagnostic("KS104", "error", case.path(name), text, fix)


def _held(change: AddTable | AddIndex | AddView | SetOptions) -> tuple[str, list[tuple[Feature, str]]]:
    """The name of what is made, and the features that it needs with their words; an ordinary index needs a view."""
    if isinstance(change, AddView):
        return change.view.name, [("views", "materialized views")]
    if isinstance(change, AddIndex):
        return change.index.name, [] if change.index.using else [("views", "indexes")]
    if isinstance(change, SetOptions):
        return change.name, _change_log(change.options)
    held: list[tuple[Feature, str]] = [("counters", "counters")] if change.table.is_counter else []
    return change.table.name, [*held, *_change_log(change.table.options)]


def _change_log(options: Mapping[str, Any]) -> list[tuple[Feature, str]]:
    cdc = options.get("cdc")
    return [("cdc", "cdc")] if isinstance(cdc, FrozenMap) and cdc.get("enabled") == "true" else []


RULES: Final[Mapping[type, ChangeRule]] = {
    CreateKeyspace: _created,
    KeyspaceDiffers: _differs,
    AddTable: _on_tablets,
    AddIndex: _on_tablets,
    AddView: _on_tablets,
    SetOptions: _on_tablets,
}
