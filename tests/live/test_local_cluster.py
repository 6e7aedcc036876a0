"""Real servers on this machine: started, broken, restarted, and stopped with the process that started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scyllamodel.errors import ConfigurationError
from scyllamodel.local import LocalCluster, LocalServerError, background
from scyllamodel.local.process import start_time

pytestmark = pytest.mark.live

OWNER = """
import sys, time
from scyllamodel.local import LocalCluster
with LocalCluster(version=sys.argv[1]) as cluster:
    print(cluster.node(1).pid, cluster.node(1).config.folder, flush=True)
    time.sleep(1000)
"""
# A shell that runs the tests in its background has them ignore Ctrl-C, and a child inherits that.
STARTING = """
import signal
import sys
from scyllamodel.local import LocalCluster
signal.signal(signal.SIGINT, signal.default_int_handler)
print("starting", flush=True)
LocalCluster(version=sys.argv[1]).start()
"""
CREATE = "CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}"
KEYSPACES = "SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = 'k'"


def eventually(condition, seconds=20.0):
    """Whether the condition becomes true within some seconds."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


@pytest.fixture(scope="module")
def version(pytestconfig):
    """The server version of this run."""
    return pytestconfig.getoption("--cassandra-version")


@pytest.fixture(scope="module")
def cluster(version):
    """A cluster of one node, for all tests that leave it running."""
    with LocalCluster(version=version) as cluster:
        yield cluster


@pytest.fixture
def node(cluster):
    """The node of the cluster, running."""
    node = cluster.node(1)
    node.resume()
    node.start()
    return node


@pytest.fixture
def owner(version):
    """Another process that owns a cluster, with the pid of its Java process and the folder of its node."""
    command = [sys.executable, "-c", OWNER, version]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as owner:
        pid, _, folder = owner.stdout.readline().strip().partition(" ")
        yield owner, int(pid), Path(folder)
        owner.kill()


def test_a_node_runs_the_version_that_was_asked_for(cluster, node):
    """The server reports exactly the version of the cluster."""
    assert [[cluster.version.encode()]] == node.query("SELECT release_version FROM system.local")


def test_a_repo_of_the_cluster_reaches_it(cluster, node):
    """A repo of the cluster needs only a keyspace."""
    with cluster.repo("shop") as repo:
        (row,) = repo.session.execute("SELECT release_version FROM system.local")

    assert cluster.version == row[0]


def test_the_log_tail_shows_the_end_of_the_log(cluster, node):
    """The log tail has as many lines as requested, the newest last."""
    assert node.log_tail(1000).splitlines()[-3:] == node.log_tail(3).splitlines()[-3:]


def test_a_killed_node_comes_back_with_its_data(node):
    """Rows written before a SIGKILL exist after the next start."""
    node.query(CREATE)
    node.kill()
    down = (node.is_running, node.pid)
    node.start()

    assert ((False, None), [[b"k"]]) == (down, node.query(KEYSPACES))


def test_a_paused_node_keeps_connections_and_answers_nothing(node):
    """A paused node still runs, requests to it time out, and it responds once it is resumed."""
    node.pause()
    with pytest.raises(TimeoutError):
        node.query(KEYSPACES)
    frozen = node.is_running
    node.resume()

    assert (True, True) == (frozen, bool(node.query("SELECT key FROM system.local")))


def test_a_restarted_node_has_another_process_and_the_same_address(node):
    """A restart changes only the process, also when the node was paused."""
    before, address = node.pid, node.contact_point
    node.pause()
    node.restart()

    assert (True, address) == (before != node.pid, node.contact_point)


def test_a_killed_owner_leaves_nothing_behind(owner):
    """SIGKILL of the owning process ends Java and removes the data."""
    process, pid, folder = owner
    process.kill()

    assert eventually(lambda: start_time(pid) is None and not folder.parent.exists())


def test_an_interrupted_start_leaves_nothing_behind(version):
    """Ctrl-C while a node starts ends it at once."""
    command = [sys.executable, "-c", STARTING, version]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as starter:
        starter.stdout.readline()
        eventually(lambda: descendants(starter.pid, "-Dcassandra.config"))
        processes = descendants(starter.pid, "-Dcassandra.config")  # Java, for a moment also what it forks
        starter.send_signal(signal.SIGINT)
        _, messages = starter.communicate(timeout=30)

    assert processes
    assert (True, []) == ("KeyboardInterrupt" in messages, [pid for pid in processes if start_time(pid) is not None])


def descendants(pid, text):
    """Descendant processes with this word on their command line."""
    lines = subprocess.run(["ps", "-ww", "-eo", "pid,ppid,args"], check=True, capture_output=True, text=True).stdout
    rows = [line.split(None, 2) for line in lines.splitlines()[1:]]
    results, below = [], {str(pid)}
    for _ in range(3):
        below |= {child for child, parent, _ in rows if parent in below}
    for child, _, arguments in rows:
        if child in below and text in arguments and "supervise" not in arguments:
            results.append(int(child))
    return results


def test_a_node_that_ends_while_it_starts_shows_its_log(version):
    """A setting that the server refuses is in the error within seconds."""
    start = time.monotonic()
    with pytest.raises(LocalServerError, match=r"(?s)Node 1 .* exited while it started.*no_such_setting"):
        LocalCluster(version=version, settings={"no_such_setting": 1}).start()

    assert time.monotonic() - start < 30


