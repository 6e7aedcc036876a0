"""What a keyspace contains, as immutable values: tables, columns, indexes, views, types, options."""

from scyllamodel.schema.facts.objects import (
    Index,
    Keyspace,
    KeyspaceFacts,
    SchemaFacts,
    Table,
    TableColumn,
    UserType,
    View,
)

__all__ = ["Index", "Keyspace", "KeyspaceFacts", "SchemaFacts", "Table", "TableColumn", "UserType", "View"]
