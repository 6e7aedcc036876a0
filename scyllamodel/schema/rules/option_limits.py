"""OP: limits of options that depend on the keyspace, on the other options of the table, or on other tables.

*In*: changes that set options. *Out*: OP104 and OP105 for what the server would refuse. Values that a server always
refuses are checked in `scyllamodel.schema.options.server_support`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from scyllamodel.schema.changes.kinds import AddTable, AddView, SetOptions
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts.objects import FrozenMap, Table, View
from scyllamodel.schema.facts.replication import by_data_center, copy_count, factors, strategy_name

if TYPE_CHECKING:
    from scyllamodel.schema.diagnostics import Severity
    from scyllamodel.schema.rules.context import ChangeRule, RuleContext


@attrs.frozen
class _Subject:
    """A table or view whose options are set.

    Attributes:
        fact: the table or view as stored, or as it is created; None if it is unknown.
        options: all options that it has afterwards, as far as they are known.
        declared: the options that the statement sets.
    """

    name: str
    fact: Table | View | None
    options: Mapping[str, Any]
    declared: Mapping[str, Any]


def _subject(change: AddTable | AddView | SetOptions, context: RuleContext) -> _Subject:
    if isinstance(change, SetOptions):
        stored_fact = (context.pair.live_views if change.view else context.pair.live_tables).get(change.name)
        stored: Mapping[str, Any] = {} if stored_fact is None else stored_fact.options
        return _Subject(change.name, stored_fact, {**stored, **change.options}, change.options)
    fact = change.table if isinstance(change, AddTable) else change.view
    return _Subject(fact.name, fact, fact.options, fact.options)


def _limits(change: AddTable | AddView | SetOptions, context: RuleContext) -> Iterator[Diagnostic]:
    subject = _subject(change, context)
    for rule in _RULES:
        yield from rule(subject, context)


def _refused(subject: _Subject, context: RuleContext, text: str, suggested_fix: str) -> Diagnostic:
    return Diagnostic("OP104", "error", context.path(subject.name), text, suggested_fix)


def _intervals(subject: _Subject, context: RuleContext) -> Iterator[Diagnostic]:
    """OP104 for a declared index interval that contradicts the other one, which may be stored or a default."""
    if {"min_index_interval", "max_index_interval"}.isdisjoint(subject.declared):
        return
    minimum, maximum = subject.options.get("min_index_interval", 128), subject.options.get("max_index_interval", 2048)
    if minimum > maximum:
        text = f"max_index_interval is {maximum}, but min_index_interval is {minimum}"
        yield _refused(subject, context, text, "Declare both, with max_index_interval at least min_index_interval.")


_WINDOWS: Final = {"MINUTES": 60, "HOURS": 3_600, "DAYS": 86_400}


def _windows(subject: _Subject, context: RuleContext) -> Iterator[Diagnostic]:
    """OP105 for a default TTL that spans more time windows than ScyllaDB allows (``twcs_max_window_count``)."""
    compaction: Mapping[str, str] = subject.options.get("compaction", {})
    ttl, max_windows = subject.options.get("default_time_to_live", 0), context.server.max_time_windows
    if compaction.get("class") != "TimeWindowCompactionStrategy":
        return
    if {"compaction", "default_time_to_live"}.isdisjoint(subject.declared):
        return
    if not ttl:
        yield from _endless(subject, context)
        return
    unit = _WINDOWS.get(compaction.get("compaction_window_unit", "DAYS"), 86_400)
    window = unit * int(compaction.get("compaction_window_size", "1"))
    if max_windows is None or ttl // window <= max_windows:
        return
    path, limit_text = context.path(subject.name), "this server allows"
    if context.server.node.max_time_windows is None:
        limit_text = "servers allow by default (this role may not read twcs_max_window_count from system.config)"
    text = f"default_time_to_live {ttl} spans {ttl // window} windows of {window} seconds; {limit_text} {max_windows}"
    min_window = -(-ttl // (max_windows * unit)) * unit
    suggested_fix = f"Choose windows of at least {min_window} seconds, or a shorter default_time_to_live."
    allow = f"OP105:{path}" if context.server.node.max_time_windows is None else ""
    yield Diagnostic("OP105", "error", path, text, suggested_fix, allow=allow)


def _endless(subject: _Subject, case: RuleContext) -> Iterator[Diagnostic]:
    """OP105 for time windows without a default TTL, where the settings of the node require one."""
    restricted = case.server.node.endless_windows
    if restricted in {"true", "warn"} and isinstance(subject.fact, Table):
        severity: Severity = "error" if restricted == "true" else "warn"
        text = "TimeWindowCompactionStrategy without default_time_to_live: rows without a TTL never leave their window"
        message = f"{text} (restrict_twcs_without_default_ttl: {restricted})"
        yield Diagnostic("OP105", severity, case.path(subject.name), message, "Declare default_time_to_live.")


def _gc_by_repair(subject: _Subject, context: RuleContext) -> Iterator[Diagnostic]:
    """OP104 for tombstone_gc mode repair without repairs: a single copy, or a view that is repaired with its table."""
    mode = cast("Mapping[str, str]", subject.declared.get("tombstone_gc", {})).get("mode")
    if mode != "repair":
        return
    suggested_fix = 'Omit tombstone_gc, or use {"mode": "timeout"}.'
    if not context.server.repairs_single_copies and _is_single_copy(context):
        text = f"tombstone_gc mode repair needs several copies on {context.server}, but the keyspace has one"
        yield _refused(subject, context, text, suggested_fix)
    elif context.server.colocates_views and context.tablets and _is_colocated(subject, context):
        text = "tombstone_gc mode repair is refused for a view with the partition key of its table, on tablets"
        yield _refused(subject, context, text, suggested_fix)


def _is_single_copy(context: RuleContext) -> bool:
    keyspace = context.live.keyspace or context.desired.keyspace
    replication = (None if keyspace is None else keyspace.replication) or FrozenMap({})
    centers = ("dc",) if strategy_name(replication) == "SimpleStrategy" else context.topology or ("dc",)
    requested = by_data_center(factors(replication), centers)
    is_local = strategy_name(replication) == "LocalStrategy"
    return is_local or (bool(requested) and sum(copy_count(factor) or 0 for factor in requested.values()) == 1)


def _is_colocated(subject: _Subject, context: RuleContext) -> bool:
    view = subject.fact
    if not isinstance(view, View):
        return False
    base = context.pair.live_tables.get(view.base) or context.pair.desired_tables.get(view.base)
    names = [column.name for column in view.partition_key]
    return base is not None and names == [column.name for column in base.partition_key]


def _change_log(subject: _Subject, context: RuleContext) -> Iterator[Diagnostic]:
    """OP104 for views and counters, which have no change log, and for a log whose name is in use (ScyllaDB)."""
    cdc: Mapping[str, str] = subject.declared.get("cdc", {})
    if not context.server.has_cdc_log or cdc.get("enabled") != "true":
        return
    log = f"{subject.name}_scylla_cdc_log"
    if isinstance(subject.fact, View):
        yield _refused(subject, context, "a view cannot have a change log", "Declare cdc on its table.")
    elif subject.fact is not None and subject.fact.is_counter:
        yield _refused(subject, context, f"counter tables cannot have a change log on {context.server}", "Omit cdc.")
    elif log in {*context.pair.live_tables, *context.pair.desired_tables}:
        text = f"the change log would be stored in {log}, which is another table"
        yield _refused(subject, context, text, f"Rename the table {log}, or omit cdc.")


def _log_storage(subject: _Subject, context: RuleContext) -> Iterator[Diagnostic]:
    table = subject.fact
    if subject.declared.get("storage_engine") != "logstor" or "storage_engine" not in context.server.table_options:
        return
    if isinstance(table, Table) and table.clustering_key:
        text = "the storage engine logstor does not support clustering columns"
        yield _refused(subject, context, text, "Omit storage_engine.")
    if context.server.has_log_storage is False:
        text = "the storage engine logstor is an experimental feature, which is disabled on this server"
        fix = "Omit storage_engine, or add logstor to experimental_features in scylla.yaml of every node."
        yield _refused(subject, context, text, fix)


_RULES: Final = (_intervals, _windows, _gc_by_repair, _change_log, _log_storage)

RULES: Final[Mapping[type, ChangeRule]] = {AddTable: _limits, AddView: _limits, SetOptions: _limits}
