"""Rows of system_schema as facts, recorded on ScyllaDB and on Cassandra."""

from __future__ import annotations

import pickle
import re

import attrs
import pytest

from scyllamodel._identifiers import is_internal_table, unquote
from scyllamodel.errors import IntrospectionError
from scyllamodel.schema.changes.as_json import change_from_json, change_to_json
from scyllamodel.schema.changes.kinds import DropTable
from scyllamodel.schema.compare.options import differing_options
from scyllamodel.schema.compare.replication import replication_matches
from scyllamodel.schema.ddl import create_table
from scyllamodel.schema.export.facts_json import facts_document
from scyllamodel.schema.export.models.unsupported import unsupported_by_models
from scyllamodel.schema.facts.objects import FrozenMap, Index, Keyspace, SchemaFacts, Table, TableColumn, UserType, View
from scyllamodel.schema.options import TableOptions
from scyllamodel.schema.reflect import COLUMN_PARTS, columns_to_read, reflect, reflect_keyspace
from scyllamodel.schema.server.detection import profile_from
from scyllamodel.schema.server.profile import ServerProfile
from scyllamodel.types.parser import parse_type
from support.cassandra_observed import SERVERS, cases, is_error, literal
from support.scylla_observed import SCYLLAS
from support.scylla_observed import rows as scylla_rows

SCYLLA = ServerProfile("scylla", (2025, 4))
CASSANDRA = SERVERS["5.0"]
RELEASES_OF_SCYLLA = pytest.mark.parametrize("release", ["2025.1.14", "2026.3"])


def columns(*spelled):
    """Columns from ``name type [kind] [desc]``, with optional quotes around names."""
    results = []
    for text in spelled:
        name, cql, *rest = re.fullmatch(r'("[^"]*"|\w+) (.*?)(?: (pk|ck|static))?(?: (desc))?', text).groups()
        kind = {"pk": "partition_key", "ck": "clustering", "static": "static"}.get(rest[0], "regular")
        results.append(TableColumn(unquote(name), parse_type(cql), kind, rest[1] is not None))
    return tuple(results)


ORDERS = columns(
    "tenant text pk", "day date pk", "created timeuuid ck desc", "order_id uuid ck", "tenant_note text static",
    "status text", "email text", "amount decimal", "tags set<text>", "lines list<frozen<tuple<text, int>>>",
    "attrs map<text, int>", "ship_to frozen<address>", 'geo frozen<"GeoPoint">', 'bill_to "GeoPoint"',
    "matrix frozen<list<list<int>>>", '"Mixed Case" text',
)  # fmt: skip


@RELEASES_OF_SCYLLA
def test_scylla_keyspaces(release):
    """Replication has the short class name, and tablets are detected from initial_tablets, even if it is 0."""
    replication = FrozenMap({"class": "NetworkTopologyStrategy", "dc1": "3"})
    facts = reflect(scylla_rows(release), SCYLLAS[release])

    assert [
        Keyspace("shop", replication, True, False),
        Keyspace("shop_tablets", replication, True, True),
        Keyspace("zoo", replication, False, False),
        Keyspace("zoo_tablets", replication, True, True),
    ] == [facts[name].keyspace for name in ("shop", "shop_tablets", "zoo", "zoo_tablets")]


@RELEASES_OF_SCYLLA
def test_every_row_of_a_real_scylla_is_understood(release):
    """Every object in the recorded keyspaces is readable."""
    assert [] == [item for part in reflect(scylla_rows(release), SCYLLAS[release]) for item in part.unreadable]


@RELEASES_OF_SCYLLA
def test_columns_are_read_from_tuples_as_from_mappings(release):
    """The rows of columns as tuples, in any order, give the facts that mappings give."""
    rows, server = scylla_rows(release), SCYLLAS[release]
    others = {source: table_rows for source, table_rows in rows.items() if source != "columns"}
    for facts in reflect(rows, server):
        tuples = [
            tuple(row[part] for part in COLUMN_PARTS) for row in rows["columns"] if row["keyspace_name"] == facts.name
        ]

        assert facts == reflect_keyspace(facts.name, others, server, columns=tuples)
        assert facts == reflect_keyspace(facts.name, others, server, columns=tuples[::-1])


@RELEASES_OF_SCYLLA
def test_scylla_user_types(release):
    """User types keep the order of their fields, and the declared collections."""
    address = (("street", parse_type("text")), ("city", parse_type("text")), ("tags", parse_type("set<text>")))
    point = (("lat", parse_type("double")), ("lon", parse_type("double")))

    assert (UserType("GeoPoint", point, "shop"), UserType("address", address, "shop")) == (
        reflect_keyspace("shop", scylla_rows(release), SCYLLAS[release]).types
    )


