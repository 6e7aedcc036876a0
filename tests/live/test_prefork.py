"""A real pre-fork server: the master syncs before it forks, and every worker has its own connection."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request

import pytest

from scyllamodel.local.ports import free_port
from scyllamodel.testing.keyspaces import unique_name

pytestmark = pytest.mark.live

APP = """
import os
from uuid import UUID

from scyllamodel import Column, Model, Repo, partition_key


class Page(Model, table="pages"):
    id: Column[UUID] = partition_key()


repo = Repo(nodes=[{node!r}], keyspace={keyspace!r}, create_keyspace=True)
synced = Model.sync_all(repo)      # in the master, once, before the workers are forked
master = os.getpid()


def app(environ, start_response):
    count = repo.session.execute("SELECT count(*) FROM {keyspace}.pages").one()[0]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{{synced.status}} {{master}} {{os.getpid()}} {{count}}".encode()]
"""


def response_of(address):
    """The server's response; None while it is not up."""
    try:
        with urllib.request.urlopen(address, timeout=10) as response:
            return response.read().decode().split()
    except OSError:
        return []


def answer(address):
    """The server's response once it is up."""
    until = time.monotonic() + 30
    while not (result := response_of(address)) and time.monotonic() < until:
        time.sleep(0.1)
    return result


def test_the_master_syncs_and_the_workers_read(tmp_path, scylla_cluster):
    """With gunicorn --preload there is one sync, and workers respond through connections that they opened."""
    keyspace = unique_name("prefork")
    (tmp_path / "shop_app.py").write_text(APP.format(node=scylla_cluster.contact_points[0], keyspace=keyspace))
    where = f"127.0.0.1:{free_port(['127.0.0.1'])}"
    command = [sys.executable, "-m", "gunicorn", "--preload", "-w", "2", "-b", where, "shop_app:app"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as server:
        results = [answer(f"http://{where}/") for _ in range(4)]
        server.terminate()
        _, messages = server.communicate(timeout=60)
    with scylla_cluster.repo(keyspace) as repo:
        repo.session.execute(f"DROP KEYSPACE {keyspace}", timeout=60)

    assert all(results), messages
    assert {("applied", "0")} == {(fields[0], fields[3]) for fields in results}
    assert {fields[1] for fields in results}.isdisjoint({fields[2] for fields in results})
