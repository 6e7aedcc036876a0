"""Start-up syncs and releases on a real server: what each run does, and what a start must never undo."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest

from scyllamodel import (
    Column,
    ConfigurationError,
    DestructiveChangeRefused,
    ImpossibleChange,
    KeyspaceError,
    LockTimeout,
    Model,
    OutOfSync,
    Plan,
    RawStep,
    StalePlan,
    StepFailed,
    SupersededModels,
    check,
    clustering_key,
    column,
    diff_async,
    history,
    migrate,
    migrate_async,
    partition_key,
    plan,
    rollback,
    status,
    unlock,
    wait_async,
)
from scyllamodel import types as cql
from scyllamodel._backoff import Clock
from scyllamodel.driver.cluster.coordinator import choose_coordinator
from scyllamodel.driver.cluster.lwt import LwtClient
from scyllamodel.driver.data.api_base import client_of
from scyllamodel.driver.session.connection import Connection
from scyllamodel.release.ledger.tables import TABLES
from scyllamodel.release.lock import CqlLockStore, Lock, LockRequest
from scyllamodel.testing import keyspaces
from support.builders import table, view
from support.model_classes import declare
from support.quiet_server import while_schema_is_unchanged

pytestmark = pytest.mark.live

T = ("id int pk", "at int ck", "a text")


class Releases:
    """One keyspace, and a repo for the models of each release."""

    def __init__(self, cluster, keyspace, **settings):
        self.cluster, self.keyspace, self.settings = cluster, keyspace, settings
        self.opened, self.classes = [], []

    def __call__(self, *parts):
        """A repo with these models; all releases share one ledger scope."""
        repo = self.cluster.repo(self.keyspace, name=f"r{uuid4().hex[:8]}", **self.settings)
        self.opened.append(repo)
        self.classes.append(declare(repo.name, *parts))
        return repo

    def close(self):
        """Close all repos."""
        for repo in self.opened:
            repo.close()


@pytest.fixture
def releases(scylla_cluster, monkeypatch):
    """Releases of one application in one keyspace."""
    monkeypatch.setattr("scyllamodel.release.engine.ledger_access.ledger_scope", lambda keyspace, _: f"{keyspace}/app")
    own_releases = Releases(scylla_cluster, keyspaces.unique_name("test_release"))
    keyspaces.create(own_releases())
    yield own_releases
    keyspaces.drop(own_releases())
    own_releases.close()


@pytest.fixture
def statements(monkeypatch):
    """Every statement that this package sends."""
    texts, send = [], Connection.send

    def recording_execute(self, cql, **keywords):
        texts.append(cql)
        return send(self, cql, **keywords)

    monkeypatch.setattr(Connection, "send", recording_execute)
    return texts


def test_a_start_with_nothing_to_do_costs_two_reads(releases, statements):
    """A start reads the sync marker and the schema version, whatever the number of models."""
    repo = releases(*(table(f"t{n}", *T) for n in range(5)))
    first = Model.sync_all(repo)

    def trial():
        Model.sync_all(repo)  # the version may have changed since the first
        statements.clear()
        return Model.sync_all(repo).status, tuple(statements)

    status, texts = while_schema_is_unchanged(repo, trial)
    assert ("applied", "in_sync") == (first.status, status)
    assert ["system.local", "scyllamodel_verified"] == sorted(
        (word for text in texts for word in ("system.local", "scyllamodel_verified") if word in text), reverse=True
    )
    assert 2 == len(texts)


def test_nothing_to_do_without_a_stamp_takes_no_lock(releases, statements):
    """Models without a marker that match the schema are read in full once, then cost two reads too."""
    Model.sync_all(releases(table("t", *T)))
    older = releases(table("t", *T[:2]))

    def trial():
        older.session.execute(f"DELETE FROM {older.keyspace}.scyllamodel_verified WHERE scope = '{older.keyspace}/app'")
        statements.clear()
        return [Model.sync_all(older).status for _ in range(2)], tuple(statements)

    answers, texts = while_schema_is_unchanged(older, trial)
    assert ["in_sync", "in_sync"] == answers
    assert not [text for text in texts if "scyllamodel_lock" in text or text.startswith(("CREATE", "ALTER", "UPDATE"))]
    assert 1 == sum(text.startswith("INSERT") for text in texts)


def test_an_older_release_that_restarts_brings_nothing_back(releases):
    """An older release changes no options back, and is superseded if it lacks a table; an explicit migrate runs."""
    old = releases(table("t", *T, options={"gc_grace_seconds": 1000}))
    new = releases(table("t", *T, options={"gc_grace_seconds": 2000}), table("u", *T))
    Model.sync_all(old)
    Model.sync_all(new)
    remaining = Model.sync_all(old)
    new.session.execute(f"DROP TABLE {new.keyspace}.t", timeout=60)
    with pytest.raises(SupersededModels) as exc_info:
        Model.sync_all(old)

    assert ("in_sync", ["LG101"]) == (remaining.status, [n.code for n in remaining.plan.notes if n.code == "LG101"])
    assert ("CREATE TABLE",) == tuple(text[:12] for text in exc_info.value.missing)
    assert "applied" == migrate(old).status


def test_check_names_the_version_that_replaced_the_models(releases):
    """After a rollback the newer models are out of sync, and check names the version that replaced them."""
    old, new = releases(table("t", *T)), releases(table("t", *T, "b text"))
    first = migrate(old)
    migrate(new)
    result = rollback(new, first.version, allow={"DS103"})
    (note,) = [note for note in check(new).notes if note.code == "LG101"]

    assert f"superseded by version {result.version} (rollback" in note.text
    assert not check(new).in_sync
    assert (True, []) == (check(old).in_sync, [n for n in check(old).notes if n.code == "LG101"])


def test_a_replica_older_than_a_key_rename_gets_the_version(releases):
    """The refusal of the old key names the version that renamed the column."""
    old, newer = releases(table("t", *T)), releases()
    migrate(old)

    class Renamed(Model, repo=newer.name, table="t"):
        id: Column[cql.Int] = partition_key()
        moment: Column[cql.Int] = clustering_key(renamed_from="at")
        a: Column[str | None] = column(default=None)

    result = migrate(newer, allow={"BC101"})
    refusals = plan(old).refusals

    assert Renamed.__facts__.name == "t"
    assert [True] == [f"Version {result.version} renamed at to moment." in refusal.fix for refusal in refusals]


def test_a_keyspace_that_does_not_exist_is_an_error(scylla_cluster):
    """status, history and rollback name the missing keyspace."""
    with scylla_cluster.repo("never_made") as repo:
        for ask in (status, history, lambda repo: rollback(repo, 0)):
            with pytest.raises(KeyspaceError, match="never_made does not exist"):
                ask(repo)


def test_a_rollback_stays_rolled_back(releases):
    """After a rollback, no start with old or new models undoes it, and check says what the new ones lack."""
    old, new = releases(table("t", *T)), releases(table("t", *T, "b text"), view("v", "t", "at int pk", "id int ck"))
    first = Model.sync_all(old)
    before = plan(old).schema_from
    Model.sync_all(new)
    result = rollback(new, first.version, allow={"DS103", "DS105"})
    with pytest.raises(SupersededModels):
        Model.sync_all(new)

    assert ("rolled_back", before) == (result.status, plan(old).schema_from)
    assert "in_sync" == Model.sync_all(old).status
    assert ["rollback", "sync", "sync"] == [version.kind for version in history(new)]
    assert ["applied", "rolled_back", "applied"] == [version.status for version in history(new)]
    assert not check(new).in_sync


def test_a_start_that_may_not_change_anything_says_what_is_missing(releases, monkeypatch):
    """Mode verify raises at once, wait raises after its timeout, off changes nothing; the environment can set it."""
    repo = releases(table("t", *T))
    with pytest.raises(OutOfSync, match="CREATE TABLE") as exc_info:
        Model.sync_all(repo, mode="verify")
    with pytest.raises(OutOfSync):
        Model.sync_all(repo, mode="wait", lock_timeout=0.2)
    monkeypatch.setenv("SCYLLAMODEL_SYNC", "off")
    off = Model.sync_all(repo)
    monkeypatch.setenv("SCYLLAMODEL_SYNC", "of")
    with pytest.raises(ConfigurationError, match="SCYLLAMODEL_SYNC is 'of'"):
        Model.sync_all(repo)

    assert 1 == len(exc_info.value.plan.cql)
    assert ("in_sync", ["SY101"]) == (off.status, [note.code for note in off.plan.notes])
    assert 1 == len(plan(repo).cql)


def test_raw_statements_run_once_and_are_undone(releases):
    """Raw steps run before and after the schema, are in the ledger, and without an undo prevent a rollback."""
    repo = releases(table("t", *T))
    row = f"INSERT INTO {repo.keyspace}.t (id, at, a) VALUES (1, 1, 'x')"
    removed, other = (f"DELETE FROM {repo.keyspace}.t WHERE id = {n} AND at = {n}" for n in (1, 2))
    steps = [
        RawStep(row, undo=removed, post_condition=f"SELECT a FROM {repo.keyspace}.t WHERE id = 1 AND at = 1"),
        RawStep(f"UPDATE {repo.keyspace}.t SET a = 'y' WHERE id = 2 AND at = 2", undo=other),
    ]
    first, second = migrate(repo, steps=steps), migrate(repo, steps=steps)
    rows = sorted(repo.session.execute(f"SELECT id, a FROM {repo.keyspace}.t"))
    with pytest.raises(DestructiveChangeRefused, match="RB107"):
        rollback(repo, 0, allow={"DS102"})
    output = rollback(repo, 0, dry_run=True)
    digests = [refusal.allow for refusal in output.plan.refusals if refusal.code == "RB107"]
    result = rollback(repo, 0, allow={"DS102", digests[0]}, steps=steps[:1])

    assert ["DS102", "RB107", "RB107"] == sorted(refusal.code for refusal in output.plan.refusals)
    assert output.plan.cql == result.plan.cql
    assert ["add_table", "run", "run"] == [step.op for step in first.plan.steps]
    assert ("applied", "in_sync") == (first.status, second.status)
    assert [(1, "x"), (2, "y")] == rows
    assert ["undo_run", "undo_run", "drop_table"] == [step.op for step in result.plan.steps]


def test_a_failed_raw_statement_leaves_the_rest_for_the_next_run(releases):
    """Applied steps stay, the version is partial, and a run with the corrected statement continues."""
    repo = releases(table("t", *T))
    with pytest.raises(StepFailed) as exc_info:
        migrate(repo, steps=[RawStep("SELECT nothing FROM nowhere")])
    broken = status(repo)
    result = migrate(repo, steps=[RawStep(f"INSERT INTO {repo.keyspace}.t (id, at) VALUES (1, 1)")])

    assert 1 == exc_info.value.applied
    assert "partial" == exc_info.value.result.status == broken.state
    assert ("applied", ["run"]) == (result.status, [step.op for step in result.plan.steps])
    assert "applied" == status(repo).state


def test_a_raw_keyspace_drop_requires_its_name(releases):
    """A raw step may drop another keyspace only if DS101 is allowed by its name, and never the repo's own."""
    repo, other = releases(table("t", *T)), keyspaces.unique_name("test_old")
    with releases.cluster.repo(other) as other_repo:
        keyspaces.create(other_repo)
    drop = RawStep(f"DROP KEYSPACE {other}")
    with pytest.raises(DestructiveChangeRefused, match=f"DS101 {other}"):
        migrate(repo, steps=[drop])
    with pytest.raises(ImpossibleChange, match=f"DS101 {repo.keyspace}"):
        migrate(repo, steps=[RawStep(f"DROP KEYSPACE {repo.keyspace}")], allow={"DS101"})
    before = history(repo)
    result = migrate(repo, steps=[drop], allow={f"DS101:{other}"})

    assert ([], ["add_table", "run"]) == (before, [step.op for step in result.plan.steps])
    assert not repo.session.execute(
        "SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = %s", [other]
    ).one()


