"""Every kind of change has all that a kind needs, so a kind that is forgotten somewhere fails here."""

from __future__ import annotations

import inspect
import json
from importlib import resources
from typing import get_args

import attrs
import pytest

from scyllamodel.schema.changes import kinds as c
from scyllamodel.schema.changes.as_json import change_from_json, change_to_json
from scyllamodel.schema.changes.effects import facts_after
from scyllamodel.schema.changes.postconditions import is_applied, keyspace_of
from scyllamodel.schema.changes.undo import inverse_of
from scyllamodel.schema.ddl import change_cql, undo_cql
from scyllamodel.schema.diff.schema_diff import SchemaPair
from scyllamodel.schema.facts.objects import FrozenMap, Keyspace
from scyllamodel.schema.plan import Step, make_step
from scyllamodel.schema.plan.step import is_step
from scyllamodel.schema.rules import evaluation
from scyllamodel.schema.rules.evaluation import RuleContext, evaluate
from scyllamodel.schema.rules.undo import evaluate_change
from scyllamodel.schema.server.profile import ServerProfile
from support.builders import NTS, desired, index, schema, table, user_type, view

SERVER = ServerProfile("cassandra", (5, 0, 6), views_enabled=True)
KINDS = get_args(c.Change)

BY_A = index("a", "t_by_a")
T = table("t", "id int pk", "at int ck", "a text")
INDEXED = table("t", "id int pk", "at int ck", "a text", indexes=[BY_A])
LONGER = table("t", "id int pk", "at int ck", "a text", "b int")
U = user_type("u", "x int")
V = view("v", "t", "a text pk", "id int ck", "at int ck", where="a IS NOT NULL AND id IS NOT NULL AND at IS NOT NULL")
FIVE, NINE = FrozenMap({"gc_grace_seconds": 5}), FrozenMap({"gc_grace_seconds": 9})
HERE = Keyspace("k", FrozenMap(NTS))
OTHER = Keyspace("k", FrozenMap({**NTS, "dc1": "2"}))

# what runs, each with a schema in which it makes a difference
RUNS = [
    (c.CreateKeyspace(HERE), schema(keyspace=None)),
    (c.AddType("k", U), schema()),
    (c.DropType("k", U), schema(U)),
    (c.AddField("k", "u", "y", T["id"].type), schema(U)),
    (c.RenameFields("k", "u", (("x", "y"),)), schema(U)),
    (c.AddTable("k", T), schema()),
    (c.DropTable("k", T), schema(T)),
    (c.AddColumns("k", "t", (LONGER["b"],)), schema(T)),
    (c.DropColumns("k", "t", (LONGER["b"],)), schema(LONGER)),
    (c.RenameKeyColumns("k", "t", (("id", "key"),)), schema(T)),
    (c.SetOptions("k", "t", FIVE, NINE), schema(attrs.evolve(T, options=NINE))),
    (c.SetMask("k", "t", "a", "mask_default()", None), schema(T)),
    (c.SetTtlColumn("k", "t", "a", None), schema(T)),
    (c.AddIndex("k", T, BY_A, populated=True), schema(T)),
    (c.DropIndex("k", T, BY_A), schema(INDEXED)),
    (c.AddView("k", V, populated=True), schema(T)),
    (c.DropView("k", V), schema(T, V)),
]
# what CQL has no statement for, with both sides as the differ had them
REFUSED = [
    (c.AlterUserType("k", U, user_type("u", "x text"), "UD102", "x"), schema(U), desired(user_type("u", "x text"))),
    (c.AlterColumn("k", "t", T["a"], attrs.evolve(T["a"], kind="static"), "TY104"), schema(T), desired(T)),
    (c.AlterKey("k", T, table("t", "at int pk", "id int ck", "a text"), "PK101"), schema(T), desired(T)),
    (c.AlterIndex("k", "t", BY_A, index("at", "t_by_a"), "IX103"), schema(INDEXED), desired(INDEXED)),
    (c.AlterView("k", V, attrs.evolve(V, where=""), "filter"), schema(T, V), desired(T, V)),
    (c.NameTaken("k", "t", "view", "table"), schema(T), desired(view("t", "s", "id int pk"))),
]
# changes that are reported, and never made
NOTES = [
    (c.Unmanaged("k", "table", "t", T), schema(T), desired()),
    (c.KeyspaceMismatch(HERE, OTHER), schema(keyspace=HERE), schema(keyspace=OTHER)),
]

IRREVERSIBLE = {c.CreateKeyspace, c.AddField}
"""Those that CQL cannot undo; a step of one says why."""

UNDO_OBSTACLES = {
    c.DropType: schema(user_type("u", "z text")),
    c.AddType: schema(U),
    c.DropTable: schema(table("t", "key uuid pk")),
    c.AddTable: schema(T),
    c.DropColumns: schema(table("t", "id int pk", "at int ck", "a text", "b text")),
    c.AddColumns: schema(LONGER),
    c.RenameKeyColumns: schema(T),
    c.DropIndex: schema(table("t", "id int pk", "at int ck", "a text", indexes=[index("at", "t_by_a")])),
    c.RenameFields: schema(U),
    c.SetMask: schema(table("t", "id int pk", "at int ck", "a text mask=mask_null()")),
    c.SetTtlColumn: schema(table("t", "id int pk", "at int ck", "a text", "b int", ttl_column="b")),
    c.AddIndex: schema(),
    c.DropView: schema(T, attrs.evolve(V, base="s")),
    c.AddView: schema(T, V),
}
"""Concurrent changes, so that an undo of each kind has to be refused; options can always be set back."""


