"""The ledger over rows in memory: versions, steps, crashed runs, lost answers and sync markers."""

from __future__ import annotations

import contextlib
import json
from datetime import datetime, timedelta, timezone
from uuid import UUID

import attrs
import pytest

from scyllamodel._backoff import Clock
from scyllamodel.errors import LedgerError, LockLost, SchemaDisagreement, StepFailed
from scyllamodel.release.ledger import LedgerStep, Migration, Provenance, ledger_scope
from scyllamodel.release.ledger.records import step_from_row, step_row, version_from_row, version_row
from scyllamodel.release.ledger.retry import MAX_ATTEMPTS
from scyllamodel.release.ledger.tables import MIGRATIONS, STEPS
from scyllamodel.schema.apply import apply
from scyllamodel.schema.plan import make_plan
from scyllamodel.schema.server.profile import ServerProfile
from support.builders import desired, schema, table
from support.ledger_store import NOON, MemoryStore, ledger_on
from support.simulator import Faults, Simulator

SERVER = ServerProfile()
LIVE = schema(table("t"))
DESIRED = desired(table("t", "id int pk", "a text"), table("u"), table("w"))
PLAN = make_plan(DESIRED, LIVE, SERVER)
HOW = {
    "models_to": "fp2",
    "fencing_token": 7,
    "models": ["shop.models"],
    "provenance": Provenance("h", "alice", 17, "1.2"),
}


def begin(store, plan=PLAN, **keywords):
    """A version that is running."""
    return ledger_on(store).begin("migrate", plan, **{**HOW, **keywords})


def run(store, faults=None, live=LIVE, **keywords):
    """Apply the plan with a ledger; return the server and the version that was recorded."""
    server = Simulator(live, SERVER, faults)
    plan = server.knows(make_plan(DESIRED, live, SERVER))
    recorder = begin(store, plan, **keywords)
    with recorder:
        apply(plan, server, journal=recorder, clock=Clock(server.clock, server.sleep))
    return server, recorder


def states(store, version=None):
    """The states of the steps, in order."""
    ledger = ledger_on(store)
    return [step.state for step in ledger.steps(version or ledger.newest().version)]


def test_a_run_leaves_its_whole_story():
    """A version has who ran it, its models, its duration, and every statement with its inverse."""
    store = MemoryStore()
    _, recorder = run(store)
    ledger = ledger_on(store)
    (version,) = ledger.with_steps(ledger.versions())

    assert version == attrs.evolve(recorder.migration, steps=version.steps)
    assert (20261123120000, "migrate", "applied", 3, 3) == (
        version.version, version.kind, version.status, version.total, version.applied,
    )  # fmt: skip
    assert ("h", "alice", 17, "1.2", 7, ("shop.models",)) == (
        version.host, version.actor, version.pid, version.app_version, version.epoch, version.models,
    )  # fmt: skip
    assert (PLAN.fingerprint, PLAN.schema_from, PLAN.schema_to) == (
        version.plan_hash, version.schema_from, version.schema_to,
    )  # fmt: skip
    assert ("", "fp2", 0, None) == (version.models_from, version.models_to, version.duration_ms, version.error)
    assert PLAN.cql == [step.cql for step in version.steps]
    assert [step.undo for step in PLAN.steps] == [step.undo for step in version.steps]
    assert [step.change for step in PLAN.steps] == [step.change for step in version.steps]
    assert ["applied"] * 3 == [step.state for step in version.steps]


def test_each_step_is_written_before_it_is_sent_and_after():
    """The version is written first, then each step before and after its statement, then the end of the version."""
    store = MemoryStore()
    run(store)

    assert ["versions", "add_version", "version", *["put_step"] * 6, "change_version"] == store.requests


def test_the_columns_are_those_of_the_tables():
    """Every column of both tables is written, and no other one."""
    assert set(version_row(Migration("s", 1))) == {column.name for column in MIGRATIONS}
    assert set(step_row(LedgerStep("s", 1, 1))) == {column.name for column in STEPS}


