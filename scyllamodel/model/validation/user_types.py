"""User types inside annotations, and CQL types inside user types.

A CQL type refers to a user type by name only; the class of the user type has its fields. Checks of nested types need
both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, cast

from scyllamodel.model.field_declaration import FieldDeclarations
from scyllamodel.schema.facts.objects import UserType as UserTypeFacts
from scyllamodel.types.cql_types import CqlType, UserTypeName, is_frozen, user_type_names, walk
from scyllamodel.types.user_types import user_types_in


class _UserTypeClass(Protocol):
    __facts__: UserTypeFacts
    __user_types__: tuple[type, ...]


def user_types_of(columns: FieldDeclarations) -> tuple[type, ...]:
    """Return the classes of all user types in these columns, each once, after those that it requires."""
    with_user_types = [
        column for column in columns.values() if column.type_mapping and user_type_names(column.type_mapping.type)
    ]
    direct_types = [
        user_type for column in with_user_types for user_type in user_types_in((column.annotation, column.spec.type))
    ]
    return tuple(
        dict.fromkeys(
            required
            for user_type in direct_types
            for required in (*cast("_UserTypeClass", user_type).__user_types__, user_type)
        )
    )


def walk_user_types(cql_type: CqlType, classes: Iterable[type]) -> Iterator[CqlType]:
    """Yield this type and all types inside it, including the fields of user types."""
    facts = {user_type.__facts__.name: user_type.__facts__ for user_type in cast("Iterable[_UserTypeClass]", classes)}
    for part in walk(cql_type):
        yield part
        if isinstance(part, UserTypeName) and part.name in facts:
            for _, field in facts[part.name].fields:
                yield from walk_user_types(field, classes)


def has_unfrozen_fields(cql_type: CqlType, classes: Iterable[type]) -> bool:
    """Whether this is a non-frozen user type with a non-frozen field, which servers refuse as a column."""
    if not isinstance(cql_type, UserTypeName) or cql_type.frozen:
        return False
    all_facts = (cast("_UserTypeClass", user_type).__facts__ for user_type in classes)
    return any(not is_frozen(field) for facts in all_facts if facts.name == cql_type.name for _, field in facts.fields)