def test_a_plan_from_a_file_runs_as_it_was_read(releases, tmp_path):
    """The statements of a plan file are those that run; after a manual change they are refused, and it is named."""
    repo = releases(table("t", *T))
    file = tmp_path / "plan.json"
    plan(repo).save(file)
    result = migrate(repo, plan=Plan.load(file))
    later = releases(table("t", *T, "b text", "c text"))
    plan(later).save(file)
    repo.session.execute(f"ALTER TABLE {repo.keyspace}.t ADD b text", timeout=60)
    with pytest.raises(StalePlan) as exc_info:
        migrate(later, plan=Plan.load(file))

    assert "applied" == result.status
    assert any("b text" in line for line in exc_info.value.moved)


def test_a_new_view_is_waited_for(releases):
    """With `wait_built` the call returns when a new view contains all earlier rows."""
    repo = releases(table("t", *T))
    migrate(repo)
    for number in range(50):
        repo.session.execute(f"INSERT INTO {repo.keyspace}.t (id, at, a) VALUES (1, {number}, 'x')")
    migrate(releases(table("t", *T), view("v", "t", "at int pk", "id int ck")), wait_built=True)

    assert 50 == repo.session.execute(f"SELECT count(*) FROM {repo.keyspace}.v").one()[0]


def test_the_books_may_be_kept_elsewhere_and_in_one_place_only(releases, scylla_cluster):
    """With ledger_keyspace the keyspace has no internal tables; a repo without that setting is refused."""
    ledger_keyspace = keyspaces.unique_name("test_books")
    away = Releases(scylla_cluster, releases.keyspace, ledger_keyspace=ledger_keyspace)
    result = migrate(away(table("t", *T)), create_keyspace=True)
    names = {row[0] for row in releases().session.execute(
        "SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s", [releases.keyspace]
    )}  # fmt: skip
    with pytest.raises(ConfigurationError, match="LG102"):
        migrate(releases(table("u", *T)))
    releases().session.execute(f"DROP KEYSPACE {ledger_keyspace}", timeout=60)
    away.close()

    assert {"t"} == names
    assert ["create_keyspace", *["add_table"] * len(TABLES)] == [step.op for step in result.plan.bootstrap]


