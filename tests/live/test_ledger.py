"""The ledger on a real server: what a run records, sync markers that are never wrong, and rollbacks."""

from __future__ import annotations

import time
from uuid import UUID

import attrs
import pytest

from scyllamodel.driver.cluster.ddl_executor import DdlExecutor
from scyllamodel.driver.cluster.introspection import read_schema_version
from scyllamodel.driver.cluster.lwt import literal
from scyllamodel.driver.cluster.schema_agreement import HeartbeatMonitor
from scyllamodel.errors import (
    DestructiveChangeRefused,
    ImpossibleChange,
    LockLost,
    LockTimeout,
    SupersededModels,
    UnknownVersion,
)
from scyllamodel.release.engine.cluster_view import ClusterView
from scyllamodel.release.engine.ledger_access import candidate_ledgers, known_columns, open_ledger, read_internal_tables
from scyllamodel.release.engine.locked_run import Timeouts, acquire_locks
from scyllamodel.release.ledger import Migration, Provenance
from scyllamodel.release.ledger.records import version_row
from scyllamodel.release.ledger.superseded import check_may_sync
from scyllamodel.release.ledger.tables import STEPS
from scyllamodel.release.rollback import rollback
from scyllamodel.release.status import history, status
from scyllamodel.schema.apply import apply
from scyllamodel.schema.facts.fingerprint import fingerprint
from scyllamodel.schema.facts.objects import KeyspaceFacts
from scyllamodel.schema.plan import make_plan
from scyllamodel.testing import keyspaces
from support.builders import index, table, user_type, view
from support.quiet_server import while_schema_is_unchanged

pytestmark = pytest.mark.live

T = ("id int pk", "at int ck", "a text")
OLD = [table("t", *T, options={"gc_grace_seconds": 864000})]
POINT = user_type("point", "x int")
NEW = [
    POINT,
    table("t", *T, "n frozen<point>", options={"gc_grace_seconds": 3600}, indexes=[index("a")]),
    view("v", "t", "a text pk", "id int ck", "at int ck"),
]
ALLOW = {"DS103:t.n", "DS104", "DS105"}


@pytest.fixture
def repo(scylla_cluster):
    """A repo with a keyspace of its own."""
    with scylla_cluster.repo(keyspaces.unique_name("test_ledger")) as new_repo:
        keyspaces.create(new_repo)
        yield new_repo
        keyspaces.drop(new_repo)


def desired_schema(repo, parts):
    """What models with these parts declare."""
    kinds = {"types": POINT, "tables": OLD[0], "views": NEW[-1]}
    parts_by_kind = {kind: [part for part in parts if type(part) is type(like)] for kind, like in kinds.items()}
    return KeyspaceFacts(repo.keyspace, **parts_by_kind)


def run(repo, parts, kind="sync", *, stop=None):
    """Migrate with lock and ledger, and return the version. ``stop``: die just before this step's end is recorded."""
    cluster_view = ClusterView.connect(repo)
    with (
        DdlExecutor(cluster_view.coordinator, cluster_view.server) as executor,
        acquire_locks(repo, executor, kind, [], Timeouts()) as guard,
    ):
        target = desired_schema(repo, parts)
        plan = make_plan(target, cluster_view.introspect([repo.keyspace]), cluster_view.server)
        arguments = {"models_to": fingerprint(target), "fencing_token": guard.fencing_token, "models": ["shop.models"]}
        recorder = guard.ledger.begin(kind, plan, **arguments, provenance=Provenance.current())
        journal = guard.journal(recorder)
        if stop:
            journal = Dying(journal, stop)
        with recorder:
            apply(plan, guard.executor, journal=journal)
    return recorder.version


class Killed(BaseException):
    """The end of a process."""


@attrs.define
class Dying:
    """A journal whose process dies after a step's statement and before its end is recorded."""

    journal: object
    seq: int

    def before(self, step):
        self.journal.before(step)

    def after(self, step, *keywords):
        if step.seq == self.seq:
            raise Killed
        self.journal.after(step, *keywords)


def ledger_of(repo):
    """A separate reader's ledger."""
    cluster_view = ClusterView.connect(repo)
    return open_ledger(
        repo,
        cluster_view.coordinator,
        read_internal_tables(repo, cluster_view.coordinator, cluster_view.server),
        cluster_view.server,
    )


