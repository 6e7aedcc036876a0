"""A writer that collects the CQL text of a statement and its values.

In: targets, conditions and assignments. Out: CQL with a ``?`` for every value, the markers, and the values. Values are
never part of the text, so that one prepared statement serves all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import takewhile
from typing import Any, Final

import attrs

from scyllamodel._identifiers import quote
from scyllamodel.errors import QueryNotSupported, TypeMismatch
from scyllamodel.model.expression import (
    Assignment,
    CallTarget,
    ColumnTarget,
    Condition,
    ElementTarget,
    FieldTarget,
    Target,
    TupleTarget,
)
from scyllamodel.query.model_cache import cache_for
from scyllamodel.query.not_supported import not_supported
from scyllamodel.query.statement import CellWrite, Marker
from scyllamodel.query.targets import (
    base_of,
    column_of,
    element_marker,
    field_of,
    key_marker,
    list_marker,
    make_marker,
    map_keys_marker,
    marker_of,
)
from scyllamodel.types.annotations import TypeMapping
from scyllamodel.types.comparison import comparable
from scyllamodel.types.cql_types import MapType
from scyllamodel.types.display import Show


@attrs.frozen
class Argument:
    """A value in a function call, with its type; None: the type that the server expects."""

    value: Any = attrs.field(repr=False, eq=comparable)  # pyright: ignore[reportUnknownVariableType]
    type_mapping: TypeMapping | None = None
    show: Show = attrs.field(default=repr, repr=False)

    def __str__(self) -> str:
        return "?"


class CqlWriter:
    """A writer of one statement on a model, which refuses columns of other models.

    Every clause is written through `target`, each time a statement is compiled, so that the check covers all clauses.
    """

    __slots__ = ("assignment_positions", "fragments", "idempotent", "key_positions", "markers", "model", "values")

    def __init__(self, model: type) -> None:
        self.model = model
        self.fragments: list[str] = []
        self.markers: list[Callable[[], Marker]] = []
        self.values: list[Any] = []
        self.key_positions: dict[str, int] = {}
        self.assignment_positions: list[int] = []
        self.idempotent = True

    def append(self, *fragments: str) -> None:
        """Append text unchanged."""
        self.fragments.extend(fragments)

    def bind(self, value: Any, make: Callable[[], Marker]) -> str:
        """Bind a value; its marker is computed when a template is created."""
        self.values.append(value)
        self.markers.append(make)
        return "?"

    def target(self, target: Target) -> str:
        """Write a target, and bind its key or arguments."""
        if isinstance(target, ColumnTarget):
            if target.model is not self.model and not issubclass(self.model, target.model):
                raise _foreign_column_error(self.model, target)
            return cache_for(target.model).names[target.column]
        if isinstance(target, ElementTarget):
            return f"{self.target(target.base)}[{self.bind(target.key, lambda: key_marker(target))}]"
        if isinstance(target, FieldTarget):
            return f"{self.target(target.base)}.{quote(field_of(column_of(target.base), target.field)[0])}"
        if isinstance(target, TupleTarget):
            return f"({', '.join(map(self.target, target.columns))})"
        return target.template.format(*map(self.argument, target.arguments))

    def argument(self, argument: Any) -> str:
        """Write an argument of a function: a target or a value."""
        if not isinstance(argument, Argument):
            return self.target(argument)
        return self.bind(argument.value, partial(make_marker, "[argument]", argument.type_mapping, argument.show))

    def value(self, value: Any, make: Callable[[], Marker]) -> str:
        """Write a value, or a server function that computes one."""
        function = getattr(value, "expression", None)
        if isinstance(function, CallTarget):
            self.idempotent = self.idempotent and bool(getattr(value, "idempotent", True))
            return self.target(function)
        return self.bind(value, make)

    def condition(self, condition: Condition, *, nulls: bool = False) -> str:
        """Write a condition of WHERE, or with ``nulls`` one of IF, where a value may be null."""
        target, operator, value = condition.target, condition.operator, condition.value
        left = self.target(target)
        if operator == "IN":
            _check_in_values(target, value, nulls=nulls)
            return f"{left} IN {self.bind(list(value), lambda: list_marker(marker_of(target), nulls=nulls))}"
        if value is None and not nulls:
            raise QueryNotSupported(
                f"{condition!r}: rows cannot be selected by null, which CQL does not store; compare with a value, or "
                "store one that represents a missing value.",
                needs=(),
                helps=(),
            )
        if value is None and operator not in ("=", "!="):
            raise not_supported(f"{condition!r}: nulls have no order.", "Compare with == or !=.")
        if operator in ("CONTAINS", "CONTAINS KEY"):
            role = "key" if operator == "CONTAINS KEY" else "element"
            return f"{left} {operator} {self.bind(value, lambda: element_marker(target, role))}"
        if operator == "=" and isinstance(target, ColumnTarget):
            self.key_positions.setdefault(target.column, len(self.values))
        return f"{left} {operator} {self._right_side(target, value)}"

    def key(self, model: type) -> tuple[int, ...]:
        """Return the indexes of the primary key values or a prefix of them; empty without the whole partition key."""
        columns = cache_for(model).columns.items()
        partition, clustering = (
            [name for name, column in columns if column.spec.kind == kind] for kind in ("partition_key", "clustering")
        )
        if not all(name in self.key_positions for name in partition):
            return ()
        followed = takewhile(self.key_positions.__contains__, clustering)
        return tuple([self.key_positions[name] for name in (*partition, *followed)])

    def writes(self, changes: Iterable[Assignment]) -> tuple[CellWrite, ...]:
        """Return the changes of the assignments; `assignment` recorded the index of the first value of each."""
        cell_writes: list[CellWrite] = []
        for change, first_value in zip(changes, self.assignment_positions, strict=True):
            element_index = first_value if isinstance(change.target, ElementTarget) else None
            is_server_value = isinstance(getattr(change.value, "expression", None), CallTarget)
            value_index = None if is_server_value else first_value + (element_index is not None)
            cell_writes.append(make_cell_write(change.target, change.operation, value_index, element_index))
        return tuple(cell_writes)

    def _right_side(self, target: Target, value: Any) -> str:
        """Write the right side; in ``token(…) > token(…)`` the values have the types of the columns."""
        function = getattr(value, "expression", None)
        if isinstance(target, CallTarget) and isinstance(function, CallTarget) and function.arguments:
            if len(target.arguments) != len(function.arguments):
                raise not_supported(f"<{target} and {function}>: both sides must contain the whole partition key.")
            pairs = zip(target.arguments, function.arguments, strict=True)
            operands = [
                self.bind(argument.value, partial(marker_of, column))
                if isinstance(argument, Argument) and isinstance(column, ColumnTarget)
                else self.argument(argument)
                for column, argument in pairs
            ]
            return function.template.format(*operands)
        return self.value(value, lambda: marker_of(target))

    def conditions(self, keyword: str, conditions: Iterable[Condition], *, nulls: bool = False) -> None:
        """Append conditions after a keyword, joined by AND; nothing without conditions."""
        written = [self.condition(condition, nulls=nulls) for condition in conditions]
        if written:
            self.append(f" {keyword} ", " AND ".join(written))

    def using(self, **values: tuple[Any, Marker]) -> None:
        """Append ``USING`` with those options that are set, such as ``TTL=(60, marker)``."""
        written = [
            f"{name} {self.bind(value, value_marker.provide)}"
            for name, (value, value_marker) in values.items()
            if value is not None
        ]
        if written:
            self.append(" USING ", " AND ".join(written))

    def assignment(self, change: Assignment) -> str:
        """Write one assignment of an update."""
        self.assignment_positions.append(len(self.values))
        left = self.target(change.target)
        if change.operation == "set":
            self.idempotent = self.idempotent and not is_list_element(change.target)
            return f"{left} = {self.value(change.value, lambda: marker_of(change.target))}"
        if change.operation in ("append", "prepend", "increment", "decrement"):
            self.idempotent = False
        right = self.bind(change.value, lambda: _operand_marker(change))
        if change.operation == "prepend":
            return f"{left} = {right} + {left}"
        return f"{left} = {left} {'-' if change.operation in ('remove', 'decrement') else '+'} {right}"


def _foreign_column_error(model: type, target: ColumnTarget) -> QueryNotSupported:
    return QueryNotSupported(
        f"{target} is a column of {target.model.__qualname__}, and the statement is on "
        f"{model.__qualname__}: CQL has no joins. "
        "Read one model after the other.",
        needs=(),
        helps=(),
    )


def make_cell_write(target: Target, operation: str, value_index: int | None, element_index: int | None) -> CellWrite:
    """Return the change of a column, an element or a field."""
    base = base_of(target)
    field = target.field if isinstance(target, FieldTarget) else None
    return CellWrite("" if base is None else base.column, operation, value_index, element_index, field)


def _operand_marker(change: Assignment) -> Marker:
    """Return the marker of the right operand: a set of keys to remove from a map, otherwise a value of its type."""
    if change.operation == "remove" and isinstance(change.target, ColumnTarget) and _is_map(change.target):
        return map_keys_marker(change.target)
    return marker_of(change.target)


def _is_map(target: ColumnTarget) -> bool:
    return isinstance(column_of(target).type_mapping.type, MapType)


def is_list_element(target: Target) -> bool:
    """Whether the target is an element of a list, whose index may refer to another element on a second execution."""
    return isinstance(target, ElementTarget) and not _is_map(target.base)


def _check_in_values(target: Target, values: Any, *, nulls: bool) -> None:
    if None in values and not nulls:
        raise TypeMismatch(f"{target}.in_() does not accept None: rows cannot be selected by null.", column=str(target))


TTL: Final = Marker("[ttl]")
TIMESTAMP: Final = Marker("[timestamp]")
TIMEOUT: Final = Marker("[timeout]")
LIMIT: Final = Marker("[limit]")
PER_PARTITION_LIMIT: Final = Marker("[per partition limit]")
