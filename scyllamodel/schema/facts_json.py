"""Facts as plain JSON values, for scripts that want to know what a keyspace holds.

*In*: facts. *Out*: dicts, lists, text and numbers, by the schema ``inspect.schema.json`` of this package: types as CQL
text, names raw, everything in the order of the facts, so that equal facts give equal documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from scyllamodel.schema.facts import (
    Aggregate,
    Function,
    Index,
    KeyspaceFacts,
    SchemaFacts,
    Table,
    TableColumn,
    UserType,
    View,
)
from scyllamodel.schema.source.left_out import undeclared


def facts_dict(facts: SchemaFacts) -> dict[str, Any]:
    """All keyspaces of these facts."""
    return {"format": 1, "kind": "inspect", "keyspaces": [_keyspace(found) for found in facts]}


def _keyspace(found: KeyspaceFacts) -> dict[str, Any]:
    about = found.keyspace
    return {
        "name": found.name,
        "replication": plain(about.replication) if about else None,
        "durable_writes": about.durable_writes if about else None,
        "tablets": about.tablets if about else None,
        **({"consistency": about.consistency} if about and about.consistency else {}),
        **({"storage": plain(about.storage)} if about and about.storage else {}),
        "types": [type_dict(item) for item in found.types],
        "tables": [_table(item) for item in found.tables],
        "views": [view_dict(item) for item in found.views],
        "functions": [_function(item) for item in found.functions],
        "aggregates": [_aggregate(item) for item in found.aggregates],
        "left_out": [item.to_dict() for item in undeclared(found)],
    }


def type_dict(found: UserType) -> dict[str, Any]:
    """A user type with its fields in order."""
    fields = [{"name": name, "type": field_type.cql} for name, field_type in found.fields]
    return {"name": found.name, "fields": fields}


def _table(found: Table) -> dict[str, Any]:
    return {
        "name": found.name,
        "columns": [column_dict(item) for item in found],
        "indexes": [index_dict(item) for item in found.indexes],
        "triggers": [{"name": item.name, "using": item.using} for item in found.triggers],
        "flags": sorted(found.flags),
        "options": plain(found.options),
        **({} if found.ttl_column is None else {"ttl_column": found.ttl_column}),
    }


def _function(found: Function) -> dict[str, Any]:
    return {
        "name": found.name,
        "arguments": [{"name": name, "type": cql_type.cql} for name, cql_type in found.arguments],
        "returns": found.returns.cql,
        "language": found.language,
        "body": found.body,
        "null_input": found.null_input,
    }


def _aggregate(found: Aggregate) -> dict[str, Any]:
    return {
        "name": found.name,
        "arguments": [cql_type.cql for cql_type in found.arguments],
        "state_function": found.state_function,
        "state_type": found.state_type.cql,
        "initial": found.initial,
        "final_function": found.final_function,
        "reduce_function": found.reduce_function,
    }


def view_dict(found: View) -> dict[str, Any]:
    """A view; ``of`` is its table."""
    return {
        "name": found.name,
        "of": found.base,
        "columns": [column_dict(item) for item in found],
        "all_columns": found.all_columns,
        "where": found.where,
        "options": plain(found.options),
    }


def column_dict(found: TableColumn) -> dict[str, Any]:
    """A column, its type as CQL text; ``masked_with`` only where there is a mask."""
    mask = {} if found.mask is None else {"masked_with": found.mask}
    return {"name": found.name, "type": found.type.cql, "kind": found.kind, "descending": found.descending, **mask}


def index_dict(found: Index) -> dict[str, Any]:
    """An index; ``on`` is the part of a collection, ``partition`` and ``view_options`` only where there are some."""
    return {
        "name": found.name,
        "column": found.column,
        "on": found.on,
        "using": found.using,
        "options": plain(found.options),
        "local": found.local,
        **({"partition": [*found.partition]} if found.partition else {}),
        **({"view_options": plain(found.view_options)} if found.view_options else {}),
    }


def plain(value: Any) -> Any:
    """Maps as dicts in the order of their names, racks as lists; what JSON does not know as text."""
    if isinstance(value, tuple):
        return [plain(item) for item in cast("tuple[object, ...]", value)]
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value)
        return {key: plain(items[key]) for key in sorted(items)}
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