def live(repo):
    """Return the fingerprint of the live schema without the internal tables."""
    return fingerprint(ClusterView.connect(repo).introspect([repo.keyspace]))


def cql(repo, *texts):
    """Run manual changes."""
    for text in texts:
        repo.session.execute(text.replace("K.", f"{repo.keyspace}."), timeout=60)


def test_without_our_tables_there_is_no_history(repo):
    """Without internal tables the history is empty, and reading it creates nothing."""
    assert [] == history(repo)
    assert ("none", None, None) == (status(repo).state, status(repo).version, status(repo).lock)
    assert not any(
        ledger.is_verified("fp") for ledger in candidate_ledgers(repo, ClusterView.connect(repo).coordinator)
    )
    assert (
        () == read_internal_tables(repo, ClusterView.connect(repo).coordinator, ClusterView.connect(repo).server).tables
    )
    with pytest.raises(UnknownVersion):
        rollback(repo, 1)


def test_a_run_is_in_the_books(repo):
    """Two runs are two versions with their steps, states and fingerprints."""
    first, second = run(repo, OLD), run(repo, NEW, "migrate")
    newest, oldest = history(repo, steps=True)

    assert (second, first) == (newest.version, oldest.version)
    assert ("applied", "applied", "migrate", "sync") == (newest.status, oldest.status, newest.kind, oldest.kind)
    assert (oldest.models_to, newest.models_from) == (newest.models_from, oldest.models_to)
    assert (("shop.models",), 5, 5) == (newest.models, newest.total, newest.applied)
    assert ["add_type", "add_columns", "set_options", "add_index", "add_view"] == [step.op for step in newest.steps]
    assert ["applied"] * 5 == [step.state for step in newest.steps]
    assert all(step.change is not None and step.attempts == 1 for step in newest.steps)
    assert newest.epoch > oldest.epoch
    state = status(repo)
    assert (second, "applied", None, None) == (state.version, state.state, state.failure, state.lock)
    assert newest.duration_ms >= sum(step.duration_ms for step in newest.steps)


def test_going_back_returns_to_the_old_fingerprint(repo):
    """A rollback is refused until it is allowed, restores the earlier schema, and is recorded."""
    first = run(repo, OLD)
    before = live(repo)
    second = run(repo, NEW)
    with pytest.raises(DestructiveChangeRefused) as exc_info:
        rollback(repo, first)
    after = live(repo)
    dry = rollback(repo, str(first), dry_run=True, allow=ALLOW)
    result = rollback(repo, first, allow=ALLOW)

    assert {"DS103", "DS104", "DS105"} == {refusal.code for refusal in exc_info.value.refusals}
    assert before != after
    assert before == live(repo)
    assert ("planned", "rolled_back") == (dry.status, result.status)
    assert dry.plan.cql == result.plan.cql
    assert ["applied"] * 5 == [step.state for step in result.steps]
    versions = history(repo)
    assert [(result.version, "rollback", "applied"), (second, "sync", "rolled_back"), (first, "sync", "applied")] == [
        (version.version, version.kind, version.status) for version in versions
    ]
    assert "in_sync" == rollback(repo, first).status
    assert versions == history(repo)
    assert versions[0].models_to == versions[2].models_to
    plan = make_plan(
        desired_schema(repo, NEW),
        ClusterView.connect(repo).introspect([repo.keyspace]),
        ClusterView.connect(repo).server,
    )
    with pytest.raises(SupersededModels):
        check_may_sync(versions, versions[1].models_to, plan)
    assert check_may_sync(versions, versions[2].models_to, plan) is None


def test_a_dead_run_is_settled_by_the_next(repo):
    """A step whose run was killed before recording its end is detected as applied, and the rest is done."""
    run(repo, OLD)
    with pytest.raises(Killed):
        run(repo, NEW, stop=2)
    interrupted = status(repo)
    last = run(repo, NEW)
    newest, middle, _ = history(repo, steps=True)

    assert ("interrupted", middle.version) == (interrupted.state, interrupted.version)
    assert (last, "applied", 3) == (newest.version, newest.status, newest.applied)
    assert ("partial", 2, ["applied", "applied"]) == (middle.status, middle.applied, [s.state for s in middle.steps])