def test_a_node_that_takes_too_long_is_ended(version):
    """After the start-up timeout an error is raised, and no process is left."""
    cluster = LocalCluster(version=version, startup_timeout=0.5)
    with pytest.raises(LocalServerError, match=r"did not respond within 0\.5 s"):
        cluster.start()

    assert () == cluster.nodes


def test_kept_data_is_there_for_the_next_cluster(version, tmp_path):
    """A cluster on a kept folder has the previous data, and two clusters cannot use the folder at once.

    Other users of the machine cannot read the folder, nor that of a node in a folder that existed before.
    """
    keep = tmp_path / "kept"
    with LocalCluster(version=version, keep=keep) as first:
        first.node(1).query(CREATE)
        with pytest.raises(LocalServerError, match="in use by another local cluster"):
            LocalCluster(version=version, keep=keep).start()
    modes = [oct(folder.stat().st_mode & 0o777) for folder in (keep, keep / "node1")]
    (keep / "node1").chmod(0o755)
    with LocalCluster(version=version, keep=keep) as second:
        result = second.node(1).query(KEYSPACES)
    with pytest.raises(ConfigurationError, match="contains the data of 1 node"):
        LocalCluster(nodes=3, version=version, keep=keep).start()

    assert [[b"k"]] == result
    assert ["0o700", "0o700"] == modes
    assert 0o700 == (keep / "node1").stat().st_mode & 0o777


def test_a_node_with_passwords_is_up_when_one_can_log_in(version):
    """With PasswordAuthenticator the start waits for the default role, and repos have its password."""
    with LocalCluster(version=version, settings={"authenticator": "PasswordAuthenticator"}) as cluster:
        with cluster.repo("shop") as repo:
            (row,) = repo.session.execute("SELECT release_version FROM system.local")

        assert cluster.version == row[0]


def test_a_background_cluster_outlives_nothing_it_should_not(version, tmp_path):
    """A background cluster reports that it already runs, and stops with all its processes."""
    state = tmp_path / "cluster.json"
    first = background.start(version, state=state)
    second = background.start(version, state=state)
    status = background.status(state=state)
    stopped = background.stop(state=state)

    assert (True, False, True, True) == (
        first.started_now,
        second.started_now,
        status.nodes[0].is_up,
        stopped.is_running,
    )
    assert (None, False) == (start_time(first.nodes[0].pid), background.status(state=state).is_running)


def test_a_background_node_that_is_not_well_is_found_out(version, tmp_path):
    """A healthy node passes both probes; a paused one fails the first, and a stopped one is reported."""
    state = tmp_path / "cluster.json"
    first = background.start(version, state=state)
    pid = first.nodes[0].pid
    sound = background.status(state=state, check_health=True)
    with pytest.raises(ConfigurationError, match="with a heap of 1024 MB, not 512"):
        background.start(version, state=state, heap_mb=512)
    os.kill(pid, signal.SIGSTOP)
    paused = background.status(state=state, check_health=True)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: start_time(pid) is None)
    status = background.status(state=state, check_health=True)
    background.stop(state=state)

    assert (True, "", 1024) == (sound.is_healthy, sound.nodes[0].problem, sound.heap_mb)
    assert (False, "a read failed within 5 s: timed out") == (paused.is_healthy, paused.nodes[0].problem)
    assert (True, False, "its process exited") == (status.is_running, status.is_healthy, status.nodes[0].problem)


def test_no_process_of_a_background_cluster_shows_its_settings(version, tmp_path):
    """Settings, such as key store passwords, are on no command line, but in files that others cannot read."""
    state = tmp_path / "run" / "cluster.json"
    settings = {"cluster_name": "hunter2"}
    background.start(version, state=state, settings=settings)
    output = subprocess.run(["ps", "-A", "-ww", "-o", "args="], capture_output=True, text=True, check=True).stdout
    modes = {file.name: file.stat().st_mode & 0o077 for file in (*state.parent.iterdir(), state.parent)}
    background.stop(state=state)

    assert "scyllamodel.local.daemon" in output
    assert "hunter2" not in output
    assert [] == [name for name, open_to_others in modes.items() if open_to_others]


def test_a_background_cluster_ends_with_the_process_it_works_for(version, tmp_path):
    """A cluster that is tied to a process ends with it and leaves no file."""
    with subprocess.Popen(["sleep", "1000"]) as master:
        result = background.start(version, state=tmp_path / "run" / "cluster.json", owner_pid=master.pid)
        master.kill()
    is_stopped = eventually(lambda: start_time(result.nodes[0].pid) is None and not (tmp_path / "run").exists())

    assert is_stopped


def test_three_nodes_see_one_another_and_survive_a_loss(version):
    """Three nodes share a port on three addresses and know each other; one is killed and comes back."""
    with LocalCluster(nodes=3, version=version) as cluster:
        ports = {point.rpartition(":")[2] for point in cluster.contact_points}
        peers = [len(node.query("SELECT peer FROM system.peers")) for node in cluster.nodes]
        cluster.node(2).kill()
        rest = [node.is_running for node in cluster.nodes]
        cluster.node(2).start()

        assert (1, [2, 2, 2], [True, False, True]) == (len(ports), peers, rest)
        assert os.getpid() not in {node.pid for node in cluster.nodes}