def test_models_in_several_keyspaces_are_one_version(releases):
    """Each keyspace has its own lock, acquired in order; the ledger belongs to the repo."""
    other = keyspaces.unique_name("test_other")
    repo = releases(table("t", *T))

    class Elsewhere(Model, repo=repo.name, keyspace=other, table="u"):
        id: Column[UUID] = partition_key()

    result = migrate(repo, create_keyspace=True)
    locks = {row[0] for row in repo.session.execute(f"SELECT name FROM {repo.keyspace}.scyllamodel_lock")}
    repo.session.execute(f"DROP KEYSPACE {other}", timeout=60)

    assert {other, repo.keyspace} == locks
    assert other == Elsewhere.__facts__.keyspace
    assert ["add_table", "add_table"] == [step.op for step in result.plan.steps]


def test_a_hand_written_step_on_a_keyspace_is_judged_by_the_nodes_that_there_are(releases):
    """A raw step or undo that names a data centre without nodes is refused before anything runs."""
    repo = releases(table("t", *T))
    invalid_cql = (
        f"ALTER KEYSPACE {repo.keyspace} WITH replication = {{'class': 'NetworkTopologyStrategy', 'no_dc': 1}}"
    )
    invalid_cql += " AND durable_writes = true"
    with pytest.raises(ImpossibleChange, match=r"NB104 .*'no_dc'"):
        migrate(repo, steps=[RawStep(invalid_cql)])
    planned = migrate(repo, dry_run=True, steps=[RawStep("GRANT a TO b", undo=invalid_cql)]).plan

    assert ["NB104"] == [lint.code for lint in planned.steps[-1].lints if "'no_dc'" in lint.text]


