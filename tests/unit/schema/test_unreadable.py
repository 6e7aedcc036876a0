"""Live objects that cannot be read are a note, or an error if a model declares them."""

from __future__ import annotations

import attrs
import pytest

from scyllamodel.errors import IntrospectionError
from scyllamodel.schema.changes.kinds import AddTable
from scyllamodel.schema.changes.postconditions import is_applied
from scyllamodel.schema.compare.comparison_report import compare_schemas, normalized_to_declared
from scyllamodel.schema.ddl import keyspace_script
from scyllamodel.schema.diff.schema_diff import diff
from scyllamodel.schema.export.facts_json import facts_document
from scyllamodel.schema.export.models.module import module_source
from scyllamodel.schema.export.unsupported import missing_from_script
from scyllamodel.schema.facts.objects import SchemaFacts, Unreadable
from scyllamodel.schema.plan import contract_plan, make_plan
from scyllamodel.schema.plan.transition import transition
from scyllamodel.schema.server.profile import ServerProfile
from support.builders import desired, schema, summaries, table, user_type, view

SERVER = ServerProfile("cassandra", (5, 0, 6))
T = table("t", "id int pk", "v text")
UNREADABLE = [
    Unreadable("function", "f(int)", "deep", "k.f(int) cannot be read"),
    Unreadable("table", "odd", "its option x: nan is not finite", "k.odd cannot be read: nan"),
    Unreadable("type", "odd_type", "deep", "k.odd_type cannot be read"),
    Unreadable("view", "odd_view", "its option x", "k.odd_view cannot be read"),
]
LIVE = attrs.evolve(schema(T), unreadable=UNREADABLE)

DECLARED = [
    (table("odd", "id int pk"), "k.odd cannot be read: nan"),
    (view("odd", "t", "v text pk", "id int ck"), "k.odd cannot be read: nan"),
    (view("odd_view", "t", "v text pk", "id int ck"), "k.odd_view cannot be read"),
    (user_type("odd_type", "x int"), "k.odd_type cannot be read"),
]


def test_what_no_model_declares_is_a_note():
    """The note has the object and the reason, and the rest of the plan is unchanged."""
    plan = make_plan(desired(T, table("u")), LIVE, SERVER)

    assert make_plan(desired(T, table("u")), schema(T), SERVER).cql == plan.cql != []
    assert [("BC103", f"k.{item.name}", True) for item in UNREADABLE] == [
        (note.code, note.object, f"no model declares this {item.kind}" in note.text and item.reason in note.text)
        for item, note in zip(UNREADABLE, plan.notes, strict=True)
    ]


@pytest.mark.parametrize(("declared", "error"), DECLARED, ids=lambda case: getattr(case, "name", ""))
@pytest.mark.parametrize(
    "compare",
    [
        lambda want: diff(LIVE, want, SERVER),
        lambda want: make_plan(want, LIVE, SERVER),
        lambda want: contract_plan(SchemaFacts([want]), SchemaFacts([LIVE]), SERVER, allow={"DS102"}),
        lambda want: transition(LIVE, want, SERVER),
        lambda want: normalized_to_declared(SchemaFacts([LIVE]), SchemaFacts([want]), SERVER),
    ],
)
def test_what_a_model_declares_is_an_error(compare, declared, error):
    """An object that could not be read is never treated as missing."""
    with pytest.raises(IntrospectionError, match=error):
        compare(desired(T, declared))


def test_a_step_is_not_proved_by_what_cannot_be_read():
    """A step on an unreadable object counts neither as done nor as missing."""
    with pytest.raises(IntrospectionError):
        is_applied(AddTable("k", table("odd", "id int pk")), LIVE, SERVER)


def test_nothing_drops_what_cannot_be_read():
    """Neither contract nor a transition to another schema drops an unreadable object."""
    plan = contract_plan(SchemaFacts([desired(T)]), SchemaFacts([LIVE]), SERVER, allow={"DS102", "DS104", "DS105"})

    assert ([], []) == (plan.cql, summaries(transition(LIVE, schema(T), SERVER)))


def test_every_output_names_what_cannot_be_read():
    """CQL, JSON, generated models and differences list unreadable objects with the reason."""
    expected = [(item.kind, item.name, f"it cannot be read: {item.reason}") for item in UNREADABLE]

    assert expected == [attrs.astuple(item) for item in missing_from_script(LIVE)]
    assert expected == [
        tuple(item.values()) for item in facts_document(SchemaFacts([LIVE]))["keyspaces"][0]["left_out"]
    ]
    assert keyspace_script(LIVE, SERVER) == keyspace_script(schema(T), SERVER)
    assert 4 == module_source(LIVE, SERVER).count("is left out: it cannot be read: ")
    assert {("-", item.kind, f"k.{item.name}") for item in UNREADABLE} == {
        (difference.mark, difference.what, difference.object)
        for difference in compare_schemas(SchemaFacts([LIVE]), SchemaFacts([schema(T)]))
    }