@RELEASES_OF_SCYLLA
def test_scylla_table_with_everything(release):
    """The facts of a table equal the declared ones."""
    live_table = reflect_keyspace("shop", scylla_rows(release), SCYLLAS[release]).table("orders")
    indexes = (
        Index("orders_status_idx", "status"),
        Index("orders_mixed_idx", "Mixed Case"),
        Index("orders_tags_idx", "tags"),
        Index("orders_email_local", "email", local=True),
    )

    assert (
        Table(name="orders", columns=ORDERS, keyspace="shop", options=live_table.options, indexes=indexes) == live_table
    )


@RELEASES_OF_SCYLLA
def test_scylla_view(release):
    """A view whose keys are only required not to be null has no filter."""
    live_view = reflect_keyspace("shop", scylla_rows(release), SCYLLAS[release]).view("orders_by_email")
    keys = columns(
        "email text pk",
        "tenant text ck",
        "day date ck",
        "created timeuuid ck desc",
        "order_id uuid ck",
        "amount decimal",
    )

    assert View("orders_by_email", keys, "orders", "shop", options=live_view.options) == live_view


@RELEASES_OF_SCYLLA
def test_scylla_hides_what_it_made_itself(release):
    """Index views, CDC logs and Paxos tables are not part of the facts."""
    facts = reflect(scylla_rows(release), SCYLLAS[release])

    assert {
        "shop": (["events", "orders", "page_hits", "settings"], ["orders_by_email"]),
        "shop_tablets": (["sensor"], []),
    } == {
        name: ([table.name for table in facts[name].tables], [view.name for view in facts[name].views])
        for name in ("shop", "shop_tablets")
    }
    assert ["mv_all", "mv_filter", "mv_options", "mv_some", "mv_virtual"] == [view.name for view in facts["zoo"].views]


@pytest.mark.parametrize(
    ("release", "keyspace", "table", "options"),
    [
        ("2025.1.14", "shop", "settings", {
            "comment": "it's a table",
            "compaction": {"class": "TimeWindowCompactionStrategy", "compaction_window_unit": "DAYS",
                           "compaction_window_size": 1},
            "compression": {"class": "ZstdCompressor", "chunk_length_in_kb": 16, "compression_level": 5},
            "caching": {"keys": "NONE"},
            "default_time_to_live": 604800,
            "gc_grace_seconds": 3600,
            "bloom_filter_fp_chance": 0.05,
            "speculative_retry": "200ms",
            "paxos_grace_seconds": 3600,
            "per_partition_rate_limit": {"max_reads_per_second": 200, "max_writes_per_second": 100},
        }),
        ("2025.1.14", "shop", "events", {"cdc": {"enabled": True}}),
        ("2026.3", "shop", "events", {"cdc": {"enabled": True}}),
        ("2025.1.14", "shop", "orders",
         {"cdc": False, "tombstone_gc": {"mode": "timeout"}, "comment": "", "crc_check_chance": 0.5}),
        ("2026.3", "shop", "orders", {"tombstone_gc": {"mode": "repair"}, "comment": ""}),
        ("2025.1.14", "zoo", "options_all", {
            "comment": "it's \"all\" é",
            "compaction": {"class": "SizeTieredCompactionStrategy", "min_threshold": 6, "max_threshold": 20,
                           "bucket_low": 0.4, "tombstone_threshold": 0.3, "enabled": True},
            "compression": {"class": "ZstdCompressor", "chunk_length_in_kb": 16, "compression_level": 5,
                            "crc_check_chance": 0.5},
            "caching": {"keys": "ALL", "rows_per_partition": 10},
            "tombstone_gc": {"mode": "disabled", "propagation_delay_in_seconds": 7},
            "memtable_flush_period_in_ms": 60000,
            "speculative_retry": "50ms",
        }),
        ("2026.3", "shop_tablets", "sensor", {"tablets": {"min_tablet_count": 8}}),
        ("2026.3", "new26", "docs", {
            "tablets": {"min_tablet_count": 4, "pow2_count": False}, "large_data_guardrails_enabled": True,
        }),
    ],
)  # fmt: skip
def test_scylla_options_are_those_that_were_declared(release, keyspace, table, options):
    """The recorded table options equal those of the recorded DDL."""
    live_table = reflect_keyspace(keyspace, scylla_rows(release), SCYLLAS[release]).table(table)

    assert {} == differing_options(TableOptions(**options).declared(), live_table.options, SCYLLAS[release])


