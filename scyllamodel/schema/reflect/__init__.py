"""Rows of ``system_schema`` -> facts; what to read, and what it means."""

from scyllamodel.schema.reflect.columns import columns_to_read
from scyllamodel.schema.reflect.rows import Row, Rows, reflect, reflect_keyspace
from scyllamodel.schema.reflect.targets import index_target, where_clause

__all__ = [
    "Row",
    "Rows",
    "columns_to_read",
    "index_target",
    "reflect",
    "reflect_keyspace",
    "where_clause",
]
