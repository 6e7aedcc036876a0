"""Replication: factors and racks, as declared, stored, written and altered."""

from __future__ import annotations

import attrs
import pytest

from scyllamodel.config.settings import RepoSettings
from scyllamodel.schema.changes.kinds import CreateKeyspace, KeyspaceMismatch
from scyllamodel.schema.compare.replication import replication_matches
from scyllamodel.schema.ddl.alter_keyspace import alter_keyspace_statements
from scyllamodel.schema.ddl.create import create_keyspace
from scyllamodel.schema.ddl.statement_parser import parse_statement
from scyllamodel.schema.diff.schema_diff import SchemaPair, diff
from scyllamodel.schema.export.facts_json import facts_document
from scyllamodel.schema.facts.objects import FrozenMap, Keyspace, KeyspaceFacts, SchemaFacts
from scyllamodel.schema.facts.replication import replication_map
from scyllamodel.schema.plan import make_plan
from scyllamodel.schema.reflect import reflect_keyspace
from scyllamodel.schema.rules.evaluation import RuleContext, evaluate
from scyllamodel.schema.rules.preflight import Health, Member, preflight
from scyllamodel.schema.rules.racks import invalid_factors, needs_even_copies
from scyllamodel.schema.rules.raw_statements import RawStatementChecker
from scyllamodel.schema.server.profile import NodeSettings, ServerProfile
from support.builders import desired, index, schema, table, view
from support.scylla_observed import NEW, OLD, observed
from support.scylla_observed import rows as scylla_rows

CASSANDRA = ServerProfile()
NTS = "NetworkTopologyStrategy"


def keyspace(tablets=True, durable_writes=True, **factors):
    """The keyspace ``k`` with these factors."""
    return Keyspace("k", replication_map({"class": NTS, **factors}), durable_writes, tablets)


def test_racks_of_real_rows_are_facts():
    """Racks are read from ``replication_v2``, and written in CQL and JSON."""
    facts = reflect_keyspace("new26", scylla_rows("2026.3"), NEW)
    (document,) = facts_document(SchemaFacts([facts]))["keyspaces"]

    assert {"class": NTS, "dc1": ("rack2",)} == {**facts.keyspace.replication}
    assert {"class": NTS, "dc1": ["rack2"]} == document["replication"]
    assert "{'class': 'NetworkTopologyStrategy', 'dc1': ['rack2']}" in create_keyspace(facts.keyspace, NEW)


@pytest.mark.parametrize(("name", "consistency"), [("new26_eventual", "eventual"), ("new26_global", "global")])
def test_the_consistency_of_a_keyspace_is_read_and_never_lost(name, consistency):
    """The consistency option of a keyspace is read, and written in its CREATE statement."""
    value = reflect_keyspace(name, scylla_rows("2026.3"), NEW).keyspace

    assert (consistency, None, False) == (value.consistency, value.storage, value.changing)
    assert create_keyspace(value, NEW).endswith(f"AND consistency = '{consistency}'")


def test_storage_and_a_pending_change_are_read():
    """The storage of a keyspace, and a pending change of its replication, are read."""
    replication = {"class": f"org.apache.cassandra.locator.{NTS}", "dc1": "2"}
    rows = {
        "keyspaces": [
            {"keyspace_name": "k", "durable_writes": True, "replication": replication, "next_replication": {"dc1": "3"}}
        ],
        "scylla_keyspaces": [
            {"keyspace_name": "k", "initial_tablets": 0, "storage_type": "S3", "storage_options": {"bucket": "b"}}
        ],
    }
    value = reflect_keyspace("k", rows, NEW).keyspace
    findings = preflight(
        SchemaFacts([KeyspaceFacts("k", value)]), Health([Member("a", "dc1"), Member("b", "dc1")]), NEW
    )

    assert ({"type": "S3", "bucket": "b"}, True) == ({**value.storage}, value.changing)
    assert create_keyspace(value, NEW).endswith("AND storage = {'bucket': 'b', 'type': 'S3'}")
    assert ["CL104"] == [finding.code for finding in findings]


def test_a_repo_declares_racks():
    """Racks in the settings of a repo may be a list."""
    settings = RepoSettings(keyspace="k", nodes=["h"], replication={"class": NTS, "dc1": ["r1", "r2"], "dc2": 3})

    assert {"class": NTS, "dc1": ("r1", "r2"), "dc2": "3"} == {**settings.replication}


