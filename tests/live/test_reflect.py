"""No false positives: whatever is created on a real server is read back as it was declared."""

from __future__ import annotations

import itertools
import re

import attrs
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from scyllamodel.driver.cluster.coordinator import choose_coordinator
from scyllamodel.driver.cluster.introspection import read_keyspace
from scyllamodel.driver.cluster.nodes import read_server_profile
from scyllamodel.driver.data.api_base import client_of
from scyllamodel.schema.changes import kinds as ch
from scyllamodel.schema.compare.options import differing_options, stored_values
from scyllamodel.schema.ddl import change_cql, keyspace_script, undo_cql
from scyllamodel.schema.diff.schema_diff import diff
from scyllamodel.schema.facts.objects import FrozenMap, Index, KeyspaceFacts, Table, TableColumn, UserType, View
from scyllamodel.schema.options import OPTION_NAMES, TableOptions, unalterable_options, unsupported_options
from scyllamodel.types.cql_types import Native, VectorType, walk
from scyllamodel.types.parser import parse_type
from support.cassandra_observed import cases, is_error, literal
from support.servers import needs_vector_index
from support.strategies import keyspaces

# No test writes a row, and the driver cannot parse the metadata of a row with some of the vectors here.
pytestmark = [pytest.mark.live, pytest.mark.scylla_keep_rows]

numbers = itertools.count()


@pytest.fixture(scope="module")
def coordinator(scylla_repo):
    """The coordinator of all runs."""
    return choose_coordinator(client_of(scylla_repo).connection())


@pytest.fixture(scope="module")
def server(coordinator):
    """The capabilities of that node."""
    return read_server_profile(coordinator)


@pytest.fixture(scope="module")
def keyspace(scylla_repo):
    """The keyspace of this module."""
    return scylla_repo.keyspace


@pytest.fixture(scope="module")
def run(coordinator, server):
    """Run changes, one statement each."""

    def run(*changes):
        for change in changes:
            coordinator.rows(change_cql(change, server), timeout=60)

    return run


@pytest.fixture(scope="module")
def read(coordinator, server, keyspace):
    """Read the keyspace of this module, or another one, as facts."""
    return lambda name=keyspace: read_keyspace(coordinator, name, server)


def new_name():
    """A table name that no other test uses."""
    return f"t{next(numbers)}"


def key(name="a", cql="int", kind="partition_key", *, descending=False):
    """A key column."""
    return TableColumn(name, parse_type(cql), kind, descending)


def regular(name, cql):
    """A column outside the key."""
    return TableColumn(name, parse_type(cql))


USER_TYPES = (
    UserType("addr", (("street", Native("text")), ("n", Native("int")))),
    UserType("Addr", (("Zip", Native("text")), ("z", Native("int")))),
    UserType("Date", (("f", Native("int")),)),
    UserType("select", (('fi"eld', parse_type("list<int>")),)),
    UserType("nest", (("one", parse_type("frozen<addr>")), ("two", parse_type("map<text, frozen<addr>>")))),
)
NATIVE = sorted(
    "ascii bigint blob boolean date decimal double duration float inet int smallint text time timestamp timeuuid "
    "tinyint uuid varint".split()
)
WITH_USER_TYPES = [
    "addr", '"Addr"', '"Date"', 'frozen<"select">', "frozen<nest>", 'list<frozen<"Date">>',
    "map<text, frozen<nest>>", "tuple<addr, int>", "frozen<list<addr>>",
]  # fmt: skip


def accepted_types():
    """Types that every release accepts, without user types, and those with the user types of this module."""
    texts = [
        case["type"]
        for release, case, result in cases("c_types", "type")
        if release == "5.0" and not is_error(result) and "'" not in case["type"]
    ]
    known = {text: parse_type(text) for text in [*NATIVE, *texts, *WITH_USER_TYPES]}
    # A counter inside a vector is taken by Cassandra, and a mistake all the same.
    return {text: part for text, part in known.items() if Native("counter") not in walk(part)}


