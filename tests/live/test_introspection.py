"""Reading system_schema on one node: all pages of one moment, or an error."""

from __future__ import annotations

import threading
from uuid import uuid4

import pytest

from scyllamodel.driver.cluster.coordinator import Coordinator, choose_coordinator
from scyllamodel.driver.cluster.introspection import read_keyspace, read_schema_version
from scyllamodel.driver.cluster.nodes import read_server_profile, read_topology
from scyllamodel.driver.data.api_base import client_of
from scyllamodel.driver.session.connection import Connection
from scyllamodel.driver.session.load_balancing import by_host_id
from scyllamodel.errors import IntrospectionError

pytestmark = pytest.mark.live


@pytest.fixture
def coordinator(scylla_repo):
    """The node that every run would choose, with an empty keyspace."""
    return choose_coordinator(client_of(scylla_repo).connection())


@pytest.fixture
def keyspace(scylla_repo, coordinator):
    """The name of the keyspace, which holds two tables, a type and an index."""
    name = scylla_repo.keyspace
    orders = "shop uuid, placed timeuuid, ship_to frozen<address>, tags set<text>, PRIMARY KEY (shop, placed)"
    for cql in (
        f"CREATE TYPE IF NOT EXISTS {name}.address (street text, zip text)",
        f"CREATE TABLE IF NOT EXISTS {name}.orders ({orders}) WITH CLUSTERING ORDER BY (placed DESC)",
        f"CREATE TABLE IF NOT EXISTS {name}.hits (page text PRIMARY KEY, n counter)",
        f"CREATE INDEX IF NOT EXISTS orders_tags_idx ON {name}.orders (tags)",
    ):
        coordinator.rows(cql, timeout=60)
    return name


class Meddling(Connection):
    """A connection on which another client changes the schema in the middle of a read, a given number of times.

    The change is a real one, on the same server, after each query of ``system_schema.keyspaces``.
    """

    def meddle(self, *statements):
        """Statements to run, one for each read."""
        self.statements = list(statements)
        self.reads = 0
        return self

    def send(self, cql, *, host, **keywords):
        """Send a statement; after the first query of a read, change the schema as another client would."""
        future = super().send(cql, host=host, **keywords)
        if "system_schema.keyspaces" in cql:
            self.reads += 1
            if self.statements:
                future.result()
                super().send(self.statements.pop(0), host=host, timeout=60).result()
        return future


def meddled(repo, coordinator, *statements):
    """Return an equal coordinator, whose connection runs the statements during reads."""
    connection = Meddling(repo.session, owned=False, label="the session of the test").meddle(*statements)
    return Coordinator(connection, coordinator.host), connection


def test_the_coordinator_is_the_lowest_host_id(scylla_repo, coordinator):
    """The chosen node has the lowest host_id of all live ones, and reports it."""
    lowest = by_host_id(client_of(scylla_repo).connection().hosts)[0].host_id
    rows = coordinator.rows("SELECT host_id FROM system.local")

    assert (lowest, [{"host_id": lowest}]) == (coordinator.host_id, rows)


def test_the_server_says_what_it_is(coordinator):
    """Engine, release and the number of nodes are read from the server."""
    server, topology = read_server_profile(coordinator), read_topology(coordinator)

    assert server.engine in ("cassandra", "scylla")
    assert server.version >= (4, 0)
    assert sum(topology.values()) >= 1


def test_all_pages_are_read(coordinator, keyspace):
    """Pages of one row and pages of thousands give equal facts."""
    server = read_server_profile(coordinator)
    facts = read_keyspace(coordinator, keyspace, server, page=1)

    assert facts == read_keyspace(coordinator, keyspace, server)
    assert (["hits", "orders"], ["address"]) == ([t.name for t in facts.tables], [t.name for t in facts.types])


def test_a_missing_keyspace_is_distinguished_from_an_empty_one(coordinator):
    """The facts of a keyspace that does not exist have no `Keyspace`, whatever its name."""
    server = read_server_profile(coordinator)

    assert [None, None] == [read_keyspace(coordinator, name, server).keyspace for name in ("nowhere", "it's")]


