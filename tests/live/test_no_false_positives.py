"""No false positives: whatever models declare, nothing is left to do after a sync.

Every case covers all steps: facts, the classes that declare them, `migrate`, then a `plan` that must be empty and a
server that must have what was declared. Cases of one kind share a sync; a failure names the table or column.
"""

from __future__ import annotations

from collections import Counter
from uuid import uuid4

import pytest
from cassandra import DriverException
from cassandra.protocol import ErrorMessage

from scyllamodel import ImpossibleChange, Repo, TableOptions, check, inspect, migrate, plan
from scyllamodel._identifiers import qualified, quote
from scyllamodel.release.engine.cluster_view import ClusterView
from scyllamodel.schema.facts.objects import Table, TableColumn, UserType, View
from scyllamodel.schema.options import OPTION_NAMES, option_cql, unsupported_options
from scyllamodel.types.cql_types import NATIVE_NAMES
from scyllamodel.types.parser import parse_type
from support.builders import column, index, table, user_type, view
from support.cassandra_observed import cases, is_error, literal
from support.model_classes import declare
from support.row_literals import insert
from support.strategies import HOSTILE

# The driver cannot parse the metadata of a row with some of the vectors here, so tables are not read to be emptied.
pytestmark = [pytest.mark.live, pytest.mark.scylla_keep_rows]


@pytest.fixture(scope="module")
def server(scylla_repo):
    """The capabilities of this server."""
    return ClusterView.connect(scylla_repo).server


class Release:
    """Models as classes, and a repo for them alone."""

    def __init__(self, session, keyspace, *parts):
        self.parts, self.keyspace = parts, keyspace
        self.repo = Repo(f"release_{uuid4().hex}", session=session, keyspace=keyspace, create_keyspace=True)
        self.models = declare(self.repo.name, *parts)

    def sync(self):
        """Migrate, and check that the server has exactly what was declared. Returns the plan that ran."""
        result = migrate(self.repo).plan
        remaining, value = plan(self.repo), inspect(self.repo)[self.keyspace]

        assert [] == remaining.cql
        assert () == remaining.refusals
        assert [] == [part.name for part in self.parts if not holds(value, part)]
        return result


def holds(item, part):
    """Whether the server has exactly the columns, orders, indexes and fields of one table, view or type."""
    if isinstance(part, UserType):
        return part.fields == item.type(part.name).fields
    if isinstance(part, View):
        return part.columns == item.view(part.name).columns
    stored = item.table(part.name)
    targets = [Counter((i.column, i.on) for i in side.indexes) for side in (part, stored)]
    return part.columns == stored.columns and targets[0] == targets[1]


@pytest.fixture
def release(scylla_repo):
    """A release of these tables, views and types, in the keyspace of this module."""
    return lambda *parts: Release(scylla_repo.session, scylla_repo.keyspace, *parts)


def changed_objects(migration_plan):
    """The number of statements of a plan for each table, view or type."""
    return Counter(step.object.rpartition(".")[2] for step in migration_plan.steps)


# Types

USER_TYPES = [
    user_type("addr", "street text", "n int"),
    user_type("Mixed", "Zip text", "z frozen<list<int>>"),
    user_type("select", "open list<int>", "m map<text,frozen<set<uuid>>>"),
    user_type("deep", "one frozen<addr>", 'two map<text,frozen<"Mixed">>'),
]
KEYS = sorted(NATIVE_NAMES - {"counter", "duration", "empty"})
FROZEN = [
    *(f"frozen<list<{name}>>" for name in KEYS),
    *(f"frozen<set<{name}>>" for name in KEYS),
    *(f"frozen<map<{name}, {name}>>" for name in KEYS),
    *(f"tuple<{name}>" for name in KEYS),
    "tuple<int, text, frozen<list<uuid>>>", "frozen<list<tuple<int, text>>>", "tuple<tuple<int, int>, set<list<int>>>",
    "frozen<map<text, list<set<int>>>>", "frozen<addr>", 'frozen<"Mixed">', 'frozen<"select">', "frozen<deep>",
    'frozen<map<addr, list<"select">>>', "tuple<addr, deep>",
]  # fmt: skip
OTHERS = [
    *(f"list<{name}>" for name in KEYS),
    *(f"set<{name}>" for name in KEYS),
    *(f"map<{name}, {name}>" for name in KEYS),
    "duration", "list<duration>", "map<int, duration>", "tuple<duration, int>", "frozen<list<duration>>",
    "map<text, frozen<map<text, frozen<list<int>>>>>", "set<frozen<list<frozen<set<int>>>>>", "list<tuple<int, text>>",
    "addr", '"Mixed"', "list<frozen<addr>>", 'set<frozen<"Mixed">>', "map<frozen<addr>, frozen<deep>>",
]  # fmt: skip
VECTORS = [
    *(f"vector<{name}, 2>" for name in KEYS),
    "vector<float, 1536>", "vector<duration, 2>", "vector<vector<int, 2>, 2>", "vector<frozen<list<int>>, 2>",
    "vector<tuple<int, text>, 2>", "vector<frozen<addr>, 2>", "list<vector<float, 2>>", "map<text, vector<float, 2>>",
    "frozen<set<vector<float, 2>>>", "tuple<vector<float, 2>, int>",
]  # fmt: skip


