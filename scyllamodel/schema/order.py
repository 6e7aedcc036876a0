"""User types in an order in which they can be made.

*In*: user types as facts. *Out*: the same, each after those that it holds. A type has to exist before another can hold
it, for whoever plans and for whoever writes a whole schema down, so both ask here.
"""

from __future__ import annotations

from collections.abc import Iterable

from scyllamodel.schema.facts import UserType


def types_in_order(types: Iterable[UserType]) -> tuple[UserType, ...]:
    """User types, each after those that its fields name, and otherwise by name; members of a cycle come last."""
    found = {item.name: item for item in sorted(types, key=lambda item: item.name)}
    missing = {name: len(found.keys() & set(item.user_types)) for name, item in found.items()}
    holders: dict[str, list[str]] = {name: [] for name in found}
    for name, item in found.items():
        for held in found.keys() & set(item.user_types):
            holders[held].append(name)
    ordered: dict[str, UserType] = {}
    ready = [name for name, count in missing.items() if not count]
    while ready:
        ordered |= {name: found[name] for name in ready}
        held_now = [holder for name in ready for holder in holders[name]]
        for holder in held_now:
            missing[holder] -= 1
        ready = sorted({holder for holder in held_now if not missing[holder]})
    return (*ordered.values(), *(item for name, item in found.items() if name not in ordered))


def types_in_circles(types: Iterable[UserType]) -> frozenset[str]:
    """The names of the types that hold themselves, directly or by way of others (Tarjan's components, in one pass)."""
    found = {item.name: item for item in types}
    held = {name: [inner for inner in item.user_types if inner in found] for name, item in found.items()}
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    circles: set[str] = set()
    for root, first in held.items():
        walk = [(root, iter(first))] if root not in number else []
        while walk:
            name, inside = walk[-1]
            if name not in number:
                number[name] = lowest[name] = len(number)
                path.append(name)
            for inner in inside:
                if inner not in number:
                    walk.append((inner, iter(held[inner])))
                    break
                lowest[name] = min(lowest[name], lowest[inner])
            else:
                walk.pop()
                if walk:
                    lowest[walk[-1][0]] = min(lowest[walk[-1][0]], lowest[name])
                if lowest[name] == number[name]:
                    part = [path.pop()]
                    while part[-1] != name:
                        part.append(path.pop())
                    lowest.update(dict.fromkeys(part, len(found)))
                    circles.update(part if len(part) > 1 or name in held[name] else ())
    return frozenset(circles)
