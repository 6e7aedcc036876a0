"""A column whose values are not shown by `repr`: what attrs would show of them.

A validator or converter that refuses a value usually quotes it; here the refusal stays and the quotation goes.
"""

from __future__ import annotations

from typing import Any

import attrs

from scyllamodel.errors import TypeMismatch
from scyllamodel.types.display import Show, show_nothing


def redacted(where: str, field: attrs.Attribute[Any], show: Show) -> attrs.Attribute[Any]:
    """The field, its values shown by ``show`` in ``repr`` and in the errors of its validator and converter."""
    if show is repr:
        return field
    validator: Any = field.validator
    converter: Any = getattr(field, "converter", None)
    found: attrs.Attribute[Any] = field.evolve(
        repr=show if field.repr is True or (field.repr and show is show_nothing) else field.repr,
        validator=validator and _silent(validator, where, field.name, show),
        converter=converter and _silent_converter(converter, where, field.name, show),
    )
    return found


def _silent(check: Any, where: str, name: str, show: Show, what: str = "validator") -> Any:
    """The function, its errors replaced by one without the value; not even as context."""

    def silent(*args: Any) -> Any:
        try:
            return check(*args)
        except Exception as error:  # noqa: BLE001 - whatever it raises may quote the value
            cause = type(error).__name__
        value = args[-1] if what == "validator" else args[0]
        shown = "its value, which is not shown," if show is show_nothing else show(value)
        raise TypeMismatch(
            f"{where}.{name}: {shown} is refused by the column's {what} ({cause}).", model=where, column=name
        )

    return silent


def _silent_converter(check: Any, where: str, name: str, show: Show) -> Any:
    silent = _silent(check, where, name, show, "converter")
    return attrs.Converter(silent, takes_self=True, takes_field=True) if isinstance(check, _CONVERTER) else silent


_CONVERTER: tuple[type, ...] = (attrs.Converter,) if hasattr(attrs, "Converter") else ()
