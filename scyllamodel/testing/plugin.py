"""The pytest plugin: a server for each run, a keyspace for each module, and a fault proxy.

It is loaded into every pytest run of an environment with scyllamodel, so nothing is imported or started before a test
needs it.

Options: ``--scylla HOST:PORT`` (or ``NAME:PASSWORD@HOST:PORT``) uses a running server; without it a Cassandra of
``--cassandra-version`` is started locally, once for all workers of pytest-xdist. No server is an error, never a skip. A
ScyllaDB in a container, for ``--scylla 127.0.0.1:9042``::

    docker run -d --name scylla -p 9042:9042 scylladb/scylla --smp 1 --memory 1G --developer-mode 1

Fixtures, all of which can be overridden in a ``conftest.py``:

``scylla_cluster`` (session)
    `scyllamodel.local.LocalCluster`; with ``--scylla`` or pytest-xdist a `scyllamodel.testing.server.RunningServer`,
    which has its ``contact_points``, ``version`` and ``repo``. Schema changes are fast on it, but a node that is killed
    loses them: tests that kill nodes create their own `LocalCluster`.
``scylla_settings`` (session)
    Settings of cassandra.yaml for that cluster; an empty dict.
``scylla_models`` (module)
    Packages of models for ``scylla_repo``: the variable ``SCYLLA_MODELS`` of the test module, or none.
``scylla_repo`` (module)
    A `scyllamodel.Repo` on a new keyspace with one replica, dropped after the module. Before each test that uses it,
    tables with rows of earlier tests are truncated, except for a test or module with the mark ``scylla_keep_rows``.
    Models with ``keyspace=`` are moved for the module into another keyspace, which is created, truncated and dropped in
    the same way; ``Order.__facts__.keyspace`` is its name for CQL in a test.
``scylla_fault_proxy`` (function)
    A `scyllamodel.testing.fault_proxy.FaultProxy` for the first node.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

_HEAP_MB = 400
"""Java heap of the local server in megabytes."""

if TYPE_CHECKING:
    from scyllamodel.driver.repo import Repo
    from scyllamodel.local import LocalCluster
    from scyllamodel.testing.fault_proxy import FaultProxy
    from scyllamodel.testing.server import RunningServer

_KEEP_ROWS = "scylla_keep_rows"
_live_repos = pytest.StashKey["list[Repo]"]()
"""The repo of the module, and one on each keyspace that replaces a ``keyspace=`` of its models."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--scylla`` and ``--cassandra-version``."""
    group = parser.getgroup("scyllamodel", "ScyllaDB and Cassandra (scyllamodel)")
    group.addoption(
        "--scylla",
        metavar="HOST:PORT",
        help="use this server, such as a ScyllaDB at 127.0.0.1:9042; without it a local Cassandra is started",
    )
    group.addoption(
        "--cassandra-version", metavar="VERSION", default="5.0", help="version of the local Cassandra (default: 5.0)"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark ``scylla_keep_rows``."""
    config.addinivalue_line("markers", f"{_KEEP_ROWS}: rows of earlier tests stay in the tables of scylla_repo")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(call: pytest.CallInfo[Any]) -> None:
    """Hide frames of the package in tracebacks of errors that it raises on purpose."""
    package = "scyllamodel"
    errors: Any = sys.modules.get(f"{package}.errors")
    if errors is None or call.excinfo is None or not errors.hide_frame(call.excinfo):
        return
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == package:
            vars(module).setdefault("__tracebackhide__", errors.hide_frame)


def pytest_report_header(config: pytest.Config) -> str:
    """Show the server of the tests in the report header; a running server is asked for its version."""
    address = config.getoption("--scylla")
    if address is None:
        version = config.getoption("--cassandra-version")
        return f"scyllamodel: Cassandra {version}, started here when a test asks for it"
    return f"scyllamodel: {_server_description(address)}"


def _server_description(address: str) -> str:
    from scyllamodel.errors import ScyllaModelError  # noqa: PLC0415 - the package is not imported before it is needed
    from scyllamodel.testing.server import RunningServer  # noqa: PLC0415

    try:
        server = RunningServer.parse(address)
    except ScyllaModelError as error:
        raise pytest.UsageError(str(error)) from error
    try:
        return f"{server.product} at {server.contact_points[0]}"
    except ScyllaModelError as error:
        first_line = str(error).partition("\n")[0]
        return f"no server at {server.contact_points[0]}, tests that need it will fail: {first_line}"


@pytest.fixture(scope="session")
def scylla_settings() -> dict[str, Any]:
    """Settings of cassandra.yaml for the local server."""
    return {}


@pytest.fixture(scope="session")
def scylla_cluster(
    pytestconfig: pytest.Config, scylla_settings: dict[str, Any]
) -> Iterator[LocalCluster | RunningServer]:
    """The running server of this test run."""
    server = _server(pytestconfig, scylla_settings)
    if isinstance(server, str):
        pytest.fail(f"These tests need a server.\n{server}", pytrace=False)
    yield server
    stop = getattr(server, "stop", None)
    if stop is not None:
        stop()


def _server(config: pytest.Config, settings: dict[str, Any]) -> LocalCluster | RunningServer | str:
    """Return the server, or the message of the error that prevented its start."""
    from scyllamodel.errors import ScyllaModelError  # noqa: PLC0415

    address: str | None = config.getoption("--scylla")
    workers = getattr(config, "workerinput", None)
    try:
        if address is not None:
            return _existing_server(address)
        return (
            _start_cluster(config, settings)
            if workers is None
            else _shared_cluster(config, workers["testrunuid"], settings)
        )
    except ScyllaModelError as error:
        return str(error)


def _existing_server(address: str) -> RunningServer:
    import attrs  # noqa: PLC0415

    from scyllamodel.release.engine.cluster_view import ClusterView  # noqa: PLC0415
    from scyllamodel.testing.server import RunningServer  # noqa: PLC0415

    server = RunningServer.parse(address)
    with server.repo("system") as repo:
        cluster = ClusterView.connect(repo)
        (row,) = repo.session.execute("SELECT data_center FROM system.local")
    tablets = False if cluster.server.unsupported_with_tablets else None
    return attrs.evolve(server, tablets=tablets, data_center=row[0])


def _start_cluster(config: pytest.Config, settings: dict[str, Any]) -> LocalCluster:
    """Start a cluster of this process; the progress of a first download is shown even if output is captured."""
    from scyllamodel.local import LocalCluster  # noqa: PLC0415

    cluster = LocalCluster(version=_cassandra_version(config), settings=settings, durable=False)
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    if capture is None:
        cluster.start()
        return cluster
    with capture.global_and_fixture_disabled():
        cluster.start()
    return cluster


def _shared_cluster(config: pytest.Config, run: str, settings: dict[str, Any]) -> RunningServer:
    """Return one cluster for all workers; the first one starts it, and it ends with the main process of the run."""
    from scyllamodel.local import background  # noqa: PLC0415
    from scyllamodel.testing.server import RunningServer  # noqa: PLC0415

    state = Path(tempfile.gettempdir()) / f"scyllamodel-pytest-{run}" / "cluster.json"
    keywords: dict[str, Any] = {"heap_mb": _HEAP_MB, "settings": settings, "durable": False}
    cluster = background.start(_cassandra_version(config), state=state, owner_pid=os.getppid(), **keywords)
    return RunningServer(cluster.contact_points, cluster.login)


def _cassandra_version(config: pytest.Config) -> str:
    return str(config.getoption("--cassandra-version"))


@pytest.fixture(scope="module")
def scylla_models(request: pytest.FixtureRequest) -> list[str]:
    """Packages of models for `scylla_repo`."""
    module: Any = request.node.obj
    packages: str | list[str] = getattr(module, "SCYLLA_MODELS", [])
    return [name.strip() for name in packages.split(",")] if isinstance(packages, str) else list(packages)


@pytest.fixture(scope="module")
def scylla_repo(
    request: pytest.FixtureRequest, scylla_cluster: LocalCluster | RunningServer, scylla_models: list[str]
) -> Iterator[Repo]:
    """A repo on a new keyspace for this test module."""
    from scyllamodel.testing import keyspaces  # noqa: PLC0415

    with scylla_cluster.repo(keyspaces.unique_name(Path(request.path).stem), scylla_models) as repo:
        keyspaces.create(repo)
        try:
            with keyspaces.own_keyspaces(repo) as others:
                request.config.stash[_live_repos] = [repo, *others]
                yield repo
        finally:
            request.config.stash[_live_repos] = []
            keyspaces.drop(repo)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Truncate the tables with rows of earlier tests of the module."""
    none: list[Repo] = []
    repos = item.config.stash.get(_live_repos, none)
    uses_repo = "scylla_repo" in getattr(item, "fixturenames", ())
    if repos and uses_repo and item.get_closest_marker(_KEEP_ROWS) is None:
        from scyllamodel.testing import keyspaces  # noqa: PLC0415

        for repo in repos:
            keyspaces.empty(repo)


@pytest.fixture
def scylla_fault_proxy(scylla_cluster: LocalCluster | RunningServer) -> Iterator[FaultProxy]:
    """A proxy for the first node, at first without faults."""
    from scyllamodel.testing.fault_proxy import FaultProxy  # noqa: PLC0415

    with FaultProxy(scylla_cluster.contact_points[0]) as proxy:
        yield proxy
