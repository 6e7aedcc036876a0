"""The commands around a refused change, each in a separate process, on a real server."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest

from support.json_schemas import document_in
from support.project import MODELS
from support.shell import command

pytestmark = pytest.mark.live

TOTAL = "\n    total: Column[int | None] = column(default=None)\n"
DECIMAL = TOTAL.replace("int", "Decimal")
BOTH = TOTAL + DECIMAL.replace("total", "total_2")
HEAD = "from decimal import Decimal\nfrom time import sleep\n"
SLOWLY = """

def slowly(value):
    sleep(0.02)
    return Decimal(value)


def never(value):
    raise ValueError("no")
"""


def sold(app, models):
    """The project with these models and 100 orders with a total."""
    app.write("models", HEAD + MODELS + models)
    app.run("migrate", "--create-keyspace", "-q")
    query = f"INSERT INTO {app.keyspace}.orders (customer, placed, total) VALUES (uuid(), now(), %s)"
    for number in range(100):
        app.repo.session.execute(query, [number])
    return app


@pytest.fixture
def expanded(app):
    """The project after the expand stage: it has both columns."""
    return sold(app, BOTH + SLOWLY)


def totals(project):
    """The values of the new column."""
    rows = project.repo.session.execute(f"SELECT total_2 FROM {project.keyspace}.orders")
    return sorted(int(row[0]) for row in rows if row[0] is not None)


def test_a_refused_change_leads_to_its_expand_plan(app):
    """The plan refuses the change and names the command that prints its expand plan."""
    sold(app, TOTAL).write("models", HEAD + MODELS + DECIMAL)
    completed = app.run("plan")
    result = app.run("plan", "--expand", "Order.total")
    document = document_in(app.run("plan", "--expand", "orders.total", "--json").stdout)
    nothing = app.run("plan", "--expand", "Order.status")

    assert 3 == completed.returncode
    assert "scyllamodel plan --expand orders.total" in completed.stdout
    assert 0 == result.returncode
    assert "## 3. Backfill" in result.stdout
    assert ["expand", "write both", "backfill", "switch", "contract"] == [s["name"] for s in document["stages"]]
    assert 78 == nothing.returncode
    assert "Nothing of Order.status is refused" in nothing.stderr


def test_it_is_tried_and_done(expanded):
    """A dry run writes nothing; the run reports what it did; a second run has nothing to do."""
    arguments = ("backfill", "Order.total", "--into", "total_2", "--convert", "decimal:Decimal")
    tried = expanded.run(*arguments, "--dry-run")
    before = totals(expanded)
    result = expanded.run(*arguments)
    second = document_in(expanded.run(*arguments, "--json").stdout)

    assert (0, []) == (tried.returncode, before)
    assert "100 rows read, 100 would be written" in tried.stdout
    assert (0, list(range(100))) == (result.returncode, totals(expanded))
    assert "orders.total -> orders.total_2: 100 rows read, 100 written, 0 with nothing to copy" in result.stdout
    assert (True, 100, 100) == (second["finished"], second["rows_in"], second["rows_out"])


def test_rows_that_fail_are_listed(expanded):
    """Failed rows are listed by key, and the exit code says that the command can be repeated."""
    arguments = ("backfill", "Order.total", "--into", "total_2", "--convert", "app.models:never")
    failed, document = expanded.run(*arguments), document_in(expanded.run(*arguments, "--json").stdout)

    assert 6 == failed.returncode
    assert "! customer=UUID(" in failed.stderr
    assert "and 80 more" in failed.stderr
    assert "BF101" in failed.stderr
    assert ("BF101", 100, False) == (document["code"], document["report"]["failed"], document["report"]["finished"])


def test_it_stops_on_request_and_resumes(expanded):
    """SIGTERM stops a backfill at once, and the same command copies the rest."""
    arguments = ("backfill", "Order.total", "--into", "total_2", "--convert", "app.models:slowly")
    environ = {**os.environ, "SCYLLAMODEL_REPOS": "app.db:repo"}
    process = subprocess.Popen(
        command(*arguments), cwd=expanded.folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and len(totals(expanded)) < 5:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    count = len(totals(expanded))
    rest = document_in(expanded.run(*arguments, "--json").stdout)

    assert 6 == process.returncode
    assert "Traceback" not in err
    assert "of 1,024 ranges are copied. The same command resumes from there." in err
    assert 5 <= count < 100
    assert (True, 100) == (rest["finished"], rest["rows_in"])
    assert list(range(100)) == totals(expanded)


def test_a_terminal_shows_how_far_it_is(expanded):
    """A terminal shows the numbers of rows read and of ranges."""
    arguments = ("backfill", "Order.total", "--into", "total_2", "--convert", "decimal:Decimal")
    output = expanded.on_a_terminal(*arguments)

    assert "rows read" in str(output)
    assert "1024" in str(output)


WRONG = [
    (("--convert", "decimal:Nothing"), 78, "Nothing"),
    (("--convert", "app.db:settings"), 64, "not a function"),
    (("--rate", "0"), 64, "not a positive number of rows"),
    (("--consistency", "MOST", "--convert", "decimal:Decimal"), 78, "unknown consistency level 'MOST'"),
    ((), 78, "pass convert="),
]


def test_errors_are_reported(expanded):
    """A wrong argument and a wrong setting each have their message and exit code."""
    for arguments, code, messages in WRONG:
        result = expanded.run("backfill", "Order.total", "--into", "total_2", *arguments)

        assert (code, "") == (result.returncode, result.stdout)
        assert messages in result.stderr
        assert "Traceback" not in result.stderr


def test_names_of_models_are_enough_without_a_repo_of_their_own(expanded):
    """``--url`` with models is enough; no configured repo is needed."""
    node = expanded.repo.settings.nodes[0]
    url = f"scylla://{node}/{expanded.keyspace}?models=app.models"
    result = expanded.run("backfill", "orders.total", "--into", "orders.total_2", "--convert", "decimal:Decimal",
                        "--url", url, SCYLLAMODEL_REPOS="")  # fmt: skip

    assert (0, list(range(100))) == (result.returncode, totals(expanded))
