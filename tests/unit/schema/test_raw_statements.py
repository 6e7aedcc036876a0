"""Hand-written statements are parsed as servers parse them, and refused where they break a server."""

from __future__ import annotations

import attrs
import pytest

from scyllamodel.release.engine.raw_steps import RawStep, with_raw_steps
from scyllamodel.schema.ddl.statement_parser import parse_statement
from scyllamodel.schema.ddl.statement_reader import StatementSyntaxError
from scyllamodel.schema.facts.objects import FrozenMap, Keyspace
from scyllamodel.schema.plan import make_plan
from scyllamodel.schema.rules.raw_statements import RawStatementChecker, changes_keyspaces, keyspaces_of
from scyllamodel.schema.server.profile import NodeSettings, ServerProfile
from support.builders import NTS, index, schema, table, user_type, view
from support.cassandra_observed import SERVERS, expanded
from support.scylla_observed import NEW, OLD, observed

CASSANDRA = SERVERS["5.0"]
WITHOUT_STATIC_FAULT = [
    ServerProfile("scylla", version) for version in [(2025, 4, 11), (2026, 1, 6), (2026, 2, 0), (2026, 3, 0)]
]
STATIC_FAULT = [
    ServerProfile("scylla", version) for version in [(2025, 1, 14), (2025, 3, 8), (2025, 4, 10), (2026, 1, 5)]
]

INDEXED = table(
    "t", "a int pk", "b int ck", "v text", "m map<text,int>", "s int static", "fl frozen<list<int>>",
    indexes=[index("m", "i"), index("v", "j"), index("fl", "k", on="full")],
)  # fmt: skip
COLLECTION = table("t", "a int pk", "b int ck", "m map<text,int>", "s int static")
WITHOUT_STATIC = table("t", "a int pk", "b int ck", "v text", "m map<text,int>", indexes=[index("m", "i")])
VECTOR = table(
    "t", "a int pk", "e vector<float,3>", "lang text", "v text",
    indexes=[index("e, lang", "i", using="VECTOR_INDEX"), index("v", "f", using="fulltext_index")],
)  # fmt: skip
EXPIRING = table("t", "a int pk", "ends timestamp", "v int", ttl_column="ends")
HOME = user_type("addr", "x int")
KEYED, HELD = table("u", "a frozen<addr> pk"), table("u", "a int pk", "v frozen<addr>")
UNDER_KEY = table("t", "a int pk", "b int ck", "v int", indexes=[index("b", "i")])
BEFORE = table("t", "b int ck").columns
KEEPING = view("mv", "t", "b int pk", "a int ck")
PLAIN = table("t", "a int pk", "v text", "m map<text,int>", "s int static", "w int")
LONG_TABLE = table("t" * 150, "a int pk", f"{'c' * 100} int")
LONG = "n" * 217


def keyspace(**facts):
    """The keyspace ``k``, with tablets unless specified."""
    return Keyspace("k", FrozenMap({"class": "NetworkTopologyStrategy", "dc1": "1"}), **{"tablets": True, **facts})


def findings_of(cql, server, *parts, definition=None):
    """The codes of the findings on a statement."""
    checker = RawStatementChecker("k", [schema(*parts, keyspace=definition or keyspace())], server)
    return [finding.code for finding in checker.check(cql)]


SILENT = "ALTER KEYSPACE k WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': 1}"
NONE = "ALTER KEYSPACE k WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': %s} AND durable_writes = true"
NO_LOG = keyspace(durable_writes=False)
TWO = attrs.evolve(keyspace(), replication=FrozenMap({"class": "NetworkTopologyStrategy", "dc1": "1", "dc2": "1"}))
HALF = attrs.evolve(keyspace(), replication=FrozenMap({"class": "NetworkTopologyStrategy", "dc1": "1", "dc2": "0"}))
VIEW = "CREATE MATERIALIZED VIEW k.%s AS SELECT * FROM k.t WHERE %s AND a IS NOT NULL PRIMARY KEY (v, a)"

