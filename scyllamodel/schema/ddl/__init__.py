"""CQL statements of the schema: written from facts, and parsed as far as rules ask.

Names go through ``_identifiers`` and texts through string literals, so that hostile ones arrive as what they are.
"""

from scyllamodel.schema.changes.cql import change_cql, undo_cql
from scyllamodel.schema.ddl.create import (
    create_index,
    create_keyspace,
    create_table,
    create_type,
    create_view,
    keyspace_script,
)

__all__ = [
    "change_cql",
    "create_index",
    "create_keyspace",
    "create_table",
    "create_type",
    "create_view",
    "keyspace_script",
    "undo_cql",
]
