"""Conversion of a change of a column to the assignments of an UPDATE.

In: a `Change`. Out: assignments; of a collection or user type only the differences. Elements and keys are matched as
the server matches them, so that none is both added and removed in one statement, where the removal would win.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from typing import Any

import attrs

from scyllamodel.model.change_tracking import UNKNOWN, Change
from scyllamodel.model.expression import Assignment, ColumnTarget, FieldTarget, Operation
from scyllamodel.types.annotations import unwrapped_type
from scyllamodel.types.cql_types import ListType, MapType, Native, SetType, is_multi_cell
from scyllamodel.types.identity import Identity, is_same


def column_assignments(change: Change) -> list[Assignment]:
    """Return the assignments that change the old value to the new one.

    An empty collection is extended and not replaced, since replacing writes a tombstone first. A value that cannot be
    stored is assigned whole, so that binding refuses it; a column whose stored value is unknown is assigned whole too.
    """
    column, new_value = change.column, change.new_value
    if (
        type(column.type_mapping.type) is Native  # most columns, recognized without the other checks
        or new_value is None
        or change.old_value is UNKNOWN
        or column.type_mapping.custom
        or not is_multi_cell(column.type_mapping.type)
    ):
        return [Assignment(column.target, "set", new_value)]
    try:
        return list(_partial_assignments(change))
    except Exception:  # noqa: BLE001 - values of any class; binding reports those that cannot be stored
        return [Assignment(column.target, "set", new_value)]


def _partial_assignments(change: Change) -> Iterator[Assignment]:
    column, old, new = change
    target, cql_type, identity = column.target, column.type_mapping.type, column.identity
    if isinstance(cql_type, SetType):
        added, removed = _set_difference(identity.element_identities[0], old or (), new)
        yield from _assignment_of(target, "add", added)
        yield from _assignment_of(target, "remove", removed)
    elif isinstance(cql_type, MapType):
        pairs, removed_keys = _map_difference(
            identity.element_identities[0], identity.element_identities[1], old or {}, new
        )
        yield from _assignment_of(target, "add", pairs)
        yield from _assignment_of(target, "remove", removed_keys)
    elif isinstance(cql_type, ListType):
        yield _list_difference(target, identity.element_identities[0], old or [], new)
    elif old is None:
        yield Assignment(target, "set", new)
    else:  # a user type
        names = [field.name for field in attrs.fields(unwrapped_type(column.type_mapping.python))]
        for name, field in zip(names, identity.element_identities, strict=True):
            if not is_same(field, getattr(old, name), getattr(new, name)):
                yield Assignment(FieldTarget(target, name), "set", getattr(new, name))


def _assignment_of(target: ColumnTarget, operation: Operation, values: Collection[Any]) -> Iterator[Assignment]:
    if values:
        yield Assignment(target, operation, values)


def _by_cell(cell_form: Callable[[Any], Hashable] | None, values: Iterable[Any]) -> dict[Hashable, Any]:
    return {value if cell_form is None else cell_form(value): value for value in values}


def _set_difference(
    element: Identity, old_elements: Collection[Any], new_elements: Collection[Any]
) -> tuple[set[Any], set[Any]]:
    """Return the elements to add, with their new values, and those to remove, with their stored values."""
    if element.is_plain:
        return set(new_elements) - set(old_elements), set(old_elements) - set(new_elements)
    old_by_cell, new_by_cell = _by_cell(element.cell, old_elements), _by_cell(element.cell, new_elements)
    if (
        len(new_by_cell) < len(new_elements) and element.cell
    ):  # elements that are equal to the server: a stored one stays
        new_by_cell |= {
            cell: value
            for value in new_elements
            if (cell := element.cell(value)) in old_by_cell and element.equal(old_by_cell[cell], value)
        }
    added = {
        value
        for cell, value in new_by_cell.items()
        if cell not in old_by_cell or not element.equal(old_by_cell[cell], value)
    }
    return added, {value for cell, value in old_by_cell.items() if cell not in new_by_cell}


def _map_difference(
    key: Identity, value: Identity, old_map: Mapping[Any, Any], new_map: Mapping[Any, Any]
) -> tuple[dict[Any, Any], set[Any]]:
    """Return the pairs to set, and the keys to remove, with their stored values."""
    old_by_cell, new_by_cell = _by_cell(key.cell, old_map), _by_cell(key.cell, new_map)
    if len(new_by_cell) < len(new_map):
        raise ValueError("two keys of the map have the same stored value")
    pairs = {
        changed_key: new_map[changed_key]
        for cell, changed_key in new_by_cell.items()
        if cell not in old_by_cell
        or not (
            key.equal(old_by_cell[cell], changed_key)
            and is_same(value, old_map[old_by_cell[cell]], new_map[changed_key])
        )
    }
    return pairs, {removed_key for cell, removed_key in old_by_cell.items() if cell not in new_by_cell}


def _list_difference(target: ColumnTarget, element: Identity, old_list: list[Any], new_list: list[Any]) -> Assignment:
    old_forms, new_forms = _stored_forms(element, old_list), _stored_forms(element, new_list)
    if new_forms[: len(old_forms)] == old_forms:
        return Assignment(target, "append", new_list[len(old_forms) :])
    if old_forms and new_forms[-len(old_forms) :] == old_forms:
        return Assignment(target, "prepend", new_list[: -len(old_forms)])
    return Assignment(target, "set", new_list)


def _stored_forms(element: Identity, values: list[Any]) -> list[Any]:
    if element.stored is None:
        return list(values)
    return [element.stored(value) for value in values]
