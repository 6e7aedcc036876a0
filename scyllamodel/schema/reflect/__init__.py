"""Reads facts out of the rows of ``system_schema``.

Modules:
    additions: rows of ``system_schema`` -> what a newer Cassandra stores there and this release does not interpret.
    columns: what to read of ``system_schema`` from the server at hand.
    rows: convert rows of ``system_schema`` to facts, which compare equal to those of models.
    targets: the texts in which servers store what an index is on and what a view leaves out, read as values.
"""

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
