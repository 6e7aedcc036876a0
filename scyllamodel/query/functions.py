"""Server functions, which can be selected, compared and assigned.

::

    from scyllamodel import functions as fn

    select(fn.count(), fn.max(Order.total)).where(Order.shop == shop)
    select(Order).where(Order.shop == shop, Order.placed > fn.min_timeuuid(yesterday))
    select(Order).where(fn.token(Order.shop) > 0)
    select(Order).where(fn.tuple_(Order.year, Order.month) >= (2026, 3), Order.shop == shop)

Each call is an expression with the type of its result, and can be used as a value of that type.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID

from scyllamodel.model.column import Column, Comparable
from scyllamodel.model.expression import CallTarget, ColumnTarget, ElementTarget, Expression, TupleTarget
from scyllamodel.query.cql_writer import Argument
from scyllamodel.query.literals import key_literal
from scyllamodel.query.not_supported import not_supported
from scyllamodel.query.targets import base_of, column_of, columns_of
from scyllamodel.schema.facts.objects import Table
from scyllamodel.types.annotations import TypeMapping, map_annotation
from scyllamodel.types.cql_types import Native

if TYPE_CHECKING:
    from scyllamodel.model.base import Model
    from scyllamodel.model.view import MaterializedView

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")

__all__ = [
    "Function",
    "avg",
    "call",
    "cast",
    "count",
    "json",
    "max",
    "max_timeuuid",
    "min",
    "min_timeuuid",
    "now",
    "sum",
    "token",
    "ttl",
    "tuple_",
    "uuid",
    "writetime",
]

_NAME: Final = re.compile(r'(?:(?:\w+|"\w+")\.)?(?:\w+|"\w+")', re.ASCII)
_NUMBERS: Final = frozenset("tinyint smallint int bigint varint float double decimal counter".split())
_AGGREGATES: Final = frozenset({"count", "min", "max", "sum", "avg"})
_MOMENT: Final = map_annotation(datetime)


class Function(Comparable[T]):
    """A call of a server function with columns or values.

    Attributes:
        type_mapping: how the result is loaded; None: no conversion.
        model: the class whose rows are counted, if given.
        idempotent: whether repeated calls return the same result.
        key: distinguishes functions with the same CQL text.
    """

    __slots__ = ("idempotent", "key", "model", "type_mapping")

    def __init__(
        self,
        target: CallTarget | TupleTarget,
        type_mapping: TypeMapping | None = None,
        *,
        model: type | None = None,
        idempotent: bool = True,
        key: Hashable = None,
    ) -> None:
        self._target = target
        self.type_mapping, self.model, self.idempotent, self.key = type_mapping, model, idempotent, key

    def __repr__(self) -> str:
        return str(self._target)


def _column(expression: Expression[Any]) -> Column[Any]:
    if not isinstance(expression, Column):
        raise TypeError(f"expected a column, such as Order.total, got {expression!r}")
    return expression


def _target_of(expression: Expression[Any]) -> Any:
    """Return the target of a column, or of an element or field of one."""
    if isinstance(expression, Comparable):
        return expression.expression  # pyright: ignore[reportUnknownMemberType]
    raise TypeError(f"expected a column, or an element or field of one, got {expression!r}")


def _function_of(name: str, expression: Expression[Any], type_mapping: TypeMapping | None) -> Function[Any]:
    return Function(CallTarget(f"{name}({{}})", (_target_of(expression),)), type_mapping)


def count(target: Expression[Any] | type[Model | MaterializedView] | None = None, /) -> Function[int]:
    """Count the rows; with a column, count its values that are not null.

    >>> count()
    count(*)
    """
    if target is None or isinstance(target, type):
        return Function(CallTarget("count(*)"), model=target)
    return _function_of("count", target, None)


def _column_mapping(expression: Expression[Any]) -> TypeMapping | None:
    base = base_of(_target_of(expression))
    return None if base is None else column_of(base).type_mapping


def _check_numeric(name: str, expression: Expression[Any]) -> None:
    type_mapping = _column_mapping(expression) if isinstance(expression, Column) else None
    if type_mapping is not None and isinstance(type_mapping.type, Native) and type_mapping.type.name not in _NUMBERS:
        raise not_supported(
            f"{name}({expression}) requires a numeric column, and this one is {type_mapping.type.cql}.",
            "Select it instead.",
        )


def _check_not_key(name: str, expression: Expression[Any]) -> None:
    if isinstance(expression, Column) and expression.spec.kind in ("partition_key", "clustering"):
        raise not_supported(
            f"{name}({expression}): columns of the primary key have neither a write time nor a TTL.",
            "Use another column of the row.",
        )


def is_aggregate(expression: Comparable[Any]) -> bool:
    """Whether the expression aggregates many rows into one value."""
    target = expression.expression
    return isinstance(target, CallTarget) and target.template.partition("(")[0] in _AGGREGATES


def min(expression: Expression[T], /) -> Function[T | None]:
    """Return the smallest value; None without rows."""
    return _function_of("min", expression, _column_mapping(expression))


def max(expression: Expression[T], /) -> Function[T | None]:
    """Return the greatest value; None without rows."""
    return _function_of("max", expression, _column_mapping(expression))


def sum(expression: Expression[T], /) -> Function[T]:
    """Return the sum of a numeric column, in the type of the column, which may overflow; 0 without rows."""
    _check_numeric("sum", expression)
    return _function_of("sum", expression, _column_mapping(expression))


def avg(expression: Expression[T], /) -> Function[T]:
    """Return the mean of a numeric column, in the type of the column: integers are truncated; 0 without rows."""
    _check_numeric("avg", expression)
    return _function_of("avg", expression, _column_mapping(expression))


def token(*arguments: Any) -> Function[int]:
    """Return the token of a partition, from the columns of the partition key or from values for them.

    ``fn.token(Order.shop) > fn.token(shop)`` compares with the token of another partition; a number is compared as a
    token.
    """
    targets = tuple(
        argument.expression if isinstance(argument, Comparable) else Argument(argument) for argument in arguments
    )
    return Function(CallTarget(f"token({', '.join('{}' for _ in targets)})", targets))


def tuple_(first: Expression[Any], second: Expression[Any], /, *others: Expression[Any]) -> Function[tuple[Any, ...]]:
    """Combine several clustering columns into one value, compared in row order: ``tuple_(a, b) > (1, 2)``."""
    columns = [_column(expression).target for expression in (first, second, *others)]
    return Function(TupleTarget(tuple(columns)))


def writetime(expression: Expression[Any], /, *, element: Any = None) -> Function[int | None]:
    """Return the timestamp of a value, in microseconds since 1970, as set by the client or server; None for a null.

    Elements of a map, ``fn.writetime(Order.lines["apple"])``, work on Cassandra 5.0 and ScyllaDB 2026.2. Servers accept
    no bound key there, so that each key is a separate statement.

    Parameters:
        element: the element of a set whose timestamp is read: ``fn.writetime(Order.tags, element="new")``.
    """
    return _time("writetime", expression, element)


def ttl(expression: Expression[Any], /, *, element: Any = None) -> Function[int | None]:
    """Return the remaining TTL of a value in seconds; None if it does not expire.

    Elements of a map or set are given as in `writetime`.
    """
    return _time("ttl", expression, element)


def _time(name: str, expression: Expression[Any], element: Any) -> Function[int | None]:
    """Return the write time or TTL function of a column, or of an element of one."""
    _check_not_key(name, expression)
    target = _target_of(expression)
    if isinstance(target, ElementTarget):
        column, key = column_of(target.base), target.key
    elif element is not None:
        column, key = _column(expression), element
    else:
        return _function_of(name, expression, None)
    literal = key_literal(column, key).replace("{", "{{").replace("}", "}}")
    return Function(CallTarget(f"{name}({{}}[{literal}])", (column.target,)), None)


def cast(expression: Expression[Any], to: type[T] | Any, /) -> Function[T | None]:
    """Convert a value to another CQL type.

    Parameters:
        to: the annotation of the new type, such as ``str`` or ``cql.Int``.
    """
    type_mapping = map_annotation(to)
    return Function(CallTarget(f"CAST({{}} AS {type_mapping.type.cql})", (_target_of(expression),)), type_mapping)


def json(expression: Expression[Any], /) -> Function[str | None]:
    """Return a value as JSON text."""
    return _function_of("toJson", expression, None)


def min_timeuuid(moment: datetime, /) -> Any:
    """Return the smallest time UUID of this millisecond, as a value to compare with."""
    return Function[UUID](CallTarget("minTimeuuid({})", (Argument(moment, _MOMENT),)))


def max_timeuuid(moment: datetime, /) -> Any:
    """Return the greatest time UUID of this millisecond, as a value to compare with."""
    return Function[UUID](CallTarget("maxTimeuuid({})", (Argument(moment, _MOMENT),)))


def now() -> Any:
    """Return a new time UUID of the coordinator's clock; a statement that writes it is not idempotent."""
    return Function[UUID](CallTarget("now()"), idempotent=False)


