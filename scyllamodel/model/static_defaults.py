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

DEFAULTS = "__defaults__"
"""The slot that holds, for each static column that was filled by its default, the value and a copy of it."""


def record_defaults(cls: type[Any], names: Collection[str]) -> None:
    """Let the constructor note which of these columns it filled."""
    aliases = {field.alias: field.name for field in attrs.fields(cls) if field.name in names}
    construct = cls.__init__

    @wraps(construct)
    def __init__(self: Any, **given: Any) -> None:  # noqa: N807 - it becomes the constructor
        construct(self, **given)
        filled = {name: getattr(self, name) for alias, name in aliases.items() if alias not in given}
        noted = {name: (value, copy.deepcopy(value)) for name, value in filled.items()}
        setattr(self, DEFAULTS, noted)

    type.__setattr__(cls, "__init__", __init__)


def inherit_defaults(made: Any, source: Any, changes: Collection[str]) -> None:
    """Let a copy of an instance keep what its constructor noted, except for the columns that were given."""
    noted: Mapping[str, Any] | None = getattr(source, DEFAULTS, None)
    if noted:
        aliases = {field.name: field.alias for field in attrs.fields(made.__class__)}
        setattr(made, DEFAULTS, {name: pair for name, pair in noted.items() if aliases[name] not in changes})


def not_given(instance: Any) -> frozenset[str]:
    """The static columns that hold the default still which the constructor gave them."""
    noted: Mapping[str, tuple[Any, Any]] | None = getattr(instance, DEFAULTS, None)
    if not noted:
        return frozenset()
    columns: Any = instance.__class__.__columns__
    return frozenset(
        [
            name
            for name, (value, as_it_was) in noted.items()
            if getattr(instance, name) is value and is_same(columns[name].identity, value, as_it_was)
        ]
    )
