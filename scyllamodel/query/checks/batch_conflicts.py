"""Detection of writes in one batch that would overwrite one another, by the cells that they change.

In: compiled writes, with their timestamps. Out: nothing, or `QueryNotSupported` that names both writes. All writes of a
batch have one timestamp unless they set another. Of two values with the same timestamp the larger one wins, not the
later one, and a delete wins over both. Rows and values are compared in their stored form.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import attrs

from scyllamodel.query.instances import InstanceStatements, statements_for
from scyllamodel.query.not_supported import not_supported
from scyllamodel.query.statement import UNSET, CellWrite, CompiledStatement
from scyllamodel.query.targets import columns_of
from scyllamodel.types.annotations import unwrapped_type
from scyllamodel.types.cql_types import ListType, MapType
from scyllamodel.types.identity import BUILTIN_EQUALITY, Identity, cell_form, stored_form

if TYPE_CHECKING:
    from scyllamodel.errors import QueryNotSupported
    from scyllamodel.model.column import Column

Cells: TypeAlias = "Mapping[str, Mapping[Hashable, Hashable]]"

_WHOLE_VALUE: Final = "whole"
"""The part that is the whole value."""

_DELETED: Final = object()
_SERVER_VALUE: Final = object()
"""A value that a server function computes."""

_PRESENT: Final = object()
"""The state of an element of a set or list after it is added."""

_ADVICE: Final = "Send them one after the other, or set the order with batch.timestamp(…)."


@attrs.frozen(eq=False)
class _Effect:
    """What one write does to a row, to the static columns of a partition, or to all rows with a common key prefix.

    Attributes:
        place: timestamp, table and key, or a prefix of the key.
        partition: the part of ``place`` that identifies the partition.
        verb: the verb, for errors.
        deletes: whether the write deletes rows.
        is_row: whether the place is one row, or the static columns of a partition.
        cells: returns, for each column, the new values of its parts. Called only if another write of the batch has
            the same place, which is rare.
    """

    place: tuple[Hashable, ...] = attrs.field(repr=False)  # keys, which may be redacted
    partition: tuple[Hashable, ...] = attrs.field(repr=False)
    verb: str
    deletes: bool = False
    is_row: bool = True
    cells: Callable[[], Cells] = dict


class WriteConflicts:
    """The writes of a batch, grouped by row."""

    def __init__(self) -> None:
        self._by_owner: dict[Hashable, list[_Effect]] = {}
        self._row_effects: dict[Hashable, dict[Hashable, _Effect]] = {}
        self._partition_effects: dict[Hashable, dict[Hashable, _Effect]] = {}

    def add(self, owner: Hashable, compiled: CompiledStatement[Any], time: int | None) -> None:
        """Add a write; it replaces the earlier write of the same owner.

        Raises:
            QueryNotSupported: this write and another one with the same timestamp conflict.
        """
        self.remove(owner)
        effects = list(_effects_of(compiled, time))
        for effect in effects:
            for other in self._overlapping(effect):
                if (reason := _conflict(effect, other)) is not None:
                    raise _conflict_error(compiled, effect, other, reason)
        self._by_owner[owner] = effects
        for effect in effects:
            self._effects_at(effect)[owner] = effect

    def remove(self, owner: Hashable) -> None:
        """Remove the write of an owner."""
        for effect in self._by_owner.pop(owner, ()):
            del self._effects_at(effect)[owner]

    def _effects_at(self, effect: _Effect) -> dict[Hashable, _Effect]:
        if effect.is_row:
            return self._row_effects.setdefault(effect.place, {})
        return self._partition_effects.setdefault(effect.partition, {})

    def _overlapping(self, effect: _Effect) -> Iterator[_Effect]:
        """Yield the writes that may change the same cells."""
        yield from self._partition_effects.get(effect.partition, {}).values()
        if effect.is_row:
            yield from self._row_effects.get(effect.place, {}).values()
            return
        for effects in self._by_owner.values():
            yield from (other for other in effects if other.is_row and other.partition == effect.partition)


def _effects_of(compiled: CompiledStatement[Any], time: int | None) -> Iterator[_Effect]:
    """Yield the effects of a write; nothing if they are unknown, as for rows in JSON or in several partitions."""
    template = compiled.template
    if template.model is None or not template.key or template.counter:
        return
    statements: InstanceStatements[Any] = statements_for(template.model, template.keyspace)
    key = [compiled.values[position] for position in template.key]
    place = (time, *cast("tuple[Hashable, ...]", statements.row_identity(key)))
    partition = place[: len(place) - len(key) + len(statements.partition_key)]
    is_row = len(key) == len(statements.key)
    if template.verb == "delete" and not template.writes:
        yield _Effect(place, partition, template.verb, deletes=True, is_row=is_row)
        return
    if template.verb == "insert" and not statements.has_static:
        yield _Effect(place, partition, template.verb, is_row=is_row, cells=cache(lambda: _cells(compiled)[0]))
        return
    row, static = _cells(compiled)
    if static:
        yield _Effect(partition, partition, template.verb, cells=lambda: static)
    if row or template.verb == "insert":
        yield _Effect(place, partition, template.verb, is_row=is_row, cells=lambda: row)


def _conflict(left: _Effect, right: _Effect) -> str | None:
    """Return why two writes conflict, or None."""
    if left.deletes and right.deletes:
        return None
    if left.deletes or right.deletes:
        delete, write = (left, right) if left.deletes else (right, left)
        is_covered = _starts_with(write.place, delete.place) or (
            not write.is_row and _starts_with(delete.place, write.place)
        )
        return "the delete wins" if is_covered else None
    if left.place != right.place or not (left.is_row and right.is_row):
        return None
    left_cells, right_cells = left.cells(), right.cells()
    lost = [
        name for name, cells in left_cells.items() if name in right_cells and _cells_differ(cells, right_cells[name])
    ]
    return f"of two changes of {lost[0]} the later one does not necessarily win" if lost else None


def _starts_with(place: tuple[Hashable, ...], prefix: tuple[Hashable, ...]) -> bool:
    return place[: len(prefix)] == prefix


def _cells_differ(left: Mapping[Hashable, Hashable], right: Mapping[Hashable, Hashable]) -> bool:
    if _WHOLE_VALUE in left or _WHOLE_VALUE in right:
        return left != right
    return any(left[part] != right[part] for part in left.keys() & right.keys())


def _cells(
    compiled: CompiledStatement[Any],
) -> tuple[dict[str, dict[Hashable, Hashable]], dict[str, dict[Hashable, Hashable]]]:
    """Return the cells of the row that a write changes, and those of the static columns."""
    row: dict[str, dict[Hashable, Hashable]] = {}
    static: dict[str, dict[Hashable, Hashable]] = {}
    columns = columns_of(cast("type", compiled.template.model))
    for write in compiled.template.writes:
        column = columns[write.column]
        value = (
            _DELETED
            if write.operation == "delete"
            else _SERVER_VALUE
            if write.value_index is None
            else compiled.values[write.value_index]
        )
        if value is not UNSET:
            key = None if write.element_index is None else compiled.values[write.element_index]
            cells = static if column.spec.kind == "static" else row
            cells.setdefault(write.column, {}).update(_changed_parts(column, write, key, value))
    return row, static


def _changed_parts(column: Column[Any], write: CellWrite, key: Any, value: Any) -> Iterator[tuple[Hashable, Hashable]]:
    """Yield the parts of a column's value that a write changes, and their new values."""
    element_identities, cql_type = column.identity.element_identities, column.type_mapping.type
    if write.operation in ("set", "delete"):
        part, identity = _changed_part(column, write, key)
        yield part, _new_value(identity, value)
    elif isinstance(cql_type, MapType) and write.operation == "add":
        for element, item in value.items():
            yield (
                ("element", _element_form(element_identities, element)),
                _new_value(element_identities[1] if element_identities else None, item),
            )
    else:
        kind = "value" if isinstance(cql_type, ListType) else "element"
        for element in value:
            yield (kind, _element_form(element_identities, element)), None if write.operation == "remove" else _PRESENT


