"""Each step of a plan runs once, whatever happens to the answers of the server."""

from __future__ import annotations

import pickle

import attrs
import pytest

from scyllamodel._backoff import Clock
from scyllamodel.errors import (
    DestructiveChangeRefused,
    ImpossibleChange,
    IntrospectionError,
    KeyspaceError,
    SchemaDisagreement,
    StepFailed,
)
from scyllamodel.schema.apply import Event, apply
from scyllamodel.schema.apply.attempt import MAX_TRANSIENT_ATTEMPTS, MAX_UNKNOWN_ATTEMPTS
from scyllamodel.schema.facts.objects import Keyspace
from scyllamodel.schema.plan import Plan, make_plan
from scyllamodel.schema.server.profile import ServerProfile
from support.builders import NTS, desired, index, schema, table, user_type, view
from support.simulator import Faults, Loss, Simulator, applied

T = ("id int pk", "at int ck", "a text")
LIVE = schema(table("old", *T, options={"comment": ""}), user_type("point", "x int"))
MODELS = desired(
    user_type("point", "x int", "y int"),
    user_type("place", "p frozen<point>"),
    table("old", *T, "b text", "c int static", indexes=[index("a", "by_a")], options={"comment": "old"}),
    table("new", *T),
    view("v", "new", "at int pk", "id int ck"),
)
STEPS = ["add_type", "add_field", "add_table", "add_columns", "set_options", "add_index", "add_view"]


def started(live=LIVE, models=MODELS, **faults):
    """A simulator with faults, and its plan."""
    simulator = Simulator(live, faults=Faults(**faults))
    create = live.keyspace is None
    return simulator, simulator.knows(make_plan(models, live, simulator.server, create_keyspace=create))


def run(simulator, plan, **settings):
    """Apply the plan with the clock of the simulator."""
    return apply(plan, simulator, clock=Clock(simulator.clock, simulator.sleep), **settings)


def states(outcome):
    return [step.state for step in outcome.steps]


def test_a_clean_run_costs_its_statements():
    """Each statement is sent once and in order, agreement is awaited before and after, and the schema is not read."""
    simulator, plan = started()
    outcome = run(simulator, plan)

    assert STEPS == [step.op for step in plan.steps]
    assert plan.cql == simulator.sent == simulator.executed
    assert (2, 0) == (simulator.waits, simulator.looks)
    assert outcome.is_complete
    assert len(STEPS) == outcome.applied
    assert make_plan(MODELS, simulator.schema, simulator.server).is_empty


def test_an_empty_plan_sends_no_requests():
    """An empty plan sends no request and does not wait for agreement."""
    simulator, plan = started(models=desired())

    assert () == run(simulator, plan).steps
    assert (0, 0) == (simulator.waits, simulator.looks)


def test_the_keyspace_comes_first():
    """The keyspace is created before the plan, and is a step of the run."""
    models = attrs.evolve(desired(table("t")), keyspace=Keyspace("k", NTS))
    simulator, plan = started(live=schema(keyspace=None), models=models)

    assert [0, 1] == [step.seq for step in run(simulator, plan).steps]
    assert [plan.bootstrap[0].cql, *plan.cql] == simulator.executed


@pytest.mark.parametrize("number", range(1, len(STEPS) + 1))
@pytest.mark.parametrize(
    ("fault", "sent"), [("lost", 1), ("unsent", 2), ("busy", 2), ("missing", 2), ("interrupt", 1)], ids=str
)
def test_every_step_survives_every_lost_answer(fault, sent, number):
    """Each step runs exactly once after a lost answer, a lost statement or a temporary refusal."""
    simulator, plan = started(**{fault: frozenset({number})})
    if fault == "interrupt" and number < len(STEPS):
        with pytest.raises(StepFailed, match="Stopped on request") as exc_info:
            run(simulator, plan)
        outcome = exc_info.value.result
    else:
        outcome = run(simulator, plan)

    assert sent == outcome.steps[number - 1].attempts
    assert "applied" == outcome.steps[number - 1].state
    assert plan.cql[: len(simulator.executed)] == simulator.executed


