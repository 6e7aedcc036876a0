"""Values of statements, compared and hashed by what they are, whatever classes they are of.

Comes in: a value that a condition, an assignment or a row holds. Goes out: a hashable stand-in that is equal to that of
an equal value. Columns and functions make conditions of ``==`` and many values have no hash, so that statements cannot
compare them directly.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, cast


class _Unhashable:
    """A value without a hash, compared by ``==`` with values of its class."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Unhashable) or type(self.value) is not type(other.value):
            return False
        equal: Any = self.value is other.value or self.value == other.value
        reduce_all = getattr(equal, "all", None)  # of an array, whose == is an array too
        return bool(equal if reduce_all is None else reduce_all())

    def __hash__(self) -> int:
        return hash(self.value.__class__)


def comparable(value: Any) -> Hashable:
    """The stand-in of a value.

    >>> comparable([1, {2}]) == comparable([1, {2}]), hash(comparable([1])) == hash(comparable([1]))
    (True, True)
    """
    comparable_method = getattr(value.__class__, "__comparable__", None)
    if comparable_method is not None:  # a column or a function of the server, whose == is a condition
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