@pytest.mark.parametrize(
    ("stored", "declared", "same"),
    [
        (("r1", "r2"), ["r2", "r1"], True),
        (("r1", "r2"), ["r1", "r3"], False),
        (("r1", "r2"), 2, True),
        (("r1", "r2"), 3, False),
        ("2", ["r1", "r2"], False),
        ("2", 2, True),
    ],
)
def test_racks_and_numbers_are_compared_by_meaning(stored, declared, same):
    """Racks are compared without order, a number equals as many racks, and racks only equal racks."""
    values = {"class": NTS, "dc1": stored}

    assert same is replication_matches(values, replication_map({"class": NTS, "dc1": declared}))
    if not isinstance(declared, list):
        assert same is replication_matches(values, replication_map({"class": NTS, "replication_factor": declared}))


@pytest.mark.parametrize(
    ("server", "declared", "live"),
    [
        (NEW, keyspace(dc1=["r1", "r2", "r3"]), []),
        (NEW, keyspace(tablets=None, dc1=["r1", "r2", "r3"]), []),
        (NEW, keyspace(tablets=False, dc1=["r1", "r2", "r3"]), ["KS104"]),
        (OLD, keyspace(dc1=["r1", "r2", "r3"]), ["KS104"]),
        (NEW, keyspace(dc1=["r1", "r1", "r2"]), ["KS102"]),
        (NEW, keyspace(dc1=["r1", "r2", "r3", "r4"]), ["KS102"]),
    ],
)
def test_racks_are_refused_where_the_server_would(server, declared, live):
    """Racks are refused without server support, without tablets, or without a node in each."""
    models = KeyspaceFacts("k", declared)
    sides = SchemaPair.of(KeyspaceFacts("k"), models, server)
    changes = diff(KeyspaceFacts("k"), models, server, create_keyspace=True)
    errors = [
        diagnostic.diagnostic.code
        for diagnostic in evaluate(RuleContext(sides, changes, {"dc1": 3}))
        if diagnostic.diagnostic.severity == "error"
    ]

    assert [CreateKeyspace] == [type(change) for change in changes]
    assert live == errors


BY_V = view("x", "t", "v text pk", "id int ck")
T = table("t", "id int pk", "v text")
RACKS = {"dc1": frozenset({"r1", "r2", "r3"}), "dc2": frozenset({"r1"})}
WITH_SETTING = ServerProfile("scylla", (2025, 4, 10), node=NodeSettings(rf_rack_valid=True))
EXPANDING = attrs.evolve(NEW, node=NodeSettings(rf_rack_valid=True))
LISTS_ONLY = attrs.evolve(NEW, node=NodeSettings(requires_rack_lists=True))
MIDDLE = ServerProfile("scylla", (2025, 4, 10))


def planned(server, definition, *parts, exists=True, racks=RACKS):
    """The codes and severities of a plan for these objects, in a keyspace that exists or is created."""
    facts = schema(keyspace=definition) if exists else schema(keyspace=None)
    models = attrs.evolve(desired(*parts), keyspace=None if exists else definition)
    plan = make_plan(models, facts, server, topology={"dc1": 3, "dc2": 1}, racks=racks, create_keyspace=True)
    return [
        (refusal.code, refusal.severity)
        for refusal in (*plan.refusals, *plan.notes)
        if refusal.code in {"KS108", "KS105"}
    ]


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("parts", [(T, BY_V), (attrs.evolve(T, indexes=[index("v")]),)])
@pytest.mark.parametrize(
    ("server", "definition", "messages"),
    [
        (NEW, keyspace(dc1=2), [("KS108", "error")]),
        (NEW, keyspace(dc1=1), []),
        (NEW, keyspace(dc1=3), []),
        (NEW, keyspace(dc1=3, dc2=1), []),
        (NEW, keyspace(dc1=["r1", "r2"]), []),
        (NEW, keyspace(False, dc1=2), []),
        (MIDDLE, keyspace(dc1=3), [("KS108", "warn")]),
        (attrs.evolve(MIDDLE, node=NodeSettings(rf_rack_valid=False)), keyspace(dc1=3), [("KS108", "error")]),
        (attrs.evolve(MIDDLE, node=NodeSettings(rf_rack_valid=True)), keyspace(dc1=3), []),
        (CASSANDRA, Keyspace("k", replication_map({"class": NTS, "dc1": 2})), []),
    ],
)
def test_views_and_indexes_on_tablets_need_as_many_copies_as_racks(server, definition, messages, parts, exists):
    """A keyspace without enough copies is reported once, whether it exists or not."""
    assert messages == planned(server, definition, *parts, exists=exists)


