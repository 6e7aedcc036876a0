"""IX: indexes, which cannot be altered and whose names are unique within a keyspace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, cast

from scyllamodel.schema.changes.kinds import AddIndex, AlterIndex, NameTaken, SetOptions
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.export.literals import python_text
from scyllamodel.schema.rules import suggested_fixes
from scyllamodel.schema.rules.search_indexes import viewless_faults
from scyllamodel.schema.server.profile import SAI, index_family, is_viewless
from scyllamodel.types.cql_types import VectorType

if TYPE_CHECKING:
    from scyllamodel.schema.facts.objects import Index, KeyspaceFacts, TableColumn
    from scyllamodel.schema.rules.context import ChangeRule, RuleContext
    from scyllamodel.schema.server.profile import ServerProfile


def _added(change: AddIndex, context: RuleContext) -> Iterator[Diagnostic]:
    path = context.path(change.index.name)
    if change.populated:
        text = f"{change.table.name} may hold rows: the index is built in the background and misses rows until then"
        suggested_fix = "Deploy code that queries by it after the index is built."
        if is_viewless(change.index.using):
            suggested_fix += " The server does not report the progress of an index of this class: try the query."
        yield Diagnostic("IX101", "warn", path, text, suggested_fix)
    if lacking := _missing_feature(change, context):
        suggested_fix = "Remove the index for this server."
        if change.index.view_options and not context.server.takes_index_view_options:
            suggested_fix = _NO_VIEW_OPTIONS
        if change.index.using and not context.server.loads_index_classes:
            suggested_fix = (
                "Omit using=: an ordinary index finds equal values. Searches within a text read the whole table."
            )
        yield Diagnostic("IX104", "error", path, f"{context.server} does not support {lacking}", suggested_fix)
    else:
        yield from _check_table_fits(change, context)


def _missing_feature(change: AddIndex, context: RuleContext) -> str | None:
    """The feature that the index needs and this server does not have."""
    index, column = change.index, _column(change)
    if index.view_options and not context.server.takes_index_view_options:
        return "options of the view behind an index"
    if index.local and not context.server.has_local_indexes:
        return "indexes within a partition (local=True)"
    if column is not None and isinstance(column.type, VectorType):
        return None if context.server.has_vector_index else "indexes on vectors"
    if index.using is None or context.server.has_index_class(index.using, on_vector=False):
        return None
    sai = index_family(index.using) == SAI
    return "storage-attached indexes on such a column" if sai else f"indexes of the class {index.using}"


def _column(change: AddIndex) -> TableColumn | None:
    return change.table.get(next(iter(change.index.names(change.table)), ""))


def _altered(change: AlterIndex, context: RuleContext) -> Iterator[Diagnostic]:
    live, desired = change.live, change.desired
    taken_names = {index.name for table in context.live.tables for index in table.indexes}
    drop_command = f"scyllamodel contract {suggested_fixes.allow_option('DS106', live.name)}"
    if change.code == "IX103":
        text = f"the index {live.name} is {_index_text(live)}, but the model declares {_index_text(desired)}"
        suggested_fix = (
            "An index cannot be altered. Give the desired one a new name, sync, wait until it is built, then drop the "
            f"old one:\n    {_index_declaration(desired, suggested_fixes.free_name(desired.name, taken_names))}\n    "
            "scyllamodel wait --for built\n"
            f"    {drop_command}\n"
            "If the server allows only one index of this class on a column, drop the old one first."
        )
    elif live.name == desired.name:
        text = f"another index of this keyspace has the name, on {_index_text(live)}"
        declaration = _index_declaration(desired, suggested_fixes.free_name(desired.name, taken_names))
        suggested_fix = f"Choose a free name:\n    {declaration}"
    else:
        text = f"the same index exists as {live.name}, and servers refuse a second one"
        suggested_fix = (
            f"Omit the name in Index(…), or use the existing one:\n    {_index_declaration(desired, live.name)}"
        )
    yield Diagnostic(change.code, "error", context.path(desired.name), text, suggested_fix)


def _index_text(index: Index) -> str:
    target = index.column if index.on == "values" else f"{index.on}({index.column})"
    options = "".join(f", {name}={value}" for name, value in sorted(index.options.items()))
    within = f" within {', '.join(index.partition) or 'a partition'}" if index.local else ""
    return f"{target}{within} using {index.using or 'the default class'}{options}"


def _index_declaration(index: Index, name: str) -> str:
    on_argument = f", on={python_text(index.on)}" if index.on != "values" else ""
    using_argument = f", using={python_text(index.using)}" if index.using else ""
    column, *others = index.column.split(", ") if is_viewless(index.using) else [index.column]
    filtering = f", filtering=[{', '.join(map(python_text, others))}]" if others else ""
    return f"Index({python_text(column)}{on_argument}{using_argument}{filtering}, name={python_text(name)})"


def _hidden_view_taken(change: NameTaken, context: RuleContext) -> Iterator[Diagnostic]:
    if change.desired_kind == "index":
        index = change.name.removesuffix("_index")
        text = f"ScyllaDB stores the index in a view {change.name}, but a {change.live_kind} of that name exists"
        suggested_fix = f"Choose another name: Index(…, name={index + '_2'!r})"
        yield Diagnostic("IX102", "error", context.path(index), text, suggested_fix)


def lint(desired: KeyspaceFacts, server: ServerProfile | None) -> Iterator[Diagnostic]:
    """IX102 for names that two declared indexes share, or that ScyllaDB needs for the view behind an index."""
    names = Counter(index.name for table in desired.tables for index in table.indexes)
    for name, count in names.items():
        if count > 1:
            tables = ", ".join(t.name for t in desired.tables if any(index.name == name for index in t.indexes))
            text = f"{count} indexes of this name are declared, on {tables}; index names are unique within a keyspace"
            yield Diagnostic("IX102", "error", f"{desired.name}.{name}", text, "Give them names: Index(…, name=…)")
    yield from _too_many_on_column(desired, server)
    relation_names = {fact.name for fact in (*desired.tables, *desired.views)}
    for name in names if server is not None and server.keeps_indexes_in_views else ():
        if f"{name}_index" in relation_names:
            text = f"ScyllaDB stores the index in a view {name}_index, but another object of that name is declared"
            yield Diagnostic("IX102", "error", f"{desired.name}.{name}", text, "Choose another name: Index(…, name=…)")


def _too_many_on_column(desired: KeyspaceFacts, server: ServerProfile | None) -> Iterator[Diagnostic]:
    """IX102 for several vector or full-text indexes on one column, where the server allows one."""
    if server is None or server.takes_several_viewless_indexes:
        return
    for table in desired.tables:
        names_by_column: dict[tuple[str, bool], list[str]] = {}
        for index in table.indexes:
            if is_viewless(index.using):
                names_by_column.setdefault((index.column, index.local), []).append(index.name)
        for (column, _), index_names in names_by_column.items():
            if len(index_names) > 1:
                text = f"{server} allows one index of this class on {column}, but {', '.join(index_names)} are declared"
                yield Diagnostic("IX102", "error", f"{desired.name}.{index_names[1]}", text, "Keep one of them.")


def _check_table_fits(change: AddIndex, context: RuleContext) -> Iterator[Diagnostic]:
    """KS104, IX105 and IX106: requirements of a vector or full-text index on its table."""
    index, path = change.index, context.path(change.index.name)
    column = _column(change)
    on_vector = column is not None and isinstance(column.type, VectorType)
    using = context.server.index_class(index.using or "", on_vector=on_vector)
    if not is_viewless(using):
        return
    for fault in viewless_faults(index, using, change.table):
        yield Diagnostic("IX106", "error", path, *fault)
    if context.tablets is False:
        text = f"an index of the class {index.using} needs a keyspace with tablets"
        yield Diagnostic("KS104", "error", path, text, "Create the keyspace with tablets=True.")
    stored = context.pair.live_tables.get(change.table.name)
    stored_cdc: object = None if stored is None else stored.options.get("cdc")
    yield from unfit_cdc(change.table.options.get("cdc", stored_cdc), path)


def unfit_cdc(cdc: object, path: str) -> Iterator[Diagnostic]:
    """IX105 for a change log from which a vector or full-text index cannot be fed.

    Parameters:
        cdc: the canonical option; None if it is not set, so that the server enables the log.
    """
    if not isinstance(cdc, Mapping):
        return
    settings = cast("Mapping[str, str]", cdc)
    has_new_values = settings.get("delta", "full") == "full" or settings.get("postimage", "false") == "true"
    if settings.get("enabled", "false") == "true" and int(settings.get("ttl", "86400")) >= _DAY and has_new_values:
        return
    text = "a vector or full-text index needs the change log of its table, but cdc is disabled or unsuitable"
    suggested_fix = (
        'Omit cdc, or use cdc={"enabled": True} with a ttl of at least 86400 and with delta full or postimage.'
    )
    yield Diagnostic("IX105", "error", path, text, suggested_fix)


_NO_VIEW_OPTIONS: Final = "Omit view_options=: they need ScyllaDB 2026.1 and an ordinary index."


def _set(change: SetOptions, context: RuleContext) -> Iterator[Diagnostic]:
    if change.index and not context.server.takes_index_view_options:
        text = f"{context.server} does not support options of the view behind an index"
        yield Diagnostic("IX104", "error", context.path(change.index), text, _NO_VIEW_OPTIONS)
    tables = (context.pair.live_tables.get(change.name), context.pair.desired_tables.get(change.name))
    if any(is_viewless(index.using) for table in tables if table is not None for index in table.indexes):
        yield from unfit_cdc(change.options.get("cdc"), context.path(change.name))


_DAY: Final = 86400

RULES: Final[Mapping[type, ChangeRule]] = {
    AddIndex: _added,
    AlterIndex: _altered,
    NameTaken: _hidden_view_taken,
    SetOptions: _set,
}
