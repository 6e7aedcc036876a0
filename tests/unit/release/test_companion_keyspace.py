"""Where lock and ledger are stored if keyspaces with tablets have no lightweight transactions."""

from __future__ import annotations

import attrs
import pytest

from scyllamodel import Column, Model, partition_key
from scyllamodel.cli import main
from scyllamodel.driver.data.client import Client
from scyllamodel.driver.repo import Repo
from scyllamodel.release.engine import ledger_access
from scyllamodel.release.engine.application_role import required_grants
from scyllamodel.release.engine.cluster_view import ClusterView
from scyllamodel.release.engine.ledger_access import find_internal_keyspace, internal_keyspace
from scyllamodel.release.engine.planning import MigrationRequest, PlannedMigration
from scyllamodel.release.ledger.tables import TABLES
from scyllamodel.schema.server.profile import NodeSettings, ServerProfile
from support.scylla_observed import NEW, OLD
from support.system_rows import SystemRows

NTS = {"class": "org.apache.cassandra.locator.NetworkTopologyStrategy", "dc1": "1"}
SIMPLE = {"class": "NetworkTopologyStrategy", "dc1": 1}
BY_DEFAULT = attrs.evolve(OLD, node=NodeSettings(tablets_mode="enabled"))
WITHOUT = attrs.evolve(OLD, node=NodeSettings(tablets_mode="disabled"))
ENFORCED = attrs.evolve(OLD, node=NodeSettings(tablets_mode="enforced"))


class Order(Model, table="orders", repo="companion"):
    """A model of the repo."""

    id: Column[int] = partition_key()


def node(*keyspaces, tablets=()):
    """A simulated node with these keyspaces, some of them with tablets."""
    return SystemRows(
        {
            "keyspaces": [{"keyspace_name": name, "durable_writes": True, "replication": NTS} for name in keyspaces],
            "scylla_keyspaces": [{"keyspace_name": name, "initial_tablets": 0} for name in tablets],
        }
    )


def repo(**settings):
    """A repo that is never connected."""
    return Repo(nodes=["10.0.0.1:9042"], keyspace="shop", name="companion", **{"models": [], **settings})


CASES = [
    ("tablets", OLD, node("shop", tablets=["shop"]), {}, "shop_scyllamodel"),
    ("no tablets", OLD, node("shop"), {}, "shop"),
    ("a server with transactions", NEW, node("shop", tablets=["shop"]), {}, "shop"),
    ("after an upgrade", NEW, node("shop", "shop_scyllamodel", tablets=["shop"]), {}, "shop_scyllamodel"),
    ("one that is named", OLD, node("shop", tablets=["shop"]), {"ledger_keyspace": "ops"}, "ops"),
    ("new, with tablets by default", BY_DEFAULT, node(), {}, "shop_scyllamodel"),
    ("new, by a setting that is hidden", OLD, node(), {}, "shop_scyllamodel"),
    ("new, without tablets by default", WITHOUT, node(), {}, "shop"),
    ("new, asked for without", BY_DEFAULT, node(), {"tablets": False}, "shop"),
    ("Cassandra", ServerProfile(), node("shop", "shop_scyllamodel"), {}, "shop"),
]


