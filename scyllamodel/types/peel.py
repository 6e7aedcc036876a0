"""An annotation -> the type inside it, and what is said around that: optional, frozen, a CQL type, a vector.

Comes in: an evaluated annotation. Goes out: its core, without ``Annotated``, ``X | None``, aliases and ``NewType``, and
our marks on it. What the core means is the affair of `scyllamodel.types.hints`.
"""

from __future__ import annotations

import types
import typing
from typing import Annotated, Any, Final, Literal, NewType, TypeVar, Union

import typing_extensions

from scyllamodel.types.aliases import Counter, Mark, VectorMark
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

_OURS: Final[frozenset[Any]] = frozenset({Counter})
"""Types made by `NewType` that mean something by themselves."""


def peel(hint: Any) -> tuple[Any, bool, list[Any]]:
    """The type inside an annotation, whether None is allowed, and what our marks say of it, innermost first."""
    nullable, marks = False, list[Any]()
    while True:
        origin = typing.get_origin(hint)
        if origin is Annotated:
            marks[:0] = [mark for given in hint.__metadata__ for mark in _marks(given)]
            hint = hint.__origin__
        elif origin in {Union, types.UnionType}:
            inside = [each for each in typing.get_args(hint) if each is not types.NoneType]
            nullable = nullable or len(inside) < len(typing.get_args(hint))
            if len(inside) > 1:
                return Union[tuple(inside)], nullable, marks
            hint = inside[0]
        elif origin is Literal and None in typing.get_args(hint):
            nullable, hint = True, Literal[tuple(one for one in typing.get_args(hint) if one is not None)]
        elif isinstance(hint, typing_extensions.TypeAliasType):
            hint = hint.__value__
        elif isinstance(hint, NewType) and hint not in _OURS:
            hint = hint.__supertype__
        else:
            return hint, nullable, marks


def type_variables(annotation: Any) -> tuple[TypeVar, ...]:
    """The type variables in an annotation, which a generic base has not been given types for."""
    if isinstance(annotation, TypeVar):
        return (annotation,)
    found: tuple[TypeVar, ...] = getattr(annotation, "__parameters__", ()) if typing.get_origin(annotation) else ()
    return found


def _marks(given: Any) -> list[Any]:
    """What is ours in the metadata of an ``Annotated``; ``Annotated[Level, cql.Int]`` means that type too."""
    if typing.get_origin(given) is Annotated:
        return [mark for each in given.__metadata__ for mark in _marks(each)]
    return [given] if isinstance(given, (*CQL_TYPES, Mark, VectorMark)) else []
