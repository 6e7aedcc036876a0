"""Facts -> a digest that is the same on every machine and Python, for telling schemas apart.

*In*: facts. *Out*: ``sha256:…`` of their canonical JSON. Equal facts have equal fingerprints, in whatever order they
were declared or read; what is no part of their equality (where a name came from, layout flags) is left out, and so is
the keyspace's replication, which differs between environments that share one schema.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, TypeAlias, Union, cast

import attrs

from scyllamodel.schema.facts import (
    FrozenMap,
    Index,
    KeyspaceFacts,
    SchemaFacts,
    Table,
    TableColumn,
    UserType,
    View,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scyllamodel.types.values import CqlType

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


def managed(found: SchemaFacts, wanted: SchemaFacts) -> SchemaFacts:
    """The part of ``found`` that these models speak of: their types, tables and views, whole.

    Options that no model declares are left out, so that somebody's tuning does not make a plan stale; a column or index
    that appears on such a table does.
    """
    live = {part.name: part for part in found}
    return SchemaFacts(_managed(live[part.name], part) for part in wanted if part.name in live)


def _managed(found: KeyspaceFacts, wanted: KeyspaceFacts) -> KeyspaceFacts:
    types = {item.name for item in wanted.types}
    tables = {item.name: item for item in wanted.tables}
    views = {item.name: item for item in wanted.views}
    return attrs.evolve(
        found,
        types=[item for item in found.types if item.name in types],
        tables=[_declared(item, tables[item.name].options) for item in found.tables if item.name in tables],
        views=[_declared(item, views[item.name].options) for item in found.views if item.name in views],
    )


def _declared(found: Any, options: FrozenMap) -> Any:
    if len(found.options) == len(options):
        return found
    return attrs.evolve(found, options={name: found.options[name] for name in options if name in found.options})


def _keyspace(facts: KeyspaceFacts) -> list[Any]:
    return [_list(facts.types), _list(facts.tables), _list(facts.views)]


def _list(found: Iterable[_Fact]) -> list[Any]:
    return [_fact(item) for item in found]


def _fact(found: _Fact) -> list[Any]:
    if isinstance(found, UserType):
        return ["type", found.name, [[name, _type(field_type)] for name, field_type in found.fields]]
    columns = [_column(column) for column in found.columns]
    if isinstance(found, View):
        return ["view", found.name, found.base, columns, found.all_columns, found.where, _plain(found.options)]
    return ["table", found.name, columns, [_index(index) for index in found.indexes], _plain(found.options)]


def _column(column: TableColumn) -> list[Any]:
    return [column.name, _type(column.type), column.kind, column.descending]


def _type(cql_type: CqlType) -> str:
    return cql_type.cql


def _index(index: Index) -> list[Any]:
    return [index.name, index.column, index.on, index.using, _plain(index.options), index.local]


def _plain(value: Any) -> Any:
    if isinstance(value, FrozenMap):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in cast("Iterable[Any]", value)]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
