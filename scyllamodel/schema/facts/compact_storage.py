"""Tables with a layout of the days of Thrift: how ``CREATE TABLE … WITH COMPACT STORAGE`` spells them.

*In*: a table as it was read. *Out*: the table with the columns that its ``CREATE`` lists, or why there is no such
statement. Servers store a static compact table with a clustering column and a value of their own beside the columns
that were declared, all of them static; and a dense one without other columns with a value of type ``empty``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from scyllamodel.types.cql_types import CustomType, Native

if TYPE_CHECKING:
    from scyllamodel.schema.facts.objects import Table, TableColumn

COMPACT_FLAGS: Final = frozenset({"dense", "super", "compact"})
"""Flags of such layouts; the last one stands for a table without any flag."""

EMPTY_TYPE: Final = CustomType("org.apache.cassandra.db.marshal.EmptyType")


def is_compact(table: Table) -> bool:
    """Whether the table has another layout than CQL gives tables today.

    Flags are what a server says; a table from a model or a snapshot has none.
    """
    return bool(table.flags) and ("compound" not in table.flags or bool(table.flags & COMPACT_FLAGS))


def unsupported_reason(table: Table) -> str | None:
    """Why no CQL creates this table; None when some does."""
    if not is_compact(table):
        return None
    if "super" in table.flags:
        return "it is a super column family, which only Thrift could create"
    if "dense" not in table.flags and not _is_static_compact(table):
        return "Thrift created it with columns that CQL has no words for"
    if any(not column.name for column in table):
        return "one of its columns has no name"
    return None


def declared_columns(table: Table) -> Table:
    """The table with the columns that its ``CREATE … WITH COMPACT STORAGE`` lists."""
    if "dense" in table.flags:
        return attrs.evolve(table, columns=[column for column in table if column.type != EMPTY_TYPE])
    static = [attrs.evolve(column, kind="regular") for column in table if column.kind == "static"]
    return attrs.evolve(table, columns=[*table.partition_key, *static])


def _is_static_compact(table: Table) -> bool:
    """Whether the columns are those that CQL itself makes of a compact table without a clustering key."""
    by_kind = {kind: _columns_of_kind(table, kind) for kind in ("clustering", "regular", "static")}
    clustering = by_kind["clustering"]
    return (
        len(clustering) == len(by_kind["regular"]) == 1
        and bool(by_kind["static"])
        and clustering[0].type == Native("text")
        and by_kind["regular"][0].type in (Native("blob"), Native("counter"))
    )


def _columns_of_kind(table: Table, kind: str) -> list[TableColumn]:
    return [column for column in table if column.kind == kind]
