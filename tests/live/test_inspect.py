"""Schemas that no model of this package created are exported as models, which create the schema again."""

from __future__ import annotations

import importlib.util
import sys
from contextlib import contextmanager
from uuid import uuid4

import attrs
import pytest

from rebuild import rows
from scyllamodel import Repo, check, create_keyspace, inspect, migrate, plan, rollback
from scyllamodel._identifiers import quote, string_literal
from scyllamodel.release.engine.cluster_view import ClusterView
from scyllamodel.schema.ddl import keyspace_script
from scyllamodel.schema.export.models.module import module_source
from support.strategies import HOSTILE

pytestmark = pytest.mark.live

FOREIGN = """
CREATE TYPE {k}.endpoint (service text, ip inet, port int);
CREATE TYPE {k}."Annotation" (at bigint, tags frozen<map<text, text>>, host frozen<endpoint>);
CREATE TYPE {k}.unused (id int, at frozen<endpoint>);
CREATE TABLE {k}.span (trace_id text, ts_uuid timeuuid, id text, "parentId" text, kind text, span text, ts bigint,
  l_ep endpoint, annotations list<frozen<"Annotation">>, tags map<text, text>, debug boolean, "class" text, "a b" text,
  PRIMARY KEY (trace_id, ts_uuid, id)) WITH CLUSTERING ORDER BY (ts_uuid DESC)
  AND comment = 'Primary table; it''s "quoted"' AND default_time_to_live = 604800 AND gc_grace_seconds = 3600
  AND compaction = {{'class': 'TimeWindowCompactionStrategy', 'max_threshold': 16}}
  AND compression = {{'{compression}': 'ZstdCompressor'}} AND speculative_retry = '95percentile'
  AND caching = {{'keys': 'NONE', 'rows_per_partition': '12'}};
CREATE TABLE {k}."Offsets" (consumer text, part smallint, "Offset" counter, PRIMARY KEY ((consumer, part)));
CREATE TABLE {k}.messages (persistence_id text, partition_nr bigint, seq varint, used boolean static, event blob,
  tags set<text>, odd set<frozen<list<int>>>, at frozen<tuple<date, time>>, took duration,
  PRIMARY KEY ((persistence_id, partition_nr), seq));
CREATE INDEX span_kind ON {k}.span (kind);
CREATE INDEX ON {k}.span (keys(tags));
CREATE MATERIALIZED VIEW {k}.span_by_id AS SELECT id, trace_id, ts_uuid, kind, debug FROM {k}.span
  WHERE id IS NOT NULL AND trace_id IS NOT NULL AND ts_uuid IS NOT NULL
  PRIMARY KEY ((id), trace_id, ts_uuid) WITH CLUSTERING ORDER BY (trace_id ASC, ts_uuid DESC);
CREATE MATERIALIZED VIEW {k}.debugged AS SELECT * FROM {k}.span
  WHERE id = 'x' AND trace_id IS NOT NULL AND ts_uuid IS NOT NULL
  PRIMARY KEY ((id), trace_id, ts_uuid);
"""
SASI = """
CREATE CUSTOM INDEX "Like" ON {k}.span (span) USING 'org.apache.cassandra.index.sasi.SASIIndex'
  WITH OPTIONS = {{'mode': 'PREFIX'}};
"""
"""In the manner of tracing stores and event journals: user types, mixed case, counters, statics, tuned options."""


@contextmanager
def models(source, folder):
    """The name of an importable module with this source."""
    name = f"generated_{uuid4().hex}"
    path = folder / f"{name}.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    try:
        yield name
    finally:
        del sys.modules[name]


@pytest.fixture(scope="module")
def foreign(scylla_cluster, profile):
    """A repo on a keyspace created by plain CQL."""
    name = f"foreign_{uuid4().hex[:8]}"
    with scylla_cluster.repo(name, create_keyspace=True) as repo:
        session = repo.session
        (dc,) = session.execute("SELECT data_center FROM system.local").one()
        for keyspace in (name, f"{name}_b"):
            session.execute(
                f"CREATE KEYSPACE {keyspace} WITH replication = {{'class': 'NetworkTopologyStrategy', '{dc}': 1}}",
                timeout=60,
            )
        statements = FOREIGN + (SASI if profile.has_index_class("SASI", on_vector=False) else "")
        for statement in statements.format(k=name, compression=profile.compression_key).split(";\n"):
            if statement.strip():
                session.execute(statement, timeout=60)
        yield repo
        for keyspace in (name, f"{name}_b"):
            session.execute(f"DROP KEYSPACE {keyspace}", timeout=60)