# code, statement, keyspace, tables, servers that the statement breaks, servers that it does not break
BREAKING = [
    ("NB102", SILENT, NO_LOG, [], [OLD, NEW], [CASSANDRA]),
    ("NB102", "alter schema K with tablets = {'enabled': true}", NO_LOG, [], [NEW], []),
    ("NB102", NONE % 0, keyspace(), [], [OLD, NEW], []),
    ("NB102", NONE % "[]", keyspace(), [], [NEW], []),
    ("NB102", NONE % "0, 'dc2': 0", TWO, [], [NEW], []),
    ("NB102", NONE % "0, 'dc2': 0", HALF, [], [NEW], []),
    ("NB102", "ALTER TABLE k.t WITH synchronous_updates = false", None, [EXPIRING], [NEW], [OLD]),
    ("NB102", "ALTER TABLE k.t WITH scylla_tags = {'x': 'y'} AND comment = 'c'", None, [EXPIRING], [NEW], []),
    ("NB102", "ALTER TABLE k.t ALTER ends TYPE blob", None, [EXPIRING], [NEW], []),
    ("NB102", "ALTER TABLE k.t DROP ends", None, [EXPIRING], [NEW], []),
    ("NB104", "ALTER TABLE k.t ALTER v TYPE bigint", None, [PLAIN], [OLD, NEW, CASSANDRA], []),
    ("NB104", "ALTER TABLE k.t ALTER w TYPE varint", None, [PLAIN], [CASSANDRA], [OLD, NEW]),
    ("NB104", "ALTER TABLE k.t ALTER b TYPE blob", None, [UNDER_KEY], [OLD, NEW], []),
    ("NB104", "ALTER TABLE k.t ALTER v TYPE blob", None, [UNDER_KEY], [OLD, NEW, CASSANDRA], []),
    ("NB104", "ALTER TABLE k.t ALTER w TYPE varint", None, [attrs.evolve(PLAIN, columns=[*PLAIN, *BEFORE]), KEEPING],
     [OLD, NEW], []),
    ("NB104", "ALTER TYPE k.addr ADD y int", None, [HOME, KEYED], [OLD, NEW, CASSANDRA], []),
    ("NB104", "ALTER TYPE k.addr RENAME x TO y", None, [HOME, KEYED], [OLD, NEW], [CASSANDRA]),
    ("NB104", "ALTER TYPE k.addr ALTER x TYPE varint", None, [HOME, HELD], [CASSANDRA], [OLD, NEW]),
    ("NB104", "ALTER TYPE k.addr ALTER x TYPE varint", None, [HOME, KEYED], [OLD, NEW, CASSANDRA], []),
    ("NB104", "ALTER TYPE k.addr ADD y int", None, [HOME, attrs.evolve(HELD, indexes=[index("v", "i")])],
     [OLD, NEW], [CASSANDRA]),
    ("NB102", "ALTER TABLE k.t DROP e", None, [VECTOR], [NEW], []),
    ("NB102", "ALTER TABLE k.t DROP (w, lang)", None, [VECTOR], [NEW], []),
    ("NB102", "ALTER TABLE k.t DROP v", None, [VECTOR], [NEW], []),
    ("NB101", "ALTER TABLE k.t DROP m", None, [INDEXED], [OLD, NEW], []),
    ("NB101", f"CREATE INDEX ON k.{LONG_TABLE.name} ({'c' * 100})", None, [LONG_TABLE], [OLD, NEW], [CASSANDRA]),
    ("NB101", f"CREATE INDEX {LONG} ON k.t (v)", None, [PLAIN], [OLD], [NEW, CASSANDRA]),
    ("NB101", VIEW % ("m" * 223, "v IS NOT NULL"), None, [PLAIN], [OLD], [NEW, CASSANDRA]),
    ("NB101", "CREATE INDEX i ON k.t (m)", None, [COLLECTION], STATIC_FAULT[1:2], [*WITHOUT_STATIC_FAULT, CASSANDRA]),
    ("NB101", "CREATE INDEX i ON k.t (keys(m))", None, [PLAIN], STATIC_FAULT, [*WITHOUT_STATIC_FAULT, CASSANDRA]),
    ("NB101", "ALTER TABLE k.t ADD s2 int static", None, [INDEXED], STATIC_FAULT, WITHOUT_STATIC_FAULT),
    ("NB101", "ALTER TABLE k.t ADD (x int, s int static)", None, [WITHOUT_STATIC], STATIC_FAULT, WITHOUT_STATIC_FAULT),
    ("NB101", "CREATE TABLE k.u (a int PRIMARY KEY) WITH default_time_to_live = 630720001", None, [], [OLD, NEW], []),
    ("NB101", "ALTER TABLE k.t WITH default_time_to_live = 700000000", None, [PLAIN], [OLD, NEW], [CASSANDRA]),
    ("NB101", VIEW % ("x", "v = 'it''s'"), None, [PLAIN], [OLD, NEW, CASSANDRA], []),
    ("NB101", "CREATE KEYSPACE kk WITH replication = {'class': 'x'} AND tablets = {'initial': -1}", None, [],
     [OLD], [ServerProfile("scylla", (2025, 2)), NEW]),
    ("NB101", "CREATE CUSTOM INDEX i ON k.t (v) USING ''", None, [PLAIN], [OLD, NEW], [CASSANDRA]),
    ("NB101", "SELECT dropped_time FROM system_schema.dropped_columns", None, [], [OLD, NEW], [CASSANDRA]),
    ("NB101", "SELECT * FROM system_schema.dropped_columns", None, [], [OLD, NEW], [CASSANDRA]),
    ("NB101", "SELECT type, Dropped_Time FROM system_schema.dropped_columns", None, [], [OLD, NEW], [CASSANDRA]),
    ("NB101", 'SELECT "dropped_time" FROM system_schema.dropped_columns', None, [], [OLD, NEW], [CASSANDRA]),
    ("NB101", "CREATE TABLE k.u (a int PRIMARY KEY) WITH id = 5a1c395e-b41f-11e5-9f22-ba0be0483c18", None, [],
     [CASSANDRA], [OLD, NEW]),
]  # fmt: skip


