"""Rollbacks on a real server: `system_schema` is that of the target version, and nothing runs twice."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from scyllamodel import (
    DestructiveChangeRefused,
    ImpossibleChange,
    IrreversibleStep,
    RawStep,
    contract,
    history,
    inspect,
    migrate,
    rollback,
    status,
)
from scyllamodel.driver.session.connection import Connection
from scyllamodel.schema.facts.fingerprint import fingerprint
from scyllamodel.testing import keyspaces
from support.builders import index, table, user_type, view
from support.histories import CHOICES, Killed, declared
from support.model_classes import declare

pytestmark = pytest.mark.live

ALL = ("DS102", "DS103", "DS104", "DS105", "DS106", "BC101")
T = ("id int pk", "at int ck", "a text")


class App:
    """One application with its own keyspace, release after release."""

    def __init__(self, cluster):
        self.cluster, self.keyspace = cluster, keyspaces.unique_name("test_rollback")
        self.opened, self.classes = [], []
        keyspaces.create(self.repo())

    def repo(self, *parts):
        """The repo of a release with these models."""
        repo = self.cluster.repo(self.keyspace, name=f"r{len(self.opened)}_{self.keyspace}")
        self.opened.append(repo)
        self.classes.append(declare(repo.name, *parts))
        return repo

    def schema(self):
        """Everything that the server stores, except ids and dropped columns."""
        return fingerprint(inspect(self.opened[0]))

    def close(self):
        """Drop the keyspace."""
        keyspaces.drop(self.opened[0])
        for repo in self.opened:
            repo.close()


@pytest.fixture
def app(scylla_cluster, monkeypatch):
    """An application whose releases have one history."""
    monkeypatch.setattr("scyllamodel.release.engine.ledger_access.ledger_scope", lambda keyspace, _: f"{keyspace}/app")
    own_app = App(scylla_cluster)
    yield own_app
    own_app.close()


def released(repo):
    """The versions that a release writes; none if its models need a change that CQL lacks, such as another key."""
    for run in (migrate, contract):
        try:
            results = run(repo, allow=ALL)
        except ImpossibleChange:
            return
        if results.version:
            yield results


def with_ttl(seconds, comment, *more, **facts):
    """Table ``t`` with these options."""
    return table("t", *T, *more, options={"default_time_to_live": seconds, "comment": comment}, **facts)


def test_chains_return_to_the_first_version_and_close_the_ledger(app):
    """A chain of options, an index and a column is undone once, and a second call has nothing to do."""
    first = migrate(app.repo(with_ttl(10, "A"), table("u", "id int pk", "c int")))
    before = app.schema()
    migrate(app.repo(with_ttl(20, "B", "b text"), table("u", "id int pk", "c int")))
    last = app.repo(with_ttl(30, "A"))
    migrate(last)
    contract(last, allow={"DS102:u", "DS103:t.b"})
    output = rollback(last, first.version, dry_run=True)
    result = rollback(last, first.version)

    assert [f"ALTER TABLE {app.keyspace}.t WITH default_time_to_live = 10"] == [
        cql for cql in result.plan.cql if "t W" in cql
    ]
    assert output.plan.cql == result.plan.cql
    assert ("rolled_back", before) == (result.status, app.schema())
    assert ["applied", *["rolled_back"] * 3, "applied"] == [version.status for version in history(last)]
    assert "in_sync" == rollback(last, first.version).status


def test_a_dropped_table_returns_with_its_indexes(app):
    """A table dropped by contract is restored with indexes, options and static columns."""
    original = table(
        "u", *T, "s int static", options={"comment": "u", "gc_grace_seconds": 7}, indexes=[index("a", "u_a_idx")]
    )
    first = migrate(app.repo(table("t", *T), original))
    before = app.schema()
    last = app.repo(table("t", *T))
    contract(last, allow={"DS102:u"})
    rollback(last, first.version)

    assert before == app.schema()


def test_a_type_of_another_definition_returns_with_the_table_that_holds_it(app):
    """A type that was dropped and recreated with another field is restored, with its table, index and view."""
    original = table("u", "id int pk", "p frozen<p>", "n int", indexes=[index("n", "u_n_idx")])
    selected = view("w", "u", "n int pk", "id int ck")
    first = migrate(app.repo(table("t", *T), user_type("p", "x int"), original, selected))
    before = app.schema()
    contract(app.repo(table("t", *T)), allow={"DS102:u", "DS104:p", "DS105:w"})
    last = app.repo(table("t", *T), user_type("p", "x text"), original, selected)
    migrate(last)
    with pytest.raises(DestructiveChangeRefused, match="DS102"):
        rollback(last, first.version)
    result = rollback(last, first.version, allow={"DS102:u", "DS104:p", "DS105:w"})

    assert ("rolled_back", before) == (result.status, app.schema())


def test_a_column_of_a_table_with_a_view_is_taken_back(app):
    """On Cassandra the view is dropped first and created again; the schema is that of the target."""
    base = (table("t", *T), view("v", "t", "a text pk", "id int ck", "at int ck"))
    first = migrate(app.repo(*base))
    before = app.schema()
    last = app.repo(table("t", *T, "b text"), base[1])
    migrate(last)
    result = rollback(last, first.version, allow={"DS103", "DS105"})

    assert ("rolled_back", before) == (result.status, app.schema())


def test_a_rollback_that_was_killed_is_finished_without_running_twice(app, monkeypatch):
    """A raw undo that ran before the kill is in the ledger, and the next rollback omits it."""
    first = migrate(app.repo(table("t", *T)))
    before, last = app.schema(), app.repo(table("t", *T, "b text"))
    steps = [RawStep(f"CREATE TABLE {app.keyspace}.raw (id int PRIMARY KEY)", undo=f"DROP TABLE {app.keyspace}.raw")]
    migrate(last, steps=steps)

    def die(event):
        if event.kind == "step_started" and event.step.op == "drop_columns":
            raise Killed

    statements, send = [], Connection.send

    def recording_execute(self, cql, **keywords):
        statements.append(cql)
        return send(self, cql, **keywords)

    monkeypatch.setattr(Connection, "send", recording_execute)
    with pytest.raises(Killed):
        rollback(last, first.version, allow=ALL, steps=steps, on_event=die)
    stopped = status(last)
    result = rollback(last, first.version, allow=ALL, steps=steps)

    assert "interrupted" == stopped.state
    assert ("rolled_back", before) == (result.status, app.schema())
    assert 1 == sum(cql == f"DROP TABLE {app.keyspace}.raw" for cql in statements)
    assert ["applied", "partial", "rolled_back", "applied"] == [version.status for version in history(last)]


def test_a_run_with_nothing_to_do_settles_what_a_dead_one_left(app, monkeypatch):
    """A version whose run died after recording its last step is closed by the next run, without a lock."""
    repo = app.repo(table("t", *T))

    def die(event):
        if event.kind == "step_done":
            raise Killed

    with pytest.raises(Killed):
        migrate(repo, on_event=die)
    dead = status(repo).state, history(repo)[0].status
    texts, send = [], Connection.send

    def recording_execute(self, cql, **keywords):
        texts.append(cql)
        return send(self, cql, **keywords)

    monkeypatch.setattr(Connection, "send", recording_execute)
    result = migrate(repo)

    assert ("interrupted", "running") == dead
    assert ("in_sync", "applied") == (result.status, history(repo)[0].status)
    assert not [text for text in texts if text.startswith("UPDATE") and "scyllamodel_lock" in text]


@settings(
    max_examples=2,
    deadline=None,
    phases=set(Phase) - {Phase.explain, Phase.shrink},
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_random_histories_return_to_any_version(scylla_cluster, data):
    """After each rollback the server stores the schema of that version; a killed one is finished by the next."""
    app, choices, snapshots = App(scylla_cluster), dict.fromkeys(CHOICES) | {"t": "id int pk", "t.a": True}, {}
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                "scyllamodel.release.engine.ledger_access.ledger_scope", lambda keyspace, _: f"{keyspace}/app"
            )
            for _ in range(3):
                names = data.draw(st.lists(st.sampled_from(sorted(CHOICES)), min_size=2, max_size=5, unique=True))
                choices |= {name: data.draw(st.sampled_from(CHOICES[name])) for name in names if name != "t"}
                repo = app.repo(declared(choices))
                for result in released(repo):
                    snapshots[result.version] = app.schema()
            version = data.draw(st.sampled_from(sorted(snapshots)))
            fuse = data.draw(st.integers(0, 6))

            def die(event):
                nonlocal fuse
                fuse -= event.kind in ("step_started", "step_done")
                if fuse < 0 and event.kind in ("step_started", "step_done"):
                    raise Killed

            before = app.schema()
            try:
                rollback(repo, version, allow=ALL, on_event=die)
            except Killed:
                rollback(repo, version, allow=ALL)
            except (ImpossibleChange, IrreversibleStep):  # it was refused, and nothing ran
                assert before == app.schema()
                return
            assert snapshots[version] == app.schema()
            assert not [v for v in history(repo) if v.version > version and v.is_undoable]
    finally:
        app.close()