def uuid() -> Any:
    """Return a new random UUID of the server; a statement that writes it is not idempotent."""
    return Function[UUID](CallTarget("uuid()"), idempotent=False)


def call(name: str, /, *arguments: Any, returns: Any = None) -> Function[Any]:
    """Call any other server function, such as a user-defined one.

    Parameters:
        name: the name in CQL, such as ``"blobAsBigint"``, or ``"shop.tax"`` with a keyspace.
        arguments: columns, their elements or fields, or values.
        returns: the annotation of the result; None: the value of the driver.

    Raises:
        ValueError: the name is not a valid function name.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"call() takes the name of a function, such as 'shop.tax', not {name!r}")
    targets = tuple(
        argument.expression if isinstance(argument, Comparable) else Argument(argument) for argument in arguments
    )
    type_mapping = None if returns is None else map_annotation(returns)
    target = CallTarget(f"{name}({', '.join('{}' for _ in targets)})", targets)
    return Function(target, type_mapping, idempotent=False, key=returns)


def is_model(value: object) -> bool:
    """Whether this is a model or view, of which whole rows can be read."""
    try:  # the metaclass of models would look for a column of that name first
        return isinstance(value, type) and bool(type.__getattribute__(value, "__columns__"))
    except AttributeError:
        return False


def is_table(value: object) -> bool:
    """Whether this is a model, of which rows can be written."""
    return is_model(value) and isinstance(getattr(value, "__facts__", None), Table)


def key_columns(model: type) -> tuple[ColumnTarget, ...]:
    """Return the targets of the primary key columns."""
    return tuple(
        column.target for column in columns_of(model).values() if column.spec.kind in ("partition_key", "clustering")
    )
