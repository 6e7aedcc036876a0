"""Facts as the source of a Python module, whose models declare equal facts."""

from __future__ import annotations

import importlib.util
import itertools
import re
import sys

import attrs
import pytest
from hypothesis import HealthCheck, given, settings

from scyllamodel import MaterializedView, Model, UserType
from scyllamodel.discovery import find_models, find_user_types
from scyllamodel.model.desired_schema import desired_facts
from scyllamodel.schema.changes.kinds import Unmanaged
from scyllamodel.schema.diff.schema_diff import diff
from scyllamodel.schema.export.mermaid import mermaid
from scyllamodel.schema.export.models.module import module_source
from scyllamodel.schema.export.models.option_defaults import default_gc_mode, non_default_options
from scyllamodel.schema.export.models.python_names import _BASE_CLASS_MEMBERS, IMPORTED_NAMES
from scyllamodel.schema.facts.objects import Table, TableColumn
from scyllamodel.schema.reflect import reflect_keyspace
from scyllamodel.schema.server.profile import ServerProfile
from scyllamodel.types.cql_types import CustomType, Native
from scyllamodel.types.parser import parse_type
from support.builders import index, schema, table, user_type, view
from support.scylla_observed import SCYLLAS
from support.scylla_observed import rows as scylla_rows
from support.strategies import keyspaces

C5 = ServerProfile("cassandra", (5, 0, 6))
numbers = itertools.count()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of generated modules."""
    return tmp_path_factory.mktemp("source")


def imported(facts, folder, server=C5):
    """The facts that the generated module declares, read by importing it."""
    name = f"generated_{next(numbers)}"
    path = folder / f"{name}.py"
    path.write_text(module_source(facts, server, repo=name), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
        models = find_models([name], [name]) if facts.tables else []
        return desired_facts(models, facts.name, types=find_user_types([name], [name]))[facts.name]
    finally:
        del sys.modules[name]


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(keyspaces())
def test_a_generated_module_means_what_it_was_made_from(folder, facts):
    """The module declares the same types, tables, columns, indexes, views and options as the facts."""
    declared = imported(facts, folder)
    assert [] == [change for change in diff(facts, declared, C5) if not isinstance(change, Unmanaged)]
    assert facts.types == declared.types
    assert [(t.name, t.columns, t.indexes) for t in facts.tables] == [
        (t.name, t.columns, t.indexes) for t in declared.tables
    ]
    assert [(v.name, v.base, v.columns) for v in facts.views] == [(v.name, v.base, v.columns) for v in declared.views]
    assert [non_default_options(t.options, C5) for t in facts.tables] == [dict(t.options) for t in declared.tables]


def test_the_same_facts_give_the_same_text():
    """Equal facts have the same text, whatever the order of their rows."""
    first, two = table("b", "a int pk"), table("a", "a int pk", "u frozen<p>")
    point = user_type("p", "x int")

    assert module_source(schema(first, two, point), C5) == module_source(schema(point, two, first), C5)


def test_a_view_of_all_columns_stays_one(folder):
    """A view of all columns is declared as one, so it does not differ when its table gains a column."""
    base, output = table("t", "a int pk", "v text"), ("v text pk", "a int ck")
    declared = imported(schema(base, view("x", "t", *output, all_columns=True)), folder)
    later = schema(table("t", "a int pk", "v text", "w int"), view("x", "t", *output, "w int", all_columns=True))

    assert declared.views[0].all_columns
    assert ["t.w"] == [change.name for change in diff(later, declared, C5)]


NUL = ("\0", Native("int"))
LEFT_OUT = [
    (schema(table("old", flags={"dense"})), "# The table 'old' is left out: it has a compact layout"),
    (schema(table("n" * 49)), "has at most 48 characters"),
    (schema(table("t", "a int pk", "u frozen<gone>")), "has the user type gone, which has no class"),
    (schema(table("t", "a int pk", "u p"), user_type("p", "x set<int>")), "is not frozen, and its type contains"),
    (schema(user_type("a", "z frozen<b>"), user_type("b", "z frozen<a>")), "The user type 'a' is left out"),
    (schema(Table("t", (*table("t").columns, TableColumn(*NUL)))), "one of its columns has an empty name, or"),
    (schema(attrs.evolve(user_type("nul", "x int"), fields=(NUL,))), "one of its fields has an empty name, or"),
    (schema(user_type("date", "z int")), "The user type 'date' is left out"),
    (schema(table("t"), view("v", "t", "id int pk", where="id > 3")), "models cannot declare filters: WHERE id > 3"),
    (schema(view("v", "t", "id int pk")), "The view 'v' is left out: its table t has no class"),
    (schema(table("t", "a int pk", indexes=[index("a, b", "i", using="x.Lucene")])), "The index 'i' is left out"),
    (schema(table("scyllamodel_lock")), "it is an internal table of scyllamodel"),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "output"), LEFT_OUT, ids=range(len(LEFT_OUT)))
def test_what_no_class_can_declare_is_a_comment(facts, output, folder):
    """An object that models cannot declare is a comment with the reason, and the module can be imported."""
    source = module_source(facts, C5)
    compile(source, "generated", "exec")

    assert output in source


def test_a_text_of_the_database_is_never_code(folder):
    """Names, comments and options that contain quotes, line breaks and brackets are preserved."""
    evil = '"""\n\'); import os  # '
    columns = [TableColumn("id", Native("int"), "partition_key"), TableColumn(evil, Native("text"))]
    facts = schema(Table(name="t", columns=columns, options={"comment": evil}), keyspace=False)
    declared = imported(attrs.evolve(facts, name="k"), folder)

    assert evil in declared.table("t")
    assert evil == declared.table("t").options["comment"]


