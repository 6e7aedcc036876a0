"""Two repos that share a keyspace: neither treats the objects or models of the other as leftovers."""

from __future__ import annotations

import pytest

from scyllamodel import check, contract, inspect, migrate
from scyllamodel.testing import keyspaces
from support.builders import table
from support.model_classes import declare

pytestmark = pytest.mark.live

ORDERS, TRACES = table("orders", "id int pk", "total int"), table("traces", "id int pk", "who text")


@pytest.fixture
def keyspace(scylla_cluster):
    """A keyspace that both repos use."""
    with scylla_cluster.repo(keyspaces.unique_name("two_repos")) as repo:
        keyspaces.create(repo)
        yield repo.keyspace
        keyspaces.drop(repo)


def tables(repo):
    """The names of the existing tables."""
    return {table.name for table in inspect(repo)[repo.keyspace].tables}


def test_what_the_other_repo_made_is_its_own(scylla_cluster, keyspace):
    """By the ledger, tables of a repo whose models are not loaded pass a strict check and are kept by contract."""
    with scylla_cluster.repo(keyspace, name="two_audit") as audit:
        classes = declare("two_audit", TRACES)
        migrate(audit)
    del audit, classes
    with scylla_cluster.repo(keyspace, name="two_shop") as shop:
        classes = declare("two_shop", ORDERS)
        migrate(shop)
        strict = check(shop, strict=True)
        result = contract(shop, allow="DS102")
        contracted = contract(shop, allow="DS102:traces")

        assert strict.in_sync
        assert ["BC105"] == [note.code for note in strict.notes]
        assert "the repo 'two_audit'" in strict.notes[0].text
        assert ("in_sync", "in_sync") == (result.status, contracted.status)
        assert "It belongs to the repo 'two_audit'" in contracted.plan.notes[0].fix
        assert {"orders", "traces"} == tables(shop)
    assert len(classes) == 1


def test_what_the_other_repo_declares_is_its_own(scylla_cluster, keyspace):
    """Loaded models of the other repo protect its tables even before it has run."""
    with scylla_cluster.repo(keyspace, name="two_sales") as sales, scylla_cluster.repo(keyspace, name="two_log") as log:
        classes = [*declare("two_sales", ORDERS), *declare("two_log", TRACES)]
        migrate(sales)
        sales.session.execute(f"CREATE TABLE {keyspace}.traces (id int PRIMARY KEY, who text)", timeout=60)
        sales.session.execute(f"CREATE TABLE {keyspace}.nobodys (id int PRIMARY KEY)", timeout=60)
        result = contract(sales, allow="DS102")

        assert ["DROP TABLE"] == [step.cql[:10] for step in result.plan.steps]
        assert {"orders", "traces"} == tables(log)
    assert len(classes) == 2
