"""cqlengine and coodie on equal work, on one server and in one run, each compared with the bare driver."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from cassandra.cluster import Cluster
from cassandra.cqlengine import columns, connection
from cassandra.cqlengine.models import Model as EngineModel
from cassandra.query import dict_factory
from coodie.fields import ClusteringKey, PrimaryKey
from coodie.sync import Document, init_coodie

from benchmarks.harness import Figure, compare
from benchmarks.rows import Plain, plain

NAMES = tuple(Plain.__columns__)
SEED = random.Random(2)


class Engine(EngineModel):  # type: ignore[misc]  # the driver ships no types
    """The plain table as a cqlengine model."""

    __table_name__ = "plain"
    __keyspace__ = "bench"
    part = columns.BigInt(partition_key=True)
    id = columns.UUID(primary_key=True)
    name = columns.Text()
    title = columns.Text()
    body = columns.Text()
    kind = columns.Text()
    size = columns.Integer()
    score = columns.Double()
    seen = columns.DateTime()
    flag = columns.Boolean()


class Coodie(Document):
    """The plain table as a coodie model."""

    part: Annotated[int, PrimaryKey()]
    id: Annotated[UUID, ClusteringKey()]
    name: str
    title: str
    body: str
    kind: str
    size: int
    score: float
    seen: datetime
    flag: bool

    class Settings:
        """The table's name and keyspace."""

        name = "plain"
        keyspace = "bench"


def peers(cluster: Any, session: Any, keyspace: str, rows: int) -> Iterator[Figure]:
    """Insert, get and a large read by both."""
    host, _, port = cluster.contact_points[0].rpartition(":")
    theirs = Cluster([host], port=int(port))
    try:
        own = theirs.connect()
        own.row_factory = dict_factory
        connection.register_connection("bench", session=own, default=True)
        init_coodie(session=theirs.connect(keyspace), keyspace=keyspace)
        for name, work in (("cqlengine", _engine()), ("coodie 1.9.3", _coodie())):
            yield from _compared(name, work, session, keyspace, rows)
    finally:
        theirs.shutdown()


Work = tuple[Callable[[dict[str, Any]], Any], Callable[[Any], Any], Callable[[int], Any]]


def _engine() -> Work:
    return (
        lambda values: Engine.create(**values),
        lambda key: Engine.get(part=2, id=key),
        lambda rows: list(Engine.objects(part=1).limit(rows)),
    )


def _coodie() -> Work:
    return (
        lambda values: Coodie(**values).save(),
        lambda key: Coodie.get(part=2, id=key),
        lambda rows: Coodie.find(part=1).limit(rows).all(),
    )


def _compared(name: str, work: Work, session: Any, keyspace: str, rows: int) -> Iterator[Figure]:
    insert, get, read = work
    row = plain(2, SEED)
    values = {column: getattr(row, column) for column in NAMES}
    marks = ", ".join("?" * len(NAMES))
    prepared = session.prepare(f"INSERT INTO {keyspace}.plain ({', '.join(NAMES)}) VALUES ({marks})")
    one = session.prepare(f"SELECT * FROM {keyspace}.plain WHERE part = ? AND id = ?")
    many = session.prepare(f"SELECT * FROM {keyspace}.plain WHERE part = ?")
    values_tuple, key = tuple(values.values()), (2, row.id)
    yield compare(
        f"{name}: insert one row",
        "prepared insert",
        lambda: insert(values),
        lambda: session.execute(prepared, values_tuple),
        target="",
        number=200,
    )
    yield compare(
        f"{name}: get one row",
        "session.execute of a prepared statement",
        lambda: get(row.id),
        lambda: session.execute(one, key).one(),
        target="",
        number=200,
    )
    yield compare(
        f"{name}: read {rows:,} rows",
        "named tuples of the driver",
        lambda: read(rows),
        lambda: list(session.execute(many, (1,))),
        target="",
        rounds=5,
    )
