"""The contents of a keyspace as immutable values: tables, columns, indexes, views, types, options.

Modules:
    compact_storage: tables with a pre-CQL storage layout, as ``CREATE TABLE … WITH COMPACT STORAGE`` declares them.
    fingerprint: a digest of facts that is equal on every machine and Python version.
    index_names: default names of indexes: unique within their keyspace, and equal in every run.
    masks: the canonical text of column masks (dynamic data masking, Cassandra 5.0).
    objects: facts of a schema: plain values, equal whether they come from model classes or from ``system_schema``.
    replication: replication maps: class names and factors.
    type_order: user types in dependency order.
    view_filters: filters of materialized views, split into relations.
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