@pytest.mark.parametrize("number", range(1, len(STEPS) + 1))
def test_a_late_statement_is_waited_for(number):
    """A step that appears in the schema only after several reads counts as applied, and is not sent again."""
    simulator, plan = started(late={number: 4})

    assert run(simulator, plan).is_complete
    assert plan.cql == simulator.sent == simulator.executed


def test_a_look_that_fails_says_nothing():
    """While the outcome of a step is unknown, failed reads of the schema are repeated."""
    simulator, plan = started(lost=frozenset({1}), blind=frozenset({1, 2, 3}))

    assert run(simulator, plan).is_complete
    assert plan.cql == simulator.sent


def test_a_statement_is_not_retried_forever():
    """After a limited number of lost answers without effect the step fails, with the number of attempts."""
    simulator, plan = started(unsent=frozenset(range(1, 10)))
    with pytest.raises(StepFailed) as exc_info:
        run(simulator, plan, step_timeout=60)

    assert MAX_UNKNOWN_ATTEMPTS == len(simulator.sent) == exc_info.value.result.steps[0].attempts
    assert MAX_UNKNOWN_ATTEMPTS * 60 * 1000 <= exc_info.value.result.steps[0].duration_ms
    assert ["failed", *["not_run"] * 6] == states(exc_info.value.result)


def test_a_busy_server_gets_a_limited_number_of_attempts():
    """A statement that is temporarily refused is retried with pauses, a limited number of times."""
    simulator, plan = started(busy=frozenset(range(1, 100)))
    with pytest.raises(StepFailed, match="concurrent modification"):
        run(simulator, plan)

    assert MAX_TRANSIENT_ATTEMPTS == len(simulator.sent)
    assert 1 < simulator.now < 60


def test_a_warning_of_the_server_is_shown_once():
    """A warning is part of the result of its step, and is not repeated for later steps."""
    simulator, plan = started(warnings={1: ("low RF", "low RF"), 2: ("low RF", "tablets"), 3: ("tablets",)})
    events = []

    outcome = run(simulator, plan, on_event=lambda event: events.append(event.result))

    assert [("low RF",), ("tablets",), (), ()] == [step.warnings for step in outcome.steps[:4]]
    assert ["low RF"] == outcome.steps[0].to_dict()["warnings"]
    assert outcome.steps[1] in events


def test_what_is_missing_after_all_agreed_fails():
    """A statement whose table is unknown to a node is retried once after agreement, and then fails."""
    simulator, plan = started(missing=frozenset({4, 5}))
    with pytest.raises(StepFailed, match="unconfigured table t") as exc_info:
        run(simulator, plan)

    assert 2 == exc_info.value.result.steps[3].attempts
    assert 2 == simulator.waits


def test_a_lost_answer_of_scylla_is_looked_for_as_long_as_a_node_may_hold_it():
    """A ScyllaDB node without a majority may apply a change for a minute, so the schema is checked for that long."""
    scylla = ServerProfile("scylla", (2025, 1))
    simulator = Simulator(LIVE, scylla, Faults(unsent=frozenset({1})))
    plan = simulator.knows(make_plan(MODELS, LIVE, scylla))

    outcome = run(simulator, plan, step_timeout=5)

    assert outcome.is_complete
    assert 65_000 <= outcome.steps[0].duration_ms


@pytest.mark.parametrize("fault", ["refused", "crash"])
def test_a_refusal_ends_the_run(fault):
    """A statement that the server refuses ends the run, and the error lists the applied steps."""
    simulator, plan = started(**{fault: frozenset({4})})
    with pytest.raises(StepFailed) as exc_info:
        run(simulator, plan)
    error = exc_info.value

    assert plan.steps[3] == error.step
    assert 3 == error.applied
    assert ["applied"] * 3 + ["failed"] + ["not_run"] * 3 == states(error.result)
    assert plan.cql[3] in str(error)
    assert "3 of 7 steps were applied" in str(error)
    assert error.__cause__ is not None
    assert error.to_dict() == pickle.loads(pickle.dumps(error)).to_dict()


