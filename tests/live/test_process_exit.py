"""Cleanup of a repo: after Ctrl-C, when it is dropped, in a forked child, and at the end of the program."""

from __future__ import annotations

import contextlib
import gc
import os
import socket
import statistics
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from pathlib import Path

import pytest

from scyllamodel import Column, ConnectionFailed, Model, Repo, column, migrate, partition_key, select
from scyllamodel.driver.data.api_base import client_of

pytestmark = pytest.mark.live


class Crate(Model, table="ends_crates", repo="ends_process"):
    """One row under a number."""

    id: Column[int] = partition_key()
    text: Column[str | None] = column(default=None)


@pytest.fixture(scope="module")
def migrated(scylla_cluster, scylla_repo):
    """A repo with the table of this module."""
    with scylla_cluster.repo(scylla_repo.keyspace, name="ends_process") as new_repo:
        migrate(new_repo, resources=[Crate])
        yield new_repo


@pytest.fixture
def repo(migrated):
    """A repo with some rows."""
    migrated.save_many([Crate(id=number) for number in range(300)])
    return migrated


def in_child(work):
    """The report of a forked child, or ``hangs``."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(write, str(work()).encode())
        except BaseException as error:  # noqa: BLE001 - the child reports whatever happens
            os.write(write, type(error).__name__.encode())
        os._exit(0)
    os.close(write)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if os.waitpid(child, os.WNOHANG)[0]:
            break
        time.sleep(0.05)
    else:
        os.kill(child, 9)
        os.waitpid(child, 0)
        return "hangs"
    with os.fdopen(read, "rb") as answer:
        return answer.read().decode()


def session_repo(repo):
    """A repo on the session of another one."""
    return Repo("ends_process", keyspace=repo.keyspace, session=repo.session)


def begun_stream(repo):
    """A stream from which the parent has read a row."""
    stream = repo.stream(select(Crate).whole_table(), page_size=20)
    next(stream)
    return lambda: len(list(stream))


def begun_scan(repo):
    """A scan from which the parent has read a row."""
    scan = iter(repo.scan(Crate, page_size=20, parallelism=2))
    next(scan)
    return lambda: len(list(scan))


def saving(repo):
    """Rows that the child saves."""
    return lambda: repo.save_many([Crate(id=number) for number in range(300, 400)]).written


def not_prepared(repo):
    """A statement that the session has not prepared yet."""
    repo.get(Crate, id=1)
    return lambda: repo.all(select(Crate.text).where(Crate.id == 2))


def text_not_prepared(repo):
    """Raw CQL that the session has not prepared yet."""
    repo.get(Crate, id=1)
    return lambda: repo.raw(f"SELECT id, text FROM {repo.keyspace}.ends_crates WHERE id = ?", [1])


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("begin", [begun_stream, begun_scan, saving, not_prepared, text_not_prepared])
def test_nothing_that_a_parent_began_hangs_in_a_child(repo, begin):
    """On a session lent before the fork, whatever the parent began fails in a child instead of hanging."""
    assert "ConnectionFailed" == in_child(begin(session_repo(repo)))


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("begin", [begun_stream, begun_scan])
def test_iterators_of_a_parent_end_in_an_error(repo, begin):
    """A parent's iterators raise in a child, which opens its own connection, and continue in the parent."""
    work = begin(repo)

    assert "ConnectionFailed" == in_child(work)
    assert work() >= 299


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_that_is_forked_while_a_statement_is_prepared_does_not_wait(repo, scylla_cluster, scylla_fault_proxy):
    """A child does not wait for a thread of the parent that was preparing its statement."""
    with scylla_cluster.repo(repo.keyspace, name="ends_process", nodes=[scylla_fault_proxy.address]) as other:
        other.get(Crate, id=1)
        scylla_fault_proxy.black_hole()
        session = session_repo(other)
        thread = threading.Thread(target=lambda: not_asked(session))
        thread.start()
        time.sleep(0.3)
        outcome = in_child(lambda: session.all(select(Crate.text).where(Crate.id == 2)))
        scylla_fault_proxy.heal()
        thread.join()

    assert "ConnectionFailed" == outcome


def not_asked(repo):
    """Send a request whose response is late or never comes."""
    try:
        repo.all(select(Crate.text).where(Crate.id == 2))
    except Exception:  # noqa: BLE001 - the server is silent
        return


def test_a_repo_that_is_dropped_warns_and_is_closed(scylla_cluster, repo):
    """Dropping a repo raises a ResourceWarning and closes it: no threads or sockets remain."""
    gc.collect()
    before, sockets = threading.active_count(), open_sockets()
    with warnings.catch_warnings(record=True) as caught_warnings:
        warnings.simplefilter("always")
        for _ in range(20):
            scylla_cluster.repo(repo.keyspace, name="ends_process").get(Crate, id=1)
        gc.collect()
    deadline = time.monotonic() + 20
    while (threading.active_count() > before or open_sockets() > sockets) and time.monotonic() < deadline:
        time.sleep(0.1)

    assert 20 == sum(
        warning.category is ResourceWarning and "was not closed" in str(warning.message) for warning in caught_warnings
    )
    assert threading.active_count() <= before
    assert open_sockets() <= sockets


