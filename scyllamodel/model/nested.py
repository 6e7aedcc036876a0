"""User types inside annotations, and CQL types inside user types.

A CQL type speaks of a user type by its name alone; its fields are known to its class. Whoever asks what is deep inside
a column needs both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, cast

from scyllamodel.model.definition import Columns
from scyllamodel.schema.facts import UserType as UserTypeFacts
from scyllamodel.types.user_values import user_types_in
from scyllamodel.types.values import CqlType, UserTypeName, is_frozen, user_type_names, walk


class _UserTypeClass(Protocol):
    __facts__: UserTypeFacts
    __user_types__: tuple[type, ...]


def user_types_of(columns: Columns) -> tuple[type, ...]:
    """The classes of all user types in these columns, each once, those that others need first."""
    holders = [column for column in columns.values() if column.hint and user_type_names(column.hint.type)]
    direct = [found for column in holders for found in user_types_in((column.annotation, column.spec.type))]
    return tuple(
        dict.fromkeys(needed for found in direct for needed in (*cast("_UserTypeClass", found).__user_types__, found))
    )


def deep_walk(cql_type: CqlType, classes: Iterable[type]) -> Iterator[CqlType]:
    """This type and all that is inside it, the fields of user types included."""
    facts = {found.__facts__.name: found.__facts__ for found in cast("Iterable[_UserTypeClass]", classes)}
    for inside in walk(cql_type):
        yield inside
        if isinstance(inside, UserTypeName) and inside.name in facts:
            for _, field in facts[inside.name].fields:
                yield from deep_walk(field, classes)


def has_open_collections(cql_type: CqlType, classes: Iterable[type]) -> bool:
    """Whether this is a user type that is not frozen and has a field that is not: servers refuse it as a column."""
    if not isinstance(cql_type, UserTypeName) or cql_type.frozen:
        return False
    found = (cast("_UserTypeClass", each).__facts__ for each in classes)
    return any(not is_frozen(field) for facts in found if facts.name == cql_type.name for _, field in facts.fields)