def test_a_rerun_does_what_is_left():
    """After a failure, a new plan contains the remaining steps, and applying it needs no options."""
    simulator, plan = started(refused=frozenset({4}))
    with pytest.raises(StepFailed):
        run(simulator, plan)
    simulator.faults = Faults()
    rest = simulator.knows(make_plan(MODELS, simulator.schema, simulator.server))
    run(simulator, rest)

    assert plan.cql[3:] == rest.cql
    assert plan.cql == simulator.executed


@pytest.mark.parametrize("number", range(1, len(STEPS) + 1))
def test_another_run_did_it(number):
    """If another run created the same object, the step is skipped and the plan continues."""
    plan = started()[1]
    step = plan.steps[number - 1]
    simulator = Simulator(LIVE, faults=Faults(foreign={number: lambda facts: applied(facts, step.change)}))
    outcome = run(simulator, simulator.knows(plan))

    # Setting an option to its current value is not a conflict on any server.
    assert ("applied" if step.op == "set_options" else "skipped") == outcome.steps[number - 1].state
    assert outcome.is_complete


def test_another_run_did_something_else():
    """If another run created a different object with the same name, the step fails."""

    def other(facts):
        return attrs.evolve(facts, tables=[*facts.tables, table("new", "id text pk")])

    simulator, plan = started(foreign={3: other})
    with pytest.raises(StepFailed, match="already existing") as exc_info:
        run(simulator, plan)

    assert "failed" == exc_info.value.result.steps[2].state


def test_a_conflict_after_a_lost_answer_is_our_effect():
    """If the object exists after an attempt with a lost answer, the step counts as applied by this run."""
    simulator, plan = started(lost=frozenset({1}), blind_until=2)
    outcome = run(simulator, plan, step_timeout=5)

    assert ("applied", 2) == (outcome.steps[0].state, outcome.steps[0].attempts)
    assert plan.cql == simulator.executed


def test_a_conflict_that_cannot_be_looked_at():
    """If the schema cannot be read after a conflict, the step fails."""
    simulator, plan = started(lost=frozenset({1}), blind_until=100)
    with pytest.raises(StepFailed, match="no answer") as exc_info:
        run(simulator, plan, step_timeout=5)

    assert ("failed", 2) == (exc_info.value.result.steps[0].state, exc_info.value.result.steps[0].attempts)


@pytest.mark.parametrize("wait", [1, 2])
def test_disagreement_is_an_error(wait):
    """Disagreement before the first statement stops the run, and after the last one it is an error too."""
    simulator, plan = started(disagree=frozenset({wait}))
    with pytest.raises(SchemaDisagreement) as exc_info:
        run(simulator, plan, agreement_timeout=5)
    expected_count = 0 if wait == 1 else len(STEPS)

    assert expected_count == exc_info.value.applied == len(simulator.sent)
    assert {"v1": "n1", "v2": "n2"} == exc_info.value.versions
    assert f"{expected_count} of {len(STEPS)} steps were applied" in str(exc_info.value)


def test_disagreement_in_doubt():
    """While nodes disagree, a statement with an unknown outcome is not sent again."""
    simulator, plan = started(unsent=frozenset({2}), disagree=frozenset({2}))
    with pytest.raises(SchemaDisagreement) as exc_info:
        run(simulator, plan)

    assert plan.cql[:2] == simulator.sent
    assert ["applied", "failed"] == states(exc_info.value.result)[:2]


def test_a_server_that_is_gone_before_the_first_statement():
    """If no node answers before the first statement, the error says so."""
    simulator, plan = started(deaf=frozenset({1}))
    with pytest.raises(IntrospectionError):
        run(simulator, plan)

    assert [] == simulator.sent


def test_a_server_that_is_gone_while_a_statement_is_in_doubt():
    """If the server is lost while a step is uncertain, the error lists the applied steps and the reason."""
    simulator, plan = started(unsent=frozenset({2}), deaf=frozenset({2}))
    with pytest.raises(StepFailed, match="1 of 7 steps were applied") as exc_info:
        run(simulator, plan)

    assert ["applied", "failed"] == states(exc_info.value.result)[:2]
    assert plan.cql[:2] == simulator.sent


