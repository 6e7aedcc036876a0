"""User types: new ones in the order of their needs, fields that are appended, and everything that CQL cannot do.

The binary form of a user type is its values in the order of its fields. So the fields of both sides are compared by
position: the one must begin with the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from scyllamodel.schema.changes import AddField, AddType, AlterUserType, Change, LiveOnly, RenameFields
from scyllamodel.schema.order import types_in_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scyllamodel.schema.diff.sides import Sides
    from scyllamodel.schema.facts import UserType


def diff_types(sides: Sides) -> Iterator[Change]:
    """New types first, then fields, then what cannot be, then what no model declares."""
    wanted = sides.wanted.types
    missing = types_in_order(item for item in wanted if item.name not in sides.types)
    yield from (AddType(sides.name, item) for item in missing)
    shared = [(sides.types[item.name], item) for item in wanted if item.name in sides.types]
    for found, item in shared:
        yield from _fields(sides.name, found, item)
    declared = {item.name for item in wanted}
    yield from (LiveOnly(sides.name, "type", t.name, t) for t in sides.found.types if t.name not in declared)


def field_renames(found: UserType, wanted: UserType) -> tuple[tuple[str, str], ...]:
    """The ``(old, new)`` names of fields that are declared as renamed and are still stored under the old name."""
    stored = dict(found.fields)
    return tuple((old, new) for new, old in wanted.renamed.items() if old in stored and new not in stored)


def renamed(found: UserType, names: Iterable[tuple[str, str]]) -> UserType:
    """The type with these fields under their new names."""
    new = dict(names)
    return attrs.evolve(found, fields=tuple((new.get(name, name), kind) for name, kind in found.fields))


def _fields(keyspace: str, found: UserType, wanted: UserType) -> Iterator[Change]:
    if names := field_renames(found, wanted):
        yield RenameFields(keyspace, found.name, names)
        found = renamed(found, names)
    stored, declared = found.fields, wanted.fields
    if stored == declared:
        return
    if stored == declared[: len(stored)]:
        for name, field_type in declared[len(stored) :]:
            yield AddField(keyspace, found.name, name, field_type)
    elif declared == stored[: len(declared)]:
        for name, field_type in stored[len(declared) :]:
            yield LiveOnly(keyspace, "field", f"{found.name}.{name}", field_type)
    else:
        yield from (AlterUserType(keyspace, found, wanted, code, field) for code, field in _faults(found, wanted))


def _faults(found: UserType, wanted: UserType) -> list[tuple[str, str]]:
    """Code and field of each difference: gone (UD101), of another type (UD102), or else in another place (UD104)."""
    stored, declared = dict(found.fields), dict(wanted.fields)
    faults = [("UD101", name) for name in stored if name not in declared]
    faults += [("UD102", name) for name in stored if name in declared and stored[name] != declared[name]]
    if not faults:
        pairs = zip(wanted.fields, found.fields, strict=False)
        faults = [("UD104", new[0]) for new, old in pairs if new[0] != old[0]][:1]
    return faults
