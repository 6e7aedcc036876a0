"""Why an annotation cannot be a column: the words for every refusal, each with what to write instead.

Comes in: the annotation. Goes out: a `AnnotationError`. `scyllamodel.types.hints` decides; here is only what is said.
"""

from __future__ import annotations

import enum
from collections import abc
from datetime import timedelta
from typing import Any, ForwardRef, get_args, get_origin


class AnnotationError(TypeError):
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


def annotation_text(annotation: Any) -> str:
    """An annotation as its author wrote it, more or less.

    >>> annotation_text(int), annotation_text(list[int])
    ('int', 'list[int]')
    """
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return annotation.__qualname__
    return str(annotation).replace("typing.", "")


_MISSING_ELEMENT_TYPES = {
    list: ("a bare list does not say what it holds", "Write the type of its elements: list[str]."),
    set: ("a bare set does not say what it holds", "Write the type of its elements: set[str]."),
    frozenset: ("a bare frozenset does not say what it holds", "Write the type of its elements: frozenset[str]."),
    dict: ("a bare dict does not say what it holds", "Write the types of its keys and values: dict[str, str]."),
    tuple: ("a bare tuple does not say what it holds", "Write the type of each element: tuple[str, int]."),
}


_REPLACEMENTS: dict[Any, str] = {
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


def unsupported_class(annotation: Any) -> AnnotationError:
    """The fault of an annotation that stands for no CQL type; it is never taken for text."""
    if isinstance(annotation, (str, ForwardRef)):
        name = annotation if isinstance(annotation, str) else annotation.__forward_arg__
        return AnnotationError(
            f"the name {name!r} is not defined here", "Import it in this module, or mend its spelling."
        )
    if annotation is Any or annotation is object:
        return AnnotationError(
            f"{annotation_text(annotation)} says nothing about the CQL type",
            "Write the type of the values, such as str.",
        )
    origin = get_origin(annotation) or annotation
    if origin in _MISSING_ELEMENT_TYPES:
        return AnnotationError(*_MISSING_ELEMENT_TYPES[origin])
    if origin in _REPLACEMENTS:
        return AnnotationError(f"{annotation_text(annotation)} has no CQL type", _REPLACEMENTS[origin])
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return AnnotationError(
            f"{annotation_text(annotation)} is an enum of neither str nor int",
            f"Write class {annotation.__name__}(str, Enum) or class {annotation.__name__}(IntEnum).",
        )
    return AnnotationError(
        f"{annotation_text(annotation)} has no CQL type",
        "Write a UserType class, a type that CQL has, or how it is kept: column(type=cql.Text, load=..., dump=...).",
    )


def unsupported_union(annotation: Any) -> AnnotationError:
    """The fault of a union that is not ``X | None``."""
    return AnnotationError(
        f"a column holds one type, not {' | '.join(map(annotation_text, get_args(annotation)))}",
        "Choose one type; X | None is for a column that may be null, IPv4Address | IPv6Address for addresses.",
    )


def variable_length_tuple(element: Any) -> AnnotationError:
    """The fault of ``tuple[A, ...]``."""
    name = annotation_text(element)
    return AnnotationError(
        f"CQL has no tuple of any length, as tuple[{name}, ...] is",
        f"Write list[{name}], or each element: tuple[{name}, {name}].",
    )


def nullable_element(annotation: Any, container: str) -> AnnotationError:
    """The fault of ``X | None`` inside a collection or vector."""
    return AnnotationError(
        f"{container} holds no nulls, so {annotation_text(annotation)} cannot be in it", "Write it without None."
    )


def vector_of_user_type(element: Any) -> AnnotationError:
    """The fault of a vector of user types: servers take it, and scylla-driver 3.29 loses its connection reading it."""
    name = annotation_text(element)
    return AnnotationError(
        f"a vector of {name} cannot be read: drivers lose the connection over it",
        f"Write list[{name}], or a vector of plain values.",
    )


_HASHABLE_REPLACEMENTS = {
    list: "Write a tuple with each element, such as tuple[int, int], or a frozenset.",
    set: "Write a frozenset.",
    dict: "Write a UserType class, or a tuple.",
}


def unhashable_element(annotation: Any, origin: Any, container: str) -> AnnotationError:
    """The fault of a set element or map key that Python cannot hash."""
    advice = _HASHABLE_REPLACEMENTS.get(origin, "Write tuples and frozensets inside it, or a UserType class.")
    if isinstance(annotation, type) and origin is None:
        advice = f"Let the fields of {annotation.__qualname__} be frozensets, tuples, and what else can be hashed."
    return AnnotationError(f"{annotation_text(annotation)} cannot be {container}, since it is not hashable", advice)


def forbidden_element(name: str, container: str) -> AnnotationError:
    """The fault of a counter or duration where servers refuse it."""
    if name == "counter":
        return AnnotationError(f"a counter cannot be inside {container}", "Give each counter a column of its own.")
    return AnnotationError(
        f"a duration cannot be {container}, since durations have no order", "Keep it in a map's values or list."
    )
