"""Conversion of ``system_schema`` rows to facts.

Modules:
    additions: parts of ``system_schema`` that a newer Cassandra stores and this release does not interpret.
    columns: the columns of ``system_schema`` to read from the connected server.
    rows: convert rows of ``system_schema`` to facts, which compare equal to those of models.
    targets: parsers for stored index targets and view filters.
"""

from scyllamodel.schema.reflect.columns import COLUMN_PARTS, columns_to_read, has_known_columns
from scyllamodel.schema.reflect.rows import SystemRow, SystemRows, reflect, reflect_keyspace
from scyllamodel.schema.reflect.targets import index_target, view_filter

__all__ = [
    "COLUMN_PARTS",
    "SystemRow",
    "SystemRows",
    "columns_to_read",
    "has_known_columns",
    "index_target",
    "reflect",
    "reflect_keyspace",
    "view_filter",
]
