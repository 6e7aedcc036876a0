"""IX: indexes are made and dropped, never changed, and their names are unique in the keyspace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, cast

from scyllamodel.schema.changes import AddIndex, AlterIndex, NameTaken, SetOptions
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.rules import recipes
from scyllamodel.schema.rules.viewless import viewless_faults
from scyllamodel.schema.server import SAI, index_family, is_viewless
from scyllamodel.schema.writers import python_text
from scyllamodel.types.values import VectorType

if TYPE_CHECKING:
    from scyllamodel.schema.facts import Index, KeyspaceFacts, TableColumn
    from scyllamodel.schema.rules.case import Case, ChangeRule
    from scyllamodel.schema.server import ServerProfile


def _added(change: AddIndex, case: Case) -> Iterator[Diagnostic]:
    path = case.path(change.index.name)
    if change.populated:
        text = f"{change.table.name} may hold rows: the index is built in the background and misses rows until then"
        fix = "Let code that queries by it run when the index is built."
        if is_viewless(change.index.using):
            fix += " The server lists no progress of an index of this class: try the query."
        yield Diagnostic("IX101", "warn", path, text, fix)
    if lacking := _lacking(change, case):
        fix = "Leave the index out for this server."
        if change.index.view_options and not case.server.takes_index_view_options:
            fix = _NO_VIEW_OPTIONS
        if change.index.using and not case.server.loads_index_classes:
            fix = "Leave using= out: an ordinary index finds equal values. Searches within a text read the whole table."
        yield Diagnostic("IX104", "error", path, f"{case.server} has no {lacking}", fix)
    else:
        yield from _fit(change, case)


def _lacking(change: AddIndex, case: Case) -> str | None:
    """What the index needs and this server has not."""
    index, column = change.index, _column(change)
    if index.view_options and not case.server.takes_index_view_options:
        return "options for the view behind an index"
    if index.local and not case.server.has_local_indexes:
        return "indexes within a partition (local=True)"
    if column is not None and isinstance(column.type, VectorType):
        return None if case.server.has_vector_index else "index on vectors"
    if index.using is None or case.server.has_index_class(index.using, on_vector=False):
        return None
    sai = index_family(index.using) == SAI
    return "storage-attached indexes on such a column" if sai else f"indexes of the class {index.using}"


def _column(change: AddIndex) -> TableColumn | None:
    return change.table.get(next(iter(change.index.names(change.table)), ""))


def _altered(change: AlterIndex, case: Case) -> Iterator[Diagnostic]:
    found, wanted = change.found, change.wanted
    taken = {index.name for table in case.found.tables for index in table.indexes}
    drop = f"scyllamodel contract {recipes.allow('DS106', found.name)}"
    if change.code == "IX103":
        text = f"the index {found.name} was made otherwise ({_told(found)}); the model wants {_told(wanted)}"
        fix = (
            "An index cannot be changed. Give the wanted one a new name, sync, wait until it is built, then drop the "
            f"old one:\n    {_declared(wanted, recipes.spare(wanted.name, taken))}\n    scyllamodel wait --for built\n"
            f"    {drop}\n"
            "Where the server allows one index of this class on a column only, drop the old one first."
        )
    elif found.name == wanted.name:
        text = f"the name belongs to another index of this keyspace, on {_told(found)}"
        fix = f"Choose a free name:\n    {_declared(wanted, recipes.spare(wanted.name, taken))}"
    else:
        text = f"the same index is there as {found.name}, and servers refuse it twice"
        fix = f"Leave the name out of Index(…), or take the one it has:\n    {_declared(wanted, found.name)}"
    yield Diagnostic(change.code, "error", case.path(wanted.name), text, fix)


def _told(index: Index) -> str:
    target = index.column if index.on == "values" else f"{index.on}({index.column})"
    options = "".join(f", {name}={value}" for name, value in sorted(index.options.items()))
    within = f" within {', '.join(index.partition) or 'a partition'}" if index.local else ""
    return f"{target}{within} using {index.using or 'the default class'}{options}"


def _declared(index: Index, name: str) -> str:
    on = f", on={python_text(index.on)}" if index.on != "values" else ""
    using = f", using={python_text(index.using)}" if index.using else ""
    column, *others = index.column.split(", ") if is_viewless(index.using) else [index.column]
    filtering = f", filtering=[{', '.join(map(python_text, others))}]" if others else ""
    return f"Index({python_text(column)}{on}{using}{filtering}, name={python_text(name)})"


def _hidden(change: NameTaken, case: Case) -> Iterator[Diagnostic]:
    if change.wanted == "index":
        index = change.name.removesuffix("_index")
        text = f"ScyllaDB keeps an index in a view named {change.name}, where a {change.found} stands already"
        fix = f"Choose another name: Index(…, name={index + '_2'!r})"
        yield Diagnostic("IX102", "error", case.path(index), text, fix)


def lint(wanted: KeyspaceFacts, server: ServerProfile | None) -> Iterator[Diagnostic]:
    """Names that two declared indexes share, and those that ScyllaDB needs for the view behind an index."""
    names = Counter(index.name for table in wanted.tables for index in table.indexes)
    for name, count in names.items():
        if count > 1:
            tables = ", ".join(t.name for t in wanted.tables if any(index.name == name for index in t.indexes))
            text = f"{count} indexes of this name are declared, on {tables}; the names of a keyspace are unique"
            yield Diagnostic("IX102", "error", f"{wanted.name}.{name}", text, "Name them: Index(…, name=…)")
    yield from _several(wanted, server)
    others = {fact.name for fact in (*wanted.tables, *wanted.views)}
    for name in names if server is not None and server.keeps_indexes_in_views else ():
        if f"{name}_index" in others:
            text = f"ScyllaDB keeps an index in a view named {name}_index, which is declared as something else"
            yield Diagnostic("IX102", "error", f"{wanted.name}.{name}", text, "Choose another name: Index(…, name=…)")


def _several(wanted: KeyspaceFacts, server: ServerProfile | None) -> Iterator[Diagnostic]:
    """Several vector or full-text indexes on one column, where the server takes one."""
    if server is None or server.takes_several_viewless_indexes:
        return
    for table in wanted.tables:
        names: dict[tuple[str, bool], list[str]] = {}
        for index in table.indexes:
            if is_viewless(index.using):
                names.setdefault((index.column, index.local), []).append(index.name)
        for (column, _), several in names.items():
            if len(several) > 1:
                text = f"{server} takes one index of this class on {column}, and {', '.join(several)} are declared"
                yield Diagnostic("IX102", "error", f"{wanted.name}.{several[1]}", text, "Keep one of them.")


def _fit(change: AddIndex, case: Case) -> Iterator[Diagnostic]:
    """KS104 and IX105: what the table of a vector or full-text index needs."""
    index, path = change.index, case.path(change.index.name)
    column = _column(change)
    on_vector = column is not None and isinstance(column.type, VectorType)
    using = case.server.index_class(index.using or "", on_vector=on_vector)
    if not is_viewless(using):
        return
    for fault in viewless_faults(index, using, change.table):
        yield Diagnostic("IX106", "error", path, *fault)
    if case.tablets is False:
        text = f"an index of the class {index.using} needs a keyspace with tablets"
        yield Diagnostic("KS104", "error", path, text, "Create the keyspace with tablets=True.")
    live = case.sides.tables.get(change.table.name)
    stored: object = None if live is None else live.options.get("cdc")
    yield from unfit_cdc(change.table.options.get("cdc", stored), path)


def unfit_cdc(cdc: object, path: str) -> Iterator[Diagnostic]:
    """IX105 for a change log from which a vector or full-text index cannot be fed.

    Parameters:
        cdc: the canonical option; None where nobody gave it, and the server switches the log on itself.
    """
    if not isinstance(cdc, Mapping):
        return
    found = cast("Mapping[str, str]", cdc)
    says_all = found.get("delta", "full") == "full" or found.get("postimage", "false") == "true"
    if found.get("enabled", "false") == "true" and int(found.get("ttl", "86400")) >= _DAY and says_all:
        return
    text = "a vector or full-text index is fed from the change log of its table, and cdc is switched off or too short"
    fix = 'Leave cdc out, or write cdc={"enabled": True} with a ttl of at least 86400, and delta full or postimage.'
    yield Diagnostic("IX105", "error", path, text, fix)


_NO_VIEW_OPTIONS: Final = "Leave view_options= out: they need ScyllaDB 2026.1, and an ordinary index."


def _set(change: SetOptions, case: Case) -> Iterator[Diagnostic]:
    if change.index and not case.server.takes_index_view_options:
        text = f"{case.server} has no options for the view behind an index"
        yield Diagnostic("IX104", "error", case.path(change.index), text, _NO_VIEW_OPTIONS)
    tables = (case.sides.tables.get(change.name), case.sides.declared.get(change.name))
    if any(is_viewless(index.using) for table in tables if table is not None for index in table.indexes):
        yield from unfit_cdc(change.options.get("cdc"), case.path(change.name))


_DAY: Final = 86400

RULES: Final[Mapping[type, ChangeRule]] = {
    AddIndex: _added,
    AlterIndex: _altered,
    NameTaken: _hidden,
    SetOptions: _set,
}