@pytest.mark.parametrize("case", BREAKING, ids=[case[1][:60] for case in BREAKING])
def test_a_statement_is_refused_where_it_breaks_and_nowhere_else(case):
    """A rule applies to the servers that have the defect, and not to others."""
    code, cql, definition, parts, broken, fine = case

    assert {code} == {
        finding for server in broken for finding in findings_of(cql, server, *parts, definition=definition)
    }
    assert all(findings_of(cql, server, *parts, definition=definition) for server in broken)
    assert [] == [finding for server in fine for finding in findings_of(cql, server, *parts, definition=definition)]


HARMLESS = [
    (
        "ALTER KEYSPACE k WITH durable_writes = false AND replication = {'class': 'NetworkTopologyStrategy', 'dc1': 1}",
        NO_LOG,
        [],
    ),
    (SILENT, keyspace(), []),
    (NONE % "0, 'dc2': 1", TWO, []),
    (NONE % 0, keyspace(tablets=False), []),
    ("ALTER KEYSPACE k WITH replication = {'dc1': 1} AND durable_writes = true", keyspace(), []),
    ("ALTER KEYSPACE k WITH tablets = {'enabled': 'true'} AND durable_writes = true", keyspace(), []),
    ("CREATE KEYSPACE kk WITH replication = {}", None, []),
    ("CREATE KEYSPACE kk WITH replication = 'x'", None, []),
    ("ALTER TABLE k.t WITH comment = 'x'", None, [EXPIRING]),
    ("ALTER TABLE k.t WITH synchronous_updates = false", None, [PLAIN]),
    ("ALTER TABLE k.t DROP w", None, [PLAIN]),
    ("ALTER TABLE k.t ALTER v TYPE int", None, [EXPIRING]),
    ("ALTER TYPE k.addr ADD y int", None, [HOME, HELD]),
    ("ALTER TYPE k.addr RENAME x TO y", None, [HOME, HELD]),
    (f"CREATE INDEX {'n' * 216} ON k.t (v)", None, [PLAIN]),
    ("CREATE INDEX ON k.t (v)", None, [PLAIN]),
    ("CREATE INDEX i ON k.t (m)", None, [table("t", "a int pk", "m map<text,int>")]),
    ("CREATE TABLE k.u (a int PRIMARY KEY) WITH default_time_to_live = 630720000", None, []),
    ("SELECT column_name, type FROM system_schema.dropped_columns", None, []),
    ("GRANT SELECT ON k.t TO reports", None, []),
    ("INSERT INTO k.t (a) VALUES ('ALTER KEYSPACE k')", None, []),
    ("BEGIN BATCH DELETE FROM k.t WHERE a = 1; APPLY BATCH", None, []),
]


