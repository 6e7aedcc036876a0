"""Rollbacks: which versions are undone, with which statements, and what is refused."""

from __future__ import annotations

import contextlib

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scyllamodel._backoff import Clock
from scyllamodel.errors import (
    ConfigurationError,
    DestructiveChangeRefused,
    ForeignVersion,
    ImpossibleChange,
    IrreversibleStep,
    LedgerError,
    UnknownVersion,
)
from scyllamodel.release.engine.raw_steps import RawStep, with_raw_steps
from scyllamodel.release.ledger import LedgerStep, Migration
from scyllamodel.release.ledger.records import rollback_name, undo_reference
from scyllamodel.release.rollback import RollbackTarget, find_target, rollback_plan
from scyllamodel.release.rollback.plan import schema_at
from scyllamodel.release.rollback.raw_undo import statement_digest
from scyllamodel.schema.apply import apply
from scyllamodel.schema.changes import kinds as c
from scyllamodel.schema.changes.as_json import change_to_json
from scyllamodel.schema.diff.schema_diff import diff
from scyllamodel.schema.facts.fingerprint import fingerprint
from scyllamodel.schema.facts.objects import FrozenMap, SchemaFacts
from scyllamodel.schema.plan import make_plan
from scyllamodel.schema.plan.step import is_step, make_step
from scyllamodel.schema.rules.allow import checked_values
from scyllamodel.schema.rules.raw_statements import RawStatementChecker
from scyllamodel.schema.server.profile import ServerProfile
from support.builders import index, schema, table, user_type, view
from support.earlier_schemas import earlier
from support.histories import CHOICES, Killed, World, declared
from support.ledger_store import MemoryStore, ledger_on
from support.simulator import Simulator
from support.strategies import keyspaces

CASSANDRA, SCYLLA = ServerProfile("cassandra", (5, 0, 6)), ServerProfile("scylla", (2025, 4))
ALL = {"DS102", "DS103", "DS104", "DS105", "BC101"}

T = ("id int pk", "at int ck", "a text")
TABLE = table("t", *T)
GROWN = table("t", *T, "n int", "s int static")
COLUMNS = c.AddColumns("k", "t", (GROWN["n"], GROWN["s"]))
INDEX = c.AddIndex("k", TABLE, index("a", "i"))
INDEXED = table("t", *T, indexes=[INDEX.index])
V = view("v", "t", "a text pk", "id int ck", "at int ck")
VIEW = c.AddView("k", V)
POINT = user_type("point", "x int")
TYPE = c.AddType("k", POINT)
FIELD = c.AddField("k", "point", "y", POINT.fields[0][1])
HOLDER = table("h", "id int pk", "p frozen<point>")
UDT = c.AddColumns("k", "t", (table("t", *T, "p point")["p"],))
OPTIONS = c.SetOptions("k", "t", FrozenMap({"gc_grace_seconds": 5}), FrozenMap({"gc_grace_seconds": 9}))
RENAME = c.RenameKeyColumns("k", "t", (("id", "key"),))


def with_options(seconds):
    """Table ``t`` with an option."""
    return table("t", *T, options={"gc_grace_seconds": seconds})


def stored(change, seq=1, state="applied", server=CASSANDRA, **facts):
    """A step as stored in the ledger."""
    step = make_step(seq, change, (), server)
    columns = {name: getattr(step, name) for name in ("op", "object", "cql", "undo")}
    return attrs.evolve(
        LedgerStep("k/default", 1, seq, **columns, state=state, change_json=change_to_json(change)), **facts
    )


def raw(cql, undo, seq=1, **facts):
    """A hand-written step as stored in the ledger."""
    return LedgerStep("k/default", 1, seq, "run", cql[:60], cql, undo, **{"state": "applied", **facts})


def undoing(value, *steps, allow=(), server=CASSANDRA, code=()):
    """The plan that undoes versions with these steps, newest first."""
    return planned(value, *steps, allow=allow, server=server, code=code).plan


def planned(value, *steps, allow=(), server=CASSANDRA, code=()):
    """The plan that undoes them, together with the steps that have no inverse."""
    versions = tuple(
        Migration("k/default", number, total=len(part), steps=tuple(attrs.evolve(s, version=number) for s in part))
        for number, part in sorted(enumerate(reversed(steps), 1), reverse=True)
    )
    return rollback_plan(RollbackTarget(0, "", versions), SchemaFacts([value]), server, allow=allow, steps=code)


# the live keyspace, the change to undo, the statement that does it, the code that has to be allowed
UNDONE = [
    ("type", schema(POINT), TYPE, "DROP TYPE k.point", "DS104:k.point"),
    (
        "type that grew manually",
        schema(user_type("point", "x int", "z int")),
        TYPE,
        "DROP TYPE k.point",
        "DS104:k.point",
    ),
    ("table", schema(TABLE), c.AddTable("k", TABLE), "DROP TABLE k.t", "DS102:k.t"),
    ("columns", schema(GROWN), COLUMNS, "ALTER TABLE k.t DROP (s, n)", None),
    (
        "columns, one of which is gone",
        schema(table("t", *T, "n int")),
        COLUMNS,
        "ALTER TABLE k.t DROP n",
        "DS103:k.t.n",
    ),
    ("index", schema(INDEXED), INDEX, "DROP INDEX k.i", ""),
    ("view", schema(TABLE, V), VIEW, "DROP MATERIALIZED VIEW k.v", "DS105:k.v"),
    ("options", schema(with_options(5)), OPTIONS, "ALTER TABLE k.t WITH gc_grace_seconds = 9", ""),
    (
        "options that were changed",
        schema(with_options(7)),
        OPTIONS,
        "ALTER TABLE k.t WITH gc_grace_seconds = 9",
        "",
    ),
    ("rename", schema(table("t", "key int pk")), RENAME, "ALTER TABLE k.t RENAME key TO id", "BC101:k.t.key"),
]


