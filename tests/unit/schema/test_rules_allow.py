"""Values of ``allow=`` are refused if they are invalid, and reported if they had no effect."""

from __future__ import annotations

import attrs
import pytest

from scyllamodel.errors import ConfigurationError
from scyllamodel.schema.facts.objects import Aggregate, Function, SchemaFacts
from scyllamodel.schema.plan import contract_plan
from scyllamodel.schema.rules.allow import ALLOWABLE, checked_values
from scyllamodel.schema.server.profile import ServerProfile
from scyllamodel.types.cql_types import Native, UserTypeName
from support.builders import desired, index, schema, table, user_type, view

SERVER = ServerProfile("cassandra", (5, 0, 6))
T = ("a int pk", "v text")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("nonsense", "Unknown code 'nonsense'"),
        ("ds103:t.v", "Did you mean DS103?"),
        ("DS1O3", "Did you mean DS103?"),
        ("TY101", "TY101 cannot be allowed"),
        ("DS103:", "has no name after the colon"),
        (103, "needs strings"),
    ],
)
def test_a_value_that_cannot_mean_anything_is_an_error(value, message):
    """An unknown code, one that cannot be allowed, and other text are refused before anything is read."""
    with pytest.raises(ConfigurationError, match=message):
        checked_values([value])


@pytest.mark.parametrize("code", ALLOWABLE)
def test_codes_that_can_be_allowed(code):
    """Each code that a refusal suggests is accepted, with and without an object."""
    steps = {"RB106": "1/2", "RB107": "1/2:0a1b2c3d4e5f", "RB108": "1/2", "RB110": "1", "RB111": "1/2", "LG107": "1"}
    token = f"{code}:{steps[code]}" if code in steps else code

    assert checked_values({token}) == (token,)
    assert checked_values([f"{code}:t"]) == (f"{code}:t",)


def test_a_single_text_is_one_value():
    """``allow="DS103"`` means the code and not five letters."""
    assert checked_values("DS103") == ("DS103",)


@pytest.mark.parametrize(
    ("allow", "advice"),
    [
        ("DS103:t.legcy", "Did you mean t.legacy? The column is dropped by DS103:t.legacy."),
        ("DS103:t.v", "A model declares it"),
        ("DS103:k.t.legcy", "Did you mean t.legacy?"),
        ("DS104:t_i", "The index is dropped by DS106:t_i."),
        ("DS103:gone.at_all", "There is no object gone.at_all."),
        ("DS105", "No refusal of this plan has DS105."),
    ],
)
def test_a_value_without_effect_is_reported(allow, advice):
    """A misspelled name, a declared column, a code of another kind, and a missing object are reported with advice."""
    live = schema(table("t", *T, "legacy int", indexes=[index("v", "t_i")]))

    plan = contract_plan(SchemaFacts([desired(table("t", *T))]), SchemaFacts([live]), SERVER, allow=[allow])

    (note,) = plan.notes
    assert ("AL101", "warn", allow) == (note.code, note.severity, note.object)
    assert advice in note.fix
    assert plan.is_empty


@pytest.mark.parametrize("allow", ["DS102:t", "DS103:t.v", "DS103:k.t.v", "DS104:pair", "DS105:by_v", "DS106:t_v"])
def test_what_a_model_declares_is_reported(allow):
    """A declared table, column, type, view or index is not dropped, and a note says why."""
    parts = (
        table("t", *T, "p pair", indexes=[index("v", "t_v")]),
        user_type("pair", "a int"),
        view("by_v", "t", "v text pk", "a int ck"),
    )

    plan = contract_plan(SchemaFacts([desired(*parts)]), SchemaFacts([schema(*parts)]), SERVER, allow=[allow])

    (note,) = plan.notes
    assert ("AL101", allow, True) == (note.code, note.object, plan.is_empty)
    assert "A model declares it; contract drops undeclared objects only." == note.fix


INT, PAIR = Native("int"), UserTypeName("pair")


@pytest.mark.parametrize(
    ("users", "phrase"),
    [
        ({"functions": [Function("first", (("p", PAIR),), INT, "java", "return 1;")]}, "the function first(pair)"),
        ({"functions": [Function("both", (("a", INT),), PAIR, "java", "return null;")]}, "the function both(int)"),
        ({"aggregates": [Aggregate("total", (INT,), "plus", PAIR)]}, "the aggregate total(int)"),
    ],
)
def test_a_type_that_a_function_uses_is_not_dropped(users, phrase):
    """A type that a function or aggregate uses is refused with the name of that."""
    live = attrs.evolve(schema(table("t", *T), user_type("pair", "a int")), **users)

    plan = contract_plan(SchemaFacts([desired(table("t", *T))]), SchemaFacts([live]), SERVER, allow=["DS104:pair"])

    assert () == plan.steps
    assert any(phrase in refusal.text for refusal in plan.refusals)


@pytest.mark.parametrize("allow", ["DS103", "DS103:t.legacy", "DS103:k.t.legacy", "DS106:t_i"])
def test_a_value_with_effect_is_not_reported(allow):
    """A value that allowed a drop, or whose object was refused for another reason, is not reported."""
    live = schema(table("t", *T, "legacy int", indexes=[index("v", "t_i")]))

    plan = contract_plan(SchemaFacts([desired(table("t", *T))]), SchemaFacts([live]), SERVER, allow=[allow])

    assert (1, ()) == (len(plan.steps), plan.notes)


def test_drops_are_numbered_in_their_order():
    """An index is dropped before its column, and each is a numbered step."""
    live = schema(table("t", *T, "legacy int", indexes=[index("legacy", "t_i")]))

    plan = contract_plan(SchemaFacts([desired(table("t", *T))]), SchemaFacts([live]), SERVER, allow=["DS103", "DS106"])

    assert [(1, "drop_index"), (2, "drop_columns")] == [(step.seq, step.op) for step in plan.steps]


def test_what_belongs_to_another_repo_is_reported_as_such():
    """An object of another repo is not dropped, whatever is allowed, and the note says so."""
    live = SchemaFacts([schema(table("t", *T), table("theirs", *T))])
    owners = {"theirs": "scope k/other", "gone": "scope k/other"}

    def note(allow):
        plan = contract_plan(SchemaFacts([desired(table("t", *T))]), live, SERVER, allow=[allow], owners=owners)
        assert () == plan.steps
        return str(plan.notes)

    assert "It belongs to scope k/other and is kept." in note("DS102:theirs")
    assert "belongs to" not in note("DS102:gone")
