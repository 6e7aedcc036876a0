"""Every kind of change, against everything that takes changes: a kind that is forgotten anywhere fails here."""

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
    """The cases, and a name for each."""
    return {"argvalues": cases, "ids": [type(case[0]).__name__ for case in cases]}


def all_of(cases):
    """The kinds of the cases."""
    return {type(case[0]) for case in cases}


def test_every_kind_is_in_the_union():
    """A class of the module is a kind of change, or nothing that is a change stands there."""
    classes = {value for _, value in inspect.getmembers(c, attrs.has) if value.__module__ == c.__name__}

    assert set(KINDS) == classes


def test_every_kind_stands_in_one_table_here():
    """This table says of each kind whether it runs, is refused, or is noted; the tests below then check the rest."""
    assert [len(KINDS), set(KINDS)] == [
        len(RUNS) + len(REFUSED) + len(NOTES),
        all_of(RUNS) | all_of(REFUSED) | all_of(NOTES),
    ]


@pytest.mark.parametrize(("change", "before"), **parameters(RUNS))
def test_what_runs_has_a_statement_and_a_step(change, before):
    """It is one statement, has a name, a sentence and an ``op`` that the published schema of a plan knows."""
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
    """The post-condition of a change does not hold before it, and holds after it."""
    assert [False, True] == [is_applied(change, facts, SERVER) for facts in (before, facts_after(change, before))]


@pytest.mark.parametrize(("change", "before"), **parameters(RUNS))
def test_what_runs_can_be_undone_or_says_why_not(change, before):
    """The inverse of its inverse does the same; undone, the schema is as before, and it had a statement for that."""
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
    """Each kind of undo has something that stands in its way, and says so before anything runs."""
    (undone,) = [undo for change, _ in RUNS if type(undo := inverse_of(change)) is kind]
    findings = evaluate_change(undone, UNDO_OBSTACLES[kind], SERVER, {"DS102", "DS103", "DS104", "DS105", "DS107"})

    assert {"RB103", "RB104"}.intersection(finding.code for finding in findings if finding.severity == "error")


@pytest.mark.parametrize(("change", "live", "declared"), **parameters(REFUSED))
def test_what_cannot_run_is_refused(change, live, declared):
    """A refused change is not a step, and a rule refuses it with a code and advice."""
    diagnostics = [
        finding.diagnostic for finding in evaluate(RuleContext(SchemaPair.of(live, declared, SERVER), (change,)))
    ]

    assert any(finding.severity == "error" and finding.fix for finding in diagnostics)


@pytest.mark.parametrize(("change", "live", "declared"), **parameters(NOTES))
def test_reported_changes_refuse_nothing(change, live, declared):
    """One finding reports it, and is not an error."""
    diagnostics = [
        finding.diagnostic for finding in evaluate(RuleContext(SchemaPair.of(live, declared, SERVER), (change,)))
    ]

    assert [True] == [finding.severity in ("note", "warn") for finding in diagnostics]


@pytest.mark.parametrize("change", [case[0] for case in (*REFUSED, *NOTES)], ids=lambda change: type(change).__name__)
def test_asking_for_what_does_not_run_is_refused_by_name(change):
    """The statement, effect or post-condition of a change that is not a step is an error that names the kind."""
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
    """A change that is stored and loaded again is equal."""
    assert change == change_from_json(change_to_json(change))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_some_rule_looks_at_every_kind(kind):
    """No kind of change passes the rules unseen, be it that most of its kind may run."""
    assert evaluation._RULES.get(kind)
