"""`update`: changes of rows that are named by their key.

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
from scyllamodel.query.functions import is_table
from scyllamodel.query.kinds import Clauses
from scyllamodel.query.memory import memory_of
from scyllamodel.query.parts import base_of, columns_of, has_list
from scyllamodel.query.results import LWTResult
from scyllamodel.query.select import seconds
from scyllamodel.query.statement import Compiled, R_co, Shape
from scyllamodel.query.tuning import Tuned, check_assignments, check_conditions
from scyllamodel.query.writer import TIMEOUT, TIMESTAMP, TTL, Writer
from scyllamodel.query.writes import check_update, check_using
from scyllamodel.types.values import COUNTER

if TYPE_CHECKING:
    from scyllamodel.model.base import Model

M = TypeVar("M", bound="Model")


@attrs.frozen(repr=False)
class Update(Tuned[R_co], Generic[M, R_co]):
    """An UPDATE as an immutable value; every method returns a changed copy."""

    model: type[M]
    conditions: tuple[Condition, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    required: tuple[Condition, ...] = ()
    exists: bool = False
    seconds: int | None = None
    written: int | None = None
    of_kind: bool = False
    """Whether rows of other classes in the table are left out; what is done to an instance knows its row."""

    def where(self, *conditions: Condition, **named: Never) -> Self:
        """The rows: their whole primary key, by ``==`` or ``in_``."""
        return attrs.evolve(self, conditions=self.conditions + check_conditions("where", conditions, named, self.model))

    def set(self, *assignments: Assignment, **named: Never) -> Self:
        """What changes, such as ``Order.status.to("paid")`` and ``Order.tags.add({"vip"})``."""
        return attrs.evolve(self, assignments=self.assignments + check_assignments(assignments, named, self.model))

    def ttl(self, seconds: int) -> Self:
        """Seconds after which what is written expires; 0 is never, whatever the table says."""
        return attrs.evolve(self, seconds=check_ttl(seconds))

    def timestamp(self, microseconds: int) -> Self:
        """The time of the write, in microseconds since 1970, instead of the time when it is sent."""
        return attrs.evolve(self, written=check_timestamp(microseconds))

    def if_(self, *conditions: Condition, **named: Never) -> Update[M, LWTResult[M]]:
        """Only if all of these hold: a lightweight transaction."""
        given = self.required + check_conditions("if_", conditions, named, self.model)
        return cast("Update[M, LWTResult[M]]", attrs.evolve(self, required=given))

    def if_exists(self) -> Update[M, LWTResult[M]]:
        """Only if there is such a row; an update makes it otherwise."""
        return cast("Update[M, LWTResult[M]]", attrs.evolve(self, exists=True))

    def compile(self, keyspace: str | None) -> Compiled[R_co]:
        """See `Statement.compile`."""
        on = self._on
        if self.of_kind:
            on = on.of_kind(self.model, "update", [one.target for one in self.assignments], self.assignments)
        keyspace = self.model.__facts__.keyspace or keyspace
        writer = self._written(keyspace, on)
        cql = "".join(writer.parts)
        shape = memory_of(self.model).shape(cql, lambda: self._shape(on, cql, writer, keyspace))
        return Compiled(shape, tuple(writer.values), self.options)

    @property
    def _on(self) -> Clauses:
        return Clauses(self.conditions, self.required, self.exists)

    def _written(self, keyspace: str | None, on: Clauses | None = None) -> Writer:
        writer, facts, on = Writer(self.model), self.model.__facts__, on or self._on
        writer.text("UPDATE ", qualified(facts.keyspace or keyspace, facts.name))
        timeout = seconds(self.server_seconds)
        writer.using(TIMEOUT=(timeout, TIMEOUT), TTL=(self.seconds, TTL), TIMESTAMP=(self.written, TIMESTAMP))
        writer.text(" SET ", ", ".join(map(writer.assignment, self.assignments)))
        writer.conditions("WHERE", on.conditions)
        conditions(writer, on.required, exists=on.exists)
        return writer

    def _shape(self, on: Clauses, cql: str, writer: Writer, keyspace: str | None) -> Shape[R_co]:
        conditional = bool(on.required) or on.exists
        check_update(self.model, self.assignments, on.conditions, on.required, conditional=conditional)
        check_using(
            self.model, ttl=self.seconds is not None, timestamp=self.written is not None, conditional=conditional
        )
        writes = writer.writes(self.assignments)
        whole = [one.column for one in writes if one.operation == "set" and one.element is None and one.field is None]
        writes_list = has_list(self.model, whole)
        return Shape(
            cql,
            tuple(make() for make in writer.markers),
            "update",
            self.model,
            keyspace or "",
            conditional=conditional,
            counter=any(_counts(self.model, change) for change in self.assignments),
            idempotent=writer.idempotent and not conditional and not (writes_list and self.written is not None),
            writes_list=writes_list,
            key=writer.key(self.model),
            writes=writes,
        )


def conditions(writer: Writer, required: tuple[Condition, ...], *, exists: bool) -> None:
    """The IF of an update or delete."""
    if exists and not required:
        writer.text(" IF EXISTS")
    writer.conditions("IF", required, nulls=True)


def _counts(model: type, change: Assignment) -> bool:
    base = base_of(change.target)
    return base is not None and columns_of(model)[base.column].hint.type == COUNTER


def update(model: type[M], /) -> Update[M, None]:
    """Change rows of a model.

    Raises:
        TypeError: it is no model.
    """
    if not is_table(model):
        raise TypeError(f"update() takes a model, such as update(Order).where(…).set(…), not {model!r}")
    return Update(model, of_kind=True)
