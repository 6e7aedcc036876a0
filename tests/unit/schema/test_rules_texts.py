"""The messages of rules, in a fixed order and with the details of the case."""

from __future__ import annotations

import attrs
import pytest

from scyllamodel.schema.diff.schema_diff import SchemaPair, diff_pair
from scyllamodel.schema.facts.objects import Keyspace, KeyspaceFacts, SchemaFacts
from scyllamodel.schema.facts.replication import replication_map
from scyllamodel.schema.rules.destructive import dropped_keyspace
from scyllamodel.schema.rules.evaluation import RuleContext, evaluate, lint
from scyllamodel.schema.rules.keyspaces import lint_strategy
from scyllamodel.schema.rules.preflight import Health, Member, preflight
from scyllamodel.schema.server.profile import NodeSettings, ServerProfile
from support.builders import NTS, desired, index, schema, table, user_type, view

C5, C4 = ServerProfile("cassandra", (5, 0, 6)), ServerProfile("cassandra", (4, 1, 10))
SCYLLA, OLD_SCYLLA = ServerProfile("scylla", (2025, 4)), ServerProfile("scylla", (2025, 1))
T = ("a int pk", "b int ck", "v text")
V = view("x", "t", "v text pk", "a int ck", "b int ck")


def advice(live, declared, server=C5, **more):
    """The code, severity and text of each finding on a comparison."""
    sides = SchemaPair.of(live, declared, server)
    case = RuleContext(sides, diff_pair(sides, create_keyspace=True), **more)
    return [(d.code, d.severity, d.text) for d in (finding.diagnostic for finding in evaluate(case))]


def texts(*args, **more):
    """The texts of the findings."""
    return [text for _, _, text in advice(*args, **more)]


def fixes(live, declared, server=C5):
    """The suggested fixes, as one text."""
    sides = SchemaPair.of(live, declared, server)
    return "\n".join(finding.diagnostic.fix for finding in evaluate(RuleContext(sides, diff_pair(sides))))


def test_a_name_in_use_is_reported_with_its_owner():
    """The message names the kind of object that has the name, and mentions CREATE TABLE if it is a view."""
    over_view = texts(schema(table("t", *T), V), desired(table("t", *T), table("x")))
    over_table = texts(schema(table("t", *T), table("x")), desired(table("t", *T), V))

    assert any("a view of this name exists, but the models declare a table; CREATE TABLE over" in t for t in over_view)
    assert "a table of this name exists, but the models declare a view" in over_table


def test_names_of_keyspaces_and_clashes_are_linted():
    """Long names of keyspaces and names of two objects are reported, sorted by name."""
    clash = [table("b"), table("a"), view("b", "a", "id int pk"), view("a", "b", "id int pk")]
    long = lint(SchemaFacts([KeyspaceFacts("k" * 49)]))
    both = [problem for problem in lint(SchemaFacts([desired(*clash)])) if "a table and a view" in problem.text]

    assert [("NB101", "k" * 49)] == [(finding.code, finding.object) for finding in long]
    assert ["k.a", "k.b"] == [item.object for item in both]


def stale(live, declared):
    """The objects of notes on renames that are done."""
    sides = SchemaPair.of(live, declared, C5)
    findings = [finding.diagnostic for finding in evaluate(RuleContext(sides, diff_pair(sides)))]
    return [d.object for d in findings if "no longer applies" in d.text], [
        d.code for d in findings if d.severity == "error"
    ]


RENAMED = table("t", *T, renamed_from="old")
STALE = [
    ("a table that is renamed", schema(table("old", *T)), desired(RENAMED), ([], ["BC102"])),
    ("one that is there already", schema(table("t", *T), table("old", *T)), desired(RENAMED), (["k.t"], [])),
    ("one whose old name is gone", schema(), desired(RENAMED), (["k.t"], [])),
    ("one that was done", schema(table("t", *T)), desired(RENAMED), (["k.t"], [])),
    ("a column that is renamed", schema(table("t", *T)), desired(table("t", *T[:2], "w text from=v")), ([], ["BC102"])),
    ("a column of nothing", schema(table("t", *T)), desired(table("t", *T, "w text from=gone")), (["k.t.w"], [])),
    ("a column that is there", schema(table("t", *T, "w text")), desired(table("t", *T, "w text from=v")),
     (["k.t.w"], [])),
    ("a key that was renamed", schema(table("t", "aa int pk")), desired(table("t", "aa int pk from=a")),
     (["k.t.aa"], [])),
]  # fmt: skip


