"""The demo and the local server as a reader starts them, each with its own server."""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
import time
from pathlib import Path

import pytest

from scyllamodel.local.folders import cache_folder
from support.json_schemas import document_in
from support.shell import command, on_a_terminal, run, start

pytestmark = pytest.mark.live


@pytest.fixture
def version(request):
    """The Cassandra version of this test run."""
    return request.config.getoption("--cassandra-version")


@pytest.fixture
def scratch(tmp_path):
    """A folder for the files of a command; at the end it is empty, and no process uses it."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    yield folder
    assert [] == processes_in(folder)
    assert [] == list(folder.iterdir())


def processes_in(folder):
    """The processes with this folder on their command line, after a grace period for those that are ending."""
    deadline = time.monotonic() + 10
    while names := [entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit() and _names(entry, folder)]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)
    return names


def _names(process, folder):
    try:
        return str(folder).encode() in (process / "cmdline").read_bytes()
    except OSError:
        return False


def wait_for(started, text):
    """Read the output of a command up to the line that contains this text."""
    messages = []
    for line in started.stdout:
        messages.append(line)
        if text in line:
            return messages
    raise AssertionError(f"{text!r} was never said, but: {messages} {started.stderr.read()}")


def test_the_tour_runs_as_documented(scratch, version):
    """The demo ends with 0 and shows every act in plain lines; its server and folders are removed."""
    result = run("demo", "--version", version, folder=scratch, TMPDIR=str(scratch))
    acts = re.findall(r"^\d+\. .*$", result.stdout, re.MULTILINE)

    assert (0, "") == (result.returncode, result.stderr)
    assert [f"{number}." for number in range(1, 12)] == [act.partition(" ")[0] for act in acts]
    assert "ALTER TABLE shop.customers ADD points int" in result.stdout
    assert "25 x INSERT INTO shop.orders" in result.stdout
    assert 1 == len(re.findall(r"^   (?:Ann|Bob): sold$", result.stdout, re.MULTILINE))
    assert "ImpossibleChange" in result.stdout
    assert "TY101" in result.stdout
    assert "\x1b" not in result.stdout


def test_the_tour_on_a_server_of_one_s_own(scylla_cluster, scylla_repo, tmp_path):
    """With --url the demo creates a keyspace there, runs the same acts, and leaves nothing behind."""
    names = "SELECT keyspace_name FROM system_schema.keyspaces"
    before = {row[0] for row in scylla_repo.session.execute(names)}
    result = run("demo", "--url", f"scylla://{scylla_cluster.contact_points[0]}", folder=tmp_path)
    acts = re.findall(r"^\d+\. .*$", result.stdout, re.MULTILINE)
    created = {row[0] for row in scylla_repo.session.execute(names)} - before

    assert (0, "") == (result.returncode, result.stderr)
    assert [f"{number}." for number in range(1, 12)] == [act.partition(" ")[0] for act in acts]
    assert re.search(r"ALTER TABLE scyllamodel_demo_\w+\.customers ADD points int", result.stdout)
    assert set() == {name for name in created if name.startswith("scyllamodel_demo_")}
    assert "Its keyspace is dropped" in result.stdout


def test_the_tour_is_lively_on_a_terminal(scratch, version):
    """On a terminal the demo shows colours and a bar."""
    command_line = command("demo", "--version", version)
    code, output = on_a_terminal(command_line, scratch, TMPDIR=str(scratch), TERM="xterm-256color")

    assert 0 == code
    assert "\x1b[1m2. The models" in output
    assert "/14" in output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_tour_stops_its_server(scratch, version, number):
    """Ctrl-C during the demo ends it with 130 and a message, and stops its server."""
    started = start("demo", "--version", version, folder=scratch, TMPDIR=str(scratch), PYTHONUNBUFFERED="1")
    wait_for(started, "3. The keyspace")
    started.send_signal(number)
    _, err = started.communicate(timeout=120)

    assert 130 == started.returncode
    assert "The tour was interrupted." in err
    assert "Traceback" not in err


def test_a_kept_server_serves_until_ctrl_c(scratch, version):
    """With --keep the commands that the demo shows work, until Ctrl-C ends it with success."""
    started = start("demo", "--keep", "--version", version, folder=scratch, TMPDIR=str(scratch))
    wait_for(started, "until you press Ctrl-C")
    output = [started.stdout.readline().strip().removeprefix("$ ") for _ in range(3)]
    folder = shlex.split(output[0])[1]
    arguments = shlex.split(output[1])[1:]
    planned = run(*arguments, "--json", folder=folder)
    started.send_signal(signal.SIGINT)
    _, err = started.communicate(timeout=120)

    assert (0, True) == (planned.returncode, document_in(planned.stdout)["empty"])
    assert (0, "") == (started.returncode, err)


def test_an_unknown_version_is_refused(scratch):
    """An unknown version is refused, and the error lists the valid ones."""
    result = run("demo", "--version", "3.11", folder=scratch, TMPDIR=str(scratch))

    assert 78 == result.returncode
    assert "5.0" in result.stderr


def test_the_local_server_starts_answers_and_stops(tmp_path, version):
    """start, start again, status, stop, status: each prints the state, and the server outlives the command."""
    cache = tmp_path / "cache"
    cache.mkdir()
    for entry in cache_folder().iterdir():
        if entry.name != "background":
            (cache / entry.name).symlink_to(entry)
    changes = {"folder": tmp_path, "SCYLLAMODEL_CACHE": str(cache), "TMPDIR": str(tmp_path)}
    arguments = ("local", "start", "--version", version)
    try:
        answers = [
            document_in(run(*options, "--json", **changes).stdout)
            for options in (arguments, arguments, ("local", "status"))
        ]
        output = run("local", "status", **changes).stdout
        (node,) = answers[0]["nodes"]
        reached = run("inspect", "--url", f"scylla://{node['contact_point']}/system_auth", **changes)
    finally:
        stopped = run("local", "stop", **changes)
    after = document_in(run("local", "status", "--json", **changes).stdout)

    assert [(True, True), (True, False), (True, False)] == [
        (answer["running"], answer["started_now"]) for answer in answers
    ]
    assert node["contact_point"] in output
    assert 0 == reached.returncode
    assert (0, False) == (stopped.returncode, after["running"])
    assert "Stopped Cassandra" in stopped.stdout
    assert [] == processes_in(tmp_path)


def test_these_tests_look_at_real_processes():
    """The process of this test is found by its command line."""
    assert str(os.getpid()) in [
        entry.name for entry in Path("/proc").iterdir() if _names(entry, Path(sys.argv[0]).name)
    ]
