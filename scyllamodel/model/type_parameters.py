"""Columns of generic bases: ``class Entry(Model, Generic[T], abstract=True)`` with ``value: Column[T]``.

In: the bases of a class as written, such as ``Entry[str]``. Out: the columns of those bases, with type variables
replaced. A column whose type remains a variable has no CQL type, which only abstract classes allow.
"""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import attrs

from scyllamodel.model.class_body import with_mappings
from scyllamodel.model.field_declaration import FieldDeclarations
from scyllamodel.model.validation.problems import Problems
from scyllamodel.types.unwrap import type_variables

TypeArguments = Mapping[Any, Any]
"""Types by type variable."""


def written_bases(cls: type) -> tuple[Any, ...]:
    """Return the bases of a class as written by its author."""
    bases: tuple[Any, ...] = vars(cls).get("__orig_bases__", cls.__bases__)
    return bases


def type_arguments_of_bases(bases: Iterable[Any]) -> dict[type, TypeArguments]:
    """Return the types of the type variables of each base, and of the bases of these."""
    arguments_by_class: dict[type, TypeArguments] = {}
    for base in bases:
        origin = typing.get_origin(base) or base
        if not isinstance(origin, type) or origin is object:
            continue
        own_arguments = dict(zip(getattr(origin, "__parameters__", ()), typing.get_args(base), strict=False))
        inherited = type_arguments_of_bases(written_bases(origin))
        arguments_by_class |= {
            cls: {
                variable: replace_variables(argument, own_arguments)
                for variable, argument in inherited_arguments.items()
            }
            for cls, inherited_arguments in inherited.items()
        }
        if own_arguments:
            arguments_by_class[origin] = own_arguments
    return arguments_by_class


def replace_variables(annotation: Any, replacements: TypeArguments) -> Any:
    """Replace the type variables of an annotation, where known."""
    if isinstance(annotation, TypeVar):
        return replacements.get(annotation, annotation)
    variables = type_variables(annotation)
    return (
        annotation[tuple([replacements.get(variable, variable) for variable in variables])] if variables else annotation
    )


def bind_variables(
    columns: FieldDeclarations, type_arguments: TypeArguments | None, problems: Problems
) -> FieldDeclarations:
    """Return the columns of a base, with its type variables replaced as in the class."""
    if not type_arguments or not any(type_variables(column.annotation) for column in columns.values()):
        return columns
    replaced_columns = {
        name: attrs.evolve(column, annotation=replace_variables(column.annotation, type_arguments))
        for name, column in columns.items()
        if type_variables(column.annotation)
    }
    return columns | with_mappings(replaced_columns, problems)


def check_variables_bound(columns: FieldDeclarations, problems: Problems) -> None:
    """Report columns of a table or type whose annotation still contains type variables."""
    for column in columns.values():
        for variable in type_variables(column.annotation):
            text = f"{variable.__name__} has no type here"
            advice = (
                "Derive from the generic base with its types, Base[str]; the generic class itself is abstract=True."
            )
            problems.add("MD110", text, advice, attribute=column.name)