def test_a_server_that_is_gone_after_the_last_statement():
    """If the server is lost after the last statement, agreement is reported as unknown."""
    simulator, plan = started(deaf=frozenset({2}))
    with pytest.raises(StepFailed, match="whether all nodes know is unknown") as exc_info:
        run(simulator, plan)

    assert len(STEPS) == exc_info.value.applied == len(simulator.executed)


def test_a_stop_takes_effect_between_steps():
    """A request to stop takes effect after the running step."""
    simulator, plan = started()
    with pytest.raises(StepFailed, match="Stopped on request: 2 of 7") as exc_info:
        run(simulator, plan, should_stop=lambda: len(simulator.sent) == 2)

    assert plan.cql[:2] == simulator.executed
    assert ["applied"] * 2 + ["not_run"] * 5 == states(exc_info.value.result)


def test_insisting_on_a_stop():
    """A third Ctrl-C ends a run with an uncertain step, and the error says that its outcome is unknown."""
    simulator, plan = started(unsent=frozenset({1}), watch_interrupt=frozenset({2, 3, 4}))
    with pytest.raises(StepFailed, match="whether the statement was applied is unknown") as exc_info:
        run(simulator, plan)

    assert isinstance(exc_info.value.__cause__, KeyboardInterrupt)
    assert 1 == len(simulator.sent)


def test_events_tell_the_story():
    """Each wait, start and end has an event, in order, with its plan."""
    simulator, plan = started()
    events: list[Event] = []
    run(simulator, plan, on_event=events.append)
    steps = ["step_started", "step_done"] * len(STEPS)

    assert ["agreement_waiting", *steps, "agreement_waiting"] == [event.kind for event in events]
    assert {plan.fingerprint} == {event.plan.fingerprint for event in events}
    assert "applied" == events[2].result.state


def test_a_listener_that_fails_is_no_reason_to_stop(caplog):
    """The error of a listener is logged, and the run continues."""
    simulator, plan = started()

    assert run(simulator, plan, on_event=lambda _: 1 / 0).is_complete
    assert "ZeroDivisionError" in caplog.text


class Journal:
    """Records its calls, and can refuse a step."""

    def __init__(self, refuses=None):
        self.records, self.refuses = [], refuses

    def before(self, step):
        if step.seq == self.refuses:
            raise PermissionError("the lock is lost")
        self.records.append(("before", step.seq))

    def after(self, step, state, attempts, duration_ms, error):
        assert duration_ms >= 0
        self.records.append((state, step.seq, attempts, error))


def test_the_journal_is_written_before_and_after():
    """Each step, also a failed one, is recorded before and after it runs."""
    simulator, plan = started(lost=frozenset({1}), refused=frozenset({2}))
    journal = Journal()
    with pytest.raises(StepFailed):
        run(simulator, plan, journal=journal)

    assert [("before", 1), ("applied", 1, 1), ("before", 2), ("failed", 2, 1)] == [
        output[:3] for output in journal.records
    ]
    assert "no ALTER permission" in journal.records[-1][3]


def test_a_journal_can_keep_a_statement_from_being_sent():
    """If the journal refuses a step, its statement is not sent and the run ends."""
    simulator, plan = started()
    with pytest.raises(PermissionError):
        run(simulator, plan, journal=Journal(refuses=3))

    assert plan.cql[:2] == simulator.sent


REFUSED = [
    (desired(table("old", "id text pk", "at int ck", "a text")), ImpossibleChange),
    (desired(table("old", "key int pk from=id", "at int ck", "a text")), DestructiveChangeRefused),
    (desired(table("old", "key int pk from=id", "at int ck", "a int")), ImpossibleChange),
]


@pytest.mark.parametrize(("models", "error"), REFUSED)
def test_nothing_runs_while_anything_is_refused(models, error):
    """A plan with refusals raises all of them, and nothing is sent."""
    simulator, plan = started(models=models)
    with pytest.raises(error) as exc_info:
        run(simulator, plan)

    assert plan.refusals == exc_info.value.refusals
    assert [] == simulator.sent


def test_a_missing_keyspace_is_an_error_of_its_own():
    """A missing keyspace is an error, since keyspaces are not created implicitly."""
    plan = make_plan(MODELS, schema(keyspace=None), Simulator(LIVE).server)
    with pytest.raises(KeyspaceError, match="does not exist"):
        plan.raise_refused()


