"""CREATE statements for facts.

*In*: a keyspace, type, table, index or view as a fact, and a `ServerProfile`. *Out*: one ``CREATE`` without a
semicolon, the same bytes for equal facts. All options in the facts are written, stored defaults included, so that a
dropped table is recreated exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from scyllamodel._identifiers import qualified, quote, quote_type, string_literal
from scyllamodel.errors import KeyspaceError
from scyllamodel.schema.facts.compact_storage import declared_columns, is_compact, unsupported_reason
from scyllamodel.schema.facts.masks import DEFAULT, is_writable
from scyllamodel.schema.facts.objects import (
    Aggregate,
    Function,
    Index,
    Keyspace,
    KeyspaceFacts,
    Table,
    TableColumn,
    Trigger,
    UserType,
    View,
)
from scyllamodel.schema.facts.type_order import dependency_order
from scyllamodel.schema.options import map_cql, option_cql
from scyllamodel.schema.server.profile import ORDINARY_INDEX, index_family
from scyllamodel.types.cql_types import CqlType, VectorType

if TYPE_CHECKING:
    from uuid import UUID

    from scyllamodel.schema.server.profile import ServerProfile

INDENT: Final = "    "


def keyspace_script(facts: KeyspaceFacts, server: ServerProfile) -> list[str]:
    """The statements that create this keyspace on an empty server, in dependency order.

    `scyllamodel.schema.export.unsupported.missing_from_script` lists what CQL cannot express; such tables are left out.
    """
    name = facts.name
    tables = [with_writable_masks(table) for table in facts.tables if unsupported_reason(table) is None]
    return [
        *([] if facts.keyspace is None else [create_keyspace(facts.keyspace, server)]),
        *(create_type(name, user_type) for user_type in dependency_order(facts.types)),
        *(create_function(name, function) for function in facts.functions),
        *(create_aggregate(name, aggregate) for aggregate in facts.aggregates),
        *(create_table(name, table, server) for table in tables),
        *(create_index(name, table, index, server) for table in tables for index in table.indexes),
        *(create_trigger(name, table, trigger) for table in tables for trigger in table.triggers),
        *(create_view(name, view, server) for view in facts.views),
    ]


def with_writable_masks(table: Table) -> Table:
    """The table with the mask ``DEFAULT`` where CQL has no literal for an argument of the stored mask."""
    columns = [
        column if column.mask is None or is_writable(column.mask) else attrs.evolve(column, mask=DEFAULT)
        for column in table
    ]
    return attrs.evolve(table, columns=columns)


def create_keyspace(keyspace: Keyspace, server: ServerProfile) -> str:
    """``CREATE KEYSPACE IF NOT EXISTS``: several replicas may send it at once, and the result is compared afterwards.

    Raises:
        KeyspaceError: no replication is configured, or tablets are requested from a server without them.
    """
    if keyspace.replication is None:
        raise _refused(keyspace, "no replication is configured", _REPLICATION)
    if keyspace.tablets and not server.has_tablets:
        raise _refused(keyspace, f"{server} has no tablets", "Remove tablets= from the repo.")
    clauses = [f"replication = {map_cql(keyspace.replication)}"]
    if not keyspace.durable_writes:
        clauses.append("durable_writes = false")
    if keyspace.tablets is not None and server.has_tablets:
        clauses.append(f"tablets = {{'enabled': {str(keyspace.tablets).lower()}}}")
    if keyspace.consistency is not None:
        clauses.append(f"consistency = {string_literal(keyspace.consistency)}")
    if keyspace.storage is not None:
        clauses.append(f"storage = {map_cql(keyspace.storage)}")
    return f"CREATE KEYSPACE IF NOT EXISTS {quote(keyspace.name)} WITH {' AND '.join(clauses)}"


_REPLICATION: Final = "Configure the repo with replication={'class': 'NetworkTopologyStrategy', '<data centre>': 3}."


def _refused(keyspace: Keyspace, reason: str, advice: str) -> KeyspaceError:
    return KeyspaceError(f"keyspace {keyspace.name} cannot be created: {reason}. {advice}", keyspace=keyspace.name)


def create_type(keyspace: str, user_type: UserType) -> str:
    """``CREATE TYPE``, with the fields in their declared order."""
    fields = ", ".join(f"{quote(name)} {field.cql}" for name, field in user_type.fields)
    return f"CREATE TYPE {type_name(keyspace, user_type.name)} ({fields})"


def create_function(keyspace: str, function: Function) -> str:
    """``CREATE FUNCTION``."""
    arguments = ", ".join(f"{quote(name)} {_unfrozen_cql(kind)}" for name, kind in function.arguments)
    on_null = "CALLED" if function.null_input else "RETURNS NULL"
    return (
        f"CREATE FUNCTION {qualified(keyspace, function.name)} ({arguments}) {on_null} ON NULL INPUT "
        f"RETURNS {_unfrozen_cql(function.returns)} LANGUAGE {function.language} AS {string_literal(function.body)}"
    )


def create_aggregate(keyspace: str, aggregate: Aggregate) -> str:
    """``CREATE AGGREGATE``."""
    clauses = [
        f"SFUNC {quote(aggregate.state_function)}",
        f"STYPE {_unfrozen_cql(aggregate.state_type)}",
        *([f"REDUCEFUNC {quote(aggregate.reduce_function)}"] if aggregate.reduce_function else []),
        *([f"FINALFUNC {quote(aggregate.final_function)}"] if aggregate.final_function else []),
        *([] if aggregate.initial is None else [f"INITCOND {aggregate.initial}"]),
    ]
    arguments = ", ".join(map(_unfrozen_cql, aggregate.arguments))
    return f"CREATE AGGREGATE {qualified(keyspace, aggregate.name)} ({arguments}) {' '.join(clauses)}"


def _unfrozen_cql(cql_type: CqlType) -> str:
    """A type in the signature of a function: Cassandra refuses ``frozen`` around it, and freezes it implicitly."""
    text = cql_type.cql
    return text[len("frozen<") : -1] if text.startswith("frozen<") else text


def create_trigger(keyspace: str, table: Table, trigger: Trigger) -> str:
    """``CREATE TRIGGER``."""
    table_name = qualified(keyspace, table.name)
    return f"CREATE TRIGGER {quote(trigger.name)} ON {table_name} USING {string_literal(trigger.using)}"


def create_table(keyspace: str, table: Table, server: ServerProfile, *, table_id: UUID | None = None) -> str:
    """``CREATE TABLE``; the clustering order is written when a column is descending.

    Parameters:
        table_id: for a table that several clients may create at once: adds ``IF NOT EXISTS`` and a fixed id.
    """
    compact = ["COMPACT STORAGE"] if is_compact(table) else []
    table = declared_columns(table) if compact else table
    lines = [*(_column_line(column, table) for column in table.columns), f"PRIMARY KEY {_primary_key(table)}"]
    body = ",\n".join(INDENT + line for line in lines)
    descending = any(column.descending for column in table.clustering_key)
    options = _without_ttl(table.options) if table.is_counter else table.options
    order_clause, id_clause = (
        [_clustering_order(table)] if descending else [],
        [] if table_id is None else [f"id = {table_id}"],
    )
    clauses = [*compact, *order_clause, *id_clause, *options_cql(options, server)]
    start = f"CREATE TABLE {'IF NOT EXISTS ' if id_clause else ''}{qualified(keyspace, table.name)}"
    return f"{start} (\n{body}\n){_with_clause(clauses, ' ')}"


def create_view(keyspace: str, view: View, server: ServerProfile) -> str:
    """``CREATE MATERIALIZED VIEW`` with all clustering orders, since Scylla takes one that is left out as ascending."""
    keys = [*view.partition_key, *view.clustering_key]
    selected = "*" if view.all_columns else ", ".join(quote(column.name) for column in view.columns)
    where = view.where or " AND ".join(f"{quote(column.name)} IS NOT NULL" for column in keys)
    options = {name: value for name, value in _without_ttl(view.options).items() if name != "cdc"}
    clauses = [*([_clustering_order(view)] if view.clustering_key else []), *options_cql(options, server)]
    lines = [
        f"CREATE MATERIALIZED VIEW {qualified(keyspace, view.name)} AS",
        f"SELECT {selected}",
        f"FROM {qualified(keyspace, view.base)}",
        f"WHERE {where}",
        f"PRIMARY KEY {_primary_key(view)}",
    ]
    return f"\n{INDENT}".join(lines) + _with_clause(clauses, f"\n{INDENT}", INDENT * 2)


def create_index(keyspace: str, table: Table, index: Index, server: ServerProfile) -> str:
    """``CREATE [CUSTOM] INDEX``; ``CUSTOM`` for every index with a class, which all supported servers accept."""
    target = _target(table, index)
    start = f"INDEX {quote(index.name)} ON {qualified(keyspace, table.name)} ({target})"
    if index.using is None:
        view_options = options_cql(index.view_options, server) if server.takes_index_view_options else []
        return f"CREATE {start}" + (f" WITH {' AND '.join(view_options)}" if view_options else "")
    if index_family(index.using) == ORDINARY_INDEX:
        return f"CREATE {start} USING '{ORDINARY_INDEX}'" if server.has_sai else f"CREATE {start}"
    on_vector = any(isinstance(column.type, VectorType) for column in _indexed(table, index))
    using = string_literal(server.index_class(index.using, on_vector=on_vector))
    options = f" WITH OPTIONS = {map_cql(index.options)}" if index.options else ""
    return f"CREATE CUSTOM {start} USING {using}{options}"


def _target(table: Table, index: Index) -> str:
    """The target in parentheses; without a keyword it is the column, or ``values`` of a collection."""
    columns = ", ".join(map(quote, index.names(table)))
    target = columns if index.on == "values" else f"{index.on}({columns})"
    within = ", ".join(map(quote, index.partition)) if index.partition else _names(table.partition_key)
    return f"({within}), {target}" if index.local else target


def _indexed(table: Table, index: Index) -> Iterator[TableColumn]:
    return (table[name] for name in index.names(table) if name in table)


def type_name(keyspace: str, name: str) -> str:
    """A user type with its keyspace; quoted if it has the name of a native type."""
    return f"{quote(keyspace)}.{quote_type(name)}"


def column_cql(column: TableColumn) -> str:
    """A column definition of ``CREATE TABLE`` and ``ALTER TABLE ADD``."""
    mask = f" MASKED WITH {column.mask}" if column.mask else ""
    return f"{quote(column.name)} {column.type.cql}{' STATIC' if column.kind == 'static' else ''}{mask}"


def _column_line(column: TableColumn, table: Table) -> str:
    """A column definition of ``CREATE TABLE``, the only statement that accepts ``TTL`` after the type."""
    return column_cql(column) + (" TTL" if column.name == table.ttl_column else "")


def _names(columns: Iterable[TableColumn]) -> str:
    return ", ".join(quote(column.name) for column in columns)


def _primary_key(fact: Table | View) -> str:
    clustering = f", {_names(fact.clustering_key)}" if fact.clustering_key else ""
    return f"(({_names(fact.partition_key)}){clustering})"


def _clustering_order(fact: Table | View) -> str:
    orders = (f"{quote(c.name)} {'DESC' if c.descending else 'ASC'}" for c in fact.clustering_key)
    return f"CLUSTERING ORDER BY ({', '.join(orders)})"


def options_cql(options: Mapping[str, Any], server: ServerProfile) -> list[str]:
    """Canonical options as ``name = value``, sorted by name."""
    return [option_cql(name, options[name], server) for name in sorted(options)]


def _without_ttl(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options without a TTL of 0, which servers store even for tables that cannot have a TTL."""
    return {name: value for name, value in options.items() if (name, value) != ("default_time_to_live", 0)}


def _with_clause(clauses: list[str], before: str, indent: str = INDENT) -> str:
    return before + "WITH " + f"\n{indent}AND ".join(clauses) if clauses else ""
