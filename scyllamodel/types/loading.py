"""The one rule for loading a stored value: a null becomes None or an empty value, anything else is converted.

In: the type of a column or expression. Out: the loaded value, or the source that loads it, for generated code, where a
call for each value would cost too much.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scyllamodel.types.annotations import TypeMapping


def loads_as_stored(type_mapping: TypeMapping) -> bool:
    """Whether every value of the type is loaded as the driver returns it."""
    return not (type_mapping.load or type_mapping.empty)


def load_value(type_mapping: TypeMapping, value: Any) -> Any:
    """Load one value, as in a row."""
    if value is None:
        return type_mapping.empty() if type_mapping.empty else None
    return type_mapping.load(value) if type_mapping.load else value


def load_expression(
    type_mapping: TypeMapping, position: int, scope: dict[str, Any], load: Callable[[Any], Any] | None = None
) -> str:
    """Return the source of the expression that loads the value ``v<position>``.

    Parameters:
        scope: receives the objects that the expression names.
        load: replaces the converter of the type.
    """
    value = f"v{position}"
    if loads_as_stored(type_mapping):
        return value
    scope[f"load_{position}"], scope[f"empty_{position}"] = load or type_mapping.load, type_mapping.empty
    null_value = f"empty_{position}()" if type_mapping.empty else "None"
    converted = f"load_{position}({value})" if type_mapping.load else value
    return f"{null_value} if {value} is None else {converted}"