def test_a_plan_from_a_file_cannot_prove_its_steps(tmp_path):
    """A loaded plan, which has no changes, cannot be applied itself, and the error asks for a new one."""
    simulator, plan = started()
    plan.save(tmp_path / "plan.json")
    with pytest.raises(ValueError, match="make a new plan"):
        run(simulator, Plan.load(tmp_path / "plan.json"))


LOSSES = [
    (number, Loss(executed=is_executed, forgets=forgets, returns=returns, sent=sent))
    for number in range(1, len(STEPS) + 1)
    for sent in (True, False)
    for is_executed in ((True, False) if sent else (False,))
    for forgets in range(number + is_executed)
    for returns in (None, 1, 3)
]


@pytest.mark.parametrize(("number", "loss"), LOSSES, ids=str)
def test_a_plan_outlives_the_node_that_runs_it(number, loss):
    """Whenever the node is lost, with whatever it alone knew, the next one ends the plan, once all agreed.

    A statement runs again only if no node knows it any more.
    """
    simulator, plan = started(losses={number: loss})
    outcome = run(simulator, plan)

    assert (outcome.is_complete, len(STEPS)) == (True, outcome.applied)
    assert make_plan(MODELS, simulator.schema, simulator.server).is_empty
    assert len(simulator.executed) <= len(plan.cql) + loss.forgets
    assert not simulator.has_moved


@pytest.mark.parametrize("first", range(1, len(STEPS)))
@pytest.mark.parametrize("second", range(1, len(STEPS) + 3))
def test_a_plan_outlives_two_nodes(first, second):
    """The node that took over may be lost too, also while it repeats statements of the first one."""
    losses = {first: Loss(forgets=first), first + second: Loss(forgets=1)}
    simulator, plan = started(losses=losses)

    assert run(simulator, plan).is_complete
    assert make_plan(MODELS, simulator.schema, simulator.server).is_empty


@pytest.mark.parametrize(("wait", "forgets"), [(1, 0), (2, 0), (2, 1), (2, 3), (2, len(STEPS))])
def test_a_node_that_is_lost_while_nodes_agree_is_replaced(wait, forgets):
    """Before the first statement nothing is repeated, and after the last one what was lost with the node is."""
    simulator, plan = started(lost_at_wait={wait: forgets})
    outcome = run(simulator, plan)

    assert outcome.is_complete
    assert make_plan(MODELS, simulator.schema, simulator.server).is_empty
    assert len(STEPS) + forgets == len(simulator.sent)


def test_a_step_that_runs_again_is_in_the_books_again():
    """A step that is repeated after the loss of its node is recorded again before the next step."""
    simulator, plan = started(losses={3: Loss(executed=False, forgets=1)})
    output = []

    class Journal:
        def before(self, step):
            output.append(step.seq)

        def after(self, step, *_):
            output.append(-step.seq)

    run(simulator, plan, journal=Journal())

    assert [1, -1, 2, -2, 3, 2, -2, 3, -3] == output[:9]


def test_nodes_that_cannot_agree_after_a_loss_end_the_run():
    """If nodes do not agree after a loss, the run ends with an error and sends nothing to the next node."""
    simulator, plan = started(losses={3: Loss(executed=False)}, disagree=frozenset({2}))
    with pytest.raises(SchemaDisagreement, match="2 of 7 steps were applied"):
        run(simulator, plan)

    assert 3 == len(simulator.sent)


def test_what_a_lost_node_did_must_be_readable():
    """If the schema of the next node cannot be read, nothing is sent to it."""
    simulator, plan = started(losses={3: Loss(executed=False)}, blind=frozenset(range(1, 100)))
    with pytest.raises(StepFailed, match="Another node took over"):
        run(simulator, plan)

    assert 3 == len(simulator.sent)


def test_nodes_that_are_lost_all_the_time_end_the_run():
    """A step is retried a limited number of times when nodes are lost repeatedly."""
    simulator, plan = started(losses={number: Loss(sent=False, executed=False) for number in range(1, 100)})
    with pytest.raises(StepFailed):
        run(simulator, plan)