@pytest.mark.parametrize(
    ("server", "definition", "messages"),
    [
        (NEW, keyspace(dc1=2), []),
        (WITH_SETTING, keyspace(dc1=2), [("KS108", "error")]),
        (WITH_SETTING, keyspace(dc1=3), []),
        (WITH_SETTING, keyspace(None, dc1=2), [("KS108", "warn")]),
        (WITH_SETTING, keyspace(False, dc1=2), []),
        (WITH_SETTING, keyspace(replication_factor=2), [("KS108", "error")] * 2),
        (EXPANDING, keyspace(dc1=2), []),
        (EXPANDING, keyspace(dc1=3, dc2=2), [("KS108", "error")]),
        (LISTS_ONLY, keyspace(dc1=2), []),
        (NEW, keyspace(dc1=["r1", "r9"]), [("KS105", "error")]),
        (NEW, keyspace(dc1=["r1", "r2"]), []),
    ],
)
def test_a_keyspace_that_is_not_valid_for_its_racks(server, definition, messages):
    """A plain table is accepted, unless the node requires valid racks in every keyspace."""
    assert messages == [item for item in planned(server, definition, T, exists=False) if item[0] in {"KS108", "KS105"}]


@pytest.mark.parametrize(
    ("replication", "expands", "expected"),
    [
        ({"class": NTS, "dc1": 0, "dc2": 1}, False, []),
        ({"class": NTS, "dc2": 2, "dc1": 2}, False, [("dc1", 2, 3), ("dc2", 2, 1)]),
        ({"class": NTS, "dc2": 2, "dc1": 2}, True, [("dc2", 2, 1)]),
        ({"dc1": 2}, False, [("dc1", 2, 3)]),
        ({"class": "SimpleStrategy", "replication_factor": 2}, False, []),
    ],
)
def test_a_data_centre_has_no_copy_or_one_or_one_for_each_rack(replication, expands, expected):
    """Others are named in one order; a server that makes lists of racks accepts any number up to them."""
    assert expected == list(invalid_factors(Keyspace("k", replication_map(replication)), RACKS, expands=expands))


PLAIN_SERVER = attrs.evolve(NEW, node=NodeSettings(rf_rack_valid=False))


@pytest.mark.parametrize(
    ("definition", "parts", "server", "expected"),
    [
        (keyspace(), [T], PLAIN_SERVER, False),
        (keyspace(), [T, BY_V], PLAIN_SERVER, True),
        (keyspace(False), [T, BY_V], PLAIN_SERVER, False),
        (None, [T, BY_V], PLAIN_SERVER, False),
        (keyspace(), [T], WITH_SETTING, True),
        (keyspace(), [T], MIDDLE, False),
        (keyspace(False), [T], WITH_SETTING, False),
        (keyspace(), [T], LISTS_ONLY, True),
    ],
)
def test_a_keyspace_with_tablets_needs_even_copies(definition, parts, server, expected):
    """If it has views or indexes, or if the settings of the node require it of every keyspace."""
    assert expected is needs_even_copies(schema(*parts, keyspace=definition), server)


def test_unknown_racks_are_not_reported():
    """Neither unknown racks nor vector indexes, which have no view, are reported."""
    vectors = table("t", "id int pk", "e vector<float,3>", indexes=[index("e", using="vector_index")])

    assert [] == planned(NEW, keyspace(dc1=2), T, BY_V, racks=None)
    assert [] == planned(NEW, keyspace(dc1=2), vectors)


