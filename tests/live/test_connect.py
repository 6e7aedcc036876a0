"""Connections to real servers and to other programs: a clear error within seconds, and no change to lent sessions."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.policies import HostFilterPolicy, RoundRobinPolicy
from cassandra.query import tuple_factory

from scyllamodel.driver.cluster.coordinator import choose_coordinator
from scyllamodel.driver.cluster.introspection import read_keyspace
from scyllamodel.driver.cluster.nodes import read_server_profile
from scyllamodel.driver.data.api_base import client_of
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ConnectionFailed
from scyllamodel.testing.fault_proxy import FaultProxy

pytestmark = pytest.mark.live


@pytest.fixture
def point(scylla_cluster):
    """The address of the server, as ``host:port``."""
    return scylla_cluster.contact_points[0]


@pytest.fixture
def unresponsive_host():
    """A port that accepts connections and never sends anything."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def web():
    """A port that sends an HTTP response to everything."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        threading.Thread(target=_serve, args=(listening,), daemon=True).start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"


def _serve(listening):
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        with connection:
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def refusal(**settings):
    """Return the error of a connection that fails within 5 seconds and leaves no threads."""
    before = threading.active_count()
    start = time.monotonic()
    with pytest.raises(ConnectionFailed) as exc_info, Repo(keyspace="shop", **settings) as repo:
        client_of(repo).connection()

    assert time.monotonic() - start < 5
    assert threading.active_count() <= before + 1  # the driver's event loop stays
    return str(exc_info.value)


def test_nothing_connects_before_it_is_needed():
    """A repo of nodes that do not exist can be created, shown and closed."""
    with Repo(nodes=["no-such-host.invalid"], keyspace="shop") as repo:
        assert "no-such-host.invalid:9042" in repr(repo)


def test_an_unknown_host_is_named():
    """A host name without an address is refused at once, and the error names it."""
    text = refusal(nodes=["no-such-host.invalid"])

    assert "no-such-host.invalid:9042: no address is known for this name" in text


def test_a_wrong_port_is_named():
    """A port that nothing listens on is refused at once, and the error names it."""
    text = refusal(nodes=["127.0.0.1:1"])

    assert "127.0.0.1:1: nothing listens on this port" in text


def test_a_silent_server_is_named(unresponsive_host):
    """A server that accepts the connection and never responds is given up after 4 seconds."""
    text = refusal(nodes=[unresponsive_host])

    assert f"{unresponsive_host}: no answer within 2 s" in text


def test_silent_servers_are_asked_at_once(unresponsive_host):
    """Several unresponsive hosts take no longer than one, and the error names each."""
    text = refusal(
        nodes=[
            unresponsive_host,
            unresponsive_host.replace("127.0.0.1", "127.0.0.2"),
            unresponsive_host.replace("127.0.0.1", "localhost"),
        ]
    )

    assert f"{unresponsive_host}: no answer within 2 s" in text
    assert "127.0.0.2" in text


def test_another_protocol_is_named(web):
    """A port that speaks HTTP is distinguished from one that is silent."""
    text = refusal(nodes=[web])

    assert f"{web}: something answers, but not in CQL" in text


def test_a_wrong_data_centre_is_named(point, data_center):
    """A data centre without nodes is refused, and the error suggests the most similar name."""
    text = refusal(nodes=[point], local_dc=f"{data_center}x")

    assert f"No node is in data centre '{data_center}x' (did you mean '{data_center}'?)" in text


def test_a_policy_without_hosts_is_named(point):
    """A policy that excludes all hosts is refused, although schema changes would find a node."""
    policy = HostFilterPolicy(RoundRobinPolicy(), predicate=lambda _: False)
    text = refusal(nodes=[point], load_balancing_policy=policy)

    assert "the load balancing policy of the settings ignores every node" in text


def test_tls_on_a_plain_port_is_named(point):
    """An error for TLS to a port without TLS says so."""
    text = refusal(nodes=[point], ssl_context=ssl.create_default_context())

    assert "this port does not use TLS" in text


def test_a_wrong_password_is_named(logins):
    """A wrong password is refused with the user's name and without the password."""
    text = refusal(nodes=logins.cluster.contact_points, username="cassandra", password="hunter2")

    assert "refused the password of user 'cassandra'" in text
    assert "hunter2" not in text


def test_a_missing_password_is_named(logins):
    """Without a login, the error says that the server requires a password."""
    text = refusal(nodes=logins.cluster.contact_points)

    assert "requires a password, and the repo has none" in text


def test_the_right_password_connects(logins):
    """The right password connects, also from a URL."""
    with Repo.from_url(f"scylla://cassandra:cassandra@{logins.cluster.contact_points[0]}/shop") as repo:
        rows = repo.session.execute("SELECT cluster_name FROM system.local").all()

    assert 1 == len(rows)


def test_one_good_host_among_bad_ones_is_enough(point, unresponsive_host):
    """A host that responds is used although the hosts before it do not respond."""
    with Repo(nodes=["127.0.0.1:1", unresponsive_host, point], keyspace="shop") as repo:
        start = time.monotonic()
        client_of(repo).connection()

    assert time.monotonic() - start < 5


def test_a_failed_connection_is_not_logged_by_the_driver(caplog):
    """A failed connection is one error of this package; the driver logs nothing."""
    refusal(nodes=["127.0.0.1:1"])

    assert [] == [record for record in caplog.records if record.name.startswith("cassandra")]


