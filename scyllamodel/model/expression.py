"""What is said about columns: conditions, orderings and assignments, as plain frozen values.

Comes in: a target and an operand. Goes out: a value that a statement can be made of. It is separate from
`scyllamodel.model.column` because columns overload ``==`` and these values must not: they compare, hash and pickle like
any other.
"""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeAlias, TypeVar, Union

import attrs

T_co = TypeVar("T_co", covariant=True)

Operator: TypeAlias = Literal["=", "!=", "<", "<=", ">", ">=", "IN", "CONTAINS", "CONTAINS KEY", "LIKE"]
"""The operator of a `Condition`, in CQL's own spelling."""

Operation: TypeAlias = Literal["set", "add", "remove", "append", "prepend", "increment", "decrement"]
"""What an `Assignment` does."""

HIDDEN = "***"
"""Stands where a value of a column with ``redact=True`` would."""


class Expression(Generic[T_co]):
    """Anything in a statement that has a value of type ``T_co``: a column, an element of one, a function's result."""

    __slots__ = ()


@attrs.frozen
class ColumnTarget:
    """A column of a model.

    Attributes:
        model: the model or view class.
        column: the name of the attribute, not of the CQL column.
        redact: whether values meant for it are hidden from view.
    """

    model: type
    column: str
    redact: bool = attrs.field(default=False, eq=False, repr=False)

    def __str__(self) -> str:
        return f"{self.model.__qualname__}.{self.column}"


@attrs.frozen
class ElementTarget:
    """One element of a map, by its key, or of a list, by its position."""

    base: ColumnTarget
    key: Any

    @property
    def redact(self) -> bool:
        """Whether values meant for it are hidden from view."""
        return self.base.redact

    def __str__(self) -> str:
        return f"{self.base}[{HIDDEN if self.redact else repr(self.key)}]"

    __repr__ = __str__


@attrs.frozen
class FieldTarget:
    """One field of a user type, by the name of its attribute."""

    base: ColumnTarget
    field: str
    redact: bool = attrs.field(default=False, eq=False, repr=False)

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
    def redact(self) -> bool:
        """Whether what it is compared with is hidden from view."""
        return any(argument.redact for argument in self.arguments)

    def __str__(self) -> str:
        return self.template.format(*self.arguments)


@attrs.frozen
class TupleTarget:
    """Several clustering columns that are compared as one value, by the order of the rows."""

    columns: tuple[ColumnTarget, ...]

    @property
    def redact(self) -> bool:
        """Whether values meant for them are hidden from view."""
        return any(column.redact for column in self.columns)

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.columns))})"


Target: TypeAlias = Union[ColumnTarget, ElementTarget, FieldTarget, CallTarget, TupleTarget]


@attrs.frozen(repr=False)
class Condition:
    """``target operator value``, such as ``Order.total > 3``; a statement takes several and joins them by AND.

    Attributes:
        target: what is compared.
        operator: how, in CQL's spelling.
        value: with what; a tuple for ``IN``.
    """

    target: Target
    operator: Operator
    value: Any

    def __bool__(self) -> bool:
        # Declared `-> bool`: with `NoReturn` mypy would take what follows for unreachable and not check it.
        raise TypeError(
            f"{self!r} is a condition for the database and neither true nor false here, so `and`, `or`, `not`, `if`, "
            "`in` and chained comparisons cannot take it. Give several conditions side by side: where(first, second)."
        )

    def __repr__(self) -> str:
        return f"<{self.target} {self.operator} {shown(self.target, self.value)}>"


@attrs.frozen(repr=False)
class Ordering:
    """A clustering column and the direction in which its rows are wanted.

    Attributes:
        target: the column.
        descending: the direction.
        nearest_to: a vector: the rows whose vectors are nearest to it come first.
    """

    target: ColumnTarget
    descending: bool = False
    nearest_to: Any = None

    def __repr__(self) -> str:
        if self.nearest_to is not None:
            return f"<{self.target} ANN OF {shown(self.target, self.nearest_to)}>"
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
    value: Any

    def __repr__(self) -> str:
        return f"<{self.target} {self.operation} {shown(self.target, self.value)}>"


def shown(target: Target, value: object) -> str:
    """The value as it may appear in a message about the target."""
    return HIDDEN if target.redact else repr(value)
