"""Change tracking: the row that an instance was loaded from or saved as, and the changes since.

In: a model instance. Out: its changes, by column. The hidden slot ``__row__`` contains either the tuple that the driver
returned, at no cost for loading, or a `Snapshot` of Python values after a write. It is not part of equality, ``repr``
or the attrs fields. Mutable values are loaded as copies, so that a change in place differs from the row. Values are
compared by `scyllamodel.types.identity`: values that are stored alike are unchanged.
"""

from __future__ import annotations

import copy
import os
import threading
import weakref
from asyncio import AbstractEventLoop, _get_running_loop  # pyright: ignore[reportPrivateUsage] - raises no error
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from enum import Enum
from operator import attrgetter
from typing import Any, Final, NamedTuple, cast

from scyllamodel.errors import ConcurrentWrite
from scyllamodel.model._codegen import ROW, tuple_loader
from scyllamodel.model.class_data import LazyAttribute
from scyllamodel.model.column import Column
from scyllamodel.types.cql_types import CqlType, Native, element_types
from scyllamodel.types.identity import is_same


class Snapshot(tuple[Any, ...]):
    """A row in Python values, in the order of the columns."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<Snapshot of {len(self)} values>"  # only the model knows which values are redacted


class UnknownValue(Enum):
    """The type of `UNKNOWN`."""

    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN: Final = UnknownValue.UNKNOWN
"""In a row: a value that a write without a response may have changed."""


class UncertainRow(Snapshot):
    """A row after a write without a response; the values that it may have changed are `UNKNOWN`.

    Attributes:
        exists: whether the row existed before that write; if not, the next save is an INSERT.
        conditional: whether the write was a lightweight transaction, which a read at SERIAL completes.
    """

    exists: bool
    conditional: bool

    @classmethod
    def of(cls, cells: Iterator[Any], *, exists: bool, conditional: bool) -> UncertainRow:
        """Return a row with these values."""
        row = cls(cells)
        row.exists, row.conditional = exists, conditional
        return row


class Change(NamedTuple):
    """A column whose value differs from the row; the old value may be `UNKNOWN`."""

    column: Column[Any]
    old_value: Any
    new_value: Any

    def __repr__(self) -> str:
        old_text = repr(UNKNOWN) if self.old_value is UNKNOWN else self.column.show(self.old_value)
        return f"<Change {self.column!r} from {old_text} to {self.column.show(self.new_value)}>"


class _Entry:
    """The state of a write in progress.

    Attributes:
        loop: the event loop that runs the call; None for a call that blocks its thread.
        lost: records that the outcome is unknown; None before a request may have been sent.
        ended: acquired by the thread that ends the write.
    """

    __slots__ = ("ended", "loop", "lost")

    ended: threading.Lock
    loop: weakref.ref[AbstractEventLoop] | None
    lost: Callable[[], Any] | None

    def can_continue(self) -> bool:
        """Whether the call can still end normally; not if its event loop is closed."""
        if self.loop is None:
            return True
        loop = self.loop()
        return loop is not None and not loop.is_closed()

    def end(self, number: int, *, lost: bool) -> None:
        """Release the instance once, even if several threads try."""
        if self.ended.acquire(blocking=False):
            try:
                if lost and self.lost is not None:
                    self.lost()
            finally:
                if _instances_being_written.get(number) is self:  # not in a forked child, which starts without entries
                    del _instances_being_written[number]


_instances_being_written: Final[dict[int, _Entry]] = {}
"""The instances being written, by ``id()``, which is unique since an `InstanceWrite` references each instance."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_instances_being_written.clear)


