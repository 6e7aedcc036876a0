"""`insert`: rows of instances, or of JSON text.

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
from scyllamodel.model.column import Column
from scyllamodel.model.expression import owned
from scyllamodel.model.state import changes, current_values, is_loaded
from scyllamodel.model.static_defaults import not_given
from scyllamodel.query.functions import is_table
from scyllamodel.query.kinds import check_json, check_kind
from scyllamodel.query.memory import memory_of
from scyllamodel.query.parts import columns_of, has_list, model_of
from scyllamodel.query.results import LWTResult
from scyllamodel.query.select import seconds
from scyllamodel.query.statement import UNSET, CellWrite, Compiled, Marker, R_co, Shape
from scyllamodel.query.tuning import Tuned, refuse
from scyllamodel.query.writer import TIMEOUT, TIMESTAMP, TTL, Writer
from scyllamodel.query.writes import check_insert, check_using
from scyllamodel.types.comparison import comparable
from scyllamodel.types.display import strictest_display
from scyllamodel.types.faults import annotation_text
from scyllamodel.types.values import CqlType, ListType, MapType, SetType, is_multi_cell

if TYPE_CHECKING:
    from scyllamodel.model.base import Model

M = TypeVar("M", bound="Model")

Missing = Literal["unset", "null"]
"""What becomes of columns that JSON does not name: they stay as they are, or become null."""

_JSON = Marker("[json]")
_KEY = ("partition_key", "clustering")


@attrs.frozen(repr=False)
class Insert(Tuned[R_co], Generic[M, R_co]):
    """An INSERT as an immutable value; every method returns a changed copy."""

    model: type[M]
    values_by_name: Mapping[str, Any] = attrs.field(eq=comparable, repr=False)
    text: str | None = attrs.field(default=None, repr=False)
    missing: Missing = "unset"
    absent: bool = False
    seconds: int | None = None
    written: int | None = None

    def nulls(self) -> Self:
        """Write None and empty collections as nulls, which are tombstones, instead of leaving them out."""
        given = {name: None if value is UNSET else value for name, value in self.values_by_name.items()}
        return attrs.evolve(self, values_by_name=given)

    def json(self, text: str, *, missing: Missing = "unset") -> Self:
        """A row of JSON text, by names in CQL."""
        return attrs.evolve(self, text=text, missing=missing)

    def ttl(self, seconds: int) -> Self:
        """Seconds after which the row expires; 0 is never, whatever the table says."""
        return attrs.evolve(self, seconds=check_ttl(seconds))

    def timestamp(self, microseconds: int) -> Self:
        """The time of the write, in microseconds since 1970, instead of the time when it is sent."""
        return attrs.evolve(self, written=check_timestamp(microseconds))

    def if_not_exists(self) -> Insert[M, LWTResult[M]]:
        """Only if there is no such row: a lightweight transaction."""
        return cast("Insert[M, LWTResult[M]]", attrs.evolve(self, absent=True))

    def compile(self, keyspace: str | None) -> Compiled[R_co]:
        """See `Statement.compile`."""
        if self.text is not None:
            check_json(self.model, self.text)
        elif not self.values_by_name:
            raise refuse("This insert has no values.", "Say insert(order), or insert(Order).json(text).")
        writer, keyspace = self._written(keyspace), self.model.__facts__.keyspace or keyspace
        cql = "".join(writer.parts)
        shape = memory_of(self.model).shape(cql, lambda: self._shape(cql, writer, keyspace))
        return Compiled(shape, tuple(writer.values), self.options)

    def _written(self, keyspace: str | None) -> Writer:
        writer, facts = Writer(self.model), self.model.__facts__
        writer.text("INSERT INTO ", qualified(facts.keyspace or keyspace, facts.name))
        if self.text is not None:
            writer.text(" JSON ", writer.bind(self.text, self._json.itself), f" DEFAULT {self.missing.upper()}")
        else:
            self._row(writer)
        if self.absent:
            writer.text(" IF NOT EXISTS")
        timeout = seconds(self.server_seconds)
        writer.using(TIMEOUT=(timeout, TIMEOUT), TTL=(self.seconds, TTL), TIMESTAMP=(self.written, TIMESTAMP))
        return writer

    @property
    def _json(self) -> Marker:
        """A row of text shows nothing of itself where a column of the model does not."""
        return attrs.evolve(_JSON, show=strictest_display(column.show for column in columns_of(self.model).values()))

    def _row(self, writer: Writer) -> None:
        memory, given = memory_of(self.model), self.values_by_name
        writer.keys.update((name, at) for at, name in enumerate(given))
        marked = [writer.bind(value, memory.markers[name].itself) for name, value in given.items()]
        writer.text(f" ({', '.join(map(memory.names.__getitem__, given))}) VALUES ({', '.join(marked)})")

    def _shape(self, cql: str, writer: Writer, keyspace: str | None) -> Shape[R_co]:
        check_insert(self.model)
        check_using(
            self.model, ttl=self.seconds is not None, timestamp=self.written is not None, conditional=self.absent
        )
        writes_list = has_list(self.model, writer.keys if self.text is None else columns_of(self.model))
        return Shape(
            cql,
            tuple(make() for make in writer.markers),
            "insert",
            self.model,
            keyspace or "",
            conditional=self.absent,
            idempotent=not self.absent and not (writes_list and self.written is not None),
            writes_list=writes_list,
            key=writer.key(self.model),
            writes=tuple(
                [CellWrite(name, "set", at) for name, at in writer.keys.items() if _is_written(self.model, name)]
            ),
        )


def _is_written(model: type, name: str) -> bool:
    return columns_of(model)[name].spec.kind not in ("partition_key", "clustering")


def values_of(row: Any) -> dict[str, Any]:
    """The values of an instance by the names of its attributes, as a new row has them.

    None says nothing, and neither does an empty collection, which CQL stores as a null: they are left unset, so that no
    tombstone is written. The default of a static column, which nobody gave, is not named at all.
    """
    found: dict[str, Any] = {}
    skipped = not_given(row)
    for name, column in columns_of(model_of(row)).items():
        if name in skipped:
            continue
        value = owned(getattr(row, name))
        if value is None and refuses_null(column):
            check_null(row, column)
        in_key = column.spec.kind in _KEY
        found[name] = UNSET if not in_key and (value is None or says_nothing(column.hint.type, value)) else value
    return found


def refuses_null(column: Column[Any]) -> bool:
    """Whether the type of a column outside of the key excludes None; a null of a collection is an empty one."""
    return not (column.hint.nullable or column.spec.kind in _KEY or says_nothing(column.hint.type, ()))


def check_null(row: Any, column: Column[Any]) -> None:
    """Refuse None as the value of such a column, unless it was read so and nobody changed it.

    Raises:
        TypeMismatch: it was given.
    """
    if not is_loaded(row) or any(change.column is column for change in changes(row, current_values(row))):
        raise null_refused(column)


def null_refused(column: Column[Any]) -> TypeMismatch:
    """The error of a None that is given for a column whose type excludes it."""
    python = annotation_text(column.hint.python)
    python = "…" if "Annotated" in python else python
    text = (
        f"{column!r}: None does not fit {column.hint.type.cql}. Give it a value, or declare it Column[{python} | None]."
    )
    return TypeMismatch(text, column=repr(column), value=None)


def says_nothing(cql_type: CqlType, value: Any) -> bool:
    """Whether a value is an empty collection, which servers keep as a null."""
    return isinstance(cql_type, (ListType, MapType, SetType)) and is_multi_cell(cql_type) and not value


@overload
def insert(row: M, /) -> Insert[M, None]: ...
@overload
def insert(model: type[M], /) -> Insert[M, None]: ...
def insert(what: Any, /) -> Insert[Any, None]:
    """Insert the row of an instance; of a model, what `Insert.json` is given.

    Raises:
        TypeError: it is neither a model nor an instance of one.
    """
    if is_table(what):
        return Insert(what, {})
    if is_table(model_of(what)):
        check_kind(what)
        return Insert(model_of(what), values_of(what))
    raise TypeError(f"insert() takes an instance of a model, such as insert(order), not {what!r}")