@pytest.mark.parametrize(("value", "change", "cql", "code"), [case[1:] for case in UNDONE], ids=[u[0] for u in UNDONE])
def test_each_kind_of_step_is_undone_by_one_statement(value, change, cql, code):
    """A statement that loses data is refused until its code or object is allowed, and is in the plan in any case."""
    step = stored(change)
    plan = undoing(value, [step], allow=ALL)

    assert [cql] == plan.cql
    assert plan.refusals == ()
    assert plan.steps[0].change is not None
    refused_plan = undoing(value, [step])
    assert [cql] == refused_plan.cql
    assert (code == "") == (refused_plan.refusals == ())
    if code != "":
        assert [lint for lint in refused_plan.steps[0].lints if lint.severity == "error"] == [*refused_plan.refusals]
        assert f"! {refused_plan.refusals[0].code}" in refused_plan.render()
        with pytest.raises(DestructiveChangeRefused):
            refused_plan.raise_refused()
    if code:
        assert [code] == [refusal.allow for refusal in refused_plan.refusals]
        assert () == undoing(value, [step], allow={code.replace("k.", "", 1)}).refusals


# the live keyspace, the change that is undone already
ALREADY = [
    ("type", schema(), TYPE),
    ("table", schema(), c.AddTable("k", TABLE)),
    ("columns", schema(TABLE), COLUMNS),
    ("columns and their table", schema(), COLUMNS),
    ("index", schema(TABLE), INDEX),
    ("index and its table", schema(), INDEX),
    ("view", schema(TABLE), VIEW),
    ("options", schema(with_options(9)), OPTIONS),
    ("options and their table", schema(), OPTIONS),
    ("rename", schema(table("t", "id int pk")), RENAME),
    ("rename and its table", schema(), RENAME),
]


@pytest.mark.parametrize(("value", "change"), [case[1:] for case in ALREADY], ids=[case[0] for case in ALREADY])
def test_what_is_undone_already_is_left_out(value, change):
    """A rollback that was interrupted resumes, and steps that are undone already need no permission."""
    assert undoing(value, [stored(change)]).is_empty


# the live keyspace, the change, the server, the codes of what stands in the way, and some of its words
OBSTACLES = [
    ("type of a column", schema(POINT, HOLDER), TYPE, CASSANDRA, "RB103", "the column h.p depends"),
    ("type inside a column", schema(POINT, table("h", "id int pk", "p list<frozen<point>>")), TYPE, CASSANDRA, "RB103",
     "the column h.p depends"),
    ("type in a type", schema(POINT, user_type("line", "a frozen<point>")), TYPE, CASSANDRA, "RB103",
     "the field line.a depends"),
    ("another type", schema(user_type("point", "x text")), TYPE, CASSANDRA, "RB104", "its fields"),
    ("table under a view", schema(TABLE, V), c.AddTable("k", TABLE), CASSANDRA, "MV102", "the view v"),
    ("another table", schema(table("t", "id text pk")), c.AddTable("k", TABLE), CASSANDRA, "RB104", "another key"),
    ("column under an index", schema(table("t", *T, "n int", "s int static", indexes=[index("n", "x")])), COLUMNS,
     CASSANDRA, "RB103", "the index x depends"),
    ("column in a view, on Cassandra", schema(GROWN, view("v", "t", "n int pk", "id int ck", "at int ck")), COLUMNS,
     CASSANDRA, "MV102", "the view v"),
    ("column in a view", schema(GROWN, view("v", "t", "n int pk", "id int ck", "at int ck")), COLUMNS, SCYLLA, "MV102",
     "the view v"),
    ("another column", schema(table("t", *T, "n text", "s int static")), COLUMNS, CASSANDRA, "RB104", "it is text"),
    ("another index", schema(table("t", *T, indexes=[index("at", "i")])), INDEX, CASSANDRA, "RB104", "its target"),
    ("another view", schema(TABLE, view("v", "t", "at int pk", "id int ck")), VIEW, CASSANDRA, "RB104", "its table"),
    ("renamed again", schema(table("t", "other int pk")), RENAME, CASSANDRA, "RB104", "renamed or dropped"),
    ("a dropped type whose name is taken", schema(user_type("point", "x text")), c.DropType("k", POINT), CASSANDRA,
     "RB104", "has its name"),
    ("a dropped table whose name is taken", schema(table("t", "id text pk")), c.DropTable("k", TABLE), CASSANDRA,
     "RB104", "has its name"),
    ("a dropped column whose name is taken", schema(table("t", *T, "n text")), COLUMNS.inverse(), CASSANDRA,
     "RB104 TY105", "has its name"),
    ("a dropped column whose table is gone", schema(), COLUMNS.inverse(), CASSANDRA, "RB104", "it no longer exists"),
    ("a dropped index whose table is gone", schema(), INDEX.inverse(), CASSANDRA, "RB104", "it no longer exists"),
    ("a dropped view whose table is gone", schema(), VIEW.inverse(), CASSANDRA, "RB104", "it no longer exists"),
]  # fmt: skip


def test_views_of_a_table_that_loses_a_column_go_and_come_back():
    """On Cassandra the views of a table are dropped before its column if that is allowed, and created again."""
    steps = [stored(COLUMNS)]
    refused_plan = undoing(schema(GROWN, V), steps, allow={"DS103"})
    plan = undoing(schema(GROWN, V), steps, allow={"DS103", "DS105"})
    scylla = undoing(schema(GROWN, V), [stored(COLUMNS, server=SCYLLA)], allow={"DS103"}, server=SCYLLA)

    assert ["DS105"] == [refusal.code for refusal in refused_plan.refusals]
    assert ["drop_view", "drop_columns", "add_view"] == [step.op for step in plan.steps]
    assert ["drop_columns"] == [step.op for step in scylla.steps]


