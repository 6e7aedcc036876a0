"""Replications: factors and racks, as declared, stored, written and altered."""

from __future__ import annotations

import attrs
import pytest

from scyllamodel.config.settings import RepoSettings
from scyllamodel.schema.changes.kinds import CreateKeyspace, KeyspaceMismatch
from scyllamodel.schema.ddl.alter_keyspace import alter_keyspace_statements
from scyllamodel.schema.ddl.create import create_keyspace
from scyllamodel.schema.ddl.statement_parser import parse_statement
from scyllamodel.schema.diff.keyspaces import replication_matches
from scyllamodel.schema.diff.schema_diff import SchemaPair, diff
from scyllamodel.schema.export.facts_json import facts_document
from scyllamodel.schema.facts.objects import FrozenMap, Keyspace, KeyspaceFacts, SchemaFacts
from scyllamodel.schema.facts.replication import replication_map
from scyllamodel.schema.plan import make_plan
from scyllamodel.schema.reflect import reflect_keyspace
from scyllamodel.schema.rules.evaluation import RuleContext, evaluate
from scyllamodel.schema.rules.preflight import Health, Member, preflight
from scyllamodel.schema.rules.raw_statements import RawStatementChecker
from scyllamodel.schema.server.profile import NodeSettings, ServerProfile
from support.builders import index, schema, table, view, wanted
from support.scylla_observed import NEW, OLD, observed
from support.scylla_observed import rows as scylla_rows

CASSANDRA = ServerProfile()
NTS = "NetworkTopologyStrategy"


def keyspace(tablets=True, durable_writes=True, **factors):
    """The keyspace ``k`` with these factors."""
    return Keyspace("k", replication_map({"class": NTS, **factors}), durable_writes, tablets)


def test_racks_of_real_rows_are_facts():
    """The racks of ``replication_v2`` stand where the number would, and come back in CQL and JSON."""
    found = reflect_keyspace("new26", scylla_rows("2026.3"), NEW)
    (document,) = facts_document(SchemaFacts([found]))["keyspaces"]

    assert {"class": NTS, "dc1": ("rack2",)} == {**found.keyspace.replication}
    assert {"class": NTS, "dc1": ["rack2"]} == document["replication"]
    assert "{'class': 'NetworkTopologyStrategy', 'dc1': ['rack2']}" in create_keyspace(found.keyspace, NEW)


@pytest.mark.parametrize(("name", "consistency"), [("new26_eventual", "eventual"), ("new26_global", "global")])
def test_the_consistency_of_a_keyspace_is_read_and_never_lost(name, consistency):
    """A keyspace that is created again from its facts has the consistency that it had."""
    found = reflect_keyspace(name, scylla_rows("2026.3"), NEW).keyspace

    assert (consistency, None, False) == (found.consistency, found.storage, found.changing)
    assert create_keyspace(found, NEW).endswith(f"AND consistency = '{consistency}'")


def test_storage_and_a_pending_change_are_read():
    """Tables that are not kept on disks, and a replication that is being changed, are known."""
    replication = {"class": f"org.apache.cassandra.locator.{NTS}", "dc1": "2"}
    rows = {
        "keyspaces": [
            {"keyspace_name": "k", "durable_writes": True, "replication": replication, "next_replication": {"dc1": "3"}}
        ],
        "scylla_keyspaces": [
            {"keyspace_name": "k", "initial_tablets": 0, "storage_type": "S3", "storage_options": {"bucket": "b"}}
        ],
    }
    found = reflect_keyspace("k", rows, NEW).keyspace
    said = preflight(SchemaFacts([KeyspaceFacts("k", found)]), Health([Member("a", "dc1"), Member("b", "dc1")]), NEW)

    assert ({"type": "S3", "bucket": "b"}, True) == ({**found.storage}, found.changing)
    assert create_keyspace(found, NEW).endswith("AND storage = {'bucket': 'b', 'type': 'S3'}")
    assert ["CL104"] == [remark.code for remark in said]


def test_a_repo_declares_racks():
    """A list of a setting stays a list."""
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
    """Racks have no order, a number is satisfied by as many racks, and racks only by equal racks."""
    found = {"class": NTS, "dc1": stored}

    assert same is replication_matches(found, replication_map({"class": NTS, "dc1": declared}))
    if not isinstance(declared, list):
        assert same is replication_matches(found, replication_map({"class": NTS, "replication_factor": declared}))