def test_both_fixes_of_an_invalid_replication_are_suggested():
    """The advice contains statements for an existing keyspace, numbers for a new one, and tablets=False."""
    models = desired(T, BY_V)
    (result,) = make_plan(models, schema(keyspace=keyspace(dc1=1, dc2=2)), NEW, racks={"dc2": RACKS["dc1"]}).refusals
    new = attrs.evolve(models, keyspace=keyspace(dc1=2))
    refusals = make_plan(new, schema(keyspace=None), NEW, racks=RACKS, create_keyspace=True).refusals
    (refusal,) = [refusal for refusal in refusals if refusal.code == "KS108"]

    assert result.text == (
        "x: views and indexes on tablets need one copy or one for each rack, but dc2 has 2 copies and 3 racks"
    )
    assert "'dc1': '1', 'dc2': '3'} AND durable_writes = true;" in result.fix
    assert "tablets=False" in result.fix
    assert refusal.fix.startswith("Use 3 copies in dc1, or one; or create the keyspace with tablets=False")


def test_advice_on_a_keyspace_with_views_mentions_racks():
    """KS103 mentions lists of racks only if the keyspace has views and the server supports such lists."""

    def fix(server, *parts):
        plan = make_plan(
            attrs.evolve(desired(), keyspace=keyspace(dc1=3)), schema(*parts, keyspace=keyspace(dc1=1)), server
        )
        return next(note.fix for note in plan.notes if note.code == "KS103")

    assert "list of racks" in fix(NEW, T, BY_V)
    assert "list of racks" not in fix(NEW, T)
    assert "copy the tables" in fix(MIDDLE, T, BY_V)


def altered(live, declared, server):
    """The replications in the statements, and their other clauses."""
    steps = alter_keyspace_statements(live, declared, server)
    return None if steps is None else [step.partition("'NetworkTopologyStrategy', ")[2] for step in steps]


@pytest.mark.parametrize(
    ("live", "expected", "server", "steps"),
    [
        (keyspace(dc1=1), keyspace(dc1=3), NEW,
         ["'dc1': '2'} AND durable_writes = true", "'dc1': '3'} AND durable_writes = true"]),
        (keyspace(False, dc1=1), keyspace(False, dc1=3), NEW, ["'dc1': '3'} AND durable_writes = true"]),
        (keyspace(None, dc1=1), keyspace(None, dc1=3), CASSANDRA, ["'dc1': '3'} AND durable_writes = true"]),
        (keyspace(dc1=2), keyspace(dc2=1), NEW,
         [f"'dc1': '{item}', 'dc2': '1'}} AND durable_writes = true" for item in (2, 1, 0)]),
        (keyspace(dc1=2), keyspace(dc1=["r1", "r2"]), NEW, ["'dc1': ['r1', 'r2']} AND durable_writes = true"]),
        (keyspace(dc1=1), keyspace(dc1=["r1", "r2"]), NEW,
         ["'dc1': ['r1']} AND durable_writes = true", "'dc1': ['r1', 'r2']} AND durable_writes = true"]),
        (keyspace(dc1=["r1", "r2"]), keyspace(dc1=1), NEW, ["'dc1': ['r1']} AND durable_writes = true"]),
        (keyspace(dc1=2), keyspace(dc1=["r1"]), NEW,
         ["'dc1': '1'} AND durable_writes = true", "'dc1': ['r1']} AND durable_writes = true"]),
        (keyspace(dc1=["r1", "r2"]), keyspace(dc1=["r1", "r3"]), NEW,
         ["'dc1': ['r1', 'r2', 'r3']} AND durable_writes = true", "'dc1': ['r1', 'r3']} AND durable_writes = true"]),
        (keyspace(dc1=["r1", "r2"]), keyspace(dc1=3), NEW, None),
        (keyspace(dc1=["r1"]), keyspace(dc1=1, durable_writes=False), NEW,
         ["'dc1': ['r1']} AND durable_writes = false"]),
        (keyspace(dc1=1), keyspace(False, dc1=1), NEW, None),
        (keyspace(dc1=1, dc2=1), keyspace(replication_factor=2), NEW,
         [f"'dc1': '2', 'dc2': '{two}'}} AND durable_writes = true" for two in (1, 2)]),
    ],
)  # fmt: skip
def test_the_statements_that_alter_a_keyspace(live, expected, server, steps):
    """With tablets, one copy in one data centre is changed at a time, and increases come first."""
    assert steps == altered(live, expected, server)


