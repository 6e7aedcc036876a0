"""Changes and facts as CQL for every server."""

from __future__ import annotations

import re
from textwrap import dedent

import attrs
import pytest
from hypothesis import given, settings

from scyllamodel._identifiers import quote
from scyllamodel.errors import KeyspaceError
from scyllamodel.schema.changes import kinds as ch
from scyllamodel.schema.ddl import change_cql, create_view, keyspace_script, undo_cql
from scyllamodel.schema.facts.objects import (
    FrozenMap,
    Index,
    Keyspace,
    KeyspaceFacts,
    Table,
    TableColumn,
    UserType,
    View,
)
from scyllamodel.schema.options import TableOptions
from scyllamodel.schema.server.profile import ServerProfile
from scyllamodel.types.cql_types import UserTypeName
from scyllamodel.types.parser import parse_type
from support.cassandra_observed import SERVERS
from support.strategies import keyspaces

CASSANDRA = SERVERS["5.0"]
SCYLLA = ServerProfile("scylla", (2025, 4))


def column(name, cql="int", kind="regular", descending=False):
    """A column of a table or a view."""
    return TableColumn(name, parse_type(cql), kind, descending)


def table(*columns, **rest):
    """A table ``t`` with the key ``a``."""
    return Table(name="t", columns=(column("a", "int", "partition_key"), *columns), **rest)


def options(**declared):
    """Options in canonical form."""
    return TableOptions(**declared).declared()


ADDRESS = UserType("address", (("street", parse_type("text")), ("tags", parse_type("set<text>"))))
WIDE = table(
    column("b", "text", "clustering", descending=True),
    column("c", "text", "clustering"),
    column("s", "int", "static"),
    column("Mixed", "frozen<list<int>>"),
    column("x", "map<text, int>"),
    options=options(comment="it's; -- $$", gc_grace_seconds=5),
)
VIEW = View(
    "v",
    (column("x", "int", "partition_key"), column("a", "int", "clustering", descending=True), column("b"), column("Y")),
    "t",
)


@pytest.mark.parametrize(
    ("change", "cql"),
    [
        (ch.AddType("k", ADDRESS), "CREATE TYPE k.address (street text, tags set<text>)"),
        (ch.DropType("k", ADDRESS), "DROP TYPE k.address"),
        (ch.AddType("K", attrs.evolve(ADDRESS, name="date")), 'CREATE TYPE "K"."date" (street text, tags set<text>)'),
        (ch.AddField("k", "address", "select", parse_type("int")), 'ALTER TYPE k.address ADD "select" int'),
        (ch.AddField("k", "int", "z", UserTypeName("Zip", frozen=True)), 'ALTER TYPE k."int" ADD z frozen<"Zip">'),
        (ch.DropTable("k", WIDE), "DROP TABLE k.t"),
        (ch.AddColumns("k", "t", (column("x"),)), "ALTER TABLE k.t ADD x int"),
        (ch.AddColumns("k", "t", (column("s", "text", "static"),)), "ALTER TABLE k.t ADD s text STATIC"),
        (
            ch.AddColumns("k", "T", (column("x"), column("s", "text", "static"))),
            'ALTER TABLE k."T" ADD (x int, s text STATIC)',
        ),
        (ch.DropColumns("k", "t", (column("x"),)), "ALTER TABLE k.t DROP x"),
        (ch.DropColumns("k", "t", (column("x"), column("Y"))), 'ALTER TABLE k.t DROP (x, "Y")'),
        (ch.RenameKeyColumns("k", "t", (("a", "A"), ("b", "c"))), 'ALTER TABLE k.t RENAME a TO "A" AND b TO c'),
        (
            ch.SetOptions("k", "t", options(comment="x", gc_grace_seconds=5), FrozenMap()),
            "ALTER TABLE k.t WITH comment = 'x' AND gc_grace_seconds = 5",
        ),
        (
            ch.SetOptions("k", "v", options(comment="x"), FrozenMap(), view=True),
            "ALTER MATERIALIZED VIEW k.v WITH comment = 'x'",
        ),
        (ch.DropIndex("k", WIDE, Index("I", "x")), 'DROP INDEX k."I"'),
        (ch.DropView("k", VIEW), "DROP MATERIALIZED VIEW k.v"),
    ],
)
def test_one_statement_for_each_change(change, cql):
    """Each change has one statement, which is the same on every server."""
    assert [cql] * 4 == [change_cql(change, server) for server in (*SERVERS.values(), SCYLLA)]


