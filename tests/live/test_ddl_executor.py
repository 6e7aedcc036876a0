"""Statements of a plan on a real server: each is sent once, whatever the network and the session's policies do."""

from __future__ import annotations

import time

import pytest
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.policies import ConstantSpeculativeExecutionPolicy, RoundRobinPolicy
from cassandra.query import tuple_factory

from scyllamodel.driver.cluster.coordinator import choose_coordinator
from scyllamodel.driver.cluster.ddl_executor import DdlExecutor
from scyllamodel.driver.cluster.nodes import read_server_profile
from scyllamodel.driver.data.api_base import client_of
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import IntrospectionError
from scyllamodel.schema.apply import (
    StatementConflict,
    StatementFailure,
    StatementMissing,
    StatementOutcomeUnknown,
    StatementRefused,
    StatementTransient,
)
from scyllamodel.testing.keyspaces import unique_name

pytestmark = pytest.mark.live


def executor_of(repo):
    """An executor on the repo's coordinator."""
    coordinator = choose_coordinator(client_of(repo).connection())
    return DdlExecutor(coordinator, read_server_profile(coordinator))


@pytest.fixture
def table(scylla_repo, request):
    """The full name of a table that does not exist before or after the test."""
    name = f"{scylla_repo.keyspace}.{request.node.originalname[:40]}"
    yield name
    with executor_of(scylla_repo) as executor:
        executor.execute(f"DROP TABLE IF EXISTS {name}", 60)


@pytest.fixture
def through_proxy(scylla_cluster, scylla_repo, scylla_fault_proxy):
    """A repo whose every request goes through the proxy."""
    with scylla_cluster.repo(scylla_repo.keyspace, nodes=[scylla_fault_proxy.address]) as repo:
        yield repo


def columns_of(executor, table):
    """The columns of a table, or None if it does not exist."""
    keyspace, _, name = table.partition(".")
    live_table = executor.introspect(keyspace).table(name)
    return None if live_table is None else [column.name for column in live_table.columns]


def test_a_statement_that_succeeds_returns(scylla_repo, table):
    """The next introspection shows the change without waiting for agreement, and the nodes agree."""
    with executor_of(scylla_repo) as executor:
        executor.execute(f"CREATE TABLE {table} (a int PRIMARY KEY)", 60)
        executor.execute(f"ALTER TABLE {table} ADD b int", 60)

        assert ["a", "b"] == columns_of(executor, table)
        executor.await_agreement(60)


def test_warnings_come_with_the_answer(scylla_repo, table):
    """Warnings of the server are returned: Cassandra's for each view, ScyllaDB's for a replication factor of 1."""
    view, other = f"{table}_by_b", unique_name("warned")
    (row,) = scylla_repo.session.execute("SELECT data_center FROM system.local")
    replication = f"{{'class': 'NetworkTopologyStrategy', '{row[0]}': 1}}"
    with executor_of(scylla_repo) as executor:
        values = [
            *executor.execute(f"CREATE KEYSPACE {other} WITH replication = {replication}", 60),
            *executor.execute(f"CREATE TABLE {table} (a int PRIMARY KEY, b int)", 60),
            *executor.execute(
                f"CREATE MATERIALIZED VIEW {view} AS SELECT * FROM {table} WHERE a IS NOT NULL AND b IS NOT NULL "
                "PRIMARY KEY (b, a)",
                60,
            ),
        ]
        executor.execute(f"DROP MATERIALIZED VIEW {view}", 60)
        executor.execute(f"DROP KEYSPACE {other}", 60)

    assert any("not recommended" in text or "tablets" in text for text in values)


@pytest.mark.parametrize(
    ("cql", "failure"),
    [
        ("CREATE TABLE {table} (a int PRIMARY KEY)", StatementConflict),
        ("ALTER TABLE {table} ADD b text", StatementConflict),
        ("ALTER TABLE {table}_gone ADD b text", StatementConflict),
        ("DROP TABLE {table}_gone", StatementConflict),
        ("CREATE TABLE {table}_new (a nosuch PRIMARY KEY)", StatementMissing),
        ("ALTER TABLE {table} WITH bloom_filter_fp_chance = 7", StatementRefused),
        ("ALTER TABLE {table} WITH nosuch = 1", StatementRefused),
        ("ALTER TABLE {table} ADD", StatementRefused),
        ("ALTER TABLE system.local ADD b int", StatementRefused),
    ],
)
def test_a_statement_that_fails_says_how(scylla_repo, table, cql, failure):
    """A conflict is distinguished from a refusal; the server's message and the driver's error are kept."""
    with executor_of(scylla_repo) as executor:
        executor.execute(f"CREATE TABLE {table} (a int PRIMARY KEY, b int)", 60)
        with pytest.raises(failure) as exc_info:
            executor.execute(cql.format(table=table), 60)

    assert exc_info.value.__cause__ is not None
    assert str(exc_info.value)


def sent_count(proxy, text):
    """How often a statement with this text reached the proxy."""
    return sum(text in request.query for request in proxy.requests)