@pytest.mark.parametrize(("live", "declared", "expected"), [s[1:] for s in STALE], ids=[s[0] for s in STALE])
def test_a_rename_is_refused_or_done_or_stale(live, declared, expected):
    """A rename is either refused, possible, or obsolete."""
    assert expected == stale(live, declared)


def test_the_way_round_a_table_of_another_name_has_all_its_steps():
    """The fix for a renamed table has all steps, from the second model to the drop."""
    output = fixes(schema(table("old", *T)), desired(RENAMED))

    assert ["1. ", "2. ", "3. ", "4. ", "5. "] == [line[:3] for line in output.splitlines() if line[:1].isdigit()]
    assert "1. Keep the model of old" in output
    assert "contract --allow DS102:old" in output


def test_a_keyspace_of_the_run_is_never_dropped():
    """A drop of the keyspace that is being migrated is refused, even if DS101 is allowed."""
    assert ("DS101", "error") == (
        (result := dropped_keyspace("DROP KEYSPACE k", {"k"}, {"DS101"})).code, result.severity,
    )  # fmt: skip


def test_indexes_are_described_exactly():
    """The message has the part of a collection, the class and the options, or the tables with the same name."""
    m = (*T, "m map<text,int>")
    live = index("m", "i", on="keys", using="sai", options={"z": "1", "a": "2"})
    same_name = schema(table("t", *m, indexes=[live])), desired(table("t", *m, indexes=[index("m", "i", on="entries")]))
    otherwise = (
        schema(table("t", *m, indexes=[live])),
        desired(table("t", *m, indexes=[index("m", "i", on="keys", using="sai", options={"a": "3"})])),
    )
    another = schema(table("t", *T, indexes=[index("v", "i")])), desired(table("t", *T, indexes=[index("v", "j")]))
    shared = lint(SchemaFacts([desired(*(table(n, *T, indexes=[index("v", "i")]) for n in "ts"), table("u", *T))]))

    assert texts(*same_name)[0] == "another index of this keyspace has the name, on keys(m) using sai, a=2, z=1"
    assert "the index i is keys(m) using sai, a=2, z=1, but the model declares" in texts(*otherwise)[0]
    assert 'Index("m", on="keys", using="sai", name="i_2")' in fixes(*otherwise)
    assert texts(*another)[0] == "the same index exists as i, and servers refuse a second one"
    assert "2 indexes of this name are declared, on s, t; index names" in next(
        f.text for f in shared if f.code == "IX102"
    )


def test_a_custom_index_over_several_columns_is_looked_at():
    """A custom index over several columns is checked."""
    declared = desired(table("t", *T, indexes=[index("a, v", "i", using="sai")]))

    assert [("IX104", "error", "cassandra 4.1.10 does not support storage-attached indexes on such a column")] == [
        item for item in advice(schema(), declared, C4) if item[0] == "IX104"
    ]


KEYS = [
    (
        ("a int pk", "n int pk", "b int ck", "v text"),
        "the model has the new key column n, but a table cannot gain key columns",
    ),
    (("b int pk", "a int ck", "v text"), "the partition key is (a), but (b) in the model"),
    (("a int pk", "b int ck desc", "v text"), "the clustering key is (b), but (b DESC) in the model"),
    (
        ("a int pk", "b int ck", "m int ck", "n int", "v text"),
        "the model has the new key column m, but a table cannot gain key columns",
    ),
]