def test_create_table():
    """Keys have double parentheses, orders appear if one descends, and options and hostile text are literals."""
    cql = dedent("""\
        CREATE TABLE k.t (
            a int,
            b text,
            c text,
            s int STATIC,
            "Mixed" frozen<list<int>>,
            x map<text, int>,
            PRIMARY KEY ((a), b, c)
        ) WITH CLUSTERING ORDER BY (b DESC, c ASC)
            AND comment = 'it''s; -- $$'
            AND gc_grace_seconds = 5""")

    assert cql == change_cql(ch.AddTable("k", WIDE), CASSANDRA)


def test_create_table_without_clauses():
    """A table without options has no WITH clause, and ascending clustering keys have no order."""
    plain = table(column("b", "int", "partition_key"), column("c", "int", "clustering"))
    cql = 'CREATE TABLE "K".t (\n    a int,\n    b int,\n    c int,\n    PRIMARY KEY ((a, b), c)\n)'

    assert cql == change_cql(ch.AddTable("K", plain), CASSANDRA)


def test_create_view():
    """Every key is listed as not null and in its order, without another condition."""
    view = attrs.evolve(VIEW, options=options(comment="x", gc_grace_seconds=5))
    cql = dedent("""\
        CREATE MATERIALIZED VIEW k.v AS
            SELECT x, a, "Y", b
            FROM k.t
            WHERE x IS NOT NULL AND a IS NOT NULL
            PRIMARY KEY ((x), a)
            WITH CLUSTERING ORDER BY (a DESC)
                AND comment = 'x'
                AND gc_grace_seconds = 5""")

    assert cql == change_cql(ch.AddView("k", view), CASSANDRA)


@pytest.mark.parametrize(
    ("view", "text"),
    [
        (attrs.evolve(VIEW, all_columns=True), "SELECT *\n"),
        (attrs.evolve(VIEW, where="x IS NOT NULL AND a > 5"), "WHERE x IS NOT NULL AND a > 5\n"),
        (attrs.evolve(VIEW, options={"cdc": {"enabled": "false"}, "default_time_to_live": 0}), "(a DESC)"),
    ],
)
def test_views_read_from_a_server(view, text):
    """A view read from a server is written unchanged, without stored options that CREATE does not accept."""
    cql = create_view("k", view, CASSANDRA)

    assert (True, False) == (text in cql, "default_time_to_live" in cql or "cdc" in cql)


def test_counter_tables_have_no_ttl():
    """The stored TTL of 0 is omitted for counter tables, for which servers refuse a TTL."""
    counters = table(column("n", "counter"), options={"default_time_to_live": 0, "gc_grace_seconds": 5})

    assert change_cql(ch.AddTable("k", counters), SCYLLA).endswith(") WITH gc_grace_seconds = 5")


INDEXED = table(
    column("b", "int", "partition_key"),
    column("v", "text"),
    column("m", "map<text, int>"),
    column("st", "set<text>"),
    column("fl", "frozen<list<int>>"),
    column("vec", "vector<float, 3>"),
    column("a, b", "int"),
    column("Mixed", "int"),
)


