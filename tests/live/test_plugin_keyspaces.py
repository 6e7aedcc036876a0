"""Models with ``keyspace=`` in tests of an application: a keyspace of the test module replaces it."""

from __future__ import annotations

import pytest

from scyllamodel import Column, Index, MaterializedView, Model, UserType, column, insert, migrate, partition_key, select
from scyllamodel.testing import keyspaces

pytestmark = pytest.mark.live
MINE = "plugin_keyspaces"


class PlaceOfPlugin(UserType, name="plugin_place", keyspace="plugin_audit"):
    """A type in the other keyspace."""

    city: str


class EventOfPlugin(Model, repo=MINE, keyspace="plugin_audit", table="plugin_events", indexes=[Index("kind")]):
    """A table in another keyspace than the repo's."""

    id: Column[int] = partition_key()
    kind: Column[str] = column(default="made")
    place: Column[PlaceOfPlugin | None] = column(default=None)


class PlainOfPlugin(Model, repo=MINE, table="plugin_plain"):
    """A table in the keyspace of the repo."""

    id: Column[int] = partition_key()


EVERY = select(EventOfPlugin).where(EventOfPlugin.id == 1)


@pytest.fixture(scope="module")
def scylla_cluster(scylla_cluster):
    """The server, with repos of the name to which these models are bound."""

    class Named:
        def repo(self, keyspace, models=(), **options):
            return scylla_cluster.repo(keyspace, models, name=MINE, **options)

    return Named()


@pytest.fixture(scope="module")
def synced(scylla_repo):
    """The repo with all tables migrated."""
    migrate(scylla_repo)
    return scylla_repo


def test_a_model_is_moved_into_a_keyspace_of_the_module(synced):
    """Tables, types and rows are in a keyspace that no other run uses."""
    synced.save(EventOfPlugin(id=1, place=PlaceOfPlugin(city="here")))
    keyspace = EventOfPlugin.__facts__.keyspace
    rows = list(synced.session.execute(f"SELECT id FROM {keyspace}.plugin_events"))

    assert keyspace.startswith("test_plugin_audit_")
    assert keyspace == PlaceOfPlugin.__facts__.keyspace
    assert [(1,)] == rows
    assert "here" == synced.one(EVERY).place.city


@pytest.mark.scylla_keep_rows
def test_rows_of_the_moved_model_are_there_until_a_test_wants_none(synced):
    """The mark that keeps rows applies to all keyspaces of the module."""
    assert synced.exists(EVERY)


def test_the_moved_model_is_emptied_as_the_others_are(synced):
    """A test does not see rows of the moved model that an earlier one wrote."""
    assert not synced.exists(EVERY)


def test_a_second_module_meets_no_lock_of_the_first(synced, scylla_cluster):
    """Another module of the run, or a simultaneous run, has its own keyspace and lock (LG102)."""
    keyspace = EventOfPlugin.__facts__.keyspace
    with scylla_cluster.repo(keyspaces.unique_name("second")) as repo:
        keyspaces.create(repo)
        try:
            with keyspaces.own_keyspaces(repo) as others:
                result = migrate(repo)
                repo.execute(insert(EventOfPlugin(id=1)))
                emptied = [table for repo in others for table in keyspaces.empty(repo)]
        finally:
            keyspaces.drop(repo)
    remaining = synced.session.execute(
        "SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = %s", [others[0].keyspace]
    )

    assert "applied" == result.status
    assert ["plugin_events"] == emptied
    assert [] == list(remaining)
    assert keyspace == EventOfPlugin.__facts__.keyspace
    assert not synced.exists(EVERY)


def test_the_classes_name_their_own_keyspace_after_the_module(scylla_cluster):
    """After the module, models and views have their own keyspace again."""
    before = EventOfPlugin.__facts__

    class KindOfPlugin(MaterializedView, of=EventOfPlugin, view="plugin_kinds"):
        kind: Column[str] = partition_key()
        id: Column[int] = partition_key()

    with scylla_cluster.repo(keyspaces.unique_name("third")) as repo, keyspaces.own_keyspaces(repo) as others:
        within = {EventOfPlugin.__facts__.keyspace, KindOfPlugin.__facts__.keyspace}

    assert {repo.keyspace for repo in others} == within
    assert before == EventOfPlugin.__facts__
    assert before.keyspace == KindOfPlugin.__facts__.keyspace
