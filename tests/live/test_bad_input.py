"""Bad input: the user gets a code, advice and the right exit code, and the schema is unchanged."""

from __future__ import annotations

import signal
import socket
import threading
from itertools import islice
from uuid import uuid4

import pytest

from scyllamodel import inspect
from scyllamodel.local import LocalCluster
from scyllamodel.testing import keyspaces
from support.json_schemas import document_in
from support.servers import login_of
from support.servers import url as address_of
from support.shell import remaining_output, run, start

pytestmark = pytest.mark.live

HEAD = (
    "from uuid import UUID\n"
    "from scyllamodel import Column, MaterializedView, Model, TableOptions, clustering_key, column, partition_key\n"
    "from scyllamodel import types as cql\n"
)
GOOD = HEAD + 'class Thing(Model, table="things"):\n    id: Column[UUID] = partition_key()\n'
LONG = "t" * 60

CASES = {
    "a module with a syntax error": (GOOD + "class Other(Model:\n", 1, "DC101", ["app.models", "cannot be imported"]),
    "two classes for one table": (
        GOOD + 'class Again(Model, table="things"):\n    id: Column[UUID] = partition_key()\n',
        1,
        "DC104",
        ["Thing", "Again", "table="],
    ),
    "a name of 60 characters": (
        HEAD + f'class Thing(Model, table="{LONG}"):\n    id: Column[UUID] = partition_key()\n',
        1,
        "DC101",
        [LONG, "at most 48"],
    ),
    "another key than the table's": (
        HEAD + 'class Kept(Model, table="kept"):\n    other: Column[str] = partition_key()\n',
        3,
        "PL101",
        ["PK101", "kept", "partition key"],
    ),
    "an option that no server knows": (
        HEAD
        + 'class Thing(Model, table="things", options=TableOptions(extra={"compactoin": "x"})):\n'
        + "    id: Column[UUID] = partition_key()\n",
        3,
        "PL101",
        ["OP104", "compactoin", "compaction"],
    ),
    "an option of another server": (
        HEAD
        + 'class Thing(Model, table="things", options=TableOptions(OPTION)):\n'
        + "    id: Column[UUID] = partition_key()\n",
        3,
        "PL101",
        ["OP104", "OPTION"],
    ),
    "a table where a view stands": (
        HEAD + 'class Kept(Model, table="kept_by_name"):\n    id: Column[UUID] = partition_key()\n',
        3,
        "PL101",
        ["NB101", "kept_by_name"],
    ),
    "no models": ("", 1, "DC102", ["no models", "--models"]),
}
FOREIGN_OPTIONS = ('tombstone_gc={"mode": "repair"}', 'read_repair="NONE"')
"""One of them is an option of another server, whichever this one is."""


@pytest.fixture(scope="module")
def keyspace(scylla_cluster):
    """A keyspace with one table and one view."""
    name = f"bad_{uuid4().hex[:12]}"
    with scylla_cluster.repo(name) as repo:
        send = repo.session.execute
        keyspaces.create(repo)
        send(f"CREATE TABLE {name}.kept (id uuid PRIMARY KEY, name text)", timeout=60)
        send(
            f"CREATE MATERIALIZED VIEW {name}.kept_by_name AS SELECT name, id FROM {name}.kept "
            "WHERE name IS NOT NULL AND id IS NOT NULL PRIMARY KEY (name, id)",
            timeout=60,
        )
        yield name
        send(f"DROP KEYSPACE {name}", timeout=120)


def project(folder, text):
    """A package ``app`` with these models."""
    (folder / "app").mkdir(exist_ok=True)
    (folder / "app" / "__init__.py").write_text("", encoding="utf-8")
    (folder / "app" / "models.py").write_text(text, encoding="utf-8")


def url(cluster, keyspace):
    """The address of a keyspace on the cluster."""
    return address_of(cluster, keyspace, models="app.models")


def schema_of(cluster, keyspace):
    """The facts of the keyspace; the schema version changes with any keyspace of the server."""
    with cluster.repo(keyspace) as repo:
        return inspect(repo)[keyspace]


@pytest.mark.parametrize("case", CASES)
def test_bad_models_are_refused_and_nothing_runs(tmp_path, scylla_cluster, keyspace, case, profile):
    """Each mistake has its code, advice and exit code, in text and in JSON, and the schema is unchanged."""
    text, code, error, command = CASES[case]
    foreign = next(option for option in FOREIGN_OPTIONS if option.partition("=")[0] not in profile.table_options)
    command = [word.replace("OPTION", foreign.partition("=")[0]) for word in command]
    project(tmp_path, text.replace("OPTION", foreign))
    before = schema_of(scylla_cluster, keyspace)
    result = run("migrate", "--url", url(scylla_cluster, keyspace), folder=tmp_path)
    document = document_in(run("migrate", "--json", "--url", url(scylla_cluster, keyspace), folder=tmp_path).stdout)

    assert code == result.returncode, result.stderr
    assert [] == [word for word in command if word not in result.stderr]
    assert error == document["code"]
    assert "Traceback" not in result.stderr
    assert before == schema_of(scylla_cluster, keyspace)


