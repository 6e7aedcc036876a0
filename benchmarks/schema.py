"""The cost of comparing schemas, without a server."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.harness import Figure, alone
from scyllamodel.schema.facts.objects import KeyspaceFacts, Table, TableColumn
from scyllamodel.schema.plan import make_plan
from scyllamodel.schema.server.profile import ServerProfile
from scyllamodel.types.cql_types import MapType, Native, SetType

TYPES = (Native("text"), Native("bigint"), SetType(Native("text")), MapType(Native("text"), Native("int")))


def figures() -> Iterator[Figure]:
    """Diff and plan of many tables with nothing to do."""
    for tables, target in ((500, "half of the next"), (1000, "<= 100 ms")):
        desired, live = _keyspace(tables), _keyspace(tables)
        yield alone(
            f"diff and plan of {tables} tables x 10 columns, nothing to do",
            lambda expected=desired, live_side=live: make_plan(expected, live_side, ServerProfile()),
            target=target,
        )


def _keyspace(tables: int) -> KeyspaceFacts:
    return KeyspaceFacts("shop", tables=[_table(number) for number in range(tables)])


def _table(number: int) -> Table:
    key = [TableColumn("id", Native("uuid"), "partition_key"), TableColumn("at", Native("timeuuid"), "clustering")]
    return Table(
        f"t{number}", [*key, *(TableColumn(f"c{at}", TYPES[at % len(TYPES)]) for at in range(8))], keyspace="shop"
    )
