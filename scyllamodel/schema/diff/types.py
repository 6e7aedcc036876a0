"""Compare user types: new ones in dependency order, appended fields, and changes that CQL cannot make.

A user type is stored as its values in the order of its fields. So the fields are compared by position: the desired
fields have to begin with the live ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from scyllamodel.schema.changes.kinds import AddField, AddType, AlterUserType, Change, RenameFields, Unmanaged
from scyllamodel.schema.facts.type_order import dependency_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scyllamodel.schema.diff.schema_pair import SchemaPair
    from scyllamodel.schema.facts.objects import UserType


def diff_types(pair: SchemaPair) -> Iterator[Change]:
    """The changes: new types first, then fields, impossible changes, and types that no model declares."""
    desired = pair.desired.types
    missing = dependency_order(item for item in desired if item.name not in pair.live_types)
    yield from (AddType(pair.name, item) for item in missing)
    shared = [(pair.live_types[item.name], item) for item in desired if item.name in pair.live_types]
    for live, item in shared:
        yield from _diff_fields(pair.name, live, item)
    declared = {item.name for item in desired}
    yield from (Unmanaged(pair.name, "type", t.name, t) for t in pair.live.types if t.name not in declared)


def field_renames(live: UserType, desired: UserType) -> tuple[tuple[str, str], ...]:
    """The ``(old, new)`` names of renamed fields that are still stored under the old name."""
    stored = dict(live.fields)
    return tuple((old, new) for new, old in desired.renamed.items() if old in stored and new not in stored)


def with_renamed_fields(user_type: UserType, names: Iterable[tuple[str, str]]) -> UserType:
    """The type with the new names of these fields."""
    new_names = dict(names)
    return attrs.evolve(user_type, fields=tuple((new_names.get(name, name), kind) for name, kind in user_type.fields))


def _diff_fields(keyspace: str, live: UserType, desired: UserType) -> Iterator[Change]:
    if names := field_renames(live, desired):
        yield RenameFields(keyspace, live.name, names)
        live = with_renamed_fields(live, names)
    stored, declared = live.fields, desired.fields
    if stored == declared:
        return
    if stored == declared[: len(stored)]:
        for name, field_type in declared[len(stored) :]:
            yield AddField(keyspace, live.name, name, field_type)
    elif declared == stored[: len(declared)]:
        for name, field_type in stored[len(declared) :]:
            yield Unmanaged(keyspace, "field", f"{live.name}.{name}", field_type)
    else:
        yield from (
            AlterUserType(keyspace, live, desired, code, field) for code, field in _difference_codes(live, desired)
        )


def _difference_codes(live: UserType, desired: UserType) -> list[tuple[str, str]]:
    """Code and field of each difference: missing (UD101), of another type (UD102), or in another position (UD104)."""
    stored, declared = dict(live.fields), dict(desired.fields)
    faults = [("UD101", name) for name in stored if name not in declared]
    faults += [("UD102", name) for name in stored if name in declared and stored[name] != declared[name]]
    if not faults:
        pairs = zip(desired.fields, live.fields, strict=False)
        faults = [("UD104", new[0]) for new, old in pairs if new[0] != old[0]][:1]
    return faults
