"""CQL schema statements: written from facts, and parsed as far as rules need their parts.

Names are quoted by ``_identifiers`` and texts are written as string literals, so that nothing in them is read as CQL.

Modules:
    alter_keyspace: ``ALTER KEYSPACE`` statements, printed for people to run: a sync never sends them.
    create: CREATE statements for facts.
    statement_parser: parser for hand-written schema statements, as far as rules need their parts.
    statement_reader: a reader for the tokens of a statement, from left to right.
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