def test_threads_share_one_connection(point):
    """Many threads that need the session at once share one."""
    results = []
    with Repo(nodes=[point], keyspace="shop") as repo:
        threads = [threading.Thread(target=lambda: results.append(repo.session)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert (8, 1) == (len(results), len(set(map(id, results))))


def test_a_closed_repo_connects_again(point):
    """`close` shuts the driver session down, and the next use opens a new one."""
    repo = Repo(nodes=[point], keyspace="shop")
    first = repo.session
    repo.close()
    repo.close()
    with repo:
        assert (True, False) == (first.is_shutdown, repo.session.is_shutdown)


def lent_session(point, mode):
    """A session of an application: with its own profile, with driver defaults, or in the driver's legacy mode."""
    host, _, port = point.rpartition(":")
    profile = ExecutionProfile(RoundRobinPolicy(), row_factory=tuple_factory, request_timeout=7)
    cluster = Cluster([host], port=int(port), execution_profiles={EXEC_PROFILE_DEFAULT: profile})
    if mode == "legacy":
        cluster = Cluster([host], port=int(port), load_balancing_policy=RoundRobinPolicy())
    session = cluster.connect()
    if mode == "legacy":
        session.row_factory = tuple_factory
        session.default_timeout = 7
    session.default_fetch_size = 3
    return session


def state_of(session):
    """Everything of a session that an application can set, as values to compare."""
    cluster = session.cluster
    attributes = (
        "keyspace default_fetch_size use_client_timestamp client_protocol_handler encoder is_shutdown "
        "row_factory default_timeout default_consistency_level default_serial_consistency_level"
    )
    settings = "schema_metadata_enabled token_metadata_enabled max_schema_agreement_wait connect_timeout _config_mode"
    return {
        **{name: getattr(session, name) for name in attributes.split()},
        **{name: getattr(cluster, name) for name in settings.split()},
        "profiles": {str(key): vars(profile).copy() for key, profile in cluster.profile_manager.profiles.items()},
        "listeners": list(session._request_init_callbacks),
        "types": dict(cluster._user_types),
        "row": session.execute("SELECT key FROM system.local").one(),
    }


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the legacy mode of the driver is deprecated
@pytest.mark.parametrize("mode", ["profiles", "legacy"])
def test_a_lent_session_is_left_as_it_was(point, mode):
    """Schema changes through a session of the application change none of its settings, and do not close it."""
    session = lent_session(point, mode)
    try:
        before = state_of(session)
        with Repo(session=session, keyspace="system_traces") as repo:
            coordinator = choose_coordinator(client_of(repo).connection())
            facts = read_keyspace(coordinator, repo.keyspace, read_server_profile(coordinator), page=1)
            assert session is repo.session
        after = state_of(session)
    finally:
        session.cluster.shutdown()

    assert facts.table("events") is not None
    assert before == after


def in_child(work):
    """Run a function in a forked child, and return its report or ``hangs``."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(write, str(work()).encode())
        except BaseException as error:  # noqa: BLE001 - the child reports whatever happens
            os.write(write, f"{type(error).__name__}: {error}".encode())
        os._exit(0)
    os.close(write)
    os.set_blocking(read, False)
    text = b""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        exited_pid, _ = os.waitpid(child, os.WNOHANG)
        if exited_pid:
            text = os.read(read, 10_000)
            break
        time.sleep(0.05)
    else:
        os.kill(child, 9)
        os.waitpid(child, 0)
    os.close(read)
    return text.decode() or "hangs"


QUERY = "SELECT cluster_name FROM system.local"


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_connects_by_itself(point):
    """A child that inherits an open repo opens its own session, and the parent's session still works."""
    with Repo(nodes=[point], keyspace="shop") as repo:
        inherited = repo.session
        child = in_child(lambda: (repo.session is not inherited, len(repo.session.execute(QUERY).all())))

        assert ("(True, 1)", 1) == (child, len(repo.session.execute(QUERY).all()))


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_is_refused_a_lent_session(point):
    """A child gets an error with advice for a lent session, and for a coordinator that was chosen before the fork."""
    session = lent_session(point, "profiles")
    try:
        with Repo(session=session, keyspace="shop") as repo:
            coordinator = choose_coordinator(client_of(repo).connection())
            errors = [in_child(lambda: repo.session), in_child(lambda: coordinator.rows(QUERY))]
    finally:
        session.cluster.shutdown()

    assert [True, True] == [
        text.startswith(
            "ConnectionFailed: the driver session of repo 'default' was opened before this process was forked"
        )
        for text in errors
    ]


def test_a_program_that_stops_the_loop_ends_at_once(point):
    """If a program calls `stop_event_loop` last, it does not wait the driver's 5 seconds at exit."""
    program = """
        import sys
        from scyllamodel.driver.session.connect import stop_event_loop
        from scyllamodel.driver.repo import Repo
        with Repo(nodes=[sys.argv[1]], keyspace="shop") as repo:
            repo.session.execute("SELECT key FROM system.local")
        stop_event_loop()
        import time; print(time.time())
    """
    lingered = []
    for _ in range(3):
        run = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program), point], capture_output=True, text=True, check=True
        )
        lingered.append(time.time() - float(run.stdout))

    assert [] == [seconds for seconds in lingered if seconds > 3]


def test_a_proxy_at_another_address_is_not_gone_around(scylla_cluster):
    """Requests pass through the proxy, although the node reports another address of its own."""
    with FaultProxy(scylla_cluster.contact_points[0], listen="127.0.0.9:0") as proxy:
        with scylla_cluster.repo("system", nodes=[proxy.address]) as repo:
            repo.raw("SELECT cluster_name FROM system.local")

        assert any(request.query.startswith("SELECT cluster_name FROM") for request in proxy.requests)