def _changed_part(column: Column[Any], write: CellWrite, key: Any) -> tuple[Hashable, Identity | None]:
    """Return the part of a value that is set or deleted, and the identity by which its values are compared."""
    element_identities = column.identity.element_identities
    if write.element_index is not None:
        is_map = isinstance(column.type_mapping.type, MapType)
        return ("element", _element_form(element_identities, key) if is_map else key), element_identities[
            is_map
        ] if element_identities else None
    if write.field is not None:
        names = [field.name for field in attrs.fields(unwrapped_type(column.type_mapping.python))]
        return ("field", write.field), element_identities[names.index(write.field)] if element_identities else None
    return _WHOLE_VALUE, column.identity


def _new_value(identity: Identity | None, value: Any) -> Hashable:
    """Return the new value of a part: None if it is deleted, and a unique object if the server computes it."""
    if value is _SERVER_VALUE:
        return object()
    return None if value is None or value is _DELETED else stored_form(identity or BUILTIN_EQUALITY, value)


def _element_form(element_identities: tuple[Identity, ...], value: Any) -> Hashable:
    return cell_form(element_identities[0] if element_identities else BUILTIN_EQUALITY, value)


def _conflict_error(
    compiled: CompiledStatement[Any], effect: _Effect, other: _Effect, reason: str
) -> QueryNotSupported:
    name = getattr(compiled.template.model, "__qualname__", "")
    return not_supported(
        f"This {effect.verb} of {name} changes a row that another {other.verb} in this batch changes too: both have "
        f"the same timestamp, and {reason}.",
        _ADVICE,
    )
