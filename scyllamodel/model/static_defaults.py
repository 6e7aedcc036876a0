"""Defaults of static columns: values of new instances that nobody gave, and that no insert writes.

A static column is shared by all rows of its partition. The default of a new instance says nothing about the partition,
so writing it with a new row would overwrite what the partition has. The constructor of a model with such columns notes
which of them it filled; other models pay nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from functools import wraps
from typing import Any

import attrs

from scyllamodel.types.identity import is_same

RECORDED_DEFAULTS = "__defaults__"
"""The slot that holds, for each static column that was filled by its default, the value and a copy of it."""


def record_defaults(cls: type[Any], names: Collection[str]) -> None:
    """Let the constructor note which of these columns it filled."""
    aliases = {field.alias: field.name for field in attrs.fields(cls) if field.name in names}
    construct = cls.__init__

    @wraps(construct)
    def __init__(self: Any, **keywords: Any) -> None:  # noqa: N807 - it becomes the constructor
        construct(self, **keywords)
        defaulted = {name: getattr(self, name) for alias, name in aliases.items() if alias not in keywords}
        recorded = {name: (value, copy.deepcopy(value)) for name, value in defaulted.items()}
        setattr(self, RECORDED_DEFAULTS, recorded)

    type.__setattr__(cls, "__init__", __init__)


def inherit_defaults(copy: Any, source: Any, changes: Collection[str]) -> None:
    """Let a copy of an instance keep what its constructor noted, except for the columns that were given."""
    recorded: Mapping[str, Any] | None = getattr(source, RECORDED_DEFAULTS, None)
    if recorded:
        aliases = {field.name: field.alias for field in attrs.fields(copy.__class__)}
        setattr(
            copy,
            RECORDED_DEFAULTS,
            {name: value_and_copy for name, value_and_copy in recorded.items() if aliases[name] not in changes},
        )


def untouched_defaults(instance: Any) -> frozenset[str]:
    """The static columns that hold the default still which the constructor gave them."""
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
