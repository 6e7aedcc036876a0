"""Permissions that a plan requires of its role, and grants for the application's role."""

from __future__ import annotations

from typing import get_args

import attrs
import pytest

from scyllamodel.config import RepoSettings, settings_from_url
from scyllamodel.driver.cluster.permissions import Permissions
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ConfigurationError
from scyllamodel.release.engine.application_role import application_permissions, application_role, grant_steps
from scyllamodel.release.engine.permission_check import CHANGE_PERMISSIONS, internal_table_permissions, step_permissions
from scyllamodel.release.ledger.tables import LOCK, TABLES
from scyllamodel.schema.changes import kinds as c
from scyllamodel.schema.changes.describe import DESCRIPTIONS
from scyllamodel.schema.diff.schema_diff import diff
from scyllamodel.schema.facts.objects import FrozenMap, Index, Keyspace, KeyspaceFacts, SchemaFacts
from scyllamodel.schema.plan import make_step, transition
from scyllamodel.schema.server.profile import ServerProfile
from support.builders import schema, table, user_type, view

T = table("t", "id int pk", "v int")
DESIRED = SchemaFacts([KeyspaceFacts("k", tables=[T])])


def step(change):
    """The step of a change."""
    return make_step(1, change, (), ServerProfile())


def test_what_a_plan_makes_it_owns():
    """A new table needs CREATE on its keyspace, and later steps on it need nothing more."""
    grants = list(grant_steps("app", [("SELECT", "k", "t"), ("SELECT", "k", "u")], Permissions("app")))
    steps = [step(c.AddTable("k", T)), step(c.AddColumns("k", "t", (T["v"],))), *grants]

    assert [("CREATE", "k", ""), ("AUTHORIZE", "k", "u"), ("SELECT", "k", "u")] == list(step_permissions(steps))


V = view("v", "t", "v int pk", "id int ck", where="v IS NOT NULL AND id IS NOT NULL")
P = user_type("p", "x int")
OPTIONS = {"gc_grace_seconds": 5}, {"gc_grace_seconds": 9}
I = Index("i", "v")  # noqa: E741 - beside T, V and P
NEEDED = {
    c.CreateKeyspace(Keyspace("k", FrozenMap({"class": "NetworkTopologyStrategy", "dc": "1"}))): ("CREATE", "", ""),
    c.AddType("k", P): ("CREATE", "k", ""),
    c.AddField("k", "p", "y", P.fields[0][1]): ("ALTER", "k", ""),
    c.RenameFields("k", "p", (("x", "y"),)): ("ALTER", "k", ""),
    c.DropType("k", P): ("DROP", "k", ""),
    c.AddTable("k", T): ("CREATE", "k", ""),
    c.AddColumns("k", "t", (T["v"],)): ("ALTER", "k", "t"),
    c.DropColumns("k", "t", (T["v"],)): ("ALTER", "k", "t"),
    c.RenameKeyColumns("k", "t", (("id", "key"),)): ("ALTER", "k", "t"),
    c.SetMask("k", "t", "v", "DEFAULT", None): ("ALTER", "k", "t"),
    c.SetTtlColumn("k", "t", "v", None): ("ALTER", "k", "t"),
    c.AddIndex("k", T, I): ("ALTER", "k", "t"),
    c.DropIndex("k", T, I): ("ALTER", "k", "t"),
    c.DropTable("k", T): ("DROP", "k", "t"),
    c.AddView("k", V): ("ALTER", "k", "t"),
    c.DropView("k", V): ("ALTER", "k", "t"),
    c.SetOptions("k", "t", *map(FrozenMap, OPTIONS)): ("ALTER", "k", "t"),
    c.SetOptions("k", "v", *map(FrozenMap, OPTIONS), view=True, base="t"): ("ALTER", "k", "t"),
}
"""One change of each kind that has a statement, and what servers ask for it; the live tests of roles ask them."""


def test_each_change_needs_its_right():
    """The permission is on the object that servers check, which for a view is its base table."""
    assert list(NEEDED.values()) == [need for change in NEEDED for need in step_permissions([step(change)])]