@pytest.mark.parametrize(
    ("server", "declared", "said"),
    [
        (NEW, keyspace(dc1=["r1", "r2", "r3"]), []),
        (NEW, keyspace(tablets=None, dc1=["r1", "r2", "r3"]), []),
        (NEW, keyspace(tablets=False, dc1=["r1", "r2", "r3"]), ["KS104"]),
        (OLD, keyspace(dc1=["r1", "r2", "r3"]), ["KS104"]),
        (NEW, keyspace(dc1=["r1", "r1", "r2"]), ["KS102"]),
        (NEW, keyspace(dc1=["r1", "r2", "r3", "r4"]), ["KS102"]),
    ],
)
def test_racks_are_refused_where_the_server_would(server, declared, said):
    """Racks need a server that knows them, tablets, and one node each."""
    wanted = KeyspaceFacts("k", declared)
    sides = SchemaPair.of(KeyspaceFacts("k"), wanted, server)
    changes = diff(KeyspaceFacts("k"), wanted, server, create_keyspace=True)
    errors = [
        one.diagnostic.code
        for one in evaluate(RuleContext(sides, changes, {"dc1": 3}))
        if one.diagnostic.severity == "error"
    ]

    assert [CreateKeyspace] == [type(change) for change in changes]
    assert said == errors


BY_V = view("x", "t", "v text pk", "id int ck")
T = table("t", "id int pk", "v text")
RACKS = {"dc1": frozenset({"r1", "r2", "r3"}), "dc2": frozenset({"r1"})}
WITH_SETTING = ServerProfile("scylla", (2025, 4, 10), node=NodeSettings(rf_rack_valid=True))
EXPANDING = attrs.evolve(NEW, node=NodeSettings(rf_rack_valid=True))
LISTS_ONLY = attrs.evolve(NEW, node=NodeSettings(requires_rack_lists=True))
MIDDLE = ServerProfile("scylla", (2025, 4, 10))


