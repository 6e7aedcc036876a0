"""Parts of ``system_schema`` that a newer Cassandra stores and this release does not interpret.

*In*: rows by table, with all their columns. *Out*: `Addition` values: comments and security labels (6.0), constraints,
and later additions, each as text, so that no part of a schema is overlooked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from scyllamodel.schema.facts.objects import Addition
from scyllamodel.schema.reflect.columns import BESIDE, GROWING, KNOWN

_NAMES: Final = ("table_name", "view_name", "type_name", "column_name")
_NOTHING: Final = (None, "", False, "off", "none")


def additions(rows_of: Callable[[str], Iterable[Mapping[str, Any]]], tables: Iterable[str]) -> Iterator[Addition]:
    """Yield every stored value that this release does not interpret.

    Parameters:
        rows_of: returns the rows of one keyspace in a table of ``system_schema``.
        tables: the tables that were read.
    """
    for table in tables:
        for row in rows_of(table):
            name = ".".join(str(row[part]) for part in ("keyspace_name", *_NAMES) if part in row)
            if table not in KNOWN:
                rest = {key: value for key, value in row.items() if key not in ("keyspace_name", *_NAMES)}
                yield Addition(table.replace("_", " "), name, str(rest))
                continue
            for column in sorted(_beside(table, row)):
                if not _is_nothing(row[column]):
                    yield Addition(column.replace("_", " "), name, str(row[column]))


def _beside(table: str, row: Mapping[str, Any]) -> set[str]:
    """The columns of a known table that are read but are not part of its facts."""
    if table in GROWING:
        return set(row) - set(KNOWN[table])
    return set(row) & BESIDE if table in ("tables", "views") else set()


def _is_nothing(value: Any) -> bool:
    return value in _NOTHING or (hasattr(value, "__len__") and len(value) == 0)