@RELEASES_OF_SCYLLA
def test_scylla_counters_flags_and_dropped_columns(release):
    """Counter tables, flags and dropped columns, whose kind Scylla does not store, are read."""
    shop = reflect_keyspace("shop", scylla_rows(release), SCYLLAS[release])

    assert (True, {"compound", "counter"}, {"old_value": " text"}) == (
        shop.table("page_hits").is_counter,
        shop.table("page_hits").flags,
        shop.table("settings").dropped,
    )


def test_a_missing_keyspace_has_no_facts():
    """A missing keyspace differs from an empty one."""
    assert None is reflect_keyspace("nosuch", scylla_rows(), SCYLLA).keyspace


@RELEASES_OF_SCYLLA
def test_facts_from_rows_survive_pickle(release):
    """Facts contain no driver types, and can be pickled."""
    facts = reflect(scylla_rows(release), SCYLLAS[release])

    assert facts == pickle.loads(pickle.dumps(facts))


def cassandra_rows(**tables):
    """Rows of the keyspace k with one table t, as Cassandra 5.0 returns them, and additional rows."""
    table = {
        "keyspace_name": "k",
        "table_name": "t",
        "flags": ["compound"],
        "comment": "",
        "cdc": None,
        "memtable": None,
    }
    key = {"column_name": "a", "clustering_order": "none", "kind": "partition_key", "position": 0, "type": "int"}
    replication = {"class": "org.apache.cassandra.locator.SimpleStrategy", "replication_factor": "1"}
    return {
        "keyspaces": [{"keyspace_name": "k", "durable_writes": True, "replication": replication}],
        "tables": [table],
        "columns": [{"keyspace_name": "k", "table_name": "t", **key}],
        **{name: [{"keyspace_name": "k", **row} for row in rows] for name, rows in tables.items()},
    }


def test_cassandra_keeps_names_that_only_scylla_reserves():
    """A view or table with a name that only Scylla reserves is part of the facts on Cassandra."""
    rows = cassandra_rows(
        indexes=[{"table_name": "t", "index_name": "i", "kind": "COMPOSITES", "options": {"target": "a"}}],
        views=[{"view_name": "i_index", "base_table_name": "t", "include_all_columns": True, "where_clause": None}],
        columns=[
            {"table_name": name, "column_name": "a", "clustering_order": "none", "kind": "partition_key", "position": 0,
             "type": "int"}
            for name in ("t", "i_index", "t_scylla_cdc_log")
        ],
        tables=[{"table_name": "t"}, {"table_name": "t_scylla_cdc_log"}],
    )  # fmt: skip
    facts = reflect_keyspace("k", rows, CASSANDRA)

    assert (["t", "t_scylla_cdc_log"], ["i_index"]) == ([t.name for t in facts.tables], [v.name for v in facts.views])


def test_our_bookkeeping_is_no_part_of_the_schema():
    """Internal tables of scyllamodel are not part of the facts."""
    rows = cassandra_rows(tables=[{"table_name": "scyllamodel_lock"}, {"table_name": "t"}])

    assert ["t"] == [table.name for table in reflect_keyspace("k", rows, CASSANDRA).tables]


def test_dropped_columns_have_kind_and_type_on_cassandra():
    """The kind and type of a dropped column are kept, since a re-added column must match them."""
    dropped = {"table_name": "t", "column_name": "x", "kind": "regular", "type": "map<text, int>"}

    assert {"x": "regular map<text, int>"} == (
        reflect_keyspace("k", cassandra_rows(dropped_columns=[dropped]), CASSANDRA).table("t").dropped
    )


AGGREGATE = {"state_func": "plus", "state_type": "int", "initcond": None, "final_func": None}


