"""Errors of annotations that cannot be columns, each with what to write instead.

In: the annotation. Out: the error. The module that reads annotations decides; this module contains the messages.
"""

from __future__ import annotations

import enum
from collections import abc
from datetime import timedelta
from typing import Any, ForwardRef, get_args, get_origin


class AnnotationError(TypeError):
    """An annotation that cannot be a column.

    Attributes:
        text: what is wrong with the annotation.
        advice: what to write instead.
    """

    def __init__(self, text: str, advice: str) -> None:
        super().__init__(text, advice)
        self.text = text
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.text}\n  {self.advice}"


def annotation_text(annotation: Any) -> str:
    """Return the text of an annotation, approximately as written in the source.

    >>> annotation_text(int), annotation_text(list[int])
    ('int', 'list[int]')
    """
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return annotation.__qualname__
    return str(annotation).replace("typing.", "")


_MISSING_ELEMENT_TYPES = {
    list: ("a bare list does not name its elements", "Write the type of its elements: list[str]."),
    set: ("a bare set does not name its elements", "Write the type of its elements: set[str]."),
    frozenset: ("a bare frozenset does not name its elements", "Write the type of its elements: frozenset[str]."),
    dict: ("a bare dict does not name its elements", "Write the types of its keys and values: dict[str, str]."),
    tuple: ("a bare tuple does not name its elements", "Write the type of each element: tuple[str, int]."),
}


_REPLACEMENTS: dict[Any, str] = {
    bytearray: "Write bytes.",
    memoryview: "Write bytes.",
    timedelta: (
        "Write cql.Duration, which also counts months; or store a number, which can be compared and indexed: "
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
    """Return the error of an annotation without a CQL type; text is never assumed."""
    if isinstance(annotation, (str, ForwardRef)):
        name = annotation if isinstance(annotation, str) else annotation.__forward_arg__
        return AnnotationError(
            f"the name {name!r} is not defined here", "Import it in this module, or correct its spelling."
        )
    if annotation is Any or annotation is object:
        return AnnotationError(
            f"{annotation_text(annotation)} does not determine the CQL type",
            "Write the type of the values, such as str.",
        )
    origin = get_origin(annotation) or annotation
    if origin in _MISSING_ELEMENT_TYPES:
        return AnnotationError(*_MISSING_ELEMENT_TYPES[origin])
    if origin in _REPLACEMENTS:
        return AnnotationError(f"{annotation_text(annotation)} has no CQL type", _REPLACEMENTS[origin])
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return AnnotationError(
            f"{annotation_text(annotation)} is an enum that derives from neither str nor int",
            f"Write class {annotation.__name__}(str, Enum) or class {annotation.__name__}(IntEnum).",
        )
    return AnnotationError(
        f"{annotation_text(annotation)} has no CQL type",
        "Write a UserType class, a type that CQL has, or how to store it: column(type=cql.Text, load=..., dump=...).",
    )


def unsupported_union(annotation: Any) -> AnnotationError:
    """Return the error of a union that is not ``X | None``."""
    return AnnotationError(
        f"a column has one type, not {' | '.join(map(annotation_text, get_args(annotation)))}",
        "Choose one type; X | None is for a column that may be null, IPv4Address | IPv6Address for addresses.",
    )


def variable_length_tuple(element: Any) -> AnnotationError:
    """Return the error of ``tuple[A, ...]``."""
    name = annotation_text(element)
    return AnnotationError(
        f"CQL has no tuples of variable length, such as tuple[{name}, ...]",
        f"Write list[{name}], or each element: tuple[{name}, {name}].",
    )


def nullable_element(annotation: Any, container: str) -> AnnotationError:
    """Return the error of ``X | None`` in a collection or vector."""
    return AnnotationError(
        f"{container} cannot contain nulls, so {annotation_text(annotation)} cannot be in it", "Write it without None."
    )


def vector_of_user_type(element: Any) -> AnnotationError:
    """Return the error of a vector of user types: scylla-driver 3.29 loses its connection when it reads one."""
    name = annotation_text(element)
    return AnnotationError(
        f"a vector of {name} cannot be read: the driver loses its connection on reading",
        f"Write list[{name}], or a vector of plain values.",
    )


_HASHABLE_REPLACEMENTS = {
    list: "Write a tuple with each element, such as tuple[int, int], or a frozenset.",
    set: "Write a frozenset.",
    dict: "Write a UserType class, or a tuple.",
}


def unhashable_element(annotation: Any, origin: Any, container: str) -> AnnotationError:
    """Return the error of a set element or map key that Python cannot hash."""
    advice = _HASHABLE_REPLACEMENTS.get(origin, "Write tuples and frozensets inside it, or a UserType class.")
    if isinstance(annotation, type) and origin is None:
        advice = f"Declare the fields of {annotation.__qualname__} as frozensets, tuples or other hashable types."
    return AnnotationError(f"{annotation_text(annotation)} cannot be {container}, since it is not hashable", advice)


def forbidden_element(name: str, container: str) -> AnnotationError:
    """Return the error of a counter or duration where servers refuse it."""
    if name == "counter":
        return AnnotationError(f"a counter cannot be inside {container}", "Declare a separate column for each counter.")
    return AnnotationError(
        f"a duration cannot be {container}, since durations have no order",
        "Store it in a list, or as a value of a map.",
    )
