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


class Change(NamedTuple):
    """A column whose value is not the one of the row."""

    column: Column[Any]
    was: Any
    now: Any


def is_loaded(instance: Any) -> bool:
    """Whether the instance stands for a row that was read or written."""
    return getattr(instance, ROW, None) is not None


def changes(instance: Any) -> list[Change]:
    """The columns whose values differ from the row, in the order of the columns.

    Raises:
        AttributeError: the instance has lost a value.
    """
    row = getattr(instance, ROW)
    kept = type(row) is Snapshot
    found: list[Change] = []
    for (name, column), was in zip(_columns(_class(instance)).items(), row, strict=True):
        now = getattr(instance, name)
        if now is was:
            continue
        if not kept:
            was = _loaded(column, was)  # noqa: PLW2901 - the same value, as Python has it
        if now != was:
            found.append(Change(column, was, now))
    return found


def remember(instance: Any) -> None:
    """The instance is the row now: it was just written."""
    setattr(instance, ROW, _snapshot(instance))


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


def _snapshot(instance: Any) -> Snapshot:
    """The values, those that can be changed in place as copies."""
    cls = _class(instance)
    taker = _takers.get(cls)
    if taker is None:
        columns = _columns(cls)
        mutable = tuple(at for at, one in enumerate(columns.values()) if _may_change(one))
        taker = _takers[cls] = (attrgetter(*columns) if len(columns) > 1 else _one(*columns), mutable)
    take, mutable = taker
    if not mutable:
        return Snapshot(take(instance))
    values = list(take(instance))
    for at in mutable:
        values[at] = copy.deepcopy(values[at])
    return Snapshot(values)


def _one(name: str) -> Callable[[Any], tuple[Any, ...]]:
    def take(instance: Any) -> tuple[Any, ...]:
        return (getattr(instance, name),)

    return take


def _may_change(column: Column[Any]) -> bool:
    return not isinstance(column.hint.type, Native) or column.spec.load is not None
