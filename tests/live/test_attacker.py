"""The application's role as an attacker: no statement it writes is executed by a command, and none blocks a release."""

from __future__ import annotations

import pytest
from cassandra import InvalidRequest, Unauthorized

from scyllamodel import (
    Column,
    DestructiveChangeRefused,
    ImpossibleChange,
    Index,
    Model,
    RawStep,
    check,
    column,
    contract,
    history,
    migrate,
    partition_key,
    rollback,
    status,
)
from scyllamodel.errors import LedgerError
from scyllamodel.release.engine.application_role import required_grants
from scyllamodel.release.schema_diff import diff
from support import forged_rows

pytestmark = pytest.mark.live


class Purchase(Model, table="purchases", repo="attacked", indexes=[Index("status")]):
    """The table that the attacker wants dropped."""

    id: Column[int] = partition_key()
    status: Column[str] = column(default="new")
    note: Column[str | None] = column(default=None)


class Refund(Model, table="refunds", repo="attacked"):
    """A table that a later version adds."""

    id: Column[int] = partition_key()


class Shop:
    """A keyspace at its first version, its deploying role, and the attacker."""

    def __init__(self, logins):
        self.logins, self.name = logins, logins.keyspace()
        self.app, self.deploy = logins.role("app"), logins.role("deploy")
        options = {"models": [__name__], "name": "attacked"}
        self.admin = logins.cluster.repo(self.name, application_role=self.app, **options)
        self.deploying = logins.repo(self.deploy, self.name, application_role=self.app, **options)
        self.attacker = logins.repo(self.app, self.name, **options)

    def snapshot(self):
        """The whole schema, the roles, and the permissions of the attacker."""
        session = self.admin.session
        schema = [
            sorted(
                map(str, session.execute(f"SELECT * FROM system_schema.{what} WHERE keyspace_name = %s", (self.name,)))
            )
            for what in ("tables", "columns", "indexes", "views", "types")
        ]
        roles = [sorted(map(str, session.execute(f"LIST ROLES OF {role}"))) for role in (self.app, self.deploy)]
        return schema, roles, sorted(map(str, session.execute(f"LIST ALL PERMISSIONS OF {self.app}")))

    def attack(self, cql):
        """Run a statement of the attacker; return False if it was denied."""
        try:
            self.attacker.session.execute(cql, timeout=60)
        except (Unauthorized, InvalidRequest):  # some tables of the system refuse a write before they look at roles
            return False
        return True


@pytest.fixture
def narrow(logins):
    """A shop whose roles have exactly the permissions that `grants` prints."""
    shop = Shop(logins)
    logins.run(f"GRANT {shop.app} TO {shop.deploy}")
    for grant in required_grants(shop.deploying, shop.deploy):
        if {"migrate", "rollback"} & set(grant.commands):
            logins.run(*(cql for cql in grant.cql if "ON KEYSPACE" in cql))
    migrate(shop.deploying, resources=[Purchase])
    return shop


@pytest.fixture
def broad(logins):
    """A shop whose attacker has all permissions on the keyspace, and whose deploying role is a superuser."""
    shop = Shop(logins)
    first = migrate(shop.admin, resources=[Purchase])
    second = migrate(shop.admin)
    logins.run(*(f"GRANT {right} ON KEYSPACE {shop.name} TO {shop.app}" for right in ("SELECT", "MODIFY")))
    return shop, first.version, second.version


