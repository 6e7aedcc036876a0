"""What the server of a run can do, and tests that only some servers can answer.

A test that needs something which not every server has is marked ``needs``; on a server without it the test is
deselected, and the end of the report lists it with what it needs. Other tests ask the fixture `profile`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest

from scyllamodel import ScyllaModelError
from scyllamodel.release.engine.cluster_view import ClusterView
from scyllamodel.schema.server.profile import ServerProfile
from scyllamodel.testing.server import RunningServer

_left_out = pytest.StashKey[list[str]]()

needs_tracing_of_tombstones = pytest.mark.needs(
    lambda server: not server.is_scylla, "traces that count the tombstones which a read met (Cassandra)"
)
needs_any_schema = pytest.mark.needs(
    lambda server: not server.is_scylla,
    "tables that this release cannot read: options of NaN, types of any depth (Cassandra)",
)
needs_vectors = pytest.mark.needs(lambda server: server.has_vectors, "vectors (Cassandra 5.0, ScyllaDB 2025.2)")
needs_element_times = pytest.mark.needs(
    lambda server: server.at_least(2026, 2) if server.is_scylla else server.at_least(5, 0),
    "times of elements of maps and sets (Cassandra 5.0, ScyllaDB 2026.2)",
)
needs_sasi = pytest.mark.needs(
    lambda server: server.has_index_class("SASI", on_vector=False), "SASI indexes (Cassandra)"
)
needs_vector_index = pytest.mark.needs(
    lambda server: (
        server.has_vector_index
        and (not server.is_scylla or bool(server.makes_tablets("NetworkTopologyStrategy", tablets=None)))
    ),
    "indexes on vectors (Cassandra 5.0, ScyllaDB 2025.4 where keyspaces have tablets)",
)
needs_ann = pytest.mark.needs(
    lambda server: server.has_vector_index and not server.is_scylla,
    "nodes that search vectors (Cassandra 5.0; ScyllaDB has a service beside them)",
)


@pytest.fixture(scope="session")
def profile(scylla_cluster) -> ServerProfile:
    """The server of this run and its capabilities."""
    with scylla_cluster.repo("system") as repo:
        return ClusterView.connect(repo).server


@pytest.fixture(scope="session")
def data_center(scylla_cluster) -> str:
    """The name of the data centre of the node that the tests connect to."""
    with scylla_cluster.repo("system") as repo:
        return repo.session.execute("SELECT data_center FROM system.local").one()[0]


def login_of(cluster):
    """The settings of a repo that log in to a cluster."""
    return {} if cluster.login is None else dict(zip(("username", "password"), cluster.login, strict=True))


def url(cluster, keyspace, **query):
    """The address of a keyspace on a cluster, with its login if it has one."""
    login = "" if cluster.login is None else f"{':'.join(map(quote, cluster.login))}@"
    where = login + ",".join(cluster.contact_points)
    tablets = cluster.repo(keyspace).settings.tablets
    query |= {} if tablets is None else {"tablets": str(tablets).lower()}
    return f"cassandra://{where}/{keyspace}?" + "&".join(f"{name}={value}" for name, value in query.items())


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark."""
    config.addinivalue_line("markers", "needs(able, what): leave the test out on servers without what it needs")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests that the server of this run cannot answer."""
    marked = [item for item in items if item.get_closest_marker("needs")]
    server = _server(config) if marked else None
    if server is None:
        return
    lacking = {item: what for item in marked if (what := _lacking(item, server))}
    config.stash[_left_out] = [f"{item.nodeid}: needs {what}" for item, what in lacking.items()]
    items[:] = [item for item in items if item not in lacking]
    config.hook.pytest_deselected(items=list(lacking))


def _server(config: pytest.Config) -> ServerProfile | None:
    """The server of this run; None if it does not respond, so that all tests report that."""
    address: str | None = config.getoption("--scylla")
    if address is None:
        version = str(config.getoption("--cassandra-version"))
        return ServerProfile("cassandra", tuple(int(part) for part in version.split(".")))
    try:
        with RunningServer.parse(address).repo("system") as repo:
            return ClusterView.connect(repo).server
    except ScyllaModelError:
        return None


def _lacking(item: pytest.Item, server: ServerProfile) -> str:
    missing: Iterator[tuple[Callable[[ServerProfile], bool], str]] = (mark.args for mark in item.iter_markers("needs"))
    return " and ".join(what for able, what in missing if not able(server))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """List the deselected tests with the reasons."""
    left_out = config.stash.get(_left_out, [])
    if left_out:
        terminalreporter.section("tests that this server cannot answer")
        for line in left_out:
            terminalreporter.line(line)