def parameters(cases):
    """The cases, with a name for each."""
    return {"argvalues": cases, "ids": [type(case[0]).__name__ for case in cases]}


def all_of(cases):
    """The kinds of these cases."""
    return {type(case[0]) for case in cases}


def test_every_kind_is_in_the_union():
    """The module contains no classes other than the kinds of change."""
    classes = {value for _, value in inspect.getmembers(c, attrs.has) if value.__module__ == c.__name__}

    assert set(KINDS) == classes


def test_every_kind_stands_in_one_table_here():
    """Each kind is in one of three tables: it runs, is refused, or is noted; other tests check the rest."""
    assert [len(KINDS), set(KINDS)] == [
        len(RUNS) + len(REFUSED) + len(NOTES),
        all_of(RUNS) | all_of(REFUSED) | all_of(NOTES),
    ]


@pytest.mark.parametrize(("change", "before"), **parameters(RUNS))
def test_what_runs_has_a_statement_and_a_step(change, before):
    """A change that runs has one statement, a name, a sentence, and an ``op`` of the published schema of plans."""
    step = make_step(1, change, (), SERVER)
    published = json.loads(resources.files("scyllamodel.schemas").joinpath("plan.schema.json").read_text("utf-8"))

    assert is_step(change)
    assert change_cql(change, SERVER) == step.cql
    assert step.object.startswith("k")
    assert step.summary.endswith(".")
    assert step.op in published["$defs"]["step"]["properties"]["op"]["enum"]
    assert attrs.evolve(step, change=None) == Step.from_dict(step.to_dict())
    assert "k" == keyspace_of(change)


@pytest.mark.parametrize(("change", "before"), **parameters(RUNS))
def test_what_runs_is_proved_by_its_effect_alone(change, before):
    """The post-condition of a change is false before its effect, and true after it."""
    assert [False, True] == [is_applied(change, facts, SERVER) for facts in (before, facts_after(change, before))]


@pytest.mark.parametrize(("change", "before"), **parameters(RUNS))
def test_what_runs_can_be_undone_or_says_why_not(change, before):
    """The inverse of the inverse has the effect of the change, and the inverse restores the schema with a statement."""
    inverse, step = inverse_of(change), make_step(1, change, (), SERVER)

    assert (
        (inverse is None)
        == (type(change) in IRREVERSIBLE)
        == bool(step.why_no_undo)
        == (undo_cql(change, SERVER) is None)
    )
    if inverse is not None:
        remaining = facts_after(change, before)

        assert change_cql(change, SERVER) == change_cql(inverse_of(inverse), SERVER)
        assert (change_cql(inverse, SERVER), True) == (
            step.undo,
            is_applied(inverse, facts_after(inverse, remaining), SERVER),
        )
        assert before == facts_after(inverse, remaining)
        assert not [finding for finding in evaluate_change(inverse, remaining, SERVER) if finding.code.startswith("RB")]


@pytest.mark.parametrize("kind", sorted({type(case[0]) for case in RUNS} - IRREVERSIBLE - {c.SetOptions}, key=str))
def test_an_undo_looks_what_others_did_meanwhile(kind):
    """An undo is refused if others changed its object in the meantime."""
    (undone,) = [undo for change, _ in RUNS if type(undo := inverse_of(change)) is kind]
    findings = evaluate_change(undone, UNDO_OBSTACLES[kind], SERVER, {"DS102", "DS103", "DS104", "DS105", "DS107"})

    assert {"RB103", "RB104"}.intersection(finding.code for finding in findings if finding.severity == "error")


@pytest.mark.parametrize(("change", "live", "declared"), **parameters(REFUSED))
def test_what_cannot_run_is_refused(change, live, declared):
    """A change that cannot run is refused by a rule with advice."""
    diagnostics = [
        finding.diagnostic for finding in evaluate(RuleContext(SchemaPair.of(live, declared, SERVER), (change,)))
    ]

    assert any(finding.severity == "error" and finding.fix for finding in diagnostics)


@pytest.mark.parametrize(("change", "live", "declared"), **parameters(NOTES))
def test_reported_changes_refuse_nothing(change, live, declared):
    """A change that is only reported has one finding, which is not an error."""
    diagnostics = [
        finding.diagnostic for finding in evaluate(RuleContext(SchemaPair.of(live, declared, SERVER), (change,)))
    ]

    assert [True] == [finding.severity in ("note", "warn") for finding in diagnostics]


@pytest.mark.parametrize("change", [case[0] for case in (*REFUSED, *NOTES)], ids=lambda change: type(change).__name__)
def test_asking_for_what_does_not_run_is_refused_by_name(change):
    """The statement, effect or post-condition of a change that does not run is an error with its kind."""
    for ask in (
        lambda: change_cql(change, SERVER),
        lambda: facts_after(change, schema()),
        lambda: is_applied(change, schema(), SERVER),
    ):
        with pytest.raises(TypeError, match=type(change).__name__):
            ask()

    assert not is_step(change)
    assert inverse_of(change) is None


@pytest.mark.parametrize("change", [case[0] for case in (*RUNS, *REFUSED, *NOTES)], ids=lambda x: type(x).__name__)
def test_every_kind_comes_back_from_json(change):
    """A change from JSON equals the original."""
    assert change == change_from_json(change_to_json(change))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_some_rule_looks_at_every_kind(kind):
    """At least one rule checks each kind of change."""
    assert evaluation._RULES.get(kind)