GUIDED = [
    ("two more copies in two data centres", keyspace(dc1=1, dc2=1), keyspace(dc1=3, dc2=3),
     ["'dc1': '2', 'dc2': '1'", "'dc1': '3', 'dc2': '1'", "'dc1': '3', 'dc2': '2'", "'dc1': '3', 'dc2': '3'"]),
    ("a new data centre", keyspace(dc1=3), keyspace(dc1=3, dc2=3),
     ["'dc1': '3', 'dc2': '1'", "'dc1': '3', 'dc2': '2'", "'dc1': '3', 'dc2': '3'"]),
    ("a data centre that goes", keyspace(dc1=3, dc2=2), keyspace(dc1=3),
     ["'dc1': '3', 'dc2': '1'", "'dc1': '3', 'dc2': '0'"]),
    ("a data centre in place of another", keyspace(dc1=2), keyspace(dc2=1),
     ["'dc1': '2', 'dc2': '1'", "'dc1': '1', 'dc2': '1'", "'dc1': '0', 'dc2': '1'"]),
    ("racks of a new data centre", keyspace(dc1=["r1", "r2"]), keyspace(dc1=["r1", "r2"], dc2=["r1"]),
     ["'dc1': ['r1', 'r2'], 'dc2': ['r1']"]),
    ("racks of a data centre that goes", keyspace(dc1=["r1"], dc2=["r1", "r2"]), keyspace(dc1=["r1"]),
     ["'dc1': ['r1'], 'dc2': ['r2']", "'dc1': ['r1'], 'dc2': []"]),
]  # fmt: skip


@pytest.mark.parametrize("durable", [True, False])
@pytest.mark.parametrize(("live", "declared", "states"), [case[1:] for case in GUIDED], ids=[c[0] for c in GUIDED])
def test_a_plan_prints_each_step_of_a_new_replication_on_tablets(live, declared, states, durable):
    """KS103 contains complete statements in order, without any that the server would refuse."""
    live, declared = (attrs.evolve(definition, durable_writes=durable) for definition in (live, declared))
    plan = make_plan(attrs.evolve(desired(), keyspace=declared), schema(keyspace=live), NEW)
    (messages,) = [note for note in plan.notes if note.code == "KS103"]
    start = "ALTER KEYSPACE k WITH replication = {'class': 'NetworkTopologyStrategy', "
    steps = [f"{start}{state}}} AND durable_writes = {str(durable).lower()}" for state in states]

    assert [f"    {step};" for step in steps] == messages.fix.splitlines()[1:]
    assert "one at a time" in messages.fix
    assert all(step in plan.render() for step in steps)
    for step in steps:
        assert [] == [
            diagnostic
            for diagnostic in RawStatementChecker("k", [KeyspaceFacts("k", live)], NEW).check(step)
            if diagnostic.code
        ]
        replication = replication_map(parse_statement(step).options["replication"])
        live = attrs.evolve(live, replication=FrozenMap({dc: n for dc, n in replication.items() if n != "0"}))


WITH_VIEWS = [
    ("more copies", keyspace(dc1=1), keyspace(dc1=3), ["['r1']", "['r1', 'r2']", "['r1', 'r2', 'r3']"]),
    ("fewer copies", keyspace(dc1=3), keyspace(dc1=1), ["['r1', 'r2', 'r3']", "['r1', 'r3']", "['r1']"]),
    ("fewer copies than racks", keyspace(dc1=3), keyspace(dc1=2), ["['r1', 'r2', 'r3']", "['r1', 'r2']"]),
    ("a longer list by its number", keyspace(dc1=["r1", "r3"]), keyspace(dc1=3), ["['r1', 'r3', 'r2']"]),
    ("fewer racks than copies", keyspace(dc1=3), keyspace(dc1=["r2"]),
     ["['r2', 'r1', 'r3']", "['r2', 'r3']", "['r2']"]),
]  # fmt: skip