def test_a_table_whose_column_holds_a_type_of_another_definition_is_created_again():
    """No server drops a type in use or changes the type of a dropped column, so the table is recreated under DS102."""
    text_point = user_type("point", "x text")
    contracted = [stored(c.DropTable("k", HOLDER)), stored(c.DropType("k", POINT), 2)]
    migrated = [stored(c.AddType("k", text_point)), stored(c.AddTable("k", HOLDER), 2)]
    refused_plan = undoing(schema(text_point, HOLDER), migrated, contracted)
    plan = undoing(schema(text_point, HOLDER), migrated, contracted, allow={"DS102:h", "DS104:point"})

    assert ["DS102:k.h", "DS104:k.point"] == [refusal.allow for refusal in refused_plan.refusals]
    assert () == plan.refusals
    assert ["drop_table", "drop_type", "add_type", "add_table"] == [step.op for step in plan.steps]
    assert fingerprint(SchemaFacts([schema(POINT, HOLDER)])) == plan.schema_to


def test_a_column_that_would_come_back_with_another_type_is_refused_beforehand():
    """A column that returns with another type after the plan drops its name is refused as TY105."""
    column, other = table("t", *T, "n int")["n"], table("t", *T, "n text")["n"]
    steps = [stored(c.AddColumns("k", "t", (other,)))], [stored(c.DropColumns("k", "t", (column,)))]
    plan = undoing(schema(table("t", *T, "n text")), *steps, allow=ALL)

    assert [("TY105", "k.t.n")] == [(refusal.code, refusal.object) for refusal in plan.refusals]


@pytest.mark.parametrize(
    ("value", "change", "server", "code", "messages"), [case[1:] for case in OBSTACLES], ids=[o[0] for o in OBSTACLES]
)
def test_what_stands_in_the_way_is_named_before_anything_runs(value, change, server, code, messages):
    """Dependent or replaced objects of others are refused before anything runs, whatever is allowed."""
    plan = undoing(value, [stored(change, server=server)], allow=ALL, server=server)

    assert set(code.split()) == {refusal.code for refusal in plan.refusals}
    assert any(messages in refusal.text for refusal in plan.refusals)
    with pytest.raises(ImpossibleChange):
        plan.raise_refused()


def test_earlier_undo_steps_are_no_obstacles():
    """Dependents that the same rollback drops first, such as a view of a column, do not prevent it."""
    facts = schema(POINT, HOLDER, attrs.evolve(GROWN, indexes=[INDEX.index, index("n", "x")]), V)
    changes = [TYPE, c.AddTable("k", HOLDER), COLUMNS, INDEX, c.AddIndex("k", GROWN, index("n", "x")), VIEW]
    plan = undoing(facts, [stored(change, seq) for seq, change in enumerate(changes, 1)], allow=ALL)

    assert [
        "DROP MATERIALIZED VIEW k.v",
        "DROP INDEX k.i",
        "DROP INDEX k.x",
        "ALTER TABLE k.t DROP (s, n)",
        "DROP TABLE k.h",
        "DROP TYPE k.point",
    ] == plan.cql
    assert [1, 2, 3, 4, 5, 6] == [step.seq for step in plan.steps]
    assert fingerprint(SchemaFacts([schema(TABLE)])) == plan.schema_to


def test_versions_go_newest_first_and_each_statement_sees_what_those_before_it_left():
    """An option with several changes is restored at once, and a column that was added twice is dropped once."""
    change = c.SetOptions("k", "t", FrozenMap({"gc_grace_seconds": 7}), FrozenMap({"gc_grace_seconds": 5}))
    inverse = c.SetOptions("k", "t", FrozenMap({"gc_grace_seconds": 5}), FrozenMap({"gc_grace_seconds": 7}))
    live = attrs.evolve(GROWN, options={"gc_grace_seconds": 5})
    newest, middle, oldest = (
        [stored(inverse), stored(COLUMNS, 2)],
        [stored(change)],
        [stored(OPTIONS), stored(COLUMNS, 2)],
    )
    plan = undoing(schema(live), newest, middle, oldest, allow=ALL)

    assert [
        "ALTER TABLE k.t DROP (s, n)",
        "ALTER TABLE k.t WITH gc_grace_seconds = 9",
    ] == plan.cql


IRREVERSIBLE = [
    ("field", schema(user_type("point", "x int", "y int")), [stored(FIELD)], CASSANDRA, 1),
    ("non-frozen user type on Cassandra", schema(POINT, table("t", *T, "p point")), [stored(UDT)], CASSANDRA, 1),
    ("two of three", schema(user_type("point", "x int", "y int"), table("t", *T, "p point")),
     [stored(FIELD), stored(UDT, 2), stored(INDEX, 3)], CASSANDRA, 2),
    ("a hand-written statement without a way back", schema(), [stored(FIELD, change_json=None)], CASSANDRA, 1),
    ("an unknown change", schema(), [stored(FIELD, change_json='{"=":"BendTime"}')], CASSANDRA, 1),
    ("a difference that no statement makes", schema(),
     [stored(FIELD, change_json=change_to_json(c.Unmanaged("k", "table", "t", TABLE)))], CASSANDRA, 1),
    ("one of two columns", schema(POINT, table("t", *T, "p point", "n int")),
     [stored(c.AddColumns("k", "t", (*UDT.columns, GROWN["n"])))], CASSANDRA, 1),
]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "steps", "server", "count"), [i[1:] for i in IRREVERSIBLE], ids=[i[0] for i in IRREVERSIBLE]
)
def test_steps_without_inverse_are_all_named_and_nothing_runs(value, steps, server, count):
    """All steps without an inverse are listed in one error and refused, whatever is allowed."""
    with pytest.raises(IrreversibleStep, match="nothing ran") as exc_info:
        planned(value, steps, allow=ALL, server=server).raise_refused()

    refusals = undoing(value, steps, allow=ALL, server=server).refusals
    assert count == len(exc_info.value.steps)
    assert all(step.cql in str(exc_info.value) for step in exc_info.value.steps)
    assert ["RB101"] * count == [refusal.code for refusal in refusals]


def test_steps_without_inverse_are_listed_in_the_order_of_the_rollback():
    """Newer versions come first, and within a version later steps."""
    live = schema(user_type("point", "x int", "y int", "z int"), table("t", *T, "p point"))
    fields = [stored(c.AddField("k", "point", name, POINT.fields[0][1]), seq) for seq, name in enumerate("yz", 1)]

    planned_steps = planned(live, [stored(UDT)], fields, allow=ALL).irreversible

    assert [(2, 1), (1, 2), (1, 1)] == [step.key for step in planned_steps]