@pytest.mark.parametrize(
    ("now", "heads", "version"),
    [
        (NOON, [], 20261123120000),
        (NOON, [20261123115959], 20261123120000),
        (NOON, [20261123120000], 20261123120001),
        (NOON, [20261123120059, 3], 20261123120060),
        (NOON, [20991231235959], 20991231235960),
        (datetime(2026, 1, 2, 3, 4, 5, 999999, timezone.utc), [], 20260102030405),
    ],
)
def test_a_version_is_the_time_or_one_more_than_the_head(now, heads, version):
    """Version numbers always increase, even if the clock goes back."""
    store = MemoryStore()
    for head in heads:
        store.add_version(version_row(Migration("k/default", head)))

    assert version == ledger_on(store, now=now).begin("sync", PLAN, **HOW).version


def test_a_taken_number_is_passed_over():
    """If another run adds a version between a read and a write, both versions are kept."""
    store = MemoryStore()

    class Racing(MemoryStore):
        def versions(self, scope, limit=None):  # noqa: ARG002 - as of any store
            return []

    racing = Racing(versions_=store.versions_)
    first, second = begin(racing), begin(racing)

    assert [first.version, first.version + 1] == [first.version, second.version]
    assert 2 == len(store.versions_)


def test_scopes_do_not_meet():
    """Two repos that share a keyspace have separate histories."""
    store = MemoryStore()
    run(store)

    assert [] == ledger_on(store, ledger_scope("k", "audit")).versions()
    assert ledger_on(store, ledger_scope("k", "audit")).newest() is None


@pytest.mark.parametrize(
    ("faults", "status", "value"),
    [
        (Faults(refused=frozenset({1})), "failed", ["failed"]),
        (Faults(refused=frozenset({3})), "partial", ["applied", "applied", "failed"]),
        (Faults(lost=frozenset({2})), "applied", ["applied"] * 3),
        (Faults(busy=frozenset({1, 2})), "applied", ["applied"] * 3),
        (Faults(foreign={1: lambda k: attrs.evolve(k, tables=[*k.tables, table("u")])}), "applied",
         ["skipped", "applied", "applied"]),
        (Faults(disagree=frozenset({2})), "applied", ["applied"] * 3),
        (Faults(disagree=frozenset({1})), "failed", []),
    ],
)  # fmt: skip
def test_the_end_tells_how_far_it_came(faults, status, value):
    """The end of a version says whether all steps, some or none were applied; those of others are distinguished."""
    store = MemoryStore()
    fails = bool(faults.refused or faults.disagree)
    with pytest.raises((StepFailed, SchemaDisagreement)) if fails else contextlib.nullcontext() as exc_info:
        run(store, faults)
    head = ledger_on(store).newest()

    assert head.error == (str(exc_info.value) if fails else None)
    assert (status, value) == (head.status, states(store))
    assert head.applied == sum(state != "failed" for state in value)
    assert head.error_seq == (len(value) if "failed" in value else None)


def test_the_next_version_starts_from_the_models_of_the_last():
    """``models_from`` of a version is the fingerprint of the previous one."""
    store = MemoryStore()
    run(store)

    assert "fp2" == begin(store, models_to="fp3").migration.models_from


REQUESTS = 10


@pytest.mark.parametrize("kind", ["lost", "unsent", "busy"])
@pytest.mark.parametrize("number", range(1, REQUESTS + 1))
def test_the_fault_of_one_request_does_not_change_the_ledger(kind, number):
    """With a fault of any request the rows are the same as without it, and no version is written twice."""
    good, store = MemoryStore(), MemoryStore(**{kind: frozenset({number})})
    run(good)
    run(store)

    def rows_of(store):
        return [{**row, "run_id": None} for row in store.versions_.values()], list(store.steps_.values())

    assert REQUESTS == len(good.requests)
    assert len(store.requests) > REQUESTS
    assert rows_of(good) == rows_of(store)


