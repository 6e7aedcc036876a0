"""NB: statements that real nodes took and did not survive, or that no server can take whatever the state.

Each was seen on Cassandra 4.0, 4.1 or 5.0: after it the node did not start again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from scyllamodel._identifiers import name_fault
from scyllamodel.schema.changes import AddTable, AddView, NameTaken, SetOptions
from scyllamodel.schema.diagnostics import Diagnostic

if TYPE_CHECKING:
    from scyllamodel.schema.facts import KeyspaceFacts
    from scyllamodel.schema.rules.case import Case, ChangeRule


def _taken(change: NameTaken, case: Case) -> Iterator[Diagnostic]:
    if change.wanted == "index":
        return
    text = f"a {change.found} of this name stands where the models want a {change.wanted}"
    if change.wanted == "table":
        text += "; CREATE TABLE over a view leaves a Cassandra node unable to start"
    fix = f'Give the {change.wanted} a free name: {change.wanted}="{change.name}_2"'
    yield Diagnostic("NB101", "error", case.path(change.name), text, fix)


def _options(change: AddTable | AddView | SetOptions, case: Case) -> Iterator[Diagnostic]:
    if isinstance(change, SetOptions):
        name, options = change.name, change.options
    else:
        fact = change.table if isinstance(change, AddTable) else change.view
        name, options = fact.name, fact.options
    if "id" in options:
        text = "an id of somebody's choice in WITH: the id of another table breaks the schema of the node"
        yield Diagnostic("NB101", "error", case.path(name), text, "Leave id out; servers choose it.")


def lint(wanted: KeyspaceFacts) -> Iterator[Diagnostic]:
    """Names that no server takes, or that a node does not survive; two things of one name; quotes in a view filter."""
    types, tables, views = wanted.types, wanted.tables, wanted.views
    indexes = [index for table in tables for index in table.indexes]
    kinds = (("type", types), ("table", tables), ("view", views), ("index", indexes))
    for what, found in kinds:
        for item in found:
            yield from _name(wanted.name, item.name, what)
    fault = name_fault(wanted.name, "keyspace")
    if fault is not None:
        yield Diagnostic("NB101", "error", wanted.name, fault, "Choose a shorter, plain name.")
    for name in sorted({table.name for table in tables} & {view.name for view in views}):
        text = "a table and a view of this name are declared; a Cassandra node that gets both does not start again"
        yield Diagnostic("NB101", "error", f"{wanted.name}.{name}", text, "Give one of them another name.")
    for view in views:
        if "'" in view.where:
            text = "a text constant in the filter of a view; a Cassandra node that stores a quote in it does not start"
            yield Diagnostic("NB101", "error", f"{wanted.name}.{view.name}", text, "Filter when reading the view.")


def _name(keyspace: str, name: str, what: str) -> Iterator[Diagnostic]:
    fault = name_fault(name, what)
    if fault is not None:
        yield Diagnostic("NB101", "error", f"{keyspace}.{name}", fault, "Choose a shorter, plain name.")


RULES: Final[Mapping[type, ChangeRule]] = {
    NameTaken: _taken,
    AddTable: _options,
    AddView: _options,
    SetOptions: _options,
}
