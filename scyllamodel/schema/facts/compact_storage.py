"""Tables with a pre-CQL storage layout, as ``CREATE TABLE … WITH COMPACT STORAGE`` declares them.

*In*: a live table. *Out*: the table with the columns that its ``CREATE`` lists, or the reason why no statement creates
it. Servers store the declared columns of a static compact table as static columns, and add a clustering column and a
value; to a dense table without other columns they add a value of type ``empty``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from scyllamodel.types.cql_types import CustomType, Native

if TYPE_CHECKING:
    from scyllamodel.schema.facts.objects import Table, TableColumn

COMPACT_FLAGS: Final = frozenset({"dense", "super", "compact"})
"""Flags of such layouts; ``compact`` marks a table that is stored without any flag."""

EMPTY_TYPE: Final = CustomType("org.apache.cassandra.db.marshal.EmptyType")


def is_compact(table: Table) -> bool:
    """Whether the table has a pre-CQL layout.

    The layout is known from the flags that a server stores; a table from a model or a snapshot has none.
    """
    return bool(table.flags) and ("compound" not in table.flags or bool(table.flags & COMPACT_FLAGS))


def unsupported_reason(table: Table) -> str | None:
    """Why no CQL statement creates this table; None when one does."""
    if not is_compact(table):
        return None
    if "super" in table.flags:
        return "it is a super column family, which only Thrift could create"
    if "dense" not in table.flags and not _is_static_compact(table):
        return "it was created through Thrift with columns that CQL cannot declare"
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
    """Whether the columns are those that CQL creates for a compact table without a clustering key."""
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
