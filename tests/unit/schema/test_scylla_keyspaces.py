"""Keyspaces that real ScyllaDB nodes created or refused, compared with plans and rules."""

from __future__ import annotations

import re

import attrs
import pytest

from scyllamodel.schema.ddl.statement_parser import parse_statement
from scyllamodel.schema.facts.objects import Keyspace, KeyspaceFacts
from scyllamodel.schema.facts.replication import replication_map
from scyllamodel.schema.plan import make_plan
from scyllamodel.schema.rules.raw_statements import RawStatementChecker
from scyllamodel.schema.server.profile import NodeSettings
from support.scylla_observed import SCYLLAS, observed, scylla_cases

TOPOLOGY = {"dc1": 1}

NOT_EXPRESSIBLE = {
    r"AND replication = |^'SimpleStrategy'|AND foo": "not a replication, or given twice",
    r"AND (storage|consistency)": "read and never declared",
    r"'(initial|foo)'|'enabled': ('TRUE'|1|'x')|tablets = true": "tablets are declared as a boolean",
    r"durable_writes = ('x'|0)": "a boolean is declared",
}
"""What a repo cannot say of a keyspace, and why."""

STRICTER = {
    r": 3\}|NTS', 'datacenter1': 2\}|NetworkTopologyStrategy', 'dc1': 2\}": "more copies than nodes",
    r"'SimpleStrategy', 'replication_factor': 1, '": "an option that 2026.3 stores and does not use",
    r"'nodc': 0": "no node is in that data centre",
    r"^\{\}|^\{'replication_factor': 1\}|^\{'CLASS'": "a class is declared",
}
"""What nodes take and a plan refuses, and why."""

LEFT_TO_THE_SERVER = {
    r"'LocalStrategy'|'EverywhereStrategy'": "strategies of system keyspaces",
}


def reason_for(reasons, text):
    """The reason that a table of reasons gives for a text."""
    return next((reason for pattern, reason in reasons.items() if re.search(pattern, text)), None)


def text_of(case):
    """The replication and the other clauses, with the data centre of the recorded nodes."""
    return re.sub("datacenter1", "dc1", case["ks"])


def server_of(key):
    """The profile of a node, with or without tablets by default."""
    mode = "enabled" if key.endswith("t") else "disabled"
    return attrs.evolve(SCYLLAS[key], node=NodeSettings(tablets_mode=mode, rf_rack_valid=False))


def declared(text):
    """The keyspace that a repo with these settings declares."""
    options = parse_statement(f"CREATE KEYSPACE kk WITH replication = {text}").options
    tablets = options.get("tablets", {}).get("enabled")
    enabled = {None: True if "tablets" in options else None, "false": False, "true": True}.get(tablets, tablets)
    return Keyspace("kk", replication_map(options["replication"]), options.get("durable_writes", True), enabled)


def plan(about, value, server):
    """The plan that creates the keyspace, or compares it."""
    models = KeyspaceFacts("kk", about)
    racks = {"dc1": frozenset({"rack1" if server.version < (2026,) else "rack2"})}
    return make_plan(models, KeyspaceFacts("kk", value), server, topology=TOPOLOGY, racks=racks, create_keyspace=True)


CREATED = [
    (key, text_of(case), result)
    for key, case, result in scylla_cases("b_keyspaces", "ks")
    if reason_for(NOT_EXPRESSIBLE, text_of(case)) is None
]
ACCEPTED = [case for case in CREATED if not str(case[2]).startswith("!")]
REFUSED = [case for case in CREATED if str(case[2]).startswith("!")]


def stored(result):
    """The keyspace that the node stored."""
    row = result.get("=", result)
    maps = row if "replication" in row else {"replication": row}
    has_tablets = "initial_tablets" in maps
    return Keyspace("kk", replication_map(maps["replication"]), maps.get("durable_writes", True), has_tablets)


@pytest.mark.parametrize(("key", "text", "result"), ACCEPTED)
def test_a_keyspace_that_was_created_is_in_sync(key, text, result):
    """The second plan for a created keyspace is empty, however the node writes its replication."""
    definition, server = declared(text), server_of(key)
    codes = [refusal.code for refusal in plan(definition, None, server).refusals]

    assert bool(codes) is (reason_for(STRICTER, text) is not None)
    if not codes:
        second = plan(definition, stored(result), server)
        assert ([], []) == ([step.cql for step in second.steps], [n.code for n in second.notes if n.code == "KS103"])


@pytest.mark.parametrize(("key", "text", "result"), REFUSED)
def test_a_keyspace_that_was_refused_is_refused_in_the_plan(key, text, result):
    """A keyspace that a node refused is refused in the plan with a code."""
    codes = {refusal.code for refusal in plan(declared(text), None, server_of(key)).refusals}

    assert codes
    assert codes <= {"KS100", "KS102", "KS104", "KS105", "KS106"}, result


