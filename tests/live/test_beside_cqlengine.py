"""Compare the schemas that cqlengine's ``sync_table`` and a sync of this package create from equal models.

The cases come from cqlengine's own tests of schema management. Each case has a live table for either side, created by
the same CQL, and one declaration for both. The test asserts for each side whether it raised, how many statements it
sent, how many a second sync sent, and whether the live table matches the declaration afterwards.
"""

from __future__ import annotations

import warnings
from uuid import uuid4

import attrs
import pytest
from cassandra.cqlengine import columns as theirs
from cassandra.cqlengine import connection, management
from cassandra.cqlengine.models import Model as TheirModel
from cassandra.cqlengine.usertype import UserType as TheirType

from scyllamodel import Repo, TableOptions, inspect, migrate
from scyllamodel.release.engine.cluster_view import ClusterView
from scyllamodel.schema.changes.kinds import Unmanaged
from scyllamodel.schema.ddl import keyspace_script
from scyllamodel.schema.diff.schema_diff import diff
from scyllamodel.schema.facts.objects import FrozenMap, Table, UserType
from scyllamodel.types import cql_types as v
from support.builders import index, schema, table, user_type
from support.model_classes import declare

pytestmark = [pytest.mark.live, pytest.mark.scylla_keep_rows]

NATIVE = {
    "int": theirs.Integer, "bigint": theirs.BigInt, "text": theirs.Text, "decimal": theirs.Decimal,
    "float": theirs.Float, "counter": theirs.Counter, "timestamp": theirs.DateTime, "uuid": theirs.UUID,
}  # fmt: skip


@attrs.frozen
class Seen:
    """The outcome of a sync.

    Attributes:
        raised: the class of what it raised, or the codes of what it refused, the second time after ``then``.
        sent: statements that change the schema.
        again: statements of a second sync.
        fits: whether the live table matches the declaration.
    """

    raised: str = ""
    sent: int = 0
    again: int = 0
    fits: bool = True


@attrs.frozen
class Case:
    """One declaration on one live table.

    Attributes:
        live: the facts of the live table; empty if there is none.
        declared: the facts of the declaration.
    """

    name: str
    live: tuple
    declared: tuple
    cqlengine: Seen
    ours: Seen


def tbl(*columns, **facts):
    """A table of these columns, and the types that it needs."""
    return (table("t", *columns, **facts),)


def options(**values):
    """Table options as a model declares them."""
    return TableOptions(**values).declared()


T = ("id int pk", "at int ck", "a text")
RIGHT, STILL = Seen(sent=1), Seen()
ADDR = user_type("addr", "street text", "n int")