def test_no_column_hides_what_a_base_class_offers(folder):
    """A column may have the CQL name of any attribute of a model or of any imported name."""
    reserved = {name for base in (Model, UserType, MaterializedView) for name in dir(base)} | IMPORTED_NAMES
    offered = {name for name in reserved - IMPORTED_NAMES if not name.startswith("__")}
    assert offered == _BASE_CLASS_MEMBERS
    columns = [TableColumn(name, Native("text")) for name in sorted(reserved)]
    new_table = Table(name="t", columns=[TableColumn("id", Native("int"), "partition_key"), *columns])

    assert new_table.columns == imported(schema(new_table), folder).table("t").columns


def test_types_without_a_python_value_keep_their_type(folder):
    """Custom types, and types such as a set of lists, are declared with their CQL."""
    columns = [
        TableColumn("id", Native("int"), "partition_key"),
        TableColumn("x", CustomType("org.apache.cassandra.db.marshal.DynamicCompositeType")),
        TableColumn("y", parse_type("set<frozen<list<int>>>")),
        TableColumn("z", parse_type("vector<double, 3>")),
    ]
    table = Table(name="t", columns=columns)

    assert table.columns == imported(schema(table), folder).table("t").columns


def test_indexes_and_views_come_back(folder):
    """Indexes have class, target and options, and a view uses the attribute names of its table."""
    base = table(
        "t", "a int pk", "Mixed int ck desc", "m map<text,int>", "v text",
        indexes=[index("m", "i", on="keys"), index("v", "j", using="sai", options={"case_sensitive": "false"})],
    )  # fmt: skip
    facts = schema(base, view("V", "t", "Mixed int pk", "a int ck desc", "v text"))

    assert [] == list(diff(facts, imported(facts, folder), C5))


SCYLLA = ServerProfile("scylla", (2025, 4, 1))
LEVELLED = {"compaction": {"class": "LeveledCompactionStrategy"}}
ALL_ROWS = {"caching": {"keys": "ALL", "rows_per_partition": "ALL"}}
NO_ROWS = {"caching": {"keys": "ALL", "rows_per_partition": "NONE"}}


