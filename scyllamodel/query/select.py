"""The `Select` builder: reads rows of a model as instances, or some of their columns as tuples.

In: the arguments of `select`, and one clause after the other. Out: a compiled statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast

import attrs
from typing_extensions import Never, Self, TypeIs

from scyllamodel._identifiers import qualified
from scyllamodel._numbers import check_integer
from scyllamodel.model._codegen import tuple_loader
from scyllamodel.model.column import Column, Comparable
from scyllamodel.model.expression import (
    ColumnTarget,
    Condition,
    ElementTarget,
    Expression,
    FieldTarget,
    Ordering,
)
from scyllamodel.query.builder import StatementBuilder, check_conditions
from scyllamodel.query.checks.indexes import filter_columns
from scyllamodel.query.checks.select import (
    check_distinct,
    check_filter,
    check_group,
    check_order,
    check_per_partition_limit,
    check_selection,
)
from scyllamodel.query.cql_writer import LIMIT, PER_PARTITION_LIMIT, TIMEOUT, CqlWriter
from scyllamodel.query.functions import Function, count, is_aggregate
from scyllamodel.query.model_cache import cache_for
from scyllamodel.query.not_supported import not_supported
from scyllamodel.query.single_table import with_class_condition
from scyllamodel.query.statement import CompiledStatement, R, StatementTemplate
from scyllamodel.query.targets import base_of, column_of, columns_in, columns_of, element_types_of, field_of, marker_of
from scyllamodel.types.annotations import TypeMapping
from scyllamodel.types.comparison import comparable
from scyllamodel.types.duration import Duration

if TYPE_CHECKING:
    from scyllamodel.model.base import Model
    from scyllamodel.model.view import MaterializedView
    from scyllamodel.schema.facts.objects import Table, View

Row = TypeVar("Row", bound="Model | MaterializedView")


Flag = Literal["distinct", "filtering", "whole", "bypass_cache", "json", "any_kind"]
"""An option of a select without a value."""


@attrs.frozen(repr=False)
class Select(StatementBuilder[list[R]], Generic[R]):
    """A SELECT as an immutable value; ``R`` is the type of a row. Every method returns a changed copy.

    Attributes:
        model: the model or view that is read.
        selection: the selected expressions; empty for whole instances.
        conditions: of `where`.
        orderings: of `order_by`.
        groups: of `group_by`.
        row_limit: of `limit`; None without one.
        partition_row_limit: of `per_partition_limit`; None without one.
        flags: the clauses without a value, such as ``distinct``.
    """

    model: type | None
    selection: tuple[Comparable[Any], ...] = attrs.field(default=(), eq=comparable)
    conditions: tuple[Condition, ...] = ()
    orderings: tuple[Ordering, ...] = ()
    groups: tuple[ColumnTarget, ...] = ()
    row_limit: int | None = None
    partition_row_limit: int | None = None
    flags: frozenset[Flag] = frozenset()

    def where(self, *conditions: Condition, **named: Never) -> Self:
        """Add conditions; all conditions must hold."""
        return attrs.evolve(self, conditions=self.conditions + check_conditions("where", conditions, named, self.model))

    def order_by(self, *orderings: Ordering | Expression[Any]) -> Self:
        """Order the rows by these clustering columns, or by a search (`Column.ann_of`, `Column.bm25`)."""
        new_orderings = tuple(ordering.asc() if isinstance(ordering, Column) else ordering for ordering in orderings)
        for item in new_orderings:
            if not isinstance(item, Ordering):
                raise TypeError(f"order_by() takes orderings such as Order.placed.desc(), not {item!r}")
        return attrs.evolve(self, orderings=self.orderings + cast("tuple[Ordering, ...]", new_orderings))

    def group_by(self, *columns: Expression[Any]) -> Self:
        """Return one row for each group, by a prefix of the primary key."""
        return attrs.evolve(self, groups=self.groups + tuple(columns_in(_targets_of(columns))))

    def limit(self, rows: int) -> Self:
        """Limit the number of rows, over all pages."""
        return attrs.evolve(self, row_limit=check_integer("limit", rows, minimum=1))

    def per_partition_limit(self, rows: int) -> Self:
        """Limit the number of rows of each partition."""
        return attrs.evolve(self, partition_row_limit=check_integer("per_partition_limit", rows, minimum=1))

    def distinct(self) -> Self:
        """Return each partition once."""
        return self._with_flag("distinct")

    def allow_filtering(self) -> Self:
        """Let the server read and discard rows that do not match: fast within a partition, slow over a table."""
        return self._with_flag("filtering")

    def whole_table(self) -> Self:
        """Confirm that the whole table is to be read."""
        return self._with_flag("whole")

    def bypass_cache(self) -> Self:
        """Do not fill the server's row cache, for large reads; ScyllaDB only."""
        return self._with_flag("bypass_cache")

    def json(self) -> Select[tuple[str]]:
        """Return each row as JSON text."""
        return cast("Select[tuple[str]]", self._with_flag("json"))

    def select_from(self, model: type[Model | MaterializedView]) -> Self:
        """Set the model, if neither the selection nor the conditions determine it."""
        return attrs.evolve(self, model=model)

    def _with_flag(self, flag: Flag) -> Self:
        return attrs.evolve(self, flags=self.flags | {flag})

    def compile(self, keyspace: str | None) -> CompiledStatement[list[R]]:
        """See `Statement.compile`."""
        model, writer = model_read(self), self._write_cql(keyspace)
        cql = "".join(writer.fragments)
        key = (cql, "whole" in self.flags, *(getattr(expression, "key", None) for expression in self.selection))
        template = cache_for(model).template(key, lambda: self._template(model, cql, writer, keyspace))
        return CompiledStatement(template, tuple(writer.values), self.options)

    def _write_cql(self, keyspace: str | None) -> CqlWriter:
        model = model_read(self)
        writer = CqlWriter(model)
        facts = cast("Table | View", getattr(model, "__facts__"))  # noqa: B009 - a bare type has none
        writer.append("SELECT ")
        writer.append(*(text for flag, text in (("json", "JSON "), ("distinct", "DISTINCT ")) if flag in self.flags))
        if self.selection:
            writer.append(", ".join(map(writer.argument, _targets_of(self.selection))))
        else:
            writer.append(cache_for(model).selection)
        writer.append(" FROM ", qualified(facts.keyspace or keyspace, facts.name))
        conditions = self._conditions(model)
        writer.conditions("WHERE", conditions)
        for ordering in self.orderings:
            if ordering.matching is not None:
                writer.append(" AND " if conditions else " WHERE ", f"{self._ordering(writer, ordering)} > 0")
        if self.groups:
            writer.append(" GROUP BY ", ", ".join(map(writer.target, self.groups)))
        if self.orderings:
            writer.append(" ORDER BY ", ", ".join(self._ordering(writer, ordering) for ordering in self.orderings))
        for keyword, marker, rows in (
            (" PER PARTITION LIMIT ", PER_PARTITION_LIMIT, self.partition_row_limit),
            (" LIMIT ", LIMIT, self.row_limit),
        ):
            if rows is not None:
                writer.append(keyword, writer.bind(rows, marker.provide))
        writer.append(
            *(
                text
                for flag, text in (("filtering", " ALLOW FILTERING"), ("bypass_cache", " BYPASS CACHE"))
                if flag in self.flags
            )
        )
        writer.using(TIMEOUT=(timeout_duration(self.server_seconds), TIMEOUT))
        return writer

    def _conditions(self, model: type) -> tuple[Condition, ...]:
        """Return the conditions, and the one that selects the rows of a class in a shared table."""
        return self.conditions if "any_kind" in self.flags else with_class_condition(model, self.conditions)

    def _ordering(self, writer: CqlWriter, ordering: Ordering) -> str:
        target = writer.target(ordering.target)
        if ordering.matching is not None:
            return f"BM25({target}, {writer.bind(ordering.matching, lambda: marker_of(ordering.target))})"
        if ordering.nearest_to is not None:
            return f"{target} ANN OF {writer.bind(ordering.nearest_to, lambda: marker_of(ordering.target))}"
        return f"{target} {'DESC' if ordering.descending else 'ASC'}"

    def _template(self, model: type, cql: str, writer: CqlWriter, keyspace: str | None) -> StatementTemplate[list[R]]:
        self._check(model)
        facts = cast("Table | View", getattr(model, "__facts__"))  # noqa: B009 - a bare type has none
        return StatementTemplate(
            cql,
            tuple(make() for make in writer.markers),
            "select",
            model,
            facts.keyspace or keyspace or "",
            load=self._loader(model),
            idempotent=True,
            selection=self.selection,
        )

    def _check(self, model: type) -> None:
        check_selection(_targets_of(self.selection))
        searched = [ordering.target.column for ordering in self.orderings if ordering.is_search]
        is_bounded = "whole" in self.flags or self.row_limit is not None or "distinct" in self.flags or bool(searched)
        restrictions = check_filter(
            model,
            self._conditions_without_search(model, searched),
            filtering="filtering" in self.flags,
            whole=is_bounded,
        )
        check_order(model, restrictions, self.orderings, limited=self.row_limit is not None)
        if self.groups:
            check_group(restrictions, tuple(target.column for target in self.groups))
        if "distinct" in self.flags:
            names = [target.column for target in columns_in(_targets_of(self.selection))] or list(columns_of(model))
            check_distinct(restrictions, names, self.conditions)
        if self.partition_row_limit is not None:
            check_per_partition_limit(
                distinct="distinct" in self.flags, aggregate=any(map(is_aggregate, self.selection))
            )

    def _conditions_without_search(self, model: type, searched: list[str]) -> tuple[Condition, ...]:
        """Return the conditions that the index of a search does not serve."""
        served = frozenset[str]().union(*(filter_columns(model, name) for name in searched))
        conditions = self._conditions(model)
        return tuple(c for c in conditions if getattr(c.target, "column", None) not in served) if served else conditions

    def _loader(self, model: type) -> Callable[[Sequence[Any]], Any] | None:
        if "json" in self.flags:
            return None
        if not self.selection:
            return cache_for(model).load
        return tuple_loader([type_mapping_of(expression) for expression in self.selection])