def test_every_type_reads_back_as_declared(run, read, keyspace, server):
    """A column of each type that a server accepts is read back with exactly the declared type."""
    run(*(ch.AddType(keyspace, item) for item in USER_TYPES))
    types = [item for item in accepted_types().values() if server.has_vectors or not _has_vector(item)]
    columns = [TableColumn(f"c{number}", part) for number, part in enumerate(types)]
    expected = Table(name=new_name(), columns=(key(), *columns), keyspace=keyspace)
    run(ch.AddTable(keyspace, expected))
    facts = read()

    assert len(types) > 50
    assert expected.columns == facts.table(expected.name).columns
    assert {t.name: t.fields for t in USER_TYPES} == {t.name: t.fields for t in facts.types}


def _has_vector(cql_type):
    return any(isinstance(part, VectorType) for part in walk(cql_type))


def test_keys_of_every_type(run, read, keyspace):
    """Keys of frozen types, ascending and descending, are read back as declared."""
    texts = ["text", "frozen<list<int>>", "tuple<int, text>", "frozen<set<uuid>>", "frozen<map<text, int>>", "inet"]
    clustering = [key(f"k{index}", text, "clustering", descending=index % 2 == 0) for index, text in enumerate(texts)]
    statics = [TableColumn("s", parse_type("list<int>"), "static"), TableColumn("A", Native("int"), "static")]
    columns = (key("z", "frozen<list<int>>"), key("a", "tuple<int>"), *clustering, *statics, regular("b", "int"))
    expected = Table(name=new_name(), columns=columns, keyspace=keyspace)
    run(ch.AddTable(keyspace, expected))

    assert expected.columns == read().table(expected.name).columns


def declared_options(server):
    """Each option that a similar release accepted, as `TableOptions`; those that need another yaml are left out."""
    results = {}
    for _, case, result in cases("a_table_options", "with"):
        name, _, value = case["with"].partition(" = ")
        if name not in OPTION_NAMES or is_error(result) or value == "NaN" or literal(value) is None:
            continue
        options = TableOptions(**{name: literal(value)})
        if name != "memtable" and not unsupported_options(options.declared(), server, "t"):
            results[f"{name} = {value}"] = options.declared()
    return results


def test_every_option_is_in_sync_once_the_table_is_made(run, read, keyspace, server):
    """After CREATE TABLE no declared option, in any spelling, needs an ALTER."""
    expected = {text: (new_name(), options) for text, options in declared_options(server).items()}
    for name, options in expected.values():
        run(ch.AddTable(keyspace, Table(name=name, columns=(key(),), keyspace=keyspace, options=options)))
    part = read()
    mismatches = {
        text: (options, part.table(name).options)
        for text, (name, options) in expected.items()
        if differing_options(options, part.table(name).options, server)
    }

    assert len(expected) > 60
    assert {} == mismatches


def test_every_option_is_in_sync_once_the_table_is_altered(run, read, keyspace, server, coordinator):
    """Each declared option can be set on an existing table, is then in sync, and can be undone."""
    name, mismatches = new_name(), []
    run(ch.AddTable(keyspace, Table(name=name, columns=(key(),), keyspace=keyspace)))
    for text, options in declared_options(server).items():
        value = read().table(name).options
        differing = differing_options(options, value, server)
        if not differing or unalterable_options(differing, server, name):
            continue
        change = ch.SetOptions(keyspace, name, differing, stored_values(differing, value))
        run(change)
        if differing_options(options, read().table(name).options, server):
            mismatches.append(("set", text))
        coordinator.rows(undo_cql(change, server), timeout=60)
        if read().table(name).options != value:
            mismatches.append(("undo", text))

    assert [] == mismatches


