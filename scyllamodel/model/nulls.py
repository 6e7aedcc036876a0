"""Loading of nulls: None, an empty collection, or the default with ``null_as_default=True``.

Rows that are older than a column have no value for it. ``null_as_default`` loads them as if they had been written with
the default; nothing is written, and saving an unchanged instance sends nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from scyllamodel.model.field_declaration import FieldDeclaration
from scyllamodel.model.validation.problems import Problems
from scyllamodel.types.annotations import TypeMapping
from scyllamodel.types.cql_types import is_multi_cell


def with_default_for_null(column: FieldDeclaration, type_mapping: TypeMapping, problems: Problems) -> TypeMapping:
    """Return the type of a column, whose nulls load as the default if the column declares it."""
    if not column.spec.null_as_default:
        return type_mapping
    default = column.field._default  # noqa: SLF001 - attrs exposes it only after the class is created
    text, advice = _fault(type_mapping, default)
    if text:
        problems.add("MD126", f"null_as_default=True {text}", advice, attribute=column.name)
        return type_mapping
    return attrs.evolve(type_mapping, empty=_default_factory(default))


def loads_none(type_mapping: TypeMapping) -> bool:
    """Whether a null loads as None although the annotation excludes it."""
    return not type_mapping.nullable and type_mapping.empty is None


def _fault(type_mapping: TypeMapping, default: Any) -> tuple[str, str]:
    """Return why the default cannot replace nulls, and what to write instead."""
    if default is attrs.NOTHING:
        return "requires a default", "Add default= or factory= to the column."
    if isinstance(default, attrs.Factory) and default.takes_self:  # type: ignore[arg-type]  # attrs types it as a function
        return "cannot call a factory that takes the instance", "Use a factory without parameters."
    if type_mapping.nullable:
        return "and a type that allows None exclude each other", "Omit | None, or null_as_default."
    if is_multi_cell(type_mapping.type):
        return (
            f"would replace an empty {type_mapping.type.cql}, which servers store as null",
            "Omit null_as_default: a null loads as the empty collection.",
        )
    return "", ""


def _default_factory(default: Any) -> Callable[[], Any]:
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # as above
        factory: Callable[[], Any] = default.factory
        return factory
    return lambda: default