def planned(server, about, *parts, exists=True, racks=RACKS):
    """Codes and severities of the plan for these things, in a keyspace that exists or is created."""
    found = schema(keyspace=about) if exists else schema(keyspace=None)
    models = attrs.evolve(wanted(*parts), keyspace=None if exists else about)
    plan = make_plan(models, found, server, topology={"dc1": 3, "dc2": 1}, racks=racks, create_keyspace=True)
    return [(said.code, said.severity) for said in (*plan.refusals, *plan.notes) if said.code in {"KS108", "KS105"}]


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("parts", [(T, BY_V), (attrs.evolve(T, indexes=[index("v")]),)])
@pytest.mark.parametrize(
    ("server", "about", "said"),
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
def test_views_and_indexes_on_tablets_need_as_many_copies_as_racks(server, about, said, parts, exists):
    """Once for a keyspace, whether it exists or not, and before anything runs."""
    assert said == planned(server, about, *parts, exists=exists)


@pytest.mark.parametrize(
    ("server", "about", "said"),
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
def test_a_keyspace_that_is_not_valid_for_its_racks(server, about, said):
    """A plain table is fine in it, unless the node wants all keyspaces valid; racks have to be there."""
    assert said == [item for item in planned(server, about, T, exists=False) if item[0] in {"KS108", "KS105"}]


def test_nothing_is_said_of_racks_that_nobody_knows():
    """Neither is a vector index kept in a view."""
    vectors = table("t", "id int pk", "e vector<float,3>", indexes=[index("e", using="vector_index")])

    assert [] == planned(NEW, keyspace(dc1=2), T, BY_V, racks=None)
    assert [] == planned(NEW, keyspace(dc1=2), vectors)


def test_both_ways_out_of_an_invalid_replication_are_said():
    """The statements for an existing keyspace, numbers for a new one, and tablets=False."""
    models = wanted(T, BY_V)
    (there,) = make_plan(models, schema(keyspace=keyspace(dc1=1, dc2=2)), NEW, racks={"dc2": RACKS["dc1"]}).refusals
    new = attrs.evolve(models, keyspace=keyspace(dc1=2))
    said = make_plan(new, schema(keyspace=None), NEW, racks=RACKS, create_keyspace=True).refusals
    (here,) = [one for one in said if one.code == "KS108"]

    assert there.text == (
        "x: views and indexes on tablets need one copy or one for each rack, but dc2 has 2 copies and 3 racks"
    )
    assert "'dc1': '1', 'dc2': '3'} AND durable_writes = true;" in there.fix
    assert "tablets=False" in there.fix
    assert here.fix.startswith("Use 3 copies in dc1, or one; or create the keyspace with tablets=False")


def test_advice_on_a_keyspace_with_views_speaks_of_racks():
    """Where the racks are not known, KS103 says that steps may be refused while there are views."""

    def fix(server, *parts):
        plan = make_plan(
            attrs.evolve(wanted(), keyspace=keyspace(dc1=3)), schema(*parts, keyspace=keyspace(dc1=1)), server
        )
        return next(said.fix for said in plan.notes if said.code == "KS103")

    assert "list of racks" in fix(NEW, T, BY_V)
    assert "list of racks" not in fix(NEW, T)
    assert "copy the tables" in fix(MIDDLE, T, BY_V)


def altered(found, wanted, server):
    """The replications of the statements, and the ends of these."""
    steps = alter_keyspace_statements(found, wanted, server)
    return None if steps is None else [step.partition("'NetworkTopologyStrategy', ")[2] for step in steps]


@pytest.mark.parametrize(
    ("found", "wanted", "server", "steps"),
    [
        (keyspace(dc1=1), keyspace(dc1=3), NEW,
         ["'dc1': '2'} AND durable_writes = true", "'dc1': '3'} AND durable_writes = true"]),
        (keyspace(False, dc1=1), keyspace(False, dc1=3), NEW, ["'dc1': '3'} AND durable_writes = true"]),
        (keyspace(None, dc1=1), keyspace(None, dc1=3), CASSANDRA, ["'dc1': '3'} AND durable_writes = true"]),
        (keyspace(dc1=2), keyspace(dc2=1), NEW,
         [f"'dc1': '{one}', 'dc2': '1'}} AND durable_writes = true" for one in (2, 1, 0)]),
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
def test_the_statements_that_alter_a_keyspace(found, wanted, server, steps):
    """One copy and one data centre at a time where there are tablets, growing before shrinking, all of it named."""
    assert steps == altered(found, wanted, server)


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
@pytest.mark.parametrize(("found", "declared", "states"), [case[1:] for case in GUIDED], ids=[c[0] for c in GUIDED])
def test_a_plan_prints_each_step_of_a_new_replication_on_tablets(found, declared, states, durable):
    """KS103: whole statements in the order in which the server takes them, and no step that it would refuse."""
    found, declared = (attrs.evolve(about, durable_writes=durable) for about in (found, declared))
    plan = make_plan(attrs.evolve(wanted(), keyspace=declared), schema(keyspace=found), NEW)
    (said,) = [one for one in plan.notes if one.code == "KS103"]
    start = "ALTER KEYSPACE k WITH replication = {'class': 'NetworkTopologyStrategy', "
    steps = [f"{start}{state}}} AND durable_writes = {str(durable).lower()}" for state in states]

    assert [f"    {step};" for step in steps] == said.fix.splitlines()[1:]
    assert "one at a time" in said.fix
    assert all(step in plan.render() for step in steps)
    for step in steps:
        assert [] == [one for one in RawStatementChecker("k", [KeyspaceFacts("k", found)], NEW).check(step) if one.code]
        given = replication_map(parse_statement(step).options["replication"])
        found = attrs.evolve(found, replication=FrozenMap({dc: n for dc, n in given.items() if n != "0"}))


WITH_VIEWS = [
    ("more copies", keyspace(dc1=1), keyspace(dc1=3), ["['r1']", "['r1', 'r2']", "['r1', 'r2', 'r3']"]),
    ("fewer copies", keyspace(dc1=3), keyspace(dc1=1), ["['r1', 'r2', 'r3']", "['r1', 'r3']", "['r1']"]),
    ("fewer copies than racks", keyspace(dc1=3), keyspace(dc1=2), ["['r1', 'r2', 'r3']", "['r1', 'r2']"]),
    ("a longer list by its number", keyspace(dc1=["r1", "r3"]), keyspace(dc1=3), ["['r1', 'r3', 'r2']"]),
    ("fewer racks than copies", keyspace(dc1=3), keyspace(dc1=["r2"]),
     ["['r2', 'r1', 'r3']", "['r2', 'r3']", "['r2']"]),
]  # fmt: skip


@pytest.mark.parametrize(("found", "declared", "lists"), [c[1:] for c in WITH_VIEWS], ids=[c[0] for c in WITH_VIEWS])
def test_lists_of_racks_lead_around_numbers_that_the_server_refuses(found, declared, lists):
    """Views on tablets need one copy or one for each rack: the printed steps are those that the server takes then."""
    models = attrs.evolve(wanted(T, BY_V), keyspace=declared)
    plan = make_plan(models, schema(T, BY_V, keyspace=found), NEW, topology={"dc1": 3}, racks={"dc1": RACKS["dc1"]})
    (said,) = [one for one in plan.notes if one.code == "KS103"]
    start = "ALTER KEYSPACE k WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': "
    steps = [f"{start}{one}}} AND durable_writes = true" for one in lists]

    assert [f"    {step};" for step in steps] == said.fix.splitlines()[1:]
    for step in steps:
        judge = RawStatementChecker(
            "k", [schema(T, BY_V, keyspace=found)], NEW, topology={"dc1": 3}, racks={"dc1": RACKS["dc1"]}
        )
        assert [] == [one for one in judge.check(step) if one.severity == "error"]
        found = attrs.evolve(found, replication=replication_map(parse_statement(step).options["replication"]))


@pytest.mark.parametrize("parts", [(T,), (T, BY_V)])
@pytest.mark.parametrize("server", [EXPANDING, LISTS_ONLY])
def test_a_server_that_makes_lists_of_numbers(server, parts):
    """It creates a keyspace with any number of copies up to the racks, and changes the number by lists only."""
    steps = alter_keyspace_statements(keyspace(dc1=2, dc2=1), keyspace(dc1=3, dc2=1), server, racks=RACKS)

    assert ["'dc1': ['r1', 'r2'], 'dc2': '1'", "'dc1': ['r1', 'r2', 'r3'], 'dc2': '1'"] == [
        step.partition("Strategy', ")[2].partition("}")[0] for step in steps
    ]
    assert [] == planned(server, keyspace(dc1=2), *parts, exists=False)


def test_numbers_stay_numbers_where_every_step_is_taken():
    """A plain table does not need valid racks, and one copy in a new data centre is valid anywhere."""
    steps = alter_keyspace_statements(keyspace(dc1=1), keyspace(dc1=3), NEW, racks=RACKS)
    even = alter_keyspace_statements(keyspace(dc1=3), keyspace(dc1=3, dc2=1), NEW, racks=RACKS, even=True)

    assert ["'dc1': '2'", "'dc1': '3'"] == [step.partition("Strategy', ")[2].partition("}")[0] for step in steps]
    assert ["'dc1': '3', 'dc2': '1'"] == [step.partition("Strategy', ")[2].partition("}")[0] for step in even]


def test_the_advice_prints_the_statements():
    """KS103 has them in full, and says where none leads."""

    def fix(found, wanted):
        sides = SchemaPair.of(schema(keyspace=found), KeyspaceFacts("k", wanted), NEW)
        (said,) = evaluate(RuleContext(sides, (KeyspaceMismatch(found, wanted),)))
        return said.diagnostic.fix

    assert "'dc1': '2'} AND durable_writes = true;" in fix(keyspace(dc1=1), keyspace(dc1=2))
    assert "repair" in fix(keyspace(False, dc1=1), keyspace(False, dc1=2))
    assert "ALTER KEYSPACE cannot make this change" in fix(keyspace(dc1=1), keyspace(False, dc1=1))


def test_the_advice_on_too_many_copies_prints_the_statements():
    """KS102 and KS105 name statements that keep a copy, and none that would delete all rows."""

    def fixes(found, *members):
        return [said.fix for said in preflight(SchemaFacts([KeyspaceFacts("k", found)]), Health(members), NEW)]

    here = Member("a", "dc1")
    (fewer,) = fixes(keyspace(dc1=2, durable_writes=False), here)

    assert fewer.startswith("Add nodes, or run manually:\n    ALTER KEYSPACE k WITH replication = {")
    assert fewer.endswith("'dc1': '1'} AND durable_writes = false;")
    assert ["'dc2': '0'}" in fix for fix in fixes(keyspace(dc1=1, dc2=1), here)] == [True]
    assert ["ALTER KEYSPACE" in fix for fix in fixes(keyspace(dc2=1), here)] == [False]


def test_recorded_answers_to_numbers_and_racks():
    """What 2026.3 answered to ALTER KEYSPACE from a number and from a list agrees with the steps above."""
    cases = {case["case"]: case["2026.3t"] for case in observed("y_2026") if "case" in case and "2026.3t" in case}
    from_list, from_number = cases["ALTER KEYSPACE from a rack list"], cases["ALTER KEYSPACE from a number"]

    assert "when the old value was a rack list" in str(from_list)
    assert "from numeric to rack list and rf value at the same time" in str(from_number)
