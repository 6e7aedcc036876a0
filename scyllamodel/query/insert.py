"""The `insert` builder: inserts the row of an instance, or a row of JSON text.

>>> insert(Order(shop=7, placed=1)).if_not_exists().cql
'INSERT INTO orders (shop, placed, status, total, tags, lines, note) VALUES (?, ?, ?, ?, ?, ?, ?) IF NOT EXISTS'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast, overload

import attrs
from typing_extensions import Self

from scyllamodel._identifiers import qualified
from scyllamodel._numbers import check_timestamp, check_ttl
from scyllamodel.errors import TypeMismatch
from scyllamodel.model.change_tracking import changed_columns, current_values, is_loaded
from scyllamodel.model.column import Column
from scyllamodel.model.expression import defensive_copy
from scyllamodel.model.static_defaults import untouched_defaults
from scyllamodel.query.builder import StatementBuilder
from scyllamodel.query.checks.write import check_insert, check_using
from scyllamodel.query.cql_writer import TIMEOUT, TIMESTAMP, TTL, CqlWriter
from scyllamodel.query.functions import is_table
from scyllamodel.query.model_cache import cache_for
from scyllamodel.query.not_supported import not_supported
from scyllamodel.query.results import LWTResult
from scyllamodel.query.select import timeout_duration
from scyllamodel.query.single_table import check_class, check_json_class
from scyllamodel.query.statement import UNSET, CellWrite, CompiledStatement, Marker, R_co, StatementTemplate
from scyllamodel.query.targets import columns_of, has_list, model_of
from scyllamodel.types.comparison import comparable
from scyllamodel.types.cql_types import CqlType, ListType, MapType, SetType, is_multi_cell
from scyllamodel.types.display import strictest_display
from scyllamodel.types.errors import annotation_text

if TYPE_CHECKING:
    from scyllamodel.model.base import Model

M = TypeVar("M", bound="Model")

MissingColumns = Literal["unset", "null"]
"""What happens to columns that the JSON text omits: they stay unchanged, or become null."""

_JSON = Marker("[json]")
_KEY_KINDS = ("partition_key", "clustering")


@attrs.frozen(repr=False)
class Insert(StatementBuilder[R_co], Generic[M, R_co]):
    """An INSERT as an immutable value; every method returns a changed copy.

    Attributes:
        model: the model whose row is inserted.
        values_by_name: the values by attribute; empty with JSON text.
        json_text: of `json`; None without it.
        missing_columns: what happens to columns that the JSON text omits.
        only_if_absent: whether `if_not_exists` was called.
        ttl_seconds: the TTL of the row; None for the default of the table.
        write_timestamp: microseconds since 1970; None for the time of the request.
    """

    model: type[M]
    values_by_name: Mapping[str, Any] = attrs.field(eq=comparable, repr=False)
    json_text: str | None = attrs.field(default=None, repr=False)
    missing_columns: MissingColumns = "unset"
    only_if_absent: bool = False
    ttl_seconds: int | None = None
    write_timestamp: int | None = None

    def nulls(self) -> Self:
        """Write None and empty collections as nulls, which are tombstones, instead of omitting them."""
        values = {name: None if value is UNSET else value for name, value in self.values_by_name.items()}
        return attrs.evolve(self, values_by_name=values)

    def json(self, text: str, *, missing: MissingColumns = "unset") -> Self:
        """Insert a row of JSON text, with column names in CQL."""
        return attrs.evolve(self, json_text=text, missing_columns=missing)

    def ttl(self, seconds: int) -> Self:
        """Set the TTL of the row in seconds; 0 disables expiry and the default TTL of the table."""
        return attrs.evolve(self, ttl_seconds=check_ttl(seconds))

    def timestamp(self, microseconds: int) -> Self:
        """Set the timestamp of the write, in microseconds since 1970."""
        return attrs.evolve(self, write_timestamp=check_timestamp(microseconds))

    def if_not_exists(self) -> Insert[M, LWTResult[M]]:
        """Insert only if the row does not exist: a lightweight transaction."""
        return cast("Insert[M, LWTResult[M]]", attrs.evolve(self, only_if_absent=True))

    def compile(self, keyspace: str | None) -> CompiledStatement[R_co]:
        """See `Statement.compile`."""
        if self.json_text is not None:
            check_json_class(self.model, self.json_text)
        elif not self.values_by_name:
            raise not_supported("This insert has no values.", "Write insert(order), or insert(Order).json(text).")
        writer, keyspace = self._write_cql(keyspace), self.model.__facts__.keyspace or keyspace
        cql = "".join(writer.fragments)
        template = cache_for(self.model).template(cql, lambda: self._template(cql, writer, keyspace))
        return CompiledStatement(template, tuple(writer.values), self.options)

    def _write_cql(self, keyspace: str | None) -> CqlWriter:
        writer, facts = CqlWriter(self.model), self.model.__facts__
        writer.append("INSERT INTO ", qualified(facts.keyspace or keyspace, facts.name))
        if self.json_text is not None:
            writer.append(
                " JSON ",
                writer.bind(self.json_text, self._json_marker.provide),
                f" DEFAULT {self.missing_columns.upper()}",
            )
        else:
            self._write_values(writer)
        if self.only_if_absent:
            writer.append(" IF NOT EXISTS")
        timeout = timeout_duration(self.server_seconds)
        writer.using(
            TIMEOUT=(timeout, TIMEOUT), TTL=(self.ttl_seconds, TTL), TIMESTAMP=(self.write_timestamp, TIMESTAMP)
        )
        return writer

    @property
    def _json_marker(self) -> Marker:
        """The marker of the JSON text, which is as redacted as the most redacted column."""
        return attrs.evolve(_JSON, show=strictest_display(column.show for column in columns_of(self.model).values()))

    def _write_values(self, writer: CqlWriter) -> None:
        cache, values = cache_for(self.model), self.values_by_name
        writer.key_positions.update((name, position) for position, name in enumerate(values))
        placeholders = [writer.bind(value, cache.markers[name].provide) for name, value in values.items()]
        writer.append(f" ({', '.join(map(cache.names.__getitem__, values))}) VALUES ({', '.join(placeholders)})")

    def _template(self, cql: str, writer: CqlWriter, keyspace: str | None) -> StatementTemplate[R_co]:
        check_insert(self.model)
        check_using(
            self.model,
            ttl=self.ttl_seconds is not None,
            timestamp=self.write_timestamp is not None,
            conditional=self.only_if_absent,
        )
        writes_list = has_list(self.model, writer.key_positions if self.json_text is None else columns_of(self.model))
        return StatementTemplate(
            cql,
            tuple(make() for make in writer.markers),
            "insert",
            self.model,
            keyspace or "",
            conditional=self.only_if_absent,
            idempotent=not self.only_if_absent and not (writes_list and self.write_timestamp is not None),
            writes_list=writes_list,
            key=writer.key(self.model),
            writes=tuple(
                [
                    CellWrite(name, "set", position)
                    for name, position in writer.key_positions.items()
                    if _is_written(self.model, name)
                ]
            ),
        )


def _is_written(model: type, name: str) -> bool:
    return columns_of(model)[name].spec.kind not in ("partition_key", "clustering")


def insert_values(row: Any) -> dict[str, Any]:
    """Return the values of an instance for a new row, by attribute.

    None and empty collections, which CQL stores as nulls, are left unset, so that no tombstone is written. A static
    column that only has its default is omitted.
    """
    values: dict[str, Any] = {}
    untouched = untouched_defaults(row)
    for name, column in columns_of(model_of(row)).items():
        if name in untouched:
            continue
        value = defensive_copy(getattr(row, name))
        if value is None and excludes_null(column):
            check_null(row, column)
        in_key = column.spec.kind in _KEY_KINDS
        values[name] = (
            UNSET if not in_key and (value is None or is_empty_collection(column.type_mapping.type, value)) else value
        )
    return values


def excludes_null(column: Column[Any]) -> bool:
    """Whether the type of a non-key column excludes None; a null of a collection is an empty collection."""
    return not (
        column.type_mapping.nullable
        or column.spec.kind in _KEY_KINDS
        or is_empty_collection(column.type_mapping.type, ())
    )


def check_null(row: Any, column: Column[Any]) -> None:
    """Refuse None in a column whose type excludes it, unless the None was loaded and not changed.

    Raises:
        TypeMismatch: the value was set to None.
    """
    if not is_loaded(row) or any(change.column is column for change in changed_columns(row, current_values(row))):
        raise null_error(column)


def null_error(column: Column[Any]) -> TypeMismatch:
    """Return the error of a None in a column whose type excludes it."""
    annotation = annotation_text(column.type_mapping.python)
    annotation = "…" if "Annotated" in annotation else annotation
    text = f"{column!r}: None does not fit {column.type_mapping.type.cql}. "
    text += f"Set a value, or declare it Column[{annotation} | None]."
    return TypeMismatch(text, column=repr(column), value=None)


def is_empty_collection(cql_type: CqlType, value: Any) -> bool:
    """Whether a value is an empty non-frozen collection, which servers store as a null."""
    return isinstance(cql_type, (ListType, MapType, SetType)) and is_multi_cell(cql_type) and not value


@overload
def insert(row: M, /) -> Insert[M, None]: ...
@overload
def insert(model: type[M], /) -> Insert[M, None]: ...
def insert(what: Any, /) -> Insert[Any, None]:
    """Insert the row of an instance; with a model, the JSON text passed to `Insert.json`.

    Raises:
        TypeError: the argument is neither a model nor an instance of one.
    """
    if is_table(what):
        return Insert(what, {})
    if is_table(model_of(what)):
        check_class(what)
        return Insert(model_of(what), insert_values(what))
    raise TypeError(f"insert() takes an instance of a model, such as insert(order), not {what!r}")
