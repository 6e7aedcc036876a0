"""Convert rows of ``system_schema`` to facts, which compare equal to those of models.

*In*: the rows of each ``system_schema`` table as mappings, and the server's profile. *Out*: `SchemaFacts`. Pure, so
that the rows of every server can be tested. Objects that the server manages are omitted: the views behind ScyllaDB's
indexes, CDC logs, Paxos tables; and so are internal tables.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar, cast

import attrs

from scyllamodel._cql import tokens
from scyllamodel._identifiers import INTERNAL_PREFIX
from scyllamodel.errors import IntrospectionError
from scyllamodel.schema.compare.options import option_matches
from scyllamodel.schema.export.models.option_defaults import defaults_of, non_default_options
from scyllamodel.schema.facts.masks import stored_mask
from scyllamodel.schema.facts.objects import (
    Addition,
    Aggregate,
    ColumnKind,
    FrozenMap,
    Function,
    Index,
    Keyspace,
    KeyspaceFacts,
    SchemaFacts,
    Table,
    TableColumn,
    Trigger,
    Unreadable,
    UserType,
    View,
)
from scyllamodel.schema.options import stored_options, ttl_column
from scyllamodel.schema.reflect.additions import additions
from scyllamodel.schema.reflect.columns import COLUMN_PARTS
from scyllamodel.schema.reflect.targets import index_target, vector_partition, view_filter
from scyllamodel.types.cql_types import CqlType
from scyllamodel.types.parser import parse_type

if TYPE_CHECKING:
    from scyllamodel.schema.server.profile import ServerProfile

SystemRow: TypeAlias = Mapping[str, Any]
SystemRows: TypeAlias = Mapping[str, Sequence[SystemRow]]
_F = TypeVar("_F")

_CDC_PARTITIONER: Final = "com.scylladb.dht.CDCPartitioner"
_EMPTY_TYPE: Final = "'org.apache.cassandra.db.marshal.EmptyType'"
ColumnParts: TypeAlias = tuple[str, int, str, str, str, str]
_column_parts: Final = cast("Callable[[SystemRow], ColumnParts]", itemgetter(*COLUMN_PARTS))
_table_of_parts: Final[Callable[[ColumnParts], str]] = itemgetter(0)
_position: Final[Callable[[ColumnParts], int]] = itemgetter(1)
_keyspace_name: Final[Callable[[SystemRow], str]] = itemgetter("keyspace_name")
_table_name: Final[Callable[[SystemRow], str]] = itemgetter("table_name")
_SERVER_SET_OPTIONS: Final = frozenset({"index_version"})
"""Index options that the server sets automatically."""


def reflect(rows: SystemRows, server: ServerProfile) -> SchemaFacts:
    """The facts of every keyspace in the rows.

    Parameters:
        rows: by name of the ``system_schema`` table, rows with the columns of `columns_to_read`.

    Objects that cannot be read are in ``unreadable`` of their keyspace.

    Raises:
        IntrospectionError: the row of a keyspace cannot be read.
    """
    split = _RowsByKeyspace(rows)
    return SchemaFacts(_KeyspaceReader(name, split, server).facts() for name in split.keyspaces())


def reflect_keyspace(
    name: str,
    rows: SystemRows,
    server: ServerProfile,
    *,
    columns: Sequence[ColumnParts] | None = None,
    include_internal: bool = False,
) -> KeyspaceFacts:
    """The facts of one keyspace; its ``keyspace`` is None if it is not in the rows.

    Parameters:
        columns: its rows of ``columns`` as tuples of `COLUMN_PARTS`; None takes them from ``rows``.
        include_internal: whether internal tables are included.

    Raises:
        IntrospectionError: the row of the keyspace cannot be read.
    """
    split = _RowsByKeyspace(rows)
    return _KeyspaceReader(name, split, server, columns=columns, include_internal=include_internal).facts()


class _RowsByKeyspace:
    """The rows, grouped by keyspace and by table or view."""

    def __init__(self, rows: SystemRows) -> None:
        self._rows = {source: _grouped(table_rows, _keyspace_name) for source, table_rows in rows.items()}

    def keyspaces(self) -> set[str]:
        return set(self._rows.get("keyspaces", ()))

    def sources(self) -> set[str]:
        return {source for source, by_keyspace in self._rows.items() if by_keyspace}

    def rows_of(self, source: str, keyspace: str) -> list[SystemRow]:
        return self._rows.get(source, {}).get(keyspace, [])

    def by_table(self, source: str, keyspace: str) -> Mapping[str, list[SystemRow]]:
        return _grouped(self.rows_of(source, keyspace), _table_name)


def _grouped(rows: Iterable[_F], key: Callable[[_F], str]) -> dict[str, list[_F]]:
    """Group rows; those of one group follow one another in what a server returns, but need not."""
    groups: dict[str, list[_F]] = {}
    for name, group in groupby(rows, key):
        groups.setdefault(name, []).extend(group)
    return groups


class _KeyspaceReader:
    """The conversion of one keyspace."""

    def __init__(
        self,
        name: str,
        rows: _RowsByKeyspace,
        server: ServerProfile,
        *,
        columns: Sequence[ColumnParts] | None = None,
        include_internal: bool = False,
    ) -> None:
        self.name = name
        self.include_internal = include_internal
        self.server = server
        self.rows = rows
        parts = map(_column_parts, rows.rows_of("columns", name)) if columns is None else columns
        self.columns = _grouped(parts, _table_of_parts)
        self.indexes = rows.by_table("indexes", name)
        self.dropped = rows.by_table("dropped_columns", name)
        self.masks = rows.by_table("column_masks", name)
        self.triggers = rows.by_table("triggers", name)
        self.has_empty_type = any(row["type_name"] == "empty" for row in rows.rows_of("types", name))
        self.unreadable: list[Unreadable] = []
        self.views = {row["view_name"]: row for row in rows.rows_of("views", name)}
        self.scylla_tables = {row["table_name"]: row for row in rows.rows_of("scylla_tables", name)}

    def facts(self) -> KeyspaceFacts:
        tables = [row for row in self.rows.rows_of("tables", self.name) if not self.is_hidden(row["table_name"])]
        views = [row for row in self.rows.rows_of("views", self.name) if not self.is_index_view(row)]
        return KeyspaceFacts(
            name=self.name,
            keyspace=self.keyspace(),
            types=self.read_all("type", self.rows.rows_of("types", self.name), self.user_type),
            tables=self.read_all("table", tables, self.table),
            views=self.read_all("view", views, self.view),
            functions=self.read_all("function", self.rows.rows_of("functions", self.name), self.function),
            aggregates=self.read_all("aggregate", self.rows.rows_of("aggregates", self.name), self.aggregate),
            unreadable=self.unreadable,
            additions=self.additions(),
        )

    def additions(self) -> list[Addition]:
        """Additional columns of a newer Cassandra; ScyllaDB's columns are all known or internal."""
        if self.server.stores_extensions:
            return []
        stored = list(additions(lambda table: self.rows.rows_of(table, self.name), sorted(self.rows.sources())))
        if not stored:
            return []
        tables = [row["table_name"] for row in self.rows.rows_of("tables", self.name)]
        hidden = {f"{self.name}.{table}" for table in tables if self.is_hidden(table)}
        return [item for item in stored if ".".join(item.name.split(".")[:2]) not in hidden]

    def read_all(self, kind: str, rows: Iterable[SystemRow], read: Callable[[SystemRow], _F]) -> list[_F]:
        """The facts of these rows; rows that cannot be read are recorded as unreadable."""
        return [fact for row in rows if (fact := self.read_or_note(kind, row, read)) is not None]

    def read_or_note(self, kind: str, row: SystemRow, read: Callable[[SystemRow], _F]) -> _F | None:
        name = _object_name(kind, row)
        try:
            return read(row)
        except _UnreadableRow as read_error:
            error, reason, is_partial = str(read_error), read_error.reason, read_error.is_partial
        except _READ_ERRORS as read_error:
            reason, is_partial = f"{type(read_error).__name__}: {read_error}", False
            error = str(self.unreadable_error(name, reason))
        self.unreadable.append(Unreadable(kind, name, reason, error, is_partial))
        return None

    def is_hidden(self, table: str) -> bool:
        """Whether the server manages the table; a user may name a table like a CDC log, so the partitioner decides."""
        made_for_cdc = self.scylla_tables.get(table, {}).get("partitioner") == _CDC_PARTITIONER
        return "$" in table or (table.startswith(INTERNAL_PREFIX) and not self.include_internal) or made_for_cdc

    def is_index_view(self, row: SystemRow) -> bool:
        """Whether the view belongs to an index: ScyllaDB stores each ordinary index in a view ``<index>_index``."""
        name: str = row["view_name"]
        indexes = self.indexes.get(row["base_table_name"], ())
        return self.server.keeps_indexes_in_views and any(name == f"{index['index_name']}_index" for index in indexes)

    def keyspace(self) -> Keyspace | None:
        row = next(iter(self.rows.rows_of("keyspaces", self.name)), None)
        if row is None:
            return None
        try:
            replication = _replication(row)
        except _READ_ERRORS as error:
            fault = self.unreadable_error("", f"its replication: {type(error).__name__}: {error}")
            raise IntrospectionError(str(fault), object=self.name) from error
        empty_row: SystemRow = {}
        scylla_row = next(iter(self.rows.rows_of("scylla_keyspaces", self.name)), empty_row)
        return Keyspace(
            name=self.name,
            replication=FrozenMap(replication),
            durable_writes=row["durable_writes"],
            tablets=self.tablets(),
            consistency=scylla_row.get("consistency"),
            storage=_storage(scylla_row),
            changing=row.get("next_replication") is not None,
        )

    def tablets(self) -> bool | None:
        """Whether the keyspace has tablets: ``initial_tablets`` is stored, even if 0."""
        stored = (row["initial_tablets"] for row in self.rows.rows_of("scylla_keyspaces", self.name))
        return any(initial is not None for initial in stored) if self.server.has_tablets else None

    def user_type(self, row: SystemRow) -> UserType:
        name = row["type_name"]
        fields = zip(_text_list(row["field_names"]), row["field_types"], strict=True)
        return UserType(name, tuple((field, self.type(text, name, field)) for field, text in fields), self.name)

    def table(self, row: SystemRow) -> Table:
        name = row["table_name"]
        columns = self.table_columns(name)
        if masks := {row["column_name"]: self.mask(row) for row in self.masks.get(name, ())}:
            columns = tuple(_with_mask(column, masks.get(column.name)) for column in columns)
        return Table(
            name=name,
            columns=columns,
            keyspace=self.name,
            options=self.options(name, row),
            indexes=tuple(self.index(index_row, columns) for index_row in self.indexes.get(name, ())),
            flags=_flags(row),
            triggers=tuple(self.trigger(trigger_row) for trigger_row in self.triggers.get(name, ())),
            ttl_column=ttl_column(row),
            dropped=FrozenMap(
                {
                    dropped_row["column_name"]: f"{dropped_row.get('kind') or ''} {dropped_row['type']}"
                    for dropped_row in self.dropped.get(name, ())
                }
            ),
        )

    def view(self, row: SystemRow) -> View:
        name = row["view_name"]
        columns = self.table_columns(name)
        return View(
            name=name,
            columns=columns,
            base=_text(row["base_table_name"]),
            keyspace=self.name,
            all_columns=bool(row["include_all_columns"]),
            where=view_filter(row["where_clause"] or "", {column.name for column in columns if column.in_key}),
            options=self.options(name, row),
        )

    def options(self, name: str, row: SystemRow) -> FrozenMap:
        try:
            return stored_options(row, self.server, self.scylla_tables.get(name))
        except ValueError as error:
            raise self.unreadable_error(name, f"its option {error}") from error

    def table_columns(self, table: str) -> tuple[TableColumn, ...]:
        parts = sorted(self.columns.get(table, ()), key=_position)
        if not parts:
            raise self.unreadable_error(table, "system_schema.columns has no row of it", is_partial=True)
        try:  # without a call for each column
            return tuple(
                [
                    _column(name, self.text(text) if "empty" in text else text, kind, order)
                    for _, _, name, text, kind, order in parts
                ]
            )
        except ValueError:
            return tuple([self.column(table, *part[2:]) for part in parts])

    def column(self, table: str, name: str, text: str, kind: str, order: str) -> TableColumn:
        try:
            return _column(name, self.text(text), kind, order)
        except ValueError as error:
            raise self.unreadable_error(f"{table}.{name}", str(error)) from error

    def type(self, text: str, *path_parts: str) -> CqlType:
        try:
            return _parse_cached(self.text(text))
        except ValueError as error:
            raise self.unreadable_error(".".join(path_parts), str(error)) from error

    def text(self, text: str) -> str:
        """The type in a spelling that CQL accepts: servers write ``empty`` for a class that has no name in CQL.

        A user type may have this name too; if the keyspace has one, the name refers to it.
        """
        if "empty" not in text or self.has_empty_type:
            return text
        return "".join(_EMPTY_TYPE if token.text == "empty" else token.text for token in tokens(text))

    def mask(self, row: SystemRow) -> str:
        try:
            return stored_mask(row, self.name)
        except ValueError as error:
            raise self.unreadable_error(f"{row['table_name']}.{row['column_name']}", f"its mask: {error}") from error

    def trigger(self, row: SystemRow) -> Trigger:
        return Trigger(row["trigger_name"], row["options"].get("class", ""))

    def function(self, row: SystemRow) -> Function:
        name, types = row["function_name"], row["argument_types"] or ()
        return Function(
            name=name,
            arguments=tuple(
                (argument, self.type(text, name, argument))
                for argument, text in zip(_text_list(row["argument_names"] or ()), types, strict=True)
            ),
            returns=self.type(row["return_type"], name),
            language=_text(row["language"]),
            body=_text(row["body"]),
            null_input=row["called_on_null_input"],
        )

    def aggregate(self, row: SystemRow) -> Aggregate:
        name, types = row["aggregate_name"], tuple(row["argument_types"] or ())
        reduce_functions = (
            scylla_row["reduce_func"]
            for scylla_row in self.rows.rows_of("scylla_aggregates", self.name)
            if (scylla_row["aggregate_name"], tuple(scylla_row["argument_types"] or ())) == (name, types)
        )
        return Aggregate(
            name=name,
            arguments=tuple(self.type(text, name) for text in types),
            state_function=_text(row["state_func"]),
            state_type=self.type(row["state_type"], name),
            initial=row["initcond"],
            final_function=row["final_func"],
            reduce_function=next(reduce_functions, None),
        )

    def index(self, row: SystemRow, columns: Iterable[TableColumn]) -> Index:
        options: dict[str, str] = {**row["options"]}
        using = options.pop("class_name", None)
        try:
            target = options.pop("target", "")
            column, part, local = index_target(target, {c.name: c.type for c in columns})
            partition = vector_partition(target, [c.name for c in columns if c.kind == "partition_key"])
        except ValueError as error:
            raise self.unreadable_error(row["index_name"], str(error)) from error
        declarable = {name: value for name, value in options.items() if name not in _SERVER_SET_OPTIONS}
        return Index(
            row["index_name"],
            column,
            part,
            using,
            FrozenMap(declarable),
            local,
            partition=partition,
            view_options=self.view_options(f"{row['index_name']}_index", local=local),
        )

    def view_options(self, name: str, *, local: bool) -> FrozenMap:
        """The chosen options of the view behind an index, if ``CREATE INDEX`` supports them."""
        row = self.views.get(name) if self.server.takes_index_view_options else None
        if row is None:
            return FrozenMap()
        options = self.options(name, row)
        settings = non_default_options(options, self.server, options.get("tombstone_gc", {}).get("mode"))
        usual = defaults_of(("compaction",), self.server)
        settings |= {
            n: options[n] for n in usual if n in options and not option_matches(n, usual[n], options[n], self.server)
        }
        return FrozenMap(
            {key: value for key, value in settings.items() if not (local and key == "synchronous_updates")}
        )

    def unreadable_error(self, object_name: str, reason: str, *, is_partial: bool = False) -> _UnreadableRow:
        path = f"{self.name}.{object_name}" if object_name else self.name
        return _UnreadableRow(
            f"{path} of {self.server} cannot be read: {reason}. Nothing was changed; please report this message.",
            object=path,
            reason=reason,
            is_partial=is_partial,
        )