def index_table(name):
    """A table with a column for every kind of index."""
    columns = {
        "v": "text", "w": "int", "m": "map<text, int>", "l": "list<int>", "st": "set<text>", "fl": "frozen<list<int>>",
        "fm": "frozen<map<text, int>>", "fs": "frozen<set<int>>", "Mixed": "text", 'od"d 1': "text", "select": "text",
        "Mm": "map<text, int>", "tp": "tuple<int, text>", "a, b": "int",
    }  # fmt: skip
    keys = (key("p"), key("q"), key("c", "int", "clustering"))
    static = TableColumn("s", Native("int"), "static")
    return Table(name=name, columns=(*keys, static, *(regular(*item) for item in columns.items())))


PLAIN = [
    *((name, "values") for name in ("v", "w", "p", "q", "c", "s", "m", "l", "st", "Mixed", 'od"d 1', "tp", "a, b")),
    ("m", "keys"), ("m", "entries"), ("Mm", "keys"), ("fl", "full"), ("fm", "full"), ("fs", "full"),
]  # fmt: skip


def indexes(name, server):
    """Every kind of index that the server supports."""
    result = [Index(f"{name}_{index}", column, on) for index, (column, on) in enumerate(PLAIN)]
    if server.has_local_indexes:
        result.append(Index(f"{name}_local", "v", local=True))
    if server.has_sai:
        sai = ("sai", "StorageAttachedIndex", "org.apache.cassandra.index.sai.StorageAttachedIndex", "SAI")
        result += [Index(f"{name}_s{index}", "wcvq"[index], using=using) for index, using in enumerate(sai)]
        result.append(Index(f"{name}_sk", "m", "keys", using="sai"))
        result.append(Index(f"{name}_so", "Mixed", using="sai", options=FrozenMap({"case_sensitive": "false"})))
    if server.has_index_class("SASI", on_vector=False):
        sasi = "org.apache.cassandra.index.sasi.SASIIndex"
        result.append(Index(f"{name}_sasi", "select", using=sasi, options=FrozenMap({"mode": "CONTAINS"})))
    return tuple(result)


def test_every_index_reads_back_as_declared(run, read, keyspace, server):
    """Each kind of index is read back as it was declared."""
    expected = index_table(new_name())
    expected = attrs.evolve(expected, indexes=indexes(expected.name, server))
    run(ch.AddTable(keyspace, expected), *(ch.AddIndex(keyspace, expected, index) for index in expected.indexes))

    assert expected.indexes == read().table(expected.name).indexes


@needs_vector_index
def test_vector_indexes_read_back_as_declared(run, read, keyspace, server):
    """A vector column and its index are read back as they were declared."""
    desired = Table(name=new_name(), columns=(key(), regular("vec", "vector<float, 3>")))
    using = server.index_class("sai", on_vector=True)
    index = Index(f"{desired.name}_ann", "vec", using=using, options=FrozenMap({"similarity_function": "cosine"}))
    run(ch.AddTable(keyspace, desired), ch.AddIndex(keyspace, desired, index))

    assert (index,) == read().table(desired.name).indexes


def test_views_read_back_as_declared(run, read, keyspace):
    """A view is read back as declared: keys, orders and columns, without a filter."""
    columns = (key(), key("B", "int", "clustering", descending=True), regular("x y", "text"), regular("w", "int"))
    base = Table(name=new_name(), columns=columns)
    run(ch.AddTable(keyspace, base))
    keys = (key("x y", "text"), key("B", "int", "clustering", descending=True), key("a", "int", "clustering"))
    expected = [
        View(f"{base.name}_v", (*keys, regular("w", "int")), base.name, keyspace, options=COMMENT),
        View(f"{base.name}_all", (key("B"), key("a", "int", "clustering"), *columns[2:]), base.name, keyspace, True),
        View(f"{base.name}_k", (key(), key("B")), base.name, keyspace),
    ]
    run(*(ch.AddView(keyspace, view) for view in expected))
    live_views = [read().view(view.name) for view in expected]

    assert expected == [attrs.evolve(f, options=w.options) for w, f in zip(expected, live_views, strict=True)]
    assert "it's\na view" == live_views[0].options["comment"]