def steps_of(case, key):
    """The statements of a case that alter a replication, with their answers and the state before each."""
    definition = Keyspace(
        "kk", replication_map({"class": "NetworkTopologyStrategy", "dc1": "1"}), True, key.endswith("t")
    )
    for statement, answer in zip(case["steps"], case[key], strict=False):
        if statement.startswith("ALTER KEYSPACE") and "replication" in statement:
            yield statement, answer, definition
        if statement.startswith("CREATE KEYSPACE"):
            tablets = parse_statement(statement).options.get("tablets", {}).get("enabled", key.endswith("t"))
            definition = attrs.evolve(definition, tablets=tablets)
        is_accepted = not isinstance(answer, str) or answer == "ok"
        if (
            is_accepted
            and statement.startswith(("CREATE KEYSPACE", "ALTER KEYSPACE"))
            and "replication = {'" in statement
        ):
            replication = replication_map(parse_statement(statement).options["replication"])
            factors = {dc: f for dc, f in replication.items() if f not in ("0", ())}
            racks = definition.replication.get("dc1")
            if isinstance(racks, tuple) and factors.get("dc1") == str(len(racks)):
                factors["dc1"] = racks
            definition = attrs.evolve(definition, replication=replication_map(factors))


ALTERED = [
    (key, *step)
    for key, case, _ in scylla_cases("y_2026", "steps")
    if key == "2026.3t" and key in case and "KEYSPACE" in str(case.get("case"))
    for step in steps_of(case, key)
] + [
    (key, re.sub("datacenter1", "dc1", case["cql"]), result, None)
    for key, case, result in scylla_cases("b_keyspaces", "cql")
    if case["cql"].startswith("ALTER KEYSPACE k WITH replication") and not case.get("setup")
    if key in case
]  # fmt: skip
ELSEWHERE = r"enough token-owning|Missing|at least one datacenter|RF-rack-valid|SE "
ONE_RACK = {"dc1": frozenset({"rack2"})}


@pytest.mark.parametrize(("key", "statement", "answer", "definition"), ALTERED)
def test_a_hand_written_change_of_a_replication(key, statement, answer, definition):
    """A replication with tablets is refused exactly if a node refused it."""
    name = parse_statement(statement).keyspace
    item = replication_map({"class": "NetworkTopologyStrategy", "dc1": "1"})
    definition = attrs.evolve(definition or Keyspace("k", item, True, key.endswith("t")), name=name)
    checker = RawStatementChecker(
        name, [KeyspaceFacts(name, definition)], SCYLLAS[key], topology={"dc1": 1}, racks=ONE_RACK
    )
    errors = [
        finding.code for finding in checker.check(statement) if finding.severity == "error" and finding.code == "NB104"
    ]
    text = str(answer).removeprefix("!")

    if re.match("(IR|CE|SE) ", text):
        assert errors or re.search(ELSEWHERE, text) or not definition.tablets
    else:
        assert not errors


def test_a_factor_without_effect_is_reported():
    """On vnodes, a replication_factor without effect on existing data centres is reported."""
    definition = Keyspace("k", replication_map({"class": "NetworkTopologyStrategy", "dc1": "3"}), False, False)
    cql = "ALTER KEYSPACE k WITH replication = {'class': 'NetworkTopologyStrategy', 'replication_factor': %s}"
    checker = RawStatementChecker("k", [KeyspaceFacts("k", definition)], SCYLLAS["2026.3"])
    (finding,) = [diagnostic for diagnostic in checker.check(cql % 1) if diagnostic.code == "NB104"]
    steps = finding.fix.splitlines()

    assert ("warn", "dc1" in finding.text) == (finding.severity, True)
    assert "'dc1': '1'} AND durable_writes = false;" in steps[-1]
    assert not [diagnostic for diagnostic in checker.check(cql % 3) if diagnostic.code == "NB104"]


def test_advice_on_a_refused_change_prints_the_statements():
    """The advice changes one copy at a time, and lists all data centres."""
    definition = Keyspace(
        "k", replication_map({"class": "NetworkTopologyStrategy", "dc1": "1", "dc2": "1"}), True, True
    )
    checker = RawStatementChecker("k", [KeyspaceFacts("k", definition)], SCYLLAS["2026.3"])
    (finding,) = checker.check("ALTER KEYSPACE k WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': 3}")

    assert "dc2 is missing" in finding.text
    assert [
        "'dc1': '2', 'dc2': '1'" in line or "'dc1': '3', 'dc2': '1'" in line for line in finding.fix.splitlines()
    ] == [False, True, True]  # fmt: skip


def test_the_other_statements_of_the_group_are_about_names_and_existence():
    """Other statements in the group are about names and existence, which other tests use."""
    others = {case["cql"] for case in observed("b_keyspaces") if "cql" in case}
    known = r"CREATE KEYSPACE|DROP KEYSPACE|USE |ALTER KEYSPACE (k|nosuch|nope|IF EXISTS|system\w*)( WITH|$| )"

    assert [] == [cql for cql in sorted(others) if not re.match(known, cql)]
