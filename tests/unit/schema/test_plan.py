"""Plans: their order, text and file."""

from __future__ import annotations

import json

import attrs
import pytest

from scyllamodel.errors import ConfigurationError, DestructiveChangeRefused, ImpossibleChange, KeyspaceError
from scyllamodel.schema.changes.kinds import AddColumns, DropColumns, DropIndex, DropTable, DropType, DropView
from scyllamodel.schema.facts.objects import Keyspace, KeyspaceFacts, SchemaFacts
from scyllamodel.schema.plan import Plan, make_plan, make_step
from scyllamodel.schema.server.profile import ServerProfile
from support.builders import NTS, desired, index, schema, table, user_type, view
from support.json_schemas import faults

CASSANDRA, SCYLLA = ServerProfile("cassandra", (5, 0, 6)), ServerProfile("scylla", (2025, 4))
T = ("id int pk", "at int ck", "a text")
LIVE = schema(
    table("old", *T, "x int", options={"comment": "", "default_time_to_live": 0, "compaction": {"class": "A"}}),
    table("gone"),
    user_type("point", "x int"),
)
MODELS = desired(
    user_type("point", "x int", "y int"),
    user_type("place", "p frozen<point>"),
    table(
        "old", *T, "b text", "c int static",
        indexes=[index("a", "by_a")],
        options={"comment": "it's", "default_time_to_live": 60, "compaction": {"class": "B"}},
    ),
    table("new", *T),
    view("v", "old", "a text pk", "id int ck", "at int ck"),
)  # fmt: skip
PLAN = make_plan(MODELS, LIVE, CASSANDRA)


def test_steps_stand_in_the_order_in_which_they_can_run():
    """Steps are ordered as types, fields, tables, columns, options, indexes and views, with their numbers."""
    assert [
        (1, "add_type", "k.place", "CREATE TYPE k.place (p frozen<point>)"),
        (2, "add_field", "k.point.y", "ALTER TYPE k.point ADD y int"),
        (3, "add_table", "k.new", PLAN.cql[2]),
        (4, "add_columns", "k.old", "ALTER TABLE k.old ADD (c int STATIC, b text)"),
        (5, "set_options", "k.old", PLAN.cql[4]),
        (6, "add_index", "k.by_a", "CREATE INDEX by_a ON k.old (a)"),
        (7, "add_view", "k.v", PLAN.cql[6]),
    ] == [(step.seq, step.op, step.object, step.cql) for step in PLAN.steps]


def test_steps_have_an_undo():
    """Each step has the statement that undoes it, or a reason why it has none."""
    undo = [step.undo for step in PLAN.steps]

    assert "DROP TYPE k.place" == undo[0]
    assert (None, "CQL cannot remove a field from a type") == (undo[1], PLAN.steps[1].why_no_undo)
    assert ["DROP TABLE k.new", "ALTER TABLE k.old DROP (c, b)"] == undo[2:4]
    assert "comment = ''" in undo[4]
    assert ["DROP INDEX k.by_a", "DROP MATERIALIZED VIEW k.v"] == undo[5:]
    assert [step.undo is not None for step in PLAN.steps] == [step.reversible for step in PLAN.steps]


def test_a_column_that_cassandra_never_drops():
    """A non-frozen user type column cannot be dropped on Cassandra, and can on ScyllaDB."""
    change = AddColumns("k", "t", (table("t", "id int pk", "u addr")["u"],))

    assert "Cassandra cannot drop u: a non-frozen user type" == make_step(1, change, (), CASSANDRA).why_no_undo
    assert "ALTER TABLE k.t DROP u" == make_step(1, change, (), SCYLLA).undo


def test_steps_know_their_cost():
    """Indexes and views on existing rows and other compaction settings have a cost, and the rest is metadata."""
    assert ["metadata"] * 4 + ["rewrite", "background_build", "background_build"] == [s.cost for s in PLAN.steps]
    assert [["OP103"], ["IX101"], ["MV101"]] == [[lint.code for lint in step.lints] for step in PLAN.steps[4:]]
    assert ["OP103", "IX101", "MV101"] == [lint.code for lint in PLAN.lints]


@pytest.mark.parametrize(
    ("change", "loses"),
    [
        (DropTable("k", table("t")), True),
        (DropColumns("k", "t", table("t", "id int pk", "v int").columns[1:]), True),
        (DropType("k", user_type("p", "x int")), True),
        (DropView("k", view("v", "t", "id int pk")), False),
        (DropIndex("k", table("t"), index("id")), False),
    ],
    ids=lambda x: type(x).__name__,
)
def test_drops_say_what_they_lose(change, loses):
    """A step that loses rows, values or types is marked so, and one on a view or an index is not."""
    step = make_step(1, change, (), CASSANDRA)

    assert ("-", loses) == (step.mark, step.data_loss)
    assert step.summary.startswith("Drop the ")


