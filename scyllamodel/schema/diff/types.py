"""User types: new ones in the order of their needs, fields that are appended, and everything that CQL cannot do.

The binary form of a user type is its values in the order of its fields. So the fields of both sides are compared by
position: the one must begin with the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from scyllamodel.schema.changes import AddField, AddType, AlterUserType, Change, RenameFields, Unmanaged
from scyllamodel.schema.order import dependency_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scyllamodel.schema.diff.sides import SchemaPair
    from scyllamodel.schema.facts import UserType


def diff_types(pair: SchemaPair) -> Iterator[Change]:
    """New types first, then fields, then what cannot be, then what no model declares."""
    desired = pair.desired.types
    missing = dependency_order(item for item in desired if item.name not in pair.live_types)
    yield from (AddType(pair.name, item) for item in missing)
    shared = [(pair.live_types[item.name], item) for item in desired if item.name in pair.live_types]
    for live, item in shared:
        yield from _diff_fields(pair.name, live, item)
    declared = {item.name for item in desired}
    yield from (Unmanaged(pair.name, "type", t.name, t) for t in pair.live.types if t.name not in declared)


def field_renames(live: UserType, desired: UserType) -> tuple[tuple[str, str], ...]:
    """The ``(old, new)`` names of fields that are declared as renamed and are still stored under the old name."""
    stored = dict(live.fields)
    return tuple((old, new) for new, old in desired.renamed.items() if old in stored and new not in stored)


def with_renamed_fields(user_type: UserType, names: Iterable[tuple[str, str]]) -> UserType:
    """The type with these fields under their new names."""
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
    """Code and field of each difference: gone (UD101), of another type (UD102), or else in another place (UD104)."""
    stored, declared = dict(live.fields), dict(desired.fields)
    faults = [("UD101", name) for name in stored if name not in declared]
    faults += [("UD102", name) for name in stored if name in declared and stored[name] != declared[name]]
    if not faults:
        pairs = zip(desired.fields, live.fields, strict=False)
        faults = [("UD104", new[0]) for new, old in pairs if new[0] != old[0]][:1]
    return faults
