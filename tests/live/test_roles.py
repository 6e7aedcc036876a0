"""The permissions that `grants` prints, on a server with logins: each is needed, and no others are."""

from __future__ import annotations

import attrs
import pytest
from cassandra import InvalidRequest, Unauthorized

from scyllamodel import (
    Column,
    Index,
    MaterializedView,
    Model,
    backfill,
    check,
    clustering_key,
    column,
    contract,
    create_keyspace,
    history,
    migrate,
    partition_key,
    plan,
    rollback,
    select,
    status,
    wait,
)
from scyllamodel.errors import (
    ConfigurationError,
    ImpossibleChange,
    LedgerError,
    PermissionDenied,
    ScyllaModelError,
)
from scyllamodel.release.engine.application_role import required_grants
from scyllamodel.release.engine.cluster_view import ClusterView
from scyllamodel.release.engine.permission_check import CHANGE_PERMISSIONS, change_permissions, grant_clause
from scyllamodel.schema.changes import kinds as c
from scyllamodel.schema.facts import objects
from scyllamodel.schema.facts.objects import FrozenMap
from scyllamodel.schema.plan import make_step
from support import builders

pytestmark = pytest.mark.live


class Account(Model, table="accounts", repo="roles", indexes=[Index("status")]):
    """A table with an index."""

    id: Column[int] = partition_key()
    status: Column[str] = column(default="new")
    note: Column[str | None] = column(default=None)


class Bill(Model, table="bills", repo="roles"):
    """A table that is created later."""

    id: Column[int] = partition_key()
    number: Column[int] = clustering_key()


class Order(Model, table="orders", repo="views"):
    """A table with a view."""

    id: Column[int] = partition_key()
    owner: Column[str] = column()


class OrderByOwner(MaterializedView, of=Order, view="orders_by_owner"):
    """A view, which the server updates in the name of those who write its table."""

    owner: Column[str] = partition_key()
    id: Column[int] = clustering_key()


@pytest.fixture(scope="module")
def keyspace(logins):
    """A keyspace that the administrator has migrated, with a table that no model declares."""
    name = logins.keyspace()
    with logins.cluster.repo(name, models=[__name__], name="roles") as admin:
        first = migrate(admin, resources=[Account])
        admin.save(Account(id=1))
        admin.raw(f"CREATE TABLE {name}.legacy (a int PRIMARY KEY)")
        yield name, first.version


def rights(repo, role, *commands):
    """The statements that `grants` prints for these commands, without those for objects that do not exist yet."""
    values = [cql for grant in required_grants(repo, role) if set(commands) & set(grant.commands) for cql in grant.cql]
    return [cql for cql in dict.fromkeys(values) if "scyllamodel_backfills" not in cql and ".bills" not in cql]


def without(logins, statements, run):
    """Those of these permissions that are not needed: each is revoked, and granted again if the run failed."""
    worked = []
    for cql in statements:
        logins.run(cql.replace("GRANT", "REVOKE").replace(" TO ", " FROM "))
        error = error_of(run)
        if not isinstance(error, (PermissionDenied, LedgerError)) or "permission" not in str(error):
            worked.append((cql, error))
        logins.run(cql)
    return worked


def error_of(run):
    """The error of a call, or None."""
    try:
        run()
    except ScyllaModelError as error:
        return error
    return None


def migrated(logins, keyspace):
    """Migrate as the superuser."""
    with logins.cluster.repo(keyspace, models=[__name__], name="roles") as repo:
        migrate(repo)


def state(logins, keyspace):
    """Everything that a run could have changed: the tables and the versions."""
    tables = "SELECT table_name, id FROM system_schema.tables WHERE keyspace_name = %s"
    columns = "SELECT table_name, column_name FROM system_schema.columns WHERE keyspace_name = %s"
    session = logins.admin.session
    versions = session.execute(f"SELECT version FROM {keyspace}.scyllamodel_migrations")
    return [sorted(session.execute(cql, (keyspace,))) for cql in (tables, columns)], sorted(versions)


