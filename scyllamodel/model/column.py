"""A column as it is seen from its class: ``Order.status == "new"`` is a condition, ``order.status`` is text.

Comes in: the model, the name of the attribute, what the class body said of it. Goes out: conditions, orderings and
assignments. `Column` exists at run time on the class only; instances hold plain values in slots.

The self-types below let checkers offer each operation only where CQL has it. They go through `Expression`, which is
covariant, so that ``Column[set[str]]`` and ``Column[set[str] | None]`` both fit ``Expression[set[K] | None]``, while
``K`` itself stays exact because ``set`` is invariant. ``frozenset`` is not, and is spelt out.
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
from scyllamodel.types.display import display_for
from scyllamodel.types.hints import TypeMapping
from scyllamodel.types.identity import Identity, identity_of
from scyllamodel.types.values import ListType, MapType

if TYPE_CHECKING:
    from scyllamodel.schema.facts import ColumnKind

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")


class AnyUserType:
    """What checkers know an instance of a user type by; `UserType` itself lives a floor above."""

    __slots__ = ()


@attrs.frozen
class ColumnSpec:
    """What the class body said of one column besides its annotation; the parameters of `column`, as given."""

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
    """What columns and their parts have in common; ``_target`` says what is compared or changed."""

    __slots__ = ("_target",)
    _target: Target

    @property
    def expression(self) -> Target:
        """What it speaks of, as a plain value."""
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
        """What tells it from others in a statement; see `scyllamodel.types.comparison`."""
        return type(self), self._target, getattr(self, "key", None)

    def in_(self, values: Iterable[T], /, *more: Never) -> Condition:
        """``target IN (…)``.

        Parameters:
            values: all of them, such as a list.
            more: nothing; it makes values that are not in a list an error that says what to write.

        Raises:
            TypeError: what is given is not one iterable, or is a single text or bytes.
        """
        untyped: Any = values
        if more or isinstance(untyped, (str, bytes)) or getattr(untyped, "__iter__", None) is None:
            actual = (
                f"{len(more) + 1} arguments" if more else "None" if untyped is None else f"one {type(untyped).__name__}"
            )
            raise TypeError(f"{self._target}.in_() takes several values as one list, not {actual}. Write in_([…]).")
        return self._condition("IN", tuple(values))

    def _condition(self, operator: Operator, value: object) -> Condition:
        operand: Any = value
        if isinstance(value, Comparable) and not isinstance(value.expression, CallTarget):
            raise TypeError(f"{self._target} is compared with a column: CQL compares a column with a value only")
        return Condition(self._target, operator, defensive_copy(operand))


class Element(Comparable[T]):
    """A part of a column: ``Order.lines["apple"]``, ``Order.ship_to.field("street")``."""

    __slots__ = ()

    def __init__(self, target: ElementTarget | FieldTarget) -> None:
        self._target = target

    def __repr__(self) -> str:
        return str(self._target)

    def to(self, value: T | None) -> Assignment:
        """Replace this part; None takes it away."""
        return Assignment(self._target, "set", defensive_copy(value))


class Column(Comparable[T]):
    """A column of a model or view.

    Attributes:
        model: its class.
        name: the name of the attribute.
        db_name: the raw name of the CQL column.
        type_mapping: its type, and how values are converted.
        spec: what the class body said of it.
        show: how its values appear in reprs and errors.
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
        """How its values are compared, which is worked out when they are for the first time."""
        identity = self._identity
        if identity is None:
            identity = self._identity = identity_of(self.type_mapping)
        return identity

    @property
    def target(self) -> ColumnTarget:
        """The column as a plain value, which compares with ``==`` as usual."""
        return ColumnTarget(self.model, self.name)

    def asc(self) -> Ordering:
        """Rows in ascending order of this clustering column."""
        return Ordering(self.target)

    def desc(self) -> Ordering:
        """Rows in descending order of this clustering column."""
        return Ordering(self.target, descending=True)

    def ann_of(self: Expression[list[float] | None], vector: Sequence[float]) -> Ordering:
        """Rows whose vectors in this column are nearest to the given one first; needs a vector index and a limit."""
        return Ordering(_target(self), nearest_to=list(vector))

    def bm25(self: Expression[str | None], words: str) -> Ordering:
        """Rows whose texts in this column match these words, the best first; needs a full-text index and a limit.

        ScyllaDB 2026.3 and later.
        """
        if not isinstance(cast("object", words), str):
            raise TypeError(f"{_target(self)}.bm25() takes the words to search for as text, not {words!r}")
        return Ordering(_target(self), matching=words)

    def like(self: Expression[str | None], pattern: str) -> Condition:
        """``column LIKE pattern``, ``%`` standing for any text; needs a server and an index that have it."""
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
        """A list or set that holds this value, or a map that holds it under any key."""
        return _condition(self, "CONTAINS", value)

    def contains_key(self: Expression[dict[K, V] | None], key: K) -> Condition:
        """A map that has this key."""
        return _condition(self, "CONTAINS KEY", key)

    @overload
    def __getitem__(self: Expression[dict[K, V] | None], key: K) -> Element[V]: ...
    @overload
    def __getitem__(self: Expression[list[V] | None], key: int) -> Element[V]: ...
    def __getitem__(self, key: Any) -> Element[Any]:
        _check_element_key(self, key)
        return Element(ElementTarget(self.target, key))

    # Without this, `in` and iter() would try self[0], self[1] … and never come to an end.
    __iter__ = None
    __contains__ = None

    def field(self: Expression[AnyUserType | None], name: str) -> Element[Any]:
        """A field of a user type, by the name of its attribute."""
        return Element(FieldTarget(_column(self).target, name))

    def to(self, value: T) -> Assignment:
        """Replace the whole value."""
        return Assignment(self._target, "set", defensive_copy(value))

    @overload
    def add(self: Expression[set[K] | None], values: set[K]) -> Assignment: ...
    @overload
    def add(self: Expression[dict[K, V] | None], values: dict[K, V]) -> Assignment: ...
    def add(self, values: Any) -> Assignment:
        """Put these elements into a set, or these keys with their values into a map."""
        return _assignment(self, "add", values)

    @overload
    def remove(self: Expression[set[K] | None], values: set[K]) -> Assignment: ...
    @overload
    def remove(self: Expression[list[K] | None], values: list[K]) -> Assignment: ...
    @overload
    def remove(self: Expression[dict[K, V] | None], values: set[K]) -> Assignment: ...
    def remove(self, values: Any) -> Assignment:
        """Take these elements out of a set, every occurrence of them out of a list, or these keys out of a map."""
        return _assignment(self, "remove", values)

    def append(self: Expression[list[K] | None], values: list[K]) -> Assignment:
        """Put these elements behind those of a list."""
        return _assignment(self, "append", values)

    def prepend(self: Expression[list[K] | None], values: list[K]) -> Assignment:
        """Put these elements before those of a list."""
        return _assignment(self, "prepend", values)

    def increment(self: Expression[Counter | None], by: int = 1) -> Assignment:
        """Count up."""
        return _counter_assignment(self, "increment", by)

    def decrement(self: Expression[Counter | None], by: int = 1) -> Assignment:
        """Count down."""
        return _counter_assignment(self, "decrement", by)


def _column(expression: Expression[Any]) -> Column[Any]:
    """Behind a self-type stands a column, always."""
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
        raise TypeError(f"{target}.{operation}() takes a collection, also for one element: [value] or {{value}}")
    return Assignment(target, operation, defensive_copy(cast("Any", values)))


def _counter_assignment(
    expression: Expression[Any], operation: Literal["increment", "decrement"], by: int
) -> Assignment:
    by = check_integer(f"{_target(expression)}.{operation}", by, minimum=-MAX_BIGINT - 1, maximum=MAX_BIGINT)
    return Assignment(_target(expression), operation, by)


def _check_element_key(column: Column[Any], key: object) -> None:
    """Whether there can be an element under this key, or at this position."""
    cql_type = column.type_mapping.type
    if isinstance(cql_type, ListType):
        if not isinstance(key, int) or isinstance(key, bool) or key < 0:
            raise ValueError(f"{column}[…]: a position in a list is an integer from 0; CQL does not count from the end")
    elif not isinstance(cql_type, MapType):
        raise TypeError(f"{column} is {cql_type.cql}: elements are those of a map, by key, or of a list, by position")
    elif key is None:
        raise ValueError(f"{column}[None]: a map has no null key")
