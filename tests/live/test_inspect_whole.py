"""`inspect` and its generated models for a keyspace with everything that CQL has, on dedicated servers.

Masks, functions and DROP COMPACT STORAGE need settings that a shared server may not have.
"""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import pytest

import scyllamodel
from rebuild import generated, rows
from scyllamodel import check, contract, history, inspect, migrate, plan, rollback
from scyllamodel.local import LocalCluster
from scyllamodel.local.config import DATA_CENTER
from scyllamodel.release.engine.cluster_view import ClusterView
from scyllamodel.schema.ddl import keyspace_script
from scyllamodel.schema.export.models.module import module_source
from scyllamodel.schema.export.unsupported import missing_from_script
from support.shell import run

pytestmark = pytest.mark.live

SETTINGS = {
    "5.0": {
        "dynamic_data_masking_enabled": True,
        "user_defined_functions_enabled": True,
        "drop_compact_storage_enabled": True,
    },
    "4.0": {"enable_user_defined_functions": True, "enable_drop_compact_storage": True},
}
COMPACT = [
    "CREATE TYPE {k}.unused (x int)",
    "CREATE TYPE {k}.pair (a int, b text)",
    ("CREATE FUNCTION {k}.plus(a int, b int) RETURNS NULL ON NULL INPUT RETURNS int LANGUAGE java AS 'return a + b;'"),
    (
        "CREATE FUNCTION {k}.plus(p pair, l list<int>, t tuple<int, text>) CALLED ON NULL INPUT RETURNS pair "
        "LANGUAGE java AS $$ return p; // it's $$"
    ),
    "CREATE AGGREGATE {k}.total(int) SFUNC plus STYPE int INITCOND 0",
    (
        "CREATE TABLE {k}.dense (k int, c int, v int, PRIMARY KEY (k, c)) WITH COMPACT STORAGE AND CLUSTERING "
        "ORDER BY (c DESC)"
    ),
    "CREATE TABLE {k}.keys_only (k int, c int, PRIMARY KEY (k, c)) WITH COMPACT STORAGE AND comment = 'keys'",
    "CREATE TABLE {k}.static (k int PRIMARY KEY, v int, w text) WITH COMPACT STORAGE",
    "CREATE TABLE {k}.counters (k int PRIMARY KEY, n counter) WITH COMPACT STORAGE",
    "CREATE TABLE {k}.many (k int, c int, d text, v text, PRIMARY KEY (k, c, d)) WITH COMPACT STORAGE",
    "CREATE TABLE {k}.base (k int PRIMARY KEY, v text, w int)",
    (
        "CREATE MATERIALIZED VIEW {k}.filtered AS SELECT k, v FROM {k}.base WHERE v IS NOT NULL AND k > 1 "
        "PRIMARY KEY (v, k)"
    ),
    (
        "CREATE MATERIALIZED VIEW {k}.everything AS SELECT * FROM {k}.base WHERE v IS NOT NULL AND k IS NOT "
        "NULL PRIMARY KEY (v, k)"
    ),
]
DROPPED = [
    "CREATE TABLE {k}.was_keys_only (k int, c int, PRIMARY KEY (k, c)) WITH COMPACT STORAGE",
    "CREATE TABLE {k}.was_static (k int PRIMARY KEY, v int) WITH COMPACT STORAGE",
    "ALTER TABLE {k}.was_keys_only DROP COMPACT STORAGE",
    "ALTER TABLE {k}.was_static DROP COMPACT STORAGE",
    "CREATE TABLE {k}.nested (k int PRIMARY KEY, l list<'org.apache.cassandra.db.marshal.EmptyType'>)",
]
MASKED = [
    "CREATE FUNCTION {k}.hide(a text) CALLED ON NULL INPUT RETURNS text LANGUAGE java AS 'return null;'",
    (
        "CREATE TABLE {k}.masked (k int MASKED WITH DEFAULT, c timeuuid MASKED WITH mask_null(), s text "
        "STATIC MASKED WITH mask_inner(1, null), r text MASKED WITH mask_replace('n/a'), f float MASKED WITH "
        "mask_replace(1.10), t timestamp MASKED WITH mask_replace('2020-01-01T00:00:00Z'), b blob MASKED WITH "
        "mask_hash('SHA-256'), o text MASKED WITH mask_outer(2, 3, '#'), u text MASKED WITH {k}.hide(), l "
        "list<int> MASKED WITH DEFAULT, plain int, PRIMARY KEY (k, c))"
    ),
    "CREATE TABLE {k}.shown (k int PRIMARY KEY, v text MASKED WITH DEFAULT, w text MASKED WITH mask_inner(1, 1))",
    (
        "CREATE MATERIALIZED VIEW {k}.shown_by_v AS SELECT * FROM {k}.shown WHERE v IS NOT NULL AND k IS NOT "
        "NULL PRIMARY KEY (v, k)"
    ),
]


