"""Column types that real ScyllaDB nodes were sent: stored as declared, or refused."""

from __future__ import annotations

import re

import pytest

from scyllamodel.schema.facts.objects import Table, TableColumn
from scyllamodel.schema.plan import make_plan
from scyllamodel.types.parser import parse_type
from support.builders import column, desired, schema, table
from support.scylla_observed import NEW, OLD, SCYLLAS, observed, scylla_cases

CASES = [
    (key, case["type"], result)
    for key, case, result in scylla_cases("c_types", "type")
    if key in {"2025.1.14", "2026.3", *case}
]
ACCEPTED = [case for case in CASES if not str(case[2]).startswith("!")]
REFUSED = [case for case in CASES if str(case[2]).startswith("!")]

ELSEWHERE = {
    r"'\w+\.?.*'": "a Java class, which no annotation means",
    r"^(list|tuple|string|json|empty|\"int\"|\"text\"|(frozen<)?nosuch>?|ADDR)$": "a user type that no model declares",
    r"(system|other)\.addr": "a user type of another keyspace",
    r"(list|set|map|tuple)<.*(list<|addr|map<|set<|tuple<)": "written frozen inside",
    r"frozen<(int|text)>": "written without frozen",
    r"^coll$": "UD106, see schema/test_rules",
    r"counter|duration": "refused by the class, or KS104; see model/test_validation and schema/test_rules",
    r"vector<float, (0|16001)>": "refused by the class",
}
"""What nodes refuse and a plan does not: what no model can say, and what is written in another way."""


def stored(result):
    """The type that a node stored."""
    return result if isinstance(result, str) else result["="]


def changes(key, old, new):
    """The codes of a plan between two types."""
    sides = [Table("t", (column("a int pk"), TableColumn("x", parse_type(text)))) for text in (old, new)]
    plan = make_plan(desired(sides[1]), schema(sides[0]), SCYLLAS[key])
    return [*(step.cql for step in plan.steps), *(refusal.code for refusal in plan.refusals)]


@pytest.mark.parametrize(("key", "declared", "result"), ACCEPTED)
def test_a_type_that_was_stored_is_the_declared_one(key, declared, result):
    """A stored type equals the declared one, however a node writes it."""
    assert parse_type(declared) == parse_type(stored(result))
    assert [] == changes(key, stored(result), declared)


@pytest.mark.parametrize(("key", "declared", "result"), REFUSED)
def test_a_type_that_was_refused_is_none_of_a_model(key, declared, result):
    """A type that a node refused is invalid, or refused in a plan, or has a reason."""
    try:
        kind = parse_type(declared)
    except ValueError:
        return
    new = Table("t", (column("a int pk"), TableColumn("x", kind)))
    codes = [refusal.code for refusal in make_plan(desired(new), schema(), SCYLLAS[key]).refusals]

    assert codes or any(re.search(pattern, declared) for pattern in ELSEWHERE), result


ALTERED = re.compile(r"ALTER TABLE k\.t ALTER (\w+) TYPE (.+)")
COLUMNS = {"a": "int pk", "b": "int ck", "v": "text", "w": "int", "l": "list<int>", "s": "int static"}


def altered():
    """Each column with another type, and whether a node accepted the change."""
    for key, case, result in scylla_cases("f_alter", "cql"):
        match = ALTERED.fullmatch(case["cql"])
        if key in {"2025.1.14", "2026.3"} and match and "setup" not in case and match[1] in COLUMNS:
            yield key, match[1], match[2], not str(result).startswith("!")


@pytest.mark.parametrize(("key", "name", "kind", "is_taken"), list(altered()))
def test_a_type_change_that_scylla_supports_is_reported(key, name, kind, is_taken):
    """A change that a node accepted is refused as TY102, and another one as TY101."""
    live = {known: f"{known} {text}" for known, text in COLUMNS.items()}
    parts = COLUMNS[name].split()
    models = {**live, name: " ".join([name, kind.replace(" ", ""), *parts[1:]])}
    plan = make_plan(desired(table("t", *models.values())), schema(table("t", *live.values())), SCYLLAS[key])

    is_same = parse_type(kind) == parse_type(parts[0])
    expected = [] if is_same else ["TY102"] if is_taken else ["TY101"]
    assert expected == [refusal.code for refusal in plan.refusals]


def test_the_cases_are_many():
    """There are many cases, and those on tables and user types are used in other tests."""
    assert len(ACCEPTED) > 150
    assert len(REFUSED) > 80
    assert len(list(altered())) > 20
    assert {"type", "cql"} == {form for case in observed("c_types") for form in ("type", "cql") if form in case}
    assert (OLD, NEW) == (SCYLLAS["2025.1.14"], SCYLLAS["2026.3"])
