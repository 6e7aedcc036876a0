"""The commands that read or change the ledger, each in a separate process, on a real server."""

from __future__ import annotations

import json

import pytest

from scyllamodel import Repo
from scyllamodel.driver.cluster.coordinator import choose_coordinator
from scyllamodel.driver.cluster.lwt import LwtClient
from scyllamodel.driver.data.api_base import client_of
from scyllamodel.release.lock import CqlLockStore, Lock, LockRequest
from support.json_schemas import document_in
from support.project import MODELS

pytestmark = pytest.mark.live

NOTE = "\n    note: Column[str | None] = column(default=None, index=True)\n"


def versions(project):
    """The versions in the project's history, newest first."""
    return document_in(project.run("history", "--json").stdout)["versions"]


@pytest.mark.parametrize(("arguments", "kind"), [("status", "status"), ("history", "history"), ("unlock", "unlock")])
def test_a_keyspace_without_history_says_so(app, arguments, kind):
    """Reading an empty history creates nothing, and the documents are valid."""
    app.run("create-keyspace")
    completed, result = app.run(arguments, "--json"), app.run(arguments)

    assert (0, kind) == (completed.returncode, document_in(completed.stdout)["kind"])
    assert 0 == result.returncode
    assert [] == app.tables()


def test_there_and_back(ready):
    """A release, its history, a refused and an allowed rollback, after which start-up checks report the difference."""
    first = versions(ready)[0]["version"]
    ready.write("models", MODELS + NOTE)
    ready.run("migrate", "-q")
    stdout = ready.run("history", "--steps").stdout
    completed = ready.run("rollback", first)
    output = document_in(ready.run("rollback", first, "--allow", "DS103", "--dry-run", "--json").stdout)
    result = document_in(ready.run("rollback", first, "--allow", "DS103:orders.note", "--json").stdout)
    unknown = ready.run("rollback", "7")
    behind = document_in(ready.run("diff", "--from", f"version:{first}", "--to", "models", "--json").stdout)

    assert "ADD note text" in stdout
    assert (3, 1) == (completed.returncode, unknown.returncode)
    assert "DS103" in completed.stderr
    assert ("planned", "rolled_back") == (output["status"], result["status"])
    assert output["cql"] == result["cql"]
    assert ["rollback", "migrate", "migrate"] == [version["kind"] for version in versions(ready)]
    assert ["orders.note"] == [item["object"].partition(".")[2] for item in behind["differences"]][:1]
    assert 2 == ready.run("check").returncode
    assert 1 == ready.run("status", "--json").stdout.count('"applied"')


def test_what_no_model_declares_goes_by_name_alone(ready):
    """Contract drops only the column that is named, and a second time it finds nothing."""
    ready.repo.session.execute(f"ALTER TABLE {ready.keyspace}.orders ADD (legacy text, other text)", timeout=60)
    nothing = ready.run("contract")
    output = ready.run("contract", "--allow", "DS103:orders.legacy", "--dry-run").stdout
    result = document_in(ready.run("contract", "--allow", "DS103:orders.legacy", "--json").stdout)
    second = document_in(ready.run("contract", "--allow", "DS103:orders.legacy", "--json").stdout)

    assert 78 == nothing.returncode
    assert f"ALTER TABLE {ready.keyspace}.orders DROP legacy" in output
    assert [f"ALTER TABLE {ready.keyspace}.orders DROP legacy"] == result["cql"]
    assert ("applied", "in_sync") == (result["status"], second["status"])
    assert "orders.other" in ready.run("check").stdout


def test_a_keyspace_made_by_other_means_is_adopted(ready):
    """Baseline records a version that a rollback can return to, and is refused while something is missing."""
    session = ready.repo.session
    for table in ("migrations", "steps", "verified", "lock"):
        session.execute(f"DROP TABLE {ready.keyspace}.scyllamodel_{table}", timeout=60)
    adopted = document_in(ready.run("baseline", "--json").stdout)
    ready.write("models", MODELS + NOTE)
    result = ready.run("baseline")

    assert [adopted["version"]] == [version["version"] for version in versions(ready)]
    assert "baseline" == versions(ready)[0]["status"]
    assert (78, True) == (result.returncode, "ADD note text" in result.stderr)


def test_a_stopped_version_is_resolved_manually(ready):
    """A complete version needs no resolution; a partial one gets the state that the command names."""
    (version,) = [version["version"] for version in versions(ready)]
    well = ready.run("resolve", version, "--abandoned")
    ready.repo.session.execute(
        f"UPDATE {ready.keyspace}.scyllamodel_migrations SET status = 'partial' "
        f"WHERE scope = '{ready.keyspace}/default' AND version = {version} IF status = 'applied'"
    )
    result = document_in(ready.run("resolve", version, "--abandoned", "--json").stdout)

    assert 1 == well.returncode
    assert "abandoned" == result["versions"][0]["status"] == versions(ready)[0]["status"]


def test_a_lock_is_taken_from_the_dead_at_once_when_forced(ready):
    """Status shows the lock holder; migrate waits for it and exits with 5; unlock --force releases the lock."""
    settings = ready.repo.settings
    with Repo(nodes=settings.nodes, keyspace=ready.keyspace) as repo:
        store = CqlLockStore(
            LwtClient(choose_coordinator(client_of(repo).connection())), ready.keyspace, ready.keyspace
        )
        with Lock(store, LockRequest("a test")).acquire():
            ready.write("models", MODELS + NOTE)
            busy = ready.run("migrate", "--lock-timeout", "0.5", "--json")
            lease = document_in(ready.run("status", "--json").stdout)["lock"]
            freed = document_in(ready.run("unlock", "--force", "--json").stdout)
            result = ready.run("migrate")

    assert (5, "AP104") == (busy.returncode, json.loads(busy.stdout)["code"])
    assert "a test" == lease["purpose"] == freed["taken_from"]["purpose"]
    assert 0 == result.returncode
