"""Redaction of the fields of attrs classes, in ``repr`` and in errors of validators and converters.

A validator or converter that refuses a value usually quotes it; the error is replaced by one without the value.
"""

from __future__ import annotations

from typing import Any

import attrs

from scyllamodel.errors import TypeMismatch
from scyllamodel.types.display import Show, show_nothing


def redact_field(class_name: str, field: attrs.Attribute[Any], show: Show) -> attrs.Attribute[Any]:
    """Return the field with its values formatted by ``show`` in ``repr`` and in validator and converter errors."""
    if show is repr:
        return field
    validator: Any = field.validator
    converter: Any = getattr(field, "converter", None)
    evolved: attrs.Attribute[Any] = field.evolve(
        repr=show if field.repr is True or (field.repr and show is show_nothing) else field.repr,
        validator=validator and _without_value(validator, class_name, field.name, show),
        converter=converter and _converter_without_value(converter, class_name, field.name, show),
    )
    return evolved


def _without_value(check: Any, class_name: str, name: str, show: Show, role: str = "validator") -> Any:
    """Wrap a function so that its errors are replaced by one without the value, not even as context."""

    def silent(*args: Any) -> Any:
        try:
            return check(*args)
        except Exception as error:  # noqa: BLE001 - any error may quote the value
            cause = type(error).__name__
        value = args[-1] if role == "validator" else args[0]
        description = "the value, which is redacted," if show is show_nothing else show(value)
        raise TypeMismatch(
            f"{class_name}.{name}: {description} is refused by the column's {role} ({cause}).",
            model=class_name,
            column=name,
        )

    return silent


def _converter_without_value(check: Any, class_name: str, name: str, show: Show) -> Any:
    silent = _without_value(check, class_name, name, show, "converter")
    return attrs.Converter(silent, takes_self=True, takes_field=True) if isinstance(check, _CONVERTER) else silent


_CONVERTER: tuple[type, ...] = (attrs.Converter,) if hasattr(attrs, "Converter") else ()