@pytest.mark.parametrize(("cql", "definition", "parts"), HARMLESS, ids=[case[0][:60] for case in HARMLESS])
def test_statements_beside_those_that_break_are_not_refused(cql, definition, parts):
    """A similar statement is not refused on any server."""
    assert [[], [], []] == [findings_of(cql, server, *parts, definition=definition) for server in (OLD, NEW, CASSANDRA)]


NODES, RACKS = {"dc1": 3, "dc2": 1}, {"dc1": frozenset({"r1", "r2", "r3"}), "dc2": frozenset({"r1"})}
ONE = "ALTER KEYSPACE k WITH replication = {'class': 'NetworkTopologyStrategy', %s} AND durable_writes = true"
OTHER = "CREATE KEYSPACE kk WITH replication = {'class': %s}"
TWO_OF_THREE = OTHER % "'NetworkTopologyStrategy', 'dc1': 2" + " AND tablets = {'enabled': true}"
GUARDED = attrs.evolve(NEW, node=NodeSettings(min_replication_factor=2, most_factor=2))
RACK_VALID = attrs.evolve(NEW, node=NodeSettings(rf_rack_valid=True))
EARLY_RACK_VALID = ServerProfile("scylla", (2025, 4), node=NodeSettings(rf_rack_valid=True))

# the factors or class, whether the keyspace has tablets, its tables, the server, the severity, a word of the remark
PLACES = [
    (ONE % "'dc1': 1, 'dc3': 1", False, [], NEW, "error", "'dc3'"),
    (ONE % "'dc1': 1, 'dc3': 1", False, [], CASSANDRA, "error", "'dc3'"),
    (ONE % "'dc1': 1, 'dc2': 1, 'dc3': 0", True, [], NEW, None, ""),
    (ONE % "'dc1': 4", False, [PLAIN], NEW, "warn", "requested in dc1, where there are 3 nodes"),
    (ONE % "'dc1': 1, 'dc2': 2", True, [PLAIN], OLD, "error", "1 nodes"),
    (ONE % "'dc1': 1, 'dc2': 2", True, [], OLD, "warn", "1 nodes"),
    (ONE % "'dc1': ['r9'], 'dc2': 1", True, [], NEW, "error", "rack r9"),
    (ONE % "'dc1': ['r1'], 'dc2': 1", True, [], NEW, None, ""),
    (ONE % "'dc1': ['r1']", False, [], NEW, "error", "requires a number"),
    (ONE % "'dc1': 2, 'dc2': 1", True, [UNDER_KEY], NEW, "error", "3 racks"),
    (ONE % "'dc1': 2, 'dc2': 1", True, [PLAIN], NEW, None, ""),
    (ONE % "'dc1': 2, 'dc2': 1", True, [PLAIN], EARLY_RACK_VALID, "error", "rf_rack_valid_keyspaces"),
    (ONE % "'dc1': 2, 'dc2': 1", True, [PLAIN], RACK_VALID, "error", "only a list of racks"),
    (ONE % "'dc1': ['r1'], 'dc2': 1", True, [PLAIN], RACK_VALID, None, ""),
    (TWO_OF_THREE, True, [], RACK_VALID, None, ""),
    (TWO_OF_THREE, True, [], EARLY_RACK_VALID, "error", "rf_rack_valid_keyspaces"),
    (TWO_OF_THREE.replace("true", "'true'"), True, [], EARLY_RACK_VALID, "error", "rf_rack_valid_keyspaces"),
    (TWO_OF_THREE.replace("'enabled': true", "'initial': 4"), True, [], EARLY_RACK_VALID, "error", "rf_rack_valid_"),
    (TWO_OF_THREE.replace("true", "false"), True, [], EARLY_RACK_VALID, None, ""),
    (ONE % "'dc1': 1", False, [], GUARDED, "error", "at least 2"),
    (ONE % "'dc1': 3", False, [], GUARDED, "error", "at most 2"),
    (OTHER % "'NetworkTopologyStrategy', 'dc3': 1", True, [], NEW, "error", "'dc3'"),
    (OTHER % "'NetworkTopologyStrategy', 'dc1': 1", True, [], NEW, None, ""),
    (
        OTHER % "'SimpleStrategy', 'replication_factor': 5",
        True,
        [],
        CASSANDRA,
        "warn",
        "in the cluster, where there are 4 nodes",
    ),
]