@pytest.mark.parametrize(
    ("index", "cql"),
    [
        (Index("i", "v"), "CREATE INDEX i ON k.t (v)"),
        (Index("I", "Mixed"), 'CREATE INDEX "I" ON k.t ("Mixed")'),
        (Index("i", "m"), "CREATE INDEX i ON k.t (m)"),
        (Index("i", "m", "keys"), "CREATE INDEX i ON k.t (keys(m))"),
        (Index("i", "m", "entries"), "CREATE INDEX i ON k.t (entries(m))"),
        (Index("i", "st"), "CREATE INDEX i ON k.t (st)"),
        (Index("i", "fl", "full"), "CREATE INDEX i ON k.t (full(fl))"),
        (Index("i", "a, b"), 'CREATE INDEX i ON k.t ("a, b")'),
        (Index("i", "v", using="sai"), "CREATE CUSTOM INDEX i ON k.t (v) USING 'sai'"),
        (
            Index("i", "v", using="SASI", options={"mode": "it's", "analyzed": True}),
            (
                "CREATE CUSTOM INDEX i ON k.t (v) USING 'org.apache.cassandra.index.sasi.SASIIndex'"
                " WITH OPTIONS = {'analyzed': 'true', 'mode': 'it''s'}"
            ),
        ),
        (Index("i", "v, m", using="a.b.Own"), "CREATE CUSTOM INDEX i ON k.t (v, m) USING 'a.b.Own'"),
        (Index("i", "", using="a.b.Own"), "CREATE CUSTOM INDEX i ON k.t () USING 'a.b.Own'"),
        (Index("i", "v", using="legacy_local_table"), "CREATE INDEX i ON k.t (v) USING 'legacy_local_table'"),
        (Index("i", "vec", using="sai"), "CREATE CUSTOM INDEX i ON k.t (vec) USING 'sai'"),
    ],
)
def test_indexes_on_cassandra(index, cql):
    """Each kind of index is written as Cassandra accepts it."""
    assert cql == change_cql(ch.AddIndex("k", INDEXED, index), CASSANDRA)


@pytest.mark.parametrize(
    ("index", "cql"),
    [
        (Index("i", "v", local=True), "CREATE INDEX i ON k.t ((a, b), v)"),
        (Index("i", "st"), "CREATE INDEX i ON k.t (st)"),
        (Index("i", "fl", "full"), "CREATE INDEX i ON k.t (full(fl))"),
        (Index("i", "vec", using="sai"), "CREATE CUSTOM INDEX i ON k.t (vec) USING 'vector_index'"),
        (
            Index("i", "vec, v", using="vector_index", local=True),
            "CREATE CUSTOM INDEX i ON k.t ((a, b), vec, v) USING 'vector_index'",
        ),
        (Index("i", "v", using="legacy_local_table"), "CREATE INDEX i ON k.t (v)"),
    ],
)
def test_indexes_on_scylla(index, cql):
    """Each kind of index is written as Scylla accepts it."""
    assert cql == change_cql(ch.AddIndex("k", INDEXED, index), SCYLLA)


R1 = {"dc1": "3", "class": "NetworkTopologyStrategy"}


@pytest.mark.parametrize(
    ("keyspace", "server", "clauses"),
    [
        (Keyspace("k", FrozenMap(R1)), CASSANDRA, "replication = {'class': 'NetworkTopologyStrategy', 'dc1': '3'}"),
        (
            Keyspace("k", FrozenMap(R1), False, False),
            CASSANDRA,
            "replication = {'class': 'NetworkTopologyStrategy', 'dc1': '3'} AND durable_writes = false",
        ),
        (
            Keyspace("k", FrozenMap(R1), True, False),
            SCYLLA,
            "replication = {'class': 'NetworkTopologyStrategy', 'dc1': '3'} AND tablets = {'enabled': false}",
        ),
    ],
)
def test_create_keyspace(keyspace, server, clauses):
    """A keyspace is created with IF NOT EXISTS, and with a tablets clause if that is declared."""
    assert f"CREATE KEYSPACE IF NOT EXISTS k WITH {clauses}" == change_cql(ch.CreateKeyspace(keyspace), server)


@pytest.mark.parametrize(
    ("keyspace", "text"),
    [(Keyspace("k"), "no replication is configured"), (Keyspace("k", FrozenMap(R1), True, True), "has no tablets")],
)
def test_keyspaces_that_cannot_be_made(keyspace, text):
    """A keyspace that cannot be created is refused before anything is sent."""
    with pytest.raises(KeyspaceError, match=text):
        change_cql(ch.CreateKeyspace(keyspace), CASSANDRA)


