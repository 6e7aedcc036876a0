"""What a null of the database is in Python: None, an empty collection, or with ``null_as_default=True`` the default.

Rows that are older than their column hold no value of it. ``null_as_default`` makes them load as if they had been
written with the default; nothing is written for that, and an unchanged instance saves nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from scyllamodel.types.values import is_multi_cell

if TYPE_CHECKING:
    from collections.abc import Callable

    from scyllamodel.model.definition import Declared
    from scyllamodel.model.problems import Problems
    from scyllamodel.types.hints import TypeMapping


def loads_default(column: Declared, hint: TypeMapping, problems: Problems) -> TypeMapping:
    """The type of a column, whose nulls load as its default if the column says so."""
    if not column.spec.null_as_default:
        return hint
    default = column.field._default  # noqa: SLF001 - attrs shows it only once the class is made
    text, advice = _fault(hint, default)
    if text:
        problems.add("MD126", f"null_as_default=True {text}", advice, at=column.name)
        return hint
    return attrs.evolve(hint, empty=_maker(default))


def loads_none(hint: TypeMapping) -> bool:
    """Whether a null loads as None although the annotation excludes it."""
    return not hint.nullable and hint.empty is None


def _fault(hint: TypeMapping, default: Any) -> tuple[str, str]:
    """Why the default cannot stand for null, and what to write instead."""
    if default is attrs.NOTHING:
        return "needs a default", "Give the column default= or factory=."
    if isinstance(default, attrs.Factory) and default.takes_self:  # type: ignore[arg-type]  # attrs types it as a function
        return "cannot call a factory that takes the instance", "Give it a factory without parameters."
    if hint.nullable:
        return "and a type that allows None exclude each other", "Leave | None out, or null_as_default."
    if is_multi_cell(hint.type):
        return (
            f"would replace an empty {hint.type.cql}, which servers keep as null",
            "Leave null_as_default out: a null loads as the empty collection.",
        )
    return "", ""


def _maker(default: Any) -> Callable[[], Any]:
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # likewise
        made: Callable[[], Any] = default.factory
        return made
    return lambda: default