def test_generated_models_are_in_step_with_what_they_were_made_from(foreign, tmp_path):
    """Generated models match the schema: nothing to do, nothing refused; only the filtered view is omitted."""
    cluster_view = ClusterView.connect(foreign)
    source = module_source(inspect(foreign)[foreign.keyspace], cluster_view.server, repo="again")
    with models(source, tmp_path) as name:
        settings = attrs.evolve(foreign.settings, name="again", models=[name])
        with Repo.from_settings(settings) as repo:
            result = plan(repo)

    assert ([], (), {"debugged"}) == (
        result.cql,
        result.refusals,
        {note.object.split(".")[1] for note in result.notes},
    )
    assert "# The view 'debugged' is left out: models cannot declare filters: WHERE id = 'x'" in source


def test_generated_models_make_the_schema_again(foreign, tmp_path):
    """In an empty keyspace the models create the original schema, options included."""
    cluster_view = ClusterView.connect(foreign)
    facts = inspect(foreign)[foreign.keyspace]
    with models(module_source(facts, cluster_view.server, repo="copy"), tmp_path) as name:
        settings = attrs.evolve(foreign.settings, name="copy", models=[name], keyspace=f"{foreign.keyspace}_b")
        with Repo.from_settings(settings) as repo:
            migrate(repo)
            generated = inspect(repo)[repo.keyspace]

            assert check(repo, strict=True).in_sync
    assert alike(facts) == alike(generated)


def test_hostile_names_are_data_in_every_form(scylla_cluster, tmp_path):
    """Script and models create the original rows of ``system_schema``, whatever names and comments contain."""
    live, script_made, models_made = (f"hostile_{uuid4().hex[:8]}" for _ in range(3))
    names = [*HOSTILE, 'style:x"', "'", "\\", "#{x}", "a\rb", "\u2028"]
    columns = ", ".join(f"{quote(name)} text" for name in names)
    with scylla_cluster.repo(live, name=live) as repo:
        for keyspace in (live, script_made, models_made):
            with Repo.from_settings(attrs.evolve(repo.settings, keyspace=keyspace)) as other_repo:
                create_keyspace(other_repo)
        session = repo.session
        session.execute(f"CREATE TYPE {live}.t ({columns})", timeout=60)
        for index, name in enumerate(names):
            comment = string_literal(f"{name} \x00 {name}")
            session.execute(
                f"CREATE TABLE {live}.t{index} ({quote(name)} int PRIMARY KEY, v frozen<t>) WITH comment = {comment}",
                timeout=60,
            )
        session.execute(f"ALTER TABLE {live}.t0 ADD ({columns.replace(quote(names[0]), 'other', 1)})", timeout=60)
        facts, server = inspect(repo)[live], ClusterView.connect(repo).server
        for statement in keyspace_script(facts, server)[1:]:
            session.execute(statement.replace(f"{live}.", f"{script_made}."), timeout=60)
        with models(module_source(facts, server, repo=live), tmp_path) as module:
            settings = attrs.evolve(repo.settings, models=[module], keyspace=models_made)
            with Repo.from_settings(settings) as other:
                migrate(other)
        results = [rows(repo, keyspace) for keyspace in (live, script_made, models_made)]
        for keyspace in (live, script_made, models_made):
            session.execute(f"DROP KEYSPACE {keyspace}", timeout=60)

    assert results[0] == results[1]
    assert results[0] == results[2]