def columns(texts, kind="regular", *, prefix="c", descending=False):
    """A column of each of these types."""
    return [
        TableColumn(f"{prefix}{position}", parse_type(text), kind, descending) for position, text in enumerate(texts)
    ]


def observed_types(server):
    """The types that similar nodes accepted in the observed data, without Java classes and counters."""
    version = ".".join(map(str, server.version[:2]))
    accepted = {case["type"] for node, case, part in cases("c_types", "type") if node == version and not is_error(part)}
    return sorted(text for text in accepted if not any(word in text.lower() for word in ("'", "addr", "counter")))


def every_type(server):
    """All types of this server."""
    return [*KEYS, *FROZEN, *OTHERS, *(VECTORS if server.has_vectors else ()), *observed_types(server)]


KEY = [column("p int pk"), column("q int ck")]


def test_every_type_of_regular_and_static_columns(release, server):
    """Regular and static columns of every type are created in a table and added to one."""
    texts = every_type(server)
    wide = [
        Table("regular", (*KEY, *columns(texts))),
        Table("static", (*KEY, *columns(texts, "static"))),
    ]
    release(*USER_TYPES, *wide, Table("grown", tuple(KEY))).sync()
    wide_table = Table("grown", (*KEY, *columns(texts), *columns(texts, "static", prefix="s")))
    result = release(*USER_TYPES, *wide, wide_table).sync()

    assert 150 < len(texts)
    assert {"grown": 1} == changed_objects(result)


def test_every_type_of_keys(release, server):
    """Every type is used in the partition key, and in the clustering key in both orders."""
    texts = [*KEYS, *FROZEN, *(VECTORS[: len(KEYS)] if server.has_vectors else ())]
    of_each = [table(f"pk_{name}", f"id {name} pk") for name in KEYS]
    release(
        *USER_TYPES,
        *of_each,
        Table("partition", tuple(columns(texts, "partition_key"))),
        Table("ascending", (KEY[0], *columns(texts, "clustering"))),
        Table("descending", (KEY[0], *columns(texts, "clustering", descending=True))),
        Table(
            "both", (KEY[0], *columns(KEYS, "clustering"), *columns(KEYS, "clustering", prefix="d", descending=True))
        ),
    ).sync()


def test_counters(release):
    """Counters, static ones included, are created in a table and added to it."""
    release(table("hits", "p int pk", "q int ck", "n counter")).sync()
    result = release(table("hits", "p int pk", "q int ck", "n counter", "more counter", "all counter static")).sync()

    assert {"hits": 1} == changed_objects(result)


def test_types_that_the_server_lacks_are_refused(release, server, scylla_repo):
    """Vectors on a server without them are refused with a code each; nothing runs, and the server refuses them too."""
    texts = [] if server.has_vectors else VECTORS
    desired = [user_type("addr", "street text", "n int"), Table("vectors", (*KEY, *columns(texts)))]
    migration_plan = plan(release(*desired).repo)

    assert ["TY108"] * len(texts) == [refusal.code for refusal in migration_plan.refusals]
    assert [] == [text for text in texts if accepts(scylla_repo, f"CREATE TABLE {{}} (p int PRIMARY KEY, v {text})")]


def accepts(repo, cql):
    """Whether the server accepts a CREATE TABLE; the table is dropped afterwards."""
    name = qualified(repo.keyspace, f"probe_{uuid4().hex[:8]}")
    try:
        repo.session.execute(cql.replace("{}", name), timeout=60)
    except (DriverException, ErrorMessage):
        return False
    repo.session.execute(f"DROP TABLE {name}", timeout=60)
    return True


