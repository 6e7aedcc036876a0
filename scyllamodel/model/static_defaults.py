"""Defaults of static columns: values of new instances that no insert writes, as long as the user did not set them.

A static column is shared by all rows of its partition. Writing the default with a new row would overwrite the value of
the partition. The constructor of a model with such columns records the columns that it filled; other models have no
overhead.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from functools import wraps
from typing import Any

import attrs

from scyllamodel.types.identity import is_same

RECORDED_DEFAULTS = "__defaults__"
"""The slot that contains, for each static column with its default, the value and a copy of it."""


def record_defaults(cls: type[Any], names: Collection[str]) -> None:
    """Let the constructor record which of these columns it filled."""
    aliases = {field.alias: field.name for field in attrs.fields(cls) if field.name in names}
    construct = cls.__init__

    @wraps(construct)
    def __init__(self: Any, **keywords: Any) -> None:  # noqa: N807 - it replaces the constructor
        construct(self, **keywords)
        defaulted = {name: getattr(self, name) for alias, name in aliases.items() if alias not in keywords}
        recorded = {name: (value, copy.deepcopy(value)) for name, value in defaulted.items()}
        setattr(self, RECORDED_DEFAULTS, recorded)

    type.__setattr__(cls, "__init__", __init__)


def inherit_defaults(copy: Any, source: Any, changes: Collection[str]) -> None:
    """Copy the record of the constructor to a copy of an instance, except for the given columns."""
    recorded: Mapping[str, Any] | None = getattr(source, RECORDED_DEFAULTS, None)
    if recorded:
        aliases = {field.name: field.alias for field in attrs.fields(copy.__class__)}
        setattr(
            copy,
            RECORDED_DEFAULTS,
            {name: value_and_copy for name, value_and_copy in recorded.items() if aliases[name] not in changes},
        )


def untouched_defaults(instance: Any) -> frozenset[str]:
    """Return the static columns that still have the default set by the constructor."""
    recorded: Mapping[str, tuple[Any, Any]] | None = getattr(instance, RECORDED_DEFAULTS, None)
    if not recorded:
        return frozenset()
    columns: Any = instance.__class__.__columns__
    return frozenset(
        [
            name
            for name, (value, original) in recorded.items()
            if getattr(instance, name) is value and is_same(columns[name].identity, value, original)
        ]
    )