def test_a_rollback_that_died_is_finished_by_the_next(repo):
    """The next rollback omits what the killed one had undone, so nothing runs twice."""
    first = run(repo, OLD)
    before = live(repo)
    run(repo, NEW)
    cql(repo, "DROP MATERIALIZED VIEW K.v", "DROP INDEX K.t_a_idx")  # as far as the dead one came
    result = rollback(repo, first, allow=ALLOW)

    assert before == live(repo)
    assert 3 == len(result.steps)
    assert ["applied", "rolled_back", "applied"] == [version.status for version in history(repo)]


def test_what_others_made_dependent_stops_a_rollback_before_it_begins(repo):
    """A foreign column that uses a type of this version prevents the whole rollback, and the error names it."""
    first = run(repo, OLD)
    run(repo, NEW)
    cql(repo, "ALTER TABLE K.t ADD theirs frozen<point>")
    before = live(repo)
    with pytest.raises(ImpossibleChange, match=r"t\.theirs"):
        rollback(repo, first, allow={*ALLOW, "DS103"})

    assert before == live(repo)
    assert ["applied", "applied"] == [version.status for version in history(repo)]


MANUAL_CHANGES = {
    "a column added": ["ALTER TABLE K.t ADD z int"],
    "a column dropped": ["ALTER TABLE K.t DROP a"],
    "a column added and dropped": ["ALTER TABLE K.t ADD z int", "ALTER TABLE K.t DROP z"],
    "a column dropped and added": ["ALTER TABLE K.t DROP a", "ALTER TABLE K.t ADD a text"],
    "a comment there and back": ["ALTER TABLE K.t WITH comment = 'x'", "ALTER TABLE K.t WITH comment = ''"],
    "an option": ["ALTER TABLE K.t WITH gc_grace_seconds = 7"],
    "a table dropped": ["DROP TABLE K.t"],
    "a table created again": ["DROP TABLE K.t", "CREATE TABLE K.t (id int, at int, a text, PRIMARY KEY (id, at))"],
    "an index": ["CREATE INDEX ON K.t (a)"],
    "a table of another application": ["CREATE TABLE K.other (id int PRIMARY KEY)"],
    "the stamps dropped": ["DROP TABLE K.scyllamodel_verified"],
    "the keyspace altered": ["ALTER KEYSPACE K WITH durable_writes = false"],
}


@pytest.mark.parametrize("texts", MANUAL_CHANGES.values(), ids=MANUAL_CHANGES)
def test_a_stamp_never_survives_a_change(repo, texts):
    """After any manual change, even one that was reverted, an earlier marker does not claim to be in sync."""
    run(repo, OLD)
    coordinator = ClusterView.connect(repo).coordinator
    stamps = list(candidate_ledgers(repo, coordinator))

    def trial():
        ledger_of(repo).mark_verified("fp", read_schema_version(coordinator))
        return [any(ledger.is_verified(fingerprint) for ledger in stamps) for fingerprint in ("fp", "other")]

    good = while_schema_is_unchanged(repo, trial)
    cql(repo, *(text.replace("KEYSPACE K ", f"KEYSPACE {repo.keyspace} ") for text in texts))

    assert [True, False] == good
    assert not any(ledger.is_verified("fp") for ledger in stamps)


def test_a_recreated_keyspace_has_no_sync_marker(repo):
    """A keyspace that was dropped and created again under its name is read in full."""
    run(repo, OLD)
    ledger_of(repo).mark_verified("fp", read_schema_version(ClusterView.connect(repo).coordinator))
    keyspaces.drop(repo)
    keyspaces.create(repo)

    assert not any(
        ledger.is_verified("fp") for ledger in candidate_ledgers(repo, ClusterView.connect(repo).coordinator)
    )
    assert [] == history(repo)