@pytest.mark.parametrize(("declared", "text"), KEYS)
def test_a_key_is_reported_for_both_sides(declared, text):
    """The message has the stored and the declared key, or the new columns that are keys."""
    assert text in texts(schema(table("t", *T)), desired(table("t", *declared)))


def keyspace_pair(replication, **more):
    """Models of a new keyspace."""
    return schema(keyspace=None), attrs.evolve(desired(), keyspace=Keyspace("k", replication, **more))


def test_replication_is_reported_by_data_centre():
    """Data centres are listed in a fixed order, after the setting for all of them."""
    where = {"dc2": 1, "dc1": 3}
    without_keyspace = advice(*keyspace_pair(None), topology=where)
    places = dict.fromkeys("xyzwvuabcdefg", 1)
    mismatch = texts(*keyspace_pair({"class": "NetworkTopologyStrategy", **places}), topology=where)
    result = texts(
        *keyspace_pair({"class": "NetworkTopologyStrategy", "replication_factor": 2, "dc1": 1}), topology=where
    )
    simple = texts(*keyspace_pair({"class": "SimpleStrategy", "replication_factor": 9}), topology=where)

    assert [("KS100", "error", "no replication is configured for the new keyspace")] == without_keyspace
    assert [text[24:27] for text in mismatch[: len(places)]] == [f"'{dc}'" for dc in sorted(places)]
    assert "; known data centres: dc1, dc2" in mismatch[0]
    assert [text[:25] for text in result] == ["one copy in dc1: the data", "2 copies are configured i"]
    assert "9 copies are configured, where there are 4 nodes: reads at consistency ALL would fail" in simple
    assert texts(*keyspace_pair({"class": "SimpleStrategy", "replication_factor": 1}))[-1].startswith(
        "one copy: the data"
    )


NTS_CLASS, SIMPLE = {"class": "NetworkTopologyStrategy"}, {"class": "SimpleStrategy", "replication_factor": 2}
TWO_COPIES = ServerProfile("scylla", (2026, 3), node=NodeSettings(min_replication_factor=2, most_factor=2))
NO_COPIES = ServerProfile("scylla", (2026, 3), node=NodeSettings(most_factor=0))
LISTING = ServerProfile("scylla", (2026, 3))
# the replication, the server, how each message begins, in this order
REPLICATIONS = [
    ({**NTS_CLASS, "dc2": 3, "dc1": 1}, TWO_COPIES,
     ["this server requires at least 2", "this server allows at most 2"]),
    ({**NTS_CLASS, "dc1": 0, "dc2": 2}, TWO_COPIES, []),
    ({**NTS_CLASS, "dc1": 1}, NO_COPIES, ["this server allows at most 0 copies"]),
    ({**NTS_CLASS, "dc1": 0}, NO_COPIES, []),
    ({**NTS_CLASS, "dc2": "x", "dc1": "y"}, C5,
     ["the replication factor of dc1 is y", "the replication factor of dc2 is x"]),
    ({**SIMPLE, **dict.fromkeys("fcdaeb", 2)}, C5,
     ["SimpleStrategy accepts only replication_factor, not a, b, c, d, e, f"]),
    ({**NTS_CLASS, "dc2": ["r1", "r1"], "dc1": ["r2", "r2"]}, LISTING,
     ["a rack of dc1 is listed twice", "a rack of dc2 is listed twice"]),
    ({**NTS_CLASS, "dc1": ["r9", "r5", "r7", "r6", "r8"]}, LISTING, ["there is no rack r5, r6, r7, r8, r9 in dc1"]),
]  # fmt: skip


@pytest.mark.parametrize(("replication", "server", "expected"), REPLICATIONS)
def test_faults_of_a_replication_are_reported_in_one_order(replication, server, expected):
    """By data centre and by rack, whatever the order in which the repo lists them."""
    keyspaces = keyspace_pair(replication_map(replication))
    where, racks = {"dc1": 5, "dc2": 5}, {dc: frozenset({"r1", "r2"}) for dc in ("dc1", "dc2")}
    errors = [
        text for _, severity, text in advice(*keyspaces, server, topology=where, racks=racks) if severity == "error"
    ]

    assert expected == [text[: len(start)] for text, start in zip(errors, expected, strict=True)]