@pytest.mark.parametrize(("live", "declared", "lists"), [c[1:] for c in WITH_VIEWS], ids=[c[0] for c in WITH_VIEWS])
def test_lists_of_racks_lead_around_numbers_that_the_server_refuses(live, declared, lists):
    """With a view on tablets, the advice uses lists of racks, which the server accepts."""
    models = attrs.evolve(desired(T, BY_V), keyspace=declared)
    plan = make_plan(models, schema(T, BY_V, keyspace=live), NEW, topology={"dc1": 3}, racks={"dc1": RACKS["dc1"]})
    (messages,) = [note for note in plan.notes if note.code == "KS103"]
    start = "ALTER KEYSPACE k WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': "
    steps = [f"{start}{item}}} AND durable_writes = true" for item in lists]

    assert [f"    {step};" for step in steps] == messages.fix.splitlines()[1:]
    for step in steps:
        checker = RawStatementChecker(
            "k", [schema(T, BY_V, keyspace=live)], NEW, topology={"dc1": 3}, racks={"dc1": RACKS["dc1"]}
        )
        assert [] == [diagnostic for diagnostic in checker.check(step) if diagnostic.severity == "error"]
        live = attrs.evolve(live, replication=replication_map(parse_statement(step).options["replication"]))


@pytest.mark.parametrize("parts", [(T,), (T, BY_V)])
@pytest.mark.parametrize("server", [EXPANDING, LISTS_ONLY])
def test_a_server_that_makes_lists_of_numbers(server, parts):
    """A server that converts numbers to lists of racks can only be altered with lists."""
    steps = alter_keyspace_statements(keyspace(dc1=2, dc2=1), keyspace(dc1=3, dc2=1), server, racks=RACKS)

    assert ["'dc1': ['r1', 'r2'], 'dc2': '1'", "'dc1': ['r1', 'r2', 'r3'], 'dc2': '1'"] == [
        step.partition("Strategy', ")[2].partition("}")[0] for step in steps
    ]
    assert [] == planned(server, keyspace(dc1=2), *parts, exists=False)


def test_numbers_stay_numbers_where_every_step_is_taken():
    """Numbers are used if the server accepts each step with them."""
    steps = alter_keyspace_statements(keyspace(dc1=1), keyspace(dc1=3), NEW, racks=RACKS)
    even = alter_keyspace_statements(keyspace(dc1=3), keyspace(dc1=3, dc2=1), NEW, racks=RACKS, even=True)

    assert ["'dc1': '2'", "'dc1': '3'"] == [step.partition("Strategy', ")[2].partition("}")[0] for step in steps]
    assert ["'dc1': '3', 'dc2': '1'"] == [step.partition("Strategy', ")[2].partition("}")[0] for step in even]


def test_the_advice_prints_the_statements():
    """KS103 contains the statements, or says that there are none."""

    def fix(live, declared):
        sides = SchemaPair.of(schema(keyspace=live), KeyspaceFacts("k", declared), NEW)
        (finding,) = evaluate(RuleContext(sides, (KeyspaceMismatch(live, declared),)))
        return finding.diagnostic.fix

    assert "'dc1': '2'} AND durable_writes = true;" in fix(keyspace(dc1=1), keyspace(dc1=2))
    assert "repair" in fix(keyspace(False, dc1=1), keyspace(False, dc1=2))
    assert "ALTER KEYSPACE cannot make this change" in fix(keyspace(dc1=1), keyspace(False, dc1=1))


def test_the_advice_on_too_many_copies_prints_the_statements():
    """KS102 and KS105 contain statements that keep at least one copy."""

    def fixes(value, *members):
        return [finding.fix for finding in preflight(SchemaFacts([KeyspaceFacts("k", value)]), Health(members), NEW)]

    member = Member("a", "dc1")
    (fewer,) = fixes(keyspace(dc1=2, durable_writes=False), member)

    assert fewer.startswith("Add nodes, or run manually:\n    ALTER KEYSPACE k WITH replication = {")
    assert fewer.endswith("'dc1': '1'} AND durable_writes = false;")
    assert ["'dc2': '0'}" in fix for fix in fixes(keyspace(dc1=1, dc2=1), member)] == [True]
    assert ["ALTER KEYSPACE" in fix for fix in fixes(keyspace(dc2=1), member)] == [False]


def test_recorded_answers_to_numbers_and_racks():
    """The recorded answers of 2026.3 refuse changes between numbers and lists in one step."""
    cases = {case["case"]: case["2026.3t"] for case in observed("y_2026") if "case" in case and "2026.3t" in case}
    from_list, from_number = cases["ALTER KEYSPACE from a rack list"], cases["ALTER KEYSPACE from a number"]

    assert "when the old value was a rack list" in str(from_list)
    assert "from numeric to rack list and rf value at the same time" in str(from_number)
