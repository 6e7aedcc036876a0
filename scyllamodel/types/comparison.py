"""Comparison and hashing of the values in statements, for values of any class.

In: a value of a condition, an assignment or a row. Out: a hashable substitute; the substitutes of equal values are
equal. Statements cannot compare values directly: ``==`` of columns and functions returns a condition, and many values
have no hash.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, cast


class _Unhashable:
    """An unhashable value, compared by ``==`` with values of its class."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Unhashable) or type(self.value) is not type(other.value):
            return False
        equal: Any = self.value is other.value or self.value == other.value
        reduce_all = getattr(equal, "all", None)  # for an array, whose == is an array too
        return bool(equal if reduce_all is None else reduce_all())

    def __hash__(self) -> int:
        return hash(self.value.__class__)


def comparable(value: Any) -> Hashable:
    """Return the hashable substitute of a value.

    >>> comparable([1, {2}]) == comparable([1, {2}]), hash(comparable([1])) == hash(comparable([1]))
    (True, True)
    """
    comparable_method = getattr(value.__class__, "__comparable__", None)
    if comparable_method is not None:  # a column or a server function, whose == returns a condition
        return cast("Hashable", comparable_method(value))
    if isinstance(value, (list, tuple)):
        items = cast("list[object] | tuple[object, ...]", value)
        return isinstance(value, list), tuple(map(comparable, items))
    if isinstance(value, (set, frozenset)):
        elements = cast("frozenset[object]", value)
        return frozenset(map(comparable, elements))
    if isinstance(value, Mapping):
        entries = cast("Mapping[object, object]", value).items()
        return "map", frozenset((comparable(key), comparable(item)) for key, item in entries)
    try:
        hash(value)
    except TypeError:
        return _Unhashable(value)
    return cast("Hashable", value)