@pytest.mark.parametrize(
    ("keyspace", "phrase"),
    [
        (Keyspace("k", NTS, tablets=True), "Upgrade the cluster, or move the data to a keyspace"),
        (None, "Create the keyspace with tablets=False"),
    ],
)
def test_what_tablets_do_not_support_has_advice_for_the_keyspace_that_there_is(keyspace, phrase):
    """Tablets can be chosen while the keyspace does not exist; afterwards the data has to be moved."""
    declared = attrs.evolve(desired(table("t", *T), V), keyspace=Keyspace("k", NTS, tablets=True))

    assert phrase in fixes(schema(table("t", *T), keyspace=keyspace), declared, OLD_SCYLLA)


def test_the_advice_names_the_data_centres_that_there_are():
    """The suggestion lists the known data centres by name."""
    sides = SchemaPair.of(*keyspace_pair(None), C5)
    (value,) = (
        r.diagnostic for r in evaluate(RuleContext(sides, diff_pair(sides, create_keyspace=True), {"dc2": 1, "dc1": 3}))
    )

    assert value.fix.endswith(": dc1 (3 nodes), dc2 (1 nodes)")


def test_a_different_keyspace_is_reported_by_part():
    """Settings that are not declared are not reported."""
    live = Keyspace("k", {**NTS, "dc2": "1"}, tablets=False)
    declared = Keyspace("k", NTS, durable_writes=False, tablets=True)
    (text,) = texts(schema(keyspace=live), attrs.evolve(desired(), keyspace=declared))
    (only,) = texts(schema(keyspace=live), attrs.evolve(desired(), keyspace=Keyspace("k", durable_writes=False)))

    assert "replication is {class: NetworkTopologyStrategy, dc1: 3, dc2: 1}, but {class:" in text
    assert "; durable_writes is True, but False is configured; tablets is False, but True is configured" in text
    assert "durable_writes is True, but False is configured" == only


def test_a_keyspace_without_replication_is_no_strategy():
    """Only a keyspace with another strategy than NetworkTopologyStrategy is reported."""
    assert [] == list(lint_strategy("k", None))
    assert [] == list(lint_strategy("k", {}))
    assert [] == list(lint_strategy("k", NTS))
    assert ["KS101"] == [d.code for d in lint_strategy("k", {"class": "SimpleStrategy", "replication_factor": 1})]


def test_everything_that_tablets_do_not_support_is_reported():
    """A table with several properties that tablets do not support has a finding for each."""
    live = schema(keyspace=Keyspace("k", NTS, tablets=True))
    declared = desired(table("t", "a int pk", "n counter", options={"cdc": {"enabled": "true"}}))

    assert ["cdc", "counters"] == sorted(
        text.split(" does not support ")[1].split()[0]
        for code, _, text in advice(live, declared, OLD_SCYLLA)
        if code == "KS104"
    )


def options(live, declared, *more):
    """A table with live and declared options, and other live objects."""
    return schema(table("t", *T, options=live), *more), desired(table("t", *T, options=declared))