def everything(shop):
    """Statements that change something, one or more for each object that exists."""
    session, name = shop.admin.session, shop.name
    places = [
        f"{row.keyspace_name}.{row.table_name}"
        for row in session.execute("SELECT keyspace_name, table_name FROM system_schema.tables")
    ]
    yield from (f"TRUNCATE {place}" for place in places)
    for place in places:
        if place.startswith(name):
            yield f"DROP TABLE {place}"
            yield f"ALTER TABLE {place} ADD evil text"
            yield f"ALTER TABLE {place} WITH gc_grace_seconds = 1"
    yield f"CREATE TABLE {name}.evil (a int PRIMARY KEY)"
    yield f"CREATE TYPE {name}.evil (a int)"
    yield f"CREATE INDEX evil ON {name}.purchases (note)"
    yield f"DROP INDEX {name}.purchases_status_idx"
    yield f"DROP KEYSPACE {name}"
    yield "CREATE KEYSPACE evil WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}"
    yield f"ALTER ROLE {shop.app} WITH SUPERUSER = true"
    yield f"GRANT MODIFY ON KEYSPACE {name} TO {shop.app}"
    yield f"GRANT {shop.deploy} TO {shop.app}"
    yield f"UPDATE {name}.scyllamodel_lock SET epoch = 1 WHERE name = '{name}' IF epoch = 1"
    yield f"UPDATE {name}.scyllamodel_page_secrets SET secret = 'mine' WHERE name = 'pages'"
    yield f"INSERT INTO {name}.scyllamodel_verified (scope, models_fp) VALUES ('{name}/attacked', 'x')"
    yield f"INSERT INTO system_auth.role_members (role, member) VALUES ('cassandra', '{shop.app}')"


def test_with_its_grants_an_application_reaches_its_own_rows_alone(narrow):
    """Only statements on the application's own table succeed, and every command still works after them."""
    before = narrow.snapshot()
    passed = [cql for cql in everything(narrow) if narrow.attack(cql)]

    assert [f"TRUNCATE {narrow.name}.purchases"] == passed
    assert before == narrow.snapshot()
    assert check(narrow.deploying, resources=[Purchase]).in_sync
    first = status(narrow.deploying).version
    assert "applied" == migrate(narrow.deploying).status
    assert narrow.attack(f"TRUNCATE {narrow.name}.refunds")
    assert "rolled_back" == rollback(narrow.deploying, first, allow={"DS102:refunds"}).status
    assert before == narrow.snapshot()
    assert ["rollback", "migrate", "migrate"] == [version.kind for version in history(narrow.deploying, steps=True)]


def steps_of(shop, version, number, **cells):
    """The statement with which the attacker writes cells of a step."""
    quoted = {name: str(value).replace("'", "''") for name, value in cells.items()}
    names, values = ", ".join(quoted), ", ".join(f"'{value}'" for value in quoted.values())
    return (
        f"INSERT INTO {shop.name}.scyllamodel_steps (scope, version, seq, {names}) "
        f"VALUES ('{shop.name}/attacked', {version}, {number}, {values})"
    )


def test_a_rollback_runs_no_text_of_the_ledger(broad):
    """A rollback runs no rewritten undo, no undo of a forged step, and no inverse that names another table."""
    shop, first, second = broad
    before = shop.snapshot()
    (original,) = (step for step in history(shop.admin, steps=True)[0].steps if step.op == "add_table")
    stolen = next(step for step in history(shop.admin, steps=True)[1].steps if step.op == "add_table")
    attacks = {
        "RB108": steps_of(shop, second, original.seq, undo=f"DROP TABLE {shop.name}.purchases"),
        "RB107": steps_of(
            shop, second, 99, op="run", state="applied", object="x", cql="SELECT x",
            undo=f"ALTER ROLE {shop.app} WITH SUPERUSER = true",
        ),
        "DS102": steps_of(
            shop, second, original.seq, change=stolen.change_json, undo=stolen.undo, object=stolen.object
        ),
    }  # fmt: skip
    for code, attack in attacks.items():
        assert shop.attack(attack)
        with pytest.raises((DestructiveChangeRefused, ImpossibleChange), match=code):
            rollback(shop.admin, first, allow={"DS102:refunds"})
        restored = {"change": original.change_json, "undo": original.undo, "object": original.object}
        shop.admin.raw(steps_of(shop, second, original.seq, **restored))
    where = f"scope = '{shop.name}/attacked' AND version = {second} AND seq = 99"
    shop.admin.raw(f"DELETE FROM {shop.name}.scyllamodel_steps WHERE {where}")

    assert before == shop.snapshot()
    assert "rolled_back" == rollback(shop.admin, first, allow={"DS102:refunds"}).status