CASES = [
    Case("a new table", (), tbl(*T), RIGHT, RIGHT),
    Case("nothing to do", tbl(*T), tbl(*T), STILL, STILL),
    Case("columns that are new", tbl(*T), tbl(*T, "b int", "c set<text>", "d map<text,int>"), Seen(sent=3), RIGHT),
    Case("a static column that is new", tbl(*T), tbl(*T, "s text static"), RIGHT, RIGHT),
    Case("a live column that the model lacks", tbl(*T, "x int"), tbl(*T), STILL, STILL),
    Case("another type", tbl(*T), tbl(*T[:2], "a int"), Seen(fits=False), Seen("TY101", fits=False)),
    Case("another type of a key", tbl(*T), tbl("id bigint pk", *T[1:]), Seen(fits=False), Seen("TY101", fits=False)),
    Case("another element of a list", tbl(*T, "l list<int>"), tbl(*T, "l list<text>"),
         Seen(fits=False), Seen("TY101", fits=False)),
    Case("static that was not", tbl(*T), tbl(*T[:2], "a text static"), Seen(fits=False), Seen("TY104", fits=False)),
    Case("not static any more", tbl(*T, "s int static"), tbl(*T, "s int"), Seen(fits=False), Seen("TY104", fits=False)),
    Case("frozen that was not", tbl(*T, "l list<int>"), tbl(*T, "l frozen<list<int>>"),
         Seen(fits=False), Seen("TY103", fits=False)),
    Case("another order of rows", tbl(*T), tbl(T[0], "at int ck desc", T[2]),
         Seen(fits=False), Seen("PK102", fits=False)),
    Case("another partition key", tbl(*T), tbl("id int pk", "at int pk", "a text"),
         Seen("CQLEngineException", fits=False), Seen("PK101 PK102", fits=False)),
    Case("a new key column", tbl(*T), tbl(*T[:2], "b int ck", "a text"),
         Seen("CQLEngineException", fits=False), Seen("PK103", fits=False)),
    Case("a key in another order", tbl("id int pk", "a int ck", "b int ck"), tbl("id int pk", "b int ck", "a int ck"),
         Seen("CQLEngineException", fits=False), Seen("PK102", fits=False)),
    Case("an option that is new", tbl(*T), tbl(*T, options=options(gc_grace_seconds=4321)), RIGHT, RIGHT),
    Case("options that are there", tbl(*T, options=options(gc_grace_seconds=4321, comment="x")),
         tbl(*T, options=options(gc_grace_seconds=4321, comment="x")), STILL, STILL),
    Case("a class with its package", tbl(*T),
         tbl(*T, options=options(compaction={"class": "org.apache.cassandra.db.compaction.LeveledCompactionStrategy"})),
         Seen(sent=1, again=1), RIGHT),
    Case("compression by its old keys", tbl(*T),
         tbl(*T, options=options(compression={"sstable_compression": "DeflateCompressor", "chunk_length_kb": "64"})),
         Seen(sent=1, again=1), RIGHT),
    Case("an equals sign in a comment", tbl(*T), tbl(*T, options=options(comment="a = b")),
         Seen("ValueError", fits=False), RIGHT),
    Case("a quote in a comment", tbl(*T), tbl(*T, options=options(comment="it's")),
         Seen(sent=1, again=1, fits=False), RIGHT),
    Case("an index that is new", tbl(*T), tbl(*T, indexes=[index("a")]), RIGHT, RIGHT),
    Case("an index by another name", tbl(*T, indexes=[index("a", "i")]), tbl(*T, indexes=[index("a")]), STILL, STILL),
    Case("an index that the model lacks", tbl(*T, indexes=[index("a", "by_hand_2")]), tbl(*T), STILL, STILL),
    Case("an index on a set", tbl(*T, "s set<text>"), tbl(*T, "s set<text>", indexes=[index("s")]), RIGHT, RIGHT),
    Case("an index on a frozen list", tbl(*T, "l frozen<list<int>>"),
         tbl(*T, "l frozen<list<int>>", indexes=[index("l", on="full")]), Seen("then InvalidRequest", sent=1), RIGHT),
    Case("a user type with its column", tbl(*T), (ADDR, *tbl(*T, "u frozen<addr>")), Seen(sent=2), Seen(sent=2)),
    Case("a user type that grew", (ADDR, *tbl(*T, "u frozen<addr>")),
         (user_type("addr", "street text", "n int", "more text"), *tbl(*T, "u frozen<addr>")), RIGHT, RIGHT),
    Case("a field of another type", (ADDR, *tbl(*T, "u frozen<addr>")),
         (user_type("addr", "street text", "n text"), *tbl(*T, "u frozen<addr>")),
         Seen(fits=False), Seen("UD102", fits=False)),
    Case("a field in front", (ADDR, *tbl(*T, "u frozen<addr>")),
         (user_type("addr", "more text", "street text", "n int"), *tbl(*T, "u frozen<addr>")),
         Seen(sent=1, fits=False), Seen("UD104", fits=False)),
    Case("a user type inside of a list", tbl(*T), (ADDR, *tbl(*T, "u list<frozen<addr>>")), Seen(sent=2), Seen(sent=2)),
]  # fmt: skip


def their_column(column):
    """A column of cqlengine, and whether it is frozen."""
    keywords = {"db_field": column.name}
    if column.in_key:
        keywords |= {"primary_key": True, "partition_key": column.kind == "partition_key"}
        keywords |= {"clustering_order": "DESC"} if column.descending else {}
    else:
        keywords |= {"static": True} if column.kind == "static" else {}
    return their_type(column.type, keywords)


def their_type(cql_type, keywords):
    """A type of cqlengine."""
    if isinstance(cql_type, v.Native):
        return NATIVE[cql_type.name](**keywords)
    if isinstance(cql_type, v.UserTypeName):
        return theirs.UserDefinedType(USER_TYPES[cql_type.name], **keywords)
    elements = [their_type(part, {}) for part in v.element_types(cql_type)]
    column_types = {v.ListType: theirs.List, v.SetType: theirs.Set, v.MapType: theirs.Map}[type(cql_type)]
    return column_types(*elements, frozen=v.is_frozen(cql_type), **keywords)


USER_TYPES: dict[str, type] = {}
"""cqlengine's classes of the user types of this case."""