@pytest.mark.parametrize("case", PLACES, ids=[f"{position} {case[0][42:90]}" for position, case in enumerate(PLACES)])
def test_a_hand_written_replication_is_judged_by_the_nodes_and_their_racks(case):
    """NB104 is reported for unknown data centres and racks, and for impossible numbers of copies."""
    cql, tablets, parts, server, severity, message = case
    values = [schema(*parts, keyspace=attrs.evolve(TWO, tablets=tablets))]
    messages = [
        (diagnostic.severity, message in diagnostic.text)
        for diagnostic in RawStatementChecker("k", values, server, topology=NODES, racks=RACKS).check(cql)
        if diagnostic.code == "NB104"
    ]

    assert ([] if severity is None else [(severity, True)]) == messages


def test_too_many_copies_are_reported_by_data_centre():
    """In the order of the names, whatever the order of the statement."""
    checker = RawStatementChecker("k", [schema(keyspace=attrs.evolve(TWO, tablets=False))], NEW, topology=NODES)

    assert ["9 copies are requested in dc1", "5 copies are requested in dc2"] == [
        finding.text.partition(",")[0] for finding in checker.check(ONE % "'dc2': 5, 'dc1': 9")
    ]


# the stored factors, whether the keyspace has tablets, those of the statement, the server, a part of the one message
FACTORS = [
    ({"dc1": "1", "dc2": "1"}, True, "'dc1': 0", OLD, None),
    ({"dc1": "2", "dc2": "1"}, True, "'dc2': 1", EARLY_RACK_VALID, "one copy in dc1, or one for each of its 3 racks"),
    (dict.fromkeys("ecadbf", "1"), True, "'f': 1", NEW, "a, b, c, d, e is missing"),
    ({"dc1": "1", "dc2": "1"}, True, "'dc1': 2, 'dc2': 2", NEW, "the factors of dc1, dc2 change"),
    ({"dc1": "1", "dc2": "1"}, True, "'dc1': 2, 'dc2': 0", NEW, "the factors of dc1, dc2 change"),
    ({"dc1": "1", "dc2": "1"}, True, "'dc1': 'x', 'dc2': 1", NEW, "the replication factor of dc1 is x"),
    (dict.fromkeys("ecadb", "3"), False, "'replication_factor': 1", NEW, "a, b, c, d, e keeps its factor"),
]


@pytest.mark.parametrize(("stored", "tablets", "requested", "server", "message"), FACTORS)
def test_a_hand_written_replication_is_judged_by_the_stored_one(stored, tablets, requested, server, message):
    """Data centres that the statement omits keep their copies, or have to be listed; one changes at a time."""
    replication = FrozenMap({"class": "NetworkTopologyStrategy", **stored})
    checker = RawStatementChecker(
        "k", [schema(keyspace=attrs.evolve(TWO, replication=replication, tablets=tablets))], server, racks=RACKS
    )
    texts = [finding.text for finding in checker.check(ONE % requested)]

    assert (0 if message is None else 1) == len(texts)
    assert all(message in text for text in texts)