# Options


def observed_options():
    """Each option in each spelling that some node accepted; memtables need another yaml."""
    for text in dict.fromkeys(case["with"] for _, case, part in cases("a_table_options", "with") if not is_error(part)):
        name, _, value = text.partition(" = ")
        if name in OPTION_NAMES - {"memtable"} and literal(value) is not None and value != "NaN":
            yield TableOptions(**{name: literal(value)})


MORE_OPTIONS = [
    TableOptions(compaction={"class": "org.apache.cassandra.db.compaction.LeveledCompactionStrategy"}),
    TableOptions(compaction={"class": "TimeWindowCompactionStrategy", "compaction_window_unit": "HOURS"}),
    TableOptions(compaction={"class": "SizeTieredCompactionStrategy", "bucket_high": 1.50, "enabled": False}),
    TableOptions(compaction={"class": "UnifiedCompactionStrategy", "scaling_parameters": "T8,L4"}),
    TableOptions(compression={"sstable_compression": "DeflateCompressor", "chunk_length_kb": 64}),
    TableOptions(compression={"class": "ZstdCompressor", "compression_level": "3", "chunk_length_in_kb": 16}),
    TableOptions(compression={"sstable_compression": ""}),
    TableOptions(speculative_retry="min(99.0PERCENTILE, 50.75ms)", additional_write_policy="none"),
    TableOptions(caching={}, gc_grace_seconds=0, crc_check_chance=1, bloom_filter_fp_chance=1),
    TableOptions(min_index_interval=2, max_index_interval=999, memtable_flush_period_in_ms=1),
    TableOptions(cdc=True, read_repair="none", memtable="default", default_time_to_live=630720000),
    TableOptions(comment="it's\n$$ \"); DROP TABLE t; -- /* é☃", allow_auto_snapshot="no", incremental_backups=1),
]


def packed(options, server):
    """The options that the server has, in groups of as many as one table can have."""
    tables = []
    for name, value in (item for each in options for item in each.declared().items()):
        if not unsupported_options({name: value}, server, name):
            free = next((table for table in tables if name not in table), None)
            if free is None:
                tables.append(free := {})
            free[name] = value
    return tables


def test_every_option_in_every_spelling(release, server):
    """A declared option is never altered again, in whatever form the server stores it."""
    desired = packed([*observed_options(), *MORE_OPTIONS], server)
    tables = [Table(f"option_{position}", tuple(KEY), options=options) for position, options in enumerate(desired)]
    result = release(*tables).sync()

    assert 100 < sum(map(len, desired))
    assert len(tables) == len(result.steps)


def compaction(name, **settings):
    """A compaction with this strategy."""
    return {"class": f"{name}CompactionStrategy", **settings}


CHANGES = [
    ("additional_write_policy", "98p", "max(99p,50ms)"),
    ("allow_auto_snapshot", False, True),
    ("bloom_filter_fp_chance", 0.1, 0.5),
    ("caching", {"keys": "NONE"}, {"keys": "ALL", "rows_per_partition": 10}),
    ("comment", "it's", 'a "b" $$;\n-- é'),
    ("compaction", compaction("Leveled"), compaction("SizeTiered")),
    ("compaction", compaction("SizeTiered", min_threshold=6), compaction("SizeTiered", bucket_low=0.4)),
    ("compaction", compaction("TimeWindow"), compaction("TimeWindow", compaction_window_unit="MINUTES")),
    ("compaction", compaction("Leveled", sstable_size_in_mb=64), compaction("Leveled")),
    ("compaction", compaction("Unified", scaling_parameters="T8"), compaction("Unified", scaling_parameters="L4")),
    ("compaction", compaction("SizeTiered", enabled=False), compaction("SizeTiered")),
    ("compression", {"class": "ZstdCompressor"}, {"enabled": False}),
    ("compression", {"class": "LZ4Compressor", "chunk_length_in_kb": 64}, {"class": "LZ4Compressor"}),
    ("compression", {"enabled": False}, {"class": "SnappyCompressor", "min_compress_ratio": 2}),
    ("crc_check_chance", 0.5, 0),
    ("default_time_to_live", 60, 0),
    ("gc_grace_seconds", 0, 3600),
    ("incremental_backups", False, True),
    ("max_index_interval", 4096, 1024),
    ("memtable_flush_period_in_ms", 60000, 0),
    ("min_index_interval", 256, 64),
    ("read_repair", "NONE", "BLOCKING"),
    ("speculative_retry", "50ms", "ALWAYS"),
    ("speculative_retry", "NEVER", "99.5PERCENTILE"),
]


