"""Changes and facts -> CQL text for the server at hand.

Names go through ``_identifiers`` and texts through string literals, so that hostile ones arrive as what they are.
"""

from scyllamodel.schema.ddl.change import statement, undo
from scyllamodel.schema.ddl.create import (
    create_index,
    create_keyspace,
    create_table,
    create_type,
    create_view,
    script,
)

__all__ = [
    "create_index",
    "create_keyspace",
    "create_table",
    "create_type",
    "create_view",
    "script",
    "statement",
    "undo",
]