def test_what_is_live_and_undeclared_is_noted():
    """Undeclared objects are listed as notes beside the steps."""
    assert [("BC103", "k.old.x"), ("BC103", "k.gone")] == [(note.code, note.object) for note in PLAN.notes]


TEXT = """\
k on cassandra 5.0.6: 6 to add, 1 to change, 0 to destroy.

  +  1. Create the user type k.place with 1 field.
        CREATE TYPE k.place (p frozen<point>)
  +  2. Add the field y to the user type k.point.
        ALTER TYPE k.point ADD y int
        no undo: CQL cannot remove a field from a type"""


def test_the_text_is_for_people():
    """The text has a headline, numbered steps with marks and statements, and notes on each."""
    text = PLAN.render(80)

    assert TEXT.splitlines() == text.splitlines()[:7]
    assert "        . OP103 default_time_to_live applies to rows written from now on;" in text
    assert "Notes:\n  . BC103 k.old.x: no model declares this column; it is not changed" in text
    assert all(line.rstrip() == line and "\x1b" not in line for line in text.splitlines())


@pytest.mark.parametrize("width", [40, 80, 200])
def test_statements_are_never_wrapped(width):
    """Lines of a statement are never wrapped, and other text is, at any width."""
    text = PLAN.render(width)
    statements = {line.strip() for cql in PLAN.cql for line in cql.splitlines()}

    assert statements <= {line.strip() for line in text.splitlines()}
    assert all(len(line) <= width for line in text.splitlines() if line.strip() not in statements)


def test_a_line_break_in_a_literal_forges_no_line():
    """A line break in a literal is escaped in the printed plan, and not in the statement."""
    models = desired(table("t", "id int pk", options={"comment": "one\ntwo 'x'"}))
    plan = make_plan(models, schema(), CASSANDRA)

    assert "comment = 'one\\ntwo ''x'''" in plan.render()
    assert "comment = 'one\ntwo ''x'''" in plan.cql[0]


def test_nothing_to_do_is_one_line():
    """The text of an empty plan is one line."""
    plan = make_plan(desired(table("old", *T, "x int")), LIVE, CASSANDRA)

    assert "k on cassandra 5.0.6: nothing to do, the schema matches the models." == plan.render().splitlines()[0]
    assert plan.is_empty
    assert [] == plan.cql


REFUSING = make_plan(desired(table("old", "key int pk from=id", "at int ck desc", "a int", "n int")), LIVE, CASSANDRA)


def test_refusals_come_all_at_once():
    """All refusals are reported with advice, allowed steps are shown, and nothing runs."""
    text = REFUSING.render()

    assert ["BC101", "PK102", "TY101"] == [refusal.code for refusal in REFUSING.refusals]
    assert ["ALTER TABLE k.old ADD n int"] == REFUSING.cql
    assert "1 to add, 0 to change, 0 to destroy, 3 refused: nothing runs." in text
    assert "Not run because of the refusals below:" in text
    assert "  ! TY101 k.old.a: the column is text, but int in the model\n      1. Keep" in text
    assert not REFUSING.is_empty
    with pytest.raises(ImpossibleChange, match=r"(?s)3 changes are refused.*BC101.*PK102.*TY101"):
        REFUSING.raise_refused()


def test_what_is_allowed_runs():
    """A rename, refused by default, runs with a warning when it is allowed."""
    models = desired(table("old", "key int pk from=id", *T[1:]))
    refusal = make_plan(models, LIVE, CASSANDRA)
    with pytest.raises(DestructiveChangeRefused, match="one change is refused"):
        refusal.raise_refused()
    (step,) = make_plan(models, LIVE, CASSANDRA, allow={"BC101:old.id"}).steps

    assert ("~", "ALTER TABLE k.old RENAME id TO key", "ALTER TABLE k.old RENAME key TO id") == (
        step.mark,
        step.cql,
        step.undo,
    )
    assert [("BC101", "warn")] == [(lint.code, lint.severity) for lint in step.lints]


def test_a_missing_keyspace_is_refused_or_made():
    """A missing keyspace is refused, or on request created first, with one copy on one node."""
    nothing, models = schema(keyspace=None), desired(table("t"))
    with pytest.raises(KeyspaceError):
        make_plan(models, nothing, CASSANDRA).raise_refused()
    plan = make_plan(models, nothing, CASSANDRA, create_keyspace=True, topology={"dc1": 1})
    (first,) = plan.bootstrap

    assert (0, "create_keyspace", "k") == (first.seq, first.op, first.object)
    assert "{'class': 'NetworkTopologyStrategy', 'dc1': '1'}" in first.cql
    assert ["KS102"] == [lint.code for lint in first.lints]
    assert 1 == len(plan.cql)
    assert "First, before the plan:\n  +     Create the keyspace k." in plan.render()


@pytest.mark.parametrize("topology", [None, {}, {"dc1": 3}, {"dc1": 1, "dc2": 1}])
def test_copies_are_a_decision(topology):
    """The replication for several nodes has no default."""
    models = desired(table("t"))
    plan = make_plan(models, schema(keyspace=None), CASSANDRA, create_keyspace=True, topology=topology)

    assert ["KS100"] == [refusal.code for refusal in plan.refusals]
    assert () == plan.bootstrap
    with pytest.raises(KeyspaceError, match="no replication is configured"):
        plan.raise_refused()