def test_a_changed_option_is_altered_once(release, server):
    """Setting an option, and changing it, is one ALTER for each table, and then nothing is left to do."""
    first, second = (packed([TableOptions(**{change[0]: change[at]}) for change in CHANGES], server) for at in (1, 2))
    names = [f"changed_{number}" for number in range(len(first))]
    release(*(Table(name, tuple(KEY)) for name in names)).sync()
    for options in (first, second):
        desired = [Table(name, tuple(KEY), options=part) for name, part in zip(names, options, strict=True)]
        result = release(*desired).sync()

        assert dict.fromkeys(names, 1) == changed_objects(result)


LACKING = {
    "additional_write_policy": "99p",
    "allow_auto_snapshot": True,
    "incremental_backups": True,
    "memtable": "default",
    "paxos_grace_seconds": 60,
    "per_partition_rate_limit": {"max_reads_per_second": 1},
    "read_repair": "NONE",
    "storage_engine": "logstor",
    "synchronous_updates": True,
    "tablets": {"min_tablet_count": 1},
    "tombstone_gc": {"mode": "timeout"},
    "compaction": compaction("Unified"),
    "compression": {"class": "ZstdWithDictsCompressor"},
}
"""Options and classes that not every server has."""


def test_options_that_the_server_lacks_are_refused(release, server, scylla_repo):
    """Options that the server lacks are all refused with OP104 before any statement; the server refuses them too."""
    declared = {name: TableOptions(**{name: value}).declared() for name, value in LACKING.items()}
    lacking = {name: options for name, options in declared.items() if unsupported_options(options, server, name)}
    tables = [Table(f"lacks_{name}", tuple(KEY), options=options) for name, options in lacking.items()]
    desired = release(*tables, Table("lacks_nothing", tuple(KEY)))
    with pytest.raises(ImpossibleChange) as exc_info:
        migrate(desired.repo)
    texts = [option_cql(name, options[name], server) for name, options in lacking.items()]

    assert {f"{desired.keyspace}.lacks_{name}" for name in lacking} == {
        refusal.object for refusal in exc_info.value.refusals
    }
    assert {"OP104"} == {refusal.code for refusal in exc_info.value.refusals}
    assert inspect(desired.repo)[desired.keyspace].table("lacks_nothing") is None
    assert [] == [text for text in texts if accepts(scylla_repo, f"CREATE TABLE {{}} (p int PRIMARY KEY) WITH {text}")]


# Indexes

STATIC = column("s int static")
INDEXED = [
    *(column(text) for text in ("p int pk", "q int pk", "c int ck", "d text ck")),
    *columns(["text", "list<int>", "set<text>", "map<text, int>", "frozen<list<int>>"], prefix="v"),
    *columns(["frozen<set<int>>", "frozen<map<text, int>>", "tuple<int, text>", "frozen<addr>"], prefix="w"),
    *(TableColumn(name, parse_type("text")) for name in ("mixed", "keys(v3)", "full", *HOSTILE)),
]
PLAIN = [
    *((name, "values") for name in ("p", "q", "c", "d", "s", "v0", "v1", "v2", "v3", "w2", "w3")),
    *((name, "full") for name in ("v4", "w0", "w1")),
    *((name, "values") for name in ("mixed", "keys(v3)", "full", *HOSTILE)),
    ("v3", "keys"), ("v3", "entries"),
]  # fmt: skip


def indexed(name, *part, static=True):
    """The table with a column for every kind of index."""
    return Table(name, (*INDEXED[:4], *([STATIC] if static else []), *INDEXED[4:]), indexes=part)