def test_a_late_clock_does_not_hide_the_schema_changes(repo):
    """A claim written with a clock an hour ahead does not hide that the step was applied."""
    run(repo, OLD)
    with pytest.raises(Killed):
        run(repo, NEW, stop=1)
    head = history(repo)[0]
    later = (time.time_ns() // 1000) + 3_600_000_000
    cql(
        repo,
        f"UPDATE K.scyllamodel_steps USING TIMESTAMP {later} SET state = 'claimed' "
        f"WHERE scope = {literal(head.scope)} AND version = {head.version} AND seq = 1",
    )
    cluster_view = ClusterView.connect(repo)
    with (
        DdlExecutor(cluster_view.coordinator, cluster_view.server) as executor,
        acquire_locks(repo, executor, "sync", [], Timeouts()) as guard,
    ):
        steps = guard.ledger.steps(head.version)

    assert ["applied"] == [step.state for step in steps]


def test_a_run_that_waits_for_the_lock_learns_the_heartbeats(repo):
    """A run that waits for the lock already knows the dead nodes when it gets the lock."""
    view = ClusterView.connect(repo)
    known = HeartbeatMonitor()
    known.refresh(view.coordinator)  # nothing, where the server has no such table
    with (
        DdlExecutor(view.coordinator, view.server) as holder,
        acquire_locks(repo, holder, "sync", [], Timeouts()),
        DdlExecutor(view.coordinator, view.server) as executor,
    ):
        with pytest.raises(LockTimeout), acquire_locks(repo, executor, "sync", [], Timeouts(lock=0.2)):
            pass
        learned = executor._heartbeat_monitor

    assert (known.heartbeats.keys(), known.up_states) == (learned.heartbeats.keys(), learned.up_states)


def test_text_reaches_the_server_as_text(repo):
    """Quotes, CQL, line ends and other scripts in user-supplied text are read back unchanged."""
    hostile = 'it\'s; DROP TABLE t; --\n"é☃"$$'
    run(repo, OLD)
    ledger = ledger_of(repo)
    plan = make_plan(
        desired_schema(repo, OLD),
        ClusterView.connect(repo).introspect([repo.keyspace]),
        ClusterView.connect(repo).server,
    )
    arguments = {"models_to": hostile, "models": [hostile], "name": hostile, "provenance": Provenance(hostile, hostile)}
    recorder = ledger.begin("sync", plan, fencing_token=9, **arguments)
    finished = recorder.finish(error=hostile)

    assert attrs.evolve(finished, started_at=None, finished_at=None) == attrs.evolve(
        ledger.newest(), started_at=None, finished_at=None
    )
    assert (hostile, hostile, (hostile,)) == (finished.error, finished.host, finished.models)


def test_a_run_that_another_one_settled_learns_that_it_lost_the_lock(repo):
    """After another run has recovered its version, a run cannot finish it and raises LockLost."""
    run(repo, OLD)
    ledger, cluster_view = ledger_of(repo), ClusterView.connect(repo)
    plan = make_plan(desired_schema(repo, NEW), cluster_view.introspect([repo.keyspace]), cluster_view.server)
    recorder = ledger.begin("sync", plan, models_to="fp", fencing_token=9)
    ledger_of(repo).recover(lambda name: cluster_view.introspect([name])[name], cluster_view.server)
    with pytest.raises(LockLost):
        recorder.finish("partial")

    assert "partial" == ledger.newest().status


def test_a_taken_number_is_not_written_over(repo):
    """Of two versions with one number, the first is kept."""
    run(repo, OLD)
    ledger = ledger_of(repo)
    head = ledger.newest()

    assert not ledger.store.add_version(version_row(Migration(head.scope, head.version, run_id=UUID(int=1))))
    assert head == ledger.newest()


def test_tables_of_an_older_release_are_read(repo):
    """A missing column reads as null, and writing works without it."""
    run(repo, OLD)
    cql(repo, "ALTER TABLE K.scyllamodel_steps DROP change", "ALTER TABLE K.scyllamodel_migrations DROP app_version")
    run(repo, NEW)
    newest, _ = history(repo, steps=True)

    assert ("applied", 5, "") == (newest.status, newest.applied, newest.app_version)
    assert [None] * 5 == [step.change for step in newest.steps]
    cluster_view = ClusterView.connect(repo)
    columns = known_columns(read_internal_tables(repo, cluster_view.coordinator, cluster_view.server))
    assert {"change"} == {column.name for column in STEPS} - columns[STEPS.name]
