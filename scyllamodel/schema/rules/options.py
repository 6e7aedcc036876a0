"""OP: options that a server refuses, and those with unexpected effects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from scyllamodel.schema.changes.kinds import AddIndex, AddTable, AddView, SetOptions
from scyllamodel.schema.compare.options import reset_settings
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts.objects import FrozenMap
from scyllamodel.schema.options import unalterable_options, unsupported_options
from scyllamodel.schema.server.profile import is_viewless

if TYPE_CHECKING:
    from scyllamodel.schema.facts.objects import KeyspaceFacts
    from scyllamodel.schema.rules.context import ChangeRule, RuleContext
    from scyllamodel.schema.server.profile import ServerProfile


def _set(change: SetOptions, context: RuleContext) -> Iterator[Diagnostic]:
    path = context.path(change.name)
    for name, value in change.options.items():
        stored = change.before.get(name)
        if isinstance(value, FrozenMap) and isinstance(stored, FrozenMap):
            reset = ", ".join(reset_settings(name, value, stored, context.server))
            text = f"{name} is replaced as a whole: {reset} is stored but not declared, and is reset to the default"
            if reset:
                yield Diagnostic("OP102", "warn", path, text, f"To keep it, declare it in {name}.")
    yield from unalterable_options(change.options, context.server, path)
    if "default_time_to_live" in change.options:
        text = "default_time_to_live applies to rows written from now on; existing rows keep their TTL"
        yield Diagnostic("OP103", "warn", path, text, "Rewrite existing rows if they have to expire.")
    yield from _lost_ttl_column(change, context)
    if change.options.get("gc_grace_seconds") == 0 and (change.view or _has_views(change.name, context)):
        yield _gc_grace_is_zero(path)


_TAGS: Final = frozenset({"synchronous_updates", "scylla_tags"})
"""Options that ScyllaDB keeps among the tags of a table, and that replace all of them."""


def _lost_ttl_column(change: SetOptions, context: RuleContext) -> Iterator[Diagnostic]:
    """NB102 for an option that removes the TTL column of a table."""
    live = None if change.view else context.pair.live_tables.get(change.name)
    replaced = sorted(_TAGS & set(change.options))
    if live is not None and live.ttl_column is not None and replaced:
        text = f"{replaced[0]} replaces the tags of the table, so rows stop expiring by {live.ttl_column}"
        yield Diagnostic("NB102", "error", context.path(change.name), text, "Keep the stored value of the option.")


def _view(change: AddView, context: RuleContext) -> Iterator[Diagnostic]:
    base, declared = context.pair.live_tables.get(change.view.base), context.pair.desired_tables.get(change.view.base)
    stored: object = base.options.get("gc_grace_seconds") if base else None
    if declared is not None:
        stored = declared.options.get("gc_grace_seconds", stored)
    if stored == 0 and not (declared and declared.options.get("gc_grace_seconds") == 0):
        yield _gc_grace_is_zero(context.path(change.view.base))


def _gc_grace_is_zero(path: str) -> Diagnostic:
    text = "gc_grace_seconds is 0 on a view or a table with one; servers refuse it, since views need time for repair"
    return Diagnostic("OP101", "error", path, text, "Omit gc_grace_seconds, or set it to at least a day: 86400.")


def _has_views(table: str, case: RuleContext) -> bool:
    """Whether the table has views; ScyllaDB includes those behind its indexes."""
    indexes = case.pair.live_tables[table].indexes if table in case.pair.live_tables else ()
    hidden = case.server.keeps_indexes_in_views and any(not is_viewless(index.using) for index in indexes)
    return hidden or any(view.base == table for view in case.live.views)


def lint(desired: KeyspaceFacts, server: ServerProfile | None) -> Iterator[Diagnostic]:
    """Options that the server does not support (OP104), and gc_grace_seconds 0 on tables with a view (OP101)."""
    bases = {view.base for view in desired.views}
    for table in desired.tables:
        path = f"{desired.name}.{table.name}"
        if table.name in bases and table.options.get("gc_grace_seconds") == 0:
            yield _gc_grace_is_zero(path)
        yield from _unknown(table.options, server, path)
        for index in table.indexes if server is not None and server.takes_index_view_options else ():
            yield from _unknown(index.view_options, server, f"{desired.name}.{index.name}")
        for name in sorted(_TAGS & set(table.options)) if server is not None and server.keeps_indexes_in_views else ():
            text = f"{name} is not an option of tables; set on a table, it can remove its TTL column"
            suggested_fix = "Declare it on the view." if name == "synchronous_updates" else "Omit it."
            yield Diagnostic("OP104", "error", path, text, suggested_fix)
    for view in desired.views:
        yield from _unknown(view.options, server, f"{desired.name}.{view.name}")


def _unknown(options: FrozenMap, server: ServerProfile | None, path: str) -> Iterator[Diagnostic]:
    if options and server is not None:
        yield from unsupported_options(options, server, path)


def _hints(change: AddTable | AddView | AddIndex | SetOptions, context: RuleContext) -> Iterator[Diagnostic]:
    """OP104 for the option ``tablets`` in a keyspace without tablets."""
    name, options = _named_options(change)
    if "tablets" in options and "tablets" in context.server.table_options and context.tablets is False:
        text = "the option tablets is allowed only in a keyspace with tablets"
        yield Diagnostic("OP104", "error", context.path(name), text, "Omit it.")


def _named_options(change: AddTable | AddView | AddIndex | SetOptions) -> tuple[str, FrozenMap]:
    """The name of the object and its options; for an index those of the view behind it."""
    if isinstance(change, AddIndex):
        return change.index.name, change.index.view_options
    fact = change if isinstance(change, SetOptions) else change.table if isinstance(change, AddTable) else change.view
    return fact.name, fact.options


def _set_in_keyspace(change: SetOptions, context: RuleContext) -> Iterator[Diagnostic]:
    yield from _set(change, context)
    yield from _hints(change, context)


def _new_view(change: AddView, context: RuleContext) -> Iterator[Diagnostic]:
    yield from _view(change, context)
    yield from _hints(change, context)


RULES: Final[Mapping[type, ChangeRule]] = {
    SetOptions: _set_in_keyspace,
    AddView: _new_view,
    AddTable: _hints,
    AddIndex: _hints,
}