@pytest.mark.parametrize("action", ["swallow_answers", "cut_answers", "cut_requests"])
def test_a_lost_answer_is_unknown_and_nothing_is_sent_twice(scylla_fault_proxy, through_proxy, table, action):
    """When a response is lost or the connection breaks, the outcome is unknown and the statement was sent once."""
    executor = executor_of(through_proxy)
    getattr(scylla_fault_proxy, action)(1, when=lambda request: "CREATE TABLE" in request.query)
    with executor, pytest.raises(StatementOutcomeUnknown):
        executor.execute(f"CREATE TABLE {table} (a int PRIMARY KEY)", 2)

    assert 1 == sent_count(scylla_fault_proxy, f"CREATE TABLE {table}")


def test_the_application_s_policies_do_not_send_twice(scylla_cluster, scylla_repo, scylla_fault_proxy, table):
    """Speculative execution and retries of the settings apply to data: a slow DDL statement is sent once."""
    policy = ConstantSpeculativeExecutionPolicy(0.05, 5)
    with scylla_cluster.repo(
        scylla_repo.keyspace, nodes=[scylla_fault_proxy.address], speculative_execution_policy=policy
    ) as repo:
        executor = executor_of(repo)
        scylla_fault_proxy.delay(0.5)
        with executor:
            executor.execute(f"CREATE TABLE {table} (a int PRIMARY KEY)", 60)

    assert 1 == sent_count(scylla_fault_proxy, f"CREATE TABLE {table}")


def failure_of(executor, cql):
    """The class of the error that the statement raises, or None."""
    try:
        executor.execute(cql, 2)
    except (StatementFailure, IntrospectionError) as error:
        return type(error)
    return None


def test_a_statement_without_a_connection_is_transient(scylla_fault_proxy, through_proxy, table):
    """Once the driver knows that the only node is down, each attempt fails as transient: nothing was sent."""
    executor = executor_of(through_proxy)
    scylla_fault_proxy.close()
    with executor:
        results = [failure_of(executor, f"CREATE TABLE {table} (a int PRIMARY KEY)") for _ in range(4)]

    assert {StatementTransient} == set(results) - {StatementOutcomeUnknown}


def test_a_broken_connection_is_made_again(scylla_fault_proxy, through_proxy, table):
    """After all connections broke, the executor works again once the driver has reconnected."""
    executor = executor_of(through_proxy)
    scylla_fault_proxy.reset()
    cql = f"CREATE TABLE IF NOT EXISTS {table} (a int PRIMARY KEY)"
    deadline = time.monotonic() + 30
    with executor:
        while failure_of(executor, cql) is not None:
            assert time.monotonic() < deadline
            time.sleep(0.1)

        assert ["a"] == columns_of(executor, table)


def test_the_driver_does_nothing_beside_our_statements(scylla_fault_proxy, through_proxy, table):
    """A DDL statement costs one request: the driver neither refreshes the schema nor waits for agreement."""
    executor = executor_of(through_proxy)
    assert through_proxy.session is not None  # from here on the driver reads the schema for the application
    with executor:
        before = len(scylla_fault_proxy.requests)
        executor.execute(f"CREATE TABLE {table} (a int PRIMARY KEY)", 60)
        executor.execute(f"ALTER TABLE {table} ADD b int", 60)
        queries = [request.query for request in scylla_fault_proxy.requests[before:]]

    assert [f"CREATE TABLE {table} (a int PRIMARY KEY)", f"ALTER TABLE {table} ADD b int"] == queries


def test_the_driver_catches_up_afterwards(scylla_repo, table):
    """After a run, the driver's schema metadata contains the new tables."""
    keyspace, _, name = table.partition(".")
    session = scylla_repo.session
    with executor_of(scylla_repo) as executor:
        executor.execute(f"CREATE TABLE {table} (a int PRIMARY KEY)", 60)

    assert name in session.cluster.metadata.keyspaces[keyspace].tables
    assert (True, 10) == (session.cluster.schema_metadata_enabled, session.cluster.max_schema_agreement_wait)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the legacy mode of the driver is deprecated
@pytest.mark.parametrize("legacy", [False, True])
def test_a_lent_session_executes_too(scylla_cluster, scylla_repo, table, legacy):
    """A session of the application, also in legacy mode, sends DDL and reads the result."""
    host, _, port = scylla_cluster.contact_points[0].rpartition(":")
    profile = ExecutionProfile(RoundRobinPolicy(), row_factory=tuple_factory)
    options = (
        {"load_balancing_policy": RoundRobinPolicy()}
        if legacy
        else {"execution_profiles": {EXEC_PROFILE_DEFAULT: profile}}
    )
    with Cluster([host], port=int(port), **options) as cluster:
        session = cluster.connect()
        if legacy:
            session.row_factory = tuple_factory
        with Repo(session=session, keyspace=scylla_repo.keyspace) as repo, executor_of(repo) as executor:
            executor.execute(f"CREATE TABLE {table} (a int PRIMARY KEY)", 60)
            executor.await_agreement(60)

            assert ["a"] == columns_of(executor, table)
        assert isinstance(session.execute("SELECT key FROM system.local").one(), tuple)