def test_options_are_reported_with_the_lost_settings():
    """The message has the settings that are lost, and options that a server does not support, also of views."""
    lcs = {"class": "LeveledCompactionStrategy"}
    compaction = {**lcs, "fanout_size": "7", "sstable_size_in_mb": "99"}
    whole = texts(*options({"compaction": compaction}, {"compaction": {**lcs, "sstable_size_in_mb": "98"}}))
    alone = advice(*options({"additional_write_policy": "99p"}, {"additional_write_policy": "98p"}), C4)
    strange = attrs.evolve(V, options={"memtable_x": "y"})
    of_view = lint(SchemaFacts([desired(table("t", *T), strange)]), C5)

    assert [
        "compaction is replaced as a whole: fanout_size is stored but not declared, and is reset to the default"
    ] == whole
    assert ["OP104"] == [code for code, _, _ in alone]
    assert [] == advice(*options({}, {"compaction": lcs}))
    assert [] == advice(*options({"compaction": None}, {"compaction": lcs}))
    assert [] == advice(*options({"comment": "x"}, {"comment": "y"}))
    assert [("OP104", "k.x")] == [(finding.code, finding.object) for finding in of_view]
    assert [] == advice(*options({"gc_grace_seconds": 5}, {"gc_grace_seconds": 6}))
    assert ["OP101"] == [
        code for code, _, _ in advice(*options({"gc_grace_seconds": 5}, {"gc_grace_seconds": 0}, V)) if code == "OP101"
    ]
    assert "OP101" not in [code for code, _, _ in advice(*options({"gc_grace_seconds": 5}, {"gc_grace_seconds": 1}, V))]


def flights(replication, *members):
    """The texts of a preflight check."""
    facts = schema(keyspace=None if replication is None else Keyspace("k", replication or None))
    return [finding.text for finding in preflight(SchemaFacts([facts]), Health(members), SCYLLA)]


def node(name, version="1", dc="dc1", **more):
    """A node."""
    return Member(name, dc, version, **more)


def test_cluster_health_is_reported_in_one_order():
    """Versions and data centres are listed by name, for one node or several."""
    two = flights(NTS, node("c", "2"), node("b", "1"), node("a", "2"))
    down = [flights(NTS, *(node(str(n), is_up=n >= down_count) for n in range(4)))[0] for down_count in (1, 2)]
    far = flights({"class": "org.x.NetworkTopologyStrategy", "z": "2", "b": "1", "dc1": "2"}, node("a"), node("b"))
    few = flights({**NTS, "dc1": "2"}, node("a"))
    result = flights(NTS, node("a"), node("b"))

    assert two == ["the nodes have different schema versions: 1 on b; 2 on c, a"]
    assert down == [
        "1 node is down: 0 (dc1); they receive the change when they are up again",
        "2 nodes are down: 0 (dc1), 1 (dc1); they receive the change when they are up again",
    ]
    assert [text.split(" in ")[1][:19] for text in far] == ["the data centre 'b'", "the data centre 'z'"]
    assert few == ["the replication has 2 copies in dc1, where there are 1 node"]
    assert result == ["the replication has 3 copies in dc1, where there are 2 nodes"]


def test_a_node_is_up_unless_reported_down():
    """A node is up unless it is reported as down, and a keyspace without replication has no replicas."""
    assert Member("a", "dc1").is_up
    assert [] == flights(None, node("a"))
    assert [] == flights({}, node("a"))
    assert [] == flights({"class": "org.x.LocalStrategy", "note": "x"}, node("a"))


SCYLLA_TAKES = [
    ("ascii", "text"), ("timeuuid", "uuid"), ("bigint", "timestamp"), ("timestamp", "bigint"), ("tinyint", "varint"),
    ("smallint", "varint"), ("int", "varint"), ("bigint", "varint"), ("int", "blob"), ("text", "blob"),
]  # fmt: skip
NOBODY_TAKES = [("text", "ascii"), ("varint", "int"), ("int", "bigint"), ("uuid", "timeuuid"), ("blob", "text")]


@pytest.mark.parametrize(("old", "new"), SCYLLA_TAKES + NOBODY_TAKES)
def test_changes_that_scylla_supports_are_distinguished(old, new):
    """A change of type that only ScyllaDB supports is refused as TY102, and others as TY101."""
    sides = schema(table("t", "a int pk", f"v {old}")), desired(table("t", "a int pk", f"v {new}"))
    text = f"the column is {old}, but {new} in the model"
    more = "; ScyllaDB could alter it, but Cassandra could not, and it cannot be undone"

    assert [("TY101", "error", text)] == advice(*sides, C5)
    expected = [("TY102", "error", text + more)] if (old, new) in SCYLLA_TAKES else [("TY101", "error", text)]
    assert expected == advice(*sides, SCYLLA)


