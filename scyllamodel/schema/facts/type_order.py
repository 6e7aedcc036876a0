"""User types in dependency order.

In: user types. Out: the same types, each after those that it uses, because a type has to exist before another can use
it.
"""

from __future__ import annotations

from collections.abc import Iterable

from scyllamodel.schema.facts.objects import UserType


def dependency_order(types: Iterable[UserType]) -> tuple[UserType, ...]:
    """The types, each after those that its fields use, and by name within a level; members of a cycle come last."""
    types_by_name = {item.name: item for item in sorted(types, key=lambda item: item.name)}
    missing_counts = {name: len(types_by_name.keys() & set(item.user_types)) for name, item in types_by_name.items()}
    users: dict[str, list[str]] = {name: [] for name in types_by_name}
    for name, item in types_by_name.items():
        for used in types_by_name.keys() & set(item.user_types):
            users[used].append(name)
    ordered: dict[str, UserType] = {}
    ready = [name for name, count in missing_counts.items() if not count]
    while ready:
        ordered |= {name: types_by_name[name] for name in ready}
        users_of_ready = [user for name in ready for user in users[name]]
        for user in users_of_ready:
            missing_counts[user] -= 1
        ready = sorted({user for user in users_of_ready if not missing_counts[user]})
    return (*ordered.values(), *(item for name, item in types_by_name.items() if name not in ordered))


def cyclic_types(types: Iterable[UserType]) -> frozenset[str]:
    """The names of the types that contain themselves, directly or through others (Tarjan's algorithm)."""
    types_by_name = {item.name: item for item in types}
    inner_types = {
        name: [inner for inner in item.user_types if inner in types_by_name] for name, item in types_by_name.items()
    }
    numbers: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    circles: set[str] = set()
    for root, first in inner_types.items():
        stack = [(root, iter(first))] if root not in numbers else []
        while stack:
            name, inner_iterator = stack[-1]
            if name not in numbers:
                numbers[name] = lowest[name] = len(numbers)
                path.append(name)
            for inner in inner_iterator:
                if inner not in numbers:
                    stack.append((inner, iter(inner_types[inner])))
                    break
                lowest[name] = min(lowest[name], lowest[inner])
            else:
                stack.pop()
                if stack:
                    lowest[stack[-1][0]] = min(lowest[stack[-1][0]], lowest[name])
                if lowest[name] == numbers[name]:
                    component = [path.pop()]
                    while component[-1] != name:
                        component.append(path.pop())
                    lowest.update(dict.fromkeys(component, len(types_by_name)))
                    circles.update(component if len(component) > 1 or name in inner_types[name] else ())
    return frozenset(circles)
