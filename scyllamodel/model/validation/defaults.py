"""Checks of the defaults of columns and fields, before the class is created."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from typing import Any, Final, cast

import attrs

from scyllamodel.model.field_declaration import FieldDeclaration
from scyllamodel.model.fields import FieldPlaceholder
from scyllamodel.model.validation.problems import Problems
from scyllamodel.types.expected_values import expected_instead

_FACTORY_CLASS: Final[type[Any]] = cast("Any", attrs.Factory(list)).__class__
_CLOCK_FACTORIES: Final = {
    "datetime.now": "datetime.now(timezone.utc)",
    "datetime.utcnow": "datetime.now(timezone.utc)",
}


def check_default(column: FieldDeclaration, problems: Problems) -> None:
    """Report an invalid default, before the type of the column is known."""
    default = column.field._default  # noqa: SLF001 - attrs exposes it only after the class is created
    if default is attrs.NOTHING:
        if not column.field.init:
            text = "init=False requires a default"
            problems.add("MD113", text, "Add a default or a factory.", attribute=column.name)
        return
    fault = _fault(default, custom=column.spec.dump is not None)
    if fault is not None:
        problems.add("MD113", *fault, attribute=column.name)


def _fault(default: Any, *, custom: bool) -> tuple[str, str] | None:
    """Return what is wrong with a default and what to write instead; with converters, a value may be a function."""
    if isinstance(default, _FACTORY_CLASS):
        factory: Any = default.factory
        text = "a factory must be a function that returns the value of an instance"
        return None if callable(factory) else (text, "Write  factory=list  or a function of your own.")
    if isinstance(default, (FieldPlaceholder, dataclasses.Field)):
        text = "the default is a field declaration"
        return text, "Write  column(default=…), with the value, not with field() of attrs or dataclasses."
    if type(cast("object", default)).__hash__ is None:
        advice = f"Write  factory={cast('object', default).__class__.__name__}  or a function that returns it."
        return "all instances would share one mutable default", advice
    if not custom and _is_function(default):
        return "the default is a function, which would itself become the value", _factory_advice(default)
    return None


def _is_function(value: Any) -> bool:
    return inspect.isroutine(value) or isinstance(value, (type, functools.partial))


def _factory_advice(function: Any) -> str:
    name: str = getattr(function, "__qualname__", "")
    if name in _CLOCK_FACTORIES:
        return f"Write  factory=lambda: {_CLOCK_FACTORIES[name]}."
    has_name = name.replace(".", "").isidentifier()
    return f"Write  factory={name}." if has_name else "Write  factory=…  with the function."


def check_default_value(column: FieldDeclaration, problems: Problems) -> None:
    """Report a default that does not fit the type of its column; None is left to type checkers and to saving."""
    type_mapping, field, spec = column.type_mapping, column.field, column.spec
    default = field._default  # noqa: SLF001 - as above
    if (
        type_mapping is None
        or default in (None, attrs.NOTHING)
        or field.converter is not None
        or spec.load
        or spec.dump
    ):
        return
    if isinstance(default, _FACTORY_CLASS) or _fault(default, custom=False) is not None:
        return
    expected = expected_instead(type_mapping, default)
    if expected:
        text = f"the default {column.show(default)} does not fit {type_mapping.type.cql}"
        problems.add("MD113", text, f"Write {expected}, or another type.", attribute=column.name)
