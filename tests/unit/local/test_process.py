"""A supervised process can be controlled, and ends with its owner, however that ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from scyllamodel.local import background
from scyllamodel.local.errors import LocalServerError
from scyllamodel.local.ports import free_port, is_free
from scyllamodel.local.process import Identity, remove_on_exit, start, start_time

OWNER = """
import sys, time
from pathlib import Path
from scyllamodel.local.process import remove_on_exit, start
folder = Path(sys.argv[1])
remover = remove_on_exit(folder)
server = start(["sleep", "1000"], folder / "console.log")
if sys.argv[2] == "paused":
    import signal
    server.send(signal.SIGSTOP)
if sys.argv[2] == "forked":
    import os
    if os.fork() == 0:
        time.sleep(20)
        os._exit(0)
print(server.pid, flush=True)
time.sleep(1000)
"""


def eventually(condition, seconds=10.0):
    """Whether the condition becomes true within some seconds."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


@pytest.fixture
def sleeper(tmp_path):
    """A supervised process that does nothing."""
    server = start(["sleep", "1000"], tmp_path / "console.log")
    yield server
    server.end()


@pytest.mark.parametrize("state", ["running", "paused", "forked"])
def test_a_killed_owner_leaves_neither_process_nor_folder(tmp_path, state):
    """After SIGKILL to the owner the server ends, even if it is stopped or a forked child of the owner is alive."""
    folder = tmp_path / "data"
    folder.mkdir()
    command = [sys.executable, "-c", OWNER, str(folder), state]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as owner:
        server = int(owner.stdout.readline())
        owner.kill()
        is_stopped = eventually(lambda: start_time(server) is None and not folder.exists())
        os.killpg(owner.pid, signal.SIGKILL) if state == "forked" else None

    assert is_stopped


def test_a_signal_has_been_sent_when_send_returns(sleeper):
    """A process that is sent SIGSTOP becomes stopped."""
    sleeper.send(signal.SIGSTOP)

    assert eventually(lambda: process_state(sleeper.pid) == "T")


def process_state(pid):
    """The state of a process as the letter that ps shows."""
    ps = ["ps", "-o", "state=", "-p", str(pid)]
    return subprocess.run(ps, check=False, capture_output=True, text=True).stdout.strip()[:1]


def test_the_end_of_the_server_is_seen(sleeper):
    """A server that exits or is killed is not reported as running."""
    os.kill(sleeper.pid, signal.SIGKILL)

    assert (True, False) == (sleeper.wait(5), sleeper.is_running)


def test_an_ended_server_takes_no_signals(sleeper):
    """A signal to a server that has ended does nothing and raises no error."""
    sleeper.end()
    sleeper.send(signal.SIGTERM)

    assert not sleeper.is_running


def test_a_command_that_does_not_exist_is_an_error(tmp_path):
    """The error of the operating system is raised."""
    with pytest.raises(LocalServerError, match="/no/such/java did not start"):
        start(["/no/such/java"], tmp_path / "console.log")


def test_a_folder_is_removed_at_the_end(tmp_path):
    """Ending a remover removes its folder with all contents."""
    (tmp_path / "data" / "deep").mkdir(parents=True)
    remove_on_exit(tmp_path / "data").end()

    assert [] == list(tmp_path.iterdir())


def test_a_process_is_distinguished_from_a_later_one_with_its_id():
    """A process is identified by its id and start time; its id with another start time is another process."""
    identity = Identity.from_pid(os.getpid())

    assert (True, False) == (identity.is_alive, Identity(identity.pid, "0").is_alive)


def test_a_state_file_whose_process_is_gone_means_nothing(tmp_path):
    """A state file whose process id now belongs to another process does not describe a running cluster."""
    state = tmp_path / "cluster.json"
    state.write_text(json.dumps({"holder": {"pid": os.getpid(), "started": "0"}}))

    assert (False, False) == (background.status(state=state).is_running, background.stop(state=state).is_running)


def test_a_free_port_is_free_on_all_addresses():
    """The chosen port has no listener on any address."""
    addresses = ["127.0.0.1"]

    assert is_free(addresses, free_port(addresses))


def test_an_address_of_another_machine_is_refused():
    """An address that this machine does not have is an error that says how to add it."""
    with pytest.raises(LocalServerError, match=r"192\.0\.2\.1 is not an address of this machine"):
        free_port(["192.0.2.1"])
