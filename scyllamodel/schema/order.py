"""User types in an order in which they can be made.

*In*: user types as facts. *Out*: the same, each after those that it holds. A type has to exist before another can hold
it, for whoever plans and for whoever writes a whole schema down, so both ask here.
"""

from __future__ import annotations

from collections.abc import Iterable

from scyllamodel.schema.facts import UserType


def types_in_order(types: Iterable[UserType]) -> tuple[UserType, ...]:
    """User types, each after those that its fields name, and otherwise by name; members of a cycle come last."""
    waiting = sorted(types, key=lambda found: found.name)
    ordered: list[UserType] = []
    while waiting:
        missing = {found.name for found in waiting}
        ready = [found for found in waiting if not missing.intersection(found.user_types)]
        if not ready:
            return (*ordered, *waiting)
        ordered += ready
        waiting = [found for found in waiting if found not in ready]
    return tuple(ordered)