@pytest.mark.parametrize(
    ("cql", "server", "path"),
    [
        (SILENT, NEW, "k"),
        ("ALTER TABLE k.k DROP a", NEW, "k.k"),
        ("ALTER TABLE k.t DROP a", NEW, "k.t"),
        ("CREATE INDEX i ON k.nosuch (m)", OLD, "k.i"),
        ("CREATE INDEX ON k.nosuch (m)", OLD, "k.nosuch"),
    ],
)
def test_a_remark_names_the_object_of_the_statement(cql, server, path):
    """The keyspace, the table even if it is named like its keyspace, and the index if it has a name."""
    facts = schema(table("k", "a int pk"), table("t", "a int pk"), keyspace=NO_LOG)

    assert [path] == [finding.object for finding in RawStatementChecker("k", [facts], server).check(cql)]


@pytest.mark.parametrize(
    ("cql", "needs_nodes"),
    [
        ("CREATE KEYSPACE kk WITH replication = {'class': 'SimpleStrategy'}", True),
        ("alter schema k with durable_writes = false", True),
        ("ALTER KEYSPACE k DURABLE", False),
        ("DROP KEYSPACE k", False),
        ("CREATE TABLE k.u (a int PRIMARY KEY)", False),
        ("GRANT a TO b", False),
    ],
)
def test_the_nodes_are_read_for_statements_on_keyspaces(cql, needs_nodes):
    """Only a replication is judged by the nodes; a statement that cannot be read is not judged at all."""
    assert needs_nodes is changes_keyspaces(cql)


@pytest.mark.parametrize(
    "cql",
    ["ALTER TABLE k.t WITH", "ALTER TABLE k.t ADD z int y text", "CREATE INDEX i k.t (v)", "CREATE TABLE k.t (a int"],
)
def test_an_unreadable_statement_is_reported_as_unchecked(cql):
    """A statement that cannot be parsed is a warning and not a refusal."""
    assert ["NB103"] == findings_of(cql, NEW)
    assert ["k"] == [messages.object for messages in RawStatementChecker("k", [], NEW).check(cql)]


def test_a_secret_statement_is_not_quoted():
    """The finding on a secret statement that cannot be parsed does not quote it."""
    plan = make_plan(schema(table("t")), schema(table("t")), NEW)
    (step,) = with_raw_steps(plan, [RawStep("ALTER TABLE k.t hunter2", secret=True)], set()).steps

    assert [("NB103", False)] == [(lint.code, "hunter2" in str(lint)) for lint in step.lints]


@pytest.mark.parametrize(
    ("cql", "server", "codes"),
    [
        ("ALTER TABLE k.nosuch DROP m", NEW, ["NB103"]),
        ("ALTER TABLE k.nosuch WITH scylla_tags = {}", NEW, ["NB103"]),
        ("CREATE INDEX i ON k.nosuch (m)", OLD, ["NB103"]),
        ("CREATE INDEX i ON k.nosuch (m)", NEW, []),
        ("ALTER TABLE k.nosuch ADD s int static", OLD, ["NB103"]),
        ("ALTER TABLE k.nosuch ADD s int static", NEW, []),
        ("ALTER TABLE k.nosuch ADD v int", OLD, []),
    ],
)
def test_an_unknown_table_is_reported_as_unchecked(cql, server, codes):
    """A rule that needs the definition of an unknown table reports that it was not checked."""
    assert codes == findings_of(cql, server)


