"""Which writes of one batch would lose one another, decided on what they do to which cells.

Comes in: compiled writes, with their time. Goes out: nothing, or `QueryNotSupported` with both writes named. All writes
of a batch have one time unless they name another: of two values of that time the larger one wins and not the later, and
a delete wins over both. Rows and values are compared in their stored form.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import attrs

from scyllamodel.query.objects import Access, access_to
from scyllamodel.query.parts import columns_of
from scyllamodel.query.statement import UNSET, CellWrite, Compiled
from scyllamodel.query.tuning import refuse
from scyllamodel.types.hints import unwrapped_type
from scyllamodel.types.identity import BUILTIN_EQUALITY, Identity, cell_form, stored_form
from scyllamodel.types.values import ListType, MapType

if TYPE_CHECKING:
    from scyllamodel.errors import QueryNotSupported
    from scyllamodel.model.column import Column

Cells: TypeAlias = "Mapping[str, Mapping[Hashable, Hashable]]"

_WHOLE: Final = "whole"
"""The part of a value that is all of it."""

_GONE: Final = object()
_MADE: Final = object()
"""A value that a function of the server makes."""

_THERE: Final = object()
"""What an element of a set or list becomes by being added."""

_HELP: Final = "Send them one after the other, or say which is later: batch.timestamp(…)."


@attrs.frozen(eq=False)
class _Effect:
    """What one write does to a row, to the static columns of a partition, or to all rows whose keys begin alike.

    Attributes:
        place: time, table and key, or the beginning of the key.
        partition: the part of it that names the partition.
        verb: for errors.
        deletes: whether it deletes rows.
        is_row: whether the place is one row, or the static columns of a partition.
        cells: makes, for each column, parts of its value to what they become. It is called when another write of the
            batch is of this place, which is rare.
    """

    place: tuple[Hashable, ...] = attrs.field(repr=False)  # keys, of which the model knows what is shown
    partition: tuple[Hashable, ...] = attrs.field(repr=False)
    verb: str
    deletes: bool = False
    is_row: bool = True
    cells: Callable[[], Cells] = dict


class WriteConflicts:
    """The writes of a batch by their rows."""

    def __init__(self) -> None:
        self._by_owner: dict[Hashable, list[_Effect]] = {}
        self._rows: dict[Hashable, dict[Hashable, _Effect]] = {}
        self._wide: dict[Hashable, dict[Hashable, _Effect]] = {}

    def put(self, owner: Hashable, compiled: Compiled[Any], time: int | None) -> None:
        """Add a write; what the same owner wrote before does not count any more.

        Raises:
            QueryNotSupported: it and another write of its time would lose one another.
        """
        self.discard(owner)
        effects = list(_effects(compiled, time))
        for effect in effects:
            for other in self._near(effect):
                if (reason := _conflict(effect, other)) is not None:
                    raise _refusal(compiled, effect, other, reason)
        self._by_owner[owner] = effects
        for effect in effects:
            self._at(effect)[owner] = effect

    def discard(self, owner: Hashable) -> None:
        """Forget what an owner wrote."""
        for effect in self._by_owner.pop(owner, ()):
            del self._at(effect)[owner]

    def _at(self, effect: _Effect) -> dict[Hashable, _Effect]:
        if effect.is_row:
            return self._rows.setdefault(effect.place, {})
        return self._wide.setdefault(effect.partition, {})

    def _near(self, effect: _Effect) -> Iterator[_Effect]:
        """Writes that may touch the same cells."""
        yield from self._wide.get(effect.partition, {}).values()
        if effect.is_row:
            yield from self._rows.get(effect.place, {}).values()
            return
        for effects in self._by_owner.values():
            yield from (other for other in effects if other.is_row and other.partition == effect.partition)


def _effects(compiled: Compiled[Any], time: int | None) -> Iterator[_Effect]:
    """What a write does; nothing where that cannot be said, as of rows in JSON or in several partitions."""
    shape = compiled.shape
    if shape.model is None or not shape.key or shape.counter:
        return
    access: Access[Any] = access_to(shape.model, shape.keyspace)
    key = [compiled.values[at] for at in shape.key]
    place = (time, *cast("tuple[Hashable, ...]", access.row_identity(key)))
    partition = place[: len(place) - len(key) + len(access.partition)]
    is_row = len(key) == len(access.key)
    if shape.verb == "delete" and not shape.writes:
        yield _Effect(place, partition, shape.verb, deletes=True, is_row=is_row)
        return
    if shape.verb == "insert" and not access.has_static:
        yield _Effect(place, partition, shape.verb, is_row=is_row, cells=cache(lambda: _cells(compiled)[0]))
        return
    row, static = _cells(compiled)
    if static:
        yield _Effect(partition, partition, shape.verb, cells=lambda: static)
    if row or shape.verb == "insert":
        yield _Effect(place, partition, shape.verb, is_row=is_row, cells=lambda: row)


def _conflict(one: _Effect, other: _Effect) -> str | None:
    """Why two writes would lose one another, or None."""
    if one.deletes and other.deletes:
        return None
    if one.deletes or other.deletes:
        delete, write = (one, other) if one.deletes else (other, one)
        covers = _begins(write.place, delete.place) or (not write.is_row and _begins(delete.place, write.place))
        return "the delete wins" if covers else None
    if one.place != other.place or not (one.is_row and other.is_row):
        return None
    mine, theirs = one.cells(), other.cells()
    lost = [name for name, cells in mine.items() if name in theirs and _differ(cells, theirs[name])]
    return f"of two changes of {lost[0]} it is not the later one that wins" if lost else None


def _begins(place: tuple[Hashable, ...], beginning: tuple[Hashable, ...]) -> bool:
    return place[: len(beginning)] == beginning


def _differ(one: Mapping[Hashable, Hashable], other: Mapping[Hashable, Hashable]) -> bool:
    if _WHOLE in one or _WHOLE in other:
        return one != other
    return any(one[part] != other[part] for part in one.keys() & other.keys())


def _cells(compiled: Compiled[Any]) -> tuple[dict[str, dict[Hashable, Hashable]], dict[str, dict[Hashable, Hashable]]]:
    """The cells of the row that a write changes, and those of the static columns."""
    row: dict[str, dict[Hashable, Hashable]] = {}
    static: dict[str, dict[Hashable, Hashable]] = {}
    columns = columns_of(cast("type", compiled.shape.model))
    for write in compiled.shape.writes:
        column = columns[write.column]
        value = _GONE if write.operation == "delete" else _MADE if write.at is None else compiled.values[write.at]
        if value is not UNSET:
            key = None if write.element is None else compiled.values[write.element]
            cells = static if column.spec.kind == "static" else row
            cells.setdefault(write.column, {}).update(_parts(column, write, key, value))
    return row, static


def _parts(column: Column[Any], write: CellWrite, key: Any, value: Any) -> Iterator[tuple[Hashable, Hashable]]:
    """The parts of a column's value that a write changes, and what they become."""
    inside, cql_type = column.identity.element_identities, column.hint.type
    if write.operation in ("set", "delete"):
        part, identity = _target(column, write, key)
        yield part, _become(identity, value)
    elif isinstance(cql_type, MapType) and write.operation == "add":
        for one, item in value.items():
            yield ("element", _cell(inside, one)), _become(inside[1] if inside else None, item)
    else:
        kind = "value" if isinstance(cql_type, ListType) else "element"
        for one in value:
            yield (kind, _cell(inside, one)), None if write.operation == "remove" else _THERE