@pytest.fixture(scope="module", params=["5.0", "4.0"])
def server(request):
    """A server with these settings."""
    with LocalCluster(version=request.param, settings=SETTINGS[request.param], durable=False) as cluster:
        yield cluster


def keyspace(cluster, name, statements=()):
    """A keyspace created by plain CQL: its facts, and the profile of the server."""
    with cluster.repo(name) as repo:
        session = repo.session
        replication = f"{{'class': 'NetworkTopologyStrategy', '{DATA_CENTER}': 1}}"
        session.execute(f"CREATE KEYSPACE {name} WITH replication = {replication}", timeout=60)
        session.execute(f"USE {name}")
        for statement in statements:
            session.execute(statement.replace("{k}", name), timeout=60)
        cluster_view = ClusterView.connect(repo)
        return cluster_view.introspect_existing(name)[name], cluster_view.server


def has_masks(cluster):
    """Whether the server has masks."""
    with cluster.repo("system") as repo:
        return ClusterView.connect(repo).server.has_masks


def test_the_script_of_a_keyspace_makes_the_same_rows(server):
    """The script includes compact tables, functions, aggregates, filtered views and masks; nothing is omitted."""
    live, copy_keyspace = f"live_{uuid4().hex[:8]}", f"again_{uuid4().hex[:8]}"
    everything = [*COMPACT, *DROPPED, *(MASKED if has_masks(server) else [])]
    facts, profile = keyspace(server, live, everything)
    statements = [cql.replace(f"{live}.", f"{copy_keyspace}.") for cql in keyspace_script(facts, profile)[1:]]
    keyspace(server, copy_keyspace, statements)

    with server.repo(live) as repo:
        assert [] == list(missing_from_script(facts))
        assert rows(repo, live) == rows(repo, copy_keyspace)


def test_what_models_cannot_declare_is_listed_in_every_format(server, tmp_path):
    """Objects that models cannot declare are listed in models, JSON and diagrams, and printed as CQL."""
    name = f"listed_{uuid4().hex[:8]}"
    keyspace(server, name, COMPACT)
    where = str(Path(scyllamodel.__file__).parents[1])
    url = f"scylla://{server.contact_points[0]}/{name}"
    output = {
        form: run("inspect", "--url", url, "--format", form, folder=tmp_path, PYTHONPATH=where).stdout
        for form in ("models", "json", "mermaid", "cql")
    }
    listed = json.loads(output["json"])["keyspaces"][0]["left_out"]

    assert {"function", "aggregate", "table", "view"} == {item["what"] for item in listed}
    assert [f"# The {item['what']} {item['name']!r} is left out: {item['why']}." for item in listed] == [
        line for line in output["models"].splitlines() if "is left out" in line
    ]
    assert "%% The function 'plus(int, int)' is left out: " in output["mermaid"]
    assert "COMPACT STORAGE" in output["cql"]
    assert "k > 1" in output["cql"]
    assert "is left out" not in output["cql"]