@pytest.mark.parametrize(("server", "keyspaces", "settings", "home"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_lock_and_ledger_are_where_transactions_work(server, keyspaces, settings, home):
    """The named keyspace is used, else the repo's own, else a companion, which stays in use after an upgrade."""
    with repo(**settings) as own_repo:
        assert home == internal_keyspace(own_repo, keyspaces, server)


def test_cassandra_is_asked_nothing():
    """Without tablets nothing is read to find the keyspace."""
    existing = node("shop")
    with repo() as own_repo:
        internal_keyspace(own_repo, existing, ServerProfile())

    assert [] == existing.read_cql


def drafted(server, keyspaces, *, create=False, **settings):
    """The plan for one model."""
    with repo(**settings) as own_repo:
        return PlannedMigration.from_request(
            MigrationRequest(own_repo, (Order,), create_keyspace=create), ClusterView(keyspaces, server)
        ).plan


def test_the_plan_creates_the_companion_first():
    """The companion comes first, without tablets and replicated like the keyspace, even without create_keyspace."""
    plan = drafted(OLD, node("shop", tablets=["shop"]))

    first, *others = [step.cql for step in plan.bootstrap]
    assert (
        "CREATE KEYSPACE IF NOT EXISTS shop_scyllamodel WITH replication = {'class': "
        "'NetworkTopologyStrategy', 'dc1': '1'} AND tablets = {'enabled': false}"
    ) == first
    assert len(others) >= len(TABLES)
    assert all("shop_scyllamodel.scyllamodel_" in cql for cql in others)
    assert ["CREATE TABLE shop.orders"] == [step.cql.partition(" (")[0] for step in plan.steps]
    assert [0, 1] == [plan.bootstrap[-1].seq, plan.steps[0].seq]
    assert "KS107" in {note.code for note in plan.notes}
    assert () == tuple(refusal for refusal in plan.refusals if refusal.object == "shop_scyllamodel")


def test_the_plan_creates_both_keyspaces():
    """A new keyspace with tablets comes first, then its companion, then the tables of both."""
    plan = drafted(BY_DEFAULT, node(), create=True, replication=SIMPLE)

    names = [step.cql.split()[5] for step in plan.bootstrap if step.op == "create_keyspace"]
    assert ["shop", "shop_scyllamodel"] == names


def test_a_companion_that_cannot_be_created_is_refused_in_the_plan():
    """If tablets are enforced, no keyspace can have the lock, and the plan is refused before anything runs."""
    plan = drafted(ENFORCED, node("shop", tablets=["shop"]))

    assert [("KS104", "shop_scyllamodel")] == [(refusal.code, refusal.object) for refusal in plan.refusals]


def test_a_named_keyspace_with_tablets_is_refused_in_the_plan():
    """A ``ledger_keyspace=`` that cannot have the lock is refused."""
    plan = drafted(OLD, node("shop", "ops", tablets=["ops"]), ledger_keyspace="ops")

    assert [("KS104", "ops")] == [(refusal.code, refusal.object) for refusal in plan.refusals]


def test_a_named_keyspace_that_is_missing_is_created_like_the_repos():
    """With create_keyspace it is created without tablets if needed, and replicated like the repo's keyspace."""
    plan = drafted(OLD, node("shop", tablets=["shop"]), create=True, ledger_keyspace="ops")

    assert "'dc1': '1'} AND tablets = {'enabled': false}" in plan.bootstrap[0].cql
    assert "CREATE KEYSPACE IF NOT EXISTS ops" in plan.bootstrap[0].cql


@pytest.mark.parametrize(("server", "keyspaces", "settings", "home"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_grants_are_on_the_tables_where_they_are(server, keyspaces, settings, home, monkeypatch):
    """The server determines the keyspace, so a companion does not need ``ledger_keyspace=``."""
    monkeypatch.setattr(ledger_access, "choose_coordinator", lambda _: keyspaces)
    monkeypatch.setattr(ledger_access, "server_profile", lambda _: server)
    monkeypatch.setattr(Client, "connection", lambda _: None)
    with repo(**{"models": [__name__], **settings}) as own_repo:
        internal, guess = find_internal_keyspace(own_repo)
        statements = [cql for grant in required_grants(own_repo, "deploy", internal) for cql in grant.cql]

    assert (home, "") == (internal, guess)
    assert f"GRANT SELECT ON TABLE {home}.scyllamodel_lock TO deploy" in statements
    assert [] == [cql for cql in statements if ".scyllamodel_" in cql and f"{home}.scyllamodel_" not in cql]
    assert ("GRANT CREATE ON KEYSPACE shop_scyllamodel TO deploy" in statements) == (home == "shop_scyllamodel")


def test_grants_say_when_the_server_could_not_be_asked(capsys):
    """Without a server the grants are for the repo's own keyspace, with a comment; a named keyspace needs no server."""
    url = f"scylla://127.0.0.1:1/shop?name=companion&models={__name__}"
    codes = [main(["grants", "--url", url, *arguments]) for arguments in ((), ("--json",))]
    text, document = capsys.readouterr().out.split("{", 1)
    exit_code = main(["grants", "--url", f"{url}&ledger_keyspace=ops"])

    assert [0, 0, 0] == [*codes, exit_code]
    assert text.startswith("-- the server could not be asked where the internal tables are: ")
    assert "ON TABLE shop.scyllamodel_lock" in text
    assert [] == [line for line in text.splitlines() if line and not line.startswith(("-- ", "GRANT "))]
    assert '"guess": "the server could not be asked' in document
    assert "not asked" not in capsys.readouterr().out
