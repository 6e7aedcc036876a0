"""Decodes equal maps of system tables once.

Most tables of a keyspace store equal options, in three maps each. The driver makes objects of its own kind for each of
them, which takes two thirds of the time in which it decodes a row of ``system_schema.tables``. Here a map is looked up
by its bytes, and equal ones are one `FrozenMap`.

In: a protocol handler of the driver. Out: one for internal requests.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from scyllamodel.driver._cassandra import cqltypes, subtypes_of, type_kind
from scyllamodel.driver.session.decoding import RESULT_CLASS, with_result_class
from scyllamodel.schema.facts.objects import FrozenMap

MAX_CELLS: Final = 1024
"""Decoded maps that are kept for each type."""


@lru_cache(maxsize=64)  # sessions of one process share a handler, unless they encrypt columns
def internal_handler(base: Any) -> Any:
    """Make a handler for rows of system tables and internal tables."""

    class Result(RESULT_CLASS):  # type: ignore[misc]  # the driver ships no types
        column_metadata: Any

        def recv_results_metadata(self, f: Any, user_type_map: Any) -> None:
            inherited: Any = super()
            inherited.recv_results_metadata(f, user_type_map)
            columns: Any = self.column_metadata or ()
            self.column_metadata = [(*column[:3], _shared_type(column[3])) for column in columns]

    return with_result_class(base, Result)


def _shared_type(driver_type: Any) -> Any:
    """Return the type that decodes a column: for a map of simple keys and values, one that remembers its cells."""
    if type_kind(driver_type) != "map" or any(map(subtypes_of, subtypes_of(driver_type))):
        return driver_type
    return _shared_map(*subtypes_of(driver_type))


@lru_cache(maxsize=64)
def _shared_map(key: Any, value: Any) -> Any:
    driver_type = cqltypes.MapType.apply_parameters((key, value))

    class _SharedMap(cqltypes.CassandraType):  # type: ignore[misc]  # the driver ships no types
        @staticmethod
        @lru_cache(maxsize=MAX_CELLS)
        def deserialize(raw: bytes, protocol: int) -> FrozenMap:
            return FrozenMap(driver_type.deserialize(raw, protocol).items())

    return _SharedMap