COMMENT = TableOptions(comment="it's\na view").declared()


def test_columns_added_dropped_and_renamed(run, read, keyspace, coordinator, server):
    """Columns are added, dropped and renamed as declared, and an undo reverts that."""
    table = Table(
        name=new_name(), columns=(key(), key("c", "int", "clustering"), regular("v", "int")), keyspace=keyspace
    )
    added = (regular('x"1', "map<text, int>"), TableColumn("Static", Native("text"), "static"))
    steps = [ch.AddColumns(keyspace, table.name, added), ch.RenameKeyColumns(keyspace, table.name, (("c", "C c"),))]
    run(ch.AddTable(keyspace, table), *steps)
    altered = read().table(table.name)
    renamed = attrs.evolve(table.columns[1], name="C c")

    assert Table(name="t", columns=(key(), renamed, regular("v", "int"), *added)).columns == altered.columns

    for step in reversed(steps):
        coordinator.rows(undo_cql(step, server), timeout=60)
    live_table = read().table(table.name)

    assert (table.columns, {'x"1', "Static"}) == (live_table.columns, set(live_table.dropped))


def test_what_may_be_read_is_what_is_read(server, coordinator):
    """Every column that the server lists for its schema tables is read, so new options would be seen."""
    rows = coordinator.rows("SELECT * FROM system_schema.tables WHERE keyspace_name = 'system_schema'")

    assert {("tables", name) for name in rows[0]} <= server.schema_columns


@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(facts=keyspaces())
def test_whole_keyspaces_read_back_as_declared(facts, coordinator, server, keyspace, read):
    """The script of any keyspace creates the declared facts, and the script of the result creates them again."""
    first, other = f"{keyspace[:40]}_one", f"{keyspace[:40]}_two"
    expected = _moved(facts, first, read().keyspace)
    try:
        _run_script(expected, coordinator, server)
        value = read(first)
        _run_script(_moved(value, other, value.keyspace), coordinator, server)
        second = _moved(read(other), first, value.keyspace)
    finally:
        for name in (first, other):
            coordinator.rows(f"DROP KEYSPACE IF EXISTS {name}", timeout=60)

    assert () == diff(value, expected, server)
    assert value == second


def _moved(facts, name, like):
    """Return equal facts in another keyspace, with the replication of a given one."""
    return KeyspaceFacts(
        name,
        attrs.evolve(like, name=name),
        tuple(attrs.evolve(item, keyspace=name) for item in facts.types),
        tuple(attrs.evolve(table, keyspace=name) for table in facts.tables),
        tuple(attrs.evolve(view, keyspace=name) for view in facts.views),
    )


def _run_script(facts, coordinator, server):
    for cql in keyspace_script(facts, server):
        coordinator.rows(cql, timeout=60)


def test_hostile_names_and_texts_arrive_as_they_are(run, read, keyspace):
    """Quotes, semicolons, comments and line ends in names and texts are stored unchanged."""
    hostile = "x\"); DROP TABLE t; -- ' $$ /* \n é☃"
    columns = (key(), regular(hostile, "int"), regular("'", "int"))
    desired = Table(name=new_name(), columns=columns, options=TableOptions(comment=hostile).declared())
    run(ch.AddTable(keyspace, desired))
    live_table = read().table(desired.name)

    assert (desired.columns, hostile) == (live_table.columns, live_table.options["comment"])


def test_quoted_names_of_tables(run, read, keyspace):
    """Names in mixed case and reserved words are stored unchanged."""
    for name in ("Mixed", "select", "1st"):
        run(ch.AddTable(keyspace, Table(name=name, columns=(key(name),))))

    assert {"Mixed", "select", "1st"} <= {table.name for table in read().tables if re.search("[A-Zs1]", table.name)}