@pytest.mark.parametrize(
    ("value", "changes", "cql"),
    [
        (schema(user_type("point", "x int", "y int")), [TYPE, FIELD], ["DROP TYPE k.point"]),
        (schema(table("t", *T, "p point")), [c.AddTable("k", TABLE), UDT], ["DROP TABLE k.t"]),
    ],
)
def test_a_step_without_inverse_goes_with_what_it_changed(value, changes, cql):
    """A step without an inverse does not prevent a rollback that drops the whole object."""
    assert cql == undoing(value, [stored(change, seq) for seq, change in enumerate(changes, 1)], allow=ALL).cql


def test_a_raw_statement_is_undone_by_its_own_inverse():
    """The undo is read from the code; the text in the ledger runs only if step and digest are allowed."""
    step = raw("GRANT a TO b", "REVOKE a FROM b")
    code = [RawStep("GRANT a TO b", undo="REVOKE a FROM b")]
    forged = attrs.evolve(step, undo="ALTER ROLE b WITH SUPERUSER = true")
    name = f"RB107:1/1:{statement_digest('REVOKE a FROM b')}"
    unknown = undoing(schema(), [step], allow={"RB107", "RB107:1/1"})

    assert ["REVOKE a FROM b"] == undoing(schema(), [forged], code=code).cql
    assert () == undoing(schema(), [forged], code=code).refusals
    assert [("RB107", name)] == [(refusal.code, refusal.allow) for refusal in unknown.refusals]
    assert 12 == len(name.rpartition(":")[2])
    assert () == undoing(schema(), [step], allow={name}).refusals
    assert ["RB107"] == [refusal.code for refusal in undoing(schema(), [forged], allow={name}).refusals]
    with pytest.raises(IrreversibleStep):
        planned(schema(), [step], code=[RawStep("GRANT a TO b")]).raise_refused()


def test_a_raw_undo_is_checked_as_a_raw_statement():
    """A hand-written undo is checked like a hand-written statement, against the schema that earlier steps leave."""
    cql = "ALTER TABLE k.t ADD m map<text, int>"
    step, code = raw(cql, "ALTER TABLE k.t DROP m"), [RawStep(cql, undo="ALTER TABLE k.t DROP m")]
    indexed = schema(table("t", "a int pk", "m map<text,int>", indexes=[index("m", "i")]))
    free = schema(table("t", "a int pk", "m map<text,int>"))
    scylla = ServerProfile("scylla", (2025, 1, 14))

    assert ["NB101"] == [refusal.code for refusal in undoing(indexed, [step], code=code, server=scylla).refusals]
    assert () == undoing(free, [step], code=code, server=scylla).refusals
    assert ["NB104"] == [refusal.code for refusal in undoing(indexed, [step], code=code).refusals]


def test_a_raw_undo_that_drops_a_keyspace_needs_permission():
    """An undo that drops a keyspace is refused as DS101, can be allowed, and never drops that of the history."""
    cql = "CREATE KEYSPACE old …"
    step, code = raw(cql, "DROP KEYSPACE old"), [RawStep(cql, undo="DROP KEYSPACE old")]
    refused_plan, runs = undoing(schema(), [step], code=code), undoing(schema(), [step], code=code, allow={"DS101:old"})
    own = undoing(schema(), [step], code=[RawStep(cql, undo="DROP KEYSPACE k")], allow={"DS101"})

    assert ["DS101:old"] == [refusal.allow for refusal in refused_plan.refusals]
    assert [("DROP KEYSPACE old", True)] == [(step.cql, step.data_loss) for step in runs.steps]
    assert () == runs.refusals
    assert [("DS101", "")] == [(refusal.code, refusal.allow) for refusal in own.refusals]


BROKEN = "ALTER KEYSPACE {} WITH replication = {{'class': 'NetworkTopologyStrategy', 'dc': '1'}}"
NO_LOG = attrs.evolve(schema().keyspace, durable_writes=False)


@pytest.mark.parametrize(
    ("undo", "codes"),
    [
        (BROKEN.format("k"), ["NB102"]),
        (BROKEN.format("other"), ["NB102"]),
        ("ALTER TABLE k.t ADD (((", ["NB103"]),
        ("DROP KEYSPACE k", ["DS101"]),
        ("REVOKE a FROM b", []),
    ],
)
@pytest.mark.parametrize("stored", [False, True])
def test_a_raw_undo_is_checked_as_any_other_statement(undo, codes, stored):
    """An undo from the code or the ledger is checked against the current schema, and only warned about on recording."""
    step, code = raw("GRANT a TO b", undo), [RawStep("GRANT a TO b", undo=undo)]
    allow = [f"RB107:1/1:{statement_digest(undo)}"] if stored else []
    facts = schema(keyspace=NO_LOG)
    other = attrs.evolve(facts, name="other", keyspace=attrs.evolve(NO_LOG, name="other"))
    target = RollbackTarget(0, "", (Migration("k/default", 1, total=1, steps=(step,)),))
    checker = RawStatementChecker("k", [facts, other], SCYLLA)
    plan = rollback_plan(
        target, SchemaFacts([facts]), SCYLLA, allow=allow, steps=[] if stored else code, evaluator=checker
    ).plan
    checker = RawStatementChecker("k", [facts, other], SCYLLA)
    (planned,) = with_raw_steps(
        make_plan(SchemaFacts([facts]), SchemaFacts([facts]), SCYLLA), code, {"k"}, (), checker
    ).steps

    assert codes == [
        refusal.code for refusal in (*plan.refusals, *(lint for lint in plan.lints if lint.severity == "warn"))
    ]
    assert codes == [lint.code for lint in planned.lints]
    assert codes == [lint.code for lint in plan.lints if lint.code != "RB107"]
    assert {"warn"} >= {lint.severity for lint in planned.lints}
    assert ("which changes roles" in plan.steps[0].summary) == undo.startswith("REVOKE")


