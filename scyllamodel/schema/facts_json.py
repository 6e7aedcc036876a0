"""Facts as plain JSON values, for scripts that want to know what a keyspace holds.

*In*: facts. *Out*: dicts, lists, text and numbers, by the schema ``inspect.schema.json`` of this package: types as CQL
text, names raw, everything in the order of the facts, so that equal facts give equal documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from scyllamodel.schema.facts import Index, KeyspaceFacts, SchemaFacts, Table, TableColumn, UserType, View


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
        "types": [type_dict(item) for item in found.types],
        "tables": [_table(item) for item in found.tables],
        "views": [view_dict(item) for item in found.views],
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
        "options": plain(found.options),
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
    """A column, its type as CQL text."""
    return {"name": found.name, "type": found.type.cql, "kind": found.kind, "descending": found.descending}


def index_dict(found: Index) -> dict[str, Any]:
    """An index; ``on`` is the part of a collection."""
    return {
        "name": found.name,
        "column": found.column,
        "on": found.on,
        "using": found.using,
        "options": plain(found.options),
        "local": found.local,
    }


def plain(value: Any) -> Any:
    """Maps as dicts in the order of their names; what JSON does not know as text."""
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value)
        return {key: plain(items[key]) for key in sorted(items)}
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
