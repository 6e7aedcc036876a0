"""What servers ask of the columns of a table, checked before anything is sent.

Comes in: the columns of one class. Goes out: problems. The rules are those of ``CREATE TABLE`` on both servers; the
words are ours, with what to write instead.
"""

from __future__ import annotations

from collections.abc import Iterable

from scyllamodel.model.definition import Columns, Declared
from scyllamodel.model.nested import deep_walk, has_open_collections
from scyllamodel.model.problems import Problems
from scyllamodel.types.values import COUNTER, DURATION, TTL_TYPES, CqlType, is_frozen


def check_table(columns: Columns, user_types: Iterable[type], problems: Problems) -> None:
    """Report what no server would take as a table."""
    _check_key(columns, problems)
    _check_counters(columns, problems)
    _check_row_ttl(columns, problems)
    for column in columns.values():
        if column.hint is not None:
            check_type(column, column.hint.type, user_types, problems)
            if column.in_key and column.hint.nullable:
                problems.add("MD106", "a key column is never null", "Write its type without None.", at=column.name)


def _check_key(columns: Columns, problems: Problems) -> None:
    kinds = {column.spec.kind for column in columns.values()}
    if "partition_key" not in kinds:
        problems.add("MD101", "no partition key", "Declare a column with partition_key().")
    for column in columns.values():
        if column.spec.kind == "static" and "clustering" not in kinds:
            text = "a static column needs a clustering key: without one, every row is a partition of its own"
            problems.add("MD102", text, "Write column() without static, or add a clustering_key().", at=column.name)


def _check_counters(columns: Columns, problems: Problems) -> None:
    counters = [c for c in columns.values() if not c.in_key and c.hint and c.hint.type == COUNTER]
    others = [c for c in columns.values() if not c.in_key and c.hint and c.hint.type != COUNTER]
    if counters and others:
        names = ", ".join(column.name for column in others)
        text = f"a table of counters holds nothing else outside its key, and {names} is no counter"
        problems.add(
            "MD103", text, "Move the counters to a table of their own, with the same key.", at=counters[0].name
        )


def _check_row_ttl(columns: Columns, problems: Problems) -> None:
    declared = [column for column in columns.values() if column.spec.row_ttl]
    for column in declared:
        if column.spec.kind == "static":
            text = "a static column belongs to a partition, and its rows cannot expire by it"
            problems.add("MD127", text, "Leave static or row_ttl out.", at=column.name)
        if column.hint is not None and column.hint.type not in TTL_TYPES:
            text = f"a row cannot expire by a column of type {column.hint.type.cql}"
            problems.add("MD127", text, "Write datetime, cql.BigInt or cql.Int.", at=column.name)
    if len(declared) > 1:
        text = f"a row expires by one column, and {', '.join(column.name for column in declared)} say row_ttl=True"
        problems.add("MD127", text, "Leave it at one of them.", at=declared[1].name)


def check_type(column: Declared, cql_type: CqlType, user_types: Iterable[type], problems: Problems) -> None:
    """Report a type that its column cannot have where it stands."""
    name = column.name
    if column.in_key:
        for refused in (COUNTER, DURATION):
            if refused in deep_walk(cql_type, user_types):
                text = f"a {refused.cql} cannot be part of the primary key"
                problems.add("MD104", text, "Choose another type, or make it a plain column().", at=name)
        if not is_frozen(cql_type):
            kind = "partition_key" if column.spec.kind == "partition_key" else "clustering_key"
            advice = f"Write  {name}: Column[cql.Frozen[…]] = {kind}()"
            text = f"{cql_type.cql} cannot be part of the primary key unless it is frozen"
            problems.add("MD105", text, advice, at=name)
    elif has_open_collections(cql_type, user_types):
        text = f"{cql_type.cql} has fields that are collections, so it cannot be a column unless it is frozen"
        advice = f"Write  {name}: Column[cql.Frozen[…]]  here, or cql.Frozen[…] around the collections of the type."
        problems.add("MD114", text, advice, at=name)