def test_a_strict_check_names_what_models_cannot_declare(server, tmp_path):
    """Generated models are in sync, and a strict check notes every object that they cannot declare."""
    name = f"strict_{uuid4().hex[:8]}"
    facts, profile = keyspace(server, name, COMPACT)
    module = generated(module_source(facts, profile, repo=name), tmp_path)
    with server.repo(name, name=name, models=[module]) as repo:
        outcome = check(repo, strict=True)

    assert ([], ()) == (outcome.plan.cql, outcome.plan.refusals)
    objects = {note.object.removeprefix(f"{name}.") for note in outcome.notes}
    compact = {"dense", "keys_only", "static", "counters", "many"}
    functions = {"plus(int, int)", "plus(pair, list<int>, frozen<tuple<int, text>>)", "total(int)"}
    assert {*compact, *functions, "filtered"} == objects


def test_models_of_what_was_compact_make_the_same_rows(server, tmp_path):
    """Models of formerly compact tables create equal rows; type ``empty`` is written as servers accept it."""
    rebuilt(server, DROPPED, tmp_path)


def test_models_of_masked_tables_make_the_same_rows(tmp_path):
    """Models of masked tables create equal rows, whichever column is masked and with whatever arguments."""
    with LocalCluster(version="5.0", settings=SETTINGS["5.0"], durable=False) as cluster:
        rebuilt(cluster, [*MASKED[:1], *MASKED[2:]], tmp_path, functions=MASKED[:1])
        _masks_come_and_go(cluster, tmp_path)


def rebuilt(cluster, statements, folder, functions=()):
    """Check that models of a keyspace are in sync with it, and create its rows in another one."""
    live, copy_keyspace = f"live_{uuid4().hex[:8]}", f"again_{uuid4().hex[:8]}"
    facts, profile = keyspace(cluster, live, statements)
    module = generated(module_source(facts, profile, repo=live), folder)
    keyspace(cluster, copy_keyspace, functions)
    with cluster.repo(live, name=live, models=[module]) as repo:
        outcome = check(repo, strict=True)
        assert ([], ()) == (outcome.plan.cql, outcome.plan.refusals)
        assert {"hide(text)"} >= {note.object.partition(".")[2] for note in outcome.notes}
    with cluster.repo(copy_keyspace, name=live, models=[module]) as repo:
        migrate(repo)
        original, copied = rows(repo, live), rows(repo, copy_keyspace)
        original.pop("dropped_columns"), copied.pop("dropped_columns")
        assert original == copied


MODEL = """
from scyllamodel import Column, Model, column, partition_key

class User(Model, table="users", repo="{repo}"):
    id: Column[int] = partition_key()
    email: Column[str | None] = column(default=None{mask})
    phone: Column[str | None] = column(default=None{mask})
"""


def _masks_come_and_go(cluster, folder):
    """Check that masks are added by migrate, dropped by contract under their own code, and restored by rollback."""
    name = f"come_{uuid4().hex[:8]}"
    keyspace(cluster, name)
    plain = generated(MODEL.format(repo=f"{name}_a", mask=""), folder)
    masked = generated(MODEL.format(repo=f"{name}_b", mask=', masked_with="mask_inner(1, null)"'), folder)

    def masks(repo):
        return {column.name: column.mask for column in inspect(repo)[name].table("users")}

    with cluster.repo(name, name=f"{name}_a", models=[plain]) as repo:
        migrate(repo)
    with cluster.repo(name, name=f"{name}_b", models=[masked]) as repo:
        first = migrate(repo).version
        assert {"email": "mask_inner(1, null)", "id": None, "phone": "mask_inner(1, null)"} == masks(repo)
        assert [] == plan(repo).cql
    with cluster.repo(name, name=f"{name}_a", models=[plain]) as repo:
        assert ([], ["BC103", "BC103"]) == (plan(repo).cql, [note.code for note in plan(repo).notes])
        before = max(version.version for version in history(repo))
        contract(repo, allow={"DS107:users.email"})
        assert {"email": None, "id": None, "phone": "mask_inner(1, null)"} == masks(repo)
        rollback(repo, before)
        assert "mask_inner(1, null)" == masks(repo)["email"]
    with cluster.repo(name, name=f"{name}_b", models=[masked]) as repo:
        assert first is not None
        rollback(repo, 0, allow={"DS102", "DS103", "DS107"})
        assert {None} == set(masks(repo).values())
