"""`Select`: rows of a model as its instances, or some of its columns as tuples.

Comes in: what `scyllamodel.query.selection.select` was given, and one clause after the other. Goes out: `Compiled`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast

import attrs
from typing_extensions import Never, Self, TypeIs

from scyllamodel._identifiers import qualified
from scyllamodel._numbers import check_integer
from scyllamodel.model._codegen import define
from scyllamodel.model.column import Column, Comparable
from scyllamodel.model.expression import (
    CallTarget,
    ColumnTarget,
    Condition,
    ElementTarget,
    Expression,
    FieldTarget,
    Ordering,
)
from scyllamodel.query.functions import Function, count, is_aggregate
from scyllamodel.query.indexes import filter_columns
from scyllamodel.query.kinds import with_own
from scyllamodel.query.memory import memory_of
from scyllamodel.query.parts import base_of, column_of, columns_in, columns_of, field_of, marker_of, parts_of
from scyllamodel.query.reads import (
    check_distinct,
    check_each_partition,
    check_filter,
    check_group,
    check_order,
    check_selection,
)
from scyllamodel.query.statement import Compiled, R, Shape
from scyllamodel.query.tuning import Tuned, check_conditions, refuse
from scyllamodel.query.writer import LIMIT, PER_PARTITION, TIMEOUT, Writer
from scyllamodel.types.comparison import comparable
from scyllamodel.types.duration import Duration
from scyllamodel.types.hints import TypeMapping

if TYPE_CHECKING:
    from scyllamodel.model.base import Model
    from scyllamodel.model.view import MaterializedView
    from scyllamodel.schema.facts import Table, View

Row = TypeVar("Row", bound="Model | MaterializedView")


Flag = Literal["distinct", "filtering", "whole", "bypass_cache", "json", "any_kind"]
"""A word that a select can have said."""


@attrs.frozen(repr=False)
class Select(Tuned[list[R]], Generic[R]):
    """A SELECT as an immutable value; ``R`` is one row, executing it lists them. Every method returns a changed copy.

    Attributes:
        model: the model or view that is read.
        selection: what of it; nothing is whole instances.
    """

    model: type | None
    selection: tuple[Comparable[Any], ...] = attrs.field(default=(), eq=comparable)
    conditions: tuple[Condition, ...] = ()
    orderings: tuple[Ordering, ...] = ()
    groups: tuple[ColumnTarget, ...] = ()
    most: int | None = None
    most_each: int | None = None
    flags: frozenset[Flag] = frozenset()

    def where(self, *conditions: Condition, **named: Never) -> Self:
        """Rows for which all of these hold, and those given before."""
        return attrs.evolve(self, conditions=self.conditions + check_conditions("where", conditions, named, self.model))

    def order_by(self, *orderings: Ordering | Expression[Any]) -> Self:
        """Rows in the order of these clustering columns, or by a search (`Column.ann_of`, `Column.bm25`)."""
        found = tuple(one.asc() if isinstance(one, Column) else one for one in orderings)
        for one in found:
            if not isinstance(one, Ordering):
                raise TypeError(f"order_by() takes Order.placed.desc() and the like, not {one!r}")
        return attrs.evolve(self, orderings=self.orderings + cast("tuple[Ordering, ...]", found))

    def group_by(self, *columns: Expression[Any]) -> Self:
        """One row for each group along the primary key."""
        return attrs.evolve(self, groups=self.groups + tuple(columns_in(_expressions(columns))))

    def limit(self, rows: int) -> Self:
        """At most so many rows, over all pages."""
        return attrs.evolve(self, most=check_integer("limit", rows, minimum=1))

    def per_partition_limit(self, rows: int) -> Self:
        """At most so many rows of each partition."""
        return attrs.evolve(self, most_each=check_integer("per_partition_limit", rows, minimum=1))

    def distinct(self) -> Self:
        """Each partition once."""
        return self._flagged("distinct")

    def allow_filtering(self) -> Self:
        """Have the server read and drop rows that do not fit: fine within a partition, slow over a table."""
        return self._flagged("filtering")

    def whole_table(self) -> Self:
        """Yes, every row of the table is meant."""
        return self._flagged("whole")

    def bypass_cache(self) -> Self:
        """Leave the server's row cache as it is, for reads of much; ScyllaDB only."""
        return self._flagged("bypass_cache")

    def json(self) -> Select[tuple[str]]:
        """Each row as JSON text."""
        return cast("Select[tuple[str]]", self._flagged("json"))

    def select_from(self, model: type[Model | MaterializedView]) -> Self:
        """The model that is read, where neither selection nor conditions name it."""
        return attrs.evolve(self, model=model)

    def counting(self) -> Select[tuple[int]]:
        """The number of these rows instead of the rows."""
        if self.groups or self.most_each is not None or "distinct" in self.flags:
            raise refuse(
                "Groups, distinct partitions and some rows of each are not counted by the server.", "Count what comes."
            )
        # A limit would be one of the answer, which is one row; whoever asks cuts the number.
        bounded = self if self.most is None else self.whole_table()
        counted = attrs.evolve(bounded, model=self.source(), selection=(count(),), orderings=(), most=None)
        return cast("Select[tuple[int]]", counted)

    def keys(self) -> Select[tuple[Any, ...]]:
        """The first column of the key of these rows instead of the rows, to see whether there are any."""
        model = self.source()
        key = next(column for column in columns_of(model).values() if column.spec.kind == "partition_key")
        if self.groups or "distinct" in self.flags or self.selection:
            return cast("Select[tuple[Any, ...]]", self)
        return cast("Select[tuple[Any, ...]]", attrs.evolve(self, model=model, selection=(key,)))

    def _flagged(self, flag: Flag) -> Self:
        return attrs.evolve(self, flags=self.flags | {flag})

    def source(self) -> type:
        """The model that is read."""
        if self.model is not None:
            return self.model
        named = [found.model for found in self.selection if isinstance(found, Function) and found.model is not None]
        targets = [*_expressions(self.selection), *(condition.target for condition in self.conditions)]
        for model in (*named, *(column.model for column in columns_in(targets))):
            return model
        raise refuse("This select names no model.", "Write fn.count(Order), or .select_from(Order).")

    @property
    def by_token(self) -> bool:
        """Whether it names a range of tokens."""
        return any(isinstance(condition.target, CallTarget) for condition in self.conditions)

    def compile(self, keyspace: str | None) -> Compiled[list[R]]:
        """See `Statement.compile`."""
        model, writer = self.source(), self._written(keyspace)
        cql = "".join(writer.parts)
        key = (cql, "whole" in self.flags, *(getattr(expression, "key", None) for expression in self.selection))
        shape = memory_of(model).shape(key, lambda: self._shape(model, cql, writer, keyspace))
        return Compiled(shape, tuple(writer.values), self.options)

    def _written(self, keyspace: str | None) -> Writer:
        model = self.source()
        writer = Writer(model)
        facts = cast("Table | View", getattr(model, "__facts__"))  # noqa: B009 - a bare type has none
        writer.text("SELECT ")
        writer.text(*(word for flag, word in (("json", "JSON "), ("distinct", "DISTINCT ")) if flag in self.flags))
        if self.selection:
            writer.text(", ".join(map(writer.argument, _expressions(self.selection))))
        else:
            writer.text(memory_of(model).selection)
        writer.text(" FROM ", qualified(facts.keyspace or keyspace, facts.name))
        conditions = self._conditions(model)
        writer.conditions("WHERE", conditions)
        for ordering in self.orderings:
            if ordering.matching is not None:
                writer.text(" AND " if conditions else " WHERE ", f"{self._ordering(writer, ordering)} > 0")
        if self.groups:
            writer.text(" GROUP BY ", ", ".join(map(writer.target, self.groups)))
        if self.orderings:
            writer.text(" ORDER BY ", ", ".join(self._ordering(writer, one) for one in self.orderings))
        for word, marker, rows in (
            (" PER PARTITION LIMIT ", PER_PARTITION, self.most_each),
            (" LIMIT ", LIMIT, self.most),
        ):
            if rows is not None:
                writer.text(word, writer.bind(rows, marker.itself))
        writer.text(
            *(
                word
                for flag, word in (("filtering", " ALLOW FILTERING"), ("bypass_cache", " BYPASS CACHE"))
                if flag in self.flags
            )
        )
        writer.using(TIMEOUT=(seconds(self.server_seconds), TIMEOUT))
        return writer

    def _conditions(self, model: type) -> tuple[Condition, ...]:
        """Those that were given, and the one that finds the rows of a class in a table that others share."""
        return self.conditions if "any_kind" in self.flags else with_own(model, self.conditions)

    def _ordering(self, writer: Writer, ordering: Ordering) -> str:
        target = writer.target(ordering.target)
        if ordering.matching is not None:
            return f"BM25({target}, {writer.bind(ordering.matching, lambda: marker_of(ordering.target))})"
        if ordering.nearest_to is not None:
            return f"{target} ANN OF {writer.bind(ordering.nearest_to, lambda: marker_of(ordering.target))}"
        return f"{target} {'DESC' if ordering.descending else 'ASC'}"

    def _shape(self, model: type, cql: str, writer: Writer, keyspace: str | None) -> Shape[list[R]]:
        self._check(model)
        facts = cast("Table | View", getattr(model, "__facts__"))  # noqa: B009 - a bare type has none
        return Shape(
            cql,
            tuple(make() for make in writer.markers),
            "select",
            model,
            facts.keyspace or keyspace or "",
            load=self._load(model),
            idempotent=True,
            selection=self.selection,
        )

    def _check(self, model: type) -> None:
        check_selection(_expressions(self.selection))
        nearest = [ordering.target.column for ordering in self.orderings if ordering.is_search]
        bounded = "whole" in self.flags or self.most is not None or "distinct" in self.flags or bool(nearest)
        found = check_filter(
            model, self._unsearched(model, nearest), filtering="filtering" in self.flags, whole=bounded
        )
        check_order(model, found, self.orderings, limited=self.most is not None)
        if self.groups:
            check_group(found, tuple(target.column for target in self.groups))
        if "distinct" in self.flags:
            names = [target.column for target in columns_in(_expressions(self.selection))] or list(columns_of(model))
            check_distinct(found, names, self.conditions)
        if self.most_each is not None:
            check_each_partition(distinct="distinct" in self.flags, aggregate=any(map(is_aggregate, self.selection)))

    def _unsearched(self, model: type, nearest: list[str]) -> tuple[Condition, ...]:
        """The conditions that the index of a search does not answer itself."""
        served = frozenset[str]().union(*(filter_columns(model, name) for name in nearest))
        conditions = self._conditions(model)
        return tuple(c for c in conditions if getattr(c.target, "column", None) not in served) if served else conditions

    def _load(self, model: type) -> Callable[[Sequence[Any]], Any] | None:
        if "json" in self.flags:
            return None
        if not self.selection:
            return memory_of(model).load
        return tuple_loader([hint_of(expression) for expression in self.selection])


