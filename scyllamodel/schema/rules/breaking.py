"""NB: statements that nodes accept but do not survive, or that every server refuses.

Each was observed on Cassandra 4.0, 4.1 or 5.0, or on ScyllaDB 2025.1 or 2026.3: the node did not start again, or writes
and reads failed afterwards. A rule applies to the releases that have the fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from scyllamodel._identifiers import MAX_PORTABLE_NAME_LENGTH, MAX_SERVER_NAME_LENGTH, name_problem
from scyllamodel.schema.changes.kinds import AddColumns, AddIndex, AddTable, AddView, NameTaken, SetOptions
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts.view_filters import has_unescaped_quote
from scyllamodel.schema.options.validation import MAX_TTL
from scyllamodel.types.cql_types import is_multi_cell

if TYPE_CHECKING:
    from scyllamodel.schema.facts.objects import KeyspaceFacts, Table
    from scyllamodel.schema.rules.context import ChangeRule, RuleContext
    from scyllamodel.schema.server.profile import ServerProfile


def _name_taken(change: NameTaken, context: RuleContext) -> Iterator[Diagnostic]:
    if change.desired_kind == "index":
        return
    text = f"a {change.live_kind} of this name exists, but the models declare a {change.desired_kind}"
    if change.desired_kind == "table":
        text += "; CREATE TABLE over a view leaves a Cassandra node unable to start"
    suggested_fix = f'Give the {change.desired_kind} another name: {change.desired_kind}="{change.name}_2"'
    yield Diagnostic("NB101", "error", context.path(change.name), text, suggested_fix)


def _options(change: AddTable | AddView | SetOptions, context: RuleContext) -> Iterator[Diagnostic]:
    if isinstance(change, SetOptions):
        name, options = change.name, change.options
    else:
        fact = change.table if isinstance(change, AddTable) else change.view
        name, options = fact.name, fact.options
    if "id" in options:
        text = "WITH sets the id of the table: the id of another table breaks the schema of the node"
        yield Diagnostic("NB101", "error", context.path(name), text, "Omit id; servers choose it.")
    yield from long_ttl(context.path(name), options, context.server)


def _view(change: AddView, context: RuleContext) -> Iterator[Diagnostic]:
    """NB101 for a view; one that a rollback restores may have any name and filter that a server once accepted."""
    yield from _options(change, context)
    view, path = change.view, context.path(change.view.name)
    if has_unescaped_quote(view.where):
        text = f"its filter contains an unescaped quote: {view.where}"
        yield Diagnostic("NB101", "error", path, text, "Create it manually without the quote, or filter when reading.")
    yield from long_view(path, view.name, context.server)


def long_ttl(path: str, options: Mapping[str, Any], server: ServerProfile) -> Iterator[Diagnostic]:
    """NB101 for a default TTL that makes rows unreadable."""
    ttl = str(options.get("default_time_to_live", 0))
    if ttl.isdecimal() and int(ttl) > MAX_TTL and server.accepts_any_ttl:
        text = f"rows with a default_time_to_live above {MAX_TTL} cannot be read once they are on disk"
        yield Diagnostic("NB101", "error", path, text, f"Use at most {MAX_TTL}, which is 20 years.")


def long_view(path: str, name: str, server: ServerProfile) -> Iterator[Diagnostic]:
    """NB101 for a view name that stops every node."""
    if len(name) > MAX_VIEW_NAME and not server.checks_given_names:
        text = f"a view name of more than {MAX_VIEW_NAME} characters stops every node, and none starts again"
        yield Diagnostic("NB101", "error", path, text, "Choose a shorter name.")


MAX_VIEW_NAME: Final = 222
"""Longest name of a table or view for which a node can create the directory."""


def index_name_too_long(path: str, name: str, server: ServerProfile, *, is_explicit: bool) -> Iterator[Diagnostic]:
    """NB101 for an index name that stops every node of the cluster.

    Parameters:
        is_explicit: whether the statement has the name; if not, the server generates it and does not check it.
    """
    max_length = server.max_safe_index_name
    if max_length is None or len(name) <= max_length or (is_explicit and server.checks_given_names):
        return
    generated_note = "" if is_explicit else ", which the server generates,"
    text = f"an index name{generated_note} of more than {max_length} characters stops every node, and none starts again"
    yield Diagnostic("NB101", "error", path, text, "Choose a shorter name.")


def static_beside_collection(path: str, table: Table, server: ServerProfile) -> Iterator[Diagnostic]:
    """NB101 for an index on a non-static collection in a table with static columns."""
    static = any(column.kind == "static" for column in table)
    collections = {column.name for column in table if is_multi_cell(column.type) and column.kind != "static"}
    indexes = [index for index in table.indexes if index.column in collections]
    if not (server.fails_static_writes and static and indexes):
        return
    text = f"the index on the collection {indexes[0].column} makes writes of static columns of {table.name} fail"
    suggested_fix = (
        "Remove the index, or move the static columns to another table; or use ScyllaDB 2025.4.11, 2026.1.6, 2026.2 or "
        "newer, where it is fixed."
    )
    yield Diagnostic("NB101", "error", path, text, suggested_fix)


def _index(change: AddIndex, context: RuleContext) -> Iterator[Diagnostic]:
    path = context.path(change.index.name)
    yield from index_name_too_long(path, change.index.name, context.server, is_explicit=True)
    yield from static_beside_collection(path, attrs.evolve(change.table, indexes=[change.index]), context.server)


def _columns(change: AddColumns, context: RuleContext) -> Iterator[Diagnostic]:
    stored = context.pair.live_tables.get(change.table)
    if stored is not None and any(column.kind == "static" for column in change.columns):
        table = attrs.evolve(stored, columns=(*stored.columns, *change.columns))
        yield from static_beside_collection(context.path(change.table), table, context.server)


def stray_quotes(context: RuleContext) -> Iterator[Diagnostic]:
    """NB101 for live views with a quote in their filter."""
    declared = {table.name for table in context.desired.tables}
    for view in context.live.views:
        if view.base in declared and has_unescaped_quote(view.where):
            text = f"its filter contains an unescaped quote: {view.where}"
            suggested_fix = (
                f"Drop the view: while it exists, writes to {view.base} fail, or the node does not start again."
            )
            yield Diagnostic("NB101", "warn", context.path(view.name), text, suggested_fix)


def lint(desired: KeyspaceFacts, server: ServerProfile | None) -> Iterator[Diagnostic]:
    """NB101 for names that servers refuse or do not survive, two objects of one name, and quotes in view filters."""
    types, tables, views = desired.types, desired.tables, desired.views
    indexes = [index for table in tables for index in table.indexes]
    kinds = (("type", types), ("table", tables), ("view", views), ("index", indexes))
    for kind, facts in kinds:
        for item in facts:
            yield from _name(f"{desired.name}.{item.name}", item.name, kind, server)
    yield from _name(desired.name, desired.name, "keyspace", server)
    for name in sorted({table.name for table in tables} & {view.name for view in views}):
        text = "a table and a view of this name are declared; a Cassandra node that gets both does not start again"
        yield Diagnostic("NB101", "error", f"{desired.name}.{name}", text, "Give one of them another name.")
    for view in views:
        if "'" in view.where:
            text = "the view filter has a text constant; a Cassandra node that stores a quote in one does not start"
            yield Diagnostic("NB101", "error", f"{desired.name}.{view.name}", text, "Filter when reading the view.")


def _name(path: str, name: str, kind: str, server: ServerProfile | None) -> Iterator[Diagnostic]:
    """NB101 for a name that the server refuses; without a server, a warning for one that some servers refuse."""
    fault = name_problem(name, kind, limit=MAX_SERVER_NAME_LENGTH if server is None else server.max_name_length)
    if fault is not None:
        yield Diagnostic("NB101", "error", path, fault, "Choose a shorter, plain name.")
    elif server is None and len(name) > MAX_PORTABLE_NAME_LENGTH:
        text = f"the name has {len(name)} characters; Cassandra and ScyllaDB 2025.1 allow {MAX_PORTABLE_NAME_LENGTH}"
        yield Diagnostic("NB101", "warn", path, text, "Choose a shorter name if other servers are used.")


RULES: Final[Mapping[type, ChangeRule]] = {
    NameTaken: _name_taken,
    AddTable: _options,
    AddView: _view,
    SetOptions: _options,
    AddIndex: _index,
    AddColumns: _columns,
}
