"""Columns of generic bases: ``class Entry(Model, Generic[T], abstract=True)`` with ``value: Column[T]``.

In: the bases of a class as they were written, such as ``Entry[str]``. Out: the columns of those bases with the type
variables replaced. A column whose type is still a variable has no hint, which only an abstract class may leave so.
"""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import attrs

from scyllamodel.model.definition import Columns, with_hints
from scyllamodel.model.problems import Problems
from scyllamodel.types.peel import type_variables

Arguments = Mapping[Any, Any]
"""Type variable to type."""


def written_bases(cls: type) -> tuple[Any, ...]:
    """The bases of a class as its author wrote them."""
    found: tuple[Any, ...] = vars(cls).get("__orig_bases__", cls.__bases__)
    return found


def arguments(bases: Iterable[Any]) -> dict[type, Arguments]:
    """What the type variables of each base stand for, and of the bases of these."""
    found: dict[type, Arguments] = {}
    for base in bases:
        origin = typing.get_origin(base) or base
        if not isinstance(origin, type) or origin is object:
            continue
        given = dict(zip(getattr(origin, "__parameters__", ()), typing.get_args(base), strict=False))
        inherited = arguments(written_bases(origin))
        found |= {cls: {var: replaced(one, given) for var, one in inner.items()} for cls, inner in inherited.items()}
        if given:
            found[origin] = given
    return found


def replaced(annotation: Any, found: Arguments) -> Any:
    """An annotation with its type variables replaced, as far as they are known."""
    if isinstance(annotation, TypeVar):
        return found.get(annotation, annotation)
    variables = type_variables(annotation)
    return annotation[tuple([found.get(one, one) for one in variables])] if variables else annotation


def bound(columns: Columns, found: Arguments | None, problems: Problems) -> Columns:
    """The columns of a base, with what its type variables stand for in the class at hand."""
    if not found or not any(type_variables(column.annotation) for column in columns.values()):
        return columns
    changed = {
        name: attrs.evolve(column, annotation=replaced(column.annotation, found))
        for name, column in columns.items()
        if type_variables(column.annotation)
    }
    return columns | with_hints(changed, problems)


def check_bound(columns: Columns, problems: Problems) -> None:
    """Report columns of a table or type whose annotation says nothing yet."""
    for column in columns.values():
        for variable in type_variables(column.annotation):
            text = f"{variable.__name__} stands for no type here"
            advice = "Derive from the generic base with its types, Base[str]; a generic class itself is abstract=True."
            problems.add("MD110", text, advice, at=column.name)
