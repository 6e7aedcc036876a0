"""OP: limits of options that depend on the keyspace, on the other options of the table, or on other tables.

*In*: changes that set options. *Out*: OP104 and OP105 for what the server would refuse. Values that a server refuses
whatever else is set are judged in `scyllamodel.schema.options.supported`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from scyllamodel.schema.changes import AddTable, AddView, SetOptions
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.diff.keyspaces import strategy
from scyllamodel.schema.facts import FrozenMap, Table, View
from scyllamodel.schema.replication import by_data_center, copies, factors

if TYPE_CHECKING:
    from scyllamodel.schema.diagnostics import Severity
    from scyllamodel.schema.rules.case import Case, ChangeRule


@attrs.frozen
class _Subject:
    """A table or view whose options are set.

    Attributes:
        fact: as it is, or as it is created; None where nobody knows it.
        options: all that it has afterwards, as far as they are known.
        named: those that the statement names.
    """

    name: str
    fact: Table | View | None
    options: Mapping[str, Any]
    named: Mapping[str, Any]


def _subject(change: AddTable | AddView | SetOptions, case: Case) -> _Subject:
    if isinstance(change, SetOptions):
        live = (case.sides.views if change.view else case.sides.tables).get(change.name)
        stored: Mapping[str, Any] = {} if live is None else live.options
        return _Subject(change.name, live, {**stored, **change.options}, change.options)
    fact = change.table if isinstance(change, AddTable) else change.view
    return _Subject(fact.name, fact, fact.options, fact.options)


def _limits(change: AddTable | AddView | SetOptions, case: Case) -> Iterator[Diagnostic]:
    subject = _subject(change, case)
    for rule in _RULES:
        yield from rule(subject, case)


def _refused(subject: _Subject, case: Case, text: str, fix: str) -> Diagnostic:
    return Diagnostic("OP104", "error", case.path(subject.name), text, fix)


def _intervals(subject: _Subject, case: Case) -> Iterator[Diagnostic]:
    """The default of an interval, or the stored one, against the one that is declared."""
    if {"min_index_interval", "max_index_interval"}.isdisjoint(subject.named):
        return
    low, high = subject.options.get("min_index_interval", 128), subject.options.get("max_index_interval", 2048)
    if low > high:
        text = f"max_index_interval is {high}, and min_index_interval is {low}"
        yield _refused(subject, case, text, "Declare both, so that max_index_interval is at least min_index_interval.")


_WINDOWS: Final = {"MINUTES": 60, "HOURS": 3_600, "DAYS": 86_400}


def _windows(subject: _Subject, case: Case) -> Iterator[Diagnostic]:
    """OP105 for a default TTL that spans more time windows than ScyllaDB takes (``twcs_max_window_count``)."""
    compaction: Mapping[str, str] = subject.options.get("compaction", {})
    ttl, most = subject.options.get("default_time_to_live", 0), case.server.most_windows
    if compaction.get("class") != "TimeWindowCompactionStrategy":
        return
    if {"compaction", "default_time_to_live"}.isdisjoint(subject.named):
        return
    if not ttl:
        yield from _endless(subject, case)
        return
    unit = _WINDOWS.get(compaction.get("compaction_window_unit", "DAYS"), 86_400)
    window = unit * int(compaction.get("compaction_window_size", "1"))
    if most is None or ttl // window <= most:
        return
    path, said = case.path(subject.name), "this server takes"
    if case.server.node.most_windows is None:
        said = "servers take by default (system.config, which this role may not read, has twcs_max_window_count)"
    text = f"default_time_to_live {ttl} spans {ttl // window} windows of {window} seconds; {said} {most}"
    fix = f"Choose windows of at least {-(-ttl // (most * unit)) * unit} seconds, or a shorter default_time_to_live."
    allow = f"OP105:{path}" if case.server.node.most_windows is None else ""
    yield Diagnostic("OP105", "error", path, text, fix, allow=allow)


def _endless(subject: _Subject, case: Case) -> Iterator[Diagnostic]:
    """OP105 for time windows without a default TTL, where the settings of the node want one."""
    restricted = case.server.node.endless_windows
    if restricted in {"true", "warn"} and isinstance(subject.fact, Table):
        severity: Severity = "error" if restricted == "true" else "warn"
        text = "TimeWindowCompactionStrategy without default_time_to_live: rows without a TTL never leave their window"
        said = f"{text} (restrict_twcs_without_default_ttl: {restricted})"
        yield Diagnostic("OP105", severity, case.path(subject.name), said, "Declare default_time_to_live.")


def _gc_by_repair(subject: _Subject, case: Case) -> Iterator[Diagnostic]:
    """Tombstones that wait for a repair, where there is none: a single copy, or a view that is not repaired alone."""
    mode = cast("Mapping[str, str]", subject.named.get("tombstone_gc", {})).get("mode")
    if mode != "repair":
        return
    fix = 'Leave tombstone_gc out, or write {"mode": "timeout"}.'
    if not case.server.repairs_single_copies and _is_single_copy(case):
        text = f"tombstone_gc mode repair needs several copies on {case.server}, and the keyspace keeps one"
        yield _refused(subject, case, text, fix)
    elif case.server.colocates_views and case.tablets and _is_colocated(subject, case):
        text = "tombstone_gc mode repair is refused for a view with the partition key of its table, on tablets"
        yield _refused(subject, case, text, fix)


def _is_single_copy(case: Case) -> bool:
    about = case.found.keyspace or case.wanted.keyspace
    replication = (None if about is None else about.replication) or FrozenMap({})
    centers = ("dc",) if strategy(replication) == "SimpleStrategy" else case.topology or ("dc",)
    asked = by_data_center(factors(replication), centers)
    is_local = strategy(replication) == "LocalStrategy"
    return is_local or (bool(asked) and sum(copies(factor) or 0 for factor in asked.values()) == 1)


def _is_colocated(subject: _Subject, case: Case) -> bool:
    view = subject.fact
    if not isinstance(view, View):
        return False
    base = case.sides.tables.get(view.base) or case.sides.declared.get(view.base)
    names = [column.name for column in view.partition_key]
    return base is not None and names == [column.name for column in base.partition_key]


def _change_log(subject: _Subject, case: Case) -> Iterator[Diagnostic]:
    """What has no change log, and a log whose name is taken (ScyllaDB)."""
    cdc: Mapping[str, str] = subject.named.get("cdc", {})
    if not case.server.has_cdc_log or cdc.get("enabled") != "true":
        return
    log = f"{subject.name}_scylla_cdc_log"
    if isinstance(subject.fact, View):
        yield _refused(subject, case, "a view has no change log", "Declare cdc on its table.")
    elif subject.fact is not None and subject.fact.is_counter:
        yield _refused(subject, case, f"counters have no change log on {case.server}", "Leave cdc out.")
    elif log in {*case.sides.tables, *case.sides.declared}:
        text = f"the change log would be the table {log}, which is another table"
        yield _refused(subject, case, text, f"Give {log} another name, or leave cdc out.")


def _log_storage(subject: _Subject, case: Case) -> Iterator[Diagnostic]:
    table = subject.fact
    if subject.named.get("storage_engine") != "logstor" or "storage_engine" not in case.server.table_options:
        return
    if isinstance(table, Table) and table.clustering_key:
        text = "the storage engine logstor keeps no rows with clustering columns"
        yield _refused(subject, case, text, "Leave storage_engine out.")
    if case.server.has_log_storage is False:
        text = "the storage engine logstor is an experimental feature, which is not on here"
        fix = "Leave storage_engine out; or add logstor to experimental_features in scylla.yaml of every node."
        yield _refused(subject, case, text, fix)


_RULES: Final = (_intervals, _windows, _gc_by_repair, _change_log, _log_storage)

RULES: Final[Mapping[type, ChangeRule]] = {AddTable: _limits, AddView: _limits, SetOptions: _limits}
