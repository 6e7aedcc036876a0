"""Loads driver rows into what a statement returns, or raises `LoadError` for a row that cannot be loaded.

A page is loaded by one call. Only when a row fails are its columns loaded one by one, to find the faulty one.
Before an error leaves this module, all references to its rows are deleted: tools record the locals of tracebacks, and a
redacted value must not be among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, TypeAlias

import attrs

from scyllamodel.driver.session.decoding import DamagedPage, DamagedRow, UnreadableCell
from scyllamodel.errors import LoadError
from scyllamodel.model.column import Column
from scyllamodel.query.model_cache import cache_for
from scyllamodel.query.select import type_mapping_of
from scyllamodel.query.statement import StatementTemplate
from scyllamodel.query.targets import base_of, column_of
from scyllamodel.types.annotations import TypeMapping
from scyllamodel.types.display import HIDDEN, Show, truncate
from scyllamodel.types.loading import load_value

OnError: TypeAlias = Callable[[LoadError], Any]
"""Receives the error of each row that cannot be loaded; the row is skipped. An exception it raises ends the read."""

CHUNK_ROWS: Final = 256
"""Rows of a stream loaded together."""

_ADVICE: Final = "Give on_error= to all, stream, page, scan or get_many to skip such rows."
_KEY_KINDS: Final = ("partition_key", "clustering")


def load_rows(template: StatementTemplate[Any], rows: Sequence[Any], on_error: OnError | None = None) -> list[Any]:
    """Load all rows of a page.

    Raises:
        LoadError: a row cannot be loaded, and nothing receives its error.
    """
    if template.load is None and rows.__class__ is not DamagedPage:
        return list(rows)
    loaded: list[Any] = []
    try:
        for chunk in load_chunks(template, rows, on_error, len(rows)):
            loaded += chunk
    except LoadError:
        del rows
        raise
    return loaded


def load_chunks(
    template: StatementTemplate[Any], rows: Sequence[Any], on_error: OnError | None, size: int = CHUNK_ROWS
) -> Iterator[list[Any]]:
    """Load the rows of a page in lists, each on demand; the rows before a failing one come first.

    Raises:
        LoadError: a row cannot be loaded, and nothing receives its error.
    """
    load, remaining, consumed = template.load or _require_readable, iter(rows), 0
    append_all = getattr(load, "append_all", None)  # of the loader of a model
    while consumed < len(rows):
        chunk: list[Any] = []
        fault: Exception | None = None
        try:
            if append_all is None:
                chunk.extend(map(load, islice(remaining, size)))  # keeps the rows loaded before one fails
            else:
                append_all(islice(remaining, size), chunk.append)
        except Exception as error:  # noqa: BLE001 - converters raise whatever a value makes them raise
            fault = error
        consumed += len(chunk)
        if chunk:
            yield chunk
        if fault is not None:
            failure = load_error(template, rows[consumed], fault)
            consumed += 1
            if on_error is None:
                del rows, remaining, fault
                raise failure
            on_error(failure)


def load_row(template: StatementTemplate[Any], row: Any) -> Any:
    """Load one row.

    Raises:
        LoadError: it cannot be loaded.
    """
    load: Any = template.load
    try:
        return load(row)
    except Exception as error:  # noqa: BLE001 - converters raise whatever a value makes them raise
        fault = error
    failure = load_error(template, row, fault)
    del row, fault
    raise failure


def _require_readable(row: Any) -> Any:
    """Return the row itself, not loaded; raise if one of its cells is undecodable."""
    return row if row.__class__ is not DamagedRow else tuple(row)


@attrs.frozen
class _Cell:
    """One selected expression: its name in errors, its column if it has one, its type."""

    name: str
    column: Column[Any] | None
    type_mapping: TypeMapping | None
    show: Show


_Cells: TypeAlias = Sequence[tuple[_Cell, Any]]


def _cells(template: StatementTemplate[Any]) -> list[_Cell]:
    if not template.selection and template.model is not None:
        return [_column_cell(column) for column in cache_for(template.model).selected_columns]
    return [_expression_cell(selected) for selected in template.selection]


def _column_cell(column: Column[Any]) -> _Cell:
    return _Cell(repr(column), column, column.type_mapping, column.show)


def _expression_cell(selected: Any) -> _Cell:
    base = base_of(selected.expression)
    column = None if base is None else column_of(base)
    return _Cell(str(selected.expression), column, type_mapping_of(selected), selected.expression.show)


def load_error(template: StatementTemplate[Any], row: Any, fault: Exception) -> LoadError:
    """Make the `LoadError` of a row, with the faulty column and the readable part of the key."""
    values = row.cells if isinstance(row, DamagedRow) else row
    return _build_error(template.model, list(zip(_cells(template), values, strict=False)), fault)


def load_error_by_name(model: type, values: Mapping[str, Any], fault: Exception, prefix: str = "") -> LoadError:
    """Make the `LoadError` of a row given by CQL column names.

    Parameters:
        prefix: text before the message.
    """
    columns = cache_for(model).columns.values()
    return _build_error(
        model,
        [(_column_cell(column), values[column.db_name]) for column in columns if column.db_name in values],
        fault,
        prefix,
    )


def _build_error(model: type | None, cells: _Cells, fault: Exception, prefix: str = "") -> LoadError:
    table = getattr(getattr(model, "__facts__", None), "name", "")
    details = {
        "model": getattr(model, "__qualname__", ""),
        "table": table,
        "key": {cell.column.name: _key_value(cell, value) for cell, value in cells if cell.column and _is_key(cell)},
    }
    location = f"{prefix}{table}, row {_format_key(cells)}" if details["key"] else f"{prefix}{table}"
    for cell, value in cells:
        cause = _load_fault(cell, value)
        if cause is not None:
            return _cell_error(location, cell, value, cause, details)
    if any(cell.show is not repr for cell, _ in cells):  # the fault may quote any of its values
        return LoadError(f"{location}: it cannot be loaded ({type(fault).__name__}).", column="", **details)
    return _with_cause(LoadError(f"{location}: it cannot be loaded: {fault}", column="", **details), fault)


def _cell_error(location: str, cell: _Cell, value: Any, cause: Exception, details: Mapping[str, Any]) -> LoadError:
    """Make the error of one value; a redacted value appears neither in it nor in its cause."""
    type_name = value.cql_type if cell.type_mapping is None and isinstance(value, UnreadableCell) else _type_name(cell)
    column = cell.name if cell.column is None else cell.column.name
    if cell.show is not repr:
        text = f"{location}: the value of {cell.name}, which is not shown, cannot be loaded as {type_name}. {_ADVICE}"
        return LoadError(text, column=column, **details)
    text = f"{location}: {_format_value(value)} in {cell.name} cannot be loaded as {type_name}: {cause}. {_ADVICE}"
    stored = value.raw_bytes if isinstance(value, UnreadableCell) else value
    return _with_cause(LoadError(text, column=column, value=stored, **details), cause)


def _with_cause(failure: LoadError, cause: Exception) -> LoadError:
    failure.__cause__ = cause
    return failure


def _load_fault(cell: _Cell, value: Any) -> Exception | None:
    """Return why a value cannot be loaded, or None."""
    if isinstance(value, UnreadableCell):
        return value.error
    try:
        if cell.type_mapping is not None:
            load_value(cell.type_mapping, value)
    except Exception as error:  # noqa: BLE001 - converters raise whatever a value makes them raise
        return error
    return None


def _type_name(cell: _Cell) -> str:
    if cell.type_mapping is None:
        return "its type"
    python = cell.type_mapping.python
    name = getattr(python, "__qualname__", None) or str(python)
    return f"{name} ({cell.type_mapping.type.cql})"


def _is_key(cell: _Cell) -> bool:
    return cell.column is not None and cell.column.spec.kind in _KEY_KINDS and cell.name == repr(cell.column)


def _key_value(cell: _Cell, value: Any) -> Any:
    if cell.show is not repr:
        return HIDDEN
    if isinstance(value, UnreadableCell):
        return value.raw_bytes
    return (
        value
        if cell.type_mapping is None or _load_fault(cell, value) is not None
        else load_value(cell.type_mapping, value)
    )


def _format_key(cells: _Cells) -> str:
    return ", ".join(
        f"{cell.column.name}={_format_key_value(cell, value)}" for cell, value in cells if cell.column and _is_key(cell)
    )


def _format_key_value(cell: _Cell, value: Any) -> str:
    if cell.show is not repr:
        return HIDDEN
    return _format_value(value if isinstance(value, UnreadableCell) else _key_value(cell, value))


def _format_value(value: Any) -> str:
    return truncate(str(value) if isinstance(value, UnreadableCell) else repr(value), value)