def test_a_forged_success_is_pointed_out_and_proved_by_the_server(broad):
    """A raw step that only the ledger marks as applied gets a note, and runs if its post-condition is not met."""
    shop, _, second = broad
    revoke = f"REVOKE MODIFY ON KEYSPACE {shop.name} FROM {shop.app}"
    assert shop.attack(steps_of(shop, second, 1, op="run", state="applied", cql=revoke))
    marked = migrate(shop.admin, steps=[RawStep(revoke, name="least privilege")])

    def revoked():
        lease = shop.admin.session.execute(f"LIST MODIFY PERMISSION ON KEYSPACE {shop.name} OF {shop.app} NORECURSIVE")
        return not list(lease)

    result = migrate(shop.admin, steps=[RawStep(revoke, name="least privilege", post_condition=revoked)])

    assert ["LG106"] == [note.code for note in marked.plan.notes if note.object == "least privilege"]
    assert ["RO102"] == [note.code for note in marked.plan.notes if note.code == "RO102"]
    assert ([revoke], True) == (result.plan.cql, revoked())
    assert not shop.attack(forged_rows.text(forged_rows.LOCKS["the largest epoch"], shop.admin, 0))


@pytest.mark.parametrize("kind", ["lock", "history"])
def test_rows_that_stop_a_release_are_named_and_removed(broad, kind):
    """Each refused command names the row to delete; once these rows are deleted, all commands work."""
    shop, _, second = broad
    before = shop.snapshot()
    rows = {
        "lock": ("the largest epoch", "a holder of the future"),
        "history": ("the largest version", "a negative total"),
    }
    for what in rows[kind]:
        assert shop.attack(
            forged_rows.text((forged_rows.LOCKS if kind == "lock" else forged_rows.VERSIONS)[what], shop.admin, second)
        )
        errors = forged_rows.refusals(shop.admin, "purchases")
        assert isinstance(errors["migrate"], LedgerError)
        while errors:
            forged_rows.healed(shop.admin, next(iter(errors.values())))
            errors = forged_rows.refusals(shop.admin, "purchases")

    assert before == shop.snapshot()


def test_a_removal_takes_what_is_named_and_nothing_else(broad):
    """Even with a forged history, `contract` drops only live tables that no model declares."""
    shop, _, second = broad
    shop.admin.raw(f"CREATE TABLE {shop.name}.legacy (a int PRIMARY KEY)")
    assert shop.attack(steps_of(shop, second, 50, op="drop_table", state="applied", object=f"{shop.name}.purchases"))
    result = contract(shop.admin, allow={"DS102"})

    assert [f"DROP TABLE {shop.name}.legacy"] == result.plan.cql


def test_rows_that_were_deleted_are_noticed(broad):
    """A version with deleted steps is not rolled back and its raw step does not run again unless that is allowed."""
    shop, first, second = broad
    result = migrate(shop.admin, steps=[RawStep(f"UPDATE {shop.name}.purchases SET note = 'x' WHERE id = 1")])
    before = shop.snapshot()
    for version in (second, result.version):
        scope = f"scope = '{shop.name}/attacked' AND version = {version}"
        assert shop.attack(f"DELETE FROM {shop.name}.scyllamodel_steps WHERE {scope} AND seq = 1")
    with pytest.raises(DestructiveChangeRefused, match=f"RB110 version {second}"):
        rollback(shop.admin, first, allow={"DS102:refunds"})
    with pytest.raises(DestructiveChangeRefused, match=f"LG107:{result.version}"):
        migrate(shop.admin, steps=[RawStep(f"UPDATE {shop.name}.purchases SET note = 'x' WHERE id = 1")])
    with pytest.raises(LedgerError, match=str(result.version)):
        diff(shop.admin, f"version:{first}", "live")

    assert before == shop.snapshot()
    allowed = {f"RB110:{second}", f"RB110:{result.version}"}
    assert "rolled_back" == rollback(shop.admin, first, allow=allowed).status
