"""Facts as plain JSON values, for scripts.

*In*: facts. *Out*: dicts, lists, text and numbers, by the schema ``inspect.schema.json`` of this package. Types are CQL
text and names are raw; everything is in the order of the facts, so that equal facts give equal documents.
"""

from __future__ import annotations

from typing import Any

from scyllamodel._json import to_json
from scyllamodel.schema.export.models.unsupported import unsupported_by_models
from scyllamodel.schema.facts.objects import (
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


def facts_document(facts: SchemaFacts) -> dict[str, Any]:
    """A document with all keyspaces of these facts."""
    return {"format": 1, "kind": "inspect", "keyspaces": [_keyspace(keyspace) for keyspace in facts]}


def _keyspace(facts: KeyspaceFacts) -> dict[str, Any]:
    properties = facts.keyspace
    return {
        "name": facts.name,
        "replication": to_json(properties.replication) if properties else None,
        "durable_writes": properties.durable_writes if properties else None,
        "tablets": properties.tablets if properties else None,
        **({"consistency": properties.consistency} if properties and properties.consistency else {}),
        **({"storage": to_json(properties.storage)} if properties and properties.storage else {}),
        "types": [type_dict(item) for item in facts.types],
        "tables": [_table(item) for item in facts.tables],
        "views": [view_dict(item) for item in facts.views],
        "functions": [_function(item) for item in facts.functions],
        "aggregates": [_aggregate(item) for item in facts.aggregates],
        "left_out": [item.to_dict() for item in unsupported_by_models(facts)],
    }


def type_dict(fact: UserType) -> dict[str, Any]:
    """A user type with its fields in order."""
    fields = [{"name": name, "type": field_type.cql} for name, field_type in fact.fields]
    return {"name": fact.name, "fields": fields}


def _table(fact: Table) -> dict[str, Any]:
    return {
        "name": fact.name,
        "columns": [column_dict(item) for item in fact],
        "indexes": [index_dict(item) for item in fact.indexes],
        "triggers": [{"name": item.name, "using": item.using} for item in fact.triggers],
        "flags": sorted(fact.flags),
        "options": to_json(fact.options),
        **({} if fact.ttl_column is None else {"ttl_column": fact.ttl_column}),
    }


def _function(fact: Function) -> dict[str, Any]:
    return {
        "name": fact.name,
        "arguments": [{"name": name, "type": cql_type.cql} for name, cql_type in fact.arguments],
        "returns": fact.returns.cql,
        "language": fact.language,
        "body": fact.body,
        "null_input": fact.null_input,
    }


def _aggregate(fact: Aggregate) -> dict[str, Any]:
    return {
        "name": fact.name,
        "arguments": [cql_type.cql for cql_type in fact.arguments],
        "state_function": fact.state_function,
        "state_type": fact.state_type.cql,
        "initial": fact.initial,
        "final_function": fact.final_function,
        "reduce_function": fact.reduce_function,
    }


def view_dict(fact: View) -> dict[str, Any]:
    """A view; ``of`` is its table."""
    return {
        "name": fact.name,
        "of": fact.base,
        "columns": [column_dict(item) for item in fact],
        "all_columns": fact.all_columns,
        "where": fact.where,
        "options": to_json(fact.options),
    }


def column_dict(fact: TableColumn) -> dict[str, Any]:
    """A column; its type is CQL text, and ``masked_with`` is present only if it has a mask."""
    mask = {} if fact.mask is None else {"masked_with": fact.mask}
    return {"name": fact.name, "type": fact.type.cql, "kind": fact.kind, "descending": fact.descending, **mask}


def index_dict(fact: Index) -> dict[str, Any]:
    """An index; ``on`` is the indexed part of a collection; ``partition`` and ``view_options`` are omitted if empty."""
    return {
        "name": fact.name,
        "column": fact.column,
        "on": fact.on,
        "using": fact.using,
        "options": to_json(fact.options),
        "local": fact.local,
        **({"partition": [*fact.partition]} if fact.partition else {}),
        **({"view_options": to_json(fact.view_options)} if fact.view_options else {}),
    }
