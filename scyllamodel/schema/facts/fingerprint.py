"""A digest of facts that is equal on every machine and Python version.

*In*: facts. *Out*: ``sha256:…`` of their canonical JSON. Equal facts have equal fingerprints, whatever the order in
which they were declared or read. Attributes that are not compared (layout flags, the origin of a name) are left out,
and so is the replication of the keyspace, which differs between environments of one schema.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from scyllamodel._json import to_json
from scyllamodel.schema.facts.objects import (
    Index,
    KeyspaceFacts,
    SchemaFacts,
    Table,
    TableColumn,
    UserType,
    View,
)
from scyllamodel.types.cql_types import CqlType, Native

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

_Fact: TypeAlias = Union[Table, View, UserType]


def fingerprint(facts: SchemaFacts | KeyspaceFacts | Table | View | UserType) -> str:
    """The digest of these facts.

    >>> fingerprint(UserType("point", ()))[:15]
    'sha256:2a5809df'
    """
    if isinstance(facts, SchemaFacts):
        return digest([[part.name, _keyspace(part)] for part in facts])
    return digest([facts.name, _keyspace(facts)] if isinstance(facts, KeyspaceFacts) else _fact(facts))


def digest(value: Any) -> str:
    """``sha256:…`` of the canonical JSON of plain values."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(text.encode("ascii")).hexdigest()


def managed_fingerprint(live: SchemaFacts, desired: SchemaFacts) -> str:
    """The digest of the live types, tables and views that models declare, with all their columns and indexes.

    Undeclared options are ignored, so that tuning does not make a plan stale; a new column or index does.
    """
    live_by_name = {keyspace.name: keyspace for keyspace in live}
    return digest(
        [
            [keyspace.name, _managed_facts(live_by_name[keyspace.name], keyspace)]
            for keyspace in desired
            if keyspace.name in live_by_name
        ]
    )


def _managed_facts(live: KeyspaceFacts, desired: KeyspaceFacts) -> list[Any]:
    types = {item.name for item in desired.types}
    tables = {item.name: item.options for item in desired.tables}
    behind = {index.name: index.view_options for item in desired.tables for index in item.indexes}
    views = {item.name: item.options for item in desired.views}
    return [
        [_fact(item) for item in live.types if item.name in types],
        [_fact(item, tables[item.name], behind) for item in live.tables if item.name in tables],
        [_fact(item, views[item.name]) for item in live.views if item.name in views],
    ]


def _keyspace(facts: KeyspaceFacts) -> list[Any]:
    return [[_fact(item) for item in kind] for kind in (facts.types, facts.tables, facts.views)]


def _fact(
    fact: _Fact, declared: Mapping[str, Any] | None = None, behind: Mapping[str, Mapping[str, Any]] | None = None
) -> list[Any]:
    """One type, table or view, with its declared options and those of the views behind its indexes; None means all."""
    if isinstance(fact, UserType):
        return ["type", fact.name, [[name, _type(field_type)] for name, field_type in fact.fields]]
    columns = [_column(column) for column in fact.columns]
    options = {name: to_json(fact.options[name]) for name in fact.options if declared is None or name in declared}
    if isinstance(fact, View):
        return ["view", fact.name, fact.base, columns, fact.all_columns, fact.where, options]
    ttl = [] if fact.ttl_column is None else [fact.ttl_column]
    indexes = [_index(index, None if behind is None else behind.get(index.name, ())) for index in fact.indexes]
    return ["table", fact.name, columns, indexes, options, *ttl]


def _column(column: TableColumn) -> list[Any]:
    mask = [] if column.mask is None else [column.mask]
    return [column.name, _type(column.type), column.kind, column.descending, *mask]


def _type(cql_type: CqlType) -> str:
    return cql_type.name if type(cql_type) is Native else _composite(cql_type)


@lru_cache(maxsize=4096)
def _composite(cql_type: CqlType) -> str:
    """Cached, since a schema of a thousand tables has a few dozen types."""
    return cql_type.cql


def _index(index: Index, declared: Container[str] | None) -> list[Any]:
    partition = [[*index.partition]] if index.partition else []
    options = {n: to_json(value) for n, value in index.view_options.items() if declared is None or n in declared}
    behind = [{"view": options}] if options else []
    return [index.name, index.column, index.on, index.using, to_json(index.options), index.local, *partition, *behind]
