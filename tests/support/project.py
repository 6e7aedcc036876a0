"""A project on disk with its own models, and the command line run in its folder as a process."""

from __future__ import annotations

from uuid import uuid4

import attrs
import pytest

from support.shell import command, on_a_terminal, run

MODELS = '''
from uuid import UUID

from scyllamodel import Column, Model, clustering_key, column, partition_key, types as cql


class Customer(Model, table="customers"):
    """A customer of the shop."""

    id: Column[UUID] = partition_key()
    email: Column[str] = column(index=True)


class Order(Model, table="orders"):
    """A purchase."""

    customer: Column[UUID] = partition_key()
    placed: Column[cql.TimeUUID] = clustering_key(descending=True)
    status: Column[str] = column(default="new")
'''
DB = """
from scyllamodel import Repo

settings = {settings!r}
repo = Repo(keyspace="{keyspace}", models=["app.models"], **settings)
audit = Repo("audit", keyspace="{keyspace}", models=["app.audit"], **settings)
"""
AUDIT = '''
from uuid import UUID

from scyllamodel import Column, Model, partition_key


class Trace(Model, table="traces", repo="audit"):
    """Who did what."""

    id: Column[UUID] = partition_key()
'''


@attrs.frozen
class App:
    """A project on disk, with its own keyspace, which does not exist yet."""

    folder: object
    keyspace: str
    repo: object

    def run(self, *arguments, **changes):
        """Run a command in the project's folder with its repo."""
        return run(*arguments, folder=self.folder, **{"SCYLLAMODEL_REPOS": "app.db:repo", **changes})

    def on_a_terminal(self, *arguments, **changes):
        """Run a command on a terminal."""
        changes = {"SCYLLAMODEL_REPOS": "app.db:repo", "TERM": "xterm-256color", **changes}
        return on_a_terminal(command(*arguments), self.folder, **changes)

    def write(self, module, text):
        """Write a module of the project."""
        (self.folder / "app" / f"{module}.py").write_text(text, encoding="utf-8")

    def tables(self):
        """The names of the existing tables without the internal ones."""
        query = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s"
        values = [row[0] for row in self.repo.session.execute(query, [self.keyspace])]
        return sorted(name for name in values if not name.startswith("scyllamodel_"))


@pytest.fixture
def app(tmp_path, scylla_cluster):
    """A project with two models; its keyspace is dropped afterwards."""
    keyspace = f"cli_{uuid4().hex[:12]}"
    repo = scylla_cluster.repo(keyspace)
    value = repo.settings
    (dc,) = repo.session.execute("SELECT data_center FROM system.local").one()
    replication = {"class": "NetworkTopologyStrategy", dc: 1}
    settings = {"nodes": list(value.nodes), "local_dc": dc, "replication": replication, "tablets": value.tablets}
    if value.username is not None:
        settings |= {"username": value.username, "password": value.password.reveal()}
    (tmp_path / "app").mkdir()
    project = App(tmp_path, keyspace, repo)
    project.write("__init__", "")
    project.write("models", MODELS)
    project.write("audit", AUDIT)
    project.write("db", DB.format(settings=settings, keyspace=keyspace))
    yield project
    for name in (keyspace, f"{keyspace}_b"):
        repo.session.execute(f"DROP KEYSPACE IF EXISTS {name}", timeout=60)
    repo.close()


@pytest.fixture
def ready(app):
    """A project whose schema is created."""
    result = app.run("migrate", "--create-keyspace", "-q")

    assert (0, "", "") == (result.returncode, result.stdout, result.stderr)
    return app
