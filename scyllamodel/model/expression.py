"""What is said about columns: conditions, orderings and assignments, as plain frozen values.

Comes in: a target and an operand. Goes out: a value that a statement can be made of. It is separate from
`scyllamodel.model.column` because columns overload ``==`` and these values must not: they compare, hash and pickle like
any other.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, NoReturn, TypeAlias, TypeVar, Union, cast

import attrs

from scyllamodel.types.comparison import comparable
from scyllamodel.types.display import Show, show_nothing, strictest_display
from scyllamodel.types.hints import unwrapped_type
from scyllamodel.types.values import MapType, Native

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_CONTAINERS: Final = (list, tuple, set, frozenset, dict)


def defensive_copy(value: T) -> T:
    """A value for a statement, which is immutable: a copy of what its giver could change later."""
    untyped: Any = value
    if not (isinstance(value, _CONTAINERS) or hasattr(value, "__setitem__") or attrs.has(untyped.__class__)):
        return cast("T", untyped)
    try:
        return cast("T", copy.deepcopy(untyped))
    except Exception:  # noqa: BLE001 - values of any class; the binder names what cannot be stored
        return cast("T", untyped)


def _refuse_operator(condition: object, symbol: str) -> NoReturn:
    if symbol == "&":
        raise TypeError(
            f"{condition!r}: conditions are joined by commas and not by &. Write where(first, second); all of them "
            "hold."
        )
    raise TypeError(
        f"{condition!r}: CQL has no OR, so {symbol} cannot join conditions. For several values of one column write "
        "Order.status.in_([…]); else send a statement for each condition."
    )


class NoBooleanOperators:
    """Base of what ``&``, ``|`` and ``~`` do not combine, unlike in other libraries; checkers see no operators here."""

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
                f"{self!r}: CQL has no NOT, so ~ cannot turn a condition round. Write the opposite comparison, such as "
                "<= for >; != is for if_()."
            )


Operator: TypeAlias = Literal["=", "!=", "<", "<=", ">", ">=", "IN", "CONTAINS", "CONTAINS KEY", "LIKE"]
"""The operator of a `Condition`, in CQL's own spelling."""

Operation: TypeAlias = Literal["set", "add", "remove", "append", "prepend", "increment", "decrement"]
"""What an `Assignment` does."""


class Expression(Generic[T_co]):
    """Anything in a statement that has a value of type ``T_co``: a column, an element of one, a function's result."""

    __slots__ = ()


@attrs.frozen
class ColumnTarget:
    """A column of a model.

    Attributes:
        model: the model or view class.
        column: the name of the attribute, not of the CQL column.
    """

    model: type
    column: str

    @property
    def definition(self) -> Any:
        """The `Column` itself; None when the model has no such column."""
        return getattr(self.model, "__columns__", {}).get(self.column)

    @property
    def show(self) -> Show:
        """How values meant for it are shown."""
        column = self.definition
        return repr if column is None else cast("Show", column.show)

    def __str__(self) -> str:
        return f"{self.model.__qualname__}.{self.column}"


@attrs.frozen
class ElementTarget:
    """One element of a map, by its key, or of a list, by its position."""

    base: ColumnTarget
    key: Any = attrs.field(eq=comparable)  # pyright: ignore[reportUnknownVariableType]

    @property
    def show(self) -> Show:
        """How values meant for it are shown."""
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
    """One field of a user type, by the name of its attribute."""

    base: ColumnTarget
    field: str

    @property
    def show(self) -> Show:
        """How values meant for it are shown."""
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
    """What a function of the server makes of columns and values.

    Attributes:
        template: how CQL writes it, with ``{}`` for each argument.
        arguments: targets, or values with the type that the function takes.
    """

    template: str
    arguments: tuple[Any, ...] = ()

    @property
    def show(self) -> Show:
        """How values that it is compared with are shown."""
        return strictest_display(argument.show for argument in self.arguments)

    def __str__(self) -> str:
        return self.template.format(*self.arguments)


@attrs.frozen
class TupleTarget:
    """Several clustering columns that are compared as one value, by the order of the rows."""

    columns: tuple[ColumnTarget, ...]

    @property
    def show(self) -> Show:
        """How values meant for them are shown."""
        return strictest_display(column.show for column in self.columns)

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.columns))})"


Target: TypeAlias = Union[ColumnTarget, ElementTarget, FieldTarget, CallTarget, TupleTarget]


@attrs.frozen(repr=False)
class Condition(NoBooleanOperators):
    """``target operator value``, such as ``Order.total > 3``; a statement takes several and joins them by AND.

    Attributes:
        target: what is compared.
        operator: how, in CQL's spelling.
        value: with what; a tuple for ``IN``.
    """

    target: Target
    operator: Operator
    value: Any = attrs.field(eq=comparable)  # pyright: ignore[reportUnknownVariableType]

    def __bool__(self) -> bool:
        # Declared `-> bool`: with `NoReturn` mypy would take what follows for unreachable and not check it.
        raise TypeError(
            f"{self!r} is a condition for the database and neither true nor false here, so `and`, `or`, `not`, `if`, "
            "`in` and chained comparisons cannot take it. Give several conditions side by side: where(first, second)."
        )

    def __repr__(self) -> str:
        return f"<{self.target} {self.operator} {shown_value(self.target, self.value)}>"


@attrs.frozen(repr=False)
class Ordering:
    """A clustering column and the direction in which its rows are wanted.

    Attributes:
        target: the column.
        descending: the direction.
        nearest_to: a vector: the rows whose vectors are nearest to it come first.
        matching: words: the rows whose texts match them best come first (BM25).
    """

    target: ColumnTarget
    descending: bool = False
    nearest_to: Any = attrs.field(default=None, eq=comparable)  # pyright: ignore[reportUnknownVariableType]
    matching: str | None = None

    @property
    def is_search(self) -> bool:
        """Whether an index finds the rows, rather than their key."""
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
        operation: ``set`` replaces it; ``add``, ``remove``, ``append`` and ``prepend`` work on collections that are not
            frozen, and their value is a collection too; ``increment`` and ``decrement`` on counters.
        value: by what.
    """

    target: Target
    operation: Operation
    value: Any = attrs.field(eq=comparable)  # pyright: ignore[reportUnknownVariableType]

    def __repr__(self) -> str:
        return f"<{self.target} {self.operation} {shown_value(self.target, self.value)}>"


def shown_value(target: Target, value: object) -> str:
    """The value as it may appear in a message about the target."""
    return target.show(value)
