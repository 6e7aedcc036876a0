"""An annotation -> the type inside it, and what is said around that: optional, frozen, a CQL type, a vector.

Comes in: an evaluated annotation. Goes out: its core, without ``Annotated``, ``X | None``, aliases and ``NewType``, and
our marks on it. What the core means is the affair of `scyllamodel.types.hints`.
"""

from __future__ import annotations

import types
import typing
from typing import Annotated, Any, Final, Literal, NewType, TypeVar, Union

import typing_extensions

from scyllamodel.types.aliases import Counter, TypeMark, VectorMark
from scyllamodel.types.values import (
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
"""Types made by `NewType` that mean something by themselves."""


def unwrap(annotation: Any) -> tuple[Any, bool, list[Any]]:
    """The type inside an annotation, whether None is allowed, and what our marks say of it, innermost first."""
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
    """The type variables in an annotation, which a generic base has not been given types for."""
    if isinstance(annotation, TypeVar):
        return (annotation,)
    variables: tuple[TypeVar, ...] = getattr(annotation, "__parameters__", ()) if typing.get_origin(annotation) else ()
    return variables


def _type_marks(metadata: Any) -> list[Any]:
    """What is ours in the metadata of an ``Annotated``; ``Annotated[Level, cql.Int]`` means that type too."""
    if typing.get_origin(metadata) is Annotated:
        return [mark for nested in metadata.__metadata__ for mark in _type_marks(nested)]
    return [metadata] if isinstance(metadata, (*CQL_TYPES, TypeMark, VectorMark)) else []
