"""Reads facts out of the rows of ``system_schema``."""

from scyllamodel.schema.reflect.columns import columns_to_read
from scyllamodel.schema.reflect.rows import SystemRow, SystemRows, reflect, reflect_keyspace
from scyllamodel.schema.reflect.targets import index_target, view_filter

__all__ = [
    "SystemRow",
    "SystemRows",
    "columns_to_read",
    "index_target",
    "reflect",
    "reflect_keyspace",
    "view_filter",
]