def test_a_raw_undo_is_checked_after_the_earlier_ones():
    """An undo is checked after the undo steps of models and of other statements that come before it."""
    steps = [raw("x", "ALTER TABLE k.t DROP n", 1), stored(COLUMNS, 2), raw("y", "CREATE INDEX i ON k.t (s)", 3)]
    code = [
        RawStep("x", undo="ALTER TABLE k.t DROP a"),
        RawStep("y", undo="CREATE INDEX i ON k.t (a) USING 'vector_index'"),
    ]
    plan = undoing(schema(GROWN), steps, code=code, allow=ALL, server=SCYLLA)

    assert ["CREATE INDEX i ON k.t (a) USING 'vector_index'", "ALTER TABLE k.t DROP a"] == [plan.cql[0], plan.cql[-1]]
    assert ["NB102"] == [refusal.code for refusal in plan.refusals]


def test_an_undo_by_hand_may_need_what_the_models_undo_first():
    """A hand-written undo may depend on undo steps of models, such as dropping a type after the table that uses it."""
    steps = [raw("x", "DROP TYPE k.point", 1), stored(c.AddTable("k", HOLDER), 2)]
    plan = undoing(schema(POINT, HOLDER), steps, code=[RawStep("x", undo="DROP TYPE k.point")], allow=ALL)

    assert (["DROP TABLE k.h", "DROP TYPE k.point"], ()) == (plan.cql, plan.refusals)


@pytest.mark.parametrize(("undo", "fix"), [("DELETE x", "If it ran: DELETE x"), (None, "If it ran: undo it manually")])
def test_an_interrupted_statement_by_hand_is_noted(undo, fix):
    """An interrupted hand-written step is noted and not undone, and a failed one is not mentioned."""
    interrupted = undoing(schema(), [raw("INSERT x", undo, state="claimed")])
    failed = undoing(schema(), [raw("INSERT x", undo, state="failed")])

    assert [("RB105", fix)] == [(note.code, note.fix) for note in interrupted.notes]
    assert ([], ()) == (interrupted.cql, failed.notes)


def test_an_undo_on_roles_that_the_ledger_calls_done_is_pointed_out():
    """The plan notes an undo on roles that the ledger marks as done, since a forged row could suppress it."""
    step, code = raw("GRANT a TO b", "REVOKE a FROM b"), [RawStep("GRANT a TO b", undo="REVOKE a FROM b")]
    ledger_step = LedgerStep("k/default", 2, 1, "undo_run", "x", "REVOKE a FROM b", None, "applied")
    versions = (
        Migration(
            "k/default",
            2,
            "back to 0",
            "rollback",
            "partial",
            total=1,
            steps=(attrs.evolve(ledger_step, change_json=undo_reference(1, 1)),),
        ),
        Migration("k/default", 1, status="applied", total=1, steps=(step,)),
    )
    plan = rollback_plan(RollbackTarget(0, "", versions), SchemaFacts([schema()]), CASSANDRA, steps=code).plan
    data = attrs.evolve(versions[1], steps=(raw("INSERT x", "DELETE x"),))
    other = rollback_plan(RollbackTarget(0, "", (versions[0], data)), SchemaFacts([schema()]), CASSANDRA).plan

    assert ([], ["LG106"]) == (plan.cql, [note.code for note in plan.notes])
    assert ([], ()) == (other.cql, other.notes)


@pytest.mark.parametrize(
    ("state", "notes"), [("skipped", []), ("failed", ["RB105"]), ("not_applied", ["RB105"]), ("claimed", ["RB105"])]
)
def test_only_what_was_applied_is_taken_back(state, notes):
    """An object of unknown origin is noted if it exists, and changes of others are kept."""
    plan = undoing(schema(GROWN), [stored(COLUMNS, state=state)], allow=ALL)

    assert ([], notes) == (plan.cql, [note.code for note in plan.notes])
    assert () == undoing(schema(TABLE), [stored(COLUMNS, state=state)]).notes


def test_what_people_added_to_a_table_is_named_when_the_table_goes():
    """Columns that were added later are a warning of the step that drops their table."""
    plan = undoing(schema(GROWN), [stored(c.AddTable("k", TABLE))], allow=ALL)

    assert {"RB104", "DS102"} == {lint.code for lint in plan.steps[0].lints}


def test_a_plan_prints_as_json_and_text():
    """A rollback plan can be printed as JSON and as text."""
    plan = undoing(schema(INDEXED), [stored(INDEX)])

    assert "DROP INDEX k.i" in plan.render()
    assert plan.to_dict()["steps"][0]["op"] == "drop_index"


def _named(kind, number):
    return rollback_name(number - 2) if kind == "rollback" else ""


def history(*output):
    """Versions, newest first, from ``number kind status [models]``."""
    return [
        Migration("k/default", int(n), _named(kind, int(n)), kind, status, models=models, models_to=f"fp{n}")
        for n, kind, status, *models in map(str.split, output)
    ]


PAST = history(
    "9 sync partial", "8 rollback applied", "7 sync rolled_back", "6 migrate applied", "5 sync failed",
    "4 sync abandoned", "3 baseline baseline", "2 rollback partial", "1 sync applied",
)  # fmt: skip


@pytest.mark.parametrize(
    ("version", "undone", "models_fp"),
    [
        (8, [9], "fp8"),
        ("8", [9], "fp8"),
        (6, [9], "fp6"),
        (" 6 ", [9], "fp6"),
        (3, [9, 6, 5], "fp3"),
        (1, [9, 6, 5, 2], "fp1"),
        (0, [9, 6, 5, 2, 1], ""),
        ("0", [9, 6, 5, 2, 1], ""),
    ],
)
def test_everything_newer_is_undone_but_what_is_back_already(version, undone, models_fp):
    """All newer versions are undone, except those that were rolled back completely, abandoned ones and baselines."""
    target = find_target(PAST, version)

    assert (undone, models_fp) == ([version.version for version in target.undone], target.models_fp)


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        (10, "newer than the newest one, 9"),
        ("20991231000000", "newer than the newest one, 9"),
        (9, "version 9 is partial"),
        (7, "version 7 is rolled_back"),
        (5, "version 5 is failed"),
        (4, "version 4 is abandoned"),
        (2, "version 2 is partial"),
        (-1, "there is no version -1"),
        ("", "there is no version"),
        ("latest", "there is no version latest"),
        (True, "there is no version True"),
        ("٣", "there is no version"),
        ("6.0", "there is no version"),
    ],
)
def test_other_versions_are_refused_with_those_that_there_are(version, reason):
    """The error for another version says why it is refused, and which versions are possible."""
    with pytest.raises(UnknownVersion, match=reason) as exc_info:
        find_target(PAST, version)

    assert (8, 6, 3, 1, 0) == exc_info.value.versions
    assert "Possible targets are 8, 6, 3, 1, 0 (0: before the first one)" in str(exc_info.value)