COLUMNS = [
    ((*T, "s set<int>"), (*T, "s frozen<set<int>>"),
     "the column is set<int>, but frozen<set<int>> in the model; frozen values are stored in another format"),
    ((*T, "s text static"), (*T, "s text"), "the column is static, but not static in the model"),
    (T, (*T[:2], "v text static"), "the column is not static, but static in the model"),
    (T, (*T[:2], "w text from=v"), "the model renames v to w, but CQL renames key columns only"),
]  # fmt: skip


@pytest.mark.parametrize(("live", "declared", "text"), COLUMNS)
def test_a_column_is_reported_for_both_sides(live, declared, text):
    """A column with different definitions has one error."""
    result = advice(schema(table("t", *live)), desired(table("t", *declared)))

    assert [text] == [output for _, severity, output in result if severity == "error"]


@pytest.mark.parametrize(("old", "new"), [("bigint", "counter"), ("counter", "bigint")])
def test_counters_are_sent_to_a_table_of_their_own(old, new):
    """The fix for a counter column suggests a separate table, whichever side has the counter."""
    sides = schema(table("t", "a int pk", f"v {old}")), desired(table("t", "a int pk", f"v {new}"))

    assert 'class TCounts(Model, table="t_counts"): …' in fixes(*sides)


FIELDS = [
    (("y int",), "UD101", "the model lacks this stored field, or has it under another name"),
    (("x text", "y int"), "UD102", "the field is int, but text in the model"),
    (("y int", "x int"), "UD104", "the fields are (x, y) in this order, but (y, x) in the model; new fields come last"),
]


@pytest.mark.parametrize(("declared", "code", "text"), FIELDS)
def test_fields_are_described_exactly(declared, code, text):
    """The message says which field is missing, has another type, or is at another position."""
    sides = schema(user_type("addr", "x int", "y int")), desired(user_type("addr", *declared))
    (value,) = advice(*sides)
    advice_text = (
        "class Addr2(UserType, name='addr_2')" if code == "UD102" else "x: cql.Int | None = column(default=None)\n    y"
    )

    assert (code, "error") == value[:2]
    assert value[2].startswith(text)
    assert advice_text in fixes(*sides)


@pytest.mark.parametrize(("stored", "was"), [(" text", "text"), ("static text", "text (static)")])
def test_a_dropped_column_is_reported_as_recorded_by_the_server(stored, was):
    """A re-added column is reported with the kind and type that the server stored."""
    sides = schema(table("t", *T, dropped={"x": stored})), desired(table("t", *T, "x int"))

    assert [f"a column of this name was dropped as {was}; it cannot be added as int (regular)"] == texts(*sides)


def test_zero_grace_is_reported_once():
    """A grace period of zero is reported for the table, and not for its new view as well."""
    grace = {"gc_grace_seconds": 0}
    sides = schema(table("t", *T, options=grace)), desired(table("t", *T, options=grace), V)

    assert 1 == [code for code, _, _ in advice(*sides)].count("OP101")


def test_a_view_is_suggested_with_a_free_name():
    """The suggested view has an unused name and the columns that are missing."""
    live = [table("t", *T, "w int"), V, table("x_2"), view("x_3", "t", "v text pk", "a int ck", "b int ck")]
    more = desired(live[0], view("x", "t", "v text pk", "a int ck", "b int ck", "w int"))
    (value,) = [text for code, _, text in advice(schema(*live), more) if code == "MV103"]

    assert value == "the view lacks columns that the model declares: w"
    assert "view='x_4'" in fixes(schema(*live), more)


def test_a_type_in_a_partition_key_of_several_columns_is_found():
    """A type in a composite partition key is found in any of its columns."""
    old, new = user_type("addr", "x int"), user_type("addr", "x int", "y int")
    live = schema(old, table("t", "a frozen<addr> pk", "b int pk"))

    assert ["UD103"] == [code for code, severity, _ in advice(live, desired(new)) if severity == "error"]