def test_a_reduce_function_is_that_of_the_aggregate_with_these_arguments():
    """ScyllaDB stores it beside the aggregate, of which others may have the name or the arguments."""
    names = [("total", ["int"]), ("total", ["text"]), ("other", ["int"]), ("none", None)]
    reducing = [("total", ["text"], "by_text"), ("total", ["int"], "by_int"), ("none", None, "by_none")]
    rows = cassandra_rows(
        aggregates=[{"aggregate_name": name, "argument_types": types, **AGGREGATE} for name, types in names],
        scylla_aggregates=[
            {"aggregate_name": name, "argument_types": types, "reduce_func": function}
            for name, types, function in reducing
        ],
    )
    aggregates = reflect_keyspace("k", rows, SCYLLA).aggregates

    assert {
        ("total", ("int",), "by_int"), ("total", ("text",), "by_text"), ("other", ("int",), None),
        ("none", (), "by_none"),
    } == {(item.name, tuple(t.cql for t in item.arguments), item.reduce_function) for item in aggregates}  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        ({"columns": [{"table_name": "t", "column_name": "x", "clustering_order": "none", "kind": "regular",
                       "position": -1, "type": "list<"}]}, ["k.t.x", "'list<'"]),
        ({"types": [{"type_name": "u", "field_names": ["f"], "field_types": ["frozen<"]}]}, ["k.u.f", "'frozen<'"]),
        ({"indexes": [{"table_name": "t", "index_name": "i", "kind": "COMPOSITES", "options": {"target": "((("}}]},
         ["k.i", "'((('"]),
        ({"indexes": [{"table_name": "t", "index_name": "i", "kind": "COMPOSITES", "options": {"target": '{"pk":'}}]},
         ["k.i", '{"pk":']),
        ({"tables": [{"table_name": "t", "compaction": {}}]}, ["k.t", "compaction"]),
        ({"columns": []}, ["k.t", "system_schema.columns"]),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_named(rows, names):
    """A row that cannot be read is an error, with its name and text, where its object is requested."""
    facts = reflect_keyspace("k", cassandra_rows(**rows), CASSANDRA)
    (item,) = facts.unreadable
    with pytest.raises(IntrospectionError) as exc_info:
        facts.type(item.name) if item.kind == "type" else facts.table(item.name)

    assert [] == [text for text in names if text not in str(exc_info.value)]
    assert item.reason in str(exc_info.value)
    assert item.is_partial is (rows == {"columns": []})


@pytest.mark.parametrize(
    "row",
    [
        {"bloom_filter_fp_chance": float("nan")},
        {"gc_grace_seconds": "9" * 5000},
        {"compaction": {"class": None}},
        {"speculative_retry": "99x"},
        {"flags": 7},
    ],
    ids=str,
)
def test_a_strange_value_of_an_option_is_a_fault_of_its_table_alone(row):
    """A strange option makes only its own table unreadable."""
    rows = cassandra_rows()
    rows["tables"] = [*rows["tables"], {**rows["tables"][0], "table_name": "odd", **row}]
    rows["columns"] = [*rows["columns"], *({**c, "table_name": "odd"} for c in rows["columns"])]
    facts = reflect_keyspace("k", rows, CASSANDRA)

    assert (["t"], ["odd"]) == ([table.name for table in facts.tables], [item.name for item in facts.unreadable])


@pytest.mark.parametrize("depth", [64, 65, 300, 20_000])
def test_types_nest_only_so_deep(depth):
    """A type that is nested too deeply makes its table unreadable, without exhausting the stack."""
    column = {"table_name": "t", "column_name": "x", "clustering_order": "none", "kind": "regular", "position": -1}
    rows = cassandra_rows()
    deep = {**rows["columns"][0], **column, "type": f"{'frozen<list<' * (depth // 2)}int{'>>' * (depth // 2)}"}
    rows["columns"] = [*rows["columns"], deep]
    facts = reflect_keyspace("k", rows, CASSANDRA)

    assert ([] if depth <= 65 else ["types can nest at most 64 deep"]) == [
        item.reason.rpartition(": ")[2] for item in facts.unreadable
    ]
    assert all(len(item.reason) < 500 for item in facts.unreadable)


def test_a_keyspace_whose_own_row_is_strange_is_an_error():
    """A keyspace whose own row cannot be read is an error."""
    rows = {"keyspaces": [{"keyspace_name": "k", "durable_writes": True, "replication": None}]}
    with pytest.raises(IntrospectionError, match=r"k of .* cannot be read: its replication"):
        reflect_keyspace("k", rows, CASSANDRA)


def test_replication_reads_back_as_declared():
    """The recorded replication of real nodes equals the declared one."""
    mismatches = []
    for _, case, result in cases("b_keyspaces", "ks"):
        stored = result
        for key in ("=", "replication"):
            stored = stored[key] if isinstance(stored, dict) and key in stored else stored
        declared = literal(case["ks"].partition(" AND ")[0])
        rows = {"keyspaces": [{"keyspace_name": "kk", "durable_writes": True, "replication": stored}]}
        if is_error(result) or len(declared) < 2:
            continue
        replication = reflect_keyspace("kk", rows, CASSANDRA).keyspace.replication
        desired = {name: str(value).rpartition(".")[2] for name, value in declared.items()}
        if not replication_matches(replication, desired):
            mismatches.append((case["ks"], stored))

    assert [] == mismatches