def is_select(statement: object) -> TypeIs[Select[Any]]:
    """Whether a statement reads."""
    return isinstance(statement, Select)


def _expressions(found: Iterable[Any]) -> Iterator[Any]:
    for one in found:
        if not isinstance(one, Comparable):
            raise TypeError(f"a column, a part of one or a function is needed, such as Order.total, not {one!r}")
        yield one.expression  # pyright: ignore[reportUnknownMemberType]


def seconds(given: float | None) -> Duration | None:
    """Seconds as the duration that ScyllaDB takes, which counts whole milliseconds."""
    return None if given is None else Duration(0, 0, max(1, round(given * 1000)) * 1_000_000)


def hint_of(expression: Comparable[Any]) -> TypeMapping | None:
    """How what is selected is loaded; None when it is right as it comes."""
    if isinstance(expression, Function):
        return expression.hint
    target = expression.expression
    if isinstance(target, ElementTarget):
        return parts_of(column_of(target.base)).element
    if isinstance(target, FieldTarget):
        return field_of(column_of(target.base), target.field)[1]
    base = base_of(target)
    return None if base is None else column_of(base).hint


def tuple_loader(hints: Sequence[TypeMapping | None]) -> Callable[[Sequence[Any]], Any] | None:
    """A function from a row to a tuple of Python values; None when rows are right as they come."""
    if not any(hint and (hint.load or hint.empty) for hint in hints):
        return None
    scope: dict[str, Any] = {}
    values = [_loaded(at, hint, scope) for at, hint in enumerate(hints)]
    names = ", ".join(f"v{at}" for at in range(len(hints)))
    lines = ["def load(row):", f"    {names}, = row", f"    return ({', '.join(values)},)"]
    return define(lines, "load", "load of a selection", scope)


def _loaded(at: int, hint: TypeMapping | None, scope: dict[str, Any]) -> str:
    if hint is None or not (hint.load or hint.empty):
        return f"v{at}"
    scope[f"load{at}"], scope[f"empty{at}"] = hint.load, hint.empty
    null = f"empty{at}()" if hint.empty else "None"
    return f"{null} if v{at} is None else {f'load{at}(v{at})' if hint.load else f'v{at}'}"
