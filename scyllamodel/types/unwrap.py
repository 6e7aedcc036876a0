"""Unwrapping of annotations: the type inside, and whether it is optional, frozen, a CQL type or a vector.

In: an evaluated annotation. Out: the type without ``Annotated``, ``X | None``, aliases and ``NewType``, and the
metadata of this library. The module of annotations interprets the type.
"""

from __future__ import annotations

import types
import typing
from typing import Annotated, Any, Final, Literal, NewType, TypeVar, Union

import typing_extensions

from scyllamodel.types.aliases import Counter, TypeMark, VectorMark
from scyllamodel.types.cql_types import (
    CustomType,
    ListType,
    MapType,
    Native,
    SetType,
    TupleType,
    UserTypeName,
    VectorType,
)

CQL_TYPES: Final = (Native, ListType, SetType, MapType, TupleType, VectorType, UserTypeName, CustomType)
"""The classes of all CQL types, for `isinstance`."""

_OWN_NEW_TYPES: Final[frozenset[Any]] = frozenset({Counter})
"""Types created by `NewType` that have a meaning of their own."""


def unwrap(annotation: Any) -> tuple[Any, bool, list[Any]]:
    """Return the type in an annotation, whether it allows None, and the metadata of this library, innermost first."""
    nullable, marks = False, list[Any]()
    while True:
        origin = typing.get_origin(annotation)
        if origin is Annotated:
            marks[:0] = [mark for metadata in annotation.__metadata__ for mark in _type_marks(metadata)]
            annotation = annotation.__origin__
        elif origin in {Union, types.UnionType}:
            members = [member for member in typing.get_args(annotation) if member is not types.NoneType]
            nullable = nullable or len(members) < len(typing.get_args(annotation))
            if len(members) > 1:
                return Union[tuple(members)], nullable, marks
            annotation = members[0]
        elif origin is Literal and None in typing.get_args(annotation):
            nullable, annotation = (
                True,
                Literal[tuple(value for value in typing.get_args(annotation) if value is not None)],
            )
        elif isinstance(annotation, typing_extensions.TypeAliasType):
            annotation = annotation.__value__
        elif isinstance(annotation, NewType) and annotation not in _OWN_NEW_TYPES:
            annotation = annotation.__supertype__
        else:
            return annotation, nullable, marks


def type_variables(annotation: Any) -> tuple[TypeVar, ...]:
    """Return the type variables in an annotation, for which a generic base has no types yet."""
    if isinstance(annotation, TypeVar):
        return (annotation,)
    variables: tuple[TypeVar, ...] = getattr(annotation, "__parameters__", ()) if typing.get_origin(annotation) else ()
    return variables


def _type_marks(metadata: Any) -> list[Any]:
    """Return the metadata of this library in an ``Annotated``, including that of a nested ``cql.Int``."""
    if typing.get_origin(metadata) is Annotated:
        return [mark for nested in metadata.__metadata__ for mark in _type_marks(nested)]
    return [metadata] if isinstance(metadata, (*CQL_TYPES, TypeMark, VectorMark)) else []
