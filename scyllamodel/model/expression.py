"""Conditions, orderings and assignments of columns, as plain frozen values.

In: a target and an operand. Out: a value for a statement. Columns overload ``==``; these values do not, so that they
compare, hash and pickle like any other.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, NoReturn, TypeAlias, TypeVar, Union, cast

import attrs

from scyllamodel.types.annotations import unwrapped_type
from scyllamodel.types.comparison import comparable
from scyllamodel.types.cql_types import MapType, Native
from scyllamodel.types.display import Show, show_nothing, strictest_display

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_CONTAINERS: Final = (list, tuple, set, frozenset, dict)


def defensive_copy(value: T) -> T:
    """Return a value for an immutable statement: a copy if the caller could change the value later."""
    untyped: Any = value
    if not (isinstance(value, _CONTAINERS) or hasattr(value, "__setitem__") or attrs.has(untyped.__class__)):
        return cast("T", untyped)
    try:
        return cast("T", copy.deepcopy(untyped))
    except Exception:  # noqa: BLE001 - values of any class; binding reports those that cannot be stored
        return cast("T", untyped)


def _refuse_operator(condition: object, symbol: str) -> NoReturn:
    if symbol == "&":
        raise TypeError(
            f"{condition!r}: conditions are combined with commas, not with &. Write where(first, second); all of them "
            "hold."
        )
    raise TypeError(
        f"{condition!r}: CQL has no OR, so {symbol} cannot combine conditions. For several values of one column write "
        "Order.status.in_([…]); otherwise send a statement for each condition."
    )


class NoBooleanOperators:
    """The base class of values without ``&``, ``|`` and ``~``; for type checkers, the operators do not exist."""

    __slots__ = ()

    if not TYPE_CHECKING:

        def __and__(self, other: object) -> NoReturn:
            _refuse_operator(self, "&")

        def __or__(self, other: object) -> NoReturn:
            _refuse_operator(self, "|")

        def __xor__(self, other: object) -> NoReturn:
            _refuse_operator(self, "^")

        __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

        def __invert__(self) -> NoReturn:
            raise TypeError(
                f"{self!r}: CQL has no NOT, so ~ cannot negate a condition. Write the opposite comparison, such as "
                "<= for >; != is for if_()."
            )


Operator: TypeAlias = Literal["=", "!=", "<", "<=", ">", ">=", "IN", "CONTAINS", "CONTAINS KEY", "LIKE"]
"""The operator of a `Condition`, as in CQL."""

Operation: TypeAlias = Literal["set", "add", "remove", "append", "prepend", "increment", "decrement"]
"""The operation of an `Assignment`."""


class Expression(Generic[T_co]):
    """An expression with a value of type ``T_co``: a column, an element or field of one, or a function call."""

    __slots__ = ()


@attrs.frozen
class ColumnTarget:
    """A column of a model.

    Attributes:
        model: the model or view class.
        column: the attribute, not the name of the CQL column.
    """

    model: type
    column: str

    @property
    def definition(self) -> Any:
        """The `Column` object; None if the model has no such column."""
        return getattr(self.model, "__columns__", {}).get(self.column)

    @property
    def show(self) -> Show:
        """The function that shows the values of this target."""
        column = self.definition
        return repr if column is None else cast("Show", column.show)

    def __str__(self) -> str:
        return f"{self.model.__qualname__}.{self.column}"


@attrs.frozen
class ElementTarget:
    """One element of a map, by key, or of a list, by index."""

    base: ColumnTarget
    key: Any = attrs.field(eq=comparable)  # pyright: ignore[reportUnknownVariableType]

    @property
    def show(self) -> Show:
        """The function that shows the values of this target."""
        return self.base.show

    def __str__(self) -> str:
        return f"{self.base}[{self._show_key(self.key)}]"

    @property
    def _show_key(self) -> Show:
        column = self.base.definition
        shows_plainly = (
            column is None
            or not isinstance(column.type_mapping.type, MapType)
            or isinstance(column.type_mapping.type.key, Native)
        )
        return repr if shows_plainly and self.show is not show_nothing else self.show

    __repr__ = __str__


@attrs.frozen
class FieldTarget:
    """One field of a user type, by attribute."""

    base: ColumnTarget
    field: str

    @property
    def show(self) -> Show:
        """The function that shows the values of this target."""
        column, column_display = self.base.definition, self.base.show
        field_displays = (
            None if column is None else getattr(unwrapped_type(column.type_mapping.python), "__secrets__", None)
        )
        return (
            column_display
            if column_display is show_nothing or field_displays is None
            else field_displays.get(self.field, repr)
        )

    def __str__(self) -> str:
        return f"{self.base}.field({self.field!r})"


@attrs.frozen
class CallTarget:
    """A call of a server function with columns and values.

    Attributes:
        template: the CQL text, with ``{}`` for each argument.
        arguments: targets, or values with the parameter type of the function.
    """

    template: str
    arguments: tuple[Any, ...] = ()

    @property
    def show(self) -> Show:
        """The function that shows the values compared with this target."""
        return strictest_display(argument.show for argument in self.arguments)

    def __str__(self) -> str:
        return self.template.format(*self.arguments)


@attrs.frozen
class TupleTarget:
    """Several clustering columns that are compared as one value, in row order."""

    columns: tuple[ColumnTarget, ...]

    @property
    def show(self) -> Show:
        """The function that shows the values of this target."""
        return strictest_display(column.show for column in self.columns)

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.columns))})"


Target: TypeAlias = Union[ColumnTarget, ElementTarget, FieldTarget, CallTarget, TupleTarget]


@attrs.frozen(repr=False)
class Condition(NoBooleanOperators):
    """``target operator value``, such as ``Order.total > 3``; a statement combines its conditions with AND.

    Attributes:
        target: what is compared.
        operator: the operator, as in CQL.
        value: the value to compare with; a tuple for ``IN``.
    """

    target: Target
    operator: Operator
    value: Any = attrs.field(eq=comparable)  # pyright: ignore[reportUnknownVariableType]

    def __bool__(self) -> bool:
        # Declared `-> bool`: with `NoReturn` mypy would treat the following code as unreachable.
        raise TypeError(
            f"{self!r} is a condition for the database without a truth value, so it cannot be used with `and`, `or`, "
            "`not`, `if`, `in` or chained comparisons. Pass several conditions as arguments: where(first, second)."
        )

    def __repr__(self) -> str:
        return f"<{self.target} {self.operator} {shown_value(self.target, self.value)}>"


@attrs.frozen(repr=False)
class Ordering:
    """A clustering column and the direction in which its rows are sorted.

    Attributes:
        target: the column.
        descending: the direction.
        nearest_to: a vector; rows with the nearest vectors come first.
        matching: words; rows with the best matching texts come first (BM25).
    """

    target: ColumnTarget
    descending: bool = False
    nearest_to: Any = attrs.field(default=None, eq=comparable)  # pyright: ignore[reportUnknownVariableType]
    matching: str | None = None

    @property
    def is_search(self) -> bool:
        """Whether an index search, not the key, determines the rows."""
        return self.nearest_to is not None or self.matching is not None

    def __repr__(self) -> str:
        if self.matching is not None:
            return f"<{self.target} BM25 {shown_value(self.target, self.matching)}>"
        if self.nearest_to is not None:
            return f"<{self.target} ANN OF {shown_value(self.target, self.nearest_to)}>"
        return f"<{self.target} {'DESC' if self.descending else 'ASC'}>"


@attrs.frozen(repr=False)
class Assignment:
    """One change of an update, such as ``Order.tags.add({"vip"})``.

    Attributes:
        target: what changes.
        operation: ``set`` replaces the value; ``add``, ``remove``, ``append`` and ``prepend`` change non-frozen
            collections by the elements of another collection; ``increment`` and ``decrement`` change counters.
        value: the operand.
    """

    target: Target
    operation: Operation
    value: Any = attrs.field(eq=comparable)  # pyright: ignore[reportUnknownVariableType]

    def __repr__(self) -> str:
        return f"<{self.target} {self.operation} {shown_value(self.target, self.value)}>"


def shown_value(target: Target, value: object) -> str:
    """Return the text of a value for messages about the target."""
    return target.show(value)
