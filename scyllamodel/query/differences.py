"""What changed in a column -> the assignments that change it in the row.

Comes in: a `Change`. Goes out: of a collection or user type only what differs. Elements and keys are matched as the
server matches them, so none of them is ever both added and removed in one statement, where the removal would win.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from typing import Any

import attrs

from scyllamodel.model.expression import Assignment, ColumnTarget, FieldTarget, Operation
from scyllamodel.model.state import UNKNOWN, Change
from scyllamodel.types.hints import unwrapped_type
from scyllamodel.types.identity import Identity, is_same
from scyllamodel.types.values import ListType, MapType, SetType, is_multi_cell


def differences(change: Change) -> list[Assignment]:
    """The assignments that turn what was into what is.

    A collection that was empty is added to rather than replaced, since replacing one writes a tombstone first. A value
    that cannot be stored is assigned whole, and refused when it is bound; so is one whose stored value is not known.
    """
    column, now = change.column, change.now
    if now is None or change.was is UNKNOWN or column.hint.custom or not is_multi_cell(column.hint.type):
        return [Assignment(column.target, "set", now)]
    try:
        return list(_inside(change))
    except Exception:  # noqa: BLE001 - of whatever class the value is; the binder names it
        return [Assignment(column.target, "set", now)]


def _inside(change: Change) -> Iterator[Assignment]:
    column, was, now = change
    target, cql_type, identity = column.target, column.hint.type, column.identity
    if isinstance(cql_type, SetType):
        added, removed = _set_difference(identity.element_identities[0], was or (), now)
        yield from _some(target, "add", added)
        yield from _some(target, "remove", removed)
    elif isinstance(cql_type, MapType):
        put, taken = _map_difference(identity.element_identities[0], identity.element_identities[1], was or {}, now)
        yield from _some(target, "add", put)
        yield from _some(target, "remove", taken)
    elif isinstance(cql_type, ListType):
        yield _list_difference(target, identity.element_identities[0], was or [], now)
    elif was is None:
        yield Assignment(target, "set", now)
    else:  # a user type
        names = [field.name for field in attrs.fields(unwrapped_type(column.hint.python))]
        for name, field in zip(names, identity.element_identities, strict=True):
            if not is_same(field, getattr(was, name), getattr(now, name)):
                yield Assignment(FieldTarget(target, name), "set", getattr(now, name))


def _some(target: ColumnTarget, operation: Operation, values: Collection[Any]) -> Iterator[Assignment]:
    if values:
        yield Assignment(target, operation, values)


def _by_cell(cell: Callable[[Any], Hashable] | None, values: Iterable[Any]) -> dict[Hashable, Any]:
    return {value if cell is None else cell(value): value for value in values}


def _set_difference(element: Identity, was: Collection[Any], now: Collection[Any]) -> tuple[set[Any], set[Any]]:
    """The elements to add, as they are now, and those to remove, as they are stored."""
    if element.is_plain:
        return set(now) - set(was), set(was) - set(now)
    old, new = _by_cell(element.cell, was), _by_cell(element.cell, now)
    if len(new) < len(now) and element.cell:  # several are one to the server: if it has one of them, that one stays
        new |= {
            cell: value for value in now if (cell := element.cell(value)) in old and element.equal(old[cell], value)
        }
    added = {value for cell, value in new.items() if cell not in old or not element.equal(old[cell], value)}
    return added, {value for cell, value in old.items() if cell not in new}


def _map_difference(
    key: Identity, value: Identity, was: Mapping[Any, Any], now: Mapping[Any, Any]
) -> tuple[dict[Any, Any], set[Any]]:
    """The pairs to put, and the keys to remove, as they are stored."""
    old, new = _by_cell(key.cell, was), _by_cell(key.cell, now)
    if len(new) < len(now):
        raise ValueError("two keys of it are stored as one")
    put = {
        found: now[found]
        for cell, found in new.items()
        if cell not in old or not (key.equal(old[cell], found) and is_same(value, was[old[cell]], now[found]))
    }
    return put, {found for cell, found in old.items() if cell not in new}


def _list_difference(target: ColumnTarget, element: Identity, was: list[Any], now: list[Any]) -> Assignment:
    old, new = _comparable(element, was), _comparable(element, now)
    if new[: len(old)] == old:
        return Assignment(target, "append", now[len(old) :])
    if old and new[-len(old) :] == old:
        return Assignment(target, "prepend", now[: -len(old)])
    return Assignment(target, "set", now)


def _comparable(element: Identity, values: list[Any]) -> list[Any]:
    if element.stored is None:
        return list(values)
    return [element.stored(value) for value in values]
