"""The `delete` builder: deletes rows, ranges of rows, whole partitions, or columns and elements of rows.

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
from scyllamodel.query.builder import StatementBuilder, check_conditions
from scyllamodel.query.checks.write import check_delete, check_using
from scyllamodel.query.cql_writer import TIMEOUT, TIMESTAMP, CqlWriter, is_list_element, make_cell_write
from scyllamodel.query.functions import is_table, key_columns
from scyllamodel.query.model_cache import cache_for
from scyllamodel.query.results import LWTResult
from scyllamodel.query.select import timeout_duration
from scyllamodel.query.single_table import Clauses
from scyllamodel.query.statement import CellWrite, CompiledStatement, R_co, StatementTemplate
from scyllamodel.query.targets import base_of, model_of
from scyllamodel.query.update import write_if_clause

if TYPE_CHECKING:
    from scyllamodel.model.base import Model

M = TypeVar("M", bound="Model")


@attrs.frozen(repr=False)
class Delete(StatementBuilder[R_co], Generic[M, R_co]):
    """A DELETE as an immutable value; every method returns a changed copy.

    Attributes:
        model: the model whose rows are deleted.
        targets: columns, elements and fields to delete; empty for whole rows.
        conditions: of `where`.
        if_conditions: of `if_`.
        only_if_exists: whether `if_exists` was called.
        allows_whole_partition: whether `whole_partition` was called.
        write_timestamp: microseconds since 1970; None for the time of the request.
        filters_class: whether rows of other classes in a shared table are excluded; not needed for an instance.
    """

    model: type[M]
    targets: tuple[Target, ...] = ()
    conditions: tuple[Condition, ...] = ()
    if_conditions: tuple[Condition, ...] = ()
    only_if_exists: bool = False
    allows_whole_partition: bool = False
    write_timestamp: int | None = None
    filters_class: bool = False

    def where(self, *conditions: Condition, **named: Never) -> Self:
        """Add conditions on the partition key and on a prefix of the clustering key; all must hold."""
        return attrs.evolve(self, conditions=self.conditions + check_conditions("where", conditions, named, self.model))

    def whole_partition(self) -> Self:
        """Confirm that all rows of the partition are to be deleted."""
        return attrs.evolve(self, allows_whole_partition=True)

    def timestamp(self, microseconds: int) -> Self:
        """Set the timestamp of the delete, in microseconds since 1970; later writes stay."""
        return attrs.evolve(self, write_timestamp=check_timestamp(microseconds))

    def if_(self, *conditions: Condition, **named: Never) -> Delete[M, LWTResult[M]]:
        """Delete only if all of these conditions hold: a lightweight transaction."""
        required = self.if_conditions + check_conditions("if_", conditions, named, self.model)
        return cast("Delete[M, LWTResult[M]]", attrs.evolve(self, if_conditions=required))

    def if_exists(self) -> Delete[M, LWTResult[M]]:
        """Delete only if the row exists, and return whether it did: a lightweight transaction."""
        return cast("Delete[M, LWTResult[M]]", attrs.evolve(self, only_if_exists=True))

    def compile(self, keyspace: str | None) -> CompiledStatement[R_co]:
        """See `Statement.compile`."""
        clauses = self._clauses
        if self.filters_class:
            clauses = clauses.for_class(self.model, "delete", self.targets)
        keyspace = self.model.__facts__.keyspace or keyspace
        writer = self._write_cql(keyspace, clauses)
        cql = "".join(writer.fragments)
        key = (cql, self.allows_whole_partition)
        template = cache_for(self.model).template(key, lambda: self._template(clauses, cql, writer, keyspace))
        return CompiledStatement(template, tuple(writer.values), self.options)

    @property
    def _clauses(self) -> Clauses:
        return Clauses(self.conditions, self.if_conditions, self.only_if_exists)

    def _write_cql(self, keyspace: str | None, clauses: Clauses | None = None) -> CqlWriter:
        writer, facts, clauses = CqlWriter(self.model), self.model.__facts__, clauses or self._clauses
        writer.append("DELETE ", ", ".join(map(writer.target, self.targets)), " " if self.targets else "")
        writer.append("FROM ", qualified(facts.keyspace or keyspace, facts.name))
        writer.using(
            TIMEOUT=(timeout_duration(self.server_seconds), TIMEOUT), TIMESTAMP=(self.write_timestamp, TIMESTAMP)
        )
        writer.conditions("WHERE", clauses.conditions)
        write_if_clause(writer, clauses.required, exists=clauses.exists)
        return writer

    def _template(self, clauses: Clauses, cql: str, writer: CqlWriter, keyspace: str | None) -> StatementTemplate[R_co]:
        conditional = bool(clauses.required) or clauses.exists
        check_delete(
            self.model,
            self.targets,
            clauses.conditions,
            clauses.required,
            allows_whole_partition=self.allows_whole_partition,
            conditional=conditional,
        )
        check_using(self.model, ttl=False, timestamp=self.write_timestamp is not None, conditional=conditional)
        by_position = any(map(is_list_element, self.targets))
        return StatementTemplate(
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
        """Yield the deleted columns and elements; the keys of elements are the first values of the statement."""
        value_index = 0
        for target in self.targets:
            is_element = isinstance(target, ElementTarget)
            yield make_cell_write(target, "delete", None, value_index if is_element else None)
            value_index += is_element


@overload
def delete(row: M, /) -> Delete[M, None]: ...
@overload
def delete(model: type[M], /) -> Delete[M, None]: ...
@overload
def delete(*parts: Expression[Any]) -> Delete[Model, None]: ...
def delete(*what: Any) -> Delete[Any, None]:
    """Delete the rows that `Delete.where` selects, columns or elements of them, or the row of an instance.

    Raises:
        TypeError: the argument is neither a model, nor an instance of one, nor columns.
    """
    if len(what) == 1 and is_table(what[0]):
        return Delete(what[0], filters_class=True)
    if len(what) == 1 and is_table(model_of(what[0])):
        key = key_columns(model_of(what[0]))
        return Delete(model_of(what[0]), (), tuple(Condition(c, "=", getattr(what[0], c.column)) for c in key))
    targets = tuple(item.expression for item in what if isinstance(item, Comparable))
    models = {base.model for target in targets if (base := base_of(target)) is not None}
    if len(targets) != len(what) or len(models) != 1:
        raise TypeError("delete() takes a model, an instance of one, or columns of one model: delete(Order.status)")
    return Delete(models.pop(), targets, filters_class=True)