def _replication(row: SystemRow) -> dict[str, Any]:
    """The class without its package, and the factors; racks, as ``dc1:0`` and ``dc1:1``, are in ``replication_v2``."""
    factors: dict[str, Any] = {str(key): str(value) for key, value in row["replication"].items()}
    racks: dict[str, dict[int, str]] = {}
    stored: Mapping[str, str] = row.get("replication_v2") or {}
    for key, rack in stored.items():
        dc, colon, number = str(key).rpartition(":")
        if colon and number.isdecimal():
            racks.setdefault(dc, {})[int(number)] = str(rack)
    factors |= {dc: tuple(names[number] for number in sorted(names)) for dc, names in racks.items()}
    return {**factors, "class": factors.get("class", "").rpartition(".")[2]}


def _storage(row: SystemRow) -> FrozenMap | None:
    """The type and options of a storage other than the disk of each node."""
    kind = row.get("storage_type")
    return None if kind is None else FrozenMap({"type": str(kind), **(row.get("storage_options") or {})})


class _UnreadableRow(IntrospectionError):
    """A row that this release cannot read."""

    reason: str
    is_partial: bool


_READ_ERRORS: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, struct.error)
"""The exceptions raised when a value has an unexpected type."""


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a text, got {value!r}")
    return value


def _text_list(values: Iterable[object]) -> list[str]:
    return [_text(value) for value in values]


def _object_name(kind: str, row: SystemRow) -> str:
    """The name of the object in a row; overloaded functions and aggregates include their arguments."""
    name = str(row[f"{kind}_name"])
    return f"{name}({', '.join(map(str, row['argument_types'] or ()))})" if "argument_types" in row else name


@functools.lru_cache(maxsize=16384)
def _column(name: str, text: str, kind: ColumnKind | str, order: str) -> TableColumn:
    """Return the column fact; cached, since many tables have equal columns."""
    known: Any = "regular" if kind == "compact_value" else kind
    return TableColumn(name, _parse_cached(text), known, order.casefold() == "desc")


def _with_mask(column: TableColumn, mask: str | None) -> TableColumn:
    return column if mask is None else attrs.evolve(column, mask=mask)


@functools.lru_cache(maxsize=4096)
def _parse_cached(text: str) -> CqlType:
    """Return the parsed type; cached, since a schema of a thousand tables has a few dozen types."""
    return parse_type(text)


def _flags(row: SystemRow) -> frozenset[str]:
    """The layout flags; ``compact`` represents a COMPACT STORAGE table without flags."""
    stored = cast("Iterable[str] | None", row.get("flags"))
    return frozenset() if stored is None else frozenset(stored) or frozenset({"compact"})
