"""CQL statements of the schema: written from facts, and parsed as far as rules ask.

Names go through ``_identifiers`` and texts through string literals, so that hostile ones arrive as what they are.

Modules:
    alter_keyspace: ``ALTER KEYSPACE`` statements, written out for people: a sync never sends them.
    create: facts -> the CQL that makes them.
    statement_parser: parser for schema statements that were written by hand, as far as rules ask what they do.
    statement_reader: reader of the tokens of a statement, from left to right.
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
