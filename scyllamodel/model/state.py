"""What an instance was loaded from or last saved as, and what has changed since.

Comes in: a model instance. Goes out: its changes, column by column. The hidden slot ``__row__`` holds either the very
tuple that the driver returned, which costs a load nothing, or a `Snapshot` of Python values after a write. Neither is
part of equality, ``repr`` or the attrs fields. Mutable values are loaded as copies, so a change in place differs from
the row.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import Any, NamedTuple, cast
from weakref import WeakKeyDictionary

from scyllamodel.model._codegen import ROW
from scyllamodel.model.column import Column
from scyllamodel.types.values import Native


class Snapshot(tuple[Any, ...]):
    """A row in Python values, in the order of the columns."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<Snapshot of {len(self)} values>"  # which of them are redacted is known to the model alone


class Change(NamedTuple):
    """A column whose value is not the one of the row."""

    column: Column[Any]
    was: Any
    now: Any

    def __repr__(self) -> str:
        return f"<Change {self.column!r} from {self.column.show(self.was)} to {self.column.show(self.now)}>"


def is_loaded(instance: Any) -> bool:
    """Whether the instance stands for a row that was read or written."""
    return getattr(instance, ROW, None) is not None


def current_values(instance: Any) -> tuple[Any, ...]:
    """All values as they stand, in the order of the columns.

    Raises:
        AttributeError: the instance has lost a value.
    """
    found: tuple[Any, ...] = _taker(_class(instance))[0](instance)
    return found


def changes(instance: Any, values: tuple[Any, ...]) -> list[Change]:
    """The columns whose values differ from the row, in the order of the columns.

    Parameters:
        values: of the instance, as `current_values` took them.
    """
    row = getattr(instance, ROW)
    both = zip(_columns(_class(instance)).values(), row, values, strict=True)
    if type(row) is Snapshot:
        return [Change(*one) for one in both if one[2] is not one[1] and one[2] != one[1]]
    loaded = ((column, _loaded(column, was), now) for column, was, now in both if now is not was)
    return [Change(*one) for one in loaded if one[2] != one[1]]


def snapshot(instance: Any, values: tuple[Any, ...]) -> Snapshot:
    """What the instance stands for when these values are written: those that can be changed in place as copies.

    It is taken where the statement is made: until the answer comes, somebody may change the instance.
    """
    mutable = _taker(_class(instance))[1]
    if not mutable:
        return Snapshot(values)
    copied = list(values)
    for at in mutable:
        copied[at] = copy.deepcopy(copied[at])
    return Snapshot(copied)


def remember(instance: Any, row: Snapshot) -> None:
    """The instance stands for this row now: it was just written."""
    setattr(instance, ROW, row)


def forget(instance: Any) -> None:
    """The instance stands for no row any more."""
    setattr(instance, ROW, None)


def settle(instance: Any) -> None:
    """Turn the driver's tuple into Python values, which can be pickled."""
    row = getattr(instance, ROW, None)
    if row is not None and type(row) is not Snapshot:
        columns = _columns(_class(instance)).values()
        setattr(instance, ROW, Snapshot(_loaded(column, was) for column, was in zip(columns, row, strict=True)))


def inherit_row(made: Any, source: Any) -> None:
    """A copy under the same key stands for the same row."""
    row = getattr(source, ROW, None)
    if row is not None and all(getattr(made, name) == getattr(source, name) for name in key_names(_class(source))):
        setattr(made, ROW, row)


def key_names(model: type) -> Iterator[str]:
    """The attributes of the primary key."""
    return (name for name, column in _columns(model).items() if column.spec.kind in {"partition_key", "clustering"})


def _class(instance: object) -> type:
    return type(instance)


def _columns(model: type) -> Mapping[str, Column[Any]]:
    return cast("Mapping[str, Column[Any]]", getattr(model, "__columns__"))  # noqa: B009 - a bare type has none


def _loaded(column: Column[Any], value: Any) -> Any:
    hint = column.hint
    if value is None:
        return hint.empty() if hint.empty else None
    return hint.load(value) if hint.load else value


_takers: WeakKeyDictionary[type, tuple[Any, tuple[int, ...]]] = WeakKeyDictionary()


def _taker(cls: type) -> tuple[Any, tuple[int, ...]]:
    """What takes the values of an instance, and which of them can be changed in place; worked out once."""
    found = _takers.get(cls)
    if found is None:
        columns = _columns(cls)
        mutable = tuple(at for at, one in enumerate(columns.values()) if _may_change(one))
        found = _takers[cls] = (attrgetter(*columns) if len(columns) > 1 else _one(*columns), mutable)
    return found


def _one(name: str) -> Callable[[Any], tuple[Any, ...]]:
    def take(instance: Any) -> tuple[Any, ...]:
        return (getattr(instance, name),)

    return take


def _may_change(column: Column[Any]) -> bool:
    return not isinstance(column.hint.type, Native) or column.spec.load is not None