COMMANDS = {
    "status": lambda repo, _: status(repo),
    "history": lambda repo, _: history(repo, steps=True),
    "contract": lambda repo, _: contract(repo, allow={"DS102:legacy"}),
    "migrate": lambda repo, _: migrate(repo),
    "backfill": lambda repo, _: backfill(repo, Account.status, into=Account.note),
    "rollback": lambda repo, first: rollback(repo, first, allow={"DS102", "DS103"}),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_needs_its_grants_and_no_more(logins, keyspace, command):
    """A command fails without one of its permissions before it changes anything, and works with all of them."""
    name, first = keyspace
    role = logins.role(command)
    with logins.repo(role, name, models=[__name__], name="roles") as repo:
        if command == "migrate":
            logins.run(f"ALTER TABLE {name}.accounts DROP note")
        if command == "rollback":
            migrated(logins, name)
        statements = rights(repo, role, command)
        logins.run(*statements)
        before = state(logins, name)
        # `contract` alters nothing here and creates nothing; other permissions of the command are left out.
        idle = {"contract": ("CREATE", "ALTER"), "rollback": ("CREATE", "ALTER")}.get(command, ())
        needed = [cql for cql in statements if not any(f"GRANT {word} ON KEYSPACE" in cql for word in idle)]

        assert [] == without(logins, needed, lambda: COMMANDS[command](repo, first))
        assert before == state(logins, name)
        COMMANDS[command](repo, first)


def test_a_role_that_may_only_log_in_can_plan(logins, keyspace):
    """A role without permissions can read the schema; a check that finds a difference needs the history."""
    migrated(logins, keyspace[0])
    logins.run(f"ALTER TABLE {keyspace[0]}.accounts DROP note")
    with logins.repo(logins.role("reader"), keyspace[0], models=[__name__], name="roles") as reader:
        assert "add_columns" in [step.op for step in plan(reader).steps]
        with pytest.raises(PermissionDenied, match="nothing ran"):
            migrate(reader)
        with pytest.raises(LedgerError, match="no SELECT permission"):
            check(reader)
        with pytest.raises(LedgerError, match="no SELECT permission"):
            status(reader)


def test_a_wait_for_builds_needs_its_grants(logins, keyspace):
    """Without the permissions a migration stops before it begins, and a wait names those that are missing."""
    name = keyspace[0]
    migrated(logins, name)
    role = logins.role("waiter")
    with logins.repo(role, name, models=[__name__], name="roles") as repo:
        logins.run(*rights(repo, role, "migrate"))
        with pytest.raises(PermissionDenied, match=r"GRANT SELECT ON TABLE system\.built_views"):
            wait(repo, "built")
        logins.run(f"ALTER TABLE {name}.accounts DROP note")
        with pytest.raises(PermissionDenied, match=r"nothing ran(?s:.)*system\.built_views"):
            migrate(repo, wait_built=True)
        granted = rights(repo, role, "wait --for built")
        logins.run(*granted)

        assert "applied" == migrate(repo, wait_built=True).status
        assert [] == without(logins, granted, lambda: wait(repo, "built", timeout=60))
        assert wait(repo, "built").met


def test_who_makes_a_keyspace_needs_nothing_else(logins):
    """A role that may create keyspaces can create and migrate its own; without that permission the error names it."""
    role, name = logins.role("maker"), f"{logins.keyspace()}_own"
    with logins.repo(role, name, models=[__name__], name="roles") as repo:
        with pytest.raises(PermissionDenied, match="GRANT CREATE ON ALL KEYSPACES"):
            create_keyspace(repo)
        with pytest.raises(PermissionDenied, match="GRANT CREATE ON ALL KEYSPACES"):
            migrate(repo, create_keyspace=True)
        logins.run(*rights(repo, role, "create-keyspace"))
        migrated = migrate(repo, create_keyspace=True)

        assert ("applied", True) == (migrated.status, check(repo).in_sync)


@pytest.fixture(scope="module")
def shop(logins):
    """A keyspace, a deploying role with its permissions, and an application's role without any."""
    name, deploy, app = logins.keyspace(), logins.role("deploy"), logins.role("app")
    options = {"models": [__name__], "name": "views", "application_role": app}
    with logins.repo(deploy, name, **options) as deploying, logins.repo(app, name, **options) as application:
        yield logins, deploying, application, deploy, app


def test_a_migration_grants_the_application_its_tables(shop):
    """Once the deploying role can read its permissions, a migration grants the application each table once."""
    logins, deploying, _, deploy, app = shop
    logins.run(f"GRANT CREATE ON KEYSPACE {deploying.keyspace} TO {deploy}")
    logins.run(f"GRANT ALTER ON KEYSPACE {deploying.keyspace} TO {deploy}")
    with pytest.raises(ImpossibleChange, match=f"RO101 {app}"):
        migrate(deploying)
    logins.run(f"GRANT {app} TO {deploy}")
    with pytest.raises(PermissionDenied, match="orders_by_owner"):
        migrate(deploying)
    assert [] == history(deploying)
    logins.run(*(cql for grant in required_grants(deploying, deploy) if "on views" in grant.why for cql in grant.cql))
    first, second = migrate(deploying), migrate(deploying)

    granted = [step.object.replace(f"{deploying.keyspace}.", "") for step in first.plan.steps if step.op == "grant"]
    assert [
        "SELECT orders", "MODIFY orders", "SELECT orders_by_owner", "MODIFY orders_by_owner",
        "SELECT scyllamodel_verified", "SELECT scyllamodel_page_secrets",
    ] == granted  # fmt: skip
    assert ("applied", "in_sync") == (first.status, second.status)
    logins.run(f"REVOKE MODIFY ON TABLE {deploying.keyspace}.orders FROM {app}")
    assert [f"GRANT MODIFY ON TABLE {deploying.keyspace}.orders TO {app}"] == migrate(deploying).plan.cql


def test_an_application_works_with_its_grants(shop):
    """With its permissions an application starts, writes, reads and pages; without one, a verb is denied."""
    logins, _, application, _, app = shop
    started = Model.sync_all(application, mode="verify")
    application.save_many(Order(id=number, owner="ann") for number in range(5))
    query = select(Order).whole_table()
    page = application.page(query, size=2)

    assert "in_sync" == started.status
    assert 3 == len(application.page(query, size=3, token=page.token).items)
    assert 5 == len(application.all(select(OrderByOwner).where(OrderByOwner.owner == "ann")))
    home = application.keyspace
    for right, run in (
        (f"SELECT ON TABLE {home}.orders", lambda: application.get(Order, id=1)),
        (f"MODIFY ON TABLE {home}.orders", lambda: application.save(Order(id=1, owner="bob"))),
        (f"MODIFY ON TABLE {home}.orders_by_owner", lambda: application.save(Order(id=1, owner="bob"))),
    ):
        logins.run(f"REVOKE {right} FROM {app}")
        with pytest.raises(PermissionDenied):
            run()
        logins.run(f"GRANT {right} TO {app}")
    logins.run(f"REVOKE SELECT ON TABLE {home}.scyllamodel_page_secrets FROM {app}")
    with logins.repo(app, home, name="views") as new_repo, pytest.raises(ConfigurationError, match="may not read it"):
        new_repo.page(query, size=2)
    logins.run(f"GRANT SELECT ON TABLE {home}.scyllamodel_page_secrets TO {app}")


def test_a_role_that_may_write_the_keyspace_is_pointed_out(shop):
    """The note about MODIFY on the whole keyspace has the statement that revokes it."""
    logins, deploying, _, _, app = shop
    logins.run(f"GRANT MODIFY ON KEYSPACE {deploying.keyspace} TO {app}")
    notes = [note for note in plan(deploying).notes if note.code == "RO102"]
    logins.run(notes[0].fix.rpartition(": ")[2])

    assert 1 == len(notes)
    assert "scyllamodel_lock" in notes[0].text
    assert [] == [note.code for note in plan(deploying).notes if note.code == "RO102"]


def test_a_server_without_permissions_has_nothing_to_grant(scylla_repo, scylla_cluster):
    """On a server without permissions, the setting application_role has no effect."""
    options = {"models": [__name__], "name": "roles", "application_role": "nobody"}
    with scylla_cluster.repo(scylla_repo.keyspace, **options) as repo:
        assert [] == [step.op for step in plan(repo).steps if step.op == "grant"]


def changes(keyspace, definition, server):
    """One change of each kind that has a statement, in an order in which each finds what it needs."""
    table = builders.table("t", "id int pk", "at int ck", "v int")
    view = builders.view("w", "t", "at int pk", "id int ck", "v int", where="at IS NOT NULL AND id IS NOT NULL")
    point, index = builders.user_type("point", "x int"), objects.Index("t_v_idx", "v")
    new = builders.table("t2", "a int pk", "b text").get("b")
    options = FrozenMap({"gc_grace_seconds": 5}), FrozenMap({"gc_grace_seconds": 864000})
    yield c.CreateKeyspace(attrs.evolve(definition, name=f"{keyspace}_new"))
    yield c.AddType(keyspace, point)
    yield c.AddField(keyspace, "point", "y", point.fields[0][1])
    yield c.RenameFields(keyspace, "point", (("x", "z"),))
    yield c.DropType(keyspace, point)
    yield c.AddTable(keyspace, table)
    yield c.AddColumns(keyspace, "t", (new,))
    if server.has_masks:
        yield c.SetMask(keyspace, "t", "b", "DEFAULT", None)
    if server.has_ttl_columns:
        yield c.SetTtlColumn(keyspace, "t", "v", None)
        yield c.SetTtlColumn(keyspace, "t", None, "v")
    yield c.DropColumns(keyspace, "t", (new,))
    yield c.SetOptions(keyspace, "t", *options)
    yield c.AddIndex(keyspace, table, index)
    yield c.DropIndex(keyspace, table, index)
    yield c.AddView(keyspace, view)
    yield c.SetOptions(keyspace, "w", *options, view=True, base="t")
    yield c.DropView(keyspace, view)
    yield c.RenameKeyColumns(keyspace, "t", (("at", "since"),))
    yield c.DropTable(keyspace, table)


def test_a_server_asks_for_what_each_kind_of_change_needs(logins):
    """Each change is refused without the permission in the table of needs, and runs with that alone."""
    name, role = logins.keyspace(), logins.role("walker")
    cluster_view = ClusterView.connect(logins.admin.in_keyspace(name))
    statements = set()
    with logins.repo(role, name) as repo:
        for change in changes(name, cluster_view.introspect([name])[name].keyspace, cluster_view.server):
            step = make_step(1, change, (), cluster_view.server)
            ((permission, *place),) = change_permissions(change)
            right = f"{grant_clause(permission, *place)}"
            with pytest.raises(Unauthorized):
                repo.session.execute(step.cql)
            logins.run(f"GRANT {right} TO {role}")
            if isinstance(
                change, c.SetMask
            ):  # masks are switched off here, which servers say to those who may set them
                with pytest.raises(InvalidRequest, match="dynamic_data_masking_enabled"):
                    repo.session.execute(step.cql, timeout=60)
            else:
                repo.session.execute(step.cql, timeout=60)
            if step.op != "drop_table":  # permissions on a table go with it
                logins.run(f"REVOKE {right} FROM {role}")
            for resource in (f"TABLE {name}.t", f"KEYSPACE {name}_new"):  # who makes something owns it
                if step.op in ("add_table", "create_keyspace") and resource.endswith(step.object):
                    logins.run(f"REVOKE ALL PERMISSIONS ON {resource} FROM {role}")
            statements.add(type(change))

    others = {c.SetMask: cluster_view.server.has_masks, c.SetTtlColumn: cluster_view.server.has_ttl_columns}
    assert set(CHANGE_PERMISSIONS) - {kind for kind, is_there in others.items() if not is_there} == statements