class InstanceWrite:
    """One write of an instance, which excludes other writes of it until it ends.

    The write ends with `end`. If the call is abandoned, because its coroutine is collected or because of an interrupt,
    the write ends when this object is deleted; if its event loop is closed, on the next write of the instance. The
    outcome is then unknown, if a request may have been sent.

    Raises:
        ConcurrentWrite: another call is writing the instance.
    """

    __slots__ = ("_entry", "_instance")

    def __init__(self, instance: Any) -> None:
        loop = _get_running_loop()
        self._instance, self._entry = instance, (entry := _Entry())
        entry.ended, entry.lost = threading.Lock(), None
        entry.loop = None if loop is None else weakref.ref(loop)
        while (
            other := _instances_being_written.setdefault(id(instance), entry)
        ) is not entry:  # atomic, also for threads
            if other.can_continue():
                raise ConcurrentWrite(
                    f"This {type(instance).__qualname__} is being written by another call: both would send the "
                    "changes, and append list elements twice. Wait for the first call to end, or use separate "
                    "instances."
                )
            other.end(id(instance), lost=True)

    def may_be_sent(self, lost: Callable[[], Any]) -> None:
        """Note that a request is sent next; ``lost`` is called if its outcome remains unknown."""
        self._entry.lost = lost

    def applied(self, row: Snapshot | None) -> None:
        """Note that the server applied the write: the instance now represents this row, or none after a DELETE."""
        if not self._entry.ended.locked():
            setattr(self._instance, ROW, row)

    def lose(self) -> None:
        """Note that the request ended without a definite response."""
        if self._entry.lost is not None and not self._entry.ended.locked():
            self._entry.lost()

    def end(self) -> None:
        """Release the instance; the outcome of the write is known to the caller."""
        self._entry.end(id(self._instance), lost=False)

    def __del__(self) -> None:
        if not self._entry.ended.locked():
            self._entry.end(id(self._instance), lost=True)


def is_loaded(instance: Any) -> bool:
    """Whether the instance represents a row that was read or written."""
    row = getattr(instance, ROW, None)
    return row is not None and (type(row) is not UncertainRow or row.exists)


def loaded_row(instance: Any) -> Any:
    """Return the row of the instance, as read or written; None for a new instance."""
    return getattr(instance, ROW, None)


def current_values(instance: Any) -> tuple[Any, ...]:
    """Return the current values, in the order of the columns.

    Raises:
        AttributeError: a value of the instance was deleted.
    """
    values: tuple[Any, ...] = instance.__known__.take(instance)
    return values


def changed_columns(instance: Any, values: tuple[Any, ...]) -> list[Change]:
    """Return the columns whose values differ from the row, in the order of the columns.

    Parameters:
        values: the values of the instance, from `current_values`.
    """
    row, known, result = instance.__row__, instance.__known__, list[Change]()
    pairs = enumerate(zip(row, values, strict=True))
    replaced = [position for position, (stored, current) in pairs if stored is not current]
    if not replaced:
        return result
    old_values = row if known.load is None or isinstance(row, Snapshot) else known.load(row)
    for position in replaced:
        (column, same), old_value, current = known.columns[position], old_values[position], values[position]
        if current is old_value:
            continue
        try:
            if old_value is not UNKNOWN and same(old_value, current):
                continue
        except Exception:  # noqa: BLE001, S110 - it cannot be stored: a change, which binding refuses
            pass
        result.append(Change(column, old_value, current))
    return result


def snapshot(instance: Any, values: tuple[Any, ...]) -> Snapshot:
    """Return the state of the row after these values are written, with copies of mutable values.

    It is taken when the statement is created, since the instance may change before the response arrives.
    """
    copies = instance.__known__.copies
    if not copies:
        return Snapshot(values)
    values_copy = list(values)
    for position, copy_of in copies:
        values_copy[position] = copy_of(values_copy[position])
    return Snapshot(values_copy)


def mark_saved(instance: Any, row: Snapshot) -> None:
    """Set the row of the instance after a write."""
    setattr(instance, ROW, row)


def mark_deleted(instance: Any) -> None:
    """Remove the row of the instance after a delete."""
    setattr(instance, ROW, None)


def mark_uncertain(instance: Any, written: Container[str], *, exists: bool, conditional: bool) -> None:
    """Mark these columns as unknown after a write without a response; the next save writes them in full.

    Parameters:
        exists: whether the next save may be an UPDATE.
        conditional: whether the write was a lightweight transaction.
    """
    detach(instance)
    columns, key = _columns(_model_of(instance)), set(key_names(_model_of(instance)))
    row = loaded_row(instance) or (None,) * len(columns)
    cells = (
        UNKNOWN if name in written and name not in key else value for name, value in zip(columns, row, strict=True)
    )
    conditional = conditional or has_unresolved_transaction(instance)
    setattr(instance, ROW, UncertainRow.of(cells, exists=exists, conditional=conditional))