def test_every_kind_of_index_by_names_of_ours_and_of_its_own(release, server):
    """Indexes on keys, static columns, collections and frozen columns, with given or generated names.

    On a ScyllaDB that fails writes of static values in tables with indexes on collections, the static column is in a
    separate table.
    """
    alike = ("a, b", "\n")  # our names for these are those for "a b" and "é☃"
    apart = server.fails_static_writes
    plain = [part for part in PLAIN if not apart or part[0] != "s"]
    indexes = [index(name, on=on) for name, on in plain if name not in alike]
    named_indexes = [index(name, f"Named_{position}", on=repo) for position, (name, repo) in enumerate(plain)]
    tables = [indexed("unnamed", *indexes, static=not apart), indexed("chosen", *named_indexes, static=not apart)]
    if apart:
        tables += [table(f"statics_{name}", "p int pk", "c int ck", "s int static", indexes=[index("s", name)])
                   for name in ("", "Named_s")]  # fmt: skip
    release(USER_TYPES[0], *tables).sync()


def test_indexes_of_other_classes(release, server):
    """SAI and SASI indexes are created where the server has them, and refused elsewhere."""
    sasi = [index("v0", "sasi_0", using="SASI", options={"mode": "CONTAINS"}), index("c", "sasi_1", using="sasi")]
    sasi += [index("Mixed", "sasi_2", using="org.apache.cassandra.index.sasi.SASIIndex"), index("d", using="SASI")]
    desired = release(USER_TYPES[0], indexed("sasi", index("v0"), index("d", "plain_d"), *sasi))
    if server.has_index_class("SASI", on_vector=False):
        desired.sync()
    else:
        assert ["IX104"] * len(sasi) == [refusal.code for refusal in plan(desired.repo).refusals]
    sai = [
        index("v0", "sai_0", using="sai", options={"case_sensitive": False, "normalize": "true"}),
        index("v0", "sai_beside"),
        index("v1", using="StorageAttachedIndex"),
        index("v3", using="SAI"),
        index("v3", on="keys", using="org.apache.cassandra.index.sai.StorageAttachedIndex"),
        index("v3", on="entries", using="sai"),
        index("v4", on="full", using="sai"),
        *(index(name, using="sai") for name in ("q", "c", "s", "w2", "select", "Mixed")),
    ]
    desired = release(USER_TYPES[0], indexed("sai", *sai))
    if server.has_sai:
        desired.sync()
    else:
        codes = [refusal.code for refusal in plan(desired.repo).refusals]
        assert ["IX104"] * (len(sai) - 1) == [code for code in codes if code == "IX104"]


def test_indexes_of_vectors(release, server):
    """Vector indexes with every similarity function are created, and refused on servers without them."""
    names = {"a": None, "b": "cosine", "c": "DOT_PRODUCT", "d": "euclidean"}
    results = [
        index(name, using="sai", options={} if function is None else {"similarity_function": function})
        for name, function in names.items()
    ]
    desired = release(table("vectors_by", "id int pk", *(f"{name} vector<float,3>" for name in names), indexes=results))
    codes = {refusal.code for refusal in plan(desired.repo).refusals}
    if not server.has_vectors:
        assert {"TY108", "IX104"} == codes
    elif not server.has_vector_index:
        assert {"IX104"} == codes
    elif server.is_scylla and inspect(desired.repo)[desired.keyspace].keyspace.tablets is False:
        assert {"KS104"} == codes
    else:
        desired.sync()


# Views


def test_every_kind_of_view(release):
    """Views with other keys and orders, another key column, options, and any name."""
    base = Table(
        "Base",
        (
            *(column(text) for text in ("p int pk", "q text pk", "c int ck", "d uuid ck desc", "s int static")),
            *columns(["text", "list<int>", "map<text, int>", "frozen<addr>", "addr"], prefix="v"),
            TableColumn("Mixed", parse_type("int")),
            TableColumn("a b", parse_type("text")),
        ),
    )
    rest = ["v0 text", "v1 list<int>", "v2 map<text,int>", "v3 frozen<addr>", "v4 addr", "Mixed int"]
    options = TableOptions(comment="it's\na view", compaction=compaction("Leveled"), speculative_retry="50ms")
    key_columns = [
        TableColumn(name, parse_type(text), "partition_key") for name, text in (("a b", "text"), ("Mixed", "int"))
    ]
    keys = [column(text) for text in ("d uuid ck", "c int ck desc", "q text ck", "p int ck desc")]
    release(
        USER_TYPES[0],
        base,
        view("only_keys", "Base", "p int pk", "q text pk", "c int ck", "d uuid ck"),
        view("same_order", "Base", "p int pk", "q text pk", "c int ck", "d uuid ck desc", *rest),
        view("turned", "Base", "d uuid pk", "q text ck desc", "p int ck", "c int ck desc", *rest[:2]),
        view("with_one_more", "Base", "v0 text pk", "p int ck", "q text ck desc", "c int ck", "d uuid ck", "Mixed int"),
        view("keyed_by_type", "Base", "p int pk", "v3 frozen<addr> ck", "q text ck", "c int ck", "d uuid ck"),
        view("with_options", "Base", "c int pk", "d uuid pk", "p int ck", "q text ck", options=options.declared()),
        View("View", (key_columns[0], *keys), "Base"),
        View("1" * 48, (key_columns[1], *keys, column("v4 addr")), "Base"),
    ).sync()


