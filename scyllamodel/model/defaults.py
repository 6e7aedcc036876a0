"""Defaults of columns and fields that no instance could use, or that all instances would share."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from scyllamodel.model.declare import FieldPlaceholder
from scyllamodel.model.problems import Problems
from scyllamodel.types.fit import expected_instead

if TYPE_CHECKING:
    from scyllamodel.model.definition import FieldDeclaration

_FACTORY_CLASS: Final[type[Any]] = cast("Any", attrs.Factory(list)).__class__
_CLOCK_FACTORIES: Final = {
    "datetime.now": "datetime.now(timezone.utc)",
    "datetime.utcnow": "datetime.now(timezone.utc)",
}


def check_default(column: FieldDeclaration, problems: Problems) -> None:
    """Report a default of the wrong kind, before anything is known of the type."""
    default = column.field._default  # noqa: SLF001 - attrs shows it only once the class is made
    if default is attrs.NOTHING:
        if not column.field.init:
            text = "init=False leaves the column without a value"
            problems.add("MD113", text, "Give it a default or a factory.", attribute=column.name)
        return
    fault = _fault(default, custom=column.spec.dump is not None)
    if fault is not None:
        problems.add("MD113", *fault, attribute=column.name)


def _fault(default: Any, *, custom: bool) -> tuple[str, str] | None:
    """What is wrong with a default, and what to write instead; with converters of its own a value may be a function."""
    if isinstance(default, _FACTORY_CLASS):
        factory: Any = default.factory
        text = "a factory is a function that makes the value of each instance"
        return None if callable(factory) else (text, "Write  factory=list  or a function of your own.")
    if isinstance(default, (FieldPlaceholder, dataclasses.Field)):
        text = "the default is itself the declaration of a field"
        return text, "Write  column(default=…), with the value alone, and no field() of attrs or dataclasses."
    if type(cast("object", default)).__hash__ is None:
        advice = f"Write  factory={cast('object', default).__class__.__name__}  or a function that makes it."
        return "one default would be shared by all instances", advice
    if not custom and _is_function(default):
        return "the default is a function, and each instance would hold the function itself", _factory_advice(default)
    return None


def _is_function(value: Any) -> bool:
    return inspect.isroutine(value) or isinstance(value, (type, functools.partial))


def _factory_advice(function: Any) -> str:
    name: str = getattr(function, "__qualname__", "")
    if name in _CLOCK_FACTORIES:
        return f"Write  factory=lambda: {_CLOCK_FACTORIES[name]}."
    has_name = name.replace(".", "").isidentifier()
    return f"Write  factory={name}." if has_name else "Write  factory=…  with that function."


def check_default_value(column: FieldDeclaration, problems: Problems) -> None:
    """Report a default that the type of its column cannot hold; None is for the checkers, and refused when saved."""
    type_mapping, field, spec = column.type_mapping, column.field, column.spec
    default = field._default  # noqa: SLF001 - likewise
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