def _target(column: Column[Any], write: CellWrite, key: Any) -> tuple[Hashable, Identity | None]:
    """The part of a value that is set or deleted, and how what it becomes is compared."""
    inside = column.identity.element_identities
    if write.element is not None:
        is_map = isinstance(column.hint.type, MapType)
        return ("element", _cell(inside, key) if is_map else key), inside[is_map] if inside else None
    if write.field is not None:
        names = [field.name for field in attrs.fields(unwrapped_type(column.hint.python))]
        return ("field", write.field), inside[names.index(write.field)] if inside else None
    return _WHOLE, column.identity


def _become(identity: Identity | None, value: Any) -> Hashable:
    """What a part becomes: None when it is gone, and unlike anything else when the server makes it."""
    if value is _MADE:
        return object()
    return None if value is None or value is _GONE else stored_form(identity or BUILTIN_EQUALITY, value)


def _cell(inside: tuple[Identity, ...], value: Any) -> Hashable:
    return cell_form(inside[0] if inside else BUILTIN_EQUALITY, value)


def _refusal(compiled: Compiled[Any], effect: _Effect, other: _Effect, reason: str) -> QueryNotSupported:
    name = getattr(compiled.shape.model, "__qualname__", "")
    return refuse(
        f"A row of {name} that this {effect.verb} changes is in this batch already, by {other.verb}: both have one "
        f"time, and {reason}.",
        _HELP,
    )
