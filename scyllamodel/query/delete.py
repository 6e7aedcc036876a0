"""`delete`: rows, ranges of rows, whole partitions, or columns and elements of rows.

>>> delete(Order).where(Order.shop == 7, Order.placed > 1).cql
'DELETE FROM orders WHERE shop = ? AND placed > ?'
>>> delete(Order.note, Order.lines["apple"]).where(Order.shop == 7, Order.placed == 1).cql
'DELETE note, lines[?] FROM orders WHERE shop = ? AND placed = ?'
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

import attrs
from typing_extensions import Never, Self

from scyllamodel._identifiers import qualified
from scyllamodel._numbers import check_timestamp
from scyllamodel.model.column import Comparable
from scyllamodel.model.expression import Condition, ElementTarget, Expression, Target
from scyllamodel.query.functions import is_table, key_columns
from scyllamodel.query.kinds import Clauses
from scyllamodel.query.memory import memory_of
from scyllamodel.query.parts import base_of, model_of
from scyllamodel.query.results import LWTResult
from scyllamodel.query.select import seconds
from scyllamodel.query.statement import CellWrite, Compiled, R_co, Shape
from scyllamodel.query.tuning import Tuned, check_conditions
from scyllamodel.query.update import conditions
from scyllamodel.query.writer import TIMEOUT, TIMESTAMP, Writer, cell_write, is_position
from scyllamodel.query.writes import check_delete, check_using

if TYPE_CHECKING:
    from scyllamodel.model.base import Model

M = TypeVar("M", bound="Model")


@attrs.frozen(repr=False)
class Delete(Tuned[R_co], Generic[M, R_co]):
    """A DELETE as an immutable value; every method returns a changed copy."""

    model: type[M]
    targets: tuple[Target, ...] = ()
    conditions: tuple[Condition, ...] = ()
    required: tuple[Condition, ...] = ()
    exists: bool = False
    whole: bool = False
    written: int | None = None
    of_kind: bool = False

    def where(self, *conditions: Condition, **named: Never) -> Self:
        """The rows: their partition key, and of the clustering key as much as follows from its beginning."""
        return attrs.evolve(self, conditions=self.conditions + check_conditions("where", conditions, named, self.model))

    def whole_partition(self) -> Self:
        """Yes, all rows of the partition are meant."""
        return attrs.evolve(self, whole=True)

    def timestamp(self, microseconds: int) -> Self:
        """The time of the delete, in microseconds since 1970: what was written later stays."""
        return attrs.evolve(self, written=check_timestamp(microseconds))

    def if_(self, *conditions: Condition, **named: Never) -> Delete[M, LWTResult[M]]:
        """Only if all of these hold: a lightweight transaction."""
        given = self.required + check_conditions("if_", conditions, named, self.model)
        return cast("Delete[M, LWTResult[M]]", attrs.evolve(self, required=given))

    def if_exists(self) -> Delete[M, LWTResult[M]]:
        """Only if there is such a row, and tell whether there was."""
        return cast("Delete[M, LWTResult[M]]", attrs.evolve(self, exists=True))

    def compile(self, keyspace: str | None) -> Compiled[R_co]:
        """See `Statement.compile`."""
        on = self._on
        if self.of_kind:
            on = on.of_kind(self.model, "delete", self.targets)
        keyspace = self.model.__facts__.keyspace or keyspace
        writer = self._written(keyspace, on)
        cql = "".join(writer.parts)
        key = (cql, self.whole)
        shape = memory_of(self.model).shape(key, lambda: self._shape(on, cql, writer, keyspace))
        return Compiled(shape, tuple(writer.values), self.options)

    @property
    def _on(self) -> Clauses:
        return Clauses(self.conditions, self.required, self.exists)

    def _written(self, keyspace: str | None, on: Clauses | None = None) -> Writer:
        writer, facts, on = Writer(self.model), self.model.__facts__, on or self._on
        writer.text("DELETE ", ", ".join(map(writer.target, self.targets)), " " if self.targets else "")
        writer.text("FROM ", qualified(facts.keyspace or keyspace, facts.name))
        writer.using(TIMEOUT=(seconds(self.server_seconds), TIMEOUT), TIMESTAMP=(self.written, TIMESTAMP))
        writer.conditions("WHERE", on.conditions)
        conditions(writer, on.required, exists=on.exists)
        return writer

    def _shape(self, on: Clauses, cql: str, writer: Writer, keyspace: str | None) -> Shape[R_co]:
        conditional = bool(on.required) or on.exists
        check_delete(self.model, self.targets, on.conditions, on.required, whole=self.whole, conditional=conditional)
        check_using(self.model, ttl=False, timestamp=self.written is not None, conditional=conditional)
        by_position = any(map(is_position, self.targets))
        return Shape(
            cql,
            tuple(make() for make in writer.markers),
            "delete",
            self.model,
            keyspace or "",
            conditional=conditional,
            idempotent=not (conditional or by_position),
            key=writer.key(self.model),
            writes=tuple(self._writes()),
        )

    def _writes(self) -> Iterator[CellWrite]:
        """What becomes of single columns and elements; their keys are the first values of the statement."""
        at = 0
        for target in self.targets:
            is_element = isinstance(target, ElementTarget)
            yield cell_write(target, "delete", None, at if is_element else None)
            at += is_element


@overload
def delete(row: M, /) -> Delete[M, None]: ...
@overload
def delete(model: type[M], /) -> Delete[M, None]: ...
@overload
def delete(*parts: Expression[Any]) -> Delete[Model, None]: ...
def delete(*what: Any) -> Delete[Any, None]:
    """Delete the rows that `Delete.where` names, columns or elements of them, or the row of an instance.

    Raises:
        TypeError: it is neither a model, nor an instance of one, nor columns.
    """
    if len(what) == 1 and is_table(what[0]):
        return Delete(what[0], of_kind=True)
    if len(what) == 1 and is_table(model_of(what[0])):
        key = key_columns(model_of(what[0]))
        return Delete(model_of(what[0]), (), tuple(Condition(c, "=", getattr(what[0], c.column)) for c in key))
    targets = tuple(one.expression for one in what if isinstance(one, Comparable))
    models = {base.model for target in targets if (base := base_of(target)) is not None}
    if len(targets) != len(what) or len(models) != 1:
        raise TypeError("delete() takes a model, an instance of one, or columns of one model: delete(Order.status)")
    return Delete(models.pop(), targets, of_kind=True)