@pytest.mark.parametrize(
    ("target", "options", "value"),
    [
        ("v", {"class_name": "sai"}, Index("i", "v", using="sai")),
        (
            "v",
            {"class_name": "vector_index", "index_version": "x", "similarity_function": "COSINE"},
            Index("i", "v", using="vector_index", options=FrozenMap({"similarity_function": "COSINE"})),
        ),
    ],
)
def test_custom_indexes(target, options, value):
    """A custom index has its class and its declared options."""
    row = {"table_name": "t", "index_name": "i", "kind": "CUSTOM", "options": {"target": target, **options}}

    assert (value,) == reflect_keyspace("k", cassandra_rows(indexes=[row]), CASSANDRA).table("t").indexes


@pytest.mark.parametrize("target", [{}, {"target": ""}])
def test_an_index_may_be_on_no_column(target):
    """Cassandra's index on ``system.paxos`` has no target, and a declared ``ON t ()`` has an empty one."""
    row = {"table_name": "t", "index_name": "i", "kind": "CUSTOM", "options": {"class_name": "a.b.Own", **target}}
    indexes = reflect_keyspace("k", cassandra_rows(indexes=[row]), CASSANDRA).table("t").indexes

    assert (Index("i", "", using="a.b.Own"),) == indexes


@pytest.mark.parametrize(
    ("server", "table", "has", "lacks"),
    [
        (SERVERS["4.0"], "tables", {"cdc", "flags", "read_repair"}, {"memtable", "extensions"}),
        (SERVERS["4.1"], "views", {"memtable", "where_clause"}, {"allow_auto_snapshot", "flags"}),
        (SERVERS["5.0"], "tables", {"allow_auto_snapshot", "incremental_backups"}, {"tombstone_gc"}),
        (SERVERS["5.0"], "dropped_columns", {"kind"}, {"dropped_time"}),
        (SCYLLA, "dropped_columns", {"type"}, {"kind", "dropped_time"}),
        (SCYLLA, "tables", {"extensions", "comment"}, {"cdc", "tombstone_gc", "tablets", "read_repair"}),
        (SCYLLA, "scylla_tables", {"partitioner", "tablets"}, {"storage_engine", "cdc"}),
        (ServerProfile("scylla", (2025, 1)), "scylla_tables", {"partitioner"}, {"tablets"}),
    ],
)
def test_columns_to_read(server, table, has, lacks):
    """Only columns of the release are selected, without one that drivers cannot decode."""
    read = set(columns_to_read(server)[table])

    assert (True, set()) == (has <= read, lacks & read)


def test_scylla_tables_are_read_on_scylla_only():
    """Tables of ScyllaDB are not queried on Cassandra."""
    assert {"scylla_aggregates", "scylla_keyspaces", "scylla_tables"} == (
        columns_to_read(SCYLLA).keys() - columns_to_read(CASSANDRA).keys()
    )
    assert {"column_masks"} == columns_to_read(CASSANDRA).keys() - columns_to_read(SCYLLA).keys()


def test_what_the_server_lists_decides_what_is_read():
    """Options that this release does not know are selected if the server lists them, and other columns are not."""
    listed = [(table, name) for table, names in columns_to_read(SCYLLA).items() for name in names]
    listed = [item for item in listed if item != ("scylla_tables", "tablets")]
    listed += [
        ("scylla_tables", "newer_still"),
        ("tables", "a_new_one"),
        ("tables", "brand_new"),
        ("tables", "id"),
        ("dropped_columns", "dropped_time"),
        ("scylla_tables", "cdc"),
    ]
    read = columns_to_read(profile_from("3.0.8", listed))

    newer = [name for name in read["tables"] if name in ("a_new_one", "brand_new")]

    assert ["a_new_one", "brand_new"] == newer
    assert (("keyspace_name", "table_name", "partitioner", "newer_still"), True, False, False) == (
        read["scylla_tables"],
        "brand_new" in read["tables"],
        "id" in read["tables"],
        "dropped_time" in read["dropped_columns"],
    )