def test_the_only_version_is_the_newest():
    """The error for the only version names it and the target before it."""
    with pytest.raises(UnknownVersion, match=r"newer than the newest one, 1\.") as exc_info:
        find_target([Migration("k/default", 1, status="applied")], 5)

    assert str(exc_info.value).startswith("k/default: ")
    assert (1, 0) == exc_info.value.versions


def test_ten_targets_are_named():
    """The error lists ten targets, with the newest and the beginning, and has all of them as an attribute."""
    versions = [Migration("k/default", number, status="applied") for number in range(12, 0, -1)]
    with pytest.raises(UnknownVersion, match="12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 0 ") as exc_info:
        find_target(versions, 13)

    assert (*range(12, 0, -1), 0) == exc_info.value.versions


def test_an_abandoned_rollback_whose_rows_are_damaged_is_refused():
    """An abandoned rollback with missing rows is refused, since its applied hand-written undos are unknown."""
    damaged = Migration("k/default", 2, "back to 0", "rollback", "abandoned", total=1, applied=1)
    target = find_target([damaged, Migration("k/default", 1, status="applied", total=0)], 0)
    plan = rollback_plan(target, SchemaFacts([schema()]), CASSANDRA).plan

    assert [("RB110", "RB110:2")] == [(refusal.code, refusal.allow) for refusal in plan.refusals]


REDUCED = [COLUMNS.inverse(), INDEX.inverse(), c.RenameKeyColumns("k", "t", (("id", "x"), ("gone", "y")))]


@pytest.mark.parametrize("change", REDUCED, ids=["columns", "index", "rename"])
def test_what_a_table_lost_does_not_matter_when_it_goes(change):
    """A lost column matters only if its table remains, not if it was created after the target."""
    live = schema(table("t", "x int pk", "at int ck", "a text")) if "Rename" in type(change).__name__ else schema()
    created = stored(c.AddTable("k", TABLE))
    other = stored(c.AddTable("k", table("other", *T)))
    elsewhere = stored(c.AddTable("k2", TABLE), 2)
    codes = {refusal.code for refusal in undoing(live, [stored(change)], [created], allow=ALL).refusals}

    assert set() == codes
    assert undoing(live, [stored(change)], [other], allow=ALL).refusals
    assert undoing(live, [stored(change)], [elsewhere], allow=ALL).refusals


def test_without_history_there_is_only_the_beginning():
    """With an empty history, only version 0 is accepted, and there is nothing to undo."""
    assert () == find_target([], 0).undone
    with pytest.raises(UnknownVersion, match="there is no version 1"):
        find_target([], 1)


@pytest.mark.parametrize(
    ("own", "foreign", "refusal"),
    [
        (["shop.models"], "shop.models", False),
        (["shop.models", "shop.more"], "shop.models", False),
        (["shop.models"], "audit.models", True),
        ([], "audit.models", False),
        (["shop.models"], "", False),
    ],
)
def test_versions_of_another_application_are_not_touched(own, foreign, refusal):
    """A version whose packages are all different from the current ones is refused as LG103."""
    past = history(f"2 sync applied {foreign}", "1 sync applied other.thing")
    if refusal:
        with pytest.raises(ForeignVersion, match=r"audit\.models") as exc_info:
            find_target(past, 1, own)

        assert (2, "LG103", 3) == (exc_info.value.version, exc_info.value.code, exc_info.value.exit_code)
    else:
        assert [2] == [version.version for version in find_target(past, 1, own).undone]


def migrated(server, store, target):
    """Apply each step towards ``goal`` separately, with a ledger, so that no rule refuses it."""
    plan = make_plan(target, server.facts, server.server)
    plan = attrs.evolve(
        plan,
        refusals=(),
        steps=tuple(
            make_step(seq, change, (), server.server)
            for seq, change in enumerate(filter(is_step, diff(server.facts, target, server.server)), 1)
        ),
    )
    server.knows(plan)
    with ledger_on(store).begin("sync", plan, models_to=fingerprint(target), fencing_token=1) as opened:
        apply(plan, server, journal=opened, clock=Clock(server.clock, server.sleep))
    return opened.version


def rolled_back(server, store, version):
    """Roll back to a version, and return what remains of the plan afterwards."""
    ledger = ledger_on(store)

    def planned():
        target = find_target(ledger.versions(), version)
        target = attrs.evolve(target, undone=tuple(ledger.with_steps(target.undone)))
        return rollback_plan(target, server.schema, server.server, allow=ALL).plan

    plan = server.knows(planned())
    assert plan.refusals == ()
    apply(plan, server, clock=Clock(server.clock, server.sleep))

    assert plan.schema_to == fingerprint(server.schema)
    return planned()


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_apply_then_rollback_returns_to_the_old_fingerprint(data):
    """After any two releases on ScyllaDB, a rollback restores each earlier schema and leaves nothing to do."""
    empty, second = schema(), data.draw(keyspaces())
    first = data.draw(earlier(second))
    # CQL takes no field of a type back
    first = attrs.evolve(first, types=[second.type(item.name) for item in first.types])
    server, store = Simulator(empty, SCYLLA), MemoryStore()
    entry = migrated(server, store, first)
    before = fingerprint(server.schema)
    migrated(server, store, second)
    remaining = rolled_back(server, store, entry)

    assert before == fingerprint(server.schema)
    assert remaining.is_empty
    assert rolled_back(server, store, 0).is_empty
    assert fingerprint(SchemaFacts([empty])) == fingerprint(server.schema)


