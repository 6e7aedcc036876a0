"""The `update` builder: changes rows that are selected by primary key.

>>> update(Order).where(Order.shop == 7, Order.placed == 1).set(Order.tags.add({"vip"})).ttl(60).cql
'UPDATE orders USING TTL ? SET tags = tags + ? WHERE shop = ? AND placed = ?'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar, cast

import attrs
from typing_extensions import Never, Self

from scyllamodel._identifiers import qualified
from scyllamodel._numbers import check_timestamp, check_ttl
from scyllamodel.model.expression import Assignment, Condition
from scyllamodel.query.builder import StatementBuilder, check_assignments, check_conditions
from scyllamodel.query.checks.write import check_update, check_using
from scyllamodel.query.cql_writer import TIMEOUT, TIMESTAMP, TTL, CqlWriter
from scyllamodel.query.functions import is_table
from scyllamodel.query.model_cache import cache_for
from scyllamodel.query.results import LWTResult
from scyllamodel.query.select import timeout_duration
from scyllamodel.query.single_table import Clauses
from scyllamodel.query.statement import CompiledStatement, R_co, StatementTemplate
from scyllamodel.query.targets import base_of, columns_of, has_list
from scyllamodel.types.cql_types import COUNTER

if TYPE_CHECKING:
    from scyllamodel.model.base import Model

M = TypeVar("M", bound="Model")


@attrs.frozen(repr=False)
class Update(StatementBuilder[R_co], Generic[M, R_co]):
    """An UPDATE as an immutable value; every method returns a changed copy.

    Attributes:
        model: the model whose rows are changed.
        conditions: of `where`.
        assignments: of `set`.
        if_conditions: of `if_`.
        only_if_exists: whether `if_exists` was called.
        ttl_seconds: the TTL of the values; None for the default of the table.
        write_timestamp: microseconds since 1970; None for the time of the request.
        filters_class: whether rows of other classes in a shared table are excluded; not needed for an instance.
    """

    model: type[M]
    conditions: tuple[Condition, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    if_conditions: tuple[Condition, ...] = ()
    only_if_exists: bool = False
    ttl_seconds: int | None = None
    write_timestamp: int | None = None
    filters_class: bool = False

    def where(self, *conditions: Condition, **named: Never) -> Self:
        """Add conditions on the primary key, with ``==`` or ``in_``; the whole key is required."""
        return attrs.evolve(self, conditions=self.conditions + check_conditions("where", conditions, named, self.model))

    def set(self, *assignments: Assignment, **named: Never) -> Self:
        """Add assignments, such as ``Order.status.to("paid")`` and ``Order.tags.add({"vip"})``."""
        return attrs.evolve(self, assignments=self.assignments + check_assignments(assignments, named, self.model))

    def ttl(self, seconds: int) -> Self:
        """Set the TTL of the written values in seconds; 0 disables expiry and the default TTL of the table."""
        return attrs.evolve(self, ttl_seconds=check_ttl(seconds))

    def timestamp(self, microseconds: int) -> Self:
        """Set the timestamp of the write, in microseconds since 1970."""
        return attrs.evolve(self, write_timestamp=check_timestamp(microseconds))

    def if_(self, *conditions: Condition, **named: Never) -> Update[M, LWTResult[M]]:
        """Update only if all of these conditions hold: a lightweight transaction."""
        required = self.if_conditions + check_conditions("if_", conditions, named, self.model)
        return cast("Update[M, LWTResult[M]]", attrs.evolve(self, if_conditions=required))

    def if_exists(self) -> Update[M, LWTResult[M]]:
        """Update only if the row exists, without which an update creates it: a lightweight transaction."""
        return cast("Update[M, LWTResult[M]]", attrs.evolve(self, only_if_exists=True))

    def compile(self, keyspace: str | None) -> CompiledStatement[R_co]:
        """See `Statement.compile`."""
        clauses = self._clauses
        if self.filters_class:
            clauses = clauses.for_class(
                self.model, "update", [assignment.target for assignment in self.assignments], self.assignments
            )
        keyspace = self.model.__facts__.keyspace or keyspace
        writer = self._write_cql(keyspace, clauses)
        cql = "".join(writer.fragments)
        template = cache_for(self.model).template(cql, lambda: self._template(clauses, cql, writer, keyspace))
        return CompiledStatement(template, tuple(writer.values), self.options)

    @property
    def _clauses(self) -> Clauses:
        return Clauses(self.conditions, self.if_conditions, self.only_if_exists)

    def _write_cql(self, keyspace: str | None, clauses: Clauses | None = None) -> CqlWriter:
        writer, facts, clauses = CqlWriter(self.model), self.model.__facts__, clauses or self._clauses
        writer.append("UPDATE ", qualified(facts.keyspace or keyspace, facts.name))
        timeout = timeout_duration(self.server_seconds)
        writer.using(
            TIMEOUT=(timeout, TIMEOUT), TTL=(self.ttl_seconds, TTL), TIMESTAMP=(self.write_timestamp, TIMESTAMP)
        )
        writer.append(" SET ", ", ".join(map(writer.assignment, self.assignments)))
        writer.conditions("WHERE", clauses.conditions)
        write_if_clause(writer, clauses.required, exists=clauses.exists)
        return writer

    def _template(self, clauses: Clauses, cql: str, writer: CqlWriter, keyspace: str | None) -> StatementTemplate[R_co]:
        conditional = bool(clauses.required) or clauses.exists
        check_update(self.model, self.assignments, clauses.conditions, clauses.required, conditional=conditional)
        check_using(
            self.model,
            ttl=self.ttl_seconds is not None,
            timestamp=self.write_timestamp is not None,
            conditional=conditional,
        )
        writes = writer.writes(self.assignments)
        whole = [
            write.column
            for write in writes
            if write.operation == "set" and write.element_index is None and write.field is None
        ]
        writes_list = has_list(self.model, whole)
        return StatementTemplate(
            cql,
            tuple(make() for make in writer.markers),
            "update",
            self.model,
            keyspace or "",
            conditional=conditional,
            counter=any(_is_counter(self.model, change) for change in self.assignments),
            idempotent=writer.idempotent and not conditional and not (writes_list and self.write_timestamp is not None),
            writes_list=writes_list,
            key=writer.key(self.model),
            writes=writes,
        )


def write_if_clause(writer: CqlWriter, required: tuple[Condition, ...], *, exists: bool) -> None:
    """Write the IF clause of an update or delete."""
    if exists and not required:
        writer.append(" IF EXISTS")
    writer.conditions("IF", required, nulls=True)


def _is_counter(model: type, change: Assignment) -> bool:
    base = base_of(change.target)
    return base is not None and columns_of(model)[base.column].type_mapping.type == COUNTER


def update(model: type[M], /) -> Update[M, None]:
    """Change rows of a model.

    Raises:
        TypeError: the argument is not a model.
    """
    if not is_table(model):
        raise TypeError(f"update() takes a model, such as update(Order).where(…).set(…), not {model!r}")
    return Update(model, filters_class=True)