def has_unresolved_transaction(instance: Any) -> bool:
    """Whether a lightweight transaction on the row got no response, and may still be applied."""
    row = getattr(instance, ROW, None)
    return type(row) is UncertainRow and row.conditional


def uncertain_columns(instance: Any) -> frozenset[str]:
    """Return the columns that a write without a response may have changed."""
    row = getattr(instance, ROW, None)
    if type(row) is not UncertainRow:
        return frozenset()
    return frozenset(
        name
        for name, value in zip(_columns(_model_of(instance)), cast("tuple[Any, ...]", row), strict=True)
        if value is UNKNOWN
    )


def detach(instance: Any) -> None:
    """Convert the driver's tuple to Python values, which can be pickled."""
    row = getattr(instance, ROW, None)
    if row is not None and not isinstance(row, Snapshot):
        load = instance.__known__.load
        setattr(instance, ROW, Snapshot(row if load is None else load(row)))


def inherit_row(copy: Any, source: Any) -> None:
    """Let a copy with the same key represent the same row."""
    row, columns = getattr(source, ROW, None), _columns(_model_of(source))
    if row is not None and all(
        is_same(columns[name].identity, getattr(copy, name), getattr(source, name))
        for name in key_names(_model_of(source))
    ):
        setattr(copy, ROW, row)


def key_names(model: type) -> Iterator[str]:
    """Yield the attributes of the primary key."""
    return (name for name, column in _columns(model).items() if column.spec.kind in {"partition_key", "clustering"})


def _model_of(instance: object) -> type:
    return type(instance)


def _columns(model: type) -> Mapping[str, Column[Any]]:
    return cast("Mapping[str, Column[Any]]", getattr(model, "__columns__"))  # noqa: B009 - a bare type has none


class TrackedColumns(NamedTuple):
    """Data about a class that is computed once, stored as ``__known__``.

    Attributes:
        take: returns the values of an instance.
        load: converts a row of the driver to such values; None where values are loaded as stored.
        columns: the columns in the order of the values, each with its equality.
        copies: the positions of mutable values, each with its copy function.
    """

    take: Callable[[Any], tuple[Any, ...]]
    load: Callable[[Sequence[Any]], tuple[Any, ...]] | None
    columns: tuple[tuple[Column[Any], Callable[[Any, Any], bool]], ...]
    copies: tuple[tuple[int, Callable[[Any], Any]], ...]


def install_change_tracking(cls: type) -> None:
    """Add the data that `changes` needs to a class, computed on first use."""
    type.__setattr__(cls, "__known__", LazyAttribute(cls, "__known__", _tracked_columns))


def _tracked_columns(cls: type) -> TrackedColumns:
    names, columns = tuple(_columns(cls)), tuple(_columns(cls).values())
    copies = tuple(
        (position, copy_function)
        for position, column in enumerate(columns)
        if (copy_function := _copy_of(column)) is not None
    )
    take = attrgetter(*names) if len(names) > 1 else _single_value(*names)
    return TrackedColumns(
        take,
        tuple_loader([column.type_mapping for column in columns]),
        tuple((column, column.identity.equal) for column in columns),
        copies,
    )


def _single_value(name: str) -> Callable[[Any], tuple[Any, ...]]:
    def take(instance: Any) -> tuple[Any, ...]:
        return (getattr(instance, name),)

    return take


def _copy_of(column: Column[Any]) -> Callable[[Any], Any] | None:
    """Return the function that copies a mutable value; None for immutable values."""
    type_mapping = column.type_mapping
    if not type_mapping.custom and isinstance(type_mapping.type, Native):
        return _as_bytes if type_mapping.type.name == "blob" else None
    return (
        copy.deepcopy
        if type_mapping.custom or any(map(_is_mutable, element_types(type_mapping.type) or (type_mapping.type,)))
        else copy.copy
    )


def _is_mutable(cql_type: CqlType) -> bool:
    return not isinstance(cql_type, Native) or cql_type.name == "blob"


def _as_bytes(value: Any) -> Any:
    return bytes(value) if value.__class__ in {bytearray, memoryview} else value