# Names


def test_names_of_every_kind(scylla_repo):
    """Names in mixed case or another alphabet, reserved, of 48 characters, with quotes, spaces or CQL are data."""
    fields = [(name, parse_type("int")) for name in HOSTILE]
    types = [UserType(name, tuple(fields)) for name in ("select", "Mixed", "t" * 48, "1st", "key")]
    lease = [TableColumn(f"h{position}", parse_type(f'"{part.name}"')) for position, part in enumerate(types)]
    statics = [TableColumn(f"static {name}", parse_type("int"), "static") for name in HOSTILE]
    regular = [TableColumn(f"v {name}", parse_type("text")) for name in (*HOSTILE, "x" * 200)]
    keys = [
        TableColumn(name, parse_type("text"), "clustering", position % 2 == 0) for position, name in enumerate(HOSTILE)
    ]
    shape = (TableColumn("Id", parse_type("int"), "partition_key"), *keys, *statics, *regular, *lease)
    values = [
        index(regular[0].name),
        index(regular[-1].name),
        index(statics[0].name, "select"),
        index(statics[1].name, "I" * 48),
    ]
    tables = [
        Table(name, shape, indexes=values if name == "Mixed" else values[:2])
        for name in ("select", "Mixed", "mixed", "t" * 48, "1st", "true")
    ]
    views = [
        View(name, (TableColumn("select", parse_type("text"), "partition_key"), *others, regular[0]), "Mixed")
        for name, others in (("table", _rekeyed(shape[0], keys)), ("V" * 48, _rekeyed(shape[0], keys)))
    ]
    keyspace = f"Select_{uuid4().hex}".ljust(48, "x")
    try:
        Release(scylla_repo.session, keyspace, *types, *tables, *views).sync()
    finally:
        scylla_repo.session.execute(f"DROP KEYSPACE IF EXISTS {quote(keyspace)}", timeout=60)


def _rekeyed(first, keys):
    """The key columns of a view whose first one is ``select``."""
    rest = [part for part in (first, *keys) if part.name != "select"]
    return [TableColumn(part.name, part.type, "clustering") for part in rest]


# Growth


def test_whatever_grows_on_full_tables(release, scylla_repo):
    """Columns, fields, indexes and views are added to tables with rows, and the rows stay unchanged."""
    lease = ["p int pk", "c int ck", "a addr2", "f frozen<addr2>", "l list<frozen<addr2>>", "v text"]
    types = {"addr2": user_type("addr2", "street text")}
    first = table("full", *lease)
    release(*types.values(), first).sync()
    for n in (1, 2):
        scylla_repo.session.execute(insert(scylla_repo.keyspace, first, n, types), timeout=60)
    names = ", ".join(column.name for column in first.columns)
    select = f"SELECT JSON {names} FROM {qualified(scylla_repo.keyspace, 'full')}"
    rows = [row[0] for row in scylla_repo.session.execute(select)]
    result = release(
        user_type("addr2", "street text", "z frozen<map<text,int>>", "n int"),
        user_type("more", "a frozen<addr2>"),
        table(
            "full",
            *lease,
            *("s int static", "t set<text> static", "u more static", "m map<text,int>", "n more", "o duration"),
            indexes=[index("v"), index("c", "by_c"), index("m", on="entries"), index("s"), index("l")],
        ),
        view("full_by_v", "full", "v text pk", "p int ck", "c int ck desc", "m map<text,int>", "n more"),
    ).sync()

    kinds = {"ALTER TYPE": 2, "CREATE TYPE": 1, "ALTER TABLE": 1, "CREATE INDEX": 5, "CREATE MATERIALIZED": 1}
    assert kinds == Counter(" ".join(cql.split()[:2]) for cql in result.cql)
    assert rows == [row[0].replace(', "z": null, "n": null', "") for row in scylla_repo.session.execute(select)]


