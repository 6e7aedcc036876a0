"""Checks of the columns of a table against the rules of servers.

In: the columns of one class. Out: problems, with what to write instead. The rules are those of ``CREATE TABLE`` on both
servers.
"""

from __future__ import annotations

from collections.abc import Iterable

from scyllamodel.model.field_declaration import FieldDeclaration, FieldDeclarations
from scyllamodel.model.validation.problems import Problems
from scyllamodel.model.validation.user_types import has_unfrozen_fields, walk_user_types
from scyllamodel.types.cql_types import COUNTER, DURATION, TTL_TYPES, CqlType, is_frozen


def check_table(columns: FieldDeclarations, user_types: Iterable[type], problems: Problems) -> None:
    """Report columns that no server supports in one table."""
    _check_key(columns, problems)
    _check_counters(columns, problems)
    _check_row_ttl(columns, problems)
    for column in columns.values():
        if column.type_mapping is not None:
            check_type(column, column.type_mapping.type, user_types, problems)
            if column.in_key and column.type_mapping.nullable:
                problems.add(
                    "MD106", "a key column cannot be null", "Write its type without None.", attribute=column.name
                )


def _check_key(columns: FieldDeclarations, problems: Problems) -> None:
    kinds = {column.spec.kind for column in columns.values()}
    if "partition_key" not in kinds:
        problems.add("MD101", "no partition key", "Declare a column with partition_key().")
    for column in columns.values():
        if column.spec.kind == "static" and "clustering" not in kinds:
            text = "a static column requires a clustering key: without one, each partition has only one row"
            problems.add(
                "MD102", text, "Write column() without static, or add a clustering_key().", attribute=column.name
            )


def _check_counters(columns: FieldDeclarations, problems: Problems) -> None:
    counters = [c for c in columns.values() if not c.in_key and c.type_mapping and c.type_mapping.type == COUNTER]
    others = [c for c in columns.values() if not c.in_key and c.type_mapping and c.type_mapping.type != COUNTER]
    if counters and others:
        names = ", ".join(column.name for column in others)
        text = f"a table with counters can have only counters outside its key, and {names} is not a counter"
        problems.add(
            "MD103", text, "Move the counters to a separate table with the same key.", attribute=counters[0].name
        )


def _check_row_ttl(columns: FieldDeclarations, problems: Problems) -> None:
    ttl_columns = [column for column in columns.values() if column.spec.row_ttl]
    for column in ttl_columns:
        if column.spec.kind == "static":
            text = "a static column belongs to a partition, so its rows cannot expire by it"
            problems.add("MD127", text, "Omit static or row_ttl.", attribute=column.name)
        if column.type_mapping is not None and column.type_mapping.type not in TTL_TYPES:
            text = f"a row cannot expire by a column of type {column.type_mapping.type.cql}"
            problems.add("MD127", text, "Write datetime, cql.BigInt or cql.Int.", attribute=column.name)
    if len(ttl_columns) > 1:
        text = f"a row expires by one column, and {', '.join(column.name for column in ttl_columns)} have row_ttl=True"
        problems.add("MD127", text, "Keep one of them.", attribute=ttl_columns[1].name)


def check_type(column: FieldDeclaration, cql_type: CqlType, user_types: Iterable[type], problems: Problems) -> None:
    """Report a type that is not supported in the role of its column."""
    name = column.name
    if column.in_key:
        for forbidden in (COUNTER, DURATION):
            if forbidden in walk_user_types(cql_type, user_types):
                text = f"a {forbidden.cql} cannot be part of the primary key"
                problems.add("MD104", text, "Choose another type, or make it a plain column().", attribute=name)
        if not is_frozen(cql_type):
            kind = "partition_key" if column.spec.kind == "partition_key" else "clustering_key"
            advice = f"Write  {name}: Column[cql.Frozen[…]] = {kind}()"
            text = f"{cql_type.cql} cannot be part of the primary key unless it is frozen"
            problems.add("MD105", text, advice, attribute=name)
    elif has_unfrozen_fields(cql_type, user_types):
        text = f"{cql_type.cql} has fields that are collections, so it cannot be a column unless it is frozen"
        advice = f"Write  {name}: Column[cql.Frozen[…]]  here, or cql.Frozen[…] around the collections of the type."
        problems.add("MD114", text, advice, attribute=name)
