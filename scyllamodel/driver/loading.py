"""Rows as the driver gives them -> what a statement promises, or `LoadError` for a row that cannot be loaded.

A page is loaded by one call of C, and a row that fails costs nothing before it fails: only then its columns are loaded
one by one to find the one at fault. Before an error leaves a function here, the function lets go of its rows: tools
record the locals of tracebacks, and a redacted value must not be among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, TypeAlias

import attrs

from scyllamodel.driver.decoding import DamagedPage, DamagedRow, Unreadable
from scyllamodel.errors import LoadError
from scyllamodel.model.column import Column
from scyllamodel.query.memory import memory_of
from scyllamodel.query.parts import base_of, column_of
from scyllamodel.query.select import hint_of
from scyllamodel.query.statement import Shape
from scyllamodel.types.display import HIDDEN, Show, shortened
from scyllamodel.types.hints import Hint

OnError: TypeAlias = Callable[[LoadError], Any]
"""Receives the error of each row that cannot be loaded; the row is left out. What it raises ends the read."""

CHUNK: Final = 256
"""Rows of a stream that are loaded together."""

_ADVICE: Final = "Give on_error= to all, stream, page, scan or get_many to go past such rows."
_KEY: Final = ("partition_key", "clustering")


def load_rows(shape: Shape[Any], rows: Sequence[Any], on_error: OnError | None = None) -> list[Any]:
    """All rows of a page.

    Raises:
        LoadError: a row cannot be loaded, and nothing receives its error.
    """
    if shape.load is None and rows.__class__ is not DamagedPage:
        return list(rows)
    found: list[Any] = []
    try:
        for chunk in load_chunks(shape, rows, on_error, len(rows)):
            found += chunk
    except LoadError:
        del rows
        raise
    return found


def load_chunks(
    shape: Shape[Any], rows: Sequence[Any], on_error: OnError | None, size: int = CHUNK
) -> Iterator[list[Any]]:
    """The rows of a page in lists, of which each is loaded when it is asked for; those before a failing row come first.

    Raises:
        LoadError: a row cannot be loaded, and nothing receives its error.
    """
    load, left, taken = shape.load or _intact, iter(rows), 0
    while taken < len(rows):
        found: list[Any] = []
        fault: Exception | None = None
        try:
            found.extend(map(load, islice(left, size)))  # keeps what was loaded before one fails
        except Exception as error:  # noqa: BLE001 - converters raise whatever a value makes them raise
            fault = error
        taken += len(found)
        if found:
            yield found
        if fault is not None:
            failure = load_error(shape, rows[taken], fault)
            taken += 1
            if on_error is None:
                del rows, left, fault
                raise failure
            on_error(failure)


def load_row(shape: Shape[Any], row: Any) -> Any:
    """One row.

    Raises:
        LoadError: it cannot be loaded.
    """
    load: Any = shape.load
    try:
        return load(row)
    except Exception as error:  # noqa: BLE001 - likewise
        fault = error
    failure = load_error(shape, row, fault)
    del row, fault
    raise failure


def load_value(hint: Hint, value: Any) -> Any:
    """One value, as it is loaded in a row."""
    if value is None:
        return hint.empty() if hint.empty else None
    return hint.load(value) if hint.load else value


def _intact(row: Any) -> Any:
    """A row that nothing loads, unless a cell of it could not be decoded."""
    return row if row.__class__ is not DamagedRow else tuple(row)


@attrs.frozen
class _Cell:
    """What is selected at one place of a row: its name for errors, its column if it lies in one, and its type."""

    name: str
    column: Column[Any] | None
    hint: Hint | None
    show: Show


_Cells: TypeAlias = Sequence[tuple[_Cell, Any]]


def _cells(shape: Shape[Any]) -> list[_Cell]:
    if not shape.selection and shape.model is not None:
        return [_of_column(column) for column in memory_of(shape.model).fields]
    return [_of_expression(one) for one in shape.selection]


def _of_column(column: Column[Any]) -> _Cell:
    return _Cell(repr(column), column, column.hint, column.show)


def _of_expression(one: Any) -> _Cell:
    base = base_of(one.expression)
    column = None if base is None else column_of(base)
    return _Cell(str(one.expression), column, hint_of(one), one.expression.show)


def load_error(shape: Shape[Any], row: Any, fault: Exception) -> LoadError:
    """The error of a row, with the column that cannot be loaded and the key as far as it can be read."""
    values = row.cells if isinstance(row, DamagedRow) else row
    return _error(shape.model, list(zip(_cells(shape), values, strict=False)), fault)


def named_error(model: type, named: Mapping[str, Any], fault: Exception, before: str = "") -> LoadError:
    """The error of a row that is given by the names of its columns in CQL.

    Parameters:
        before: what the message says first.
    """
    columns = memory_of(model).columns.values()
    return _error(
        model, [(_of_column(one), named[one.db_name]) for one in columns if one.db_name in named], fault, before
    )


def _error(model: type | None, cells: _Cells, fault: Exception, before: str = "") -> LoadError:
    table = getattr(getattr(model, "__facts__", None), "name", "")
    details = {
        "model": getattr(model, "__qualname__", ""),
        "table": table,
        "key": {cell.column.name: _key_part(cell, value) for cell, value in cells if cell.column and _is_key(cell)},
    }
    where = f"{before}{table}, row {_shown_key(cells)}" if details["key"] else f"{before}{table}"
    for cell, value in cells:
        cause = _fault_of(cell, value)
        if cause is not None:
            return _of_cell(where, cell, value, cause, details)
    if any(cell.show is not repr for cell, _ in cells):  # the fault may quote any of its values
        return LoadError(f"{where}: it cannot be loaded ({type(fault).__name__}).", column="", **details)
    return _caused(LoadError(f"{where}: it cannot be loaded: {fault}", column="", **details), fault)


def _of_cell(where: str, cell: _Cell, value: Any, cause: Exception, details: Mapping[str, Any]) -> LoadError:
    """The error of one value; a redacted one appears neither in it nor in its cause, which may quote it."""
    kind = value.cql_type if cell.hint is None and isinstance(value, Unreadable) else _kind(cell)
    column = cell.name if cell.column is None else cell.column.name
    if cell.show is not repr:
        text = f"{where}: the value of {cell.name}, which is not shown, cannot be loaded as {kind}. {_ADVICE}"
        return LoadError(text, column=column, **details)
    text = f"{where}: {_shown(value)} in {cell.name} cannot be loaded as {kind}: {cause}. {_ADVICE}"
    stored = value.stored if isinstance(value, Unreadable) else value
    return _caused(LoadError(text, column=column, value=stored, **details), cause)


def _caused(failure: LoadError, cause: Exception) -> LoadError:
    failure.__cause__ = cause
    return failure


def _fault_of(cell: _Cell, value: Any) -> Exception | None:
    """Why a value cannot be loaded, or None."""
    if isinstance(value, Unreadable):
        return value.error
    try:
        if cell.hint is not None:
            load_value(cell.hint, value)
    except Exception as error:  # noqa: BLE001 - likewise
        return error
    return None


def _kind(cell: _Cell) -> str:
    if cell.hint is None:
        return "its type"
    python = cell.hint.python
    name = getattr(python, "__qualname__", None) or str(python)
    return f"{name} ({cell.hint.type.cql})"


def _is_key(cell: _Cell) -> bool:
    return cell.column is not None and cell.column.spec.kind in _KEY and cell.name == repr(cell.column)


def _key_part(cell: _Cell, value: Any) -> Any:
    if cell.show is not repr:
        return HIDDEN
    if isinstance(value, Unreadable):
        return value.stored
    return value if cell.hint is None or _fault_of(cell, value) is not None else load_value(cell.hint, value)


def _shown_key(cells: _Cells) -> str:
    return ", ".join(
        f"{cell.column.name}={_shown_part(cell, value)}" for cell, value in cells if cell.column and _is_key(cell)
    )


def _shown_part(cell: _Cell, value: Any) -> str:
    if cell.show is not repr:
        return HIDDEN
    return _shown(value if isinstance(value, Unreadable) else _key_part(cell, value))


def _shown(value: Any) -> str:
    return shortened(str(value) if isinstance(value, Unreadable) else repr(value), value)
