"""Columns as class attributes: ``Order.status == "new"`` is a condition, ``order.status`` is a value.

In: the model, the attribute, and the parameters in the class body. Out: conditions, orderings and assignments. `Column`
exists at run time on the class only; instances have plain values in slots.

The self-types below let type checkers offer each operation only where CQL supports it. They use `Expression`, which is
covariant, so that ``Column[set[str]]`` and ``Column[set[str] | None]`` both fit ``Expression[set[K] | None]``, while
``K`` stays exact because ``set`` is invariant. ``frozenset`` is covariant, and therefore has separate overloads.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, overload

import attrs
from typing_extensions import Never, Self

from scyllamodel._numbers import MAX_BIGINT, check_integer
from scyllamodel.model.expression import (
    Assignment,
    CallTarget,
    ColumnTarget,
    Condition,
    ElementTarget,
    Expression,
    FieldTarget,
    NoBooleanOperators,
    Operator,
    Ordering,
    Target,
    defensive_copy,
)
from scyllamodel.types import Counter
from scyllamodel.types.annotations import TypeMapping
from scyllamodel.types.cql_types import ListType, MapType
from scyllamodel.types.display import display_for
from scyllamodel.types.identity import Identity, identity_of

if TYPE_CHECKING:
    from scyllamodel.schema.facts.objects import ColumnKind

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")


class AnyUserType:
    """The type of user type instances for type checkers; `UserType` itself is defined in a higher module."""

    __slots__ = ()


@attrs.frozen
class ColumnSpec:
    """The parameters of `column` in the class body, unchanged."""

    kind: ColumnKind = "regular"
    descending: bool = False
    index: bool = False
    db_name: str | None = None
    redact: bool = False
    renamed_from: str | None = None
    masked_with: str | None = None
    row_ttl: bool = False
    type: Any = None
    load: Any = None
    dump: Any = None
    null_as_default: bool = False


class Comparable(Expression[T], NoBooleanOperators):
    """The base class of columns, elements, fields and functions; ``_target`` is what is compared or changed."""

    __slots__ = ("_target",)
    _target: Target

    @property
    def expression(self) -> Target:
        """The target of this expression, as a plain value."""
        return self._target

    def __eq__(self, other: T) -> Condition:  # type: ignore[override]
        return self._condition("=", other)

    def __ne__(self, other: T) -> Condition:  # type: ignore[override]
        return self._condition("!=", other)

    def __lt__(self, other: T) -> Condition:
        return self._condition("<", other)

    def __le__(self, other: T) -> Condition:
        return self._condition("<=", other)

    def __gt__(self, other: T) -> Condition:
        return self._condition(">", other)

    def __ge__(self, other: T) -> Condition:
        return self._condition(">=", other)

    __hash__ = object.__hash__

    def __comparable__(self) -> Hashable:
        """Return the value by which statements compare this expression; see `scyllamodel.types.comparison`."""
        return type(self), self._target, getattr(self, "key", None)

    def in_(self, values: Iterable[T], /, *more: Never) -> Condition:
        """Return the condition ``target IN (…)``.

        Parameters:
            values: an iterable of values, such as a list.
            more: not supported; separate arguments raise an error with advice.

        Raises:
            TypeError: the argument is not an iterable, or is text or bytes.
        """
        untyped: Any = values
        if more or isinstance(untyped, (str, bytes)) or getattr(untyped, "__iter__", None) is None:
            actual = (
                f"{len(more) + 1} arguments" if more else "None" if untyped is None else f"one {type(untyped).__name__}"
            )
            raise TypeError(f"{self._target}.in_() takes one list of values, not {actual}. Write in_([…]).")
        return self._condition("IN", tuple(values))

    def _condition(self, operator: Operator, value: object) -> Condition:
        operand: Any = value
        if isinstance(value, Comparable) and not isinstance(value.expression, CallTarget):
            raise TypeError(f"{self._target} cannot be compared with a column: CQL compares columns only with values")
        return Condition(self._target, operator, defensive_copy(operand))


class Element(Comparable[T]):
    """An element or field of a column: ``Order.lines["apple"]``, ``Order.ship_to.field("street")``."""

    __slots__ = ()

    def __init__(self, target: ElementTarget | FieldTarget) -> None:
        self._target = target

    def __repr__(self) -> str:
        return str(self._target)

    def to(self, value: T | None) -> Assignment:
        """Replace this element or field; None deletes it."""
        return Assignment(self._target, "set", defensive_copy(value))


class Column(Comparable[T]):
    """A column of a model or view.

    Attributes:
        model: the model or view class.
        name: the attribute.
        db_name: the unquoted CQL name.
        type_mapping: the type, and the conversion of values.
        spec: the parameters of `column`.
        show: how values appear in reprs and errors.
    """

    __slots__ = ("_identity", "db_name", "model", "name", "show", "spec", "type_mapping")

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: Any) -> Self: ...
        @overload
        def __get__(self, instance: object, owner: Any) -> T: ...
        def __get__(self, instance: object | None, owner: Any) -> Self | T: ...
        def __set__(self, instance: Any, value: T) -> None: ...

    def __init__(self, model: type, name: str, db_name: str, type_mapping: TypeMapping, spec: ColumnSpec) -> None:
        self.model = model
        self.name = name
        self.db_name = db_name
        self.type_mapping = type_mapping
        self.spec = spec
        self.show = display_for(redact=spec.redact, secret=type_mapping.secret)
        self._target = ColumnTarget(model, name)
        self._identity: Identity | None = None

    def __repr__(self) -> str:
        return str(self._target)

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (self.model, self.name)

    @property
    def identity(self) -> Identity:
        """How values are compared; computed on first use."""
        identity = self._identity
        if identity is None:
            identity = self._identity = identity_of(self.type_mapping)
        return identity

    @property
    def target(self) -> ColumnTarget:
        """The column as a plain value, whose ``==`` compares as usual."""
        return ColumnTarget(self.model, self.name)

    def asc(self) -> Ordering:
        """Return the ascending order of rows by this clustering column."""
        return Ordering(self.target)

    def desc(self) -> Ordering:
        """Return the descending order of rows by this clustering column."""
        return Ordering(self.target, descending=True)

    def ann_of(self: Expression[list[float] | None], vector: Sequence[float]) -> Ordering:
        """Order rows by the distance of their vectors to this one, nearest first; needs a vector index and a limit."""
        return Ordering(_target(self), nearest_to=list(vector))

    def bm25(self: Expression[str | None], words: str) -> Ordering:
        """Order rows by how well their text matches these words, best first; needs a full-text index and a limit.

        ScyllaDB 2026.3 and later.
        """
        if not isinstance(cast("object", words), str):
            raise TypeError(f"{_target(self)}.bm25() takes the words to search for as a str, not {words!r}")
        return Ordering(_target(self), matching=words)

    def like(self: Expression[str | None], pattern: str) -> Condition:
        """Return the condition ``column LIKE pattern``, with ``%`` for any text; requires server and index support."""
        return _condition(self, "LIKE", pattern)

    @overload
    def contains(self: Expression[set[K] | None], value: K) -> Condition: ...
    @overload
    def contains(self: Expression[list[K] | None], value: K) -> Condition: ...
    @overload
    def contains(self: Expression[dict[K, V] | None], value: V) -> Condition: ...
    @overload
    def contains(self: Column[frozenset[K]], value: K) -> Condition: ...
    @overload
    def contains(self: Column[frozenset[K] | None], value: K) -> Condition: ...
    def contains(self, value: Any) -> Condition:
        """Select lists or sets that contain this value, or maps that contain it under any key."""
        return _condition(self, "CONTAINS", value)

    def contains_key(self: Expression[dict[K, V] | None], key: K) -> Condition:
        """Select maps with this key."""
        return _condition(self, "CONTAINS KEY", key)

    @overload
    def __getitem__(self: Expression[dict[K, V] | None], key: K) -> Element[V]: ...
    @overload
    def __getitem__(self: Expression[list[V] | None], key: int) -> Element[V]: ...
    def __getitem__(self, key: Any) -> Element[Any]:
        _check_element_key(self, key)
        return Element(ElementTarget(self.target, key))

    # Without this, `in` and iter() would try self[0], self[1] … without end.
    __iter__ = None
    __contains__ = None

    def field(self: Expression[AnyUserType | None], name: str) -> Element[Any]:
        """Return a field of a user type, by attribute."""
        return Element(FieldTarget(_column(self).target, name))

    def to(self, value: T) -> Assignment:
        """Replace the whole value."""
        return Assignment(self._target, "set", defensive_copy(value))

    @overload
    def add(self: Expression[set[K] | None], values: set[K]) -> Assignment: ...
    @overload
    def add(self: Expression[dict[K, V] | None], values: dict[K, V]) -> Assignment: ...
    def add(self, values: Any) -> Assignment:
        """Add elements to a set, or keys with their values to a map."""
        return _assignment(self, "add", values)

    @overload
    def remove(self: Expression[set[K] | None], values: set[K]) -> Assignment: ...
    @overload
    def remove(self: Expression[list[K] | None], values: list[K]) -> Assignment: ...
    @overload
    def remove(self: Expression[dict[K, V] | None], values: set[K]) -> Assignment: ...
    def remove(self, values: Any) -> Assignment:
        """Remove elements from a set, all occurrences of elements from a list, or keys from a map."""
        return _assignment(self, "remove", values)

    def append(self: Expression[list[K] | None], values: list[K]) -> Assignment:
        """Append elements to a list."""
        return _assignment(self, "append", values)

    def prepend(self: Expression[list[K] | None], values: list[K]) -> Assignment:
        """Prepend elements to a list."""
        return _assignment(self, "prepend", values)

    def increment(self: Expression[Counter | None], by: int = 1) -> Assignment:
        """Increment a counter."""
        return _counter_assignment(self, "increment", by)

    def decrement(self: Expression[Counter | None], by: int = 1) -> Assignment:
        """Decrement a counter."""
        return _counter_assignment(self, "decrement", by)


def _column(expression: Expression[Any]) -> Column[Any]:
    """Return the column of a self-type, which is always a column at run time."""
    assert isinstance(expression, Column)  # noqa: S101
    return expression


def _target(expression: Expression[Any]) -> ColumnTarget:
    return _column(expression).target


def _condition(expression: Expression[Any], operator: Operator, value: object) -> Condition:
    return Condition(_target(expression), operator, defensive_copy(value))


def _assignment(
    expression: Expression[Any], operation: Literal["add", "remove", "append", "prepend"], values: object
) -> Assignment:
    target = _target(expression)
    if not isinstance(values, (set, frozenset, list, tuple, dict)):
        raise TypeError(f"{target}.{operation}() takes a collection, even for one element: [value] or {{value}}")
    return Assignment(target, operation, defensive_copy(cast("Any", values)))


def _counter_assignment(
    expression: Expression[Any], operation: Literal["increment", "decrement"], by: int
) -> Assignment:
    by = check_integer(f"{_target(expression)}.{operation}", by, minimum=-MAX_BIGINT - 1, maximum=MAX_BIGINT)
    return Assignment(_target(expression), operation, by)


def _check_element_key(column: Column[Any], key: object) -> None:
    """Check that the column can have an element with this key or index."""
    cql_type = column.type_mapping.type
    if isinstance(cql_type, ListType):
        if not isinstance(key, int) or isinstance(key, bool) or key < 0:
            raise ValueError(f"{column}[…]: a list index is an int from 0; CQL has no negative indexes")
    elif not isinstance(cql_type, MapType):
        raise TypeError(f"{column} is {cql_type.cql}: only maps and lists have elements, by key and by index")
    elif key is None:
        raise ValueError(f"{column}[None]: a map cannot have a null key")
