"""Why an annotation cannot be a column: the words for every refusal, each with what to write instead.

Comes in: the annotation. Goes out: a `HintFault`. `scyllamodel.types.hints` decides; here is only what is said.
"""

from __future__ import annotations

import enum
from collections import abc
from datetime import timedelta
from typing import Any, ForwardRef, get_args, get_origin


class HintFault(TypeError):
    """An annotation that cannot be a column.

    Attributes:
        text: what is wrong with it.
        advice: what to write instead.
    """

    def __init__(self, text: str, advice: str) -> None:
        super().__init__(text, advice)
        self.text = text
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.text}\n  {self.advice}"


def shown(hint: Any) -> str:
    """An annotation as its author wrote it, more or less.

    >>> shown(int), shown(list[int])
    ('int', 'list[int]')
    """
    if isinstance(hint, type) and not hasattr(hint, "__args__"):
        return hint.__qualname__
    return str(hint).replace("typing.", "")


_BARE = {
    list: ("a bare list does not say what it holds", "Write the type of its elements: list[str]."),
    set: ("a bare set does not say what it holds", "Write the type of its elements: set[str]."),
    frozenset: ("a bare frozenset does not say what it holds", "Write the type of its elements: frozenset[str]."),
    dict: ("a bare dict does not say what it holds", "Write the types of its keys and values: dict[str, str]."),
    tuple: ("a bare tuple does not say what it holds", "Write the type of each element: tuple[str, int]."),
}


_INSTEAD: dict[Any, str] = {
    bytearray: "Write bytes.",
    memoryview: "Write bytes.",
    timedelta: (
        "Write cql.Duration, CQL's own, which also counts months; or keep a number that can be compared and indexed: "
        "column(type=cql.BigInt, load=lambda ms: timedelta(milliseconds=ms), dump=lambda d: d // timedelta("
        "milliseconds=1))."
    ),
    complex: "Write tuple[float, float].",
    abc.Sequence: "Write list[…], or tuple[A, B] for a fixed number of elements.",
    abc.MutableSequence: "Write list[…].",
    abc.Iterable: "Write list[…] or set[…].",
    abc.Collection: "Write list[…] or set[…].",
    abc.Set: "Write set[…] or frozenset[…].",
    abc.MutableSet: "Write set[…].",
    abc.Mapping: "Write dict[K, V].",
    abc.MutableMapping: "Write dict[K, V].",
}


def refuse_class(hint: Any) -> HintFault:
    """The fault of an annotation that stands for no CQL type; it is never taken for text."""
    if isinstance(hint, (str, ForwardRef)):
        name = hint if isinstance(hint, str) else hint.__forward_arg__
        return HintFault(f"the name {name!r} is not defined here", "Import it in this module, or mend its spelling.")
    if hint is Any or hint is object:
        return HintFault(f"{shown(hint)} says nothing about the CQL type", "Write the type of the values, such as str.")
    origin = get_origin(hint) or hint
    if origin in _BARE:
        return HintFault(*_BARE[origin])
    if origin in _INSTEAD:
        return HintFault(f"{shown(hint)} has no CQL type", _INSTEAD[origin])
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return HintFault(
            f"{shown(hint)} is an enum of neither str nor int",
            f"Write class {hint.__name__}(str, Enum) or class {hint.__name__}(IntEnum).",
        )
    return HintFault(
        f"{shown(hint)} has no CQL type",
        "Write a UserType class, a type that CQL has, or how it is kept: column(type=cql.Text, load=..., dump=...).",
    )


def refuse_union(hint: Any) -> HintFault:
    """The fault of a union that is not ``X | None``."""
    return HintFault(
        f"a column holds one type, not {' | '.join(map(shown, get_args(hint)))}",
        "Choose one type; X | None is for a column that may be null, IPv4Address | IPv6Address for addresses.",
    )


def refuse_any_length(element: Any) -> HintFault:
    """The fault of ``tuple[A, ...]``."""
    name = shown(element)
    return HintFault(
        f"CQL has no tuple of any length, as tuple[{name}, ...] is",
        f"Write list[{name}], or each element: tuple[{name}, {name}].",
    )


def refuse_null_inside(hint: Any, where: str) -> HintFault:
    """The fault of ``X | None`` inside a collection or vector."""
    return HintFault(f"{where} holds no nulls, so {shown(hint)} cannot be in it", "Write it without None.")


def refuse_user_type_in_vector(element: Any) -> HintFault:
    """The fault of a vector of user types: servers take it, and scylla-driver 3.29 loses its connection reading it."""
    name = shown(element)
    return HintFault(
        f"a vector of {name} cannot be read: drivers lose the connection over it",
        f"Write list[{name}], or a vector of plain values.",
    )


_HASHABLE = {
    list: "Write a tuple with each element, such as tuple[int, int], or a frozenset.",
    set: "Write a frozenset.",
    dict: "Write a UserType class, or a tuple.",
}


def refuse_unhashable(hint: Any, origin: Any, where: str) -> HintFault:
    """The fault of a set element or map key that Python cannot hash."""
    advice = _HASHABLE.get(origin, "Write tuples and frozensets inside it, or a UserType class.")
    if isinstance(hint, type) and origin is None:
        advice = f"Let the fields of {hint.__qualname__} be frozensets, tuples, and what else can be hashed."
    return HintFault(f"{shown(hint)} cannot be {where}, since it is not hashable", advice)


def refuse_inside(name: str, where: str) -> HintFault:
    """The fault of a counter or duration where servers refuse it."""
    if name == "counter":
        return HintFault(f"a counter cannot be inside {where}", "Give each counter a column of its own.")
    return HintFault(
        f"a duration cannot be {where}, since durations have no order", "Keep it in a map's values or list."
    )