SIMPLE = "SimpleStrategy"


@pytest.mark.parametrize(
    ("replication", "code", "command"),
    [
        ({"class": "NetworkTopologyStrategy", "DC": 99}, 1, ["KS102", "99"]),
        ({"class": "NetworkTopologyStrategy", "nowhere": 1}, 1, ["KS105", "nowhere", "DC"]),
        ({"class": SIMPLE, "replication_factor": 1}, 0, ["KS101"]),
    ],
    ids=["factor above the nodes", "unknown data centre", "SimpleStrategy"],
)
def test_questionable_replication(tmp_path, scylla_cluster, profile, data_center, *, replication, code, command):
    """Replication that cannot work is refused with an alternative; unwise replication is created with a warning."""
    replication = {data_center if key == "DC" else key: value for key, value in replication.items()}
    command = [word.replace("DC", data_center) for word in command]
    if profile.refuses_strategy(replication["class"], tablets=None):
        code, command = 1, ["KS104", SIMPLE, "tablets=False"]
    name = f"bad_{uuid4().hex[:12]}"
    project(
        tmp_path,
        GOOD
        + "from scyllamodel import Repo\n"
        + f"repo = Repo(nodes={scylla_cluster.contact_points!r}, keyspace={name!r}, models=['app.models'],\n"
        + f"            replication={replication!r}, **{login_of(scylla_cluster)!r})\n",
    )
    result = run("create-keyspace", "--repo", "app.models:repo", folder=tmp_path)
    with scylla_cluster.repo("system") as repo:
        repo.session.execute(f"DROP KEYSPACE IF EXISTS {name}", timeout=60)

    assert code == result.returncode, result.stderr
    assert [] == [word for word in command if word not in result.stderr + result.stdout]


def test_a_server_that_stops_half_way(tmp_path):
    """The error says how far the run got; once the server is back, the next run creates the rest and nothing twice."""
    tables = 16
    text = 'class T{0}(Model, table="t{0:02}"):\n    id: Column[UUID] = partition_key()\n'
    many = "".join(map(text.format, range(tables)))
    project(tmp_path, HEAD + many)
    with LocalCluster(keep=tmp_path / "kept") as cluster:
        arguments = ("migrate", "--create-keyspace", "--step-timeout", "5", "--agreement-timeout", "10")
        work = start(*arguments, "--url", url(cluster, "shop"), folder=tmp_path)
        first = list(islice((line for line in work.stdout if line.endswith(" ms)\n")), 5))
        cluster.node(1).kill()
        out, err = remaining_output(work)
        executed = len(first) + sum(line.endswith(" ms)") for line in out.splitlines())
        cluster.node(1).start()
        second = run(*arguments, "--json", "--url", url(cluster, "shop"), folder=tmp_path)
        last = run("check", "--url", url(cluster, "shop"), folder=tmp_path)

    assert 6 == work.returncode, err
    assert "Traceback" not in err
    assert "were applied" in err
    assert 0 == second.returncode, second.stdout
    # One statement more than reported may have been applied: the one whose answer was lost.
    assert len(document_in(second.stdout)["steps"]) in {tables + 1 - executed, tables - executed}
    assert 0 == last.returncode


def test_two_at_once(tmp_path, scylla_cluster):
    """Two simultaneous runs on an empty keyspace both succeed, and every table is created once."""
    name = f"bad_{uuid4().hex[:12]}"
    many = "".join(f'class T{n}(Model, table="t{n:02}"):\n    id: Column[UUID] = partition_key()\n' for n in range(12))
    project(tmp_path, HEAD + many)
    answers = []

    def migrate():
        address = f"{url(scylla_cluster, name)}"
        answers.append(run("migrate", "--create-keyspace", "--json", "--url", address, folder=tmp_path))

    threads = [threading.Thread(target=migrate) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with scylla_cluster.repo(name) as repo:
        tables = list(
            repo.session.execute("SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s", [name])
        )
        repo.session.execute(f"DROP KEYSPACE IF EXISTS {name}", timeout=120)

    assert [0, 0] == [answer.returncode for answer in answers], [a.stdout + a.stderr for a in answers]
    assert 12 == len([row for row in tables if not row[0].startswith("scyllamodel_")])


def test_ctrl_c_while_connecting(tmp_path):
    """Ctrl-C during a connection attempt ends with exit code 130 and without a traceback."""
    project(tmp_path, GOOD)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"cassandra://127.0.0.1:{server.getsockname()[1]}/shop?models=app.models"
        work = start("plan", "--url", address, folder=tmp_path)
        connection, _ = server.accept()
        with connection:
            work.send_signal(signal.SIGINT)
            _, err = work.communicate(timeout=30)

    assert 130 == work.returncode, err
    assert "Traceback" not in err