@pytest.mark.parametrize("number", range(1, REQUESTS + 1))
def test_a_refused_request_ends_the_run(number):
    """Without permission to write the ledger, the run ends and the statement is not sent."""
    store = MemoryStore(refused=frozenset({number}))
    server = Simulator(LIVE, SERVER)
    plan = server.knows(PLAN)
    with pytest.raises(LedgerError, match="no MODIFY permission") as exc_info, begin(store) as recorder:
        apply(plan, server, journal=recorder, clock=Clock(server.clock, server.sleep))

    claims = {4: 0, 5: 1, 6: 1, 7: 2, 8: 2, 9: 3, 10: 3}
    assert "k/default" == exc_info.value.scope
    assert claims.get(number, 0) == len(server.executed)


def test_a_server_that_never_answers_is_given_up():
    """Requests are retried a limited number of times."""
    store = MemoryStore(busy=frozenset(range(1, 100)))
    with pytest.raises(LedgerError, match="reading the history failed: overloaded"):
        ledger_on(store).newest()

    assert MAX_ATTEMPTS == len(store.requests)


@pytest.mark.parametrize("status", [None, "partial"])
def test_a_version_that_another_run_settled_cannot_be_ended(status):
    """A version that another run recovered cannot be ended, and the error is a lost lock."""
    store = MemoryStore()
    recorder = begin(store)
    ledger_on(store).recover(Simulator(LIVE).introspect, SERVER)
    with pytest.raises(LockLost, match="ended by another run"):
        recorder.finish(status)

    assert "partial" == ledger_on(store).newest().status


class Killed(BaseException):
    """The process is killed."""


class Journal:
    """Kills the process at an entry, before or after it is written."""

    def __init__(self, recorder, number, *, is_written):
        self.opened, self.left, self.written = recorder, number, is_written

    def _write(self, do):
        self.left -= 1
        if not self.left and not self.written:
            raise Killed
        do()
        if not self.left:
            raise Killed

    def before(self, step):
        self._write(lambda: self.opened.before(step))

    def after(self, step, *keywords):
        self._write(lambda: self.opened.after(step, *keywords))


@pytest.mark.parametrize("is_written", [False, True])
@pytest.mark.parametrize("number", range(1, 7))
def test_whatever_a_killed_run_leaves_is_settled_by_the_schema(number, is_written):
    """Claimed steps of a killed run get the state that the schema shows, and the next version runs the rest."""
    store, server = MemoryStore(), Simulator(LIVE, SERVER)
    plan = server.knows(make_plan(DESIRED, LIVE, SERVER))
    recorder = begin(store)
    with pytest.raises(Killed), recorder:
        apply(plan, server, journal=Journal(recorder, number, is_written=is_written), clock=Clock(sleep=server.sleep))
    assert "running" == ledger_on(store).newest().status
    store.clock -= 500  # the next host's clock is behind
    (settled,) = ledger_on(store).recover(server.introspect, SERVER)
    statement_count = len(server.executed)

    assert attrs.evolve(settled, steps=()) == ledger_on(store).newest()
    assert ("applied" if statement_count == 3 else "partial", statement_count) == (settled.status, settled.applied)
    assert ["applied"] * statement_count == [state for state in states(store) if state == "applied"]
    assert not {"claimed", "failed"} & set(states(store))
    assert [] == ledger_on(store).recover(server.introspect, SERVER)
    rest = make_plan(DESIRED, server.facts, SERVER)
    assert 3 - statement_count == len(rest.steps)


def test_a_raw_step_is_left_to_the_operator():
    """A hand-written step without a recorded change stays claimed, since the schema cannot prove it."""
    store = MemoryStore()
    recorder = begin(store)
    recorder.before(attrs.evolve(PLAN.steps[0], change=None))
    (settled,) = ledger_on(store).recover(Simulator(LIVE).introspect, SERVER)

    assert (["claimed"], "partial") == (states(store), settled.status)


def test_only_running_versions_are_settled():
    """Recovery does not change versions that have ended, whatever their status."""
    store = MemoryStore()
    run(store)
    before = dict(store.versions_)
    ledger_on(store).recover(Simulator(LIVE).introspect, SERVER)

    assert before == store.versions_


