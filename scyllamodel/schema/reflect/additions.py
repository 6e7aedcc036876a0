"""Parts of ``system_schema`` that a newer Cassandra stores and this release does not interpret.

*In*: rows by table, with all their columns. *Out*: `Addition` values: comments and security labels (6.0), constraints,
and later additions, each as text, so that no part of a schema is overlooked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from scyllamodel.schema.facts.objects import Addition
from scyllamodel.schema.reflect.columns import BESIDE, GROWING, KNOWN

_NAMES: Final = ("table_name", "view_name", "type_name", "column_name")
_NOTHING: Final = (None, "", False, "off", "none")


def additions(rows_of: Callable[[str], Sequence[Mapping[str, Any]]], tables: Iterable[str]) -> Iterator[Addition]:
    """Yield every stored value that this release does not interpret.

    Parameters:
        rows_of: returns the rows of one keyspace in a table of ``system_schema``; all of them have the same columns.
        tables: the tables that were read.
    """
    for table in tables:
        rows = rows_of(table)
        if table not in KNOWN:
            yield from (Addition(table.replace("_", " "), _dotted_name(row), str(_rest(row))) for row in rows)
            continue
        columns = sorted(_beside(table, rows[0])) if rows else []
        for row in rows if columns else ():
            for column in columns:
                if not _is_nothing(row[column]):
                    yield Addition(column.replace("_", " "), _dotted_name(row), str(row[column]))


def _dotted_name(row: Mapping[str, Any]) -> str:
    return ".".join(str(row[part]) for part in ("keyspace_name", *_NAMES) if part in row)


def _rest(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in ("keyspace_name", *_NAMES)}


def _beside(table: str, row: Mapping[str, Any]) -> set[str]:
    """The columns of a known table that are read but are not part of its facts."""
    if table in GROWING:
        return set(row) - set(KNOWN[table])
    return set(row) & BESIDE if table in ("tables", "views") else set()


def _is_nothing(value: Any) -> bool:
    return value in _NOTHING or (hasattr(value, "__len__") and len(value) == 0)