def test_several_keyspaces_make_one_plan():
    """Keyspaces are ordered by name, and steps are numbered throughout."""
    models = SchemaFacts([KeyspaceFacts(name, Keyspace(name, NTS), tables=[table("t")]) for name in ("b", "a")])
    plan = make_plan(models, SchemaFacts(), CASSANDRA, create_keyspace=True)

    assert "a, b" == plan.keyspace
    assert [(-1, "a"), (0, "b")] == [(step.seq, step.object) for step in plan.bootstrap]
    assert [(1, "a.t"), (2, "b.t")] == [(step.seq, step.object) for step in plan.steps]


@pytest.mark.parametrize(
    "plan", [PLAN, REFUSING, make_plan(desired(), LIVE, SCYLLA)], ids=["steps", "refused", "empty"]
)
def test_a_saved_plan_is_the_same_plan(plan, tmp_path):
    """A loaded plan equals the original without its changes, and its file matches the published schema."""
    plan.save(tmp_path / "plan.json")
    loaded = Plan.load(tmp_path / "plan.json")

    assert [] == faults(json.loads((tmp_path / "plan.json").read_text(encoding="utf-8")))
    assert plan == loaded
    assert (plan.fingerprint, plan.render(), plan.to_dict()) == (loaded.fingerprint, loaded.render(), loaded.to_dict())
    assert {None} >= {step.change for step in loaded.steps}


def test_the_document_is_the_published_one():
    """The names and values of the document are those of the published format."""
    document = PLAN.to_dict()

    assert (1, "plan", "k", "cassandra 5.0.6", False) == tuple(
        document[name] for name in ("format", "kind", "keyspace", "server", "empty")
    )
    assert {"add": 6, "change": 1, "destroy": 0, "refused": 0} == document["summary"]
    assert document["hash"] == PLAN.fingerprint
    assert {"seq": 6, "op": "add_index", "object": "k.by_a", "cost": "background_build"}.items() <= document["steps"][
        5
    ].items()


def _altered(value):
    value["steps"][0]["cql"] = "DROP KEYSPACE k"


def _older(value):
    value["format"] = 0


def _other(value):
    value["kind"] = "result"


def _shorter(value):
    del value["steps"][0]["cql"]


@pytest.mark.parametrize(
    ("change", "message"),
    [(_altered, "was altered"), (_older, "format-1"), (_other, "format-1"), (_shorter, "not a plan")],
)
def test_a_file_that_is_no_such_plan(change, message, tmp_path):
    """Another document, and an altered or outdated one, are errors with the file name and advice."""
    document = PLAN.to_dict()
    change(document)
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=message) as exc_info:
        Plan.load(path)

    assert str(path) in str(exc_info.value)


@pytest.mark.parametrize("text", ["", "[]", "7", "{", '{"kind": "plan", "format": 1}'])
def test_a_file_that_is_no_json(text, tmp_path):
    """Any file that is not JSON is an error of this package."""
    (tmp_path / "plan.json").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError):
        Plan.load(tmp_path / "plan.json")
    with pytest.raises(ConfigurationError, match="not a plan"):
        Plan.load(tmp_path / "nowhere.json")


def test_a_plan_is_known_by_what_it_does():
    """The fingerprint depends on statements, start and refusals, and not on the server version."""
    same = make_plan(MODELS, LIVE, attrs.evolve(CASSANDRA, version=(5, 0, 7)))
    tuned = attrs.evolve(LIVE, tables=[*LIVE.tables[:-1], attrs.evolve(LIVE.tables[-1], options={"comment": "z"})])
    others = [
        make_plan(MODELS, tuned, CASSANDRA),
        make_plan(attrs.evolve(MODELS, views=[]), LIVE, CASSANDRA),
        REFUSING,
    ]

    assert PLAN.fingerprint == same.fingerprint
    assert 4 == len({PLAN.fingerprint, *(other.fingerprint for other in others)})


def test_fingerprints_are_the_same_on_every_machine():
    """The fingerprint depends on the canonical text, and is the same on every machine."""
    assert "sha256:b0bc63f45f9be654d79fdafb9f3351faf4127bc6a7162d28d1b3027855d3f047" == PLAN.schema_from
    assert "sha256:5da46cadf9916ad3b9775e776201ff24046bb917cc40e2aa25e7648d8e9f0055" == PLAN.schema_to


def test_notebooks_show_escaped_text():
    """Names and statements in the HTML of a plan are escaped."""
    html = make_plan(desired(table("t", options={"comment": "<script>"})), schema(), CASSANDRA)._repr_html_()

    assert "&lt;script&gt;" in html
    assert "<script>" not in html
    assert "<table>" not in make_plan(desired(), schema(), CASSANDRA)._repr_html_()
