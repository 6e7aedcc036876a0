"""The fixtures that the plugin provides for tests of applications."""

from __future__ import annotations

import time

import pytest

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def table(scylla_repo):
    """The name of a table in the module's keyspace."""
    scylla_repo.session.execute(f"CREATE TABLE {scylla_repo.keyspace}.words (word text PRIMARY KEY)", timeout=60)
    scylla_repo.session.execute(
        f"CREATE TABLE {scylla_repo.keyspace}.scyllamodel_words (word text PRIMARY KEY)", timeout=60
    )
    put(scylla_repo, f"{scylla_repo.keyspace}.scyllamodel_words", "kept")
    return f"{scylla_repo.keyspace}.words"


def rows(repo, table):
    """The words in the table."""
    return [row[0] for row in repo.session.execute(f"SELECT word FROM {table}")]


def put(repo, table, text):
    """Write a word."""
    repo.session.execute(f"INSERT INTO {table} (word) VALUES (%s)", (text,))


def test_the_keyspace_is_named_after_the_module(scylla_repo):
    """The name of the keyspace begins with that of the module, so a leftover one can be traced."""
    assert scylla_repo.keyspace.startswith("test_pytest_plugin_")


def test_a_test_finds_the_rows_that_it_writes(scylla_repo, table):
    """Rows stay until the end of the test that wrote them."""
    put(scylla_repo, table, "one")

    assert ["one"] == rows(scylla_repo, table)


def test_a_test_finds_no_rows_of_another(scylla_repo, table):
    """Tables are empty when a test begins, whatever an earlier one wrote."""
    assert [] == rows(scylla_repo, table)


def test_our_own_tables_keep_their_rows(scylla_repo, table):
    """Rows of internal tables are kept between tests."""
    assert ["kept"] == rows(scylla_repo, f"{scylla_repo.keyspace}.scyllamodel_words")


@pytest.mark.scylla_keep_rows
def test_rows_can_be_kept(scylla_repo, table):
    """With the mark, rows written before the test are still present."""
    put(scylla_repo, table, "kept")

    assert ["kept"] == rows(scylla_repo, table)


def test_the_cluster_tells_its_version(scylla_cluster):
    """The major version of the cluster is a number."""
    assert scylla_cluster.version.partition(".")[0].isdecimal()


def test_a_lost_answer_leaves_the_row(scylla_cluster, scylla_repo, scylla_fault_proxy, table):
    """When the proxy swallows the response to an INSERT, it times out although the row was written."""
    address = scylla_fault_proxy.address
    with scylla_cluster.repo(scylla_repo.keyspace, nodes=[address], request_timeout=1.0) as repo:
        prepared = repo.session.prepare(f"INSERT INTO {table} (word) VALUES (?)")
        scylla_fault_proxy.swallow_answers(1, when=lambda request: "INSERT" in request.query)
        with pytest.raises(Exception, match="timeout"):
            repo.session.execute(prepared, ("lost",))

    assert ["lost"] == rows(scylla_repo, table)


def test_a_delay_is_seen_through_the_driver(scylla_cluster, scylla_repo, scylla_fault_proxy, table):
    """A query through the proxy takes as long as the configured delay."""
    with scylla_cluster.repo(scylla_repo.keyspace, nodes=[scylla_fault_proxy.address]) as repo:
        rows(repo, table)
        scylla_fault_proxy.delay(0.3)
        start = time.monotonic()
        rows(repo, table)

    assert time.monotonic() - start >= 0.3