# Live objects that no model declares


FOREIGN = """
CREATE TYPE {k}.foreign_type (a int);
CREATE TABLE {k}.foreign (p int PRIMARY KEY, v text, u frozen<foreign_type>) WITH comment = 'theirs';
CREATE INDEX foreign_index ON {k}.foreign (v);
CREATE MATERIALIZED VIEW {k}.foreign_view AS SELECT * FROM {k}.foreign
    WHERE p IS NOT NULL AND v IS NOT NULL PRIMARY KEY (v, p);
CREATE TABLE {k}.foreign_counter (p int PRIMARY KEY, n counter);
ALTER TABLE {k}.ours ADD foreign_column int;
ALTER TABLE {k}.ours ADD foreign_static map<text, int> STATIC;
ALTER TYPE {k}.our_type ADD foreign_field text;
CREATE INDEX foreign_on_ours ON {k}.ours (v);
CREATE INDEX foreign_on_foreign ON {k}.ours (foreign_column);
CREATE MATERIALIZED VIEW {k}.foreign_by_v AS SELECT p, c, v FROM {k}.ours
    WHERE p IS NOT NULL AND c IS NOT NULL AND v IS NOT NULL PRIMARY KEY (v, p, c);
ALTER TABLE {k}.ours WITH gc_grace_seconds = 77 AND comment = 'manual';
"""
CASSANDRAS = """
CREATE TABLE {k}.foreign_compact (p int, c int, v int, PRIMARY KEY (p, c)) WITH COMPACT STORAGE;
CREATE TABLE {k}.foreign_custom (p int PRIMARY KEY, v 'DynamicCompositeType(a=>Int32Type)');
CREATE FUNCTION {k}.foreign_function (a int, b int) CALLED ON NULL INPUT RETURNS int LANGUAGE java AS 'return a;';
CREATE AGGREGATE {k}.foreign_aggregate (int) SFUNC foreign_function STYPE int INITCOND 0;
"""
FOREIGN_NAMES = {
    "foreign_type", "foreign", "foreign_view", "foreign_counter", "ours.foreign_column", "ours.foreign_static",
    "our_type.foreign_field", "foreign_on_ours", "foreign_on_foreign", "foreign_by_v",
}  # fmt: skip
CASSANDRAS_NAMES = {"foreign_compact", "foreign_custom", "foreign_function(int, int)", "foreign_aggregate(int)"}


def test_what_no_model_declares_is_a_note_and_is_left_alone(scylla_repo, server):
    """Foreign objects in the keyspace are noted, are not drift, and are unchanged by the next sync."""
    session, keyspace = scylla_repo.session, f"foreign_{uuid4().hex[:8]}"
    own_table = table("ours", "p int pk", "c int ck", "v text", "u frozen<our_type>")
    more = table("ours", "p int pk", "c int ck", "v text", "u frozen<our_type>", "w text", indexes=[index("w")])
    our_type = user_type("our_type", "a int")
    try:
        first = Release(session, keyspace, our_type, own_table)
        first.sync()
        for cql in (FOREIGN if server.is_scylla else FOREIGN + CASSANDRAS).split(";\n")[:-1]:
            session.execute(cql.format(k=keyspace), timeout=60)
        before, answer = inspect(first.repo)[keyspace], check(first.repo)
        result = migrate(Release(session, keyspace, our_type, more).repo)
        after = inspect(first.repo)[keyspace]
        code = session.execute("SELECT * FROM system_schema.functions WHERE keyspace_name = %s", (keyspace,)).all()
    finally:
        session.execute(f"DROP KEYSPACE IF EXISTS {keyspace}", timeout=60)

    assert answer.in_sync
    assert {"BC103"} == {note.code for note in answer.notes}
    names = FOREIGN_NAMES | (set() if server.is_scylla else CASSANDRAS_NAMES)
    assert names == {note.object.removeprefix(f"{keyspace}.") for note in answer.notes}
    assert ["ALTER TABLE", "CREATE INDEX"] == [" ".join(cql.split()[:2]) for cql in result.plan.cql]
    assert "applied" == result.status
    assert (before.types, before.views) == (after.types, after.views)
    assert [each for each in before.tables if each.name != "ours"] == [t for t in after.tables if t.name != "ours"]
    assert before.table("ours").options == after.table("ours").options
    assert server.is_scylla or ["foreign_function"] == [row.function_name for row in code]