def test_statements_are_judged_by_what_those_before_them_leave():
    """Earlier statements that drop or create an index, or set a TTL column, affect later ones."""
    checker = RawStatementChecker("k", [schema(INDEXED, keyspace=keyspace())], NEW)
    messages = [
        [finding.code for finding in checker.check(cql)]
        for cql in (
            "DROP INDEX k.i",
            "ALTER TABLE k.t DROP m",
            "ALTER TABLE k.t ADD m map<text, int>",
            "CREATE INDEX i2 ON k.t (entries(m))",
            "ALTER TABLE k.t DROP m",
            "CREATE TABLE k.u (a int PRIMARY KEY, e timestamp TTL)",
            "ALTER TABLE k.u WITH scylla_tags = {}",
            "ALTER TABLE k.u TTL NULL",
            "ALTER TABLE k.u WITH scylla_tags = {}",
        )
    ]

    assert [[], [], [], [], ["NB101"], [], ["NB102"], [], []] == messages


def test_a_plan_refuses_them_and_its_own_steps_count():
    """A statement that runs after the plan is checked against the schema that the plan produces."""
    live = schema(table("t", "a int pk", "m map<text,int>"), keyspace=Keyspace("k", NTS))
    desired = schema(table("t", "a int pk", "m map<text,int>", indexes=[index("m", "i")]), keyspace=None)
    plan = make_plan(desired, live, NEW)
    drop, early = RawStep("ALTER TABLE k.t DROP m"), RawStep("ALTER TABLE k.t DROP m", before=True)

    with_steps = with_raw_steps(plan, [drop], set(), evaluator=RawStatementChecker("k", [live], NEW))
    first = with_raw_steps(plan, [early], set(), evaluator=RawStatementChecker("k", [live], NEW))

    assert (["NB101"], 1) == ([refusal.code for refusal in with_steps.refusals], len(with_steps.steps))
    assert ([], 2) == ([refusal.code for refusal in first.refusals], len(first.steps))


def test_unchecked_statements_run_with_a_warning():
    """A statement that cannot be parsed is a step with a finding."""
    plan = make_plan(schema(table("t")), schema(table("t")), NEW)
    (step,) = with_raw_steps(plan, [RawStep("ALTER TABLE k.t NOW")], set()).steps

    assert ["NB103"] == [lint.code for lint in step.lints]


def texts(result):
    """All statements of a case."""
    for name in ("setup", "cql", "steps"):
        value = result.get(name, [])
        yield from [value] if isinstance(value, str) else [item for item in value if isinstance(item, str)]


def accepted(result):
    """Whether a server accepted the only statement of a case."""
    return not (isinstance(result, str) and result.startswith("!")) and not isinstance(result, list)


@pytest.mark.parametrize("group", ["b_keyspaces", "d_indexes", "e_views", "f_alter", "g_table_id"])
def test_every_statement_that_scylla_took_can_be_read(group):
    """The parser accepts every recorded schema statement that a server accepted."""
    unread = []
    for case in observed(group):
        if "cql" in case and any(accepted(case[key]) for key in ("2025.1.14", "2026.3", "2026.3t") if key in case):
            try:
                parse_statement(expanded(case["cql"]))
            except StatementSyntaxError as error:
                unread.append((case["cql"], str(error)))

    assert [] == unread


def test_the_parts_of_statements():
    """A parsed statement has raw names, keyspaces, columns with types, and options as Python values."""
    statement = parse_statement(
        'CREATE TABLE IF NOT EXISTS "K".t (a int, "B" frozen<map<text, list<int>>> STATIC, e timestamp TTL, '
        "PRIMARY KEY ((a), c)) WITH CLUSTERING ORDER BY (c DESC) AND cdc = {'enabled': true, 'ttl': 5} AND x = -1.5;"
    )

    assert ("CREATE TABLE", "K", "t", ("e",)) == (statement.action, statement.keyspace, statement.name, statement.names)
    assert [("B", "static"), ("a", "partition_key"), ("e", "regular")] == sorted(
        (c.name, c.kind) for c in statement.columns
    )
    assert {"cdc": {"enabled": True, "ttl": 5}, "x": -1.5} == {**statement.options}
    assert {"shop"} == keyspaces_of("DROP INDEX shop.i")
    assert set() == keyspaces_of("GRANT a TO b") | keyspaces_of("ALTER TABLE k.") | keyspaces_of("DROP INDEX i")