@pytest.mark.parametrize("fault", ["lost", "unsent", "busy"])
@pytest.mark.parametrize("number", range(1, 5))
def test_settling_survives_faults_too(fault, number):
    """The fault of one request during recovery does not change its result."""
    store = MemoryStore()
    begin(store).before(PLAN.steps[0])
    setattr(store, fault, frozenset({len(store.requests) + number}))
    ledger_on(store).recover(Simulator(LIVE).introspect, SERVER)

    assert ("partial", ["not_applied"]) == (ledger_on(store).newest().status, states(store))


def test_an_ended_version_can_be_marked_once():
    """A version is marked only if its status is still the one that was read."""
    store = MemoryStore()
    run(store)
    head = ledger_on(store).newest()

    assert ledger_on(store).mark(head, "rolled_back")
    assert not ledger_on(store).mark(head, "abandoned")
    assert "rolled_back" == ledger_on(store).newest().status


V1, V2 = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("stamped", "requested", "current", "verified"),
    [
        (("fp", V1), "fp", V1, True),
        (("fp", V1), "fp", V2, False),
        (("fp", V1), "other", V1, False),
        (None, "fp", V1, False),
        (("fp", V1), "fp", None, False),
        (None, "fp", None, False),
    ],
)
def test_a_stamp_is_good_for_its_models_and_its_schema_version_only(stamped, requested, current, verified):
    """A sync marker is valid only for its models and its schema version, and never if that is unknown."""
    store = MemoryStore(current=current)
    if stamped:
        ledger_on(store).mark_verified(*stamped)

    assert verified == ledger_on(store).is_verified(requested)


def test_the_fast_path_is_two_reads():
    """Checking a sync marker is one request."""
    store = MemoryStore()
    ledger_on(store).mark_verified("fp", V1)
    ledger_on(store).is_verified("fp")
    ledger_on(store).is_verified("none")

    assert ["write_sync_marker", "read_sync_marker", "read_sync_marker"] == store.requests


@pytest.mark.parametrize(
    ("ahead", "messages"), [(timedelta(hours=23), False), (timedelta(hours=25), True), (timedelta(days=-9), False)]
)
def test_a_head_a_day_ahead_of_the_clock_is_remarked(ahead, messages):
    """A newest version that is dated a day ahead of the clock is reported as LG105."""
    store = MemoryStore()
    head = ledger_on(store, now=NOON + ahead).begin("sync", PLAN, **HOW).migration
    finding = ledger_on(store).clock_note(head)

    assert messages == (finding is not None and finding.code == "LG105")
    assert ledger_on(store).clock_note(None) is None


def test_rows_of_other_releases_are_read():
    """Missing columns and unknown values of a row are ignored, and times are in UTC."""
    instance = version_from_row(
        {"scope": "s", "version": 1, "models": None, "started_at": NOON.replace(tzinfo=None), "x": 1}
    )

    assert Migration("s", 1, started_at=NOON) == instance
    assert LedgerStep("s", 1, 2) == step_from_row({"scope": "s", "version": 1, "seq": 2, "undo": None, "y": 1})


def test_values_print_as_json():
    """A version with its steps can be printed as JSON."""
    store = MemoryStore()
    run(store)
    (version,) = ledger_on(store).with_steps(ledger_on(store).versions())
    document = json.loads(json.dumps(version.to_dict()))

    assert ("2026-11-23T12:00:00.000+00:00", 0, ["shop.models"]) == (
        document["started_at"], document["duration_ms"], document["models"],
    )  # fmt: skip
    assert PLAN.cql == [step["cql"] for step in document["steps"]]
    assert "steps" not in ledger_on(store).newest().to_dict()


def test_this_process_is_named():
    """Host, user and process are detected automatically."""
    provenance = Provenance.current(["scyllamodel.demo"])

    assert provenance.host
    assert provenance.actor
    assert provenance.pid
    assert provenance.app_version
    assert Provenance.current(["no_such_package_x"]).app_version == ""