def test_the_loop_runs_during_a_sync(releases):
    """The event loop runs during an awaited sync, and the awaited functions return what the blocking ones return."""
    repo = releases(table("t", *T))

    async def both():
        ticks = 0
        syncing = asyncio.create_task(Model.sync_all_async(repo))
        while not syncing.done():
            await asyncio.sleep(0.001)
            ticks += 1
        output = await diff_async(repo, "live"), await wait_async(repo, timeout=0.0)
        return ticks, syncing.result().status, (await migrate_async(repo)).status, *output

    ticks, first, second, difference, waited = asyncio.run(both())

    assert ("applied", "in_sync", True, True) == (first, second, difference.is_empty, waited.met)
    assert ticks > 5
    assert isinstance(history(repo)[0].run_id, UUID)


def test_a_key_column_is_renamed_when_that_is_allowed_and_named_back_by_a_rollback(releases):
    """RENAME is refused as BC101, runs if allowed, keeps the rows, and has an inverse."""
    first = migrate(releases(table("t", *T)))
    newer = releases()

    class Moved(Model, repo=newer.name, table="t"):
        id: Column[cql.Int] = partition_key()
        moment: Column[cql.Int] = clustering_key(renamed_from="at")
        a: Column[str | None] = column(default=None)

    newer.session.execute(f"INSERT INTO {newer.keyspace}.t (id, at, a) VALUES (1, 2, 'x')")
    with pytest.raises(DestructiveChangeRefused, match="BC101"):
        migrate(newer)
    result = migrate(newer, allow={"BC101"})
    rows = list(newer.session.execute(f"SELECT moment FROM {newer.keyspace}.t"))
    rolled_back = rollback(newer, first.version, allow={"BC101"})

    assert ["rename_key_columns"] == [step.op for step in result.plan.steps]
    assert [(2,)] == rows
    assert "moment" in Moved.__columns__
    assert ("rolled_back", ["rename_key_columns"]) == (rolled_back.status, [step.op for step in rolled_back.plan.steps])
    assert "in_sync" == migrate(releases(table("t", *T))).status


def test_a_holder_that_stirs_at_the_last_moment_keeps_its_lock(releases):
    """A holder that renews its lock just before the takeover keeps it."""
    repo = releases(table("t", *T))
    migrate(repo)
    store = CqlLockStore(LwtClient(choose_coordinator(client_of(repo).connection())), repo.keyspace, repo.keyspace)
    with Lock(store, LockRequest("a test")).acquire() as lease:
        times = iter((0.0, 1000.0))

        def clock():
            now = next(times)
            assert now == 0.0 or lease.renew()
            return now

        with pytest.raises(LockTimeout, match="a test"):
            unlock(repo, clock=Clock(clock))
        still = store.read(serial=True).owner

    assert lease.owner == still