@pytest.mark.parametrize(
    ("change", "cql"),
    [
        (ch.AddTable("k", WIDE), "DROP TABLE k.t"),
        (ch.AddType("k", ADDRESS), "DROP TYPE k.address"),
        (ch.AddColumns("k", "t", (column("x"),)), "ALTER TABLE k.t DROP x"),
        (ch.DropColumns("k", "t", (column("x"),)), "ALTER TABLE k.t ADD x int"),
        (ch.RenameKeyColumns("k", "t", (("a", "b"),)), "ALTER TABLE k.t RENAME b TO a"),
        (
            ch.SetOptions("k", "t", options(comment="new"), options(comment="old")),
            "ALTER TABLE k.t WITH comment = 'old'",
        ),
        (ch.AddIndex("k", INDEXED, Index("i", "v")), "DROP INDEX k.i"),
        (ch.DropIndex("k", INDEXED, Index("i", "v")), "CREATE INDEX i ON k.t (v)"),
        (ch.AddView("k", VIEW), "DROP MATERIALIZED VIEW k.v"),
        (ch.AddField("k", "address", "z", parse_type("int")), None),
        (ch.CreateKeyspace(Keyspace("k", FrozenMap(R1))), None),
    ],
)
def test_undo(change, cql):
    """The undo of a change is the statement of its inverse, or None if CQL has none."""
    assert cql == undo_cql(change, CASSANDRA)


def test_a_change_without_a_statement():
    """A change that CQL cannot do is an error instead of a statement."""
    with pytest.raises(TypeError, match="AlterColumn"):
        change_cql(ch.AlterColumn("k", "t", column("x"), column("x", "text"), "TY101"), CASSANDRA)


def test_script_of_a_keyspace():
    """Each object in a script comes after its dependencies."""
    nested = UserType("A", (("inside", UserTypeName("address", frozen=True)),))
    facts = KeyspaceFacts(
        "k",
        Keyspace("k", FrozenMap(R1)),
        (nested, ADDRESS),
        (attrs.evolve(INDEXED, indexes=(Index("i", "v"),)),),
        (VIEW,),
    )
    starts = [" ".join(cql.split()[:3]) for cql in keyspace_script(facts, CASSANDRA)]

    assert [
        "CREATE KEYSPACE IF", "CREATE TYPE k.address", 'CREATE TYPE k."A"', "CREATE TABLE k.t", "CREATE INDEX i",
        "CREATE MATERIALIZED VIEW",
    ] == starts  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(keyspaces())
def test_scripts_do_not_depend_on_the_order_of_facts(facts):
    """Equal facts in any order have the same script on every server."""
    backwards = KeyspaceFacts(
        facts.name,
        facts.keyspace,
        facts.types[::-1],
        tuple(attrs.evolve(t, columns=_backwards(t), indexes=t.indexes[::-1]) for t in facts.tables[::-1]),
        facts.views[::-1],
    )
    for server in (*SERVERS.values(), SCYLLA):
        assert keyspace_script(facts, server) == keyspace_script(backwards, server)


def _backwards(model):
    """Columns with everything that has no order in CQL reversed."""
    return (*(c for c in model.columns if c.in_key), *(c for c in model.columns[::-1] if not c.in_key))


_TOKEN = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|[^'"]+""")


@settings(max_examples=40, deadline=None)
@given(keyspaces())
def test_hostile_text_stays_inside_its_quotes(facts):
    """Names and texts cannot leave their quotes: outside quotes there are only characters of this package."""
    for cql in keyspace_script(facts, CASSANDRA):
        bare = [token for token in _TOKEN.findall(cql) if token[0] not in "'\""]

        assert cql == "".join(_TOKEN.findall(cql))
        assert not re.search(r"[^\w\s.,:(){}<>=*-]|--", " ".join(bare))


@settings(max_examples=40, deadline=None)
@given(keyspaces())
def test_views_list_their_keys(facts):
    """Every key of a view is selected as not null, without another condition."""
    for view in facts.views:
        cql = create_view("k", view, CASSANDRA)
        keys = [quote(c.name) for c in view if c.in_key]

        assert f"WHERE {' AND '.join(f'{key} IS NOT NULL' for key in keys)}\n" in cql
