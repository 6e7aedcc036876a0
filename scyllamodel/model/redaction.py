"""A column whose values are never shown: what attrs would show of them.

A validator or converter that refuses a value usually quotes it; here the refusal stays and the quotation goes.
"""

from __future__ import annotations

from typing import Any

import attrs

from scyllamodel.errors import TypeMismatch
from scyllamodel.model.expression import HIDDEN


def redacted(where: str, field: Any) -> attrs.Attribute[Any]:
    """The same field, its values hidden in ``repr`` and in the errors of its validator and converter."""
    validator, converter = field.validator, field.converter
    found: attrs.Attribute[Any] = field.evolve(
        repr=_hidden if field.repr else False,
        validator=validator and _silent(validator, where, field.name, "validator"),
        converter=converter and _silent(converter, where, field.name, "converter"),
    )
    return found


def _hidden(_: object) -> str:
    return HIDDEN


def _silent(check: Any, where: str, name: str, what: str) -> Any:
    """The function, its errors replaced by one without the value; not even as context."""

    def silent(*args: Any) -> Any:
        try:
            return check(*args)
        except Exception as error:  # noqa: BLE001 - whatever it raises may quote the value
            cause = type(error).__name__
        raise TypeMismatch(
            f"{where}.{name}: its value, which is not shown, is refused by the column's {what} ({cause}).",
            model=where,
            column=name,
        )

    if what == "converter" and not isinstance(check, _CONVERTER):
        return silent
    return attrs.Converter(silent, takes_self=True, takes_field=True) if what == "converter" else silent


_CONVERTER: tuple[type, ...] = (attrs.Converter,) if hasattr(attrs, "Converter") else ()