def test_each_kind_of_change_with_a_statement_has_a_need():
    """Every kind of change with a statement has a required permission."""
    kinds = {kind for kind in get_args(c.Change) if kind in DESCRIPTIONS}

    assert kinds == set(CHANGE_PERMISSIONS) == {type(change) for change in NEEDED}


def test_a_plan_knows_the_table_of_a_view():
    """Migrations and rollbacks find the base table of a view, whichever side has the view."""
    live, target = (schema(T, attrs.evolve(V, options=options)) for options in OPTIONS)
    server = ServerProfile()
    changes = [*diff(live, target, server), *transition(live, target, server), *transition(target, live, server)]
    changes += [change.inverse() for change in changes]

    assert 6 * [("ALTER", "k", "t")] == list(step_permissions(map(step, changes)))


def test_internal_tables_are_made_or_read_and_written():
    """A missing internal table needs CREATE, and an existing one SELECT and MODIFY."""
    assert [("CREATE", "k", "")] == list(internal_table_permissions(KeyspaceFacts("k")))
    assert [("CREATE", "k", ""), ("SELECT", "k", LOCK.name), ("MODIFY", "k", LOCK.name)] == list(
        internal_table_permissions(KeyspaceFacts("k", tables=[LOCK]))
    )
    assert 2 * len(TABLES) == len(list(internal_table_permissions(KeyspaceFacts("k", tables=TABLES))))


@pytest.mark.parametrize("resource", ["<table k.t>", "<keyspace k>", "<all tables in k>", "<all keyspaces>"])
def test_a_right_on_what_is_above_covers(resource):
    """A permission on an enclosing resource is sufficient, as on the server."""
    assert Permissions("r", frozenset({("ALTER", resource)})).covers("ALTER", "k", "t")
    assert not Permissions("r", frozenset({("ALTER", resource)})).covers("DROP", "k", "t")
    assert Permissions("r", is_superuser=True).covers("DROP", "k", "t")


def test_a_right_on_something_else_does_not_cover():
    """A permission on another table, or on a table instead of its keyspace, is not sufficient."""
    permissions = Permissions("r", frozenset({("ALTER", "<table k.t>")}))

    assert [False, False, False] == [permissions.covers("ALTER", *place) for place in (("k", "u"), ("k",), ())]


def test_the_application_gets_its_tables_and_never_writes_internal_ones():
    """Only permissions that are missing on the tables are granted, and no write access to internal tables."""
    needs = list(application_permissions(DESIRED, "k"))
    broad = Permissions("app", frozenset({("SELECT", "<keyspace k>"), ("MODIFY", "<table k.t>")}))
    steps = list(grant_steps("App", needs, broad))

    assert [] == [need for need in needs if need[0] != "SELECT" and need[2].startswith("scyllamodel_")]
    assert [
        'GRANT SELECT ON TABLE k.t TO "App"',
        'GRANT SELECT ON TABLE k.scyllamodel_verified TO "App"',
        'GRANT SELECT ON TABLE k.scyllamodel_page_secrets TO "App"',
    ] == [statement.cql for statement in steps]
    assert 'LIST SELECT PERMISSION ON TABLE k.t OF "App" NORECURSIVE' == steps[0].post_condition
    assert ("+", True) == (steps[0].mark, steps[0].reversible)


def test_the_role_is_a_setting(monkeypatch):
    """The role is set in a call, a URL or the environment, and an empty one is refused."""
    repo = Repo(nodes=["h1"], keyspace="k", application_role="app")
    bare = Repo(nodes=["h1"], keyspace="k")
    values = [application_role(repo), application_role(bare)]
    monkeypatch.setenv("SCYLLAMODEL_APPLICATION_ROLE", "other")

    assert ["app", None, "app", "other"] == [*values, application_role(repo), application_role(bare)]
    assert "app" == settings_from_url("scylla://h1/k?application_role=app").application_role
    with pytest.raises(ConfigurationError, match="application_role= is empty"):
        RepoSettings(nodes=["h1"], keyspace="k", application_role=" ")
    assert attrs.evolve(repo.settings, keyspace="l").application_role == "app"
