"""What of a live schema no class can declare, and why; it becomes a comment instead of a class.

*In*: facts as they were read. *Out*: a reason, or None for what can be declared. A table of Thrift's times, a filter
of a view, an index over several columns: all of it stays where it is, and nobody's models speak of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from scyllamodel._identifiers import INTERNAL_PREFIX, name_problem
from scyllamodel.schema.diff.sides import has_cql_layout
from scyllamodel.schema.facts import Index, KeyspaceFacts, Table, UserType, View
from scyllamodel.schema.left_out import Unsupported, unreadable_facts, unsupported_functions, unsupported_masks
from scyllamodel.schema.order import dependency_order
from scyllamodel.schema.server import is_viewless
from scyllamodel.schema.source.hints import UserTypeClasses
from scyllamodel.types.values import TTL_TYPES, UserTypeName, is_multi_cell, user_type_names

NO_FUNCTIONS_REASON: Final = "models have no functions, aggregates or triggers"
_CUSTOM_TARGET: Final = re.compile(r"\w{1,48}", re.ASCII)


def unsupported_by_models(facts: KeyspaceFacts) -> Iterator[Unsupported]:
    """What no model can declare: types, tables, indexes, views, masks, and everything that holds code."""
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
    """The user types that classes can stand for: those with a name of today, made of such types only."""
    usable: dict[str, UserType] = {}
    for item in dependency_order(item for item in facts.types if name_problem(item.name, "user type") is None):
        if usable.keys() >= set(item.user_types) and all(_is_name(name) for name, _ in item.fields):
            usable[item.name] = item
    return usable


def unsupported_type(user_type: UserType) -> str:
    """Why a user type that is not among `declarable_types` is not."""
    if not all(_is_name(name) for name, _ in user_type.fields):
        return "one of its fields has no name, or one with a NUL"
    return name_problem(user_type.name, "user type") or "it holds a type that no class can stand for, or itself"


def unsupported_table(table: Table, classes: UserTypeClasses) -> str | None:
    """Why no model can declare this table; None when one can."""
    if table.name.startswith(INTERNAL_PREFIX):
        return "it is scyllamodel's own"
    if not has_cql_layout(table):
        return "it has a compact layout (WITH COMPACT STORAGE, or made by Thrift)"
    if not all(_is_name(column.name) for column in table):
        return "one of its columns has no name, or one with a NUL"
    for column in table:
        unknown = [name for name in user_type_names(column.type) if name not in classes.names]
        if unknown:
            return f"the column {column.name} holds the user type {unknown[0]}, for which there is no class"
        if isinstance(column.type, UserTypeName) and _has_unfrozen_fields(column.type, classes):
            return f"the column {column.name} is not frozen, and its type holds collections that are not either"
    return name_problem(table.name, "table")


def _is_name(name: str) -> bool:
    """Whether a model takes the name of a column or field."""
    return bool(name) and "\0" not in name


def _has_unfrozen_fields(cql_type: UserTypeName, classes: UserTypeClasses) -> bool:
    return not cql_type.frozen and any(is_multi_cell(field) for _, field in classes.types[cql_type.name].fields)


def unsupported_view(view: View, bases: frozenset[str]) -> str | None:
    """Why no class can declare this view; ``bases`` are the tables that have one."""
    if view.base not in bases:
        return f"its table {view.base} has no class"
    if view.where:
        return f"models have no filters: WHERE {view.where}"
    return name_problem(view.name, "view")


def _filters(index: Index, table: Table) -> bool:
    """Whether it is a vector index with further columns, all of which are there."""
    return is_viewless(index.using) and all(name in table for name in index.names(table))


def unsupported_index(index: Index, table: Table) -> str | None:
    """Why no model can declare this index; None when one can."""
    if index.partition:
        return f"it searches within {', '.join(index.partition)}, which is not the partition key"
    if index.column not in table and not _filters(index, table):
        return f"it is on {index.column}, which is not one column"
    if index.using is not None and not all(map(_CUSTOM_TARGET.fullmatch, index.names(table))):
        return "an index with a class is on a column of at most 48 letters, digits and underscores"
    return name_problem(index.name, "index")