@pytest.mark.parametrize(
    ("options", "server", "messages"),
    [
        ({"bloom_filter_fp_chance": 0.01}, C5, []),
        ({"bloom_filter_fp_chance": 0.01, **LEVELLED}, C5, ["bloom_filter_fp_chance", "compaction"]),
        ({"bloom_filter_fp_chance": 0.1, **LEVELLED}, C5, ["bloom_filter_fp_chance", "compaction"]),
        (NO_ROWS, C5, []),
        (ALL_ROWS, C5, ["caching"]),
        (ALL_ROWS, SCYLLA, []),
        (NO_ROWS, SCYLLA, ["caching"]),
    ],
    ids=str,
)
def test_non_default_settings_are_written(options, server, messages):
    """Only settings that differ from the defaults of the server are declared."""
    (value,) = schema("k", table("t", "id int pk", options=options)).tables

    assert messages == sorted(non_default_options(value.options, server))


def test_an_empty_keyspace_gives_an_empty_module():
    """The module of an empty keyspace contains only its name."""
    assert module_source(schema(), C5).endswith("# Keyspace: 'k'\n")


def test_a_diagram_shows_every_table_view_and_type():
    """The diagram shows tables, views and types with keys, orders, statics, indexes, and lines between them."""
    facts = schema(
        user_type("addr", "x int"),
        table("t", "a int pk", "b int ck desc", "s text static", "u map<text,frozen<addr>>", indexes=[index("u", "i")]),
        view("v", "t", "b int pk", "a int ck"),
    )

    assert DIAGRAM == mermaid(facts)


DIAGRAM = """\
erDiagram
    table1["t"] {
        int a PK
        int b PK "clustering, descending"
        text s "static"
        map_text_frozen_addr u "map#lt;text, frozen#lt;addr#gt;#gt;, indexed"
    }
    view2["v (view)"] {
        int b PK
        int a PK "clustering, ascending"
    }
    type3["addr (type)"] {
        int x
    }
    table1 ||--o{ view2 : "shown by"
    table1 }o--|| type3 : "holds"
"""


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(keyspaces())
def test_every_line_of_a_diagram_is_in_the_grammar(facts):
    """Each line is a heading, an entity, an attribute, a closing brace or a relation, whatever the names."""
    grammar = re.compile(
        r"erDiagram"
        r'|    \w+\["[^"<>]*"\] \{|    \}'
        r'|        [A-Za-z]\w* [A-Za-z]\w*( PK)?( "[^"<>]*")?'
        r'|    \w+ (\|\|--o\{|\}o--\|\|) \w+ : "[a-z ]+"',
        re.ASCII,
    )

    assert [] == [line for line in mermaid(facts).splitlines() if not grammar.fullmatch(line)]


@pytest.mark.parametrize(
    ("release", "keyspace", "name"),
    [("2025.1.14", "zoo", "base"), ("2026.3", "zoo", "base"), ("2026.3", "new26", "base")],
)
def test_what_a_real_scylla_gives_every_table_is_not_repeated(release, keyspace, name):
    """Values that ScyllaDB stores for a table without options are not declared in its model."""
    live_table = reflect_keyspace(keyspace, scylla_rows(release), SCYLLAS[release]).table(name)

    assert {} == non_default_options(live_table.options, SCYLLAS[release])
    assert {"compression", "tombstone_gc"} <= set(live_table.options)


@pytest.mark.parametrize(
    ("release", "keyspace"),
    [("2025.1.14", "zoo_tablets"), ("2025.1.14", "zoo"), ("2026.3", "zoo_tablets"), ("2026.3", "new26")],
)
def test_the_mode_of_tombstone_gc_that_depends_on_the_keyspace_is_not_repeated(release, keyspace):
    """The default mode of tombstone_gc in a keyspace with tablets is not declared in its model."""
    server = SCYLLAS[release]
    facts = reflect_keyspace(keyspace, scylla_rows(release), server)
    bases = {table.name: table for table in facts.tables}
    names = {
        fact.name
        for fact in (*facts.tables, *facts.views)
        if "tombstone_gc"
        in non_default_options(
            fact.options, server, default_gc_mode(fact, bases.get(getattr(fact, "base", "")), facts.keyspace, server)
        )
    }

    assert names <= {"options_all"}
    assert module_source(facts, server).count("tombstone_gc=") == len(names)
