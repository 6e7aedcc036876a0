"""Replace a user type whose fields CQL cannot alter: a new type, in a new column beside the old one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from scyllamodel.schema.expand_contract.columns import plan_column_change
from scyllamodel.schema.expand_contract.plan import ExpandContractPlan
from scyllamodel.schema.expand_contract.refused_change import RefusedChange
from scyllamodel.schema.facts.objects import UserType
from scyllamodel.schema.rules.suggested_fixes import free_name
from scyllamodel.schema.rules.user_types import containing_types
from scyllamodel.types.cql_types import CqlType, user_type_names, with_renamed_user_types

if TYPE_CHECKING:
    from collections.abc import Collection

    from scyllamodel.schema.facts.objects import TableColumn


def plan_type_change(refused: RefusedChange, column: TableColumn, refused_types: Collection[str]) -> ExpandContractPlan:
    """The expand/contract plan for a column that uses such types, at any depth.

    Parameters:
        column: the live column.
        refused_types: the user types whose change was refused.
    """
    names = _new_names(refused, column, refused_types)
    live_types = {user_type.name: user_type for user_type in refused.live.types}
    new_types = [_renamed(user_type, names) for user_type in refused.desired.types if user_type.name in names]
    kept_types = [
        live_types.get(user_type.name, user_type) if user_type.name in names else user_type
        for user_type in refused.desired.types
    ]
    class_names = dict(refused.names.classes)
    for old, new in names.items():
        class_names["type", new] = f"{class_names.get(('type', old), old)}{new.removeprefix(old).strip('_')}"
    desired = attrs.evolve(column, type=with_renamed_user_types(column.type, names))
    return plan_column_change(
        attrs.evolve(
            refused,
            desired=attrs.evolve(refused.desired, types=[*kept_types, *new_types]),
            names=attrs.evolve(refused.names, classes=class_names),
        ),
        column,
        desired,
    )


def holds_refused_type(column: TableColumn, types: Collection[UserType], refused_types: Collection[str]) -> bool:
    """Whether a column uses one of these types, at any depth."""
    return any(not containing_types(name, types).isdisjoint(user_type_names(column.type)) for name in refused_types)


def _new_names(refused: RefusedChange, column: TableColumn, refused_types: Collection[str]) -> dict[str, str]:
    """A free name for each user type in the column that was refused, or contains a refused one."""
    reached_types = _reached_types(column.type, refused.desired.types)
    affected_types = frozenset[str]().union(*(containing_types(name, refused.desired.types) for name in refused_types))
    taken_names = {user_type.name for user_type in (*refused.live.types, *refused.desired.types)}
    return {name: free_name(name, taken_names) for name in sorted(reached_types & affected_types)}


def _reached_types(cql_type: CqlType, types: Collection[UserType]) -> set[str]:
    """The user types in a type, at any depth."""
    known = {reached.name: reached for reached in types}
    pending, user_type = list(user_type_names(cql_type)), set[str]()
    while pending:
        name = pending.pop()
        if name not in user_type and name in known:
            user_type.add(name)
            pending += known[name].user_types
    return user_type


def _renamed(user_type: UserType, names: dict[str, str]) -> UserType:
    fields = tuple((field, with_renamed_user_types(cql_type, names)) for field, cql_type in user_type.fields)
    return UserType(names[user_type.name], fields, user_type.keyspace)