def count_query(query: Select[Any]) -> Select[tuple[int]]:
    """Return a select of the number of rows of a select."""
    if query.groups or query.partition_row_limit is not None or "distinct" in query.flags:
        raise not_supported(
            "The server cannot count groups, distinct partitions, or rows with a limit per partition.",
            "Count the result.",
        )
    # A limit would apply to the result, which is one row; the caller limits the number.
    source_query = query if query.row_limit is None else query.whole_table()
    count_query = attrs.evolve(
        source_query, model=model_read(query), selection=(count(),), orderings=(), row_limit=None
    )
    return cast("Select[tuple[int]]", count_query)


def first_key_query(query: Select[Any]) -> Select[tuple[Any, ...]]:
    """Return a select of the first key column of the rows of a select, to check whether there are any."""
    model = model_read(query)
    key = next(column for column in columns_of(model).values() if column.spec.kind == "partition_key")
    if query.groups or "distinct" in query.flags or query.selection:
        return cast("Select[tuple[Any, ...]]", query)
    return cast("Select[tuple[Any, ...]]", attrs.evolve(query, model=model, selection=(key,)))


def model_read(query: Select[Any]) -> type:
    """Return the model that a select reads."""
    if query.model is not None:
        return query.model
    models = [
        expression.model
        for expression in query.selection
        if isinstance(expression, Function) and expression.model is not None
    ]
    targets = [*_targets_of(query.selection), *(condition.target for condition in query.conditions)]
    for model in (*models, *(column.model for column in columns_in(targets))):
        return model
    raise not_supported("This select has no model.", "Write fn.count(Order), or .select_from(Order).")


def is_select(statement: object) -> TypeIs[Select[Any]]:
    """Whether a statement is a select."""
    return isinstance(statement, Select)


def _targets_of(expressions: Iterable[Any]) -> Iterator[Any]:
    for expression in expressions:
        if not isinstance(expression, Comparable):
            raise TypeError(
                f"expected a column, an element or field of one, or a function, such as Order.total, got {expression!r}"
            )
        yield expression.expression  # pyright: ignore[reportUnknownMemberType]


def timeout_duration(timeout: float | None) -> Duration | None:
    """Convert seconds to the duration that ScyllaDB expects, in whole milliseconds."""
    return None if timeout is None else Duration(0, 0, max(1, round(timeout * 1000)) * 1_000_000)


def type_mapping_of(expression: Comparable[Any]) -> TypeMapping | None:
    """Return how a selected expression is loaded; None: no conversion."""
    if isinstance(expression, Function):
        return expression.type_mapping
    target = expression.expression
    if isinstance(target, ElementTarget):
        return element_types_of(column_of(target.base)).element
    if isinstance(target, FieldTarget):
        return field_of(column_of(target.base), target.field)[1]
    base = base_of(target)
    return None if base is None else column_of(base).type_mapping
