"""Hand-written drops, renames and type changes are refused exactly where servers refuse them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from scyllamodel.schema.ddl.statement_parser import parse_statement
from scyllamodel.schema.facts.objects import KeyspaceFacts
from scyllamodel.schema.rules.raw_statements import RawStatementChecker
from support.builders import index, schema, table, user_type, view
from support.cassandra_observed import SERVERS, cases, expanded, is_error
from support.scylla_observed import NEW, OLD, scylla_cases, setups

CASSANDRA = SERVERS["5.0"]
EVERY = (OLD, NEW, CASSANDRA)
HOME, NEST = user_type("addr", "street text", "n int"), user_type("nest", "x frozen<addr>")
INDEXED = table(
    "t", "a int pk", "b int ck", "v text", "m map<text,int>", "fl frozen<list<int>>",
    indexes=[index("v", "j"), index("b", "i"), index("m", "m_i"), index("fl", "f", on="full")],
)  # fmt: skip
SEARCHED = table(
    "t", "a int pk", "b int ck", "e vector<float,3>",
    indexes=[index("e, b", "i", using="vector_index", local=True)],
)  # fmt: skip
PLAIN = table("t", "a int pk", "b int ck", "v text", "w int")
KEEPING = view("mv", "t", "b int pk", "a int ck")
PART = view("mv", "t", "v text pk", "b int ck", "a int ck")

REFUSED = [
    ("DROP TYPE k.addr", [HOME, NEST], EVERY, "the field nest.x"),
    ("DROP TYPE IF EXISTS addr", [HOME, table("t", "a int pk", "x list<frozen<addr>>")], EVERY, "the column t.x"),
    ("DROP TABLE k.t", [PLAIN, PART], EVERY, "view mv"),
    ("ALTER TABLE k.t DROP b", [PLAIN], EVERY, "primary key"),
    ("ALTER TABLE k.t DROP v", [INDEXED], EVERY, "index j"),
    ("ALTER TABLE k.t DROP fl", [INDEXED], EVERY, "index f"),
    ("ALTER TABLE k.t DROP m", [INDEXED], [CASSANDRA], "index m_i"),
    ("ALTER TABLE k.t DROP w", [PLAIN, PART], [CASSANDRA], "mv needs w"),
    ("ALTER TABLE k.t DROP (w)", [PLAIN, KEEPING], EVERY, "mv needs w"),
    ("ALTER TABLE k.t DROP w", [table("t", *"a int pk|b int ck|w int".split("|"), indexes=[index("b", "i")])],
     [OLD, NEW], "i needs w"),
    ("ALTER TABLE k.t DROP x", [HOME, table("t", "a int pk", "x addr")], [CASSANDRA], "not frozen"),
    ("ALTER TABLE k.t RENAME v TO vv", [PLAIN], EVERY, "not in the primary key"),
    ("ALTER TABLE k.t RENAME a TO v", [PLAIN], EVERY, "already has a column v"),
    ("ALTER TABLE k.t RENAME a TO aa AND b TO bb", [INDEXED], EVERY, "index i depends on b"),
    ("ALTER TABLE k.t RENAME a TO aa", [SEARCHED], EVERY, "index i depends on a"),
    ("ALTER TYPE k.addr ADD n text", [HOME], EVERY, "already has a field n"),
    ("ALTER TYPE k.addr RENAME street TO n", [HOME], EVERY, "already has a field n"),
    ("ALTER TYPE k.addr ADD z frozen<nest>", [HOME, NEST], EVERY, "contain itself"),
    ("ALTER TYPE k.nest ADD z addr", [HOME, NEST], EVERY, "not frozen"),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=[case[0] for case in REFUSED])
def test_what_a_server_refuses_is_refused_in_the_plan(case):
    """The finding says what prevents the statement and what to do, and servers that accept it have none."""
    cql, parts, servers, message = case
    for server in servers:
        (finding,) = RawStatementChecker("k", [schema(*parts)], server).check(cql)

        assert ("NB104", "error") == (finding.code, finding.severity)
        assert message in finding.text
        assert finding.fix
    for server in set(EVERY) - set(servers):
        assert "NB104" not in [
            diagnostic.code for diagnostic in RawStatementChecker("k", [schema(*parts)], server).check(cql)
        ]


FINE = [
    ("DROP TYPE k.nest", [HOME, NEST]),
    ("DROP TYPE k.unknown", [HOME]),
    ("DROP TABLE k.t", [PLAIN]),
    ("DROP TABLE k.unknown", []),
    ("ALTER TABLE k.t DROP nosuch", [PLAIN]),
    ("ALTER TABLE k.t RENAME a TO aa", [INDEXED]),
    ("ALTER TABLE k.t RENAME b TO bb", [PLAIN, PART]),
    ("ALTER TABLE k.t RENAME b TO bb", [SEARCHED]),
    ("ALTER TABLE k.unknown RENAME b TO bb", []),
    ("ALTER TYPE k.addr RENAME street TO n AND n TO street", [HOME]),
    ("ALTER TYPE k.addr ADD zip text", [HOME, NEST]),
]


@pytest.mark.parametrize(("cql", "parts"), FINE, ids=[f"{position} {case[0]}" for position, case in enumerate(FINE)])
def test_what_servers_take_is_not_refused(cql, parts):
    """A similar statement that servers accept is not refused."""
    assert [[], [], []] == [list(RawStatementChecker("k", [schema(*parts)], server).check(cql)) for server in EVERY]


def codes(server, *statements, parts=()):
    """The codes for each of these statements, in order."""
    checker = RawStatementChecker("k", [schema(*parts)], server)
    return [[finding.code for finding in checker.check(cql)] for cql in statements]


def test_later_statements_are_judged_by_the_types_that_earlier_ones_leave():
    """Earlier statements that create, alter, rename or drop types affect later ones."""
    assert [[], [], ["NB104"], [], ["NB104"], [], ["NB104"], [], [], []] == codes(
        NEW,
        "CREATE TYPE k.kind (name ascii)",
        "ALTER TYPE k.kind ADD size int",
        "ALTER TYPE k.kind ADD size int",
        "ALTER TYPE k.kind RENAME size TO weight",
        "ALTER TYPE k.kind RENAME name TO weight",
        "CREATE TABLE k.u (a frozen<kind> PRIMARY KEY)",
        "ALTER TYPE k.kind ADD other int",
        "DROP TABLE k.u",
        "ALTER TYPE k.kind ADD other int",
        "DROP TYPE k.kind",
    )


def test_a_type_gets_free_when_what_used_it_is_dropped():
    """A type can be dropped once all objects that use it are dropped, including nested ones."""
    assert [[], ["NB104"], [], []] == codes(
        CASSANDRA,
        "ALTER TYPE k.nest ADD y list<frozen<other>>",
        "DROP TYPE k.other",
        "DROP TYPE k.nest",
        "DROP TYPE k.other",
        parts=[HOME, NEST, user_type("other", "x int")],
    )


def test_later_statements_are_judged_by_the_tables_and_views_that_earlier_ones_leave():
    """Earlier statements that create, rename or alter tables and views affect later ones."""
    assert [[], [], ["NB104"], ["NB104"], ["NB104"], [], [], [], [], ["NB104"], ["NB104"]] == codes(
        NEW,
        "CREATE TABLE k.u (a int, b int, c int, v int, w int, PRIMARY KEY ((a, b), c))",
        "CREATE MATERIALIZED VIEW k.mv AS SELECT a, b, c FROM k.u WHERE c IS NOT NULL PRIMARY KEY ((c, a), b)",
        "ALTER TABLE k.u DROP w",
        "ALTER TABLE k.u ALTER v TYPE varint",
        "DROP TABLE k.u",
        "DROP MATERIALIZED VIEW k.mv",
        "ALTER TABLE k.u DROP w",
        "ALTER TABLE k.u RENAME c TO cc",
        "ALTER TABLE k.u ALTER v TYPE varint",
        "ALTER TABLE k.u DROP cc",
        "ALTER TABLE k.u ALTER v TYPE int",
    )


def test_the_indexes_of_a_table_outlive_its_ttl_column():
    """Indexes are remembered after a statement that sets the TTL column of their table."""
    assert [[], ["NB104"]] == codes(NEW, "ALTER TABLE k.t TTL w", "ALTER TABLE k.t DROP v", parts=[INDEXED])


def test_create_if_not_exists_changes_nothing_that_is_there():
    """CREATE IF NOT EXISTS does not change the columns, indexes or fields of an existing object."""
    assert [[], ["NB104"], [], ["NB104"]] == codes(
        CASSANDRA,
        "CREATE TABLE IF NOT EXISTS k.t (other int PRIMARY KEY)",
        "ALTER TABLE k.t DROP v",
        "CREATE TYPE IF NOT EXISTS k.addr (other int)",
        "ALTER TYPE k.addr ADD n int",
        parts=[INDEXED, HOME],
    )


SELECTING_W = "CREATE MATERIALIZED VIEW IF NOT EXISTS k.mv AS SELECT w FROM k.t WHERE v > 0 PRIMARY KEY (v, a, b)"
OF_NOTHING = "CREATE MATERIALIZED VIEW k.mv AS SELECT * FROM k.nosuch WHERE a > 0 PRIMARY KEY (a)"
# what a case is about, what there is, the statements, what is said of the last one if anything
SEQUENCES = [
    ("a field with a new type", [HOME], ["ALTER TYPE k.addr ALTER n TYPE varint", "ALTER TYPE k.addr ADD n int"],
     "already has a field n, of type varint"),
    ("a field that was there", [HOME], ["ALTER TYPE k.addr ADD IF NOT EXISTS n text", "ALTER TYPE k.addr ADD n int"],
     "already has a field n, of type int"),
    ("a field of an unknown type", [], ["ALTER TYPE k.nosuch ADD IF NOT EXISTS n text"], None),
    ("several fields renamed to others", [user_type("x", *(f"{name} int" for name in "abcdefghij"))],
     ["ALTER TYPE k.x RENAME a TO f AND b TO g AND c TO h AND d TO i AND e TO j"], "already has a field f, g, h, i, j"),
    ("a column that is gone", [PLAIN], ["ALTER TABLE k.t DROP w", "ALTER TABLE k.t RENAME a TO w"], None),
    ("a column that was there", [PLAIN], ["ALTER TABLE k.t ADD IF NOT EXISTS (a int, z int)", "ALTER TABLE k.t DROP a"],
     "in the primary key"),
    ("a static column that no view holds", [table("t", "a int pk", "b int ck", "s int static"), KEEPING],
     ["ALTER TABLE k.t ALTER s TYPE varint"], None),
    ("a view of an unknown table", [], [OF_NOTHING, "DROP TABLE k.nosuch"], None),
    ("a column that a view selects", [PLAIN], [SELECTING_W, "ALTER TABLE k.t DROP w"], "mv needs w"),
    ("a column in the key of a view", [PLAIN], [SELECTING_W, "ALTER TABLE k.t DROP v"], "mv needs v"),
    ("a column that no view holds", [table("t", "a int pk", "b int ck", "v int", "w int", "z int")],
     [SELECTING_W, "ALTER TABLE k.t DROP z"], None),
    ("a view that was there", [PLAIN, PART], [SELECTING_W, "ALTER TABLE k.t DROP w"], None),
]  # fmt: skip


@pytest.mark.parametrize(("parts", "statements", "phrase"), [s[1:] for s in SEQUENCES], ids=[s[0] for s in SEQUENCES])
def test_a_statement_is_judged_by_what_those_before_it_store(parts, statements, phrase):
    """Types, keys and views are those that a server has then; ``IF NOT EXISTS`` leaves what is there unchanged."""
    checker = RawStatementChecker("k", [schema(*parts)], NEW)
    *before, last = [[finding.text for finding in checker.check(cql)] for cql in statements]

    assert [[]] * len(before) == before
    assert (0 if phrase is None else 1) == len(last)
    assert all(phrase in text for text in last)


_CASSANDRA_SETUPS = json.loads(
    (Path(__file__).parents[2] / "data" / "cassandra-observed.json").read_text(encoding="utf-8")
)["about"]["setups"]
ACTIONS = (
    "ALTER TABLE DROP", "ALTER TABLE RENAME", "ALTER TABLE ALTER", "DROP TYPE", "ALTER TYPE ADD", "ALTER TYPE RENAME",
    "ALTER TYPE ALTER",
)  # fmt: skip


def prepared(setup, known):
    """The statements of a setup: named groups joined by a plus, or text, some followed by a remark."""
    for part in [setup] if isinstance(setup, str) else setup:
        names = re.sub("[<>]", "", part).split("+")
        groups = [known[name] for name in names] if set(names) <= set(known) else [[part]]
        yield from (re.sub(r" \(as Cassandra.*", "", cql) for item in groups for cql in item)


def recorded():
    """Each recorded drop and rename, with the server, the earlier statements, and the answer."""
    of_cassandra = {
        name.split(" ")[0]: [expanded(cql) for cql in text.split("; ")] for name, text in _CASSANDRA_SETUPS.items()
    }
    groups = [("d_indexes", "IXBASE"), ("e_views", "VB"), ("f_alter", "TF"), ("c_types", "UDT2")]
    for group, usual in groups:
        for release, case, result in cases(group, "cql"):
            yield SERVERS[release], [*prepared(case.get("setup", usual), of_cassandra)], case["cql"], result
        for key, case, result in scylla_cases(group):
            server = OLD if key.startswith("2025") else NEW
            yield server, [*prepared(case.get("setup", usual), setups())], case["cql"], result


def test_every_recorded_drop_rename_and_type_change_is_judged_as_the_server_answered():
    """What a server accepted is not refused, and what it refused because of existing objects is."""
    mismatches, agreed = [], 0
    for server, before, cql, result in recorded():
        try:
            parsed = parse_statement(cql)
        except ValueError:
            continue
        if parsed is None or parsed.action not in ACTIONS or isinstance(result, list):
            continue
        if isinstance(result, dict) and "na" in result:
            continue  # the server refused a statement of the setup
        checker = RawStatementChecker("k", [KeyspaceFacts("k")], server)
        for item in before:
            checker.check(item)
        messages = [finding for finding in checker.check(cql) if finding.severity == "error"]
        if not is_error(result) and any(finding.code == "NB104" for finding in messages):
            mismatches.append((str(server), before, cql, [finding.text for finding in messages]))
        agreed += is_error(result) and bool(messages)

    assert [] == mismatches
    assert agreed > 150
