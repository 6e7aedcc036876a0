"""A user type whose fields cannot become what is wanted: another type, in another column beside the old one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from scyllamodel.schema.course.columns import column_course
from scyllamodel.schema.course.sides import Refused
from scyllamodel.schema.course.stages import Course
from scyllamodel.schema.facts import UserType
from scyllamodel.schema.rules.recipes import spare
from scyllamodel.schema.rules.usertypes import containing
from scyllamodel.types.values import CqlType, renamed, user_types

if TYPE_CHECKING:
    from collections.abc import Collection

    from scyllamodel.schema.facts import TableColumn


def type_course(case: Refused, column: TableColumn, refused: Collection[str]) -> Course:
    """The course for a column that holds such types, directly or inside of others.

    Parameters:
        column: as it is stored.
        refused: the types whose change was refused.
    """
    names = _new_names(case, column, refused)
    stored = {found.name: found for found in case.found.types}
    made = [_renamed(found, names) for found in case.wanted.types if found.name in names]
    kept = [stored.get(found.name, found) if found.name in names else found for found in case.wanted.types]
    classes = dict(case.called.classes)
    for old, new in names.items():
        classes["type", new] = f"{classes.get(('type', old), old)}{new.removeprefix(old).strip('_')}"
    wanted = attrs.evolve(column, type=renamed(column.type, names))
    return column_course(
        attrs.evolve(
            case,
            wanted=attrs.evolve(case.wanted, types=[*kept, *made]),
            called=attrs.evolve(case.called, classes=classes),
        ),
        column,
        wanted,
    )


def held(column: TableColumn, types: Collection[UserType], refused: Collection[str]) -> bool:
    """Whether a column holds one of these types, at any depth."""
    return any(not containing(name, types).isdisjoint(user_types(column.type)) for name in refused)


def _new_names(case: Refused, column: TableColumn, refused: Collection[str]) -> dict[str, str]:
    """A free name for each type inside of the column that is refused, or holds one that is."""
    inside = _reached(column.type, case.wanted.types)
    holders = frozenset[str]().union(*(containing(name, case.wanted.types) for name in refused))
    taken = {found.name for found in (*case.found.types, *case.wanted.types)}
    return {name: spare(name, taken) for name in sorted(inside & holders)}


def _reached(cql_type: CqlType, types: Collection[UserType]) -> set[str]:
    """The types inside of a type, at any depth."""
    known = {found.name: found for found in types}
    left, found = list(user_types(cql_type)), set[str]()
    while left:
        name = left.pop()
        if name not in found and name in known:
            found.add(name)
            left += known[name].user_types
    return found


def _renamed(found: UserType, names: dict[str, str]) -> UserType:
    fields = tuple((field, renamed(cql_type, names)) for field, cql_type in found.fields)
    return UserType(names[found.name], fields, found.keyspace)