def their_model(case, keyspace):
    """The declaration of a case as a cqlengine model."""
    model = next(part for part in case.declared if isinstance(part, Table))
    USER_TYPES.clear()
    for part in case.declared:
        if isinstance(part, UserType):
            fields = {name: their_type(field, {}) for name, field in part.fields}
            USER_TYPES[part.name] = type(part.name, (TheirType,), {**fields, "__type_name__": part.name})
    columns = {name: their_column(model[name]) for name in _declared_order(model)}
    for one_index in model.indexes:
        columns[one_index.column].index = True
    body = {"__keyspace__": keyspace, "__table_name__": model.name}
    body["__options__"] = {k: dict(o) if isinstance(o, FrozenMap) else o for k, o in model.options.items()}
    return type("Theirs", (TheirModel,), {**columns, **body})


def _declared_order(model):
    """Key columns in their order, then the others; cqlengine orders keys by the creation of their columns."""
    return [column.name for column in (*model.partition_key, *model.clustering_key)] + [
        column.name for column in model if not column.in_key
    ]


class Side:
    """One keyspace, and the statements that are sent to it."""

    def __init__(self, repo):
        self.repo, self.sent = repo, []

    def heard(self, future):
        """Record statements of the session that change a schema."""
        text = str(getattr(future.message, "query", ""))
        if text.split(" ", maxsplit=1)[0] in ("CREATE", "ALTER", "DROP") and "scyllamodel_" not in text:
            self.sent.append(text)

    def counted(self, work):
        """What a call raised, and how many statements it sent."""
        self.sent.clear()
        self.repo.session.add_request_init_listener(self.heard)
        try:
            work()
        except Exception as error:  # noqa: BLE001 - whatever either raises is what is seen
            refusals = getattr(error, "refusals", ())
            return " ".join(sorted({refusal.code for refusal in refusals})) or type(error).__name__, 0
        finally:
            self.repo.session.remove_request_init_listener(self.heard)
        return "", len(self.sent)

    def seen(self, case, sync):
        """Return the outcome of a case by this sync, which runs twice."""
        raised, statements = self.counted(sync)
        later, repeated = ("", 0) if raised else self.counted(sync)
        raised += f"then {later}" if later else ""
        part = inspect(self.repo)[self.repo.keyspace]
        desired = attrs.evolve(schema(*case.declared, keyspace=None), name=self.repo.keyspace)
        changes = [
            c for c in diff(part, desired, ClusterView.connect(self.repo).server) if not isinstance(c, Unmanaged)
        ]
        return Seen(raised, statements, repeated, not changes)


@pytest.fixture(scope="module")
def session(scylla_cluster):
    """A session for both sides, which is cqlengine's default connection as well."""
    with scylla_cluster.repo("system", request_timeout=60) as repo:
        connection.register_connection("beside", session=repo.session, default=True)
        yield repo.session
        connection._connections.clear()  # to unregister it would close the session


@pytest.fixture
def sides(session):
    """Two fresh keyspaces."""
    names = [f"beside_{uuid4().hex[:10]}" for _ in range(2)]
    dc = session.execute("SELECT data_center FROM system.local").one()["data_center"]  # cqlengine wants dicts
    for name in names:
        session.execute(
            f"CREATE KEYSPACE {name} WITH replication = {{'class': 'NetworkTopologyStrategy', '{dc}': 1}}", timeout=60
        )
    yield [Side(Repo(name, session=session, keyspace=name)) for name in names]
    for name in names:
        session.execute(f"DROP KEYSPACE IF EXISTS {name}", timeout=60)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_both_sync_the_same_declaration(sides, case, monkeypatch):
    """Both libraries sync the declaration with the outcomes that the case lists."""
    monkeypatch.setenv("CQLENG_ALLOW_SCHEMA_MANAGEMENT", "1")
    remaining, right = sides
    for side in sides:
        facts = attrs.evolve(schema(*case.live, keyspace=None), name=side.repo.keyspace)
        for cql in keyspace_script(facts, ClusterView.connect(side.repo).server):
            side.repo.session.execute(cql, timeout=60)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs_seen = remaining.seen(case, lambda: management.sync_table(their_model(case, remaining.repo.keyspace)))
    models = declare(right.repo.name, *case.declared)
    ours_seen = right.seen(case, lambda: migrate(right.repo))

    assert models
    assert (case.cqlengine, case.ours) == (theirs_seen, ours_seen)