def open_sockets():
    """The number of open sockets of this process."""
    value = 0
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - its own descriptor is among them
        with contextlib.suppress(OSError):  # it was closed meanwhile
            value += str(Path("/proc/self/fd", name).readlink()).startswith("socket:")
    return value


def test_a_repo_that_was_closed_does_not_warn(scylla_cluster, repo):
    """A repo that was closed, or that was never used, does not warn."""
    with warnings.catch_warnings(record=True) as caught_warnings:
        warnings.simplefilter("always")
        with scylla_cluster.repo(repo.keyspace, name="ends_process") as used:
            used.get(Crate, id=1)
        del used
        scylla_cluster.repo(repo.keyspace, name="ends_process")
        gc.collect()

    assert [] == [
        str(warning.message)
        for warning in caught_warnings
        if warning.category is ResourceWarning and "closed" in str(warning.message)
    ]


INTERRUPTED = """
    import os, signal, sys, threading, time
    from scyllamodel import Repo

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell ignores it
    threading.Timer(0.7, signal.raise_signal, [signal.SIGINT]).start()
    repo = Repo("ends_process", nodes=[sys.argv[1]], keyspace="shop")
    try:
        repo.session
    except KeyboardInterrupt:
        caught = time.time()
    threads = [one.name for one in threading.enumerate() if one is not threading.main_thread()]
    time.sleep(0.3)
    sockets = sum(os.readlink(f"/proc/self/fd/{fd}").startswith("socket:") for fd in os.listdir("/proc/self/fd")
                  if os.path.exists(f"/proc/self/fd/{fd}") or os.path.islink(f"/proc/self/fd/{fd}"))
    print(len([name for name in threads if name != "event_loop"]), sockets, repo._client._owned, time.time())
"""


def test_ctrl_c_in_the_first_connection_leaves_nothing():
    """Ctrl-C while connecting leaves no socket and only the driver's loop thread, and the program ends at once."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        command = [sys.executable, "-c", textwrap.dedent(INTERRUPTED), address]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    now = time.time()
    threads, sockets, connection, printed = result.stdout.split()

    assert ("0", "0", "None", 0) == (threads, sockets, connection, result.returncode), result.stderr
    assert now - float(printed) < 1.5


UNCLOSED = """
    import sys, time
    from scyllamodel import Column, Model, Repo, column, partition_key

    class Crate(Model, table="ends_crates", repo="ends_process"):
        id: Column[int] = partition_key()
        text: Column[str | None] = column(default=None)

    repo = Repo("ends_process", nodes=[sys.argv[1]], keyspace=sys.argv[2])
    assert repo.get(Crate, id=1).id == 1
    print(time.time())
"""


@pytest.mark.parametrize(
    "end", ["", "sys.exit(0)", "raise KeyError", "repo.close()"], ids=["end", "exit", "error", "closed"]
)
def test_a_program_ends_within_seconds(scylla_cluster, repo, end):
    """A program ends without the driver's wait of five seconds, whether it closes its repo or not."""
    program = textwrap.dedent(UNCLOSED) + end
    command = [
        sys.executable,
        "-X",
        "dev",
        "-W",
        "error",
        "-c",
        program,
        scylla_cluster.contact_points[0],
        repo.keyspace,
    ]
    seconds, messages = [], []
    for _ in range(4):
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        seconds.append(time.time() - float(result.stdout))
        messages.append(result.stderr)

    assert statistics.median_low(seconds) < 3, "seconds on a busy machine, where the driver would take five"
    assert [] == [text for text in messages if "ResourceWarning" in text]


FLUSHED = """
    import atexit
    atexit.register(lambda: print(repo.get(Crate, id=2).id))
"""


def test_a_handler_at_exit_may_still_use_a_repo(scylla_cluster, repo):
    """An atexit handler that was registered after the import of the package can still use a repo."""
    program = textwrap.dedent(UNCLOSED) + textwrap.dedent(FLUSHED)
    command = [sys.executable, "-c", program, scylla_cluster.contact_points[0], repo.keyspace]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert "2" == result.stdout.split()[-1], result.stderr


def test_a_connection_that_failed_is_tried_again():
    """After a failed connection, the next use connects."""
    with Repo("ends_process", nodes=["127.0.0.1:1"], keyspace="shop") as other:
        for _ in range(2):
            with pytest.raises(ConnectionFailed):
                client_of(other).connection()