def test_a_read_is_repeated_when_the_schema_moves(scylla_repo, coordinator, keyspace):
    """A table that is created during a read is in the result; the facts never mix two moments.

    Other changes on the server, or a version that is published late, may cost another read.
    """
    server = read_server_profile(coordinator)
    other, connection = meddled(
        scylla_repo, coordinator, f"CREATE TABLE IF NOT EXISTS {keyspace}.made_meanwhile (a int PRIMARY KEY)"
    )
    facts = read_keyspace(other, keyspace, server)
    coordinator.rows(f"DROP TABLE {keyspace}.made_meanwhile", timeout=60)

    assert connection.reads >= 2
    assert facts.table("made_meanwhile") is not None


def test_changes_elsewhere_do_not_hinder_a_read(scylla_repo, coordinator, keyspace):
    """When another keyspace changes during each of five reads, two equal reads are enough."""
    server = read_server_profile(coordinator)
    single = "{'class': 'NetworkTopologyStrategy', 'replication_factor': 1}"
    coordinator.rows(f"CREATE KEYSPACE {keyspace}_busy WITH replication = {single}", timeout=60)
    flips = [f"ALTER KEYSPACE {keyspace}_busy WITH durable_writes = {n % 2 == 1}" for n in range(6)]
    other, connection = meddled(scylla_repo, coordinator, *flips)
    facts = read_keyspace(other, keyspace, server)
    coordinator.rows(f"DROP KEYSPACE {keyspace}_busy", timeout=60)

    assert (6, read_keyspace(coordinator, keyspace, server)) == (connection.reads, facts)


def test_a_keyspace_that_never_rests_is_an_error(scylla_repo, coordinator, keyspace):
    """A keyspace that changes during every read is an error."""
    server = read_server_profile(coordinator)
    comments = [f"ALTER TABLE {keyspace}.hits WITH comment = 'busy {n}'" for n in range(20)]
    other, connection = meddled(scylla_repo, coordinator, *comments)
    with pytest.raises(IntrospectionError, match="kept changing while it was read, 10 times"):
        read_keyspace(other, keyspace, server)

    assert 10 == connection.reads


def test_a_failed_read_is_never_an_empty_schema(scylla_repo, coordinator, keyspace):
    """A query that the server refuses is an error with the node and the cause."""

    class Broken(Connection):
        def send(self, cql, **keywords):
            return super().send(cql.replace("system_schema.views", "system_schema.nothing"), **keywords)

    broken = Coordinator(Broken(scylla_repo.session, owned=False, label="the session of the test"), coordinator.host)
    with pytest.raises(IntrospectionError, match=f"the schema of keyspace {keyspace} could not be read") as exc_info:
        read_keyspace(broken, keyspace, read_server_profile(coordinator))

    assert (coordinator.address, "InvalidRequest") == (exc_info.value.node, type(exc_info.value.__cause__).__name__)


def test_the_version_moves_with_the_schema_alone(coordinator, keyspace):
    """A statement that changes nothing keeps the schema version; a change of the schema changes it."""

    def versions_around(statement):
        before = read_schema_version(coordinator)
        coordinator.rows(statement, timeout=60)
        return before, read_schema_version(coordinator)

    nothing = f"CREATE TABLE IF NOT EXISTS {keyspace}.hits (page text PRIMARY KEY, n counter)"
    # A test in another worker may change the schema at the same moment, but not each time.
    assert any(before == after for before, after in (versions_around(nothing) for _ in range(20)))
    before, after = versions_around(f"ALTER TABLE {keyspace}.hits WITH comment = 'moved {uuid4()}'")
    assert before != after


def test_threads_read_side_by_side(coordinator, keyspace):
    """Several threads can use one coordinator at the same time."""
    server = read_server_profile(coordinator)
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(read_keyspace(coordinator, keyspace, server))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [read_keyspace(coordinator, keyspace, server)] * 4 == results