def test_what_a_newer_cassandra_lists_is_read_in_one_order():
    """New options and new tables are read in the order of their names, and tables without a keyspace are not read."""
    known = columns_to_read(CASSANDRA)
    listed = {(table, column) for table, columns_ in known.items() for column in columns_}
    listed |= {("tables", f"option_{letter}") for letter in "fecadb"} | {("views", "security_label"), ("peers", "node")}
    listed |= {(f"newer_{letter}", column) for letter in "fecadb" for column in ("keyspace_name", "b", "a")}
    read = columns_to_read(attrs.evolve(CASSANDRA, schema_columns=frozenset(listed)))

    assert [*known, *(f"newer_{letter}" for letter in "abcdef")] == [*read]
    assert {("a", "b", "keyspace_name")} == {read[f"newer_{letter}"] for letter in "abcdef"}
    assert (*known["tables"], *(f"option_{letter}" for letter in "abcdef")) == read["tables"]
    assert (*known["views"], "security_label") == read["views"]


def test_what_is_read_has_one_order():
    """The required columns are selected first, then others by name."""
    for server in (CASSANDRA, SCYLLA, ServerProfile("scylla", (2026, 2))):
        read = columns_to_read(server)

        assert sorted(read["tables"][3:]) == [*read["tables"][3:]]
        assert read["tables"][:2] == ("keyspace_name", "table_name")
    assert ("storage_engine", "tablets") == columns_to_read(ServerProfile("scylla", (2026, 2)))["scylla_tables"][3:]
    assert not {"storage_engine", "tablets"} & set(columns_to_read(ServerProfile("scylla", (2026, 2)))["tables"])


def test_every_keyspace_is_listed_without_internal_tables():
    """Empty keyspaces are part of the facts, and objects of unknown keyspaces and internal tables are not."""
    cells = {"durable_writes": True, "replication": {"class": "org.x.SimpleStrategy", "replication_factor": "1"}}
    table = {"flags": {"compound"}, "comment": "x"}
    row = {"column_name": "id", "type": "int", "kind": "partition_key", "clustering_order": "none", "position": 0}
    places = [("full", "t"), ("full", "scyllamodel_lock"), ("of_nobody", "t")]
    rows = {
        "keyspaces": [{"keyspace_name": name, **cells} for name in ("full", "empty")],
        "tables": [{"keyspace_name": keyspace, "table_name": name, **table} for keyspace, name in places],
        "columns": [{"keyspace_name": keyspace, "table_name": name, **row} for keyspace, name in places],
    }
    facts = reflect(rows, CASSANDRA)

    assert [("empty", []), ("full", ["t"])] == [(part.name, [t.name for t in part.tables]) for part in facts]
    assert 2 == len(reflect_keyspace("full", rows, CASSANDRA, include_internal=True).tables)


def test_tables_of_lightweight_transactions_are_left_out():
    """``leases$paxos``, which ScyllaDB creates for lightweight transactions, is not part of the facts."""
    rows = scylla_rows("2026.3")
    hidden = {(row["keyspace_name"], row["table_name"]) for row in rows["tables"] if "$" in row["table_name"]}
    by_name = {keyspace: reflect_keyspace(keyspace, rows, SCYLLAS["2026.3"]) for keyspace, _ in hidden}

    assert len(hidden) > 2
    assert [] == [table.name for part in by_name.values() for table in part.tables if "$" in table.name]
    assert [] == [item.name for part in by_name.values() for item in part.unreadable]
    assert all(is_internal_table(name) for _, name in hidden)
    assert not is_internal_table("leases")


@pytest.mark.parametrize("keyspace", ["new26", "new26_vnodes"])
def test_the_ttl_column_of_a_table_is_read_and_never_lost(keyspace):
    """The TTL column of a table is read, and is part of its CREATE statement."""
    facts = reflect_keyspace(keyspace, scylla_rows("2026.3"), SCYLLAS["2026.3"])
    leases = facts.table("leases")
    dropped = change_from_json(change_to_json(DropTable(keyspace, leases)))

    assert ("ends", "ends", None) == (
        leases.ttl_column,
        dropped.inverse().table.ttl_column,
        facts.tables[0].ttl_column if facts.tables[0].name != "leases" else None,
    )
    assert "ends timestamp TTL," in create_table(keyspace, leases, SCYLLAS["2026.3"])
    assert "synchronous_updates" not in leases.options
    assert [] == [item for item in unsupported_by_models(facts) if item.what == "TTL"]
    assert ["ends"] == [
        table["ttl_column"]
        for table in facts_document(SchemaFacts([facts]))["keyspaces"][0]["tables"]
        if "ttl_column" in table
    ]
