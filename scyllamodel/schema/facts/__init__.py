"""What a keyspace contains, as immutable values: tables, columns, indexes, views, types, options.

Modules:
    compact_storage: tables with a layout of the days of Thrift.
    fingerprint: facts -> a digest that is the same on every machine and Python, for telling schemas apart.
    index_names: names of indexes that nobody chose: unique in their keyspace, and the same in every run.
    masks: masks of columns (Cassandra 5.0, dynamic data masking): one canonical text, whether declared or stored.
    objects: what is true of a schema: plain values.
    replication: replication maps: names of classes, checked before a server is asked, and factors.
    type_order: user types in the order in which they can be created.
    view_filters: filters of materialized views, read relation by relation.
"""

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