BASE = {"t": "id int pk"}
CHAINS = {
    "options": ([{"t.ttl": 10}, {"t.ttl": 20}, {"t.ttl": 30}], False, 1),
    "options there and back": ([{"t.comment": "A"}, {"t.comment": "B"}, {"t.comment": "A"}], False, 0),
    "an index that was dropped": ([{"t.a": True}, {"t.index": "a"}, {"t.index": None}], True, 0),
    "a column that was dropped": ([{}, {"t.a": True}, {"t.a": False}], True, 0),
    "a table dropped with its index": ([{"u": "id int pk", "u.c": True, "u.index": True}, {"u": None}], True, 2),
    "a table of another key": ([{"u": "id int pk"}, {"u": None}, {"u": "id text pk"}], True, 2),
    "a view, its table and its type": (
        [{"type": ("y int",), "t.p": True, "v": "at", "t.index": "a", "t.a": True}, {"t": None, "type": None}],
        True, 4,
    ),
}  # fmt: skip
"""The choices of each release, whether what they leave out is dropped, and the statements back to the first one."""


@pytest.mark.parametrize(("releases", "contract", "count"), CHAINS.values(), ids=CHAINS)
def test_what_changed_back_and_forth_returns_in_one_go(releases, contract, count):
    """A rollback uses as few statements as possible, and marks all versions that it rolled back."""
    world, choices, versions = World(), dict.fromkeys(CHOICES) | BASE, []
    for more in releases:
        choices |= more
        world.migrate(declared(choices))
        if contract:
            world.migrate(declared(choices), contract=True)
        versions.append(world.ledger.newest().version)
    statement_count = len(world.server.sent)

    assert "rolled_back" == world.rollback(versions[0])
    assert world.snapshots[versions[0]] == world.state
    assert count == len(world.server.sent) - statement_count
    assert {"rolled_back"} == {v.status for v in world.ledger.versions()[1:] if v.version > versions[0]}
    assert ("applied", None) == (world.ledger.newest().status, world.ledger.newest().error)
    assert "in_sync" == world.rollback(versions[0])


@pytest.mark.parametrize("life", range(60))
def test_a_rollback_that_was_killed_anywhere_is_finished_by_the_next(life):
    """Wherever a rollback was killed, the next one runs no undo twice, and ends all versions in the ledger."""
    world, choices = World(), dict.fromkeys(CHOICES) | BASE
    world.migrate(declared(choices))
    first = world.ledger.newest().version
    for more in ({"t.ttl": 10, "t.a": True}, {"t.ttl": 20, "t.index": "a"}):
        choices |= more
        world.migrate(declared(choices), raw=True)
    world.fuse = life
    with contextlib.suppress(Killed):
        world.rollback(first)
    world.fuse = None
    world.rollback(first)

    assert world.snapshots[first] == world.state
    assert {"applied", "rolled_back"} >= {v.status for v in world.ledger.versions() if v.kind != "rollback"}
    assert "applied" == world.ledger.newest().status
    assert ["applied", "rolled_back", "rolled_back"] == [
        v.status for v in reversed(world.ledger.versions()) if v.kind != "rollback"
    ]


@pytest.mark.parametrize("life", range(12))
def test_a_rollback_is_closed_although_the_run_that_settles_it_is_killed_too(life):
    """A rollback is finished even if the run that recovers it is killed too, at any point."""
    world = World()
    world.migrate(declared(dict.fromkeys(CHOICES) | BASE | {"v": "id"}))
    world.store.moment = lambda: None if world.server.facts.tables else die()

    def die():
        if world.store.requests[-1] == "put_step":
            raise Killed

    with pytest.raises(Killed):
        world.rollback(0)
    world.store.moment, world.fuse = world.moment, life
    with contextlib.suppress(Killed):
        world.rollback(0)
    world.fuse = None
    world.rollback(0)

    assert ["rolled_back"] == [v.status for v in world.ledger.versions() if v.kind != "rollback"]


@pytest.mark.parametrize("life", range(40))
def test_a_settled_rollback_is_not_marked_by_an_earlier_one(life):
    """A rollback to an older version keeps later versions marked as rolled back, wherever it was killed."""
    world, choices = World(), dict.fromkeys(CHOICES) | BASE
    numbers = []
    for seconds in (None, 10, 20):
        world.migrate(declared(choices | {"t.ttl": seconds}))
        numbers.append(world.ledger.newest().version)
    world.rollback(numbers[1])
    world.fuse = life
    with contextlib.suppress(Killed):
        world.rollback(numbers[0])
    world.fuse = None
    world.rollback(numbers[0])

    states = {v.version: v.status for v in world.ledger.versions()}
    assert ["applied", "rolled_back", "rolled_back"] == [states[number] for number in numbers]


def test_a_rollback_that_was_killed_at_its_end_is_closed_by_any_next_run():
    """Any next run ends a rollback that was killed after its last step, and marks what it rolled back."""
    world, choices = World(), dict.fromkeys(CHOICES) | BASE
    world.migrate(declared(choices))
    first = world.ledger.newest().version
    world.migrate(declared(choices | {"t.ttl": 10}))
    world.store.moment = lambda: world.server.facts.table("t").options["default_time_to_live"] or die()

    def die():
        if world.store.requests[-1] == "put_step":  # the step is recorded
            raise Killed

    with pytest.raises(Killed):
        world.rollback(first)
    world.store.moment = lambda: None
    open_ = [v.status for v in world.ledger.versions()]
    world.migrate(declared(choices))

    assert ["running", "applied", "applied"] == open_
    assert ["applied", "rolled_back", "applied"] == [v.status for v in world.ledger.versions()]


