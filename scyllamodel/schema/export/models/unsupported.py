"""Live objects that no class can declare, with the reason; `inspect` writes them as comments.

*In*: facts as read. *Out*: a reason, or None for objects that can be declared. Examples are tables created through
Thrift, filters of views, and indexes over several columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from scyllamodel._identifiers import INTERNAL_PREFIX, name_problem
from scyllamodel.schema.diff.schema_pair import has_cql_layout
from scyllamodel.schema.export.models.annotation_source import UserTypeClasses
from scyllamodel.schema.export.unsupported import (
    Unsupported,
    unreadable_facts,
    unsupported_functions,
    unsupported_masks,
)
from scyllamodel.schema.facts.objects import Index, KeyspaceFacts, Table, UserType, View
from scyllamodel.schema.facts.type_order import dependency_order
from scyllamodel.schema.server.profile import is_viewless
from scyllamodel.types.cql_types import TTL_TYPES, UserTypeName, is_multi_cell, user_type_names

NO_FUNCTIONS_REASON: Final = "models cannot declare functions or triggers"
_CUSTOM_TARGET: Final = re.compile(r"\w{1,48}", re.ASCII)


def unsupported_by_models(facts: KeyspaceFacts) -> Iterator[Unsupported]:
    """Yield the objects that no model can declare: types, tables, indexes, views, masks, and code."""
    yield from unreadable_facts(facts)
    usable = declarable_types(facts)
    classes = UserTypeClasses(usable, {name: name for name in usable})
    yield from (Unsupported("user type", t.name, unsupported_type(t)) for t in facts.types if t.name not in usable)
    faults = {table.name: unsupported_table(table, classes) for table in facts.tables}
    for table in facts.tables:
        if (fault := faults[table.name]) is not None:
            yield Unsupported("table", table.name, fault)
            continue
        for index in table.indexes:
            if (fault := unsupported_index(index, table)) is not None:
                yield Unsupported("index", index.name, fault)
        yield from unsupported_masks(table, "the model declares the column without a mask")
        if table.ttl_column is not None and not is_ttl_column(table):
            why = "its type is not timestamp, bigint or int; the model declares it as an ordinary column"
            yield Unsupported("TTL", f"{table.name}.{table.ttl_column}", why)
    declared = frozenset(name for name, fault in faults.items() if fault is None)
    for view in facts.views:
        if (fault := unsupported_view(view, declared)) is not None:
            yield Unsupported("view", view.name, fault)
    yield from unsupported_functions(facts, NO_FUNCTIONS_REASON)


def is_ttl_column(table: Table) -> bool:
    """Whether a model can declare the TTL column of this table."""
    column = table.get(table.ttl_column or "")
    return column is not None and column.type in TTL_TYPES


def declarable_types(facts: KeyspaceFacts) -> dict[str, UserType]:
    """The user types that classes can represent: those with a valid name, made of such types only."""
    usable: dict[str, UserType] = {}
    for item in dependency_order(item for item in facts.types if name_problem(item.name, "user type") is None):
        if usable.keys() >= set(item.user_types) and all(_is_name(name) for name, _ in item.fields):
            usable[item.name] = item
    return usable


def unsupported_type(user_type: UserType) -> str:
    """The reason why a user type is not among `declarable_types`."""
    if not all(_is_name(name) for name, _ in user_type.fields):
        return "one of its fields has an empty name, or a name with a NUL"
    return name_problem(user_type.name, "user type") or "it contains itself, or a type that no class can represent"


def unsupported_table(table: Table, classes: UserTypeClasses) -> str | None:
    """The reason why no model can declare this table; None if one can."""
    if table.name.startswith(INTERNAL_PREFIX):
        return "it is an internal table of scyllamodel"
    if not has_cql_layout(table):
        return "it has a compact layout (created WITH COMPACT STORAGE or through Thrift)"
    if not all(_is_name(column.name) for column in table):
        return "one of its columns has an empty name, or a name with a NUL"
    for column in table:
        unknown = [name for name in user_type_names(column.type) if name not in classes.names]
        if unknown:
            return f"the column {column.name} has the user type {unknown[0]}, which has no class"
        if isinstance(column.type, UserTypeName) and _has_unfrozen_fields(column.type, classes):
            return f"the column {column.name} is not frozen, and its type contains collections that are not frozen"
    return name_problem(table.name, "table")


def _is_name(name: str) -> bool:
    """Whether a model can use the name for a column or field."""
    return bool(name) and "\0" not in name


def _has_unfrozen_fields(cql_type: UserTypeName, classes: UserTypeClasses) -> bool:
    return not cql_type.frozen and any(is_multi_cell(field) for _, field in classes.types[cql_type.name].fields)


def unsupported_view(view: View, bases: frozenset[str]) -> str | None:
    """The reason why no class can declare this view; ``bases`` are the tables that have a class."""
    if view.base not in bases:
        return f"its table {view.base} has no class"
    if view.where:
        return f"models cannot declare filters: WHERE {view.where}"
    return name_problem(view.name, "view")


def _filters(index: Index, table: Table) -> bool:
    """Whether it is a vector index with further columns, all of which exist."""
    return is_viewless(index.using) and all(name in table for name in index.names(table))


def unsupported_index(index: Index, table: Table) -> str | None:
    """The reason why no model can declare this index; None if one can."""
    if index.partition:
        return f"it searches within {', '.join(index.partition)}, which is not the partition key"
    if index.column not in table and not _filters(index, table):
        return f"it is on {index.column}, which is not a single column"
    if index.using is not None and not all(map(_CUSTOM_TARGET.fullmatch, index.names(table))):
        return "the column of an index with a class must have at most 48 letters, digits and underscores"
    return name_problem(index.name, "index")