def test_a_view_of_all_columns_is_in_sync_when_its_table_grows(foreign, tmp_path):
    """A column that no model declares is reported for the table to which it was added, and not for the view."""
    session, name = foreign.session, foreign.keyspace
    session.execute(f"CREATE TABLE {name}.wide (k int PRIMARY KEY, v text, w text)", timeout=60)
    session.execute(
        f"CREATE MATERIALIZED VIEW {name}.wide_by_v AS SELECT * FROM {name}.wide "
        "WHERE v IS NOT NULL AND k IS NOT NULL PRIMARY KEY (v, k)",
        timeout=60,
    )
    source = module_source(inspect(foreign)[name], ClusterView.connect(foreign).server, repo="wide")
    session.execute(f"ALTER TABLE {name}.wide ADD later int", timeout=60)
    with models(source, tmp_path) as module:
        settings = attrs.evolve(foreign.settings, name="wide", models=[module])
        with Repo.from_settings(settings) as repo:
            notes = {note.object.partition(".")[2] for note in check(repo, strict=True).notes}
    session.execute(f"DROP MATERIALIZED VIEW {name}.wide_by_v", timeout=60)
    session.execute(f"DROP TABLE {name}.wide", timeout=60)

    assert {"debugged", "wide.later"} == notes


def alike(facts):
    """The parts that two keyspaces can share: all but their names and the view that models cannot declare."""
    tables = [(t.name, t.columns, t.options, t.indexes) for t in facts.tables]
    views = [(v.name, v.columns, v.options) for v in facts.views if not v.where]
    return [(item.name, item.fields) for item in facts.types], tables, views


CLASHING = """
from scyllamodel import Column, Index, Model, column, partition_key

class Bill(Model, table="bill", repo="{repo}"):
    id: Column[int] = partition_key()
    item_status: Column[str | None] = column(default=None, index=True)

class BillItem(Model, table="bill_item", repo="{repo}"):
    id: Column[int] = partition_key()
    status: Column[str | None] = column(default=None, index=True)
"""


@pytest.mark.parametrize("first", ["Bill", "BillItem", None])
def test_made_up_names_of_indexes_that_clash(scylla_cluster, tmp_path, first):
    """Indexes whose generated names clash are both created, and an existing index keeps its plain name."""
    name = f"clash_{uuid4().hex[:8]}"
    source = CLASHING.format(repo=name)
    with models(source, tmp_path) as module, scylla_cluster.repo(name, name=name, models=[module]) as repo:
        if first is not None:
            migrate(repo, resources=first, create_keyspace=True)
        migrate(repo, create_keyspace=True)
        indexes = [index.name for table in inspect(repo)[name].tables for index in table.indexes]

        assert check(repo, strict=True).in_sync
        assert 2 == len(set(indexes))
        assert ("bill_item_status_idx" in indexes) == (first is not None)
        repo.session.execute(f"DROP KEYSPACE {name}", timeout=60)


RENAMED = """
from scyllamodel import Column, Model, UserType, column, partition_key

class Place(UserType, name="place"):
    town: Column[str | None] = column(default=None{old})
    code: Column[int | None] = column(default=None)

class Visit(Model, table="visits", repo="{repo}"):
    id: Column[int] = partition_key()
    at: Column[Place | None] = column(default=None)
"""


def test_a_field_is_renamed_and_renamed_back(scylla_cluster, tmp_path):
    """A field is renamed under its code and keeps its values; a rollback restores the old name."""
    name = f"field_{uuid4().hex[:8]}"
    first = RENAMED.format(repo=f"{name}_a", old="").replace("town", "city")
    second = RENAMED.format(repo=f"{name}_b", old=', renamed_from="city"')
    with models(first, tmp_path) as module, scylla_cluster.repo(name, name=f"{name}_a", models=[module]) as repo:
        migrate(repo, create_keyspace=True)
        repo.session.execute(f"INSERT INTO {name}.visits (id, at) VALUES (1, {{city: 'Ulm', code: 3}})")
    with models(second, tmp_path) as module, scylla_cluster.repo(name, name=f"{name}_b", models=[module]) as repo:
        assert ["BC101"] == [refusal.code for refusal in plan(repo).refusals]
        migrate(repo, allow={"BC101:place.city"})

        assert check(repo, strict=True).in_sync
        assert "Ulm" == repo.session.execute(f"SELECT at.town FROM {name}.visits").one()[0]

        rollback(repo, 0, allow={"BC101"})
        assert ["city", "code"] == [field for field, _ in inspect(repo)[name].type("place").fields]
        repo.session.execute(f"DROP KEYSPACE {name}", timeout=60)