def test_an_inverse_that_was_rewritten_is_refused():
    """A stored inverse that differs from the one computed from the change is refused."""
    step = stored(INDEX, undo="DROP TABLE k.orders")
    refused_plan, allowed = undoing(schema(INDEXED), [step]), undoing(schema(INDEXED), [step], allow={"RB108:1/1"})

    assert ["RB108"] == [refusal.code for refusal in refused_plan.refusals]
    assert (["DROP INDEX k.i"], ()) == (allowed.cql, allowed.refusals)


def test_an_undo_that_may_have_run_needs_a_word():
    """An undo that may have run is refused, and can be allowed to be sent again or counted as done."""
    step, code = raw("GRANT a TO b", "REVOKE a FROM b"), [RawStep("GRANT a TO b", undo="REVOKE a FROM b")]
    claimed = LedgerStep("k/default", 2, 1, "undo_run", "x", "REVOKE a FROM b", change_json=undo_reference(1, 1))
    versions = (
        Migration("k/default", 2, "back to 0", "rollback", "partial", total=1, steps=(claimed,)),
        Migration("k/default", 1, status="applied", total=1, steps=(step,)),
    )

    def plan(*allow):
        plan = rollback_plan(
            RollbackTarget(0, "", versions), SchemaFacts([schema()]), CASSANDRA, allow=allow, steps=code
        )
        return plan.plan.cql, [refusal.allow for refusal in plan.plan.refusals]

    assert (["REVOKE a FROM b"], ["RB106:1/1"]) == plan()
    assert (["REVOKE a FROM b"], []) == plan("RB106:1/1")
    assert ([], []) == plan("RB106:1/1:done")


@pytest.mark.parametrize(
    ("state", "cql", "allow"), [("applied", [], []), ("claimed", ["REVOKE a FROM b"], ["RB106:1/1"])]
)
def test_what_an_abandoned_rollback_undid_is_not_undone_again(state, cql, allow):
    """A hand-written undo that an abandoned rollback applied is not repeated, and an uncertain one needs permission."""
    step, code = raw("GRANT a TO b", "REVOKE a FROM b"), [RawStep("GRANT a TO b", undo="REVOKE a FROM b")]
    undo = LedgerStep("k/default", 2, 1, "undo_run", "x", "REVOKE a FROM b", None, state)
    undo = attrs.evolve(undo, change_json=undo_reference(1, 1))
    abandoned = Migration("k/default", 2, "back to 0", "rollback", "abandoned", total=1, steps=(undo,))
    applied = Migration("k/default", 1, status="applied", total=1, steps=(step,))

    target = find_target([abandoned, applied], 0)
    plan = rollback_plan(target, SchemaFacts([schema()]), CASSANDRA, steps=code).plan

    assert (cql, allow) == (plan.cql, [refusal.allow for refusal in plan.refusals])


def test_a_column_that_cannot_come_back_says_so_before_it_goes():
    """A column of a user type cannot be restored after a drop, which is announced as RB109 beforehand."""
    added = c.AddColumns("k", "t", (table("t", *T, "p frozen<point>")["p"],))
    plan = undoing(schema(POINT, table("t", *T, "p frozen<point>")), [stored(added)], allow=ALL)

    assert {"RB109", "DS103"} == {lint.code for lint in plan.steps[0].lints}


def finished_migration(total, applied, *numbers, state="applied"):
    """The plan that undoes a version with this number of steps, of which the ledger has these rows."""
    changes = [c.AddTable("k", table(f"t{seq}", "id int pk")) for seq in range(1, 6)]
    rows = tuple(stored(changes[seq - 1], seq, state) for seq in numbers)
    version = Migration("k/default", 1, status="applied", total=total, applied=applied, steps=rows)
    facts = SchemaFacts([schema(*(change.table for change in changes))])
    return lambda *allow: rollback_plan(RollbackTarget(0, "", (version,)), facts, CASSANDRA, allow={*ALL, *allow}).plan


@pytest.mark.parametrize(
    ("total", "applied", "numbers", "state", "messages"),
    [
        (3, 3, (1, 2), "applied", "rows of its 3 steps are missing: 3"),
        (3, 3, (2, 3), "applied", "rows of its 3 steps are missing: 1"),
        (3, 3, (), "applied", "rows of its 3 steps are missing: 1, 2, 3"),
        (5, 1, (2,), "failed", "rows of its 5 steps are missing: 1"),
        (5, 0, (1, 3), "applied", "rows of its 5 steps are missing: 2"),
        (2, 2, (1, 2), "not_applied", "2 of its steps were done when it ended, but 0 by their rows"),
        (2, 2, (1, 2, 3), "applied", "it has 2 steps, and a row of step 3"),
    ],
)
def test_rows_that_were_deleted_are_a_refusal(total, applied, numbers, state, messages):
    """Missing rows of a version are a refusal that names it, and allowing it undoes the remaining rows."""
    plan = finished_migration(total, applied, *numbers, state=state)
    (refusal,) = plan().refusals

    assert ("RB110", "version 1", messages, "RB110:1") == (refusal.code, refusal.object, refusal.text, refusal.allow)
    assert () == plan("RB110:1").refusals
    assert [f"DROP TABLE k.t{seq}" for seq in numbers if state == "applied"] == plan("RB110:1").cql
    with pytest.raises(ConfigurationError, match="RB110:VERSION"):
        checked_values({"RB110"})


@pytest.mark.parametrize(("total", "applied", "numbers"), [(3, 3, (1, 2, 3)), (5, 2, (1, 2)), (5, 0, ()), (0, 0, ())])
def test_whole_versions_and_those_that_stopped_are_taken_back(total, applied, numbers):
    """A version that has all its rows, up to where it stopped, is not refused."""
    assert () == finished_migration(total, applied, *numbers)().refusals


def test_a_schema_of_before_is_not_computed_from_a_part():
    """The schema at an earlier version is not computed if rows are missing, and the error names the version."""
    version = Migration("k/default", 7, status="applied", total=1, applied=1)
    with pytest.raises(LedgerError, match="version 7: rows of its 1 steps are missing: 1"):
        schema_at(RollbackTarget(0, "", (version,)), SchemaFacts([schema()]))
